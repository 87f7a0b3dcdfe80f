// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The skeletons of object files that are difficult to express in Rust. The tests are in `tests/`.

// libbpf-cargo writes most of the code.
#![allow(missing_docs, clippy::all, clippy::undocumented_unsafe_blocks)]

include!(concat!(env!("OUT_DIR"), "/cases.rs"));
