// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use splitbtf::BtfExt;
use splitbtf::Builder;
use splitbtf::Int;
use splitbtf::NewMember;
use splitbtf::Owned;
use zerocopy::LE;

use super::*;

/// Adds types to BTF that has `int` as type 1.
type Add = fn(&mut Builder<LE>);

const INT: u32 = 1;

fn file(add: Add) -> Owned<LE> {
    let mut builder = Builder::new();
    let int = Int {
        size: 4,
        encoding: 1,
        offset: 0,
        bits: 32,
    };
    builder.int(b"int", int);
    add(&mut builder);
    Owned::new(builder.finish().unwrap(), None).unwrap()
}

fn member(name: &str, ty: u32, bit_offset: u32) -> NewMember<'_> {
    NewMember {
        name: name.as_bytes(),
        ty,
        bit_offset,
        bitfield_bits: 0,
    }
}

fn names(names: &[&str]) -> Select {
    Select::Names(names.iter().map(|name| name.as_bytes().to_vec()).collect())
}

fn try_diff(from: Add, to: Add, select: &Select) -> Result<Vec<Difference>, DiffError> {
    let (from, to) = (file(from), file(to));
    let (from, to) = (from.btf(), to.btf());
    let (from_ids, to_ids) = (from.sorted_by_name().unwrap(), to.sorted_by_name().unwrap());

    diff(
        &Names::indexed(from, &from_ids, None),
        &Names::indexed(to, &to_ids, None),
        select,
    )
}

/// The text of all differences.
fn text(from: Add, to: Add, select: &Select) -> String {
    let differences = try_diff(from, to, select).unwrap();

    differences.iter().map(Difference::to_string).collect()
}

#[test]
fn the_same_is_not_shown() {
    let types: Add = |btf| {
        btf.structure(b"s", 4, &[member("a", INT, 0)]);
        btf.enumeration(b"e", 4, true, &[(b"A", -1)]);
    };
    // Ids are not compared.
    let others: Add = |btf| {
        btf.enumeration(b"e", 4, true, &[(b"A", -1)]);
        btf.structure(b"s", 4, &[member("a", INT, 0)]);
    };

    assert_eq!(text(types, others, &Select::All), "");
}

#[test]
fn members_are_compared() {
    let from: Add = |btf| {
        let members = [
            member("gone", INT, 0),
            member("a", INT, 32),
            member("b", INT, 64),
            member("c", INT, 96),
        ];
        btf.structure(b"s", 16, &members);
    };
    let to: Add = |btf| {
        let pointer = btf.ptr(INT);
        let members = [
            member("new", pointer, 0),
            member("a", INT, 64),
            member("b", INT, 96),
            member("c", pointer, 128),
            NewMember {
                bitfield_bits: 3,
                ..member("bits", INT, 193)
            },
        ];
        btf.structure(b"s", 32, &members);
    };

    assert_eq!(
        text(from, to, &Select::All),
        "struct s
    size: 16 -> 32
    - gone: int at 0
    a: at 4 -> 8, and all up to b with it
    c: int -> int *
    c: at 12 -> 16
    + new: int * at 0
    + bits: int : 3 at 24 bit 1
"
    );
}

#[test]
fn structs_without_a_name_are_parts_of_the_outer_one() {
    let from: Add = |btf| {
        let inner = btf.union(b"", 4, &[member("a", INT, 0)]);
        let outer = btf.structure(b"", 8, &[member("", inner, 32)]);
        btf.structure(b"s", 12, &[member("", inner, 0), member("u", outer, 32)]);
    };
    let to: Add = |btf| {
        let pointer = btf.ptr(0);
        let inner = btf.union(b"", 8, &[member("a", pointer, 0)]);
        btf.structure(b"s", 8, &[member("", inner, 0)]);
    };

    assert_eq!(
        text(from, to, &Select::All),
        "struct s\n    size: 12 -> 8\n    a: int -> void *\n    - u.a: int at 8\n"
    );
}

