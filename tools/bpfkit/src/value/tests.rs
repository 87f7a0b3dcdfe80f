// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use splitbtf::Btf;

use super::*;
use crate::testing::blob;

/// The text and the JSON of a value; its type is the last one of `types`.
fn show(types: &[u32], strings: &[u8], bytes: &[u8]) -> Result<[String; 2], ValueError> {
    let blob = blob(types, strings);
    let mut index = [0; 16];
    let btf = Btf::open(&blob, None, &mut index).unwrap();
    let value = Value::read(&btf, btf.end_id() - 1, bytes)?;

    Ok([value.to_string(), serde_json::to_string(&value).unwrap()])
}

fn same(text: &str) -> Result<[String; 2], ValueError> {
    Ok([text.into(), text.into()])
}

fn both(text: &str, json: &str) -> Result<[String; 2], ValueError> {
    Ok([text.into(), json.into()])
}

const fn info(kind: u32, vlen: u32) -> u32 {
    kind << 24 | vlen
}

const FLAG: u32 = 1 << 31;

fn int(encoding: u32, bits: u32) -> [u32; 4] {
    [0, info(1, 0), bits / 8, encoding << 24 | bits]
}

#[test]
fn integers() {
    let min = i64::MIN.to_ne_bytes();

    assert_eq!(show(&int(0, 8), b"\0", &[200]), same("200"));
    assert_eq!(show(&int(1, 8), b"\0", &[200]), same("-56"));
    assert_eq!(
        show(&int(0, 16), b"\0", &60_000u16.to_ne_bytes()),
        same("60000")
    );
    assert_eq!(
        show(&int(1, 16), b"\0", &60_000u16.to_ne_bytes()),
        same("-5536")
    );
    assert_eq!(
        show(&int(0, 32), b"\0", &u32::MAX.to_ne_bytes()),
        same("4294967295")
    );
    assert_eq!(
        show(&int(1, 32), b"\0", &u32::MAX.to_ne_bytes()),
        same("-1")
    );
    assert_eq!(show(&int(0, 64), b"\0", &min), same("9223372036854775808"));
    assert_eq!(show(&int(1, 64), b"\0", &min), same("-9223372036854775808"));
    assert_eq!(
        show(
            &int(1, 128),
            b"\0",
            &(0x1234_u128 << 64 | 0x99).to_ne_bytes()
        ),
        both("0x12340000000000000099", "\"0x12340000000000000099\"")
    );
    assert_eq!(
        show(&int(0, 64), b"\0", &[0; 7]),
        Err(ValueError::Outside { id: 1 })
    );
}

#[test]
fn characters_and_truth_values() {
    assert_eq!(show(&int(2, 8), b"\0", b"x"), same("\"x\""));
    assert_eq!(show(&int(2, 8), b"\0", b"\""), same("\"\\\"\""));
    assert_eq!(show(&int(2, 8), b"\0", &[1]), both("0x1", "\"\\u0001\""));
    assert_eq!(show(&int(4, 8), b"\0", &[0]), same("false"));
    assert_eq!(show(&int(4, 8), b"\0", &[2]), same("true"));
}

#[test]
fn floats() {
    let float = |size| [0, info(16, 0), size];

    assert_eq!(show(&float(4), b"\0", &0.1f32.to_ne_bytes()), same("0.1"));
    assert_eq!(show(&float(8), b"\0", &0.1f64.to_ne_bytes()), same("0.1"));
    assert_eq!(
        show(&float(8), b"\0", &1e-300f64.to_ne_bytes()),
        same("1e-300")
    );
    assert_eq!(show(&float(8), b"\0", &0f64.to_ne_bytes()), same("0.0"));
    assert_eq!(
        show(&float(8), b"\0", &f64::NAN.to_ne_bytes()),
        both("NaN", "null")
    );
    assert_eq!(
        show(&float(16), b"\0", &7u128.to_ne_bytes()),
        both("0x7", "\"0x7\"")
    );
    assert_eq!(
        show(&float(u32::MAX), b"\0", &[0; 64]),
        Err(ValueError::Outside { id: 1 })
    );
}

#[test]
fn enumerations_go_by_name() {
    let signed = |size| [0, info(6, 2) | FLAG, size, 1, 0, 3, (-2i32) as u32];
    let names = b"\0A\0B\0";

    assert_eq!(show(&signed(4), names, &0i32.to_ne_bytes()), same("\"A\""));
    assert_eq!(
        show(&signed(4), names, &(-2i32).to_ne_bytes()),
        same("\"B\"")
    );
    assert_eq!(
        show(&signed(1), names, &(-2i8).to_ne_bytes()),
        same("\"B\"")
    );
    assert_eq!(show(&signed(4), names, &(-3i32).to_ne_bytes()), same("-3"));
    // Unsigned values that bpftool prints as negative ones.
    let unsigned = [0, info(6, 1), 4, 1, 0xffff_fff0];
    assert_eq!(
        show(&unsigned, names, &0xffff_fff0_u32.to_ne_bytes()),
        same("\"A\"")
    );
    assert_eq!(
        show(&unsigned, names, &0xffff_fff1_u32.to_ne_bytes()),
        same("4294967281")
    );

    let wide = [0, info(19, 1) | FLAG, 8, 1, 0x89ab_cdef, 0xffff_0123];
    let value = 0xffff_0123_89ab_cdef_u64;
    assert_eq!(show(&wide, names, &value.to_ne_bytes()), same("\"A\""));
    assert_eq!(show(&wide, names, &(-1i64).to_ne_bytes()), same("-1"));
    assert_eq!(
        show(&signed(3), names, &[0; 8]),
        Err(ValueError::Outside { id: 1 })
    );
}

