// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Each kind, for what is present, absent, of another type, moved, there twice, or in a module.

use splitbtf::Builder;
use splitbtf::ByteOrder;
use splitbtf::CoreReloKind;
use splitbtf::Int;
use splitbtf::BE;
use splitbtf::LE;
use CoreReloKind::*;

use super::brief;
use crate::testing::ints;
use crate::testing::kernel;
use crate::testing::load;
use crate::testing::load64;
use crate::testing::member;
use crate::testing::module;
use crate::testing::mov;
use crate::testing::Ask;
use crate::testing::Sample;
use crate::Targets;

const STRUCT: u32 = 4;
const ENUM: u32 = 5;

/// 4: struct s { int a; unsigned int f; }, 5: enum e { X = 5, Y }.
fn present<O: ByteOrder>(b: &mut Builder<O>) {
    ints(b);
    b.structure(b"s", 8, &[member("a", 1, 0), member("f", 2, 32)]);
    b.enumeration(b"e", 4, false, &[(b"X", 5), (b"Y", 6)]);
}

fn absent<O: ByteOrder>(b: &mut Builder<O>) {
    ints(b);
    b.structure(b"s2", 8, &[member("f", 2, 32)]);
    b.enumeration(b"e2", 4, false, &[(b"X", 5)]);
}

/// The struct is there without the member, the enum without the value.
fn less<O: ByteOrder>(b: &mut Builder<O>) {
    ints(b);
    b.structure(b"s", 8, &[member("a", 1, 0)]);
    b.enumeration(b"e", 4, false, &[(b"Y", 5)]);
}

/// The member is a pointer, and there is a struct in place of the enum.
fn other_type<O: ByteOrder>(b: &mut Builder<O>) {
    ints(b);
    b.ptr(1);
    b.structure(b"s", 16, &[member("a", 1, 0), member("f", 4, 64)]);
    b.structure(b"e", 4, &[]);
}

/// All values are others.
fn moved<O: ByteOrder>(b: &mut Builder<O>) {
    ints(b);
    let members = [member("b", 3, 0), member("f", 3, 64), member("a", 1, 128)];
    b.structure(b"s", 24, &members);
    b.enumeration(b"e", 4, false, &[(b"W", 1), (b"X", 9), (b"Y", 10)]);
}

/// The one or the other.
fn twice<O: ByteOrder>(b: &mut Builder<O>) {
    present(b);
    b.structure(b"s___2", 24, &[member("f", 2, 64), member("a", 1, 0)]);
    b.enumeration(b"e___2", 4, false, &[(b"X", 9), (b"Y", 10)]);
}

