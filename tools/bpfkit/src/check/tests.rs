// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use splitbtf::BtfExt;
use splitbtf::Builder;
use splitbtf::Int;
use splitbtf::NewMember;
use splitbtf::Owned;
use zerocopy::BE;
use zerocopy::LE;

use super::*;

/// Adds types.
type Add = fn(&mut Builder<LE>);

fn file(add: Add) -> Vec<u8> {
    let mut builder = Builder::new();
    add(&mut builder);
    builder.finish().unwrap()
}

fn module(base: &[u8], add: Add) -> Vec<u8> {
    let base = Owned::<LE>::new(base.to_vec(), None).unwrap();
    let mut builder = Builder::split_on(&base.btf()).unwrap();
    add(&mut builder);
    builder.finish().unwrap()
}

fn member(ty: u32) -> NewMember<'static> {
    NewMember {
        name: b"",
        ty,
        bit_offset: 0,
        bitfield_bits: 0,
    }
}

fn int(encoding: u8) -> Int {
    Int {
        size: 4,
        encoding,
        offset: 0,
        bits: 32,
    }
}

/// Checks a module with this base, or split on `own`, for one kernel.
fn check_on(vmlinux: &[u8], own: Option<&[u8]>, split: &[u8], base: Option<&[u8]>) -> Checked {
    let vmlinux = Owned::<LE>::new(vmlinux.to_vec(), None).unwrap();
    let vmlinux = vmlinux.btf();
    let ids = vmlinux.sorted_by_name().unwrap();
    let names = [Names::indexed(vmlinux, &ids, None)];
    let own = own.map(|own| Owned::<LE>::new(own.to_vec(), None).unwrap());
    let own = own.as_ref().map(|own| own.btf());

    Checker::new(&names, own.as_ref()).check_sections(split, base)
}

/// The outcome for a module with the distilled base `distilled`, on a kernel with `vmlinux`.
fn outcome(distilled: Add, split: Add, vmlinux: Add) -> Outcome {
    let base = file(distilled);
    let split = module(&base, split);

    let checked = check_on(&file(vmlinux), None, &split, Some(&base));
    assert_eq!(checked.base, Base::Own);
    checked.outcomes[0].clone()
}

fn verdicts(distilled: Add, split: Add, vmlinux: Add) -> [Verdict; 2] {
    let outcome = outcome(distilled, split, vmlinux);

    [outcome.stock(), outcome.rust()]
}

/// The module points to the type of its base, or contains it in a struct.
const POINTS: Add = |split| {
    split.ptr(1);
};
const CONTAINS: Add = |split| {
    split.structure(b"mine", 8, &[member(1)]);
};

const S8: Add = |btf| {
    btf.structure(b"s", 8, &[]);
};

