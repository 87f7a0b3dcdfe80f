// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Errors in BTF.

use core::fmt;

use crate::wire;
use crate::Mismatch;

/// Why BTF cannot be read.
///
/// Offsets are in bytes. `Display` gives a clause without a full stop, to follow the name of a
/// file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The data is shorter than a header.
    TooShort {
        /// How many bytes there are.
        len: usize,
    },
    /// This is not BTF.
    Magic {
        /// The number in the place of the magic number.
        found: u16,
    },
    /// This is BTF in the other byte order.
    ByteOrder,
    /// A version that is not defined.
    Version {
        /// The version.
        found: u8,
    },
    /// Flags that are not defined.
    Flags {
        /// The flags.
        found: u8,
    },
    /// A header that is too short, or longer than the data.
    HeaderLen {
        /// The length that it claims.
        found: u32,
        /// How many bytes there are.
        len: usize,
    },
    /// The header has a field that this crate does not know, so that nothing can be added to the
    /// file.
    HeaderField {
        /// Its offset in the data.
        offset: usize,
    },
    /// A section in an impossible place.
    Section {
        /// Which section.
        section: Section,
        /// The offset that the header claims, from the header's end.
        offset: u32,
        /// The length that the header claims.
        len: u32,
        /// The fault.
        reason: SectionReason,
    },
    /// The string section does not end with a NUL, or is empty in BTF without a base.
    Unterminated,
    /// The first string is not empty, as it must be in BTF without a base.
    FirstString,
    /// A buffer of the caller is too short, or one for a result is too long.
    BufferSize {
        /// How many elements it has.
        len: usize,
    },
    /// There are more types or strings than 32 bits can count.
    TooMany,
    /// A type cannot be read.
    Type {
        /// Its id.
        id: u32,
        /// Its kind, one of `BTF_KIND_*`.
        kind: u8,
        /// Its name.
        name: TypeName,
        /// Its offset in the type section.
        offset: u32,
        /// The fault.
        reason: TypeReason,
    },
    /// There is no type with this id.
    Id {
        /// The id.
        id: u32,
        /// One more than the largest id.
        end: u32,
    },
    /// There is no string at this offset.
    String {
        /// The offset, that of the base's strings included.
        offset: u32,
        /// The length of all strings.
        end: u32,
    },
    /// Relocation needs split BTF on a distilled base, but there is no base, or it is split itself.
    NotDistilled,
    /// A type of a distilled base matches none of the base.
    Unmatched {
        /// Its id in the distilled base.
        id: u32,
        /// Its kind, one of `BTF_KIND_*`.
        kind: u8,
        /// Its name.
        name: TypeName,
        /// Whether the split BTF contains it: as the type of a member, of a parameter or result of
        /// a function, or of a variable.
        contained: bool,
        /// Why it does not match.
        reason: Mismatch,
    },
    /// A chain of modifiers or typedefs leads back to itself.
    Cycle {
        /// The first type of the chain.
        id: u32,
    },
}

/// The name of a type, for messages: at most its first [`TypeName::MAX_LEN`] bytes. It is empty if
/// the type has no name, or one that cannot be read.
///
/// `Display` escapes all bytes that are not printable ASCII, and puts `...` after a name that has
/// been cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TypeName {
    bytes: [u8; Self::MAX_LEN],
    /// How many of the bytes belong to the name; more than there are if it has been cut.
    len: u8,
}

impl TypeName {
    /// The number of bytes that are kept.
    pub const MAX_LEN: usize = 48;

    /// Takes the start of a name.
    pub fn new(name: &[u8]) -> Self {
        let mut bytes = [0; Self::MAX_LEN];

        for (to, from) in bytes.iter_mut().zip(name) {
            *to = *from;
        }
        let len = name.len().min(Self::MAX_LEN.saturating_add(1));
        Self {
            bytes,
            len: len as u8,
        }
    }

    /// The bytes that have been kept.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len.into()).unwrap_or(&self.bytes)
    }

    /// Whether the name is longer.
    pub fn is_cut(&self) -> bool {
        usize::from(self.len) > Self::MAX_LEN
    }
}

impl Default for TypeName {
    fn default() -> Self {
        Self::new(b"")
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())?;
        match self.is_cut() {
            true => f.write_str("..."),
            false => Ok(()),
        }
    }
}

