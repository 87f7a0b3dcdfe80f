// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Reads, validates and relocates BTF, the BPF type format: in either byte order, with 7.3's header
//! or an older one, whole or split on a base.
//!
//! - [`Btf`] is a view of the bytes, [`Btf::validate`] checks all of it, [`Names`] looks types up
//!   by name.
//! - [`Valid::relocate`] makes split BTF with a distilled base refer to the types of another
//!   kernel.
//!
//! The kernel builds this crate as it is. It copies nothing and allocates nothing: views borrow the
//! bytes, and the caller lends scratch space. Whatever the bytes are, no function panics, reads
//! outside of them or takes longer than their length explains.
//!
//! In userland, use the crate `splitbtf`, which exports all of this crate and adds the parts that
//! allocate.
//!
//! The format is described in the kernel's `include/uapi/linux/btf.h` and
//! `Documentation/bpf/btf.rst`.
//!
//! # Examples
//!
//! ```
//! use splitbtf_core::Btf;
//! use splitbtf_core::Kind;
//! use splitbtf_core::LE;
//!
//! # let bytes = [
//! #     &[0x9f, 0xeb, 1, 0, 24, 0, 0, 0][..],
//! #     &[0, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0, 0, 5, 0, 0, 0],
//! #     &[1, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 32, 0, 0, 1],
//! #     b"\0int\0",
//! # ]
//! # .concat();
//! let mut index = vec![0; splitbtf_core::max_types::<LE>(&bytes)?];
//! let btf = Btf::<LE>::open(&bytes, None, &mut index)?;
//!
//! for ty in btf.types() {
//!     let ty = ty?;
//!     if let Kind::Int(int) = ty.kind {
//!         assert_eq!(btf.string(ty.name_off)?, b"int");
//!         assert_eq!(int.bits, 32);
//!         assert!(int.is_signed());
//!     }
//! }
//! # Ok::<(), splitbtf_core::Error>(())
//! ```

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

#[cfg(test)]
extern crate alloc;

mod cursor;
mod endian;
mod error;
mod header;
mod matching;
mod names;
mod read;
mod record;
mod relocate;
mod strings;
#[cfg(test)]
mod testing;
mod types;
mod validate;
mod wire;

pub use endian::Endian;
pub use error::Error;
pub use error::Section;
pub use error::SectionReason;
pub use error::TypeName;
pub use error::TypeReason;
pub use matching::Mismatch;
pub use matching::Own;
pub use names::Find;
pub use names::Names;
pub use read::max_types;
pub use read::Btf;
pub use read::Index;
pub use relocate::Kept;
pub use relocate::Policy;
pub use relocate::Relocation;
pub use types::Array;
pub use types::Composite;
pub use types::Element;
pub use types::Enumerator;
pub use types::Int;
pub use types::Iter;
pub use types::Kind;
pub use types::Linkage;
pub use types::List;
pub use types::Member;
pub use types::Param;
pub use types::Type;
pub use types::Unknown;
pub use types::VarSecinfo;
pub use validate::Valid;
pub use zerocopy::ByteOrder;
pub use zerocopy::BE;
pub use zerocopy::LE;

/// `BTF_KIND_*`, as numbers.
pub mod kind {
    pub use crate::wire::kind_name as name;
    pub use crate::wire::ARRAY;
    pub use crate::wire::CONST;
    pub use crate::wire::DATASEC;
    pub use crate::wire::DECL_TAG;
    pub use crate::wire::ENUM;
    pub use crate::wire::ENUM64;
    pub use crate::wire::FLOAT;
    pub use crate::wire::FUNC;
    pub use crate::wire::FUNC_PROTO;
    pub use crate::wire::FWD;
    pub use crate::wire::INT;
    pub use crate::wire::PTR;
    pub use crate::wire::RESTRICT;
    pub use crate::wire::STRUCT;
    pub use crate::wire::TYPEDEF;
    pub use crate::wire::TYPE_TAG;
    pub use crate::wire::UNION;
    pub use crate::wire::VAR;
    pub use crate::wire::VOLATILE;
}

/// Types as words, for crates that write BTF or handle the references of all kinds alike.
pub mod raw {
    pub use crate::header::Sections;
    pub use crate::record::index;
    pub use crate::record::is_known;
    pub use crate::record::rewrite;
    pub use crate::record::FieldDesc;
    pub use crate::record::Record;
    pub use crate::record::Word;
    pub use crate::record::HEAD;
    pub use crate::relocate::match_one;
    pub use crate::relocate::CONTAINED;
    pub use crate::relocate::MEMBER;
    pub use crate::relocate::NEEDED;
    pub use crate::strings::first_eight;

    /// The structures of `include/uapi/linux/btf.h`, with the byte order as a parameter.
    pub mod wire {
        pub use crate::wire::*;
    }
}
