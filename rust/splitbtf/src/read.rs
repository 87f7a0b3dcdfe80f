// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Opening BTF, and looking at its types by id.

use core::fmt;
use core::mem::size_of;

use zerocopy::byteorder::U16;
use zerocopy::ByteOrder;
use zerocopy::FromBytes;

use crate::strings::Strings;
use crate::wire;
use crate::Error;
use crate::Kind;
use crate::Section;
use crate::SectionReason;
use crate::Type;
use crate::TypeReason;

/// BTF, whole or split on a base.
///
/// [`Btf::open`] has seen that each type is all there. What types refer to, other types and strings,
/// is checked when it is asked for.
#[derive(Clone, Copy)]
pub struct Btf<'a, O: ByteOrder> {
    types: &'a [u8],
    /// Where in `types` each type begins.
    offsets: &'a [u32],
    layout: &'a [wire::Layout<O>],
    strings: Strings<'a>,
    base: Option<&'a Btf<'a, O>>,
    first_id: u32,
    end_id: u32,
    first_string: u32,
    end_string: u32,
}

/// How much room [`Btf::open`] needs at most for these bytes.
///
/// # Errors
///
/// If the header is wrong.
pub fn max_types<O: ByteOrder>(bytes: &[u8]) -> Result<usize, Error> {
    let sections = Sections::<O>::find(bytes)?;

    let max = sections.types.len().checked_div(size_of::<wire::Type<O>>());
    Ok(max.unwrap_or_default())
}

impl<'a, O: ByteOrder> Btf<'a, O> {
    /// Opens BTF: the content of a file, or of an ELF section `.BTF` or `.BTF.base`. Split BTF wants
    /// its `base`, which may be split as well.
    ///
    /// `room` is for an index of the types: as many elements as there are types, [`max_types`] at
    /// most.
    ///
    /// # Errors
    ///
    /// If the header, the bounds of a section, or a type's kind or length are wrong; if the bytes are
    /// in the other byte order; if there is not enough room.
    pub fn open(
        bytes: &'a [u8],
        base: Option<&'a Btf<'a, O>>,
        room: &'a mut [u32],
    ) -> Result<Self, Error> {
        let sections = Sections::find(bytes)?;
        let strings = Strings::new(sections.strings, base.is_some())?;
        let first_string = base.map_or(0, |base| base.end_string);
        // 7.3's split BTF may leave the layout to its base.
        let layout = match base {
            Some(base) if sections.layout.is_empty() => base.layout,
            _ => sections.layout,
        };
        let first_id = base.map_or(1, |base| base.end_id);

        let count = index(sections.types, layout, first_id, room)?;
        let offsets = room.get(..count).unwrap_or_default();
        Ok(Self {
            types: sections.types,
            offsets,
            layout,
            strings,
            base,
            first_id,
            end_id: advance(first_id, count)?,
            first_string,
            end_string: advance(first_string, strings.len())?,
        })
    }

    /// The id of the first type that is not in the base; 1 without a base.
    pub fn first_id(&self) -> u32 {
        self.first_id
    }

    /// One more than the largest id.
    pub fn end_id(&self) -> u32 {
        self.end_id
    }

    /// The type with this id, be it in the base or not.
    ///
    /// # Errors
    ///
    /// [`Error::Id`] if there is none.
    pub fn get(&self, id: u32) -> Result<Type<'a, O>, Error> {
        if id == 0 {
            return Ok(Type {
                id,
                name_off: 0,
                kind: Kind::Void,
            });
        }
        let none = Error::Id {
            id,
            end: self.end_id,
        };
        let mut btf = self;
        let index = loop {
            match id.checked_sub(btf.first_id) {
                Some(index) => break index,
                None => btf = btf.base.ok_or(none)?,
            }
        };
        let offset = usize::try_from(index)
            .ok()
            .and_then(|index| btf.offsets.get(index))
            .ok_or(none)?;
        let bytes = usize::try_from(*offset)
            .ok()
            .and_then(|offset| btf.types.get(offset..))
            .ok_or(none)?;

