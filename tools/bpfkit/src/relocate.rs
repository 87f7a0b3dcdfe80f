// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Relocates the BTF of distilled modules to a kernel, as that kernel does when it loads them.

use std::fmt;

use splitbtf::BtfExt;
use splitbtf::Error as BtfError;
use splitbtf::Mismatch;
use splitbtf::Names;
use splitbtf::Own;
use splitbtf::Owned;
use splitbtf::Policy;
use splitbtf::TypeName;
use zerocopy::ByteOrder;

use crate::dump::kind_name;
use crate::file_error::FileError;
use crate::input::InputProblem;
use crate::input::BASE_SECTION;
use crate::input::SECTION;
use crate::Input;
use crate::InputError;

/// Why a module's BTF is not relocated.
pub type RelocateError = FileError<RelocateProblem>;

/// Why a module's BTF is not relocated: the part of a [`RelocateError`] that does not name the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelocateProblem {
    /// The file cannot be read, or its `.BTF` or `.BTF.base` is missing or malformed.
    #[error(transparent)]
    Input(#[from] InputProblem),
    /// A type must match one of the kernel's, and does not.
    #[error(
        "BTF type {id} '{name}'{} does not match: {}",
        if *contained { " is contained and" } else { "" },
        shown(reason)
    )]
    Unmatched {
        /// The type's id in the distilled base.
        id: u32,
        /// Its name.
        name: TypeName,
        /// Whether the module contains it.
        contained: bool,
        /// Why it does not match.
        reason: Mismatch,
    },
}

impl From<InputError> for RelocateError {
    fn from(error: InputError) -> Self {
        error.map()
    }
}

/// The BTF of a module, relocated to that of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocated {
    /// The split BTF.
    pub bytes: Vec<u8>,
    /// The new id of each type, by its old id: first the types of the distilled base, then those of
    /// the module.
    pub id_map: Vec<u32>,
    /// The types that match none of the kernel and that are opaque in the module.
    pub opaque: Vec<OwnType>,
    /// The types that match none of the kernel and that the module keeps.
    pub kept: Vec<OwnType>,
}

/// The module's own type for one that matches none of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnType {
    /// Its id in the distilled base.
    pub id: u32,
    /// Its new id.
    pub new_id: u32,
    /// Its kind in the distilled base, as `STRUCT`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Why it does not match.
    pub reason: Mismatch,
}

/// Why a type of a module matches none of a kernel, in the kernel's words.
pub fn shown(reason: &Mismatch) -> impl fmt::Display {
    reason.between("the module", "vmlinux")
}

/// Relocates the BTF of a module from its distilled base to the types of a kernel.
///
/// # Errors
///
/// If the module's BTF or distilled base is missing or malformed; [`RelocateProblem::Unmatched`]
/// for the first type that must match by the policy, and does not.
pub fn relocate<O: ByteOrder + 'static>(
    module: &Input,
    kernel: &Names<'_, O>,
    policy: Policy,
) -> Result<Relocated, RelocateError> {
    let split = module.need(SECTION)?;
    let base = module.need(BASE_SECTION)?;
    let base = Owned::<O>::valid(base.to_vec(), None).map_err(module.wrong(BASE_SECTION))?;
    let split = Owned::new(split.to_vec(), Some(&base)).map_err(module.wrong(SECTION))?;
    let split = split.btf().validated().map_err(module.wrong(SECTION))?;
    let base = base.btf();
    let described = |id| {
        let ty = base.get(id)?;
        let name = base.string(ty.name_off)?;
        Ok((kind_name(&ty.kind), name.escape_ascii().to_string()))
    };

    let relocated = match splitbtf::relocate(&split, kernel, policy) {
        Err(BtfError::Unmatched {
            id,
            contained,
            reason,
            name,
            ..
        }) => {
            let problem = RelocateProblem::Unmatched {
                id,
                name,
                contained,
                reason,
            };
            return Err(RelocateError::in_section(
                module.path(),
                BASE_SECTION,
                problem,
            ));
        }
        result => result.map_err(module.wrong(SECTION))?,
    };
    let own = |own| {
        let types = relocated.kept.iter().filter(move |kept| kept.own == own);
        let types = types.map(|kept| {
            let (kind, name) = described(kept.id).map_err(module.wrong(BASE_SECTION))?;
            Ok(OwnType {
                id: kept.id,
                new_id: kept.new_id,
                kind,
                name,
                reason: kept.reason,
            })
        });
        types.collect::<Result<_, RelocateError>>()
    };
    Ok(Relocated {
        opaque: own(Own::Opaque)?,
        kept: own(Own::Kept)?,
        bytes: relocated.bytes,
        id_map: relocated.id_map,
    })
}

#[cfg(test)]
mod tests;
