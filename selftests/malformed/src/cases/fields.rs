// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Types with a field out of range: the fields that `btf_check_meta()` of `kernel/bpf/btf.c`
//! checks, in kernels with Rust as well.

use rustix::io::Errno;
use splitbtf::raw::wire;

use super::Cases;
use super::Expected;
use crate::pair::Info;

/// A valid type: its kind as text and as a number, its `size` or `type`, the words that follow with
/// a `vlen` of 0, whether it can have a `vlen` and a flag, and whether it must have a name or none.
struct Good {
    name: &'static str,
    kind: u8,
    arg: u32,
    data: &'static [u32],
    elems: bool,
    flag: bool,
    named: Option<bool>,
}

const fn good(name: &'static str, kind: u8, arg: u32, data: &'static [u32]) -> Good {
    Good {
        name,
        kind,
        arg,
        data,
        elems: false,
        flag: false,
        named: None,
    }
}

const KINDS: [Good; 19] = {
    const YES: Option<bool> = Some(true);
    const NO: Option<bool> = Some(false);
    const fn named(named: Option<bool>, good: Good) -> Good {
        Good { named, ..good }
    }
    const fn flagged(good: Good) -> Good {
        Good { flag: true, ..good }
    }
    const fn elems(good: Good) -> Good {
        Good {
            elems: true,
            ..good
        }
    }

    [
        good("int", wire::INT, 4, &[32]),
        named(NO, good("ptr", wire::PTR, 1, &[])),
        named(NO, good("array", wire::ARRAY, 0, &[1, 1, 2])),
        flagged(elems(good("struct", wire::STRUCT, 4, &[]))),
        flagged(elems(good("union", wire::UNION, 4, &[]))),
        flagged(elems(good("enum", wire::ENUM, 4, &[]))),
        flagged(named(YES, good("fwd", wire::FWD, 0, &[]))),
        named(YES, good("typedef", wire::TYPEDEF, 1, &[])),
        named(NO, good("volatile", wire::VOLATILE, 1, &[])),
        named(NO, good("const", wire::CONST, 1, &[])),
        named(NO, good("restrict", wire::RESTRICT, 1, &[])),
        named(YES, good("func", wire::FUNC, 1, &[])),
        named(NO, elems(good("func-proto", wire::FUNC_PROTO, 1, &[]))),
        named(YES, good("var", wire::VAR, 1, &[1])),
        named(YES, elems(good("datasec", wire::DATASEC, 4, &[]))),
        good("float", wire::FLOAT, 4, &[]),
        flagged(named(YES, good("decl-tag", wire::DECL_TAG, 1, &[u32::MAX]))),
        flagged(named(YES, good("type-tag", wire::TYPE_TAG, 1, &[]))),
        flagged(elems(good("enum64", wire::ENUM64, 8, &[]))),
    ]
};

pub(super) fn cases(cases: &mut Cases) {
    for kind in &KINDS {
        of_kind(cases, kind);
    }
    kinds(cases);
    words(cases);
    elements(cases);
}

fn of_kind(cases: &mut Cases, good: &'static Good) {
    let &Good {
        name,
        kind,
        arg,
        data,
        ..
    } = good;
    let must = good.named == Some(true);
    let invalid = match kind {
        wire::DECL_TAG => "Invalid value",
        _ => "Invalid name",
    };

    cases.add(format!("name-behind-the-last-{name}"), move |draft| {
        draft.add(draft.end_string(), kind, arg, data);
        Expected::c("Invalid name_offset")
    });
    cases.add(format!("truncated-{name}"), move |draft| {
        let name = if must { draft.string("foo") } else { 0 };
        draft.add(name, kind, arg, data);
        draft.truncate();
        Expected::c("meta_left")
    });
    if must {
        cases.add(format!("unnamed-{name}"), move |draft| {
            draft.add(0, kind, arg, data);
            Expected::c(invalid)
        });
        cases.add(format!("empty-name-{name}"), move |draft| {
            let name = draft.string("");
            draft.add(name, kind, arg, data);
            Expected::c(invalid)
        });
    }
    if good.named == Some(false) {
        cases.add(format!("named-{name}"), move |draft| {
            let name = draft.string("foo");
            draft.add(name, kind, arg, data);
            Expected::c("Invalid name")
        });
    }
    cases.add(format!("vlen-{name}"), move |draft| {
        let name = if must { draft.string("foo") } else { 0 };
        draft.add(name, Info::of(kind, wire::VLEN), arg, data);
        Expected::c(match kind {
            wire::FUNC => "Invalid func linkage",
            _ if good.elems => "meta_left",
            _ => "vlen != 0",
        })
    });
    let flag = good.flag;
    cases.add(format!("flag-{name}"), move |draft| {
        let name = if must { draft.string("foo") } else { 0 };
        draft.add(name, Info::of(kind, 0).flagged(), arg, data);
        match flag {
            true => Expected::Loads,
            false => Expected::c("Invalid btf_info kind_flag"),
        }
    });
}

