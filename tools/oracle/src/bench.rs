// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! How long `splitbtf` and libbpf take for the same bytes, in one run.
//!
//! These operations are measured, with both:
//!
//! - to parse vmlinux: from bytes, which are copied, to types that can be looked up by id and have
//!   been checked. `splitbtf` checks more: libbpf does not look for types that contain themselves;
//! - to parse a module: the same for its distilled base and the split BTF on it, as libbpf distils
//!   it;
//! - to distil a module: from a parsed one. `splitbtf` has then written the result as bytes, libbpf
//!   has not yet;
//! - to relocate a module: from a parsed one, in place;
//! - to distil all modules of a kernel: from bytes to bytes, with libbpf one after the other, with
//!   `splitbtf` on all cores, as `bpfkit btf distill` does.

use std::hint::black_box;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use indicatif::ProgressIterator;
use rayon::iter::IntoParallelRefIterator;
use rayon::iter::ParallelIterator;
use splitbtf::Btf;
use splitbtf::BtfExt;
use splitbtf::Distiller;
use splitbtf::Error as BtfError;
use splitbtf::Owned;
use splitbtf::Policy;
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

/// How often each operation is run; the median counts.
const ROUNDS: usize = 7;

/// The number of groups into which modules are divided by size.
const GROUPS: usize = 6;

/// How long something takes, in µs.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// With libbpf.
    pub libbpf: f64,
    /// With `splitbtf`.
    pub splitbtf: f64,
}

/// The times of a module.
#[derive(Clone, Debug)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// Length in bytes of its split BTF.
    pub len: usize,
    /// To parse it.
    pub parse: Times,
    /// To distil it.
    pub distil: Times,
    /// To relocate it.
    pub relocate: Times,
}

/// All times.
#[derive(Clone, Debug)]
pub struct Report {
    /// The kernel that the modules are of.
    pub from: String,
    /// The kernel that they are relocated to.
    pub to: String,
    /// To parse vmlinux of the kernel `to`.
    pub vmlinux: Times,
    /// The same without validation, in µs, by `splitbtf`. libbpf checks ids and names as it parses,
    /// but does not look for cycles.
    pub open: f64,
    /// To make an index of its names, in µs, which `splitbtf` needs once if its types are not
    /// sorted by name.
    pub name_index: Option<f64>,
    /// How many modules the kernel has.
    pub all: usize,
    /// To distil all of them, in wall-clock time.
    pub distil_all: Times,
    /// The modules, by size.
    pub modules: Vec<Module>,
}

/// Measures with `sample` modules of the kernel `from`, spread evenly by size. They are relocated
/// to the kernel `to`, which may be the same.
///
/// # Errors
///
/// If a file cannot be read, or the BTF of a kernel or a module is wrong, or a module cannot be
/// relocated.
pub fn measure(from: &Kernel, to: &Kernel, sample: usize) -> Result<Report, Error> {
    let bytes = corpus::read(&to.vmlinux)?;
    let vmlinux = alternate(
        || timed(|| libbpf::Btf::parse(&bytes, None)).in_file(&to.vmlinux),
        || timed(|| parse(&bytes)).in_file(&to.vmlinux),
    )?;
    let open = repeat(|| timed(|| open(&bytes)).in_file(&to.vmlinux))?;
    let (from_file, to_file) = (Vmlinux::open(&from.vmlinux)?, Vmlinux::open(&to.vmlinux)?);
    let (own, target) = (from_file.target(), to_file.target());
    let to_btf = target.ours.btf();
    let index = || timed(|| to_btf.sorted_by_name()).in_file(&to.vmlinux);
    let name_index = match to_btf.first_named() {
        Some(_) => None,
        None => Some(repeat(index)?),
    };

    let distil_all = distil_all(&from.modules, &own)?;
    let modules = spread(&from.modules, sample)?;
    let mut distiller = Distiller::new();
    let bar = progress::bar("modules", modules.len());
    Ok(Report {
        from: from.version.clone(),
        to: to.version.clone(),
        vmlinux,
        open,
        name_index,
        all: from.modules.len(),
        distil_all,
        modules: modules
            .into_iter()
            .progress_with(bar)
            .map(|path| measure_module(path, &own, &target, &mut distiller))
            .collect::<Result<_, _>>()?,
    })
}

