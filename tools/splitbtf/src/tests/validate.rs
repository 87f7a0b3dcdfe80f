// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use alloc::vec;

use splitbtf_core::raw::wire;
use zerocopy::ByteOrder;
use zerocopy::BE;
use zerocopy::LE;

use crate::testing::build;
use crate::testing::every_kind;
use crate::testing::int;
use crate::testing::members;
use crate::testing::File;
use crate::Btf;
use crate::BtfExt;
use crate::Builder;
use crate::Error;
use crate::TypeReason;

/// The type with a fault: its id, its kind, and the fault.
type Verdict = Option<(u32, u8, TypeReason)>;

fn verdict_on<O: ByteOrder>(btf: &Btf<'_, O>) -> Verdict {
    let valid = btf.validated();
    let references = btf.validate_references(&mut vec![0; btf.validate_scratch()]);
    let reason = match valid {
        Err(Error::Type { reason, .. }) => Some(reason),
        _ => None,
    };
    match reason {
        Some(TypeReason::Named | TypeReason::Unnamed | TypeReason::Typed) => {
            assert!(references.is_ok());
        }
        // The result depends on whose name it is.
        Some(TypeReason::NoSuchString { .. }) => {}
        _ => assert_eq!(references.err(), valid.err()),
    }

    match valid {
        Ok(_) => None,
        Err(Error::Type {
            id, kind, reason, ..
        }) => Some((id, kind, reason)),
        Err(error) => panic!("{error}"),
    }
}

fn verdict(add: impl FnOnce(&mut Builder<LE>)) -> Verdict {
    verdict_on(build(None, add))
}

/// The kinds that rename or qualify a type.
type Modifier = fn(&mut Builder<LE>, u32) -> u32;
const MODIFIERS: [(u8, Modifier); 5] = [
    (wire::TYPEDEF, |b, to| b.typedef(b"t", to)),
    (wire::VOLATILE, |b, to| b.volatile(to)),
    (wire::CONST, |b, to| b.constant(to)),
    (wire::RESTRICT, |b, to| b.restrict(to)),
    (wire::TYPE_TAG, |b, to| b.type_tag(b"t", to)),
];

#[test]
fn every_kind_passes_in_both_orders() {
    fn check<O: ByteOrder + 'static>() {
        let btf = build::<O>(None, |b| every_kind(b, 1, 4));
        let valid = btf.validated().unwrap();

        assert_eq!(valid.iter().count(), 19);
        let kinds = (1..btf.end_id()).map(|id| btf.head(id).unwrap().kind());
        assert!(kinds.eq(wire::INT..=wire::ENUM64));
    }

    check::<LE>();
    check::<BE>();
}

#[test]
fn a_base_is_valid_too() {
    let cycle = |b: &mut Builder<LE>| {
        b.typedef(b"t", 2);
        b.typedef(b"u", 1);
    };
    let base = build::<LE>(None, cycle);
    let split = build(Some(base), |b| {
        b.ptr(1);
    });
    let trusted = build::<LE>(None, |b| {
        b.int(b"int", int(4));
    });

    let want = Some((1, wire::TYPEDEF, TypeReason::ContainsItself));
    assert_eq!(verdict_on(split), want);
    // A base that is known to be valid is not checked again.
    let trusted_cycle = base.assume_valid();
    let split = Btf::<LE>::open_indexed(split.bytes(), Some(&trusted_cycle), &[0][..]).unwrap();
    assert_eq!(verdict_on(&split), None);
    assert_eq!(split.validate_scratch(), 3);
    let split = build(Some(trusted), |b| {
        b.ptr(1);
    });
    let valid = split.validated().unwrap();
    assert_eq!(valid.base().unwrap().end_id(), 2);
    assert!(valid.base().unwrap().base().is_none());
}

#[test]
fn nothing_is_valid() {
    assert_eq!(verdict(|_| {}), None);
}

