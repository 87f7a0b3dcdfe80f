// SPDX-License-Identifier: GPL-2.0

//! The maps that a BPF program uses.
//!
//! The verifier hands over the maps that the program's instructions refer to; `BPF_PROG_BIND_MAP`
//! adds others, which then live as long as the program. The list is `used_maps` in
//! `struct bpf_prog_aux`, and `used_maps_mutex` protects it.
//!
//! The list is append-only while the program lives: an entry never changes. Hence a reference to a
//! map on it is valid as long as the program, and the list may be read in pieces.
//!
//! C header: [`kernel/bpf/rust_used_maps.h`](srctree/kernel/bpf/rust_used_maps.h).
//!
//! Reference: <https://docs.kernel.org/bpf/bpf_rust_used_maps.html>

use core::{
    mem::{
        size_of,
        ManuallyDrop, //
    },
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    alloc::{
        KVVec,
        KVec, //
    },
    bindings,
    bpf::{
        Map,
        Prog, //
    },
    error::{
        from_err_ptr,
        from_result,
        to_result, //
    },
    ffi::{
        c_int,
        c_ulong, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        lock::mutex::MutexGuard,
        Mutex, //
    },
    transmute::AsBytes,
    uaccess::{
        UserPtr,
        UserSlice, //
    },
};

/// `BPF_PROG_BIND_MAP`, for `bpf_prog_bind_map()` in `kernel/bpf/syscall.c`: see [`bind_map`].
/// Returns zero or a negative errno.
///
/// # Safety
///
/// Always safe to call.
// Required to be unsafe due to the `#[export]` annotation.
#[export]
unsafe extern "C" fn bpf_rust_prog_bind_map(prog_fd: u32, map_fd: u32, flags: u32) -> c_int {
    from_result(|| bind_map(prog_fd, map_fd, flags).map(|()| 0))
}

/// The map ids of `struct bpf_prog_info`, for `bpf_prog_get_info_by_fd()` in
/// `kernel/bpf/syscall.c`: writes the ids of up to `nr_map_ids` of the program's maps to the user
/// space address `map_ids`. Returns the number of maps that the program uses, or a negative errno.
///
/// # Safety
///
/// As for [`Prog::from_raw`].
#[export]
unsafe extern "C" fn bpf_rust_prog_map_ids(
    prog: *const bindings::bpf_prog,
    map_ids: u64,
    nr_map_ids: u32,
) -> c_int {
    // SAFETY: By the safety requirements.
    let prog = unsafe { Prog::from_raw(prog) };

    from_result(|| {
        let count = copy_map_ids(prog, UserPtr::from_addr(map_ids as usize), nr_map_ids)?;
        Ok(c_int::try_from(count)?)
    })
}

/// The map that an instruction refers to, for `bpf_map_from_imm()` in `kernel/bpf/syscall.c`.
///
/// Looks up the kernel address `addr`. Returns the map, and writes the offset into its value to
/// `off` and `BPF_PSEUDO_MAP_FD` or `BPF_PSEUDO_MAP_VALUE` to `type_`. If no map matches, returns
/// null and writes nothing.
///
/// # Safety
///
/// As for [`Prog::from_raw`]; and `off` and `type_` must be valid for writing.
#[export]
unsafe extern "C" fn bpf_rust_map_from_imm(
    prog: *const bindings::bpf_prog,
    addr: c_ulong,
    off: *mut u32,
    type_: *mut u32,
) -> *const bindings::bpf_map {
    // SAFETY: By the safety requirements.
    let prog = unsafe { Prog::from_raw(prog) };

    let (map, map_off, map_type) = match UsedMaps::lock(prog).find_imm(addr) {
        Some(ImmRef::Map(map)) => (map, 0, bindings::BPF_PSEUDO_MAP_FD),
        Some(ImmRef::Value(map, off)) => (map, off, bindings::BPF_PSEUDO_MAP_VALUE),
        None => return ptr::null(),
    };

    // SAFETY: By the safety requirements.
    unsafe {
        *off = map_off;
        *type_ = map_type;
    }
    map.as_raw()
}

