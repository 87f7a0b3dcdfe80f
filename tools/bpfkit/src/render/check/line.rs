// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! A module on a kernel, with the reasons as the page and its data have them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use super::entry::Entry;
use super::word::Word;
use super::Row;

/// A module on a kernel.
pub(super) struct Line<'a> {
    pub(super) module: &'a Path,
    pub(super) stock: Word,
    pub(super) rust: Word,
    pub(super) reasons: Vec<String>,
}

/// The lines of a file, one for each kernel.
pub(super) fn lines<'a>(row: &'a Row<'_>, kernels: usize) -> impl Iterator<Item = Line<'a>> {
    let Entry { module, cells } = Entry::of(row, kernels);

    cells.into_iter().map(move |cell| {
        let [stock, rust] = cell.words;
        Line {
            module,
            stock,
            rust,
            reasons: cell.reasons(),
        }
    })
}

/// Each reason with the modules that it is for; the most frequent first.
pub(super) fn by_reason<'a>(lines: &'a [Line<'a>]) -> Vec<(&'a str, BTreeSet<&'a Path>)> {
    let mut modules: BTreeMap<&str, BTreeSet<&Path>> = BTreeMap::new();

    for line in lines {
        for reason in &line.reasons {
            modules.entry(reason).or_default().insert(line.module);
        }
    }
    let mut reasons: Vec<_> = modules.into_iter().collect();
    reasons.sort_by_key(|(_, modules)| Reverse(modules.len()));
    reasons
}
