// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Large BTF that is valid, or almost: its length must explain the time that it takes.

use rustix::io::Errno;
use splitbtf::raw::wire;

use super::Cases;
use super::Expected;
use crate::pair::Draft;
use crate::pair::Drafts;
use crate::pair::Info;

const DEPTH: u32 = 100_000;

/// More types than there are ids for: the kernel's `BTF_MAX_TYPE` is 2^20 - 1.
const TOO_MANY: u32 = (1 << 20) + 1000;

/// Adds a type that refers to the one before.
type Link = fn(&mut Draft, to: u32, name: u32) -> u32;

const LINKS: [(&str, Link); 6] = [
    ("typedef", |draft, to, name| {
        draft.add(name, wire::TYPEDEF, to, &[])
    }),
    ("const", |draft, to, _| draft.add(0, wire::CONST, to, &[])),
    ("array", |draft, to, _| {
        draft.add(0, wire::ARRAY, 0, &[to, 1, 1])
    }),
    ("struct", |draft, to, _| draft.holder(to)),
    ("ptr", |draft, to, _| draft.add(0, wire::PTR, to, &[])),
    ("func-proto", |draft, to, _| {
        draft.add(0, Info::of(wire::FUNC_PROTO, 1), 0, &[0, to])
    }),
];

pub(super) fn cases(cases: &mut Cases) {
    for (name, link) in LINKS {
        cases.add(format!("chain-of-100000-{name}"), move |draft| {
            let name = draft.string("foo");
            let top = (0..DEPTH).fold(1, |to, _| link(draft, to, name));
            draft.holder(top);
            Expected::Loads
        });
        cases.add(format!("chain-of-100000-{name}-forwards"), move |draft| {
            let name_off = draft.string("foo");
            draft.holder(draft.next_id() + 1);
            for _ in 0..DEPTH {
                link(draft, draft.next_id() + 1, name_off);
            }
            draft.add(0, wire::PTR, 1, &[]);
            match name {
                "typedef" | "const" => too_long(),
                _ => Expected::Loads,
            }
        });
    }
    for (len, expected) in [(32, Expected::Loads), (33, too_long())] {
        cases.add(format!("chain-of-{len}-const-forwards"), move |draft| {
            for _ in 1..len {
                draft.add(0, wire::CONST, draft.next_id() + 1, &[]);
            }
            draft.add(0, wire::CONST, 1, &[]);
            expected.clone()
        });
    }
    cases.add("chain-in-each-of-100000-members", |draft| {
        let mut members = vec![];
        let top = (0..DEPTH).fold(1, |to, _| draft.add(0, wire::CONST, to, &[]));
        for _ in 0..DEPTH {
            members.extend([0, top, 0]);
        }
        draft.add(0, Info::of(wire::STRUCT, DEPTH), 8, &members);
        Expected::Loads
    });
    cases.add("million-types", |draft| {
        for _ in 0..1_000_000 {
            draft.add(0, wire::FLOAT, 8, &[]);
        }
        Expected::Loads
    });
    cases.add("more-types-than-ids", |draft| {
        for _ in 0..TOO_MANY {
            draft.add(0, wire::FLOAT, 8, &[]);
        }
        too_many()
    });
    cases.both("base-of-more-types-than-ids", || {
        let mut base = Drafts::empty().base;
        let name = base.string("float");
        for _ in 0..TOO_MANY {
            base.add(name, wire::FLOAT, 4, &[]);
        }
        let mut drafts = Drafts::on(base);
        let id = drafts.split.add(0, wire::PTR, 0, &[]);
        drafts.split.holder(id);
        (drafts, too_many())
    });
    cases.add("million-members", |draft| {
        let members = [0, 1, 0].repeat(1_000_000);
        draft.add(0, Info::of(wire::STRUCT, 1_000_000), 8, &members);
        Expected::Loads
    });
    cases.add("million-params", |draft| {
        let params = [0, 1].repeat(1_000_000);
        draft.add(0, Info::of(wire::FUNC_PROTO, 1_000_000), 0, &params);
        Expected::Loads
    });
    cases.add("strings-of-16-mib", |draft| {
        let more = (1 << 24) - draft.end_string() - 1;
        draft.string("a".repeat(more as usize));
        Expected::Loads
    });
    cases.add("strings-of-more-than-16-mib", |draft| {
        draft.string("a".repeat(1 << 24));
        Expected::c("Invalid string section")
    });
    cases.both("base-of-100000-types", || {
        let mut base = Drafts::empty().base;
        for n in 0..DEPTH {
            let name = base.string(format!("no_such_struct_{n}"));
            base.add(name, wire::STRUCT, 8, &[]);
        }
        let mut drafts = Drafts::on(base);
        drafts.split.add(0, wire::PTR, 1, &[]);
        (drafts, Expected::Loads)
    });
    cases.both("base-with-100000-times-one-type", || {
        let mut base = Drafts::empty().base;
        let name = base.string("list_head");
        for _ in 0..DEPTH {
            base.add(name, wire::STRUCT, 16, &[]);
        }
        let mut drafts = Drafts::on(base);
        drafts.split.holder(1);
        (drafts, Expected::Loads)
    });
}

fn too_long() -> Expected {
    Expected::C {
        errno: Errno::LOOP,
        says: "Max chain length or cycle detected",
    }
}

fn too_many() -> Expected {
    Expected::C {
        errno: Errno::TOOBIG,
        says: "Exceeded max num of types",
    }
}
