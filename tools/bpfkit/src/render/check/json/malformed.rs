// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The first error in malformed BTF, as JSON.

use serde::Serialize;
use splitbtf::Error;
use splitbtf::TypeReason;

use crate::check::Problem;

/// The sentence, and what it says as numbers and words.
#[derive(Serialize)]
pub(super) struct MalformedJson {
    /// The section of the module.
    section: &'static str,
    text: String,
    /// Whose code finds the error.
    found_by: &'static str,
    #[serde(flatten)]
    place: Place,
}

/// Where the error is. Offsets are in bytes.
#[derive(Default, Serialize)]
struct Place {
    /// The type with the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<KindJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Its place in the type section.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u32>,
    /// The id that it has, and that no type has.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_id: Option<u32>,
    /// The offset that it has, and at which there is no string.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_string: Option<u32>,
    /// A part of the BTF: its place after the header, and its length.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<Part>,
}

/// The name of a kind, or its number if it has none.
#[derive(Serialize)]
#[serde(untagged)]
enum KindJson {
    Name(&'static str),
    Number(u8),
}

#[derive(Serialize)]
struct Part {
    name: String,
    offset: u32,
    bytes: u32,
}

impl MalformedJson {
    pub(super) fn of(section: &'static str, problem: &Problem) -> Self {
        Self {
            section,
            text: problem.to_string(),
            found_by: match problem {
                Problem::Parse(_) => "c",
                Problem::Btf(_) => "rust",
            },
            place: match problem {
                Problem::Parse(error) => {
                    let (kind, name) = error.ty.clone().unzip();
                    Place {
                        id: error.id,
                        kind: kind.map(KindJson::Name),
                        name,
                        ..Place::default()
                    }
                }
                Problem::Btf(error) => Place::of(error),
            },
        }
    }
}

impl Place {
    fn of(error: &Error) -> Self {
        let none = Self::default();

        match *error {
            Error::Type {
                id,
                kind,
                name,
                offset,
                reason,
            } => Self {
                id: Some(id),
                kind: Some(
                    splitbtf::kind::name(kind).map_or(KindJson::Number(kind), KindJson::Name),
                ),
                name: Some(name.to_string()).filter(|name| !name.is_empty()),
                offset: Some(offset),
                missing_id: match reason {
                    TypeReason::NoSuchType { id } => Some(id),
                    _ => None,
                },
                missing_string: match reason {
                    TypeReason::NoSuchString { offset } => Some(offset),
                    _ => None,
                },
                ..none
            },
            Error::Cycle { id } => Self {
                id: Some(id),
                ..none
            },
            Error::Id { id, .. } => Self {
                missing_id: Some(id),
                ..none
            },
            Error::String { offset, .. } => Self {
                missing_string: Some(offset),
                ..none
            },
            Error::Section {
                section,
                offset,
                len,
                ..
            } => Self {
                part: Some(Part {
                    name: section.to_string(),
                    offset,
                    bytes: len,
                }),
                ..none
            },
            _ => none,
        }
    }
}
