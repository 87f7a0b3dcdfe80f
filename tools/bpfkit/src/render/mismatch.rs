// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Why a type of a module matches none of a kernel, as JSON.

use serde::Serialize;
use splitbtf::Mismatch;

use crate::relocate::shown;

/// The sentence, and what it says as numbers and words.
#[derive(Serialize)]
pub(super) struct MismatchJson {
    text: String,
    #[serde(flatten)]
    reason: Reason,
}

/// Sizes are in bytes.
#[derive(Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
enum Reason {
    Missing,
    Kind {
        kernel_kind: &'static str,
    },
    Size {
        module_size: u32,
        kernel_size: u32,
    },
    NoneOfSize {
        module_size: u32,
        candidates: u32,
    },
    Encoding,
    Ambiguous {
        /// A FWD has none.
        #[serde(skip_serializing_if = "Option::is_none")]
        module_size: Option<u32>,
        candidates: u32,
    },
    /// One that a later version of `splitbtf` has.
    Other,
}

impl From<&Mismatch> for MismatchJson {
    fn from(mismatch: &Mismatch) -> Self {
        Self {
            text: shown(mismatch).to_string(),
            reason: match *mismatch {
                Mismatch::Missing => Reason::Missing,
                Mismatch::Kind { found } => Reason::Kind {
                    kernel_kind: splitbtf::kind::name(found).unwrap_or("UNKNOWN"),
                },
                Mismatch::Size { wanted, found } => Reason::Size {
                    module_size: wanted,
                    kernel_size: found,
                },
                Mismatch::NoneOfSize { wanted, candidates } => Reason::NoneOfSize {
                    module_size: wanted,
                    candidates,
                },
                Mismatch::Encoding => Reason::Encoding,
                Mismatch::Ambiguous { size, candidates } => Reason::Ambiguous {
                    module_size: Some(size).filter(|size| *size != 0),
                    candidates,
                },
                _ => Reason::Other,
            },
        }
    }
}

#[cfg(test)]
mod tests;
