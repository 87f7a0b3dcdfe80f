// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

const NONE: Insn = Insn {
    code: 0,
    dst: 0,
    src: 0,
    off: 0,
    imm: 0,
};

fn insn(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Insn {
    Insn {
        code,
        dst,
        src,
        off,
        imm,
    }
}

/// `r<dst> = imm`.
fn mov(dst: u8, imm: i32) -> Insn {
    insn(0xb7, dst, 0, 0, imm)
}

/// `if r<dst> == imm goto +off`.
fn jeq(dst: u8, imm: i32, off: i16) -> Insn {
    insn(0x15, dst, 0, off, imm)
}

fn poison() -> Insn {
    POISON
}

fn exit() -> Insn {
    insn(EXIT, 0, 0, 0, 0)
}

fn at(insns: &[Insn], n: usize) -> bool {
    reached(insns, &BTreeSet::new())[n]
}

#[test]
fn poison_behind_a_question_is_not_reached() {
    let guarded = |answer| [mov(1, answer), jeq(1, 0, 1), poison(), mov(0, 0), exit()];

    assert!(!at(&guarded(0), 2));
    assert!(at(&guarded(0), 3));
    assert!(at(&guarded(1), 2));
    // What is behind it is looked at too.
    assert!(at(&guarded(1), 3));
    assert!(is_poison(&poison()));
    assert!(!is_poison(&insn(CALL, 0, 0, 0, 5)));
}

#[test]
fn what_is_not_known_leads_both_ways() {
    // r1 = *(u32 *)(r1 + 0)
    let load = insn(0x61, 1, 1, 0, 0);
    let by_memory = [load, jeq(1, 0, 1), poison(), exit()];
    let by_argument = [jeq(1, 0, 1), poison(), exit()];
    let by_call = [
        mov(1, 0),
        insn(CALL, 0, 0, 0, 5),
        jeq(1, 0, 1),
        poison(),
        exit(),
    ];
    let saved = [
        mov(6, 0),
        insn(CALL, 0, 0, 0, 5),
        jeq(6, 0, 1),
        poison(),
        exit(),
    ];

    assert!(at(&by_memory, 2) && at(&by_memory, 3));
    assert!(at(&by_argument, 1) && at(&by_argument, 2));
    assert!(at(&by_call, 3));
    assert!(!at(&saved, 3));
}

#[test]
fn two_ways_with_different_values_meet() {
    let meet = |second| {
        [
            mov(6, 0),
            jeq(1, 0, 1),
            mov(6, second),
            jeq(6, 0, 1),
            poison(),
            exit(),
        ]
    };

    assert!(!at(&meet(0), 4));
    assert!(at(&meet(1), 4));
}

#[test]
fn loads_of_64_bits_are_known_unless_the_linker_fills_them() {
    let load = |low, high| {
        [
            insn(LD_IMM64, 1, 0, 0, low),
            insn(0, 0, 0, 0, high),
            jeq(1, 0, 1),
            poison(),
            exit(),
        ]
    };
    let unknown = BTreeSet::from([0]);

    assert!(!at(&load(0, 0), 3));
    assert!(at(&load(0, 1), 3));
    assert!(reached(&load(0, 0), &unknown)[3]);
    // The second half is no instruction of its own.
    assert!(!at(&load(0, 0), 1));
    let mut map = load(0, 0);
    map[0].src = 1;
    assert!(at(&map, 3));
}

#[test]
fn arithmetic_is_followed() {
    let after = |insns: &[Insn], want: i32| {
        let mut insns = insns.to_vec();
        insns.extend([jeq(1, want, 1), poison(), exit()]);
        !at(&insns, insns.len() - 2)
    };
    let wide = |op: u8, b: i32| [mov(1, 12), insn(ALU64 | op, 1, 0, 0, b)];
    let narrow = |op: u8, b: i32| [mov(1, 12), insn(ALU | op, 1, 0, 0, b)];

    for (op, b, want) in [
        (0x00, -2, 10),
        (0x10, 2, 10),
        (0x20, 3, 36),
        (0x40, 3, 15),
        (0x50, 6, 4),
        (0x60, 2, 48),
        (0x70, 2, 3),
        (0x80, 0, -12),
        (0xa0, 4, 8),
        (0xc0, 1, 6),
    ] {
        assert!(after(&wide(op, b), want), "{op:#x}");
        assert!(!after(&wide(op, b), want + 1), "{op:#x}");
        let narrow_want = op != 0x80;
        assert_eq!(after(&narrow(op, b), want), narrow_want, "{op:#x}");
    }
    // A division is not.
    assert!(!after(&wide(0x30, 4), 3));
    let copied = [mov(2, 7), insn(0xbf, 1, 2, 0, 0)];
    assert!(after(&copied, 7));
    // w1 = -1 has no sign in 64 bits.
    let word = [insn(0xb4, 1, 0, 0, -1)];
    assert!(!after(&word, -1));
    // r1 = (s8)r2
    let signed = [mov(2, 0x80), insn(0xbf, 1, 2, 8, 0)];
    assert!(!after(&signed, 0x80));
}

#[test]
fn every_jump_is_followed() {
    let poisoned = |op: u8, class: u8, a: i32, b: i32| {
        let insns = [
            mov(1, a),
            insn(class | op, 1, 0, 1, b),
            exit(),
            poison(),
            NONE,
        ];
        at(&insns, 3)
    };
    let taken = [
        (0x10, 1, 1),
        (0x20, -1, 1),
        (0x30, 1, 1),
        (0x40, 3, 1),
        (0x50, 1, 2),
        (0x60, 1, -1),
        (0x70, 1, 1),
        (0xa0, 1, -1),
        (0xb0, 1, 1),
        (0xc0, -1, 1),
        (0xd0, 1, 1),
    ];
    let not = [
        (0x10, 1, 2),
        (0x20, 1, -1),
        (0x30, 1, 2),
        (0x40, 2, 1),
        (0x50, 1, 1),
        (0x60, -1, 1),
        (0x70, -1, 1),
        (0xa0, -1, 1),
        (0xb0, -1, 1),
        (0xc0, 1, -1),
        (0xd0, 1, -1),
    ];

    for class in [JMP, JMP32] {
        for (op, a, b) in taken {
            assert!(poisoned(op, class, a, b), "{op:#x} {class}");
        }
        for (op, a, b) in not {
            assert!(!poisoned(op, class, a, b), "{op:#x} {class}");
        }
    }
    // may_goto goes both ways, gotol has its offset elsewhere.
    assert!(poisoned(0xe0, JMP, 0, 0));
    let long = [insn(JA32, 0, 0, 0, 1), exit(), poison()];
    assert!(at(&long, 2) && !at(&long, 1));
}

#[test]
fn loops_and_jumps_outside_end() {
    let forever = [jeq(1, 0, -1), insn(JA, 0, 0, -2, 0)];
    let outside = [insn(JA, 0, 0, -2, 0), insn(JA, 0, 0, 100, 0)];

    assert_eq!(reached(&forever, &BTreeSet::new()), [true, true]);
    assert_eq!(reached(&outside, &BTreeSet::new()), [true, false]);
    assert_eq!(reached(&[], &BTreeSet::new()), [false; 0]);
    // Counting to 1000 does not take 1000 rounds.
    let count = [
        mov(1, 0),
        insn(0x07, 1, 0, 0, 1),
        insn(0xa5, 1, 0, -2, 1000),
        exit(),
    ];
    assert_eq!(reached(&count, &BTreeSet::new()), [true; 4]);
}

#[test]
fn atomics_forget_what_they_fetch() {
    let insns = |reg| {
        [
            mov(0, 0),
            mov(6, 0),
            insn(0xdb, 7, 6, 0, 1),
            jeq(reg, 0, 1),
            poison(),
            exit(),
        ]
    };

    assert!(at(&insns(0), 4));
    assert!(at(&insns(6), 4));
}

#[test]
fn some_instructions_are_certainly_reached() {
    let certain = |insns: &[Insn]| -> Vec<_> {
        let reached = super::certain(insns, &BTreeSet::new());
        reached.into_iter().collect()
    };
    let known = [mov(1, 0), jeq(1, 0, 1), exit(), poison(), exit()];
    let unknown = [mov(0, 0), jeq(1, 0, 1), exit(), poison(), exit()];
    let forever = [mov(0, 0), insn(JA, 0, 0, -2, 0)];

    assert_eq!(certain(&known), [0, 1, 3, 4]);
    assert_eq!(certain(&unknown), [0, 1]);
    assert_eq!(certain(&forever), [0, 1]);
    assert_eq!(certain(&[]), [0; 0]);
}
