// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Reads, writes, distils and relocates BTF, the BPF type format, in either byte order.
//!
//! - [`Owned`] holds a file, [`AnyOwned`] one whose byte order is known at run time only. [`Btf`] is a
//!   view of it, [`Btf::validate`] checks all of it, [`NameIndex`] looks types up by name.
//! - [`Builder`] writes BTF.
//! - [`ExtInfo`] is the content of `.BTF.ext`: functions, lines and CO-RE relocations.
//! - [`distill`] reduces the base of split BTF to the types that it needs, [`relocate`] makes the
//!   result refer to the types of another kernel.
//!
//! Reading, validating and relocating come from the crate `splitbtf-core`, which the Linux kernel
//! builds too: it allocates nothing and cannot panic. This crate adds the parts that allocate.
//!
//! The format is described in the kernel's `include/uapi/linux/btf.h` and
//! `Documentation/bpf/btf.rst`.
//!
//! # A tour
//!
//! This program is `examples/tour.rs`:
//!
//! ```no_run
#![doc = include_str!("../examples/tour.rs")]
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

extern crate alloc;

/// The examples in the READMEs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[doc = include_str!("../../../rust/splitbtf-core/README.md")]
mod readme {}

mod any;
mod declare;
mod distill;
mod ext;
mod methods;
mod names;
mod owned;
mod relocate;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod write;

pub use any::AnyOwned;
pub use distill::distill;
pub use distill::Distilled;
pub use distill::Distiller;
pub use ext::CoreRelo;
pub use ext::CoreReloKind;
pub use ext::ExtError;
pub use ext::ExtInfo;
pub use ext::FuncInfo;
pub use ext::LineInfo;
pub use ext::ListReason;
pub use ext::SectionInfo;
pub use methods::BtfExt;
pub use names::NameIndex;
pub use owned::Owned;
pub use relocate::relocate;
pub use relocate::Needs;
pub use relocate::Relocated;
pub use relocate::Unmatched;
pub use relocate::ValidExt;
pub use splitbtf_core::*;
pub use write::Builder;
pub use write::NewMember;
