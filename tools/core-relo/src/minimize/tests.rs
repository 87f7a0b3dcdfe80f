// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use splitbtf::Int;
use splitbtf::Owned;
use splitbtf::BE;
use splitbtf::LE;

use super::*;
use crate::testing::bits;
use crate::testing::ints;
use crate::testing::kernel;
use crate::testing::load;
use crate::testing::load64;
use crate::testing::member;
use crate::testing::module;
use crate::testing::mov;
use crate::testing::Ask;
use crate::testing::Sample;
use crate::Error;

use CoreReloKind::*;

fn all(decisions: Vec<Result<Decision, Error>>) -> Vec<Decision> {
    decisions.into_iter().map(Result::unwrap).collect()
}

/// What must be the same by both BTFs: the results, and the instructions but for types' ids.
fn results(decisions: &[Decision]) -> Vec<String> {
    let result = |decision: &Decision| {
        let outcome = match decision.outcome {
            Outcome::Ambiguous { .. } => "ambiguous".to_string(),
            ref outcome => format!("{outcome:?}"),
        };
        match decision.kind {
            TypeIdTarget => outcome,
            _ => format!("{outcome} {:?}", decision.instruction),
        }
    };

    decisions.iter().map(result).collect()
}

/// Minimises BTF for these relocations, and checks that they are decided by it as by all of it.
fn minimize<O: ByteOrder + Send + Sync + 'static>(
    local: impl FnOnce(&mut Builder<O>),
    asks: &[Ask],
    vmlinux: impl FnOnce(&mut Builder<O>),
) -> AnyOwned {
    let sample = Sample::new::<O>(local, asks);
    let vmlinux = kernel::<O>(vmlinux);
    let targets = Targets::new(&vmlinux);
    let decisions = all(sample.decide(&targets));

    let finish = |decisions: &mut dyn Iterator<Item = &Decision>| {
        let mut minimizer = Minimizer::new(&targets);
        for decision in decisions {
            minimizer.add(decision).unwrap();
        }
        minimizer.finish().unwrap()
    };
    let bytes = finish(&mut decisions.iter());
    assert_eq!(bytes, finish(&mut decisions.iter().rev()));
    assert!(bytes.len() <= vmlinux.bytes().len());

    Owned::<O>::valid(bytes.clone(), None).unwrap();
    let types = AnyOwned::new(bytes, None).unwrap();
    let again = all(sample.decide(&Targets::new(&types)));
    assert_eq!(results(&again), results(&decisions));
    types
}

/// All types, as short texts.
fn texts(types: &AnyOwned) -> Vec<String> {
    let name = |offset| String::from_utf8_lossy(types.string(offset).unwrap()).into_owned();
    let text = |id| {
        let ty = types.get(id).unwrap();
        let own = name(ty.name_off);
        let mut text = match ty.kind {
            Kind::Int(_) => format!("int {own}"),
            Kind::Ptr(to) => format!("ptr {to}"),
            Kind::Array(of) => format!("array {}[{}]", of.ty, of.nelems),
            Kind::Struct(_) => format!("struct {own}"),
            Kind::Union(_) => format!("union {own}"),
            Kind::Enum { .. } | Kind::Enum64 { .. } => format!("enum {own}"),
            Kind::Fwd { .. } => format!("fwd {own}"),
            Kind::Typedef(to) => format!("typedef {own} {to}"),
            Kind::FuncProto { returns, params } => format!("proto {returns} {}", params.len()),
            kind => format!("{kind:?}"),
        };
        if let Some(of) = side::composite(&ty) {
            for member in of.members() {
                text += &format!(" .{} {}", name(member.name_off), member.ty);
            }
        }
        for value in side::values(&ty).into_iter().flatten() {
            text += &format!(" {}={}", name(value.name_off), value.value);
        }
        text
    };

    (types.first_id()..types.end_id()).map(text).collect()
}