#[test]
fn rules_of_c_and_rust() {
    const MATCHES: Verdict = Verdict::Matches;
    const ONE: Verdict = Verdict::Opaque(1);
    const REFUSED: Verdict = Verdict::Refused;

    let cases: [(&str, Add, Add, Add, [Verdict; 2]); 29] = [
        ("the same", S8, CONTAINS, S8, [MATCHES, MATCHES]),
        ("missing", S8, POINTS, |_| {}, [REFUSED, ONE]),
        (
            "missing and contained",
            S8,
            CONTAINS,
            |_| {},
            [REFUSED, REFUSED],
        ),
        (
            "grown",
            S8,
            POINTS,
            |btf| {
                btf.structure(b"s", 16, &[]);
            },
            [MATCHES, MATCHES],
        ),
        (
            "grown and contained",
            S8,
            CONTAINS,
            |btf| {
                btf.structure(b"s", 16, &[]);
            },
            [REFUSED, REFUSED],
        ),
        (
            "a union now",
            S8,
            CONTAINS,
            |btf| {
                btf.union(b"s", 8, &[]);
            },
            [MATCHES, REFUSED],
        ),
        (
            "a union now, and only pointed to",
            S8,
            POINTS,
            |btf| {
                btf.union(b"s", 8, &[]);
            },
            [MATCHES, ONE],
        ),
        (
            "an enum now, of another size",
            S8,
            POINTS,
            |btf| {
                btf.enumeration(b"s", 4, false, &[]);
            },
            [REFUSED, ONE],
        ),
        (
            "an enum now, of the same size",
            S8,
            POINTS,
            |btf| {
                btf.enumeration64(b"s", 8, false, &[]);
            },
            [MATCHES, ONE],
        ),
        (
            "a typedef now",
            S8,
            POINTS,
            |btf| {
                btf.typedef(b"s", 0);
            },
            [REFUSED, ONE],
        ),
        (
            "only declared",
            S8,
            POINTS,
            |btf| {
                btf.fwd(b"s", false);
            },
            [MATCHES, MATCHES],
        ),
        (
            "only declared, but contained",
            S8,
            CONTAINS,
            |btf| {
                btf.fwd(b"s", false);
            },
            [REFUSED, REFUSED],
        ),
        (
            "declared and defined",
            S8,
            POINTS,
            |btf| {
                btf.fwd(b"s", false);
                S8(btf);
            },
            [REFUSED, MATCHES],
        ),
        (
            "two, one of the size",
            S8,
            POINTS,
            |btf| {
                btf.structure(b"s", 16, &[]);
                S8(btf);
            },
            [MATCHES, MATCHES],
        ),
        (
            "two, none of the size",
            S8,
            POINTS,
            |btf| {
                btf.structure(b"s", 16, &[]);
                btf.structure(b"s", 24, &[]);
            },
            [REFUSED, ONE],
        ),
        (
            "two of the size",
            S8,
            POINTS,
            |btf| {
                S8(btf);
                S8(btf);
            },
            [REFUSED, ONE],
        ),
        (
            "a struct and a union of the size",
            S8,
            POINTS,
            |btf| {
                btf.union(b"s", 8, &[]);
                S8(btf);
            },
            [REFUSED, MATCHES],
        ),
        (
            "a declaration that is defined now",
            |btf| {
                btf.fwd(b"s", false);
            },
            POINTS,
            S8,
            [MATCHES, MATCHES],
        ),
        (
            "the same with bit-fields",
            |btf| {
                btf.fwd(b"s", false);
            },
            POINTS,
            |btf| {
                let int = btf.int(b"int", int(1));
                let member = NewMember {
                    bitfield_bits: 3,
                    ..member(int)
                };
                btf.structure(b"s", 4, &[member]);
            },
            [REFUSED, MATCHES],
        ),
        (
            "a declaration of a union, defined without bit-fields",
            |btf| {
                btf.fwd(b"u", true);
            },
            POINTS,
            |btf| {
                btf.union(b"u", 4, &[]);
            },
            [REFUSED, MATCHES],
        ),
        (
            "a declaration of a union, and now of a struct",
            |btf| {
                btf.fwd(b"u", true);
            },
            POINTS,
            |btf| {
                btf.fwd(b"u", false);
            },
            [REFUSED, ONE],
        ),
        (
            "an enum of 64 bits now",
            |btf| {
                btf.enumeration(b"e", 8, false, &[]);
            },
            CONTAINS,
            |btf| {
                btf.enumeration64(b"e", 8, false, &[]);
            },
            [MATCHES, MATCHES],
        ),
        (
            "a larger enum now",
            |btf| {
                btf.enumeration(b"e", 4, false, &[]);
            },
            POINTS,
            |btf| {
                btf.enumeration64(b"e", 8, false, &[]);
            },
            [REFUSED, REFUSED],
        ),
        (
            "an enum that is missing",
            |btf| {
                btf.enumeration(b"e", 4, false, &[]);
            },
            CONTAINS,
            |_| {},
            [REFUSED, MATCHES],
        ),
        (
            "an unsigned int now",
            |btf| {
                btf.int(b"int", int(1));
            },
            POINTS,
            |btf| {
                btf.int(b"int", int(0));
            },
            [REFUSED, MATCHES],
        ),
        (
            "an int that is there twice",
            |btf| {
                btf.int(b"int", int(1));
            },
            POINTS,
            |btf| {
                btf.int(b"int", int(1));
                btf.int(b"int", int(1));
            },
            [REFUSED, REFUSED],
        ),
        (
            "a larger float now",
            |btf| {
                btf.float(b"float", 4);
            },
            POINTS,
            |btf| {
                btf.float(b"float", 8);
            },
            [REFUSED, MATCHES],
        ),
        (
            "grown and taken by value",
            S8,
            |split| {
                split.func_proto(0, &[(b"s", 1)]);
            },
            |btf| {
                btf.structure(b"s", 16, &[]);
            },
            [MATCHES, REFUSED],
        ),
        ("an empty base", |_| {}, |_| {}, |_| {}, [MATCHES, MATCHES]),
    ];

    for (what, distilled, split, vmlinux, expected) in cases {
        assert_eq!(verdicts(distilled, split, vmlinux), expected, "{what}");
    }
}

