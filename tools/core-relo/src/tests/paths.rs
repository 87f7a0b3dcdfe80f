// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Fields: access strings, arrays, anonymous members, bit-fields, sizes.

use splitbtf::Builder;
use splitbtf::CoreReloKind::*;
use splitbtf::Int;
use splitbtf::BE;
use splitbtf::LE;

use super::brief;
use super::decide;
use super::decide_one;
use super::verdicts;
use crate::testing::bits;
use crate::testing::ints;
use crate::testing::kernel;
use crate::testing::load;
use crate::testing::member;
use crate::testing::mov;
use crate::testing::Ask;
use crate::testing::Sample;
use crate::Action;
use crate::Error;
use crate::Invalid;
use crate::Resize;
use crate::Step;
use crate::Targets;

/// 4: struct in { int x; int y; }, 5: in[3], 6: struct out { int a; struct in b[3]; }.
fn arrays(b: &mut Builder<LE>) {
    ints(b);
    b.structure(b"in", 8, &[member("x", 1, 0), member("y", 1, 32)]);
    b.array(4, 1, 3);
    b.structure(b"out", 28, &[member("a", 1, 0), member("b", 5, 32)]);
}

#[test]
fn arrays_are_followed() {
    let more = |b: &mut Builder<LE>| {
        ints(b);
        let members = [member("w", 3, 0), member("x", 1, 64), member("y", 1, 96)];
        b.structure(b"in", 16, &members);
        b.array(4, 1, 4);
        b.array(5, 1, 2);
        let members = [member("b", 5, 64), member("c", 6, 576)];
        b.structure(b"out___new", 200, &members);
    };
    let ask = |access, off| decide_one(arrays, FieldByteOffset, 6, access, load(off), more);

    let decision = ask("0:1:2:1", 24);
    assert_eq!(brief(&decision), "in vmlinux, 24 -> 52, patched");
    assert_eq!(decision.local.text, "struct out.b[2].y");
    let (candidate, spec) = decision.target().unwrap();
    assert_eq!(candidate.ty, "struct out___new");
    assert_eq!(spec.text, "struct out___new.b[2].y");
    assert_eq!(spec.access, "0:0:2:2");
    let step = |n| -> (u32, u32) {
        let step: &Step = &spec.steps[n];
        (step.of(), step.index())
    };
    assert_eq!([0, 1, 2, 3].map(step), [(7, 0), (7, 0), (5, 2), (4, 2)]);
    assert_eq!(
        spec.to_string(),
        "[7] struct out___new.b[2].y (0:0:2:2 @ 52)"
    );
    // A pointer to the struct may be an array of structs.
    let decision = ask("2:1:0:0", 60);
    assert_eq!(brief(&decision), "in vmlinux, 60 -> 416, patched");
    assert_eq!(decision.local.text, "struct out[2].b[0].x");

    let shorter = |b: &mut Builder<LE>| {
        ints(b);
        b.structure(b"in", 8, &[member("x", 1, 0)]);
        b.array(4, 1, 2);
        b.structure(b"out", 16, &[member("b", 5, 0)]);
        b.structure(b"out", 16, &[member("b", 4, 0)]);
    };
    let decision = decide_one(arrays, FieldByteOffset, 6, "0:1:2:0", load(20), shorter);
    assert_eq!(brief(&decision), "absent, 20 -> -, poisoned (Absent)");
    assert_eq!(
        verdicts(&decision),
        [
            "struct in [2] has no element 2",
            "member b is struct in, not struct in [3]"
        ]
    );
}

#[test]
fn flexible_arrays_have_any_length() {
    let flexible = |len: u32, last: bool| {
        move |b: &mut Builder<LE>| {
            ints(b);
            b.array(1, 1, len);
            let mut members = vec![member("n", 1, 0), member("a", 4, 32)];
            if !last {
                members.push(member("z", 1, 96));
            }
            b.structure(b"s", 16, &members);
        }
    };
    let ask = |local, vmlinux| decide_one(local, FieldByteOffset, 5, "0:1:7", load(32), vmlinux);

    let decision = ask(flexible(0, true), flexible(0, true));
    assert_eq!(brief(&decision), "in vmlinux, 32 -> 32, unchanged");
    let decision = ask(flexible(0, true), flexible(8, false));
    assert_eq!(brief(&decision), "in vmlinux, 32 -> 32, unchanged");
    // Not at the end.
    let decision = ask(flexible(0, true), flexible(0, false));
    assert_eq!(verdicts(&decision), ["int [0] has no element 7"]);
    let sample = Sample::new::<LE>(
        flexible(0, false),
        &[Ask::new(FieldByteOffset, 5, "0:1:7", load(32))],
    );
    let vmlinux = kernel::<LE>(flexible(0, true));
    let error = sample
        .decide(&Targets::new(&vmlinux))
        .remove(0)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "CO-RE relocation at offset 0 of section tc: access string '0:1:7': int [0] has no part 7"
    );
}

