// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `selftests/malformed` has more cases, and compares them with the kernel as well.

use splitbtf::raw::wire;
use splitbtf::raw::Word;
use splitbtf::Owned;
use zerocopy::byteorder::U16;
use zerocopy::BE;
use zerocopy::LE;

use super::*;

/// Strings, and their offsets.
const STRINGS: &[u8] = b"\0foo\0a b\0\n\0";
const FOO: u32 = 1;
const BLANK: u32 = 5;
const NEWLINE: u32 = 9;
const END: u32 = 11;

/// The longest header that the kernel knows.
const HEADER: u32 = 32;

/// BTF with these words in its header after the magic number.
fn file<O: ByteOrder>(header: &[u32], body: &[u8]) -> Vec<u8> {
    let magic = U16::<O>::new(wire::MAGIC).to_bytes();

    [&magic, &[wire::VERSION, 0], &bytes::<O>(header)[..], body].concat()
}

fn bytes<O: ByteOrder>(words: &[u32]) -> Vec<u8> {
    let bytes = |word: &u32| Word::<O>::new(*word).to_bytes();

    words.iter().flat_map(bytes).collect()
}

/// BTF with these types.
fn types<O: ByteOrder>(words: &[u32], strings: &[u8]) -> Vec<u8> {
    let len = size_of_val(words) as u32;
    let header = [HEADER, 0, len, len, strings.len() as u32, 0, 0];

    file::<O>(&header, &[&bytes::<O>(words), strings].concat())
}

/// The message for BTF without a base, in both byte orders; empty if it is accepted.
fn message(words: &[u32], strings: &[u8]) -> String {
    let text = |checked: Result<(), ParseError>| {
        checked.map_or_else(|error| error.to_string(), |()| String::new())
    };
    let message = text(check::<LE>(&types::<LE>(words, strings), None));

    assert_eq!(
        message,
        text(check::<BE>(&types::<BE>(words, strings), None))
    );
    message
}

/// The word for a kind with a `vlen`.
const fn info(kind: u32, vlen: u32) -> u32 {
    kind << 24 | vlen
}

const FLAG: u32 = 1 << 31;

