// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use splitbtf::Builder;
use splitbtf::Int;
use splitbtf::LE;

use super::*;
use crate::core::testing::file;

/// The BTF of a kernel with a function `f`.
fn vmlinux() -> Owned<LE> {
    let mut builder = Builder::<LE>::new();
    let int = builder.int(b"int", Int::signed(4));
    let proto = builder.func_proto(int, &[]);
    builder.func(b"f", proto, 1);
    Owned::new(builder.finish().unwrap(), None).unwrap()
}

/// The BTF of a module with a function, and the tag of kfuncs on it.
fn module(name: &str, tagged: bool) -> Vec<u8> {
    let vmlinux = vmlinux();
    let mut builder = Builder::<LE>::split_on(&vmlinux.btf()).unwrap();
    let func = builder.func(name.as_bytes(), 2, 1);
    if tagged {
        builder.decl_tag(KFUNC_TAG.as_bytes(), func, -1);
    }
    builder.finish().unwrap()
}

#[test]
fn modules_have_the_names_that_the_kernel_has() {
    let name = |path: &str| module_name(Path::new(path));

    assert_eq!(name("/lib/modules/a/snd-hda-intel.ko"), "snd_hda_intel");
    assert_eq!(name("nf_nat.ko.xz"), "nf_nat");
    assert_eq!(name("modules/x-y.btf"), "x_y");
    assert_eq!(name("/sys/kernel/btf/ext4"), "ext4");
}

#[test]
fn modules_are_searched_after_the_kernel() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let kernel = path("vmlinux", vmlinux().bytes());
    let modules = [
        path("a-b.btf", &module("g", true)),
        path("c", &module("g", false)),
    ];
    let kernel = Kernel::open(&kernel, &modules, None).unwrap();
    let targets = kernel.targets();
    let find = |name| targets.find(name, kind::FUNC).unwrap();

    assert_eq!(kernel.modules(), 2);
    assert_eq!(kernel.btf(0).unwrap().0, "vmlinux");
    assert_eq!(kernel.btf(1).unwrap().0, "a_b");
    assert!(kernel.btf(3).is_none());
    assert!(kernel.named("c").is_some() && kernel.named("d").is_none());
    assert_eq!(find("f"), Some((0, 3)));
    assert_eq!(find("g"), Some((1, 4)));
    // Only one module has tags.
    assert_eq!(kernel.is_kfunc(1, 4), Some(true));
    assert_eq!(kernel.is_kfunc(1, 3), Some(false));
    assert_eq!(kernel.is_kfunc(0, 3), None);
    assert_eq!(kernel.is_kfunc(2, 4), None);
}

#[test]
fn symbols_come_from_a_list() {
    let open = |text: &str| KernelSymbols::open(file(text.as_bytes()).path());
    let map = open("ffffffff81000000 T f\nffffffffc0000000 t g\t[m]\n").unwrap();
    let symvers = open("0x00000000\tf\tvmlinux\tEXPORT_SYMBOL\t\n").unwrap();

    assert_eq!(map.has("f"), Some(true));
    assert_eq!(map.has("g"), Some(true));
    assert_eq!(map.has("h"), Some(false));
    assert_eq!(symvers.has("f"), Some(true));
    assert_eq!(symvers.has("h"), None);
    assert!(open("").is_err());
    assert!(open("no list\n").is_err());

    let list = file(b"0 T f\n");
    let kernel = file(vmlinux().bytes());
    let kernel = |list| Kernel::open(kernel.path(), &[], list).unwrap();
    assert_eq!(kernel(None).symbols(), None);
    let symbols = kernel(Some(list.path()));
    assert_eq!(symbols.symbols().unwrap().has("f"), Some(true));
}

#[test]
fn files_that_are_no_kernels() {
    let open = |bytes: &[u8]| Kernel::open(file(bytes).path(), &[], None).unwrap_err();

    assert!(open(b"text").to_string().contains("neither BTF, ELF"));
    // Split BTF is none.
    open(&module("g", false));
    assert!(Kernel::open(Path::new("/nonexistent"), &[], None)
        .unwrap_err()
        .is_trouble());
}
