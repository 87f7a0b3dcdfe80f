// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Objects: sections, programs, lines; and the record as text and as JSON.

use splitbtf::Builder;
use splitbtf::CoreRelo;
use splitbtf::CoreReloKind::*;
use splitbtf::SectionInfo;
use splitbtf::LE;

use super::brief;
use crate::testing::ints;
use crate::testing::kernel;
use crate::testing::load;
use crate::testing::load64;
use crate::testing::member;
use crate::testing::mov;
use crate::testing::Ask;
use crate::testing::Sample;
use crate::Decider;
use crate::Decision;
use crate::Error;
use crate::Function;
use crate::Invalid;
use crate::Object;
use crate::Section;
use crate::Source;
use crate::Targets;

fn types(b: &mut Builder<LE>) {
    ints(b);
    b.structure(b"s", 8, &[member("a", 1, 0), member("b", 1, 32)]);
}

fn sample() -> Sample {
    let asks = [
        Ask::new(FieldByteOffset, 4, "0:1", load(4)),
        Ask::new(TypeSize, 4, "0", load64(8)),
        Ask::new(FieldExists, 4, "0:0", mov(1)),
    ];

    Sample::new::<LE>(types, &asks)
}

fn function(name: &str, offset: u64, len: u64) -> Function {
    Function {
        name: name.into(),
        offset,
        len,
        is_loaded: true,
    }
}

/// The decisions for functions in the section, or in another one.
fn decide(sample: &Sample, sections: Vec<Section<'_>>) -> Vec<Result<Decision, Error>> {
    let vmlinux = kernel::<LE>(types);
    let object = Object::new(&sample.types, &sample.ext, sections);
    let decisions = Decider::new(&object, &Targets::new(&vmlinux)).decide_all();

    decisions
}

fn in_section(sample: &Sample, functions: Vec<Function>) -> Vec<Result<Decision, Error>> {
    let section = Section {
        functions,
        ..sample.section()
    };

    decide(sample, vec![section])
}

#[test]
fn relocations_belong_to_functions() {
    let sample = sample();
    // In any order; the second is a subprogram.
    let functions = vec![function("sub", 8, 24), function("main", 0, 8)];
    let decisions = in_section(&sample, functions);
    let place = |n: usize| {
        let decision = decisions[n].as_ref().unwrap();
        let program = decision.program.as_str();
        (program, decision.insn, decision.section_insn)
    };

    assert_eq!(decisions.len(), 3);
    assert_eq!(place(0), ("main", 0, 0));
    assert_eq!(place(1), ("sub", 0, 1));
    assert_eq!(place(2), ("sub", 2, 3));
    // What a linker has thrown away is no fault, nor is what is not loaded.
    assert_eq!(in_section(&sample, vec![function("sub", 8, 24)]).len(), 2);
    assert_eq!(in_section(&sample, vec![function("main", 0, 8)]).len(), 1);
    let not_loaded = Function {
        is_loaded: false,
        ..function("sub", 8, 24)
    };
    let decisions = in_section(&sample, vec![function("main", 0, 8), not_loaded]);
    assert_eq!(decisions.len(), 1);
    let other = Section {
        name: "xdp".into(),
        ..sample.section()
    };
    assert_eq!(decide(&sample, vec![other]).len(), 0);
}

