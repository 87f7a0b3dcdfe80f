// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use alloc::string::String;

use zerocopy::BE;
use zerocopy::LE;

use super::*;
use crate::testing::build;
use crate::testing::every_kind;
use crate::testing::int;
use crate::testing::lines;
use crate::testing::members;
use crate::testing::open;
use crate::testing::File;
use crate::Btf;
use crate::BtfExt;
use crate::Builder;
use crate::TypeName;

/// The types after distilling: those of the base, and those of the split BTF.
fn parts<O: ByteOrder + 'static>(split: &Btf<'_, O>) -> (Vec<String>, Vec<String>) {
    let distilled = distill(&split.validated().unwrap()).unwrap();
    let base = open::<O>(&distilled.base, None).unwrap();
    let split = open(&distilled.split, Some(base)).unwrap();

    base.validated().unwrap();
    split.validated().unwrap();
    (lines(base), lines(split))
}

/// Split BTF with pointers to these types.
fn pointers<O: ByteOrder>(base: &'static Btf<'static, O>, to: &[u32]) -> &'static Btf<'static, O> {
    build(Some(base), |b| {
        for id in to {
            b.ptr(*id);
        }
    })
}

#[test]
fn each_kind_is_distilled_in_both_orders() {
    fn check<O: ByteOrder + 'static>() {
        let base = build::<O>(None, |b| every_kind(b, 1, 4));
        // All but the FUNC, VAR, DATASEC and DECL_TAG.
        let split = pointers(base, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 16, 18, 19]);

        let (base, split) = parts(split);
        assert_eq!(
            base,
            [
                "1 FWD+ declared 0",
                "2 FLOAT double 8",
                "3 ENUM e 4",
                "4 ENUM e64 8",
                "5 INT int 4 0x1000020",
                "6 STRUCT s 16",
                "7 UNION u 16",
            ]
        );
        assert_eq!(
            split,
            [
                "8 PTR - 5",
                "9 PTR - 23",
                "10 PTR - 24",
                "11 PTR - 6",
                "12 PTR - 7",
                "13 PTR - 3",
                "14 PTR - 1",
                "15 PTR - 29",
                "16 PTR - 25",
                "17 PTR - 26",
                "18 PTR - 27",
                "19 PTR - 28",
                "20 PTR - 2",
                "21 PTR - 30",
                "22 PTR - 4",
                "23 PTR - 6",
                "24 ARRAY - 0 0x5 0x5 0x3",
                "25 VOLATILE - 5",
                "26 CONST - 25",
                "27 RESTRICT - 23",
                "28 FUNC_PROTO - 5 (p 27) (- 0)",
                "29 TYPEDEF int_t 5",
                "30 TYPE_TAG user 5",
            ]
        );
    }

    check::<LE>();
    check::<BE>();
}

#[test]
fn some_kinds_cannot_be_distilled() {
    let base = build::<LE>(None, |b| every_kind(b, 1, 4));

    for (id, kind) in [
        (12, wire::FUNC),
        (14, wire::VAR),
        (15, wire::DATASEC),
        (17, wire::DECL_TAG),
    ] {
        let result = distill(&pointers(base, &[1, id]).validated().unwrap());
        let error = result.unwrap_err();
        assert!(
            matches!(
                error,
                Error::Type { id: found, kind: of, reason: TypeReason::NotDistillable, .. }
                    if (found, of) == (id, kind)
            ),
            "{error}"
        );
    }
}

