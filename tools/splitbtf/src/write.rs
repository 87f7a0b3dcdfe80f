// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Writes BTF.

use alloc::vec;
use alloc::vec::Vec;
use core::mem::size_of_val;

use hashbrown::HashMap;
use splitbtf_core::raw::first_eight;
use splitbtf_core::raw::index;
use splitbtf_core::raw::rewrite;
use splitbtf_core::raw::wire;
use splitbtf_core::raw::Sections;
use splitbtf_core::raw::Word;
use zerocopy::byteorder::U32;
use zerocopy::ByteOrder;
use zerocopy::FromBytes;
use zerocopy::IntoBytes;

use crate::Btf;
use crate::Error;
use crate::Index;
use crate::Int;
use crate::TypeName;
use crate::TypeReason;

/// A member of a struct or a union, for a [`Builder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewMember<'n> {
    /// Its name, empty for none.
    pub name: &'n [u8],
    /// The id of its type.
    pub ty: u32,
    /// Its offset in bits.
    pub bit_offset: u32,
    /// The width of a bit-field in bits; 0 for other members.
    pub bitfield_bits: u8,
}

/// Writes BTF.
///
/// Types get ids in the order in which they are added, and may refer to types that are added later.
/// Each name is written once, and a name that is the end of another shares its bytes. References are
/// not checked: [validate](Btf::validate) the result.
///
/// The first error is kept until [`Builder::finish`].
///
/// # Examples
///
/// ```
/// use splitbtf::Builder;
/// use splitbtf::Int;
/// use splitbtf::Owned;
/// use splitbtf::LE;
///
/// let mut builder = Builder::<LE>::new();
/// let int = builder.int(b"int", Int::signed(4));
/// builder.typedef(b"s32", int);
///
/// let file = Owned::<LE>::new(builder.finish()?, None)?;
/// assert_eq!(file.btf().end_id(), 3);
/// # Ok::<(), splitbtf::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Builder<O: ByteOrder> {
    header: Vec<u8>,
    words: Vec<Word<O>>,
    first_id: u32,
    next_id: u32,
    layout: Vec<wire::Layout<O>>,
    /// The strings that exist from the start.
    strings: Vec<u8>,
    /// The offset after them. Until `finish()`, the `n`th added string has this offset plus `n`.
    end_string: u32,
    known: HashMap<Vec<u8>, u32>,
    added: Vec<Vec<u8>>,
    /// The name of the type that is being added.
    adding: TypeName,
    /// The first error.
    error: Option<Error>,
}

impl<O: ByteOrder> Default for Builder<O> {
    fn default() -> Self {
        Self::new()
    }
}

impl<O: ByteOrder> Builder<O> {
    /// BTF without a base, with the header of kernels before 7.3, which all programs can read.
    pub fn new() -> Self {
        Self::empty(1, vec![0], 1)
    }

    /// BTF that is split on `base`. Names of the base's types are not written again.
    ///
    /// # Errors
    ///
    /// If a type of the base has a name that does not exist.
    pub fn split_on<I: Index>(base: &Btf<'_, O, I>) -> Result<Self, Error> {
        let mut builder = Self::empty(base.end_id(), vec![], base.end_string());

        for id in 1..base.end_id() {
            let name_off = base.get(id)?.name_off;
            let name = base.string(name_off)?;
            builder.known.entry(name.into()).or_insert(name_off);
        }
        Ok(builder)
    }

    /// BTF with the header, the layout and the strings of `btf`, on the same base, but no types yet.
    /// After [copying](Self::copy) all types of `btf` it gives the same bytes, if `btf` has nothing
    /// between its sections, and has them in the usual order: types, layout, strings.
    ///
    /// # Errors
    ///
    /// Those of [`Btf::open`]; [`Error::HeaderField`] if the header has fields that this crate does
    /// not know.
    pub fn like<I: Index>(btf: &Btf<'_, O, I>) -> Result<Self, Error> {
        let sections = Sections::<O>::find(btf.bytes())?;

        if let Some(offset) = sections.unknown {
            return Err(Error::HeaderField { offset });
        }
        Ok(Self {
            header: sections.header.to_vec(),
            layout: sections.layout.to_vec(),
            ..Self::empty(btf.first_id(), sections.strings.to_vec(), btf.end_string())
        })
    }

