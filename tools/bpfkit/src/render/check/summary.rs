// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The outcomes for several modules in short: how many modules have each verdict, and the reasons with
//! the modules that they are for.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use splitbtf::Mismatch;

use crate::list::shortened;
use crate::render::columns::Columns;
use crate::render::kernels::shown;
use crate::render::kernels::Kernels;
use crate::render::text::lines;
use crate::render::text::printable;

use super::entry::Entry;
use super::word::Word;

/// How many modules a reason names.
const NAMES: usize = 3;

/// How many reasons there are in short.
const REASONS: usize = 20;

/// The number of modules by verdict, for each kernel.
pub(super) fn summary(
    entries: &[Entry<'_>],
    kernels: &Kernels<'_>,
    width: Option<usize>,
) -> String {
    let modules = entries.len();
    let [kernel] = kernels.paths else {
        let columns = by_kernel(entries, kernels);
        let number = kernels.paths.len();
        return format!("{modules} modules on {number} kernels:\n")
            + &columns.show(width, |_, _| String::new());
    };
    let words = entries.iter().filter_map(|entry| entry.cells.first());
    let words: Vec<_> = words.map(|cell| cell.words).collect();

    format!(
        "{modules} modules on {}\n    stock:     {}\n    with Rust: {}\n",
        shown(kernel),
        by_verdict(words.iter().map(|[stock, _]| *stock)),
        by_verdict(words.iter().map(|[_, rust]| *rust))
    )
}

fn by_verdict(words: impl Iterator<Item = Word>) -> String {
    let mut numbers = BTreeMap::new();
    for word in words {
        *numbers.entry(word.class()).or_insert(0_usize) += 1;
    }

    let texts = numbers
        .iter()
        .map(|(word, number)| format!("{number} {}", word.text()));
    texts.collect::<Vec<_>>().join(", ")
}

/// A row for each kernel, a column for each verdict.
fn by_kernel(entries: &[Entry<'_>], kernels: &Kernels<'_>) -> Columns {
    let cells = || entries.iter().flat_map(|entry| &entry.cells);
    let classes: BTreeSet<_> = cells()
        .flat_map(|cell| cell.words)
        .map(Word::class)
        .collect();
    let number = |kernel: usize, class: Word| {
        let words = entries.iter().filter_map(|entry| entry.cells.get(kernel));
        let mut numbers = [0_usize; 2];
        for cell in words {
            for (number, word) in numbers.iter_mut().zip(cell.words) {
                *number = number.saturating_add((word.class() == class).into());
            }
        }
        pair(numbers.map(|number| number.to_string()))
    };
    let row = |(i, name): (usize, &String)| {
        let numbers = classes.iter().map(|class| number(i, *class));
        (name.clone(), numbers.collect())
    };

    Columns {
        corner: "KERNEL",
        heads: classes.iter().map(|class| class.brief().into()).collect(),
        rows: kernels.names.iter().enumerate().map(row).collect(),
    }
}

/// What stock kernels and kernels with Rust have, as one text if it is the same.
pub(super) fn pair<T: AsRef<str>>([stock, rust]: [T; 2]) -> String {
    match stock.as_ref() == rust.as_ref() {
        true => stock.as_ref().to_owned(),
        false => format!("{} / {}", stock.as_ref(), rust.as_ref()),
    }
}

/// The modules that a reason is for, and the numbers of the kernels. If a type does not match, these
/// are by mismatch.
#[derive(Default)]
struct Group<'a> {
    modules: BTreeSet<&'a Path>,
    kernels: Vec<(Option<Mismatch>, BTreeSet<usize>)>,
}

impl<'a> Group<'a> {
    fn add(&mut self, module: &'a Path, kernel: usize, mismatch: Option<Mismatch>) {
        self.modules.insert(module);
        let mut known = self.kernels.iter_mut();
        match known.find(|(known, _)| *known == mismatch) {
            Some((_, kernels)) => {
                kernels.insert(kernel);
            }
            None => self.kernels.push((mismatch, [kernel].into())),
        }
    }

    /// Why the type does not match on the kernels, or on which kernels the reason is one.
    fn on(&self, kernels: &Kernels<'_>) -> String {
        let mut text = String::new();
        let mut before = None;

        for (mismatch, numbers) in &self.kernels {
            let some = kernels.some(numbers);
            let Some(mismatch) = mismatch else {
                return some.map_or_else(String::new, |names| format!(" ({names})"));
            };
            let all = match kernels.paths.len() {
                1 => "vmlinux",
                _ => "the kernels",
            };
            let names = some.as_deref().unwrap_or(all);
            text += &match (before, mismatch) {
                (None, _) => format!(": {}", between(mismatch, names)),
                (
                    Some(Mismatch::Size { wanted, .. }),
                    Mismatch::Size {
                        wanted: same,
                        found,
                    },
                ) if wanted == *same => {
                    format!(", {found} in {names}")
                }
                _ => format!("; {}", between(mismatch, names)),
            };
            before = Some(*mismatch);
        }
        text
    }
}

/// The mismatch with these kernels; not every mismatch names the other side.
fn between(mismatch: &Mismatch, kernels: &str) -> String {
    let text = mismatch.between("the module", kernels).to_string();
    let on = format!(" in {kernels}");

    match text.ends_with(&on) {
        true => text,
        false => text + &on,
    }
}

/// Each reason with the modules that it is for; the most frequent first, and only these unless `all`
/// are wanted.
pub(super) fn reasons_by_number(
    entries: &[Entry<'_>],
    kernels: &Kernels<'_>,
    all: bool,
    width: Option<usize>,
) -> String {
    let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
    for entry in entries {
        for (kernel, cell) in entry.cells.iter().enumerate() {
            for (reason, mismatch) in cell.in_short() {
                let group = groups.entry(reason).or_default();
                group.add(entry.module, kernel, mismatch);
            }
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, group)| Reverse(group.modules.len()));

    let most = if all { groups.len() } else { REASONS };
    let mut text = String::new();
    for (reason, group) in groups.iter().take(most) {
        let number = group.modules.len();
        let plural = if number == 1 { "" } else { "s" };
        let on = group.on(kernels);
        let reason = format!("{number} module{plural}: {reason}{on}");
        text += &lines(&printable(&reason), "", width);
        let names = group.modules.iter().filter_map(|path| path.file_name());
        let names = shortened(names.map(OsStr::to_string_lossy), NAMES);
        text += &lines(&printable(&names), "    ", width);
    }
    match groups.len().saturating_sub(most) {
        0 => text,
        more => text + &format!("and {more} more reasons: --all prints them\n"),
    }
}
