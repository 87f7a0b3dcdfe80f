// SPDX-License-Identifier: GPL-2.0

//! The tail call compatibility check, for `bpf_check_tail_call()` in `kernel/bpf/core.c`.

use kernel::{
    bpf::{
        raw::bpf_prog,
        Prog, //
    },
    error::from_result,
    ffi::c_int,
    prelude::*, //
};

/// Checks the program's maps of programs: see [`Prog::check_tail_call`]. Returns zero or a negative
/// errno.
///
/// # Safety
///
/// The caller must own a reference to `prog`, and `prog` must have passed the verifier.
#[export]
pub unsafe extern "C" fn bpf_rust_check_tail_call(prog: *const bpf_prog) -> c_int {
    // SAFETY: By the safety requirements.
    let prog = unsafe { Prog::from_raw(prog) };

    from_result(|| prog.check_tail_call().map(|()| 0))
}