fn kinds(cases: &mut Cases) {
    for kind in [0, 20, 0x7f] {
        cases.add(format!("kind-{kind}"), move |draft| {
            draft.add(0, kind, 0, &[]);
            Expected::c("Invalid kind")
        });
    }
    for (linkage, expected) in [
        (0, Expected::Loads),
        (1, Expected::Loads),
        (2, Expected::c("Invalid func linkage")),
    ] {
        cases.add(format!("func-of-linkage-{linkage}"), move |draft| {
            let name = draft.string("foo");
            draft.add(name, Info::of(wire::FUNC, linkage), 1, &[]);
            expected.clone()
        });
    }
}

/// Cases with a wrong word that is about the whole type.
fn words(cases: &mut Cases) {
    let int = |name: &str, size, data, expected: Expected| {
        let name = format!("int-{name}");
        (name, wire::INT, size, vec![data], false, expected)
    };
    let unsupported = Expected::C {
        errno: Errno::from_raw_os_error(ENOTSUPP),
        says: "Unsupported encoding",
    };
    let word = |name: &str, kind, arg, data: &[u32], named, says| {
        let name = name.to_owned();
        (name, kind, arg, data.to_vec(), named, Expected::c(says))
    };
    let loads =
        |name: &str, kind, size| (name.to_owned(), kind, size, vec![], false, Expected::Loads);

    for (name, kind, arg, data, named, expected) in [
        int("of-size-0", 0, 32, Expected::c("nr_bits exceeds type_size")),
        int("of-size-3", 3, 32, Expected::c("nr_bits exceeds type_size")),
        int("of-255-bits", 64, 255, Expected::c("nr_bits exceeds 128")),
        int(
            "with-offset",
            4,
            1 << 16 | 32,
            Expected::c("nr_bits exceeds type_size"),
        ),
        int(
            "with-more-bits",
            4,
            1 << 31 | 32,
            Expected::c("Invalid int_data"),
        ),
        int("with-offset-that-fits", 8, 32 << 16 | 32, Expected::Loads),
        int("with-unused-bits", 4, 1 << 8 | 32, Expected::Loads),
        int("of-two-encodings", 4, 3 << 24 | 32, unsupported.clone()),
        int("of-encoding-8", 4, 8 << 24 | 32, unsupported),
        int("of-size-max", u32::MAX, 32, Expected::Loads),
        word(
            "array-with-size",
            wire::ARRAY,
            1,
            &[1, 1, 2],
            false,
            "size != 0",
        ),
        word("fwd-with-type", wire::FWD, 1, &[], true, "type != 0"),
        word(
            "float-of-size-0",
            wire::FLOAT,
            0,
            &[],
            false,
            "Invalid type_size",
        ),
        word(
            "float-of-size-3",
            wire::FLOAT,
            3,
            &[],
            false,
            "Invalid type_size",
        ),
        loads("float-of-size-2", wire::FLOAT, 2),
        loads("float-of-size-12", wire::FLOAT, 12),
        loads("enum-of-size-1", wire::ENUM, 1),
        loads("enum64-of-size-4", wire::ENUM64, 4),
        word(
            "enum-of-size-0",
            wire::ENUM,
            0,
            &[],
            false,
            "Unexpected size",
        ),
        word(
            "enum-of-size-3",
            wire::ENUM,
            3,
            &[],
            false,
            "Unexpected size",
        ),
        word(
            "enum-of-size-16",
            wire::ENUM,
            16,
            &[],
            false,
            "Unexpected size",
        ),
        word(
            "enum64-of-size-16",
            wire::ENUM64,
            16,
            &[],
            false,
            "Unexpected size",
        ),
        word(
            "datasec-of-size-0",
            wire::DATASEC,
            0,
            &[],
            true,
            "size == 0",
        ),
        word(
            "var-of-linkage-2",
            wire::VAR,
            1,
            &[2],
            true,
            "Linkage not supported",
        ),
        word(
            "var-of-linkage-7",
            wire::VAR,
            1,
            &[7],
            true,
            "Linkage not supported",
        ),
        word(
            "decl-tag-of-component-minus-2",
            wire::DECL_TAG,
            1,
            &[u32::MAX - 1],
            true,
            "Invalid component_idx",
        ),
    ] {
        cases.add(name, move |draft| {
            let name = if named { draft.string("foo") } else { 0 };
            draft.add(name, kind, arg, &data);
            expected.clone()
        });
    }
}

