// SPDX-License-Identifier: GPL-2.0

//! The relocation of a module's BTF, for `btf_parse_module()` in `kernel/bpf/btf.c`.

use kernel::{
    btf::{
        raw::bpf_rust_btf,
        ModuleBtf,
        Parsed, //
    },
    error::from_result,
    ffi::c_int,
    prelude::*, //
};

/// Relocates the BTF of a module from its distilled base to `vmlinux`: see [`ModuleBtf::relocate`].
/// Returns zero or a negative errno.
///
/// # Safety
///
/// `base` and `vmlinux` must be valid as for [`Parsed::from_raw`], `btf` as for
/// [`ModuleBtf::from_raw`].
#[export]
pub unsafe extern "C" fn bpf_rust_btf_relocate(
    btf: *mut bpf_rust_btf,
    base: *const bpf_rust_btf,
    vmlinux: *const bpf_rust_btf,
) -> c_int {
    // SAFETY: By the safety requirements.
    let (mut btf, base, vmlinux) = unsafe {
        (
            ModuleBtf::from_raw(btf),
            Parsed::from_raw(base),
            Parsed::from_raw(vmlinux),
        )
    };

    from_result(|| btf.relocate(&base, &vmlinux).map(|()| 0))
}
