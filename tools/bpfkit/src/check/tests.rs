// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

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
    let mut builder = Builder::split_on(&base.view(None).unwrap()).unwrap();
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
    let vmlinux = vmlinux.view(None).unwrap();
    let ids = vmlinux.name_index().unwrap();
    let names = [Names::indexed(&vmlinux, &ids, None)];
    let own = own.map(|own| Owned::<LE>::new(own.to_vec(), None).unwrap());
    let own = own.as_ref().map(|own| own.view(None).unwrap());

    Checker::new(&names, own.as_ref()).check_sections(split, base)
}

/// What becomes of a module that has a distilled base with these types, on a kernel with those.
fn outcome(distilled: Add, split: Add, vmlinux: Add) -> Outcome {
    let base = file(distilled);
    let split = module(&base, split);

    let checked = check_on(&file(vmlinux), None, &split, Some(&base));
    assert_eq!(checked.base, Base::Own);
    checked.outcomes[0].clone()
}

fn verdicts(distilled: Add, split: Add, vmlinux: Add) -> [String; 2] {
    let outcome = outcome(distilled, split, vmlinux);

    [outcome.stock(), outcome.rust()].map(|verdict| verdict.to_string())
}

/// The module has a pointer to the type of its base, or a struct with it.
const POINTS: Add = |split| {
    split.ptr(1);
};
const EMBEDS: Add = |split| {
    split.structure(b"mine", 8, &[member(1)]);
};

const S8: Add = |btf| {
    btf.structure(b"s", 8, &[]);
};

#[test]
fn rules_of_c_and_rust() {
    const LOADS: &str = "loads";
    const ONE: &str = "loads with 1 opaque type";
    const REFUSED: &str = "refused";

    let cases: [(&str, Add, Add, Add, [&str; 2]); 24] = [
        ("the same", S8, EMBEDS, S8, [LOADS, LOADS]),
        ("missing", S8, POINTS, |_| {}, [REFUSED, ONE]),
        (
            "grown",
            S8,
            POINTS,
            |btf| {
                btf.structure(b"s", 16, &[]);
            },
            [LOADS, LOADS],
        ),
        (
            "grown and embedded",
            S8,
            EMBEDS,
            |btf| {
                btf.structure(b"s", 16, &[]);
            },
            [REFUSED, ONE],
        ),
        (
            "a union now",
            S8,
            EMBEDS,
            |btf| {
                btf.union(b"s", 8, &[]);
            },
            [LOADS, ONE],
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
            [LOADS, ONE],
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
            [LOADS, LOADS],
        ),
        (
            "only declared, but embedded",
            S8,
            EMBEDS,
            |btf| {
                btf.fwd(b"s", false);
            },
            [REFUSED, ONE],
        ),
        (
            "declared and defined",
            S8,
            POINTS,
            |btf| {
                btf.fwd(b"s", false);
                S8(btf);
            },
            [REFUSED, LOADS],
        ),
        (
            "two, one of the size",
            S8,
            POINTS,
            |btf| {
                btf.structure(b"s", 16, &[]);
                S8(btf);
            },
            [LOADS, LOADS],
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
            [REFUSED, LOADS],
        ),
        (
            "a declaration that is defined now",
            |btf| {
                btf.fwd(b"s", false);
            },
            POINTS,
            S8,
            [LOADS, LOADS],
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
            [REFUSED, LOADS],
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
            [REFUSED, LOADS],
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
            EMBEDS,
            |btf| {
                btf.enumeration64(b"e", 8, false, &[]);
            },
            [LOADS, LOADS],
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
            [REFUSED, ONE],
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
            [REFUSED, ONE],
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
            [REFUSED, ONE],
        ),
        ("an empty base", |_| {}, |_| {}, |_| {}, [LOADS, LOADS]),
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
        },
        |split| {
            split.ptr(1);
            split.ptr(2);
            split.ptr(3);
        },
        |btf| {
            btf.fwd(b"twice", false);
            btf.structure(b"twice", 8, &[]);
            btf.union(b"kind", 8, &[]);
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
            "struct gone: not in vmlinux",
            "struct kind: of kind UNION in vmlinux, which a stock kernel does not mind",
            "struct twice: a stock kernel has two candidates, 1 and 2",
        ]
    );
    // Two are noticed before it is certain that one is missing.
    assert_eq!(
        refusal.unwrap().to_string(),
        "distilled base BTF type 'twice' [3], size 8 has multiple candidates of the same size \
         (ids [2, 1]) in base BTF"
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
    // What is left of the name without its first letter: the first word of the first type.
    split[24] += 1;
    let checked = check_on(&base, None, &split, Some(&base));
    let Outcome::Relocated { types, refusal } = &checked.outcomes[0] else {
        panic!("{checked:?}");
    };
    assert_eq!(types, &[]);
    assert_eq!(refusal, &Some(Refusal::String { offset: 2 }));
    assert_eq!(checked.outcomes[0].rust(), Verdict::Loads);
}

#[test]
fn without_a_base_ids_are_taken_as_they_are() {
    let own = file(S8);
    let split = module(&own, EMBEDS);
    let other = file(|_| {});

    let checked = check_on(&own, None, &split, None);
    assert_eq!(checked.base, Base::Kernel);
    assert_eq!(checked.outcomes, [Outcome::AsIs]);
    let checked = check_on(&other, None, &split, None);
    assert_eq!(checked.outcomes[0].rust(), Verdict::Malformed);

    let checked = check_on(&other, Some(&own), &split, None);
    assert_eq!(checked.base, Base::Distilled);
    assert_eq!(checked.outcomes[0].stock(), Verdict::Refused);
    assert_eq!(checked.outcomes[0].rust(), Verdict::Opaque(1));
}

#[test]
fn malformed_is_told_with_its_section() {
    let base = file(S8);
    let split = module(&base, POINTS);
    let malformed = |split: &[u8], base: &[u8]| {
        let checked = check_on(&file(S8), None, split, Some(base));
        match checked.outcomes[0] {
            Outcome::Malformed { section, error } => (section, error.to_string()),
            ref outcome => panic!("{outcome:?}"),
        }
    };
    let pointer = file(POINTS);
    let big = Builder::<BE>::new().finish().unwrap();

    assert_eq!(malformed(&split[..20], &base).0, SECTION);
    assert_eq!(malformed(&split, &[]).0, BASE_SECTION);
    let (section, error) = malformed(&big, &base);
    assert_eq!(section, SECTION);
    assert_eq!(error, "BTF of the other byte order");
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
