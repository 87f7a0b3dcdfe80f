// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What a BPF object demands of a kernel, apart from CO-RE: functions and variables of the kernel, and
//! the functions, hooks and structs that its programs are for.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use core_relo::Object;
use core_relo::Source;
use object::Object as _;
use object::ObjectSection;
use object::ObjectSymbol;
use object::RelocationTarget;
use object::SectionKind;
use splitbtf::AnyOwned;
use splitbtf::ExtInfo;
use splitbtf::Kind;
use splitbtf::LineInfo;
use splitbtf::VarSecinfo;

/// The sections in BTF with what is the kernel's, and with the values of its configuration.
const KSYMS: &str = ".ksyms";
const KCONFIG: &str = ".kconfig";

/// The sections with structs of functions for the kernel.
const STRUCT_OPS: [&str; 2] = [".struct_ops", ".struct_ops.link"];

/// The demands of an object.
#[derive(Clone, Debug, Default)]
pub struct Demands {
    /// The functions and variables of the kernel that it uses.
    pub ksyms: Vec<Ksym>,
    /// The values of the kernel's configuration that it uses.
    pub settings: Vec<String>,
    /// What its programs are for.
    pub attach: Vec<Attach>,
    /// Its structs of functions for the kernel.
    pub struct_ops: Vec<StructOps>,
    uses: Uses,
    /// The functions of each section, by their offsets in bytes.
    functions: BTreeMap<String, BTreeMap<u64, String>>,
    /// The lines of source code of each section, by the offsets of their first instructions in bytes.
    lines: BTreeMap<String, BTreeMap<u64, LineInfo>>,
}

/// The relocations of the linker.
#[derive(Clone, Debug, Default)]
struct Uses {
    /// The offsets in each section, in bytes.
    offsets: BTreeMap<String, BTreeSet<u64>>,
    /// The sections and offsets at which each symbol is used.
    symbols: BTreeMap<String, Vec<(String, u64)>>,
}

/// A function or a variable of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ksym {
    /// Its name.
    pub name: String,
    /// Whether it may be missing.
    pub weak: bool,
    /// Whether it is a function, not a variable.
    pub function: bool,
    /// The prototype or type in the object's BTF; 0 for `void`, which BTF of the kernel does not
    /// answer.
    pub ty: u32,
}

/// The function or hook that a program is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attach {
    /// The program.
    pub program: String,
    /// Its section.
    pub section: String,
    /// Where it starts in the section, in bytes.
    pub offset: u64,
    /// The kind of target.
    pub kind: AttachKind,
    /// The name in the section's name; `None` if the loader says it.
    pub target: Option<String>,
}

/// A kind of target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachKind {
    /// A function: `fentry`, `fexit`, `fmod_ret`, `fsession`.
    Function,
    /// A hook for security modules: `lsm`.
    Lsm,
    /// A tracepoint: `tp_btf`.
    Tracepoint,
    /// What an iterator goes over: `iter`.
    Iterator,
    /// Another program: `freplace`.
    Program,
}

/// A struct of functions for the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructOps {
    /// The variable.
    pub name: String,
    /// Its type in the object's BTF.
    pub ty: u32,
    /// The numbers of the members that are not zero.
    pub set: BTreeSet<usize>,
}

impl AttachKind {
    /// The kind of the programs in a section; `None` if they have no target that BTF knows.
    fn of(prefix: &str) -> Option<Self> {
        let prefix = prefix.strip_suffix(".s").unwrap_or(prefix);

        Some(match prefix {
            "fentry" | "fexit" | "fmod_ret" | "fsession" => Self::Function,
            "lsm" | "lsm_cgroup" => Self::Lsm,
            "tp_btf" => Self::Tracepoint,
            "iter" => Self::Iterator,
            "freplace" => Self::Program,
            _ => return None,
        })
    }

    /// What BTF has before the name.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Function | Self::Program => "",
            Self::Lsm => "bpf_lsm_",
            Self::Tracepoint => "btf_trace_",
            Self::Iterator => "bpf_iter_",
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Lsm => "LSM hook",
            Self::Tracepoint => "tracepoint",
            Self::Iterator => "iterator",
            Self::Program => "program",
        }
    }
}

