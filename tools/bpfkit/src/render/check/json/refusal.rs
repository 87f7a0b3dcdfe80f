// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Why a stock kernel refuses a module, as JSON.

use serde::Serialize;

use crate::check::Refusal;

/// The line of the kernel's log, and what it says as numbers and words.
#[derive(Serialize)]
pub(super) struct RefusalJson<'a> {
    text: String,
    #[serde(flatten)]
    reason: Reason<'a>,
}

#[derive(Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
enum Reason<'a> {
    Unmapped {
        id: u32,
        name: &'a str,
    },
    Ambiguous {
        id: u32,
        name: &'a str,
        candidate_ids: [u32; 2],
        /// In bytes. A FWD has none.
        #[serde(skip_serializing_if = "Option::is_none")]
        candidate_size: Option<u32>,
    },
    String {
        string_offset: u32,
    },
}

impl<'a> RefusalJson<'a> {
    pub(super) fn of(refusal: &'a Refusal) -> Self {
        Self {
            text: refusal.to_string(),
            reason: match refusal {
                Refusal::Unmapped { id, name } => Reason::Unmapped { id: *id, name },
                Refusal::Ambiguous {
                    id,
                    name,
                    candidates,
                    size,
                } => Reason::Ambiguous {
                    id: *id,
                    name,
                    candidate_ids: *candidates,
                    candidate_size: Some(*size).filter(|size| *size != 0),
                },
                Refusal::String { offset } => Reason::String {
                    string_offset: *offset,
                },
            },
        }
    }
}
