// SPDX-License-Identifier: GPL-2.0

//! The validation of a module's BTF, for `btf_parse_base()` and `btf_parse_module()` in
//! `kernel/bpf/btf.c`.

use kernel::{
    btf::{
        raw::bpf_rust_btf,
        Parsed, //
    },
    error::from_result,
    ffi::c_int,
    prelude::*, //
};

/// Validates BTF, on `base` if that is not null: see [`Parsed::validate`]. Returns zero or a
/// negative errno.
///
/// # Safety
///
/// `btf` must be valid as for [`Parsed::from_raw`], and so must be `base` if it is not null.
#[export]
pub unsafe extern "C" fn bpf_rust_btf_validate(
    btf: *const bpf_rust_btf,
    base: *const bpf_rust_btf,
) -> c_int {
    // SAFETY: By the safety requirements.
    let btf = unsafe { Parsed::from_raw(btf) };
    // SAFETY: By the safety requirements.
    let base = (!base.is_null()).then(|| unsafe { Parsed::from_raw(base) });

    from_result(|| btf.validate(base.as_ref()).map(|()| 0))
}
