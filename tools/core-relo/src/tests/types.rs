// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Types as a whole: whether they exist, and whether they match.

use splitbtf::Builder;
use splitbtf::CoreReloKind;
use splitbtf::CoreReloKind::*;
use splitbtf::Int;
use splitbtf::LE;

use super::decide_one;
use super::verdicts;
use crate::testing::ints;
use crate::testing::member;
use crate::testing::mov;
use crate::Decision;
use crate::Fault;
use crate::Outcome;
use crate::Verdict;

type Add = fn(&mut Builder<LE>) -> u32;

/// The decision about the type named `t` that `local` adds. Each adds it last, after the integers.
fn decision(kind: CoreReloKind, local: Add, vmlinux: Add) -> Decision {
    let mut types = Builder::new();
    ints(&mut types);
    let id = local(&mut types);

    decide_one(
        |b| *b = types,
        kind,
        id,
        "0",
        mov(1),
        |b| {
            ints(b);
            vmlinux(b);
        },
    )
}

/// Whether the kernel has the type, or why not.
fn ask(kind: CoreReloKind, local: Add, vmlinux: Add) -> Result<(), String> {
    let decision = decision(kind, local, vmlinux);

    match decision.outcome {
        Outcome::Found => Ok(()),
        Outcome::Absent if decision.candidates.is_empty() => Err("nothing".into()),
        _ => Err(verdicts(&decision).join("; ")),
    }
}

fn exists(local: Add, vmlinux: Add) -> Result<(), String> {
    ask(TypeExists, local, vmlinux)
}

fn matches(local: Add, vmlinux: Add) -> Result<(), String> {
    ask(TypeMatches, local, vmlinux)
}

fn no(text: &str) -> Result<(), String> {
    Err(text.into())
}

#[test]
fn existence_goes_by_name_and_kind() {
    assert_eq!(
        exists(|b| b.structure(b"t", 4, &[]), |b| b.structure(b"t", 9, &[])),
        Ok(())
    );
    assert_eq!(
        exists(
            |b| b.structure(b"t___x", 4, &[]),
            |b| b.structure(b"t", 9, &[])
        ),
        Ok(())
    );
    assert_eq!(
        exists(
            |b| b.structure(b"t", 4, &[]),
            |b| b.structure(b"t___y", 9, &[])
        ),
        Ok(())
    );
    assert_eq!(
        exists(|b| b.structure(b"t", 4, &[]), |b| b.union(b"t", 4, &[])),
        no("nothing")
    );
    assert_eq!(
        exists(|b| b.structure(b"t", 4, &[]), |b| b.fwd(b"t", false)),
        no("nothing")
    );
    assert_eq!(
        exists(|b| b.structure(b"t", 4, &[]), |b| b.func(b"t", 0, 1)),
        no("nothing")
    );
    assert_eq!(
        exists(|b| b.structure(b"t", 4, &[]), |b| b.typedef(b"t", 1)),
        no("nothing")
    );
    let small: Add = |b| b.enumeration(b"t", 4, false, &[]);
    let large: Add = |b| b.enumeration64(b"t", 8, false, &[]);
    assert_eq!(exists(small, large), Ok(()));
    assert_eq!(exists(large, small), Ok(()));
    assert_eq!(
        exists(
            |b| b.int(b"t", Int::signed(4)),
            |b| b.int(b"t", Int::unsigned(8))
        ),
        Ok(())
    );
    assert_eq!(
        exists(
            |b| b.int(b"t", Int::signed(4)),
            |b| b.int(
                b"t",
                Int {
                    offset: 1,
                    ..Int::signed(4)
                }
            )
        ),
        no("t is not t: a bit-field of an old compiler")
    );
    // libbpf finds no float, nor a function.
    assert_eq!(
        exists(|b| b.float(b"t", 4), |b| b.float(b"t", 4)),
        no("t is not t: another kind")
    );
}

