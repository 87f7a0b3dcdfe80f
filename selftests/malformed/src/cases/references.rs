// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Types that refer to types and to strings that are not there.

use splitbtf::raw::wire;

use super::Cases;
use super::Expected;
use crate::pair::Draft;
use crate::pair::Info;

/// Adds a type that refers to a type in one place.
type Refer = fn(&mut Draft, name: u32, to: u32) -> u32;

/// The places where a type can refer to a type: name, kind, C's message for an id that no BTF can
/// have (if C checks it), and whether the type has a name.
const REFERENCES: [(&str, u8, Option<&str>, bool, Refer); 17] = [
    ("ptr", wire::PTR, INVALID, false, |draft, _, to| {
        draft.add(0, wire::PTR, to, &[])
    }),
    (
        "typedef",
        wire::TYPEDEF,
        INVALID,
        true,
        |draft, name, to| draft.add(name, wire::TYPEDEF, to, &[]),
    ),
    ("const", wire::CONST, INVALID, false, |draft, _, to| {
        draft.add(0, wire::CONST, to, &[])
    }),
    (
        "volatile",
        wire::VOLATILE,
        INVALID,
        false,
        |draft, _, to| draft.add(0, wire::VOLATILE, to, &[]),
    ),
    (
        "restrict",
        wire::RESTRICT,
        INVALID,
        false,
        |draft, _, to| draft.add(0, wire::RESTRICT, to, &[]),
    ),
    (
        "type-tag",
        wire::TYPE_TAG,
        INVALID,
        true,
        |draft, name, to| draft.add(name, wire::TYPE_TAG, to, &[]),
    ),
    (
        "array-elem",
        wire::ARRAY,
        Some("Invalid elem"),
        false,
        |draft, _, to| draft.add(0, wire::ARRAY, 0, &[to, 1, 2]),
    ),
    (
        "array-index",
        wire::ARRAY,
        Some("Invalid index"),
        false,
        |draft, _, to| draft.add(0, wire::ARRAY, 0, &[1, to, 2]),
    ),
    (
        "struct-member",
        wire::STRUCT,
        INVALID,
        true,
        |draft, name, to| draft.add(name, Info::of(wire::STRUCT, 2), 8, &[0, 1, 0, 0, to, 32]),
    ),
    (
        "union-member",
        wire::UNION,
        INVALID,
        true,
        |draft, name, to| draft.add(name, Info::of(wire::UNION, 2), 8, &[0, 1, 0, 0, to, 0]),
    ),
    ("func", wire::FUNC, None, true, |draft, name, to| {
        draft.add(name, wire::FUNC, to, &[])
    }),
    (
        "func-proto-returns",
        wire::FUNC_PROTO,
        None,
        false,
        |draft, _, to| draft.add(0, wire::FUNC_PROTO, to, &[]),
    ),
    (
        "func-proto-param",
        wire::FUNC_PROTO,
        None,
        false,
        |draft, _, to| draft.add(0, Info::of(wire::FUNC_PROTO, 2), 0, &[0, 1, 0, to]),
    ),
    ("var", wire::VAR, INVALID, true, |draft, name, to| {
        draft.add(name, wire::VAR, to, &[1])
    }),
    (
        "datasec-var",
        wire::DATASEC,
        INVALID,
        true,
        |draft, name, to| draft.add(name, Info::of(wire::DATASEC, 1), 8, &[to, 0, 4]),
    ),
    ("decl-tag", wire::DECL_TAG, None, true, |draft, name, to| {
        draft.add(name, wire::DECL_TAG, to, &[u32::MAX])
    }),
    (
        "member-of-flagged-struct",
        wire::STRUCT,
        INVALID,
        true,
        |draft, name, to| {
            draft.add(
                name,
                Info::of(wire::STRUCT, 1).flagged(),
                8,
                &[0, to, 4 << 24],
            )
        },
    ),
];

const INVALID: Option<&str> = Some("Invalid type_id");

/// Adds a type with a name that belongs to a part of it.
type Name = fn(&mut Draft, name: u32) -> u32;

/// The parts of types that can have a name, and C's message for a name that is not there.
const INNER_NAMES: [(&str, u8, Option<&str>, Name); 5] = [
    ("struct-member", wire::STRUCT, MEMBER, |draft, name| {
        draft.add(0, Info::of(wire::STRUCT, 1), 4, &[name, 1, 0])
    }),
    ("union-member", wire::UNION, MEMBER, |draft, name| {
        draft.add(0, Info::of(wire::UNION, 1), 4, &[name, 1, 0])
    }),
    ("enum-value", wire::ENUM, VALUE, |draft, name| {
        draft.add(0, Info::of(wire::ENUM, 1), 4, &[name, 1])
    }),
    ("enum64-value", wire::ENUM64, VALUE, |draft, name| {
        draft.add(0, Info::of(wire::ENUM64, 1), 8, &[name, 1, 0])
    }),
    ("func-proto-param", wire::FUNC_PROTO, None, |draft, name| {
        draft.add(0, Info::of(wire::FUNC_PROTO, 1), 0, &[name, 1])
    }),
];

const MEMBER: Option<&str> = Some("Invalid member name_offset");
const VALUE: Option<&str> = Some("Invalid name_offset");

fn no_type(id: u32, kind: u8, to: u32) -> Expected {
    Expected::rust(id, kind, format!("refers to type {to}, which is not there"))
}

pub(super) fn cases(cases: &mut Cases) {
    for (name, kind, invalid, named, refer) in REFERENCES {
        let add = move |draft: &mut Draft, to| {
            let name = if named { draft.string("foo") } else { 0 };
            refer(draft, name, to)
        };
        cases.add(format!("type-behind-the-last-{name}"), move |draft| {
            let to = draft.next_id() + 1;
            let id = add(draft, to);
            no_type(id, kind, to)
        });
        cases.add(format!("type-max-{name}"), move |draft| {
            let id = add(draft, u32::MAX);
            match invalid {
                Some(says) => Expected::c(says),
                None => no_type(id, kind, u32::MAX),
            }
        });
    }
    for (name, kind, invalid, add) in INNER_NAMES {
        for (which, max) in [("behind-the-last", false), ("max", true)] {
            cases.add(format!("string-{which}-{name}"), move |draft| {
                let offset = if max { u32::MAX } else { draft.end_string() };
                let id = add(draft, offset);
                match invalid {
                    Some(says) => Expected::c(says),
                    None => Expected::rust(
                        id,
                        kind,
                        format!("has a name at string offset {offset}, which is not there"),
                    ),
                }
            });
        }
    }
    for (name, _, invalid, named, refer) in REFERENCES {
        // These must not be of type void.
        if !matches!(
            name,
            "array-elem" | "array-index" | "struct-member" | "union-member" | "var" | "datasec-var"
        ) {
            continue;
        }
        cases.add(format!("void-{name}"), move |draft| {
            let name = if named { draft.string("foo") } else { 0 };
            refer(draft, name, 0);
            Expected::c(invalid.unwrap_or_default())
        });
    }
    cases.add("func-of-int", |draft| {
        let name = draft.string("foo");
        draft.add(name, wire::FUNC, 1, &[]);
        Expected::Loads
    });
}
