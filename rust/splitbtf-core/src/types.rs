// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Types, decoded: one variant for each kind of the kernel's header.

use core::marker::PhantomData;
use core::slice::ChunksExact;

use zerocopy::ByteOrder;
use zerocopy::IntoBytes;

use crate::record::Record;
use crate::wire;
use crate::Endian;
use crate::TypeReason;

/// A type.
///
/// Names are offsets for [`Btf::string`](crate::Btf::string), 0 for none. Types are ids for
/// [`Btf::get`](crate::Btf::get), 0 for `void`. Neither is checked.
#[derive(Clone, Copy, Debug)]
pub struct Type<'a> {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name_off: u32,
    /// Its kind, with all that belongs to it.
    pub kind: Kind<'a>,
}

/// The kind of a type, with all that belongs to it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Kind<'a> {
    /// `void`, which has the id 0.
    Void,
    /// An integer.
    Int(Int),
    /// A pointer to this type.
    Ptr(u32),
    /// An array.
    Array(Array),
    /// A struct.
    Struct(Composite<'a>),
    /// A union.
    Union(Composite<'a>),
    /// An enumeration with values of up to 32 bits.
    Enum {
        /// In bytes.
        size: u32,
        /// Whether its values are signed.
        signed: bool,
        /// Its values.
        values: List<'a, Enumerator>,
    },
    /// An enumeration with values of up to 64 bits.
    Enum64 {
        /// In bytes.
        size: u32,
        /// Whether its values are signed.
        signed: bool,
        /// Its values.
        values: List<'a, Enumerator>,
    },
    /// A forward declaration of a struct or a union.
    Fwd {
        /// Whether it declares a union.
        is_union: bool,
    },
    /// Another name for this type.
    Typedef(u32),
    /// This type, `volatile`.
    Volatile(u32),
    /// This type, `const`.
    Const(u32),
    /// This type, `restrict`.
    Restrict(u32),
    /// A function.
    Func {
        /// Its FUNC_PROTO.
        proto: u32,
        /// `BTF_FUNC_*`: see [`Linkage::of`].
        linkage: u32,
    },
    /// The result and the parameters of a function.
    FuncProto {
        /// The type of the result.
        returns: u32,
        /// The parameters.
        params: List<'a, Param>,
    },
    /// A variable.
    Var {
        /// Its type.
        ty: u32,
        /// `BTF_VAR_*`: see [`Linkage::of`].
        linkage: u32,
    },
    /// A section with variables.
    Datasec {
        /// In bytes; 0 where the compiler did not know it.
        size: u32,
        /// Its variables.
        vars: List<'a, VarSecinfo>,
    },
    /// A floating-point number.
    Float {
        /// In bytes.
        size: u32,
    },
    /// A tag of a declaration.
    DeclTag {
        /// The tagged type.
        ty: u32,
        /// The number of the tagged member or parameter; -1 if all of the type is tagged.
        component: i32,
        /// Whether the name is an attribute in C, not the string of a `btf_decl_tag`.
        attribute: bool,
    },
    /// A tag of a type.
    TypeTag {
        /// The tagged type.
        ty: u32,
        /// Whether the name is an attribute in C, not the string of a `btf_type_tag`.
        attribute: bool,
    },
    /// A kind that this crate does not know. The layout section says how long the type is, but not
    /// which of its words refer to other types or to names.
    Unknown(Unknown<'a>),
}

impl<'a> Kind<'a> {
    /// Decodes the words of a type.
    pub(crate) fn of<O: ByteOrder>(record: &Record<'a, O>) -> Result<Self, TypeReason> {
        let head = record.head;
        let arg = head.size_or_type.get();
        let flag = head.kind_flag();
        let data = |n: usize| record.data.get(n).map(|word| word.get());
        let data = |n| data(n).ok_or(TypeReason::Truncated);
        let elems = record.elems.as_bytes();
        let endian = Endian::of_order::<O>();

        Ok(match head.kind() {
            wire::INT => Self::Int(Int::new(arg, data(0)?)),
            wire::PTR => Self::Ptr(arg),
            wire::ARRAY => Self::Array(Array {
                ty: data(0)?,
                index_type: data(1)?,
                nelems: data(2)?,
            }),
            wire::STRUCT => Self::Struct(Composite {
                size: arg,
                members: List::new(elems, endian, flag),
            }),
            wire::UNION => Self::Union(Composite {
                size: arg,
                members: List::new(elems, endian, flag),
            }),
            wire::ENUM => Self::Enum {
                size: arg,
                signed: flag,
                values: List::of_size(elems, 8, endian, flag),
            },
            wire::FWD => Self::Fwd { is_union: flag },
            wire::TYPEDEF => Self::Typedef(arg),
            wire::VOLATILE => Self::Volatile(arg),
            wire::CONST => Self::Const(arg),
            wire::RESTRICT => Self::Restrict(arg),
            wire::FUNC => Self::Func {
                proto: arg,
                linkage: head.vlen(),
            },
            wire::FUNC_PROTO => Self::FuncProto {
                returns: arg,
                params: List::new(elems, endian, flag),
            },
            wire::VAR => Self::Var {
                ty: arg,
                linkage: data(0)?,
            },
            wire::DATASEC => Self::Datasec {
                size: arg,
                vars: List::new(elems, endian, flag),
            },
            wire::FLOAT => Self::Float { size: arg },
            wire::DECL_TAG => Self::DeclTag {
                ty: arg,
                component: data(0)? as i32,
                attribute: flag,
            },
            wire::TYPE_TAG => Self::TypeTag {
                ty: arg,
                attribute: flag,
            },
            wire::ENUM64 => Self::Enum64 {
                size: arg,
                signed: flag,
                values: List::of_size(elems, 12, endian, flag),
            },
            number => Self::Unknown(Unknown {
                number,
                flag,
                vlen: head.vlen(),
                size_or_type: arg,
                data: List::new(record.data.as_bytes(), endian, flag),
                elems: List::new(elems, endian, flag),
            }),
        })
    }

    /// `BTF_KIND_*` as a number.
    pub fn number(&self) -> u8 {
        match self {
            Self::Void => 0,
            Self::Int(_) => wire::INT,
            Self::Ptr(_) => wire::PTR,
            Self::Array(_) => wire::ARRAY,
            Self::Struct(_) => wire::STRUCT,
            Self::Union(_) => wire::UNION,
            Self::Enum { .. } => wire::ENUM,
            Self::Fwd { .. } => wire::FWD,
            Self::Typedef(_) => wire::TYPEDEF,
            Self::Volatile(_) => wire::VOLATILE,
            Self::Const(_) => wire::CONST,
            Self::Restrict(_) => wire::RESTRICT,
            Self::Func { .. } => wire::FUNC,
            Self::FuncProto { .. } => wire::FUNC_PROTO,
            Self::Var { .. } => wire::VAR,
            Self::Datasec { .. } => wire::DATASEC,
            Self::Float { .. } => wire::FLOAT,
            Self::DeclTag { .. } => wire::DECL_TAG,
            Self::TypeTag { .. } => wire::TYPE_TAG,
            Self::Enum64 { .. } => wire::ENUM64,
            Self::Unknown(unknown) => unknown.number,
        }
    }

    /// The keyword that C puts before the name: `struct`, `union` or `enum`.
    pub fn keyword(&self) -> Option<&'static str> {
        match self {
            Self::Struct(_) | Self::Fwd { is_union: false } => Some("struct"),
            Self::Union(_) | Self::Fwd { is_union: true } => Some("union"),
            Self::Enum { .. } | Self::Enum64 { .. } => Some("enum"),
            _ => None,
        }
    }

    /// The size in bytes, if the type has one of its own.
    pub fn size(&self) -> Option<u32> {
        match self {
            Self::Int(int) => Some(int.size),
            Self::Struct(of) | Self::Union(of) => Some(of.size),
            Self::Enum { size, .. }
            | Self::Enum64 { size, .. }
            | Self::Datasec { size, .. }
            | Self::Float { size } => Some(*size),
            _ => None,
        }
    }

    /// The type under a typedef, `const`, `volatile`, `restrict` or type tag.
    pub fn modified(&self) -> Option<u32> {
        match *self {
            Self::Typedef(ty) | Self::Const(ty) | Self::Volatile(ty) | Self::Restrict(ty) => {
                Some(ty)
            }
            Self::TypeTag { ty, .. } => Some(ty),
            _ => None,
        }
    }
}

/// An integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Int {
    /// In bytes.
    pub size: u32,
    /// [`Int::SIGNED`], [`Int::CHAR`], [`Int::BOOL`].
    pub encoding: u8,
    /// The position of the value within the bytes, in bits.
    pub offset: u8,
    /// The length of the value in bits.
    pub bits: u8,
}

