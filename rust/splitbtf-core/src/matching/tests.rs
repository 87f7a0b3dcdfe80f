// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use alloc::string::ToString;

use zerocopy::LE;

use super::*;
use crate::testing::File;

/// A type of this kind and size.
const fn of(kind: u8, size: u32) -> Traits {
    Traits {
        kind,
        is_union: false,
        size,
        encoding: 0,
    }
}

const fn int(size: u32, encoding: u8) -> Traits {
    Traits {
        encoding,
        ..of(wire::INT, size)
    }
}

const fn fwd(is_union: bool) -> Traits {
    Traits {
        is_union,
        ..of(wire::FWD, 0)
    }
}

/// Finds a match among these candidates, which have the ids 1, 2, ...
fn find_in(wanted: Traits, contained: bool, candidates: &[Traits]) -> Result<u32, Mismatch> {
    let mut candidates = (1..).zip(candidates.iter().copied().map(Some));

    find(&wanted, contained, &mut candidates)
}

/// Checks the match. It is the same for contained and other types.
#[track_caller]
fn check(wanted: Traits, candidates: &[Traits], want: Result<u32, Mismatch>) {
    assert_eq!(find_in(wanted, false, candidates), want, "not contained");
    assert_eq!(find_in(wanted, true, candidates), want, "contained");
}

fn kind(found: u8) -> Result<u32, Mismatch> {
    Err(Mismatch::Kind { found })
}

fn size(wanted: u32, found: u32) -> Result<u32, Mismatch> {
    Err(Mismatch::Size { wanted, found })
}

fn none_of_size(wanted: u32, candidates: u32) -> Result<u32, Mismatch> {
    Err(Mismatch::NoneOfSize { wanted, candidates })
}

fn ambiguous(size: u32, candidates: u32) -> Result<u32, Mismatch> {
    Err(Mismatch::Ambiguous { size, candidates })
}

const STRUCT: Traits = of(wire::STRUCT, 8);
const BIGGER: Traits = of(wire::STRUCT, 16);
const UNION: Traits = of(wire::UNION, 8);

#[test]
fn one_of_kind_and_size_is_found() {
    for kind in [wire::FLOAT, wire::STRUCT, wire::UNION, wire::ENUM] {
        check(of(kind, 8), &[of(kind, 8)], Ok(1));
    }
    for encoding in [0, 1, 2, 4] {
        check(int(4, encoding), &[int(4, encoding)], Ok(1));
    }
    for is_union in [false, true] {
        check(fwd(is_union), &[fwd(is_union)], Ok(1));
    }
}

#[test]
fn there_may_be_none() {
    check(STRUCT, &[], Err(Mismatch::Missing));
    let nothing = &mut [(1, None), (2, None)].into_iter();
    assert_eq!(find(&STRUCT, false, nothing), Err(Mismatch::Missing));
}

#[test]
fn kinds_count() {
    let kinds = [
        wire::INT,
        wire::STRUCT,
        wire::UNION,
        wire::ENUM,
        wire::FLOAT,
    ];

    for wanted in kinds {
        for found in kinds.into_iter().filter(|found| *found != wanted) {
            check(of(wanted, 8), &[of(found, 8)], kind(found));
            check(of(wanted, 8), &[of(found, 8), of(wanted, 8)], Ok(2));
            check(of(wanted, 8), &[of(wanted, 8), of(found, 8)], Ok(1));
        }
    }
}

#[test]
fn an_enum_may_have_become_an_enum64() {
    check(of(wire::ENUM, 8), &[of(wire::ENUM64, 8)], Ok(1));
    check(of(wire::ENUM, 4), &[of(wire::ENUM64, 8)], size(4, 8));
    check(
        of(wire::ENUM, 8),
        &[of(wire::ENUM64, 8), of(wire::ENUM, 8)],
        ambiguous(8, 2),
    );
    check(of(wire::ENUM64, 8), &[of(wire::ENUM, 8)], kind(wire::ENUM));
}

#[test]
fn sizes_count_where_there_are_no_members() {
    for kind in [wire::INT, wire::FLOAT, wire::ENUM] {
        check(of(kind, 4), &[of(kind, 8)], size(4, 8));
        check(of(kind, 4), &[of(kind, 8), of(kind, 4)], Ok(2));
        check(of(kind, 4), &[of(kind, 8), of(kind, 2)], none_of_size(4, 2));
    }
}

#[test]
fn the_only_composite_may_be_of_any_size_unless_contained() {
    for kind in [wire::STRUCT, wire::UNION] {
        let found = [of(kind, 16)];
        assert_eq!(find_in(of(kind, 8), false, &found), Ok(1));
        assert_eq!(find_in(of(kind, 8), true, &found), size(8, 16));
    }
    let found = [UNION, of(wire::INT, 8), BIGGER];
    assert_eq!(find_in(STRUCT, false, &found), Ok(3));
    assert_eq!(find_in(STRUCT, true, &found), size(8, 16));
}

#[test]
fn of_several_composites_the_size_decides() {
    check(STRUCT, &[BIGGER, STRUCT], Ok(2));
    check(STRUCT, &[STRUCT, BIGGER, BIGGER], Ok(1));
    check(STRUCT, &[BIGGER, BIGGER], none_of_size(8, 2));
    check(STRUCT, &[STRUCT, STRUCT], ambiguous(8, 2));
    check(STRUCT, &[STRUCT, BIGGER, STRUCT, STRUCT], ambiguous(8, 3));
}

#[test]
fn encodings_count() {
    check(int(4, 1), &[int(4, 0)], Err(Mismatch::Encoding));
    check(int(4, 1), &[int(4, 0), int(4, 1)], Ok(2));
    check(int(4, 1), &[int(4, 1), int(4, 1)], ambiguous(4, 2));
    check(int(4, 1), &[int(4, 0), int(4, 2)], Err(Mismatch::Encoding));
    check(int(4, 1), &[int(8, 1)], size(4, 8));
}

