// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Reads the ELF section `.BTF.ext` of BPF objects.
//!
//! The format is `struct btf_ext_header` of the kernel's `tools/lib/bpf/libbpf_internal.h`. The records
//! are `struct bpf_func_info`, `struct bpf_line_info` and `struct bpf_core_relo` of
//! `include/uapi/linux/bpf.h`.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use splitbtf_core::raw::index;
use splitbtf_core::raw::wire;

use crate::Endian;

/// The content of a section `.BTF.ext`: a compiler's information about programs' instructions.
///
/// Ids of types and offsets of strings refer to the section `.BTF` of the same file. Neither is
/// checked.
///
/// # Examples
///
/// ```
/// use splitbtf::ExtError;
/// use splitbtf::ExtInfo;
///
/// /// Prints which functions a program section has.
/// fn functions(section: &[u8]) -> Result<(), ExtError> {
///     let ext = ExtInfo::read(section)?;
///     for section in &ext.func_info {
///         for func in &section.records {
///             println!("at byte {}: FUNC {}", func.insn_off, func.ty);
///         }
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtInfo {
    /// The byte order of the section.
    pub endian: Endian,
    /// The functions.
    pub func_info: Vec<SectionInfo<FuncInfo>>,
    /// The lines of source code.
    pub line_info: Vec<SectionInfo<LineInfo>>,
    /// The CO-RE relocations.
    pub core_relo: Vec<SectionInfo<CoreRelo>>,
}

/// The records for a section with programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionInfo<T> {
    /// The name of the ELF section, as an offset in the strings of `.BTF`.
    pub name_off: u32,
    /// The records, in the order of the file.
    pub records: Vec<T>,
}

/// Where a function starts: `struct bpf_func_info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuncInfo {
    /// The offset of its first instruction in the section, in bytes.
    pub insn_off: u32,
    /// The id of its FUNC.
    pub ty: u32,
}

/// The source of an instruction: `struct bpf_line_info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineInfo {
    /// The offset of the instruction in the section, in bytes.
    pub insn_off: u32,
    /// The name of the source file.
    pub file_name_off: u32,
    /// The text of the line.
    pub line_off: u32,
    /// The number of the line, from 1; 0 if it is not known.
    pub line: u32,
    /// The number of the column, from 1; 0 if it is not known.
    pub column: u32,
}

/// A value in an instruction that depends on the kernel: `struct bpf_core_relo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreRelo {
    /// The offset of the instruction in the section, in bytes.
    pub insn_off: u32,
    /// The type that the access starts with.
    pub ty: u32,
    /// The accessed field, such as `0:1:0:5`; the index of an enum's value; or `0` for a type.
    pub access_str_off: u32,
    /// One of `enum bpf_core_relo_kind`: see [`CoreReloKind::of`].
    pub kind: u32,
}

/// The value that a [`CoreRelo`] asks for: `enum bpf_core_relo_kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CoreReloKind {
    /// The offset of a field in bytes.
    FieldByteOffset,
    /// The size of a field in bytes.
    FieldByteSize,
    /// Whether a field exists.
    FieldExists,
    /// Whether a field is signed.
    FieldSigned,
    /// The shift to the left for a bit-field in 64 bits.
    FieldLshiftU64,
    /// The shift to the right after that.
    FieldRshiftU64,
    /// The id of a type in the object.
    TypeIdLocal,
    /// The id of a type in the kernel.
    TypeIdTarget,
    /// Whether a type exists.
    TypeExists,
    /// The size of a type in bytes.
    TypeSize,
    /// Whether an enum's value exists.
    EnumvalExists,
    /// An enum's value.
    EnumvalValue,
    /// Whether a type matches.
    TypeMatches,
}

