// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Headers that lie, strings that do not end, sections that do not fit.

use rustix::io::Errno;

use super::Cases;
use super::Expected;
use super::Whose;
use crate::pair::Field;
use crate::pair::Pair;

/// Changes the bytes of one section.
type Change = fn(&mut Vec<u8>);

/// The name of each change, the change, and C's message.
const LIES: [(&str, Change, &str); 26] = [
    ("nothing", |b| b.clear(), "hdr_len not found"),
    ("seven-bytes", |b| b.truncate(7), "hdr_len not found"),
    ("half-a-header", |b| b.truncate(16), "btf_header not found"),
    (
        "only-a-header",
        |b| b.truncate(32),
        "Total section length too long",
    ),
    (
        "a-byte-less",
        |b| b.truncate(b.len() - 1),
        "Total section length too long",
    ),
    ("a-byte-more", |b| b.push(0), "Unsupported section found"),
    ("magic-0", |b| b[0] = 0, "Invalid magic"),
    ("magic-of-other-order", |b| b.swap(0, 1), "Invalid magic"),
    ("hdr-len-0", |b| Field::HdrLen.write(b, 0), "Invalid magic"),
    (
        "hdr-len-4",
        |b| Field::HdrLen.write(b, 4),
        "Unsupported section found",
    ),
    (
        "hdr-len-8",
        |b| Field::HdrLen.write(b, 8),
        "Unsupported section found",
    ),
    (
        "hdr-len-23",
        |b| Field::HdrLen.write(b, 23),
        "Unsupported section found",
    ),
    (
        "hdr-len-max",
        |b| Field::HdrLen.write(b, u32::MAX),
        "btf_header not found",
    ),
    (
        "type-off-1",
        |b| add(Field::TypeOff, b, 1),
        "Unsupported section found",
    ),
    (
        "type-off-max",
        |b| Field::TypeOff.write(b, u32::MAX),
        "Invalid section offset",
    ),
    (
        "type-len-0",
        |b| Field::TypeLen.write(b, 0),
        "Unsupported section found",
    ),
    (
        "type-len-4-more",
        |b| add(Field::TypeLen, b, 4),
        "Section overlap found",
    ),
    (
        "type-len-max",
        |b| Field::TypeLen.write(b, u32::MAX),
        "Total section length too long",
    ),
    (
        "str-off-0",
        |b| Field::StrOff.write(b, 0),
        "Section overlap found",
    ),
    (
        "str-off-max",
        |b| Field::StrOff.write(b, u32::MAX),
        "Invalid section offset",
    ),
    (
        "str-len-max",
        |b| Field::StrLen.write(b, u32::MAX),
        "Total section length too long",
    ),
    (
        "layout-off-max",
        |b| layout(b, u32::MAX, 4),
        "Invalid section offset",
    ),
    (
        "layout-overlaps",
        |b| layout(b, 4, 4),
        "Section overlap found",
    ),
    (
        "layout-len-max",
        |b| Field::LayoutLen.write(b, u32::MAX),
        "Total section length too long",
    ),
    (
        "layout-len-1",
        |b| Field::LayoutLen.write(b, 1),
        "Section overlap found",
    ),
    (
        "string-without-end",
        |b| *last(b) = b'a',
        "Invalid string section",
    ),
];

fn last(bytes: &mut [u8]) -> &mut u8 {
    &mut bytes[bytes.len() - 1]
}

fn layout(bytes: &mut [u8], offset: u32, len: u32) {
    Field::LayoutOff.write(bytes, offset);
    Field::LayoutLen.write(bytes, len);
}

fn add(field: Field, bytes: &mut [u8], by: u32) {
    let value = field.read(bytes);

    field.write(bytes, value + by);
}

