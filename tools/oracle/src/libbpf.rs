// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! BTF in libbpf, behind a safe interface.

mod relo;

use std::cell::RefCell;
use std::ffi::c_char;
use std::ffi::c_int;
use std::ffi::c_void;
use std::ffi::CStr;
use std::io;
use std::marker::PhantomData;
use std::ptr;
use std::ptr::NonNull;
use std::slice;
use std::sync::Once;

use libbpf_sys::__va_list_tag;
use libbpf_sys::btf;

pub use self::relo::Relocated;
pub use self::relo::Relocator;

extern "C" {
    /// A function of libbpf that is not exported, but can be linked from a static archive. It does
    /// what `btf__relocate()` does, and returns the id map.
    fn btf_relocate(btf: *mut btf, base: *const btf, id_map: *mut *mut u32) -> c_int;

    /// From the C library: the crate `libc` has no `va_list`.
    fn vsnprintf(
        to: *mut c_char,
        len: usize,
        format: *const c_char,
        args: *mut __va_list_tag,
    ) -> c_int;
}

/// libbpf has refused an operation.
#[derive(Debug, thiserror::Error)]
#[error("libbpf: {what}: {source}{}", match message.as_str() {
    "" => String::new(),
    message => format!(" ({message})"),
})]
pub struct Error {
    /// The operation.
    what: &'static str,
    /// Its error number.
    source: io::Error,
    /// Its last message; empty if there is none.
    message: String,
}

impl Error {
    /// libbpf's last message; empty if there is none.
    pub fn message(&self) -> &str {
        &self.message
    }

    fn new(what: &'static str, source: io::Error) -> Self {
        Self {
            what,
            source,
            message: MESSAGE.take(),
        }
    }
}

thread_local! {
    /// The last message of a call that this thread has made.
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps libbpf's messages off the terminal, and stores the last for an error that may follow.
unsafe extern "C" fn keep(_level: u32, format: *const c_char, args: *mut __va_list_tag) -> c_int {
    let mut text = [0_u8; 512];
    // SAFETY: the buffer has this length; the other arguments are those of libbpf's call, and
    // nothing else uses them.
    let len = unsafe { vsnprintf(text.as_mut_ptr().cast(), text.len(), format, args) };

    if let Ok(text) = CStr::from_bytes_until_nul(&text) {
        let text = text.to_string_lossy();
        let text = text.trim_end();
        let text = text.strip_prefix("libbpf: ").unwrap_or(text);
        MESSAGE.with_borrow_mut(|message| text.clone_into(message));
    }
    len
}

/// Forgets the last message: from here on, messages are about this call.
fn listen() {
    static ONCE: Once = Once::new();

    ONCE.call_once(|| {
        // SAFETY: `keep` may be called at any time, from any thread.
        unsafe { libbpf_sys::libbpf_set_print(Some(keep)) };
    });
    MESSAGE.with_borrow_mut(String::clear);
}

/// BTF, whole or split on a base.
#[derive(Debug)]
pub struct Btf<'a> {
    /// Nobody else frees it.
    raw: NonNull<btf>,
    base: PhantomData<&'a Btf<'a>>,
}

// SAFETY: libbpf's BTF belongs to no thread.
unsafe impl Send for Btf<'_> {}

// SAFETY: the functions that are called with a shared reference take a `const struct btf *` and are
// known not to write. `btf__raw_data()`, which caches, is called with an exclusive one only.
unsafe impl Sync for Btf<'_> {}

impl<'a> Btf<'a> {
    /// Parses BTF in this machine's byte order, without a base or split on one.
    ///
    /// # Errors
    ///
    /// If libbpf refuses it.
    pub fn parse(bytes: &[u8], base: Option<&'a Btf<'_>>) -> Result<Self, Error> {
        const WHAT: &str = "parse";
        listen();
        let len = u32::try_from(bytes.len())
            .map_err(|_| Error::new(WHAT, io::ErrorKind::FileTooLarge.into()))?;
        let base = base.map_or(ptr::null_mut(), |base| base.raw.as_ptr());

        // SAFETY: there are `len` bytes, which libbpf copies. The base lives as long as the result
        // does. It is `mut` for no reason: only the owner of a base changes it, and the result does
        // not become its owner.
        let raw = unsafe { libbpf_sys::btf__new_split(bytes.as_ptr().cast(), len, base) };
        match NonNull::new(raw) {
            Some(raw) => Ok(Self::own(raw)),
            None => Err(Error::new(WHAT, io::Error::last_os_error())),
        }
    }