/// Distils all modules of a kernel.
fn distil_all(paths: &[PathBuf], own: &Target<'_>) -> Result<Times, Error> {
    let files = paths
        .iter()
        .map(|path| Ok((path.as_path(), corpus::read(path)?)))
        .collect::<Result<Vec<_>, Error>>()?;
    let theirs = || {
        let start = Instant::now();
        for (path, bytes) in &files {
            let split = libbpf::Btf::parse(bytes, Some(own.theirs)).in_file(path)?;
            let mut distilled = split.distill().in_file(path)?;
            black_box(distilled.base().in_file(path)?);
            black_box(distilled.split().in_file(path)?);
        }
        Ok(start.elapsed())
    };
    let ours = || {
        let start = Instant::now();
        files
            .par_iter()
            .try_for_each_init(Distiller::new, |distiller, (path, bytes)| {
                distil(bytes, own.ours.btf(), distiller).in_file(path)
            })?;
        Ok(start.elapsed())
    };

    alternate(theirs, ours)
}

/// Distils a module from its bytes.
fn distil(
    bytes: &[u8],
    base: &Btf<'_, NativeEndian>,
    distiller: &mut Distiller,
) -> Result<(), BtfError> {
    let mut index = vec![0; splitbtf::max_types::<NativeEndian>(bytes)?];
    let split = Btf::open(bytes, Some(base), &mut index)?.validated()?;

    black_box(distiller.distill(&split)?);
    Ok(())
}

/// Some of these files, spread evenly by size.
fn spread<P: AsRef<Path>>(files: &[P], count: usize) -> Result<Vec<&Path>, Error> {
    let mut files = files
        .iter()
        .map(AsRef::as_ref)
        .map(|path| Ok((path.metadata().in_file(path)?.len(), path)))
        .collect::<Result<Vec<_>, Error>>()?;

    files.sort();
    Ok(corpus::spread(&files, count).map(|file| file.1).collect())
}

fn measure_module(
    path: &Path,
    own: &Target<'_>,
    target: &Target<'_>,
    distiller: &mut Distiller,
) -> Result<Module, Error> {
    let bytes = corpus::read(path)?;
    let their_split = libbpf::Btf::parse(&bytes, Some(own.theirs)).in_file(path)?;
    let split = Owned::new(bytes, Some(own.types)).in_file(path)?;
    let our_split = split.btf().validated().in_file(path)?;
    let distil = alternate(
        || timed(|| their_split.distill()).in_file(path),
        || timed(|| distiller.distill(&our_split)).in_file(path),
    )?;

    let mut distilled = their_split.distill().in_file(path)?;
    let base = distilled.base().in_file(path)?.to_vec();
    let split = distilled.split().in_file(path)?.to_vec();
    let parse = alternate(
        || parse_theirs(&base, &split).in_file(path),
        || timed(|| parse_on(&base, &split)).in_file(path),
    )?;

    let their_base = libbpf::Btf::parse(&base, None).in_file(path)?;
    let our_base = Owned::new(base, None).in_file(path)?;
    let our_split = Owned::new(split.clone(), Some(&our_base)).in_file(path)?;
    let our_split = our_split.btf().validated().in_file(path)?;
    let relocate = alternate(
        || {
            let split = libbpf::Btf::parse(&split, Some(&their_base)).in_file(path)?;
            timed(|| split.relocate(target.theirs)).in_file(path)
        },
        // In place, as libbpf does it.
        || {
            let mut bytes = split.clone();
            let relocate = || {
                let (ids, strings) = our_split.relocation_scratch();
                let (mut ids, mut strings) = (vec![0; ids], vec![0; strings]);
                our_split
                    .relocate(&target.ours, Policy::Error, &mut ids, &mut strings)?
                    .rewrite(&mut bytes)
            };
            timed(relocate).in_file(path)
        },
    )?;

    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Module {
        name: name.into_owned(),
        len: split.len(),
        parse,
        distil,
        relocate,
    })
}

