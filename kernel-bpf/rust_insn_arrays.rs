// SPDX-License-Identifier: GPL-2.0

//! The check of a new program's instruction arrays, for `bpf_prog_mark_insn_arrays_ready()` in
//! `kernel/bpf/syscall.c`.

use kernel::{
    bpf::{
        raw::bpf_prog,
        Prog, //
    },
    error::from_result,
    ffi::c_int,
    prelude::*, //
};

/// Checks the program's instruction arrays: see [`Prog::insn_arrays_ready`]. Returns zero or a
/// negative errno.
///
/// # Safety
///
/// The caller must own a reference to `prog`, and `prog` must have passed the verifier.
#[export]
pub unsafe extern "C" fn bpf_rust_insn_arrays_ready(prog: *const bpf_prog) -> c_int {
    // SAFETY: By the safety requirements.
    let prog = unsafe { Prog::from_raw(prog) };

    from_result(|| prog.insn_arrays_ready().map(|()| 0))
}
