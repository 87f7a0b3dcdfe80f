// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! CO-RE relocation in libbpf, behind a safe interface.

use std::collections::HashMap;
use std::ffi::c_char;
use std::ffi::c_int;
use std::ffi::CStr;
use std::ffi::CString;
use std::io;
use std::ptr;
use std::ptr::NonNull;
use std::slice;

use core_relo::CoreRelo;
use libbpf_sys::bpf_core_relo;
use libbpf_sys::btf;

use super::listen;
use super::Btf;
use super::Error;

/// `BPF_CORE_SPEC_MAX_LEN`.
const MAX_LEN: usize = 64;

/// The size of a pointer in BPF, in bytes.
const POINTER: u64 = 8;

/// `struct bpf_core_cand`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Cand {
    btf: *const btf,
    id: u32,
}

/// `struct bpf_core_cand_list`.
#[repr(C)]
struct CandList {
    cands: *mut Cand,
    len: c_int,
}

/// `struct bpf_core_accessor`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Accessor {
    type_id: u32,
    idx: u32,
    name: *const c_char,
}

/// `struct bpf_core_spec`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Spec {
    btf: *const btf,
    spec: [Accessor; MAX_LEN],
    root_type_id: u32,
    relo_kind: u32,
    len: c_int,
    raw_spec: [c_int; MAX_LEN],
    raw_len: c_int,
    bit_offset: u32,
}

impl Spec {
    const EMPTY: Self = Self {
        btf: ptr::null(),
        spec: [Accessor {
            type_id: 0,
            idx: 0,
            name: ptr::null(),
        }; MAX_LEN],
        root_type_id: 0,
        relo_kind: 0,
        len: 0,
        raw_spec: [0; MAX_LEN],
        raw_len: 0,
        bit_offset: 0,
    };
}

/// `struct bpf_core_relo_res`.
#[repr(C)]
#[derive(Default)]
struct Res {
    orig_val: u64,
    new_val: u64,
    poison: bool,
    validate: bool,
    fail_memsz_adjust: bool,
    orig_sz: u32,
    orig_type_id: u32,
    new_sz: u32,
    new_type_id: u32,
}

// Functions of libbpf that are not exported, but can be linked from a static archive.
extern "C" {
    fn bpf_core_essential_name_len(name: *const c_char) -> usize;

    fn bpf_core_add_cands(
        local: *mut Cand,
        local_essent_len: usize,
        targ_btf: *const btf,
        targ_btf_name: *const c_char,
        targ_start_id: c_int,
        cands: *mut CandList,
    ) -> c_int;

    fn bpf_core_free_cands(cands: *mut CandList);

    fn bpf_core_calc_relo_insn(
        prog_name: *const c_char,
        relo: *const bpf_core_relo,
        relo_idx: c_int,
        local_btf: *const btf,
        cands: *mut CandList,
        specs_scratch: *mut Spec,
        targ_res: *mut Res,
    ) -> c_int;

    fn bpf_core_patch_insn(
        prog_name: *const c_char,
        insn: *mut u64,
        insn_idx: c_int,
        relo: *const bpf_core_relo,
        relo_idx: c_int,
        res: *const Res,
    ) -> c_int;
}

/// The candidates for a local type.
struct Candidates(NonNull<CandList>);

impl Candidates {
    fn new() -> Result<Self, Error> {
        // SAFETY: this allocates zeroed memory for a list, which is an empty one.
        let list = unsafe { libc::calloc(1, size_of::<CandList>()) };

        NonNull::new(list.cast())
            .map(Self)
            .ok_or_else(|| Error::new("candidates", io::ErrorKind::OutOfMemory.into()))
    }

    fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    fn all(&self) -> Vec<Cand> {
        // SAFETY: the list is ours.
        let list = unsafe { self.0.as_ref() };

        match usize::try_from(list.len) {
            // SAFETY: the array has so many elements.
            Ok(len @ 1..) => unsafe { slice::from_raw_parts(list.cands, len) }.to_vec(),
            _ => vec![],
        }
    }

    /// Writes candidates that the list has had.
    fn restore(&mut self, all: &[Cand]) {
        // SAFETY: the list is ours, and its array never shrinks.
        unsafe {
            let list = self.0.as_mut();
            ptr::copy_nonoverlapping(all.as_ptr(), list.cands, all.len());
            list.len = all.len() as c_int;
        }
    }
}

impl Drop for Candidates {
    fn drop(&mut self) {
        // SAFETY: both the list and its array are from the C library, and nobody else has them.
        unsafe { bpf_core_free_cands(self.0.as_ptr()) };
    }
}

/// What libbpf has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocated {
    /// The value by the object's types.
    pub old: u64,
    /// The value for the kernel; `None` if the instruction is poisoned.
    pub new: Option<u64>,
    /// Whether the instruction must have the old value.
    pub checked: bool,
    /// The type of the kernel and the access string of the place in it; `None` if there is none.
    pub target: Option<(u32, String)>,
    /// The offset of that place in bits.
    pub bit_offset: u32,
}

/// Relocates the instructions of an object for a kernel.
pub struct Relocator<'a> {
    local: &'a Btf<'a>,
    vmlinux: &'a Btf<'a>,
    modules: &'a [(CString, Btf<'a>)],
    known: HashMap<u32, Candidates>,
}