impl Int {
    /// `BTF_INT_SIGNED`.
    pub const SIGNED: u8 = 1;
    /// `BTF_INT_CHAR`.
    pub const CHAR: u8 = 2;
    /// `BTF_INT_BOOL`.
    pub const BOOL: u8 = 4;

    pub(crate) fn new(size: u32, data: u32) -> Self {
        let [bits, _, offset, encoding] = data.to_le_bytes();

        Self {
            size,
            encoding: encoding & 0xf,
            offset,
            bits,
        }
    }

    /// A signed integer of this many bytes, up to 31.
    pub const fn signed(size: u8) -> Self {
        Self {
            encoding: Self::SIGNED,
            ..Self::unsigned(size)
        }
    }

    /// An unsigned integer of this many bytes, up to 31.
    pub const fn unsigned(size: u8) -> Self {
        Self {
            size: size as u32,
            encoding: 0,
            offset: 0,
            bits: size.saturating_mul(8),
        }
    }

    /// Whether it is signed.
    pub fn is_signed(&self) -> bool {
        self.encoding & Self::SIGNED != 0
    }

    /// Whether it is a character. Compilers do not set this for C's `char`.
    pub fn is_char(&self) -> bool {
        self.encoding & Self::CHAR != 0
    }

    /// Whether it is a truth value.
    pub fn is_bool(&self) -> bool {
        self.encoding & Self::BOOL != 0
    }
}

