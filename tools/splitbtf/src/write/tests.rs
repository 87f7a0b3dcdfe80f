// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use zerocopy::BE;
use zerocopy::LE;

use super::*;
use crate::testing::build;
use crate::testing::every_kind;
use crate::testing::int;
use crate::testing::lines;
use crate::testing::open;
use crate::testing::File;

/// Pushes all types of BTF onto a builder like it.
fn again<O: ByteOrder>(btf: &Btf<'_, O>) -> Vec<u8> {
    let mut builder = Builder::like(btf).unwrap();

    for ty in btf.types() {
        builder.push(&ty.unwrap());
    }
    builder.finish().unwrap()
}

#[test]
fn every_kind_is_written_in_both_orders() {
    fn check<O: ByteOrder + 'static>() {
        let btf = build::<O>(None, |b| every_kind(b, 1, 4));

        assert_eq!(
            lines(btf),
            [
                "1 INT int 4 0x1000020",
                "2 PTR - 4",
                "3 ARRAY - 0 0x1 0x1 0x3",
                "4 STRUCT+ s 16 (a 1 50331648) (b 2 64)",
                "5 UNION u 16 (m 1 0) (m 3 0)",
                "6 ENUM+ e 4 (ZERO 0) (MINUS 4294967295)",
                "7 FWD+ declared 0",
                "8 TYPEDEF int_t 1",
                "9 VOLATILE - 1",
                "10 CONST - 9",
                "11 RESTRICT - 2",
                "12 FUNC f 13 1",
                "13 FUNC_PROTO - 1 (p 11) (- 0)",
                "14 VAR v 8 0x1",
                "15 DATASEC .data 4 (14 0 4)",
                "16 FLOAT double 8",
                "17 DECL_TAG tag 4 0x1",
                "18 TYPE_TAG user 1",
                "19 ENUM64 e64 8 (BIG 878082202 18)",
            ]
        );
        assert_eq!(again(btf), btf.bytes());
    }

    check::<LE>();
    check::<BE>();
}

#[test]
fn what_is_written_is_read() {
    let btf = build::<LE>(None, |b| every_kind(b, 1, 4));
    let kind = |id| btf.get(id).unwrap().kind;

    assert!(matches!(kind(1), Kind::Int(found) if found == int(4)));
    let Kind::Struct(s) = kind(4) else {
        panic!("{:?}", kind(4));
    };
    let members: Vec<_> = s.members().collect();
    assert_eq!((members[0].bit_offset, members[0].bitfield_bits), (0, 3));
    assert_eq!((members[1].bit_offset, members[1].bitfield_bits), (64, 0));
    assert!(
        matches!(kind(6), Kind::Enum { signed: true, values, .. } if values[1].val.get() == -1)
    );
    assert!(matches!(kind(7), Kind::Fwd { is_union: true }));
    assert!(matches!(
        kind(12),
        Kind::Func {
            proto: 13,
            linkage: 1
        }
    ));
    assert!(matches!(kind(14), Kind::Var { ty: 8, linkage: 1 }));
    assert!(matches!(
        kind(17),
        Kind::DeclTag {
            ty: 4,
            component: 1,
            attribute: false
        }
    ));
    assert!(matches!(
        kind(19),
        Kind::Enum64 { signed: false, values, .. } if values[0].val() == 0x12_3456_789a
    ));
}

#[test]
fn numbers_keep_their_sign() {
    let btf = build::<LE>(None, |b| {
        b.enumeration64(b"e", 8, true, &[(b"MIN", i64::MIN), (b"MINUS", -2)]);
        b.decl_tag(b"d", 1, -1);
    });

    assert!(matches!(
        btf.get(1).unwrap().kind,
        Kind::Enum64 { signed: true, values, .. }
            if values[0].val() == i64::MIN && values[1].val() == -2
    ));
    assert!(matches!(
        btf.get(2).unwrap().kind,
        Kind::DeclTag { component: -1, .. }
    ));
}

/// All of 7.3's header, its flags in `info`, and a kind that is not known.
#[test]
fn what_is_not_understood_is_kept() {
    let file = File::<LE> {
        hdr_len: 40,
        layout: [vec![[0; 4]; 20], vec![[8, 4, 0, 0]]].concat(),
        ..File::new().strings(b"\0a\0")
    };
    let file = file
        .add(1, 0x80 | 17, 0, 2, &[u32::MAX])
        .add(1, 0x80 | 18, 0, 0, &[])
        .add(1, 20, 3, 5, &[1, 2, 3, 4, 5]);
    let btf = file.open(None).unwrap();

    assert!(matches!(
        btf.get(1).unwrap().kind,
        Kind::DeclTag {
            attribute: true,
            ..
        }
    ));
    let mut builder = Builder::like(btf).unwrap();
    for id in 1..3 {
        builder.push(&btf.get(id).unwrap());
    }
    assert_eq!(builder.next_id(), 3);
    assert!(builder.clone().finish().is_ok());
    // What refers to what in it cannot be told.
    builder.push(&btf.get(3).unwrap());
    assert!(builder.finish().is_err());
}

#[test]
fn names_are_written_once_and_share_their_ends() {
    let btf = build::<LE>(None, |b| {
        b.fwd(b"name", false);
        b.fwd(b"long_name", false);
        b.fwd(b"name", true);
        b.fwd(b"me", false);
        b.fwd(b"nam", false);
    });

    let strings = Sections::<LE>::find(btf.bytes()).unwrap().strings;
    assert_eq!(strings.len(), b"\0long_name\0nam\0".len());
    assert_eq!(
        lines(btf),
        [
            "1 FWD name 0",
            "2 FWD long_name 0",
            "3 FWD+ name 0",
            "4 FWD me 0",
            "5 FWD nam 0"
        ]
    );
}

#[test]
fn names_of_the_base_are_not_written_again() {
    let base = build::<LE>(None, |b| every_kind(b, 1, 4));
    let split = build(Some(base), |b| {
        assert_eq!(b.next_id(), 20);
        b.typedef(b"s", 4);
        b.typedef(b"new", 4);
    });

    let strings = Sections::<LE>::find(split.bytes()).unwrap().strings;
    assert_eq!(strings, b"new\0");
    assert_eq!(lines(split), ["20 TYPEDEF s 4", "21 TYPEDEF new 4"]);
    assert_eq!(again(split), split.bytes());
}

#[test]
fn nothing_can_be_written() {
    let empty = Builder::<LE>::default().finish().unwrap();

    assert_eq!(empty.len(), 24 + 1);
    assert_eq!(open::<LE>(&empty, None).unwrap().end_id(), 1);
}

#[test]
fn ends_are_shared() {
    let shared = |strings: &[&str]| {
        let (offsets, bytes) = share_ends(strings);
        for (string, offset) in strings.iter().zip(offsets) {
            let from = &bytes[offset as usize..];
            assert_eq!(&from[..string.len()], string.as_bytes());
            assert_eq!(from[string.len()], 0);
        }
        bytes.len()
    };

    assert_eq!(shared(&[]), 0);
    assert_eq!(shared(&["a"]), 2);
    assert_eq!(shared(&["a", "a", "ba", "cba", "a"]), 4);
    assert_eq!(shared(&["ab", "a", "b"]), 5);
    assert_eq!(shared(&["xa", "ya", "a"]), 6);
    assert_eq!(shared(&["", "a"]), 2);
}
