// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Writing BTF.

use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashMap;
use splitbtf_core::raw::first_eight;
use splitbtf_core::raw::rewrite;
use splitbtf_core::raw::Sections;
use splitbtf_core::raw::Word;
use zerocopy::byteorder::I32;
use zerocopy::byteorder::U32;
use zerocopy::ByteOrder;
use zerocopy::IntoBytes;

use crate::encode::encode;
use crate::encode::Encoder;
use crate::wire;
use crate::Btf;
use crate::Error;
use crate::Index;
use crate::Int;
use crate::Kind;
use crate::Type;

/// A member of a struct or a union that is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewMember<'n> {
    /// Its name, empty for none.
    pub name: &'n [u8],
    /// The id of its type.
    pub ty: u32,
    /// Where it is, in bits.
    pub bit_offset: u32,
    /// How many bits it has if it is a bit-field, else 0.
    pub bitfield_bits: u8,
}

/// BTF that is being written.
///
/// Types get ids in the order in which they are added, and may refer to ones that are still to
/// come. Each name is written once, and one that is the end of another shares its bytes. Nothing
/// else is checked: whoever wants to know whether the result is good [validates](Btf::validate) it.
///
/// # Examples
///
/// ```
/// use splitbtf::Builder;
/// use splitbtf::Int;
/// use splitbtf::Owned;
/// use zerocopy::LE;
///
/// let mut builder = Builder::<LE>::new();
/// let int = builder.int(b"int", Int { size: 4, encoding: 1, offset: 0, bits: 32 });
/// builder.typedef(b"s32", int);
///
/// let file = Owned::<LE>::new(builder.finish()?, None)?;
/// assert_eq!(file.view(None)?.end_id(), 3);
/// # Ok::<(), splitbtf::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Builder<O: ByteOrder> {
    header: Vec<u8>,
    words: Vec<Word<O>>,
    next_id: u32,
    layout: Vec<wire::Layout<O>>,
    /// Strings that are there from the begin.
    strings: Vec<u8>,
    /// The offset behind them. Until the end, the `n`th added string goes by this plus `n`.
    end_string: u32,
    known: HashMap<Vec<u8>, u32>,
    added: Vec<Vec<u8>>,
}

impl<O: ByteOrder> Default for Builder<O> {
    fn default() -> Self {
        Self::new()
    }
}

impl<O: ByteOrder> Builder<O> {
    /// BTF without a base, with the header that it had before 7.3, which everybody reads.
    pub fn new() -> Self {
        Self::empty(1, vec![0], 1)
    }

    /// BTF that is split on `base`. Names that types of the base have are not written again.
    ///
    /// # Errors
    ///
    /// If a type of the base has a name that is not there.
    pub fn split_on<I: Index>(base: &Btf<'_, O, I>) -> Result<Self, Error> {
        let mut builder = Self::empty(base.end_id(), vec![], base.end_string());

        for id in 1..base.end_id() {
            let name_off = base.get(id)?.name_off;
            let name = base.string(name_off)?;
            builder.known.entry(name.into()).or_insert(name_off);
        }
        Ok(builder)
    }

    /// BTF with the header, the layout and the strings of `btf`, on the same base, and with no
    /// types yet. With all types of `btf` [pushed](Self::push) it gives the same bytes, if these
    /// have nothing between the sections, and the sections in the usual order: types, layout,
    /// strings.
    ///
    /// # Errors
    ///
    /// Those of [`Btf::open`].
    pub fn like<I: Index>(btf: &Btf<'_, O, I>) -> Result<Self, Error> {
        let sections = Sections::<O>::find(btf.bytes())?;

        Ok(Self {
            header: sections.header.to_vec(),
            layout: sections.layout.to_vec(),
            ..Self::empty(btf.first_id(), sections.strings.to_vec(), btf.end_string())
        })
    }

    fn empty(next_id: u32, strings: Vec<u8>, end_string: u32) -> Self {
        Self {
            header: wire::Header::<O>::new().as_bytes().to_vec(),
            words: vec![],
            next_id,
            layout: vec![],
            strings,
            end_string,
            known: HashMap::new(),
            added: vec![],
        }
    }

    /// The id that the next type gets.
    pub fn next_id(&self) -> u32 {
        self.next_id
    }