/// An array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Array {
    /// The type of the elements.
    pub ty: u32,
    /// The type of the index.
    pub index_type: u32,
    /// The number of elements.
    pub nelems: u32,
}

/// A struct or a union.
#[derive(Clone, Copy, Debug)]
pub struct Composite<'a> {
    /// In bytes.
    pub size: u32,
    members: List<'a, Member>,
}

impl<'a> Composite<'a> {
    /// Whether the encoding of its members' offsets allows bit-fields: BTF's `kind_flag`.
    pub fn has_bitfields(&self) -> bool {
        self.members.flag
    }

    /// The members.
    pub fn members(&self) -> Iter<'a, Member> {
        self.members.iter()
    }
}

/// A member of a struct or a union.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name_off: u32,
    /// Its type.
    pub ty: u32,
    /// Its offset in bits.
    pub bit_offset: u32,
    /// The width of a bit-field; 0 for other members, and for bit-fields of old files, which put
    /// the width into the type (`Int::offset`, `Int::bits`).
    pub bitfield_bits: u8,
}

/// A value of an enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enumerator {
    /// Its name.
    pub name_off: u32,
    /// The value, of 32 or 64 bits, signed or not.
    pub value: i128,
}

/// A parameter of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name_off: u32,
    /// Its type; 0 for the last parameter if the function is variadic.
    pub ty: u32,
}

/// A variable in a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VarSecinfo {
    /// The VAR.
    pub ty: u32,
    /// Its offset in the section, in bytes.
    pub offset: u32,
    /// Its size in bytes.
    pub size: u32,
}

/// A type of a kind that this crate does not know.
#[derive(Clone, Copy, Debug)]
pub struct Unknown<'a> {
    /// The kind.
    pub number: u8,
    /// `kind_flag`.
    pub flag: bool,
    /// `vlen`.
    pub vlen: u32,
    /// A size or the id of a type, by kind.
    pub size_or_type: u32,
    /// The words that come once.
    pub data: List<'a, u32>,
    /// The words of the elements, if the kind has any.
    pub elems: List<'a, u32>,
}

/// The visibility of a function or a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// `BTF_FUNC_STATIC`, `BTF_VAR_STATIC`.
    Static,
    /// `BTF_FUNC_GLOBAL`, `BTF_VAR_GLOBAL_ALLOCATED`.
    Global,
    /// `BTF_FUNC_EXTERN`, `BTF_VAR_GLOBAL_EXTERN`.
    Extern,
}

impl Linkage {
    /// The meaning of a FUNC's or a VAR's number; `None` if it has none.
    pub fn of(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Static),
            1 => Some(Self::Global),
            2 => Some(Self::Extern),
            _ => None,
        }
    }
}

