// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Types, one by one, without following what they refer to: `btf_check_all_metas()`, and the
//! function `btf_*_check_meta()` of each kind.

use std::borrow::Cow;

use splitbtf::raw::wire;
use splitbtf::raw::Record;
use splitbtf::raw::Word;
use splitbtf::raw::HEAD;
use zerocopy::ByteOrder;
use zerocopy::FromBytes;
use zerocopy::IntoBytes;

use super::names::Name;
use super::names::Strings;
use super::ParseError;

/// `BTF_MAX_TYPE` of `include/uapi/linux/btf.h`: the first id that is too large for a type, and the
/// largest that a type may refer to.
const MAX_TYPE: u32 = 0xf_ffff;

/// `BTF_KIND_MAX` of 7.3.
const MAX_KIND: u8 = wire::ENUM64;

/// The most bits that an INT may have, with its offset.
const MAX_BITS: u32 = 128;

/// The bits of an INT's word that have a meaning.
const INT_MASK: u32 = 0x0fff_ffff;

/// The largest `enum btf_func_linkage` that the kernel takes: `BTF_FUNC_GLOBAL`.
const FUNC_GLOBAL: u32 = 1;

/// The largest linkage of a VAR that the kernel takes: `BTF_VAR_GLOBAL_ALLOCATED`.
const VAR_GLOBAL_ALLOCATED: u32 = 1;

const TRUNCATED: &str = "meta_left is less than meta_needed";
const INVALID_NAME: &str = "Invalid name";
const INVALID_TYPE: &str = "Invalid type_id";

/// Nothing, or the message of C's log.
type Check = Result<(), Cow<'static, str>>;

/// Checks the types of a type section. `first_id` is the id of the first.
///
/// # Errors
///
/// The first type with an error.
pub(super) fn check<O: ByteOrder>(
    types: &[u8],
    first_id: u32,
    strings: &Strings<'_, O>,
) -> Result<(), ParseError> {
    let words = <[Word<O>]>::ref_from_prefix_with_elems(types, types.len() / size_of::<Word<O>>());
    let (mut rest, fraction) = words.unwrap_or((&[], types));
    let mut id = first_id;

    while !rest.is_empty() || !fraction.is_empty() {
        let after = first_of(rest, strings).and_then(|rest| match id {
            MAX_TYPE.. => Err((None, "Exceeded max num of types".into())),
            _ => Ok(rest),
        });
        rest = after.map_err(|(ty, reason)| ParseError {
            id: Some(id),
            ty,
            reason,
        })?;
        id = id.saturating_add(1);
    }
    Ok(())
}

/// The kind and the name of a type with an error, if these are known, and the message.
type Fault = (Option<(&'static str, String)>, Cow<'static, str>);

/// Checks the first of these types; returns the others.
fn first_of<'a, O: ByteOrder>(
    words: &'a [Word<O>],
    strings: &Strings<'_, O>,
) -> Result<&'a [Word<O>], Fault> {
    let unnamed = |reason| (None, reason);
    let truncated = || unnamed(TRUNCATED.into());
    let head = words.get(..HEAD).ok_or_else(truncated)?;
    let head = wire::Type::<O>::ref_from_bytes(head.as_bytes()).map_err(|_| truncated())?;
    let kind = head.kind();
    let name_off = head.name_off.get();
    let kind_name = wire::kind_name(kind)
        .filter(|_| kind <= MAX_KIND)
        .ok_or_else(|| unnamed(format!("Invalid kind:{kind}").into()))?;
    let name = strings
        .at(name_off)
        .ok_or_else(|| unnamed(format!("Invalid name_offset:{name_off}").into()))?;

    let checked = match Record::split(words, &[]) {
        Ok((record, rest)) => Meta {
            record,
            name,
            strings,
        }
        .check()
        .map(|()| rest),
        Err(_) => Err(TRUNCATED.into()),
    };
    checked.map_err(|reason| (Some((kind_name, strings.shown(name_off))), reason))
}

/// A type whose name exists.
struct Meta<'a, O: ByteOrder> {
    record: Record<'a, O>,
    name: Name<'a>,
    strings: &'a Strings<'a, O>,
}

