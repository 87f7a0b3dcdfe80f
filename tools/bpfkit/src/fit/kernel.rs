// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The facts about a kernel that decide, besides types, which modules it loads.

use std::fs;
use std::path::Path;

use memchr::memmem::Finder;
use splitbtf::Kind;
use splitbtf::Names;
use zerocopy::ByteOrder;

use crate::dump::VMLINUX;
use crate::Input;

use super::module::machine;
use super::module::split;

/// The start of `linux_banner` in `init/version.c`. The release follows, up to a blank.
const BANNER: &[u8] = b"Linux version ";

/// The most bytes of a release: `__NEW_UTS_LEN` in `include/uapi/linux/utsname.h`.
const RELEASE_LEN: usize = 64;

/// The most bytes of a version magic that are read.
const MAGIC_LEN: usize = 256;

/// The facts about a kernel that decide, besides types, which modules it loads. A fact that is
/// `None` is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kernel {
    /// The machine that it is for, as `uname -m` names it.
    pub machine: Option<String>,
    /// Its release, as `uname -r` prints it.
    pub release: Option<String>,
    /// Its version magic: the release, then options.
    pub vermagic: Option<String>,
    /// The size of its `struct module`, in bytes.
    pub struct_module: Option<u64>,
}

impl Kernel {
    /// Finds the facts about a kernel: in the strings of `vmlinux`, or of an image that contains it;
    /// for the BTF in `/sys`, those of the running kernel. Other BTF by itself has only the size of
    /// `struct module`, and so have the images of other machines.
    pub fn of<O: ByteOrder>(input: &Input, types: &Names<'_, O>) -> Self {
        let struct_module = struct_module(types);
        let facts = match input.elf() {
            Ok(Some((elf, bytes))) => {
                let release = release(bytes);
                Self {
                    machine: Some(machine(&elf)),
                    vermagic: release.as_ref().and_then(|release| magic(bytes, release)),
                    release,
                    ..Self::default()
                }
            }
            _ if is_running(input.path()) => Self {
                machine: setting("arch").map(family),
                release: setting("osrelease"),
                ..Self::default()
            },
            _ => Self::default(),
        };

        Self {
            struct_module,
            ..facts
        }
    }

    /// The options that it was built with, as `SMP preempt mod_unload`.
    pub(super) fn options(&self) -> Option<&str> {
        self.vermagic.as_deref().map(|magic| split(magic).1)
    }

    /// Whether it has versions of symbols; `None` if this is unknown.
    pub(super) fn has_versions(&self) -> Option<bool> {
        let mut options = self.options()?.split(' ');

        Some(options.any(|option| option == "modversions"))
    }

    /// Whether all facts are known.
    pub(super) fn is_known(&self) -> bool {
        self.machine.is_some() && self.vermagic.is_some() && self.struct_module.is_some()
    }
}

/// The size of the kernel's `struct module`, in bytes.
fn struct_module<O: ByteOrder>(types: &Names<'_, O>) -> Option<u64> {
    types.find(b"module").find_map(|id| {
        let ty = types.btf().get(id).ok()?;
        match ty.kind {
            Kind::Struct(_) => ty.kind.size().map(u64::from),
            _ => None,
        }
    })
}

fn is_running(path: &Path) -> bool {
    path.canonicalize()
        .is_ok_and(|path| path == Path::new(VMLINUX))
}

/// Reads a setting of the running kernel.
fn setting(name: &str) -> Option<String> {
    let text = fs::read_to_string(Path::new("/proc/sys/kernel").join(name)).ok()?;

    Some(text.trim_end().to_owned())
}

/// The name that [`machine`] has for a machine. `uname -m` distinguishes processors of 32 bits, which
/// ELF does not.
pub(super) fn family(machine: String) -> String {
    match machine.as_bytes() {
        [b'a', b'r', b'm', b'v', ..] => "arm".into(),
        [b'i', b'3'..=b'6', b'8', b'6'] => "i686".into(),
        _ => machine,
    }
}

/// Finds the release in a kernel's strings.
fn release(kernel: &[u8]) -> Option<String> {
    Finder::new(BANNER).find_iter(kernel).find_map(|at| {
        let rest = kernel.get(at.checked_add(BANNER.len())?..)?;
        let end = rest
            .iter()
            .take(RELEASE_LEN)
            .position(|byte| *byte == b' ')?;
        let release = str::from_utf8(rest.get(..end)?).ok()?;
        // The format string of the banner has a `%s` here.
        release
            .starts_with(|first: char| first.is_ascii_digit())
            .then(|| release.to_owned())
    })
}

/// Finds the version magic in a kernel's strings: the string that starts with the release, and has
/// only words like `SMP`, `mod_unload` and `ARMv7` after it.
fn magic(kernel: &[u8], release: &str) -> Option<String> {
    let start = format!("{release} ");
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b" _-".contains(byte);

    Finder::new(&start).find_iter(kernel).find_map(|at| {
        let before = at.checked_sub(1).and_then(|before| kernel.get(before));
        let rest = kernel.get(at..)?;
        let end = rest.iter().take(MAGIC_LEN).position(|byte| *byte == 0)?;
        let (magic, options) = (rest.get(..end)?, rest.get(start.len()..end)?);
        // Data that is no text may come before it.
        let starts = before.is_none_or(|before| !before.is_ascii_graphic());
        let is_magic = starts && options.iter().all(is_word);
        is_magic.then(|| String::from_utf8_lossy(magic).into_owned())
    })
}