#[test]
fn what_has_no_name_is_moved_whole() {
    let base = build::<LE>(None, |b| {
        b.int(b"int", int(4));
        b.structure(b"", 4, &members(&[1]));
        b.union(b"", 4, &members(&[2, 7]));
        b.enumeration(b"", 4, false, &[(b"RED", 0), (b"GREEN", 1)]);
        b.enumeration64(b"", 8, false, &[(b"BLUE", 2)]);
        b.structure(b"not_needed", 4, &members(&[1]));
        b.structure(b"named", 4, &members(&[6]));
    });

    let (base, split) = parts(pointers(base, &[3, 4, 5]));
    assert_eq!(base, ["1 INT int 4 0x1000020", "2 STRUCT named 4"]);
    assert_eq!(
        split,
        [
            "3 PTR - 7",
            "4 PTR - 8",
            "5 PTR - 9",
            "6 STRUCT - 4 (m 1 0)",
            "7 UNION - 4 (m 6 0) (m 2 0)",
            "8 ENUM - 4 (RED 0) (GREEN 1)",
            "9 ENUM64 - 8 (BLUE 2 0)",
        ]
    );
}

#[test]
fn names_may_be_of_the_base_the_split_or_both() {
    let base = build::<LE>(None, |b| {
        b.structure(b"s", 4, &[]);
        b.structure(b"", 4, &members(&[1]));
        b.typedef(b"t", 1);
    });
    let split = build(Some(base), |b| {
        b.typedef(b"s", 1);
        b.typedef(b"t", 2);
        b.typedef(b"own", 3);
        b.fwd(b"m", false);
    });

    assert_eq!(
        parts(split),
        (
            vec!["1 STRUCT s 4".into()],
            vec![
                "2 TYPEDEF s 1".into(),
                "3 TYPEDEF t 6".into(),
                "4 TYPEDEF own 7".into(),
                "5 FWD m 0".into(),
                "6 STRUCT - 4 (m 1 0)".into(),
                "7 TYPEDEF t 1".into(),
            ]
        )
    );
}

#[test]
fn nothing_may_be_needed() {
    let base = build::<LE>(None, |b| {
        b.int(b"int", int(4));
        b.ptr(0);
    });

    let own = build(Some(base), |b| {
        b.int(b"own", int(8));
        b.ptr(3);
    });
    let (distilled, split) = parts(own);
    assert_eq!(distilled, [""; 0]);
    assert_eq!(split, ["1 INT own 8 0x1000040", "2 PTR - 1"]);

    let (distilled, split) = parts(pointers(base, &[0, 2]));
    assert_eq!(distilled, [""; 0]);
    assert_eq!(split, ["1 PTR - 0", "2 PTR - 3", "3 PTR - 0"]);

    let empty = build::<LE>(None, |_| {});
    assert_eq!(parts(pointers(empty, &[])), (vec![], vec![]));
}

#[test]
fn there_must_be_a_base() {
    let btf = build::<LE>(None, |_| {});

    assert_eq!(distill(&btf.validated().unwrap()), Err(Error::NotDistilled));
}

#[test]
fn what_nothing_distinguishes_is_one() {
    let base = build::<LE>(None, |b| {
        b.structure(b"s", 4, &members(&[]));
        b.structure(b"s", 8, &[]);
        b.structure(b"s", 4, &members(&[2]));
        b.union(b"s", 4, &[]);
        b.enumeration(b"s", 8, false, &[]);
        b.enumeration64(b"s", 8, true, &[]);
        b.int(b"s", int(4));
        b.int(b"s", int(4));
        b.fwd(b"s", false);
        b.fwd(b"s", true);
    });
    let split = pointers(base, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);

    let (base, split) = parts(split);
    assert_eq!(
        base,
        [
            "1 INT s 4 0x1000020",
            "2 STRUCT s 4",
            "3 STRUCT s 8",
            "4 UNION s 4",
            "5 ENUM s 8",
            "6 FWD s 0",
            "7 FWD+ s 0"
        ]
    );
    assert_eq!(
        split,
        [
            "8 PTR - 2",
            "9 PTR - 3",
            "10 PTR - 2",
            "11 PTR - 4",
            "12 PTR - 5",
            "13 PTR - 5",
            "14 PTR - 1",
            "15 PTR - 1",
            "16 PTR - 6",
            "17 PTR - 7"
        ]
    );
}

