// SPDX-License-Identifier: GPL-2.0

//! The maps that a BPF program uses.
//!
//! The verifier hands over the maps that the program's instructions refer to; `BPF_PROG_BIND_MAP`
//! adds others, which then live as long as the program. The list is `used_maps` in
//! `struct bpf_prog_aux`, and is protected by `used_maps_mutex`.
//!
//! The list is append-only while the program lives: what a position holds never changes. Hence a
//! reference to a map on it may be kept for as long as the program, and the list may be read in
//! pieces.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h).

use super::{
    Map,
    Prog, //
};
use crate::{
    alloc::KVVec,
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

/// What the address in the immediate of an instruction stands for.
#[derive(Clone, Copy)]
pub enum ImmRef<'a> {
    /// A map.
    Map(&'a Map),
    /// The value of a map, at an offset in bytes.
    Value(&'a Map, u32),
}

/// The locked list of the maps that a program uses.
///
/// It derefs to the slice of the maps: those of the verifier first, then those that were bound, in
/// the order of their binding. The mutex is released when this is dropped.
///
/// # Invariants
///
/// The program's `used_maps_mutex` is held.
pub struct UsedMaps<'a> {
    prog: &'a Prog,
    _guard: MutexGuard<'a, ()>,
}

/// Borrows the memory of a program's list of maps as a vector, which is empty for an empty list.
///
/// # Safety
///
/// `aux` must be valid, and nobody else may use its list of maps as long as the returned vector is
/// used.
unsafe fn list(aux: *mut bindings::bpf_prog_aux) -> ManuallyDrop<KVVec<NonNull<Map>>> {
    // SAFETY: `aux` is valid, and nobody changes these fields by the safety requirements.
    let (maps, len, cap) = unsafe { ((*aux).used_maps, (*aux).used_map_cnt, (*aux).used_maps_cap) };

    ManuallyDrop::new(if maps.is_null() {
        KVVec::new()
    } else {
        // The verifier's array has room for its own maps only, and leaves the capacity at zero.
        let cap = cap.max(len);

        // SAFETY: The array was allocated with `kmalloc` by the verifier or with `kvrealloc` by
        // this file, has room for `cap` pointers, and begins with `len` pointers to valid maps.
        // `Map` has the same representation as `struct bpf_map`.
        unsafe { KVVec::from_raw_parts(maps.cast(), len as usize, cap as usize) }
    })
}

impl<'a> UsedMaps<'a> {
    /// Adds `map`, and a reference to it, to the end of the list, unless it is on it already.
    ///
    /// The memory for the list is charged to the current process. It grows by doubling, so that
    /// the time for adding a map is constant when amortised, but for the look for the map.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no memory for the list. It is then as it was.
    pub fn bind(&mut self, map: &Map) -> Result {
        if self.iter().any(|used| ptr::eq(*used, map)) {
            return Ok(());
        }

        let aux = self.prog.aux();
        // SAFETY: `aux` is valid as it is that of a program, and we hold the mutex.
        let mut list = unsafe { list(aux) };
        let count = u32::try_from(list.len() + 1).map_err(|_| ENOMEM)?;

        list.push(NonNull::from(map), GFP_KERNEL_ACCOUNT)?;

        // The reference that the list owns.
        ARef::into_raw(ARef::from(map));
        // The program does not access the map, but releasing it does not tell the difference.
        if self.prog.is_sleepable() {
            map.sleepable_inc();
        }

        // SAFETY: As above. The vector is not used any more.
        unsafe {
            (*aux).used_maps = list.as_mut_ptr().cast();
            (*aux).used_maps_cap = u32::try_from(list.capacity()).unwrap_or(u32::MAX);
            (*aux).used_map_cnt = count;
        }
        Ok(())
    }

    /// Returns what the kernel address `addr` stands for in an instruction of the program.
    pub fn find_imm(&self, addr: usize) -> Option<ImmRef<'a>> {
        self.iter().copied().find_map(|map| {
            if map.as_raw().addr() == addr {
                return Some(ImmRef::Map(map));
            }
            Some(ImmRef::Value(map, map.direct_value_offset(addr)?))
        })
    }

    /// Writes the ids of the maps from position `start` on to the front of `ids`, and returns what
    /// was written.
    fn ids<'b>(&self, start: usize, ids: &'b mut [u32]) -> &'b [u32] {
        let mut n = 0;

        for (id, map) in ids.iter_mut().zip(self.iter().skip(start)) {
            *id = map.id();
            n += 1;
        }
        ids.get(..n).unwrap_or_default()
    }
}

