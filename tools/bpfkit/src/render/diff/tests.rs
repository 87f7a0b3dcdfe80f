// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use serde_json::json;
use serde_json::Value;

use super::*;

fn check(change: Change, want: Value) {
    assert_eq!(serde_json::to_value(ChangeJson::of(&change)).unwrap(), want);
}

fn member(bitfield: Option<u8>) -> Member {
    Member {
        name: "m".into(),
        ty: match bitfield {
            Some(bits) => format!("int : {bits}"),
            None => "int".into(),
        },
        offset: 35,
        bitfield,
    }
}

#[test]
fn numbers_are_beside_the_text() {
    check(Change::New, json!({"text": "new", "change": "new"}));
    check(Change::Gone, json!({"text": "gone", "change": "gone"}));
    check(
        Change::Kind {
            from: "STRUCT",
            to: "UNION",
        },
        json!({
            "text": "kind: STRUCT -> UNION",
            "change": "kind",
            "from_kind": "STRUCT",
            "to_kind": "UNION",
        }),
    );
    check(
        Change::Size { from: 8, to: 16 },
        json!({"text": "size: 8 -> 16", "change": "size", "from_size": 8, "to_size": 16}),
    );
    check(
        Change::Moved {
            member: "m".into(),
            from: 32,
            to: 35,
        },
        json!({
            "text": "m: at 4 -> 4 bit 3",
            "change": "moved",
            "member": "m",
            "from_bits_offset": 32,
            "to_bits_offset": 35,
        }),
    );
    check(
        Change::Value {
            value: "A".into(),
            from: Some(-1),
            to: None,
        },
        json!({
            "text": "A = -1 -> none",
            "change": "value",
            "enumerator": "A",
            "from_value": -1,
            "to_value": null,
        }),
    );
}

#[test]
fn members_have_offsets_and_widths() {
    check(
        Change::Added(member(Some(3))),
        json!({
            "text": "+ m: int : 3 at 4 bit 3",
            "change": "added",
            "member": "m",
            "type": "int : 3",
            "bits_offset": 35,
            "bitfield_size": 3,
        }),
    );
    check(
        Change::Removed(member(None)),
        json!({
            "text": "- m: int at 4 bit 3",
            "change": "removed",
            "member": "m",
            "type": "int",
            "bits_offset": 35,
        }),
    );
    check(
        Change::Retyped {
            member: "m".into(),
            from: "int".into(),
            to: "int : 3".into(),
            bitfields: [None, Some(3)],
        },
        json!({
            "text": "m: int -> int : 3",
            "change": "retyped",
            "member": "m",
            "from_type": "int",
            "to_type": "int : 3",
            "to_bitfield_size": 3,
        }),
    );
}

#[test]
fn integers_have_their_bits() {
    let int = |bits| IntShape { bits, encoding: 1 };
    let text = |int: IntShape| int.to_string();

    check(
        Change::Type {
            from: text(int(32)),
            to: text(int(31)),
            ints: [Some(int(32)), Some(int(31))],
        },
        json!({
            "text": "type: 32 bits, encoding 1 -> 31 bits, encoding 1",
            "change": "type",
            "from_type": "32 bits, encoding 1",
            "to_type": "31 bits, encoding 1",
            "from_int": {"nr_bits": 32, "encoding": 1},
            "to_int": {"nr_bits": 31, "encoding": 1},
        }),
    );
    check(
        Change::Type {
            from: "int".into(),
            to: "long".into(),
            ints: [None; 2],
        },
        json!({
            "text": "type: int -> long",
            "change": "type",
            "from_type": "int",
            "to_type": "long",
        }),
    );
}
