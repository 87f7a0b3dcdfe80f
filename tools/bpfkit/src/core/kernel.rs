// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! A kernel with its modules, as CO-RE sees it.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::OnceLock;

use core_relo::Targets;
use object::Object;
use object::ObjectSymbol;
use splitbtf::kind;
use splitbtf::AnyOwned;
use splitbtf::Endian;
use splitbtf::Kind;
use splitbtf::NameIndex;
use splitbtf::Owned;
use splitbtf::Policy;
use zerocopy::ByteOrder;

use crate::dump;
use crate::fit::SymbolsError;
use crate::fit::SymbolsProblem;
use crate::input::BASE_SECTION;
use crate::input::SECTION;
use crate::relocate::relocate;
use crate::Error;
use crate::Input;

/// The name of the kernel itself, beside those of modules.
const VMLINUX: &str = "vmlinux";

/// The symbols of the running kernel.
const KALLSYMS: &str = "/proc/kallsyms";

/// The tag of the functions that BPF programs may call.
const KFUNC_TAG: &str = "bpf_kfunc";

/// A kernel with its modules.
#[derive(Debug)]
pub struct Kernel {
    input: Input,
    vmlinux: AnyOwned,
    modules: Vec<(String, AnyOwned)>,
    listed: Option<KernelSymbols>,
    found: OnceLock<Option<KernelSymbols>>,
    kfuncs: OnceLock<Option<HashSet<(usize, u32)>>>,
}

/// The symbols of a kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelSymbols {
    names: HashSet<String>,
    /// Whether all symbols are there, not only those that modules can use.
    complete: bool,
}

impl Kernel {
    /// Opens a kernel (`vmlinux`, a kernel image, or BTF by itself) and modules: BTF that is split on
    /// the kernel's, by itself or in a `.ko` file, or a `.ko` file with a distilled base. `symbols` is
    /// its `System.map`, or another list that [`KernelSymbols::open`] reads.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or has no BTF; if the BTF is malformed.
    pub fn open(path: &Path, modules: &[PathBuf], symbols: Option<&Path>) -> Result<Self, Error> {
        let input = Input::open(path)?;
        let vmlinux = AnyOwned::new(input.need(SECTION)?.to_vec(), None);
        let vmlinux = vmlinux.map_err(input.wrong(SECTION))?;

        let mut opened = vec![];
        for module in modules {
            if let Some(types) = open_module(module, &vmlinux)? {
                opened.push((module_name(module), types));
            }
        }
        Ok(Self {
            input,
            vmlinux,
            modules: opened,
            listed: symbols.map(KernelSymbols::open).transpose()?,
            found: OnceLock::new(),
            kfuncs: OnceLock::new(),
        })
    }

    /// The file's name.
    pub fn path(&self) -> &Path {
        self.input.path()
    }

    /// How many modules there are.
    pub fn modules(&self) -> usize {
        self.modules.len()
    }

    /// The types, to search.
    pub fn targets(&self) -> Targets<'_> {
        let modules = self.modules.iter();

        modules.fold(Targets::new(&self.vmlinux), |targets, (name, types)| {
            targets.module(name, types)
        })
    }

    /// The kernel (0) or a module: its name and its types.
    pub fn btf(&self, number: usize) -> Option<(&str, &AnyOwned)> {
        match number.checked_sub(1) {
            None => Some((VMLINUX, &self.vmlinux)),
            Some(number) => {
                let (name, types) = self.modules.get(number)?;
                Some((name, types))
            }
        }
    }

    /// The types of the kernel or of a module with this name.
    pub fn named(&self, name: &str) -> Option<&AnyOwned> {
        if name == VMLINUX {
            return Some(&self.vmlinux);
        }
        let mut modules = self.modules.iter();

        Some(&modules.find(|(of, _)| of == name)?.1)
    }

    /// The byte order.
    pub fn endian(&self) -> Endian {
        self.vmlinux.endian()
    }

    /// Its symbols: those of a list, of a `vmlinux` with symbols, or of the running kernel; `None` if
    /// they are not known.
    pub fn symbols(&self) -> Option<&KernelSymbols> {
        let found = || match self.input.elf() {
            Ok(Some((elf, _))) => KernelSymbols::of_elf(&elf),
            _ if is_running(self.path()) => KernelSymbols::open(Path::new(KALLSYMS)).ok(),
            _ => None,
        };

        match &self.listed {
            Some(listed) => Some(listed),
            None => self.found.get_or_init(found).as_ref(),
        }
    }

    /// Whether a function may be called by BPF programs; `None` if this BTF does not say it: only
    /// newer ones have tags.
    pub fn is_kfunc(&self, number: usize, id: u32) -> Option<bool> {
        let kfuncs = self.kfuncs.get_or_init(|| {
            let btfs = (0..=self.modules.len()).filter_map(|n| Some((n, self.btf(n)?.1)));
            let tagged: HashSet<_> = btfs
                .flat_map(|(n, types)| tagged(types).into_iter().map(move |id| (n, id)))
                .collect();
            (!tagged.is_empty()).then_some(tagged)
        });
        let kfuncs = kfuncs.as_ref()?;
        // A module can have no tags though the kernel has.
        let is_known = kfuncs.iter().any(|(of, _)| *of == number);

        is_known.then(|| kfuncs.contains(&(number, id)))
    }
}

