// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Views of types, of each kind that the kernel's header has.

use zerocopy::ByteOrder;
use zerocopy::FromBytes;
use zerocopy::Immutable;
use zerocopy::KnownLayout;

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
        /// One of `BTF_KIND_*`.
        kind: u8,
    },
}

impl<'a, O: ByteOrder> Kind<'a, O> {
    /// Splits what follows a type's record into what belongs to it and the rest.
    pub(crate) fn split(
        record: &wire::Type<O>,
        bytes: &'a [u8],
        layout: &[wire::Layout<O>],
    ) -> Result<(Self, &'a [u8]), TypeReason> {
        let arg = record.size_or_type.get();
        let flag = record.kind_flag();

        Ok(match record.kind() {
            1 => {
                let (data, rest) = one::<wire::Int<O>>(bytes)?;
                (Self::Int(Int::new(arg, data.int.get())), rest)
            }
            2 => (Self::Ptr(arg), bytes),
            3 => {
                let (array, rest) = one(bytes)?;
                (Self::Array(array), rest)
            }
            kind @ (4 | 5) => {
                let (members, rest) = many(bytes, record)?;
                let composite = Composite {
                    size: arg,
                    bitfields: flag,
                    members,
                };
                match kind {
                    4 => (Self::Struct(composite), rest),
                    _ => (Self::Union(composite), rest),
                }
            }
            6 => {
                let (values, rest) = many(bytes, record)?;
                let this = Self::Enum {
                    size: arg,
                    signed: flag,
                    values,
                };
                (this, rest)
            }
            7 => (Self::Fwd { is_union: flag }, bytes),
            8 => (Self::Typedef(arg), bytes),
            9 => (Self::Volatile(arg), bytes),
            10 => (Self::Const(arg), bytes),
            11 => (Self::Restrict(arg), bytes),
            12 => {
                let this = Self::Func {
                    proto: arg,
                    linkage: record.vlen(),
                };
                (this, bytes)
            }
            13 => {
                let (params, rest) = many(bytes, record)?;
                let this = Self::FuncProto {
                    returns: arg,
                    params,
                };
                (this, rest)
            }
            14 => {
                let (var, rest) = one::<wire::Var<O>>(bytes)?;
                let this = Self::Var {
                    ty: arg,
                    linkage: var.linkage.get(),
                };
                (this, rest)
            }
            15 => {
                let (vars, rest) = many(bytes, record)?;
                (Self::Datasec { size: arg, vars }, rest)
            }
            16 => (Self::Float { size: arg }, bytes),
            17 => {
                let (tag, rest) = one::<wire::DeclTag<O>>(bytes)?;
                let this = Self::DeclTag {
                    ty: arg,
                    component: tag.component_idx.get(),
                    attribute: flag,
                };
                (this, rest)
            }
            18 => {
                let this = Self::TypeTag {
                    ty: arg,
                    attribute: flag,
                };
                (this, bytes)
            }
            19 => {
                let (values, rest) = many(bytes, record)?;
                let this = Self::Enum64 {
                    size: arg,
                    signed: flag,
                    values,
                };
                (this, rest)
            }
            kind => {
                let entry = layout.get(usize::from(kind)).filter(|_| kind != 0);
                let len = unknown_len(entry, record.vlen())?;
                let (_, rest) = bytes.split_at_checked(len).ok_or(TypeReason::Truncated)?;
                (Self::Unknown { kind }, rest)
            }
        })
    }
}

/// A single piece of data.
fn one<T: FromBytes + Immutable + KnownLayout + zerocopy::Unaligned>(
    bytes: &[u8],
) -> Result<(&T, &[u8]), TypeReason> {
    T::ref_from_prefix(bytes).map_err(|_| TypeReason::Truncated)
}

/// As many pieces of data as `record` says.
fn many<'a, T: FromBytes + Immutable + zerocopy::Unaligned, O: ByteOrder>(
    bytes: &'a [u8],
    record: &wire::Type<O>,
) -> Result<(&'a [T], &'a [u8]), TypeReason> {
    let vlen = usize::try_from(record.vlen()).map_err(|_| TypeReason::Truncated)?;

    <[T]>::ref_from_prefix_with_elems(bytes, vlen).map_err(|_| TypeReason::Truncated)
}

/// How many bytes follow a type of a kind that only the layout section knows.
fn unknown_len<O: ByteOrder>(
    entry: Option<&wire::Layout<O>>,
    vlen: u32,
) -> Result<usize, TypeReason> {
    let entry = entry.ok_or(TypeReason::UnknownKind)?;
    if entry.info_sz % 4 != 0 || entry.elem_sz % 4 != 0 {
        return Err(TypeReason::Layout);
    }
    // 24 bits times 8 bits.
    let len = vlen.checked_mul(entry.elem_sz.into());
    let len = len.and_then(|len| len.checked_add(entry.info_sz.into()));

    len.and_then(|len| len.try_into().ok())
        .ok_or(TypeReason::Truncated)
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
    fn new(size: u32, data: u32) -> Self {
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