#[test]
fn ids_must_be_there() {
    type Add = fn(&mut Builder<LE>, u32) -> u32;
    let referring: [(u8, Add); 16] = [
        (wire::PTR, |b, to| b.ptr(to)),
        (wire::ARRAY, |b, to| b.array(to, 1, 4)),
        (wire::ARRAY, |b, to| b.array(1, to, 4)),
        (wire::STRUCT, |b, to| {
            b.structure(b"s", 4, &members(&[1, to, 1]))
        }),
        (wire::UNION, |b, to| b.union(b"u", 4, &members(&[to]))),
        MODIFIERS[0],
        MODIFIERS[1],
        MODIFIERS[2],
        MODIFIERS[3],
        MODIFIERS[4],
        (wire::FUNC, |b, to| b.func(b"f", to, 1)),
        (wire::FUNC_PROTO, |b, to| b.func_proto(to, &[])),
        (wire::FUNC_PROTO, |b, to| {
            b.func_proto(1, &[(b"p", 1), (b"q", to)])
        }),
        (wire::VAR, |b, to| b.var(b"v", to, 1)),
        (wire::DATASEC, |b, to| b.datasec(b".data", 4, &[(to, 0, 4)])),
        (wire::DECL_TAG, |b, to| b.decl_tag(b"d", to, -1)),
    ];

    for (kind, add) in referring {
        // The type may refer to later ones too.
        for (to, there) in [
            (0, true),
            (1, true),
            (3, true),
            (4, false),
            (u32::MAX, false),
        ] {
            let got = verdict(|b| {
                b.int(b"int", int(4));
                assert_eq!(add(b, to), 2);
                b.int(b"last", int(4));
            });
            let want = (!there).then_some((2, kind, TypeReason::NoSuchType { id: to }));
            assert_eq!(got, want, "kind {kind} to {to}");
        }
    }
}

#[test]
fn split_btf_may_refer_to_its_base() {
    let base = build::<LE>(None, |b| {
        b.int(b"int", int(4));
        b.structure(b"s", 4, &members(&[1]));
    });
    let split = |to| {
        build(Some(base), |b| {
            b.ptr(to);
        })
    };

    assert_eq!(verdict_on(split(2)), None);
    // Itself: the first id after the base.
    assert_eq!(
        verdict_on(split(3)),
        Some((3, wire::PTR, TypeReason::RefersToItself))
    );
    assert_eq!(
        verdict_on(split(4)),
        Some((3, wire::PTR, TypeReason::NoSuchType { id: 4 }))
    );
}

#[test]
fn strings_must_be_there() {
    let strings = b"\0a\0";
    let add = |name, kind, vlen, arg, data: &[u32]| {
        let file = File::<LE>::new().strings(strings);
        verdict_on(file.add(name, kind, vlen, arg, data).open(None).unwrap())
    };

    for offset in [3, 4, u32::MAX] {
        let want = |kind| Some((1, kind, TypeReason::NoSuchString { offset }));
        for (kind, data) in [
            (wire::INT, &[32][..]),
            (wire::STRUCT, &[]),
            (wire::UNION, &[]),
            (wire::ENUM, &[]),
            (wire::FWD, &[]),
            (wire::TYPEDEF, &[]),
            (wire::FUNC, &[]),
            (wire::VAR, &[0]),
            (wire::DATASEC, &[]),
            (wire::FLOAT, &[]),
            (wire::DECL_TAG, &[0]),
            (wire::TYPE_TAG, &[]),
            (wire::ENUM64, &[]),
        ] {
            assert_eq!(add(offset, kind.into(), 0, 0, data), want(kind), "{kind}");
            assert_eq!(add(1, kind.into(), 0, 0, data), None, "{kind}");
        }
        // The names of members, values and parameters.
        assert_eq!(
            add(0, 4, 2, 4, &[1, 0, 0, offset, 0, 0]),
            want(wire::STRUCT)
        );
        assert_eq!(add(0, 5, 1, 4, &[offset, 0, 0]), want(wire::UNION));
        assert_eq!(add(0, 6, 2, 4, &[1, 0, offset, 0]), want(wire::ENUM));
        assert_eq!(add(0, 13, 1, 0, &[offset, 0]), want(wire::FUNC_PROTO));
        assert_eq!(add(0, 19, 1, 8, &[offset, 0, 0]), want(wire::ENUM64));
    }
}