#[test]
fn types_are_named_with_reasons() {
    let outcome = outcome(
        |btf| {
            btf.structure(b"gone", 8, &[]);
            btf.structure(b"kind", 8, &[]);
            btf.structure(b"twice", 8, &[]);
            btf.enumeration(b"new", 4, false, &[]);
            btf.int(b"kept", int(1));
            btf.structure(b"grown", 8, &[]);
            btf.enumeration(b"shrunk", 4, false, &[]);
        },
        |split| {
            split.ptr(1);
            split.ptr(2);
            split.ptr(3);
            split.structure(b"mine", 8, &[member(5), member(6)]);
            split.ptr(4);
            split.ptr(7);
        },
        |btf| {
            btf.fwd(b"twice", false);
            btf.structure(b"twice", 8, &[]);
            btf.union(b"kind", 8, &[]);
            btf.int(b"kept", int(0));
            btf.structure(b"grown", 16, &[]);
            btf.enumeration(b"shrunk", 2, false, &[]);
        },
    );

    assert!(outcome.is_refused());
    let Outcome::Relocated { types, refusal } = outcome else {
        panic!("{outcome:?}");
    };
    let texts: Vec<_> = types.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "struct gone is only pointed to and opaque: not in vmlinux",
            "struct kind is only pointed to and opaque: of kind UNION in vmlinux, which a stock kernel does not mind",
            "struct twice is only pointed to: a stock kernel has two candidates, 1 and 2",
            "enum new is only pointed to and kept: not in vmlinux",
            "kept is contained and kept: of another encoding in vmlinux",
            "struct grown is contained and does not match: size 8 in the module, 16 in vmlinux",
            "enum shrunk is only pointed to and does not match: size 4 in the module, 2 in vmlinux",
        ]
    );
    assert_eq!(
        types.iter().map(|ty| ty.id).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6, 7]
    );
    // C notices a second candidate before it can know that a type is missing.
    assert_eq!(
        refusal.unwrap().to_string(),
        "distilled base BTF type 'twice' [3], size 8 has multiple candidates of the same size \
         (ids [2, 1]) in base BTF"
    );
}

#[test]
fn the_log_is_foretold() {
    let base: Add = |btf| {
        btf.structure(b"gone", 8, &[]);
        btf.union(b"gone_too", 8, &[]);
        btf.enumeration(b"e", 4, false, &[]);
        btf.int(b"i", int(1));
        btf.structure(b"s", 8, &[]);
    };
    let points: Add = |split| {
        split.ptr(1);
    };
    let log = |split: Add, vmlinux: Add| outcome(base, split, vmlinux).log();

    assert_eq!(
        log(points, S8),
        [
            "2 types are opaque: struct gone (not in vmlinux), union gone_too (not in vmlinux)",
            "2 types are kept: enum e (not in vmlinux), i (not in vmlinux)",
        ]
    );
    assert_eq!(
        log(points, |btf| {
            S8(btf);
            btf.fwd(b"gone", false);
            btf.union(b"gone_too", 8, &[]);
            btf.enumeration(b"e", 4, false, &[]);
        }),
        ["1 type is kept: i (not in vmlinux)"]
    );
    assert_eq!(log(points, base), [""; 0]);
    // The log has only the first type that must match.
    assert_eq!(
        log(
            |split| {
                split.structure(b"own", 8, &[member(5), member(2)]);
            },
            |_| {}
        ),
        ["union gone_too is contained and does not match: not in vmlinux"]
    );
    assert_eq!(
        log(points, |btf| {
            btf.enumeration(b"e", 8, false, &[]);
        }),
        ["enum e does not match: size 4 in the module, 8 in vmlinux"]
    );
}

/// The kernel shortens its line in the same way.
#[test]
fn many_types_and_long_names_are_not_all_shown() {
    let outcome = outcome(
        |btf| {
            btf.structure(&[b'a'; 65], 8, &[]);
            btf.structure(&[b'b'; 64], 8, &[]);
            for name in [b"c", b"d", b"e", b"f", b"g", b"h"] {
                btf.structure(name, 8, &[]);
            }
        },
        |_| {},
        |_| {},
    );

    let [a, b] = ["a".repeat(64), "b".repeat(64)];
    let reason = "(not in vmlinux)";
    assert_eq!(
        outcome.log(),
        [format!(
            "8 types are opaque: struct {a}... {reason}, struct {b} {reason}, struct c {reason}, \
             struct d {reason}, struct e {reason}, struct f {reason} and 2 more"
        )]
    );
}

