// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The structures of `include/uapi/linux/btf.h`, with the byte order as a parameter.
//!
//! The fields have the kernel's names. Nothing is checked.

use core::mem::size_of;

use zerocopy::byteorder::U16;
use zerocopy::byteorder::U32;
use zerocopy::ByteOrder;
use zerocopy_derive::FromBytes;
use zerocopy_derive::Immutable;
use zerocopy_derive::IntoBytes;
use zerocopy_derive::KnownLayout;
use zerocopy_derive::Unaligned;

/// `BTF_MAGIC`, in the byte order of all that follows.
pub const MAGIC: u16 = 0xeb9f;

/// `BTF_VERSION`.
pub const VERSION: u8 = 1;

/// Defines the kinds.
macro_rules! kinds {
    ($($name:ident = $value:literal,)*) => {
        $(
            #[doc = concat!("`BTF_KIND_", stringify!($name), "`.")]
            pub const $name: u8 = $value;
        )*

        /// The name of a kind in the kernel's header, without `BTF_KIND_`.
        pub fn kind_name(kind: u8) -> Option<&'static str> {
            match kind {
                $($value => Some(stringify!($name)),)*
                _ => None,
            }
        }
    };
}

kinds! {
    INT = 1,
    PTR = 2,
    ARRAY = 3,
    STRUCT = 4,
    UNION = 5,
    ENUM = 6,
    FWD = 7,
    TYPEDEF = 8,
    VOLATILE = 9,
    CONST = 10,
    RESTRICT = 11,
    FUNC = 12,
    FUNC_PROTO = 13,
    VAR = 14,
    DATASEC = 15,
    FLOAT = 16,
    DECL_TAG = 17,
    TYPE_TAG = 18,
    ENUM64 = 19,
}

/// Defines a struct of the format.
macro_rules! wire {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
        #[repr(C)]
        pub struct $name<O: ByteOrder> {
            $($(#[$field_doc])* pub $field: $ty,)*
        }
    };
}

wire! {
    /// `struct btf_header` up to 7.2. Every file has these fields.
    Header {
        /// [`MAGIC`].
        magic: U16<O>,
        /// [`VERSION`].
        version: u8,
        /// No flag is defined.
        flags: u8,
        /// Length in bytes of the header, later fields included.
        hdr_len: U32<O>,
        /// Offset of the types in bytes from the end of the header.
        type_off: U32<O>,
        /// Length in bytes of the types.
        type_len: U32<O>,
        /// Offset of the strings in bytes from the end of the header.
        str_off: U32<O>,
        /// Length in bytes of the strings.
        str_len: U32<O>,
    }
}

impl<O: ByteOrder> Header<O> {
    /// A header with these fields only, without types and strings.
    pub fn new() -> Self {
        Self {
            magic: U16::new(MAGIC),
            version: VERSION,
            flags: 0,
            hdr_len: U32::new(size_of::<Self>() as u32),
            type_off: U32::ZERO,
            type_len: U32::ZERO,
            str_off: U32::ZERO,
            str_len: U32::ZERO,
        }
    }
}

impl<O: ByteOrder> Default for Header<O> {
    fn default() -> Self {
        Self::new()
    }
}

wire! {
    /// The fields that 7.3 adds to `struct btf_header`.
    HeaderLayout {
        /// Offset of the layout of the kinds in bytes from the end of the header.
        layout_off: U32<O>,
        /// Length in bytes of the layout.
        layout_len: U32<O>,
    }
}

wire! {
    /// `struct btf_layout`: the amount of data that follows a type of this kind.
    Layout {
        /// Bytes that follow the `struct btf_type`.
        info_sz: u8,
        /// Bytes of each of the `vlen` elements after them.
        elem_sz: u8,
        /// No flag is defined.
        flags: U16<O>,
    }
}

wire! {
    /// `struct btf_type`: the first words of each type.
    Type {
        /// The name's offset in the strings.
        name_off: U32<O>,
        /// Kind, `kind_flag` and `vlen`.
        info: U32<O>,
        /// A size in bytes or the id of a type, by kind.
        size_or_type: U32<O>,
    }
}

/// The bits of [`Type::info`] that are `vlen`.
pub const VLEN: u32 = 0xff_ffff;

/// The lowest bit of [`Type::info`] that is the kind.
pub const KIND_SHIFT: u32 = 24;

/// The bit of [`Type::info`] that is `kind_flag`.
pub const KIND_FLAG: u32 = 1 << 31;

impl<O: ByteOrder> Type<O> {
    /// One of `BTF_KIND_*`.
    ///
    /// Until 7.2 it had 5 bits, and `vlen` had 16. The other bits had to be zero, so old files read
    /// the same.
    pub fn kind(&self) -> u8 {
        (self.info.get() >> KIND_SHIFT) as u8 & 0x7f
    }

    /// The number of members, values, parameters or variables; a FUNC's linkage.
    pub fn vlen(&self) -> u32 {
        self.info.get() & VLEN
    }

    /// Its meaning depends on the kind.
    pub fn kind_flag(&self) -> bool {
        self.info.get() & KIND_FLAG != 0
    }
}

/// The bits of a member's offset that are the offset in a struct or union with bit-fields. The
/// upper ones are the width.
pub const BIT_OFFSET: u32 = 0xff_ffff;
