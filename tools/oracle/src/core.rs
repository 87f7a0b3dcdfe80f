// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Compares what `core-relo` and libbpf make of the instructions of objects.

use std::collections::HashMap;
use std::ffi::CString;
use std::path::Path;
use std::path::PathBuf;

use bpfkit::core_object::CoreObject;
use bpfkit::input::SECTION;
use bpfkit::Input;
use core_relo::patch;
use core_relo::Action;
use core_relo::Decider;
use core_relo::Decision;
use core_relo::Object;
use core_relo::Outcome;
use core_relo::Relocation;
use core_relo::Targets;
use indicatif::ParallelProgressIterator;
use rayon::iter::IntoParallelRefIterator;
use rayon::iter::ParallelIterator;
use serde::Serialize;
use splitbtf::AnyOwned;
use splitbtf::Endian;

use crate::corpus;
use crate::corpus::Kernel;
use crate::error::InFile;
use crate::libbpf;
use crate::libbpf::Relocated;
use crate::libbpf::Relocator;
use crate::progress;
use crate::table;
use crate::Error;

/// The bytes of an instruction.
const INSN: usize = 8;

/// The outcomes for all objects on a kernel.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    /// The kernel.
    pub kernel: String,
    /// How many objects there are.
    pub objects: usize,
    /// How many of them have relocations that both accept.
    pub accepted: usize,
    /// How many relocations the objects have.
    pub relocations: usize,
    /// How many are decided by a type of the kernel.
    pub found: usize,
    /// How many of these are decided by a type of a module.
    pub in_modules: usize,
    /// How many ask for what the kernel does not have.
    pub absent: usize,
    /// How many instructions are poisoned.
    pub poisoned: usize,
    /// How many both refuse.
    pub both_refuse: usize,
    /// The differences, with the object's name before each.
    pub different: Vec<String>,
}

/// Compares all objects on all kernels. A kernel is a folder that 'oracle extract' has written to, or a
/// file with its BTF.
///
/// # Errors
///
/// If a file cannot be read, or its BTF is wrong.
pub fn compare(objects: &[PathBuf], kernels: &[PathBuf], modules: bool) -> Result<Vec<Row>, Error> {
    kernels
        .iter()
        .map(|kernel| compare_kernel(objects, kernel, modules))
        .collect()
}

fn find(kernel: &Path, modules: bool) -> Result<Kernel, Error> {
    match (kernel.is_dir(), modules) {
        (true, true) => Kernel::find(kernel),
        (true, false) => Ok(Kernel::without_modules(kernel)),
        (false, _) => Ok(Kernel {
            version: kernel.display().to_string(),
            vmlinux: kernel.to_owned(),
            modules: vec![],
        }),
    }
}

