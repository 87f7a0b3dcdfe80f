// SPDX-License-Identifier: GPL-2.0

//! BTF of modules: its validation, and its relocation to the types of the running kernel.
//!
//! The crate [`splitbtf_core`] has the algorithms. This file ties them to the kernel's data: it
//! makes safe views of what `kernel/bpf/btf.c` has parsed, lends memory, and writes to the kernel
//! log.
//!
//! C header: [`kernel/bpf/rust_module_btf.h`](srctree/kernel/bpf/rust_module_btf.h).
//!
//! Reference: <https://docs.kernel.org/bpf/bpf_rust_module_btf.html>

use core::{
    marker::PhantomData,
    ptr::NonNull,
    slice, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    bindings,
    declare_trace,
    error::from_result,
    ffi::{
        c_char,
        c_int, //
    },
    fmt,
    prelude::*,
    str::BStr,
    time::{
        Instant,
        Monotonic, //
    }, //
};
use splitbtf_core::{
    Btf,
    Index,
    Kept,
    Mismatch,
    Names,
    Own,
    Policy,
    Relocation,
    Valid, //
};
use zerocopy::NativeEndian;

/// Validates the BTF of a module, or its distilled base. Returns zero or a negative errno.
///
/// `base` is the base BTF; null if `btf` is a distilled base.
///
/// # Safety
///
/// `btf` must be valid as for [`Parsed::from_raw`], and so must be `base` if it is not null.
#[export]
unsafe extern "C" fn bpf_rust_btf_validate(
    btf: *const bindings::bpf_rust_btf,
    base: *const bindings::bpf_rust_btf,
) -> c_int {
    // SAFETY: By the safety requirements.
    let btf = unsafe { Parsed::from_raw(btf) };
    // SAFETY: By the safety requirements.
    let base = (!base.is_null()).then(|| unsafe { Parsed::from_raw(base) });

    from_result(|| btf.validate(base.as_ref()).map(|()| 0))
}

/// Validates the BTF of a module and relocates it from its distilled base to `vmlinux`: see
/// [`ModuleBtf::relocate`]. Returns zero or a negative errno.
///
/// # Safety
///
/// `base` and `vmlinux` must be valid as for [`Parsed::from_raw`], `btf` as for
/// [`ModuleBtf::from_raw`].
#[export]
unsafe extern "C" fn bpf_rust_btf_relocate(
    btf: *mut bindings::bpf_rust_btf,
    base: *const bindings::bpf_rust_btf,
    vmlinux: *const bindings::bpf_rust_btf,
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

/// C's array of pointers to the types of BTF.
#[derive(Clone, Copy, Debug)]
struct Types<'a> {
    types: &'a [*const bindings::btf_type],
    /// The address of the first type.
    first: usize,
}

// Nothing here dereferences the pointers.
impl Index for Types<'_> {
    fn count(&self) -> usize {
        self.types.len()
    }

    #[inline]
    fn offset(&self, n: usize) -> Option<usize> {
        self.types.get(n)?.addr().checked_sub(self.first)
    }

    fn pause(&self) {
        // SAFETY: A module is loaded in process context, and no lock is held here.
        unsafe { bindings::bpf_rust_btf_pause() };
    }
}

type KernelBtf<'a> = Btf<'a, NativeEndian, Types<'a>>;

/// BTF that C has parsed: the part of the kernel's `struct btf` that is needed here.
#[derive(Clone, Copy)]
struct Parsed<'a> {
    /// The module's name, for a distilled base too.
    name: &'a CStr,
    is_distilled_base: bool,
    bytes: &'a [u8],
    types: Types<'a>,
    first_named: u32,
}

impl<'a> Parsed<'a> {
    /// Makes a safe view of C's description of a `struct btf`.
    ///
    /// # Safety
    ///
    /// For all of `'a`, `raw` must be valid, and so must everything that it points to: a name that
    /// ends with a NUL, `data_size` bytes, and `nr_types` pointers. Nobody may change any of it.
    unsafe fn from_raw(raw: *const bindings::bpf_rust_btf) -> Self {
        // SAFETY: By the safety requirements.
        let raw = unsafe { &*raw };

        Self {
            // SAFETY: By the safety requirements.
            name: unsafe { CStr::from_char_ptr(raw.name) },
            is_distilled_base: raw.is_distilled_base,
            // SAFETY: By the safety requirements.
            bytes: unsafe { slice_of(raw.data.cast(), raw.data_size) },
            types: Types {
                // SAFETY: By the safety requirements. The cast only makes the pointers `const`.
                types: unsafe { slice_of(raw.types.cast(), raw.nr_types) },
                first: raw.type_sec.addr(),
            },
            first_named: raw.named_start_id,
        }
    }