#[test]
fn c_needs_strings_that_are_names() {
    let base = file(|btf| {
        btf.structure(b"long", 8, &[]);
    });
    let mut split = module(&base, |split| {
        split.typedef(b"long", 1);
    });
    // Skips the first letter of the name: name_off is the first word of the first type.
    split[24] += 1;
    let checked = check_on(&base, None, &split, Some(&base));
    let Outcome::Relocated { types, refusal } = &checked.outcomes[0] else {
        panic!("{checked:?}");
    };
    assert_eq!(types, &[]);
    assert_eq!(refusal, &Some(Refusal::String { offset: 2 }));
    assert_eq!(checked.outcomes[0].rust(), Verdict::Matches);
}

#[test]
fn without_a_base_ids_are_taken_as_they_are() {
    let own = file(S8);
    let split = module(&own, CONTAINS);
    let other = file(|_| {});

    let checked = check_on(&own, None, &split, None);
    assert_eq!(checked.base, Base::Kernel);
    assert_eq!(checked.outcomes, [Outcome::AsIs]);
    let checked = check_on(&other, None, &split, None);
    assert_eq!(checked.outcomes[0].rust(), Verdict::Malformed);

    let checked = check_on(&other, Some(&own), &split, None);
    assert_eq!(checked.base, Base::Distilled);
    assert_eq!(checked.outcomes[0].stock(), Verdict::Refused);
    assert_eq!(checked.outcomes[0].rust(), Verdict::Refused);
    let points = module(&own, POINTS);
    let checked = check_on(&other, Some(&own), &points, None);
    assert_eq!(checked.outcomes[0].rust(), Verdict::Opaque(1));
}

#[test]
fn names_show_that_a_module_is_of_another_kernel() {
    let own = file(|btf| {
        btf.structure(b"ab", 8, &[]);
        btf.structure(b"abc", 8, &[]);
    });
    let other = file(|btf| {
        btf.structure(b"abcdefghij", 8, &[]);
        btf.structure(b"k", 8, &[]);
    });
    // Its name is the second string of its own base, and within the long one of the other.
    let split = module(&own, |split| {
        split.typedef(b"ab", 1);
    });

    assert_eq!(check_on(&own, None, &split, None).outcomes, [Outcome::AsIs]);
    let checked = check_on(&other, None, &split, None);
    assert!(
        matches!(checked.outcomes[..], [Outcome::OtherBase(_)]),
        "{checked:?}"
    );
}

#[test]
fn malformed_is_told_with_its_section() {
    let base = file(S8);
    let split = module(&base, POINTS);
    let malformed = |split: &[u8], base: &[u8]| {
        let checked = check_on(&file(S8), None, split, Some(base));
        match checked.outcomes[0] {
            Outcome::Malformed {
                section,
                ref problem,
            } => (section, problem.to_string()),
            ref outcome => panic!("{outcome:?}"),
        }
    };
    let pointer = file(POINTS);
    let big = Builder::<BE>::new().finish().unwrap();

    assert_eq!(malformed(&split[..20], &base).0, SECTION);
    assert_eq!(malformed(&split, &[]).0, BASE_SECTION);
    let (section, error) = malformed(&big, &base);
    assert_eq!(section, SECTION);
    assert_eq!(error, "Invalid magic: BTF of the other byte order");
    let split = module(&pointer, |_| {});
    let (section, error) = malformed(&split, &pointer);
    assert_eq!(section, BASE_SECTION);
    assert!(error.contains("refers to nothing but itself"), "{error}");
    let typedef = file(|btf| {
        btf.typedef(b"t", 0);
    });
    let (section, error) = malformed(&module(&typedef, POINTS), &typedef);
    assert_eq!(section, BASE_SECTION);
    assert!(error.contains("no distilled base has"), "{error}");
}

#[test]
fn a_module_without_btf_loads() {
    let names: [Names<'_, LE>; 0] = [];
    let elf = object::write::Object::new(
        object::BinaryFormat::Elf,
        object::Architecture::X86_64,
        object::Endianness::Little,
    );
    let input = Input::from_bytes("m.ko".into(), elf.write().unwrap()).unwrap();

    let checked = Checker::new(&names, None).check(&input).unwrap();
    assert_eq!(checked.base, Base::None);
}