/// The tail call check, for `bpf_check_tail_call()` in `kernel/bpf/core.c`: see
/// [`check_tail_call`]. Returns zero or a negative errno.
///
/// # Safety
///
/// As for [`Prog::from_raw`].
#[export]
unsafe extern "C" fn bpf_rust_check_tail_call(prog: *const bindings::bpf_prog) -> c_int {
    // SAFETY: By the safety requirements.
    let prog = unsafe { Prog::from_raw(prog) };

    from_result(|| check_tail_call(prog).map(|()| 0))
}

/// The check of a new program's instruction arrays, for `bpf_prog_mark_insn_arrays_ready()` in
/// `kernel/bpf/syscall.c`: see [`check_insn_arrays`]. Returns zero or a negative errno.
///
/// # Safety
///
/// As for [`Prog::from_raw`].
#[export]
unsafe extern "C" fn bpf_rust_insn_arrays_ready(prog: *const bindings::bpf_prog) -> c_int {
    // SAFETY: By the safety requirements.
    let prog = unsafe { Prog::from_raw(prog) };

    from_result(|| check_insn_arrays(prog).map(|()| 0))
}

/// The release of a program's maps, for `bpf_free_used_maps()` in `kernel/bpf/core.c`: releases the
/// maps of a program that is being freed, and the memory of the list.
///
/// # Safety
///
/// `aux` and its program must be valid, and no reference to the program may be left. The program's
/// maps must not be used afterwards.
#[export]
unsafe extern "C" fn bpf_rust_free_used_maps(aux: *mut bindings::bpf_prog_aux) {
    // SAFETY: `aux` is valid, and nobody else can reach it without a reference to the program.
    let list = unsafe { List::borrow(aux) };
    // SAFETY: `aux` is valid, and so is its program.
    let sleepable = unsafe { bindings::bpf_prog::sleepable_raw((*aux).prog) != 0 };

    for map in list.iter() {
        // SAFETY: The map is on the list, which owns a reference to it that we take over.
        let map = unsafe { ARef::from_raw(*map) };

        // SAFETY: `aux` is valid.
        unsafe { poke_untrack(&map, aux) };
        if sleepable {
            sleepable_dec(&map);
        }
    }
    // This frees the memory.
    drop(ManuallyDrop::into_inner(list));
}

/// The target of an address in the immediate of an instruction.
#[derive(Clone, Copy)]
enum ImmRef<'a> {
    /// A map.
    Map(&'a Map),
    /// The value of a map, at an offset in bytes.
    Value(&'a Map, u32),
}

/// A program's list of maps, by the origin of its memory.
enum List {
    /// The verifier has allocated it with `kmalloc()`, without spare capacity.
    Verifier(KVec<NonNull<Map>>),
    /// [`UsedMaps::bind`] has allocated it, with spare capacity.
    Grown(KVVec<NonNull<Map>>),
}

impl List {
    /// Borrows the list of a program.
    ///
    /// # Safety
    ///
    /// `aux` must be valid, and nobody else may use its list of maps while the result is in use.
    unsafe fn borrow(aux: *mut bindings::bpf_prog_aux) -> ManuallyDrop<Self> {
        // SAFETY: `aux` is valid, and nobody changes these fields by the safety requirements.
        let (maps, len, cap) = unsafe {
            (
                (*aux).used_maps,
                (*aux).used_map_cnt as usize,
                (*aux).used_maps_cap as usize,
            )
        };

        ManuallyDrop::new(if maps.is_null() {
            Self::Verifier(KVec::new())
        } else if cap == 0 {
            // SAFETY: `bpf_check()` allocated the array with `kmalloc()` for `len` pointers to
            // valid maps. `Map` has the same representation as `struct bpf_map`.
            Self::Verifier(unsafe { KVec::from_raw_parts(maps.cast(), len, len) })
        } else {
            // SAFETY: The array comes from a `KVVec` with this capacity: see `UsedMaps::bind`.
            Self::Grown(unsafe { KVVec::from_raw_parts(maps.cast(), len, cap) })
        })
    }
}

impl Deref for List {
    type Target = [NonNull<Map>];

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Verifier(maps) => maps,
            Self::Grown(maps) => maps,
        }
    }
}

