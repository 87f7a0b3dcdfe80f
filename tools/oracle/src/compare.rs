// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Compares the results of `splitbtf` and libbpf for the same modules.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::error;
use std::mem;
use std::path::Path;
use std::slice;

use bpfkit::check;
use bpfkit::check::Checker;
use bpfkit::check::Verdict;
use bpfkit::relocate::shown;
use indicatif::ParallelProgressIterator;
use indicatif::ProgressBar;
use rayon::iter::IntoParallelRefIterator;
use rayon::iter::ParallelIterator;
use serde::Serialize;
use splitbtf::Btf;
use splitbtf::BtfExt;
use splitbtf::Distilled;
use splitbtf::Kind;
use splitbtf::Mismatch;
use splitbtf::Needs;
use splitbtf::Own;
use splitbtf::Owned;
use splitbtf::Policy;
use splitbtf::Relocated;
use splitbtf::Valid;
use splitbtf::ValidExt;
use zerocopy::NativeEndian;

use crate::corpus;
use crate::corpus::Kernel;
use crate::error::InFile;
use crate::libbpf;
use crate::progress;
use crate::table;
use crate::vmlinux::Target;
use crate::vmlinux::Vmlinux;
use crate::Error;

/// The outcomes for the modules of one kernel on another.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    /// The kernel that the modules are of.
    pub from: String,
    /// The kernel that they are relocated to.
    pub to: String,
    /// How many modules there are.
    pub modules: usize,
    /// The number of modules for which both distil the same types, `splitbtf` into a base that is
    /// not larger.
    pub distilled_same: usize,
    /// The number of modules in which each type refers to the same as before, after `splitbtf` has
    /// distilled and relocated them; `None` if `to` is another kernel.
    pub restored: Option<usize>,
    /// How many relocations, two of each module (as distilled by `splitbtf`, and by libbpf), give
    /// the same bytes and ids with both.
    pub same: usize,
    /// How many both refuse, because of the same type, or `splitbtf` because of one that libbpf
    /// does not check.
    pub both_refuse: usize,
    /// How many only `splitbtf` relocates: libbpf's candidates are of different kinds.
    pub only_splitbtf: usize,
    /// How many only `splitbtf` refuses, because of the type of a function's parameter or result,
    /// or of a variable: libbpf does not check its size.
    pub by_value: usize,
    /// The outcomes for the modules, distilled by `splitbtf`, in a kernel with `CONFIG_BPF_RUST`.
    pub rust: Rules,
    /// How many types of all modules do not match.
    pub unmatched: BTreeMap<Becomes, Reasons>,
    /// Other differences, with the module's name before each.
    pub different: Vec<String>,
}

/// How many modules are loaded or refused, by rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// All types match, with C too.
    pub as_with_c: usize,
    /// All types match, because kinds are compared.
    pub as_kinds_count: usize,
    /// Some types are opaque.
    pub opaque: usize,
    /// Some types are kept.
    pub kept: usize,
    /// Some are opaque, and some are kept.
    pub opaque_and_kept: usize,
    /// It is refused, because a type that the module contains does not match.
    pub refused_contained: usize,
    /// It is refused, because another type does not match.
    pub refused_otherwise: usize,
}

/// The outcome for a type that does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Becomes {
    /// The module gets an opaque type.
    Opaque,
    /// The module keeps it.
    Kept,
    /// The module is refused, because it contains the type.
    RefusedContained,
    /// The module is refused, though it does not contain the type.
    RefusedOtherwise,
}

/// How many types do not match, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reasons {
    /// The kernel has none of this name.
    pub missing: usize,
    /// It is of another kind there.
    pub kind: usize,
    /// It is of another size there.
    pub size: usize,
    /// There are several, and none is of this size.
    pub none_of_size: usize,
    /// It is of another encoding there.
    pub encoding: usize,
    /// It matches several.
    pub ambiguous: usize,
}

impl Reasons {
    fn add(&mut self, reason: &Mismatch) {
        *match reason {
            Mismatch::Missing => &mut self.missing,
            Mismatch::Kind { .. } => &mut self.kind,
            Mismatch::Size { .. } => &mut self.size,
            Mismatch::NoneOfSize { .. } => &mut self.none_of_size,
            Mismatch::Encoding => &mut self.encoding,
            _ => &mut self.ambiguous,
        } += 1;
    }
}

