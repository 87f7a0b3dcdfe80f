// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::Cell;

use splitbtf_core::raw::wire;
use splitbtf_core::raw::Sections;
use zerocopy::ByteOrder;
use zerocopy::IntoBytes;
use zerocopy::BE;
use zerocopy::LE;

use crate::testing::build;
use crate::testing::every_kind;
use crate::testing::int;
use crate::testing::lines;
use crate::testing::members;
use crate::testing::open;
use crate::testing::File;
use crate::BtfExt;
use crate::Builder;
use crate::Error;
use crate::Index;
use crate::Int;
use crate::Kept;
use crate::Kind;
use crate::Mismatch;
use crate::Names;
use crate::NewMember;
use crate::Own;
use crate::Policy;
use crate::Relocated;
use crate::TypeName;
use crate::TypeReason;
use crate::Unmatched;
use crate::ValidExt;

type Btf<O = LE> = crate::Btf<'static, O>;

fn relocate<O: ByteOrder>(
    split: &Btf<O>,
    target: &Btf<O>,
    policy: Policy,
) -> Result<Relocated, Error> {
    let ids = target.sorted_by_name().unwrap();
    let names = Names::indexed(*target, &ids, None);

    crate::relocate(&split.validated().unwrap(), &names, policy)
}

/// The types of split BTF after it has been relocated, when nothing is missing.
fn relocated<O: ByteOrder>(split: &Btf<O>, target: &'static Btf<O>) -> Vec<String> {
    let relocated = relocate(split, target, Policy::Error).unwrap();

    assert_eq!(relocated.kept, []);
    lines(open(&relocated.bytes, Some(target)).unwrap())
}

/// A distilled base: 1 is `int`, 2 `struct task` of 100 bytes.
fn distilled() -> &'static Btf {
    build(None, |b| {
        b.int(b"int", int(4));
        b.structure(b"task", 100, &[]);
    })
}

/// A kernel with the two as 4 and 3, the latter of `size` bytes.
fn kernel(size: u32) -> &'static Btf {
    build(None, |b| {
        b.ptr(3);
        b.typedef(b"pid_t", 4);
        b.structure(b"task", size, &members(&[4]));
        b.int(b"int", int(4));
    })
}

fn unmatched(id: u32, kind: u8, name: &str, reason: Mismatch) -> Error {
    Error::Unmatched {
        id,
        kind,
        name: TypeName::new(name.as_bytes()),
        contained: false,
        reason,
    }
}

fn contained(id: u32, kind: u8, name: &str, reason: Mismatch) -> Error {
    Error::Unmatched {
        id,
        kind,
        name: TypeName::new(name.as_bytes()),
        contained: true,
        reason,
    }
}

/// The types that the split BTF gets, after id 1, for a distilled type of each kind.
const OWN: [&str; 7] = [
    "2 INT int 4 0x1000020",
    "3 FLOAT double 8",
    "4 FWD s 0",
    "5 FWD+ u 0",
    "6 ENUM e 4",
    "7 FWD f 0",
    "8 FWD+ g 0",
];

fn add_each_kind<O: ByteOrder>(b: &mut Builder<O>) {
    b.int(b"int", int(4));
    b.float(b"double", 8);
    b.structure(b"s", 8, &[]);
    b.union(b"u", 16, &[]);
    b.enumeration(b"e", 4, false, &[]);
    b.fwd(b"f", false);
    b.fwd(b"g", true);
}

#[test]
fn ids_and_names_are_those_of_the_target() {
    let split = build(Some(distilled()), |b| {
        b.ptr(2);
        b.structure(b"node", 16, &members(&[3, 1]));
        // A name that the base has too.
        b.typedef(b"task", 4);
    });
    let target = kernel(100);

    assert_eq!(
        relocated(split, target),
        [
            "5 PTR - 3",
            "6 STRUCT node 16 (m 5 0) (m 4 0)",
            "7 TYPEDEF task 6"
        ]
    );
    let done = relocate(split, target, Policy::Error).unwrap();
    assert_eq!(done.id_map, [0, 4, 3, 5, 6, 7]);
    assert_eq!(done.bytes.len(), split.bytes().len());
    let done = open(&done.bytes, Some(target)).unwrap();
    let name_off = |btf: &Btf, id| btf.get(id).unwrap().name_off;
    assert_eq!(name_off(done, 7), name_off(target, 3));
}

#[test]
fn all_kinds_are_relocated_in_both_orders() {
    fn check<O: ByteOrder + 'static>() {
        let distilled = build::<O>(None, |b| {
            b.int(b"base", int(1));
            b.structure(b"s", 16, &[]);
        });
        let split = build(Some(distilled), |b| {
            every_kind(b, 1, 2);
        });
        let target = build(None, |b| {
            b.structure(b"s", 16, &[]);
            b.ptr(0);
            b.int(b"base", int(1));
        });

        assert_eq!(
            relocated(split, target),
            [
                "4 INT int 4 0x1000020",
                "5 PTR - 1",
                "6 ARRAY - 0 0x3 0x3 0x3",
                "7 STRUCT+ s 16 (a 3 50331648) (b 5 64)",
                "8 UNION u 16 (m 3 0) (m 6 0)",
                "9 ENUM+ e 4 (ZERO 0) (MINUS 4294967295)",
                "10 FWD+ declared 0",
                "11 TYPEDEF int_t 3",
                "12 VOLATILE - 3",
                "13 CONST - 12",
                "14 RESTRICT - 5",
                "15 FUNC f 16 1",
                "16 FUNC_PROTO - 3 (p 14) (- 0)",
                "17 VAR v 11 0x1",
                "18 DATASEC .data 4 (17 0 4)",
                "19 FLOAT double 8",
                "20 DECL_TAG tag 1 0x1",
                "21 TYPE_TAG user 3",
                "22 ENUM64 e64 8 (BIG 878082202 18)",
            ]
        );
    }

    check::<LE>();
    check::<BE>();
}

