// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The outcomes for modules, as a table for people and as JSON.

#[cfg(test)]
mod tests;

use std::path::Path;
use std::path::PathBuf;

use serde::Serialize;

use crate::check::Base;
use crate::check::Checked;
use crate::check::Finding;
use crate::check::Outcome;
use crate::check::Verdict;
use crate::fit::Fit;
use crate::fit::ModuleError;

/// A file that was to be a module.
pub struct Row<'a> {
    /// The file.
    pub module: &'a Path,
    /// The outcomes for its BTF and for all else, each by kernel; or the reason why it is not a
    /// module.
    pub result: Result<(Checked, Vec<Fit>), ModuleError>,
}

impl Row<'_> {
    /// The results by kernel; none for a file that is not a module.
    fn results(&self) -> impl Iterator<Item = (Base, &Outcome, &Fit)> {
        self.result.iter().flat_map(|(checked, fits)| {
            let outcomes = checked.outcomes.iter().zip(fits);
            outcomes.map(|(outcome, fit)| (checked.base, outcome, fit))
        })
    }

    /// Whether a kernel refuses the module, by its verdict on BTF or for another reason; or this is
    /// no module.
    pub fn is_refused(&self, verdict: fn(&Outcome) -> Verdict) -> bool {
        let refuses = |(base, outcome, fit): (Base, &Outcome, &Fit)| {
            verdict(outcome).is_refusal()
                || !fit.obstacles.is_empty()
                || is_foreign(base, outcome, fit)
        };

        self.result.is_err() || self.results().any(refuses)
    }
}

/// Whether a module has no distilled base and was built for another kernel. If a release is
/// unknown, ids that do not fit show it.
fn is_foreign(base: Base, outcome: &Outcome, fit: &Fit) -> bool {
    let fits = match outcome {
        Outcome::Malformed { .. } => fit.same_release == Some(true),
        _ => fit.same_release != Some(false),
    };

    base == Base::Kernel && !fits
}

/// A table, with the reasons below each line, and the counts at the end.
pub fn table(rows: &[Row<'_>], kernels: &[PathBuf]) -> String {
    let width = |paths: &mut dyn Iterator<Item = &Path>, title: &str| {
        let lengths = paths.map(|path| path.display().to_string().len());
        lengths.max().unwrap_or_default().max(title.len())
    };
    let module_width = width(&mut rows.iter().map(|row| row.module), "MODULE");
    let kernel_width = width(&mut kernels.iter().map(PathBuf::as_path), "KERNEL");
    let mut text = String::new();
    if rows.is_empty() {
        return text;
    }
    let line = |module: &Path, kernel: &Path, stock: &str, rust: &str| {
        let (module, kernel) = (module.display().to_string(), kernel.display().to_string());
        format!("{module:module_width$}  {kernel:kernel_width$}  {stock:13}  {rust}\n")
    };

    text += &line("MODULE".as_ref(), "KERNEL".as_ref(), "STOCK", "WITH RUST");
    for row in rows {
        if let Err(error) = &row.result {
            text += &line(row.module, "-".as_ref(), "no module", "no module");
            text += &format!("    {}\n", error.problem);
        }
        for (kernel, (base, outcome, fit)) in kernels.iter().zip(row.results()) {
            let word = |verdict| match is_foreign(base, outcome, fit) {
                true => "other kernel".to_owned(),
                false => words(verdict, fit),
            };
            text += &line(
                row.module,
                kernel,
                &word(outcome.stock()),
                &word(outcome.rust()),
            );
            reasons(base, outcome, fit, &mut text);
        }
    }
    text += &counts(rows);
    text
}

/// A verdict on the BTF as text. It says that a module loads only if all else has been compared.
fn words(verdict: Verdict, fit: &Fit) -> String {
    let loads = match verdict {
        Verdict::Refused => return "refused".into(),
        Verdict::Malformed => return "malformed".into(),
        _ if !fit.obstacles.is_empty() => return "does not load".into(),
        _ if fit.complete => "loads",
        _ => "BTF ok",
    };

    match verdict {
        Verdict::Opaque(1) => format!("{loads}, 1 opaque type"),
        Verdict::Opaque(n) => format!("{loads}, {n} opaque types"),
        _ => loads.into(),
    }
}

fn reasons(base: Base, outcome: &Outcome, fit: &Fit, text: &mut String) {
    for obstacle in &fit.obstacles {
        *text += &format!("    {obstacle}\n");
    }
    if is_foreign(base, outcome, fit) {
        let kernel = match &fit.built_for {
            Some(release) => format!("built for {release}"),
            None => "not built for this kernel".into(),
        };
        *text +=
            &format!("    it has no .BTF.base and was {kernel}: give that kernel with --base\n");
        return;
    }
    match outcome {
        Outcome::AsIs => {}
        Outcome::Relocated { types, refusal } => {
            for ty in types {
                *text += &format!("    {ty}\n");
            }
            if let (true, Some(refusal)) = (types.is_empty(), refusal) {
                *text += &format!("    stock: {refusal}\n");
            }
        }
        Outcome::Malformed { section, problem } => *text += &format!("    {section}: {problem}\n"),
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
    /// Why the file is not a module.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_a_module: Option<String>,
}

/// The results for JSON: a list with an object for each module and kernel.
pub fn pairs<'a>(rows: &'a [Row<'_>], kernels: &'a [PathBuf]) -> impl Serialize + 'a {
    let mut pairs = vec![];

    for row in rows {
        if let Err(error) = &row.result {
            let why = error.problem.to_string();
            pairs.extend(kernels.iter().map(|kernel| none(row.module, kernel, &why)));
        }
        let results = kernels.iter().zip(row.results());
        pairs
            .extend(results.map(|(kernel, (base, outcome, fit))| {
                pair(row.module, kernel, base, outcome, fit)
            }));
    }
    pairs
}

fn none<'a>(module: &'a Path, kernel: &'a Path, why: &str) -> Pair<'a> {
    Pair {
        module,
        kernel,
        base: None,
        stock: "not_a_module",
        rust: "not_a_module",
        types: &[],
        fit: None,
        refusal: None,
        log: vec![],
        malformed: None,
        not_a_module: Some(why.to_owned()),
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
        not_a_module: None,
    }
}