#[test]
fn anonymous_members_are_looked_into() {
    // struct s { int a; union { struct { int b; int c; }; long d; }; }
    let nested = |b: &mut Builder<LE>| {
        ints(b);
        b.structure(b"", 8, &[member("b", 1, 0), member("c", 1, 32)]);
        b.union(b"", 8, &[member("", 4, 0), member("d", 3, 0)]);
        b.structure(b"s", 16, &[member("a", 1, 0), member("", 5, 64)]);
    };
    let flat = |b: &mut Builder<LE>| {
        ints(b);
        b.structure(b"s", 8, &[member("c", 1, 0), member("b", 1, 32)]);
    };

    let decision = decide_one(nested, FieldByteOffset, 6, "0:1:0:1", load(12), flat);
    assert_eq!(brief(&decision), "in vmlinux, 12 -> 0, patched");
    assert_eq!(decision.local.text, "struct s.c");
    let decision = decide_one(flat, FieldByteOffset, 4, "0:0", load(0), nested);
    assert_eq!(brief(&decision), "in vmlinux, 0 -> 12, patched");
    assert_eq!(decision.target().unwrap().1.access, "0:1:0:1");
    // After a look into the union, the way goes on where it left off.
    let after = |b: &mut Builder<LE>| {
        ints(b);
        b.structure(b"", 8, &[member("b", 1, 32)]);
        b.structure(b"s", 16, &[member("", 4, 32), member("c", 1, 96)]);
    };
    let decision = decide_one(flat, FieldByteOffset, 4, "0:0", load(0), after);
    assert_eq!(brief(&decision), "in vmlinux, 0 -> 12, patched");
    assert_eq!(decision.target().unwrap().1.access, "0:1");
    // The same name with another type inside does not hide the right one outside.
    let hidden = |b: &mut Builder<LE>| {
        ints(b);
        b.ptr(1);
        b.structure(b"", 8, &[member("z", 1, 0), member("c", 4, 64)]);
        b.structure(b"s", 32, &[member("", 5, 0), member("c", 1, 128)]);
    };
    let decision = decide_one(flat, FieldByteOffset, 4, "0:0", load(0), hidden);
    assert_eq!(brief(&decision), "in vmlinux, 0 -> 16, patched");
    assert_eq!(decision.target().unwrap().1.access, "0:1");
}

