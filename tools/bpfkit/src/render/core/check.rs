// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What becomes of objects on kernels: for one object a table with the reasons, for several a summary,
//! the reasons with the objects that they are for, and a table of those that do not relocate.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;
use std::path::PathBuf;

use serde::Serialize;

use crate::core::check::Checked;
use crate::core::check::Effect;
use crate::core::check::Finding;
use crate::input::InputProblem;
use crate::list::shortened;
use crate::render::PathText;
use crate::InputError;

use super::text::lines;
use super::text::place;
use super::text::printable;
use super::word::Word;

/// How many objects and places a reason names.
const NAMES: usize = 3;

/// How many reasons there are in a summary.
const REASONS: usize = 10;

/// The space between two columns.
const GAP: &str = "  ";

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
    /// The columns of the terminal.
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
    let one = rows.len() == 1;
    let is_shown = |row: &&Row<'_>| {
        let mut words = row.words(kernels.len()).into_iter();
        one || detail.all || words.any(|word| !word.is_good())
    };
    let shown: Vec<_> = rows.iter().filter(is_shown).collect();
    let mut parts = vec![];

    if !one {
        parts.push(summary(rows, kernels));
        if !detail.reasons {
            parts.push(reasons_by_number(rows, detail));
        }
    }
    parts.push(as_table(&shown, kernels, one || detail.reasons, detail));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// The number of objects by verdict, for each kernel.
fn summary(rows: &[Row<'_>], kernels: &[PathBuf]) -> String {
    let words: Vec<_> = rows.iter().map(|row| row.words(kernels.len())).collect();
    let mut text = String::new();

    for (number, kernel) in kernels.iter().enumerate() {
        let mut numbers = BTreeMap::new();
        for word in words.iter().filter_map(|words| words.get(number)) {
            *numbers.entry(word.class()).or_insert(0_usize) += 1;
        }
        let texts = numbers
            .iter()
            .map(|(word, number)| format!("{number} {}", word.text()));
        let texts = texts.collect::<Vec<_>>().join("; ");
        let kernel = printable(&kernel.to_string_lossy());
        text += &format!("{} objects on {kernel}: {texts}\n", rows.len());
    }
    text
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
        text += &lines(&line, "", detail.width);
        text += &lines(&names, "    ", detail.width);
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

/// The objects as a table, with or without the reasons below each.
fn as_table(rows: &[&Row<'_>], kernels: &[PathBuf], with_reasons: bool, detail: Detail) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let shown = |path: &Path| printable(&path.to_string_lossy());
    let names: Vec<_> = kernels.iter().map(|kernel| shown(kernel)).collect();
    let objects = rows.iter().map(|row| shown(row.object).chars().count());
    let first = objects.max().unwrap_or_default().max("OBJECT".len());
    let cells = |row: &Row<'_>| -> Vec<String> {
        let words = row.words(kernels.len());
        words.iter().map(Word::to_string).collect()
    };
    let cells: Vec<_> = rows.iter().map(|row| cells(row)).collect();
    let line = |name: &str, cells: &[String], widths: &[usize]| {
        let mut line = format!("{name:first$}");
        for (cell, width) in cells.iter().zip(widths) {
            line += &format!("{GAP}{cell:width$}");
        }
        line.trim_end().to_owned() + "\n"
    };
    let heads: Vec<_> = match kernels.len() {
        1 => vec!["VERDICT".to_owned()],
        n => (1..=n).map(|number| format!("KERNEL {number}")).collect(),
    };
    let widths: Vec<_> = heads
        .iter()
        .enumerate()
        .map(|(number, head)| {
            let cells = cells.iter().filter_map(|cells| cells.get(number));
            let widest = cells.map(String::len).max().unwrap_or_default();
            widest.max(head.len())
        })
        .collect();

    let mut text = String::new();
    for (number, name) in names.iter().enumerate() {
        text += &match names.len() {
            1 => format!("Kernel: {name}\n"),
            _ => format!("Kernel {}: {name}\n", number + 1),
        };
    }
    text += &line("OBJECT", &heads, &widths);
    for (row, cells) in rows.iter().zip(&cells) {
        text += &line(&shown(row.object), cells, &widths);
        if with_reasons {
            text += &reasons(row, detail);
        }
    }
    text
}

/// The reasons of an object, each with the kernels that it is for if these are not all.
fn reasons(row: &Row<'_>, detail: Detail) -> String {
    let all = match &row.result {
        Ok(all) => all,
        Err(error) => return lines(&error.problem.to_string(), "    ", detail.width),
    };
    let mut found: Vec<(&Finding, String, BTreeSet<usize>)> = vec![];
    let mut numbers = BTreeMap::new();
    for (kernel, checked) in all.iter().enumerate() {
        for finding in &checked.findings {
            let text = format!("{}: {}", name(finding.effect), reason(finding));
            let number = *numbers.entry(text.clone()).or_insert(found.len());
            match found.get_mut(number) {
                Some((_, _, kernels)) => {
                    kernels.insert(kernel + 1);
                }
                None => found.push((finding, text, [kernel + 1].into())),
            }
        }
    }

    let mut text = String::new();
    for (finding, reason, kernels) in found {
        let on = match kernels.len() == all.len() {
            true => String::new(),
            false => {
                let numbers: Vec<_> = kernels.iter().map(usize::to_string).collect();
                format!("kernel {}: ", numbers.join(", "))
            }
        };
        text += &lines(&format!("{on}{reason}"), "    ", detail.width);
        let places = finding.places.iter();
        let places: BTreeSet<_> = places
            .map(|of| place(of.source.as_ref(), &of.program, None))
            .collect();
        if !places.is_empty() {
            let places = shortened(places, NAMES);
            text += &lines(&places, "        ", detail.width);
        }
    }
    text
}

#[cfg(test)]
mod tests;
