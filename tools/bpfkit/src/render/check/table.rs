// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The outcomes for modules as text: for one module a table with the reasons, for several a summary,
//! the reasons with the modules that they are for, and a table of those that do not load.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;
use std::path::PathBuf;

use crate::check::Base;
use crate::check::Outcome;
use crate::fit::Fit;
use crate::list::shortened;

use super::is_foreign;
use super::word::Word;
use super::Row;

/// How many modules a reason names.
const NAMES: usize = 3;

/// How much the text says of several modules.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detail {
    /// The table has all modules, not only those that do not load.
    pub all: bool,
    /// The table has the reasons.
    pub reasons: bool,
}

/// A module on a kernel.
struct Line<'a> {
    module: &'a Path,
    kernel: &'a Path,
    stock: Word,
    rust: Word,
    reasons: Vec<String>,
}

/// The outcomes as text.
pub fn table(rows: &[Row<'_>], kernels: &[PathBuf], detail: Detail) -> String {
    let lines: Vec<_> = rows.iter().flat_map(|row| lines(row, kernels)).collect();
    let one = rows.len() == 1;
    let is_shown =
        |line: &&Line<'_>| one || detail.all || line.stock.is_refusal() || line.rust.is_refusal();
    let shown: Vec<_> = lines.iter().filter(is_shown).collect();
    let mut text = String::new();

    if rows.len() > 1 {
        text += &summary(&lines, kernels, rows.len());
        text += &counts(rows);
        if !detail.reasons {
            text += &reasons_by_number(&lines);
        }
        if !shown.is_empty() {
            text += "\n";
        }
    }
    match one {
        true => text + &as_table(&shown, Path::new(""), true) + &counts(rows),
        false => text + &as_table(&shown, common_folder(&shown), detail.reasons),
    }
}

/// The folder that all modules are in.
fn common_folder<'a>(lines: &[&Line<'a>]) -> &'a Path {
    let mut folders = lines
        .iter()
        .map(|line| line.module.parent().unwrap_or(line.module));
    let first = folders.next().unwrap_or(Path::new(""));

    folders.fold(first, |common, folder| {
        let mut ancestors = common.ancestors();
        ancestors
            .find(|common| folder.starts_with(common))
            .unwrap_or(Path::new(""))
    })
}

/// The lines of a file, one for each kernel.
fn lines<'a>(row: &'a Row<'_>, kernels: &'a [PathBuf]) -> Vec<Line<'a>> {
    let line = |kernel: &'a PathBuf, [stock, rust]: [Word; 2], reasons| Line {
        module: row.module,
        kernel,
        stock,
        rust,
        reasons,
    };

    if let Err(error) = &row.result {
        let why = error.problem.to_string();
        let word = match row.unreadable() {
            Some(_) => Word::Unreadable,
            None => Word::NoModule,
        };
        let none = |kernel| line(kernel, [word; 2], vec![why.clone()]);
        return kernels.iter().map(none).collect();
    }
    kernels
        .iter()
        .zip(row.results())
        .map(|(kernel, (base, outcome, fit))| {
            let word = |verdict| Word::of(base, outcome, fit, verdict);
            let words = [outcome.stock(), outcome.rust()].map(word);
            line(kernel, words, reasons(base, outcome, fit))
        })
        .collect()
}

fn reasons(base: Base, outcome: &Outcome, fit: &Fit) -> Vec<String> {
    let mut reasons: Vec<_> = fit.obstacles.iter().map(ToString::to_string).collect();

    if is_foreign(base, outcome, fit) {
        let kernel = match &fit.built_for {
            Some(release) => format!("built for {release}"),
            None => "not built for this kernel".into(),
        };
        reasons.push(format!(
            "it has no .BTF.base and was {kernel}: give that kernel with --base"
        ));
        return reasons;
    }
    match outcome {
        Outcome::AsIs | Outcome::OtherBase(_) => {}
        Outcome::Relocated { types, refusal } => {
            reasons.extend(types.iter().map(ToString::to_string));
            if let (true, Some(refusal)) = (types.is_empty(), refusal) {
                reasons.push(format!("stock: {refusal}"));
            }
        }
        Outcome::Malformed { section, problem } => reasons.push(format!("{section}: {problem}")),
    }
    reasons
}