    /// The offset that types have for a name. It is not that of the finished BTF.
    pub fn name(&mut self, name: &[u8]) -> u32 {
        if name.is_empty() {
            return 0;
        }
        if let Some(offset) = self.known.get(name) {
            return *offset;
        }
        let n = u32::try_from(self.added.len()).unwrap_or(u32::MAX);
        let offset = self.end_string.saturating_add(n);
        self.added.push(name.into());
        self.known.insert(name.into(), offset);
        offset
    }

    /// Adds an integer. This and what follows return the type's id.
    pub fn int(&mut self, name: &[u8], int: Int) -> u32 {
        self.add(name, Kind::Int(int))
    }

    /// Adds a pointer to a type.
    pub fn ptr(&mut self, to: u32) -> u32 {
        self.add(b"", Kind::Ptr(to))
    }

    /// Adds an array of `nelems` elements.
    pub fn array(&mut self, elem: u32, index: u32, nelems: u32) -> u32 {
        let array = wire::Array {
            ty: U32::new(elem),
            index_type: U32::new(index),
            nelems: U32::new(nelems),
        };

        self.add(b"", Kind::Array(&array))
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
        let id = self.next_id;
        let bitfields = members.iter().any(|member| member.bitfield_bits != 0);
        let names: Vec<_> = members
            .iter()
            .map(|member| self.name(member.name))
            .collect();
        let mut to = Encoder {
            name_off: self.name(name),
            words: &mut self.words,
        };

        to.head(kind, bitfields, members.len(), size);
        for (member, name_off) in members.iter().zip(names) {
            to.word(name_off);
            to.word(member.ty);
            to.word(member.bit_offset | u32::from(member.bitfield_bits).wrapping_shl(24));
        }
        self.next_id = self.next_id.saturating_add(1);
        id
    }

    /// Adds an enumeration of `size` bytes with values of 32 bits.
    pub fn enumeration(
        &mut self,
        name: &[u8],
        size: u32,
        signed: bool,
        values: &[(&[u8], i32)],
    ) -> u32 {
        let values: Vec<_> = values
            .iter()
            .map(|(name, val)| wire::Enum {
                name_off: U32::new(self.name(name)),
                val: I32::new(*val),
            })
            .collect();
        let kind = Kind::Enum {
            size,
            signed,
            values: &values,
        };

        self.add(name, kind)
    }

    /// Adds an enumeration of `size` bytes with values of 64 bits.
    pub fn enumeration64(
        &mut self,
        name: &[u8],
        size: u32,
        signed: bool,
        values: &[(&[u8], i64)],
    ) -> u32 {
        let values: Vec<_> = values
            .iter()
            .map(|(name, val)| wire::Enum64 {
                name_off: U32::new(self.name(name)),
                val_lo32: U32::new(*val as u32),
                val_hi32: U32::new((*val >> 32) as u32),
            })
            .collect();
        let kind = Kind::Enum64 {
            size,
            signed,
            values: &values,
        };

        self.add(name, kind)
    }

    /// Adds the declaration of a struct, or of a union.
    pub fn fwd(&mut self, name: &[u8], is_union: bool) -> u32 {
        self.add(name, Kind::Fwd { is_union })
    }

    /// Adds another name of a type.
    pub fn typedef(&mut self, name: &[u8], ty: u32) -> u32 {
        self.add(name, Kind::Typedef(ty))
    }

    /// Adds a type, `volatile`.
    pub fn volatile(&mut self, ty: u32) -> u32 {
        self.add(b"", Kind::Volatile(ty))
    }

    /// Adds a type, `const`.
    pub fn constant(&mut self, ty: u32) -> u32 {
        self.add(b"", Kind::Const(ty))
    }

    /// Adds a type, `restrict`.
    pub fn restrict(&mut self, ty: u32) -> u32 {
        self.add(b"", Kind::Restrict(ty))
    }

    /// Adds a function with its FUNC_PROTO and one of `BTF_FUNC_*`.
    pub fn func(&mut self, name: &[u8], proto: u32, linkage: u32) -> u32 {
        self.add(name, Kind::Func { proto, linkage })
    }