/// The rows as tables for people: the results of both, the outcomes for modules in a kernel with
/// `CONFIG_BPF_RUST`, and why types do not match.
pub fn tables(rows: &[Row]) -> String {
    [both(rows), rules(rows), reasons(rows)].join("\n")
}

fn cells<const N: usize>(name: String, numbers: [usize; N]) -> Vec<String> {
    let numbers = numbers.iter().map(ToString::to_string);

    [name].into_iter().chain(numbers).collect()
}

fn rules(rows: &[Row]) -> String {
    let header = [
        "modules with Rust",
        "as with C",
        "by kind",
        "opaque",
        "kept",
        "opaque and kept",
        "REFUSED, contained",
        "REFUSED, other",
    ];
    let row = |row: &Row| {
        let rules = &row.rust;
        cells(
            format!("{} -> {}", row.from, row.to),
            [
                rules.as_with_c,
                rules.as_kinds_count,
                rules.opaque,
                rules.kept,
                rules.opaque_and_kept,
                rules.refused_contained,
                rules.refused_otherwise,
            ],
        )
    };

    table::render(&header, &rows.iter().map(row).collect::<Vec<_>>())
}

fn reasons(rows: &[Row]) -> String {
    let header = [
        "types that do not match",
        "missing",
        "kind",
        "size",
        "none of size",
        "encoding",
        "ambiguous",
    ];
    let mut lines = vec![];
    for row in rows {
        for (becomes, reasons) in &row.unmatched {
            let becomes = match becomes {
                Becomes::Opaque => "opaque",
                Becomes::Kept => "kept",
                Becomes::RefusedContained => "contained, REFUSED",
                Becomes::RefusedOtherwise => "not contained, REFUSED",
            };
            lines.push(cells(
                format!("{} -> {}, {becomes}", row.from, row.to),
                [
                    reasons.missing,
                    reasons.kind,
                    reasons.size,
                    reasons.none_of_size,
                    reasons.encoding,
                    reasons.ambiguous,
                ],
            ));
        }
    }

    table::render(&header, &lines)
}

fn both(rows: &[Row]) -> String {
    let header = [
        "from -> to",
        "modules",
        "distil same",
        "restored",
        "relocate same",
        "both refuse",
        "only splitbtf",
        "only libbpf",
        "DIFFERENT",
    ];
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            vec![
                format!("{} -> {}", row.from, row.to),
                row.modules.to_string(),
                row.distilled_same.to_string(),
                row.restored.map_or("-".into(), |n| n.to_string()),
                row.same.to_string(),
                row.both_refuse.to_string(),
                row.only_splitbtf.to_string(),
                row.by_value.to_string(),
                row.different.len().to_string(),
            ]
        })
        .collect();

    table::render(&header, &rows)
}

/// Compares the outcomes for all modules of all kernels on all kernels, and for those of the last
/// on `onto` as well.
///
/// # Errors
///
/// If a file cannot be read, or the BTF of a kernel or a module is wrong.
pub fn compare(kernels: &[Kernel], onto: &[Kernel]) -> Result<Vec<Row>, Error> {
    let all = [kernels, onto].concat();
    let files = all
        .iter()
        .map(|kernel| Vmlinux::open(&kernel.vmlinux))
        .collect::<Result<Vec<_>, _>>()?;
    let targets: Vec<_> = files.iter().map(Vmlinux::target).collect();
    let modules = kernels.iter().map(|kernel| kernel.modules.len()).sum();
    let bar = progress::bar("modules", modules);
    let mut rows = Vec::new();

    for (own, kernel) in kernels.iter().enumerate() {
        let count = match own + 1 == kernels.len() {
            true => all.len(),
            false => kernels.len(),
        };
        let (to, targets) = (&all[..count], &targets[..count]);
        rows.extend(compare_kernel(kernel, own, to, targets, &bar)?);
    }
    Ok(rows)
}

