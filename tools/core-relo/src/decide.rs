// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Decides.

use std::collections::HashMap;

use splitbtf::CoreReloKind;

use crate::budget::Budget;
use crate::insn;
use crate::insn::New;
use crate::lines;
use crate::matching;
use crate::matching::No;
use crate::matching::Sides;
use crate::name::essential;
use crate::side::Side;
use crate::spec;
use crate::spec::Path;
use crate::value;
use crate::value::Value;
use crate::Action;
use crate::Candidate;
use crate::Change;
use crate::Decision;
use crate::Error;
use crate::Fault;
use crate::Function;
use crate::Insn;
use crate::Invalid;
use crate::Object;
use crate::Outcome;
use crate::Relocation;
use crate::Section;
use crate::Spec;
use crate::Targets;
use crate::Verdict;

/// The size of a pointer in BPF, in bytes.
const BPF_POINTER: u32 = 8;

/// The steps that a candidate costs at least: it is in the record.
const CANDIDATE_STEPS: usize = 16;

/// Decides what the instructions of an object become for a kernel.
///
/// # Examples
///
/// ```
/// use core_relo::Decider;
/// use core_relo::Object;
/// use core_relo::Targets;
///
/// /// Prints what is absent in a kernel.
/// fn absent(object: &Object, kernel: &Targets) {
///     for decision in Decider::new(object, kernel).decide_all() {
///         match decision {
///             Ok(decision) if decision.target.is_none() => println!("{decision}"),
///             Ok(_) => {}
///             Err(error) => println!("{error}"),
///         }
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Decider<'a> {
    object: &'a Object<'a>,
    targets: &'a Targets<'a>,
    budget: Budget,
    /// The candidates for each local type.
    known: HashMap<u32, Vec<Known>>,
}

/// A candidate.
#[derive(Clone, Copy, Debug)]
struct Known {
    target: usize,
    id: u32,
    ruled_out: bool,
}

/// What was found out about a relocation, apart from the instruction.
struct Found {
    candidates: Vec<Candidate>,
    outcome: Outcome,
    target: Option<usize>,
    new: Option<Value>,
}

impl<'a> Decider<'a> {
    /// For an object and a kernel.
    pub fn new(object: &'a Object<'a>, targets: &'a Targets<'a>) -> Self {
        Self {
            budget: Budget::new(object.len().saturating_add(targets.len())),
            object,
            targets,
            known: HashMap::new(),
        }
    }

    /// Decides all relocations of functions that are loaded, in the order of libbpf.
    ///
    /// Each decision is about the instruction that earlier ones have left behind. libbpf stops at the
    /// first that it does not accept; here, the others follow as if it were not there.
    pub fn decide_all(&mut self) -> Vec<Result<Decision, Error>> {
        let object = self.object;
        let mut code: HashMap<usize, Vec<u8>> = HashMap::new();
        let mut all: Vec<_> = object.unnamed().iter().cloned().map(Err).collect();

        for relocation in object.relocations() {
            let Some((section, function)) = object.place(relocation) else {
                continue;
            };
            if !function.is_loaded {
                continue;
            }
            let code = code
                .entry(relocation.section)
                .or_insert_with(|| section.code.to_vec());
            let decision = self.decide(relocation, code);
            if let Ok(decision) = &decision {
                // It was made for these instructions.
                let _ = insn::patch(code, object.types.endian(), decision);
            }
            all.push(decision);
        }
        all
    }

    /// Decides a relocation. `code` are the instructions of its section: as they are in the object, or
    /// after the relocations before this one.
    ///
    /// # Errors
    ///
    /// If the object is malformed, whatever the kernel.
    pub fn decide(&mut self, relocation: &Relocation, code: &[u8]) -> Result<Decision, Error> {
        let object = self.object;
        let place = object.place(relocation);
        let (name, offset) = (
            place.map(|(section, _)| section.name.clone()),
            relocation.relo.insn_off,
        );
        let error = |reason| Error {
            section: name.unwrap_or_default(),
            offset,
            reason,
        };

        match place {
            Some((section, function)) => self
                .decide_in(section, function, relocation, code)
                .map_err(error),
            None => Err(error(Invalid::Misaligned)),
        }
    }

    fn decide_in(
        &mut self,
        section: &Section<'_>,
        function: &Function,
        relocation: &Relocation,
        code: &[u8],
    ) -> Result<Decision, Invalid> {
        let relo = relocation.relo;
        let (section_insn, insn) = self.object.insn(relocation)?;
        let before = self.instructions(function, section_insn, insn, code)?;
        let number = relo.kind;
        let kind = CoreReloKind::of(number).ok_or(Invalid::Kind { number })?;

        let local = self.local();
        let path = spec::parse(local, kind, relo.ty, relo.access_str_off)?;
        let spec = path.spec(local)?;
        let old = value::of(local, kind, &path);
        let line = self.object.line(relocation);
        let source = line.and_then(|line| lines::source(local, line));
        let Found {
            candidates,
            outcome,
            target,
            new,
        } = self.search(kind, relo.ty, relo.access_str_off, &old)?;

        let instruction = match (&old, outcome.is_accepted()) {
            (Ok(old), true) => insn::change(before, New { old: *old, new }),
            _ => Change {
                action: Action::None,
                after: before.clone(),
                before,
            },
        };
        let old = old.ok();
        Ok(Decision {
            section: section.name.clone(),
            program: function.name.clone(),
            insn,
            section_insn,
            source,
            kind,
            local: spec,
            candidates,
            outcome,
            target,
            old_value: old.map(|old| old.value),
            new_value: new.map(|new| new.value),
            checked: old.is_some_and(|old| old.checked),
            instruction,
        })
    }