/// The elements of a type, which are decoded one by one.
#[derive(Clone, Copy, Debug)]
pub struct List<'a, T> {
    bytes: &'a [u8],
    /// Bytes of each.
    size: usize,
    endian: Endian,
    /// The `kind_flag` of the type.
    flag: bool,
    element: PhantomData<T>,
}

impl<'a, T: Element> List<'a, T> {
    fn new(bytes: &'a [u8], endian: Endian, flag: bool) -> Self {
        Self::of_size(bytes, T::SIZE, endian, flag)
    }

    fn of_size(bytes: &'a [u8], size: usize, endian: Endian, flag: bool) -> Self {
        Self {
            bytes,
            size: size.max(1),
            endian,
            flag,
            element: PhantomData,
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.bytes.len().checked_div(self.size).unwrap_or_default()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The `n`th element, counted from 0.
    pub fn get(&self, n: usize) -> Option<T> {
        let start = n.checked_mul(self.size)?;
        let bytes = self.bytes.get(start..start.checked_add(self.size)?)?;

        Some(T::decode(bytes, self.endian, self.flag))
    }

    /// The elements, in order.
    pub fn iter(&self) -> Iter<'a, T> {
        Iter {
            // `size` is not 0, but the compiler must see it.
            chunks: self.bytes.chunks_exact(self.size.max(1)),
            endian: self.endian,
            flag: self.flag,
            element: PhantomData,
        }
    }
}

impl<'a, T: Element> IntoIterator for List<'a, T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// Iterates over the elements of a type.
#[derive(Clone, Debug)]
pub struct Iter<'a, T> {
    chunks: ChunksExact<'a, u8>,
    endian: Endian,
    flag: bool,
    element: PhantomData<T>,
}

impl<T: Element> Iterator for Iter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        let bytes = self.chunks.next()?;

        Some(T::decode(bytes, self.endian, self.flag))
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<T> {
        let bytes = self.chunks.nth(n)?;

        Some(T::decode(bytes, self.endian, self.flag))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chunks.size_hint()
    }
}

impl<T: Element> DoubleEndedIterator for Iter<'_, T> {
    fn next_back(&mut self) -> Option<T> {
        let bytes = self.chunks.next_back()?;

        Some(T::decode(bytes, self.endian, self.flag))
    }
}

impl<T: Element> ExactSizeIterator for Iter<'_, T> {}

/// An element of a [`List`].
pub trait Element: sealed::Sealed {
    /// Its usual length in bytes.
    #[doc(hidden)]
    const SIZE: usize;

    #[doc(hidden)]
    fn decode(bytes: &[u8], endian: Endian, flag: bool) -> Self;
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::Member {}
    impl Sealed for super::Enumerator {}
    impl Sealed for super::Param {}
    impl Sealed for super::VarSecinfo {}
    impl Sealed for u32 {}
}

/// The `n`th word of an element.
#[inline]
fn word(bytes: &[u8], n: usize, endian: Endian) -> u32 {
    endian.word(bytes.get(n.saturating_mul(4)..).unwrap_or_default())
}

impl Element for Member {
    const SIZE: usize = 12;

    #[inline]
    fn decode(bytes: &[u8], endian: Endian, flag: bool) -> Self {
        let offset = word(bytes, 2, endian);
        let (bit_offset, bitfield_bits) = match flag {
            true => (offset & wire::BIT_OFFSET, (offset >> 24) as u8),
            false => (offset, 0),
        };

        Self {
            name_off: word(bytes, 0, endian),
            ty: word(bytes, 1, endian),
            bit_offset,
            bitfield_bits,
        }
    }
}

impl Element for Enumerator {
    /// The length for an ENUM.
    const SIZE: usize = 8;

    #[inline]
    fn decode(bytes: &[u8], endian: Endian, flag: bool) -> Self {
        let low = word(bytes, 1, endian);
        let value = match (bytes.len(), flag) {
            (12.., _) => {
                let high = u64::from(word(bytes, 2, endian)) << 32;
                let value = high | u64::from(low);
                match flag {
                    true => (value as i64).into(),
                    false => value.into(),
                }
            }
            (_, true) => (low as i32).into(),
            (_, false) => low.into(),
        };

        Self {
            name_off: word(bytes, 0, endian),
            value,
        }
    }
}

