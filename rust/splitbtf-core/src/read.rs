// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Opens BTF, and finds its types by id.

use core::fmt;
use core::iter;
use core::mem::size_of;

use zerocopy::ByteOrder;
use zerocopy::FromBytes;
use zerocopy::IntoBytes;

use crate::header::Sections;
use crate::record::index;
use crate::record::Record;
use crate::record::Word;
use crate::record::HEAD;
use crate::strings;
use crate::strings::Strings;
use crate::wire;
use crate::Error;
use crate::Kind;
use crate::Type;
use crate::TypeName;
use crate::TypeReason;

/// Maps the number of a type to its byte offset in the type section.
///
/// [`Btf::open`] writes such an index into the caller's memory. A caller that already has one, such
/// as the kernel with its array of pointers, can implement this trait for it. A wrong index yields
/// wrong types or errors, never memory unsafety.
pub trait Index: Copy {
    /// The number of types, without those of the base.
    fn count(&self) -> usize;

    /// The byte offset of the `n`th type, counted from 0, in the type section.
    fn offset(&self, n: usize) -> Option<usize>;

    /// Every loop over all types calls this about once in 4096 types, so that the kernel can let
    /// other tasks run.
    fn pause(&self) {}
}

impl Index for &[u32] {
    fn count(&self) -> usize {
        self.len()
    }

    #[inline]
    fn offset(&self, n: usize) -> Option<usize> {
        self.get(n).and_then(|offset| (*offset).try_into().ok())
    }
}

/// BTF, whole or split on a base.
///
/// [`Btf::open`] has checked that each type is complete. References to other types and to strings
/// are checked when they are followed, or all at once by [`Btf::validate`].
///
/// A `Btf` is a view: copying it copies no types.
#[derive(Clone, Copy)]
pub struct Btf<'a, O: ByteOrder, I = &'a [u32]> {
    bytes: &'a [u8],
    words: &'a [Word<O>],
    index: I,
    layout: &'a [wire::Layout<O>],
    strings: Strings<'a>,
    base: Option<&'a Self>,
    first_id: u32,
    end_id: u32,
    first_string: u32,
    end_string: u32,
    /// Whether its references are known to be good, as those of [`Valid`](crate::Valid).
    pub(crate) valid: bool,
}

/// The length of the index that [`Btf::open`] needs at most for these bytes.
///
/// # Errors
///
/// If the header is wrong.
pub fn max_types<O: ByteOrder>(bytes: &[u8]) -> Result<usize, Error> {
    let sections = Sections::<O>::find(bytes)?;

    Ok(sections.types.len().checked_div(HEAD).unwrap_or_default())
}

impl<'a, O: ByteOrder> Btf<'a, O> {
    /// Opens BTF: the content of a file, or of an ELF section `.BTF` or `.BTF.base`. Split BTF
    /// needs its `base`, which may be split as well.
    ///
    /// `index` is scratch space for the offsets of the types: as many elements as there are types,
    /// at most [`max_types`].
    ///
    /// # Errors
    ///
    /// If the header, the bounds of a section, or a type's kind or length are wrong; if the bytes
    /// are in the other byte order; if `index` is too short.
    pub fn open(
        bytes: &'a [u8],
        base: Option<&'a Self>,
        index: &'a mut [u32],
    ) -> Result<Self, Error> {
        let sections = Sections::find(bytes)?;
        let layout = sections.layout_on(base);
        let first_id = base.map_or(1, |base| base.end_id);

        let count = write_index(sections.types, layout, first_id, index)
            .map_err(|error| Self::named(error, bytes, &sections, base))?;
        Self::new(
            bytes,
            &sections,
            base,
            index.get(..count).unwrap_or_default(),
        )
    }

    /// Adds the type's name to an error that came before the strings were read.
    #[cold]
    fn named(
        error: Error,
        bytes: &'a [u8],
        sections: &Sections<'a, O>,
        base: Option<&'a Self>,
    ) -> Error {
        let mut error = error;

        if let (Error::Type { name, offset, .. }, Ok(btf)) =
            (&mut error, Self::new(bytes, sections, base, &[]))
        {
            let at = index(*offset).checked_div(size_of::<Word<O>>());
            let head = at.and_then(|at| sections.types.get(at..)?.first_chunk::<HEAD>());
            if let Some([name_off, ..]) = head {
                *name = btf.name_at(name_off.get());
            }
        }
        error
    }
}