#[test]
fn lines_are_those_of_the_function() {
    let sample = sample();
    let source = |functions| -> Vec<Option<u32>> {
        let decisions = in_section(&sample, functions);
        let source = |decision: Result<Decision, _>| decision.unwrap().source;
        let lines = decisions.into_iter().map(source);
        lines
            .map(|source| source.map(|source| source.line))
            .collect()
    };
    let all = source(vec![function("main", 0, 32)]);
    assert_eq!(all, [Some(1), Some(2), Some(3)]);

    let decisions = in_section(&sample, vec![function("main", 0, 32)]);
    let want = Source {
        file: "a.bpf.c".into(),
        line: 1,
        column: 2,
        text: "x = y;".into(),
    };
    assert_eq!(decisions[0].as_ref().unwrap().source, Some(want));
    // Only the first instruction has a line; it counts for the rest of its function.
    let mut few = Sample { ..sample };
    few.ext.line_info[0].records.truncate(1);
    let lines = |functions| -> Vec<bool> {
        let decisions = in_section(&few, functions).into_iter();
        decisions
            .map(|decision| decision.unwrap().source.is_some())
            .collect()
    };
    assert_eq!(lines(vec![function("main", 0, 32)]), [true, true, true]);
    let two = vec![function("main", 0, 8), function("sub", 8, 24)];
    assert_eq!(lines(two), [true, false, false]);
}

#[test]
fn bad_places_are_errors() {
    let with = |change: fn(&mut Vec<SectionInfo<CoreRelo>>)| {
        let mut sample = sample();
        change(&mut sample.ext.core_relo);
        let functions = vec![function("main", 0, 32)];
        in_section(&sample, functions).remove(0).unwrap_err()
    };
    let error = |offset, reason| Error {
        section: "tc".into(),
        offset,
        reason,
    };

    assert_eq!(
        with(|lists| lists[0].records[0].insn_off = 4),
        error(4, Invalid::Misaligned)
    );
    assert_eq!(
        with(|lists| lists[0].records[0].kind = 13),
        error(0, Invalid::Kind { number: 13 })
    );
    let unnamed = with(|lists| lists[0].name_off = 9999);
    assert_eq!(unnamed.reason, Invalid::SectionName { name_off: 9999 });
    // A load of 64 bits that is cut off.
    let sample = sample();
    let program = "main".to_string();
    let mut decisions = in_section(&sample, vec![function("main", 0, 16)]);
    let cut = decisions.remove(1).unwrap_err();
    assert_eq!(cut, error(8, Invalid::Instruction { program }));
}

#[test]
fn the_record_is_text_and_json() {
    let vmlinux = kernel::<LE>(|b| {
        ints(b);
        b.structure(b"s", 12, &[member("a", 1, 0), member("b", 1, 64)]);
        b.structure(b"s___2", 12, &[]);
    });
    let decisions = sample().decide(&Targets::new(&vmlinux));
    let decision = decisions[0].as_ref().unwrap();

    assert_eq!(brief(decision), "in vmlinux, 4 -> 8, patched");
    assert_eq!(
        decision.to_string(),
        "prog +0: byte_off of [4] struct s.b (0:1 @ 4) is [4] struct s.b (0:1 @ 8) in vmlinux, \
         4 -> 8, patched"
    );
    let json = serde_json::to_value(decision).unwrap();
    assert_eq!(json["kind"], "byte_off");
    assert_eq!(json["outcome"]["result"], "found");
    assert_eq!(json["instruction"]["action"], "patched");
    assert_eq!(json["instruction"]["after"][0]["off"], 8);
    assert_eq!(json["candidates"][0]["verdict"], "matches");
    assert_eq!(json["candidates"][1]["reason"]["code"], "no_member");
    assert_eq!(json["local"]["text"], "struct s.b");
    for decision in decisions.into_iter().map(Result::unwrap) {
        let json = serde_json::to_string(&decision).unwrap();
        assert_eq!(serde_json::from_str::<Decision>(&json).unwrap(), decision);
    }
}

/// The object and the kernel may be of different orders.
#[test]
fn orders_may_differ() {
    let vmlinux = kernel::<splitbtf::BE>(|b| {
        ints(b);
        b.structure(b"s", 12, &[member("a", 1, 0), member("b", 1, 64)]);
    });
    let decisions = sample().decide(&Targets::new(&vmlinux));

    assert_eq!(
        brief(decisions[0].as_ref().unwrap()),
        "in vmlinux, 4 -> 8, patched"
    );
}