#[test]
fn other_kinds_are_compared() {
    let from: Add = |btf| {
        btf.enumeration(b"e", 4, false, &[(b"A", 1), (b"B", 2)]);
        btf.structure(b"kind", 8, &[]);
        btf.typedef(b"t", INT);
        btf.fwd(b"declared", false);
        let proto = btf.func_proto(INT, &[(b"x", INT)]);
        btf.func(b"f", proto, 1);
        btf.structure(b"gone", 4, &[]);
    };
    let to: Add = |btf| {
        btf.enumeration64(b"e", 8, false, &[(b"A", 1), (b"B", 1 << 40), (b"C", -1)]);
        btf.union(b"kind", 8, &[]);
        let array = btf.array(INT, INT, 4);
        btf.typedef(b"t", array);
        btf.structure(b"declared", 4, &[]);
        let proto = btf.func_proto(0, &[(b"x", INT), (b"y", 0)]);
        btf.func(b"f", proto, 1);
        btf.float(b"new", 8);
    };

    assert_eq!(
        text(from, to, &Select::All),
        "struct declared: new
enum e
    kind: ENUM -> ENUM64
    size: 4 -> 8
    B = 2 -> 1099511627776
    C = none -> 18446744073709551615
function f
    type: int (int) -> void (int, void)
struct gone: gone
struct kind
    kind: STRUCT -> UNION
new: new
typedef t
    type: int -> int[4]
"
    );
}

#[test]
fn what_is_contained_is_followed_and_what_is_pointed_to_is_not() {
    fn add(btf: &mut Builder<LE>, size: u32) {
        let inner = btf.structure(b"inner", size, &[]);
        let alias = btf.typedef(b"alias", inner);
        let array = btf.array(alias, INT, 2);
        let other = btf.structure(b"other", size, &[]);
        let pointer = btf.ptr(other);
        btf.structure(
            b"s",
            24,
            &[member("a", array, 0), member("p", pointer, 128)],
        );
        btf.structure(b"unrelated", size, &[]);
    }
    let text = text(|btf| add(btf, 4), |btf| add(btf, 8), &names(&["s"]));

    assert_eq!(text, "struct inner\n    size: 4 -> 8\n");
}

#[test]
fn of_equal_names_what_differs_is_shown() {
    let from: Add = |btf| {
        btf.structure(b"s", 4, &[]);
        btf.structure(b"s", 8, &[]);
        btf.fwd(b"s", false);
    };
    let to: Add = |btf| {
        btf.structure(b"s", 16, &[]);
        btf.structure(b"s", 4, &[]);
        btf.structure(b"s", 32, &[]);
    };

    assert_eq!(
        text(from, to, &Select::All),
        "struct s\n    size: 8 -> 16\nstruct s: new\n"
    );
}

#[test]
fn a_declaration_beside_a_definition_does_not_count() {
    let both: Add = |btf| {
        btf.fwd(b"s", false);
        btf.structure(b"s", 4, &[]);
    };
    let one: Add = |btf| {
        btf.structure(b"s", 4, &[]);
    };

    assert_eq!(text(both, one, &Select::All), "");
}

#[test]
fn an_unknown_name_is_an_error() {
    let error = try_diff(|_| {}, |_| {}, &names(&["none"])).unwrap_err();

    assert_eq!(error.to_string(), "no kernel has a BTF type 'none'");
}

#[test]
fn repeats_come_to_an_end() {
    let types: Add = |btf| {
        let mut inner = btf.structure(b"", 4, &[member("a", INT, 0)]);
        for _ in 0..40 {
            inner = btf.structure(b"", 4, &[member("", inner, 0), member("", inner, 0)]);
        }
        btf.structure(b"s", 4, &[member("", inner, 0)]);
    };
    let deep: Add = |btf| {
        let mut inner = INT;
        for _ in 0..10_000 {
            inner = btf.ptr(inner);
        }
        btf.typedef(b"t", inner);
    };

    for types in [types, deep] {
        let error = try_diff(types, types, &Select::All).unwrap_err();
        assert!(matches!(error, DiffError::Depth { .. }), "{error}");
    }
}

#[test]
fn a_module_refers_to_what_its_base_has() {
    let own = file(|btf| {
        btf.structure(b"used", 4, &[]);
        btf.structure(b"unused", 4, &[]);
    });
    let own = own.btf();
    let mut split = Builder::split_on(&own).unwrap();
    split.ptr(2);
    let split = split.finish().unwrap();

    let module = Input::from_bytes("m.btf".into(), split).unwrap();
    let names = names_of_module(&module, &own).unwrap();
    assert_eq!(names, BTreeSet::from([b"used".to_vec()]));
}