#[test]
fn members_are_kept_with_their_types() {
    fn check<O: ByteOrder + Send + Sync + 'static>() {
        let local = |b: &mut Builder<O>| {
            ints(b);
            b.ptr(0);
            b.structure(b"in", 8, &[member("y", 1, 32)]);
            b.array(5, 2, 3);
            let members = [member("p", 4, 0), member("in", 6, 64), bits("b", 1, 256, 3)];
            b.structure(b"s", 40, &members);
        };
        let asks = [
            Ask::new(FieldByteOffset, 7, "0:0", load(0)),
            Ask::new(FieldByteOffset, 7, "0:1:2:0", load(28)),
            Ask::new(FieldByteOffset, 7, "0:2", load(32)),
            Ask::new(FieldRshiftU64, 7, "0:2", mov(61)),
            Ask::new(FieldExists, 7, "0:0", mov(1)),
        ];
        let types = minimize::<O>(local, &asks, |b| {
            ints(b);
            b.constant(0);
            let ptr = b.ptr(4);
            let other = b.ptr(9);
            let s32 = b.typedef(b"s32", 1);
            let volatile = b.volatile(s32);
            b.structure(b"in", 12, &[member("x", 3, 0), member("y", volatile, 64)]);
            let array = b.array(9, 2, 4);
            let anonymous = [member("q", other, 0), member("p", ptr, 64)];
            let anonymous = b.structure(b"", 16, &anonymous);
            let members = [
                member("long", 3, 0),
                member("", anonymous, 64),
                member("in", array, 192),
                bits("b", s32, 577, 5),
            ];
            b.structure(b"s", 80, &members);
        });

        assert_eq!(
            texts(&types),
            [
                "int int",
                "int unsigned int",
                "ptr 0",
                "struct in .y 1",
                "array 4[4]",
                "struct  .p 3",
                "struct s . 6 .in 5 .b 1",
            ]
        );
    }

    check::<LE>();
    check::<BE>();
}

#[test]
fn pointers_and_arrays_are_written_once() {
    let local = |b: &mut Builder<LE>| {
        ints(b);
        b.ptr(0);
        b.array(4, 2, 2);
        let members = [member("a", 4, 0), member("b", 5, 64), member("c", 5, 192)];
        b.structure(b"s", 40, &members);
    };
    let asks = ["0:0", "0:1:1", "0:2"].map(|access| {
        let offset = match access {
            "0:0" => 0,
            "0:1:1" => 16,
            _ => 24,
        };
        Ask::new(FieldByteOffset, 6, access, mov(offset))
    });
    let types = minimize::<LE>(local, &asks, |b| {
        ints(b);
        b.ptr(1);
        b.ptr(2);
        b.array(4, 2, 2);
        b.array(5, 2, 2);
        let members = [member("a", 5, 0), member("b", 6, 64), member("c", 7, 192)];
        b.structure(b"s", 40, &members);
    });

    assert_eq!(
        texts(&types),
        [
            "int unsigned int",
            "ptr 0",
            "array 2[2]",
            "struct s .a 2 .b 3 .c 3"
        ]
    );
}

#[test]
fn enums_have_the_values_that_are_used() {
    let local = |b: &mut Builder<LE>| {
        b.enumeration(b"e", 4, false, &[(b"A", 0), (b"B", 1)]);
        b.enumeration64(b"f", 8, true, &[(b"C", -1)]);
        b.typedef(b"e_t", 1);
        b.structure(b"s", 4, &[member("g", 1, 0)]);
    };
    let asks = [
        Ask::new(EnumvalExists, 1, "0", mov(1)),
        Ask::new(EnumvalValue, 3, "1", load64(1)),
        Ask::new(EnumvalValue, 2, "0", load64(u64::MAX)),
        Ask::new(FieldSigned, 4, "0:0", mov(0)),
    ];
    let types = minimize::<LE>(local, &asks, |b| {
        b.enumeration(b"e", 4, true, &[(b"X", 6), (b"B", -7)]);
        b.enumeration64(b"f", 8, true, &[(b"X", 0), (b"C", -2), (b"D", 0)]);
        b.typedef(b"e_t", 1);
        b.structure(b"s", 8, &[member("x", 2, 0), member("g", 1, 32)]);
    });

    assert_eq!(
        texts(&types),
        [
            "enum e B=-7",
            "enum f C=-2",
            "typedef e_t 1",
            "struct s .g 1"
        ]
    );
}