    fn own(raw: NonNull<btf>) -> Self {
        Self {
            raw,
            base: PhantomData,
        }
    }

    /// One more than the largest id.
    pub fn end_id(&self) -> u32 {
        // SAFETY: `raw` is valid.
        unsafe { libbpf_sys::btf__type_cnt(self.raw.as_ptr()) }
    }

    /// The id of the type with this name and kind, one of `BTF_KIND_*`; `None` if there is none.
    pub fn find(&self, name: &CStr, kind: u32) -> Option<u32> {
        let raw = self.raw.as_ptr();
        // SAFETY: `raw` and the name are valid.
        let id = unsafe { libbpf_sys::btf__find_by_name_kind(raw, name.as_ptr(), kind) };

        id.try_into().ok()
    }

    /// The BTF as it is stored, without the base.
    ///
    /// # Errors
    ///
    /// If there is not enough memory.
    pub fn bytes(&mut self) -> Result<&[u8], Error> {
        let mut len = 0;
        listen();
        // SAFETY: `raw` is valid, and nobody else uses it now.
        let data = unsafe { libbpf_sys::btf__raw_data(self.raw.as_ptr(), &mut len) };

        if data.is_null() {
            return Err(Error::new("write", io::Error::last_os_error()));
        }
        // SAFETY: there are `len` bytes, until `raw` is changed or freed.
        Ok(unsafe { slice::from_raw_parts(data.cast(), len as usize) })
    }

    /// Distils split BTF.
    ///
    /// # Errors
    ///
    /// If it is not split, or libbpf fails.
    pub fn distill(&self) -> Result<Distilled, Error> {
        const WHAT: &str = "distil";
        let mut base = ptr::null_mut();
        let mut split = ptr::null_mut();
        listen();
        // SAFETY: `raw` is valid, and both pointers can be written.
        let status =
            unsafe { libbpf_sys::btf__distill_base(self.raw.as_ptr(), &mut base, &mut split) };

        match (status, NonNull::new(base), NonNull::new(split)) {
            (0, Some(base), Some(split)) => Ok(Distilled {
                split: Btf::own(split),
                base: Btf::own(base),
            }),
            _ => Err(Error::new(WHAT, io::Error::from_raw_os_error(-status))),
        }
    }

    /// Relocates BTF that is split on a distilled base to another base. Returns the new id of each
    /// type as well, first of the distilled base and then of the split BTF.
    ///
    /// # Errors
    ///
    /// If a type is missing in `base` or ambiguous, or there is not enough memory.
    pub fn relocate<'b>(self, base: &'b Btf<'_>) -> Result<(Btf<'b>, Vec<u32>), Error> {
        let count = self.end_id() as usize;
        let mut ids = ptr::null_mut();
        listen();
        // SAFETY: both are valid, and nobody else has the first one. Its new base outlives the
        // result; if this fails, `self` is freed, which does not access a base.
        let status = unsafe { btf_relocate(self.raw.as_ptr(), base.raw.as_ptr(), &mut ids) };

        if status != 0 {
            let source = io::Error::from_raw_os_error(-status);
            return Err(Error::new("relocate", source));
        }
        // SAFETY: there is an id for each of the `count` types.
        let id_map = unsafe { slice::from_raw_parts(ids, count) }.to_vec();
        // SAFETY: it is ours now, and from `calloc()`.
        unsafe { libc::free(ids.cast::<c_void>()) };
        let this = std::mem::ManuallyDrop::new(self);
        Ok((Btf::own(this.raw), id_map))
    }
}

impl Drop for Btf<'_> {
    fn drop(&mut self) {
        // SAFETY: nobody else has `raw`, and it does not own its base.
        unsafe { libbpf_sys::btf__free(self.raw.as_ptr()) };
    }
}

/// Split BTF with a distilled base.
#[derive(Debug)]
pub struct Distilled {
    /// Refers to `base`, so it must not leave this struct.
    split: Btf<'static>,
    base: Btf<'static>,
}

impl Distilled {
    /// The distilled base, as it is stored.
    ///
    /// # Errors
    ///
    /// If there is not enough memory.
    pub fn base(&mut self) -> Result<&[u8], Error> {
        self.base.bytes()
    }