        read(bytes, btf.layout, id, *offset).map(|(ty, _)| ty)
    }

    /// The types that are not in the base, by id.
    pub fn types(&self) -> impl Iterator<Item = Result<Type<'a, O>, Error>> + '_ {
        (self.first_id..self.end_id).map(|id| self.get(id))
    }

    /// The type with this id without typedefs, `const`, `volatile`, `restrict` and type tags.
    ///
    /// # Errors
    ///
    /// [`Error::Id`] if one of them is not there, [`Error::Cycle`] if they do not end.
    pub fn resolve(&self, id: u32) -> Result<Type<'a, O>, Error> {
        let mut ty = self.get(id)?;

        // Who takes more steps than there are types goes round in circles.
        for _ in 0..self.end_id {
            ty = match ty.kind {
                Kind::Typedef(to) | Kind::Const(to) | Kind::Volatile(to) | Kind::Restrict(to) => {
                    self.get(to)?
                }
                Kind::TypeTag { ty, .. } => self.get(ty)?,
                _ => return Ok(ty),
            }
        }
        Err(Error::Cycle { id })
    }

    /// The string at this offset, be it in the base or not, without its NUL. It is text in no
    /// particular encoding.
    ///
    /// # Errors
    ///
    /// [`Error::String`] if there is none.
    pub fn string(&self, offset: u32) -> Result<&'a [u8], Error> {
        let none = Error::String {
            offset,
            end: self.end_string,
        };
        let mut btf = self;
        let start = loop {
            match offset.checked_sub(btf.first_string) {
                Some(start) => break start,
                None => btf = btf.base.ok_or(none)?,
            }
        };
        usize::try_from(start)
            .ok()
            .and_then(|start| btf.strings.at(start))
            .ok_or(none)
    }
}

impl<O: ByteOrder> fmt::Debug for Btf<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Btf")
            .field("ids", &(self.first_id..self.end_id))
            .field("strings", &(self.first_string..self.end_string))
            .field("base", &self.base)
            .finish()
    }
}

/// `from + by`.
fn advance(from: u32, by: usize) -> Result<u32, Error> {
    let by = u32::try_from(by).map_err(|_| Error::TooMany)?;

    from.checked_add(by).ok_or(Error::TooMany)
}

/// Writes into `room` where each type begins, and returns how many there are.
fn index<O: ByteOrder>(
    types: &[u8],
    layout: &[wire::Layout<O>],
    first_id: u32,
    room: &mut [u32],
) -> Result<usize, Error> {
    let len = room.len();
    let mut slots = room.iter_mut();
    let mut rest = types;
    let mut id = first_id;
    let mut count: usize = 0;

    while !rest.is_empty() {
        let offset = types.len().saturating_sub(rest.len());
        let offset = u32::try_from(offset).map_err(|_| Error::TooMany)?;

        (_, rest) = read(rest, layout, id, offset)?;
        *slots.next().ok_or(Error::Room { len })? = offset;
        id = advance(id, 1)?;
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// Reads the type at the begin of `bytes`, which is `offset` in its section, and returns what is
/// behind it as well.
fn read<'a, O: ByteOrder>(
    bytes: &'a [u8],
    layout: &[wire::Layout<O>],
    id: u32,
    offset: u32,
) -> Result<(Type<'a, O>, &'a [u8]), Error> {
    let error = |kind, reason| Error::Type {
        id,
        kind,
        offset,
        reason,
    };
    let (record, data) =
        wire::Type::<O>::ref_from_prefix(bytes).map_err(|_| error(0, TypeReason::Truncated))?;
    let (kind, rest) =
        Kind::split(record, data, layout).map_err(|reason| error(record.kind(), reason))?;
    let ty = Type {
        id,
        name_off: record.name_off.get(),
        kind,
    };

    Ok((ty, rest))
}

/// The parts of a file.
struct Sections<'a, O: ByteOrder> {
    types: &'a [u8],
    strings: &'a [u8],
    layout: &'a [wire::Layout<O>],
}

