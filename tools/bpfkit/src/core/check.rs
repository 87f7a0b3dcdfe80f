// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Compares a BPF object with a kernel, in all that the kernel's BTF can answer: the CO-RE relocations,
//! the functions and variables of the kernel that it uses, and what its programs are for.
//!
//! What the verifier looks at besides is not looked at: no result says that a program loads.

mod needs;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use core_relo::patch;
use core_relo::Action;
use core_relo::Decider;
use core_relo::Decision;
use core_relo::Error as Malformed;
use core_relo::Insn;
use core_relo::Mismatch;
use core_relo::Object;
use core_relo::Outcome;
use core_relo::Poison;
use core_relo::Section;
use core_relo::Source;
use core_relo::Targets;
use core_relo::Verdict as Considered;
use serde::Serialize;

use crate::core_object::CoreObject;
use crate::Input;
use crate::InputError;

use super::demands::Demands;
use super::instead::Instead;
use super::kernel::Kernel;
use super::reach::certain;
use super::reach::is_call;
use super::reach::is_poison;
use super::reach::reached;
use super::reach::POISON;

/// The length of an instruction in bytes.
const INSN: u64 = 8;

/// The section with subprograms, which is no program.
const SUBPROGRAMS: &str = ".text";

/// An object file to check.
#[derive(Debug)]
pub struct ObjectFile {
    /// Its name.
    pub path: PathBuf,
    /// Its content.
    pub content: CoreObject,
    /// What it demands besides CO-RE.
    pub demands: Demands,
}

impl ObjectFile {
    /// Opens an object file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is no ELF file with BTF, or is malformed.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        Self::read(&Input::open(path)?)
    }

    /// Reads an open object file.
    ///
    /// # Errors
    ///
    /// If it is no ELF file with BTF, or is malformed.
    pub fn read(input: &Input) -> Result<Self, InputError> {
        let content = CoreObject::read(input)?;
        let demands = match input.elf()? {
            Some((elf, _)) => Demands::of(
                &elf,
                &content.types,
                content.ext.as_ref(),
                &content.object(),
            ),
            None => Demands::default(),
        };

        Ok(Self {
            path: input.path().to_owned(),
            content,
            demands,
        })
    }
}

/// What becomes of an object on a kernel, or of a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing: this was not looked at.
    Unknown,
    /// Something is absent, and no instruction that needs it is reached.
    Guarded,
    /// Something is absent, and an instruction that needs it may be reached: the verifier then refuses
    /// the program.
    Poisoned,
    /// libbpf or the kernel refuses the object, or the verifier a program.
    Refused,
}

/// A place in an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The program or subprogram.
    pub program: String,
    /// The number of the instruction in it, from 0; `None` for all of the program.
    pub insn: Option<u32>,
    /// The line of source code.
    pub source: Option<Source>,
}

/// Something that a kernel does not have, or has differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What becomes of the object for this reason.
    pub effect: Effect,
    /// What the object asks for: `struct task_struct.mm`, `kfunc bpf_iter_num_new`.
    pub subject: String,
    /// What the kernel has, or has not.
    pub reason: String,
    /// What there is instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// Where it is needed.
    pub places: Vec<Place>,
}

/// An object on a kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// How many CO-RE relocations there are.
    pub relocations: usize,
    /// How many functions, variables and targets the kernel's BTF was asked for besides.
    pub demands: usize,
    /// All that is not as the object asks, the worst first.
    pub findings: Vec<Finding>,
}

impl Checked {
    /// The worst that becomes of the object, and for how many reasons; `None` if all is there.
    pub fn worst(&self) -> Option<(Effect, usize)> {
        let effects = || self.findings.iter().map(|finding| finding.effect);
        let worst = effects()
            .filter(|effect| *effect != Effect::Unknown)
            .max()?;

        Some((worst, effects().filter(|effect| *effect == worst).count()))
    }
}

/// Compares an object with a kernel. `object` is [`CoreObject::object`] of the file, and `targets` are
/// [`Kernel::targets`].
pub fn check(
    file: &ObjectFile,
    object: &Object<'_>,
    kernel: &Kernel,
    targets: &Targets<'_>,
) -> Checked {
    let mut list = List::default();
    if file.content.types.endian() != kernel.endian() {
        list.add(Found {
            effect: Effect::Refused,
            subject: "byte order".into(),
            reason: "the kernel has the other one".into(),
            ..Found::default()
        });
        return Checked {
            findings: list.sorted(),
            ..Checked::default()
        };
    }
    let decided = Decider::new(object, targets).decide_all();
    let relocations = decided.len();
    let mut decisions = vec![];
    for result in decided {
        match result {
            Ok(decision) => decisions.push(decision),
            Err(error) => list.add(malformed(&error)),
        }
    }

    let lost = needs::look(file, kernel, targets, &mut list);
    let reach = Reach::new(file, object, &decisions, &lost);
    let mut instead = Instead::new(&decisions, &file.content.types, kernel, targets);
    for decision in &decisions {
        let Some((effect, reason)) = verdict(decision, &reach) else {
            continue;
        };
        list.add(Found {
            effect,
            subject: decision.local.text.clone(),
            reason,
            instead: instead.of(decision),
            place: Some(Place {
                program: decision.program.clone(),
                insn: Some(decision.insn),
                source: decision.source.clone(),
            }),
        });
    }
    for (name, effect, place) in reach.calls {
        let reason = lost.get(&name).map(|lost| lost.reason.clone());
        list.add(Found {
            effect,
            subject: format!("kfunc {name}"),
            reason: reason.unwrap_or_default(),
            instead: None,
            place: Some(place),
        });
    }
    Checked {
        relocations,
        demands: needs::count(&file.demands),
        findings: list.sorted(),
    }
}