#[test]
fn in_place_or_written_out_is_the_same() {
    let split = build(Some(distilled()), |b| every_kind(b, 1, 2));
    let target = kernel(100);
    let ids = target.sorted_by_name().unwrap();
    let names = Names::indexed(*target, &ids, None);
    let valid = split.validated().unwrap();
    let (ids, strings) = valid.relocation_scratch();
    // Any old content of the buffers will do.
    let (mut ids, mut strings) = (vec![u32::MAX; ids], vec![u32::MAX; strings]);

    let relocation = valid
        .relocate(&names, Policy::Error, &mut ids, &mut strings)
        .unwrap();
    assert!(relocation.fits());
    assert_eq!(relocation.kept().count(), 0);
    let mut in_place = split.bytes().to_vec();
    relocation.rewrite(&mut in_place).unwrap();
    let mut written = vec![0; relocation.written_len()];
    relocation
        .write(split.bytes(), distilled(), &mut written)
        .unwrap();
    assert_eq!(in_place, written);
    assert_ne!(in_place, split.bytes());
}

#[test]
fn empty_parts_are_fine() {
    let nothing = build::<LE>(None, |_| {});
    let split = build(Some(nothing), |b| {
        b.int(b"own", int(4));
    });

    assert_eq!(relocated(split, kernel(1)), ["5 INT own 4 0x1000020"]);
    assert_eq!(relocated(split, nothing), ["1 INT own 4 0x1000020"]);
    let empty = build(Some(distilled()), |_| {});
    assert_eq!(relocated(empty, kernel(100)), [""; 0]);
}

#[test]
fn sorted_targets_need_no_index() {
    let target = build::<LE>(None, |b| {
        b.ptr(3);
        b.int(b"int", int(4));
        b.structure(b"task", 100, &[]);
    });
    let split = build(Some(distilled()), |b| {
        b.ptr(2);
    });
    let names = Names::sorted(*target, target.first_named().unwrap(), None);

    let done = crate::relocate(&split.validated().unwrap(), &names, Policy::Error).unwrap();
    assert_eq!(done.id_map, [0, 2, 3, 4]);
}

#[test]
fn sizes_count_for_what_is_contained() {
    type Add = fn(&mut Builder<LE>, u32) -> u32;
    let ways: [Add; 8] = [
        |_, to| to,
        |b, to| b.typedef(b"t", to),
        |b, to| b.volatile(to),
        |b, to| b.constant(to),
        |b, to| b.restrict(to),
        |b, to| b.type_tag(b"t", to),
        |b, to| b.array(to, 1, 2),
        |b, to| {
            let array = b.array(to, 1, 2);
            let constant = b.constant(array);
            let typedef = b.typedef(b"t", constant);
            b.array(typedef, 1, 2)
        },
    ];
    let reason = Mismatch::Size {
        wanted: 100,
        found: 120,
    };

    for (n, add) in ways.into_iter().enumerate() {
        for union in [false, true] {
            let split = build(Some(distilled()), |b| {
                let member = add(b, 2);
                match union {
                    false => b.structure(b"outer", 200, &members(&[1, member])),
                    true => b.union(b"outer", 200, &members(&[1, member])),
                };
            });
            for policy in [Policy::Error, Policy::Opaque] {
                assert_eq!(
                    relocate(split, kernel(120), policy),
                    Err(contained(2, wire::STRUCT, "task", reason)),
                    "{n}"
                );
                assert!(relocate(split, kernel(100), policy).is_ok(), "{n}");
            }
        }

        // The target of a pointer is not contained.
        let pointer = build(Some(distilled()), |b| {
            let pointer = b.ptr(2);
            let member = add(b, pointer);
            b.structure(b"outer", 200, &members(&[1, member]));
        });
        assert!(relocate(pointer, kernel(120), Policy::Error).is_ok(), "{n}");
        // Nor is a type that is only named.
        let other = build(Some(distilled()), |b| {
            add(b, 2);
        });
        assert!(relocate(other, kernel(120), Policy::Error).is_ok(), "{n}");

        // Functions take and return values, and variables have them. C checks only members.
        let by_value: [fn(&mut Builder<LE>, u32) -> u32; 3] = [
            |b, ty| b.var(b"v", ty, 1),
            |b, ty| b.func_proto(ty, &[]),
            |b, ty| b.func_proto(0, &[(b"n", 1), (b"p", ty)]),
        ];
        for use_it in by_value {
            let split = build(Some(distilled()), |b| {
                let ty = add(b, 2);
                use_it(b, ty);
            });
            for policy in [Policy::Error, Policy::Opaque] {
                let refused = Err(contained(2, wire::STRUCT, "task", reason));
                assert_eq!(relocate(split, kernel(120), policy), refused, "{n}");
                assert!(relocate(split, kernel(100), policy).is_ok(), "{n}");
            }
            let needs = split.validated().unwrap().needs().unwrap();
            assert!(needs.contained[2] && !needs.embedded[2], "{n}");
        }
    }
}

