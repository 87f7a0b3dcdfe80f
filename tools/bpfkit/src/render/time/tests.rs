// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

#[test]
fn times_are_written_as_bpftool_does() {
    let time = local(0).unwrap();

    assert_eq!(time.len(), "1970-01-01T00:00:00+0000".len(), "{time}");
    assert_eq!(time.as_bytes()[10], b'T');
}
