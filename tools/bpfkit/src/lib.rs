// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Loads BPF programs, and binds maps to them that none of their instructions refers to, so that
//! the metadata in these maps lives as long as the programs.

pub mod error;
pub mod prog;
mod sys;

pub use error::Error;