/// The locked list of the maps that a program uses.
///
/// It derefs to the slice of the maps: first the verifier's, then the bound ones in the order in
/// which they were bound. Dropping this releases the mutex.
///
/// # Invariants
///
/// The program's `used_maps_mutex` is held.
struct UsedMaps<'a> {
    prog: &'a Prog,
    _guard: MutexGuard<'a, ()>,
}

impl<'a> UsedMaps<'a> {
    /// Locks the list of the maps that a program uses.
    fn lock(prog: &'a Prog) -> Self {
        // SAFETY: `aux` belongs to a program, so it is valid.
        let mutex = unsafe { &raw mut (*aux(prog)).used_maps_mutex };
        // SAFETY: Allocating the program initialised the mutex, which lives as long as the program.
        let mutex: &Mutex<()> = unsafe { Mutex::from_raw(mutex) };

        // INVARIANT: We take the mutex here.
        Self {
            prog,
            _guard: mutex.lock(),
        }
    }

    /// Appends `map`, with a reference to it, to the list, unless the list has it already.
    ///
    /// The memory for the list is charged to the current process; memory that is enlarged in place
    /// stays charged to the process that allocated it. The list grows by doubling, so appending
    /// takes amortised constant time. The search for a duplicate is linear.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no memory for the list, which is then unchanged.
    fn bind(&mut self, map: &Map) -> Result {
        if self.iter().any(|used| ptr::eq(*used, map)) {
            return Ok(());
        }

        let aux = aux(self.prog);
        // SAFETY: `aux` belongs to a program, so it is valid, and we hold the mutex.
        let mut list = unsafe { List::borrow(aux) };
        let count = u32::try_from(list.len().saturating_add(1)).map_err(|_| ENOMEM)?;
        let map_ptr = NonNull::from(map);

        let (maps, cap) = match &mut *list {
            List::Grown(maps) => {
                maps.push(map_ptr, GFP_KERNEL_ACCOUNT)?;
                (maps.as_mut_ptr(), maps.capacity())
            }
            List::Verifier(old) => {
                let cap = old.len().saturating_mul(2).max(4);
                let mut maps = KVVec::with_capacity(cap, GFP_KERNEL_ACCOUNT)?;
                maps.extend_from_slice(old, GFP_KERNEL_ACCOUNT)?;
                maps.push(map_ptr, GFP_KERNEL_ACCOUNT)?;
                drop(core::mem::take(old));
                let (maps, _, cap) = maps.into_raw_parts();
                (maps, cap)
            }
        };

        // The reference that the list owns.
        ARef::into_raw(ARef::from(map));
        // The program does not access the map, but its release decrements the count of all maps.
        if self.prog.is_sleepable() {
            sleepable_inc(map);
        }

        // SAFETY: As above. The list that we borrowed is not used any more.
        unsafe {
            (*aux).used_maps = maps.cast();
            (*aux).used_maps_cap = u32::try_from(cap).unwrap_or(u32::MAX);
            (*aux).used_map_cnt = count;
        }
        Ok(())
    }

    /// Returns the target of the kernel address `addr` in an instruction of the program.
    fn find_imm(&self, addr: usize) -> Option<ImmRef<'a>> {
        self.iter().copied().find_map(|map| {
            if map.as_raw().addr() == addr {
                return Some(ImmRef::Map(map));
            }
            Some(ImmRef::Value(map, direct_value_offset(map, addr)?))
        })
    }

    /// Writes the ids of the maps from position `start` on to the front of `ids`. Returns the part
    /// of `ids` that it wrote.
    fn ids<'b>(&self, start: usize, ids: &'b mut [u32]) -> &'b [u32] {
        let maps = self.get(start..).unwrap_or_default();
        let len = maps.len().min(ids.len());

        for (id, map) in ids.iter_mut().zip(maps) {
            *id = map.id();
        }
        ids.get(..len).unwrap_or_default()
    }
}

