// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Views of types, of each kind that the kernel's header has.

use zerocopy::byteorder::U32;
use zerocopy::ByteOrder;
use zerocopy::FromBytes;
use zerocopy::Immutable;
use zerocopy::IntoBytes;
use zerocopy::KnownLayout;
use zerocopy::Unaligned;

use crate::record::Record;
use crate::wire;
use crate::TypeReason;

/// A type.
///
/// Names are offsets for [`Btf::string`](crate::Btf::string), 0 for none; types are ids for
/// [`Btf::get`](crate::Btf::get), 0 for `void`. Neither is checked.
#[derive(Clone, Copy, Debug)]
pub struct Type<'a, O: ByteOrder> {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name_off: u32,
    /// What it is.
    pub kind: Kind<'a, O>,
}

/// What a type is, with all that there is to know of it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Kind<'a, O: ByteOrder> {
    /// `void`, which has the id 0.
    Void,
    /// An integer.
    Int(Int),
    /// A pointer to this type.
    Ptr(u32),
    /// An array.
    Array(&'a wire::Array<O>),
    /// A struct.
    Struct(Composite<'a, O>),
    /// A union.
    Union(Composite<'a, O>),
    /// An enumeration with values of up to 32 bits.
    Enum {
        /// In bytes.
        size: u32,
        /// Whether its values are signed.
        signed: bool,
        /// Its values.
        values: &'a [wire::Enum<O>],
    },
    /// An enumeration with values of up to 64 bits.
    Enum64 {
        /// In bytes.
        size: u32,
        /// Whether its values are signed.
        signed: bool,
        /// Its values.
        values: &'a [wire::Enum64<O>],
    },
    /// A struct or a union of which nothing but its name is known.
    Fwd {
        /// Which of the two.
        is_union: bool,
    },
    /// Another name of this type.
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
        /// One of `BTF_FUNC_*`.
        linkage: u32,
    },
    /// What a function takes and gives.
    FuncProto {
        /// The type of what it returns.
        returns: u32,
        /// Its parameters.
        params: &'a [wire::Param<O>],
    },
    /// A variable.
    Var {
        /// Its type.
        ty: u32,
        /// One of `BTF_VAR_*`.
        linkage: u32,
    },
    /// A section with variables.
    Datasec {
        /// In bytes; 0 where the compiler did not know it.
        size: u32,
        /// Its variables.
        vars: &'a [wire::VarSecinfo<O>],
    },
    /// A floating-point number.
    Float {
        /// In bytes.
        size: u32,
    },
    /// A tag of a declaration.
    DeclTag {
        /// What is tagged.
        ty: u32,
        /// Which member or parameter of it is; -1 for the whole.
        component: i32,
        /// Whether it is an attribute by itself, not a `btf_decl_tag`.
        attribute: bool,
    },
    /// A tag of a type.
    TypeTag {
        /// What is tagged.
        ty: u32,
        /// Whether it is an attribute by itself, not a `btf_type_tag`.
        attribute: bool,
    },
    /// Something later than this crate, of which the layout section gives the size.
    Unknown {
        /// What the type begins with.
        head: &'a wire::Type<O>,
        /// What comes once.
        data: &'a [U32<O>],
        /// What comes `vlen` times.
        elems: &'a [U32<O>],
    },
}

impl<'a, O: ByteOrder> Kind<'a, O> {
    /// What the words of a type say.
    pub(crate) fn of(record: &Record<'a, O>) -> Result<Self, TypeReason> {
        let head = record.head;
        let arg = head.size_or_type.get();
        let flag = head.kind_flag();

        Ok(match head.kind() {
            wire::INT => Self::Int(Int::new(
                arg,
                one::<wire::Int<O>>(record.data.as_bytes())?.int.get(),
            )),
            wire::PTR => Self::Ptr(arg),
            wire::ARRAY => Self::Array(one(record.data.as_bytes())?),
            wire::STRUCT => Self::Struct(Composite::new(record)?),
            wire::UNION => Self::Union(Composite::new(record)?),
            wire::ENUM => Self::Enum {
                size: arg,
                signed: flag,
                values: many(record.elems.as_bytes())?,
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
                params: many(record.elems.as_bytes())?,
            },
            wire::VAR => Self::Var {
                ty: arg,
                linkage: one::<wire::Var<O>>(record.data.as_bytes())?.linkage.get(),
            },
            wire::DATASEC => Self::Datasec {
                size: arg,
                vars: many(record.elems.as_bytes())?,
            },
            wire::FLOAT => Self::Float { size: arg },
            wire::DECL_TAG => Self::DeclTag {
                ty: arg,
                component: one::<wire::DeclTag<O>>(record.data.as_bytes())?
                    .component_idx
                    .get(),
                attribute: flag,
            },
            wire::TYPE_TAG => Self::TypeTag {
                ty: arg,
                attribute: flag,
            },
            wire::ENUM64 => Self::Enum64 {
                size: arg,
                signed: flag,
                values: many(record.elems.as_bytes())?,
            },
            _ => Self::Unknown {
                head,
                data: record.data,
                elems: record.elems,
            },
        })
    }
}

/// What comes once in a type.
fn one<T: FromBytes + Immutable + KnownLayout + Unaligned>(bytes: &[u8]) -> Result<&T, TypeReason> {
    T::ref_from_bytes(bytes).map_err(|_| TypeReason::Truncated)
}

/// What comes more than once.
fn many<T: FromBytes + Immutable + Unaligned>(bytes: &[u8]) -> Result<&[T], TypeReason> {
    <[T]>::ref_from_bytes(bytes).map_err(|_| TypeReason::Truncated)
}

/// An integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Int {
    /// In bytes.
    pub size: u32,
    /// `BTF_INT_SIGNED`, `BTF_INT_CHAR`, `BTF_INT_BOOL`.
    pub encoding: u8,
    /// Where in its bytes the value begins, in bits.
    pub offset: u8,
    /// How many bits the value has.
    pub bits: u8,
}