impl Demands {
    /// Reads the demands of an object: an ELF file with these types, and these programs. What is
    /// malformed is left out; libbpf reports that.
    pub fn of(
        elf: &object::File<'_>,
        types: &AnyOwned,
        ext: Option<&ExtInfo>,
        object: &Object<'_>,
    ) -> Self {
        let mut this = Self {
            attach: attach(object),
            uses: uses(elf),
            functions: functions(object),
            lines: ext.map(|ext| lines(types, ext)).unwrap_or_default(),
            ..Self::default()
        };
        let (weak, addresses) = (weak(elf), addresses(elf));

        for id in types.first_id()..types.end_id() {
            let Ok(ty) = types.get(id) else {
                continue;
            };
            let Kind::Datasec { vars, .. } = ty.kind else {
                continue;
            };
            let section = text(types, ty.name_off);
            match section.as_str() {
                KSYMS => {
                    let ksyms = vars
                        .into_iter()
                        .filter_map(|var| ksym(types, var.ty, &weak));
                    this.ksyms.extend(ksyms);
                }
                KCONFIG => {
                    let settings = vars.into_iter().filter_map(|var| name(types, var.ty));
                    this.settings.extend(settings);
                }
                name if STRUCT_OPS.contains(&name) => {
                    let data = elf.section_by_name(name).and_then(|of| of.data().ok());
                    let content = Content {
                        bytes: data.unwrap_or_default(),
                        uses: this.uses.offsets.get(name),
                        addresses: &addresses,
                    };
                    let structs = vars
                        .into_iter()
                        .filter_map(|var| struct_ops(types, &content, var));
                    this.struct_ops.extend(structs);
                }
                _ => {}
            }
        }
        this
    }

    /// The offsets in a section, in bytes, of the instructions that the linker has relocations for:
    /// their values are not those in the file.
    pub(super) fn relocated(&self, section: &str) -> Option<&BTreeSet<u64>> {
        self.uses.offsets.get(section)
    }

    /// Where a symbol is used: sections and offsets in bytes.
    pub(super) fn uses_of(&self, name: &str) -> &[(String, u64)] {
        let uses = self.uses.symbols.get(name);

        uses.map(Vec::as_slice).unwrap_or_default()
    }

    /// The function with the instruction at this offset in a section, and the number of the instruction
    /// in it.
    pub(super) fn function(&self, section: &str, offset: u64) -> Option<(&str, u32)> {
        let functions = self.functions.get(section)?;
        let (start, name) = functions.range(..=offset).next_back()?;
        let number = offset.checked_sub(*start)? / 8;

        Some((name, number.try_into().ok()?))
    }

    /// The line of source code of the instruction at this offset in a section.
    pub(super) fn line(&self, types: &AnyOwned, section: &str, offset: u64) -> Option<Source> {
        let (_, line) = self.lines.get(section)?.range(..=offset).next_back()?;

        Some(Source {
            file: text(types, line.file_name_off),
            line: line.line,
            column: line.column,
            text: text(types, line.line_off).trim().to_owned(),
        })
    }
}

/// The functions of all sections.
fn functions(object: &Object<'_>) -> BTreeMap<String, BTreeMap<u64, String>> {
    let sections = object.sections().iter();

    sections
        .map(|section| {
            let functions = section.functions.iter();
            let functions = functions.map(|function| (function.offset, function.name.clone()));
            (section.name.clone(), functions.collect())
        })
        .collect()
}

/// The lines of source code of all sections.
fn lines(types: &AnyOwned, ext: &ExtInfo) -> BTreeMap<String, BTreeMap<u64, LineInfo>> {
    let mut all: BTreeMap<String, BTreeMap<u64, LineInfo>> = BTreeMap::new();

    for section in &ext.line_info {
        let of = all.entry(text(types, section.name_off)).or_default();
        let lines = section.records.iter();
        of.extend(lines.map(|line| (line.insn_off.into(), *line)));
    }
    all
}

/// The targets of the programs that libbpf loads.
fn attach(object: &Object<'_>) -> Vec<Attach> {
    let mut all = vec![];

    for section in object.sections() {
        let (prefix, target) = match section.name.split_once('/') {
            Some((prefix, target)) => (prefix, Some(target)),
            None => (section.name.as_str(), None),
        };
        let Some(kind) = AttachKind::of(prefix) else {
            continue;
        };
        let loaded = section
            .functions
            .iter()
            .filter(|function| function.is_loaded);
        all.extend(loaded.map(|function| Attach {
            program: function.name.clone(),
            section: section.name.clone(),
            offset: function.offset,
            kind,
            target: target.map(str::to_owned),
        }));
    }
    all
}

