// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Reads the variables of each case through its skeleton, and checks why the others have none.
//!
//! libbpf maps the sections when it opens an object file, so this needs no kernel.

use std::mem::MaybeUninit;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use bpfkit::skeleton;
use libbpf_rs::skel::OpenSkel;
use libbpf_rs::skel::SkelBuilder;
use quote::ToTokens;
use syn::Item;

/// Opens the skeleton of a case as `$open`.
macro_rules! open {
    ($open:ident = $case:ident::$builder:ident) => {
        let mut object = MaybeUninit::uninit();
        #[allow(unused_mut)]
        let mut $open = skeletons::$case::$builder::default()
            .open(&mut object)
            .unwrap();
    };
}

#[test]
fn sections() {
    open!(open = sections::SectionsSkelBuilder);
    let maps = &open.maps;

    assert_eq!(
        maps.rodata_data.as_ref().unwrap().bpf_metadata_plain,
        [112, 108, 97, 105, 110, 0]
    );
    assert_eq!(maps.rodata_numbers_data.as_ref().unwrap().number, 5);
    let vendor = maps.rodata_vendor_data.as_ref().unwrap();
    assert_eq!(vendor.bpf_metadata_custom[..2], [99, 117]);
    assert_eq!(
        maps.rodata_a_b_data.as_ref().unwrap().bpf_metadata_dotted,
        -7
    );
    assert_eq!(maps.data_counters_data.as_ref().unwrap().counter, 9);
    assert_eq!(maps.bss_nothing_data.as_ref().unwrap().nothing, 0);
}

/// No type describes `.rodata.str1.1`: there is a map, and no content.
#[test]
fn sections_without_types() {
    open!(open = strings::StringsSkelBuilder);

    assert_eq!(
        open.maps.rodata_data.as_ref().unwrap().bpf_metadata_a,
        [97, 0]
    );
    assert_eq!(open.maps.rodata_str1_1.max_entries(), 1);

    open!(open = no_btf::NoBtfSkelBuilder);
    assert_eq!(open.progs.program.name(), "program");
    open!(open = nothing::NothingSkelBuilder);
    assert_eq!(open.open_object().progs().count(), 0);
}

