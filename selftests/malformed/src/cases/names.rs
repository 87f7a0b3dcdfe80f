// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Names of types, members and values: the rules of `btf_name_valid_identifier()` and
//! `btf_name_valid_section()` of `kernel/bpf/btf.c`.

use splitbtf::raw::wire;

use super::Cases;
use super::Expected;
use crate::pair::Info;

/// A type or a part of one with a name: the type's kind, its `size` or `type`, the words that
/// follow, and whether the name is the first of these words.
type Named = (&'static str, u8, u32, &'static [u32], bool);

/// Names that must be identifiers.
const IDENTIFIERS: [Named; 12] = [
    ("struct", wire::STRUCT, 4, &[], false),
    ("union", wire::UNION, 4, &[], false),
    ("enum", wire::ENUM, 4, &[], false),
    ("enum64", wire::ENUM64, 8, &[], false),
    ("fwd", wire::FWD, 0, &[], false),
    ("typedef", wire::TYPEDEF, 1, &[], false),
    ("func", wire::FUNC, 1, &[], false),
    ("var", wire::VAR, 1, &[1], false),
    ("struct-member", wire::STRUCT, 4, &[1, 0], true),
    ("union-member", wire::UNION, 4, &[1, 0], true),
    ("enum-value", wire::ENUM, 4, &[1], true),
    ("enum64-value", wire::ENUM64, 8, &[1, 0], true),
];

/// Names that may have any characters.
const ANY: [Named; 5] = [
    ("int", wire::INT, 4, &[32], false),
    ("float", wire::FLOAT, 4, &[], false),
    ("decl-tag", wire::DECL_TAG, 1, &[u32::MAX], false),
    ("type-tag", wire::TYPE_TAG, 1, &[], false),
    ("func-proto-param", wire::FUNC_PROTO, 1, &[1], true),
];

/// The longest name, the `KSYM_NAME_LEN` of `include/linux/kallsyms.h`, without its NUL.
const LONGEST: usize = 512;

pub(super) fn cases(cases: &mut Cases) {
    for named in IDENTIFIERS {
        case(cases, "odd-name", named, b"Pair<u8, u64>", false);
    }
    for named in ANY {
        case(cases, "any-name", named, b"Pair<u8, u64>", true);
    }

    let typedef = ("typedef", wire::TYPEDEF, 1, &[][..], false);
    let datasec = ("datasec", wire::DATASEC, 4, &[][..], false);
    // Whether the name is an identifier, and whether it is the name of a section.
    for (what, name, identifier, section) in [
        ("blank", &b"a b"[..], false, true),
        ("hyphen", b"a-b", false, true),
        ("colon", b"A:B", false, true),
        ("digit-first", b"1a", false, true),
        ("dots", b".a.1", true, true),
        ("underscore", b"_", true, true),
        ("newline", b"a\n", false, false),
        ("delete", b"a\x7f", false, false),
        // The kernel's ctype.h knows Latin-1.
        ("latin-1-letters", b"\xc0\xd6\xd8\xf6\xf8\xff", true, true),
        ("latin-1-sign", b"a\xd7", false, true),
        ("latin-1-control", b"a\x9f", false, false),
        ("utf-8-letter", "\u{e9}".as_bytes(), false, true),
    ] {
        case(
            cases,
            &format!("name-with-{what}"),
            typedef,
            name,
            identifier,
        );
        case(cases, &format!("name-with-{what}"), datasec, name, section);
    }
    for named in [typedef, datasec] {
        case(cases, "longest-name", named, &[b'a'; LONGEST], true);
        case(cases, "too-long-name", named, &[b'a'; LONGEST + 1], false);
    }
    cases.add("name-of-any-length-of-type-tag", |draft| {
        let name = draft.string("a b".repeat(100_000));
        draft.add(name, wire::TYPE_TAG, 1, &[]);
        Expected::Loads
    });
}

/// Adds a case with this name in this place.
fn case(cases: &mut Cases, what: &str, named: Named, text: &'static [u8], loads: bool) {
    let (place, kind, arg, data, is_element) = named;

    cases.add(format!("{what}-of-{place}"), move |draft| {
        let name = draft.string(text);
        match is_element {
            true => {
                let words = [&[name], data].concat();
                draft.add(0, Info::of(kind, 1), arg, &words)
            }
            false => draft.add(name, kind, arg, data),
        };
        match loads {
            true => Expected::Loads,
            false => Expected::c("Invalid name"),
        }
    });
}