#[test]
fn members_are_compared_by_class() {
    let with = |add: fn(&mut Builder<LE>) -> u32| {
        move |b: &mut Builder<LE>| {
            ints(b);
            let id = add(b);
            b.structure(b"s", 16, &[member("m", id, 0)]);
        }
    };
    let ask = |local, vmlinux| {
        let local = |b: &mut Builder<LE>| {
            with(local)(b);
            assert_eq!(b.next_id(), 9);
        };
        let decision = decide_one(local, FieldExists, 8, "0:0", mov(1), with(vmlinux));
        decision.new_value == Some(1)
    };
    // Each adds four types, and returns the last or the one that matters.
    type Add = fn(&mut Builder<LE>) -> u32;
    let all: [(&str, Add); 9] = [
        ("int", |b| {
            b.constant(1);
            b.volatile(1);
            b.restrict(1);
            b.typedef(b"t", 4)
        }),
        ("struct", |b| {
            b.constant(5);
            b.structure(b"a", 8, &[]);
            b.structure(b"b", 8, &[]);
            b.type_tag(b"user", 5)
        }),
        ("union", |b| {
            b.union(b"a", 8, &[]);
            b.union(b"b", 8, &[]);
            b.structure(b"b", 8, &[]);
            b.typedef(b"u", 4)
        }),
        ("pointer", |b| {
            b.ptr(0);
            b.ptr(1);
            b.ptr(2);
            b.ptr(3)
        }),
        ("enum a", |b| {
            b.enumeration(b"a___x", 4, false, &[]);
            b.ptr(1);
            b.ptr(2);
            b.typedef(b"e", 4)
        }),
        ("enum64 a", |b| {
            b.enumeration64(b"a___y", 8, false, &[]);
            b.ptr(1);
            b.ptr(2);
            b.typedef(b"e", 4)
        }),
        ("enum b", |b| {
            b.enumeration(b"b", 4, false, &[]);
            b.ptr(1);
            b.ptr(2);
            b.typedef(b"e", 4)
        }),
        ("enum", |b| {
            b.enumeration(b"", 4, false, &[]);
            b.ptr(1);
            b.ptr(2);
            b.typedef(b"e", 4)
        }),
        ("array", |b| {
            b.ptr(0);
            b.array(4, 1, 3);
            b.array(5, 1, 2);
            b.array(6, 1, 2)
        }),
    ];
    let alike: &[&[&str]] = &[
        &["int"],
        &["struct", "union"],
        &["pointer"],
        &["enum a", "enum64 a", "enum"],
        &["enum b", "enum"],
        &["array"],
    ];

    for (one, local) in all {
        for (other, vmlinux) in all {
            let want = alike
                .iter()
                .any(|of| of.contains(&one) && of.contains(&other));
            assert_eq!(ask(local, vmlinux), want, "{one} and {other}");
        }
    }
    // Bit-fields of old compilers are never the same.
    let old: Add = |b| {
        b.ptr(1);
        b.ptr(2);
        b.ptr(3);
        b.int(
            b"old",
            Int {
                offset: 3,
                ..Int::signed(4)
            },
        )
    };
    assert!(!ask(all[0].1, old));
}

/// struct s { uint a : 3; uint b : 12; uint c : 20; int d : 7; }, from a bit on.
fn bitfields<O: splitbtf::ByteOrder>(from: u32, size: u8) -> impl Fn(&mut Builder<O>) {
    move |b| {
        b.int(b"unsigned", Int::unsigned(size));
        b.int(b"int", Int::signed(4));
        let members = [
            bits("a", 1, from, 3),
            bits("b", 1, from + 3, 12),
            bits("c", 1, from + 15, 20),
            bits("d", 2, from + 40, 7),
        ];
        b.structure(b"s", 16, &members);
    }
}

#[test]
fn bitfields_are_loaded_by_powers_of_two() {
    fn check<O: splitbtf::ByteOrder + Send + Sync + 'static>(
        from: u32,
        size: u8,
        want: [[u64; 5]; 4],
    ) {
        let vmlinux = kernel::<O>(bitfields(from, size));
        for (n, want) in want.into_iter().enumerate() {
            let kinds = [
                FieldByteOffset,
                FieldByteSize,
                FieldLshiftU64,
                FieldRshiftU64,
                FieldSigned,
            ];
            for (kind, want) in kinds.into_iter().zip(want) {
                let access = format!("0:{n}");
                // Values that are not checked are wrong here.
                let imm = match kind {
                    FieldRshiftU64 => [61, 52, 44, 57][n],
                    FieldSigned => [0, 0, 0, 1][n],
                    _ => 77,
                };
                let ask = Ask::new(kind, 3, &access, mov(imm));
                let sample = Sample::new::<O>(bitfields(0, 4), &[ask]);
                let decision = sample.decide(&Targets::new(&vmlinux)).remove(0).unwrap();
                assert!(decision.is_accepted(), "{decision:#?}");
                assert_eq!(
                    decision.new_value,
                    Some(want),
                    "{kind:?} of {n} from {from}"
                );
                assert_eq!(decision.checked, imm != 77);
            }
        }
    }

    // By hand: offset, size, shifts, sign. c is in bits 15 to 34: only a load of 8 bytes has it.
    check::<LE>(
        0,
        4,
        [
            [0, 4, 61, 61, 0],
            [0, 4, 49, 52, 0],
            [0, 8, 29, 44, 0],
            [4, 4, 49, 57, 1],
        ],
    );
    check::<BE>(
        0,
        4,
        [
            [0, 4, 32, 61, 0],
            [0, 4, 35, 52, 0],
            [0, 8, 15, 44, 0],
            [4, 4, 40, 57, 1],
        ],
    );
    // With a type of 1 byte, from bit 16 on: b is in bits 19 to 30, c in 31 to 50, d in 56 to 62.
    let want = [
        [2, 1, 61, 61, 0],
        [2, 2, 49, 52, 0],
        [0, 8, 13, 44, 0],
        [4, 4, 33, 57, 1],
    ];
    check::<LE>(16, 1, want);
}