#[test]
fn references_can_be_checked_alone() {
    let strings = b"\0a\0";
    let check = |name, kind, vlen, data: &[u32]| {
        let file = File::<LE>::new().strings(strings);
        let btf = file.add(name, kind, vlen, 0, data).open(None).unwrap();
        let mut scratch = vec![0; btf.validate_scratch()];
        (
            btf.validated().is_ok(),
            btf.validate_references(&mut scratch).is_ok(),
        )
    };
    let (int, proto) = (wire::INT.into(), wire::FUNC_PROTO.into());

    assert_eq!(check(1, int, 0, &[32]), (true, true));
    assert_eq!(check(3, int, 0, &[32]), (false, true));
    assert_eq!(check(0, proto, 1, &[1, 0]), (true, true));
    assert_eq!(check(1, proto, 1, &[1, 0]), (false, true));
    assert_eq!(check(0, proto, 1, &[3, 0]), (false, false));
    assert_eq!(check(0, proto, 1, &[1, 2]), (false, false));
}

#[test]
fn some_kinds_must_have_a_name() {
    // An offset may lead to an empty string as well.
    for name in [0, 2] {
        for (kind, data) in [
            (wire::FWD, &[][..]),
            (wire::TYPEDEF, &[]),
            (wire::FUNC, &[]),
            (wire::VAR, &[0]),
            (wire::DATASEC, &[]),
            (wire::DECL_TAG, &[0]),
            (wire::TYPE_TAG, &[]),
        ] {
            let file = File::<LE>::new().strings(b"\0a\0");
            let btf = file.add(name, kind.into(), 0, 0, data).open(None).unwrap();
            assert_eq!(verdict_on(btf), Some((1, kind, TypeReason::Unnamed)));
        }
        for (kind, data) in [
            (wire::INT, &[32][..]),
            (wire::STRUCT, &[]),
            (wire::UNION, &[]),
            (wire::ENUM, &[]),
            (wire::FLOAT, &[]),
            (wire::ENUM64, &[]),
        ] {
            let file = File::<LE>::new().strings(b"\0a\0");
            let btf = file.add(name, kind.into(), 0, 4, data).open(None).unwrap();
            assert_eq!(verdict_on(btf), None, "{kind}");
        }
    }
}

#[test]
fn some_kinds_must_have_none() {
    for (kind, data) in [
        (wire::PTR, &[][..]),
        (wire::ARRAY, &[0, 0, 0]),
        (wire::VOLATILE, &[]),
        (wire::CONST, &[]),
        (wire::RESTRICT, &[]),
        (wire::FUNC_PROTO, &[]),
    ] {
        let file = File::<LE>::new().strings(b"\0a\0");
        let btf = file.add(1, kind.into(), 0, 0, data).open(None).unwrap();
        assert_eq!(verdict_on(btf), Some((1, kind, TypeReason::Named)));
    }
}

#[test]
fn a_declaration_has_no_type() {
    let file = File::<LE>::new().strings(b"\0a\0").add(1, 7, 0, 1, &[]);

    assert_eq!(
        verdict_on(file.open(None).unwrap()),
        Some((1, wire::FWD, TypeReason::Typed))
    );
}

