// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use serde::Serialize;
use serde_json::json;
use serde_json::Serializer;

use super::*;

#[test]
fn lines_break_as_bpftools() {
    let mut text = Vec::new();
    let value = json!([{"a": [1, 2], "b": {}, "c": []}, {"d": {"e": true}}]);

    value
        .serialize(&mut Serializer::with_formatter(
            &mut text,
            Pretty::default(),
        ))
        .unwrap();
    assert_eq!(
        String::from_utf8(text).unwrap(),
        "[{\n        \"a\": [1,2\n        ],\n        \"b\": {},\n        \"c\": []\n    },{\n        \
         \"d\": {\n            \"e\": true\n        }\n    }\n]"
    );
}