/// A kind, its instruction, and what is wanted for each kernel.
type Row = (
    CoreReloKind,
    u32,
    &'static str,
    fn() -> Vec<crate::Insn>,
    [&'static str; 7],
);

const ROWS: [Row; 13] = [
    (
        FieldByteOffset,
        STRUCT,
        "0:1",
        || load(4),
        [
            "in vmlinux, 4 -> 4, unchanged",
            "absent, 4 -> -, poisoned (Absent)",
            "absent, 4 -> -, poisoned (Absent)",
            "absent, 4 -> -, poisoned (Absent)",
            "in vmlinux, 4 -> 8, patched",
            "ambiguous, 4 -> -, none",
            "in mod, 4 -> 8, patched",
        ],
    ),
    (
        FieldByteSize,
        STRUCT,
        "0:1",
        || mov(4),
        [
            "in vmlinux, 4 -> 4, unchanged",
            "absent, 4 -> -, poisoned (Absent)",
            "absent, 4 -> -, poisoned (Absent)",
            "absent, 4 -> -, poisoned (Absent)",
            "in vmlinux, 4 -> 8, patched",
            "ambiguous, 4 -> -, none",
            "in mod, 4 -> 8, patched",
        ],
    ),
    (
        FieldExists,
        STRUCT,
        "0:1",
        || mov(1),
        [
            "in vmlinux, 1 -> 1, unchanged",
            "absent, 1 -> 0, patched",
            "absent, 1 -> 0, patched",
            "absent, 1 -> 0, patched",
            "in vmlinux, 1 -> 1, unchanged",
            // The value is the same, but not the offset.
            "ambiguous, 1 -> -, none",
            "in mod, 1 -> 1, unchanged",
        ],
    ),
    (
        FieldSigned,
        STRUCT,
        "0:0",
        || mov(1),
        [
            "in vmlinux, 1 -> 1, unchanged",
            "absent, 1 -> -, poisoned (Absent)",
            "in vmlinux, 1 -> 1, unchanged",
            "in vmlinux, 1 -> 1, unchanged",
            "in vmlinux, 1 -> 1, unchanged",
            "in vmlinux, 1 -> 1, unchanged",
            "in mod, 1 -> 1, unchanged",
        ],
    ),
    (
        FieldLshiftU64,
        STRUCT,
        "0:1",
        || mov(32),
        [
            "in vmlinux, 32 -> 32, unchanged",
            "absent, 32 -> -, poisoned (Absent)",
            "absent, 32 -> -, poisoned (Absent)",
            "absent, 32 -> -, poisoned (Absent)",
            "in vmlinux, 32 -> 0, patched",
            "ambiguous, 32 -> -, none",
            "in mod, 32 -> 0, patched",
        ],
    ),
    (
        FieldRshiftU64,
        STRUCT,
        "0:1",
        || mov(32),
        [
            "in vmlinux, 32 -> 32, unchanged",
            "absent, 32 -> -, poisoned (Absent)",
            "absent, 32 -> -, poisoned (Absent)",
            "absent, 32 -> -, poisoned (Absent)",
            "in vmlinux, 32 -> 0, patched",
            "ambiguous, 32 -> -, none",
            "in mod, 32 -> 0, patched",
        ],
    ),
    (
        TypeIdLocal,
        STRUCT,
        "0",
        || load64(99),
        ["local, 4 -> 4, patched"; 7],
    ),
    (
        TypeIdTarget,
        STRUCT,
        "0",
        || load64(99),
        [
            "in vmlinux, 4 -> 4, patched",
            "absent, 4 -> 0, patched",
            "in vmlinux, 4 -> 4, patched",
            "in vmlinux, 4 -> 5, patched",
            "in vmlinux, 4 -> 4, patched",
            "ambiguous, 4 -> -, none",
            "in mod, 4 -> 9, patched",
        ],
    ),
    (
        TypeExists,
        STRUCT,
        "0",
        || mov(1),
        [
            "in vmlinux, 1 -> 1, unchanged",
            "absent, 1 -> 0, patched",
            "in vmlinux, 1 -> 1, unchanged",
            "in vmlinux, 1 -> 1, unchanged",
            "in vmlinux, 1 -> 1, unchanged",
            "in vmlinux, 1 -> 1, unchanged",
            "in mod, 1 -> 1, unchanged",
        ],
    ),
    (
        TypeSize,
        STRUCT,
        "0",
        || mov(8),
        [
            "in vmlinux, 8 -> 8, unchanged",
            "absent, 8 -> 0, patched",
            "in vmlinux, 8 -> 8, unchanged",
            "in vmlinux, 8 -> 16, patched",
            "in vmlinux, 8 -> 24, patched",
            "ambiguous, 8 -> -, none",
            "in mod, 8 -> 24, patched",
        ],
    ),
    (
        EnumvalExists,
        ENUM,
        "0",
        || mov(1),
        [
            "in vmlinux, 1 -> 1, unchanged",
            "absent, 1 -> 0, patched",
            "absent, 1 -> 0, patched",
            "absent, 1 -> 0, patched",
            "in vmlinux, 1 -> 1, unchanged",
            "in vmlinux, 1 -> 1, unchanged",
            "in mod, 1 -> 1, unchanged",
        ],
    ),
    (
        EnumvalValue,
        ENUM,
        "0",
        || load64(5),
        [
            "in vmlinux, 5 -> 5, unchanged",
            "absent, 5 -> -, poisoned (Absent)",
            "absent, 5 -> -, poisoned (Absent)",
            "absent, 5 -> -, poisoned (Absent)",
            "in vmlinux, 5 -> 9, patched",
            "ambiguous, 5 -> -, none",
            "in mod, 5 -> 9, patched",
        ],
    ),
    (
        TypeMatches,
        STRUCT,
        "0",
        || mov(1),
        [
            "in vmlinux, 1 -> 1, unchanged",
            "absent, 1 -> 0, patched",
            "absent, 1 -> 0, patched",
            "absent, 1 -> 0, patched",
            // The member has another size.
            "absent, 1 -> 0, patched",
            "in vmlinux, 1 -> 1, unchanged",
            "absent, 1 -> 0, patched",
        ],
    ),
];

fn check<O: ByteOrder + Send + Sync + 'static>() {
    let kernels: [fn(&mut Builder<O>); 6] = [present, absent, less, other_type, moved, twice];
    let kernels = kernels.map(|add| kernel::<O>(add));
    let module = module(&kernels[1], |b| {
        let members = [member("b", 3, 0), member("f", 3, 64), member("a", 1, 128)];
        b.union(b"s", 1, &[]);
        b.fwd(b"s", false);
        b.ptr(1);
        b.structure(b"s", 24, &members);
        b.enumeration64(b"e", 4, false, &[(b"X", 9)]);
    });

    for (kind, ty, access, insns, wanted) in ROWS {
        let ask = Ask::new(kind, ty, access, insns());
        let sample = Sample::new::<O>(present, &[ask]);
        let all = kernels.iter().map(|kernel| Targets::new(kernel));
        let with_module = Targets::new(&kernels[1]).module("mod", &module);
        for (n, (targets, want)) in all.chain([with_module]).zip(wanted).enumerate() {
            let decision = sample.decide(&targets).remove(0).unwrap();
            assert_eq!(
                brief(&decision),
                want,
                "{kind:?} in kernel {n}: {decision:#?}"
            );
        }
    }
}