#[test]
fn the_same_is_contained_by_many() {
    let split = build(Some(distilled()), |b| {
        b.typedef(b"t", 2);
        b.func_proto(3, &[(b"p", 3)]);
        b.structure(b"a", 200, &members(&[3, 3]));
        b.structure(b"b", 200, &members(&[3, 2]));
        b.ptr(2);
    });

    assert!(relocate(split, kernel(100), Policy::Error).is_ok());
    assert!(relocate(split, kernel(120), Policy::Error).is_err());
    let needs = split.validated().unwrap().needs().unwrap();
    assert_eq!(needs.contained, [false, false, true]);
    assert_eq!(needs.embedded, [false, false, true]);
}

/// The fate of a distilled type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Becomes {
    Found,
    Opaque,
    Kept,
    Refused,
}

/// A kind here: a FWD with the flag that makes it declare a union.
const FWD_UNION: u8 = wire::FWD | 0x80;

/// A reason why a type may not match, and the type's fate if it is only pointed to, and if it is
/// contained.
type Row = (&'static str, Becomes, Becomes);

/// The rule, for each kind.
const RULE: [(u8, &[Row]); 7] = {
    use Becomes::Found;
    use Becomes::Kept;
    use Becomes::Opaque;
    use Becomes::Refused;

    const COMPOSITE: &[Row] = &[
        ("missing", Opaque, Refused),
        ("kind", Opaque, Refused),
        ("size", Found, Refused),
        ("none of size", Opaque, Refused),
        ("ambiguous", Opaque, Refused),
        ("declared", Found, Refused),
        ("declared twice", Opaque, Refused),
    ];
    const DECLARED: &[Row] = &[
        ("missing", Opaque, Refused),
        ("kind", Opaque, Refused),
        ("ambiguous", Opaque, Refused),
    ];
    [
        (
            wire::INT,
            &[
                ("missing", Kept, Kept),
                ("kind", Kept, Kept),
                ("size", Kept, Kept),
                ("none of size", Kept, Kept),
                ("encoding", Kept, Kept),
                ("ambiguous", Refused, Refused),
            ],
        ),
        (
            wire::FLOAT,
            &[
                ("missing", Kept, Kept),
                ("kind", Kept, Kept),
                ("size", Kept, Kept),
                ("none of size", Kept, Kept),
                ("ambiguous", Refused, Refused),
            ],
        ),
        (wire::STRUCT, COMPOSITE),
        (wire::UNION, COMPOSITE),
        (
            wire::ENUM,
            &[
                ("missing", Kept, Kept),
                ("kind", Kept, Kept),
                ("size", Refused, Refused),
                ("none of size", Refused, Refused),
                ("ambiguous", Refused, Refused),
            ],
        ),
        (wire::FWD, DECLARED),
        (FWD_UNION, DECLARED),
    ]
};

/// Adds a type `x`.
fn add_one<O: ByteOrder>(b: &mut Builder<O>, kind: u8, size: u32, encoding: u8) {
    match kind {
        wire::INT => b.int(
            b"x",
            Int {
                encoding,
                ..int(size)
            },
        ),
        wire::FLOAT => b.float(b"x", size),
        wire::STRUCT => b.structure(b"x", size, &[]),
        wire::UNION => b.union(b"x", size, &[]),
        wire::ENUM => b.enumeration(b"x", size, true, &[]),
        _ => b.fwd(b"x", kind == FWD_UNION),
    };
}

/// The types with the name of a type of 8 bytes that does not match for this reason.
fn candidates(kind: u8, reason: &str) -> Vec<(u8, u32, u8)> {
    let declaration = match kind {
        wire::UNION => FWD_UNION,
        _ => wire::FWD,
    };

    match reason {
        "missing" => vec![],
        "kind" if kind == wire::FLOAT => vec![(wire::INT, 8, 1)],
        "kind" => vec![(wire::FLOAT, 8, 0)],
        "size" => vec![(kind, 16, 1)],
        "none of size" => vec![(kind, 16, 1), (kind, 4, 1)],
        "encoding" => vec![(kind, 8, 0)],
        "ambiguous" => vec![(kind, 8, 1), (kind, 8, 1)],
        "declared" => vec![(declaration, 0, 0)],
        "declared twice" => vec![(declaration, 0, 0), (declaration, 0, 0)],
        _ => panic!("{reason}"),
    }
}

fn reason_of(kind: u8, reason: &str, is_contained: bool) -> Mismatch {
    let (wanted, candidates) = (8, 2);
    let size = match kind & 0x7f {
        wire::FWD => 0,
        _ => wanted,
    };

    match reason {
        "missing" => Mismatch::Missing,
        "kind" if kind == wire::FLOAT => Mismatch::Kind { found: wire::INT },
        "kind" => Mismatch::Kind { found: wire::FLOAT },
        "size" => Mismatch::Size { wanted, found: 16 },
        "none of size" => Mismatch::NoneOfSize { wanted, candidates },
        "encoding" => Mismatch::Encoding,
        "ambiguous" => Mismatch::Ambiguous { size, candidates },
        // A declaration does not say how large it is.
        _ if is_contained => Mismatch::Kind { found: wire::FWD },
        _ => Mismatch::Ambiguous { size, candidates },
    }
}

#[test]
fn each_kind_goes_by_the_rule_for_each_reason() {
    fn check<O: ByteOrder + 'static>(kind: u8, reason: &str, is_contained: bool, want: Becomes) {
        let what = format!("{kind} {reason} {is_contained}");
        let base = build::<O>(None, |b| add_one(b, kind, 8, 1));
        let split = build(Some(base), |b| {
            match is_contained {
                true => b.structure(b"own", 8, &members(&[1])),
                false => b.ptr(1),
            };
        });
        let target = build(None, |b| {
            b.ptr(0);
            for (kind, size, encoding) in candidates(kind, reason) {
                add_one(b, kind, size, encoding);
            }
        });
        let ids = target.sorted_by_name().unwrap();
        let names = Names::indexed(*target, &ids, None);
        let reason = reason_of(kind, reason, is_contained);
        let refused = Err(Error::Unmatched {
            id: 1,
            kind: kind & 0x7f,
            name: TypeName::new(b"x"),
            contained: is_contained,
            reason,
        });

        let strict = relocate(split, target, Policy::Error);
        let done = relocate(split, target, Policy::Opaque);
        let needs = split.validated().unwrap().needs().unwrap();
        let unmatched = needs.unmatched(base, &names).unwrap();
        let own = match want {
            Becomes::Found => {
                assert_eq!(unmatched, [], "{what}");
                assert_eq!(done, strict, "{what}");
                assert_eq!(done.unwrap().id_map, [0, 2, 3], "{what}");
                return;
            }
            Becomes::Opaque => Some(Own::Opaque),
            Becomes::Kept => Some(Own::Kept),
            Becomes::Refused => None,
        };
        let expected = Unmatched {
            id: 1,
            contained: is_contained,
            reason,
            own,
        };
        assert_eq!(unmatched, [expected], "{what}");
        assert_eq!(strict, refused, "{what}");
        let Some(own) = own else {
            assert_eq!(done, refused, "{what}");
            return;
        };

        let done = done.unwrap();
        let new_id = target.end_id() + 1;
        let kept = Kept {
            id: 1,
            new_id,
            own,
            reason,
        };
        assert_eq!(done.kept, [kept], "{what}");
        assert_eq!(done.id_map, [0, new_id, target.end_id()], "{what}");
        let new = open(&done.bytes, Some(target)).unwrap();
        new.validated().unwrap();
        let line = match (own, kind) {
            (Own::Opaque, wire::UNION | FWD_UNION) => "FWD+ x 0",
            (Own::Opaque, _) => "FWD x 0",
            (Own::Kept, wire::INT) => "INT x 8 0x1000040",
            (Own::Kept, wire::FLOAT) => "FLOAT x 8",
            (Own::Kept, _) => "ENUM+ x 8",
        };
        assert_eq!(lines(new)[1], format!("{new_id} {line}"), "{what}");
        let added = new.bytes().len() - split.bytes().len();
        let name = if reason == Mismatch::Missing { 2 } else { 0 };
        let data = if kind == wire::INT { 4 } else { 0 };
        assert_eq!(added, 12 + data + name, "{what}");
    }

    for (kind, rules) in RULE {
        for (reason, pointed_to, contained) in rules {
            check::<LE>(kind, reason, false, *pointed_to);
            check::<LE>(kind, reason, true, *contained);
            check::<BE>(kind, reason, false, *pointed_to);
            check::<BE>(kind, reason, true, *contained);
        }
    }
}

