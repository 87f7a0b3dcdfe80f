// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What a kernel has in place of what an object asks for and it does not have.

use std::collections::BTreeMap;

use core_relo::essential_name;
use core_relo::Candidate;
use core_relo::Decision;
use core_relo::Mismatch;
use core_relo::Outcome;
use core_relo::Step;
use core_relo::Targets;
use core_relo::Verdict;
use splitbtf::kind;
use splitbtf::AnyOwned;
use splitbtf::Kind;
use splitbtf::Member;

use super::demands::text;
use super::kernel::Kernel;

/// The most members that are looked at, and the most structs in each other.
const MEMBERS: usize = 10_000;
const DEPTH: usize = 8;

/// The kinds that a name is searched for, if the kernel has none of the right kind.
const KINDS: [(u8, &str); 6] = [
    (kind::STRUCT, "struct"),
    (kind::UNION, "union"),
    (kind::ENUM, "enum"),
    (kind::TYPEDEF, "typedef"),
    (kind::INT, "integer"),
    (kind::FWD, "declaration of"),
];

/// How many relocations are looked at, and how many candidates of each.
const RELOCATIONS: usize = 1000;
const CANDIDATES: usize = 8;

/// How many other relocations are looked at, before and after one.
const NEAR: usize = 64;

/// What a kernel has in place of what it does not have.
pub(super) struct Instead<'a> {
    object: &'a AnyOwned,
    kernel: &'a Kernel,
    targets: &'a Targets<'a>,
    /// By kind of question and essential name: the relocations that were found, by their places.
    flavours: BTreeMap<(Question, &'a str), BTreeMap<Place<'a>, &'a Decision>>,
    /// The answers.
    known: BTreeMap<&'a str, Option<String>>,
}

/// A section, and the number of the instruction.
type Place<'a> = (&'a str, u32);

fn place(decision: &Decision) -> Place<'_> {
    (&decision.section, decision.section_insn)
}

/// Whether a relocation is about a field, or about an enum's value.
type Question = (bool, bool);

fn question(decision: &Decision) -> Question {
    (decision.kind.is_field(), decision.kind.is_enumval())
}

impl<'a> Instead<'a> {
    /// For the decisions for an object on a kernel.
    pub fn new(
        decisions: &'a [Decision],
        object: &'a AnyOwned,
        kernel: &'a Kernel,
        targets: &'a Targets<'a>,
    ) -> Self {
        let mut flavours: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        let found = decisions
            .iter()
            .filter(|decision| decision.outcome == Outcome::Found);
        for decision in found {
            let root = root(&decision.local.text);
            let key = (question(decision), essential_name(root));
            let flavours = flavours.entry(key).or_default();
            flavours.insert(place(decision), decision);
        }

        Self {
            object,
            kernel,
            targets,
            flavours,
            known: BTreeMap::new(),
        }
    }

    /// What there is in place of what a relocation asks for.
    pub fn of(&mut self, decision: &'a Decision) -> Option<String> {
        let key = decision.local.text.as_str();
        if decision.outcome != Outcome::Absent {
            return None;
        }
        if let Some(known) = self.known.get(key) {
            return known.clone();
        }
        if self.known.len() >= RELOCATIONS {
            return None;
        }
        let renamed = || {
            let mut candidates = decision.candidates.iter().take(CANDIDATES);
            candidates.find_map(|candidate| renamed(decision, candidate, self.object, self.kernel))
        };

        let text = self
            .flavour(decision)
            .or_else(renamed)
            .or_else(|| other_kind(decision, self.object, self.targets));
        self.known.insert(key, text.clone());
        text
    }

    /// What the object asks for by another flavour of the same type, and the kernel has: what is
    /// nearest in the section.
    fn flavour(&self, decision: &Decision) -> Option<String> {
        let root = root(&decision.local.text);
        let (section, insn) = place(decision);
        let flavours = self
            .flavours
            .get(&(question(decision), essential_name(root)))?;
        let is_other = |other: &&&Decision| self::root(&other.local.text) != root;
        let before = flavours.range((section, 0)..(section, insn)).rev();
        let after = flavours.range((section, insn)..=(section, u32::MAX));

        let before = before.map(|(_, other)| other).take(NEAR).find(is_other);
        let after = after.map(|(_, other)| other).take(NEAR).find(is_other);
        let nearest = before.into_iter().chain(after);
        let other = nearest.min_by_key(|other| other.section_insn.abs_diff(insn))?;
        Some(format!(
            "the object also asks for {}, which is there",
            other.local.text
        ))
    }
}