#[test]
fn types_are_kept_as_far_as_they_are_compared() {
    let add = |b: &mut Builder<LE>| {
        ints(b);
        let s = b.structure(b"s", 8, &[member("a", 1, 0), member("b", 2, 32)]);
        let to = b.ptr(s);
        let fwd = b.fwd(b"f", false);
        let constant = b.constant(fwd);
        let to_fwd = b.ptr(constant);
        let proto = b.func_proto(1, &[(b"x", to), (b"y", to_fwd)]);
        let function = b.ptr(proto);
        b.typedef(b"fn_t", function);
        let e = b.enumeration(b"e", 4, false, &[(b"A", 0)]);
        let members = [member("s", s, 0), member("p", to, 64), member("e", e, 128)];
        b.structure(b"m", 24, &members);
    };

    let check = |kind, ty, expected: &[&str]| {
        let value = match kind {
            TypeSize => 8,
            _ => 1,
        };
        let ask = Ask::new(kind, ty, "0", mov(value));
        assert_eq!(texts(&minimize::<LE>(add, &[ask], add)), expected);
    };
    check(TypeSize, 4, &["struct s"]);
    check(TypeIdTarget, 4, &["struct s"]);
    let function = [
        "int int",
        "struct s",
        "ptr 2",
        "fwd f",
        "ptr 4",
        "proto 1 2",
        "ptr 6",
        "typedef fn_t 7",
    ];
    check(TypeExists, 11, &function);
    check(TypeMatches, 11, &function);
    check(TypeExists, 13, &["struct m"]);
    check(
        TypeMatches,
        13,
        &[
            "int int",
            "int unsigned int",
            "struct s .a 1 .b 2",
            "ptr 3",
            "enum e A=0",
            "struct m .s 3 .p 4 .e 5",
        ],
    );
}

/// Two types `s` with these members.
fn twins(b: &mut Builder<LE>, types: [&[(&str, u32)]; 2]) {
    ints(b);
    for members in types {
        let members: Vec<_> = members
            .iter()
            .map(|(name, at)| member(name, 1, *at))
            .collect();
        b.structure(b"s", 32, &members);
    }
}

#[test]
fn ambiguity_is_kept() {
    let asks = [
        Ask::new(FieldByteOffset, 4, "0:0", mov(0)),
        Ask::new(FieldByteOffset, 4, "0:1", mov(4)),
    ];
    let local = |b: &mut Builder<LE>| twins(b, [&[("a", 0), ("b", 32)], &[]]);

    // Both have the first member at the same place, so one would be enough for it.
    let types = minimize::<LE>(local, &asks, |b| {
        twins(b, [&[("a", 0), ("b", 32)], &[("a", 0), ("b", 64)]]);
    });
    let expected = ["int int", "struct s .a 1 .b 1", "struct s .a 1 .b 1"];
    assert_eq!(texts(&types), expected);

    let types = minimize::<LE>(local, &asks[..1], |b| {
        twins(b, [&[("a", 0), ("b", 32)], &[("a", 0), ("b", 64)]]);
    });
    assert_eq!(texts(&types), ["int int", "struct s .a 1"]);
}

#[test]
fn what_is_chosen_later_is_not_ruled_out() {
    let asks = [
        Ask::new(FieldByteOffset, 4, "0:0", mov(0)),
        Ask::new(FieldByteOffset, 4, "0:1", mov(4)),
    ];
    let local = |b: &mut Builder<LE>| twins(b, [&[("a", 0), ("b", 32)], &[]]);
    let types = minimize::<LE>(local, &asks, |b| {
        twins(b, [&[("a", 64)], &[("a", 64), ("b", 96)]]);
    });

    let expected = ["int int", "struct s .a 1", "struct s .a 1 .b 1"];
    assert_eq!(texts(&types), expected);
}

