// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The relocation rules of a stock kernel: those of `btf_relocate()` in
//! `tools/lib/bpf/btf_relocate.c` of 7.3.
//!
//! For each named type of vmlinux it goes through the distilled types of that name; [`accepts`]
//! decides which of them match. The rules differ from those of `splitbtf`: C does not compare all
//! kinds, so a STRUCT may become a UNION, or an ENUM of the same size; and if vmlinux has both a
//! FWD and a STRUCT of a name, these are two candidates.

use std::fmt;

use splitbtf::Btf;
use splitbtf::Error;
use splitbtf::Kind;
use splitbtf::Names;
use splitbtf::Needs;
use zerocopy::ByteOrder;

/// Why a stock kernel refuses a module, in the words of its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A type matches none of vmlinux.
    Unmapped {
        /// The type's id in the distilled base.
        id: u32,
        /// Its name.
        name: String,
    },
    /// A type matches several of vmlinux.
    Ambiguous {
        /// The type's id in the distilled base.
        id: u32,
        /// Its name.
        name: String,
        /// The first two candidates, by id.
        candidates: [u32; 2],
        /// The size of the second in bytes; 0 for a FWD.
        size: u32,
    },
    /// The module uses a string of its distilled base that names no type there.
    String {
        /// Its offset.
        offset: u32,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmapped { id, name } => write!(
                f,
                "distilled base BTF type '{name}' [{id}] is not mapped to base BTF id"
            ),
            Self::Ambiguous {
                id,
                name,
                candidates: [first, second],
                size,
            } => write!(
                f,
                "distilled base BTF type '{name}' [{id}], size {size} has multiple candidates of the same size \
                 (ids [{second}, {first}]) in base BTF"
            ),
            Self::String { offset } => {
                write!(f, "string [offset {offset}] is not mapped to base BTF")
            }
        }
    }
}

/// All reasons for which a stock kernel refuses a module.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// The types without exactly one match, by id.
    pub types: Vec<(u32, Refusal)>,
    /// The reason that it finds first.
    pub first: Option<Refusal>,
}

/// Checks for each type of a validated distilled base whether a stock kernel finds exactly one
/// match in vmlinux.
pub(super) fn refusals<O: ByteOrder>(
    distilled: &Btf<'_, O>,
    needs: &Needs,
    target: &Names<'_, O>,
) -> Result<Refusals, Error> {
    let mut types = vec![];
    let mut found = vec![];

    for (id, embedded) in (1..distilled.end_id()).zip(needs.embedded.iter().skip(1)) {
        let wanted = distilled.get(id)?;
        let name = distilled.string(wanted.name_off)?;
        found.clear();
        for id in target.find(name) {
            found.push(target.btf().get(id)?);
        }
        let composites = found
            .iter()
            .filter(|found| is_composite(&found.kind))
            .count();

        let mut fitting = found
            .iter()
            .filter(|found| accepts(&wanted.kind, *embedded, &found.kind, composites))
            .map(|found| (found.id, size(&found.kind)));
        let name = || name.escape_ascii().to_string();
        match (fitting.next(), fitting.next()) {
            (None, _) => types.push((id, Refusal::Unmapped { id, name: name() })),
            (Some(_), None) => {}
            (Some((first, _)), Some((second, size))) => types.push((
                id,
                Refusal::Ambiguous {
                    id,
                    name: name(),
                    candidates: [first, second],
                    size,
                },
            )),
        }
    }
    Ok(Refusals {
        first: match first(&types) {
            Some(refusal) => Some(refusal.clone()),
            None => foreign_string(distilled, needs)?,
        },
        types,
    })
}

/// C notices a second candidate on its way through vmlinux, and a missing type at the end.
fn first(types: &[(u32, Refusal)]) -> Option<&Refusal> {
    let second = |refusal: &Refusal| match refusal {
        Refusal::Ambiguous { candidates, .. } => candidates[1],
        _ => u32::MAX,
    };

    let refusals = types.iter().map(|(_, refusal)| refusal);
    refusals.min_by_key(|refusal| second(refusal))
}

/// The first string of the distilled base that is needed and names no type.
fn foreign_string<O: ByteOrder>(
    distilled: &Btf<'_, O>,
    needs: &Needs,
) -> Result<Option<Refusal>, Error> {
    let mut names = Vec::new();
    for ty in distilled.types() {
        names.push(ty?.name_off);
    }
    names.sort_unstable();

    let mut strings = needs.strings.iter();
    let foreign = strings.find(|string| names.binary_search(string).is_err());
    Ok(foreign.map(|offset| Refusal::String { offset: *offset }))
}

/// Whether C matches a distilled type, `wanted`, with a type of vmlinux of the same name, `found`.
/// `composites` is the number of structs and unions of this name in vmlinux; `embedded` tells
/// whether a struct or union of the module has `wanted` as a member.
fn accepts(wanted: &Kind<'_>, embedded: bool, found: &Kind<'_>, composites: usize) -> bool {
    // C first compares types by name and size, or by name alone.
    let by_size = match found {
        Kind::Int(_) | Kind::Float { .. } | Kind::Enum { .. } | Kind::Enum64 { .. } => true,
        Kind::Struct(_) | Kind::Union(_) => composites > 1,
        Kind::Fwd { .. } => false,
        _ => return false,
    };
    let same_size = size(wanted) == size(found);

    if by_size && !same_size {
        return false;
    }
    match (wanted, found) {
        (Kind::Int(wanted), Kind::Int(found)) => wanted.encoding == found.encoding,
        (Kind::Float { .. }, Kind::Float { .. }) => true,
        // A distilled base has no ENUM64.
        (Kind::Enum { .. }, Kind::Enum { .. } | Kind::Enum64 { .. }) => true,
        (Kind::Fwd { is_union: wanted }, Kind::Fwd { is_union: found }) => wanted == found,
        // The flag that marks a FWD of a union marks bit-fields in a struct or union.
        (Kind::Fwd { .. }, Kind::Struct(found)) => !found.has_bitfields(),
        (Kind::Fwd { .. }, Kind::Union(found)) => found.has_bitfields(),
        // C does not check the kind of `found` here.
        (Kind::Struct(_) | Kind::Union(_), _) => !embedded || same_size,
        _ => false,
    }
}

fn is_composite(kind: &Kind<'_>) -> bool {
    matches!(kind, Kind::Struct(_) | Kind::Union(_))
}

/// In bytes; 0 for a FWD.
fn size(kind: &Kind<'_>) -> u32 {
    kind.size().unwrap_or_default()
}
