// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What is decided, by kinds and by types.

mod insns;
mod kinds;
mod objects;
mod paths;
mod questions;
mod types;

use splitbtf::Builder;
use splitbtf::CoreReloKind;
use splitbtf::LE;

use crate::testing::kernel;
use crate::testing::Ask;
use crate::testing::Sample;
use crate::Action;
use crate::Decision;
use crate::Insn;
use crate::Outcome;
use crate::Targets;
use crate::Verdict;

/// A decision in one line: result, values, what happens to the instruction.
fn brief(decision: &Decision) -> String {
    let outcome = match (&decision.outcome, decision.target()) {
        (Outcome::Found, Some((candidate, _))) => format!("in {}", candidate.btf),
        (Outcome::Local, _) => "local".into(),
        (Outcome::Absent, _) => "absent".into(),
        (Outcome::Ambiguous { .. }, _) => "ambiguous".into(),
        (Outcome::Failed { fault }, _) => format!("failed: {fault}"),
        other => format!("{other:?}"),
    };
    let value = |value: Option<u64>| value.map_or("-".into(), |value| (value as i64).to_string());
    let action = match &decision.instruction.action {
        Action::Patched { .. } => "patched".into(),
        Action::Unchanged { .. } => "unchanged".into(),
        Action::Poisoned { reason } => format!("poisoned ({reason:?})"),
        Action::Refused { reason } => format!("refused: {reason}"),
        Action::None => "none".into(),
    };
    let (old, new) = (value(decision.old_value), value(decision.new_value));

    format!("{outcome}, {old} -> {new}, {action}")
}

/// The decisions for little-endian types.
fn decide(
    local: impl FnOnce(&mut Builder<LE>),
    asks: &[Ask],
    vmlinux: impl FnOnce(&mut Builder<LE>),
) -> Vec<Decision> {
    let sample = Sample::new::<LE>(local, asks);
    let vmlinux = kernel::<LE>(vmlinux);
    let decisions = sample.decide(&Targets::new(&vmlinux));

    decisions.into_iter().map(Result::unwrap).collect()
}

/// The same for one relocation.
fn decide_one(
    local: impl FnOnce(&mut Builder<LE>),
    kind: CoreReloKind,
    ty: u32,
    access: &str,
    insns: Vec<Insn>,
    vmlinux: impl FnOnce(&mut Builder<LE>),
) -> Decision {
    let ask = Ask::new(kind, ty, access, insns);

    decide(local, &[ask], vmlinux).remove(0)
}

/// What became of the candidates.
fn verdicts(decision: &Decision) -> Vec<String> {
    let candidates = decision.candidates.iter();
    let text = |verdict: &Verdict| match verdict {
        Verdict::Matches { spec, value } => format!("{spec} is {value}"),
        Verdict::Differs { reason } => reason.to_string(),
        Verdict::RuledOut => "ruled out".into(),
        Verdict::Fails { fault } => format!("fails: {fault}"),
    };

    candidates
        .map(|candidate| text(&candidate.verdict))
        .collect()
}
