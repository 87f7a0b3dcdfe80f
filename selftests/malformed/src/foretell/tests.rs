// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use std::time::Duration;

use bpfkit::check::Problem;
use bpfkit::check::Verdict;
use bpfkit::Input;
use splitbtf::Builder;
use splitbtf::NewMember;
use zerocopy::LE;

use super::*;
use crate::cases;
use crate::cases::Expected;
use crate::cases::Whose;
use crate::kernel;

/// A kernel with the types that the cases expect it to have.
fn vmlinux() -> Vmlinux<LE> {
    let mut builder = Builder::<LE>::new();
    let int = builder.int(
        b"int",
        splitbtf::Int {
            size: 4,
            encoding: 1,
            offset: 0,
            bits: 32,
        },
    );
    let pointer = builder.ptr(int);
    let member = |name, bit_offset| NewMember {
        name,
        ty: pointer,
        bit_offset,
        bitfield_bits: 0,
    };
    builder.structure(b"list_head", 16, &[member(b"next", 0), member(b"prev", 64)]);
    let input = Input::from_bytes("vmlinux".into(), builder.finish().unwrap()).unwrap();

    Vmlinux::of(&input).unwrap()
}

/// The section and the reason for which a module is refused.
fn refusal(outcome: &Outcome) -> Option<(Whose, String)> {
    match outcome {
        Outcome::Malformed { section, problem } => {
            let whose = match *section {
                ".BTF.base" => Whose::Base,
                _ => Whose::Split,
            };
            Some((whose, format!(": {problem}")))
        }
        outcome if outcome.rust() == Verdict::Refused => {
            Some((Whose::Split, outcome.log().concat()))
        }
        _ => None,
    }
}

/// The prediction, if it is not what is expected of the kernel.
fn wrong(expected: &Expected, outcome: &Outcome) -> Option<String> {
    let refusal = refusal(outcome);
    let is_c = matches!(
        outcome,
        Outcome::Malformed {
            problem: Problem::Parse(_),
            ..
        }
    );
    let good = match (expected, &refusal) {
        (Expected::Loads, None) => true,
        (Expected::LoadsWith { says }, None) => {
            matches!(&outcome.log()[..], [line] if format!(": {line}").contains(says))
        }
        (Expected::C { says, .. }, Some((_, reason))) => is_c && reason.contains(says),
        // C sees a chain of modifiers after Rust, but a stock kernel refuses it too.
        (Expected::Rust { says, whose }, Some((section, reason))) => {
            let is_chain = is_c && reason.contains("Max chain length or cycle detected");
            let says = says.iter().all(|says| reason.contains(says));
            // When the kernel relocates, it does not say that a type is one of the base.
            let is_there = *whose == Whose::Split || *section == Whose::Base;
            is_there && (is_chain || (!is_c && says))
        }
        _ => false,
    };

    (!good).then(|| format!("{refusal:?}, {:?}", outcome.rust()))
}

/// The guest compares the same expectations with the kernel.
#[test]
fn check_foretells_all_cases() {
    let kernel = vmlinux();
    let mut bad = vec![];

    for case in cases::samples() {
        let (pair, expected) = case.make();
        let outcome = foretell(&pair, &kernel).unwrap();
        // C refuses the same with Rust and without.
        let stock_loads =
            matches!(expected, Expected::C { .. }) && outcome.stock() != Verdict::Malformed;
        if let Some(wrong) = wrong(&expected, &outcome) {
            bad.push(format!("{}: expected {expected}, not {wrong}", case.name));
        } else if stock_loads {
            bad.push(format!("{}: a stock kernel loads it", case.name));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn predictions_are_compared_with_the_log() {
    let load = |log: &[&str]| Load {
        outcome: kernel::Outcome::Loads,
        log: log.iter().map(ToString::to_string).collect(),
        took: Duration::ZERO,
    };
    let refused = load(&[
        "BPF: Invalid magic",
        "failed to validate module [x] BTF: -22",
    ]);
    let loaded = load(&["something else"]);
    let is_unlike = |outcome: &Outcome, load| unlike(Some(outcome), load).is_some();
    let malformed = foretell(
        &Pair {
            split: vec![1],
            base: vec![],
        },
        &vmlinux(),
    );
    let malformed = malformed.unwrap();

    assert!(!is_unlike(&Outcome::AsIs, &loaded));
    assert!(is_unlike(&Outcome::AsIs, &refused));
    assert!(!is_unlike(&malformed, &refused));
    assert!(is_unlike(&malformed, &loaded));
    assert!(unlike(None, &loaded).is_some());
}