#[test]
fn types_are_checked() {
    let cases: [(&str, &[u32]); 44] = [
        ("", &[]),
        ("[1] meta_left is less than meta_needed", &[0, info(2, 0)]),
        ("[1] Invalid kind:0", &[0, 0, 0]),
        ("[1] Invalid kind:20", &[0, info(20, 0), 0]),
        ("[1] Invalid name_offset:11", &[END, info(2, 0), 0]),
        ("[1] PTR (anon): vlen != 0", &[0, info(2, 1 << 23), 0]),
        (
            "[1] PTR (anon): Invalid btf_info kind_flag",
            &[0, info(2, 0) | FLAG, 0],
        ),
        ("[1] PTR (anon): Invalid type_id", &[0, info(2, 0), 1 << 20]),
        ("", &[0, info(2, 0), (1 << 20) - 1]),
        ("[1] PTR foo: Invalid name", &[FOO, info(2, 0), 0]),
        ("[1] TYPEDEF a b: Invalid name", &[BLANK, info(8, 0), 0]),
        ("[1] TYPE_TAG (anon): Invalid name", &[0, info(18, 0), 0]),
        ("", &[BLANK, info(18, 0) | FLAG, 0]),
        (
            "[1] INT a b: meta_left is less than meta_needed",
            &[BLANK, info(1, 0), 4],
        ),
        ("", &[BLANK, info(1, 0), 4, 1 << 24 | 32]),
        (
            "[1] INT foo: Invalid int_data:10000020",
            &[FOO, info(1, 0), 4, 1 << 28 | 32],
        ),
        (
            "[1] INT foo: nr_bits exceeds 128",
            &[FOO, info(1, 0), 64, 1 << 16 | 128],
        ),
        (
            "[1] INT foo: nr_bits exceeds type_size",
            &[FOO, info(1, 0), 4, 33],
        ),
        (
            "[1] INT foo: Unsupported encoding",
            &[FOO, info(1, 0), 4, 3 << 24 | 32],
        ),
        ("[1] ARRAY (anon): size != 0", &[0, info(3, 0), 4, 1, 1, 1]),
        (
            "[1] ARRAY (anon): Invalid elem",
            &[0, info(3, 0), 0, 0, 1, 1],
        ),
        (
            "[1] ARRAY (anon): Invalid index",
            &[0, info(3, 0), 0, 1, 0, 1],
        ),
        ("", &[FOO, info(4, 2), 4, FOO, 1, 0, 0, 1, 32]),
        ("[1] STRUCT a b: Invalid name", &[BLANK, info(4, 0), 4]),
        (
            "[1] STRUCT foo: member a b: Invalid name",
            &[FOO, info(4, 1), 4, BLANK, 1, 0],
        ),
        (
            "[1] STRUCT foo: member (anon): Invalid type_id",
            &[FOO, info(4, 1), 4, 0, 0, 0],
        ),
        (
            "[1] STRUCT foo: member foo: Invalid member bits_offset",
            &[FOO, info(4, 2), 4, 0, 1, 8, FOO, 1, 0],
        ),
        (
            "[1] STRUCT foo: member foo: Member bits_offset exceeds its struct size",
            &[FOO, info(4, 1), 4, FOO, 1, 33],
        ),
        ("", &[FOO, info(4, 1) | FLAG, 4, FOO, 1, 9 << 24 | 32]),
        (
            "[1] STRUCT foo: Invalid member name_offset:11",
            &[FOO, info(4, 1), 4, END, 1, 0],
        ),
        (
            "[1] UNION foo: member foo: Invalid member bits_offset",
            &[FOO, info(5, 1), 4, FOO, 1, 8],
        ),
        ("[1] ENUM foo: Unexpected size", &[FOO, info(6, 0), 3]),
        (
            "[1] ENUM foo: value (anon): Invalid name",
            &[FOO, info(6, 1), 4, 0, 0],
        ),
        (
            "[1] ENUM64 foo: Invalid name_offset:11",
            &[FOO, info(19, 1), 8, END, 0, 0],
        ),
        ("[1] FWD foo: type != 0", &[FOO, info(7, 0), 1]),
        ("[1] FUNC foo: Invalid func linkage", &[FOO, info(12, 2), 1]),
        ("", &[0, info(13, 1), 0, END, 99]),
        (
            "[1] VAR foo: Linkage not supported",
            &[FOO, info(14, 0), 1, 2],
        ),
        ("[1] VAR foo: Invalid type_id", &[FOO, info(14, 0), 0, 1]),
        ("", &[BLANK, info(15, 1), 4, 1, 0, 4]),
        ("[1] DATASEC \\n: Invalid name", &[NEWLINE, info(15, 0), 4]),
        (
            "[1] DATASEC foo: variable of type 7: Invalid offset+size",
            &[FOO, info(15, 1), 4, 7, 1, 4],
        ),
        ("[1] FLOAT (anon): Invalid type_size", &[0, info(16, 0), 3]),
        (
            "[1] DECL_TAG foo: Invalid component_idx",
            &[FOO, info(17, 0), 1, u32::MAX - 1],
        ),
    ];

    for (expected, words) in cases {
        assert_eq!(message(words, STRINGS), expected, "{words:?}");
    }
}

/// The id is that of the first bad type; those of a split type section follow the base's.
#[test]
fn ids_and_strings_follow_those_of_the_base() {
    let good = [0, info(2, 0), 0];
    let bad = [BLANK, info(8, 0), 0];
    let base = types::<LE>(&[good, good].concat(), STRINGS);
    let base = Owned::<LE>::new(base, None).unwrap();
    let split = |words: &[u32], strings: &[u8]| {
        let checked = check::<LE>(&types::<LE>(words, strings), Some(&base.btf()));
        checked.map_err(|error| error.to_string())
    };

    assert_eq!(
        message(&[good, bad].concat(), STRINGS),
        "[2] TYPEDEF a b: Invalid name"
    );
    let error = Err("[4] TYPEDEF a b: Invalid name".to_owned());
    assert_eq!(split(&[good, bad].concat(), b""), error);
    assert_eq!(split(&[FOO, info(8, 0), 0], b""), Ok(()));
    assert_eq!(split(&[END, info(8, 0), 0], b"bar\0"), Ok(()));
    let error = Err("[3] Invalid name_offset:11".to_owned());
    assert_eq!(split(&[END, info(8, 0), 0], b""), error);
}