/// Compares the outcomes for the modules of one kernel, the `own`th of `to`, on all of these.
fn compare_kernel(
    kernel: &Kernel,
    own: usize,
    to: &[Kernel],
    targets: &[Target<'_>],
    bar: &ProgressBar,
) -> Result<Vec<Row>, Error> {
    let modules = kernel
        .modules
        .par_iter()
        .progress_with(bar.clone())
        .map(|path| compare_module(path, own, targets))
        .collect::<Result<Vec<_>, _>>()?;
    let row = |(n, to): (usize, &Kernel)| {
        let mut row = Row {
            from: kernel.version.clone(),
            to: to.version.clone(),
            modules: modules.len(),
            restored: (n == own).then_some(0),
            ..Row::default()
        };
        for (path, module) in kernel.modules.iter().zip(&modules) {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            row.add(&name, module, n);
        }
        row
    };

    Ok(to.iter().enumerate().map(row).collect())
}

impl Row {
    /// Adds a module and its outcome on the `n`th kernel.
    fn add(&mut self, name: &str, module: &Module, n: usize) {
        let mut differ = |what: &str| self.different.push(format!("{name}: {what}"));

        match &module.distilled {
            None => self.distilled_same += 1,
            Some(what) => differ(what),
        }
        for relocated in &module.relocated[n] {
            match &relocated.outcome {
                Outcome::Same => self.same += 1,
                Outcome::BothRefuse => self.both_refuse += 1,
                Outcome::OnlySplitbtf => self.only_splitbtf += 1,
                Outcome::ByValue => self.by_value += 1,
                Outcome::Different(what) => differ(what),
            }
        }
        let [ours, _] = &module.relocated[n];
        let unmatched = &ours.unmatched;
        for (becomes, reason) in unmatched {
            self.unmatched.entry(*becomes).or_default().add(reason);
        }
        let some = |becomes| unmatched.iter().any(|(other, _)| *other == becomes);
        let rules = &mut self.rust;
        *match (some(Becomes::Opaque), some(Becomes::Kept)) {
            _ if some(Becomes::RefusedContained) => &mut rules.refused_contained,
            _ if some(Becomes::RefusedOtherwise) => &mut rules.refused_otherwise,
            (true, true) => &mut rules.opaque_and_kept,
            (true, false) => &mut rules.opaque,
            (false, true) => &mut rules.kept,
            (false, false) if ours.outcome == Outcome::OnlySplitbtf => &mut rules.as_kinds_count,
            (false, false) => &mut rules.as_with_c,
        } += 1;
        if let Some(restored) = &mut self.restored {
            match module.restored {
                Some(id) => differ(&format!("type {id} is not what it was")),
                None => *restored += 1,
            }
        }
    }
}

/// The outcome for a module.
struct Module {
    /// The difference between the distilled bases, if there is one.
    distilled: Option<String>,
    /// The first type that is not the same after distilling and relocation by `splitbtf`, if any.
    restored: Option<u32>,
    /// By kernel: as distilled by `splitbtf`, and by libbpf.
    relocated: Vec<[Relocation; 2]>,
}

/// A relocation by both.
#[derive(Debug)]
struct Relocation {
    outcome: Outcome,
    /// The outcome with Rust for each type that does not match, and the reason why it does not.
    unmatched: Vec<(Becomes, Mismatch)>,
}

/// The outcome of a relocation by both, in which all types have to match.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Same,
    BothRefuse,
    OnlySplitbtf,
    ByValue,
    Different(String),
}

