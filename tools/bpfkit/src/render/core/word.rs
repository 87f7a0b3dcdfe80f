// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The verdict on an object and a kernel.

use std::fmt;

use crate::core::check::Checked;
use crate::core::check::Effect;

/// A verdict on an object and a kernel. None says that a program loads: only relocations and names were
/// looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Word {
    /// Nothing is missing, or nothing that is reached.
    Relocates {
        guarded: usize,
    },
    /// The verifier may reach poisoned instructions.
    MayFail {
        poisoned: usize,
    },
    Fails,
    NoObject,
    Unreadable,
}

impl Word {
    pub(super) fn of(checked: &Checked) -> Self {
        match checked.worst() {
            None => Self::Relocates { guarded: 0 },
            Some((Effect::Refused, _)) => Self::Fails,
            Some((Effect::Poisoned, poisoned)) => Self::MayFail { poisoned },
            Some((_, guarded)) => Self::Relocates { guarded },
        }
    }

    /// The same for any number of reasons.
    pub(super) fn class(self) -> Self {
        match self {
            Self::Relocates { guarded } => Self::Relocates {
                guarded: guarded.min(1),
            },
            Self::MayFail { .. } => Self::MayFail { poisoned: 1 },
            word => word,
        }
    }

    /// Whether all is there, or what is not is guarded.
    pub(super) fn is_good(self) -> bool {
        matches!(self, Self::Relocates { .. })
    }

    /// The text without the number of reasons.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Relocates { guarded: 0 } => "relocates",
            Self::Relocates { .. } => "relocates, guarded",
            Self::MayFail { .. } => "may fail",
            Self::Fails => "fails",
            Self::NoObject => "no object",
            Self::Unreadable => "unreadable",
        }
    }

    /// The word in JSON.
    pub(super) fn json(self) -> &'static str {
        match self {
            Self::Relocates { guarded: 0 } => "relocates",
            Self::Relocates { .. } => "guarded",
            Self::MayFail { .. } => "poisoned",
            Self::Fails => "fails",
            Self::NoObject => "not_an_object",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relocates { guarded } if *guarded > 0 => {
                f.pad(&format!("relocates, {guarded} guarded"))
            }
            Self::MayFail { poisoned } => f.pad(&format!("may fail, {poisoned} poisoned")),
            word => f.pad(word.text()),
        }
    }
}