/// A distilled base may have them all; each becomes its own type, as they may be different ones.
#[test]
fn what_has_one_name_is_not_taken_for_one_type() {
    let base = build::<LE>(None, |b| {
        b.fwd(b"x", false);
        b.structure(b"x", 8, &[]);
        b.structure(b"x", 16, &[]);
    });
    let split = build(Some(base), |_| {});
    let target = build(None, |_| {});

    let done = relocate(split, target, Policy::Opaque).unwrap();
    let new = open(&done.bytes, Some(target)).unwrap();
    assert_eq!(lines(new), ["1 FWD x 0", "2 FWD x 0", "3 FWD x 0"]);
}

/// An index that counts pauses.
#[derive(Clone, Copy)]
struct Pausing<'a> {
    offsets: &'a [u32],
    pauses: &'a Cell<u32>,
}

impl Index for Pausing<'_> {
    fn count(&self) -> usize {
        self.offsets.len()
    }

    fn offset(&self, n: usize) -> Option<usize> {
        self.offsets.offset(n)
    }

    fn pause(&self) {
        self.pauses.set(self.pauses.get() + 1);
    }
}

#[test]
fn loops_over_all_types_pause() {
    const N: u32 = 5 * 4096;
    let base = build::<LE>(None, |b| {
        for n in 0..N {
            b.structure(format!("s{n:05}").as_bytes(), 8, &[]);
        }
    });
    let split = build(Some(base), |b| {
        for n in 1..=N {
            b.ptr(n);
        }
    });
    let offsets = |types: u32| (0..types).map(|n| n * 12).collect::<Vec<_>>();
    let offsets = offsets(N);
    let pauses = Cell::new(0);
    let index = Pausing {
        offsets: &offsets,
        pauses: &pauses,
    };
    let target = crate::Btf::<LE, _>::open_indexed(base.bytes(), None, index).unwrap();
    let base = crate::Btf::<LE, _>::open_indexed(base.bytes(), None, index).unwrap();
    let split = crate::Btf::open_indexed(split.bytes(), Some(&base), index).unwrap();
    let during = |what: &dyn Fn()| {
        pauses.set(0);
        what();
        pauses.get()
    };
    let names = Names::sorted(target, 1, None);
    let valid = split.validated().unwrap();
    let (ids, strings) = valid.relocation_scratch();
    let (mut ids, mut strings) = (vec![0; ids], vec![0; strings]);

    assert_eq!(during(&|| _ = base.first_named()), 5);
    // To check what types refer to, and to look for two sorts of cycles.
    assert!(during(&|| _ = split.validated().unwrap()) >= 4 * 5);
    let before = pauses.get();
    let relocation = valid
        .relocate(&names, Policy::Error, &mut ids, &mut strings)
        .unwrap();
    // To mark and number the types of the split BTF, to find and number those of the distilled base
    // (which begin with 0 once), and to place its strings.
    let want = 2 * 5 + 2 * 5 + 1 + base.end_string().div_ceil(4096);
    assert_eq!(pauses.get() - before, want);
    let mut bytes = split.bytes().to_vec();
    pauses.set(0);
    relocation.rewrite(&mut bytes).unwrap();
    assert_eq!(pauses.get(), 5);
}