impl Btf<'_> {
    /// Sets the size of pointers to that in BPF: for the types of an object, as libbpf does.
    pub fn set_bpf_pointers(&mut self) {
        // SAFETY: `raw` is valid, and nobody else uses it now.
        unsafe { libbpf_sys::btf__set_pointer_size(self.raw.as_ptr(), POINTER) };
    }

    /// Makes libbpf find out the size of pointers, which it remembers: after this, it does not write.
    pub fn find_pointers(&mut self) {
        // SAFETY: `raw` is valid, and nobody else uses it now.
        unsafe { libbpf_sys::btf__pointer_size(self.raw.as_ptr()) };
    }
}

impl<'a> Relocator<'a> {
    /// For an object, a kernel, and its modules.
    pub fn new(
        local: &'a Btf<'a>,
        vmlinux: &'a Btf<'a>,
        modules: &'a [(CString, Btf<'a>)],
    ) -> Self {
        Self {
            local,
            vmlinux,
            modules,
            known: HashMap::new(),
        }
    }

    /// Decides a relocation, and changes its instruction; the second word is its second half, if it has
    /// one.
    ///
    /// # Errors
    ///
    /// If libbpf refuses the object. The instruction may have changed then.
    pub fn relocate(&mut self, relo: &CoreRelo, insn: &mut [u64; 2]) -> Result<Relocated, Error> {
        let raw = bpf_core_relo {
            insn_off: relo.insn_off,
            type_id: relo.ty,
            access_str_off: relo.access_str_off,
            kind: relo.kind,
        };
        let mut specs = [Spec::EMPTY; 3];
        let mut res = Res::default();
        listen();
        let invalid = || Error::new("relocation", io::ErrorKind::InvalidInput.into());
        self.local.name(relo.ty).ok_or_else(invalid)?;
        let cands = match relo.kind {
            libbpf_sys::BPF_CORE_TYPE_ID_LOCAL => ptr::null_mut(),
            _ => self.candidates(relo.ty)?,
        };
        let before = self.known.get(&relo.ty).map(Candidates::all);

        // SAFETY: everything is valid, and there is such a type. There are three specs.
        let status = unsafe {
            let local = self.local.raw.as_ptr();
            bpf_core_calc_relo_insn(
                c"".as_ptr(),
                &raw,
                0,
                local,
                cands,
                specs.as_mut_ptr(),
                &mut res,
            )
        };
        if let (Err(error), Some(known)) = (check("decide", status), self.known.get_mut(&relo.ty)) {
            // libbpf has left the list half changed: it would stop here.
            known.restore(&before.unwrap_or_default());
            return Err(error);
        }
        check("decide", status)?;
        // SAFETY: there are two instructions, which is all that libbpf looks at.
        let status =
            unsafe { bpf_core_patch_insn(c"".as_ptr(), insn.as_mut_ptr(), 0, &raw, 0, &res) };
        check("patch", status)?;
        let [_, _, target] = specs;
        let steps = usize::try_from(target.raw_len).unwrap_or_default();
        let access: Vec<_> = target.raw_spec.iter().take(steps).collect();
        let access: Vec<_> = access.into_iter().map(ToString::to_string).collect();
        Ok(Relocated {
            old: res.orig_val,
            new: (!res.poison).then_some(res.new_val),
            checked: res.validate,
            target: (target.root_type_id != 0).then(|| {
                let access = match access.is_empty() {
                    true => "0".to_string(),
                    false => access.join(":"),
                };
                (target.root_type_id, access)
            }),
            bit_offset: target.bit_offset,
        })
    }

    /// The candidates for a local type, as `bpf_core_find_cands()` finds them.
    fn candidates(&mut self, ty: u32) -> Result<*mut CandList, Error> {
        if let Some(known) = self.known.get(&ty) {
            return Ok(known.0.as_ptr());
        }
        let none = || Error::new("candidates", io::ErrorKind::InvalidInput.into());
        let name = self.local.name(ty).ok_or_else(none)?;
        if name.is_empty() {
            return Err(none());
        }

        let found = Candidates::new()?;
        self.add(ty, name, c"vmlinux", self.vmlinux, 1, &found)?;
        if found.is_empty() {
            for (module, btf) in self.modules {
                self.add(ty, name, module, btf, self.vmlinux.end_id(), &found)?;
            }
        }
        let list = found.0.as_ptr();
        self.known.insert(ty, found);
        Ok(list)
    }

    fn add(
        &self,
        ty: u32,
        name: &CStr,
        target_name: &CStr,
        target: &Btf<'_>,
        from: u32,
        to: &Candidates,
    ) -> Result<(), Error> {
        let mut local = Cand {
            btf: self.local.raw.as_ptr(),
            id: ty,
        };
        let from = c_int::try_from(from).unwrap_or(c_int::MAX);

        // SAFETY: everything is valid, and the list is ours.
        let status = unsafe {
            let len = bpf_core_essential_name_len(name.as_ptr());
            let target = target.raw.as_ptr();
            bpf_core_add_cands(
                &mut local,
                len,
                target,
                target_name.as_ptr(),
                from,
                to.0.as_ptr(),
            )
        };
        check("candidates", status)
    }
}

impl Btf<'_> {
    /// The name of a type; `None` if there is no such type.
    fn name(&self, ty: u32) -> Option<&CStr> {
        let raw = self.raw.as_ptr();

        // SAFETY: `raw` is valid, and keeps its types and strings.
        unsafe {
            let ty = libbpf_sys::btf__type_by_id(raw, ty).as_ref()?;
            let name = libbpf_sys::btf__name_by_offset(raw, ty.name_off);
            (!name.is_null()).then(|| CStr::from_ptr(name))
        }
    }
}

fn check(what: &'static str, status: c_int) -> Result<(), Error> {
    match status {
        0 => Ok(()),
        status => Err(Error::new(what, io::Error::from_raw_os_error(-status))),
    }
}