/// Parses vmlinux and validates it.
fn parse(bytes: &[u8]) -> Result<u32, BtfError> {
    let btf = Owned::<NativeEndian>::new(bytes.to_vec(), None)?;

    Ok(btf.btf().validated()?.end_id())
}

/// Parses vmlinux without checking the references of its types.
fn open(bytes: &[u8]) -> Result<u32, BtfError> {
    let btf = Owned::<NativeEndian>::new(bytes.to_vec(), None)?;

    Ok(btf.btf().end_id())
}

/// Parses distilled BTF.
fn parse_on(base: &[u8], split: &[u8]) -> Result<u32, BtfError> {
    let base = Owned::<NativeEndian>::valid(base.to_vec(), None)?;
    let split = Owned::valid(split.to_vec(), Some(&base))?;

    Ok(split.btf().end_id())
}

/// How long libbpf takes to parse distilled BTF.
fn parse_theirs(base: &[u8], split: &[u8]) -> Result<Duration, libbpf::Error> {
    let start = Instant::now();
    let base = libbpf::Btf::parse(base, None)?;
    let split = black_box(libbpf::Btf::parse(split, Some(&base))?);
    let time = start.elapsed();

    drop(split);
    Ok(time)
}

/// How long it takes, without the time to free the result's memory.
fn timed<T, E>(what: impl FnOnce() -> Result<T, E>) -> Result<Duration, E> {
    let start = Instant::now();
    let result = black_box(what());
    let time = start.elapsed();

    result.map(|_| time)
}

/// Runs both in turns, so that other load on the machine affects both.
fn alternate(
    mut libbpf: impl FnMut() -> Result<Duration, Error>,
    mut splitbtf: impl FnMut() -> Result<Duration, Error>,
) -> Result<Times, Error> {
    let mut times = (Vec::new(), Vec::new());

    for _ in 0..ROUNDS {
        times.0.push(micros(libbpf()?));
        times.1.push(micros(splitbtf()?));
    }
    Ok(Times {
        libbpf: Stats::of(times.0).median,
        splitbtf: Stats::of(times.1).median,
    })
}

fn repeat(what: impl Fn() -> Result<Duration, Error>) -> Result<f64, Error> {
    let times = (0..ROUNDS).map(|_| Ok(micros(what()?)));

    Ok(Stats::of(times.collect::<Result<_, Error>>()?).median)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Statistics of many numbers.
pub(crate) struct Stats {
    mean: f64,
    pub median: f64,
    /// All but 5 % are larger.
    low: f64,
    /// All but 5 % are smaller.
    high: f64,
}

impl Stats {
    pub fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        let last = numbers.len().saturating_sub(1);
        let at = |share: f64| {
            let n = (last as f64 * share).round() as usize;
            numbers.get(n).copied().unwrap_or(f64::NAN)
        };

        Self {
            mean: numbers.iter().sum::<f64>() / numbers.len() as f64,
            median: at(0.5),
            low: at(0.05),
            high: at(0.95),
        }
    }
}