#[test]
fn keywords() {
    open!(open = keywords::KeywordsSkelBuilder);
    let rodata = open.maps.rodata_data.as_ref().unwrap();
    let words = rodata.bpf_metadata_words;

    assert_eq!((words.r#type, words.r#match), (1, 2));
    // libbpf-cargo removes a letter: Rust does not allow these even as raw identifiers.
    assert_eq!((words.slf, words.crte, words.r), (3, 4, 5));
    assert_eq!(rodata.bpf_metadata_1st, 8);
}

#[test]
fn enums() {
    use skeletons::enums::types;

    open!(open = enums::EnumsSkelBuilder);
    let rodata = open.maps.rodata_data.as_ref().unwrap();

    // Two enumerators with the same value are equal.
    assert_eq!(rodata.bpf_metadata_colour.0, 3);
    assert_eq!(rodata.bpf_metadata_extent.0, -1);
    assert_eq!(rodata.bpf_metadata_large, types::large::HUGE);
    assert_eq!(rodata.bpf_metadata_painted.colour.0, 2);
    assert_eq!(rodata.bpf_metadata_painted.surface.0, 1);
}

/// Bit-fields are bytes without a name.
#[test]
fn bit_fields() {
    open!(open = bit_fields::BitFieldsSkelBuilder);
    let rodata = open.maps.rodata_data.as_ref().unwrap();

    assert_eq!(rodata.bpf_metadata_trailing.whole, 1);
    assert_eq!(rodata.bpf_metadata_middle.before, 4);
    assert_eq!(rodata.bpf_metadata_middle.after, 6);
    assert_eq!(rodata.bpf_metadata_last, 8);
}

#[test]
fn packed() {
    open!(open = packed::PackedSkelBuilder);
    let rodata = open.maps.rodata_data.as_ref().unwrap();
    let packed = rodata.bpf_metadata_packed;
    let around = rodata.bpf_metadata_around;

    assert_eq!((packed.first, { packed.second }, packed.third), (1, 2, 3));
    assert_eq!((around.before, around.after), (4, 8));
    let packed = around.packed;
    assert_eq!((packed.first, { packed.second }, packed.third), (5, 6, 7));
    assert_eq!(rodata.bpf_metadata_last, 9);
}

#[test]
fn aligned() {
    open!(open = aligned::AlignedSkelBuilder);
    let rodata = open.maps.rodata_data.as_ref().unwrap();
    let aligned = rodata.bpf_metadata_aligned;
    let inside = rodata.bpf_metadata_inside.aligned[1];

    assert_eq!(rodata.bpf_metadata_before, 1);
    assert_eq!((aligned.first, aligned.second, aligned.third), (2, 3, 4));
    assert_eq!((inside.first, inside.second, inside.third), (9, 10, 11));
    assert_eq!(rodata.bpf_metadata_after, 12);
}

/// Rust has no union without members, so they are left out.
#[test]
fn empty() {
    open!(open = empty::EmptySkelBuilder);
    let rodata = open.maps.rodata_data.as_ref().unwrap();

    assert_eq!(rodata.bpf_metadata_with.first, 1);
    assert_eq!(rodata.bpf_metadata_with.second, 2);
    // SAFETY: All its bits are set.
    let part = unsafe { rodata.bpf_metadata_union.part };
    assert_eq!(part, [1, 2]);
}

#[test]
fn arrays() {
    open!(open = arrays::ArraysSkelBuilder);
    let rodata = open.maps.rodata_data.as_ref().unwrap();
    let arrays = rodata.bpf_metadata_arrays;

    assert_eq!((arrays.large[39], arrays.text[0]), (1, 116));
    assert_eq!((arrays.points[49].x, arrays.points[49].y), (2, 3));
    assert_eq!(rodata.bpf_metadata_grid[2][39], 4);
}

/// Static variables are not in skeletons, even if several have the same name.
#[test]
fn statics() {
    open!(open = statics::StaticsSkelBuilder);
    let rodata = open.maps.rodata_data.as_ref().unwrap();

    assert_eq!(rodata.bpf_metadata_global, 1);
    let skeleton = skeleton::generate(&object("statics"), None).unwrap();
    assert_eq!(skeleton.left_out, ["bpf_metadata_static"]);
}

/// Both files have `limit` and `own`: the first is one variable, and the second is static.
#[test]
fn linked() {
    open!(open = linked::LinkedSkelBuilder);
    let rodata = open.maps.rodata_data.as_ref().unwrap();

    assert_eq!(rodata.limit, 20);
    assert_eq!(rodata.bpf_metadata_part_a, [97, 0]);
    assert_eq!(rodata.bpf_metadata_part_b, [98, 0]);
    assert_eq!(open.progs.first.name(), "first");
    assert_eq!(open.progs.second.name(), "second");
}

#[test]
fn scalars() {
    open!(open = scalars::ScalarsSkelBuilder);
    let rodata = open.maps.rodata_data.as_ref().unwrap();

    assert!(rodata.bpf_metadata_truth);
    assert_eq!(rodata.bpf_metadata_single, 0.5);
    assert_eq!(rodata.bpf_metadata_double, 0.25);
    assert_eq!(rodata.bpf_metadata_byte, 200);
    // SAFETY: C has set it.
    let first = unsafe { rodata.bpf_metadata_truths.first.assume_init() };
    assert!(first);
    assert_eq!(rodata.bpf_metadata_truths.rest, [false, true, true]);
}

#[test]
fn wide() {
    open!(open = wide::WideSkelBuilder);
    let rodata = open.maps.rodata_data.as_ref().unwrap();

    assert_eq!(rodata.bpf_metadata_wide, 2);
    assert_eq!(rodata.bpf_metadata_wides.wide, 4);
}

fn object(case: &str) -> PathBuf {
    Path::new(env!("OBJECTS")).join(format!("{case}.bpf.o"))
}

#[test]
fn what_is_not_supported_is_said() {
    for (case, reason) in [
        ("underscore", "would have a field '_', which is not Rust"),
        (
            "keyword_variable",
            "'pub match: i32,' would be in it, which is not Rust",
        ),
        (
            "keyword_enumerator",
            "'pub const impl: Self = Self(0);' would be in it, which is not Rust",
        ),
        (
            "keyword_program",
            "'pub match: libbpf_rs::OpenProgramMut<'obj>,' would be in it, which is not Rust",
        ),
        (
            "keyword_map",
            "'pub type: libbpf_rs::OpenMapMut<'obj>,' would be in it, which is not Rust",
        ),
        (
            "empty_variable",
            "libbpf-cargo does not write the type empty",
        ),
        ("union_of_bits", "has bit-fields only"),
        (
            "arrays_in_arrays",
            ".names is an array in an array of more than 32 elements",
        ),
        ("section_type", "it would have two types rodata"),
        (
            "section_name",
            "map .rodata.vendor-x has a name that Rust cannot have",
        ),
        ("sections_alike", "would have two fields rodata_a_b"),
    ] {
        let skeleton = skeleton::generate(&object(case), None).map(drop);
        let error = skeleton.expect_err(case).to_string();
        assert!(
            error.contains(": not supported in a skeleton: "),
            "{case}: {error}"
        );
        assert!(error.contains(reason), "{case}: {error}");
    }
}

/// libbpf-cargo writes these types, but with other offsets than C.
#[test]
fn wrong_layouts_do_not_compile() {
    let reason = "not supported: rodata.bpf_metadata_packed is elsewhere in Rust";
    let said = compile_types("packed_behind");

    assert!(said.contains(reason), "{said}");
    assert_eq!(compile_types("packed"), "");
}

/// The output of rustc for the types of a skeleton, and for the asserts on them.
fn compile_types(case: &str) -> String {
    let skeleton = skeleton::generate(&object(case), None).unwrap();
    let file = syn::parse_file(&skeleton.text).unwrap();
    let imp = file.items.iter().find_map(|item| match item {
        Item::Mod(item) if item.ident == "imp" => item.content.as_ref(),
        _ => None,
    });
    let types = imp.unwrap().1.iter().find(|item| match item {
        Item::Mod(item) => item.ident == "types",
        _ => false,
    });
    let asserts = file
        .items
        .iter()
        .filter(|item| matches!(item, Item::Const(_)));
    let mut text = types.unwrap().to_token_stream().to_string();
    for item in asserts {
        text += &item.to_token_stream().to_string();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("types.rs");
    std::fs::write(&path, text).unwrap();
    let done = Command::new("rustc")
        .args([
            "--crate-type=lib",
            "--edition=2021",
            "--emit=metadata",
            "-Awarnings",
            "--out-dir",
        ])
        .args([folder.path(), &path])
        .output();
    String::from_utf8(done.unwrap().stderr).unwrap()
}
