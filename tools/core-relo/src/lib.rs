// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! CO-RE relocation of BPF programs, with each decision as a record.
//!
//! A BPF object says in `.BTF.ext` which of its instructions depend on the kernel: on the offset of
//! a member, on the size of a type, on whether an enum has a value. This crate decides what they
//! become for a kernel, as libbpf does, and says why.
//!
//! - [`Object`] has the relocations of an object, [`Targets`] the types of a kernel and its
//!   modules.
//! - [`Decider`] makes a [`Decision`] for each relocation: with the program and the line of source
//!   code, all candidates and what became of each, the old and the new value, and what happens to
//!   the instruction. It can be written and read by `serde`.
//! - [`patch`] carries a decision out.
//! - [`incompatible`] compares the types of functions and variables.
//! - [`Minimizer`] writes the BTF that decisions need, and no more: BTFGen.
//!
//! Nothing here does I/O: the caller has the bytes of `.BTF`, of `.BTF.ext` and of the sections with
//! programs. Objects and kernels may have either byte order. Input may be hostile: no function
//! panics, and the work is bounded by the length of the input ([`Fault::Work`]).
//!
//! # Semantics
//!
//! The rules are those of libbpf 1.8 (`relo_core.c`):
//!
//! - Candidates are the types of the kernel with the same kind and the same name, where a flavour
//!   (`___flavour` at the end) does not count. The modules are searched if vmlinux has none.
//! - All candidates that match must give the same value, otherwise the relocation is
//!   [ambiguous](Outcome::Ambiguous). A candidate that did not match once is not considered again
//!   for the same local type, if another did.
//! - If no candidate matches, questions of existence are answered with 0, and other instructions
//!   are [poisoned](Action::Poisoned): the verifier refuses the program only if they can be reached.
//!
//! # Examples
//!
//! The program `examples/record.rs` prints the record of an object as JSON:
//!
//! ```no_run
#![doc = include_str!("../examples/record.rs")]
//! ```

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

/// The examples in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod budget;
mod compare;
mod decide;
mod error;
mod insn;
mod lines;
mod lookup;
mod matching;
mod minimize;
mod name;
mod object;
mod record;
mod side;
mod spec;
mod targets;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod types;
mod value;

pub use compare::incompatible;
pub use decide::Decider;
pub use error::Error;
pub use error::Fault;
pub use error::Invalid;
pub use error::PatchError;
pub use insn::patch;
pub use insn::Insn;
pub use lookup::essential_name;
pub use minimize::MinimizeError;
pub use minimize::Minimizer;
pub use object::Function;
pub use object::Object;
pub use object::Relocation;
pub use object::Section;
pub use record::Action;
pub use record::Candidate;
pub use record::Change;
pub use record::Decision;
pub use record::Difference;
pub use record::Field;
pub use record::Mismatch;
pub use record::Outcome;
pub use record::Poison;
pub use record::Refusal;
pub use record::Resize;
pub use record::Source;
pub use record::Spec;
pub use record::Step;
pub use record::Verdict;
pub use splitbtf::CoreRelo;
pub use splitbtf::CoreReloKind;
pub use splitbtf::Endian;
pub use targets::Targets;
pub use types::Types;