impl<'a, O: ByteOrder> Sections<'a, O> {
    fn find(bytes: &'a [u8]) -> Result<Self, Error> {
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
        let (more, body) = more.split_at_checked(more_len).ok_or(hdr_len)?;
        let (layout_off, layout_len) = match wire::HeaderLayout::<O>::ref_from_prefix(more) {
            Ok((layout, unknown)) => {
                if let Some(at) = unknown.iter().position(|byte| *byte != 0) {
                    let known = size_of::<wire::Header<O>>()
                        .saturating_add(size_of::<wire::HeaderLayout<O>>());
                    return Err(Error::HeaderField {
                        offset: known.saturating_add(at),
                    });
                }
                (layout.layout_off.get(), layout.layout_len.get())
            }
            Err(_) => (0, 0),
        };

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
            types: types.of(body)?,
            strings: strings.of(body)?,
            layout: <[wire::Layout<O>]>::ref_from_bytes(layout.of(body)?)
                .map_err(|_| layout.error(SectionReason::Fraction))?,
        })
    }
}

/// Where the header says that a section is.
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
    use crate::testing::open;
    use crate::testing::File;

    /// 1: INT, 2: STRUCT with two members, 3: TYPEDEF.
    fn sample<O: ByteOrder>() -> File<O> {
        File::new()
            .add(1, 1, 0, 4, &[0x0100_0020])
            .add(5, 4, 2, 8, &[7, 1, 0, 9, 1, 32])
            .add(1, 8, 0, 2, &[])
            .strings(b"\0int\0s\0a\0b\0")
    }

    fn error_of(bytes: &[u8]) -> Error {
        open::<LE>(bytes, None).unwrap_err()
    }

    fn order_does_not_matter<O: ByteOrder + 'static>() {
        let btf = sample::<O>().open(None).unwrap();

        assert_eq!((btf.first_id(), btf.end_id()), (1, 4));
        let ty = btf.get(1).unwrap();
        assert!(matches!(ty.kind, Kind::Int(int) if int.bits == 32 && int.is_signed()));
        assert_eq!(btf.string(ty.name_off), Ok(&b"int"[..]));
        let Kind::Struct(composite) = btf.get(2).unwrap().kind else {
            panic!("{:?}", btf.get(2));
        };
        let members: Vec<_> = composite.members().collect();
        assert_eq!(composite.size, 8);
        assert_eq!(members.len(), 2);
        assert_eq!((members[1].ty, members[1].bit_offset), (1, 32));
        assert_eq!(btf.string(members[1].name_off), Ok(&b"b"[..]));
        assert!(matches!(btf.get(0).unwrap().kind, Kind::Void));
        assert_eq!(btf.get(4).unwrap_err(), Error::Id { id: 4, end: 4 });
        assert_eq!(btf.types().filter(Result::is_ok).count(), 3);
    }

    #[test]
    fn little_endian() {
        order_does_not_matter::<LE>();
    }

    #[test]
    fn big_endian() {
        order_does_not_matter::<BE>();
    }

    #[test]
    fn the_other_order_is_named() {
        assert_eq!(error_of(&sample::<BE>().bytes()), Error::ByteOrder);
        assert_eq!(
            open::<BE>(&sample::<LE>().bytes(), None).unwrap_err(),
            Error::ByteOrder
        );
    }

    #[test]
    fn what_is_no_btf_is_refused() {
        let good = sample::<LE>().bytes();
        let with = |at: usize, byte| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            error_of(&bytes)
        };

        assert_eq!(error_of(b""), Error::TooShort { len: 0 });
        assert_eq!(error_of(b"\x7fELF"), Error::Magic { found: 0x457f });
        assert_eq!(error_of(&good[..23]), Error::TooShort { len: 23 });
        assert_eq!(with(2, 2), Error::Version { found: 2 });
        assert_eq!(with(3, 1), Error::Flags { found: 1 });
        let len = good.len();
        assert_eq!(with(4, 23), Error::HeaderLen { found: 23, len });
        assert_eq!(
            with(7, 0xff),
            Error::HeaderLen {
                found: 0xff00_0018,
                len
            }
        );
    }

    #[test]
    fn truncated_files_are_refused() {
        let good = sample::<LE>().bytes();

        for len in 0..good.len() {
            assert!(open::<LE>(&good[..len], None).is_err(), "{len}");
        }
    }

    #[test]
    fn sections_are_checked() {
        let good = File {
            hdr_len: 32,
            layout: vec![[0; 4]; 20],
            ..sample::<LE>()
        };
        let with = |at: usize, word: u32| {
            let mut bytes = good.bytes();
            bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
            error_of(&bytes)
        };
        let check = |error, want_section, want_reason| match error {
            Error::Section {
                section, reason, ..
            } => assert_eq!((section, reason), (want_section, want_reason)),
            _ => panic!("{error}"),
        };

        assert!(good.open(None).is_ok());
        check(with(8, 2), Section::Types, SectionReason::Misaligned);
        check(with(12, 80), Section::Types, SectionReason::Overlap);
        check(with(16, 4), Section::Types, SectionReason::Overlap);
        check(with(20, u32::MAX), Section::Strings, SectionReason::Outside);
        check(with(16, u32::MAX), Section::Strings, SectionReason::Outside);
        check(with(24, 70), Section::Layout, SectionReason::Misaligned);
        check(with(24, 60), Section::Types, SectionReason::Overlap);
        check(with(28, 78), Section::Layout, SectionReason::Fraction);
        check(with(28, 84), Section::Layout, SectionReason::Overlap);
    }

    #[test]
    fn headers_may_grow_by_zeros() {
        let file = File {
            hdr_len: 40,
            ..sample::<LE>()
        };
        let mut bytes = file.bytes();

        assert_eq!(open::<LE>(&bytes, None).unwrap().end_id(), 4);
        bytes[39] = 1;
        assert_eq!(error_of(&bytes), Error::HeaderField { offset: 39 });
    }

    #[test]
    fn types_must_fit() {
        let mut file = sample::<LE>();
        file.types.truncate(12);
        assert_eq!(
            error_of(&file.bytes()),
            Error::Type {
                id: 2,
                kind: 4,
                offset: 16,
                reason: TypeReason::Truncated
            }
        );
        file.types.truncate(6);
        assert_eq!(
            error_of(&file.bytes()),
            Error::Type {
                id: 2,
                kind: 0,
                offset: 16,
                reason: TypeReason::Truncated
            }
        );
    }

    #[test]
    fn room_may_be_too_small() {
        let bytes = sample::<LE>().bytes();

        assert_eq!(
            Btf::<LE>::open(&bytes, None, &mut [0; 2]).unwrap_err(),
            Error::Room { len: 2 }
        );
        assert!(Btf::<LE>::open(&bytes, None, &mut [0; 3]).is_ok());
        assert!(max_types::<LE>(&bytes).unwrap() >= 3);
    }

    /// 7.3 widened `vlen` from 16 to 24 bits.
    #[test]
    fn long_structs_are_read() {
        let members = vec![0; 3 * 0x1_0001];
        let file = File::<LE>::new().add(0, 4, 0x1_0001, 0, &members);
        let btf = file.open(None).unwrap();

        assert!(
            matches!(btf.get(1).unwrap().kind, Kind::Struct(s) if s.members().len() == 0x1_0001)
        );
    }

    /// 7.3 widened the kind from 5 to 7 bits.
    #[test]
    fn unknown_kinds_go_by_the_layout() {
        let unknown = |kind: u32, layout: Vec<[u8; 4]>| {
            let file = File::<LE> {
                hdr_len: 32,
                layout,
                ..File::new()
            };
            file.add(0, kind, 3, 0, &[0; 5]).add(0, 2, 0, 1, &[])
        };
        let layout = |entry| [vec![[0; 4]; 0x60], vec![entry]].concat();
        let error = |file: File<LE>| match error_of(&file.bytes()) {
            Error::Type {
                id: 1,
                kind,
                offset: 0,
                reason,
            } => (kind, reason),
            other => panic!("{other}"),
        };

        let good = unknown(0x60, layout([8, 4, 0, 0]));
        let btf = good.open(None).unwrap();
        assert!(matches!(
            btf.get(1).unwrap().kind,
            Kind::Unknown { kind: 0x60 }
        ));
        assert!(matches!(btf.get(2).unwrap().kind, Kind::Ptr(1)));
        // A split file goes by its base's layout.
        let split = File::<LE>::new().add(0, 0x60, 3, 0, &[0; 5]);
        assert_eq!(split.open(Some(btf)).unwrap().end_id(), 4);

        let bad = unknown(0x61, layout([8, 4, 0, 0]));
        assert_eq!(error(bad), (0x61, TypeReason::UnknownKind));
        let bad = unknown(20, vec![]);
        assert_eq!(error(bad), (20, TypeReason::UnknownKind));
        let bad = unknown(0, vec![[20, 0, 0, 0]]);
        assert_eq!(error(bad), (0, TypeReason::UnknownKind));
        let bad = unknown(0x60, layout([6, 4, 0, 0]));
        assert_eq!(error(bad), (0x60, TypeReason::Layout));
        let bad = unknown(0x60, layout([8, 2, 0, 0]));
        assert_eq!(error(bad), (0x60, TypeReason::Layout));
        let bad = unknown(0x60, layout([8, 12, 0, 0]));
        assert_eq!(error(bad), (0x60, TypeReason::Truncated));
    }

    #[test]
    fn splits_go_on_where_their_base_ends() {
        let base = sample::<LE>().open(None).unwrap();
        let split = File::new().add(11, 2, 0, 2, &[]).strings(b"p\0q\0");
        let split = split.open(Some(base)).unwrap();
        let empty = File::new().strings(b"").open(Some(split)).unwrap();
        let top = File::new().add(13, 8, 0, 4, &[]).strings(b"\0t\0");
        let top = top.open(Some(empty)).unwrap();

        assert_eq!((split.first_id(), split.end_id()), (4, 5));
        assert_eq!((empty.first_id(), empty.end_id()), (5, 5));
        assert_eq!((top.first_id(), top.end_id()), (5, 6));
        assert!(matches!(top.get(5).unwrap().kind, Kind::Typedef(4)));
        assert!(matches!(top.get(4).unwrap().kind, Kind::Ptr(2)));
        assert!(matches!(top.get(2).unwrap().kind, Kind::Struct(_)));
        assert!(matches!(top.get(0).unwrap().kind, Kind::Void));
        assert_eq!(top.get(6).unwrap_err(), Error::Id { id: 6, end: 6 });
        assert_eq!(split.get(5).unwrap_err(), Error::Id { id: 5, end: 5 });
        assert_eq!(top.types().count(), 1);

        assert_eq!(top.string(1), Ok(&b"int"[..]));
        assert_eq!(top.string(11), Ok(&b"p"[..]));
        assert_eq!(top.string(13), Ok(&b"q"[..]));
        assert_eq!(top.string(16), Ok(&b"t"[..]));
        let none = Error::String {
            offset: 18,
            end: 18,
        };
        assert_eq!(top.string(18), Err(none));
        assert_eq!(
            File::<LE>::new().strings(b"p\0").open(None).unwrap_err(),
            Error::FirstString
        );
    }

    #[test]
    fn resolving_skips_what_only_qualifies() {
        let btf = File::<LE>::new()
            .add(0, 1, 0, 4, &[32])
            .add(0, 8, 0, 3, &[])
            .add(0, 9, 0, 4, &[])
            .add(0, 10, 0, 5, &[])
            .add(0, 11, 0, 6, &[])
            .add(0, 18, 0, 1, &[])
            .add(0, 10, 0, 8, &[])
            .add(0, 8, 0, 7, &[])
            .add(0, 8, 0, 99, &[])
            .add(0, 2, 0, 1, &[]);
        let btf = btf.open(None).unwrap();

        assert_eq!(btf.resolve(2).unwrap().id, 1);
        assert_eq!(btf.resolve(10).unwrap().id, 10);
        assert_eq!(btf.resolve(0).unwrap().id, 0);
        assert_eq!(btf.resolve(7).unwrap_err(), Error::Cycle { id: 7 });
        assert_eq!(btf.resolve(9).unwrap_err(), Error::Id { id: 99, end: 11 });
    }

    /// Not a proof, but a cheap net: no byte of a small file can be changed such that something goes
    /// wrong that is not an `Err`.
    #[test]
    fn damaged_files_do_no_harm() {
        let good = File {
            hdr_len: 32,
            layout: vec![[0; 4]; 20],
            ..sample::<LE>()
        };
        let good = good.bytes();

        for at in 0..good.len() {
            for byte in 0..=u8::MAX {
                let mut bytes = good.clone();
                bytes[at] = byte;
                let mut room = [0; 64];
                let Ok(btf) = Btf::<LE>::open(&bytes, None, &mut room) else {
                    continue;
                };
                for ty in btf.types() {
                    let ty = ty.unwrap();
                    let _ = btf.string(ty.name_off);
                    let _ = btf.resolve(ty.id);
                }
            }
        }
    }
}