    /// Validates this BTF, which is split on `base` if there is one. If it is malformed, a line in
    /// the kernel log says which type is wrong and why.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the BTF is malformed, `ENOMEM` if there is no memory.
    fn validate(&self, base: Option<&Parsed<'_>>) -> Result {
        // This is the BTF of vmlinux, which the kernel's build has made.
        let base = match base {
            Some(base) => Some(base.open(None)?.assume_valid()),
            None => None,
        };
        let base = base.as_deref();

        self.open(base).and_then(|btf| self.valid(&btf).map(|_| ()))
    }

    fn open<'b>(&self, base: Option<&'b KernelBtf<'b>>) -> Result<KernelBtf<'b>>
    where
        'a: 'b,
    {
        Btf::open_indexed(self.bytes, base, self.types).map_err(|error| self.refuse(error))
    }

    /// Validates the references. C has checked the names: `btf_check_all_metas()`.
    fn valid<'b>(&self, btf: &KernelBtf<'b>) -> Result<Valid<'b, NativeEndian, Types<'b>>> {
        let mut scratch = zeroes(btf.validate_scratch())?;

        btf.validate_references(&mut scratch)
            .map_err(|error| self.refuse(error))
    }

    /// Logs why this BTF is refused. Returns the errno.
    #[cold]
    fn refuse(&self, error: splitbtf_core::Error) -> Error {
        let name = self.name;

        if may_warn() {
            match self.is_distilled_base {
                true => pr_warn!("BTF of {name}: .BTF.base: {}\n", Shown(error)),
                false => pr_warn!("BTF of {name}: {}\n", Shown(error)),
            }
        }
        match error {
            // As btf_relocate() does.
            splitbtf_core::Error::String { .. } => ENOENT,
            _ => EINVAL,
        }
    }

    /// Logs why this BTF cannot be relocated from `distilled`. Returns the errno.
    #[cold]
    fn refuse_relocation(&self, distilled: &KernelBtf<'_>, error: splitbtf_core::Error) -> Error {
        let splitbtf_core::Error::Unmatched {
            id,
            contained,
            reason,
            ..
        } = error
        else {
            return self.refuse(error);
        };
        let name = self.name;
        let ty = DistilledType(distilled, id, usize::MAX);
        let is = if contained { " is contained and" } else { "" };

        if may_warn() {
            let reason = shown(&reason);
            pr_warn!("BTF of {name}: {ty}{is} does not match: {reason}\n");
        }
        EINVAL
    }
}

/// Allocates `len` zeroes.
fn zeroes(len: usize) -> Result<KVVec<u32>> {
    Ok(KVVec::from_elem(0, len, GFP_KERNEL | __GFP_NOWARN)?)
}

/// Makes a slice of `len` elements. If `len` is 0, `data` does not matter.
///
/// # Safety
///
/// If `len` is not 0, `data` must be valid for reading that many elements for all of `'a`, and
/// nobody may change them meanwhile.
unsafe fn slice_of<'a, T>(data: *const T, len: u32) -> &'a [T] {
    match len {
        0 => &[],
        // SAFETY: By the safety requirements. A `usize` can hold any `u32`.
        len => unsafe { slice::from_raw_parts(data, len as usize) },
    }
}

/// The BTF of a module that is being loaded, with a distilled base.
///
/// # Invariants
///
/// `raw` is valid as for [`Parsed::from_raw`]. Nobody else accesses it or its data for all of `'a`.
/// Its data has been allocated with `kvmalloc()`.
struct ModuleBtf<'a> {
    raw: NonNull<bindings::bpf_rust_btf>,
    lifetime: PhantomData<&'a mut bindings::bpf_rust_btf>,
}

