// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Writes BTF as text: all that is in it, or as C.

mod c;
mod json;
mod raw;
mod source;
#[cfg(test)]
mod tests;
mod text;

use std::io;
use std::io::Write;

use splitbtf::in_order;
use splitbtf::Btf;
use splitbtf::Endian;
use splitbtf::Mismatch;
use splitbtf::TypeName;
use zerocopy::ByteOrder;

use crate::Error;

pub use self::source::Source;
pub use self::source::VMLINUX;

use self::json::Json;
pub(crate) use self::raw::kind_name;

use self::raw::Plain;
use self::text::Text;

/// How BTF is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// All that is in it, a type after the other.
    Plain,
    /// The same as JSON, on one line.
    Json,
    /// The same as JSON, on many lines.
    PrettyJson,
    /// As a C header with all types.
    C,
}

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

/// Writes the BTF of `source` to `to`: of split BTF what is not in the base, but as C the base as
/// well. With `roots`, only these types, and as C what they need.
///
/// # Errors
///
/// If the BTF is wrong, has no such type or nothing that C could express, or `to` fails.
pub fn dump(
    source: &Source,
    format: Format,
    roots: &[Root],
    to: impl Write,
) -> Result<(), DumpError> {
    in_order!(Endian::of(source.bytes())?, O => dump_in::<O>(source, format, roots, to))
}

fn dump_in<O: ByteOrder>(
    source: &Source,
    format: Format,
    roots: &[Root],
    to: impl Write,
) -> Result<(), DumpError> {
    let text = Text::new(to);

    opened::<O, _>(source, |btf| {
        if let Format::C = format {
            return c::dump(btf, &ids(btf, roots)?, text);
        }
        let ids = match roots {
            [] => (btf.first_id()..btf.end_id()).collect(),
            roots => ids(btf, roots)?,
        };
        let ids = ids.into_iter();
        match format {
            Format::Json => raw::dump(btf, ids, Json::new(text, false)),
            Format::PrettyJson => raw::dump(btf, ids, Json::new(text, true)),
            _ => raw::dump(btf, ids, Plain::new(text)),
        }
    })
}

/// Opens BTF for as long as `then` takes.
fn opened<O: ByteOrder, T>(
    source: &Source,
    then: impl FnOnce(&Btf<'_, O>) -> Result<T, DumpError>,
) -> Result<T, DumpError> {
    let mut base_index;
    let base = match source.base() {
        Some(base) => {
            let types = splitbtf::max_types::<O>(base).map_err(DumpError::Base)?;
            base_index = vec![0; types];
            Some(Btf::<O>::open(base, None, &mut base_index).map_err(DumpError::Base)?)
        }
        None => None,
    };
    let mut index = vec![0; splitbtf::max_types::<O>(source.bytes())?];
    let btf = Btf::open(source.bytes(), base.as_ref(), &mut index)?;

    then(&btf)
}

/// The ids of the types that are asked for.
fn ids<O: ByteOrder>(btf: &Btf<'_, O>, roots: &[Root]) -> Result<Vec<u32>, DumpError> {
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
