// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! A module's demands on its kernel, apart from types.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use object::Architecture;
use object::Endianness;
use object::File;
use object::Object;
use object::ObjectKind;
use object::ObjectSection;
use object::ObjectSymbol;

use crate::file_error::FileError;
use crate::input::InputProblem;
use crate::Input;
use crate::InputError;

/// The section with the module's `struct module`, which only modules have.
const THIS_MODULE: &str = ".gnu.linkonce.this_module";

/// A symbol that the kernel ignores if it is undefined: `ignore_undef_symbol()` in
/// `kernel/module/main.c`.
const IGNORED: &str = "_GLOBAL_OFFSET_TABLE_";

/// Why there is no module.
pub type ModuleError = FileError<NotAModule>;

/// Why a file is not a module: the part of a [`ModuleError`] that does not name the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotAModule {
    /// The file cannot be read.
    #[error(transparent)]
    Input(#[from] InputProblem),
    /// It is an object file of BPF programs.
    #[error("it is a BPF object file, not a kernel module")]
    Bpf,
    /// It is another ELF file.
    #[error("it is not a kernel module: it has no section {THIS_MODULE}")]
    Elf,
}

impl From<InputError> for ModuleError {
    fn from(error: InputError) -> Self {
        error.map()
    }
}

/// A module's demands on its kernel, apart from types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// The machine that it is for, as `uname -m` names it.
    pub machine: String,
    /// The version magic: the release of the kernel that it was built for, then options.
    pub vermagic: Option<String>,
    /// The size of its `struct module`, in bytes.
    pub struct_module: u64,
    /// The symbols that it needs.
    pub needed: BTreeSet<String>,
    /// The versions of symbols (CRCs) that it was built with, by name.
    pub versions: BTreeMap<String, u32>,
}

impl Module {
    /// Reads the demands of a module; `None` for BTF by itself.
    ///
    /// # Errors
    ///
    /// If this is another kind of file, or its headers are malformed.
    pub fn of(input: &Input) -> Result<Option<Self>, ModuleError> {
        let Some((elf, _)) = input.elf()? else {
            return Ok(None);
        };
        let not = |problem| ModuleError::new(input.path(), problem);
        if elf.architecture() == Architecture::Bpf {
            return Err(not(NotAModule::Bpf));
        }
        let this_module = match (elf.kind(), elf.section_by_name(THIS_MODULE)) {
            (ObjectKind::Relocatable, Some(section)) => section,
            _ => return Err(not(NotAModule::Elf)),
        };

        Ok(Some(Self {
            machine: machine(&elf),
            vermagic: vermagic(&elf),
            struct_module: this_module.size(),
            needed: needed(&elf),
            versions: versions(&elf),
        }))
    }

    /// The release of the kernel that it was built for.
    pub fn release(&self) -> Option<&str> {
        self.vermagic.as_deref().map(|magic| split(magic).0)
    }

    /// The options of the kernel that it was built for, as `SMP preempt mod_unload`.
    pub fn options(&self) -> Option<&str> {
        self.vermagic.as_deref().map(|magic| split(magic).1)
    }

    /// Whether it has versions of symbols.
    pub fn has_versions(&self) -> bool {
        !self.versions.is_empty()
    }
}

/// Splits a version magic into the release and the options.
pub(super) fn split(magic: &str) -> (&str, &str) {
    let (release, options) = magic.split_once(' ').unwrap_or((magic, ""));

    (release, options.trim_end())
}

/// The machine that an ELF file is for, as `uname -m` names it.
pub(super) fn machine(elf: &File<'_>) -> String {
    let little = elf.endianness() == Endianness::Little;

    match elf.architecture() {
        Architecture::Aarch64 if little => "aarch64".into(),
        Architecture::Aarch64 => "aarch64_be".into(),
        Architecture::I386 => "i686".into(),
        Architecture::PowerPc64 if little => "ppc64le".into(),
        Architecture::PowerPc64 => "ppc64".into(),
        Architecture::X86_64 => "x86_64".into(),
        // Debug gives the kernel's name for the others, but for its case.
        other => format!("{other:?}").to_lowercase(),
    }
}

/// The value of `vermagic=` in `.modinfo`, a list of strings that end with a NUL.
fn vermagic(elf: &File<'_>) -> Option<String> {
    let modinfo = elf.section_by_name(".modinfo")?.data().ok()?;
    let mut fields = modinfo.split(|byte| *byte == 0);
    let magic = fields.find_map(|field| field.strip_prefix(b"vermagic="))?;

    Some(String::from_utf8_lossy(magic).into_owned())
}

/// The undefined symbols that must exist. Weak ones need not.
fn needed(elf: &File<'_>) -> BTreeSet<String> {
    elf.symbols()
        .filter(|symbol| symbol.is_undefined() && !symbol.is_weak())
        .filter_map(|symbol| symbol.name().ok())
        .filter(|name| !name.is_empty() && *name != IGNORED)
        .map(str::to_owned)
        .collect()
}

/// The versions of symbols, in the form that has names of any length if there is one, as
/// `check_version()` in `kernel/module/version.c` prefers it.
fn versions(elf: &File<'_>) -> BTreeMap<String, u32> {
    let data = |name| elf.section_by_name(name)?.data().ok();
    let endian = elf.endianness();

    match (data("__version_ext_crcs"), data("__version_ext_names")) {
        (Some(crcs), Some(names)) => {
            let names = names.split(|byte| *byte == 0);
            let crcs = crcs.chunks_exact(4);
            names
                .zip(crcs)
                .filter_map(|(name, crc)| version(name, crc, endian))
                .collect()
        }
        // `struct modversion_info`: a long, and a name that fills 64 bytes with it.
        _ => {
            let long = if elf.is_64() { 8 } else { 4 };
            let entries = data("__versions").unwrap_or_default().chunks_exact(64);
            entries
                .filter_map(|entry| {
                    let (crc, name) = entry.split_at_checked(long)?;
                    let crc = match endian {
                        Endianness::Little => crc.first_chunk::<4>()?,
                        Endianness::Big => crc.last_chunk::<4>()?,
                    };
                    version(name.split(|byte| *byte == 0).next()?, crc, endian)
                })
                .collect()
        }
    }
}

fn version(name: &[u8], crc: &[u8], endian: Endianness) -> Option<(String, u32)> {
    let crc = *crc.first_chunk()?;
    let crc = match endian {
        Endianness::Little => u32::from_le_bytes(crc),
        Endianness::Big => u32::from_be_bytes(crc),
    };

    (!name.is_empty()).then(|| (String::from_utf8_lossy(name).into_owned(), crc))
}