#[test]
fn the_base_may_be_split_itself() {
    let vmlinux = build::<LE>(None, |b| {
        b.int(b"int", int(4));
        b.structure(b"s", 4, &members(&[1]));
        b.ptr(2);
    });
    let module = build(Some(vmlinux), |b| {
        b.structure(b"a", 8, &members(&[3]));
        b.typedef(b"own", 1);
    });
    let split = build(Some(module), |b| {
        b.structure(b"mine", 8, &members(&[4, 3, 5]));
    });

    let (base, split) = parts(split);
    assert_eq!(
        base,
        ["1 STRUCT a 8", "2 INT int 4 0x1000020", "3 STRUCT s 4"]
    );
    assert_eq!(
        split,
        [
            "4 PTR - 3",
            "5 STRUCT mine 8 (m 1 0) (m 4 0) (m 6 0)",
            "6 TYPEDEF own 2"
        ]
    );
}

#[test]
fn what_was_sorted_still_is() {
    let base = build::<LE>(None, |b| {
        b.int(b"int", int(4));
        b.typedef(b"m_t", 1);
        b.typedef(b"a_t", 2);
        b.ptr(3);
        b.typedef(b"k", 1);
    });
    let sorted = build(Some(base), |b| {
        b.ptr(4);
        b.typedef(b"b", 3);
        b.typedef(b"k", 5);
        b.typedef(b"z", 2);
    });

    let (_, split) = parts(sorted);
    assert_eq!(
        split,
        [
            "2 PTR - 3",
            "3 PTR - 4",
            "4 TYPEDEF a_t 8",
            "5 TYPEDEF b 4",
            "6 TYPEDEF k 7",
            "7 TYPEDEF k 1",
            "8 TYPEDEF m_t 1",
            "9 TYPEDEF z 8",
        ]
    );

    // Otherwise the moved types come last, in their order.
    let unsorted = build(Some(base), |b| {
        b.typedef(b"z", 2);
        b.ptr(4);
        b.typedef(b"b", 3);
    });
    let (_, split) = parts(unsorted);
    assert_eq!(
        split,
        [
            "2 TYPEDEF z 5",
            "3 PTR - 7",
            "4 TYPEDEF b 6",
            "5 TYPEDEF m_t 1",
            "6 TYPEDEF a_t 5",
            "7 PTR - 6",
        ]
    );
}

#[test]
fn ids_are_told() {
    let base = build::<LE>(None, |b| {
        b.int(b"not_needed", int(4));
        b.structure(b"s", 4, &[]);
        b.typedef(b"t", 2);
        b.structure(b"s", 4, &[]);
        b.int(b"int", int(4));
    });
    let split = build(Some(base), |b| {
        b.ptr(3);
        b.array(4, 5, 1);
    });
    let distilled = distill(&split.validated().unwrap()).unwrap();

    let ids: Vec<_> = (0..9).map(|id| distilled.id(id)).collect();
    let want = [
        Some(0),
        None,
        Some(2),
        Some(5),
        Some(2),
        Some(1),
        Some(3),
        Some(4),
        None,
    ];
    assert_eq!(ids, want);
    assert_eq!(distilled.id(u32::MAX), None);
}

#[test]
fn memory_can_be_used_again() {
    let big = build::<LE>(None, |b| every_kind(b, 1, 4));
    let small = build::<LE>(None, |b| {
        b.fwd(b"f", false);
        b.typedef(b"t", 1);
    });
    let good = pointers(big, &[3, 4, 6]).validated().unwrap();
    let bad = pointers(big, &[1, 2, 3, 12]).validated().unwrap();
    let other = pointers(small, &[2]).validated().unwrap();
    let mut distiller = Distiller::new();

    let first = distiller.distill(&good).unwrap();
    assert_eq!(first, distill(&good).unwrap());
    for _ in 0..2 {
        assert!(distiller.distill(&bad).is_err());
        assert_eq!(distiller.distill(&other), distill(&other));
        assert_eq!(distiller.distill(&good).as_ref(), Ok(&first));
    }
}

