// SPDX-License-Identifier: GPL-2.0

//! BPF programs, BPF maps, and the maps that a program uses.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h).
//!
//! Reference: <https://docs.kernel.org/bpf/bpf_rust_used_maps.html>

mod map;
mod prog;
#[cfg(CONFIG_BPF_RUST_USED_MAPS)]
mod used_maps;

pub use self::map::Map;
pub use self::prog::Prog;
#[cfg(CONFIG_BPF_RUST_USED_MAPS)]
pub use self::used_maps::{
    bind_map,
    release_used_maps,
    ImmRef,
    UsedMaps, //
};

/// C's types and values, for the entry points that C calls.
pub mod raw {
    pub use bindings::{
        bpf_map,
        bpf_prog,
        bpf_prog_aux,
        BPF_PSEUDO_MAP_FD,
        BPF_PSEUDO_MAP_VALUE, //
    };
}