    /// The instruction of a relocation, with its second half.
    fn instructions(
        &self,
        function: &Function,
        section_insn: u32,
        insn: u32,
        code: &[u8],
    ) -> Result<Vec<Insn>, Invalid> {
        let endian = self.object.types.endian();
        let read = |count| insn::read(code, endian, section_insn, count);
        let invalid = || Invalid::Instruction {
            program: function.name.clone(),
        };
        let [first] = *read(1).ok_or_else(invalid)? else {
            return Err(invalid());
        };

        let count: u8 = match first.is_load_of_64_bits() {
            true => 2,
            false => 1,
        };
        let end = u64::from(insn).saturating_add(count.into());
        if end > function.len / 8 {
            return Err(invalid());
        }
        read(count.into()).ok_or_else(invalid)
    }

    fn local(&self) -> Side<'_> {
        Side {
            types: self.object.types,
            pointer: BPF_POINTER,
            budget: &self.budget,
        }
    }

    fn search(
        &mut self,
        kind: CoreReloKind,
        ty: u32,
        access_off: u32,
        old: &Result<Value, Fault>,
    ) -> Result<Found, Invalid> {
        if kind == CoreReloKind::TypeIdLocal {
            return Ok(Found {
                candidates: vec![],
                outcome: Outcome::Local,
                target: None,
                new: old.as_ref().ok().copied(),
            });
        }
        let mut known = match self.known.remove(&ty) {
            Some(known) => known,
            None => self.candidates(ty)?,
        };
        let path = spec::parse(self.local(), kind, ty, access_off)?;
        let found = self.examine(kind, &path, &known, old);

        if let Ok(Found {
            outcome: Outcome::Found,
            candidates,
            ..
        }) = &found
        {
            for (known, candidate) in known.iter_mut().zip(candidates) {
                known.ruled_out |= matches!(candidate.verdict, Verdict::Differs { .. });
            }
        }
        self.known.insert(ty, known);
        Ok(found?)
    }

    /// The candidates for a local type.
    fn candidates(&self, ty: u32) -> Result<Vec<Known>, Invalid> {
        let local = self.local();
        let ty = local.get(ty)?;
        let name = essential(local.name(ty.name_off)?);
        if name.is_empty() {
            return Err(Invalid::Anonymous { type_id: ty.id });
        }
        let number = ty.kind.number();
        let found = self.targets.candidates(name, number, &self.budget)?;

        let known = |(target, id)| Known {
            target,
            id,
            ruled_out: false,
        };
        Ok(found.into_iter().map(known).collect())
    }

    /// Looks at all candidates.
    fn examine(
        &self,
        kind: CoreReloKind,
        path: &Path<'_>,
        known: &[Known],
        old: &Result<Value, Fault>,
    ) -> Result<Found, Fault> {
        let mut candidates = vec![];
        let mut first: Option<(usize, Value, u32)> = None;
        let mut outcome = match old {
            Ok(_) => Outcome::Absent,
            Err(fault) => Outcome::Failed {
                fault: fault.clone(),
            },
        };

        for (n, known) in known.iter().enumerate() {
            self.budget.spend(CANDIDATE_STEPS)?;
            let Some(target) = self.targets.get(known.target) else {
                continue;
            };
            let side = Side {
                types: target.types,
                pointer: self.targets.pointer(target),
                budget: &self.budget,
            };
            let (verdict, value) = self.verdict(kind, path, side, known);
            let next = match (&verdict, value, first) {
                (Verdict::Fails { fault }, ..) => Some(Outcome::Failed {
                    fault: fault.clone(),
                }),
                (Verdict::Matches { spec, .. }, Some(value), None) => {
                    first = Some((n, value, spec.bit_offset));
                    Some(Outcome::Found)
                }
                (Verdict::Matches { spec, .. }, Some(value), Some((first, other, offset)))
                    if value.value != other.value || spec.bit_offset != offset =>
                {
                    Some(Outcome::Ambiguous { first, other: n })
                }
                _ => None,
            };
            if let (Some(next), true) = (next, outcome.is_accepted()) {
                outcome = next;
            }
            candidates.push(Candidate {
                btf: target.name.clone(),
                type_id: known.id,
                ty: side.text(known.id)?,
                verdict,
            });
        }
        let absent = Value::default();
        let is_answered = !kind.is_field() && kind != CoreReloKind::EnumvalValue;
        let new = match (&outcome, first) {
            (Outcome::Found, Some((_, value, _))) => Some(value),
            (Outcome::Absent, _) if is_answered || kind == CoreReloKind::FieldExists => {
                Some(absent)
            }
            _ => None,
        };
        Ok(Found {
            target: first.map(|(n, ..)| n).filter(|_| outcome == Outcome::Found),
            candidates,
            outcome,
            new,
        })
    }

    /// What becomes of a candidate, and its value.
    fn verdict(
        &self,
        kind: CoreReloKind,
        path: &Path<'_>,
        kernel: Side<'_>,
        known: &Known,
    ) -> (Verdict, Option<Value>) {
        if known.ruled_out {
            return (Verdict::RuledOut, None);
        }
        let local = self.local();
        let found = matching::find(Sides { local, kernel }, kind, path, known.id);

        let result = found.and_then(|path| -> Result<(Spec, Value), No> {
            Ok((path.spec(kernel)?, value::of(kernel, kind, &path)?))
        });
        match result {
            Ok((spec, value)) => {
                let verdict = Verdict::Matches {
                    spec,
                    value: value.value,
                };
                (verdict, Some(value))
            }
            Err(No::Differs(reason)) => (Verdict::Differs { reason }, None),
            Err(No::Fails(fault)) => (Verdict::Fails { fault }, None),
        }
    }
}