impl CoreReloKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::FieldByteOffset,
        Self::FieldByteSize,
        Self::FieldExists,
        Self::FieldSigned,
        Self::FieldLshiftU64,
        Self::FieldRshiftU64,
        Self::TypeIdLocal,
        Self::TypeIdTarget,
        Self::TypeExists,
        Self::TypeSize,
        Self::EnumvalExists,
        Self::EnumvalValue,
        Self::TypeMatches,
    ];

    /// The meaning of a [`CoreRelo`]'s number; `None` if this crate does not know it.
    pub fn of(number: u32) -> Option<Self> {
        Self::ALL.get(index(number)).copied()
    }

    /// Its name in libbpf's messages, such as `byte_off`.
    pub fn name(self) -> &'static str {
        match self {
            Self::FieldByteOffset => "byte_off",
            Self::FieldByteSize => "byte_sz",
            Self::FieldExists => "field_exists",
            Self::FieldSigned => "signed",
            Self::FieldLshiftU64 => "lshift_u64",
            Self::FieldRshiftU64 => "rshift_u64",
            Self::TypeIdLocal => "local_type_id",
            Self::TypeIdTarget => "target_type_id",
            Self::TypeExists => "type_exists",
            Self::TypeSize => "type_size",
            Self::EnumvalExists => "enumval_exists",
            Self::EnumvalValue => "enumval_value",
            Self::TypeMatches => "type_matches",
        }
    }

    /// Whether it asks about a field, not about a type or an enum's value.
    pub fn is_field(self) -> bool {
        matches!(
            self,
            Self::FieldByteOffset
                | Self::FieldByteSize
                | Self::FieldExists
                | Self::FieldSigned
                | Self::FieldLshiftU64
                | Self::FieldRshiftU64
        )
    }

    /// Whether it asks about an enum's value.
    pub fn is_enumval(self) -> bool {
        matches!(self, Self::EnumvalExists | Self::EnumvalValue)
    }

    /// Whether it asks about a type as a whole.
    pub fn is_type(self) -> bool {
        !self.is_field() && !self.is_enumval()
    }
}

/// Why a section `.BTF.ext` cannot be read. Offsets and lengths are in bytes.
///
/// `Display` gives a clause without a full stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtError {
    /// The data ends before the length of the header.
    TooShort {
        /// How many bytes there are.
        len: usize,
    },
    /// This is not `.BTF.ext`.
    Magic {
        /// The number in the place of the magic number.
        found: u16,
    },
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
    /// One of the three lists is wrong.
    List {
        /// Its name: `func_info`, `line_info` or `core_relo`.
        list: &'static str,
        /// The offset of the fault in the data.
        offset: usize,
        /// The fault.
        reason: ListReason,
    },
}

/// The fault of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListReason {
    /// It reaches beyond the end of the data.
    Outside,
    /// Its offset is not a multiple of 4 bytes.
    Misaligned,
    /// It ends in the middle of a record or of its header.
    Truncated,
    /// Its records are too short, or their length is not a multiple of 4 bytes.
    RecordSize {
        /// The length of each.
        found: u32,
    },
    /// It has no records, or none for one of its sections.
    Empty,
}

impl fmt::Display for ListReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside => f.write_str("reaches beyond the end of the data"),
            Self::Misaligned => f.write_str("does not start at a multiple of 4 bytes"),
            Self::Truncated => f.write_str("ends in the middle of a record or of its header"),
            Self::RecordSize { found } => write!(f, "has records of {found} bytes"),
            Self::Empty => f.write_str("has no records"),
        }
    }
}

impl fmt::Display for ExtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooShort { len } => {
                write!(
                    f,
                    "the .BTF.ext header has at least 24 bytes, but there are {len}"
                )
            }
            Self::Magic { found } => {
                write!(f, "not .BTF.ext: it starts with {found:#06x}, not 0xeb9f")
            }
            Self::Version { found } => {
                write!(f, ".BTF.ext version {found} is not known, only 1 is")
            }
            Self::Flags { found } => write!(f, ".BTF.ext header flags {found:#04x} are not known"),
            Self::HeaderLen { found, len } => write!(
                f,
                "the .BTF.ext header claims to be {found} bytes long, in {len} bytes of data"
            ),
            Self::List {
                list,
                offset,
                reason,
            } => write!(f, "the .BTF.ext {list} at offset {offset} {reason}"),
        }
    }
}

impl core::error::Error for ExtError {}

/// A record of a list.
trait Record<const WORDS: usize> {
    fn decode(words: [u32; WORDS]) -> Self;
}

impl Record<2> for FuncInfo {
    fn decode([insn_off, ty]: [u32; 2]) -> Self {
        Self { insn_off, ty }
    }
}

impl Record<4> for LineInfo {
    fn decode([insn_off, file_name_off, line_off, line_col]: [u32; 4]) -> Self {
        Self {
            insn_off,
            file_name_off,
            line_off,
            line: line_col >> 10,
            column: line_col & 0x3ff,
        }
    }
}

impl Record<4> for CoreRelo {
    fn decode([insn_off, ty, access_str_off, kind]: [u32; 4]) -> Self {
        Self {
            insn_off,
            ty,
            access_str_off,
            kind,
        }
    }
}

