// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The text and the JSON of small BTF, and of damaged BTF.

use crate::dump::DumpError;
use crate::dump::Root;
use crate::dump::Source;
use crate::testing::blob;
use crate::testing::blob_with_layout;
use splitbtf::Builder;
use splitbtf::Int;
use splitbtf::NewMember;
use splitbtf::Owned;
use splitbtf::LE;

use super::json;
use super::plain;

fn int() -> Builder<LE> {
    let mut builder = Builder::new();

    builder.int(b"int", Int::signed(4));
    builder
}

fn text(source: &Source, roots: &[Root]) -> Result<String, DumpError> {
    let mut text = Vec::new();

    plain(source, roots, &mut text)?;
    Ok(String::from_utf8(text).unwrap())
}

#[test]
fn roots_are_all_that_is_written() {
    let mut builder = int();
    builder.ptr(1);
    let source = Source::new(builder.finish().unwrap(), None);

    assert_eq!(
        text(&source, &[Root::Id(0), Root::Name("int".into())]).unwrap(),
        "[0] UNKNOWN '(anon)'\n[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED\n"
    );
    assert!(matches!(
        text(&source, &[Root::Name("none".into())]),
        Err(DumpError::NoSuchRoot { .. })
    ));
}

/// bpftool writes only the name of such a type as well.
#[test]
fn types_of_unknown_kinds_are_named() {
    let layout = [vec![[0; 4]; 100], vec![[4, 8, 0, 0]]].concat();
    let types = [1, 100 << 24 | 1, 2, 7, 8, 9, 0, 2 << 24, 1];
    let source = Source::new(blob_with_layout(&types, &layout, b"\0new\0"), None);
    let mut written = Vec::new();

    json(&source, &[Root::Id(1)], false, &mut written).unwrap();
    assert_eq!(
        String::from_utf8(written).unwrap(),
        "{\"types\":[{\"id\":1,\"kind\":\"UNKNOWN\",\"name\":\"new\"}]}\n"
    );
    assert_eq!(
        text(&source, &[]).unwrap(),
        "[1] UNKNOWN 'new'\n[2] PTR '(anon)' type_id=1\n"
    );
}

#[test]
fn of_split_btf_the_base_is_not_written() {
    let base = Owned::<LE>::new(int().finish().unwrap(), None).unwrap();
    let mut builder = Builder::split_on(&base.btf()).unwrap();
    builder.typedef(b"number", 1);
    let split = builder.finish().unwrap();

    assert_eq!(
        text(&Source::new(split, Some(base.bytes().to_vec())), &[]).unwrap(),
        "[2] TYPEDEF 'number' type_id=1\n"
    );
}

#[test]
fn values_have_the_signs_that_bpftool_gives_them() {
    let mut builder = Builder::<LE>::new();
    builder.enumeration(b"u", 4, false, &[(b"A", -1)]);
    builder.enumeration64(b"s", 8, true, &[(b"B", -1)]);
    let source = Source::new(builder.finish().unwrap(), None);
    let mut one_line = Vec::new();
    json(&source, &[], false, &mut one_line).unwrap();

    assert_eq!(
        text(&source, &[]).unwrap(),
        "[1] ENUM 'u' encoding=UNSIGNED size=4 vlen=1\n\t'A' val=4294967295\n\
         [2] ENUM64 's' encoding=SIGNED size=8 vlen=1\n\t'B' val=-1LL\n"
    );
    assert_eq!(
        String::from_utf8(one_line).unwrap(),
        "{\"types\":[{\"id\":1,\"kind\":\"ENUM\",\"name\":\"u\",\"encoding\":\"UNSIGNED\",\
         \"size\":4,\"vlen\":1,\"values\":[{\"name\":\"A\",\"val\":18446744073709551615}]},\
         {\"id\":2,\"kind\":\"ENUM64\",\"name\":\"s\",\"encoding\":\"SIGNED\",\
         \"size\":8,\"vlen\":1,\"values\":[{\"name\":\"B\",\"val\":-1}]}]}\n"
    );
}

/// bpftool writes them as they are, which is no JSON.
#[test]
fn odd_names_are_json() {
    let mut builder = Builder::<LE>::new();
    builder.typedef(b"\x01 \xff\"\\\t\xc3\xa9", 0);
    let source = Source::new(builder.finish().unwrap(), None);
    let mut text = Vec::new();
    json(&source, &[], false, &mut text).unwrap();

    let found: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(found["types"][0]["name"], "\u{1} \u{fffd}\"\\\t\u{e9}");
}

/// JSON that breaks off is none. Text comes as far as it goes.
#[test]
fn of_malformed_btf_no_json_is_written() {
    let mut builder = int();
    for _ in 0..20_000 {
        builder.ptr(1);
    }
    builder.typedef(b"last", 1);
    let mut bytes = builder.finish().unwrap();
    let at = bytes.len() - b"\0int\0last\0".len() - 12;
    bytes[at] = 0xff;
    let source = Source::new(bytes, None);
    let (mut some, mut none) = (Vec::new(), Vec::new());

    plain(&source, &[], &mut some).unwrap_err();
    assert!(!some.is_empty());
    for pretty in [false, true] {
        json(&source, &[], pretty, &mut none).unwrap_err();
        assert_eq!(none, b"");
    }
}

/// Whichever bit of a file is flipped, the result is a text or an error.
#[test]
fn damaged_files_do_no_harm() {
    let mut builder = int();
    let member = |name, ty, bit_offset| NewMember {
        name,
        ty,
        bit_offset,
        bitfield_bits: 0,
    };
    builder.structure(b"s", 16, &[member(b"a", 1, 0), member(b"p", 3, 64)]);
    builder.ptr(2);
    builder.array(6, 1, 3);
    builder.enumeration(b"e", 4, false, &[(b"A", 0), (b"B", 1)]);
    builder.union(b"", 8, &[member(b"u", 1, 0), member(b"v", 3, 0)]);
    builder.typedef(b"t", 8);
    builder.func_proto(1, &[(b"x", 3), (b"", 0)]);
    builder.func(b"f", 8, 1);
    builder.var(b"v", 1, 1);
    builder.datasec(b".data", 4, &[(10, 0, 4)]);
    builder.decl_tag(b"bpf_kfunc", 9, -1);
    let good = builder.finish().unwrap();

    assert!(text(&Source::new(good.clone(), None), &[])
        .unwrap()
        .contains("\n\ttype_id=10 offset=0 size=4 (VAR 'v')\n"));
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            let source = Source::new(bytes, None);
            let _ = plain(&source, &[], &mut Vec::new());
            let _ = json(&source, &[], false, &mut Vec::new());
        }
    }
}

/// As with libbpf's `btf_parse_str_sec()`: only split BTF may have no strings.
#[test]
fn a_header_alone_is_empty_split_btf() {
    let dumped = |base| text(&Source::new(blob(&[], b""), base), &[]);
    let base = int().finish().unwrap();

    assert_eq!(
        dumped(None).unwrap_err().to_string(),
        "the BTF string section is empty or does not end with a NUL"
    );
    assert_eq!(dumped(Some(base)).unwrap(), "");
}