impl<'a> Deref for UsedMaps<'a> {
    type Target = [&'a Map];

    fn deref(&self) -> &Self::Target {
        let aux = self.prog.aux();
        // SAFETY: `aux` is valid as it is that of a program, and we hold the mutex.
        let (maps, len) = unsafe { ((*aux).used_maps, (*aux).used_map_cnt) };

        if maps.is_null() {
            return &[];
        }
        // SAFETY: The array begins with `len` pointers to maps, which the program owns references
        // to: they are valid as long as the program, and so is the array as long as we hold the
        // mutex. `&Map` has the same representation as a pointer to `struct bpf_map`.
        unsafe { core::slice::from_raw_parts(maps.cast(), len as usize) }
    }
}

impl Map {
    /// Counts one more sleepable program that uses the map.
    #[inline]
    fn sleepable_inc(&self) {
        // SAFETY: By the type invariants, the map is valid.
        unsafe { bindings::atomic64_inc(&raw mut (*self.as_raw()).sleepable_refcnt) };
    }

    /// Counts one sleepable program less that uses the map.
    #[inline]
    fn sleepable_dec(&self) {
        // SAFETY: By the type invariants, the map is valid.
        unsafe { bindings::atomic64_dec(&raw mut (*self.as_raw()).sleepable_refcnt) };
    }

    /// Makes the map forget a program whose tail calls it patches.
    ///
    /// # Safety
    ///
    /// `aux` must be valid.
    #[inline]
    unsafe fn poke_untrack(&self, aux: *mut bindings::bpf_prog_aux) {
        // SAFETY: By the type invariants, the map is valid and its operations are set.
        if let Some(untrack) = unsafe { (*(*self.as_raw()).ops).map_poke_untrack } {
            // SAFETY: The map is valid and of the type that this operation is for. `aux` is valid
            // by the safety requirements; it need not be known to the map.
            unsafe { untrack(self.as_raw(), aux) };
        }
    }
}

impl Prog {
    /// Returns the raw pointer to the program's auxiliary data.
    #[inline]
    fn aux(&self) -> *mut bindings::bpf_prog_aux {
        // SAFETY: By the type invariants, the program is valid and `aux` does not change.
        unsafe { (*self.as_raw()).aux }
    }

    /// Locks the list of the maps that the program uses.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::bpf::{Map, Prog};
    ///
    /// /// Makes `map` live at least as long as `prog`; returns how many maps it uses then.
    /// fn keep(prog: &Prog, map: &Map) -> Result<usize> {
    ///     let mut used_maps = prog.used_maps();
    ///
    ///     used_maps.bind(map)?;
    ///     Ok(used_maps.len())
    /// }
    /// ```
    pub fn used_maps(&self) -> UsedMaps<'_> {
        // SAFETY: By the type invariants, the program is valid.
        let mutex = unsafe { &raw mut (*self.aux()).used_maps_mutex };
        // SAFETY: The mutex was initialised when the program was allocated, and lives as long.
        let mutex: &Mutex<()> = unsafe { Mutex::from_raw(mutex) };

        // INVARIANT: We take the mutex here.
        UsedMaps {
            prog: self,
            _guard: mutex.lock(),
        }
    }