    /// The split BTF on it, as it is stored.
    ///
    /// # Errors
    ///
    /// If there is not enough memory.
    pub fn split(&mut self) -> Result<&[u8], Error> {
        self.split.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::blob;

    const INT: u32 = 1;
    const STRUCT: u32 = 4;

    fn word(bytes: &[u8], at: usize) -> u32 {
        u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
    }

    /// 1: int, 2: struct s { int a; }.
    fn base() -> Vec<u8> {
        let types = [1, INT << 24, 4, 32, 5, STRUCT << 24 | 1, 4, 7, 1, 0];
        blob(&types, b"\0int\0s\0a\0")
    }

    /// As [`base`], with another type before the others.
    fn other_base() -> Vec<u8> {
        let long = [9, INT << 24, 8, 64];
        let types = [1, INT << 24, 4, 32, 5, STRUCT << 24 | 1, 4, 7, 2, 0];
        blob(&[&long[..], &types].concat(), b"\0int\0s\0a\0long\0")
    }

    /// 3: struct t { struct s *b; }, 4: struct s *.
    fn split() -> Vec<u8> {
        let types = [9, STRUCT << 24 | 1, 8, 11, 4, 0, 0, 2 << 24, 2];
        blob(&types, b"t\0b\0")
    }

    #[test]
    fn types_are_found() {
        let base = Btf::parse(&base(), None).unwrap();
        let split = Btf::parse(&split(), Some(&base)).unwrap();

        assert_eq!((base.end_id(), split.end_id()), (3, 5));
        assert_eq!(split.find(c"s", STRUCT), Some(2));
        assert_eq!(split.find(c"t", STRUCT), Some(3));
        assert_eq!(split.find(c"s", INT), None);
    }

    #[test]
    fn distilled_and_relocated() {
        let (base, other) = (base(), other_base());
        let base = Btf::parse(&base, None).unwrap();
        let other = Btf::parse(&other, None).unwrap();
        let original = split();
        let mut distilled = Btf::parse(&original, Some(&base))
            .unwrap()
            .distill()
            .unwrap();
        let new_base = distilled.base().unwrap().to_vec();
        let new_base = Btf::parse(&new_base, None).unwrap();
        let new_split = distilled.split().unwrap().to_vec();

        // Only struct s is left of the base.
        assert_eq!(new_base.end_id(), 2);
        let on_distilled = || Btf::parse(&new_split, Some(&new_base)).unwrap();
        let (mut relocated, ids) = on_distilled().relocate(&base).unwrap();
        assert_eq!(ids, [0, 2, 3, 4]);
        assert_eq!(relocated.bytes().unwrap(), original);
        let (mut relocated, ids) = on_distilled().relocate(&other).unwrap();
        assert_eq!(ids, [0, 3, 4, 5]);
        // The target of the pointer.
        assert_eq!(word(relocated.bytes().unwrap(), 24 + 8 * 4), 3);
    }

    /// This libbpf does not know the fields that 7.3 adds to the header.
    #[test]
    fn layout_is_passed_over() {
        let base = base();
        let (header, rest) = base.split_at(24);
        let (types, strings) = rest.split_at(rest.len() - 9);
        let layout = [0_u8; 20 * 4];
        let mut header = header.to_vec();
        let str_off = types.len() + layout.len();
        header[4..8].copy_from_slice(&32_u32.to_ne_bytes());
        header[16..20].copy_from_slice(&(str_off as u32).to_ne_bytes());
        header.extend((types.len() as u32).to_ne_bytes());
        header.extend((layout.len() as u32).to_ne_bytes());
        let bytes = [&header, types, &layout, strings].concat();

        let mut btf = Btf::parse(&bytes, None).unwrap();
        assert_eq!(btf.find(c"s", STRUCT), Some(2));
        assert_eq!(btf.bytes().unwrap(), bytes);
    }

    #[test]
    fn refusals_have_reasons() {
        let base = base();
        let base = Btf::parse(&base, None).unwrap();
        let empty = Btf::parse(&blob(&[], b"\0"), None).unwrap();

        let error = Btf::parse(b"x", None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "libbpf: parse: Invalid argument (os error 22) (BTF header not found)"
        );
        let error = base.distill().unwrap_err();
        assert_eq!(
            error.to_string(),
            "libbpf: distil: Invalid argument (os error 22)"
        );
        let split = Btf::parse(&split(), Some(&base)).unwrap();
        let mut distilled = split.distill().unwrap();
        let new_base = Btf::parse(distilled.base().unwrap(), None).unwrap();
        let split = Btf::parse(distilled.split().unwrap(), Some(&new_base)).unwrap();
        let error = split.relocate(&empty).unwrap_err();
        assert_eq!(
            error.message(),
            "distilled base BTF type 's' [1] is not mapped to base BTF id"
        );
    }
}
