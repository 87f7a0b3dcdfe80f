// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use serde_json::json;
use serde_json::Value;

use super::*;

#[test]
fn numbers_are_beside_the_sentence() {
    let check = |mismatch, want: Value| {
        let json = serde_json::to_value(MismatchJson::from(&mismatch)).unwrap();
        assert_eq!(json, want);
    };

    check(
        Mismatch::Missing,
        json!({"text": "not in vmlinux", "reason": "missing"}),
    );
    check(
        Mismatch::Kind { found: 5 },
        json!({"text": "of kind UNION in vmlinux", "reason": "kind", "kernel_kind": "UNION"}),
    );
    check(
        Mismatch::Size {
            wanted: 8,
            found: 16,
        },
        json!({
            "text": "size 8 in the module, 16 in vmlinux",
            "reason": "size",
            "module_size": 8,
            "kernel_size": 16,
        }),
    );
    check(
        Mismatch::NoneOfSize {
            wanted: 8,
            candidates: 2,
        },
        json!({
            "text": "2 candidates, none of size 8",
            "reason": "none_of_size",
            "module_size": 8,
            "candidates": 2,
        }),
    );
    check(
        Mismatch::Encoding,
        json!({"text": "of another encoding in vmlinux", "reason": "encoding"}),
    );
    let ambiguous = |size| Mismatch::Ambiguous {
        size,
        candidates: 2,
    };
    check(
        ambiguous(8),
        json!({
            "text": "2 candidates of size 8",
            "reason": "ambiguous",
            "module_size": 8,
            "candidates": 2,
        }),
    );
    check(
        ambiguous(0),
        json!({"text": "2 candidates", "reason": "ambiguous", "candidates": 2}),
    );
}
