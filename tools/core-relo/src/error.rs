// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Errors, with messages for people. Their data can be written and read by `serde`.

use serde::Deserialize;
use serde::Serialize;

/// The longest name that is read, in bytes: that of a symbol of the kernel.
pub(crate) const MAX_NAME: usize = 512;

/// A relocation that no kernel can satisfy: the object is malformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("CO-RE relocation at offset {offset} of section {section}: {reason}")]
pub struct Error {
    /// The name of the section with the instruction.
    pub section: String,
    /// The offset of the instruction in it, in bytes.
    pub offset: u32,
    /// The reason.
    pub reason: Invalid,
}

/// Why a relocation is malformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Invalid {
    /// The name of the section does not exist.
    #[error("the name of the section, at string offset {name_off}, is not there")]
    SectionName {
        /// The offset in the strings.
        name_off: u32,
    },
    /// The offset is not that of an instruction.
    #[error("the offset is not a multiple of 8 bytes")]
    Misaligned,
    /// The instruction is not there, or only half of it.
    #[error("the instruction is not in program {program}, or not all of it")]
    Instruction {
        /// The program that the offset is in.
        program: String,
    },
    /// The kind is not known.
    #[error("relocations of kind {number} are not known")]
    Kind {
        /// Its number.
        number: u32,
    },
    /// The type has no name to look for.
    #[error("type {type_id} has no name: the kernel cannot be searched for it")]
    Anonymous {
        /// The type.
        type_id: u32,
    },
    /// The access string is no list of numbers with colons between them.
    #[error("the access string '{access}' is malformed")]
    Access {
        /// The string.
        access: String,
    },
    /// The access string has a number that the type has no part for.
    #[error("access string '{access}': {ty} has no part {index}")]
    Part {
        /// The string.
        access: String,
        /// The type.
        ty: String,
        /// The number.
        index: u32,
    },
    /// The local types are malformed.
    #[error(transparent)]
    Types {
        /// The fault.
        #[from]
        fault: Fault,
    },
}

/// Why a relocation cannot be decided: libbpf refuses the object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// BTF is malformed.
    #[error("{reason}")]
    Btf {
        /// The error of `splitbtf`.
        reason: String,
    },
    /// A name does not exist, or it is too long.
    #[error("the name at string offset {name_off} is not there, or longer than {MAX_NAME} bytes")]
    Name {
        /// The offset in the strings.
        name_off: u32,
    },
    /// Types are nested deeper than libbpf follows them.
    #[error("type {type_id} is nested too deep")]
    Depth {
        /// The type.
        type_id: u32,
    },
    /// A type has no size, but is needed as a value.
    #[error("type {type_id} has no size")]
    NoSize {
        /// The type.
        type_id: u32,
    },
    /// An offset or a size does not fit into 32 bits.
    #[error("an offset or a size in type {type_id} does not fit into 32 bits")]
    Range {
        /// The type.
        type_id: u32,
    },
    /// A bit-field cannot be read at once.
    #[error("a bit-field of {bits} bits at bit {bit_offset} cannot be read with 64 bits")]
    BitField {
        /// Its offset in bits.
        bit_offset: u32,
        /// Its width in bits.
        bits: u8,
    },
    /// A relocation of this kind needs a member.
    #[error("'{kind}' is not defined for the element of an array")]
    Element {
        /// The kind's name.
        kind: String,
    },
    /// The input needs more work than its length explains.
    #[error("the types are so nested, or so many of one name, that the search was given up")]
    Work,
}

impl From<splitbtf::Error> for Fault {
    fn from(error: splitbtf::Error) -> Self {
        Self::Btf {
            reason: error.to_string(),
        }
    }
}

/// Why a decision cannot be carried out on these instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatchError {
    /// The instruction is not there.
    #[error("there is no instruction {insn} in {len} bytes")]
    Outside {
        /// Its number.
        insn: u32,
        /// How many bytes there are.
        len: usize,
    },
    /// The decision was made for another instruction.
    #[error("instruction {insn} is not the one that the decision was made for")]
    Other {
        /// Its number.
        insn: u32,
    },
}
