// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;
use crate::testing::blob;

/// `struct NAME { unsigned int MEMBER; }`; MEMBER is at offset 8 of the strings.
fn found(strings: &[u8]) -> [bool; 2] {
    let types = [&[0, 1 << 24, 4, 32][..], &[1, 4 << 24 | 1, 4, 8, 1, 0]];
    let types = inspect(&blob(&types.concat(), strings)).unwrap();

    assert_eq!(types.of_kernel.types, 2);
    [types.btf_data, types.btf_base_data]
}

#[test]
fn members_of_struct_module_tell() {
    assert_eq!(found(b"\0module\0btf_data\0"), [true, false]);
    assert_eq!(found(b"\0module\0btf_base_data\0"), [false, true]);
    assert_eq!(found(b"\0module\0btf_datum\0"), [false, false]);
    assert_eq!(found(b"\0nodule\0btf_data\0"), [false, false]);
}

#[test]
fn what_is_unknown_has_a_reason() {
    let features = Features {
        release: Ok("7.3".into()),
        prog_bind_map: Err("why".into()),
        vmlinux_btf: Ok(None),
        module_btf: Ok(false),
        distilled_base: Ok(false),
        implementation: Ok(Implementation::RustOff),
    };

    assert_eq!(
        serde_json::to_string(&features).unwrap(),
        r#"{"release":"7.3","prog_bind_map":null,"vmlinux_btf":null,"module_btf":false,"#
            .to_owned()
            + r#""distilled_base":false,"implementation":"rust_off","unknown":{"prog_bind_map":"why"}}"#
    );
    assert!(features.to_string().contains("unknown: why\n"));
}