    /// Adds what a function returns and takes: names and types of its parameters.
    pub fn func_proto(&mut self, returns: u32, params: &[(&[u8], u32)]) -> u32 {
        let params: Vec<_> = params
            .iter()
            .map(|(name, ty)| wire::Param {
                name_off: U32::new(self.name(name)),
                ty: U32::new(*ty),
            })
            .collect();
        let kind = Kind::FuncProto {
            returns,
            params: &params,
        };

        self.add(b"", kind)
    }

    /// Adds a variable with one of `BTF_VAR_*`.
    pub fn var(&mut self, name: &[u8], ty: u32, linkage: u32) -> u32 {
        self.add(name, Kind::Var { ty, linkage })
    }

    /// Adds a section of `size` bytes with the VARs, offsets and sizes of its variables.
    pub fn datasec(&mut self, name: &[u8], size: u32, vars: &[(u32, u32, u32)]) -> u32 {
        let vars: Vec<_> = vars
            .iter()
            .map(|(ty, offset, size)| wire::VarSecinfo {
                ty: U32::new(*ty),
                offset: U32::new(*offset),
                size: U32::new(*size),
            })
            .collect();

        self.add(name, Kind::Datasec { size, vars: &vars })
    }

    /// Adds a floating-point number of `size` bytes.
    pub fn float(&mut self, name: &[u8], size: u32) -> u32 {
        self.add(name, Kind::Float { size })
    }

    /// Adds a tag of a declaration, or of its member or parameter no. `component` unless that is
    /// -1.
    pub fn decl_tag(&mut self, value: &[u8], ty: u32, component: i32) -> u32 {
        let kind = Kind::DeclTag {
            ty,
            component,
            attribute: false,
        };

        self.add(value, kind)
    }

    /// Adds a tag of a type.
    pub fn type_tag(&mut self, value: &[u8], ty: u32) -> u32 {
        let attribute = false;

        self.add(value, Kind::TypeTag { ty, attribute })
    }

    fn add(&mut self, name: &[u8], kind: Kind<'_, O>) -> u32 {
        let id = self.next_id;
        let name_off = self.name(name);

        self.push(&Type { id, name_off, kind })
    }

    /// Adds a type as it is. Its names are offsets that [`Builder::name`] gave or of strings that
    /// were there from the begin; its id does not matter.
    pub fn push(&mut self, ty: &Type<'_, O>) -> u32 {
        let id = self.next_id;

        encode(ty, &mut self.words);
        self.next_id = self.next_id.saturating_add(1);
        id
    }

    /// The finished BTF.
    ///
    /// # Errors
    ///
    /// [`Error::TooMany`] if it is longer than 32 bits can say.
    pub fn finish(mut self) -> Result<Vec<u8>, Error> {
        let (offsets, added) = share_ends(&self.added);
        let end_string = self.end_string;
        let name = |offset: u32| match offset.checked_sub(end_string) {
            None => offset,
            Some(n) => {
                let n = usize::try_from(n).unwrap_or(usize::MAX);
                let offset = offsets.get(n).copied().unwrap_or_default();
                end_string.saturating_add(offset)
            }
        };

        rewrite(&mut self.words, |id| id, name, || {}).map_err(|_| Error::TooMany)?;
        self.strings.extend(added);
        to_bytes(&self.header, &self.words, &self.layout, &self.strings).ok_or(Error::TooMany)
    }
}

/// A file of these sections. `None` if it is longer than its header can say.
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
    };
    let mut bytes = header.to_vec();

    sections.set_header(&mut bytes, 0, 0)?;
    bytes.extend(types.as_bytes());
    bytes.extend(layout.as_bytes());
    bytes.extend(strings);
    Some(bytes)
}

/// Puts strings one behind the other, each with a NUL. Those that are the end of another share its
/// bytes. Returns the offset of each as well.
pub(crate) fn share_ends<S: AsRef<[u8]>>(strings: &[S]) -> (Vec<u32>, Vec<u8>) {
    let order = (0..).zip(strings.iter().map(AsRef::as_ref));
    let mut order: Vec<_> = order
        .map(|(n, string): (usize, &[u8])| (first_eight(string.iter().rev()), string, n))
        .collect();
    let mut offsets = vec![0; strings.len()];
    let mut bytes = vec![];
    let mut last: &[u8] = &[];

    // Backwards, a string comes right before those that end with it; and these shall come first.
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
