// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use std::io::Write;

use object::write::Object;
use object::write::Symbol;
use object::write::SymbolSection;
use object::Architecture;
use object::BinaryFormat;
use object::Endianness;
use object::SectionKind;
use object::SymbolFlags;
use object::SymbolKind;
use object::SymbolScope;
use splitbtf::Builder;
use splitbtf::NameIndex;
use splitbtf::Owned;
use zerocopy::NativeEndian;
use zerocopy::LE;

use super::*;
use crate::testing::blob;
use crate::Input;

const MAGIC: &str = "7.3.4 SMP preempt mod_unload ";
const STRUCT_MODULE: usize = 1216;

/// A module: sections by name and content, and undefined symbols, weak or not.
fn ko(architecture: Architecture, sections: &[(&str, &[u8])], needed: &[(&str, bool)]) -> Input {
    let mut elf = Object::new(BinaryFormat::Elf, architecture, Endianness::Little);

    for (name, content) in sections {
        let section = elf.add_section(Vec::new(), (*name).into(), SectionKind::Data);
        elf.append_section_data(section, content, 4);
    }
    for (name, weak) in needed {
        elf.add_symbol(Symbol {
            name: (*name).into(),
            value: 0,
            size: 0,
            kind: SymbolKind::Unknown,
            scope: SymbolScope::Unknown,
            weak: *weak,
            section: SymbolSection::Undefined,
            flags: SymbolFlags::None,
        });
    }
    Input::from_bytes("test.ko".into(), elf.write().unwrap()).unwrap()
}

/// A module for x86 with this version magic, and these sections besides.
fn module(magic: &str, sections: &[(&str, &[u8])], needed: &[(&str, bool)]) -> Module {
    let modinfo = format!("license=GPL\0vermagic={magic}\0name=test\0");
    let mut all = vec![
        (".modinfo", modinfo.as_bytes()),
        (".gnu.linkonce.this_module", &[0; STRUCT_MODULE]),
    ];
    all.extend(sections);

    Module::of(&ko(Architecture::X86_64, &all, needed))
        .unwrap()
        .unwrap()
}

/// A kernel with these strings, for a machine, and with a `struct module` of `size` bytes.
fn kernel(architecture: Architecture, strings: &[u8], size: u32) -> Kernel {
    let input = ko(architecture, &[(".rodata", strings)], &[]);
    let types = Owned::<NativeEndian>::new(blob(&[1, 4 << 24, size], b"\0module\0"), None);
    let types = types.unwrap();
    let types = types.btf();
    let index = NameIndex::new(&types).unwrap();

    Kernel::of(&input, &index.names(types))
}

fn strings(magic: &str) -> Vec<u8> {
    let release = magic.split(' ').next().unwrap();
    let banner = "Linux version %s (%s)\0";
    let text = format!("{banner}Linux version {release} (a@b) (gcc) # SMP\0\u{1}{magic}\0");

    text.into_bytes()
}

fn of(magic: &str) -> Kernel {
    kernel(Architecture::X86_64, &strings(magic), STRUCT_MODULE as u32)
}

fn said(fit: &Fit) -> Vec<String> {
    fit.obstacles.iter().map(ToString::to_string).collect()
}

fn symbols(text: &str) -> Symbols {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Symbols::open(file.path()).unwrap()
}

/// `__versions` with these symbols.
fn versions(of: &[(&str, u32)]) -> Vec<u8> {
    let mut bytes = vec![];
    for (name, version) in of {
        let start = bytes.len();
        bytes.extend(u64::from(*version).to_le_bytes());
        bytes.extend(name.as_bytes());
        bytes.resize(start + 64, 0);
    }
    bytes
}

#[test]
fn facts_of_a_module() {
    let versions = versions(&[("printk", 7)]);
    let needed = [
        ("printk", false),
        ("maybe", true),
        ("_GLOBAL_OFFSET_TABLE_", false),
    ];
    let module = module(MAGIC, &[("__versions", &versions)], &needed);

    assert_eq!(module.machine, "x86_64");
    assert_eq!(module.release(), Some("7.3.4"));
    assert_eq!(module.options(), Some("SMP preempt mod_unload"));
    assert_eq!(module.struct_module, STRUCT_MODULE as u64);
    assert_eq!(module.needed, ["printk".to_owned()].into());
    assert_eq!(module.versions, [("printk".to_owned(), 7)].into());
}

#[test]
fn long_names_have_versions() {
    let long = "x".repeat(100);
    let crcs: Vec<_> = [1_u32, 2]
        .iter()
        .flat_map(|crc| crc.to_le_bytes())
        .collect();
    let names = format!("short\0{long}\0");
    let old = versions(&[("short", 9)]);
    let module = module(
        MAGIC,
        &[
            ("__versions", &old),
            ("__version_ext_crcs", &crcs),
            ("__version_ext_names", names.as_bytes()),
        ],
        &[],
    );

    assert_eq!(module.versions, [("short".to_owned(), 1), (long, 2)].into());
}

#[test]
fn files_that_are_not_modules() {
    let not = |input: &Input| Module::of(input).unwrap_err().to_string();
    let bpf = ko(Architecture::Bpf, &[], &[]);
    let other = ko(Architecture::X86_64, &[], &[]);
    let btf = Builder::<LE>::new().finish().unwrap();

    assert_eq!(
        not(&bpf),
        "test.ko: it is a BPF object file, not a kernel module"
    );
    assert!(not(&other).contains("it has no section .gnu.linkonce.this_module"));
    let btf = Input::from_bytes("btf".into(), btf).unwrap();
    assert!(Module::of(&btf).unwrap().is_none());
}

