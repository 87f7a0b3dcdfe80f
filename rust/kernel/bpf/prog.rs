// SPDX-License-Identifier: GPL-2.0

//! BPF programs.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h).

use crate::{
    sync::aref::AlwaysRefCounted,
    types::Opaque, //
};
use core::ptr::NonNull;

/// A BPF program: the kernel's `struct bpf_prog`.
///
/// # Invariants
///
/// Instances of this type are always refcounted: `bpf_prog_inc` keeps the program alive until the
/// matching `bpf_prog_put`. `aux` points to the program's own `struct bpf_prog_aux` and does not
/// change.
///
/// # Examples
///
/// ```
/// use kernel::{
///     bpf::Prog,
///     sync::aref::ARef, //
/// };
///
/// /// Keeps a program alive if it may sleep.
/// fn keep_sleepable(prog: &Prog) -> Option<ARef<Prog>> {
///     prog.is_sleepable().then(|| prog.into())
/// }
/// ```
#[repr(transparent)]
pub struct Prog(Opaque<bindings::bpf_prog>);

// SAFETY: `bpf_prog_put` may be called from any thread.
unsafe impl Send for Prog {}

// SAFETY: Everything that a shared reference gives access to either does not change any more or is
// synchronised: `used_maps` by its mutex.
unsafe impl Sync for Prog {}

impl Prog {
    /// Creates a reference to a [`Prog`] from a valid pointer.
    ///
    /// # Safety
    ///
    /// `ptr` must point to a program that has passed the verifier, and whose refcount is nonzero
    /// for the whole of `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *const bindings::bpf_prog) -> &'a Self {
        // SAFETY: The safety requirements guarantee the validity of the dereference, while the
        // `Prog` type being transparent makes the cast okay.
        unsafe { &*ptr.cast() }
    }

    /// Returns the raw pointer to the program.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::bpf_prog {
        self.0.get()
    }

    /// Returns whether the program may sleep.
    #[inline]
    pub fn is_sleepable(&self) -> bool {
        // SAFETY: By the type invariants, the program is valid.
        unsafe { bindings::bpf_prog::sleepable_raw(self.as_raw()) != 0 }
    }
}

// SAFETY: The type invariants guarantee that `Prog` is always refcounted.
unsafe impl AlwaysRefCounted for Prog {
    #[inline]
    fn inc_ref(&self) {
        // SAFETY: The existence of a shared reference means that the refcount is nonzero.
        unsafe { bindings::bpf_prog_inc(self.as_raw()) };
    }

    #[inline]
    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The safety requirements guarantee that the refcount is nonzero. The cast is okay
        // because `Prog` has the same representation as `struct bpf_prog`.
        unsafe { bindings::bpf_prog_put(obj.cast().as_ptr()) };
    }
}