#[test]
fn some_bitfields_cannot_be_loaded() {
    // Bits 47 to 66 are in no 8 bytes that start at a multiple of 8.
    let decision = decide_one(
        bitfields(0, 4),
        FieldByteSize,
        3,
        "0:2",
        mov(8),
        bitfields(32, 4),
    );
    let text = "a bit-field of 20 bits at bit 47 cannot be read with 64 bits";

    assert_eq!(brief(&decision), format!("failed: {text}, 8 -> -, none"));
    assert_eq!(verdicts(&decision), [format!("fails: {text}")]);
    assert!(!decision.is_accepted());
    // Whether it exists can be answered.
    let decision = decide_one(
        bitfields(0, 4),
        FieldExists,
        3,
        "0:2",
        mov(1),
        bitfields(32, 4),
    );
    assert_eq!(decision.new_value, Some(1));
}

#[test]
fn loads_change_their_size() {
    let with = |name: &'static [u8], int: Int| {
        move |b: &mut Builder<LE>| {
            b.int(name, int);
            b.ptr(1);
            b.structure(b"s", 16, &[member("n", 1, 0), member("p", 2, 64)]);
        }
    };
    let ask = |access, insns, local: Int, vmlinux: (&'static [u8], Int)| {
        let local = with(b"int", local);
        let (name, int) = vmlinux;
        decide_one(local, FieldByteOffset, 3, access, insns, with(name, int))
    };
    let word = load(0);

    let decision = ask(
        "0:0",
        word.clone(),
        Int::unsigned(4),
        (b"int", Int::unsigned(2)),
    );
    assert_eq!(
        decision.instruction.action,
        Action::Patched {
            field: crate::Field::Off,
            resized: Some(Resize { from: 4, to: 2 })
        }
    );
    assert_eq!(decision.instruction.after[0].code, 0x69);
    // A sign would get lost.
    let signed = (&b"int"[..], Int::signed(2));
    let decision = ask("0:0", word.clone(), Int::signed(4), signed);
    assert_eq!(brief(&decision), "in vmlinux, 0 -> 0, poisoned (Size)");
    // What is not a load or store does not depend on the size.
    let decision = ask("0:0", mov(0), Int::signed(4), signed);
    assert_eq!(brief(&decision), "in vmlinux, 0 -> 0, unchanged");
    // No instruction loads 3 bytes.
    let odd = (&b"int"[..], Int::unsigned(3));
    let decision = ask("0:0", word.clone(), Int::unsigned(4), odd);
    assert_eq!(
        brief(&decision),
        "in vmlinux, 0 -> 0, refused: no instruction accesses 3 bytes"
    );
    let double = vec![crate::Insn {
        code: 0x79,
        ..word[0]
    }];
    let decision = ask(
        "0:0",
        double.clone(),
        Int::unsigned(4),
        (b"int", Int::unsigned(2)),
    );
    assert_eq!(
        brief(&decision),
        "in vmlinux, 0 -> 0, refused: the instruction accesses 8 bytes, not 4"
    );
    // The kernel's pointers are as large as its `long`.
    let pointer = vec![crate::Insn {
        off: 8,
        ..double[0]
    }];
    let long = (&b"long unsigned int"[..], Int::unsigned(4));
    let decision = ask("0:1", pointer.clone(), Int::unsigned(4), long);
    assert_eq!(brief(&decision), "in vmlinux, 8 -> 8, patched");
    assert_eq!(decision.instruction.after[0].code, 0x61);
    let decision = ask(
        "0:1",
        pointer.clone(),
        Int::unsigned(4),
        (b"int", Int::unsigned(4)),
    );
    assert_eq!(brief(&decision), "in vmlinux, 8 -> 8, unchanged");
    let asks = [Ask::new(FieldByteOffset, 3, "0:1", pointer)];
    let sample = Sample::new::<LE>(with(b"int", Int::unsigned(4)), &asks);
    let vmlinux = kernel::<LE>(with(b"int", Int::unsigned(4)));
    let targets = Targets::new(&vmlinux).pointer_size(4);
    let decision = sample.decide(&targets).remove(0).unwrap();
    assert_eq!(brief(&decision), "in vmlinux, 8 -> 8, patched");
}