pub(super) fn cases(cases: &mut Cases) {
    for (whose, prefix) in [(Whose::Split, "btf"), (Whose::Base, "base")] {
        let of = move |pair: &mut Pair| match whose {
            Whose::Split => std::mem::take(&mut pair.split),
            Whose::Base => std::mem::take(&mut pair.base),
        };
        let put = move |pair: &mut Pair, bytes| match whose {
            Whose::Split => pair.split = bytes,
            Whose::Base => pair.base = bytes,
        };
        let mut case = |name: &str, change: Change, expected: Expected| {
            cases.bytes(format!("{prefix}-{name}"), move |pair| {
                let mut bytes = of(pair);
                change(&mut bytes);
                put(pair, bytes);
                expected.clone()
            });
        };

        for (name, change, says) in LIES {
            let expected = match (name, whose) {
                // Then the module has no BTF.
                ("nothing", Whose::Split) => Expected::Loads,
                ("only-a-header", Whose::Base) => Expected::c("No data"),
                _ => Expected::c(says),
            };
            case(name, change, expected);
        }
        for (name, change, says) in [
            ("version-0", (|b| b[2] = 0) as Change, "Unsupported version"),
            ("version-2", |b| b[2] = 2, "Unsupported version"),
            ("flags-1", |b| b[3] = 1, "Unsupported flags"),
        ] {
            let errno = Errno::from_raw_os_error(super::fields::ENOTSUPP);
            case(name, change, Expected::C { errno, says });
        }
        case("header-longer-by-zeros", |b| grow(b, 0), Expected::Loads);
        for (name, change) in [
            ("hdr-len-40", (|b| Field::HdrLen.write(b, 40)) as Change),
            ("header-longer-by-more", |b| grow(b, 1)),
        ] {
            let errno = Errno::TOOBIG;
            let says = "Unsupported btf_header";
            case(name, change, Expected::C { errno, says });
        }
        let misaligned = misaligned(whose);
        case(
            "types-odd-behind-strings",
            |b| swap_sections(b, 1),
            misaligned,
        );
        case("header-odd", odd_header, Expected::Loads);
        case(
            "layout-off-max-of-no-layout",
            |b| layout(b, u32::MAX, 0),
            Expected::Loads,
        );
        // Before 7.3, headers had 24 bytes.
        case("header-of-24-bytes", |b| shorten(b, 24), Expected::Loads);
        case("header-of-28-bytes", |b| shorten(b, 28), Expected::Loads);
        case(
            "header-of-24-bytes-types-behind-strings",
            |b| {
                swap_sections(b, 0);
                shorten(b, 24);
            },
            Expected::c("String section is not at the end"),
        );
    }

    cases.bytes("btf-types-behind-strings", |pair| {
        swap_sections(&mut pair.split, 0);
        Expected::Loads
    });
    cases.bytes("base-first-string-not-empty", |pair| {
        let at = Field::HdrLen.read(&pair.base) + Field::StrOff.read(&pair.base);
        pair.base[at as usize] = b'a';
        Expected::c("Invalid string section")
    });
    cases.bytes("base-without-strings", |pair| {
        let len = pair.base.len() - Field::StrLen.read(&pair.base) as usize;
        pair.base.truncate(len);
        Field::StrLen.write(&mut pair.base, 0);
        Expected::c("Invalid string section")
    });
    cases.bytes("btf-without-strings", |pair| {
        let len = pair.split.len() - Field::StrLen.read(&pair.split) as usize;
        pair.split.truncate(len);
        Field::StrLen.write(&mut pair.split, 0);
        Expected::c("Invalid member name_offset")
    });
    cases.bytes("btf-and-base-exchanged", |pair| {
        std::mem::swap(&mut pair.split, &mut pair.base);
        Expected::c("Invalid string section")
    });
    cases.bytes("btf-of-eight-bytes", |pair| {
        pair.split.truncate(8);
        Field::HdrLen.write(&mut pair.split, 8);
        Expected::Rust {
            whose: Whose::Split,
            says: vec!["BTF begins with a header of 24 bytes, but there are 8".into()],
        }
    });
}

/// Makes the header 8 bytes longer; the last byte is `last`, the others are 0.
pub(super) fn grow(bytes: &mut Vec<u8>, last: u8) {
    bytes.splice(32..32, [0, 0, 0, 0, 0, 0, 0, last]);
    Field::HdrLen.write(bytes, 40);
}

/// Removes the header's last fields.
fn shorten(bytes: &mut Vec<u8>, len: u32) {
    bytes.drain(len as usize..32);
    Field::HdrLen.write(bytes, len);
}

/// Makes the header one byte longer, so that no word after it is aligned in memory.
pub(super) fn odd_header(bytes: &mut Vec<u8>) {
    bytes.insert(32, 0);
    Field::HdrLen.write(bytes, 33);
}

/// Puts the strings before the types, padded so that the types start `odd` bytes after a multiple
/// of 4.
pub(super) fn swap_sections(bytes: &mut Vec<u8>, odd: usize) {
    let types = Field::TypeLen.read(bytes);
    while bytes.len() % 4 != odd {
        bytes.push(0);
    }
    let strings = bytes.len() as u32 - 32 - types;
    bytes[32..].rotate_left(types as usize);
    Field::TypeOff.write(bytes, strings);
    Field::StrOff.write(bytes, 0);
    Field::StrLen.write(bytes, strings);
}

pub(super) fn misaligned(whose: Whose) -> Expected {
    Expected::Rust {
        whose,
        says: vec![
            "the BTF type section".into(),
            "does not begin at a multiple of 4 bytes".into(),
        ],
    }
}