impl<'a, O: ByteOrder, I: Index> Btf<'a, O, I> {
    /// Opens BTF that has an index already. Otherwise as [`Btf::open`].
    ///
    /// # Errors
    ///
    /// If the header or the bounds of a section are wrong; if the bytes are in the other byte
    /// order.
    pub fn open_indexed(bytes: &'a [u8], base: Option<&'a Self>, index: I) -> Result<Self, Error> {
        Self::new(bytes, &Sections::find(bytes)?, base, index)
    }

    fn new(
        bytes: &'a [u8],
        sections: &Sections<'a, O>,
        base: Option<&'a Self>,
        index: I,
    ) -> Result<Self, Error> {
        let strings = Strings::new(sections.strings, base.is_some())?;
        let first_id = base.map_or(1, |base| base.end_id);
        let first_string = base.map_or(0, |base| base.end_string);

        Ok(Self {
            bytes,
            words: sections.types,
            layout: sections.layout_on(base),
            strings,
            base,
            first_id,
            end_id: advance(first_id, index.count())?,
            first_string,
            end_string: advance(first_string, strings.len())?,
            index,
            valid: false,
        })
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The base that it is split on.
    pub fn base(&self) -> Option<&'a Self> {
        self.base
    }

    /// The first id that is not one of the base; 1 without a base.
    pub fn first_id(&self) -> u32 {
        self.first_id
    }

    /// One more than the largest id.
    pub fn end_id(&self) -> u32 {
        self.end_id
    }

    /// The first string offset that is not one of the base; 0 without a base.
    pub fn first_string(&self) -> u32 {
        self.first_string
    }

    /// The length of all strings, those of the base included.
    pub fn end_string(&self) -> u32 {
        self.end_string
    }

    /// The type with this id, which may be in the base.
    ///
    /// # Errors
    ///
    /// [`Error::Id`] if there is none.
    pub fn get(&self, id: u32) -> Result<Type<'a>, Error> {
        if id == 0 {
            return Ok(Type {
                id,
                name_off: 0,
                kind: Kind::Void,
            });
        }
        let record = self.record(id)?;
        let kind = Kind::of(&record).map_err(|reason| self.type_error(id, reason))?;

