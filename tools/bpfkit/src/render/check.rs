// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The outcomes for modules, as a table and as a page for people, and as JSON.

mod entry;
mod html;
mod json;
mod line;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod word;

use std::path::Path;

use crate::check::Base;
use crate::check::Checked;
use crate::check::Outcome;
use crate::check::Verdict;
use crate::fit::Fit;
use crate::fit::ModuleError;
use crate::fit::NotAModule;

pub use self::html::page;
pub use self::html::About;
pub use self::json::pairs;
pub use self::table::table;
pub use self::table::Detail;

use self::word::Word;

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

    /// A type that must match and does not: its name, and the number of the kernel in the list.
    pub fn mismatch(&self) -> Option<(&str, usize)> {
        let mut outcomes = self.results().map(|(_, outcome, _)| outcome).enumerate();

        outcomes.find_map(|(kernel, outcome)| match outcome {
            Outcome::Relocated { types, .. } => {
                let mut types = types.iter();
                let ty = types.find(|ty| ty.rust.mismatch.is_some())?;
                Some((ty.name.as_str(), kernel))
            }
            _ => None,
        })
    }

    /// The error of a file that cannot be read.
    pub fn unreadable(&self) -> Option<&ModuleError> {
        let error = self.result.as_ref().err()?;

        matches!(error.problem, NotAModule::Input(_)).then_some(error)
    }

    /// Whether a kernel refuses the module, by its verdict on BTF or for another reason; or this is
    /// no module.
    pub fn is_refused(&self, verdict: fn(&Outcome) -> Verdict) -> bool {
        let mut words = self
            .results()
            .map(|(base, outcome, fit)| Word::of(base, outcome, fit, verdict(outcome)));

        self.result.is_err() || words.any(Word::is_refusal)
    }
}

/// Whether a module has no distilled base and was built for another kernel. If a release is
/// unknown, names and ids that do not fit show it.
fn is_foreign(base: Base, outcome: &Outcome, fit: &Fit) -> bool {
    let fits = match outcome {
        Outcome::OtherBase(_) => false,
        Outcome::Malformed { .. } => fit.same_release == Some(true),
        _ => fit.same_release != Some(false),
    };

    base == Base::Kernel && !fits
}