fn compare_module(path: &Path, own: usize, targets: &[Target<'_>]) -> Result<Module, Error> {
    let from = &targets[own];
    let bytes = corpus::read(path)?;
    let mut theirs = libbpf::Btf::parse(&bytes, Some(from.theirs))
        .and_then(|btf| btf.distill())
        .in_file(path)?;
    let split = Owned::new(bytes, Some(from.types)).in_file(path)?;
    let split = split.btf().validated().in_file(path)?;
    let ours = splitbtf::distill(&split).in_file(path)?;

    let their_base = theirs.base().in_file(path)?.to_vec();
    let their_split = theirs.split().in_file(path)?;
    let our_outcomes = relocate(&ours.base, &ours.split, targets).in_file(path)?;
    let their_outcomes = relocate(&their_base, their_split, targets).in_file(path)?;
    Ok(Module {
        distilled: compare_distilled(&ours.base, &their_base).in_file(path)?,
        restored: not_restored(&split, &ours, from).in_file(path)?,
        relocated: our_outcomes
            .into_iter()
            .zip(their_outcomes)
            .map(|(ours, theirs)| [ours, theirs])
            .collect(),
    })
}

/// The difference between the distilled bases, if there is one.
fn compare_distilled(ours: &[u8], theirs: &[u8]) -> Result<Option<String>, splitbtf::Error> {
    let (our_len, their_len) = (ours.len(), theirs.len());
    let (ours, theirs) = (distilled_types(ours)?, distilled_types(theirs)?);

    Ok(if ours != theirs {
        let differ: Vec<_> = ours.symmetric_difference(&theirs).collect();
        Some(format!("only one distils {differ:?}"))
    } else if our_len > their_len {
        Some(format!(
            "a base of {our_len} bytes, {their_len} with libbpf"
        ))
    } else {
        None
    })
}

/// The kind and the name of each type.
fn distilled_types(bytes: &[u8]) -> Result<BTreeSet<(String, String)>, splitbtf::Error> {
    let btf = Owned::<NativeEndian>::new(bytes.to_vec(), None)?;
    let btf = btf.btf();

    btf.types()
        .map(|ty| {
            let ty = ty?;
            let name = String::from_utf8_lossy(btf.string(ty.name_off)?);
            Ok((format!("{:?}", ty.kind), name.into_owned()))
        })
        .collect()
}

/// The first type that `splitbtf` does not restore when it relocates distilled BTF back to its
/// original base. Types are the same if they are of the same kind and refer to the same names and
/// the same types.
fn not_restored(
    split: &Valid<'_, NativeEndian>,
    distilled: &Distilled,
    from: &Target<'_>,
) -> Result<Option<u32>, splitbtf::Error> {
    let relocated = on_distilled(&distilled.base, &distilled.split, |split| {
        splitbtf::relocate(split, &from.ours, Policy::Error)
    })?;
    let after = Owned::new(relocated.bytes, Some(from.types))?;
    let after = after.btf();
    let new_id = |id| {
        let id = usize::try_from(distilled.id(id)?).ok()?;
        relocated.id_map.get(id).copied()
    };
    // A type of the base is itself again, or has moved to the split BTF.
    let is_same_id =
        |old: u32, new: u32| new_id(old) == Some(new) && (new == old || new >= split.first_id());

    for ty in split.iter() {
        let Some(id) = new_id(ty.id) else {
            return Ok(Some(ty.id));
        };
        let kind = after.get(id)?.kind;
        let same = mem::discriminant(&ty.kind) == mem::discriminant(&kind)
            && split.ids(ty.id)?.count() == after.ids(id)?.count()
            && split
                .ids(ty.id)?
                .zip(after.ids(id)?)
                .all(|(a, b)| is_same_id(a, b))
            && names(split, ty.id)? == names(&after, id)?;
        if !same {
            return Ok(Some(ty.id));
        }
    }
    Ok(None)
}

/// All names in a type, its own and those of its members.
fn names<'a>(btf: &Btf<'a, NativeEndian>, id: u32) -> Result<Vec<&'a [u8]>, splitbtf::Error> {
    btf.name_offsets(id)?.map(|name| btf.string(name)).collect()
}

