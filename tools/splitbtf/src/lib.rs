// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! BTF, the BPF type format, of either byte order: reads, writes, distils and relocates it.
//!
//! - [`Owned`] reads a file. [`Btf`] is a view of it, [`Btf::validate`] checks all of it, [`Names`]
//!   looks types up by name.
//! - [`Builder`] writes BTF.
//! - [`distill`] makes distilled bases, [`relocate`] makes split BTF that has one refer to the types
//!   of another kernel.
//!
//! Reading, validating and relocating come from the crate `splitbtf-core`, which the Linux kernel
//! builds too: it allocates nothing and cannot panic. This crate adds what allocates.
//!
//! The format is described in the kernel's `include/uapi/linux/btf.h` and
//! `Documentation/bpf/btf.rst`.

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

extern crate alloc;

mod distill;
mod encode;
mod owned;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod write;

pub use distill::distill;
pub use distill::Distilled;
pub use distill::Distiller;
pub use owned::relocate;
pub use owned::BtfExt;
pub use owned::Kept;
pub use owned::Needs;
pub use owned::Owned;
pub use owned::Relocated;
pub use owned::Unmatched;
pub use owned::ValidExt;
pub use splitbtf_core::*;
pub use write::Builder;
pub use write::NewMember;
pub use zerocopy::ByteOrder;
pub use zerocopy::BE;
pub use zerocopy::LE;
