// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Compares `splitbtf` with libbpf on the kernels of a distribution: the results for the same
//! bytes, and the time that they take. Compares `core-relo` with libbpf on objects and kernels.

pub mod bench;
pub mod commands;
pub mod compare;
pub mod core;
pub mod corpus;
pub mod error;
pub mod libbpf;
pub mod pairs;
mod progress;
pub mod records;
pub mod table;
#[cfg(test)]
#[path = "../../bpfkit/src/testing.rs"]
#[expect(dead_code)] // bpfkit's tests use all of it.
mod testing;
mod vmlinux;

pub use error::Error;