#[test]
fn sections_fill_the_file() {
    let text = |header: &[u32], body: &[u8]| {
        let checked = check::<LE>(&file::<LE>(header, body), None);
        checked.map_or_else(|error| error.to_string(), |()| String::new())
    };

    for (expected, header) in [
        ("", &[32, 8, 0, 0, 8, 0, 0][..]),
        ("", &[32, 4, 0, 0, 4, 4, 4]),
        // Only 7.3's header has a layout.
        ("Unsupported section found", &[28, 4, 0, 0, 4, 4]),
        ("", &[24, 8, 0, 0, 8]),
        // Only there, the strings may come before the types.
        ("String section is not at the end", &[24, 4, 4, 0, 4]),
        (
            "[1] meta_left is less than meta_needed",
            &[32, 4, 4, 0, 4, 0, 0],
        ),
        ("Unsupported section found", &[32, 8, 0, 0, 7, 0, 0]),
        ("Unsupported section found", &[32, 8, 0, 1, 7, 0, 0]),
        ("Section overlap found", &[32, 4, 4, 0, 8, 0, 0]),
        ("Total section length too long", &[32, 8, 0, 0, 9, 0, 0]),
        ("Invalid section offset", &[32, 9, 0, 0, 8, 0, 0]),
        ("Invalid string section", &[32, 0, 8, 8, 0, 0, 0]),
        ("btf_header not found", &[99, 0, 0, 0, 8, 0, 0]),
    ] {
        assert_eq!(text(header, &[0; 8]), expected, "{header:?}");
    }
    assert_eq!(text(&[], b""), "hdr_len not found");
    assert_eq!(text(&[24, 0, 0, 0, 0], b""), "No data");
    assert_eq!(
        text(&[32, 1, 0, 0, 1, 0, 0], b"a"),
        "Invalid string section"
    );
    let header = |last| [36, 1, 0, 0, 1, 0, 0, last];
    assert_eq!(text(&header(0), b"\0"), "");
    assert_eq!(text(&header(1), b"\0"), "Unsupported btf_header");
    let other = check::<LE>(&types::<BE>(&[], STRINGS), None).unwrap_err();
    assert_eq!(
        other.to_string(),
        "Invalid magic: BTF of the other byte order"
    );
}

#[test]
fn names_have_a_length() {
    let typedef = [1, info(8, 0), 0];
    let name = |len| [b"\0", "a".repeat(len).as_bytes(), b"\0"].concat();

    assert_eq!(message(&typedef, &name(512)), "");
    // Messages have the start of a name.
    let start = "a".repeat(48);
    let error = format!("[1] TYPEDEF {start}...: Invalid name");
    assert_eq!(message(&typedef, &name(513)), error);
}

#[test]
fn ids_run_out() {
    let pointers = bytes::<LE>(&[0, info(2, 0), 0, 0, info(2, 0), 0]);
    let checked = |first_id| {
        let strings = Strings::<LE>::new(b"\0", None);
        metas::check(&pointers, first_id, &strings).map_err(|error| error.to_string())
    };

    assert_eq!(checked(0xf_fffd), Ok(()));
    let error = Err("[1048575] Exceeded max num of types".to_owned());
    assert_eq!(checked(0xf_fffe), error);
}

#[test]
fn chains_have_a_length() {
    let chains = |words: &[u32]| {
        let file = Owned::<LE>::new(types::<LE>(words, b"\0"), None).unwrap();
        check_chains(&file.btf()).map_err(|error| error.to_string())
    };
    let chain = |len: u32, to: &dyn Fn(u32) -> u32| {
        let types = (1..=len).flat_map(|id| [0, info(10, 0), to(id)]);
        types.collect::<Vec<_>>()
    };
    let error = |id| Err(format!("[{id}] Max chain length or cycle detected"));

    // The last leads to void.
    assert_eq!(chains(&chain(32, &|id| (id + 1) % 33)), Ok(()));
    assert_eq!(chains(&chain(33, &|id| (id + 1) % 34)), error(1));
    assert_eq!(chains(&chain(1000, &|id| id - 1)), Ok(()));
    // A step back to a chain that has been checked counts too.
    assert_eq!(
        chains(&chain(33, &|id| if id == 33 { 1 } else { (id + 1) % 33 })),
        Ok(())
    );
    assert_eq!(chains(&chain(2, &|id| 3 - id)), error(1));
    // Validation reports the missing type.
    assert_eq!(chains(&chain(1, &|_| 99)), Ok(()));
}
