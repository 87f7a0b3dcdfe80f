// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! BTF, the BPF type format: of either byte order, with 7.3's header or an older one, whole or
//! split on a base.
//!
//! - [`Btf`] reads it, [`Btf::validate`] checks all of it, [`Names`] looks types up by name.
//! - [`Valid::relocate`] makes split BTF with a distilled base refer to the types of another
//!   kernel.
//! - With the feature `alloc`, `Builder` writes BTF, `Distiller` makes distilled bases, and `Owned`
//!   and `relocate` bring the memory that the others ask for.
//!
//! Without `alloc` nothing is copied and nothing allocated: views borrow the bytes, and the caller
//! lends the rest. Whatever the bytes are, no function panics, reads outside of them or takes
//! longer than their length explains.
//!
//! The format is described in the kernel's `include/uapi/linux/btf.h` and
//! `Documentation/bpf/btf.rst`.
//!
//! # Examples
//!
//! ```
//! use splitbtf::Btf;
//! use splitbtf::Kind;
//! use zerocopy::LE;
//!
//! # let bytes = [
//! #     &[0x9f, 0xeb, 1, 0, 24, 0, 0, 0][..],
//! #     &[0, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0, 0, 5, 0, 0, 0],
//! #     &[1, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 32, 0, 0, 1],
//! #     b"\0int\0",
//! # ]
//! # .concat();
//! let mut room = vec![0; splitbtf::max_types::<LE>(&bytes)?];
//! let btf = Btf::<LE>::open(&bytes, None, &mut room)?;
//!
//! for ty in btf.types() {
//!     let ty = ty?;
//!     if let Kind::Int(int) = ty.kind {
//!         assert_eq!(btf.string(ty.name_off)?, b"int");
//!         assert_eq!(int.bits, 32);
//!         assert!(int.is_signed());
//!     }
//! }
//! # Ok::<(), splitbtf::Error>(())
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
pub mod wire;

pub use error::Error;
pub use error::Section;
pub use error::SectionReason;
pub use error::TypeReason;
pub use matching::Mismatch;
pub use matching::Own;
pub use names::Find;
pub use names::Names;
pub use read::max_types;
pub use read::Btf;
pub use read::Index;
pub use relocate::mismatch;
pub use relocate::Policy;
pub use relocate::Relocation;
pub use types::Composite;
pub use types::Int;
pub use types::Kind;
pub use types::Member;
pub use types::Type;
pub use validate::Valid;

/// Types as words, for crates that write BTF or go over all of its references.
pub mod raw {
    pub use crate::header::Sections;
    pub use crate::record::index;
    pub use crate::record::rewrite;
    pub use crate::record::Record;
    pub use crate::record::Shape;
    pub use crate::record::Word;
    pub use crate::record::HEAD;
    pub use crate::relocate::match_one;
    pub use crate::relocate::CONTAINED;
    pub use crate::relocate::MEMBER;
    pub use crate::relocate::NEEDED;
    pub use crate::strings::first_eight;
}
