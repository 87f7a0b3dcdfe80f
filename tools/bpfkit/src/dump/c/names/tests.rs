// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

#[test]
fn names_become_identifiers() {
    assert_eq!(identifier(b"task_struct").as_ref(), b"task_struct");
    assert_eq!(identifier(b"Option<u8>").as_ref(), b"Option_u8_");
    assert_eq!(identifier(b"3d").as_ref(), b"_3d");
    assert_eq!(identifier(b"int").as_ref(), b"_int");
}

#[test]
fn numbers_avoid_other_names() {
    let mut table = Table::default();
    for name in [&b"a"[..], b"a___2"] {
        table.insert(Cow::Borrowed(name), 0);
    }

    assert_eq!(next_number(&mut table, b"a"), 1);
    assert_eq!(next_number(&mut table, b"a"), 3);
    assert_eq!(next_number(&mut table, b"a"), 4);
}

#[test]
fn number_types_are_known() {
    assert!(is_number_type(b"long long unsigned int"));
    assert!(is_number_type(b"_Bool"));
    assert!(!is_number_type(b"__Poly8_t"));
    assert!(!is_number_type(b""));
}
