// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What the kernels do with a module, and why: the verdicts and the reasons in words.

use std::path::Path;

use splitbtf::Mismatch;

use crate::check::Base;
use crate::check::Finding;
use crate::check::Outcome;
use crate::fit::Fit;
use crate::fit::ModuleError;

use super::is_foreign;
use super::word::Word;
use super::Row;

/// A module and what the kernels do with it.
pub(super) struct Entry<'a> {
    pub(super) module: &'a Path,
    /// For each kernel.
    pub(super) cells: Vec<Cell<'a>>,
}

/// What a kernel does with a module: a stock one, and one with Rust.
pub(super) struct Cell<'a> {
    pub(super) words: [Word; 2],
    result: Result<(Base, &'a Outcome, &'a Fit), &'a ModuleError>,
}

impl<'a> Entry<'a> {
    pub(super) fn of(row: &'a Row<'_>, kernels: usize) -> Self {
        let cells = match &row.result {
            Ok(_) => row.results().map(Cell::of).collect(),
            Err(error) => {
                let word = match row.unreadable() {
                    Some(_) => Word::Unreadable,
                    None => Word::NoModule,
                };
                let none = || Cell {
                    words: [word; 2],
                    result: Err(error),
                };
                (0..kernels).map(|_| none()).collect()
            }
        };

        Self {
            module: row.module,
            cells,
        }
    }

    pub(super) fn is_refused(&self) -> bool {
        let mut words = self.cells.iter().flat_map(|cell| cell.words);

        words.any(Word::is_refusal)
    }
}

impl<'a> Cell<'a> {
    fn of((base, outcome, fit): (Base, &'a Outcome, &'a Fit)) -> Self {
        let word = |verdict| Word::of(base, outcome, fit, verdict);

        Self {
            words: [outcome.stock(), outcome.rust()].map(word),
            result: Ok((base, outcome, fit)),
        }
    }

    pub(super) fn reasons(&self) -> Vec<String> {
        match self.result {
            Ok((base, outcome, fit)) => reasons(base, outcome, fit),
            Err(error) => vec![error.problem.to_string()],
        }
    }

    /// The reasons in short. For types the mismatch is beside them.
    pub(super) fn in_short(&self) -> Vec<(String, Option<Mismatch>)> {
        let (base, outcome, fit) = match self.result {
            Ok(result) => result,
            Err(error) => return vec![(error.problem.to_string(), None)],
        };
        let others = others(base, outcome, fit).into_iter();
        let types = types(base, outcome, fit).iter().map(Finding::in_short);

        others.map(|reason| (reason, None)).chain(types).collect()
    }
}

/// All reasons but types that do not match.
fn others(base: Base, outcome: &Outcome, fit: &Fit) -> Vec<String> {
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
            if let (true, Some(refusal)) = (types.is_empty(), refusal) {
                reasons.push(format!("stock: {refusal}"));
            }
        }
        Outcome::Malformed { section, problem } => reasons.push(format!("{section}: {problem}")),
    }
    reasons
}

/// The types that do not match.
fn types<'a>(base: Base, outcome: &'a Outcome, fit: &Fit) -> &'a [Finding] {
    match outcome {
        Outcome::Relocated { types, .. } if !is_foreign(base, outcome, fit) => types,
        _ => &[],
    }
}

fn reasons(base: Base, outcome: &Outcome, fit: &Fit) -> Vec<String> {
    let types = types(base, outcome, fit).iter().map(ToString::to_string);

    others(base, outcome, fit)
        .into_iter()
        .chain(types)
        .collect()
}