#[test]
fn what_is_not_found_is_named() {
    let base = build::<LE>(None, add_each_kind);
    let split = build(Some(base), |_| {});
    let error = |add: fn(&mut Builder<LE>)| {
        let target = build(None, add);
        relocate(split, target, Policy::Error).unwrap_err()
    };

    assert_eq!(
        error(|_| {}),
        unmatched(1, wire::INT, "int", Mismatch::Missing)
    );
    assert_eq!(
        error(|b| _ = b.int(b"int", int(8))),
        unmatched(
            1,
            wire::INT,
            "int",
            Mismatch::Size {
                wanted: 4,
                found: 8
            }
        )
    );
    assert_eq!(
        error(|b| {
            b.int(b"int", int(4));
            b.int(b"double", int(8));
        }),
        unmatched(
            2,
            wire::FLOAT,
            "double",
            Mismatch::Kind { found: wire::INT }
        )
    );
    assert_eq!(
        error(|b| {
            b.int(b"int", int(4));
            b.float(b"double", 8);
            b.structure(b"s", 8, &[]);
            b.structure(b"s", 8, &[]);
        }),
        unmatched(
            3,
            wire::STRUCT,
            "s",
            Mismatch::Ambiguous {
                size: 8,
                candidates: 2
            }
        )
    );
}

#[test]
fn what_is_not_found_can_be_kept() {
    fn check<O: ByteOrder + 'static>() {
        let base = build::<O>(None, add_each_kind);
        let split = build(Some(base), |b| {
            b.array(3, 1, 2);
        });
        let target = build(None, |_| {});

        let done = relocate(split, target, Policy::Opaque).unwrap();
        let new = open(&done.bytes, Some(target)).unwrap();
        new.validated().unwrap();
        let got = lines(new);
        assert_eq!(got[0], "1 ARRAY - 0 0x4 0x2 0x2");
        assert_eq!(got[1..], OWN);
        assert_eq!(done.id_map, [0, 2, 3, 4, 5, 6, 7, 8, 1]);
        let ids = done.kept.iter().map(|kept| (kept.id, kept.new_id));
        assert!(ids.eq((1..8).zip(2..9)));
        for kept in &done.kept {
            assert_eq!(kept.reason, Mismatch::Missing);
        }
    }

    check::<LE>();
    check::<BE>();
}

#[test]
fn only_what_is_not_found_is_kept() {
    let base = build::<LE>(None, add_each_kind);
    let split = build(Some(base), |b| {
        b.structure(b"own", 24, &members(&[1, 2, 5]));
        b.ptr(3);
    });
    let target = build(None, |b| {
        b.int(b"int", int(4));
        b.float(b"double", 4);
        b.structure(b"u", 16, &[]);
        b.enumeration64(b"e", 4, false, &[]);
        b.structure(b"f", 1, &[]);
        b.union(b"g", 1, &[]);
    });

    let done = relocate(split, target, Policy::Opaque).unwrap();
    assert_eq!(
        lines(open(&done.bytes, Some(target)).unwrap()),
        [
            "7 STRUCT own 24 (m 1 0) (m 9 0) (m 4 0)",
            "8 PTR - 10",
            "9 FLOAT double 8",
            "10 FWD s 0",
            "11 FWD+ u 0",
        ]
    );
    assert_eq!(done.id_map, [0, 1, 9, 10, 11, 4, 5, 6, 7, 8]);
    let kept = |id, new_id, own, reason| Kept {
        id,
        new_id,
        own,
        reason,
    };
    assert_eq!(
        done.kept,
        [
            kept(
                2,
                9,
                Own::Kept,
                Mismatch::Size {
                    wanted: 8,
                    found: 4
                }
            ),
            kept(3, 10, Own::Opaque, Mismatch::Missing),
            kept(
                4,
                11,
                Own::Opaque,
                Mismatch::Kind {
                    found: wire::STRUCT
                }
            ),
        ]
    );
    // Only one of their names is missing, `s`: it and its NUL are added.
    let added = done.bytes.len() - split.bytes().len();
    assert_eq!(added, 3 * 12 + 2);
}