impl fmt::Debug for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Shows a type as its kind and its name: `STRUCT inode`.
struct KindAndName(u8, TypeName);

impl fmt::Display for KindAndName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(kind, name) = self;

        match wire::kind_name(*kind) {
            Some(kind) => f.write_str(kind)?,
            None => write!(f, "kind {kind}")?,
        }
        match name.as_bytes() {
            [] => Ok(()),
            _ => write!(f, " {name}"),
        }
    }
}

/// A part of a BTF file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Section {
    /// The types.
    Types,
    /// The strings.
    Strings,
    /// The layout of the kinds, since 7.3.
    Layout,
}

/// The fault of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SectionReason {
    /// It reaches beyond the end of the data.
    Outside,
    /// Its offset is not a multiple of 4 bytes.
    Misaligned,
    /// Its length is not a multiple of the size of its elements.
    Fraction,
    /// It overlaps another section.
    Overlap,
}

/// The fault of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypeReason {
    /// It reaches beyond the end of the types.
    Truncated,
    /// Its kind is unknown, and the layout section does not describe it.
    UnknownKind,
    /// The layout section gives its kind a size that is not a multiple of 4 bytes.
    Layout,
    /// It refers to a type that does not exist.
    NoSuchType {
        /// The id.
        id: u32,
    },
    /// It has a name, or a part of it has one, at an offset where there is no string.
    NoSuchString {
        /// The offset, that of the base's strings included.
        offset: u32,
    },
    /// It has no name, but its kind must have one.
    Unnamed,
    /// It has a name, but its kind must have none.
    Named,
    /// It is meant for a distilled base, but its name is longer than the kernel allows.
    LongName,
    /// It refers to a type, but its kind must not.
    Typed,
    /// It contains itself.
    ContainsItself,
    /// It refers to itself, and no struct or union is on the way.
    RefersToItself,
    /// It is of a kind that no distilled base has.
    NotDistilled,
    /// It is of a kind that cannot be distilled, and split BTF refers to it.
    NotDistillable,
    /// A builder was given a name with a NUL.
    NulInName,
    /// A builder was given more elements than 24 bits can count.
    TooManyElements,
    /// A builder was given a struct or union with bit-fields, and a member at an offset of more
    /// than 24 bits.
    BitOffset,
    /// It is of an unknown kind, and a word of it would have to change if it were a reference.
    UnknownReferences,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Types => "type section",
            Self::Strings => "string section",
            Self::Layout => "layout section",
        })
    }
}

impl fmt::Display for SectionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Outside => "reaches beyond the end of the data",
            Self::Misaligned => "does not begin at a multiple of 4 bytes",
            Self::Fraction => "does not hold a whole number of elements",
            Self::Overlap => "overlaps another section",
        })
    }
}

