// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

#[test]
fn times_are_written_as_bpftool_does() {
    let time = local(0).unwrap();

    assert_eq!(time.len(), "1970-01-01T00:00:00+0000".len(), "{time}");
    assert_eq!(time.as_bytes()[10], b'T');
}

#[test]
fn days_are_those_of_utc() {
    assert_eq!(day(0).as_deref(), Some("1970-01-01"));
    assert_eq!(day(1_795_651_199).as_deref(), Some("2026-11-25"));
    assert_eq!(day(1_795_651_200).as_deref(), Some("2026-11-26"));
    assert_eq!(day(i64::MAX), None);
}