impl<'a> Deref for UsedMaps<'a> {
    type Target = [&'a Map];

    fn deref(&self) -> &Self::Target {
        let aux = aux(self.prog);
        // SAFETY: `aux` belongs to a program, so it is valid, and we hold the mutex.
        let (maps, len) = unsafe { ((*aux).used_maps, (*aux).used_map_cnt) };

        if maps.is_null() {
            return &[];
        }
        // SAFETY: The array starts with `len` pointers to maps. The program owns references to
        // them, so they are valid as long as the program, and the array is valid as long as we hold
        // the mutex. `&Map` has the same representation as a pointer to `struct bpf_map`.
        unsafe { core::slice::from_raw_parts(maps.cast(), len as usize) }
    }
}

/// Returns the raw pointer to the auxiliary data of a program.
#[inline]
fn aux(prog: &Prog) -> *mut bindings::bpf_prog_aux {
    // SAFETY: By the type invariants, the program is valid and `aux` does not change.
    unsafe { (*prog.as_raw()).aux }
}

/// Counts one more sleepable program that uses the map.
#[inline]
fn sleepable_inc(map: &Map) {
    // SAFETY: By the type invariants, the map is valid.
    unsafe { bindings::atomic64_inc(&raw mut (*map.as_raw()).sleepable_refcnt) };
}

/// Counts one fewer sleepable program that uses the map.
#[inline]
fn sleepable_dec(map: &Map) {
    // SAFETY: By the type invariants, the map is valid.
    unsafe { bindings::atomic64_dec(&raw mut (*map.as_raw()).sleepable_refcnt) };
}

/// Makes the map forget a program whose tail calls it patches.
///
/// # Safety
///
/// `aux` must be valid.
#[inline]
unsafe fn poke_untrack(map: &Map, aux: *mut bindings::bpf_prog_aux) {
    // SAFETY: By the type invariants, the map is valid and its operations are set.
    if let Some(untrack) = unsafe { (*(*map.as_raw()).ops).map_poke_untrack } {
        // SAFETY: The map is valid and of the type that this operation is for. `aux` is valid by
        // the safety requirements; the map need not know it.
        unsafe { untrack(map.as_raw(), aux) };
    }
}

/// Returns the offset in bytes of the kernel address `addr` in the map's values; `None` if it
/// points elsewhere, or if instructions cannot point to values of this map.
fn direct_value_offset(map: &Map, addr: usize) -> Option<u32> {
    // SAFETY: By the type invariants, the map is valid and its operations are set.
    let meta = unsafe { (*(*map.as_raw()).ops).map_direct_value_meta }?;
    let mut offset = 0;

    // SAFETY: `map_direct_value_meta` takes a valid map of its own type, any address, and a pointer
    // to write to.
    to_result(unsafe { meta(map.as_raw(), addr as u64, &mut offset) }).ok()?;
    Some(offset)
}

/// Takes a reference to the program of the current process's file descriptor `fd`.
///
/// # Errors
///
/// `EBADF` if there is no such file, `EINVAL` if it is not a BPF program.
fn prog_from_fd(fd: u32) -> Result<ARef<Prog>> {
    // SAFETY: `bpf_prog_get` may be called with any number.
    let prog = from_err_ptr(unsafe { bindings::bpf_prog_get(fd) })?;
    // SAFETY: `bpf_prog_get` does not return null.
    let prog = unsafe { NonNull::new_unchecked(prog) };

    // SAFETY: `bpf_prog_get` incremented the refcount of a valid program, and we own that
    // increment. The cast is okay because `Prog` has the same representation as `struct bpf_prog`.
    Ok(unsafe { ARef::from_raw(prog.cast()) })
}

/// Takes a reference to the map of the current process's file descriptor `fd`.
///
/// # Errors
///
/// `EBADF` if there is no such file, `EINVAL` if it is not a BPF map.
fn map_from_fd(fd: u32) -> Result<ARef<Map>> {
    // SAFETY: `bpf_map_get` may be called with any number.
    let map = from_err_ptr(unsafe { bindings::bpf_map_get(fd) })?;
    // SAFETY: `bpf_map_get` does not return null.
    let map = unsafe { NonNull::new_unchecked(map) };

    // SAFETY: `bpf_map_get` incremented the refcount of a valid map, and we own that increment. The
    // cast is okay because `Map` has the same representation as `struct bpf_map`.
    Ok(unsafe { ARef::from_raw(map.cast()) })
}

/// Writes the ids of the first `capacity` maps that the program uses to user space, as an array of
/// `u32` at `ids`, and returns how many maps it uses.
///
/// It does not hold the mutex while it writes user memory, which may take as long as user space
/// likes.
///
/// # Errors
///
/// `EFAULT` if the memory cannot be written. The part before the fault may have been written.
fn copy_map_ids(prog: &Prog, ids: UserPtr, capacity: u32) -> Result<u32> {
    let count = UsedMaps::lock(prog).len();
    let wanted = count.min(capacity as usize);
    let len = wanted.saturating_mul(size_of::<u32>());
    let mut user = UserSlice::new(ids, len).writer();
    let mut buffer = [0; 64];

    for start in (0..wanted).step_by(buffer.len()) {
        let len = buffer.len().min(wanted.saturating_sub(start));
        let chunk = buffer.get_mut(..len).unwrap_or_default();
        // The end of this statement drops the guard.
        let chunk = UsedMaps::lock(prog).ids(start, chunk);

        user.write_slice(AsBytes::as_bytes(chunk))?;
    }
    Ok(u32::try_from(count)?)
}

/// Checks that the program may tail-call the programs in the maps that it uses, and makes it the
/// owner of those maps that have none yet.
///
/// # Errors
///
/// `EINVAL` if one of the maps is for programs of another sort.
fn check_tail_call(prog: &Prog) -> Result {
    let compatible = |map: &&Map| {
        // SAFETY: Both are valid by their type invariants.
        unsafe { bindings::bpf_rust_prog_map_compatible(map.as_raw(), prog.as_raw()) }
    };

    if UsedMaps::lock(prog)
        .iter()
        .filter(|map| map.contains_progs())
        .all(compatible)
    {
        Ok(())
    } else {
        Err(EINVAL)
    }
}

/// Checks that the JIT has filled in the instruction arrays that the program uses.
///
/// # Errors
///
/// `EFAULT` if an address is missing.
fn check_insn_arrays(prog: &Prog) -> Result {
    UsedMaps::lock(prog)
        .iter()
        .filter(|map| map.is_insn_array())
        .try_for_each(|map| {
            // SAFETY: The map is valid and of the type that this function is for.
            to_result(unsafe { bindings::bpf_insn_array_ready(map.as_raw()) })
        })
}

/// Binds the map of the file descriptor `map_fd` to the program of `prog_fd`, so that it lives at
/// least as long as the program. Both are file descriptors of the current process. Does nothing if
/// the program uses the map already.
///
/// # Errors
///
/// In this order: `EINVAL` if `flags` is not zero; `EBADF` or `EINVAL` if `prog_fd`, then `map_fd`,
/// is not open or of another kind; `ENOMEM` if there is no memory for the list. On error, nothing
/// has changed.
fn bind_map(prog_fd: u32, map_fd: u32, flags: u32) -> Result {
    if flags != 0 {
        return Err(EINVAL);
    }

    let prog = prog_from_fd(prog_fd)?;
    let map = map_from_fd(map_fd)?;

    // Release the mutex before dropping our own references.
    let result = UsedMaps::lock(&prog).bind(&map);
    result
}

#[cfg(CONFIG_BPF_RUST_KUNIT_TEST)]
#[kunit_tests(rust_bpf_used_maps)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]
mod tests {
    use super::*;
    use kernel::{
        sync::{
            aref::AlwaysRefCounted,
            atomic::{
                Atomic,
                Relaxed, //
            },
        },
        types::Opaque, //
    };
    use pin_init::zeroed;