/// The functions with the tag of kfuncs.
fn tagged(types: &AnyOwned) -> Vec<u32> {
    let tag = |id| {
        let ty = types.get(id).ok()?;
        match ty.kind {
            Kind::DeclTag { ty: function, .. }
                if types.string(ty.name_off) == Ok(KFUNC_TAG.as_bytes()) =>
            {
                Some(function)
            }
            _ => None,
        }
    };
    let is_tag =
        |id: &u32| core_relo::Types::head(types, *id).is_some_and(|(of, _)| of == kind::DECL_TAG);

    (types.first_id()..types.end_id())
        .filter(is_tag)
        .filter_map(tag)
        .collect()
}

fn is_running(path: &Path) -> bool {
    path.canonicalize()
        .is_ok_and(|path| path == Path::new(dump::VMLINUX))
}

/// Opens the BTF of a module; `None` if it has none.
fn open_module(path: &Path, vmlinux: &AnyOwned) -> Result<Option<AnyOwned>, Error> {
    let input = Input::open(path)?;
    let Some(section) = input.section(SECTION)? else {
        return Ok(None);
    };
    let bytes = match (input.section(BASE_SECTION)?, vmlinux) {
        (None, _) => section.to_vec(),
        (Some(_), AnyOwned::Little(vmlinux)) => relocated(&input, vmlinux)?,
        (Some(_), AnyOwned::Big(vmlinux)) => relocated(&input, vmlinux)?,
    };
    let types = AnyOwned::new(bytes, Some(vmlinux)).map_err(input.wrong(SECTION))?;
    Ok(Some(types))
}

/// The BTF of a distilled module, relocated to the kernel.
fn relocated<O: ByteOrder>(input: &Input, vmlinux: &Owned<O>) -> Result<Vec<u8>, Error> {
    let index = NameIndex::new(&vmlinux.btf()).map_err(input.wrong(SECTION))?;
    let relocated = relocate(input, &index.names(vmlinux.btf()), Policy::Opaque);

    match relocated {
        Ok(relocated) => Ok(relocated.bytes),
        Err(error) => Err(Error::Relocate(Box::new(error))),
    }
}

/// The name of the module in a file, as the kernel has it.
fn module_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let end = name.find(".ko").or_else(|| name.find(".btf"));

    name.get(..end.unwrap_or(name.len()))
        .unwrap_or_default()
        .replace('-', "_")
}

impl KernelSymbols {
    /// Reads a list: `System.map`, `/proc/kallsyms`, or `Module.symvers`, which has only the symbols
    /// for modules.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is none of these.
    pub fn open(path: &Path) -> Result<Self, SymbolsError> {
        let text = fs::read(path).map_err(|error| SymbolsError::new(path, error))?;
        let text = String::from_utf8_lossy(&text);
        let mut symbols = Self {
            names: HashSet::new(),
            complete: true,
        };

        for (exported, name) in text.lines().filter_map(in_list) {
            symbols.complete &= !exported;
            symbols.names.insert(name.to_owned());
        }
        match symbols.names.is_empty() {
            true => Err(SymbolsError::new(path, SymbolsProblem::Unknown)),
            false => Ok(symbols),
        }
    }

    /// The symbols of an ELF file; `None` if it has been stripped.
    fn of_elf(elf: &object::File<'_>) -> Option<Self> {
        let names = elf.symbols().filter(|symbol| symbol.is_definition());
        let names = names.filter_map(|symbol| symbol.name().ok().map(str::to_owned));
        let names: HashSet<_> = names.collect();

        (!names.is_empty()).then_some(Self {
            names,
            complete: true,
        })
    }

    /// Whether there is a symbol; `None` if this is not known.
    pub fn has(&self, name: &str) -> Option<bool> {
        match self.names.contains(name) {
            true => Some(true),
            false => self.complete.then_some(false),
        }
    }
}

/// The symbol in a line, and whether this is a list of symbols for modules.
fn in_list(line: &str) -> Option<(bool, &str)> {
    let mut words = line.split_ascii_whitespace();
    let first = words.next()?;

    match first.starts_with("0x") {
        true => Some((true, words.next()?)),
        false if words.next()?.len() == 1 => Some((false, words.next()?)),
        false => None,
    }
}

#[cfg(test)]
mod tests;
