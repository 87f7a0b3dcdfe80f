// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

/// The sizes are `offsetofend()` of our last fields, in the kernel's header.
#[test]
fn structs_are_as_long_as_the_kernels() {
    assert_eq!(size_of::<ProgInfo>(), 216);
    assert_eq!(std::mem::offset_of!(ProgInfo, map_ids), 56);
    assert_eq!(std::mem::offset_of!(ProgInfo, name), 64);
    assert_eq!(std::mem::offset_of!(ProgInfo, btf_id), 128);
    assert_eq!(std::mem::offset_of!(ProgInfo, run_time_ns), 192);
    assert_eq!(size_of::<MapInfo>(), 80);
    assert_eq!(std::mem::offset_of!(MapInfo, btf_value_type_id), 72);
}

#[test]
fn times_since_boot_are_in_nanoseconds() {
    let now = since_boot(0).unwrap();

    assert!(since_boot(2_000_000_000).unwrap() - now >= 1);
}
