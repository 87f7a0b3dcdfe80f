// SPDX-License-Identifier: GPL-2.0

//! The map ids of `struct bpf_prog_info`, for `bpf_prog_get_info_by_fd()` in
//! `kernel/bpf/syscall.c`.

use kernel::{
    bpf::{
        raw::bpf_prog,
        Prog, //
    },
    error::from_result,
    ffi::c_int,
    prelude::*,
    uaccess::UserPtr, //
};

/// Writes the ids of up to `nr_map_ids` of the program's maps to the user space address `map_ids`:
/// see [`Prog::copy_map_ids`]. Returns the number of maps that the program uses, or a negative
/// errno.
///
/// # Safety
///
/// The caller must own a reference to `prog`, and `prog` must have passed the verifier.
#[export]
pub unsafe extern "C" fn bpf_rust_prog_map_ids(
    prog: *const bpf_prog,
    map_ids: u64,
    nr_map_ids: u32,
) -> c_int {
    // SAFETY: By the safety requirements.
    let prog = unsafe { Prog::from_raw(prog) };

    from_result(|| {
        let count = prog.copy_map_ids(UserPtr::from_addr(map_ids as usize), nr_map_ids)?;
        Ok(c_int::try_from(count)?)
    })
}
