// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

#[test]
fn a_module_among_the_kernels_is_named() {
    let tip = |kernels: &[&str]| taken(&kernels.iter().map(PathBuf::from).collect::<Vec<_>>());
    let found = tip(&["vmlinux", "a.ko.xz"]).unwrap();

    assert!(found.contains("end them with -- if a.ko.xz is to be checked"));
    assert_eq!(tip(&["vmlinux", "vmlinuz"]), None);
    assert_eq!(tip(&["a.ko"]), None);
}
