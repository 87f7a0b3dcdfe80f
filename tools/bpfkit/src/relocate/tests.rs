// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use object::write;
use object::Architecture;
use object::BinaryFormat;
use object::Endianness;
use object::SectionKind;
use splitbtf::Builder;
use splitbtf::NewMember;
use zerocopy::LE;

use super::*;

/// BTF with types of these names and 8 bytes each: a FLOAT `f`, structs of other names.
fn types(names: &[&str]) -> Owned<LE> {
    let mut builder = Builder::<LE>::new();
    for name in names {
        match *name {
            "f" => builder.float(b"f", 8),
            name => builder.structure(name.as_bytes(), 8, &[]),
        };
    }
    Owned::new(builder.finish().unwrap(), None).unwrap()
}

/// A module with a pointer to `a`, and a struct that contains `b` and `f`.
fn module(sections: &[&str]) -> Input {
    let base = types(&["a", "b", "f"]);
    let mut builder = Builder::split_on(&base.btf()).unwrap();
    let member = |ty| NewMember {
        name: b"",
        ty,
        bit_offset: 0,
        bitfield_bits: 0,
    };
    builder.ptr(1);
    builder.structure(b"own", 8, &[member(2), member(3)]);
    let split = builder.finish().unwrap();
    let (format, endian) = (BinaryFormat::Elf, Endianness::Little);
    let mut file = write::Object::new(format, Architecture::X86_64, endian);
    for name in sections {
        let section = file.add_section(vec![], name.as_bytes().to_vec(), SectionKind::Other);
        let bytes = if *name == SECTION {
            &split
        } else {
            base.bytes()
        };
        file.append_section_data(section, bytes, 1);
    }
    Input::from_bytes("m.ko".into(), file.write().unwrap()).unwrap()
}

fn on(kernel: &[&str], policy: Policy, sections: &[&str]) -> Result<Relocated, RelocateError> {
    let kernel = types(kernel);
    let view = kernel.btf();
    let ids = view.sorted_by_name().unwrap();

    relocate(&module(sections), &Names::indexed(view, &ids, None), policy)
}

const ALL: [&str; 2] = [SECTION, BASE_SECTION];

#[test]
fn types_are_found() {
    let relocated = on(&["f", "b", "a"], Policy::Error, &ALL).unwrap();

    assert_eq!(relocated.id_map, [0, 3, 2, 1, 4, 5]);
    assert_eq!((relocated.opaque, relocated.kept), (vec![], vec![]));
}

#[test]
fn what_is_not_found_is_named() {
    let relocated = on(&["b"], Policy::Opaque, &ALL).unwrap();
    let error = |kernel: &[&str], policy| on(kernel, policy, &ALL).unwrap_err().to_string();

    let own = |id, new_id, kind, name: &str| OwnType {
        id,
        new_id,
        kind,
        name: name.into(),
        reason: Mismatch::Missing,
    };
    assert_eq!(relocated.opaque, [own(1, 4, "STRUCT", "a")]);
    assert_eq!(relocated.kept, [own(3, 5, "FLOAT", "f")]);
    assert_eq!(relocated.id_map, [0, 4, 1, 5, 2, 3]);
    assert_eq!(
        error(&["b"], Policy::Error),
        "m.ko: .BTF.base: BTF type 1 'a' does not match: not in vmlinux"
    );
    for policy in [Policy::Error, Policy::Opaque] {
        assert_eq!(
            error(&["a"], policy),
            "m.ko: .BTF.base: BTF type 2 'b' is contained and does not match: not in vmlinux"
        );
    }
}

#[test]
fn a_module_must_be_distilled() {
    let error = on(&["a"], Policy::Error, &[SECTION]).unwrap_err();

    assert_eq!(
        error.to_string(),
        "m.ko: .BTF.base: there is no such section"
    );
}
