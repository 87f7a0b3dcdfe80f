// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use core_relo::CoreReloKind;
use splitbtf::Builder;
use splitbtf::Int;
use splitbtf::LE;

use super::*;
use crate::core::testing::call;
use crate::core::testing::exit;
use crate::core::testing::kernel;
use crate::core::testing::member;
use crate::core::testing::mov;
use crate::core::testing::unless;
use crate::core::testing::Relo;
use crate::core::testing::Sample;
use crate::core::testing::Undefined;

const INT: u32 = 1;
const STRUCT: u32 = 2;

/// 1: int, 2: struct s with these members.
fn with(b: &mut Builder<LE>, name: &str, members: &[(&'static str, u32)]) {
    let int = b.int(b"int", Int::signed(4));
    let members: Vec<_> = members
        .iter()
        .map(|(name, offset)| member(name, int, *offset))
        .collect();
    b.structure(name.as_bytes(), 16, &members);
}

fn run(file: &ObjectFile, kernel: &Kernel) -> Checked {
    check(file, &file.content.object(), kernel, &kernel.targets())
}

/// The effect, the subject and the reason of each finding.
fn said(checked: &Checked) -> Vec<(Effect, String)> {
    let text = |finding: &Finding| format!("{}: {}", finding.subject, finding.reason);
    let findings = checked.findings.iter();

    findings.map(|of| (of.effect, text(of))).collect()
}

/// A program that reads s.f: if its argument is not 0, if a question is answered with yes, or always.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    Maybe,
    IfAsked,
    Always,
}

fn reads(when: Reads) -> ObjectFile {
    let mut relos = vec![Relo(2, STRUCT, "0:1", CoreReloKind::FieldByteOffset)];
    if when == Reads::IfAsked {
        relos.push(Relo(0, STRUCT, "0:1", CoreReloKind::FieldExists));
    }
    let tested = if when == Reads::Maybe { 2 } else { 1 };

    let sample = Sample {
        section: "tc",
        insns: vec![mov(1, 1), unless(tested), mov(2, 4), exit()],
        relos,
        ..Sample::default()
    };
    sample.build(|b| with(b, "s", &[("a", 0), ("f", 4)]))
}

#[test]
fn a_member_that_is_there_is_no_finding() {
    let checked = run(
        &reads(Reads::Always),
        &kernel(|b| with(b, "s", &[("f", 8)])),
    );

    assert_eq!(checked.findings, []);
    assert_eq!((checked.relocations, checked.demands), (1, 0));
    assert_eq!(checked.worst(), None);
}

#[test]
fn a_missing_member_is_poison_unless_the_program_asks() {
    let kernel = kernel(|b| with(b, "s", &[("a", 0), ("g", 8)]));
    let text = || "struct s.f: struct s has no member f".to_owned();
    let of = |when| run(&reads(when), &kernel);
    let [maybe, asked, always] = [Reads::Maybe, Reads::IfAsked, Reads::Always].map(of);

    assert_eq!(said(&maybe), [(Effect::Poisoned, text())]);
    assert_eq!(maybe.worst(), Some((Effect::Poisoned, 1)));
    assert_eq!(said(&asked), [(Effect::Guarded, text())]);
    assert_eq!(asked.worst(), Some((Effect::Guarded, 1)));
    assert_eq!(said(&always), [(Effect::Refused, text())]);
    let place = &maybe.findings[0].places[0];
    assert_eq!((place.program.as_str(), place.insn), ("prog", Some(2)));
    assert_eq!(place.source.as_ref().unwrap().line, 3);
    assert_eq!(asked.findings[0].places.len(), 2);
}

#[test]
fn a_subprogram_may_be_reached() {
    let sample = Sample {
        section: SUBPROGRAMS,
        insns: vec![mov(2, 0), exit()],
        relos: vec![Relo(0, STRUCT, "0:0", CoreReloKind::FieldByteOffset)],
        ..Sample::default()
    };
    let file = sample.build(|b| with(b, "s", &[("f", 0)]));
    let checked = run(&file, &kernel(|b| with(b, "s", &[("g", 0)])));

    assert_eq!(checked.worst(), Some((Effect::Poisoned, 1)));
}

#[test]
fn a_renamed_member_is_shown() {
    let renamed = kernel(|b| with(b, "s", &[("a", 0), ("new", 4)]));
    let elsewhere = kernel(|b| with(b, "s", &[("a", 0), ("new", 8)]));
    let instead = |kernel| {
        run(&reads(Reads::Always), kernel).findings[0]
            .instead
            .clone()
    };

    assert_eq!(
        instead(&renamed).as_deref(),
        Some("struct s.new has the same type and offset")
    );
    assert_eq!(instead(&elsewhere), None);
    let of_another_type = kernel(|b| {
        let long = b.int(b"long", Int::signed(8));
        b.structure(b"s", 16, &[member("new", long, 4)]);
    });
    assert_eq!(instead(&of_another_type), None);
    // The object knows this member: it is another one.
    let known = kernel(|b| with(b, "s", &[("a", 4)]));
    assert_eq!(instead(&known), None);
}

#[test]
fn another_member_is_no_flavour() {
    let sample = Sample {
        section: "tc",
        insns: vec![mov(1, 0), mov(1, 4), exit()],
        relos: vec![
            Relo(0, STRUCT, "0:0", CoreReloKind::FieldByteOffset),
            Relo(1, STRUCT, "0:1", CoreReloKind::FieldByteOffset),
        ],
        ..Sample::default()
    };
    let file = sample.build(|b| with(b, "s", &[("a", 0), ("f", 4)]));
    let checked = run(&file, &kernel(|b| with(b, "s", &[("a", 0)])));

    assert_eq!(checked.findings[0].subject, "struct s.f");
    assert_eq!(checked.findings[0].instead, None);
}

#[test]
fn a_type_of_another_kind_is_shown() {
    let kernel = kernel(|b| {
        let int = b.int(b"int", Int::signed(4));
        b.union(b"s", 4, &[member("f", int, 0)]);
    });
    let checked = run(&reads(Reads::Always), &kernel);

    assert_eq!(
        said(&checked),
        [(
            Effect::Refused,
            "struct s.f: the kernel has no such type".into()
        )]
    );
    assert_eq!(
        checked.findings[0].instead.as_deref(),
        Some("there is a union s")
    );
}

#[test]
fn another_flavour_is_shown() {
    let sample = Sample {
        section: "tc",
        insns: vec![mov(1, 0), mov(1, 0), exit()],
        relos: vec![
            Relo(0, STRUCT, "0:0", CoreReloKind::FieldByteOffset),
            Relo(1, 3, "0:0", CoreReloKind::FieldByteOffset),
        ],
        ..Sample::default()
    };
    let file = sample.build(|b| {
        with(b, "s___old", &[("f", 0)]);
        b.structure(b"s___new", 4, &[member("g", INT, 0)]);
    });
    let checked = run(&file, &kernel(|b| with(b, "s", &[("g", 0)])));

    assert_eq!(
        checked.findings[0].instead.as_deref(),
        Some("the object also asks for struct s___new.g, which is there")
    );
}

#[test]
fn candidates_that_differ_are_refused() {
    let kernel = kernel(|b| {
        with(b, "s", &[("f", 0)]);
        b.structure(b"s", 16, &[member("f", INT, 8)]);
    });
    let checked = run(&reads(Reads::Always), &kernel);

    assert_eq!(
        said(&checked),
        [(
            Effect::Refused,
            "struct s.f: [2] struct s in vmlinux and [3] struct s in vmlinux differ".into()
        )]
    );
}

#[test]
fn kernels_of_the_other_byte_order_are_refused() {
    let mut builder = Builder::<splitbtf::BE>::new();
    builder.int(b"int", Int::signed(4));
    let file = crate::core::testing::file(&builder.finish().unwrap());
    let kernel = Kernel::open(file.path(), &[], None).unwrap();

    assert_eq!(
        said(&run(&reads(Reads::Always), &kernel)),
        [(
            Effect::Refused,
            "byte order: the kernel has the other one".into()
        )]
    );
}

/// A program that calls the kfunc `k(int)`, behind a question or not.
fn calls(weak: bool, asks: bool) -> ObjectFile {
    let mut load = [mov(1, 0), Insn::default()];
    load[0].code = 0x18;
    let mut insns = load.to_vec();
    insns.extend([
        match asks {
            true => unless(1),
            false => mov(3, 0),
        },
        call(),
        exit(),
    ]);
    let sample = Sample {
        section: "tc",
        insns,
        undefined: vec![Undefined {
            name: "k",
            weak,
            uses: vec![0, 3],
        }],
        ..Sample::default()
    };

    sample.build(|b| {
        let int = b.int(b"int", Int::signed(4));
        let proto = b.func_proto(int, &[(b"", int)]);
        let func = b.func(b"k", proto, 2);
        b.datasec(b".ksyms", 0, &[(func, 0, 0)]);
    })
}

/// A kernel with `k` of this many parameters, and with a tag of kfuncs on it or on another function.
fn with_kfunc(params: usize, tag: Option<bool>) -> Kernel {
    kernel(|b| {
        let int = b.int(b"int", Int::signed(4));
        let proto = b.func_proto(int, &vec![(&b"x"[..], int); params]);
        let func = b.func(b"k", proto, 1);
        let other = b.func(b"other", proto, 1);
        if let Some(own) = tag {
            b.decl_tag(b"bpf_kfunc", if own { func } else { other }, -1);
        }
    })
}

#[test]
fn kfuncs_are_found_by_name_and_prototype() {
    let none = kernel(|b| with(b, "s", &[]));
    let file = calls(false, false);
    let text = |kernel: &Kernel| said(&run(&file, kernel));

    assert_eq!(text(&with_kfunc(1, None)), []);
    assert_eq!(text(&with_kfunc(1, Some(true))), []);
    assert_eq!(run(&file, &none).demands, 1);
    assert_eq!(
        text(&none),
        [(
            Effect::Refused,
            "kfunc k: the kernel does not have it".into()
        )]
    );
    let not_for_programs = "kfunc k: in vmlinux it is a function that no program may call";
    let bare = text(&with_kfunc(1, Some(false)));
    assert_eq!(bare, [(Effect::Refused, not_for_programs.into())]);
    // It has an address: the program does not find out by asking.
    let asked = run(&calls(true, true), &with_kfunc(1, Some(false)));
    assert_eq!(said(&asked), [(Effect::Poisoned, not_for_programs.into())]);
    let [(Effect::Refused, other)] = &text(&with_kfunc(2, None))[..] else {
        panic!();
    };
    assert_eq!(
        other,
        "kfunc k: in vmlinux it is 'int k(int x, int x)': another number of parameters"
    );
    let places = &run(&file, &none).findings[0].places;
    let lines = places.iter().map(|of| of.source.as_ref().unwrap().line);
    assert!(lines.eq([1, 4]));
}

#[test]
fn a_weak_kfunc_may_be_missing_if_the_program_asks() {
    let none = kernel(|b| with(b, "s", &[]));
    let text = "kfunc k: the kernel does not have it".to_owned();

    assert_eq!(
        said(&run(&calls(true, true), &none)),
        [(Effect::Guarded, text.clone())]
    );
    let bare = run(&calls(true, false), &none);
    assert_eq!(said(&bare), [(Effect::Refused, text)]);
    assert_eq!(bare.findings[0].places[0].insn, Some(3));
    // It is there: its address is not 0.
    assert_eq!(said(&run(&calls(true, true), &with_kfunc(1, None))), []);
}

#[test]
fn variables_have_a_type_or_an_address() {
    let file = |ty: fn(&mut Builder<LE>) -> u32| {
        let sample = Sample {
            section: "tc",
            insns: vec![exit()],
            undefined: vec![Undefined {
                name: "v",
                weak: false,
                uses: vec![],
            }],
            ..Sample::default()
        };
        sample.build(|b| {
            let ty = ty(b);
            let var = b.var(b"v", ty, 2);
            b.datasec(b".ksyms", 0, &[(var, 0, 0)]);
        })
    };
    let typed = file(|b| b.int(b"int", Int::signed(4)));
    let plain = file(|_| 0);
    let kernel_with = |is_struct: bool| {
        kernel(|b| {
            with(b, "s", &[]);
            b.var(b"v", if is_struct { STRUCT } else { INT }, 1);
        })
    };

    assert_eq!(said(&run(&typed, &kernel_with(false))), []);
    let other = said(&run(&typed, &kernel_with(true)));
    assert_eq!(
        other,
        [(
            Effect::Refused,
            "variable v: in vmlinux: struct s is not int: another kind".into()
        )]
    );
    let none = kernel(|b| with(b, "s", &[]));
    assert_eq!(
        said(&run(&typed, &none)),
        [(
            Effect::Refused,
            "variable v: the kernel does not have it".into()
        )]
    );
    let unknown = run(&plain, &none);
    assert_eq!(unknown.findings[0].effect, Effect::Unknown);
    assert_eq!(unknown.worst(), None);
}

#[test]
fn targets_are_found_by_the_kind_of_program() {
    let file = |section| {
        let sample = Sample {
            section,
            insns: vec![exit()],
            ..Sample::default()
        };
        sample.build(|b| {
            b.int(b"int", Int::signed(4));
        })
    };
    let kernel = kernel(|b| {
        let int = b.int(b"int", Int::signed(4));
        let proto = b.func_proto(int, &[]);
        for name in ["f", "bpf_lsm_hook", "bpf_iter_task"] {
            b.func(name.as_bytes(), proto, 1);
        }
        b.typedef(b"btf_trace_event", int);
    });
    let text = |section| said(&run(&file(section), &kernel));
    let refused = |text: &str| vec![(Effect::Refused, text.to_owned())];
    let unknown = |text: &str| vec![(Effect::Unknown, text.to_owned())];

    for there in [
        "fentry/f",
        "fexit.s/f",
        "fmod_ret/f",
        "fsession/f",
        "fentry/vmlinux:f",
        "lsm/hook",
        "lsm.s/hook",
        "lsm_cgroup/hook",
        "tp_btf/event",
        "iter/task",
        "iter.s/task",
        "?fentry/g",
        "kprobe/g",
        "tc",
    ] {
        assert_eq!(text(there), [], "{there}");
    }
    assert_eq!(
        text("fentry/g"),
        refused("fentry/g: the kernel has no such function")
    );
    assert_eq!(
        text("fentry/m:f"),
        refused("fentry/m:f: there is no such function in m")
    );
    assert_eq!(
        text("lsm/f"),
        refused("lsm/f: the kernel has no such LSM hook")
    );
    assert_eq!(
        text("tp_btf/f"),
        refused("tp_btf/f: the kernel has no such tracepoint")
    );
    assert_eq!(
        text("iter/f"),
        refused("iter/f: the kernel has no such iterator")
    );
    assert_eq!(
        text("fentry"),
        unknown("fentry: the loader says what it is for")
    );
    assert_eq!(
        text("freplace/f"),
        unknown("freplace/f: it is for another program")
    );
}

/// An object with `struct ops { int a; int b; }`, with these values.
fn ops(bytes: &[u8], pointers: &[u64]) -> ObjectFile {
    let sample = Sample {
        section: "struct_ops",
        insns: vec![exit()],
        data: Some((".struct_ops.link", bytes.to_vec(), "v", pointers.to_vec())),
        ..Sample::default()
    };

    sample.build(|b| {
        let int = b.int(b"int", Int::signed(4));
        let members = [member("a", int, 0), member("b", int, 4)];
        let ty = b.structure(b"ops___mine", 8, &members);
        let var = b.var(b"v", ty, 1);
        b.datasec(b".struct_ops.link", 8, &[(var, 0, 8)]);
    })
}

#[test]
fn members_of_struct_ops_must_be_there_if_they_are_set() {
    let with_ops = |name: &'static str, is_struct: bool| {
        kernel(|b| {
            let int = b.int(b"int", Int::signed(4));
            let other = b.structure(b"other", 4, &[]);
            let ty = if is_struct { other } else { int };
            let data = b.structure(b"ops", 4, &[member(name, ty, 0)]);
            b.structure(b"bpf_struct_ops_ops", 8, &[member("data", data, 4)]);
        })
    };
    let text = |file: &ObjectFile, kernel: &Kernel| said(&run(file, kernel));
    let refused = |text: &str| vec![(Effect::Refused, format!("struct_ops v: {text}"))];
    let (none, first) = (ops(&[0; 8], &[]), ops(&[0, 1, 0, 0, 0, 0, 0, 0], &[]));
    let second = ops(&[0; 8], &[4]);

    assert_eq!(text(&none, &with_ops("c", false)), []);
    assert_eq!(text(&first, &with_ops("a", false)), []);
    assert_eq!(text(&second, &with_ops("b", false)), []);
    assert_eq!(
        text(&second, &with_ops("a", false)),
        refused("struct ops has no member b")
    );
    assert_eq!(
        text(&first, &with_ops("b", false)),
        refused("struct ops has no member a")
    );
    assert_eq!(
        text(&first, &with_ops("a", true)),
        refused("member a of struct ops has another kind of type")
    );
    assert_eq!(
        text(&none, &kernel(|b| with(b, "s", &[]))),
        refused("the kernel has no struct bpf_struct_ops_ops")
    );
    let of_another = kernel(|b| {
        let data = b.structure(b"other", 4, &[]);
        b.structure(b"bpf_struct_ops_ops", 8, &[member("data", data, 4)]);
    });
    assert_eq!(
        text(&none, &of_another),
        refused("struct bpf_struct_ops_ops has no member of struct ops")
    );
}

#[test]
fn values_of_the_configuration_are_not_looked_at() {
    let sample = Sample {
        section: "tc",
        insns: vec![exit()],
        ..Sample::default()
    };
    let file = sample.build(|b| {
        let int = b.int(b"int", Int::signed(4));
        let var = b.var(b"CONFIG_HZ", int, 2);
        b.datasec(b".kconfig", 0, &[(var, 0, 4)]);
    });

    assert_eq!(
        said(&run(&file, &kernel(|b| with(b, "s", &[])))),
        [(
            Effect::Unknown,
            "kernel configuration CONFIG_HZ: BTF does not say it".into()
        )]
    );
}
