// SPDX-License-Identifier: GPL-2.0

//! BTF of modules: its validation, and its relocation to the types of the running kernel.
//!
//! The algorithms are those of the crate [`splitbtf`]; here is what ties them to the kernel's data.
//!
//! C header: [`include/linux/bpf_rust.h`](srctree/include/linux/bpf_rust.h).
//!
//! Reference: <https://docs.kernel.org/bpf/bpf_rust_module_btf.html>

use crate::{
    alloc::flags::__GFP_NOWARN,
    ffi::c_char,
    fmt,
    prelude::*,
    print,
    str::BStr,
    time::{
        Instant,
        Monotonic, //
    },
    tracepoint::declare_trace, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull,
    slice, //
};
use splitbtf::{
    Btf,
    Index,
    Kind,
    Mismatch,
    Names,
    Policy,
    Relocation,
    Valid, //
};
use zerocopy::NativeEndian;

/// C's types, for the entry points that C calls.
pub mod raw {
    pub use bindings::bpf_rust_btf;
}

/// Where C says that the types of BTF are.
#[derive(Clone, Copy, Debug)]
pub struct Types<'a> {
    types: &'a [*const bindings::btf_type],
    /// The address of the first type.
    begin: usize,
}

// The pointers are nothing but numbers here.
impl Index for Types<'_> {
    fn count(&self) -> usize {
        self.types.len()
    }

    #[inline]
    fn offset(&self, n: usize) -> Option<usize> {
        self.types.get(n)?.addr().checked_sub(self.begin)
    }
}

type KernelBtf<'a> = Btf<'a, NativeEndian, Types<'a>>;
type KernelNames<'a> = Names<'a, NativeEndian, Types<'a>>;

/// BTF that C has parsed: the kernel's `struct btf`, as far as it is needed here.
#[derive(Clone, Copy)]
pub struct Parsed<'a> {
    name: &'a CStr,
    bytes: &'a [u8],
    types: Types<'a>,
    first_named: u32,
}

impl<'a> Parsed<'a> {
    /// Makes a safe view of what C says of a `struct btf`.
    ///
    /// # Safety
    ///
    /// For all of `'a`, `raw` must be valid, and so must be what it points to: a name that ends
    /// with a NUL, `data_size` bytes, and `nr_types` pointers. None of it is changed meanwhile.
    pub unsafe fn from_raw(raw: *const bindings::bpf_rust_btf) -> Self {
        // SAFETY: By the safety requirements.
        let raw = unsafe { &*raw };

        Self {
            // SAFETY: By the safety requirements.
            name: unsafe { CStr::from_char_ptr(raw.name) },
            // SAFETY: By the safety requirements.
            bytes: unsafe { slice_of(raw.data.cast(), raw.data_size) },
            types: Types {
                // SAFETY: By the safety requirements. The pointers are read as ones to constants.
                types: unsafe { slice_of(raw.types.cast(), raw.nr_types) },
                begin: raw.type_sec.addr(),
            },
            first_named: raw.named_start_id,
        }
    }

    /// Validates this BTF, which is split on `base` if there is one. A line in the kernel log says
    /// what is wrong with which type.
    ///
    /// # Errors
    ///
    /// `EINVAL` if something is, `ENOMEM` if there is no memory.
    pub fn validate(&self, base: Option<&Parsed<'_>>) -> Result {
        let base = match base {
            Some(base) => Some(base.open(None)?),
            None => None,
        };

        self.open(base.as_ref())
            .and_then(|btf| self.valid(&btf).map(|_| ()))
    }

    fn open<'b>(&self, base: Option<&'b KernelBtf<'b>>) -> Result<KernelBtf<'b>>
    where
        'a: 'b,
    {
        Btf::open_indexed(self.bytes, base, self.types).map_err(|error| self.refuse(error))
    }