    /// How often a map was told to forget a program.
    static UNTRACKED: Atomic<i32> = Atomic::new(0);

    extern "C" fn untrack(_map: *mut bindings::bpf_map, _aux: *mut bindings::bpf_prog_aux) {
        UNTRACKED.fetch_add(1, Relaxed);
    }

    /// Acts for a map with a value of 16 bytes at address 0x1000.
    ///
    /// # Safety
    ///
    /// `off` must be valid for writing.
    unsafe extern "C" fn value_meta(
        _map: *const bindings::bpf_map,
        imm: u64,
        off: *mut u32,
    ) -> c_int {
        if !(0x1000..0x1010).contains(&imm) {
            return ENOENT.to_errno();
        }
        // SAFETY: By the safety requirements.
        unsafe { *off = (imm - 0x1000) as u32 };
        0
    }

    /// A map to which the test holds a reference, so that no put frees it.
    struct TestMap {
        map: KBox<Opaque<bindings::bpf_map>>,
        _ops: KBox<bindings::bpf_map_ops>,
    }

    impl TestMap {
        fn new(id: u32) -> Result<Self> {
            let mut ops = KBox::new(zeroed::<bindings::bpf_map_ops>(), GFP_KERNEL)?;
            ops.map_poke_untrack = Some(untrack);
            ops.map_direct_value_meta = (id == 1).then_some(value_meta);

            let mut map = zeroed::<bindings::bpf_map>();
            map.id = id;
            map.refcnt.counter = 1;
            map.ops = &*ops;
            Ok(Self {
                map: KBox::new(Opaque::new(map), GFP_KERNEL)?,
                _ops: ops,
            })
        }