    /// Writes the ids of the first `capacity` maps that the program uses to user space, as an
    /// array of `u32` at `ids`, and returns how many maps it uses.
    ///
    /// The mutex is not held while user memory is written: that may take as long as user space
    /// likes.
    ///
    /// # Errors
    ///
    /// `EFAULT` if the memory cannot be written. What comes before the fault may have been.
    pub fn copy_map_ids(&self, ids: UserPtr, capacity: u32) -> Result<u32> {
        let count = self.used_maps().len();
        let wanted = count.min(capacity as usize);
        let mut user = UserSlice::new(ids, wanted * size_of::<u32>()).writer();
        let mut chunk = [0; 64];
        let mut start = 0;

        while start < wanted {
            let room = chunk.len().min(wanted - start);
            // The guard goes at the end of this statement.
            let some = self
                .used_maps()
                .ids(start, chunk.get_mut(..room).unwrap_or_default());

            user.write_slice(AsBytes::as_bytes(some))?;
            start += room;
        }
        Ok(u32::try_from(count)?)
    }

    /// Checks that the program may tail-call the programs in the maps that it uses, and makes the
    /// program the owner of those of them that have none yet.
    ///
    /// # Errors
    ///
    /// `EINVAL` if one of the maps is for programs of another sort.
    pub fn check_tail_call(&self) -> Result {
        let compatible = |map: &&Map| {
            // SAFETY: Both are valid by their type invariants.
            unsafe { bindings::bpf_rust_prog_map_compatible(map.as_raw(), self.as_raw()) }
        };

        if self
            .used_maps()
            .iter()
            .filter(|map| map.contains_progs())
            .all(compatible)
        {
            Ok(())
        } else {
            Err(EINVAL)
        }
    }

    /// Checks that the JIT has filled in the maps of instruction addresses that the program uses.
    ///
    /// # Errors
    ///
    /// `EFAULT` if an address is missing.
    pub fn insn_arrays_ready(&self) -> Result {
        self.used_maps()
            .iter()
            .try_for_each(|map| map.insn_array_ready())
    }
}

/// Binds the map of the file descriptor `map_fd` to the program of `prog_fd`, so that it lives at
/// least as long as the program. Both are of the current process.
///
/// This is `BPF_PROG_BIND_MAP`. A map that the program uses already is left as it is.
///
/// # Errors
///
/// In this order: `EINVAL` if `flags` is not zero, `EBADF` or `EINVAL` if a file descriptor, first
/// that of the program, is not what it should be, `ENOMEM` if there is no memory for the list.
/// Nothing is changed then.
pub fn bind_map(prog_fd: u32, map_fd: u32, flags: u32) -> Result {
    if flags != 0 {
        return Err(EINVAL);
    }

    let prog = Prog::from_fd(prog_fd)?;
    let map = Map::from_fd(map_fd)?;

    // Our own references are dropped after the mutex.
    let result = prog.used_maps().bind(&map);
    result
}

/// Releases the maps of a program that is being freed, and the memory of the list.
///
/// # Safety
///
/// `aux` must be that of a program that has no reference left, but is still valid together with
/// its program; and its maps must not be used afterwards.
pub unsafe fn release_used_maps(aux: *mut bindings::bpf_prog_aux) {
    // SAFETY: `aux` is valid, and nobody else can reach it without a reference to the program.
    let maps = ManuallyDrop::into_inner(unsafe { list(aux) });
    // SAFETY: `aux` is valid, and so is its program.
    let sleepable = unsafe { bindings::bpf_prog::sleepable_raw((*aux).prog) != 0 };

    for map in maps {
        // SAFETY: The map was on the list, which owned a reference to it that we take over.
        let map = unsafe { ARef::from_raw(map) };

        // SAFETY: `aux` is valid.
        unsafe { map.poke_untrack(aux) };
        if sleepable {
            map.sleepable_dec();
        }
    }
}

#[cfg(CONFIG_BPF_RUST_KUNIT_TEST)]
#[macros::kunit_tests(rust_bpf_used_maps)]
mod tests {
    use super::*;
    use crate::{
        error::from_err_ptr,
        ffi::c_int,
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

    /// As of a map with a value of 16 bytes at address 0x1000.
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

    /// A map to which the test holds a reference, so that it is never freed by a put.
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

    /// A program without instructions, whose maps are released with it: it must go before them.
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

        /// Gives the program an array that is as the verifier makes it.
        fn hand_over(&self, maps: &[&TestMap]) -> Result {
            let mut array = KVec::with_capacity(maps.len(), GFP_KERNEL)?;
            for map in maps {
                map.map().inc_ref();
                array.push(map.map().as_raw(), GFP_KERNEL)?;
            }
            let (array, len, _) = array.into_raw_parts();

            // SAFETY: The program is valid, and nobody else knows it.
            unsafe {
                (*self.prog().aux()).used_maps = array;
                (*self.prog().aux()).used_map_cnt = len as u32;
            }
            Ok(())
        }
    }