    fn valid<'b>(&self, btf: &KernelBtf<'b>) -> Result<Valid<'b, NativeEndian, Types<'b>>> {
        let mut room = zeroes(btf.validate_room())?;

        btf.validate(&mut room).map_err(|error| self.refuse(error))
    }

    /// Says why this BTF is refused.
    #[cold]
    fn refuse(&self, error: splitbtf::Error) -> Error {
        let name = self.name;

        warn(fmt!("BTF of {name}: {error}\n"));
        EINVAL
    }

    /// Says why this BTF cannot be relocated from `distilled`.
    #[cold]
    fn refuse_relocation(&self, distilled: &KernelBtf<'_>, error: splitbtf::Error) -> Error {
        let splitbtf::Error::Unmatched { id, reason, .. } = error else {
            return self.refuse(error);
        };
        let name = self.name;
        let ty = DistilledType(distilled, id);

        warn(fmt!("BTF of {name}: {ty}: {reason}\n"));
        EINVAL
    }
}

/// Numbers that are all zero.
fn zeroes(len: usize) -> Result<KVVec<u32>> {
    Ok(KVVec::from_elem(0, len, GFP_KERNEL | __GFP_NOWARN)?)
}

/// A slice of `len` elements; the pointer does not matter if there are none.
///
/// # Safety
///
/// If `len` is not 0, `data` must be valid for reading that many elements for all of `'a`, during
/// which nobody changes them.
unsafe fn slice_of<'a, T>(data: *const T, len: u32) -> &'a [T] {
    match len {
        0 => &[],
        // SAFETY: By the safety requirements. A `u32` fits.
        len => unsafe { slice::from_raw_parts(data, len as usize) },
    }
}

/// The BTF of a module that is being loaded, with a distilled base.
///
/// # Invariants
///
/// `raw` is valid as for [`Parsed::from_raw`]; nobody else looks at it or at its data for all of
/// `'a`; and its data has been allocated with `kvmalloc()`.
pub struct ModuleBtf<'a> {
    raw: NonNull<bindings::bpf_rust_btf>,
    lifetime: PhantomData<&'a mut bindings::bpf_rust_btf>,
}

impl ModuleBtf<'_> {
    /// Makes a safe view of what C says of the `struct btf` of a module.
    ///
    /// # Safety
    ///
    /// As for [`Parsed::from_raw`]; and nobody else looks at `raw` or at the data meanwhile.
    pub unsafe fn from_raw(raw: *mut bindings::bpf_rust_btf) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            // SAFETY: By the safety requirements.
            raw: unsafe { NonNull::new_unchecked(raw) },
            lifetime: PhantomData,
        }
    }

    /// Validates this BTF, and relocates it from its distilled base, which has been validated, to
    /// `vmlinux`. The types are then either those of vmlinux or stubs, which a line in the kernel
    /// log names. If there are stubs, `data` of C's structure is new memory, which is C's; and so
    /// is `id_map` in any case.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the BTF is malformed, or if types are missing and stubs are not wanted: the
    /// kernel log says which. `ENOMEM` if there is no memory. Nothing has been changed then.
    pub fn relocate(&mut self, base: &Parsed<'_>, vmlinux: &Parsed<'_>) -> Result {
        let start = Instant::<Monotonic>::now();
        let distilled = base.open(None)?;
        let target = vmlinux.open(None)?;
        let target = Names::sorted(&target, vmlinux.first_named, None);
        // SAFETY: Only read at this time, and written by C before there was any Rust code.
        let policy = match unsafe { bindings::bpf_rust_btf_stubs } {
            true => Policy::KeepStub,
            false => Policy::Error,
        };

        let split = self.parsed();
        let btf = split.open(Some(&distilled))?;
        let valid = split.valid(&btf)?;
        let types = btf.end_id() - btf.first_id();
        let (ids, strings) = valid.relocation_room();
        let (mut ids, mut strings) = (zeroes(ids)?, zeroes(strings)?);
        let relocation = valid
            .relocate(&target, policy, &mut ids, &mut strings)
            .map_err(|error| split.refuse_relocation(&distilled, error))?;
        let kept = relocation.kept().count();

        if relocation.fits() {
            relocation
                .rewrite(self.bytes_mut())
                .map_err(|error| self.parsed().refuse(error))?;
        } else {
            let mut bytes =
                KVVec::from_elem(0, relocation.written_len(), GFP_KERNEL | __GFP_NOWARN)?;
            relocation
                .write(split.bytes, &distilled, &mut bytes)
                .map_err(|error| split.refuse(error))?;
            if kept != 0 {
                let stubs = Stubs {
                    relocation: &relocation,
                    distilled: &distilled,
                    target: &target,
                };
                let name = split.name;
                let are = if kept == 1 { "type is" } else { "types are" };
                info(fmt!("BTF of {name}: {kept} {are} not vmlinux's: {stubs}\n"));
            }
            self.set_bytes(bytes)?;
        }
        self.set_id_map(ids);

        let distilled = (distilled.end_id() - 1) as usize;
        // SAFETY: The name ends with a NUL.
        unsafe {
            bpf_rust_btf_relocated(
                self.parsed().name.as_char_ptr(),
                types,
                (distilled - kept) as u32,
                kept as u32,
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

    /// Tells C of new data. The old is C's still.
    fn set_bytes(&mut self, bytes: KVVec<u8>) -> Result {
        let len = u32::try_from(bytes.len())?;
        // SAFETY: By the type invariants.
        let raw = unsafe { self.raw.as_mut() };

        // INVARIANT: The new data is nobody else's, and from `kvmalloc()`.
        let (data, ..) = bytes.into_raw_parts();
        raw.data = data.cast();
        raw.data_size = len;
        Ok(())
    }

    /// Tells C of the new ids.
    fn set_id_map(&mut self, ids: KVVec<u32>) {
        // SAFETY: By the type invariants.
        let raw = unsafe { self.raw.as_mut() };

        let (ids, len, _) = ids.into_raw_parts();
        raw.id_map = ids;
        // There are no more of them than there are ids.
        raw.id_map_cnt = len as u32;
    }
}

/// The types that a module has instead of vmlinux's, for a line in the log.
struct Stubs<'s, 'a> {
    relocation: &'s Relocation<'s, NativeEndian>,
    distilled: &'s KernelBtf<'a>,
    target: &'s KernelNames<'a>,
}

impl fmt::Display for Stubs<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A line of the log has room for about a thousand bytes.
        const SHOWN: usize = 8;
        let count = self.relocation.kept().count();

        for (n, (id, _)) in self.relocation.kept().take(SHOWN).enumerate() {
            if n > 0 {
                f.write_str(", ")?;
            }
            let ty = DistilledType(self.distilled, id);
            match splitbtf::mismatch(self.distilled, id, self.target) {
                Ok(Some(reason)) => f.write_fmt(fmt!("{ty} ({reason})"))?,
                _ => fmt::Display::fmt(&ty, f)?,
            }
        }
        match count.checked_sub(SHOWN) {
            None | Some(0) => Ok(()),
            Some(more) => f.write_fmt(fmt!(" and {more} more")),
        }
    }
}

