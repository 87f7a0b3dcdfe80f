// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

fn names(paths: &[&str]) -> Vec<String> {
    let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();

    Kernels::new(&paths).names
}

#[test]
fn names_are_the_parts_that_differ() {
    let debian = [
        "/k/7.2.12+deb13-amd64/vmlinux.btf",
        "/k/7.3.4+deb13-cloud-amd64/vmlinux.btf",
        "/k/7.3.4+deb13-rt-amd64/vmlinux.btf",
    ];
    assert_eq!(names(&debian), ["7.2.12", "7.3.4-cloud", "7.3.4-rt"]);
    assert_eq!(names(&debian[1..]), ["cloud", "rt"]);
    let boot = ["/boot/vmlinuz-7.3.4-amd64", "/boot/vmlinuz-7.3.4-rt-amd64"];
    assert_eq!(names(&boot), ["7.3.4", "7.3.4-rt"]);
    assert_eq!(
        names(&["vmlinux-7.2.btf", "vmlinux-7.2.1.btf"]),
        ["7.2", "7.2.1"]
    );
    assert_eq!(names(&["a/vmlinux", "b/vmlinux"]), ["a", "b"]);
    assert_eq!(names(&["k/vmlinux", "k/old/vmlinux"]), ["k", "old"]);
    assert_eq!(
        names(&["vmlinux", "vmlinux-old"]),
        ["vmlinux", "vmlinux-old"]
    );
}

#[test]
fn each_family_has_common_parts_of_its_own() {
    let paths = [
        "/c/debian/7.3.4+deb13-amd64/vmlinux.btf",
        "/c/debian/7.3.4+deb13-rt-amd64/vmlinux.btf",
        "/c/kernel-7.4-base/obj/vmlinux",
        "/c/kernel-7.4-debug/obj/vmlinux",
        "/sys/kernel/btf/vmlinux-fedora",
    ];
    let short = [
        "7.3.4",
        "7.3.4-rt",
        "base",
        "debug",
        "kernel/btf/vmlinux-fedora",
    ];

    assert_eq!(names(&paths), short);
    assert_eq!(names(&paths[..4]), short[..4]);
}

#[test]
fn names_differ_or_are_whole() {
    let other = ["/boot/vmlinuz-7.3", "/sys/kernel/btf/vmlinux"];
    assert_eq!(names(&other), ["vmlinuz-7.3", "vmlinux"]);
    assert_eq!(names(&["a/b", "b/a"]), ["b", "a"]);
    assert_eq!(names(&["/a-b", "/b-a"]), ["a-b", "b-a"]);
    assert_eq!(
        names(&["k/vmlinux", "k/vmlinux"]),
        ["k/vmlinux", "k/vmlinux"]
    );
    assert_eq!(names(&["/k/\x1b", "/k/é"]), [r"\u{1b}", "é"]);
}

#[test]
fn the_legend_has_the_paths() {
    let legend = |paths: [&str; 2]| Kernels::new(&paths.map(PathBuf::from)).legend();

    assert_eq!(
        legend(["/k/7.2-rt/vmlinux", "/k/7.3/vmlinux"]),
        "Kernels in /k:\n    7.2-rt  7.2-rt/vmlinux\n    7.3     7.3/vmlinux\n"
    );
    assert_eq!(
        legend(["vmlinux-7.2", "/k/vmlinux"]),
        "Kernels:\n    vmlinux-7.2  vmlinux-7.2\n    vmlinux      /k/vmlinux\n"
    );
    assert_eq!(legend(["a", "b"]), "");
}
