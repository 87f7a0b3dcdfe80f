// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The outcomes for modules as text: for one module a table with the reasons, for several a summary,
//! the reasons with the modules that they are for, and a table of those that do not load.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;

use crate::check::Base;
use crate::render::columns::Columns;
use crate::render::kernels::common_folder;
use crate::render::kernels::shown;
use crate::render::kernels::Kernels;
use crate::render::text::lines;
use crate::render::text::printable;

use super::entry::Entry;
use super::summary::pair;
use super::summary::reasons_by_number;
use super::summary::summary;
use super::word::Word;
use super::Row;

/// How much the text says of several modules, and how wide it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detail {
    /// The text has all modules and all reasons, not only the modules that do not load and the most
    /// frequent reasons.
    pub all: bool,
    /// The table has the reasons.
    pub reasons: bool,
    /// The columns of the terminal. Names are cut, and lines are wrapped, so that they fit; `None`
    /// leaves both as they are.
    pub width: Option<usize>,
}

/// The outcomes as text.
pub fn table(rows: &[Row<'_>], kernels: &[PathBuf], detail: Detail) -> String {
    let width = detail.width;
    let entries = rows.iter().map(|row| Entry::of(row, kernels.len()));
    let entries: Vec<_> = entries.collect();
    let kernels = Kernels::new(kernels);
    let is_one = rows.len() == 1;
    let is_shown = |entry: &&Entry<'_>| is_one || detail.all || entry.is_refused();
    let shown: Vec<_> = entries.iter().filter(is_shown).collect();
    let counts = counts(rows, width);

    let mut parts = vec![legend(&entries, &kernels, width)];
    if is_one {
        let table = as_table(&shown, &kernels, Path::new(""), true, width);
        parts.push(kernel(&kernels) + &table + &counts);
    } else {
        parts.push(summary(&entries, &kernels, width) + &counts);
        if !detail.reasons {
            parts.push(reasons_by_number(&entries, &kernels, detail.all, width));
        }
        let folder = common_folder(shown.iter().map(|entry| entry.module));
        parts.push(as_table(&shown, &kernels, folder, detail.reasons, width));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// The name of a single kernel. The summary of several modules has it too.
fn kernel(kernels: &Kernels<'_>) -> String {
    match kernels.paths {
        [kernel] => format!("Kernel: {}\n", shown(kernel)),
        _ => String::new(),
    }
}

/// What the names of several kernels and the verdicts on them stand for.
fn legend(entries: &[Entry<'_>], kernels: &Kernels<'_>, width: Option<usize>) -> String {
    if kernels.paths.len() == 1 {
        return String::new();
    }
    let cells = || entries.iter().flat_map(|entry| &entry.cells);
    let differ = |[stock, rust]: [Word; 2]| stock.brief() != rust.brief();
    let mut texts = vec![];

    if cells().any(|cell| differ(cell.words)) {
        texts.push("A / B: A on a stock kernel, B on one with Rust".into());
    }
    let words = cells().flat_map(|cell| cell.words).map(Word::class);
    for word in words.collect::<BTreeSet<_>>() {
        if word.brief() != word.text() {
            texts.push(format!("{}: {}", word.brief(), word.text()));
        }
    }
    let words = match texts.is_empty() {
        true => String::new(),
        false => lines(&texts.join("; "), "", width),
    };
    kernels.legend() + &words
}

/// The modules as a table, with their paths in `folder`, and with or without the reasons below each.
/// A column for each kernel; for one kernel a column for each verdict.
fn as_table(
    entries: &[&Entry<'_>],
    kernels: &Kernels<'_>,
    folder: &Path,
    with_reasons: bool,
    width: Option<usize>,
) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let is_one = kernels.paths.len() == 1;
    let row = |entry: &&Entry<'_>| {
        let path = entry.module.strip_prefix(folder).unwrap_or(entry.module);
        let cells = entry.cells.iter();
        let cells = match is_one {
            true => cells
                .flat_map(|cell| cell.words.map(|word| word.to_string()))
                .collect(),
            false => cells
                .map(|cell| pair(cell.words.map(Word::brief)))
                .collect(),
        };
        (shown(path), cells)
    };
    let columns = Columns {
        corner: "MODULE",
        heads: match is_one {
            true => ["STOCK", "WITH RUST"].map(String::from).into(),
            false => kernels.names.clone(),
        },
        rows: entries.iter().map(row).collect(),
    };

    let below = |row: usize, columns: &Range<usize>| match (with_reasons, entries.get(row)) {
        (true, Some(entry)) => reasons_on(entry, kernels, columns, width),
        _ => String::new(),
    };
    let title = match folder.as_os_str().is_empty() {
        true => String::new(),
        false => format!("Modules in {}:\n", shown(folder)),
    };
    title + &columns.show(width, below)
}

/// The reasons of a module on these kernels, with their names if there are others.
fn reasons_on(
    entry: &Entry<'_>,
    kernels: &Kernels<'_>,
    numbers: &Range<usize>,
    width: Option<usize>,
) -> String {
    let cells = entry.cells.iter().enumerate();
    let mut places = BTreeMap::new();
    let mut reasons: Vec<(String, BTreeSet<usize>)> = vec![];

    for (kernel, cell) in cells.filter(|(kernel, _)| numbers.contains(kernel)) {
        for reason in cell.reasons() {
            let place = *places.entry(reason.clone()).or_insert(reasons.len());
            match reasons.get_mut(place) {
                Some((_, kernels)) => {
                    kernels.insert(kernel);
                }
                None => reasons.push((reason, [kernel].into())),
            }
        }
    }
    let line = |(reason, numbers): &(String, BTreeSet<usize>)| {
        let on = match (kernels.paths.len(), kernels.some(numbers)) {
            (1, _) => String::new(),
            (_, Some(names)) => format!("{names}: "),
            (_, None) => "all kernels: ".into(),
        };
        lines(&printable(&format!("{on}{reason}")), "    ", width)
    };
    reasons.iter().map(line).collect()
}

/// A line for each base that a user may not expect, with the number of modules.
pub(super) fn counts(rows: &[Row<'_>], width: Option<usize>) -> String {
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
    .map(|(base, note)| {
        let text = format!("{} of {} modules {note}", of(base), rows.len());
        lines(&text, "", width)
    })
    .collect()
}

#[cfg(test)]
mod tests;
