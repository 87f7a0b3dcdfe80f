// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! A module that has been relocated, as text and as JSON.

use std::fmt;
use std::path::Path;

use serde::Serialize;
use serde::Serializer;

use crate::relocate::shown;
use crate::relocate::OwnType;
use crate::relocate::Relocated;

use super::mismatch::MismatchJson;
use super::PathText;

/// The result of relocating a module. `Display` writes a line for each type that matches none of the
/// kernel.
pub struct Report<'a> {
    /// The module.
    pub module: &'a Path,
    /// The file that has been written.
    pub output: Option<&'a Path>,
    /// The result.
    pub relocated: &'a Relocated,
}

#[derive(Serialize)]
struct ReportJson<'a> {
    module: PathText<'a>,
    output: Option<PathText<'a>>,
    id_map: &'a [u32],
    opaque: Vec<TypeJson<'a>>,
    kept: Vec<TypeJson<'a>>,
}

#[derive(Serialize)]
struct TypeJson<'a> {
    id: u32,
    new_id: u32,
    kind: &'static str,
    name: &'a str,
    mismatch: MismatchJson,
}

impl<'a> TypeJson<'a> {
    fn of(ty: &'a OwnType) -> Self {
        Self {
            id: ty.id,
            new_id: ty.new_id,
            kind: ty.kind,
            name: &ty.name,
            mismatch: (&ty.reason).into(),
        }
    }
}

impl Serialize for Report<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ReportJson {
            module: PathText(self.module),
            output: self.output.map(PathText),
            id_map: &self.relocated.id_map,
            opaque: self.relocated.opaque.iter().map(TypeJson::of).collect(),
            kept: self.relocated.kept.iter().map(TypeJson::of).collect(),
        }
        .serialize(serializer)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Relocated { opaque, kept, .. } = self.relocated;

        for (types, is) in [(opaque, "opaque"), (kept, "kept")] {
            for ty in types {
                let reason = shown(&ty.reason);
                writeln!(f, "[{}] '{}' is {is}: {reason}", ty.new_id, ty.name)?;
            }
        }
        Ok(())
    }
}