impl ModuleBtf<'_> {
    /// Makes a safe view of C's description of a module's `struct btf`.
    ///
    /// # Safety
    ///
    /// As for [`Parsed::from_raw`]; and nobody else may access `raw` or the data meanwhile.
    unsafe fn from_raw(raw: *mut bindings::bpf_rust_btf) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            // SAFETY: By the safety requirements.
            raw: unsafe { NonNull::new_unchecked(raw) },
            lifetime: PhantomData,
        }
    }

    /// Validates this BTF and relocates it from `base`, its validated distilled base, to `vmlinux`.
    ///
    /// If a type matches none of `vmlinux`, but need not match, it becomes opaque or is kept. Lines
    /// in the kernel log then name these types, and `data` in C's structure is new memory. C owns
    /// it, and still owns the old memory. `id_map` is always new memory that C owns.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the BTF is malformed, or if a type that must match does not: the kernel log says
    /// which. `ENOENT` if it has a name from the distilled base that belongs to no type there.
    /// `ENOMEM` if there is no memory. On error, nothing has changed.
    fn relocate(&mut self, base: &Parsed<'_>, vmlinux: &Parsed<'_>) -> Result {
        let start = Instant::<Monotonic>::now();
        // C has called `bpf_rust_btf_validate()` for it.
        let distilled = base.open(None)?.assume_valid();
        let distilled: &KernelBtf<'_> = &distilled;
        let target = vmlinux.open(None)?;
        let target = Names::sorted(target, vmlinux.first_named, None);
        // SAFETY: It is read-only after init.
        let policy = match unsafe { bindings::bpf_rust_btf_opaque } {
            true => Policy::Opaque,
            false => Policy::Error,
        };

        let split = self.parsed();
        let btf = split.open(Some(distilled))?;
        let valid = split.valid(&btf)?;
        let types = btf.end_id().saturating_sub(btf.first_id());
        let (ids, scratch) = valid.relocation_scratch();
        let (mut ids, mut scratch) = (zeroes(ids)?, zeroes(scratch)?);
        let relocation = valid
            .relocate(&target, policy, &mut ids, &mut scratch)
            .map_err(|error| split.refuse_relocation(distilled, error))?;
        let unmatched = Unmatched {
            relocation: &relocation,
            distilled,
        };
        let (opaque, kept) = (unmatched.count(Own::Opaque), unmatched.count(Own::Kept));

        if relocation.fits() {
            relocation
                .rewrite(self.bytes_mut())
                .map_err(|error| self.parsed().refuse(error))?;
        } else {
            let mut bytes =
                KVVec::from_elem(0, relocation.written_len(), GFP_KERNEL | __GFP_NOWARN)?;
            relocation
                .write(split.bytes, distilled, &mut bytes)
                .map_err(|error| split.refuse(error))?;
            unmatched.log(split.name, Own::Opaque, opaque);
            unmatched.log(split.name, Own::Kept, kept);
            self.set_bytes(bytes)?;
        }
        self.set_id_map(ids);

        // SAFETY: The name ends with a NUL.
        unsafe {
            bpf_rust_btf_relocated(
                self.parsed().name.as_char_ptr(),
                types,
                distilled
                    .end_id()
                    .saturating_sub(distilled.first_id())
                    .saturating_sub(opaque)
                    .saturating_sub(kept),
                opaque,
                kept,
                start.elapsed().as_nanos() as u64,
            )
        };
        Ok(())
    }

    fn parsed(&self) -> Parsed<'_> {
        // SAFETY: By the type invariants.
        unsafe { Parsed::from_raw(self.raw.as_ptr()) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: By the type invariants.
        let raw = unsafe { self.raw.as_ref() };

        match raw.data_size {
            0 => &mut [],
            // SAFETY: By the type invariants.
            len => unsafe { slice::from_raw_parts_mut(raw.data.cast(), len as usize) },
        }
    }

    /// Hands new data to C. C still owns the old data.
    fn set_bytes(&mut self, bytes: KVVec<u8>) -> Result {
        let len = u32::try_from(bytes.len())?;
        // SAFETY: By the type invariants.
        let raw = unsafe { self.raw.as_mut() };

        // INVARIANT: Nobody else has access to the new data, and it is from `kvmalloc()`.
        let (data, ..) = bytes.into_raw_parts();
        raw.data = data.cast();
        raw.data_size = len;
        Ok(())
    }

    /// Hands the id map to C.
    fn set_id_map(&mut self, ids: KVVec<u32>) {
        // SAFETY: By the type invariants.
        let raw = unsafe { self.raw.as_mut() };

        let (ids, len, _) = ids.into_raw_parts();
        raw.id_map = ids;
        // The length fits: there are no more entries than type ids.
        raw.id_map_cnt = len as u32;
    }
}

