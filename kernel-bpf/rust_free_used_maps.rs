// SPDX-License-Identifier: GPL-2.0

//! The release of a program's maps, for `bpf_free_used_maps()` in `kernel/bpf/core.c`.

use kernel::{
    bpf::{
        raw::bpf_prog_aux,
        release_used_maps, //
    },
    prelude::*, //
};

/// Releases the program's maps: see [`release_used_maps`].
///
/// # Safety
///
/// As for [`release_used_maps`].
#[export]
pub unsafe extern "C" fn bpf_rust_free_used_maps(aux: *mut bpf_prog_aux) {
    // SAFETY: By the safety requirements.
    unsafe { release_used_maps(aux) };
}