#[test]
fn facts_of_a_kernel() {
    assert_eq!(
        of(MAGIC),
        Kernel {
            machine: Some("x86_64".into()),
            release: Some("7.3.4".into()),
            vermagic: Some(MAGIC.into()),
            struct_module: Some(STRUCT_MODULE as u64),
        }
    );
    // Text that goes on is not the version magic.
    let text = b"Linux version 7.3.4 (a)\0x7.3.4 SMP \0\x017.3.4 (SMP)\0";
    let kernel = kernel(Architecture::Aarch64, text, 1);
    assert_eq!(kernel.machine.as_deref(), Some("aarch64"));
    assert_eq!(kernel.release.as_deref(), Some("7.3.4"));
    assert_eq!(kernel.vermagic, None);
}

#[test]
fn a_module_fits_its_kernel() {
    let module = module(MAGIC, &[], &[("printk", false)]);
    let symbols = symbols("0x00000000\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n");

    let fit = compare(&module, &of(MAGIC), Some(&symbols));
    assert_eq!(fit.obstacles, []);
    assert!(fit.complete);
    assert_eq!(fit.same_release, Some(true));
    assert!(!compare(&module, &of(MAGIC), None).complete);
    assert_eq!(
        compare(&module, &Kernel::default(), None),
        Fit {
            built_for: Some("7.3.4".into()),
            ..Fit::default()
        }
    );
}

#[test]
fn every_obstacle_has_its_words() {
    let module = module(MAGIC, &[], &[]);
    let arm = kernel(Architecture::Aarch64, &strings(MAGIC), STRUCT_MODULE as u32);
    let small = kernel(Architecture::X86_64, &strings(MAGIC), 8);
    let against = |kernel: &Kernel| said(&compare(&module, kernel, None));

    assert_eq!(
        against(&arm),
        ["it is for x86_64, the kernel is for aarch64"]
    );
    assert_eq!(
        against(&of("7.4.0 SMP preempt mod_unload ")),
        ["it was built for 7.3.4, the kernel is 7.4.0"]
    );
    assert_eq!(
        against(&of("7.3.4 SMP mod_unload ")),
        ["it was built with 'SMP preempt mod_unload', the kernel with 'SMP mod_unload'"]
    );
    assert_eq!(
        against(&small),
        ["its struct module has 1216 bytes, the kernel's has 8"]
    );
}

#[test]
fn versions_replace_the_release() {
    let magic = "7.3.4 SMP mod_unload modversions ";
    let versions = versions(&[("printk", 7)]);
    let with = module(magic, &[("__versions", &versions)], &[]);
    let without = module(magic, &[], &[]);
    let other = of("7.4.0 SMP mod_unload modversions ");
    let plain = of("7.4.0 SMP mod_unload ");
    let releases = |module, kernel| {
        let fit = compare(module, kernel, None);
        let is_release = |obstacle: &Obstacle| matches!(obstacle, Obstacle::Release { .. });
        (fit.same_release, fit.obstacles.iter().any(is_release))
    };

    assert_eq!(releases(&with, &other), (Some(false), false));
    assert_eq!(releases(&without, &other), (Some(false), true));
    assert_eq!(releases(&with, &plain), (Some(false), true));
}

#[test]
fn symbols_that_differ() {
    let list = versions(&[("printk", 7), ("kfree", 8), ("old", 1)]);
    let needed = [
        ("printk", false),
        ("gone", false),
        ("lost", false),
        ("a", false),
        ("b", false),
    ];
    let module = module(MAGIC, &[("__versions", &list)], &needed);
    let symvers = "0x00000007\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n\
                   0x00000009\tkfree\tvmlinux\tEXPORT_SYMBOL_GPL\t\n\
                   0x00000000\told\tdrivers/old\tEXPORT_SYMBOL\tNS\n";
    let map = "ffffffff81000000 T printk\nffffffff82000000 r __ksymtab_printk\n";

    let fit = compare(&module, &of(MAGIC), Some(&symbols(symvers)));
    assert_eq!(
        said(&fit),
        [
            "the kernel does not export a, b, gone and 1 more",
            "the kernel has other versions of kfree",
        ]
    );
    let fit = compare(&module, &of(MAGIC), Some(&symbols(map)));
    assert_eq!(
        said(&fit),
        ["the kernel does not export a, b, gone and 1 more"]
    );
}

#[test]
fn lists_without_symbols() {
    let open = |text: &[u8]| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        Symbols::open(file.path()).unwrap_err().to_string()
    };
    let neither = "it is neither a Module.symvers nor a System.map with exported symbols";

    assert!(open(b"").ends_with(neither));
    assert!(open(b"\xff\xfe 0xz").ends_with(neither));
    assert!(open(b"ffffffff81000000 T printk\n").ends_with(neither));
    assert!(Symbols::open("/nonexistent".as_ref())
        .unwrap_err()
        .to_string()
        .contains("No such file"));
}

#[test]
fn processors_of_32_bits_are_one_machine() {
    let names =
        ["armv7l", "i586", "aarch64", "x86_64"].map(|name| super::kernel::family(name.into()));

    assert_eq!(names, ["arm", "i686", "aarch64", "x86_64"]);
}
