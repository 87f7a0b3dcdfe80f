// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

#[test]
fn global_data_goes_by_its_section() {
    for name in [
        ".rodata",
        ".rodata.str1.1",
        ".data",
        ".data.once",
        ".bss",
        ".bss.x",
    ] {
        assert!(is_global_data(name), "{name}");
    }
    for name in ["", "rodata", ".rodatax", ".kconfig", ".maps"] {
        assert!(!is_global_data(name), "{name}");
    }
}