#[test]
fn added_names_share_their_ends() {
    let base = build::<LE>(None, |b| {
        b.structure(b"long_name", 8, &[]);
        b.structure(b"name", 8, &[]);
        b.structure(b"other", 8, &[]);
        b.structure(b"me", 8, &[]);
    });
    let split = build(Some(base), |b| {
        b.ptr(1);
    });
    let target = build(None, |_| {});

    let done = relocate(split, target, Policy::Opaque).unwrap();
    let new = open(&done.bytes, Some(target)).unwrap();
    assert_eq!(
        lines(new)[1..],
        [
            "2 FWD long_name 0",
            "3 FWD name 0",
            "4 FWD other 0",
            "5 FWD me 0"
        ]
    );
    let strings = "long_name\0other\0".len();
    assert_eq!(done.bytes.len() - split.bytes().len(), 4 * 12 + strings);

    // Even if the target has the longest, its end has to be added.
    let target = build(None, |b| {
        b.structure(b"long_name", 8, &[]);
        b.structure(b"other", 8, &[]);
    });
    let done = relocate(split, target, Policy::Opaque).unwrap();
    let new = open(&done.bytes, Some(target)).unwrap();
    assert_eq!(lines(new)[1..], ["4 FWD name 0", "5 FWD me 0"]);
    assert_eq!(
        done.bytes.len() - split.bytes().len(),
        2 * 12 + "name\0".len()
    );
}

/// The name of typedef 4 is the end of that of `struct task`, but no name of a type.
#[test]
fn strings_that_are_no_names_of_types() {
    let base = distilled();
    let task = base.get(2).unwrap().name_off;
    let split = File::new().strings(b"").add(0, 2, 0, 2, &[]);
    let split = split.add(task + 1, 8, 0, 1, &[]).open(Some(base)).unwrap();
    let target = kernel(100);

    assert_eq!(
        relocate(split, target, Policy::Error),
        Err(Error::String {
            offset: task + 1,
            end: base.end_string()
        })
    );
    let done = relocate(split, target, Policy::Opaque).unwrap();
    assert_eq!(done.kept, []);
    assert_eq!(done.bytes.len() - split.bytes().len(), "ask\0".len());
    let new = open(&done.bytes, Some(target)).unwrap();
    assert_eq!(lines(new), ["5 PTR - 3", "6 TYPEDEF ask 4"]);
}

/// As in the C code.
#[test]
fn of_a_string_that_is_there_twice_the_last_is_taken() {
    let target = File::new()
        .strings(b"\0s\0s\0")
        .add(1, wire::ENUM.into(), 0, 4, &[])
        .add(3, wire::STRUCT.into(), 0, 8, &[]);
    let target = target.open(None).unwrap();

    for enum_first in [false, true] {
        let base = build::<LE>(None, |b| {
            if enum_first {
                b.enumeration(b"s", 4, false, &[]);
            }
            b.structure(b"s", 8, &[]);
            if !enum_first {
                b.enumeration(b"s", 4, false, &[]);
            }
        });
        let split = build(Some(base), |b| {
            b.typedef(b"s", 1);
        });
        let done = relocate(split, target, Policy::Error).unwrap();
        let done = open(&done.bytes, Some(target)).unwrap();
        assert_eq!(done.get(3).unwrap().name_off, 3);
    }
}

#[test]
fn what_is_kept_has_no_members_and_values() {
    let base = build::<LE>(None, |b| {
        b.structure(b"s", 8, &members(&[2, 2]));
        b.enumeration(b"e", 4, true, &[(b"ZERO", 0)]);
        b.structure(
            b"bits",
            8,
            &[NewMember {
                bitfield_bits: 3,
                ..members(&[2])[0]
            }],
        );
    });
    let split = build(Some(base), |b| {
        b.ptr(1);
    });
    let target = build(None, |_| {});

    let done = relocate(split, target, Policy::Opaque).unwrap();
    let new = open(&done.bytes, Some(target)).unwrap();
    assert_eq!(
        lines(new),
        ["1 PTR - 2", "2 FWD s 0", "3 ENUM+ e 4", "4 FWD bits 0"]
    );
}

#[test]
fn distilled_bases_have_few_kinds() {
    let without = |id| {
        let base = build::<LE>(None, |b| every_kind(b, 1, 4));
        let kind = base.head(id).unwrap().kind();
        (base.get(id).unwrap(), kind)
    };

    for id in 1..20 {
        let (ty, kind) = without(id);
        let file = File::<LE>::new().strings(b"\0name\0");
        // Kinds that a distilled base may have get a name, the others the words that they need.
        let name = match kind {
            wire::PTR | wire::ARRAY | wire::VOLATILE..=wire::RESTRICT | wire::FUNC_PROTO => "",
            _ => "name",
        };
        let name_off = u32::from(!name.is_empty());
        let data = match ty.kind {
            Kind::Int(_) => &[32][..],
            Kind::Array(_) => &[0, 0, 1],
            Kind::Var { .. } | Kind::DeclTag { .. } => &[0],
            _ => &[],
        };
        let base = file
            .add(name_off, kind.into(), 0, 0, data)
            .open(None)
            .unwrap();
        let split = build(Some(base), |_| {});
        let empty = build(None, |_| {});
        for policy in [Policy::Error, Policy::Opaque] {
            let got = relocate(split, empty, policy);
            match kind {
                wire::INT | wire::STRUCT..=wire::FWD | wire::FLOAT => {
                    assert_eq!(got.is_ok(), policy == Policy::Opaque, "{got:?} for {kind}")
                }
                _ => assert_eq!(
                    got,
                    Err(Error::Type {
                        id: 1,
                        kind,
                        name: TypeName::new(name.as_bytes()),
                        offset: 0,
                        reason: TypeReason::NotDistilled
                    })
                ),
            }
        }
    }
}

