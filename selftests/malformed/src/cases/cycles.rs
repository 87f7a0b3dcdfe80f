// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Types that lead back to themselves.

use splitbtf::raw::wire;

use super::Cases;
use super::Expected;
use crate::pair::Draft;
use crate::pair::Info;

const CONTAINS: &str = "contains itself";
const REFERS: &str = "refers to nothing but itself";

/// Adds a type that refers to `to`.
type Link = fn(&mut Draft, to: u32) -> u32;

/// The links of cycles: name, kind, and the error for a cycle of this kind.
const LINKS: [(&str, u8, &str, Link); 10] = [
    ("typedef", wire::TYPEDEF, CONTAINS, |draft, to| {
        let name = draft.string("loop_t");
        draft.add(name, wire::TYPEDEF, to, &[])
    }),
    ("const", wire::CONST, CONTAINS, |draft, to| {
        draft.add(0, wire::CONST, to, &[])
    }),
    ("volatile", wire::VOLATILE, CONTAINS, |draft, to| {
        draft.add(0, wire::VOLATILE, to, &[])
    }),
    ("restrict", wire::RESTRICT, CONTAINS, |draft, to| {
        draft.add(0, wire::RESTRICT, to, &[])
    }),
    ("type-tag", wire::TYPE_TAG, CONTAINS, |draft, to| {
        let name = draft.string("tag");
        draft.add(name, wire::TYPE_TAG, to, &[])
    }),
    ("array", wire::ARRAY, CONTAINS, |draft, to| {
        draft.add(0, wire::ARRAY, 0, &[to, 1, 2])
    }),
    ("struct", wire::STRUCT, CONTAINS, |draft, to| {
        draft.holder(to)
    }),
    ("union", wire::UNION, CONTAINS, |draft, to| {
        draft.add(0, Info::of(wire::UNION, 1), 64, &[0, to, 0])
    }),
    ("ptr", wire::PTR, REFERS, |draft, to| {
        draft.add(0, wire::PTR, to, &[])
    }),
    ("func-proto", wire::FUNC_PROTO, REFERS, |draft, to| {
        draft.add(0, Info::of(wire::FUNC_PROTO, 1), 0, &[0, to])
    }),
];

pub(super) fn cases(cases: &mut Cases) {
    for (name, kind, reason, link) in LINKS {
        cases.add(format!("cycle-{name}"), move |draft| {
            let id = draft.next_id();
            link(draft, id);
            Expected::rust(id, kind, reason)
        });
        cases.add(format!("cycle-{name}-in-struct"), move |draft| {
            let id = draft.next_id();
            link(draft, id);
            draft.holder(id);
            Expected::rust(id, kind, reason)
        });
        cases.add(format!("cycle-{name}-of-two"), move |draft| {
            let id = draft.next_id();
            link(draft, id + 1);
            link(draft, id);
            Expected::rust(id, kind, reason)
        });
    }

    cases.add("cycle-array-index", |draft| {
        let id = draft.next_id();
        draft.add(0, wire::ARRAY, 0, &[1, id, 2]);
        Expected::rust(id, wire::ARRAY, CONTAINS)
    });
    cases.add("cycle-func-proto-returns", |draft| {
        let id = draft.next_id();
        draft.add(0, wire::FUNC_PROTO, id, &[]);
        Expected::rust(id, wire::FUNC_PROTO, REFERS)
    });
    cases.add("cycle-func", |draft| {
        let id = draft.next_id();
        let name = draft.string("loop");
        draft.add(name, wire::FUNC, id, &[]);
        Expected::rust(id, wire::FUNC, REFERS)
    });
    cases.add("cycle-var", |draft| {
        let id = draft.next_id();
        let name = draft.string("loop");
        draft.add(name, wire::VAR, id, &[1]);
        Expected::rust(id, wire::VAR, REFERS)
    });
    cases.add("cycle-datasec", |draft| {
        let id = draft.next_id();
        let name = draft.string(".loop");
        draft.add(name, Info::of(wire::DATASEC, 1), 8, &[id, 0, 4]);
        Expected::rust(id, wire::DATASEC, REFERS)
    });
    cases.add("cycle-decl-tag", |draft| {
        let id = draft.next_id();
        let name = draft.string("loop");
        draft.add(name, wire::DECL_TAG, id, &[u32::MAX]);
        Expected::rust(id, wire::DECL_TAG, REFERS)
    });
    cases.add("cycle-of-many-kinds", |draft| {
        let id = draft.next_id();
        for (n, (_, _, _, link)) in (1..).zip(LINKS.iter().take(8)) {
            link(draft, if n == 8 { id } else { id + n });
        }
        Expected::rust(id, wire::TYPEDEF, CONTAINS)
    });
    cases.add("cycle-through-pointer-and-struct", |draft| {
        let id = draft.next_id();
        draft.add(0, wire::PTR, id + 1, &[]);
        draft.holder(id);
        Expected::Loads
    });
}