/// Opens distilled BTF, and calls `then` with it.
fn on_distilled<T>(
    base: &[u8],
    split: &[u8],
    then: impl FnOnce(&Valid<'_, NativeEndian>) -> Result<T, splitbtf::Error>,
) -> Result<T, splitbtf::Error> {
    let base = Owned::valid(base.to_vec(), None)?;
    let split = Owned::new(split.to_vec(), Some(&base))?;

    then(&split.btf().validated()?)
}

/// Relocates distilled BTF to each kernel, with both.
fn relocate(
    base: &[u8],
    split: &[u8],
    targets: &[Target<'_>],
) -> Result<Vec<Relocation>, splitbtf::Error> {
    on_distilled(base, split, |our_split| {
        let needs = our_split.needs()?;
        let relocation = |target: &Target<'_>| {
            let ours = splitbtf::relocate(our_split, &target.ours, Policy::Error);
            let theirs = relocate_theirs(base, split, target);
            let mut checker = Checker::new(slice::from_ref(&target.ours), None);
            let mut checked = checker.check_sections(split, Some(base));
            let checked = checked.outcomes.remove(0);
            let not_foretold = not_foretold(&checked, &theirs)
                .or_else(|| not_foretold_of_rust(&checked, our_split, target));
            Relocation {
                outcome: match compare_relocated(ours, theirs, &needs, target) {
                    Outcome::Different(what) => Outcome::Different(what),
                    outcome => not_foretold.map_or(outcome, Outcome::Different),
                },
                unmatched: unmatched(&checked),
            }
        };
        Ok(targets.iter().map(relocation).collect())
    })
}

fn unmatched(checked: &check::Outcome) -> Vec<(Becomes, Mismatch)> {
    let check::Outcome::Relocated { types, .. } = checked else {
        return vec![];
    };
    let becomes = |ty: &check::Finding| {
        let refused = match ty.contained {
            true => Becomes::RefusedContained,
            false => Becomes::RefusedOtherwise,
        };
        let whats = [
            (Becomes::Opaque, ty.rust.opaque),
            (Becomes::Kept, ty.rust.kept),
            (refused, ty.rust.mismatch),
        ];
        whats
            .into_iter()
            .find_map(|(becomes, reason)| Some((becomes, reason?)))
    };

    types.iter().filter_map(becomes).collect()
}

/// The prediction of `bpfkit btf check` for a stock kernel and the result of libbpf, which has the
/// same code; `None` if they agree.
fn not_foretold<T>(checked: &check::Outcome, theirs: &Result<T, libbpf::Error>) -> Option<String> {
    let refusal = match checked {
        check::Outcome::Relocated { refusal, .. } => refusal.as_ref().map(ToString::to_string),
        other => Some(format!("{other:?}")),
    };

    match (refusal, theirs) {
        (None, Ok(_)) => None,
        (Some(refusal), Err(theirs)) if theirs.message().contains(&refusal) => None,
        (refusal, theirs) => Some(format!(
            "check says {}, libbpf {}",
            refusal.as_deref().unwrap_or("that it loads"),
            theirs
                .as_ref()
                .map_or_else(ToString::to_string, |_| "relocates it".into())
        )),
    }
}

/// Relocates distilled BTF with libbpf. Returns the bytes, and the new id of each type.
fn relocate_theirs(
    base: &[u8],
    split: &[u8],
    target: &Target<'_>,
) -> Result<(Vec<u8>, Vec<u32>), libbpf::Error> {
    let base = libbpf::Btf::parse(base, None)?;
    let split = libbpf::Btf::parse(split, Some(&base))?;
    let (mut relocated, ids) = split.relocate(target.theirs)?;

    Ok((relocated.bytes()?.to_vec(), ids))
}

/// The prediction of `bpfkit btf check` for a kernel with Rust, if relocation does something else;
/// or the error, if libbpf or `splitbtf` cannot read the relocated BTF.
fn not_foretold_of_rust(
    checked: &check::Outcome,
    split: &Valid<'_, NativeEndian>,
    target: &Target<'_>,
) -> Option<String> {
    let (verdict, log) = (checked.rust(), checked.log());
    let begins = |begins: &[String]| {
        log.len() == begins.len()
            && log
                .iter()
                .zip(begins)
                .all(|(line, begin)| line.starts_with(begin))
    };

    match splitbtf::relocate(split, &target.ours, Policy::Opaque) {
        Ok(relocated) => {
            let count = |own| relocated.kept.iter().filter(|kept| kept.own == own).count();
            let (opaque, kept) = (count(Own::Opaque), count(Own::Kept));
            let line = |n, what| match n {
                0 => None,
                1 => Some(format!("1 type is {what}: ")),
                n => Some(format!("{n} types are {what}: ")),
            };
            let lines = [line(opaque, "opaque"), line(kept, "kept")];
            let loads = match opaque {
                0 => Verdict::Matches,
                n => Verdict::Opaque(n),
            };
            if verdict != loads || !begins(&lines.into_iter().flatten().collect::<Vec<_>>()) {
                return Some(format!(
                    "check says {verdict:?}, {log:?}: {:?}",
                    relocated.kept
                ));
            }
            let error = read(&relocated, target).err()?;
            Some(format!("what is relocated: {error}"))
        }
        Err(error) => {
            let foretold = match error {
                splitbtf::Error::Unmatched {
                    id,
                    contained,
                    reason,
                    ..
                } => {
                    let is = if contained { " is contained and" } else { "" };
                    let ty = in_c(split, id).unwrap_or_default();
                    let reason = shown(&reason);
                    verdict == Verdict::Refused
                        && log == [format!("{ty}{is} does not match: {reason}")]
                }
                _ => verdict == Verdict::Malformed,
            };
            (!foretold).then(|| format!("check says {verdict:?}, {log:?}: {error}"))
        }
    }
}

/// A type as in C.
fn in_c(btf: &Btf<'_, NativeEndian>, id: u32) -> Option<String> {
    let ty = btf.get(id).ok()?;
    let name = btf.string(ty.name_off).ok()?;
    let name = String::from_utf8_lossy(name);

    Some(match ty.kind {
        Kind::Struct(_) | Kind::Fwd { is_union: false } => format!("struct {name}"),
        Kind::Union(_) | Kind::Fwd { is_union: true } => format!("union {name}"),
        Kind::Enum { .. } => format!("enum {name}"),
        _ => name.into_owned(),
    })
}

/// Reads relocated BTF with both.
fn read(relocated: &Relocated, target: &Target<'_>) -> Result<(), Box<dyn error::Error>> {
    libbpf::Btf::parse(&relocated.bytes, Some(target.theirs))?;
    Owned::valid(relocated.bytes.clone(), Some(target.types))?;
    Ok(())
}

fn compare_relocated(
    ours: Result<Relocated, splitbtf::Error>,
    theirs: Result<(Vec<u8>, Vec<u32>), libbpf::Error>,
    needs: &Needs,
    target: &Target<'_>,
) -> Outcome {
    match (ours, theirs) {
        (Ok(ours), Ok((bytes, ids))) => match (ours.bytes == bytes, ours.id_map == ids) {
            (true, true) => Outcome::Same,
            (true, false) => Outcome::Different("other ids".into()),
            (false, _) => Outcome::Different("other bytes".into()),
        },
        (Err(splitbtf::Error::Unmatched { id, .. }), theirs) if is_by_value(id, needs) => {
            match theirs {
                Ok(_) => Outcome::ByValue,
                Err(_) => Outcome::BothRefuse,
            }
        }
        (Err(splitbtf::Error::Unmatched { id, .. }), Err(theirs))
            if theirs.message().contains(&format!("[{id}]")) =>
        {
            Outcome::BothRefuse
        }
        (Ok(_), Err(theirs)) if is_false_ambiguity(theirs.message(), target.ours.btf()) => {
            Outcome::OnlySplitbtf
        }
        (Err(ours), Ok(_)) => Outcome::Different(format!("only splitbtf refuses: {ours}")),
        (Ok(_), Err(theirs)) => Outcome::Different(format!("only libbpf refuses: {theirs}")),
        (Err(ours), Err(theirs)) => {
            Outcome::Different(format!("refused for two reasons: {ours}; {theirs}"))
        }
    }
}

/// Whether the module contains a type of its base, but in no struct or union.
fn is_by_value(id: u32, needs: &Needs) -> bool {
    let is = |of: &[bool]| usize::try_from(id).is_ok_and(|id| of.get(id) == Some(&true));

    is(&needs.contained) && !is(&needs.embedded)
}

/// Whether libbpf's message names two candidates of different kinds.
fn is_false_ambiguity(message: &str, base: &Btf<'_, NativeEndian>) -> bool {
    let ids = message
        .split_once("multiple candidates of the same size (ids [")
        .and_then(|(_, ids)| ids.split_once(']'))
        .and_then(|(ids, _)| ids.split_once(", "));
    let kind = |id: &str| {
        let ty = base.get(id.parse().ok()?).ok()?;
        Some(mem::discriminant(&ty.kind))
    };

    ids.and_then(|(a, b)| kind(a).zip(kind(b)))
        .is_some_and(|(a, b)| a != b)
}

#[cfg(test)]
mod tests;
