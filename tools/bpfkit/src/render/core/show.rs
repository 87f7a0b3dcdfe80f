// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The relocations of an object, with their decisions, by type.

use std::collections::BTreeMap;
use std::path::Path;

use core_relo::Action;
use core_relo::Candidate;
use core_relo::Decision;
use core_relo::Error;
use core_relo::Outcome;
use core_relo::Poison;
use core_relo::Resize;
use core_relo::Verdict;

use super::text::place;
use super::text::wrapped;

/// The decisions for an object on a kernel.
#[derive(Debug)]
pub struct Shown<'a> {
    /// The object.
    pub object: &'a Path,
    /// The kernel.
    pub kernel: &'a Path,
    /// How many of its modules there are.
    pub modules: usize,
    /// The decisions, and the relocations that are malformed.
    pub decisions: &'a [Result<Decision, Error>],
}

/// The relocations as text, by the types that they start with. `all` shows every candidate. Lines are
/// not longer than `width`, if their words are not.
pub fn show(shown: &Shown<'_>, all: bool, width: Option<usize>) -> String {
    let mut types: BTreeMap<&str, Vec<&Decision>> = BTreeMap::new();
    let mut malformed = vec![];
    for result in shown.decisions {
        match result {
            Ok(decision) => {
                let (root, _) = split(&decision.local.text);
                types.entry(root).or_default().push(decision);
            }
            Err(error) => malformed.push(error),
        }
    }
    let modules = match shown.modules {
        0 => String::new(),
        1 => " with 1 module".into(),
        n => format!(" with {n} modules"),
    };
    let title = format!(
        "{} on {}{modules}: {}",
        shown.object.display(),
        shown.kernel.display(),
        counts(shown.decisions)
    );

    let mut text = wrapped(&title, "", width);
    for (root, decisions) in types {
        text += "\n";
        text += &wrapped(root, "", width);
        let relocations = decisions.iter();
        text.extend(relocations.map(|decision| relocation(decision, all, width)));
    }
    if !malformed.is_empty() {
        text += "\n";
        let errors = malformed.iter();
        text.extend(errors.map(|error| wrapped(&error.to_string(), "", width)));
    }
    text
}

/// The number of relocations by what happens to their instructions.
fn counts(decisions: &[Result<Decision, Error>]) -> String {
    let mut numbers = [0_usize; 4];
    let names = ["patched", "unchanged", "poisoned", "refused"];
    for result in decisions {
        let number = match result.as_ref().map(|of| &of.instruction.action) {
            Ok(Action::Patched { .. }) => 0,
            Ok(Action::Unchanged { .. }) => 1,
            Ok(Action::Poisoned { .. }) => 2,
            _ => 3,
        };
        numbers[number] += 1;
    }

    let parts = numbers.iter().zip(names).filter(|(number, _)| **number > 0);
    let parts: Vec<_> = parts
        .map(|(number, name)| format!("{number} {name}"))
        .collect();
    match decisions.len() {
        0 => "no CO-RE relocations".into(),
        1 => format!("1 relocation, {}", parts.join(", ")),
        n => format!("{n} relocations: {}", parts.join(", ")),
    }
}

/// A place in types as its type and the way from there.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(['.', '[']).or_else(|| text.find("::"));

    text.split_at(end.unwrap_or(text.len()))
}

fn relocation(decision: &Decision, all: bool, width: Option<usize>) -> String {
    let (_, way) = split(&decision.local.text);
    let kind = decision.kind.name();
    let what = match way.is_empty() {
        true => kind.to_owned(),
        false => format!("{kind} {way}"),
    };
    let mut text = wrapped(
        &format!("{what}: {}, {}", value(decision), done(decision)),
        "    ",
        width,
    );

    let at = place(
        decision.source.as_ref(),
        &decision.program,
        Some(decision.insn),
    );
    text += &wrapped(&at, "        ", width);
    if all {
        if let Some(source) = decision.source.as_ref().filter(|of| !of.text.is_empty()) {
            text += &wrapped(&source.text, "            ", width);
        }
        text += &wrapped(&format!("object {}", decision.local), "        ", width);
        let candidates = decision.candidates.iter();
        text.extend(candidates.map(|candidate| wrapped(&considered(candidate), "        ", width)));
    } else {
        let lines = chosen(decision).into_iter();
        text.extend(lines.map(|line| wrapped(&line, "        ", width)));
    }
    text
}

/// The old and the new value.
fn value(decision: &Decision) -> String {
    let old = decision.old_value.map(|old| (old as i64).to_string());
    let old = old.unwrap_or("?".into());

    match (&decision.outcome, decision.new_value) {
        (Outcome::Absent, None) => format!("{old} -> absent"),
        (Outcome::Absent, Some(new)) => format!("{old} -> absent, {}", new as i64),
        (Outcome::Ambiguous { .. }, _) => format!("{old} -> ambiguous"),
        (Outcome::Failed { fault }, _) => format!("{old} -> {fault}"),
        (_, Some(new)) => format!("{old} -> {}", new as i64),
        (_, None) => old,
    }
}

/// What happens to the instruction.
fn done(decision: &Decision) -> String {
    match &decision.instruction.action {
        Action::Patched {
            resized: Some(Resize { from, to }),
            ..
        } => format!("patched to {to} bytes from {from}"),
        Action::Patched { .. } => "patched".into(),
        Action::Unchanged { .. } => "unchanged".into(),
        Action::Poisoned {
            reason: Poison::Size,
        } => "poisoned for its size".into(),
        Action::Poisoned { .. } => "poisoned".into(),
        Action::Refused { reason } => format!("refused: {reason}"),
        _ => "refused".into(),
    }
}

/// The target; or why there is none.
fn chosen(decision: &Decision) -> Vec<String> {
    if let Some((candidate, spec)) = decision.target() {
        return vec![format!("{} {spec}", candidate.btf)];
    }
    match &decision.outcome {
        Outcome::Local => vec![],
        _ if decision.candidates.is_empty() => vec!["the kernel has no such type".into()],
        _ => decision.candidates.iter().map(considered).collect(),
    }
}

/// A candidate, and what became of it.
fn considered(candidate: &Candidate) -> String {
    let name = format!("{} [{}] {}", candidate.btf, candidate.type_id, candidate.ty);

    match &candidate.verdict {
        Verdict::Matches { spec, value } => {
            format!("{} {spec}: matches, {}", candidate.btf, *value as i64)
        }
        Verdict::Differs { reason } => format!("{name}: {reason}"),
        Verdict::RuledOut => format!("{name}: ruled out by an earlier relocation"),
        Verdict::Fails { fault } => format!("{name}: {fault}"),
        _ => name,
    }
}

#[cfg(test)]
mod tests;
