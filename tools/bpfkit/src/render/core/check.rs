// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What becomes of objects on kernels: for one object a table with the reasons, for several a summary,
//! the reasons with the objects that they are for, and a table of those that do not relocate.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;

use serde::Serialize;

use crate::core::check::Checked;
use crate::core::check::Effect;
use crate::core::check::Finding;
use crate::input::InputProblem;
use crate::list::shortened;
use crate::render::columns::Columns;
use crate::render::kernels::common_folder;
use crate::render::kernels::shown;
use crate::render::kernels::Kernels;
use crate::render::PathText;
use crate::InputError;

use super::text::place;
use super::text::wrapped;
use super::word::Word;

/// How many objects and places a reason names.
const NAMES: usize = 3;

/// How many reasons there are in a summary.
const REASONS: usize = 10;

/// An object, and what becomes of it on each kernel.
#[derive(Debug)]
pub struct Row<'a> {
    /// The file.
    pub object: &'a Path,
    /// The results by kernel; or the reason why it is no object with BTF.
    pub result: Result<Vec<Checked>, InputError>,
}

/// How much the text says, and how wide it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detail {
    /// The table has all objects, and all reasons.
    pub all: bool,
    /// The table has the reasons.
    pub reasons: bool,
    /// The columns of the terminal. Names are cut, and lines are wrapped, so that they fit; `None`
    /// leaves both as they are.
    pub width: Option<usize>,
}

impl Row<'_> {
    /// The error of a file that cannot be read.
    pub fn unreadable(&self) -> Option<&InputError> {
        let error = self.result.as_ref().err()?;

        matches!(error.problem, InputProblem::Read(_)).then_some(error)
    }

    /// The worst on any kernel; [`Effect::Refused`] if this is no object.
    pub fn worst(&self) -> Option<Effect> {
        match &self.result {
            Ok(all) => {
                let worst = all.iter().filter_map(Checked::worst);
                worst.map(|(effect, _)| effect).max()
            }
            Err(_) => Some(Effect::Refused),
        }
    }

    fn words(&self, kernels: usize) -> Vec<Word> {
        match (&self.result, self.unreadable()) {
            (Ok(all), _) => all.iter().map(Word::of).collect(),
            (Err(_), Some(_)) => vec![Word::Unreadable; kernels],
            (Err(_), None) => vec![Word::NoObject; kernels],
        }
    }
}

/// An object on a kernel, for JSON.
#[derive(Serialize)]
struct Pair<'a> {
    object: PathText<'a>,
    kernel: PathText<'a>,
    verdict: &'static str,
    #[serde(flatten)]
    checked: Option<&'a Checked>,
    /// Why the file is no object, or cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The results for JSON: a list with an object for each object file and kernel.
pub fn pairs<'a>(rows: &'a [Row<'_>], kernels: &'a [PathBuf]) -> impl Serialize + 'a {
    let mut pairs = vec![];

    for row in rows {
        for (number, (kernel, word)) in kernels.iter().zip(row.words(kernels.len())).enumerate() {
            let (checked, error) = match &row.result {
                Ok(all) => (all.get(number), None),
                Err(error) => (None, Some(error.problem.to_string())),
            };
            pairs.push(Pair {
                object: PathText(row.object),
                kernel: PathText(kernel),
                verdict: word.json(),
                checked,
                error,
            });
        }
    }
    pairs
}