/// The names of the undefined symbols that may be missing.
fn weak(elf: &object::File<'_>) -> BTreeSet<String> {
    let symbols = elf
        .symbols()
        .filter(|symbol| symbol.is_undefined() && symbol.is_weak());

    symbols.filter_map(|symbol| symbol_name(&symbol)).collect()
}

fn symbol_name<'a>(symbol: &impl ObjectSymbol<'a>) -> Option<String> {
    let name = symbol.name_bytes().ok()?;

    Some(String::from_utf8_lossy(name).into_owned())
}

/// The addresses of the symbols that are defined.
fn addresses(elf: &object::File<'_>) -> BTreeMap<String, u64> {
    let symbols = elf.symbols().filter(|symbol| symbol.is_definition());

    symbols
        .filter_map(|symbol| Some((symbol_name(&symbol)?, symbol.address())))
        .collect()
}

/// The relocations of all sections.
fn uses(elf: &object::File<'_>) -> Uses {
    let mut all = Uses::default();

    for section in elf.sections() {
        let (Ok(name), false) = (section.name_bytes(), is_debug(&section)) else {
            continue;
        };
        let name = String::from_utf8_lossy(name).into_owned();
        for (offset, relocation) in section.relocations() {
            let offsets = all.offsets.entry(name.clone()).or_default();
            offsets.insert(offset);
            let RelocationTarget::Symbol(index) = relocation.target() else {
                continue;
            };
            let symbol = elf.symbol_by_index(index).ok();
            if let Some(symbol) = symbol.and_then(|symbol| symbol_name(&symbol)) {
                if section.kind() == SectionKind::Text {
                    let uses = all.symbols.entry(symbol).or_default();
                    uses.push((name.clone(), offset));
                }
            }
        }
    }
    all
}

/// Whether a section is for debuggers, or BTF.
fn is_debug<'a>(section: &impl ObjectSection<'a>) -> bool {
    !matches!(
        section.kind(),
        SectionKind::Text | SectionKind::Data | SectionKind::ReadOnlyData
    )
}

fn ksym(types: &AnyOwned, id: u32, weak: &BTreeSet<String>) -> Option<Ksym> {
    let ty = types.get(id).ok()?;
    let (of, function) = match ty.kind {
        Kind::Var { ty, .. } => (ty, false),
        Kind::Func { proto, .. } => (proto, true),
        _ => return None,
    };
    let name = text(types, ty.name_off);

    Some(Ksym {
        weak: weak.contains(&name),
        name,
        function,
        ty: types.resolve(of).ok()?.id,
    })
}

/// A section with data.
struct Content<'a> {
    bytes: &'a [u8],
    /// The offsets that the linker has relocations for.
    uses: Option<&'a BTreeSet<u64>>,
    addresses: &'a BTreeMap<String, u64>,
}

impl Content<'_> {
    /// Whether something between these offsets is not zero, or will not be.
    fn is_set(&self, first: u64, end: u64) -> bool {
        let range = || Some(usize::try_from(first).ok()?..usize::try_from(end).ok()?);
        let bytes = range().and_then(|range| self.bytes.get(range));
        let is_used = |uses: &BTreeSet<u64>| uses.range(first..end).next().is_some();

        first < end
            && (self.uses.is_some_and(is_used)
                || bytes.is_some_and(|bytes| bytes.iter().any(|byte| *byte != 0)))
    }
}

fn struct_ops(types: &AnyOwned, content: &Content<'_>, var: VarSecinfo) -> Option<StructOps> {
    let name = name(types, var.ty)?;
    let Kind::Var { ty, .. } = types.get(var.ty).ok()?.kind else {
        return None;
    };
    let ty = types.resolve(ty).ok()?;
    let Kind::Struct(of) = ty.kind else {
        return None;
    };
    let start = *content.addresses.get(&name)?;

    let ends = of.members().skip(1).map(|member| member.bit_offset / 8);
    let ends = ends.chain([of.size]);
    let members = of.members().zip(ends).enumerate();
    let at = |offset: u32| start.saturating_add(offset.into());
    let set = members
        .filter(|(_, (member, end))| content.is_set(at(member.bit_offset / 8), at(*end)))
        .map(|(number, _)| number)
        .collect();
    Some(StructOps {
        name,
        ty: ty.id,
        set,
    })
}

/// The name of a type.
fn name(types: &AnyOwned, id: u32) -> Option<String> {
    Some(text(types, types.get(id).ok()?.name_off))
}

/// A string of BTF.
pub(super) fn text(types: &AnyOwned, name_off: u32) -> String {
    let bytes = types.string(name_off).unwrap_or_default();

    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
