// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The header, and the sections that it describes.

use core::mem::size_of;
use core::ops::Range;

use zerocopy::byteorder::U16;
use zerocopy::byteorder::U32;
use zerocopy::ByteOrder;
use zerocopy::FromBytes;
use zerocopy::IntoBytes;

use crate::record::index;
use crate::record::Word;
use crate::wire;
use crate::Btf;
use crate::Error;
use crate::Index;
use crate::Section;
use crate::SectionReason;

/// The parts of a file.
#[derive(Clone, Copy, Debug)]
pub struct Sections<'a, O: ByteOrder> {
    /// The header, all `hdr_len` bytes of it.
    pub header: &'a [u8],
    /// The type section.
    pub types: &'a [Word<O>],
    /// The string section.
    pub strings: &'a [u8],
    /// The layout section, empty if there is none.
    pub layout: &'a [wire::Layout<O>],
    /// The offset in the file of the first nonzero byte in header fields that this crate does not
    /// know. As with libbpf, such a file can be read, but nothing can be added to it.
    pub unknown: Option<usize>,
}

impl<'a, O: ByteOrder> Sections<'a, O> {
    /// The layout. 7.3's split BTF may leave it to its base.
    pub fn layout_on<I: Index>(&self, base: Option<&'a Btf<'a, O, I>>) -> &'a [wire::Layout<O>] {
        match base {
            Some(base) if self.layout.is_empty() => base.layout(),
            _ => self.layout,
        }
    }

    /// Finds the sections, and checks the header and the bounds of the sections.
    ///
    /// # Errors
    ///
    /// If the header or the bounds of a section are wrong; if the bytes are in the other byte
    /// order.
    pub fn find(bytes: &'a [u8]) -> Result<Self, Error> {
        let short = Error::TooShort { len: bytes.len() };
        let (magic, _) = bytes.split_first_chunk::<2>().ok_or(short)?;
        let magic = U16::<O>::from_bytes(*magic).get();
        if magic == wire::MAGIC.swap_bytes() {
            return Err(Error::ByteOrder);
        }
        if magic != wire::MAGIC {
            return Err(Error::Magic { found: magic });
        }
        let (header, more) = wire::Header::<O>::ref_from_prefix(bytes).map_err(|_| short)?;
        if header.version != wire::VERSION {
            return Err(Error::Version {
                found: header.version,
            });
        }
        if header.flags != 0 {
            return Err(Error::Flags {
                found: header.flags,
            });
        }

        let hdr_len = Error::HeaderLen {
            found: header.hdr_len.get(),
            len: bytes.len(),
        };
        let more_len = usize::try_from(header.hdr_len.get())
            .ok()
            .and_then(|len| len.checked_sub(size_of::<wire::Header<O>>()))
            .ok_or(hdr_len)?;
        let header_len = size_of::<wire::Header<O>>().saturating_add(more_len);
        let (whole_header, body) = bytes.split_at_checked(header_len).ok_or(hdr_len)?;
        let more = more.get(..more_len).ok_or(hdr_len)?;
        let (layout_off, layout_len) = match wire::HeaderLayout::<O>::ref_from_prefix(more) {
            // C does not look at the offset of an empty section.
            Ok((layout, _)) if layout.layout_len.get() != 0 => {
                (layout.layout_off.get(), layout.layout_len.get())
            }
            _ => (0, 0),
        };
        let known = size_of::<wire::Header<O>>().saturating_add(size_of::<wire::HeaderLayout<O>>());
        let later = whole_header.get(known..).unwrap_or_default();
        let unknown = later.iter().position(|byte| *byte != 0);
        let unknown = unknown.map(|at| known.saturating_add(at));

        let types = Span {
            section: Section::Types,
            offset: header.type_off.get(),
            len: header.type_len.get(),
        };
        let strings = Span {
            section: Section::Strings,
            offset: header.str_off.get(),
            len: header.str_len.get(),
        };
        let layout = Span {
            section: Section::Layout,
            offset: layout_off,
            len: layout_len,
        };
        types.is_aligned()?;
        layout.is_aligned()?;
        types.is_apart_from(&layout)?;
        types.is_apart_from(&strings)?;
        layout.is_apart_from(&strings)?;
        Ok(Self {
            header: whole_header,
            unknown,
            types: <[Word<O>]>::ref_from_bytes(types.of(body)?)
                .map_err(|_| types.error(SectionReason::Fraction))?,
            strings: strings.of(body)?,
            layout: <[wire::Layout<O>]>::ref_from_bytes(layout.of(body)?)
                .map_err(|_| layout.error(SectionReason::Fraction))?,
        })
    }

    /// The types' place in the file, in bytes.
    pub(crate) fn types_at(&self) -> Range<usize> {
        let header = wire::Header::<O>::ref_from_prefix(self.header);
        let offset = header.map_or(0, |(header, _)| index(header.type_off.get()));
        let start = self.header.len().saturating_add(offset);

        start..start.saturating_add(self.types.as_bytes().len())
    }

    /// Their length in bytes, the header included.
    pub fn total_len(&self) -> usize {
        self.header
            .len()
            .saturating_add(self.types.as_bytes().len())
            .saturating_add(self.layout.as_bytes().len())
            .saturating_add(self.strings.len())
    }

    /// Changes `header`, a copy of this header, for the same sections laid out back to back (types,
    /// layout, strings), with `add_types` and `add_strings` more bytes of types and strings. `None`
    /// if a length does not fit into its field.
    pub fn set_header(
        &self,
        header: &mut [u8],
        add_types: usize,
        add_strings: usize,
    ) -> Option<()> {
        let layout_off = self.types.as_bytes().len().checked_add(add_types)?;
        let layout_len = self.layout.as_bytes().len();
        let str_off = layout_off.checked_add(layout_len)?;
        let str_len = self.strings.len().checked_add(add_strings)?;
        let word = |len: usize| u32::try_from(len).ok().map(U32::new);

        let (header, more) = wire::Header::<O>::mut_from_prefix(header).ok()?;
        header.hdr_len = word(self.header.len())?;
        header.type_off = U32::ZERO;
        header.type_len = word(layout_off)?;
        header.str_off = word(str_off)?;
        header.str_len = word(str_len)?;
        if let Ok((layout, _)) = wire::HeaderLayout::<O>::mut_from_prefix(more) {
            layout.layout_off = word(layout_off)?;
            layout.layout_len = word(layout_len)?;
        }
        Some(())
    }
}

