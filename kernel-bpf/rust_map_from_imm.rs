// SPDX-License-Identifier: GPL-2.0

//! The map that an instruction refers to, for `bpf_map_from_imm()` in `kernel/bpf/syscall.c`.

use kernel::{
    bpf::{
        raw::{
            bpf_map,
            bpf_prog,
            BPF_PSEUDO_MAP_FD,
            BPF_PSEUDO_MAP_VALUE, //
        },
        ImmRef,
        Prog, //
    },
    ffi::c_ulong,
    prelude::*, //
};

/// Looks up what the kernel address `addr` stands for: see [`UsedMaps::find_imm`]. Returns the map,
/// and writes the offset into its value to `off` and `BPF_PSEUDO_MAP_FD` or `BPF_PSEUDO_MAP_VALUE`
/// to `type_`; or returns null and leaves both alone.
///
/// [`UsedMaps::find_imm`]: kernel::bpf::UsedMaps::find_imm
///
/// # Safety
///
/// The caller must own a reference to `prog`, `prog` must have passed the verifier, and `off` and
/// `type_` must be valid for writing.
#[export]
pub unsafe extern "C" fn bpf_rust_map_from_imm(
    prog: *const bpf_prog,
    addr: c_ulong,
    off: *mut u32,
    type_: *mut u32,
) -> *const bpf_map {
    // SAFETY: By the safety requirements.
    let prog = unsafe { Prog::from_raw(prog) };

    let (map, map_off, map_type) = match prog.used_maps().find_imm(addr) {
        Some(ImmRef::Map(map)) => (map, 0, BPF_PSEUDO_MAP_FD),
        Some(ImmRef::Value(map, off)) => (map, off, BPF_PSEUDO_MAP_VALUE),
        None => return core::ptr::null(),
    };

    // SAFETY: By the safety requirements.
    unsafe {
        *off = map_off;
        *type_ = map_type;
    }
    map.as_raw()
}