#[test]
fn distilled_types_have_names() {
    for (kind, data) in [
        (wire::INT, &[32][..]),
        (wire::STRUCT, &[]),
        (wire::ENUM, &[]),
    ] {
        let base = File::<LE>::new().add(0, kind.into(), 0, 4, data);
        let split = build(Some(base.open(None).unwrap()), |_| {});
        assert_eq!(
            relocate(split, kernel(100), Policy::Opaque),
            Err(Error::Type {
                id: 1,
                kind,
                name: TypeName::default(),
                offset: 0,
                reason: TypeReason::Unnamed
            })
        );
    }
}

#[test]
fn there_must_be_one_base() {
    let split = build(Some(distilled()), |_| {});
    let twice = build(Some(split), |_| {});

    for btf in [distilled(), twice] {
        let got = relocate(btf, kernel(100), Policy::Opaque);
        assert_eq!(got, Err(Error::NotDistilled));
    }
}

/// Split BTF with a type of kind 20 between two pointers. It has one word, and this name.
fn with_kind_20(name: u32, word: u32) -> &'static Btf {
    let split = File::<LE> {
        hdr_len: 32,
        layout: [vec![[0; 4]; 20], vec![[4, 0, 0, 0]]].concat(),
        ..File::new().strings(b"own\0")
    };
    let split = split.add(0, 2, 0, 2, &[]).add(name, 20, 0, 0, &[word]);

    split.add(0, 2, 0, 3, &[]).open(Some(distilled())).unwrap()
}

#[test]
fn unknown_kinds_are_kept_if_nothing_is_renumbered() {
    let name = distilled().end_string();
    // Neither an id nor an offset: nothing that it means can change.
    let split = with_kind_20(name, 1000);
    let done = relocate(split, kernel(100), Policy::Error).unwrap();
    let new = open(&done.bytes, Some(kernel(100))).unwrap();

    assert_eq!(done.id_map, [0, 4, 3, 5, 6, 7]);
    assert_eq!(lines(new), ["5 PTR - 3", "6 ? own 0 0x3e8", "7 PTR - 5"]);
    // 0 is no reference.
    assert!(relocate(with_kind_20(name, 0), kernel(100), Policy::Error).is_ok());
}

#[test]
fn unknown_kinds_are_not_renumbered() {
    // The id of a type of either, and the offset of a string of the split BTF.
    for word in [1, 3, distilled().end_string() + 1] {
        for policy in [Policy::Error, Policy::Opaque] {
            assert_eq!(
                relocate(with_kind_20(0, word), kernel(100), policy),
                Err(Error::Type {
                    id: 4,
                    kind: 20,
                    name: TypeName::default(),
                    offset: 12,
                    reason: TypeReason::UnknownReferences
                }),
                "{word}"
            );
        }
    }
}

#[test]
fn unknown_kinds_need_their_layout() {
    let base = File::<LE> {
        hdr_len: 32,
        layout: vec![[0; 4]; 21],
        ..File::new().strings(b"\0int\0")
    };
    let base = base.add(1, 1, 0, 4, &[0x0100_0020]).open(None).unwrap();
    let split = File::<LE>::new().strings(b"").add(0, 20, 0, 0, &[]);
    let split = split.open(Some(base)).unwrap();

    assert!(relocate(split, base, Policy::Error).is_ok());
    assert_eq!(
        relocate(split, kernel(100), Policy::Error),
        Err(Error::Type {
            id: 2,
            kind: 20,
            name: TypeName::default(),
            offset: 0,
            reason: TypeReason::UnknownKind
        })
    );
}

#[test]
fn a_target_may_have_unknown_kinds() {
    let target = File::<LE> {
        hdr_len: 32,
        layout: vec![[0; 4]; 21],
        ..File::new().strings(b"\0int\0task\0")
    };
    let target = target
        .add(1, 20, 0, 0, &[])
        .add(1, 1, 0, 4, &[0x0100_0020])
        .add(5, 4, 0, 100, &[])
        .open(None)
        .unwrap();
    let split = build(Some(distilled()), |b| {
        b.ptr(2);
    });

    assert_eq!(
        relocate(split, target, Policy::Error).unwrap().id_map,
        [0, 2, 3, 4]
    );
}

#[test]
fn later_headers_are_rewritten_in_place_only() {
    let later = |base| {
        let mut bytes = File::<LE> {
            hdr_len: 40,
            ..File::new().strings(b"")
        }
        .add(0, 2, 0, 2, &[])
        .bytes();
        bytes[36] = 1;
        open(&bytes, Some(base)).unwrap()
    };
    let split = later(distilled());
    let int_only = build::<LE>(None, |b| {
        b.int(b"int", int(4));
    });

    let done = relocate(split, kernel(100), Policy::Error).unwrap();
    assert_eq!(done.bytes[..40], split.bytes()[..40]);
    assert_eq!(
        relocate(split, int_only, Policy::Opaque),
        Err(Error::HeaderField { offset: 36 })
    );
}