/// A section's place, as the header gives it.
struct Span {
    section: Section,
    offset: u32,
    len: u32,
}

impl Span {
    fn error(&self, reason: SectionReason) -> Error {
        Error::Section {
            section: self.section,
            offset: self.offset,
            len: self.len,
            reason,
        }
    }

    fn end(&self) -> u64 {
        u64::from(self.offset).saturating_add(self.len.into())
    }

    fn of<'a>(&self, body: &'a [u8]) -> Result<&'a [u8], Error> {
        let start = usize::try_from(self.offset).ok();
        let end = usize::try_from(self.end()).ok();

        start
            .zip(end)
            .and_then(|(start, end)| body.get(start..end))
            .ok_or(self.error(SectionReason::Outside))
    }

    fn is_aligned(&self) -> Result<(), Error> {
        match self.offset % 4 {
            0 => Ok(()),
            _ => Err(self.error(SectionReason::Misaligned)),
        }
    }

    fn is_apart_from(&self, other: &Self) -> Result<(), Error> {
        let apart = self.end() <= other.offset.into() || other.end() <= self.offset.into();

        match apart || self.len == 0 || other.len == 0 {
            true => Ok(()),
            false => Err(self.error(SectionReason::Overlap)),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use zerocopy::BE;
    use zerocopy::LE;

    use super::*;
    use crate::testing::File;

    /// The offset of `str_off` in the header, and of `layout_off`.
    const STR_OFF: usize = 16;
    const LAYOUT_OFF: usize = 24;

    fn file() -> File<LE> {
        File::new().add(1, 2, 0, 0, &[]).strings(b"\0a\0")
    }

    fn put(bytes: &mut [u8], at: usize, word: u32) {
        bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }

    fn parts(bytes: &[u8]) -> Result<(usize, usize, Vec<u8>), Error> {
        let sections = Sections::<LE>::find(bytes)?;
        let strings = sections.strings.to_vec();

        Ok((sections.types.len(), sections.layout.len(), strings))
    }

    fn reason(bytes: &[u8]) -> (Section, SectionReason) {
        match parts(bytes) {
            Err(Error::Section {
                section, reason, ..
            }) => (section, reason),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn headers_have_many_lengths() {
        for (hdr_len, entries) in [
            (24, 0),
            (25, 0),
            (28, 0),
            (31, 0),
            (32, 3),
            (33, 3),
            (96, 3),
        ] {
            let bytes = File {
                hdr_len,
                layout: vec![[0; 4]; entries],
                ..file()
            };
            let want = (3, entries, b"\0a\0".to_vec());
            assert_eq!(parts(&bytes.bytes()), Ok(want), "{hdr_len}");
        }
    }

    #[test]
    fn a_header_may_be_all() {
        let header = &File::<LE> {
            types: vec![],
            strings: vec![],
            ..File::new()
        }
        .bytes();

        assert_eq!(header.len(), 24);
        assert_eq!(parts(header), Ok((0, 0, vec![])));
        // Without a base there must be a string.
        let open = |base| crate::testing::open::<LE>(header, base).map(Btf::end_id);
        assert_eq!(open(None), Err(Error::Unterminated));
        assert_eq!(open(Some(file().open(None).unwrap())), Ok(2));
    }

    #[test]
    fn sections_may_be_apart_and_in_any_order() {
        let mut bytes = File {
            hdr_len: 32,
            layout: vec![[1, 2, 3, 4]],
            ..file()
        }
        .bytes();

        // The body comes twice: the strings are from the first one, all else is from the second.
        let body = bytes[32..].to_vec();
        bytes.extend([0; 1]);
        bytes.extend(&body);
        put(&mut bytes, 8, 20);
        put(&mut bytes, LAYOUT_OFF, 20 + 12);
        assert_eq!(parts(&bytes), Ok((3, 1, b"\0a\0".to_vec())));
    }

    #[test]
    fn an_empty_layout_section_may_be_anywhere() {
        let mut bytes = File {
            hdr_len: 32,
            ..file()
        }
        .bytes();

        for offset in [4, 5, 400, u32::MAX] {
            put(&mut bytes, LAYOUT_OFF, offset);
            assert!(parts(&bytes).is_ok());
        }
    }

    #[test]
    fn an_empty_string_section_may_be_anywhere() {
        let mut bytes = file().bytes();

        put(&mut bytes, STR_OFF + 4, 0);
        for offset in [0, 4, 12] {
            put(&mut bytes, STR_OFF, offset);
            assert_eq!(parts(&bytes), Ok((3, 0, vec![])));
        }
    }

    #[test]
    fn sections_end_within_the_file() {
        let mut bytes = file().bytes();

        put(&mut bytes, STR_OFF, u32::MAX);
        put(&mut bytes, STR_OFF + 4, 1);
        assert_eq!(reason(&bytes), (Section::Strings, SectionReason::Outside));
        put(&mut bytes, STR_OFF, 15);
        assert_eq!(reason(&bytes), (Section::Strings, SectionReason::Outside));
        put(&mut bytes, STR_OFF, 14);
        assert!(parts(&bytes).is_ok());
        put(&mut bytes, STR_OFF, 11);
        assert_eq!(reason(&bytes), (Section::Types, SectionReason::Overlap));
    }

    #[test]
    fn types_are_whole_words() {
        let mut bytes = file().bytes();

        put(&mut bytes, 12, 11);
        assert_eq!(reason(&bytes), (Section::Types, SectionReason::Fraction));
        put(&mut bytes, 8, 2);
        assert_eq!(reason(&bytes), (Section::Types, SectionReason::Misaligned));
    }

    #[test]
    fn a_header_that_fits_stays_as_it_is() {
        fn check<O: ByteOrder>() {
            for hdr_len in [24, 32, 40] {
                let bytes = File::<O> {
                    hdr_len,
                    layout: vec![[0; 4]; if hdr_len > 24 { 2 } else { 0 }],
                    ..File::new().add(1, 2, 0, 0, &[]).strings(b"\0a\0")
                }
                .bytes();
                let sections = Sections::<O>::find(&bytes).unwrap();
                assert_eq!(sections.total_len(), bytes.len());
                let mut header = sections.header.to_vec();
                sections.set_header(&mut header, 0, 0).unwrap();
                assert_eq!(header, sections.header);
            }
        }

        check::<LE>();
        check::<BE>();
    }
}
