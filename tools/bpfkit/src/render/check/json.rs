// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The outcomes for modules as JSON: `btf_check` of `docs/bpfkit.schema.json`.

mod malformed;
mod obstacle;
mod refusal;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::path::PathBuf;

use serde::Serialize;

use crate::check;
use crate::check::Base;
use crate::check::Finding;
use crate::check::Outcome;
use crate::check::Verdict;
use crate::fit::Fit;
use crate::render::mismatch::MismatchJson;
use crate::render::PathText;
use crate::Stranger;

use self::malformed::MalformedJson;
use self::obstacle::ObstacleJson;
use self::refusal::RefusalJson;

use super::word::Word;
use super::Row;

/// A file on a kernel.
#[derive(Serialize)]
struct Pair<'a> {
    module: PathText<'a>,
    kernel: PathText<'a>,
    /// The verdicts.
    stock: &'static str,
    rust: &'static str,
    #[serde(flatten)]
    details: Details<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Details<'a> {
    Module(Box<Module<'a>>),
    /// Why the file is not a module, or cannot be read.
    None {
        error: String,
    },
}

#[derive(Serialize)]
struct Module<'a> {
    base: Base,
    #[serde(skip_serializing_if = "Option::is_none")]
    built_for: Option<&'a str>,
    /// The message of a stock kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    stock_refusal: Option<RefusalJson<'a>>,
    /// The log of a kernel with Rust, line by line.
    rust_log: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    malformed: Option<MalformedJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    foreign_name: Option<ForeignName>,
    obstacles: Vec<ObstacleJson<'a>>,
    all_compared: bool,
    opaque_types: usize,
    /// The types that do not match, and why not.
    types: Vec<Type<'a>>,
}

#[derive(Serialize)]
struct Type<'a> {
    id: u32,
    kind: &'static str,
    name: &'a str,
    contained: bool,
    text: String,
    stock: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stock_refusal: Option<RefusalJson<'a>>,
    rust: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mismatch: Option<MismatchJson>,
}

/// A name that shows that the module was built for another kernel.
#[derive(Serialize)]
struct ForeignName {
    text: String,
    id: u32,
    string_offset: u32,
}

/// The results for JSON: a list with an object for each module and kernel.
pub fn pairs<'a>(rows: &'a [Row<'_>], kernels: &'a [PathBuf]) -> impl Serialize + 'a {
    let mut pairs = vec![];

    for row in rows {
        if let Err(error) = &row.result {
            let why = error.problem.to_string();
            let word = match row.unreadable() {
                Some(_) => Word::Unreadable,
                None => Word::NoModule,
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

fn none<'a>(module: &'a Path, kernel: &'a Path, word: Word, why: &str) -> Pair<'a> {
    Pair {
        module: PathText(module),
        kernel: PathText(kernel),
        stock: name(word),
        rust: name(word),
        details: Details::None {
            error: why.to_owned(),
        },
    }
}

fn pair<'a>(
    module: &'a Path,
    kernel: &'a Path,
    base: Base,
    outcome: &'a Outcome,
    fit: &'a Fit,
) -> Pair<'a> {
    let word = |verdict| name(Word::of(base, outcome, fit, verdict));

    Pair {
        module: PathText(module),
        kernel: PathText(kernel),
        stock: word(outcome.stock()),
        rust: word(outcome.rust()),
        details: Details::Module(Box::new(Module::of(base, outcome, fit))),
    }
}

/// A verdict. The number of opaque types is apart from it.
fn name(word: Word) -> &'static str {
    match word {
        Word::Loads { .. } => "loads",
        Word::Btf { .. } => "btf_ok",
        Word::Refused => "refused",
        Word::Malformed => "malformed",
        Word::DoesNotLoad => "does_not_load",
        Word::OtherKernel => "other_kernel",
        Word::NoModule => "not_a_module",
        Word::Unreadable => "unreadable",
    }
}

impl<'a> Module<'a> {
    fn of(base: Base, outcome: &'a Outcome, fit: &'a Fit) -> Self {
        let (types, refusal) = match outcome {
            Outcome::Relocated { types, refusal } => (types.as_slice(), refusal.as_ref()),
            _ => (&[][..], None),
        };

        Self {
            base,
            built_for: fit.built_for.as_deref(),
            stock_refusal: refusal.map(RefusalJson::of),
            rust_log: outcome.log(),
            malformed: match outcome {
                Outcome::Malformed { section, problem } => {
                    Some(MalformedJson::of(section, problem))
                }
                _ => None,
            },
            foreign_name: match outcome {
                Outcome::OtherBase(stranger) => Some(ForeignName::of(stranger)),
                _ => None,
            },
            obstacles: fit.obstacles.iter().map(ObstacleJson::of).collect(),
            all_compared: fit.complete,
            opaque_types: match outcome.rust() {
                Verdict::Opaque(types) => types,
                _ => 0,
            },
            types: types.iter().map(Type::of).collect(),
        }
    }
}

impl<'a> Type<'a> {
    fn of(finding: &'a Finding) -> Self {
        let (rust, mismatch) = match &finding.rust {
            check::Rust {
                opaque: Some(reason),
                ..
            } => ("opaque", Some(reason)),
            check::Rust {
                kept: Some(reason), ..
            } => ("kept", Some(reason)),
            check::Rust {
                mismatch: Some(reason),
                ..
            } => ("refused", Some(reason)),
            _ => ("matches", None),
        };

        Self {
            id: finding.id,
            kind: finding.kind,
            name: &finding.name,
            contained: finding.contained,
            text: finding.to_string(),
            stock: match finding.refused {
                Some(_) => "refused",
                None => "matches",
            },
            stock_refusal: finding.refused.as_ref().map(RefusalJson::of),
            rust,
            mismatch: mismatch.map(MismatchJson::from),
        }
    }
}

impl ForeignName {
    fn of(stranger: &Stranger) -> Self {
        Self {
            text: stranger.to_string(),
            id: stranger.id,
            string_offset: stranger.offset,
        }
    }
}
