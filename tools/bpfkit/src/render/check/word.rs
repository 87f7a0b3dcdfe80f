// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The verdict on a module, from its BTF and from all else.

use std::fmt;

use crate::check::Base;
use crate::check::Outcome;
use crate::check::Verdict;
use crate::fit::Fit;

use super::is_foreign;

/// A verdict on a module and a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Word {
    /// All has been compared, and the kernel loads it, maybe with opaque types.
    Loads {
        opaque: usize,
    },
    /// Its BTF is good, maybe with opaque types; not all else has been compared.
    Btf {
        opaque: usize,
    },
    Refused,
    Malformed,
    DoesNotLoad,
    OtherKernel,
    NoModule,
    Unreadable,
}

impl Word {
    pub(super) fn of(base: Base, outcome: &Outcome, fit: &Fit, verdict: Verdict) -> Self {
        let opaque = match verdict {
            _ if is_foreign(base, outcome, fit) => return Self::OtherKernel,
            Verdict::Refused => return Self::Refused,
            Verdict::Malformed => return Self::Malformed,
            _ if !fit.obstacles.is_empty() => return Self::DoesNotLoad,
            Verdict::Opaque(n) => n,
            Verdict::Matches => 0,
        };

        match fit.complete {
            true => Self::Loads { opaque },
            false => Self::Btf { opaque },
        }
    }

    pub(super) fn is_refusal(self) -> bool {
        !matches!(self, Self::Loads { .. } | Self::Btf { .. })
    }

    /// The same for any number of opaque types.
    pub(super) fn class(self) -> Self {
        match self {
            Self::Loads { opaque } => Self::Loads {
                opaque: opaque.min(1),
            },
            Self::Btf { opaque } => Self::Btf {
                opaque: opaque.min(1),
            },
            word => word,
        }
    }

    /// The text for a table with several kernels.
    pub(super) fn brief(self) -> &'static str {
        match self {
            Self::Loads { opaque: 1.. } => "loads, opaque",
            Self::Btf { opaque: 1.. } => "opaque",
            word => word.text(),
        }
    }

    /// The text without the number of opaque types.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Loads { opaque: 0 } => "loads",
            Self::Loads { .. } => "loads with opaque types",
            Self::Btf { opaque: 0 } => "BTF ok",
            Self::Btf { .. } => "BTF ok with opaque types",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
            Self::DoesNotLoad => "does not load",
            Self::OtherKernel => "other kernel",
            Self::NoModule => "no module",
            Self::Unreadable => "unreadable",
        }
    }

    /// What the verdict says, for readers who do not have the manual page.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Loads { opaque: 0 } => "all has been compared, and the kernel loads it",
            Self::Loads { .. } => {
                "all has been compared, and the kernel loads it; BPF programs cannot look into the opaque types, \
                 which the module only points to and the kernel lacks"
            }
            Self::Btf { opaque: 0 } => {
                "the kernel accepts its type information; not all else has been compared"
            }
            Self::Btf { .. } => {
                "the kernel accepts its type information; not all else has been compared; BPF programs cannot look \
                 into the opaque types, which the module only points to and the kernel lacks"
            }
            Self::Refused => "a type of the module does not match the kernel's",
            Self::Malformed => "its type information is malformed",
            Self::DoesNotLoad => "something other than types differs",
            Self::OtherKernel => "it has no .BTF.base and was built for another kernel",
            Self::NoModule => "the file is not a module",
            Self::Unreadable => "the file cannot be read",
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loads { opaque: 1 } => f.write_str("loads, 1 opaque type"),
            Self::Loads { opaque } if *opaque > 1 => write!(f, "loads, {opaque} opaque types"),
            Self::Btf { opaque: 1 } => f.write_str("BTF ok, 1 opaque type"),
            Self::Btf { opaque } if *opaque > 1 => write!(f, "BTF ok, {opaque} opaque types"),
            word => f.pad(word.text()),
        }
    }
}