    impl Drop for TestProg {
        fn drop(&mut self) {
            // SAFETY: The program is valid, and nobody uses it or its maps any more.
            unsafe {
                release_used_maps((*self.0.as_ptr()).aux);
                bindings::__bpf_prog_free(self.0.as_ptr());
            }
        }
    }

    fn ids(prog: &TestProg) -> Result<KVec<u32>> {
        let mut ids = KVec::new();
        for map in prog.prog().used_maps().iter() {
            ids.push(map.id(), GFP_KERNEL)?;
        }
        Ok(ids)
    }

    #[test]
    fn bind_takes_one_reference() -> Result {
        let (map, prog) = (TestMap::new(1)?, TestProg::new(false)?);

        assert!(prog.prog().used_maps().is_empty());
        prog.prog().used_maps().bind(map.map())?;
        assert_eq!(map.counts(), (2, 0));
        prog.prog().used_maps().bind(map.map())?;
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

        // The verifier counts for the maps that it hands over.
        prog.hand_over(&[&used])?;
        used.map().sleepable_inc();
        for map in [&used, &bound, &bound] {
            prog.prog().used_maps().bind(map.map())?;
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
        prog.prog().used_maps().bind(maps[0].map())?;
        assert_eq!(ids(&prog)?.as_slice(), &[3, 1, 2]);
        prog.prog().used_maps().bind(maps[3].map())?;
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
            let before = unsafe { (*prog.prog().aux()).used_maps_cap };

            maps.push(TestMap::new(id)?, GFP_KERNEL)?;
            prog.prog().used_maps().bind(maps[maps.len() - 1].map())?;
            // SAFETY: The program is valid.
            let after = unsafe { (*prog.prog().aux()).used_maps_cap };

            assert!(after >= id);
            grown += u32::from(before != after);
        }
        assert!(grown <= 11);
        assert_eq!(prog.prog().used_maps().len(), 1000);
        assert!(ids(&prog)?.iter().copied().eq(1..=1000));
        Ok(())
    }

    #[test]
    fn release_untracks_each_map_once() -> Result {
        let maps = [TestMap::new(1)?, TestMap::new(2)?];
        let prog = TestProg::new(false)?;

        for map in &maps {
            prog.prog().used_maps().bind(map.map())?;
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
            || unsafe { bindings::mutex_is_locked(&raw mut (*prog.prog().aux()).used_maps_mutex) };

        let guard = prog.prog().used_maps();
        assert!(locked());
        drop(guard);
        assert!(!locked());
        Ok(())
    }

    #[test]
    fn addresses_are_looked_up() -> Result {
        let maps = [TestMap::new(2)?, TestMap::new(1)?];
        let prog = TestProg::new(false)?;
        let find = |addr| match prog.prog().used_maps().find_imm(addr) {
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

        prog.prog().used_maps().bind(other.map())?;
        assert_eq!(prog.prog().insn_arrays_ready(), Ok(()));
        prog.prog().used_maps().bind(map)?;
        // No JIT has seen it.
        assert_eq!(prog.prog().insn_arrays_ready(), Err(EFAULT));

        drop(prog);
        // SAFETY: The map is valid, and the test's reference is the last.
        unsafe { free(array) };
        Ok(())
    }

    #[test]
    fn no_ids_no_user_memory() -> Result {
        let (map, prog) = (TestMap::new(7)?, TestProg::new(false)?);
        let nowhere = UserPtr::from_addr(0);

        assert_eq!(prog.prog().copy_map_ids(nowhere, 8)?, 0);
        prog.prog().used_maps().bind(map.map())?;
        assert_eq!(prog.prog().copy_map_ids(nowhere, 0)?, 1);
        assert_eq!(prog.prog().copy_map_ids(nowhere, 1).err(), Some(EFAULT));
        Ok(())
    }
}