        fn map(&self) -> &Map {
            // SAFETY: It is as valid as the code under test needs, and has the same representation.
            unsafe { &*self.map.get().cast() }
        }

        fn counts(&self) -> (i64, i64) {
            // SAFETY: The map is valid.
            unsafe {
                (
                    bindings::atomic64_read(&raw const (*self.map.get()).refcnt),
                    bindings::atomic64_read(&raw const (*self.map.get()).sleepable_refcnt),
                )
            }
        }
    }

    /// A program without instructions. Dropping it releases its maps, so drop it before them.
    struct TestProg(NonNull<bindings::bpf_prog>);

    impl TestProg {
        fn new(sleepable: bool) -> Result<Self> {
            // SAFETY: It may be called with any size.
            let prog =
                unsafe { bindings::bpf_prog_alloc(size_of::<bindings::bpf_prog>() as u32, 0) };
            let prog = NonNull::new(prog).ok_or(ENOMEM)?;

            // SAFETY: The program is valid, and nobody else knows it.
            unsafe {
                (*(*prog.as_ptr()).aux).refcnt.counter = 1;
                bindings::bpf_prog::set_sleepable_raw(prog.as_ptr(), sleepable.into());
            }
            Ok(Self(prog))
        }

        fn prog(&self) -> &Prog {
            // SAFETY: The program is valid, and its refcount is one.
            unsafe { Prog::from_raw(self.0.as_ptr()) }
        }

        fn array(&self) -> *mut *mut bindings::bpf_map {
            // SAFETY: The program is valid.
            unsafe { (*(*self.0.as_ptr()).aux).used_maps }
        }

        /// Gives the program an array as the verifier makes it.
        fn hand_over(&self, maps: &[&TestMap]) -> Result {
            let mut array = KVec::with_capacity(maps.len(), GFP_KERNEL)?;
            for map in maps {
                map.map().inc_ref();
                array.push(map.map().as_raw(), GFP_KERNEL)?;
            }
            let (array, len, _) = array.into_raw_parts();

            // SAFETY: The program is valid, and nobody else knows it.
            unsafe {
                (*aux(self.prog())).used_maps = array;
                (*aux(self.prog())).used_map_cnt = len as u32;
            }
            Ok(())
        }
    }

