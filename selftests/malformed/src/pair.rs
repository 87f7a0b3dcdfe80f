// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The BTF of a module and its distilled base: as bytes, and as drafts to which types can be added
//! without any check.

use std::ops::Range;

use splitbtf::raw::wire;
use splitbtf::BtfExt;
use splitbtf::Owned;
use zerocopy::LE;

use crate::error::Of;
use crate::Error;

/// The name of the section with a module's BTF.
pub const BTF: &str = ".BTF";
/// The name of the section with the distilled base of a module's BTF.
pub const BASE: &str = ".BTF.base";

/// The contents of both sections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// `.BTF`.
    pub split: Vec<u8>,
    /// `.BTF.base`.
    pub base: Vec<u8>,
}

/// Length in bytes of 7.3's header.
const HEADER: usize = 32;

/// BTF that is being written, as words that need not be valid.
#[derive(Clone, Debug)]
pub struct Draft {
    next_id: u32,
    types: Vec<u32>,
    first_string: u32,
    strings: Vec<u8>,
}

impl Draft {
    fn empty(next_id: u32, first_string: u32, strings: &[u8]) -> Self {
        Self {
            next_id,
            types: vec![],
            first_string,
            strings: strings.to_vec(),
        }
    }

    /// The id that the next type gets.
    pub fn next_id(&self) -> u32 {
        self.next_id
    }

    /// The length of the types so far, in bytes.
    pub fn types_len(&self) -> usize {
        size_of_val(&self.types[..])
    }

    /// The offset after the last string.
    pub fn end_string(&self) -> u32 {
        self.first_string + self.strings.len() as u32
    }

    /// Adds a string, and returns its offset.
    pub fn string(&mut self, string: impl AsRef<[u8]>) -> u32 {
        let offset = self.end_string();

        self.strings.extend(string.as_ref());
        self.strings.push(0);
        offset
    }

    /// Adds a type, and returns its id. `info` is the kind, with `vlen` and flag if it has any.
    pub fn add(&mut self, name: u32, info: impl Into<Info>, arg: u32, data: &[u32]) -> u32 {
        let id = self.next_id;

        self.types.extend([name, info.into().0, arg]);
        self.types.extend(data);
        self.next_id += 1;
        id
    }

    /// Adds a 32-bit `int`.
    pub fn int(&mut self) -> u32 {
        let name = self.string("int");

        self.add(name, wire::INT, 4, &[0x0100_0020])
    }

    /// Adds a struct without a name that has one member.
    pub fn holder(&mut self, member: u32) -> u32 {
        self.add(0, Info::of(wire::STRUCT, 1), 64, &[0, member, 0])
    }

    /// Removes the last word of the types.
    pub fn truncate(&mut self) {
        self.types.pop();
    }

    /// The header, the types, the strings.
    pub fn bytes(&self) -> Vec<u8> {
        let types = self.types_len() as u32;
        let strings = self.strings.len() as u32;
        let mut bytes = wire::MAGIC.to_le_bytes().to_vec();

        bytes.extend([wire::VERSION, 0]);
        for word in [HEADER as u32, 0, types, types, strings, 0, 0] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(self.types.iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend(&self.strings);
        bytes
    }
}

/// `info` of `struct btf_type`.
#[derive(Clone, Copy, Debug)]
pub struct Info(pub u32);

impl Info {
    /// The word for a kind with a `vlen`.
    pub const fn of(kind: u8, vlen: u32) -> Self {
        Self((kind as u32) << 24 | vlen)
    }

    /// The same with `kind_flag`.
    pub const fn flagged(self) -> Self {
        Self(self.0 | 1 << 31)
    }
}

impl From<u8> for Info {
    fn from(kind: u8) -> Self {
        Self::of(kind, 0)
    }
}

/// A base and the split BTF on it, both being written.
#[derive(Clone, Debug)]
pub struct Drafts {
    /// The base.
    pub base: Draft,
    /// The split BTF. After it is created, no types or strings may be added to the base.
    pub split: Draft,
}

impl Drafts {
    /// Two drafts without types.
    pub fn empty() -> Self {
        Self::on(Draft::empty(1, 0, b"\0"))
    }

    /// Split BTF without any type on this base.
    pub fn on(base: Draft) -> Self {
        let split = Draft::empty(base.next_id, base.end_string(), b"");

        Self { base, split }
    }

    /// The drafts of a module's BTF, which must be valid.
    ///
    /// # Errors
    ///
    /// [`Error::Btf`].
    pub fn of(pair: &Pair) -> Result<Self, Error> {
        let base = Owned::<LE>::new(pair.base.clone(), None).of(BASE)?;
        let split = Owned::<LE>::new(pair.split.clone(), Some(&base)).of(BTF)?;
        let (base, split) = (base.btf(), split.btf());
        base.validated().of(BASE)?;
        split.validated().of(BTF)?;

        Ok(Self {
            base: Draft::of(&pair.base, base.end_id(), 0),
            split: Draft::of(&pair.split, split.end_id(), split.first_string()),
        })
    }

    /// The bytes of both.
    pub fn pair(&self) -> Pair {
        Pair {
            split: self.split.bytes(),
            base: self.base.bytes(),
        }
    }
}

impl Draft {
    /// `bytes` must have been opened as BTF before.
    fn of(bytes: &[u8], next_id: u32, first_string: u32) -> Self {
        let section = |field: Field| {
            let end = Field::HdrLen.read(bytes) as usize;
            let Range { start, .. } = field.at();
            let word = |at: usize| {
                let word = bytes.get(at..).and_then(|rest| rest.first_chunk());
                u32::from_le_bytes(word.copied().unwrap_or_default()) as usize
            };
            let rest = bytes.get(end + word(start)..).unwrap_or_default();
            rest.get(..word(start + 4)).unwrap_or_default()
        };
        let words = section(Field::TypeOff).chunks_exact(4);

        Self {
            next_id,
            types: words
                .filter_map(|word| word.first_chunk())
                .map(|word| u32::from_le_bytes(*word))
                .collect(),
            first_string,
            strings: section(Field::StrOff).to_vec(),
        }
    }
}

/// A field of `struct btf_header`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `hdr_len`.
    HdrLen,
    /// `type_off`.
    TypeOff,
    /// `type_len`.
    TypeLen,
    /// `str_off`.
    StrOff,
    /// `str_len`.
    StrLen,
    /// `layout_off`.
    LayoutOff,
    /// `layout_len`.
    LayoutLen,
}

impl Field {
    fn at(self) -> Range<usize> {
        let begin = size_of::<u32>() * (self as usize + 1);

        begin..begin + size_of::<u32>()
    }

    /// Reads this field; 0 if it is not there.
    pub fn read(self, bytes: &[u8]) -> u32 {
        let word = bytes.get(self.at()).and_then(|field| field.first_chunk());

        u32::from_le_bytes(word.copied().unwrap_or_default())
    }

    /// Writes this field, if it is there.
    pub fn write(self, bytes: &mut [u8], value: u32) {
        if let Some(field) = bytes.get_mut(self.at()) {
            field.copy_from_slice(&value.to_le_bytes());
        }
    }
}
