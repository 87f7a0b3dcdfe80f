// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Which type of a base a distilled type matches.
//!
//! The rules are those of `tools/lib/bpf/btf_relocate.c`, with the kinds compared: there, a STRUCT
//! may match a UNION, and whether a FWD matches a STRUCT depends on bit-fields in the STRUCT.

use core::fmt;

use zerocopy::ByteOrder;

use crate::record::Record;
use crate::types::Int;
use crate::wire;

/// The most candidates examined for one name; beyond that the match is reported as ambiguous.
///
/// It bounds the work that a crafted file can cause. In real kernels few types share a name.
const MAX_CANDIDATES: usize = 256;

/// Why a distilled type matches none of the base.
///
/// `Display` gives a clause for a message that has named the type. [`Mismatch::between`] does the
/// same with other names for the split BTF and the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// No type has its name.
    Missing,
    /// All types with its name are of another kind.
    Kind {
        /// The kind of one of them, one of `BTF_KIND_*`.
        found: u8,
    },
    /// The only type with its name and kind is of another size.
    Size {
        /// The distilled type's size in bytes.
        wanted: u32,
        /// The size in bytes of the other.
        found: u32,
    },
    /// Several types have its name and kind, and none has its size.
    NoneOfSize {
        /// The distilled type's size in bytes.
        wanted: u32,
        /// How many there are.
        candidates: u32,
    },
    /// The INTs differ in whether they are signed, characters or truth values.
    Encoding,
    /// It matches several.
    Ambiguous {
        /// Their size in bytes; 0 for a FWD, which has none.
        size: u32,
        /// How many there are.
        candidates: u32,
    },
}

impl Mismatch {
    /// Shows the reason with names for the two sides: "size 4 in `split`, 8 in `base`".
    pub fn between<'n>(&self, split: &'n str, base: &'n str) -> impl fmt::Display + use<'n> {
        Between {
            reason: *self,
            split,
            base,
        }
    }

    /// As numbers, for scratch space.
    pub(crate) fn to_words(self) -> [u32; 3] {
        match self {
            Self::Missing => [0, 0, 0],
            Self::Kind { found } => [1, found.into(), 0],
            Self::Size { wanted, found } => [2, wanted, found],
            Self::NoneOfSize { wanted, candidates } => [3, wanted, candidates],
            Self::Encoding => [4, 0, 0],
            Self::Ambiguous { size, candidates } => [5, size, candidates],
        }
    }

    pub(crate) fn from_words(words: [u32; 3]) -> Self {
        match words {
            [1, found, _] => Self::Kind { found: found as u8 },
            [2, wanted, found] => Self::Size { wanted, found },
            [3, wanted, candidates] => Self::NoneOfSize { wanted, candidates },
            [4, ..] => Self::Encoding,
            [5, size, candidates] => Self::Ambiguous { size, candidates },
            _ => Self::Missing,
        }
    }
}

/// The result of [`Mismatch::between`].
struct Between<'n> {
    reason: Mismatch,
    split: &'n str,
    base: &'n str,
}

impl fmt::Display for Between<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { split, base, .. } = self;

        match self.reason {
            Mismatch::Missing => write!(f, "not in {base}"),
            Mismatch::Kind { found } => match wire::kind_name(found) {
                Some(name) => write!(f, "of kind {name} in {base}"),
                None => write!(f, "of kind {found} in {base}"),
            },
            Mismatch::Size { wanted, found } => {
                write!(f, "size {wanted} in {split}, {found} in {base}")
            }
            Mismatch::NoneOfSize { wanted, candidates } => {
                write!(f, "{candidates} candidates, none of size {wanted}")
            }
            Mismatch::Encoding => write!(f, "of another encoding in {base}"),
            Mismatch::Ambiguous { size, candidates } => match size {
                0 => write!(f, "{candidates} candidates"),
                _ => write!(f, "{candidates} candidates of size {size}"),
            },
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.between("the split BTF", "the base").fmt(f)
    }
}

/// The part of a type that matching compares.
#[derive(Clone, Copy)]
pub(crate) struct Traits {
    kind: u8,
    /// Whether a FWD declares a union.
    is_union: bool,
    /// 0 for a FWD.
    size: u32,
    encoding: u8,
}

impl Traits {
    /// `None` for a type that no distilled one can match.
    pub(crate) fn of<O: ByteOrder>(record: &Record<'_, O>) -> Option<Self> {
        let head = record.head;
        let kind = head.kind();
        let arg = head.size_or_type.get();
        let data = record.data.first().map(|data| data.get());

        match kind {
            wire::INT | wire::FLOAT | wire::STRUCT | wire::UNION | wire::ENUM | wire::ENUM64 => {
                Some(Self {
                    kind,
                    is_union: false,
                    size: arg,
                    encoding: match kind {
                        wire::INT => Int::new(arg, data?).encoding,
                        _ => 0,
                    },
                })
            }
            wire::FWD => Some(Self {
                kind,
                is_union: head.kind_flag(),
                size: 0,
                encoding: 0,
            }),
            _ => None,
        }
    }

