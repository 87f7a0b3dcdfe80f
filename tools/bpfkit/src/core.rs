// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What becomes of BPF objects on kernels: their CO-RE relocations, and what else they demand that the
//! kernel's BTF can answer.

pub mod check;
pub mod demands;
mod instead;
pub mod kernel;
mod reach;
#[cfg(test)]
mod testing;
