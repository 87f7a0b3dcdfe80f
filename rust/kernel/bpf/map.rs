// SPDX-License-Identifier: GPL-2.0

//! BPF maps.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h).

use crate::{
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::Opaque, //
};
use core::ptr::NonNull;

/// A BPF map: the kernel's `struct bpf_map`.
///
/// # Invariants
///
/// Instances of this type are always refcounted: `bpf_map_inc` keeps the map alive until the
/// matching `bpf_map_put`. The map has been created, so that its type and its operations are set,
/// which never change afterwards.
///
/// # Examples
///
/// ```
/// use kernel::bpf::Map;
///
/// // A kernel thread has no such file.
/// assert_eq!(Map::from_fd(u32::MAX).err(), Some(EBADF));
/// ```
#[repr(transparent)]
pub struct Map(Opaque<bindings::bpf_map>);

// SAFETY: `bpf_map_put` may be called from any thread.
unsafe impl Send for Map {}

// SAFETY: What a shared reference gives access to either never changes after the creation of the
// map or is synchronised by the C code.
unsafe impl Sync for Map {}

impl Map {
    /// Takes a reference to the map that the file descriptor `fd` of the current process is for.
    ///
    /// # Errors
    ///
    /// `EBADF` if there is no such file, `EINVAL` if it is not a BPF map.
    #[inline]
    pub fn from_fd(fd: u32) -> Result<ARef<Self>> {
        // SAFETY: `bpf_map_get` may be called with any number.
        let map = from_err_ptr(unsafe { bindings::bpf_map_get(fd) })?;

        // SAFETY: `bpf_map_get` does not return null.
        let map = unsafe { NonNull::new_unchecked(map) };

        // SAFETY: `bpf_map_get` incremented the refcount of a valid map, and we own that increment.
        // The cast is okay because `Map` has the same representation as `struct bpf_map`.
        Ok(unsafe { ARef::from_raw(map.cast()) })
    }

    /// Returns the raw pointer to the map.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::bpf_map {
        self.0.get()
    }

    /// Returns the id by which user space knows the map.
    #[inline]
    pub fn id(&self) -> u32 {
        // SAFETY: By the type invariants, the map is valid. An id is given to a map when it is
        // created; the one change afterwards, to zero, is of maps whose device is gone, and racing
        // with that is as harmless here as it is in C.
        unsafe { (*self.as_raw()).id }
    }

    /// Returns whether the elements of the map are programs.
    #[inline]
    pub fn contains_progs(&self) -> bool {
        // SAFETY: By the type invariants, the map is valid.
        unsafe { bindings::map_type_contains_progs(self.as_raw()) }
    }

    /// Returns where in the map's values, as an offset in bytes, the kernel address `addr` points
    /// to; `None` if it does not, or if the map has no values that an instruction can point to.
    pub fn direct_value_offset(&self, addr: usize) -> Option<u32> {
        // SAFETY: By the type invariants, the map is valid and its operations are set.
        let meta = unsafe { (*(*self.as_raw()).ops).map_direct_value_meta }?;
        let mut offset = 0;

        // SAFETY: `map_direct_value_meta` takes a valid map of its own type, any address, and a
        // pointer to write to.
        to_result(unsafe { meta(self.as_raw(), addr as u64, &mut offset) }).ok()?;
        Some(offset)
    }

    /// Returns whether this is a map of instruction addresses (`BPF_MAP_TYPE_INSN_ARRAY`).
    #[inline]
    pub fn is_insn_array(&self) -> bool {
        // SAFETY: By the type invariants, the map is valid and its type is set.
        unsafe { (*self.as_raw()).map_type == bindings::bpf_map_type_BPF_MAP_TYPE_INSN_ARRAY }
    }

    /// Checks that the JIT has filled in all addresses, if this is a map of instruction addresses.
    ///
    /// # Errors
    ///
    /// `EFAULT` if an address is missing.
    pub fn insn_array_ready(&self) -> Result {
        if !self.is_insn_array() {
            return Ok(());
        }

        // SAFETY: The map is valid and of the type that this function is for.
        to_result(unsafe { bindings::bpf_insn_array_ready(self.as_raw()) })
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