impl Element for Param {
    const SIZE: usize = 8;

    #[inline]
    fn decode(bytes: &[u8], endian: Endian, _: bool) -> Self {
        Self {
            name_off: word(bytes, 0, endian),
            ty: word(bytes, 1, endian),
        }
    }
}

impl Element for VarSecinfo {
    const SIZE: usize = 12;

    #[inline]
    fn decode(bytes: &[u8], endian: Endian, _: bool) -> Self {
        Self {
            ty: word(bytes, 0, endian),
            offset: word(bytes, 1, endian),
            size: word(bytes, 2, endian),
        }
    }
}

impl Element for u32 {
    const SIZE: usize = 4;

    #[inline]
    fn decode(bytes: &[u8], endian: Endian, _: bool) -> Self {
        endian.word(bytes)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use zerocopy::BE;
    use zerocopy::LE;

    use super::*;
    use crate::testing::File;

    fn lists_in<O: ByteOrder + 'static>() {
        let flag = 0x80;
        let file = File::<O>::new()
            .add(0, 4 | flag, 2, 8, &[1, 2, 0x0300_0005, 4, 5, 6])
            .add(0, 6, 2, 4, &[1, 2, 3, u32::MAX])
            .add(0, 6 | flag, 1, 4, &[1, u32::MAX])
            .add(0, 19, 1, 8, &[1, 2, u32::MAX])
            .add(0, 19 | flag, 1, 8, &[1, 2, u32::MAX])
            .add(0, 3, 0, 0, &[7, 8, 9]);
        let btf = file.open(None).unwrap();
        let kind = |id| btf.get(id).unwrap().kind;
        let values = |id| match kind(id) {
            Kind::Enum { values, .. } | Kind::Enum64 { values, .. } => {
                assert_eq!(values.len(), values.iter().len());
                values.iter().map(|value| value.value).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        };

        let Kind::Struct(of) = kind(1) else {
            panic!("{:?}", kind(1));
        };
        let member = of.members().next().unwrap();
        assert!(of.has_bitfields());
        assert_eq!((member.name_off, member.ty), (1, 2));
        assert_eq!((member.bit_offset, member.bitfield_bits), (5, 3));
        assert_eq!(of.members().next_back().unwrap().name_off, 4);
        assert_eq!(of.members().nth(1), of.members().next_back());
        assert_eq!(of.members().nth(2), None);
        assert_eq!(values(2), [2, u32::MAX.into()]);
        assert_eq!(values(3), [-1]);
        assert_eq!(values(4), [(u64::from(u32::MAX) << 32 | 2).into()]);
        assert_eq!(values(5), [-0xffff_fffe]);
        assert!(matches!(
            kind(6),
            Kind::Array(Array {
                ty: 7,
                index_type: 8,
                nelems: 9
            })
        ));
    }

    #[test]
    fn elements_are_decoded_in_both_orders() {
        lists_in::<LE>();
        lists_in::<BE>();
    }

    #[test]
    fn lists_know_their_bounds() {
        let bytes = [1, 0, 0, 0, 2, 0, 0, 0, 3];
        let list = List::<u32>::new(&bytes, Endian::Little, false);

        assert_eq!(list.len(), 2);
        assert_eq!(list.get(1), Some(2));
        assert_eq!(list.get(2), None);
        assert_eq!(list.get(usize::MAX), None);
        assert!(list.into_iter().eq([1, 2]));
        assert!(!list.is_empty());
        assert!(List::<Param>::new(&[], Endian::Big, false).is_empty());
    }

    #[test]
    fn kinds_have_names_and_numbers() {
        let int = Kind::Int(Int::signed(4));
        let fwd = Kind::Fwd { is_union: true };

        assert_eq!(
            (int.number(), int.size(), int.keyword()),
            (1, Some(4), None)
        );
        assert_eq!((fwd.number(), fwd.size()), (7, None));
        assert_eq!(fwd.keyword(), Some("union"));
        assert_eq!(Kind::Const(3).modified(), Some(3));
        assert_eq!(Kind::Ptr(3).modified(), None);
        assert!(Int::signed(8).is_signed() && !Int::unsigned(8).is_signed());
        assert_eq!(Int::unsigned(8).bits, 64);
        assert_eq!(Linkage::of(1), Some(Linkage::Global));
        assert_eq!(Linkage::of(3), None);
    }
}