/// A name may be the end of another, even if the base has it only as that.
#[test]
fn ends_of_names_are_shared() {
    let base = build::<LE>(None, |b| {
        b.structure(b"task_struct", 4, &[]);
        b.structure(b"struct", 4, &[]);
        b.structure(b"other", 4, &[]);
    });
    let split = pointers(base, &[1, 2]);

    let distilled = distill(&split.validated().unwrap()).unwrap();
    let base = Sections::<LE>::find(&distilled.base).unwrap();
    assert_eq!(base.strings, b"\0task_struct\0");
    let (base, _) = parts(split);
    assert_eq!(base, ["1 STRUCT struct 4", "2 STRUCT task_struct 4"]);
}

/// The flag of a STRUCT or ENUM says how to read its members or values, and there are none.
#[test]
fn flags_are_left_out() {
    let base = File::<LE>::new()
        .strings(b"\0s\0")
        .add(1, 0x80 | 4, 0, 4, &[])
        .add(1, 0x80 | 6, 0, 4, &[])
        .add(1, 0x80 | 16, 0, 4, &[]);
    let split = pointers(base.open(None).unwrap(), &[1, 2, 3]);

    let (base, _) = parts(split);
    assert_eq!(base, ["1 STRUCT s 4", "2 ENUM s 4", "3 FLOAT s 4"]);
}

#[test]
fn members_of_the_base_are_not_followed() {
    let add = |b: &mut Builder<LE>| {
        b.structure(b"s", 8, &members(&[2]));
        b.func(b"f", 0, 1);
    };
    let split = pointers(build(None, add), &[1]);

    assert_eq!(parts(split).0, ["1 STRUCT s 8"]);
}

/// The limit is only for types that relocation looks up by name.
#[test]
fn names_have_a_limit() {
    for (len, fits) in [(512, true), (513, false)] {
        let name = vec![b'a'; len];
        let base = build::<LE>(None, |b| {
            b.fwd(&name, false);
            b.typedef(&name, 0);
            b.structure(&name, 4, &[]);
        });

        let distilled = |id| distill(&pointers(base, &[id]).validated().unwrap());
        assert_eq!(distilled(1).is_ok(), fits);
        assert!(distilled(2).is_ok());
        assert_eq!(distilled(3).is_ok(), fits);
        let error = distilled(3).err();
        assert!(error.is_none_or(|error| matches!(
            error,
            Error::Type {
                id: 3,
                reason: TypeReason::LongName,
                ..
            }
        )));
    }
}

#[test]
fn unknown_kinds_are_kept_or_named() {
    let base = File::<LE> {
        hdr_len: 32,
        layout: [vec![[0; 4]; 20], vec![[4, 0, 0, 0]]].concat(),
        ..File::new().strings(b"\0int\0")
    };
    let base = base
        .add(0, 20, 0, 0, &[2])
        .add(1, 1, 0, 4, &[0x0100_0020])
        .open(None)
        .unwrap();
    let split = |word, to| {
        let file = File::<LE>::new().strings(b"").add(0, 20, 0, 0, &[word]);
        let file = file.add(0, 2, 0, to, &[]);
        file.open(Some(base)).unwrap().validated().unwrap()
    };
    let error = |id, offset, reason| Error::Type {
        id,
        kind: 20,
        name: TypeName::default(),
        offset,
        reason,
    };

    let distilled = distill(&split(1000, 2)).unwrap();
    let new_base = open::<LE>(&distilled.base, None).unwrap();
    let new = open(&distilled.split, Some(new_base)).unwrap();
    assert_eq!(lines(new_base), ["1 INT int 4 0x1000020"]);
    assert_eq!(lines(new), ["2 ? - 0 0x3e8", "3 PTR - 1"]);
    assert_eq!(
        distill(&split(2, 2)),
        Err(error(3, 0, TypeReason::UnknownReferences))
    );
    assert_eq!(
        distill(&split(1000, 1)),
        Err(error(1, 0, TypeReason::NotDistillable))
    );
}