#[test]
fn typedefs_exist_if_what_they_name_does() {
    let pointer: Add = |b| {
        b.structure(b"a", 4, &[]);
        b.ptr(4);
        b.constant(5);
        b.typedef(b"t", 6)
    };
    let other: Add = |b| {
        b.structure(b"b", 8, &[]);
        b.ptr(4);
        b.typedef(b"t", 5)
    };
    assert_eq!(exists(pointer, other), Ok(()));
    assert_eq!(
        exists(pointer, |b| b.typedef(b"t", 1)),
        no("int is not struct a *: another kind")
    );
    let array: Add = |b| {
        b.array(1, 1, 3);
        b.typedef(b"t", 4)
    };
    let longer: Add = |b| {
        b.array(2, 1, 4);
        b.typedef(b"t", 4)
    };
    assert_eq!(exists(array, longer), Ok(()));
    let function: Add = |b| {
        b.func_proto(1, &[(b"a", 1), (b"b", 3)]);
        b.ptr(4);
        b.typedef(b"t", 5)
    };
    let alike: Add = |b| {
        b.typedef(b"u32", 2);
        b.func_proto(3, &[(b"x", 4), (b"y", 1)]);
        b.ptr(5);
        b.typedef(b"t", 6)
    };
    let fewer: Add = |b| {
        b.func_proto(1, &[(b"a", 1)]);
        b.ptr(4);
        b.typedef(b"t", 5)
    };
    let unlike: Add = |b| {
        b.func_proto(1, &[(b"a", 1), (b"b", 5)]);
        b.ptr(4);
        b.typedef(b"t", 5)
    };
    assert_eq!(exists(function, alike), Ok(()));
    assert_eq!(
        exists(function, fewer),
        no("a function is not a function: another number of parameters")
    );
    assert_eq!(
        exists(function, unlike),
        no("a function * is not unsigned long: another kind")
    );
}

#[test]
fn members_must_match() {
    let two: Add = |b| b.structure(b"t", 8, &[member("a", 1, 0), member("b", 2, 32)]);
    let more: Add = |b| {
        let members = [
            member("b", 2, 0),
            member("c", 3, 64),
            member("a___x", 1, 32),
        ];
        b.structure(b"t", 16, &members)
    };
    let one: Add = |b| b.structure(b"t", 8, &[member("a", 1, 0)]);
    let wide: Add = |b| b.structure(b"t", 16, &[member("a", 1, 0), member("b", 3, 64)]);
    let signed: Add = |b| b.structure(b"t", 16, &[member("a", 2, 0), member("b", 2, 32)]);

    assert_eq!(matches(two, more), Ok(()));
    assert_eq!(matches(one, two), Ok(()));
    assert_eq!(
        matches(two, one),
        no("struct t is not struct t: fewer members or values")
    );
    assert_eq!(
        matches(two, wide),
        no("struct t is not struct t: no member b of a type that matches")
    );
    assert_eq!(
        matches(two, signed),
        no("struct t is not struct t: no member a of a type that matches")
    );
    assert_eq!(matches(two, |b| b.union(b"t", 8, &[])), no("nothing"));
}

#[test]
fn structs_behind_pointers_only_have_names() {
    // struct t { struct a *p; }
    let pointer: Add = |b| {
        b.structure(b"a", 4, &[member("x", 1, 0)]);
        b.ptr(4);
        b.structure(b"t", 8, &[member("p", 5, 0)])
    };
    let other: Add = |b| {
        b.structure(b"a", 8, &[]);
        b.ptr(4);
        b.structure(b"t", 8, &[member("p", 5, 0)])
    };
    let declared: Add = |b| {
        b.fwd(b"a", false);
        b.ptr(4);
        b.structure(b"t", 8, &[member("p", 5, 0)])
    };
    let union_declared: Add = |b| {
        b.fwd(b"a", true);
        b.ptr(4);
        b.structure(b"t", 8, &[member("p", 5, 0)])
    };
    let renamed: Add = |b| {
        b.structure(b"b", 4, &[member("x", 1, 0)]);
        b.ptr(4);
        b.structure(b"t", 8, &[member("p", 5, 0)])
    };
    let differs = "struct t is not struct t: no member p of a type that matches";

    assert_eq!(matches(pointer, other), Ok(()));
    assert_eq!(matches(pointer, declared), Ok(()));
    assert_eq!(matches(declared, pointer), Ok(()));
    assert_eq!(matches(declared, declared), Ok(()));
    assert_eq!(matches(pointer, union_declared), no(differs));
    assert_eq!(matches(union_declared, pointer), no(differs));
    assert_eq!(matches(declared, union_declared), no(differs));
    assert_eq!(matches(pointer, renamed), no(differs));
    // Without a pointer, a declaration is not the struct.
    let alone: Add = |b| {
        b.structure(b"a", 8, &[]);
        b.typedef(b"t", 4)
    };
    let alone_declared: Add = |b| {
        b.fwd(b"a", false);
        b.typedef(b"t", 4)
    };
    let kind = "struct a is not struct a: another kind";
    assert_eq!(matches(alone_declared, alone_declared), Ok(()));
    assert_eq!(matches(alone, alone_declared), no(kind));
    assert_eq!(matches(alone_declared, alone), no(kind));
    // A member of a member is behind no pointer.
    let contained: Add = |b| {
        b.structure(b"a", 4, &[member("x", 1, 0)]);
        b.structure(b"t", 8, &[member("p", 4, 0)])
    };
    let empty: Add = |b| {
        b.structure(b"a", 4, &[]);
        b.structure(b"t", 8, &[member("p", 4, 0)])
    };
    assert_eq!(matches(contained, contained), Ok(()));
    assert_eq!(matches(empty, contained), Ok(()));
    assert_eq!(matches(contained, empty), no(differs));
}