#[test]
fn little_endian() {
    check::<LE>();
}

#[test]
fn big_endian() {
    check::<BE>();
}

/// A module is asked only if the kernel has no type of this name and kind.
#[test]
fn the_kernel_comes_first() {
    let ask = Ask::new(FieldExists, STRUCT, "0:1", mov(1));
    let sample = Sample::new::<LE>(present, &[ask]);
    let vmlinux = kernel::<LE>(less);
    let module = module(&vmlinux, |b| {
        b.structure(b"s", 8, &[member("f", 2, 32)]);
    });

    let targets = Targets::new(&vmlinux).module("mod", &module);
    let decision = sample.decide(&targets).remove(0).unwrap();
    assert_eq!(brief(&decision), "absent, 1 -> 0, patched");
    assert_eq!(decision.candidates.len(), 1);
    assert_eq!(decision.candidates[0].btf, "vmlinux");
}

/// All modules are asked, and must agree.
#[test]
fn modules_may_disagree() {
    let ask = Ask::new(TypeSize, STRUCT, "0", mov(8));
    let sample = Sample::new::<LE>(present, &[ask]);
    let vmlinux = kernel::<LE>(absent);
    let of_size = |size| {
        module(&vmlinux, |b| {
            b.structure(b"s", size, &[]);
        })
    };
    let (one, other) = (of_size(8), of_size(16));

    let both = Targets::new(&vmlinux)
        .module("one", &one)
        .module("other", &other);
    let decision = sample.decide(&both).remove(0).unwrap();
    assert_eq!(brief(&decision), "ambiguous, 8 -> -, none");
    assert!(!decision.is_accepted());
    let same = Targets::new(&vmlinux)
        .module("one", &one)
        .module("same", &one);
    let decision = sample.decide(&same).remove(0).unwrap();
    assert_eq!(brief(&decision), "in one, 8 -> 8, unchanged");
}

/// If the kernel does not say how large a pointer is, the module may.
#[test]
fn modules_may_have_pointers_of_their_own() {
    fn pointers(b: &mut Builder<LE>) {
        b.ptr(0);
        b.structure(b"s", 8, &[member("p", b.next_id() - 1, 0)]);
    }
    let ask = Ask::new(FieldByteSize, 2, "0:0", mov(8));
    let sample = Sample::new::<LE>(pointers, &[ask]);
    let size = |of_kernel: u8| {
        let vmlinux = kernel::<LE>(|b| {
            if of_kernel != 0 {
                b.int(b"long int", Int::signed(of_kernel));
            }
        });
        let module = module(&vmlinux, |b| {
            b.int(b"unsigned long", Int::unsigned(4));
            pointers(b);
        });
        let targets = Targets::new(&vmlinux).module("mod", &module);
        sample.decide(&targets).remove(0).unwrap().new_value
    };

    assert_eq!(size(0), Some(4));
    assert_eq!(size(8), Some(8));
    // That is not a size of pointers.
    assert_eq!(size(2), Some(4));
}
