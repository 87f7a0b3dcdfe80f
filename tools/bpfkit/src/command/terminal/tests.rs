// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

#[test]
fn columns_are_a_number() {
    let columns = |text: &str| columns(Some(OsStr::new(text)));

    assert_eq!(columns("132"), Some(132));
    for text in ["", "0", "-1", "wide", "99999999999999999999"] {
        assert_eq!(columns(text), None, "{text}");
    }
}
