// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The header, the places of the sections, and the strings as a whole: `btf_parse_hdr()`,
//! `btf_check_sec_info()` and `btf_parse_str_sec()`.

use std::cmp::Ordering;

use splitbtf::raw::index;
use splitbtf::raw::wire;
use splitbtf::raw::Word;
use splitbtf::Endian;
use zerocopy::ByteOrder;
use zerocopy::FromZeros;
use zerocopy::IntoBytes;

use super::names::MAX_OFFSET;

/// The sections that the kernel reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sections<'a> {
    /// The types.
    pub types: &'a [u8],
    /// The strings: they end with a NUL, or there are none.
    pub strings: &'a [u8],
}

/// The place of a section, in bytes from the end of the header.
#[derive(Clone, Copy, Debug)]
struct Span {
    offset: u32,
    len: u32,
}

/// `struct btf_header`. It is longer in 7.3 than it was before.
struct Header<O: ByteOrder> {
    first: wire::Header<O>,
    layout: wire::HeaderLayout<O>,
}

impl<O: ByteOrder> Header<O> {
    const LEN: usize = size_of::<wire::Header<O>>() + size_of::<wire::HeaderLayout<O>>();

    /// Reads the fields. Those beyond the end of `bytes` are 0.
    fn read(bytes: &[u8]) -> Self {
        let mut header = Self {
            first: FromZeros::new_zeroed(),
            layout: FromZeros::new_zeroed(),
        };
        let Self { first, layout } = &mut header;
        let fields = first.as_mut_bytes().iter_mut().chain(layout.as_mut_bytes());

        for (field, byte) in fields.zip(bytes) {
            *field = *byte;
        }
        header
    }
}

/// Finds the sections of BTF. Without a base, it must have data, and its first string is empty.
///
/// # Errors
///
/// The message of C's log.
pub(super) fn sections<O: ByteOrder>(
    bytes: &[u8],
    has_base: bool,
) -> Result<Sections<'_>, &'static str> {
    // C finds one field or another wrong, by their values.
    if Endian::of(bytes).is_ok_and(|endian| endian != Endian::of_order::<O>()) {
        return Err("Invalid magic: BTF of the other byte order");
    }
    let (header, body) = split::<O>(bytes)?;
    let has_layout = header.len() >= Header::<O>::LEN;
    let Header { first, layout } = Header::<O>::read(header);

    if first.magic.get() != wire::MAGIC {
        return Err("Invalid magic");
    }
    if first.version != wire::VERSION {
        return Err("Unsupported version");
    }
    if first.flags != 0 {
        return Err("Unsupported flags");
    }
    if !has_base && body.is_empty() {
        return Err("No data");
    }

    let types = Span::new(first.type_off, first.type_len);
    let strings = Span::new(first.str_off, first.str_len);
    let layout = Span::new(layout.layout_off, layout.layout_len);
    match has_layout && layout.len != 0 {
        true => check_spans(&mut [types, strings, layout], body.len())?,
        false => check_spans(&mut [types, strings], body.len())?,
    }
    if !has_layout && strings.end() != Some(body.len()) {
        return Err("String section is not at the end");
    }
    let strings = strings.of(body);
    check_strings(strings, has_base)?;

    Ok(Sections {
        types: types.of(body),
        strings,
    })
}

/// The header, whose fields may be those of a later version if they are 0, and the bytes after it.
fn split<O: ByteOrder>(bytes: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let [_, _, _, _, hdr_len @ ..] = bytes.first_chunk::<8>().ok_or("hdr_len not found")?;
    let hdr_len = index(Word::<O>::from_bytes(*hdr_len).get());
    let (header, body) = bytes
        .split_at_checked(hdr_len)
        .ok_or("btf_header not found")?;

    let later = header.get(Header::<O>::LEN..).unwrap_or_default();
    match later.iter().all(|byte| *byte == 0) {
        true => Ok((header, body)),
        false => Err("Unsupported btf_header"),
    }
}

impl Span {
    fn new<O: ByteOrder>(offset: Word<O>, len: Word<O>) -> Self {
        Self {
            offset: offset.get(),
            len: len.get(),
        }
    }

    fn end(self) -> Option<usize> {
        index(self.offset).checked_add(index(self.len))
    }

    /// The section's bytes; none if it is not within `body`.
    fn of(self, body: &[u8]) -> &[u8] {
        let range = self.end().and_then(|end| body.get(index(self.offset)..end));

        range.unwrap_or_default()
    }
}

/// Checks that the sections fill `len` bytes without a gap: `btf_check_sec_info()`.
fn check_spans(spans: &mut [Span], len: usize) -> Result<(), &'static str> {
    // C compares differences, as signed numbers.
    spans.sort_unstable_by_key(|span| (span.offset.cast_signed(), span.len.cast_signed()));

    let mut end = 0;
    for span in spans {
        let offset = index(span.offset);
        match offset.cmp(&end) {
            _ if offset > len => return Err("Invalid section offset"),
            Ordering::Greater => return Err("Unsupported section found"),
            Ordering::Less => return Err("Section overlap found"),
            Ordering::Equal => {}
        }
        let within = span.end().filter(|end| *end <= len);
        end = within.ok_or("Total section length too long")?;
    }
    match end == len {
        true => Ok(()),
        false => Err("Unsupported section found"),
    }
}

/// Checks the strings as a whole: `btf_parse_str_sec()`.
fn check_strings(strings: &[u8], has_base: bool) -> Result<(), &'static str> {
    let is_good = match (strings, strings.last()) {
        ([], _) => has_base,
        ([first, rest @ ..], Some(0)) => {
            rest.len() <= index(MAX_OFFSET) && (has_base || *first == 0)
        }
        _ => false,
    };

    match is_good {
        true => Ok(()),
        false => Err("Invalid string section"),
    }
}
