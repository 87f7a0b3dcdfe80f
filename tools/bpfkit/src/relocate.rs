// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Relocating the BTF of distilled modules to a kernel, as that kernel does when it loads them.

use std::path::PathBuf;

use serde::Serialize;
use serde::Serializer;
use splitbtf::Btf;
use splitbtf::Error as BtfError;
use splitbtf::Mismatch;
use splitbtf::Names;
use splitbtf::Owned;
use splitbtf::Policy;
use zerocopy::ByteOrder;

use crate::input::BASE_SECTION;
use crate::input::SECTION;
use crate::Input;
use crate::InputError;

/// Why a module's BTF is not relocated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelocateError {
    /// The file cannot be read, or lacks `.BTF` or `.BTF.base`.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Its BTF is wrong.
    #[error("{}: {section}: {source}", path.display())]
    Btf {
        /// The file.
        path: PathBuf,
        /// The section.
        section: &'static str,
        /// What is wrong with it.
        source: BtfError,
    },
    /// It needs a type that the kernel does not have.
    #[error("{}: {BASE_SECTION}: BTF type {id} '{name}': {reason}", path.display())]
    Unmatched {
        /// The file.
        path: PathBuf,
        /// The type's id in the distilled base.
        id: u32,
        /// Its name.
        name: String,
        /// Why none of the kernel's will do.
        reason: Mismatch,
    },
}

/// The BTF of a module on that of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocated {
    /// The split BTF.
    pub bytes: Vec<u8>,
    /// The id of each type, by what it was before: first those of the distilled base, then those of
    /// the module.
    pub id_map: Vec<u32>,
    /// The types that the kernel does not have.
    pub stubs: Vec<Stub>,
}

/// A type that has been kept, as a name and a size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stub {
    /// Its id in the distilled base.
    pub id: u32,
    /// Its id now.
    pub new_id: u32,
    /// Its name.
    pub name: String,
    /// Why none of the kernel's will do.
    #[serde(serialize_with = "as_text")]
    pub reason: Mismatch,
}

fn as_text<S: Serializer>(reason: &Mismatch, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(reason)
}

/// Relocates the BTF of a module from its distilled base to the types of a kernel.
///
/// # Errors
///
/// If the module has no BTF or no distilled base, or they are wrong; with [`Policy::Error`],
/// [`RelocateError::Unmatched`] for the first type that the kernel does not have.
pub fn relocate<O: ByteOrder>(
    module: &Input,
    kernel: &Names<'_, O>,
    policy: Policy,
) -> Result<Relocated, RelocateError> {
    let wrong = |section| {
        move |source| RelocateError::Btf {
            path: module.path().to_owned(),
            section,
            source,
        }
    };
    let split = module.need(SECTION)?;
    let base = module.need(BASE_SECTION)?;
    let base = Owned::<O>::new(base.to_vec(), None).map_err(wrong(BASE_SECTION))?;
    let base = base.view(None).map_err(wrong(BASE_SECTION))?;
    base.validated().map_err(wrong(BASE_SECTION))?;
    let mut room = vec![0; splitbtf::max_types::<O>(split).map_err(wrong(SECTION))?];
    let split = Btf::open(split, Some(&base), &mut room).map_err(wrong(SECTION))?;
    let split = split.validated().map_err(wrong(SECTION))?;
    let name = |id| {
        let name = base.get(id).and_then(|ty| base.string(ty.name_off));
        name.map(|name| name.escape_ascii().to_string())
            .map_err(wrong(BASE_SECTION))
    };

    let relocated = match splitbtf::relocate(&split, kernel, policy) {
        Err(BtfError::Unmatched { id, reason, .. }) => {
            return Err(RelocateError::Unmatched {
                path: module.path().to_owned(),
                id,
                name: name(id)?,
                reason,
            })
        }
        result => result.map_err(wrong(SECTION))?,
    };
    let stubs = relocated.kept.iter().map(|kept| {
        Ok(Stub {
            id: kept.id,
            new_id: kept.new_id,
            name: name(kept.id)?,
            reason: kept.reason,
        })
    });
    Ok(Relocated {
        stubs: stubs.collect::<Result<_, RelocateError>>()?,
        bytes: relocated.bytes,
        id_map: relocated.id_map,
    })
}
