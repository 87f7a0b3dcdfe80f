// SPDX-License-Identifier: GPL-2.0

//! `BPF_PROG_BIND_MAP`, called by `bpf_prog_bind_map()` in `kernel/bpf/syscall.c`.

use kernel::{
    bpf,
    error::from_result,
    ffi::c_int,
    prelude::*, //
};

/// Binds the map of `map_fd` to the program of `prog_fd`: see [`bpf::bind_map`]. Returns zero or a
/// negative errno.
///
/// # Safety
///
/// Always safe to call.
// Required to be unsafe due to the `#[export]` annotation.
#[export]
pub unsafe extern "C" fn bpf_rust_prog_bind_map(prog_fd: u32, map_fd: u32, flags: u32) -> c_int {
    from_result(|| bpf::bind_map(prog_fd, map_fd, flags).map(|()| 0))
}
