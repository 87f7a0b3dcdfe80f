// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Questions that loaders have got wrong.

use splitbtf::Builder;
use splitbtf::CoreReloKind::*;
use splitbtf::LE;

use super::brief;
use super::decide;
use super::verdicts;
use crate::testing::bits;
use crate::testing::ints;
use crate::testing::load;
use crate::testing::load64;
use crate::testing::member;
use crate::testing::mov;
use crate::testing::Ask;

/// A program asks for a value only if it exists: the load must not fail.
#[test]
fn a_value_that_is_not_there() {
    let local = |b: &mut Builder<LE>| {
        b.enumeration(b"kind", 4, false, &[(b"A", 100), (b"NONE", 101)]);
    };
    let asks = [
        Ask::new(EnumvalExists, 1, "1", mov(1)),
        Ask::new(EnumvalValue, 1, "1", load64(101)),
    ];
    let decisions = decide(local, &asks, |b| {
        b.enumeration(b"kind", 4, false, &[(b"A", 1)]);
    });

    assert_eq!(brief(&decisions[0]), "absent, 1 -> 0, patched");
    assert_eq!(brief(&decisions[1]), "absent, 101 -> -, poisoned (Absent)");
    assert_eq!(verdicts(&decisions[1]), ["enum kind has no value NONE"]);
}

#[test]
fn a_list_matches_itself() {
    let list = |b: &mut Builder<LE>| {
        b.ptr(2);
        b.structure(
            b"list_head",
            16,
            &[member("next", 1, 0), member("prev", 1, 64)],
        );
    };
    let asks = [Ask::new(TypeMatches, 2, "0", mov(1))];

    let decisions = decide(list, &asks, list);
    assert_eq!(brief(&decisions[0]), "in vmlinux, 1 -> 1, unchanged");
    let decisions = decide(list, &asks, |b| {
        ints(b);
        b.structure(
            b"list_head",
            16,
            &[member("next", 1, 0), member("prev", 1, 64)],
        );
    });
    assert_eq!(brief(&decisions[0]), "absent, 1 -> 0, patched");
}

#[test]
fn a_function_has_the_name_of_the_struct() {
    let local = |b: &mut Builder<LE>| {
        ints(b);
        b.structure(b"lookup", 4, &[member("none", 1, 0)]);
    };
    let asks = [Ask::new(FieldExists, 4, "0:0", mov(1))];
    let decisions = decide(local, &asks, |b| {
        ints(b);
        b.func_proto(1, &[]);
        b.func(b"lookup", 4, 1);
        b.structure(b"lookup", 4, &[member("some", 1, 0)]);
    });

    assert_eq!(brief(&decisions[0]), "absent, 1 -> 0, patched");
    assert_eq!(
        verdicts(&decisions[0]),
        ["struct lookup has no member none"]
    );
}

/// The local flavour has 64 bits, the kernel's enum 32, or the other way round.
#[test]
fn values_of_64_bits() {
    const WIDE: i64 = 0x1_0000_0001;
    let wide = |b: &mut Builder<LE>| {
        b.enumeration64(b"stats___wide", 8, false, &[(b"RUN", WIDE)]);
    };
    let narrow = |b: &mut Builder<LE>| {
        b.enumeration(b"stats", 4, false, &[(b"RUN", 7)]);
    };
    let asks = |value| [Ask::new(EnumvalValue, 1, "0", load64(value))];

    let decision = &decide(wide, &asks(WIDE as u64), narrow)[0];
    assert_eq!(decision.instruction.after, load64(7));
    let decision = &decide(narrow, &asks(7), wide)[0];
    assert_eq!(decision.instruction.after, load64(WIDE as u64));
}

#[test]
fn a_bitfield_of_an_unsigned_enum_has_no_sign() {
    let with = |signed| {
        move |b: &mut Builder<LE>| {
            b.enumeration(b"type", 4, signed, &[(b"A", 1)]);
            b.structure(b"buff", 4, &[bits("kind", 1, 5, 3)]);
        }
    };
    let asks = |signed| {
        [
            Ask::new(FieldSigned, 2, "0:0", mov(signed)),
            Ask::new(FieldLshiftU64, 2, "0:0", mov(0)),
            Ask::new(FieldRshiftU64, 2, "0:0", mov(61)),
        ]
    };
    let values = |local, vmlinux| -> Vec<_> {
        let decisions = decide(with(local), &asks(local.into()), with(vmlinux));
        decisions
            .iter()
            .map(|decision| decision.new_value.unwrap())
            .collect()
    };

    assert_eq!(values(false, false), [0, 56, 61]);
    assert_eq!(values(false, true), [1, 56, 61]);
    assert_eq!(values(true, false), [0, 56, 61]);
}

/// A field is read only if it exists; the size of the flavour is that of the kernel's type.
#[test]
fn a_guarded_field_of_a_flavour() {
    let local = |b: &mut Builder<LE>| {
        ints(b);
        b.ptr(1);
        b.structure(
            b"task___small",
            16,
            &[member("pid", 1, 0), member("none", 4, 64)],
        );
    };
    let asks = [
        Ask::new(FieldExists, 5, "0:1", mov(1)),
        Ask::new(FieldByteOffset, 5, "0:1", load(8)),
        Ask::new(TypeSize, 5, "0", mov(16)),
        Ask::new(FieldByteOffset, 5, "0:0", load(0)),
    ];
    let decisions = decide(local, &asks, |b| {
        ints(b);
        b.structure(b"task", 9000, &[member("pid", 1, 8000)]);
    });

    assert_eq!(brief(&decisions[0]), "absent, 1 -> 0, patched");
    assert_eq!(brief(&decisions[1]), "absent, 8 -> -, poisoned (Absent)");
    assert_eq!(brief(&decisions[2]), "in vmlinux, 16 -> 9000, patched");
    assert_eq!(brief(&decisions[3]), "in vmlinux, 0 -> 1000, patched");
}