#[test]
fn a_declaration_stands_for_what_it_declares() {
    let (a_struct, a_union) = (fwd(false), fwd(true));

    for (declaration, definition) in [(a_struct, STRUCT), (a_union, UNION)] {
        check(declaration, &[definition], Ok(1));
        // Its own kind comes first.
        check(declaration, &[definition, declaration], Ok(2));
        check(declaration, &[definition, definition], ambiguous(0, 2));
    }
    check(a_struct, &[UNION], kind(wire::UNION));
    check(a_union, &[STRUCT], kind(wire::STRUCT));
    check(a_struct, &[a_union], kind(wire::FWD));
    check(a_struct, &[a_union, STRUCT], Ok(2));
    check(a_struct, &[a_struct, a_struct], ambiguous(0, 2));
    check(a_struct, &[of(wire::ENUM, 4)], kind(wire::ENUM));
}

#[test]
fn a_composite_may_be_just_declared_unless_contained() {
    for (definition, declaration) in [(STRUCT, fwd(false)), (UNION, fwd(true))] {
        assert_eq!(find_in(definition, false, &[declaration]), Ok(1));
        assert_eq!(find_in(definition, true, &[declaration]), kind(wire::FWD));
        // Its own kind comes first.
        check(definition, &[declaration, definition], Ok(2));
        assert_eq!(
            find_in(definition, false, &[declaration, declaration]),
            ambiguous(8, 2)
        );
    }
    check(STRUCT, &[fwd(true)], kind(wire::FWD));
    check(UNION, &[fwd(false)], kind(wire::FWD));
    check(STRUCT, &[fwd(false), BIGGER, BIGGER], none_of_size(8, 2));
}

#[test]
fn candidates_are_not_counted_for_ever() {
    let mut seen = 0;
    let mut endless = (1..).map(|id| {
        seen += 1;
        (id, Some(STRUCT))
    });

    let found = find(&STRUCT, false, &mut endless);
    assert_eq!(found, ambiguous(8, MAX_CANDIDATES as u32));
    assert_eq!(seen, MAX_CANDIDATES + 1);

    // Just the limit: all are examined.
    let mut candidates =
        (1..=MAX_CANDIDATES as u32).map(|id| (id, Some(if id == 7 { STRUCT } else { BIGGER })));
    assert_eq!(find(&STRUCT, false, &mut candidates), Ok(7));
}

#[test]
fn what_counts_is_read_from_types() {
    let file = File::<LE>::new()
        .add(0, 1, 0, 4, &[0x0300_0020])
        .add(0, 4, 0, 8, &[])
        .add(0, 5 | 0x80, 0, 12, &[])
        .add(0, 7, 0, 99, &[])
        .add(0, 7 | 0x80, 0, 0, &[])
        .add(0, 6, 0, 4, &[])
        .add(0, 19, 0, 8, &[])
        .add(0, 16, 0, 10, &[])
        .add(0, 2, 0, 1, &[])
        .add(0, 8, 0, 1, &[]);
    let btf = file.open(None).unwrap();
    let traits = |id| {
        let traits = Traits::of(&btf.record(id).unwrap())?;
        Some((traits.kind, traits.is_union, traits.size, traits.encoding))
    };

    assert_eq!(traits(1), Some((wire::INT, false, 4, 3)));
    assert_eq!(traits(2), Some((wire::STRUCT, false, 8, 0)));
    // A union's flag says how to read its members.
    assert_eq!(traits(3), Some((wire::UNION, false, 12, 0)));
    assert_eq!(traits(4), Some((wire::FWD, false, 0, 0)));
    assert_eq!(traits(5), Some((wire::FWD, true, 0, 0)));
    assert_eq!(traits(6), Some((wire::ENUM, false, 4, 0)));
    assert_eq!(traits(7), Some((wire::ENUM64, false, 8, 0)));
    assert_eq!(traits(8), Some((wire::FLOAT, false, 10, 0)));
    assert_eq!(traits(9), None);
    assert_eq!(traits(10), None);
}

#[test]
fn mismatches_read_well() {
    let text = |result: Result<u32, Mismatch>| {
        let reason = result.unwrap_err();
        reason.between("the module", "vmlinux").to_string()
    };

    assert_eq!(text(Err(Mismatch::Missing)), "not in vmlinux");
    assert_eq!(text(kind(wire::UNION)), "of kind UNION in vmlinux");
    assert_eq!(text(kind(77)), "of kind 77 in vmlinux");
    assert_eq!(text(size(8, 16)), "size 8 in the module, 16 in vmlinux");
    assert_eq!(text(none_of_size(8, 2)), "2 candidates, none of size 8");
    assert_eq!(
        text(Err(Mismatch::Encoding)),
        "of another encoding in vmlinux"
    );
    assert_eq!(text(ambiguous(8, 2)), "2 candidates of size 8");
    assert_eq!(text(ambiguous(0, 2)), "2 candidates");
    assert_eq!(Mismatch::Missing.to_string(), "not in the base");
}

#[test]
fn mismatches_survive_as_numbers() {
    let all = [
        Mismatch::Missing,
        Mismatch::Kind { found: 5 },
        Mismatch::Size {
            wanted: 1,
            found: u32::MAX,
        },
        Mismatch::NoneOfSize {
            wanted: 3,
            candidates: 4,
        },
        Mismatch::Encoding,
        Mismatch::Ambiguous {
            size: 5,
            candidates: 6,
        },
    ];

    for reason in all {
        assert_eq!(Mismatch::from_words(reason.to_words()), reason);
    }
}