/// The type in the text of a place.
fn root(text: &str) -> &str {
    let end = text.find(['.', '[', ':']);

    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

/// A member of the candidate at the same offset and with the same type, which the object does not know
/// by its name.
fn renamed(
    decision: &Decision,
    candidate: &Candidate,
    object: &AnyOwned,
    kernel: &Kernel,
) -> Option<String> {
    let Verdict::Differs {
        reason: Mismatch::NoMember { .. },
    } = &candidate.verdict
    else {
        return None;
    };
    let Some(Step::Member { of, index, .. }) = decision.local.steps.last() else {
        return None;
    };
    let local = members(object, *of)?;
    let asked = local.get(usize::try_from(*index).ok()?)?;
    let types = kernel.named(&candidate.btf)?;
    let declared = object.declaration(asked.ty, "").ok()?;

    let mut search = Search {
        types,
        offset: decision.local.bit_offset,
        left: MEMBERS,
        found: vec![],
    };
    search.of(candidate.type_id, 0, "", DEPTH);
    let knows = |name: &str| {
        let names = local.iter().map(|member| text(object, member.name_off));
        names.into_iter().any(|other| other == name)
    };
    let found = search.found.into_iter().find(|(path, member)| {
        let name = text(types, member.name_off);
        let same = types.declaration(member.ty, "").ok().as_ref() == Some(&declared);
        same && member.bitfield_bits == asked.bitfield_bits && !knows(&name) && !path.is_empty()
    })?;
    Some(format!(
        "{}{} has the same type and offset",
        candidate.ty, found.0
    ))
}

fn members(types: &AnyOwned, id: u32) -> Option<Vec<Member>> {
    match types.resolve(id).ok()?.kind {
        Kind::Struct(of) | Kind::Union(of) => Some(of.members().collect()),
        _ => None,
    }
}

/// A search for the members at an offset.
struct Search<'a> {
    types: &'a AnyOwned,
    /// In bits.
    offset: u32,
    /// How many more members are looked at.
    left: usize,
    /// As `.mm.pgd`, and the member.
    found: Vec<(String, Member)>,
}

impl Search<'_> {
    fn of(&mut self, id: u32, start: u32, path: &str, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };

        for member in members(self.types, id).unwrap_or_default() {
            let Some(left) = self.left.checked_sub(1) else {
                return;
            };
            self.left = left;
            let at = start.saturating_add(member.bit_offset);
            let name = text(self.types, member.name_off);
            let path = match name.is_empty() {
                true => path.to_owned(),
                false => format!("{path}.{name}"),
            };
            if at > self.offset || !self.reaches(member.ty, at) {
                continue;
            }
            if at == self.offset && !name.is_empty() {
                self.found.push((path.clone(), member));
            }
            self.of(member.ty, at, &path, depth);
        }
    }

    /// Whether a type that starts at `at` has the offset in it, as far as its size says.
    fn reaches(&self, ty: u32, at: u32) -> bool {
        let size = self.types.resolve(ty).ok().and_then(|ty| ty.kind.size());
        let bits = size.map_or(64, |size| size.saturating_mul(8));

        at == self.offset || self.offset.saturating_sub(at) < bits
    }
}

/// A type of the same name and another kind, if the kernel has no candidate.
fn other_kind(decision: &Decision, object: &AnyOwned, targets: &Targets<'_>) -> Option<String> {
    if !decision.candidates.is_empty() {
        return None;
    }
    let ty = object.get(decision.local.type_id).ok()?;
    let name = text(object, ty.name_off);
    let name = essential_name(&name);

    KINDS.iter().find_map(|(number, word)| {
        let found = targets.find(name, *number).ok()??;
        (*number != ty.kind.number()).then_some(found)?;
        Some(format!("there is a {word} {name}"))
    })
}

#[cfg(test)]
mod tests;
