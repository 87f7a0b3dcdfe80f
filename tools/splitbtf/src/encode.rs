// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Types as the words that say them: the way back from [`Kind`].

use alloc::vec::Vec;

use splitbtf_core::raw::Word;
use zerocopy::byteorder::U32;
use zerocopy::ByteOrder;
use zerocopy::FromBytes;
use zerocopy::Immutable;
use zerocopy::IntoBytes;

use crate::wire;
use crate::Composite;
use crate::Kind;
use crate::Type;

/// Appends the words of a type. `void` has none.
pub(crate) fn encode<O: ByteOrder>(ty: &Type<'_, O>, words: &mut Vec<Word<O>>) {
    let mut to = Encoder {
        words,
        name_off: ty.name_off,
    };

    match ty.kind {
        Kind::Void => {}
        Kind::Int(int) => {
            to.head(wire::INT, false, 0, int.size);
            to.word(u32::from_be_bytes([int.encoding, int.offset, 0, int.bits]));
        }
        Kind::Ptr(ty) => to.head(wire::PTR, false, 0, ty),
        Kind::Array(array) => {
            to.head(wire::ARRAY, false, 0, 0);
            to.words_of(array);
        }
        Kind::Struct(composite) => to.composite(wire::STRUCT, &composite),
        Kind::Union(composite) => to.composite(wire::UNION, &composite),
        Kind::Enum {
            size,
            signed,
            values,
        } => {
            to.head(wire::ENUM, signed, values.len(), size);
            to.words_of(values);
        }
        Kind::Enum64 {
            size,
            signed,
            values,
        } => {
            to.head(wire::ENUM64, signed, values.len(), size);
            to.words_of(values);
        }
        Kind::Fwd { is_union } => to.head(wire::FWD, is_union, 0, 0),
        Kind::Typedef(ty) => to.head(wire::TYPEDEF, false, 0, ty),
        Kind::Volatile(ty) => to.head(wire::VOLATILE, false, 0, ty),
        Kind::Const(ty) => to.head(wire::CONST, false, 0, ty),
        Kind::Restrict(ty) => to.head(wire::RESTRICT, false, 0, ty),
        Kind::Func { proto, linkage } => {
            let linkage = usize::try_from(linkage).unwrap_or_default();
            to.head(wire::FUNC, false, linkage, proto);
        }
        Kind::FuncProto { returns, params } => {
            to.head(wire::FUNC_PROTO, false, params.len(), returns);
            to.words_of(params);
        }
        Kind::Var { ty, linkage } => {
            to.head(wire::VAR, false, 0, ty);
            to.word(linkage);
        }
        Kind::Datasec { size, vars } => {
            to.head(wire::DATASEC, false, vars.len(), size);
            to.words_of(vars);
        }
        Kind::Float { size } => to.head(wire::FLOAT, false, 0, size),
        Kind::DeclTag {
            ty,
            component,
            attribute,
        } => {
            to.head(wire::DECL_TAG, attribute, 0, ty);
            to.word(component as u32);
        }
        Kind::TypeTag { ty, attribute } => to.head(wire::TYPE_TAG, attribute, 0, ty),
        Kind::Unknown { head, data, elems } => {
            to.words_of(head);
            to.words_of(data);
            to.words_of(elems);
        }
        // There is no other: the core is of this version.
        _ => {}
    }
}

pub(crate) struct Encoder<'w, O: ByteOrder> {
    pub(crate) words: &'w mut Vec<Word<O>>,
    pub(crate) name_off: u32,
}

impl<O: ByteOrder> Encoder<'_, O> {
    pub(crate) fn word(&mut self, word: u32) {
        self.words.push(U32::new(word));
    }

    pub(crate) fn head(&mut self, kind: u8, flag: bool, vlen: usize, size_or_type: u32) {
        let vlen = u32::try_from(vlen).unwrap_or_default() & wire::VLEN;

        self.word(self.name_off);
        self.word(u32::from(flag) << 31 | u32::from(kind) << 24 | vlen);
        self.word(size_or_type);
    }

    fn words_of<T: IntoBytes + Immutable + ?Sized>(&mut self, data: &T) {
        // All of the format is made of whole words.
        let words = <[Word<O>]>::ref_from_bytes(data.as_bytes());

        self.words.extend(words.unwrap_or_default());
    }

    fn composite(&mut self, kind: u8, composite: &Composite<'_, O>) {
        let bitfields = composite.has_bitfields();
        let members = composite.members();

        self.head(kind, bitfields, members.len(), composite.size);
        for member in members {
            self.word(member.name_off);
            self.word(member.ty);
            self.word(member.bit_offset | u32::from(member.bitfield_bits).wrapping_shl(24));
        }
    }
}