    impl Drop for TestProg {
        fn drop(&mut self) {
            // SAFETY: The program is valid, and nobody uses it or its maps any more.
            unsafe {
                bpf_rust_free_used_maps((*self.0.as_ptr()).aux);
                bindings::__bpf_prog_free(self.0.as_ptr());
            }
        }
    }

    fn ids(prog: &TestProg) -> Result<KVec<u32>> {
        let mut ids = KVec::new();
        for map in UsedMaps::lock(prog.prog()).iter() {
            ids.push(map.id(), GFP_KERNEL)?;
        }
        Ok(ids)
    }

    #[test]
    fn bind_takes_one_reference() -> Result {
        let (map, prog) = (TestMap::new(1)?, TestProg::new(false)?);

        assert!(UsedMaps::lock(prog.prog()).is_empty());
        UsedMaps::lock(prog.prog()).bind(map.map())?;
        assert_eq!(map.counts(), (2, 0));
        UsedMaps::lock(prog.prog()).bind(map.map())?;
        assert_eq!(map.counts(), (2, 0));
        assert_eq!(ids(&prog)?.as_slice(), &[1]);

        drop(prog);
        assert_eq!(map.counts(), (1, 0));
        Ok(())
    }

    #[test]
    fn sleepable_programs_are_counted() -> Result {
        let (used, bound) = (TestMap::new(1)?, TestMap::new(2)?);
        let prog = TestProg::new(true)?;

        // The verifier counts sleepable programs for the maps that it hands over.
        prog.hand_over(&[&used])?;
        sleepable_inc(used.map());
        for map in [&used, &bound, &bound] {
            UsedMaps::lock(prog.prog()).bind(map.map())?;
        }
        assert_eq!(used.counts(), (2, 1));
        assert_eq!(bound.counts(), (2, 1));

        drop(prog);
        assert_eq!(used.counts(), (1, 0));
        assert_eq!(bound.counts(), (1, 0));
        Ok(())
    }

    #[test]
    fn verifiers_array_is_taken_over() -> Result {
        let maps = [
            TestMap::new(1)?,
            TestMap::new(2)?,
            TestMap::new(3)?,
            TestMap::new(4)?,
        ];
        let prog = TestProg::new(false)?;

        prog.hand_over(&[&maps[2], &maps[0], &maps[1]])?;
        assert_eq!(ids(&prog)?.as_slice(), &[3, 1, 2]);
        UsedMaps::lock(prog.prog()).bind(maps[0].map())?;
        assert_eq!(ids(&prog)?.as_slice(), &[3, 1, 2]);
        UsedMaps::lock(prog.prog()).bind(maps[3].map())?;
        assert_eq!(ids(&prog)?.as_slice(), &[3, 1, 2, 4]);
        Ok(())
    }

    #[test]
    fn growth_is_amortised() -> Result {
        let mut maps = KVec::new();
        let prog = TestProg::new(false)?;
        let mut grown = 0;

        for id in 1..=1000 {
            // SAFETY: The program is valid.
            let before = unsafe { (*aux(prog.prog())).used_maps_cap };

            maps.push(TestMap::new(id)?, GFP_KERNEL)?;
            UsedMaps::lock(prog.prog()).bind(maps[maps.len() - 1].map())?;
            // SAFETY: The program is valid.
            let after = unsafe { (*aux(prog.prog())).used_maps_cap };

            assert!(after >= id);
            grown += u32::from(before != after);
        }
        assert!(grown <= 11);
        assert_eq!(UsedMaps::lock(prog.prog()).len(), 1000);
        assert!(ids(&prog)?.iter().copied().eq(1..=1000));
        Ok(())
    }