#[test]
fn integers_match_by_size_and_sign() {
    let signed: Add = |b| b.int(b"t", Int::signed(4));
    let boolean: Add = |b| {
        let encoding = Int::BOOL;
        b.int(
            b"t",
            Int {
                encoding,
                ..Int::unsigned(4)
            },
        )
    };
    let unsigned: Add = |b| b.int(b"t", Int::unsigned(4));
    let large: Add = |b| b.int(b"t", Int::signed(8));

    assert_eq!(matches(boolean, unsigned), Ok(()));
    assert_eq!(matches(signed, unsigned), no("t is not t: another sign"));
    assert_eq!(matches(signed, large), no("t is not t: another size"));
}

#[test]
fn enums_match_by_their_values_names() {
    let two: Add = |b| b.enumeration(b"t", 4, false, &[(b"A", 1), (b"B", 2)]);
    let three: Add = |b| {
        let values: [(&[u8], i64); 3] = [(b"C", 1), (b"B___x", 5), (b"A", 9)];
        b.enumeration64(b"t", 4, false, &values)
    };
    let large: Add = |b| b.enumeration64(b"t", 8, false, &[(b"A", 1), (b"B", 2)]);
    let other: Add = |b| b.enumeration(b"t", 4, false, &[(b"A", 1), (b"C", 2)]);

    assert_eq!(matches(two, three), Ok(()));
    assert_eq!(
        matches(three, two),
        no("enum t is not enum t: fewer members or values")
    );
    assert_eq!(
        matches(two, large),
        no("enum t is not enum t: another size")
    );
    assert_eq!(matches(two, other), no("enum t is not enum t: no value B"));
}

#[test]
fn arrays_and_functions_match_exactly() {
    let array: Add = |b| {
        b.array(1, 1, 3);
        b.typedef(b"t", 4)
    };
    let longer: Add = |b| {
        b.array(1, 1, 4);
        b.typedef(b"t", 4)
    };
    let function: Add = |b| {
        b.func_proto(1, &[(b"a", 3)]);
        b.ptr(4);
        b.typedef(b"t", 5)
    };
    let renamed: Add = |b| {
        b.func_proto(1, &[(b"b", 3)]);
        b.ptr(4);
        b.typedef(b"t", 5)
    };
    let unlike: Add = |b| {
        b.func_proto(1, &[(b"a", 1)]);
        b.ptr(4);
        b.typedef(b"t", 5)
    };
    let returns: Add = |b| {
        b.func_proto(0, &[(b"a", 3)]);
        b.ptr(4);
        b.typedef(b"t", 5)
    };
    let fewer: Add = |b| {
        b.func_proto(1, &[]);
        b.ptr(4);
        b.typedef(b"t", 5)
    };

    assert_eq!(matches(array, array), Ok(()));
    assert_eq!(
        matches(array, longer),
        no("int [4] is not int [3]: another number of elements")
    );
    assert_eq!(matches(function, renamed), Ok(()));
    assert_eq!(
        matches(function, unlike),
        no("int is not unsigned long: another name")
    );
    assert_eq!(
        matches(function, returns),
        no("void is not int: another name")
    );
    assert_eq!(
        matches(function, fewer),
        no("a function is not a function: another number of parameters")
    );
    // libbpf matches no floats.
    assert_eq!(
        matches(|b| b.float(b"t", 4), |b| b.float(b"t", 4)),
        no("t is not t: another kind")
    );
}

/// libbpf gives up after 32 levels, and refuses the object.
#[test]
fn depth_has_a_limit() {
    // A typedef of a pointer to a pointer and so on to an int.
    fn pointers(b: &mut Builder<LE>, count: u32) -> u32 {
        let mut last = 1;
        for _ in 0..count {
            last = b.ptr(last);
        }
        b.typedef(b"t", last)
    }
    fn structs(b: &mut Builder<LE>, count: u32) -> u32 {
        let mut last = 1;
        for _ in 0..count {
            last = b.structure(b"t", 4, &[member("m", last, 0)]);
        }
        last
    }
    let fails = |add: Add| {
        let decision = decision(TypeMatches, add, add);
        let last = decision.candidates.last().unwrap();
        matches!(
            last.verdict,
            Verdict::Fails {
                fault: Fault::Depth { .. }
            }
        )
    };

    assert!(!fails(|b| pointers(b, 31)));
    assert!(fails(|b| pointers(b, 32)));
    assert!(!fails(|b| structs(b, 31)));
    assert!(fails(|b| structs(b, 32)));
}