/// The results as text.
pub fn table(rows: &[Row<'_>], kernels: &[PathBuf], detail: Detail) -> String {
    let kernels = Kernels::new(kernels);
    let is_one = rows.len() == 1;
    let is_shown = |row: &&Row<'_>| {
        let mut words = row.words(kernels.paths.len()).into_iter();
        is_one || detail.all || words.any(|word| !word.is_good())
    };
    let table: Vec<_> = rows.iter().filter(is_shown).collect();
    let width = detail.width;
    let mut parts = vec![];

    if kernels.paths.len() != 1 {
        parts.push(kernels.legend());
    }
    if is_one {
        let table = as_table(&table, &kernels, Path::new(""), true, width);
        parts.push(kernel(&kernels) + &table);
    } else {
        parts.push(summary(rows, &kernels, width));
        if !detail.reasons {
            parts.push(reasons_by_number(rows, detail));
        }
        let folder = common_folder(table.iter().map(|row| row.object));
        parts.push(as_table(&table, &kernels, folder, detail.reasons, width));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// The name of a single kernel. The summary of several objects has it too.
fn kernel(kernels: &Kernels<'_>) -> String {
    match kernels.paths {
        [kernel] => format!("Kernel: {}\n", shown(kernel)),
        _ => String::new(),
    }
}

/// The number of objects by verdict, for each kernel.
fn summary(rows: &[Row<'_>], kernels: &Kernels<'_>, width: Option<usize>) -> String {
    let words = rows.iter().map(|row| row.words(kernels.paths.len()));
    let words: Vec<_> = words.collect();
    let classes = |kernel: usize| {
        let words = words.iter().filter_map(move |words| words.get(kernel));
        words.map(|word| word.class())
    };
    let all: BTreeSet<_> = (0..kernels.paths.len()).flat_map(classes).collect();
    let number = |kernel, class| classes(kernel).filter(|of| *of == class).count();
    let objects = rows.len();

    if let [kernel] = kernels.paths {
        let texts = all.iter();
        let texts = texts.map(|class| format!("{} {}", number(0, *class), class.text()));
        let texts = texts.collect::<Vec<_>>().join("; ");
        return wrapped(
            &format!("{objects} objects on {}: {texts}", kernel.to_string_lossy()),
            "",
            width,
        );
    }
    let row = |(kernel, name): (usize, &String)| {
        let numbers = all.iter().map(|class| number(kernel, *class).to_string());
        (name.clone(), numbers.collect())
    };
    let columns = Columns {
        corner: "KERNEL",
        heads: all.iter().map(|class| class.text().into()).collect(),
        rows: kernels.names.iter().enumerate().map(row).collect(),
    };
    format!("{objects} objects on {} kernels:\n", kernels.paths.len())
        + &columns.show(width, |_, _| String::new())
}

/// Each reason with the objects that it is for; the worst and most frequent first.
fn reasons_by_number(rows: &[Row<'_>], detail: Detail) -> String {
    let mut objects: BTreeMap<(Effect, String), BTreeSet<&Path>> = BTreeMap::new();
    for row in rows {
        let findings = row.result.iter().flatten().flat_map(|of| &of.findings);
        for finding in findings.filter(|of| of.effect > Effect::Unknown) {
            let key = (finding.effect, reason(finding));
            objects.entry(key).or_default().insert(row.object);
        }
        if let (Err(error), None) = (&row.result, row.unreadable()) {
            let key = (Effect::Refused, error.to_string());
            objects.entry(key).or_default().insert(row.object);
        }
    }
    let mut reasons: Vec<_> = objects.into_iter().collect();
    reasons.sort_by_key(|((effect, _), objects)| std::cmp::Reverse((*effect, objects.len())));

    let most = match detail.all {
        true => usize::MAX,
        false => REASONS,
    };
    let mut text = String::new();
    for ((effect, reason), objects) in reasons.iter().take(most) {
        let names = objects.iter().filter_map(|path| path.file_name());
        let names = shortened(names.map(OsStr::to_string_lossy), NAMES);
        let plural = if objects.len() == 1 { "" } else { "s" };
        let line = format!(
            "{} object{plural}: {}: {reason}",
            objects.len(),
            name(*effect)
        );
        text += &wrapped(&line, "", detail.width);
        text += &wrapped(&names, "    ", detail.width);
    }
    match reasons.len().saturating_sub(most) {
        0 => text,
        more => format!("{text}and {more} more reasons: --all shows them\n"),
    }
}

/// The word for an effect, before the reason.
fn name(effect: Effect) -> &'static str {
    match effect {
        Effect::Unknown => "not looked at",
        Effect::Guarded => "guarded",
        Effect::Poisoned => "poisoned",
        Effect::Refused => "refused",
    }
}

fn reason(finding: &Finding) -> String {
    let instead = match &finding.instead {
        Some(instead) => format!("; {instead}"),
        None => String::new(),
    };

    format!("{}: {}{instead}", finding.subject, finding.reason)
}

/// The objects as a table, with their paths in `folder`, and with or without the reasons below each.
fn as_table(
    rows: &[&Row<'_>],
    kernels: &Kernels<'_>,
    folder: &Path,
    with_reasons: bool,
    width: Option<usize>,
) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let line = |row: &&Row<'_>| {
        let path = row.object.strip_prefix(folder).unwrap_or(row.object);
        let words = row.words(kernels.paths.len());
        (shown(path), words.iter().map(Word::to_string).collect())
    };
    let columns = Columns {
        corner: "OBJECT",
        heads: match kernels.paths.len() {
            1 => vec!["VERDICT".into()],
            _ => kernels.names.clone(),
        },
        rows: rows.iter().map(line).collect(),
    };

    let below = |row: usize, columns: &Range<usize>| match (with_reasons, rows.get(row)) {
        (true, Some(row)) => reasons(row, kernels, columns, width),
        _ => String::new(),
    };
    let title = match folder.as_os_str().is_empty() {
        true => String::new(),
        false => format!("Objects in {}:\n", shown(folder)),
    };
    title + &columns.show(width, below)
}

/// The reasons of an object on these kernels, with their names if there are others.
fn reasons(
    row: &Row<'_>,
    kernels: &Kernels<'_>,
    numbers: &Range<usize>,
    width: Option<usize>,
) -> String {
    let all = match &row.result {
        Ok(all) => all.iter().enumerate(),
        Err(error) => return wrapped(&error.problem.to_string(), "    ", width),
    };
    let mut found: Vec<(&Finding, String, BTreeSet<usize>)> = vec![];
    let mut known = BTreeMap::new();
    for (kernel, checked) in all.filter(|(kernel, _)| numbers.contains(kernel)) {
        for finding in &checked.findings {
            let text = format!("{}: {}", name(finding.effect), reason(finding));
            let number = *known.entry(text.clone()).or_insert(found.len());
            match found.get_mut(number) {
                Some((_, _, kernels)) => {
                    kernels.insert(kernel);
                }
                None => found.push((finding, text, [kernel].into())),
            }
        }
    }

    let mut text = String::new();
    for (finding, reason, numbers) in found {
        let on = match (kernels.paths.len(), kernels.some(&numbers)) {
            (1, _) => String::new(),
            (_, Some(names)) => format!("{names}: "),
            (_, None) => "all kernels: ".into(),
        };
        text += &wrapped(&format!("{on}{reason}"), "    ", width);
        let places = finding.places.iter();
        let places: BTreeSet<_> = places
            .map(|of| place(of.source.as_ref(), &of.program, None))
            .collect();
        if !places.is_empty() {
            text += &wrapped(&shortened(places, NAMES), "        ", width);
        }
    }
    text
}

#[cfg(test)]
mod tests;
