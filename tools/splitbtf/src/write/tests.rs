// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use alloc::string::ToString;

use zerocopy::BE;
use zerocopy::LE;

use super::*;
use crate::testing::build;
use crate::testing::every_kind;
use crate::testing::int;
use crate::testing::lines;
use crate::testing::open;
use crate::testing::File;
use crate::Kind;

/// Copies all types of BTF to a builder like it.
fn again<O: ByteOrder>(btf: &Btf<'_, O>) -> Vec<u8> {
    let mut builder = Builder::like(btf).unwrap();

    for id in btf.first_id()..btf.end_id() {
        builder.copy(btf, id).unwrap();
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
        matches!(kind(6), Kind::Enum { signed: true, values, .. } if values.get(1).unwrap().value == -1)
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
        Kind::Enum64 { signed: false, values, .. } if values.get(0).unwrap().value == 0x12_3456_789a
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
            if values.get(0).unwrap().value == i64::MIN.into() && values.get(1).unwrap().value == -2
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
    assert!(matches!(btf.get(3).unwrap().kind, Kind::Unknown(_)));
    // All ids and names stay, so whatever the words mean, they mean the same.
    assert_eq!(again(btf), btf.bytes());
    let mut builder = Builder::like(btf).unwrap();
    assert_eq!(builder.copy(btf, 4), Err(Error::Id { id: 4, end: 4 }));
    assert_eq!(builder.next_id(), 1);
}

#[test]
fn unknown_kinds_may_not_be_renumbered() {
    let file = File::<LE> {
        hdr_len: 32,
        layout: [vec![[0; 4]; 20], vec![[0, 4, 0, 0]]].concat(),
        ..File::new()
    };
    let btf = file.add(0, 20, 2, 0, &[77, 2]).open(None).unwrap();
    let mut builder = Builder::like(btf).unwrap();

    builder.copy(btf, 1).unwrap();
    assert!(builder.clone().finish().is_ok());
    // The word 2 could be the provisional offset of the second name.
    builder.fwd(b"name", false);
    builder.fwd(b"other", false);
    assert_eq!(
        builder.finish(),
        Err(Error::Type {
            id: 1,
            kind: 20,
            name: TypeName::default(),
            offset: 0,
            reason: TypeReason::UnknownReferences
        })
    );
}

#[test]
fn the_first_error_is_kept() {
    let fault = |add: fn(&mut Builder<LE>)| {
        let mut builder = Builder::<LE>::new();
        builder.float(b"first", 4);
        add(&mut builder);
        builder.float(b"NUL\0", 4);
        match builder.finish() {
            Err(Error::Type {
                id,
                kind,
                name,
                offset,
                reason,
            }) => (id, kind, name.to_string(), offset, reason),
            other => panic!("{other:?}"),
        }
    };
    let member = |bit_offset, bitfield_bits| NewMember {
        name: b"m",
        ty: 1,
        bit_offset,
        bitfield_bits,
    };
    let too_far = [member(0, 1), member(1 << 24, 0)];
    let far_enough = [member(0, 1), member((1 << 24) - 1, 1)];
    let no_bitfields = [member(1 << 24, 0)];
    let build = |members: &[NewMember<'_>]| {
        let mut builder = Builder::<LE>::new();
        builder.structure(b"s", 4, members);
        builder.finish()
    };

    assert_eq!(
        fault(|_| {}),
        (2, wire::FLOAT, "NUL\\x00".into(), 12, TypeReason::NulInName)
    );
    assert_eq!(
        fault(|b| _ = b.enumeration(b"e", 4, false, &[(b"\0", 0)])),
        (2, wire::ENUM, "e".into(), 24, TypeReason::NulInName)
    );
    assert_eq!(
        fault(|b| _ = b.func_proto(0, &vec![(&b""[..], 0); 1 << 24])),
        (
            2,
            wire::FUNC_PROTO,
            "".into(),
            12,
            TypeReason::TooManyElements
        )
    );
    assert_eq!(
        fault(|b| _ = b.func(b"f", 1, 1 << 24)),
        (2, wire::FUNC, "f".into(), 12, TypeReason::TooManyElements)
    );
    let error = build(&too_far).unwrap_err();
    assert!(matches!(
        error,
        Error::Type {
            id: 1,
            kind: wire::STRUCT,
            reason: TypeReason::BitOffset,
            ..
        }
    ));
    let good = build(&far_enough).unwrap();
    let Kind::Struct(of) = open::<LE>(&good, None).unwrap().get(1).unwrap().kind else {
        panic!();
    };
    assert!(of
        .members()
        .map(|member| (member.bit_offset, member.bitfield_bits))
        .eq([(0, 1), ((1 << 24) - 1, 1)]));
    assert!(build(&no_bitfields).is_ok());
}

#[test]
fn nothing_is_added_to_later_headers() {
    let mut bytes = File::<LE> {
        hdr_len: 40,
        ..File::new()
    }
    .bytes();
    bytes[36] = 1;
    let btf = open::<LE>(&bytes, None).unwrap();

    assert_eq!(
        Builder::like(btf).unwrap_err(),
        Error::HeaderField { offset: 36 }
    );
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