/// A type of a distilled base, as C calls it.
struct DistilledType<'s, 'a>(&'s KernelBtf<'a>, u32);

impl fmt::Display for DistilledType<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(btf, id) = self;
        let Ok(ty) = btf.get(*id) else {
            return f.write_fmt(fmt!("type {id}"));
        };

        f.write_str(match ty.kind {
            Kind::Struct(_) | Kind::Fwd { is_union: false } => "struct ",
            Kind::Union(_) | Kind::Fwd { is_union: true } => "union ",
            Kind::Enum { .. } => "enum ",
            _ => "",
        })?;
        // C has checked that names are made of letters, digits and the like.
        let name = btf.string(ty.name_off).unwrap_or_default();
        fmt::Display::fmt(BStr::from_bytes(name), f)
    }
}

impl fmt::Display for splitbtf::Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

/// Writes a line to the kernel log.
fn info(line: fmt::Arguments<'_>) {
    // SAFETY: Both strings end with a NUL, and the format is one of the fixed ones.
    unsafe { print::call_printk(&print::format_strings::INFO, LOG_PREFIX, line) };
}

/// Writes a line to the kernel log, as a warning.
fn warn(line: fmt::Arguments<'_>) {
    // SAFETY: Both strings end with a NUL, and the format is one of the fixed ones.
    unsafe { print::call_printk(&print::format_strings::WARNING, LOG_PREFIX, line) };
}

/// What the lines begin with, as those of C do.
const LOG_PREFIX: &[u8] = b"bpf_rust\0";

declare_trace! {
    /// # Safety
    ///
    /// `module` must be a valid string that ends with a NUL.
    #[expect(clippy::macro_metavars_in_unsafe)]
    unsafe fn bpf_rust_btf_relocated(
        module: *const c_char,
        types: u32,
        matched: u32,
        kept: u32,
        nsecs: u64,
    );
}