/// Three faults that the C code of 7.3 does not notice: it follows a pointer to nothing, loops
/// forever, and reads outside of its memory.
#[test]
fn what_harms_the_c_code_is_refused() {
    assert_eq!(
        verdict(|b| {
            b.int(b"int", int(4));
            b.structure(b"s", 4, &members(&[1, 1000]));
        }),
        Some((2, wire::STRUCT, TypeReason::NoSuchType { id: 1000 }))
    );
    assert_eq!(
        verdict(|b| {
            b.int(b"int", int(4));
            b.structure(b"s", 4, &members(&[3]));
            b.array(4, 1, 2);
            b.array(3, 1, 2);
        }),
        Some((3, wire::ARRAY, TypeReason::ContainsItself))
    );
    assert_eq!(
        verdict(|b| {
            b.int(b"int", int(4));
            b.func_proto(0xffff_fff0, &[(b"p", 1)]);
        }),
        Some((
            2,
            wire::FUNC_PROTO,
            TypeReason::NoSuchType { id: 0xffff_fff0 }
        ))
    );
}

#[test]
fn modifiers_must_end() {
    for (kind, add) in MODIFIERS {
        let want = Some((1, kind, TypeReason::ContainsItself));

        // To itself; through another one; and as a member.
        assert_eq!(verdict(|b| _ = add(b, 1)), want);
        let two = |b: &mut Builder<LE>| {
            add(b, 2);
            b.constant(1);
        };
        assert_eq!(verdict(two), want);
        let member = |b: &mut Builder<LE>| {
            add(b, 2);
            b.constant(1);
            b.structure(b"s", 4, &members(&[2]));
        };
        assert_eq!(verdict(member), want);
    }
}

#[test]
fn arrays_must_end() {
    let array = |id| Some((id, wire::ARRAY, TypeReason::ContainsItself));

    assert_eq!(verdict(|b| _ = b.array(1, 0, 1)), array(1));
    assert_eq!(verdict(|b| _ = b.array(0, 1, 1)), array(1));
    assert_eq!(
        verdict(|b| {
            b.array(2, 0, 1);
            b.typedef(b"t", 1);
        }),
        array(1)
    );
}

#[test]
fn structs_must_not_contain_themselves() {
    for kind in [wire::STRUCT, wire::UNION] {
        let add = |b: &mut Builder<LE>, to: &[u32]| match kind {
            wire::STRUCT => b.structure(b"s", 4, &members(to)),
            _ => b.union(b"u", 4, &members(to)),
        };
        let want = Some((1, kind, TypeReason::ContainsItself));

        assert_eq!(verdict(|b| _ = add(b, &[1])), want);
        assert_eq!(verdict(|b| _ = add(b, &[0, 0, 1])), want);
        for (_, modifier) in MODIFIERS {
            let one_by_another = |b: &mut Builder<LE>| {
                add(b, &[2]);
                modifier(b, 3);
                b.array(4, 0, 2);
                b.structure(b"other", 4, &members(&[0, 1]));
            };
            assert_eq!(verdict(one_by_another), want);
        }
    }
}

#[test]
fn references_must_lead_to_something() {
    let refers = |id, kind| Some((id, kind, TypeReason::RefersToItself));

    assert_eq!(verdict(|b| _ = b.ptr(1)), refers(1, wire::PTR));
    for (_, modifier) in MODIFIERS {
        let pointer = |b: &mut Builder<LE>| {
            b.ptr(2);
            modifier(b, 1);
        };
        assert_eq!(verdict(pointer), refers(1, wire::PTR));
    }
    assert_eq!(
        verdict(|b| {
            b.array(2, 0, 1);
            b.ptr(1);
        }),
        refers(1, wire::ARRAY)
    );
    assert_eq!(
        verdict(|b| _ = b.func_proto(1, &[])),
        refers(1, wire::FUNC_PROTO)
    );
    assert_eq!(
        verdict(|b| {
            b.ptr(2);
            b.func_proto(0, &[(b"p", 0), (b"q", 1)]);
        }),
        refers(1, wire::PTR)
    );
    assert_eq!(verdict(|b| _ = b.func(b"f", 1, 1)), refers(1, wire::FUNC));
    assert_eq!(verdict(|b| _ = b.var(b"v", 1, 1)), refers(1, wire::VAR));
    assert_eq!(
        verdict(|b| _ = b.datasec(b".data", 4, &[(0, 0, 4), (1, 0, 4)])),
        refers(1, wire::DATASEC)
    );
    assert_eq!(
        verdict(|b| _ = b.decl_tag(b"d", 1, -1)),
        refers(1, wire::DECL_TAG)
    );
}