impl ExtInfo {
    /// Reads a section, in the byte order of its magic number.
    ///
    /// The header may be one of a compiler before CO-RE, without `core_relo`, or a longer one of a
    /// later compiler. If records are longer, only their start is read.
    ///
    /// # Errors
    ///
    /// If the header or a list is wrong: see [`ListReason`].
    pub fn read(bytes: &[u8]) -> Result<Self, ExtError> {
        let len = bytes.len();
        let Some(&[a, b, version, flags, ..]) = bytes.first_chunk::<8>() else {
            return Err(ExtError::TooShort { len });
        };
        let endian = match u16::from_le_bytes([a, b]) {
            wire::MAGIC => Endian::Little,
            found if found.swap_bytes() == wire::MAGIC => Endian::Big,
            found => return Err(ExtError::Magic { found }),
        };
        if version != wire::VERSION {
            return Err(ExtError::Version { found: version });
        }
        if flags != 0 {
            return Err(ExtError::Flags { found: flags });
        }
        let data = Data { bytes, endian };
        // There are 8 bytes, so the length is there.
        let hdr_len = data.word(4).unwrap_or_default();
        if hdr_len < 24 || index(hdr_len) > len {
            return Err(ExtError::HeaderLen {
                found: hdr_len,
                len,
            });
        }

        Ok(Self {
            endian,
            func_info: data.list("func_info", hdr_len, 8)?,
            line_info: data.list("line_info", hdr_len, 16)?,
            core_relo: match hdr_len {
                ..32 => vec![],
                _ => data.list("core_relo", hdr_len, 24)?,
            },
        })
    }
}

/// The bytes of a section.
struct Data<'a> {
    bytes: &'a [u8],
    endian: Endian,
}

impl Data<'_> {
    /// The word at an offset.
    fn word(&self, at: usize) -> Option<u32> {
        let word = *self.bytes.get(at..)?.first_chunk()?;

        Some(match self.endian {
            Endian::Little => u32::from_le_bytes(word),
            Endian::Big => u32::from_be_bytes(word),
        })
    }

    /// Reads a list. Its offset and its length are at `field` in the header, which has `hdr_len` bytes.
    fn list<T: Record<WORDS>, const WORDS: usize>(
        &self,
        list: &'static str,
        hdr_len: u32,
        field: usize,
    ) -> Result<Vec<SectionInfo<T>>, ExtError> {
        let offset = self.word(field).unwrap_or_default();
        let len = self.word(field.saturating_add(4)).unwrap_or_default();
        let mut sections = vec![];
        if len == 0 {
            return Ok(sections);
        }
        let mut at = index(hdr_len).saturating_add(index(offset));
        let end = at.saturating_add(index(len));
        let error = |offset, reason| ExtError::List {
            list,
            offset,
            reason,
        };
        if offset % 4 != 0 {
            return Err(error(at, ListReason::Misaligned));
        }
        if end > self.bytes.len() {
            return Err(error(at, ListReason::Outside));
        }
        let this = Data {
            bytes: self.bytes.get(..end).unwrap_or_default(),
            endian: self.endian,
        };
        let truncated = |at| error(at, ListReason::Truncated);
        let found = this.word(at).ok_or(truncated(at))?;
        let size = index(found);
        if size < WORDS.saturating_mul(4) || size % 4 != 0 {
            return Err(error(at, ListReason::RecordSize { found }));
        }
        at = at.saturating_add(4);
        if at == end {
            return Err(error(at, ListReason::Empty));
        }

        while at < end {
            let name_off = this.word(at).ok_or(truncated(at))?;
            let count = this.word(at.saturating_add(4)).ok_or(truncated(at))?;
            if count == 0 {
                return Err(error(at, ListReason::Empty));
            }
            let start = at.saturating_add(8);
            let records = index(count)
                .checked_mul(size)
                .and_then(|len| this.bytes.get(start..start.checked_add(len)?))
                .ok_or(truncated(at))?;
            at = start.saturating_add(records.len());
            let records = (start..at).step_by(size);
            sections.push(SectionInfo {
                name_off,
                records: records.map(|at| T::decode(this.words(at))).collect(),
            });
        }
        Ok(sections)
    }

    /// The words from an offset on.
    fn words<const WORDS: usize>(&self, at: usize) -> [u32; WORDS] {
        let mut words = [0; WORDS];

        for (n, word) in words.iter_mut().enumerate() {
            let at = at.saturating_add(n.saturating_mul(4));
            *word = self.word(at).unwrap_or_default();
        }
        words
    }
}

#[cfg(test)]
mod tests;