        Ok(Type {
            id,
            name_off: record.head.name_off.get(),
            kind,
        })
    }

    /// The types that are not in the base, by id.
    pub fn types(&self) -> impl Iterator<Item = Result<Type<'a>, Error>> + '_ {
        (self.first_id..self.end_id).map(|id| self.get(id))
    }

    /// The ids that a type refers to, in the order of its words. For a [`Kind::Unknown`], none are
    /// known.
    ///
    /// # Errors
    ///
    /// [`Error::Id`] if there is no such type.
    pub fn ids(&self, id: u32) -> Result<impl Iterator<Item = u32> + use<'a, O, I>, Error> {
        let record = match id {
            0 => None,
            _ => Some(self.record(id)?),
        };

        Ok(record.into_iter().flat_map(|record| record.ids()))
    }

    /// The string offsets in a type: of its own name, and of the names of its members, values or
    /// parameters. For a [`Kind::Unknown`], only its own name is known.
    ///
    /// # Errors
    ///
    /// [`Error::Id`] if there is no such type.
    pub fn name_offsets(
        &self,
        id: u32,
    ) -> Result<impl Iterator<Item = u32> + use<'a, O, I>, Error> {
        let record = match id {
            0 => None,
            _ => Some(self.record(id)?),
        };

        Ok(record
            .into_iter()
            .flat_map(|record| iter::once(record.head.name_off.get()).chain(record.elem_names())))
    }

    /// The type without its typedefs, `const`, `volatile`, `restrict` and type tags.
    ///
    /// # Errors
    ///
    /// [`Error::Id`] if one of them does not exist, [`Error::Cycle`] if they form a cycle.
    pub fn resolve(&self, id: u32) -> Result<Type<'a>, Error> {
        let mut ty = self.get(id)?;

        // A chain with more steps than there are types is a cycle.
        for _ in 0..self.end_id {
            match ty.kind.modified() {
                Some(to) => ty = self.get(to)?,
                None => return Ok(ty),
            }
        }
        Err(Error::Cycle { id })
    }

    /// The string at this offset, which may be in the base, without its NUL. Its encoding is not
    /// defined.
    ///
    /// # Errors
    ///
    /// [`Error::String`] if there is none.
    pub fn string(&self, offset: u32) -> Result<&'a [u8], Error> {
        self.strings_from(offset)
            .and_then(strings::first)
            .ok_or(Error::String {
                offset,
                end: self.end_string,
            })
    }

    /// The string at this offset, and all that follows it in the same section.
    #[inline]
    pub fn strings_from(&self, offset: u32) -> Option<&'a [u8]> {
        let mut btf = self;
        let start = loop {
            match offset.checked_sub(btf.first_string) {
                Some(start) => break start,
                None => btf = btf.base?,
            }
        };

        btf.strings.from(start.try_into().ok()?)
    }

    /// The name of a type, if it is no longer than a symbol of the kernel may be. `head` is the
    /// type's.
    ///
    /// Strings may share bytes: without the limit, reading all names could take time that grows
    /// with the square of their length.
    ///
    /// # Errors
    ///
    /// [`Error::String`] if there is no such string, [`Error::Type`] if it is too long.
    pub fn short_name(&self, id: u32, head: &wire::Type<O>) -> Result<&'a [u8], Error> {
        /// `KSYM_NAME_LEN` of `include/linux/kallsyms.h`, and a NUL.
        const LEN: usize = 513;
        let offset = head.name_off.get();
        let none = Error::String {
            offset,
            end: self.end_string,
        };

        let strings = self.strings_from(offset).ok_or(none)?;
        strings::first(strings.get(..LEN).unwrap_or(strings))
            .ok_or_else(|| self.type_error(id, TypeReason::LongName))
    }

    /// The index of the types that are not in the base.
    pub fn index(&self) -> I {
        self.index
    }

    /// The words of the types that are not in the base.
    pub fn words(&self) -> &'a [Word<O>] {
        self.words
    }

    /// Loops over all types call this with the number of each.
    #[inline]
    pub(crate) fn pause_at(&self, n: u32) {
        pause_at(&self.index, n);
    }

    /// The layout section, which says how long types of unknown kinds are.
    pub fn layout(&self) -> &'a [wire::Layout<O>] {
        self.layout
    }

    /// The BTF of the chain that has the type, and the words from the type on.
    #[inline]
    fn place(&self, id: u32) -> Option<(&Self, &'a [Word<O>])> {
        let mut btf = self;
        let n = loop {
            match id.checked_sub(btf.first_id) {
                Some(n) => break n,
                None => btf = btf.base?,
            }
        };
        let offset = btf.index.offset(n.try_into().ok()?)?;

        Some((
            btf,
            btf.words.get(offset.checked_div(size_of::<Word<O>>())?..)?,
        ))
    }

    /// The first words of a type. `void` has none.
    #[inline]
    pub fn head(&self, id: u32) -> Option<&'a wire::Type<O>> {
        let (_, words) = self.place(id)?;

        wire::Type::ref_from_bytes(words.get(..HEAD)?.as_bytes()).ok()
    }

    /// The words of a type. `void` has none.
    ///
    /// # Errors
    ///
    /// [`Error::Id`] if there is no such type.
    #[inline]
    pub fn record(&self, id: u32) -> Result<Record<'a, O>, Error> {
        let (btf, words) = self.place(id).ok_or(Error::Id {
            id,
            end: self.end_id,
        })?;

        match Record::split(words, btf.layout) {
            Ok((record, _)) => Ok(record),
            Err((_, reason)) => Err(self.type_error(id, reason)),
        }
    }

    /// The error for a fault of an existing type.
    #[cold]
    pub fn type_error(&self, id: u32, reason: TypeReason) -> Error {
        let offset = self
            .place(id)
            .map(|(btf, words)| offset_of(btf.words, words));

        Error::Type {
            id,
            kind: self.head(id).map(wire::Type::kind).unwrap_or_default(),
            name: self.type_name(id),
            offset: offset.unwrap_or_default(),
            reason,
        }
    }

    /// The name of a type for an error.
    #[cold]
    pub(crate) fn type_name(&self, id: u32) -> TypeName {
        let head = self.head(id);

        head.map_or(TypeName::default(), |head| {
            self.name_at(head.name_off.get())
        })
    }

    fn name_at(&self, offset: u32) -> TypeName {
        let strings = self.strings_from(offset).unwrap_or_default();
        // The rest of a longer name is skipped.
        let strings = strings.get(..=TypeName::MAX_LEN).unwrap_or(strings);

        TypeName::new(strings::first(strings).unwrap_or(strings))
    }
}