/// The error names a type of the cycle, not one that leads there.
#[test]
fn cycles_are_found_from_outside() {
    assert_eq!(
        verdict(|b| {
            b.structure(b"outer", 4, &members(&[2]));
            b.typedef(b"t", 3);
            b.structure(b"inner", 4, &members(&[4]));
            b.constant(3);
        }),
        Some((3, wire::STRUCT, TypeReason::ContainsItself))
    );
}

#[test]
fn recursion_as_in_c_passes() {
    assert_eq!(
        verdict(|b| {
            // struct node { struct node *next; };
            b.structure(b"node", 8, &members(&[2]));
            b.ptr(1);
            // typedef struct tree { const tree_t *children[2]; } tree_t;
            b.typedef(b"tree_t", 4);
            b.structure(b"tree", 16, &members(&[5]));
            b.array(6, 7, 2);
            b.ptr(8);
            b.int(b"int", int(4));
            b.constant(3);
            // struct ops { int (*open)(struct ops *, union any *); };
            b.structure(b"ops", 8, &members(&[10]));
            b.ptr(11);
            b.func_proto(7, &[(b"ops", 12), (b"any", 14)]);
            b.ptr(9);
            // union any { struct ops *ops; };
            b.union(b"any", 8, &members(&[12]));
            b.ptr(13);
        }),
        None
    );
}

#[test]
fn many_ways_to_one_type_are_no_cycle() {
    // Each has the next type twice: 2^64 paths in all.
    let doubled = |b: &mut Builder<LE>| {
        for id in 1..64 {
            b.structure(b"s", 4, &members(&[id + 1, id + 1]));
        }
        b.int(b"int", int(4));
    };

    assert_eq!(verdict(doubled), None);
}

#[test]
fn chains_may_be_long() {
    type Link = fn(&mut Builder<LE>, u32) -> u32;
    let links: [(TypeReason, u32, Link); 4] = [
        (TypeReason::ContainsItself, 100_000, |b, to| b.constant(to)),
        (TypeReason::ContainsItself, 10_000, |b, to| {
            b.array(to, 0, 1)
        }),
        (TypeReason::ContainsItself, 10_000, |b, to| {
            b.structure(b"s", 4, &members(&[to]))
        }),
        (TypeReason::RefersToItself, 10_000, |b, to| b.ptr(to)),
    ];

    for (reason, len, link) in links {
        // It ends at `void`, or where it began.
        for end in [0, 1] {
            let got = verdict(|b| {
                for id in 1..len {
                    link(b, id + 1);
                }
                link(b, end);
            });
            let want = (end == 1).then_some((1, reason));
            assert_eq!(got.map(|(id, _, reason)| (id, reason)), want);
        }
        // The other way round.
        let backwards = |b: &mut Builder<LE>| {
            for id in 0..len {
                link(b, id);
            }
        };
        assert_eq!(verdict(backwards), None);
    }
}

#[test]
fn scratch_space_may_be_too_short() {
    for count in [0, 1, 4, 5] {
        let btf = build::<LE>(None, |b| {
            for _ in 0..count {
                b.ptr(0);
            }
        });
        let scratch = btf.validate_scratch();
        assert!(btf.validate(&mut vec![0; scratch]).is_ok());
        for len in 0..scratch {
            assert_eq!(
                btf.validate(&mut vec![0; len]).unwrap_err(),
                Error::BufferSize { len }
            );
        }
    }
}

#[test]
fn scratch_space_may_have_any_content() {
    let btf = build::<LE>(None, |b| every_kind(b, 1, 4));
    let mut scratch = vec![u32::MAX; btf.validate_scratch()];

    assert!(btf.validate(&mut scratch).is_ok());
}