/// An array of `len` of `char`, through `const`.
fn chars(name: u32, len: u32) -> Vec<u32> {
    let element = [
        &[name, info(1, 0), 1, 1 << 24 | 8][..],
        &[0, info(10, 0), 1],
    ];
    [element.concat(), vec![0, info(3, 0), 0, 2, 1, len]].concat()
}

#[test]
fn arrays_of_characters_are_strings() {
    let show = |len, bytes| show(&chars(1, len), b"\0char\0s8\0", bytes);

    assert_eq!(show(6, b"hello\0"), same("\"hello\""));
    assert_eq!(show(6, b"a\"\\\0zz"), same("\"a\\\"\\\\\""));
    assert_eq!(show(1, b"\0"), same("\"\""));
    assert_eq!(show(0, b""), same("[]"));
    // JSON is bpftool's, which does not treat these as text.
    assert_eq!(show(3, b"abc\0"), both("\"abc\"", "[97,98,99]"));
    assert_eq!(show(3, b"\xc3\xbc\0"), both("\"ü\"", "[-61,-68,0]"));
    assert_eq!(show(2, b"\xc3\xbc"), both("\"ü\"", "[-61,-68]"));
    // Unprintable characters, and a character that is cut off.
    assert_eq!(show(3, b"\ta\0"), same("[9,97,0]"));
    assert_eq!(show(3, b"a\x1b\0"), same("[97,27,0]"));
    assert_eq!(show(2, b"a\xc3"), same("[97,-61]"));
    assert_eq!(show(4, b"abc"), Err(ValueError::Outside { id: 2 }));
}

#[test]
fn arrays_of_other_bytes_are_not() {
    let shown = show(&chars(6, 3), b"\0char\0s8\0", b"ab\0");
    assert_eq!(shown, same("[97,98,0]"));

    let of_typedef = [
        &[1, info(1, 0), 1, 1 << 24 | 8][..],
        &[6, info(8, 0), 1],
        &[0, info(3, 0), 0, 2, 1, 3],
    ];
    let shown = show(&of_typedef.concat(), b"\0char\0s8\0", b"ab\0");
    assert_eq!(shown, same("[97,98,0]"));
}

#[test]
fn structs_are_nested() {
    // struct { int i:3; int j:5; struct { short s[2]; }; union { int u; } n; }
    let types = [
        &int(1, 32)[..],
        &int(1, 16),
        &[0, info(3, 0), 0, 2, 1, 2],
        &[0, info(4, 1), 4, 7, 3, 0],
        &[0, info(5, 1), 4, 9, 1, 0],
        &[0, info(4, 4) | FLAG, 12],
        &[1, 1, 3 << 24],
        &[3, 1, 5 << 24 | 3],
        &[0, 4, 32],
        &[5, 5, 64],
    ];
    let byte = if cfg!(target_endian = "big") {
        0xb1
    } else {
        0x8d
    };
    let mut bytes = vec![byte, 0, 0, 0];
    bytes.extend(7i16.to_ne_bytes());
    bytes.extend((-7i16).to_ne_bytes());
    bytes.extend(9i32.to_ne_bytes());

    assert_eq!(
        show(&types.concat(), b"\0i\0j\0n\0s\0u\0", &bytes),
        both(
            r#"{"i":-3,"j":-15,"":{"s":[7,-7]},"n":{"u":9}}"#,
            r#"{"i":"0x5","j":"0x11","":{"s":[7,-7]},"n":{"u":9}}"#,
        )
    );
    assert_eq!(
        show(&types.concat(), b"\0i\0j\0n\0s\0u\0", &bytes[..11]),
        Err(ValueError::Outside { id: 1 })
    );
}

#[test]
fn bit_fields_of_the_old_sort() {
    // Offset and width are in the INT, and the rest of the offset in the member.
    let types = [
        &[0, info(1, 0), 4, 2 << 16 | 3][..],
        &[0, info(4, 1), 4, 1, 1, 1],
    ];
    let byte = if cfg!(target_endian = "big") {
        0x14
    } else {
        0x28
    };

    assert_eq!(
        show(&types.concat(), b"\0i\0", &[byte, 0, 0, 0]),
        both(r#"{"i":0x5}"#, r#"{"i":"0x5"}"#)
    );
}

#[test]
fn pointers() {
    let pointer = [0, info(2, 0), 0];

    assert_eq!(show(&pointer, b"\0", &[0; 8]), both("\"(nil)\"", "0"));
    assert_eq!(
        show(&pointer, b"\0", &16u64.to_ne_bytes()),
        both("\"0x10\"", "16")
    );
}

#[test]
fn what_has_no_value() {
    assert_eq!(
        show(&[1, info(7, 0), 0], b"\0f\0", &[0; 8]),
        Err(ValueError::NoValue { id: 1 })
    );
    assert_eq!(
        show(&[0, info(10, 0), 9], b"\0", &[0; 8]),
        Err(ValueError::Btf(splitbtf::Error::Id { id: 9, end: 2 }))
    );
}

/// Types whose values are endless, or nearly so, in few bytes.
#[test]
fn there_is_an_end() {
    let nothing = [&[0, info(4, 0), 0][..], &[0, info(3, 0), 0, 1, 1, u32::MAX]];
    assert_eq!(
        show(&nothing.concat(), b"\0", &[]),
        Err(ValueError::TooLarge { id: 1 })
    );
    let itself = [0, info(4, 1), 4, 0, 1, 0];
    assert_eq!(
        show(&itself, b"\0", &[0; 4]),
        Err(ValueError::TooLarge { id: 1 })
    );
    let array = [0, info(3, 0), 0, 1, 1, 2];
    assert_eq!(
        show(&array, b"\0", &[0; 4]),
        Err(ValueError::TooLarge { id: 1 })
    );
}