fn malformed(error: &Malformed) -> Found {
    Found {
        effect: Effect::Refused,
        subject: format!("relocation at offset {} of {}", error.offset, error.section),
        reason: error.reason.to_string(),
        ..Found::default()
    }
}

/// What becomes of the object by a decision, and why; `None` if the kernel has what it asks for.
fn verdict(decision: &Decision, reach: &Reach) -> Option<(Effect, String)> {
    let refused = |reason| Some((Effect::Refused, reason));
    match &decision.outcome {
        Outcome::Ambiguous { first, other } => {
            let name = |n: &usize| {
                let candidate = decision.candidates.get(*n);
                candidate.map(|of| format!("[{}] {} in {}", of.type_id, of.ty, of.btf))
            };
            let (first, other) = (
                name(first).unwrap_or_default(),
                name(other).unwrap_or_default(),
            );
            return refused(format!("{first} and {other} differ"));
        }
        Outcome::Failed { fault } => return refused(fault.to_string()),
        _ => {}
    }

    let poisoned = reach.of(decision);
    match (&decision.instruction.action, &decision.outcome) {
        (Action::Refused { reason }, _) => refused(reason.to_string()),
        (
            Action::Poisoned {
                reason: Poison::Size,
            },
            _,
        ) => Some((
            poisoned,
            "its size differs, and it is no pointer or unsigned integer".into(),
        )),
        (Action::Poisoned { .. }, _) => Some((poisoned, absent(decision))),
        (_, Outcome::Absent) => Some((Effect::Guarded, absent(decision))),
        _ => None,
    }
}

/// Why the kernel does not have something.
fn absent(decision: &Decision) -> String {
    let reasons = decision.candidates.iter().map(|of| &of.verdict);
    let differs = reasons.filter_map(|verdict| match verdict {
        Considered::Differs { reason } => Some(reason),
        _ => None,
    });

    // Of several types with the name, one that has nothing in common says less.
    match differs.min_by_key(|reason| !matches!(reason, Mismatch::NoMember { .. })) {
        Some(reason) => reason.to_string(),
        None if decision.candidates.is_empty() => "the kernel has no such type".into(),
        None => "another type of this name has what an earlier relocation asks for".into(),
    }
}

/// A finding, in one place.
#[derive(Debug)]
struct Found {
    effect: Effect,
    subject: String,
    reason: String,
    instead: Option<String>,
    place: Option<Place>,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            effect: Effect::Unknown,
            subject: String::new(),
            reason: String::new(),
            instead: None,
            place: None,
        }
    }
}

/// Findings that are the same in several places.
#[derive(Debug, Default)]
struct List {
    findings: Vec<Finding>,
    numbers: BTreeMap<(String, String), usize>,
}

impl List {
    fn add(&mut self, found: Found) {
        let key = (found.subject.clone(), found.reason.clone());
        let next = self.findings.len();
        let number = *self.numbers.entry(key).or_insert(next);

        if number == next {
            self.findings.push(Finding {
                effect: found.effect,
                subject: found.subject,
                reason: found.reason,
                instead: found.instead,
                places: vec![],
            });
        }
        let Some(finding) = self.findings.get_mut(number) else {
            return;
        };
        // The places of the worst effect are those that matter.
        if found.effect > finding.effect {
            finding.effect = found.effect;
            finding.places.clear();
        }
        if found.effect == finding.effect {
            finding.places.extend(found.place);
        }
    }

    fn sorted(mut self) -> Vec<Finding> {
        self.findings
            .sort_by_key(|finding| std::cmp::Reverse(finding.effect));
        self.findings
    }
}

/// Something of the kernel that programs may use only if they ask first.
#[derive(Debug)]
struct Lost {
    /// Why they cannot use it.
    reason: String,
    /// Whether its address is 0. Otherwise programs cannot ask.
    is_zero: bool,
    /// Where it is used: sections and offsets in bytes.
    uses: Vec<(String, u64)>,
}

/// Which poisoned instructions can be reached.
#[derive(Default)]
struct Reach {
    /// The numbers of the instructions, by section, and what becomes of the object by each.
    poisoned: BTreeMap<String, BTreeMap<usize, Effect>>,
    /// The calls of functions that cannot be called.
    calls: Vec<(String, Effect, Place)>,
}