impl<O: ByteOrder, I> fmt::Debug for Btf<'_, O, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Btf")
            .field("ids", &(self.first_id..self.end_id))
            .field("strings", &(self.first_string..self.end_string))
            .field("base", &self.base)
            .finish()
    }
}

/// Pauses at every 4096th number.
#[inline]
pub(crate) fn pause_at(index: &impl Index, n: u32) {
    if n % 4096 == 0 {
        index.pause();
    }
}

/// `from + by`.
fn advance(from: u32, by: usize) -> Result<u32, Error> {
    let by = u32::try_from(by).map_err(|_| Error::TooMany)?;

    from.checked_add(by).ok_or(Error::TooMany)
}

/// The byte offset in `all` of `rest`, its last words.
fn offset_of<O: ByteOrder>(all: &[Word<O>], rest: &[Word<O>]) -> u32 {
    let words = all.len().saturating_sub(rest.len());

    words
        .saturating_mul(size_of::<Word<O>>())
        .try_into()
        .unwrap_or(u32::MAX)
}

/// Writes the offset of each type into `index`, and returns the number of types.
fn write_index<O: ByteOrder>(
    types: &[Word<O>],
    layout: &[wire::Layout<O>],
    first_id: u32,
    index: &mut [u32],
) -> Result<usize, Error> {
    let len = index.len();
    let mut slots = index.iter_mut();
    let mut rest = types;
    let mut id = first_id;
    let mut count: usize = 0;

    while !rest.is_empty() {
        let offset = offset_of(types, rest);
        (_, rest) = Record::split(rest, layout).map_err(|(kind, reason)| Error::Type {
            id,
            kind,
            name: TypeName::default(),
            offset,
            reason,
        })?;
        *slots.next().ok_or(Error::BufferSize { len })? = offset;
        id = advance(id, 1)?;
        count = count.saturating_add(1);
    }
    Ok(count)
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
    use crate::Section;
    use crate::SectionReason;

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
    fn headers_may_grow() {
        let file = File {
            hdr_len: 40,
            ..sample::<LE>()
        };
        let mut bytes = file.bytes();

        assert_eq!(open::<LE>(&bytes, None).unwrap().end_id(), 4);
        assert_eq!(Sections::<LE>::find(&bytes).unwrap().unknown, None);
        // As with libbpf, a file with a later field can be read.
        bytes[39] = 1;
        assert_eq!(open::<LE>(&bytes, None).unwrap().end_id(), 4);
        assert_eq!(Sections::<LE>::find(&bytes).unwrap().unknown, Some(39));
        bytes[32] = 1;
        assert_eq!(Sections::<LE>::find(&bytes).unwrap().unknown, Some(32));
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
                name: TypeName::new(b"s"),
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
                name: TypeName::default(),
                offset: 16,
                reason: TypeReason::Truncated
            }
        );
    }

    #[test]
    fn the_index_may_be_too_short() {
        let bytes = sample::<LE>().bytes();

        assert_eq!(
            Btf::<LE>::open(&bytes, None, &mut [0; 2]).unwrap_err(),
            Error::BufferSize { len: 2 }
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
                ..
            } => (kind, reason),
            other => panic!("{other}"),
        };

        let good = unknown(0x60, layout([8, 4, 0, 0]));
        let btf = good.open(None).unwrap();
        assert!(matches!(
            btf.get(1).unwrap().kind,
            Kind::Unknown(of) if (of.number, of.data.len(), of.elems.len()) == (0x60, 2, 3)
        ));
        assert!(matches!(btf.get(2).unwrap().kind, Kind::Ptr(1)));
        // Split BTF uses its base's layout.
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

    /// Not a proof, but a cheap net: whichever byte of a small file changes, nothing worse than an
    /// `Err` happens.
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
                let mut index = [0; 64];
                let Ok(btf) = Btf::<LE>::open(&bytes, None, &mut index) else {
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
