// SPDX-License-Identifier: GPL-2.0

//! Parts of the BPF subsystem in Rust, one file each. C calls the exported functions; the headers
//! `kernel/bpf/rust_*.h` declare them.

// Nothing here panics.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

#[cfg(CONFIG_BPF_RUST_MODULE_BTF)]
mod module_btf;
#[cfg(CONFIG_BPF_RUST_USED_MAPS)]
mod used_maps;

/// The prefix of lines in the kernel log.
#[cfg(CONFIG_BPF_RUST_MODULE_BTF)]
const __LOG_PREFIX: &[u8] = b"bpf_rust\0";