/// The code of a section after relocation.
struct Code<'a> {
    section: &'a Section<'a>,
    insns: Vec<Insn>,
    /// The numbers of the instructions whose values come from elsewhere.
    unknown: BTreeSet<usize>,
    /// The calls of functions that cannot be called.
    calls: BTreeMap<usize, &'a str>,
}

impl Reach {
    fn new(
        file: &ObjectFile,
        object: &Object<'_>,
        decisions: &[Decision],
        lost: &BTreeMap<String, Lost>,
    ) -> Self {
        let mut this = Self::default();
        let mut by_section: BTreeMap<&str, Vec<&Decision>> = BTreeMap::new();
        for decision in decisions {
            let of = by_section.entry(&decision.section).or_default();
            of.push(decision);
        }
        let mut uses: BTreeMap<&str, BTreeMap<u64, (&str, &Lost)>> = BTreeMap::new();
        for (name, lost) in lost {
            for (section, offset) in &lost.uses {
                uses.entry(section)
                    .or_default()
                    .insert(*offset, (name, lost));
            }
        }

        for section in object.sections() {
            let name = section.name.as_str();
            let decisions = by_section.remove(name).unwrap_or_default();
            let uses = uses.remove(name).unwrap_or_default();
            let is_poisoned = |decision: &&Decision| {
                matches!(decision.instruction.action, Action::Poisoned { .. })
            };
            if decisions.iter().any(is_poisoned) || !uses.is_empty() {
                let code = Code::new(file, section, &decisions, &uses);
                this.add(file, &code);
            }
        }
        this
    }

    fn add(&mut self, file: &ObjectFile, code: &Code<'_>) {
        let section = &code.section.name;

        for function in &code.section.functions {
            let start = insn_number(function.offset);
            let end = start.saturating_add(insn_number(function.len));
            let body = code.insns.get(start..end).unwrap_or_default();
            if !function.is_loaded || !body.iter().any(is_poison) {
                continue;
            }
            let unknown = code.unknown.range(start..end);
            let unknown = unknown.map(|number| number.saturating_sub(start)).collect();
            let reached = reached(body, &unknown);
            // No program may call a subprogram.
            let certain = match section == SUBPROGRAMS {
                true => BTreeSet::new(),
                false => certain(body, &unknown),
            };
            let hit = (0_usize..).zip(body).zip(reached);
            for ((at, _), _) in hit.filter(|((_, insn), reached)| *reached && is_poison(insn)) {
                let number = start.saturating_add(at);
                let effect = match certain.contains(&at) {
                    true => Effect::Refused,
                    false => Effect::Poisoned,
                };
                match code.calls.get(&number) {
                    Some(name) => {
                        let offset = u64::try_from(number).unwrap_or(u64::MAX);
                        let offset = offset.saturating_mul(INSN);
                        let types = &file.content.types;
                        let place = Place {
                            program: function.name.clone(),
                            insn: u32::try_from(at).ok(),
                            source: file.demands.line(types, section, offset),
                        };
                        self.calls.push(((*name).to_owned(), effect, place));
                    }
                    None => {
                        let of = self.poisoned.entry(section.clone()).or_default();
                        of.insert(number, effect);
                    }
                }
            }
        }
    }

    /// What becomes of the object by an instruction that is poisoned.
    fn of(&self, decision: &Decision) -> Effect {
        let number = usize::try_from(decision.section_insn).unwrap_or(usize::MAX);
        let poisoned = self.poisoned.get(&decision.section);
        let effect = poisoned.and_then(|of| of.get(&number));

        effect.copied().unwrap_or(Effect::Guarded)
    }
}

impl<'a> Code<'a> {
    fn new(
        file: &ObjectFile,
        section: &'a Section<'a>,
        decisions: &[&Decision],
        uses: &BTreeMap<u64, (&'a str, &Lost)>,
    ) -> Self {
        let endian = file.content.types.endian();
        let mut code = section.code.to_vec();
        for decision in decisions {
            // The decisions are for this code, in this order.
            let _ = patch(&mut code, endian, decision);
        }
        let insns = code.chunks_exact(8).map(|bytes| {
            let bytes = bytes.first_chunk().copied().unwrap_or_default();
            Insn::read(bytes, endian)
        });
        let relocated = file.demands.relocated(&section.name);
        let mut this = Self {
            section,
            insns: insns.collect(),
            unknown: relocated
                .into_iter()
                .flatten()
                .map(|offset| insn_number(*offset))
                .collect(),
            calls: BTreeMap::new(),
        };

        for (offset, (name, lost)) in uses {
            let number = insn_number(*offset);
            if lost.is_zero {
                this.unknown.remove(&number);
            }
            let insn = this.insns.get_mut(number);
            if let Some(insn) = insn.filter(|insn| is_call(insn)) {
                *insn = POISON;
                this.calls.insert(number, name);
            }
        }
        this
    }
}

/// The number of the instruction at an offset in bytes.
fn insn_number(offset: u64) -> usize {
    usize::try_from(offset / INSN).unwrap_or(usize::MAX)
}