impl<O: ByteOrder> Meta<'_, O> {
    fn check(&self) -> Check {
        match self.record.head.kind() {
            wire::INT => self.check_int(),
            wire::ARRAY => self.check_array(),
            wire::STRUCT | wire::UNION => self.check_composite(),
            wire::ENUM | wire::ENUM64 => self.check_enum(),
            wire::FWD => self.check_fwd(),
            wire::FUNC => self.check_func(),
            wire::FUNC_PROTO => self.check_func_proto(),
            wire::VAR => self.check_var(),
            wire::DATASEC => self.check_datasec(),
            wire::FLOAT => self.check_float(),
            wire::DECL_TAG => self.check_decl_tag(),
            _ => self.check_reference(),
        }
    }

    fn check_int(&self) -> Check {
        self.has_no_vlen()?;
        self.has_no_flag()?;
        let data = self.data(0);
        if data & !INT_MASK != 0 {
            return Err(format!("Invalid int_data:{data:x}").into());
        }
        let [bits, _, offset, encoding] = data.to_le_bytes();
        let bits = u32::from(bits) + u32::from(offset);
        ensure(bits <= MAX_BITS, "nr_bits exceeds 128")?;
        ensure(bits.div_ceil(8) <= self.size(), "nr_bits exceeds type_size")?;
        // None, or one of BTF_INT_SIGNED, BTF_INT_CHAR and BTF_INT_BOOL.
        ensure(matches!(encoding, 0 | 1 | 2 | 4), "Unsupported encoding")
    }

    /// PTR, typedefs and modifiers.
    fn check_reference(&self) -> Check {
        let kind = self.record.head.kind();

        self.has_no_vlen()?;
        if kind != wire::TYPE_TAG {
            self.has_no_flag()?;
        }
        ensure(is_id(self.size_or_type()), INVALID_TYPE)?;
        match kind {
            wire::TYPEDEF => self.has_identifier(),
            wire::TYPE_TAG => ensure(!self.name.is_empty(), INVALID_NAME),
            _ => self.has_no_name(),
        }
    }

    fn check_array(&self) -> Check {
        self.has_no_name()?;
        self.has_no_vlen()?;
        self.has_no_flag()?;
        ensure(self.size() == 0, "size != 0")?;
        ensure(is_id_of_data(self.data(0)), "Invalid elem")?;
        ensure(is_id_of_data(self.data(1)), "Invalid index")
    }

    fn check_composite(&self) -> Check {
        self.has_identifier_or_none()?;
        let mut last = 0;
        for member in self.elements() {
            last = self.check_member(member, last)?;
        }
        Ok(())
    }

    /// Checks a member of a struct or union, after one at the offset `last`. Returns its offset in
    /// bits.
    fn check_member(
        &self,
        [name_off, ty, offset]: [u32; 3],
        last: u32,
    ) -> Result<u32, Cow<'static, str>> {
        let offset = match self.record.head.kind_flag() {
            true => offset & wire::BIT_OFFSET,
            false => offset,
        };
        let is_union = self.record.head.kind() == wire::UNION;
        let error = |message| format!("member {}: {message}", self.strings.shown(name_off));

        let name = self
            .strings
            .at(name_off)
            .ok_or_else(|| format!("Invalid member name_offset:{name_off}"))?;
        let fault = if name_off != 0 && !name.is_identifier() {
            INVALID_NAME
        } else if !is_id_of_data(ty) {
            INVALID_TYPE
        } else if (is_union && offset != 0) || last > offset {
            "Invalid member bits_offset"
        } else if offset.div_ceil(8) > self.size() {
            "Member bits_offset exceeds its struct size"
        } else {
            return Ok(offset);
        };
        Err(error(fault).into())
    }

    fn check_enum(&self) -> Check {
        ensure(matches!(self.size(), 1 | 2 | 4 | 8), "Unexpected size")?;
        self.has_identifier_or_none()?;
        for name_off in self.record.elem_names() {
            let name = self
                .strings
                .at(name_off)
                .ok_or_else(|| format!("Invalid name_offset:{name_off}"))?;
            if !name.is_identifier() {
                let name = self.strings.shown(name_off);
                return Err(format!("value {name}: {INVALID_NAME}").into());
            }
        }
        Ok(())
    }

    fn check_fwd(&self) -> Check {
        self.has_no_vlen()?;
        ensure(self.size_or_type() == 0, "type != 0")?;
        self.has_identifier()
    }

    fn check_func(&self) -> Check {
        self.has_identifier()?;
        ensure(
            self.record.head.vlen() <= FUNC_GLOBAL,
            "Invalid func linkage",
        )?;
        self.has_no_flag()
    }

    fn check_func_proto(&self) -> Check {
        self.has_no_name()?;
        self.has_no_flag()
    }

    fn check_var(&self) -> Check {
        self.has_no_vlen()?;
        self.has_no_flag()?;
        self.has_identifier()?;
        ensure(is_id_of_data(self.size_or_type()), INVALID_TYPE)?;
        ensure(
            self.data(0) <= VAR_GLOBAL_ALLOCATED,
            "Linkage not supported",
        )
    }

    fn check_datasec(&self) -> Check {
        ensure(self.size() != 0, "size == 0")?;
        self.has_no_flag()?;
        ensure(self.name.is_section(), INVALID_NAME)?;

        let (mut last_end, mut sum) = (0, 0u64);
        for [ty, offset, size] in self.elements() {
            let error = |message| format!("variable of type {ty}: {message}");
            // C adds these as 32-bit numbers.
            let end = offset.wrapping_add(size);
            let fault = if !is_id_of_data(ty) {
                INVALID_TYPE
            } else if offset < last_end || offset >= self.size() {
                "Invalid offset"
            } else if size == 0 || size > self.size() {
                "Invalid size"
            } else if end > self.size() {
                "Invalid offset+size"
            } else {
                last_end = end;
                sum = sum.saturating_add(size.into());
                continue;
            };
            return Err(error(fault).into());
        }
        ensure(sum <= self.size().into(), "Invalid btf_info size")
    }

    fn check_float(&self) -> Check {
        self.has_no_vlen()?;
        self.has_no_flag()?;
        let is_size = matches!(self.size(), 2 | 4 | 8 | 12 | 16);
        ensure(is_size, "Invalid type_size")
    }

    fn check_decl_tag(&self) -> Check {
        ensure(!self.name.is_empty(), "Invalid value")?;
        self.has_no_vlen()?;
        // -1 is the type itself.
        let component = self.data(0).cast_signed();
        ensure(component >= -1, "Invalid component_idx")
    }

    fn has_no_vlen(&self) -> Check {
        ensure(self.record.head.vlen() == 0, "vlen != 0")
    }

    fn has_no_flag(&self) -> Check {
        ensure(!self.record.head.kind_flag(), "Invalid btf_info kind_flag")
    }

    fn has_no_name(&self) -> Check {
        ensure(self.record.head.name_off.get() == 0, INVALID_NAME)
    }

    fn has_identifier(&self) -> Check {
        ensure(self.name.is_identifier(), INVALID_NAME)
    }

    fn has_identifier_or_none(&self) -> Check {
        self.has_no_name().or_else(|_| self.has_identifier())
    }

    /// The size in bytes.
    fn size(&self) -> u32 {
        self.size_or_type()
    }

    fn size_or_type(&self) -> u32 {
        self.record.head.size_or_type.get()
    }

    /// A word after the first three.
    fn data(&self, n: usize) -> u32 {
        self.record.data.get(n).map_or(0, |word| word.get())
    }

    /// The members or variables.
    fn elements<const N: usize>(&self) -> impl Iterator<Item = [u32; N]> + '_ {
        let elements = self.record.elems.chunks_exact(N);

        elements.filter_map(|words| {
            words
                .first_chunk()
                .map(|words| words.map(|word| word.get()))
        })
    }
}

fn ensure(holds: bool, message: &'static str) -> Check {
    match holds {
        true => Ok(()),
        false => Err(message.into()),
    }
}

/// Whether a type can have this id.
fn is_id(id: u32) -> bool {
    id <= MAX_TYPE
}

/// Whether a type other than `void` can have this id.
fn is_id_of_data(id: u32) -> bool {
    id != 0 && is_id(id)
}