#[test]
fn arrays_do_not_become_flexible() {
    let local = |b: &mut Builder<LE>| {
        ints(b);
        b.array(1, 2, 4);
        b.structure(b"s", 20, &[member("a", 4, 0)]);
        b.array(1, 2, 0);
        b.structure(b"t", 4, &[member("a", 6, 0)]);
    };
    let asks = [
        Ask::new(FieldExists, 5, "0:0", mov(1)),
        Ask::new(FieldExists, 5, "0:0:3", mov(1)),
        Ask::new(FieldByteOffset, 7, "0:0:3", mov(12)),
    ];
    let types = minimize::<LE>(local, &asks, |b| {
        ints(b);
        b.array(1, 2, 0);
        b.structure(b"s", 8, &[member("a", 4, 0), member("b", 3, 0)]);
        b.structure(b"t", 8, &[member("b", 3, 0), member("a", 4, 64)]);
    });

    assert_eq!(
        texts(&types),
        [
            "int int",
            "int unsigned int",
            "array 1[0]",
            "struct s .a 3 . 3",
            "struct t .a 3"
        ]
    );
}

#[test]
fn pointers_keep_their_size() {
    let local = |b: &mut Builder<LE>| {
        b.ptr(0);
        b.structure(b"s", 8, &[member("p", 1, 0)]);
    };
    let asks = [Ask::new(FieldByteSize, 2, "0:0", mov(8))];
    let types = minimize::<LE>(local, &asks, |b| {
        b.int(b"int", Int::signed(4));
        b.int(b"long unsigned int", Int::unsigned(4));
        b.ptr(1);
        b.structure(b"s", 4, &[member("p", 3, 0)]);
    });

    let expected = ["int long unsigned int", "ptr 0", "struct s .p 2"];
    assert_eq!(texts(&types), expected);
}

#[test]
fn what_is_absent_is_not_kept() {
    let local = |b: &mut Builder<LE>| {
        ints(b);
        b.structure(b"s", 8, &[member("gone", 1, 0)]);
        b.structure(b"t", 8, &[member("a", 1, 0)]);
    };
    let asks = [
        Ask::new(FieldExists, 4, "0:0", mov(1)),
        Ask::new(FieldByteOffset, 5, "0:0", load(0)),
        Ask::new(TypeIdLocal, 5, "0", load64(5)),
    ];
    let types = minimize::<LE>(local, &asks, |b| {
        ints(b);
        b.structure(b"s", 8, &[member("a", 1, 0)]);
    });

    assert_eq!(types.end_id(), 1);
}

/// What a sample needs of the kernel.
fn minimized_base(sample: &Sample, vmlinux: &Owned<LE>) -> AnyOwned {
    let targets = Targets::new(vmlinux);
    let mut minimizer = Minimizer::new(&targets);

    for decision in all(sample.decide(&targets)) {
        minimizer.add(&decision).unwrap();
    }
    AnyOwned::new(minimizer.finish().unwrap(), None).unwrap()
}