/// The report as tables for people.
pub fn tables(report: &Report) -> String {
    let mut text = format!(
        "{} modules of {}, relocated to {}; µs, median of {ROUNDS} rounds each\n\n",
        report.modules.len(),
        report.from,
        report.to
    );
    let mut rows = vec![row("parse vmlinux", &[report.vmlinux])];

    let mut only_ours = |what: &str, time: f64| {
        let mut row = vec![what.into()];
        row.extend(["-"; 3].map(String::from));
        row.extend([format!("{time:.0}"), format!("{time:.0}"), "-".into()]);
        rows.push(row);
    };
    only_ours("without validation", report.open);
    if let Some(time) = report.name_index {
        only_ours("index its names", time);
    }
    rows.push(row(
        &format!("distil all {} modules", report.all),
        &[report.distil_all],
    ));
    for (what, times) in OPERATIONS {
        let times: Vec<_> = report.modules.iter().map(times).collect();
        rows.push(row(what, &times));
    }
    text += &table::render(
        &[
            "",
            "libbpf median",
            "mean",
            "5-95 %",
            "splitbtf median",
            "mean",
            "5-95 %",
            "ratio of medians",
            "of means",
            "5-95 %",
        ],
        &rows,
    );
    text += "\nmeans by size of the split BTF\n\n";
    text + &growth(&report.modules)
}

pub(crate) type Operation = (&'static str, fn(&Module) -> Times);

/// The operations on each module.
pub(crate) const OPERATIONS: [Operation; 3] = [
    ("parse module", |module| module.parse),
    ("distil module", |module| module.distil),
    ("relocate module", |module| module.relocate),
];

/// A line of the table: an operation, and how long it took each time.
fn row(what: &str, times: &[Times]) -> Vec<String> {
    let libbpf = Stats::of(times.iter().map(|times| times.libbpf).collect());
    let splitbtf = Stats::of(times.iter().map(|times| times.splitbtf).collect());
    let ratios = times.iter().map(|times| times.libbpf / times.splitbtf);
    let ratios = Stats::of(ratios.collect());
    let mut row = vec![what.to_owned()];

    for stats in [&libbpf, &splitbtf] {
        row.push(format!("{:.0}", stats.median));
        row.push(format!("{:.0}", stats.mean));
        row.push(format!("{:.0}-{:.0}", stats.low, stats.high));
    }
    row.push(format!("{:.1}", libbpf.median / splitbtf.median));
    row.push(format!("{:.1}", libbpf.mean / splitbtf.mean));
    row.push(format!("{:.1}-{:.1}", ratios.low, ratios.high));
    row
}

/// A table of how times grow with a module's size.
fn growth(modules: &[Module]) -> String {
    let header = [
        "KB",
        "modules",
        "distil: libbpf",
        "splitbtf",
        "ratio",
        "relocate: libbpf",
        "splitbtf",
        "ratio",
    ];
    let rows: Vec<_> = modules
        .chunks(modules.len().div_ceil(GROUPS).max(1))
        .map(|group| {
            let kb = |module: Option<&Module>| module.map_or(0, |module| module.len.div_ceil(1024));
            let mut row = vec![
                format!("{}-{}", kb(group.first()), kb(group.last())),
                group.len().to_string(),
            ];
            for times in [|m: &Module| m.distil, |m: &Module| m.relocate] {
                let libbpf = Stats::of(group.iter().map(|m| times(m).libbpf).collect()).mean;
                let splitbtf = Stats::of(group.iter().map(|m| times(m).splitbtf).collect()).mean;
                row.push(format!("{libbpf:.0}"));
                row.push(format!("{splitbtf:.0}"));
                row.push(format!("{:.1}", libbpf / splitbtf));
            }
            row
        })
        .collect();

    table::render(&header, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stats() {
        let stats = Stats::of((0..=100).rev().map(f64::from).collect());

        assert_eq!((stats.mean, stats.median), (50.0, 50.0));
        assert_eq!((stats.low, stats.high), (5.0, 95.0));
        let one = Stats::of(vec![3.0]);
        assert_eq!(
            (one.mean, one.median, one.low, one.high),
            (3.0, 3.0, 3.0, 3.0)
        );
    }

    #[test]
    fn ratios_are_libbpf_to_splitbtf() {
        let times = [(10.0, 1.0), (10.0, 2.0), (40.0, 4.0)]
            .map(|(libbpf, splitbtf)| Times { libbpf, splitbtf });

        assert_eq!(
            row("x", &times),
            ["x", "10", "20", "10-40", "2", "2", "1-4", "5.0", "8.6", "5.0-10.0"]
        );
    }
}