    fn empty(first_id: u32, strings: Vec<u8>, end_string: u32) -> Self {
        Self {
            header: wire::Header::<O>::new().as_bytes().to_vec(),
            words: vec![],
            first_id,
            next_id: first_id,
            layout: vec![],
            strings,
            end_string,
            known: HashMap::new(),
            added: vec![],
            adding: TypeName::default(),
            error: None,
        }
    }

    /// The id of the next type.
    pub fn next_id(&self) -> u32 {
        self.next_id
    }

    /// Adds a type of the BTF that this one is [like](Self::like), of any kind, as it is.
    ///
    /// # Errors
    ///
    /// If `btf` has no such type.
    pub fn copy<I: Index>(&mut self, btf: &Btf<'_, O, I>, id: u32) -> Result<u32, Error> {
        let record = btf.record(id)?;
        let head = <[Word<O>]>::ref_from_bytes(record.head.as_bytes());

        self.words.extend_from_slice(head.unwrap_or_default());
        self.words.extend_from_slice(record.data);
        self.words.extend_from_slice(record.elems);
        Ok(self.added())
    }

    /// Adds an integer. This and the following methods return the type's id.
    pub fn int(&mut self, name: &[u8], int: Int) -> u32 {
        let data = u32::from_be_bytes([int.encoding, int.offset, 0, int.bits]);

        self.add(wire::INT, false, name, int.size, &[data])
    }

    /// Adds a pointer to a type.
    pub fn ptr(&mut self, to: u32) -> u32 {
        self.add(wire::PTR, false, b"", to, &[])
    }

    /// Adds an array of `nelems` elements.
    pub fn array(&mut self, elem: u32, index: u32, nelems: u32) -> u32 {
        self.add(wire::ARRAY, false, b"", 0, &[elem, index, nelems])
    }

