// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Reads BTF from a file or the kernel, finds types in it, and writes it as C.

mod c;
mod source;
#[cfg(test)]
mod tests;
mod text;

use std::io;
use std::io::Write;

use splitbtf::in_order;
use splitbtf::Btf;
use splitbtf::Kind;
use splitbtf::Mismatch;
use splitbtf::TypeName;
use zerocopy::ByteOrder;

use crate::Error;
use crate::Stranger;

pub use self::source::Source;
pub use self::source::VMLINUX;
pub use self::text::Text;

/// A requested type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// By its id.
    Id(u32),
    /// All types with this name.
    Name(String),
}

impl From<&str> for Root {
    /// A number is an id: no name in C begins with a digit.
    fn from(text: &str) -> Self {
        match text.parse() {
            Ok(id) => Self::Id(id),
            Err(_) => Self::Name(text.into()),
        }
    }
}

/// Why BTF cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// The BTF is malformed.
    #[error(transparent)]
    Btf(#[from] splitbtf::Error),
    /// Its base is malformed.
    #[error("in the base: {0}")]
    Base(splitbtf::Error),
    /// It was not made for this base.
    #[error(transparent)]
    OtherBase(#[from] Stranger),
    /// The kernel that it is relocated to cannot be read.
    #[error(transparent)]
    Kernel(#[from] Error),
    /// A type of its distilled base must match one of the kernel's, and does not.
    #[error(
        "type {id} '{name}' of its distilled base{} does not match: {}",
        if *contained { " is contained and" } else { "" },
        crate::relocate::shown(reason)
    )]
    Unmatched {
        /// The type's id in the distilled base.
        id: u32,
        /// Its name.
        name: TypeName,
        /// Whether the split BTF contains it.
        contained: bool,
        /// Why it does not match.
        reason: Mismatch,
    },
    /// The text cannot be written.
    #[error("the dump cannot be written: {0}")]
    Write(#[from] io::Error),
    /// No type has the requested name.
    #[error("there is no BTF type '{name}'")]
    NoSuchRoot {
        /// The name.
        name: String,
    },
    /// C cannot express a type.
    #[error("BTF type {id} cannot be written as C: {reason}")]
    NotC {
        /// Its id.
        id: u32,
        /// Why.
        reason: NotC,
    },
}

/// Why C cannot express a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotC {
    /// A struct that has itself as a member, or a typedef of itself.
    #[error("it contains itself")]
    Cycle,
    /// A chain of types without names that is very long, or does not end.
    #[error("it is nested too deep, or leads back to itself")]
    Depth,
    /// Structs without names, repeated so often that the text would have no end.
    #[error("the structs without names in it are repeated too often")]
    Repeats,
    /// A member that begins before the end of the one before it.
    #[error("its member {index} overlaps the one before")]
    Overlap {
        /// Which member, from 0.
        index: usize,
    },
    /// A member that reaches beyond the end.
    #[error("its member {index} reaches beyond its end")]
    Outside {
        /// Which member, from 0.
        index: usize,
    },
    /// A type that no value has, where a value's type is needed.
    #[error("it is no type of a value")]
    Kind,
}

/// Writes the BTF of `source` and of its base to `to`, as a C header. With `roots`, only these
/// types and those that they need.
///
/// # Errors
///
/// If the BTF is malformed, lacks a root or has a type that C cannot express, or if `to` fails.
pub fn header(source: &Source, roots: &[Root], to: impl Write) -> Result<(), DumpError> {
    in_order!(source.endian()?, O => source.opened::<O, _>(|btf| {
        c::dump(btf, &ids(btf, roots)?, Text::new(to))
    }))
}

/// The ids of the requested types, in the order of `roots`; those of one name ascending.
///
/// # Errors
///
/// If there is no such type, or the BTF is malformed.
pub fn ids<O: ByteOrder>(btf: &Btf<'_, O>, roots: &[Root]) -> Result<Vec<u32>, DumpError> {
    let mut ids = Vec::new();

    for root in roots {
        match root {
            Root::Id(id) => ids.push(btf.get(*id)?.id),
            Root::Name(name) => {
                let before = ids.len();
                for id in 1..btf.end_id() {
                    let ty = btf.get(id)?;
                    if ty.name_off != 0 && btf.string(ty.name_off)? == name.as_bytes() {
                        ids.push(id);
                    }
                }
                if ids.len() == before {
                    return Err(DumpError::NoSuchRoot { name: name.clone() });
                }
            }
        }
    }
    Ok(ids)
}

/// The name of a kind, as `STRUCT`; `UNKNOWN` if it has none.
pub fn kind_name(kind: &Kind<'_>) -> &'static str {
    splitbtf::kind::name(kind.number()).unwrap_or("UNKNOWN")
}