#[test]
fn modules_are_split_on_the_base() {
    let vmlinux = kernel::<LE>(|b| {
        ints(b);
        b.typedef(b"u32", 2);
        b.structure(b"in_base", 8, &[member("x", 4, 0), member("y", 1, 32)]);
    });
    let module = module(&vmlinux, |b| {
        b.constant(4);
        b.ptr(6);
        let members = [member("in", 5, 0), member("z", 6, 64), member("p", 7, 128)];
        b.structure(b"own", 24, &members);
        b.structure(b"other", 24, &members);
    });
    let local = |b: &mut Builder<LE>| {
        ints(b);
        b.ptr(0);
        b.structure(b"in_base", 4, &[member("y", 1, 0)]);
        let members = [member("in", 5, 0), member("z", 2, 32), member("p", 4, 64)];
        b.structure(b"own", 16, &members);
    };
    let asks = [
        Ask::new(FieldByteOffset, 6, "0:0:0", mov(0)),
        Ask::new(FieldByteOffset, 6, "0:1", mov(4)),
        Ask::new(FieldByteOffset, 6, "0:2", mov(8)),
        Ask::new(FieldByteOffset, 5, "0:0", mov(0)),
    ];
    let sample = Sample::new::<LE>(local, &asks);
    let targets = Targets::new(&vmlinux).module("m", &module);
    let decisions = all(sample.decide(&targets));
    let minimizer = || {
        let mut minimizer = Minimizer::module(&targets, "m").unwrap();
        for decision in &decisions {
            minimizer.add(decision).unwrap();
        }
        minimizer
    };

    let base = AnyOwned::Little(vmlinux.clone());
    let bytes = minimizer().finish_on(&base).unwrap();
    let types = AnyOwned::new(bytes, Some(&base)).unwrap();
    assert_eq!(types.first_id(), 6);
    assert_eq!(texts(&types), ["ptr 0", "struct own .in 5 .z 2 .p 6"]);
    let again = all(sample.decide(&Targets::new(&base).module("m", &types)));
    assert_eq!(results(&again), results(&decisions));

    // By itself, it has what it needs of the base.
    let alone = AnyOwned::new(minimizer().finish().unwrap(), None).unwrap();
    let own = "struct own .in 3 .z 2 .p 4";
    let expected = [
        "int int",
        "int unsigned int",
        "struct in_base .y 1",
        "ptr 0",
        own,
    ];
    assert_eq!(texts(&alone), expected);

    // A minimised base lacks some of it.
    let base = AnyOwned::Little(kernel::<LE>(|b| {
        b.int(b"unsigned int", Int::unsigned(4));
        b.structure(b"in_base", 8, &[member("x", 1, 0)]);
    }));
    let bytes = minimizer().finish_on(&base).unwrap();
    let types = AnyOwned::new(bytes, Some(&base)).unwrap();
    let own = "struct own .in 4 .z 1 .p 5";
    let expected = ["int int", "struct in_base .y 3", "ptr 0", own];
    assert_eq!(
        (types.first_id(), texts(&types)),
        (3, expected.map(String::from).to_vec())
    );

    // This one has all of it.
    let base = minimized_base(&sample, &vmlinux);
    let bytes = minimizer().finish_on(&base).unwrap();
    let types = AnyOwned::new(bytes, Some(&base)).unwrap();
    assert_eq!(
        texts(&types),
        ["int unsigned int", "ptr 0", "struct own .in 2 .z 3 .p 4"]
    );
    let again = all(sample.decide(&Targets::new(&base).module("m", &types)));
    assert_eq!(results(&again), results(&decisions));

    let other = AnyOwned::Big(kernel::<BE>(ints));
    assert!(minimizer().finish_on(&other).is_err());
    assert!(Minimizer::module(&targets, "vmlinux").is_none());
}

#[test]
fn decisions_for_other_types_are_refused() {
    let local = |b: &mut Builder<LE>| {
        ints(b);
        b.structure(b"s", 8, &[member("a", 1, 0), member("b", 1, 32)]);
    };
    let sample = Sample::new::<LE>(local, &[Ask::new(FieldByteOffset, 4, "0:1", mov(4))]);
    let vmlinux = kernel::<LE>(local);
    let decision = all(sample.decide(&Targets::new(&vmlinux))).remove(0);

    let other = kernel::<LE>(|b| {
        ints(b);
        b.structure(b"s", 8, &[member("b", 1, 32)]);
    });
    let targets = Targets::new(&other);
    let error = Minimizer::new(&targets).add(&decision).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the decision was not made for these types: type 4 has no part 1"
    );
    let empty = kernel::<LE>(|_| ());
    let targets = Targets::new(&empty);
    assert!(Minimizer::new(&targets).add(&decision).is_err());
}

#[test]
fn types_that_contain_themselves_end() {
    let ask = Ask::new(TypeMatches, 1, "0", mov(1));
    let local = |b: &mut Builder<LE>| {
        b.structure(b"s", 8, &[]);
    };
    let sample = Sample::new::<LE>(local, &[ask]);
    let vmlinux = kernel::<LE>(|b| {
        b.array(1, 1, 1);
        b.ptr(2);
        b.func_proto(3, &[(b"", 4)]);
        let members = [
            member("a", 1, 0),
            member("p", 2, 0),
            member("f", 3, 0),
            member("s", 4, 0),
        ];
        b.structure(b"s", 8, &members);
    });
    let targets = Targets::new(&vmlinux);
    let mut minimizer = Minimizer::new(&targets);
    minimizer.add(&all(sample.decide(&targets))[0]).unwrap();

    let types = AnyOwned::new(minimizer.finish().unwrap(), None).unwrap();
    let expected = [
        "array 1[1]",
        "ptr 2",
        "proto 3 1",
        "struct s .a 1 .p 2 .f 3 .s 4",
    ];
    assert_eq!(texts(&types), expected);
}
