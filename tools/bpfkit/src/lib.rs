// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Loads BPF programs and binds maps to them that none of their instructions refers to, so that the
//! metadata in these maps lives as long as the programs. Shows this metadata. Writes BTF as C,
//! distils and relocates the BTF of modules, checks whether modules will load on other kernels, and
//! compares the types of kernels. Decides the CO-RE relocations of object files, and foretells what
//! becomes of these on other kernels. Generates Rust skeletons of them.

/// The example in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod btf;
pub mod check;
pub mod core;
pub mod core_object;
pub mod diff;
pub mod distill;
pub mod dump;
mod elf;
pub mod error;
pub mod feature;
mod file_error;
pub mod fit;
pub mod input;
mod libbpf;
mod linked;
mod list;
pub mod load;
pub mod metadata;
pub mod min_core;
pub mod output;
pub mod prog;
pub mod relocate;
#[cfg(feature = "cli")]
pub mod render;
pub mod show;
pub mod skeleton;
mod stranger;
mod sys;
#[cfg(test)]
mod testing;
pub mod value;
pub mod vmlinux;

pub use elf::ElfError;
pub use error::Error;
pub use file_error::FileError;
pub use input::Input;
pub use input::InputError;
pub use input::Section;
pub use metadata::Metadata;
pub use splitbtf::Endian;
pub use stranger::Stranger;
pub use value::Value;