/// Header, types and strings grow; the layout stays the same.
#[test]
fn the_layout_is_kept() {
    let split = File::<LE> {
        hdr_len: 40,
        layout: vec![[0, 0, 7, 0]; 20],
        ..File::new().strings(b"p\0")
    };
    let split = split.add(0, 2, 0, 2, &[]).open(Some(distilled())).unwrap();
    let target = build(None, |b| {
        b.int(b"int", int(4));
    });

    let done = relocate(split, target, Policy::Opaque).unwrap();
    let sections = Sections::<LE>::find(&done.bytes).unwrap();
    assert_eq!(sections.header.len(), 40);
    assert_eq!(sections.layout.as_bytes(), [[0, 0, 7, 0]; 20].concat());
    assert_eq!(sections.strings, b"p\0task\0");
    assert_eq!(
        lines(open(&done.bytes, Some(target)).unwrap()),
        ["2 PTR - 3", "3 FWD task 0"]
    );
}

#[test]
fn scratch_space_may_be_too_short() {
    let split = build(Some(distilled()), |b| {
        b.ptr(2);
    });
    let valid = split.validated().unwrap();
    let target = kernel(100);
    let index = target.sorted_by_name().unwrap();
    let names = Names::indexed(*target, &index, None);
    let error = |ids, strings| {
        let (mut ids, mut strings) = (vec![0; ids], vec![0; strings]);
        let relocation = valid.relocate(&names, Policy::Error, &mut ids, &mut strings);
        relocation.err()
    };

    let (ids, strings) = valid.relocation_scratch();
    assert_eq!((ids, strings), (4, 10 + 3 * 4));
    assert_eq!(error(ids, strings), None);
    assert_eq!(error(ids + 1, strings + 1), None);
    assert_eq!(error(ids - 1, strings), Some(Error::BufferSize { len: 3 }));
    assert_eq!(error(ids, strings - 1), Some(Error::BufferSize { len: 21 }));
    assert_eq!(error(0, 0), Some(Error::BufferSize { len: 0 }));
}

#[test]
fn what_does_not_fit_is_left_alone() {
    let split = build(Some(distilled()), |b| {
        b.ptr(2);
    });
    let valid = split.validated().unwrap();
    let target = build::<LE>(None, |_| {});
    let names = Names::sorted(*target, 1, None);
    let (mut ids, mut strings) = ([0; 4], [0; 22]);
    let relocation = valid
        .relocate(&names, Policy::Opaque, &mut ids, &mut strings)
        .unwrap();

    assert!(!relocation.fits());
    let mut bytes = split.bytes().to_vec();
    let len = bytes.len();
    assert_eq!(
        relocation.rewrite(&mut bytes),
        Err(Error::BufferSize { len })
    );
    assert_eq!(bytes, split.bytes());

    // Neither a shorter nor a longer buffer will do.
    let want = relocation.written_len();
    assert_eq!(want, len + 16 + 12 + "int\0task\0".len());
    let write = |bytes: &[u8], len| relocation.write(bytes, distilled(), &mut vec![0; len]);
    assert_eq!(write(&bytes, want), Ok(()));
    for len in [0, 24, want - 1, want + 1] {
        assert_eq!(write(&bytes, len), Err(Error::BufferSize { len }));
    }
    // Nor will other bytes.
    bytes.push(0);
    assert!(write(&bytes, want).is_ok());
    assert_eq!(write(b"", want), Err(Error::TooShort { len: 0 }));
    let other = build(Some(distilled()), |_| {});
    assert_eq!(
        write(other.bytes(), want),
        Err(Error::BufferSize { len: want })
    );
}

#[test]
fn what_is_kept_comes_with_the_reason() {
    let base = build::<LE>(None, add_each_kind);
    let split = build(Some(base), |_| {});
    let target = build::<LE>(None, |b| {
        b.int(b"int", int(8));
        b.enumeration(b"double", 8, false, &[]);
        b.structure(b"s", 8, &[]);
        b.structure(b"s", 8, &[]);
    });
    let done = relocate(split, target, Policy::Opaque).unwrap();
    let kept = |id, own, reason| Kept {
        id,
        new_id: id + 4,
        own,
        reason,
    };
    let size = Mismatch::Size {
        wanted: 4,
        found: 8,
    };
    let ambiguous = Mismatch::Ambiguous {
        size: 8,
        candidates: 2,
    };

    assert_eq!(
        done.kept,
        [
            kept(1, Own::Kept, size),
            kept(2, Own::Kept, Mismatch::Kind { found: wire::ENUM }),
            kept(3, Own::Opaque, ambiguous),
            kept(4, Own::Opaque, Mismatch::Missing),
            kept(5, Own::Kept, Mismatch::Missing),
            kept(6, Own::Opaque, Mismatch::Missing),
            kept(7, Own::Opaque, Mismatch::Missing),
        ]
    );
}

#[test]
fn names_have_a_limit() {
    for (len, fits) in [(511, true), (512, true), (513, false), (5000, false)] {
        let name = vec![b'a'; len];
        let base = build::<LE>(None, |b| {
            b.structure(b"aaa", 4, &[]);
            b.structure(&name, 4, &[]);
        });
        let split = build(Some(base), |_| {});
        let want = Error::Type {
            id: 2,
            kind: wire::STRUCT,
            name: TypeName::new(&name),
            offset: 12,
            reason: TypeReason::LongName,
        };
        let got = relocate(split, base, Policy::Opaque).map(|done| done.id_map);
        assert_eq!(got, if fits { Ok(vec![0, 1, 2]) } else { Err(want) });
    }
}