/// The kernel's own `ENOTSUPP`, which user space does not define.
pub(super) const ENOTSUPP: i32 = 524;

/// Cases with a wrong word that is about an element.
fn elements(cases: &mut Cases) {
    type Elements = (&'static str, u8, u32, &'static [u32], &'static str);
    const LOADS: [(&str, Info, u32, &[u32]); 5] = [
        (
            "member-at-the-end",
            Info::of(wire::STRUCT, 1),
            4,
            &[0, 1, 32],
        ),
        (
            "bit-field-at-the-end",
            Info::of(wire::STRUCT, 1).flagged(),
            4,
            &[0, 1, 7 << 24 | 32],
        ),
        (
            "bit-field-of-union",
            Info::of(wire::UNION, 1).flagged(),
            4,
            &[0, 1, 7 << 24],
        ),
        (
            "members-at-one-place",
            Info::of(wire::STRUCT, 2),
            4,
            &[0, 1, 0, 0, 1, 0],
        ),
        // The kernel adds offset and size as 32-bit numbers.
        (
            "variable-that-wraps-around",
            Info::of(wire::DATASEC, 1),
            u32::MAX,
            &[1, 1, u32::MAX],
        ),
    ];
    const ELEMENTS: [Elements; 12] = [
        (
            "member-a-bit-behind-the-struct",
            wire::STRUCT,
            4,
            &[0, 1, 33],
            "exceeds its struct size",
        ),
        (
            "variable-across-the-end",
            wire::DATASEC,
            4,
            &[1, 2, 4],
            "Invalid offset+size",
        ),
        (
            "variables-larger-than-the-section",
            wire::DATASEC,
            u32::MAX,
            &[1, 1, u32::MAX, 1, 0, 1],
            "Invalid btf_info size",
        ),
        (
            "member-behind-the-struct",
            wire::STRUCT,
            4,
            &[0, 1, 40],
            "exceeds its struct size",
        ),
        (
            "members-backwards",
            wire::STRUCT,
            8,
            &[0, 1, 32, 0, 1, 0],
            "Invalid member bits_offset",
        ),
        (
            "union-member-with-offset",
            wire::UNION,
            8,
            &[0, 1, 32],
            "Invalid member bits_offset",
        ),
        (
            "enum-value-without-name",
            wire::ENUM,
            4,
            &[0, 1],
            "Invalid name",
        ),
        (
            "enum64-value-without-name",
            wire::ENUM64,
            8,
            &[0, 1, 0],
            "Invalid name",
        ),
        (
            "variable-behind-the-section",
            wire::DATASEC,
            4,
            &[1, 4, 4],
            "Invalid offset",
        ),
        (
            "variable-of-size-0",
            wire::DATASEC,
            4,
            &[1, 0, 0],
            "Invalid size",
        ),
        (
            "variable-of-size-max",
            wire::DATASEC,
            4,
            &[1, 0, u32::MAX],
            "Invalid size",
        ),
        (
            "variables-overlap",
            wire::DATASEC,
            8,
            &[1, 0, 4, 1, 2, 4],
            "Invalid offset",
        ),
    ];

    for (name, info, size, elems) in LOADS {
        cases.add(name, move |draft| {
            let name = draft.string("foo");
            draft.add(name, info, size, elems);
            Expected::Loads
        });
    }
    for (name, kind, size, elems, says) in ELEMENTS {
        cases.add(name, move |draft| {
            let name = draft.string("foo");
            let words = if kind == wire::ENUM { 2 } else { 3 };
            let vlen = (elems.len() / words) as u32;
            draft.add(name, Info::of(kind, vlen), size, elems);
            Expected::c(says)
        });
    }
}