/// The lines as a table, with the modules' paths in `folder`, and with or without the reasons below
/// each.
fn as_table(lines: &[&Line<'_>], folder: &Path, with_reasons: bool) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let name = |line: &Line<'_>| {
        let path = line.module.strip_prefix(folder).unwrap_or(line.module);
        path.display().to_string()
    };
    let width = |of: &dyn Fn(&Line<'_>) -> String, title: &str| {
        let lengths = lines.iter().map(|line| of(line).len());
        lengths.max().unwrap_or_default().max(title.len())
    };
    let module_width = width(&name, "MODULE");
    let kernel_width = width(&|line| line.kernel.display().to_string(), "KERNEL");
    let stock_width = width(&|line| line.stock.to_string(), "does not load");
    let row = |module: &str, kernel: &str, stock: &str, rust: &str| {
        format!("{module:module_width$}  {kernel:kernel_width$}  {stock:stock_width$}  {rust}\n")
    };

    let mut text = String::new();
    if !folder.as_os_str().is_empty() {
        text += &format!("Modules in {}:\n", folder.display());
    }
    text += &row("MODULE", "KERNEL", "STOCK", "WITH RUST");
    for line in lines {
        text += &row(
            &name(line),
            &line.kernel.display().to_string(),
            &line.stock.to_string(),
            &line.rust.to_string(),
        );
        if with_reasons {
            let reasons = line.reasons.iter();
            text.extend(reasons.map(|reason| format!("    {reason}\n")));
        }
    }
    text
}

/// The number of modules by verdict, for each kernel.
fn summary(lines: &[Line<'_>], kernels: &[PathBuf], modules: usize) -> String {
    let mut text = String::new();

    for kernel in kernels {
        let of_kernel = || lines.iter().filter(|line| line.kernel == kernel.as_path());
        text += &format!("{modules} modules on {}\n", kernel.display());
        text += &format!(
            "    stock:     {}\n",
            by_verdict(of_kernel().map(|line| line.stock))
        );
        text += &format!(
            "    with Rust: {}\n",
            by_verdict(of_kernel().map(|line| line.rust))
        );
    }
    text
}

fn by_verdict(words: impl Iterator<Item = Word>) -> String {
    let mut numbers = BTreeMap::new();
    for word in words {
        // All with opaque types count as one verdict.
        let word = match word {
            Word::Loads { opaque } => Word::Loads {
                opaque: opaque.min(1),
            },
            Word::Btf { opaque } => Word::Btf {
                opaque: opaque.min(1),
            },
            word => word,
        };
        *numbers.entry(word).or_insert(0_usize) += 1;
    }

    let texts = numbers
        .iter()
        .map(|(word, number)| format!("{number} {}", word.text()));
    texts.collect::<Vec<_>>().join(", ")
}

/// Each reason with the modules that it is for; the most frequent first.
fn reasons_by_number(lines: &[Line<'_>]) -> String {
    let mut modules: BTreeMap<&str, BTreeSet<&Path>> = BTreeMap::new();
    for line in lines {
        for reason in &line.reasons {
            modules.entry(reason).or_default().insert(line.module);
        }
    }
    let mut reasons: Vec<_> = modules.into_iter().collect();
    reasons.sort_by_key(|(_, modules)| std::cmp::Reverse(modules.len()));

    let mut text = String::new();
    for (reason, modules) in reasons {
        let names = modules.iter().filter_map(|path| path.file_name());
        let names = shortened(names.map(OsStr::to_string_lossy), NAMES);
        let plural = if modules.len() == 1 { "" } else { "s" };
        text += &format!("{} module{plural}: {reason}\n    {names}\n", modules.len());
    }
    match text.is_empty() {
        true => text,
        false => format!("\n{text}"),
    }
}

/// A line for each base that a user may not expect, with the number of modules.
fn counts(rows: &[Row<'_>]) -> String {
    let checked = rows.iter().filter_map(|row| row.result.as_ref().ok());
    let of = |base| {
        checked
            .clone()
            .filter(move |(checked, _)| checked.base == base)
            .count()
    };

    [
        (Base::None, "have no BTF, which every kernel accepts"),
        (
            Base::Kernel,
            "have no .BTF.base: their ids are right for the kernel that they were built for only",
        ),
        (
            Base::Distilled,
            "have no .BTF.base: these are their outcomes if they were distilled",
        ),
    ]
    .into_iter()
    .filter(|(base, _)| of(*base) != 0)
    .map(|(base, note)| format!("{} of {} modules {note}\n", of(base), rows.len()))
    .collect()
}
