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

pub use self::source::Source;
pub use self::source::VMLINUX;
pub use self::text::Text;

/// A type that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// By its id.
    Id(u32),
    /// By its name: all types that are called so.
    Name(String),
}

impl From<&str> for Root {
    /// What is a number is an id: no name in C begins with a digit.
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
    /// It is wrong.
    #[error(transparent)]
    Btf(#[from] splitbtf::Error),
    /// Its base is wrong.
    #[error("in the base: {0}")]
    Base(splitbtf::Error),
    /// The kernel that it is relocated to cannot be read.
    #[error(transparent)]
    Kernel(#[from] Error),
    /// It has a type that matches none of the kernel that it is relocated to, and that must.
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
    /// Nobody takes the text.
    #[error("the dump cannot be written: {0}")]
    Write(#[from] io::Error),
    /// There is no type with the name that is asked for.
    #[error("there is no BTF type '{name}'")]
    NoSuchRoot {
        /// The name.
        name: String,
    },
    /// A type that C has no words for.
    #[error("BTF type {id} cannot be written as C: {reason}")]
    NotC {
        /// Its id.
        id: u32,
        /// Why.
        reason: NotC,
    },
}

/// What C has no words for.
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
    /// Something that is no type of a value, in the place of one.
    #[error("it is no type of a value")]
    Kind,
}

/// Writes the BTF of `source` to `to` as a C header, with that of its base. With `roots`, only these
/// types and what they need.
///
/// # Errors
///
/// If the BTF is wrong, has no such type or nothing that C could express, or `to` fails.
pub fn header(source: &Source, roots: &[Root], to: impl Write) -> Result<(), DumpError> {
    in_order!(source.endian()?, O => source.opened::<O, _>(|btf| {
        c::dump(btf, &ids(btf, roots)?, Text::new(to))
    }))
}

/// The ids of the types that are asked for, in the order of `roots`; those of a name by id.
///
/// # Errors
///
/// If there is no such type, or the BTF is wrong.
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