#[test]
fn access_strings_are_checked() {
    let error = |kind, ty, access: &str| {
        let sample = Sample::new::<LE>(arrays, &[Ask::new(kind, ty, access, mov(0))]);
        let vmlinux = kernel::<LE>(arrays);
        let Error {
            section,
            offset,
            reason,
        } = sample
            .decide(&Targets::new(&vmlinux))
            .remove(0)
            .unwrap_err();
        assert_eq!((section.as_str(), offset), ("tc", 0));
        reason
    };
    let malformed = |access: &str| Invalid::Access {
        access: access.into(),
    };

    let long = ["0"; 65].join(":");
    let strings = [
        "x",
        "0:",
        ":0",
        "0::1",
        "-1",
        "+1",
        "0 1",
        "2147483648",
        &long,
    ];
    for access in strings {
        assert_eq!(error(FieldExists, 6, access), malformed(access));
        assert_eq!(error(TypeExists, 6, access), malformed(access));
    }
    assert_eq!(error(TypeIdLocal, 6, "0:0"), malformed("0:0"));
    let part = |access: &str, ty: &str, index| Invalid::Part {
        access: access.into(),
        ty: ty.into(),
        index,
    };
    assert_eq!(error(FieldExists, 6, "0:2"), part("0:2", "struct out", 2));
    assert_eq!(
        error(FieldExists, 6, "0:1:3"),
        part("0:1:3", "struct in [3]", 3)
    );
    assert_eq!(error(FieldExists, 6, "0:0:0"), part("0:0:0", "int", 0));
    assert_eq!(error(EnumvalExists, 6, "0"), part("0", "struct out", 0));
    assert!(matches!(error(FieldExists, 99, "0"), Invalid::Types { .. }));
    // An array has no name.
    assert_eq!(
        error(FieldExists, 5, "0"),
        Invalid::Anonymous { type_id: 5 }
    );
}

#[test]
fn elements_have_no_sign() {
    let ask = |kind, imm| decide_one(arrays, kind, 6, "0:1:2", mov(imm), arrays);

    assert_eq!(
        brief(&ask(FieldByteSize, 8)),
        "in vmlinux, 8 -> 8, unchanged"
    );
    assert_eq!(
        brief(&ask(FieldSigned, 0)),
        "failed: 'signed' is not defined for the element of an array, - -> -, none"
    );
}

/// A candidate that does not have what others have is not asked again.
#[test]
fn candidates_are_ruled_out() {
    let local = |b: &mut Builder<LE>| {
        ints(b);
        b.structure(b"s", 12, &[member("a", 1, 0), member("b", 1, 32)]);
    };
    let vmlinux = |b: &mut Builder<LE>| {
        ints(b);
        b.structure(b"s", 4, &[member("b", 1, 0)]);
        b.structure(b"s___2", 12, &[member("a", 1, 0), member("b", 1, 64)]);
    };
    let a = Ask::new(FieldByteOffset, 4, "0:0", load(0));
    let b = Ask::new(FieldByteOffset, 4, "0:1", load(4));
    let c = Ask::new(FieldExists, 4, "0:0", mov(1));

    let alone = decide(local, std::slice::from_ref(&b), vmlinux);
    assert_eq!(brief(&alone[0]), "ambiguous, 4 -> -, none");
    let after = decide(local, &[a, b, c], vmlinux);
    assert_eq!(brief(&after[1]), "in vmlinux, 4 -> 8, patched");
    assert_eq!(
        verdicts(&after[1]),
        ["ruled out", "[5] struct s___2.b (0:1 @ 8) is 8"]
    );
    assert_eq!(verdicts(&after[2])[0], "ruled out");
}
