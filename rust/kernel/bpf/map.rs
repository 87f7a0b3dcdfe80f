// SPDX-License-Identifier: GPL-2.0

//! BPF maps.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h).

use crate::{
    sync::{
        aref::AlwaysRefCounted,
        atomic::{
            Atomic,
            Relaxed, //
        },
    },
    types::Opaque, //
};
use core::ptr::NonNull;

/// A BPF map: the kernel's `struct bpf_map`.
///
/// # Invariants
///
/// Instances of this type are always refcounted: `bpf_map_inc` keeps the map alive until the
/// matching `bpf_map_put`. The map has been created: its type and its operations are set and never
/// change.
///
/// # Examples
///
/// ```
/// use kernel::{
///     bpf::Map,
///     sync::aref::ARef, //
/// };
///
/// /// Keeps a map alive.
/// fn keep(map: &Map) -> ARef<Map> {
///     map.into()
/// }
/// ```
#[repr(transparent)]
pub struct Map(Opaque<bindings::bpf_map>);

// SAFETY: `bpf_map_put` may be called from any thread.
unsafe impl Send for Map {}

// SAFETY: Everything that a shared reference gives access to either never changes after the
// creation of the map or is synchronised by the C code.
unsafe impl Sync for Map {}

impl Map {
    /// Returns the raw pointer to the map.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::bpf_map {
        self.0.get()
    }

    /// Returns the map's id for user space; 0 if the map has lost it.
    #[inline]
    pub fn id(&self) -> u32 {
        // SAFETY: By the type invariants, the map is valid.
        let id = unsafe { &raw mut (*self.as_raw()).id };

        // A map may lose its id at any time, when its device goes away: `bpf_map_free_id()`.
        //
        // SAFETY: The field is valid and aligned, and other accesses are of the same size.
        unsafe { Atomic::from_ptr(id) }.load(Relaxed)
    }

    /// Returns whether the elements of the map are programs.
    #[inline]
    pub fn contains_progs(&self) -> bool {
        // SAFETY: By the type invariants, the map is valid.
        unsafe { bindings::map_type_contains_progs(self.as_raw()) }
    }

    /// Returns whether this is a map of instruction addresses (`BPF_MAP_TYPE_INSN_ARRAY`).
    #[inline]
    pub fn is_insn_array(&self) -> bool {
        // SAFETY: By the type invariants, the map is valid and its type is set.
        unsafe { (*self.as_raw()).map_type == bindings::bpf_map_type_BPF_MAP_TYPE_INSN_ARRAY }
    }
}

// SAFETY: The type invariants guarantee that `Map` is always refcounted.
unsafe impl AlwaysRefCounted for Map {
    #[inline]
    fn inc_ref(&self) {
        // SAFETY: The existence of a shared reference means that the refcount is nonzero.
        unsafe { bindings::bpf_map_inc(self.as_raw()) };
    }

    #[inline]
    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The safety requirements guarantee that the refcount is nonzero. The cast is okay
        // because `Map` has the same representation as `struct bpf_map`.
        unsafe { bindings::bpf_map_put(obj.cast().as_ptr()) };
    }
}