/// The types of a distilled base that match none of vmlinux and become types of the module.
struct Unmatched<'s, 'a> {
    relocation: &'s Relocation<'s, NativeEndian, Types<'a>>,
    distilled: &'s KernelBtf<'a>,
}

impl Unmatched<'_, '_> {
    fn of(&self, own: Own) -> impl Iterator<Item = Kept> + '_ {
        self.relocation.kept().filter(move |kept| kept.own == own)
    }

    fn count(&self, own: Own) -> u32 {
        self.of(own).fold(0, |count, _| count.saturating_add(1))
    }

    /// Writes a line to the kernel log that names the `count` types that are opaque, or are kept.
    fn log(&self, module: &CStr, own: Own, count: u32) {
        // SAFETY: It may be called at any time.
        if count == 0 || !unsafe { bindings::bpf_rust_btf_ratelimit() } {
            return;
        }
        let are = if count == 1 { "type is" } else { "types are" };
        let what = match own {
            Own::Opaque => "opaque",
            Own::Kept => "kept",
        };
        let list = List {
            unmatched: self,
            own,
            count,
        };

        pr_info!("BTF of {module}: {count} {are} {what}: {list}\n");
    }
}

struct List<'l, 's, 'a> {
    unmatched: &'l Unmatched<'s, 'a>,
    own: Own,
    count: u32,
}

impl fmt::Display for List<'_, '_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A record of the log holds about a thousand bytes.
        const TYPES: u32 = 6;
        const NAME_LEN: usize = 64;
        let distilled = self.unmatched.distilled;

        for (n, kept) in (0..TYPES).zip(self.unmatched.of(self.own)) {
            if n > 0 {
                f.write_str(", ")?;
            }
            let ty = DistilledType(distilled, kept.id, NAME_LEN);
            f.write_fmt(fmt!("{ty} ({})", shown(&kept.reason)))?;
        }
        match self.count.checked_sub(TYPES) {
            None | Some(0) => Ok(()),
            Some(more) => f.write_fmt(fmt!(" and {more} more")),
        }
    }
}

/// Why a distilled type matches none of vmlinux.
fn shown(reason: &Mismatch) -> Shown<impl core::fmt::Display> {
    Shown(reason.between("the module", "vmlinux"))
}

/// A type of a distilled base, by its id. It is shown as in C, with at most as many bytes of its
/// name as the last number says.
struct DistilledType<'s, 'a>(&'s KernelBtf<'a>, u32, usize);

impl fmt::Display for DistilledType<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(btf, id, max_len) = *self;
        let Ok(ty) = btf.get(id) else {
            return f.write_fmt(fmt!("type {id}"));
        };

        if let Some(keyword) = ty.kind.keyword() {
            f.write_fmt(fmt!("{keyword} "))?;
        }
        // C has checked that names are made of letters, digits and the like.
        let name = btf.string(ty.name_off).unwrap_or_default();
        match name.split_at_checked(max_len) {
            Some((start, [_, ..])) => f.write_fmt(fmt!("{}...", BStr::from_bytes(start))),
            _ => fmt::Display::fmt(BStr::from_bytes(name), f),
        }
    }
}

/// Adapts `Display` of `core`, which the crate implements, to the kernel's `fmt!`.
struct Shown<T>(T);

impl<T: core::fmt::Display> fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Returns whether to log a refusal. Like `btf_verifier_log_type()`, it says no if the module will
/// be loaded without its BTF.
fn may_warn() -> bool {
    // SAFETY: It may be called at any time.
    !cfg!(CONFIG_MODULE_ALLOW_BTF_MISMATCH) && unsafe { bindings::bpf_rust_btf_ratelimit() }
}

declare_trace! {
    /// # Safety
    ///
    /// `module` must be a valid string that ends with a NUL.
    unsafe fn bpf_rust_btf_relocated(
        module: *const c_char,
        types: u32,
        matched: u32,
        opaque: u32,
        kept: u32,
        nsecs: u64,
    );
}