    /// Adds a struct of `size` bytes.
    pub fn structure(&mut self, name: &[u8], size: u32, members: &[NewMember<'_>]) -> u32 {
        self.composite(wire::STRUCT, name, size, members)
    }

    /// Adds a union of `size` bytes.
    pub fn union(&mut self, name: &[u8], size: u32, members: &[NewMember<'_>]) -> u32 {
        self.composite(wire::UNION, name, size, members)
    }

    fn composite(&mut self, kind: u8, name: &[u8], size: u32, members: &[NewMember<'_>]) -> u32 {
        let bitfields = members.iter().any(|member| member.bitfield_bits != 0);

        self.add_all(kind, bitfields, name, size, members, |this, member| {
            if bitfields && member.bit_offset > wire::BIT_OFFSET {
                this.fail(kind, TypeReason::BitOffset);
            }
            let bits = u32::from(member.bitfield_bits).wrapping_shl(24);
            [
                this.name(kind, member.name),
                member.ty,
                member.bit_offset | bits,
            ]
        })
    }

    /// Adds an enumeration of `size` bytes with values of 32 bits.
    pub fn enumeration(
        &mut self,
        name: &[u8],
        size: u32,
        signed: bool,
        values: &[(&[u8], i32)],
    ) -> u32 {
        self.add_all(
            wire::ENUM,
            signed,
            name,
            size,
            values,
            |this, (name, val)| [this.name(wire::ENUM, name), *val as u32],
        )
    }

    /// Adds an enumeration of `size` bytes with values of 64 bits.
    pub fn enumeration64(
        &mut self,
        name: &[u8],
        size: u32,
        signed: bool,
        values: &[(&[u8], i64)],
    ) -> u32 {
        self.add_all(
            wire::ENUM64,
            signed,
            name,
            size,
            values,
            |this, (name, val)| {
                let name = this.name(wire::ENUM64, name);
                [name, *val as u32, (*val >> 32) as u32]
            },
        )
    }

    /// Adds a forward declaration of a struct, or of a union.
    pub fn fwd(&mut self, name: &[u8], is_union: bool) -> u32 {
        self.add(wire::FWD, is_union, name, 0, &[])
    }

    /// Adds another name for a type.
    pub fn typedef(&mut self, name: &[u8], ty: u32) -> u32 {
        self.add(wire::TYPEDEF, false, name, ty, &[])
    }

    /// Adds a type, `volatile`.
    pub fn volatile(&mut self, ty: u32) -> u32 {
        self.add(wire::VOLATILE, false, b"", ty, &[])
    }

    /// Adds a type, `const`.
    pub fn constant(&mut self, ty: u32) -> u32 {
        self.add(wire::CONST, false, b"", ty, &[])
    }

    /// Adds a type, `restrict`.
    pub fn restrict(&mut self, ty: u32) -> u32 {
        self.add(wire::RESTRICT, false, b"", ty, &[])
    }

    /// Adds a function with its FUNC_PROTO and one of `BTF_FUNC_*`.
    pub fn func(&mut self, name: &[u8], proto: u32, linkage: u32) -> u32 {
        let vlen = usize::try_from(linkage).unwrap_or(usize::MAX);
        let name = self.type_name(wire::FUNC, name);

        self.head(wire::FUNC, false, name, vlen, proto);
        self.added()
    }

    /// Adds the prototype of a function: the type of its result, and names and types of its
    /// parameters.
    pub fn func_proto(&mut self, returns: u32, params: &[(&[u8], u32)]) -> u32 {
        let kind = wire::FUNC_PROTO;

        self.add_all(kind, false, b"", returns, params, |this, (name, ty)| {
            [this.name(kind, name), *ty]
        })
    }

    /// Adds a variable with one of `BTF_VAR_*`.
    pub fn var(&mut self, name: &[u8], ty: u32, linkage: u32) -> u32 {
        self.add(wire::VAR, false, name, ty, &[linkage])
    }

    /// Adds a section of `size` bytes with the VARs, offsets and sizes of its variables.
    pub fn datasec(&mut self, name: &[u8], size: u32, vars: &[(u32, u32, u32)]) -> u32 {
        self.add_all(wire::DATASEC, false, name, size, vars, |_, var| {
            [var.0, var.1, var.2]
        })
    }

    /// Adds a floating-point number of `size` bytes.
    pub fn float(&mut self, name: &[u8], size: u32) -> u32 {
        self.add(wire::FLOAT, false, name, size, &[])
    }

    /// Adds a tag of a declaration. If `component` is not -1, it is the number of the tagged member or
    /// parameter.
    pub fn decl_tag(&mut self, value: &[u8], ty: u32, component: i32) -> u32 {
        self.add(wire::DECL_TAG, false, value, ty, &[component as u32])
    }

    /// Adds a tag of a type.
    pub fn type_tag(&mut self, value: &[u8], ty: u32) -> u32 {
        self.add(wire::TYPE_TAG, false, value, ty, &[])
    }

    /// Adds a type without elements.
    fn add(&mut self, kind: u8, flag: bool, name: &[u8], arg: u32, data: &[u32]) -> u32 {
        let name = self.type_name(kind, name);

        self.head(kind, flag, name, 0, arg);
        self.words.extend(data.iter().copied().map(U32::new));
        self.added()
    }

    /// Adds a type with elements. `words` gives the words of each.
    fn add_all<T, const N: usize>(
        &mut self,
        kind: u8,
        flag: bool,
        name: &[u8],
        arg: u32,
        elems: &[T],
        mut words: impl FnMut(&mut Self, &T) -> [u32; N],
    ) -> u32 {
        let name = self.type_name(kind, name);

        self.head(kind, flag, name, elems.len(), arg);
        for elem in elems {
            let words = words(self, elem);
            self.words.extend(words.map(U32::new));
        }
        self.added()
    }

    fn head(&mut self, kind: u8, flag: bool, name_off: u32, vlen: usize, size_or_type: u32) {
        let vlen = u32::try_from(vlen).unwrap_or(u32::MAX);
        if vlen > wire::VLEN {
            self.fail(kind, TypeReason::TooManyElements);
        }
        let flag = if flag { wire::KIND_FLAG } else { 0 };
        let info = flag | u32::from(kind) << wire::KIND_SHIFT | vlen & wire::VLEN;

        self.words
            .extend([name_off, info, size_or_type].map(U32::new));
    }

    /// Counts the type that has been added, and returns its id.
    fn added(&mut self) -> u32 {
        let id = self.next_id;

        match id.checked_add(1) {
            Some(next) => self.next_id = next,
            None => self.error = self.error.or(Some(Error::TooMany)),
        }
        id
    }

    /// [`Builder::name`] for a type's own name.
    fn type_name(&mut self, kind: u8, name: &[u8]) -> u32 {
        self.adding = TypeName::new(name);
        self.name(kind, name)
    }

    /// A provisional offset for a name, which [`Builder::finish`] replaces. The name belongs to a type
    /// of this kind.
    fn name(&mut self, kind: u8, name: &[u8]) -> u32 {
        if name.is_empty() {
            return 0;
        }
        if name.contains(&0) {
            self.fail(kind, TypeReason::NulInName);
            return 0;
        }
        if let Some(offset) = self.known.get(name) {
            return *offset;
        }
        let n = u32::try_from(self.added.len()).ok();
        let Some(offset) = n.and_then(|n| self.end_string.checked_add(n)) else {
            self.error = self.error.or(Some(Error::TooMany));
            return 0;
        };
        self.added.push(name.into());
        self.known.insert(name.into(), offset);
        offset
    }

    /// Notes a fault of the type that is being added, if it is the first.
    fn fail(&mut self, kind: u8, reason: TypeReason) {
        let offset = size_of_val(self.words.as_slice());
        let error = Error::Type {
            id: self.next_id,
            kind,
            name: self.adding,
            offset: u32::try_from(offset).unwrap_or(u32::MAX),
            reason,
        };

        self.error = self.error.or(Some(error));
    }

    /// Finishes the BTF, and returns its bytes.
    ///
    /// # Errors
    ///
    /// - [`Error::Type`] for the first type that BTF cannot express: with a NUL in a name, with more
    ///   than 2^24 - 1 elements, or with bit-fields and a member at an offset of more than 24 bits.
    /// - [`Error::TooMany`] if the result is longer than 32 bits can count.
    pub fn finish(mut self) -> Result<Vec<u8>, Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let (offsets, added) = share_ends(&self.added);
        let end_string = self.end_string;
        let name = |offset: u32| {
            let n = offset.checked_sub(end_string);
            match n.and_then(|n| offsets.get(index(n))) {
                Some(new) => end_string.saturating_add(*new),
                None => offset,
            }
        };

        rewrite(
            &mut self.words,
            &self.layout,
            self.first_id,
            |id| id,
            name,
            || {},
        )?;
        self.strings.extend(added);
        to_bytes(&self.header, &self.words, &self.layout, &self.strings).ok_or(Error::TooMany)
    }
}

/// A file of these sections. `None` if a length does not fit into the header.
pub(crate) fn to_bytes<O: ByteOrder>(
    header: &[u8],
    types: &[Word<O>],
    layout: &[wire::Layout<O>],
    strings: &[u8],
) -> Option<Vec<u8>> {
    let sections = Sections {
        header,
        types,
        strings,
        layout,
        unknown: None,
    };
    let mut bytes = header.to_vec();

    sections.set_header(&mut bytes, 0, 0)?;
    bytes.extend(types.as_bytes());
    bytes.extend(layout.as_bytes());
    bytes.extend(strings);
    Some(bytes)
}

/// Concatenates strings, each with a NUL at its end. A string that is the end of another shares its
/// bytes. Returns the offset of each, and the bytes.
pub(crate) fn share_ends<S: AsRef<[u8]>>(strings: &[S]) -> (Vec<u32>, Vec<u8>) {
    let order = (0..).zip(strings.iter().map(AsRef::as_ref));
    let mut order: Vec<_> = order
        .map(|(n, string): (usize, &[u8])| (first_eight(string.iter().rev()), string, n))
        .collect();
    let mut offsets = vec![0; strings.len()];
    let mut bytes = vec![];
    let mut last: &[u8] = &[];

    // Sorted by their reversed bytes, downwards: a string comes right after one that ends with it.
    order.sort_unstable_by(|(a_end, a, _), (b_end, b, _)| {
        b_end
            .cmp(a_end)
            .then_with(|| b.iter().rev().cmp(a.iter().rev()))
    });
    for (_, string, n) in order {
        if last.is_empty() || !last.ends_with(string) {
            bytes.extend(string);
            bytes.push(0);
            last = string;
        }
        let back = string.len().saturating_add(1);
        let offset = bytes.len().saturating_sub(back);
        if let Some(slot) = offsets.get_mut(n) {
            *slot = u32::try_from(offset).unwrap_or(u32::MAX);
        }
    }
    (offsets, bytes)
}

#[cfg(test)]
mod tests;