    #[test]
    fn release_untracks_each_map_once() -> Result {
        let maps = [TestMap::new(1)?, TestMap::new(2)?];
        let prog = TestProg::new(false)?;

        for map in &maps {
            UsedMaps::lock(prog.prog()).bind(map.map())?;
        }
        UNTRACKED.store(0, Relaxed);
        drop(prog);
        assert_eq!(UNTRACKED.load(Relaxed), 2);
        Ok(())
    }

    #[test]
    fn guard_holds_the_mutex() -> Result {
        let prog = TestProg::new(false)?;
        // SAFETY: The program is valid.
        let locked =
            || unsafe { bindings::mutex_is_locked(&raw mut (*aux(prog.prog())).used_maps_mutex) };

        let guard = UsedMaps::lock(prog.prog());
        assert!(locked());
        drop(guard);
        assert!(!locked());
        Ok(())
    }

    #[test]
    fn addresses_are_looked_up() -> Result {
        let maps = [TestMap::new(2)?, TestMap::new(1)?];
        let prog = TestProg::new(false)?;
        let find = |addr| match UsedMaps::lock(prog.prog()).find_imm(addr) {
            Some(ImmRef::Map(map)) => Some((map.id(), None)),
            Some(ImmRef::Value(map, off)) => Some((map.id(), Some(off))),
            None => None,
        };

        prog.hand_over(&[&maps[0], &maps[1]])?;
        assert_eq!(find(maps[0].map().as_raw().addr()), Some((2, None)));
        assert_eq!(find(maps[1].map().as_raw().addr()), Some((1, None)));
        assert_eq!(find(0x1008), Some((1, Some(8))));
        assert_eq!(find(0x1010), None);
        assert_eq!(find(prog.array().addr()), None);
        Ok(())
    }

    #[test]
    fn missing_addresses_are_found() -> Result {
        let (other, prog) = (TestMap::new(1)?, TestProg::new(false)?);
        let ops = &raw const bindings::insn_array_map_ops;
        let mut attr = zeroed::<bindings::bpf_attr>();

        attr.__bindgen_anon_1.map_type = bindings::bpf_map_type_BPF_MAP_TYPE_INSN_ARRAY;
        attr.__bindgen_anon_1.key_size = 4;
        attr.__bindgen_anon_1.value_size = size_of::<bindings::bpf_insn_array_value>() as u32;
        attr.__bindgen_anon_1.max_entries = 1;
        // SAFETY: The operations are constants of the kernel.
        let (alloc, free) = unsafe { ((*ops).map_alloc, (*ops).map_free) };
        let (alloc, free) = (alloc.ok_or(EINVAL)?, free.ok_or(EINVAL)?);
        // SAFETY: The attributes are those of such a map.
        let array = from_err_ptr(unsafe { alloc(&mut attr) })?;
        // SAFETY: The map is valid, and nobody else knows it. The reference is the test's.
        let map: &Map = unsafe {
            (*array).ops = ops;
            (*array).refcnt.counter = 1;
            &*array.cast()
        };

        UsedMaps::lock(prog.prog()).bind(other.map())?;
        assert_eq!(check_insn_arrays(prog.prog()), Ok(()));
        UsedMaps::lock(prog.prog()).bind(map)?;
        // No JIT has seen it.
        assert_eq!(check_insn_arrays(prog.prog()), Err(EFAULT));

        drop(prog);
        // SAFETY: The map is valid, and the test's reference is the last.
        unsafe { free(array) };
        Ok(())
    }

    #[test]
    fn no_ids_no_user_memory() -> Result {
        let (map, prog) = (TestMap::new(7)?, TestProg::new(false)?);
        let nowhere = UserPtr::from_addr(0);

        assert_eq!(copy_map_ids(prog.prog(), nowhere, 8)?, 0);
        UsedMaps::lock(prog.prog()).bind(map.map())?;
        assert_eq!(copy_map_ids(prog.prog(), nowhere, 0)?, 1);
        assert_eq!(copy_map_ids(prog.prog(), nowhere, 1).err(), Some(EFAULT));
        Ok(())
    }
}