fn name(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn compare_kernel(objects: &[PathBuf], kernel: &Path, modules: bool) -> Result<Row, Error> {
    let kernel = find(kernel, modules)?;
    let bytes = Input::open(&kernel.vmlinux)?.need(SECTION)?.to_vec();
    let mut theirs = libbpf::Btf::parse(&bytes, None).in_file(&kernel.vmlinux)?;
    theirs.find_pointers();
    let mut their_modules = vec![];
    let ours = AnyOwned::new(bytes, None).in_file(&kernel.vmlinux)?;
    let mut our_modules = vec![];
    for path in &kernel.modules {
        let bytes = corpus::read(path)?;
        let mut btf = libbpf::Btf::parse(&bytes, Some(&theirs)).in_file(path)?;
        btf.find_pointers();
        their_modules.push((CString::new(name(path)).unwrap_or_default(), btf));
        let module = AnyOwned::new(bytes, Some(&ours)).in_file(path)?;
        our_modules.push((name(path), module));
    }
    let mut targets = Targets::new(&ours);
    for (name, module) in &our_modules {
        targets = targets.module(name, module);
    }

    let rows = objects
        .par_iter()
        .progress_with(progress::bar("objects", objects.len()))
        .map(|path| compare_object(path, &targets, &theirs, &their_modules))
        .collect::<Result<Vec<_>, _>>()?;
    let mut all = Row {
        kernel: kernel.version,
        ..Row::default()
    };
    for row in rows {
        all.objects += row.objects;
        all.accepted += row.accepted;
        all.relocations += row.relocations;
        all.found += row.found;
        all.in_modules += row.in_modules;
        all.absent += row.absent;
        all.poisoned += row.poisoned;
        all.both_refuse += row.both_refuse;
        all.different.extend(row.different);
    }
    Ok(all)
}

/// The outcomes for an object.
fn compare_object(
    path: &Path,
    targets: &Targets<'_>,
    vmlinux: &libbpf::Btf<'_>,
    modules: &[(CString, libbpf::Btf<'_>)],
) -> Result<Row, Error> {
    let file = CoreObject::open(path)?;
    let mut local = libbpf::Btf::parse(file.types.bytes(), None).in_file(path)?;
    local.set_bpf_pointers();
    let relocator = Relocator::new(&local, vmlinux, modules);
    let mut row = compare_relocations(&file.object(), file.types.endian(), targets, relocator);

    for what in &mut row.different {
        *what = format!("{}: {what}", name(path));
    }
    Ok(row)
}

/// The outcomes for the relocations of an object.
fn compare_relocations(
    object: &Object<'_>,
    endian: Endian,
    targets: &Targets<'_>,
    mut relocator: Relocator<'_>,
) -> Row {
    let mut decider = Decider::new(object, targets);
    let mut code: HashMap<usize, [Vec<u8>; 2]> = HashMap::new();
    let mut row = Row {
        objects: 1,
        ..Row::default()
    };

    for relocation in object.relocations() {
        let Some((section, function)) = object.place(relocation) else {
            continue;
        };
        if !function.is_loaded {
            continue;
        }
        row.relocations += 1;
        let [ours, theirs] = code
            .entry(relocation.section)
            .or_insert_with(|| [section.code.to_vec(), section.code.to_vec()]);
        let decision = decider.decide(relocation, ours);
        let relocated = relocate(&mut relocator, relocation, theirs);
        if let Ok(decision) = &decision {
            // It was made for these instructions.
            let _ = patch(ours, endian, decision);
        }
        if let Err(what) = row.add(decision, relocated, ours == theirs) {
            let place = place(object, relocation);
            row.different.push(format!("{place}: {what}"));
            theirs.clone_from(ours);
        }
    }
    row.accepted = usize::from(row.both_refuse == 0 && row.different.is_empty());
    row
}

fn place(object: &Object<'_>, relocation: &Relocation) -> String {
    let program = object
        .place(relocation)
        .map_or("?", |(_, function)| function.name.as_str());

    format!(
        "{program}, byte {} of its section",
        relocation.relo.insn_off
    )
}

/// Lets libbpf change the instruction. Nothing changes if it refuses.
fn relocate(
    relocator: &mut Relocator<'_>,
    relocation: &Relocation,
    code: &mut [u8],
) -> Result<Relocated, String> {
    let at = usize::try_from(relocation.relo.insn_off).unwrap_or(usize::MAX);
    let mut insn = [0_u64; 2];
    for (n, word) in insn.iter_mut().enumerate() {
        let bytes = code.get(at.saturating_add(n * INSN)..);
        let bytes = bytes.and_then(|bytes| bytes.first_chunk());
        *word = bytes.map_or(0, |bytes| u64::from_ne_bytes(*bytes));
    }
    let relocated = relocator
        .relocate(&relocation.relo, &mut insn)
        .map_err(|error| error.to_string())?;

    for (n, word) in insn.iter().enumerate() {
        let bytes = code.get_mut(at.saturating_add(n * INSN)..);
        if let Some(bytes) = bytes.and_then(|bytes| bytes.first_chunk_mut()) {
            *bytes = word.to_ne_bytes();
        }
    }
    Ok(relocated)
}

impl Row {
    /// Counts a relocation, or says how the decisions differ.
    fn add(
        &mut self,
        ours: Result<Decision, core_relo::Error>,
        theirs: Result<Relocated, String>,
        same_code: bool,
    ) -> Result<(), String> {
        let ours = match ours {
            Ok(decision) if decision.is_accepted() => Ok(decision),
            Ok(decision) => Err(decision.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let (ours, theirs) = match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => (ours, theirs),
            (Err(_), Err(_)) => {
                self.both_refuse += 1;
                return Ok(());
            }
            (Ok(ours), Err(theirs)) => {
                return Err(format!("only libbpf refuses it: {theirs}: {ours}"))
            }
            (Err(ours), Ok(theirs)) => {
                return Err(format!("only core-relo refuses it: {ours}: {theirs:?}"))
            }
        };
        let target = ours.target();
        let decided = Relocated {
            old: ours.old_value.unwrap_or_default(),
            new: ours.new_value,
            checked: ours.checked,
            target: target.map(|(_, spec)| (spec.type_id, spec.access.clone())),
            bit_offset: target.map_or(0, |(_, spec)| spec.bit_offset),
        };
        if decided != theirs {
            return Err(format!("{ours}: {decided:?}, with libbpf {theirs:?}"));
        }
        if !same_code {
            return Err(format!("{ours}: other instructions"));
        }

        self.found += usize::from(ours.outcome == Outcome::Found);
        self.absent += usize::from(ours.outcome == Outcome::Absent);
        let is_module = target.is_some_and(|(candidate, _)| candidate.btf != "vmlinux");
        self.in_modules += usize::from(is_module);
        let poisoned = matches!(ours.instruction.action, Action::Poisoned { .. });
        self.poisoned += usize::from(poisoned);
        Ok(())
    }
}

/// The rows as a table for people.
pub fn tables(rows: &[Row]) -> String {
    let header = [
        "kernel",
        "objects",
        "both accept",
        "relocations",
        "found",
        "in modules",
        "absent",
        "poisoned",
        "both refuse",
        "DIFFERENT",
    ];
    let cells = |row: &Row| {
        let numbers = [
            row.objects,
            row.accepted,
            row.relocations,
            row.found,
            row.in_modules,
            row.absent,
            row.poisoned,
            row.both_refuse,
            row.different.len(),
        ];
        let numbers = numbers.iter().map(ToString::to_string);
        [row.kernel.clone()].into_iter().chain(numbers).collect()
    };

    table::render(&header, &rows.iter().map(cells).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