impl Int {
    pub(crate) fn new(size: u32, data: u32) -> Self {
        let [bits, _, offset, encoding] = data.to_le_bytes();

        Self {
            size,
            encoding: encoding & 0xf,
            offset,
            bits,
        }
    }

    /// Whether it is signed.
    pub fn is_signed(&self) -> bool {
        self.encoding & 1 != 0
    }

    /// Whether it is a character. Compilers do not say so of C's `char`.
    pub fn is_char(&self) -> bool {
        self.encoding & 2 != 0
    }

    /// Whether it is a truth value.
    pub fn is_bool(&self) -> bool {
        self.encoding & 4 != 0
    }
}

/// A struct or a union.
#[derive(Clone, Copy, Debug)]
pub struct Composite<'a, O: ByteOrder> {
    /// In bytes.
    pub size: u32,
    bitfields: bool,
    members: &'a [wire::Member<O>],
}

impl<'a, O: ByteOrder> Composite<'a, O> {
    fn new(record: &Record<'a, O>) -> Result<Self, TypeReason> {
        Ok(Self {
            size: record.head.size_or_type.get(),
            bitfields: record.head.kind_flag(),
            members: many(record.elems.as_bytes())?,
        })
    }

    /// Whether its members' offsets are written so that they can be bit-fields: BTF's `kind_flag`.
    pub fn has_bitfields(&self) -> bool {
        self.bitfields
    }

    /// The members.
    pub fn members(&self) -> impl ExactSizeIterator<Item = Member> + use<'a, O> {
        let bitfields = self.bitfields;

        self.members.iter().map(move |member| {
            let offset = member.offset.get();
            let (bit_offset, bitfield_bits) = match bitfields {
                true => (offset & 0xff_ffff, (offset >> 24) as u8),
                false => (offset, 0),
            };
            Member {
                name_off: member.name_off.get(),
                ty: member.ty.get(),
                bit_offset,
                bitfield_bits,
            }
        })
    }
}

/// A member of a struct or a union.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name_off: u32,
    /// Its type.
    pub ty: u32,
    /// Where it is, in bits.
    pub bit_offset: u32,
    /// How many bits it has if it is a bit-field; 0 if it is none, or if the file's writer has put
    /// this into the type (`Int::offset`, `Int::bits`), as old ones did.
    pub bitfield_bits: u8,
}
