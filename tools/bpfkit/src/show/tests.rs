// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

#[test]
fn tags_are_sixteen_digits() {
    let tag: Tag = "59f4a931744dcdc6".parse().unwrap();

    assert_eq!(tag, Tag([0x59, 0xf4, 0xa9, 0x31, 0x74, 0x4d, 0xcd, 0xc6]));
    for wrong in ["", "59f4", "59f4a931744dcdcx", "+9f4a931744dcdc6"] {
        assert!(wrong.parse::<Tag>().is_err(), "{wrong}");
    }
}