    /// Whether `found` is of the same kind.
    fn is_like(&self, found: &Self) -> bool {
        match (self.kind, found.kind) {
            // A distilled base has no ENUM64.
            (wire::ENUM, wire::ENUM64) => true,
            (wire::FWD, wire::FWD) => self.is_union == found.is_union,
            (kind, found) => kind == found,
        }
    }

    /// Whether one of the two is a declaration, and the other its definition.
    fn declares(&self, found: &Self) -> bool {
        let agree = |fwd: &Self, composite: &Self| match composite.kind {
            wire::STRUCT => !fwd.is_union,
            wire::UNION => fwd.is_union,
            _ => false,
        };

        match (self.kind, found.kind) {
            (wire::FWD, _) => agree(self, found),
            (_, wire::FWD) => agree(found, self),
            _ => false,
        }
    }
}

/// Finds the candidate that a distilled type matches. All candidates have the type's name.
///
/// `contained` says whether the split BTF contains the type: then its size counts even if there is
/// only one candidate.
///
/// - Exactly one candidate must have its kind and size. ENUM and ENUM64 are one kind here.
/// - If there is just one STRUCT or UNION, and the type is not contained, its size does not count.
/// - If there is none of its kind, a FWD matches the STRUCT or UNION that it declares, and a STRUCT
///   or UNION that is not contained matches its FWD.
pub(crate) fn find(
    wanted: &Traits,
    contained: bool,
    candidates: &mut dyn Iterator<Item = (u32, Option<Traits>)>,
) -> Result<u32, Mismatch> {
    let mut like = Found::default();
    let mut of_size = Found::default();
    let mut right = Found::default();
    let mut declared = Found::default();
    let mut other = None;

    for (id, found) in (&mut *candidates).take(MAX_CANDIDATES) {
        let Some(found) = found else { continue };
        if wanted.is_like(&found) {
            like.add(id, &found);
            if wanted.size == found.size {
                of_size.add(id, &found);
                if wanted.encoding == found.encoding {
                    right.add(id, &found);
                }
            }
        } else if wanted.declares(&found) && (wanted.kind == wire::FWD || !contained) {
            declared.add(id, &found);
        } else {
            other = Some(found.kind);
        }
    }

    let ambiguous = |candidates| Mismatch::Ambiguous {
        size: wanted.size,
        candidates,
    };
    if candidates.next().is_some() {
        return Err(ambiguous(u32::try_from(MAX_CANDIDATES).unwrap_or(u32::MAX)));
    }
    let any_size = matches!(wanted.kind, wire::STRUCT | wire::UNION) && !contained;
    match (like.count, of_size.count, right.count, declared.count) {
        (1, ..) if any_size => Ok(like.id),
        (_, _, 1, _) => Ok(right.id),
        (_, _, 2.., _) => Err(ambiguous(right.count)),
        (_, 1.., _, _) => Err(Mismatch::Encoding),
        (1, ..) => Err(Mismatch::Size {
            wanted: wanted.size,
            found: like.size,
        }),
        (2.., ..) => Err(Mismatch::NoneOfSize {
            wanted: wanted.size,
            candidates: like.count,
        }),
        (.., 1) => Ok(declared.id),
        (.., 2..) => Err(ambiguous(declared.count)),
        _ => Err(match other {
            Some(found) => Mismatch::Kind { found },
            None => Mismatch::Missing,
        }),
    }
}

/// Candidates that have something in common.
#[derive(Default)]
struct Found {
    count: u32,
    id: u32,
    size: u32,
}

impl Found {
    fn add(&mut self, id: u32, found: &Traits) {
        self.count = self.count.saturating_add(1);
        self.id = id;
        self.size = found.size;
    }
}

/// The split BTF's own type in place of a distilled type that matches none of the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// A FWD: an opaque type.
    Opaque,
    /// The type as it is in the distilled base.
    Kept,
}

impl Own {
    /// Chooses by the type's kind, whether the split BTF contains it, and why it does not match.
    /// `None` if nothing will do: without the right type, the split BTF would be wrong.
    pub fn of(kind: u8, contained: bool, reason: &Mismatch) -> Option<Self> {
        match (kind, reason) {
            (wire::STRUCT | wire::UNION | wire::FWD, _) if !contained => Some(Self::Opaque),
            (wire::INT | wire::FLOAT, Mismatch::Ambiguous { .. }) => None,
            (wire::INT | wire::FLOAT, _) => Some(Self::Kept),
            (wire::ENUM, Mismatch::Missing | Mismatch::Kind { .. }) => Some(Self::Kept),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
