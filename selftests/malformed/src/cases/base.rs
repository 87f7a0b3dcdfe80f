// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Distilled bases with contents that no real one has.

use rustix::io::Errno;
use splitbtf::raw::wire;

use super::header::grow;
use super::header::misaligned;
use super::header::odd_header;
use super::header::swap_sections;
use super::Cases;
use super::Expected;
use super::Whose;
use crate::pair::Drafts;
use crate::pair::Field;
use crate::pair::Info;

const NOT_DISTILLED: &str = "is of a kind that no distilled base has";

pub(super) fn cases(cases: &mut Cases) {
    cases.base("base-of-one-int", |base| {
        base.int();
        Expected::Loads
    });
    for (name, kind, named, arg, data) in [
        ("ptr", wire::PTR, false, 0, vec![]),
        ("array", wire::ARRAY, false, 0, vec![1, 1, 2]),
        ("typedef", wire::TYPEDEF, true, 1, vec![]),
        ("volatile", wire::VOLATILE, false, 1, vec![]),
        ("const", wire::CONST, false, 1, vec![]),
        ("restrict", wire::RESTRICT, false, 1, vec![]),
        ("func", wire::FUNC, true, 1, vec![]),
        ("func-proto", wire::FUNC_PROTO, false, 1, vec![]),
        ("var", wire::VAR, true, 1, vec![1]),
        ("datasec", wire::DATASEC, true, 4, vec![]),
        ("decl-tag", wire::DECL_TAG, true, 1, vec![u32::MAX]),
        ("type-tag", wire::TYPE_TAG, true, 1, vec![]),
        ("enum64", wire::ENUM64, true, 8, vec![]),
    ] {
        cases.base(format!("base-with-{name}"), move |base| {
            base.int();
            let name = if named { base.string("foo") } else { 0 };
            let id = base.add(name, kind, arg, &data);
            Expected::rust(id, kind, NOT_DISTILLED)
        });
    }
    for (name, kind, size, data) in [
        ("int", wire::INT, 4, vec![32]),
        ("struct", wire::STRUCT, 8, vec![]),
        ("union", wire::UNION, 8, vec![]),
        ("enum", wire::ENUM, 4, vec![]),
        ("float", wire::FLOAT, 8, vec![]),
    ] {
        cases.base(format!("base-with-unnamed-{name}"), move |base| {
            base.int();
            let id = base.add(0, kind, size, &data);
            Expected::rust(id, kind, "has no name, but those of its kind must have one")
        });
    }
    cases.base("base-with-type-behind-the-last", |base| {
        base.int();
        let id = base.add(0, wire::PTR, 3, &[]);
        let reason = "refers to type 3, which is not there";
        Expected::rust_of(Whose::Base, id, wire::PTR, reason)
    });
    cases.base("base-with-cycle", |base| {
        base.int();
        base.add(0, wire::CONST, 2, &[]);
        Expected::C {
            errno: Errno::LOOP,
            says: "Max chain length or cycle detected",
        }
    });
    cases.base("base-with-struct-that-contains-itself", |base| {
        let name = base.string("list_head");
        let id = base.add(name, Info::of(wire::STRUCT, 1), 16, &[0, 1, 0]);
        Expected::rust_of(Whose::Base, id, wire::STRUCT, "contains itself")
    });
    cases.base("base-with-members", |base| {
        let int = base.int();
        let name = base.string("list_head");
        base.add(name, Info::of(wire::STRUCT, 1), 16, &[0, int, 0]);
        Expected::Loads
    });
    cases.base("base-with-values", |base| {
        let name = base.string("pid_type");
        base.add(name, Info::of(wire::ENUM, 1), 4, &[name, 0]);
        Expected::Loads
    });
    cases.base("base-with-type-twice", |base| {
        let name = base.string("list_head");
        let again = base.string("list_head");
        base.add(name, wire::STRUCT, 16, &[]);
        base.add(again, wire::STRUCT, 16, &[]);
        base.add(name, wire::STRUCT, 16, &[]);
        Expected::Loads
    });
    cases.base("base-with-type-and-its-declaration", |base| {
        let name = base.string("list_head");
        base.add(name, wire::FWD, 0, &[]);
        base.add(name, wire::STRUCT, 16, &[]);
        Expected::Loads
    });
    cases.base("base-with-name-of-several-kinds", |base| {
        let name = base.string("list_head");
        base.add(name, wire::INT, 4, &[32]);
        base.add(name, wire::UNION, 16, &[]);
        base.add(name, wire::ENUM, 4, &[]);
        base.add(name, wire::FLOAT, 4, &[]);
        Expected::Loads
    });
    cases.base("base-with-type-that-vmlinux-has-not", |base| {
        let name = base.string("no_such_struct_anywhere");
        base.add(name, wire::STRUCT, 16, &[]);
        Expected::Loads
    });
    cases.both("base-empty", || {
        let mut drafts = Drafts::empty();
        let name = drafts.split.string("foo");
        let id = drafts.split.int();
        drafts.split.add(0, wire::PTR, id + 3, &[]);
        drafts.split.add(name, wire::TYPEDEF, id + 1, &[]);
        drafts.split.holder(id + 2);
        (drafts, Expected::Loads)
    });
    cases.both("base-empty-and-btf-empty", || {
        (Drafts::empty(), Expected::Loads)
    });
    cases.both("base-that-nothing-needs", || {
        let mut base = Drafts::empty().base;
        base.int();
        let mut drafts = Drafts::on(base);
        drafts.split.add(0, wire::PTR, 0, &[]);
        (drafts, Expected::Loads)
    });
    // The log has the first 64 bytes of a name.
    for (len, dots) in [(64, ""), (65, "...")] {
        cases.base(format!("opaque-with-name-of-{len}-bytes"), move |base| {
            let name = base.string("x".repeat(len));
            base.add(name, wire::STRUCT, 16, &[]);
            Expected::LoadsWith {
                says: format!(": 1 type is opaque: struct {}{dots} (", "x".repeat(64)),
            }
        });
    }
    for (name, contained) in [("contained", true), ("pointed-to", false)] {
        cases.both(format!("{name}-of-another-size"), move || {
            let mut base = Drafts::empty().base;
            let name = base.string("list_head");
            let id = base.add(name, wire::STRUCT, 48, &[]);
            let mut drafts = Drafts::on(base);
            let expected = match contained {
                true => {
                    drafts.split.holder(id);
                    Expected::Rust {
                        whose: Whose::Split,
                        says: vec!["is contained and does not match: ".into()],
                    }
                }
                false => {
                    drafts.split.add(0, wire::PTR, id, &[]);
                    Expected::Loads
                }
            };
            (drafts, expected)
        });
    }
    cases.both("names-that-only-the-base-has", || {
        let mut base = Drafts::empty().base;
        let name = base.string("just_a_string");
        base.int();
        let mut drafts = Drafts::on(base);
        drafts.split.add(name, wire::TYPEDEF, 1, &[]);
        drafts.split.add(name + 5, wire::TYPEDEF, 1, &[]);
        (drafts, Expected::Loads)
    });

    // The kernel rewrites split BTF to which it adds types, whatever the form of that BTF.
    for (name, change) in [
        ("plain-header", (|_| {}) as fn(&mut Vec<u8>)),
        ("longer-header", |b| grow(b, 0)),
        ("odd-header", odd_header),
        ("types-behind-strings", |b| swap_sections(b, 0)),
        ("odd-strings", |b| swap_sections(b, 2)),
        ("layout", add_layout),
    ] {
        let expected = match name {
            "odd-strings" => misaligned(Whose::Split),
            _ => Expected::Loads,
        };
        cases.push(format!("opaque-with-{name}"), move || {
            let mut base = Drafts::empty().base;
            let name = base.string("no_such_struct_anywhere");
            let id = base.add(name, wire::STRUCT, 16, &[]);
            let mut drafts = Drafts::on(base);
            drafts.split.add(0, wire::PTR, id, &[]);
            drafts.split.string("more");
            let mut pair = drafts.pair();
            change(&mut pair.split);
            (pair, expected.clone())
        });
    }
}

/// Adds a layout of all kinds after the types, as 7.3's build does.
fn add_layout(bytes: &mut Vec<u8>) {
    const KINDS: usize = 20;
    let types = Field::TypeLen.read(bytes);
    let len = KINDS * 4;
    let at = 32 + types as usize;

    bytes.splice(at..at, std::iter::repeat_n(0, len));
    Field::LayoutOff.write(bytes, types);
    Field::LayoutLen.write(bytes, len as u32);
    Field::StrOff.write(bytes, types + len as u32);
}
