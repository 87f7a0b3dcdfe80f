// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use object::write;
use object::Architecture;
use object::BinaryFormat;
use object::SectionKind;

use super::*;

#[test]
fn sections_give_maps_their_names() {
    assert_eq!(section_of("object.rodata"), ".rodata");
    assert_eq!(section_of(".rodata.str1.1"), ".rodata.str1.1");
    assert_eq!(section_of("counters"), "counters");
}

#[test]
fn types_go_by_the_names_of_sections() {
    for name in [
        "socket",
        "xdp",
        "kprobe",
        "cgroup/skb",
        "fentry",
        "struct_ops",
    ] {
        assert!(type_by_name(name).is_some(), "{name}");
    }
    assert_eq!(type_by_name("xdp").unwrap().0, ProgramType::Xdp);
    assert!(type_by_name("nonsense").is_none());
    assert!(type_by_name("a\0b").is_none());
}

#[test]
fn only_a_failed_load_leaves_no_pins() {
    let folder = tempfile::tempdir().unwrap();
    let sub = folder.path().join("sub");
    let file = sub.join("prog");
    let pins = || Pins {
        files: vec![file.clone()],
        folder: Some(sub.clone()),
    };
    fs::create_dir(&sub).unwrap();
    fs::write(&file, "").unwrap();

    pins().keep();
    assert!(file.exists());
    drop(pins());
    assert!(!sub.exists());
}

fn reason(path: &Path) -> String {
    check(path).unwrap_err().to_string()
}

fn elf(order: Endianness, section: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut elf = write::Object::new(BinaryFormat::Elf, Architecture::Bpf, order);
    let section = elf.add_section(vec![], section.into(), SectionKind::Data);
    elf.append_section_data(section, &[0; 8], 4);
    fs::write(file.path(), elf.write().unwrap()).unwrap();
    file
}

#[test]
fn what_is_no_object_is_named() {
    let error = reason(Path::new("/dev/null"));
    assert!(error.starts_with("/dev/null: "), "{error}");
    let error = reason(Path::new("/nonexistent"));
    assert!(error.contains("No such file"), "{error}");
}

#[test]
fn what_libbpf_does_not_take_is_explained() {
    let (ours, other) = match cfg!(target_endian = "little") {
        true => (Endianness::Little, Endianness::Big),
        false => (Endianness::Big, Endianness::Little),
    };

    let error = reason(elf(other, ".data").path());
    assert!(error.contains("-endian, and this machine "), "{error}");
    let error = reason(elf(ours, "maps").path());
    assert!(error.contains("SEC(\".maps\")"), "{error}");
}

#[test]
fn places_are_checked_before_anything_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let said = |path: &Path, folder| check_place(path, folder).unwrap_err().to_string();

    let error = said(&folder.path().join("prog"), false);
    assert!(error.contains("not in a BPF file system"), "{error}");
    let error = said(folder.path(), false);
    assert!(error.contains("something already"), "{error}");
    let error = said(folder.path(), true);
    assert!(error.contains("not in a BPF file system"), "{error}");
    let error = said(&folder.path().join("none/prog"), false);
    assert!(error.contains("No such file"), "{error}");
}