impl fmt::Display for TypeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::Truncated => "reaches beyond the end of the type section",
            Self::UnknownKind => "is of an unknown kind that the layout section does not describe",
            Self::Layout => "has a size in the layout section that is not a multiple of 4 bytes",
            Self::NoSuchType { id } => return write!(f, "refers to type {id}, which is not there"),
            Self::NoSuchString { offset } => {
                return write!(
                    f,
                    "has a name at string offset {offset}, which is not there"
                )
            }
            Self::Unnamed => "has no name, but those of its kind must have one",
            Self::Named => "has a name, but those of its kind must not",
            Self::LongName => "has a name of more than 512 bytes",
            Self::Typed => "refers to a type, but those of its kind must not",
            Self::ContainsItself => "contains itself",
            Self::RefersToItself => "refers to nothing but itself",
            Self::NotDistilled => "is of a kind that no distilled base has",
            Self::NotDistillable => "is of a kind that cannot be distilled, but is needed",
            Self::NulInName => "has a name with a NUL",
            Self::TooManyElements => "has more elements than 24 bits can count",
            Self::BitOffset => "has bit-fields, and a member at an offset of more than 24 bits",
            Self::UnknownReferences => {
                "is of an unknown kind: if it refers to types or names, these cannot be renumbered"
            }
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooShort { len } => {
                write!(
                    f,
                    "BTF begins with a header of 24 bytes, but there are {len}"
                )
            }
            Self::Magic { found } => write!(f, "not BTF: it begins with {found:#06x}, not 0xeb9f"),
            Self::ByteOrder => f.write_str("BTF of the other byte order"),
            Self::Version { found } => write!(f, "BTF version {found} is not known, only 1 is"),
            Self::Flags { found } => write!(f, "BTF header flags {found:#04x} are not known"),
            Self::HeaderLen { found, len } => write!(
                f,
                "the BTF header claims to be {found} bytes long, in {len} bytes of data"
            ),
            Self::HeaderField { offset } => {
                write!(f, "the BTF header has an unknown field at offset {offset}")
            }
            Self::Section {
                section,
                offset,
                len,
                reason,
            } => write!(
                f,
                "the BTF {section} ({len} bytes at offset {offset} from the header's end) {reason}"
            ),
            Self::Unterminated => {
                f.write_str("the BTF string section is empty or does not end with a NUL")
            }
            Self::FirstString => f.write_str(
                "the first BTF string is not empty: is this split BTF, and its base not given?",
            ),
            Self::BufferSize { len } => write!(f, "a buffer of {len} elements has the wrong size"),
            Self::TooMany => f.write_str("there are more BTF types or strings than ids for them"),
            Self::Type {
                id,
                kind,
                name,
                offset,
                reason,
            } => write!(
                f,
                "BTF type {id} ({}, at offset {offset} of the type section) {reason}",
                KindAndName(kind, name)
            ),
            Self::Id { id, end } => {
                write!(f, "there is no BTF type {id}: the ids end before {end}")
            }
            Self::String { offset, end } => write!(
                f,
                "there is no BTF string at offset {offset}: the strings end before {end}"
            ),
            Self::NotDistilled => {
                f.write_str("this is not split BTF on a distilled base, which is not split itself")
            }
            Self::Unmatched {
                id,
                kind,
                name,
                contained,
                reason,
            } => {
                let contained = if contained { "is contained and " } else { "" };
                write!(
                    f,
                    "distilled base BTF type {id} ({}) {contained}does not match: {reason}",
                    KindAndName(kind, name)
                )
            }
            Self::Cycle { id } => write!(f, "BTF type {id} leads back to itself"),
        }
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn section(section: Section, reason: SectionReason) -> Error {
        Error::Section {
            section,
            offset: 8,
            len: 80,
            reason,
        }
    }

    fn of_type(reason: TypeReason) -> Error {
        Error::Type {
            id: 7,
            kind: 4,
            name: TypeName::new(b"inode"),
            offset: 96,
            reason,
        }
    }

    #[test]
    fn errors_read_well() {
        let text = |error: Error| error.to_string();

        assert_eq!(
            text(Error::TooShort { len: 3 }),
            "BTF begins with a header of 24 bytes, but there are 3"
        );
        assert_eq!(
            text(Error::Magic { found: 0x457f }),
            "not BTF: it begins with 0x457f, not 0xeb9f"
        );
        assert_eq!(text(Error::ByteOrder), "BTF of the other byte order");
        assert_eq!(
            text(Error::Version { found: 2 }),
            "BTF version 2 is not known, only 1 is"
        );
        assert_eq!(
            text(Error::Flags { found: 1 }),
            "BTF header flags 0x01 are not known"
        );
        assert_eq!(
            text(Error::HeaderLen { found: 99, len: 30 }),
            "the BTF header claims to be 99 bytes long, in 30 bytes of data"
        );
        assert_eq!(
            text(Error::HeaderField { offset: 32 }),
            "the BTF header has an unknown field at offset 32"
        );
        assert_eq!(
            text(Error::Unterminated),
            "the BTF string section is empty or does not end with a NUL"
        );
        assert_eq!(
            text(Error::FirstString),
            "the first BTF string is not empty: is this split BTF, and its base not given?"
        );
        assert_eq!(
            text(Error::BufferSize { len: 3 }),
            "a buffer of 3 elements has the wrong size"
        );
        assert_eq!(
            text(Error::TooMany),
            "there are more BTF types or strings than ids for them"
        );
        assert_eq!(
            text(Error::Id { id: 9, end: 8 }),
            "there is no BTF type 9: the ids end before 8"
        );
        assert_eq!(
            text(Error::String { offset: 9, end: 8 }),
            "there is no BTF string at offset 9: the strings end before 8"
        );
        assert_eq!(
            text(Error::NotDistilled),
            "this is not split BTF on a distilled base, which is not split itself"
        );
        assert_eq!(
            text(Error::Unmatched {
                id: 7,
                kind: 4,
                name: TypeName::new(b"inode"),
                contained: true,
                reason: Mismatch::Missing
            }),
            "distilled base BTF type 7 (STRUCT inode) is contained and does not match: not in the base"
        );
        assert_eq!(
            text(Error::Unmatched {
                id: 7,
                kind: 6,
                name: TypeName::default(),
                contained: false,
                reason: Mismatch::Missing
            }),
            "distilled base BTF type 7 (ENUM) does not match: not in the base"
        );
        assert_eq!(
            text(Error::Cycle { id: 7 }),
            "BTF type 7 leads back to itself"
        );
    }

    #[test]
    fn errors_of_sections_read_well() {
        let check = |error: Error, want| assert_eq!(error.to_string(), want);

        check(
            section(Section::Types, SectionReason::Outside),
            "the BTF type section (80 bytes at offset 8 from the header's end) reaches beyond the end of the data",
        );
        check(
            section(Section::Layout, SectionReason::Misaligned),
            "the BTF layout section (80 bytes at offset 8 from the header's end) does not begin at a multiple of 4 bytes",
        );
        check(
            section(Section::Types, SectionReason::Fraction),
            "the BTF type section (80 bytes at offset 8 from the header's end) does not hold a whole number of elements",
        );
        check(
            section(Section::Strings, SectionReason::Overlap),
            "the BTF string section (80 bytes at offset 8 from the header's end) overlaps another section",
        );
    }

    #[test]
    fn names_are_cut() {
        let text = |name: &[u8]| TypeName::new(name).to_string();
        let max = [b'a'; TypeName::MAX_LEN];

        assert_eq!(text(b""), "");
        assert_eq!(text(b"\n\xff"), "\\n\\xff");
        assert_eq!(text(&max), "a".repeat(48));
        assert_eq!(text(&[b'a'; 49]), "a".repeat(48) + "...");
        assert_eq!(text(&[b'a'; 1000]), "a".repeat(48) + "...");
        assert_eq!(TypeName::new(&max).as_bytes(), max);
        assert_eq!(TypeName::new(&[b'a'; 49]).as_bytes(), max);
        assert_eq!(TypeName::new(b"inode").as_bytes(), b"inode");
        assert_eq!(KindAndName(77, TypeName::default()).to_string(), "kind 77");
    }

    #[test]
    fn errors_of_types_read_well() {
        let check = |reason, want: &str| {
            let text = of_type(reason).to_string();
            let clause =
                text.strip_prefix("BTF type 7 (STRUCT inode, at offset 96 of the type section) ");
            assert_eq!(clause, Some(want));
        };

        check(
            TypeReason::Truncated,
            "reaches beyond the end of the type section",
        );
        check(
            TypeReason::UnknownKind,
            "is of an unknown kind that the layout section does not describe",
        );
        check(
            TypeReason::Layout,
            "has a size in the layout section that is not a multiple of 4 bytes",
        );
        check(
            TypeReason::NoSuchType { id: 99 },
            "refers to type 99, which is not there",
        );
        check(
            TypeReason::NoSuchString { offset: 99 },
            "has a name at string offset 99, which is not there",
        );
        check(
            TypeReason::Unnamed,
            "has no name, but those of its kind must have one",
        );
        check(
            TypeReason::Named,
            "has a name, but those of its kind must not",
        );
        check(TypeReason::LongName, "has a name of more than 512 bytes");
        check(
            TypeReason::Typed,
            "refers to a type, but those of its kind must not",
        );
        check(TypeReason::ContainsItself, "contains itself");
        check(TypeReason::RefersToItself, "refers to nothing but itself");
        check(
            TypeReason::NotDistilled,
            "is of a kind that no distilled base has",
        );
        check(
            TypeReason::NotDistillable,
            "is of a kind that cannot be distilled, but is needed",
        );
        check(TypeReason::NulInName, "has a name with a NUL");
        check(
            TypeReason::TooManyElements,
            "has more elements than 24 bits can count",
        );
        check(
            TypeReason::BitOffset,
            "has bit-fields, and a member at an offset of more than 24 bits",
        );
        check(
            TypeReason::UnknownReferences,
            "is of an unknown kind: if it refers to types or names, these cannot be renumbered",
        );
    }
}
