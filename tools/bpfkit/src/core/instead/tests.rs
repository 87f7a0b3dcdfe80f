// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use splitbtf::Builder;
use splitbtf::Int;
use splitbtf::LE;

use super::*;
use crate::core::testing::member;

#[test]
fn the_type_in_a_place() {
    assert_eq!(root("struct s.a.b"), "struct s");
    assert_eq!(root("struct s[2].a"), "struct s");
    assert_eq!(root("enum e::X"), "enum e");
    assert_eq!(root("struct s"), "struct s");
}

/// The members at an offset in bytes.
fn at(types: &AnyOwned, id: u32, offset: u32) -> Vec<String> {
    let mut search = Search {
        types,
        offset: 8 * offset,
        left: MEMBERS,
        found: vec![],
    };
    search.of(id, 0, "", DEPTH);
    search.found.into_iter().map(|(path, _)| path).collect()
}

#[test]
fn members_in_structs_are_found() {
    let mut b = Builder::<LE>::new();
    let int = b.int(b"int", Int::signed(4));
    let inner = b.structure(b"inner", 8, &[member("x", int, 0), member("y", int, 4)]);
    let either = b.union(b"", 8, &[member("i", inner, 0), member("z", int, 0)]);
    let outer = b.structure(
        b"outer",
        20,
        &[
            member("first", int, 0),
            member("", either, 4),
            member("last", inner, 12),
        ],
    );
    let types = AnyOwned::new(b.finish().unwrap(), None).unwrap();

    assert_eq!(at(&types, outer, 0), [".first"]);
    assert_eq!(at(&types, outer, 4), [".i", ".i.x", ".z"]);
    assert_eq!(at(&types, outer, 8), [".i.y"]);
    assert_eq!(at(&types, outer, 16), [".last.y"]);
    assert_eq!(at(&types, outer, 20), [""; 0]);
}

#[test]
fn structs_that_contain_themselves_end() {
    let mut b = Builder::<LE>::new();
    let members: Vec<_> = ["a", "b", "c", "d", "e", "f", "g", "h"]
        .map(|name| member(name, 1, 0))
        .into();
    b.structure(b"s", 8, &members);
    let types = AnyOwned::new(b.finish().unwrap(), None).unwrap();

    assert!(at(&types, 1, 0).len() <= MEMBERS);
}
