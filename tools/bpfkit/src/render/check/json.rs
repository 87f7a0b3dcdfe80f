// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The outcomes for modules as JSON.

use std::path::Path;
use std::path::PathBuf;

use serde::Serialize;

use crate::check::Base;
use crate::check::Finding;
use crate::check::Outcome;
use crate::check::Verdict;
use crate::fit::Fit;

use super::is_foreign;
use super::Row;

/// A module on a kernel, for JSON.
#[derive(Serialize)]
struct Pair<'a> {
    module: &'a Path,
    kernel: &'a Path,
    base: Option<Base>,
    stock: &'static str,
    rust: &'static str,
    /// The types that do not match, and why not.
    types: &'a [Finding],
    #[serde(flatten)]
    fit: Option<&'a Fit>,
    /// The message of a stock kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    /// The log of a kernel with Rust, line by line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    log: Vec<String>,
    /// The malformed section, and the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    malformed: Option<String>,
    /// Why the file is not a module, or cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The results for JSON: a list with an object for each module and kernel.
pub fn pairs<'a>(rows: &'a [Row<'_>], kernels: &'a [PathBuf]) -> impl Serialize + 'a {
    let mut pairs = vec![];

    for row in rows {
        if let Err(error) = &row.result {
            let why = error.problem.to_string();
            let word = match row.unreadable() {
                Some(_) => "unreadable",
                None => "not_a_module",
            };
            let none = |kernel: &'a PathBuf| none(row.module, kernel, word, &why);
            pairs.extend(kernels.iter().map(none));
        }
        let results = kernels.iter().zip(row.results());
        pairs
            .extend(results.map(|(kernel, (base, outcome, fit))| {
                pair(row.module, kernel, base, outcome, fit)
            }));
    }
    pairs
}

fn none<'a>(module: &'a Path, kernel: &'a Path, word: &'static str, why: &str) -> Pair<'a> {
    Pair {
        module,
        kernel,
        base: None,
        stock: word,
        rust: word,
        types: &[],
        fit: None,
        refusal: None,
        log: vec![],
        malformed: None,
        error: Some(why.to_owned()),
    }
}

fn pair<'a>(
    module: &'a Path,
    kernel: &'a Path,
    base: Base,
    outcome: &'a Outcome,
    fit: &'a Fit,
) -> Pair<'a> {
    let (types, refusal) = match outcome {
        Outcome::Relocated { types, refusal } => (types.as_slice(), refusal.as_ref()),
        _ => (&[][..], None),
    };
    let word = |verdict| match verdict {
        _ if is_foreign(base, outcome, fit) => "other_kernel",
        Verdict::Matches => "ok",
        Verdict::Opaque(_) => "opaque",
        Verdict::Refused => "refused",
        Verdict::Malformed => "malformed",
    };

    Pair {
        module,
        kernel,
        base: Some(base),
        stock: word(outcome.stock()),
        rust: word(outcome.rust()),
        types,
        fit: Some(fit),
        refusal: refusal.map(ToString::to_string),
        log: outcome.log(),
        malformed: match outcome {
            Outcome::Malformed { section, problem } => Some(format!("{section}: {problem}")),
            _ => None,
        },
        error: None,
    }
}
