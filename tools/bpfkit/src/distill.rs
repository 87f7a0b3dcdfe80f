// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Distilling modules: what `resolve_btfids --distill_base` does while the kernel's build makes an
//! out-of-tree module, for a module that has been built.

mod ids;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use splitbtf::Btf;
use splitbtf::Distiller;
use splitbtf::Owned;
use zerocopy::ByteOrder;

use crate::elf;
use crate::elf::ElfError;
use crate::input::BASE_SECTION;
use crate::input::SECTION;
use crate::Input;
use crate::InputError;

use self::ids::IdsError;

/// How the last bytes of a signed module read: `MODULE_SIGNATURE_MARKER` of the kernel's
/// `include/uapi/linux/module_signature.h`.
const SIGNED: &[u8] = b"~Module signature appended~\n";

/// Why a module is not distilled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DistillError {
    /// The file cannot be read, or has no BTF.
    #[error(transparent)]
    Input(#[from] InputError),
    /// It is BTF by itself.
    #[error("{}: this is BTF by itself and no module", path.display())]
    NotElf {
        /// The file.
        path: PathBuf,
    },
    /// It is signed.
    #[error("{}: this is a signed module, whose signature would be wrong then; sign after distilling", path.display())]
    Signed {
        /// The file.
        path: PathBuf,
    },
    /// It has a distilled base.
    #[error("{}: {BASE_SECTION}: it has been distilled already", path.display())]
    Distilled {
        /// The file.
        path: PathBuf,
    },
    /// It was built for another kernel.
    #[error("{}: {SECTION}: the base is not that of the kernel it was built for: a name in BTF type {id} is none there (offset {offset} of the strings)", path.display())]
    OtherBase {
        /// The file.
        path: PathBuf,
        /// The type.
        id: u32,
        /// Where the name should be, in bytes from the begin of the base's strings.
        offset: u32,
    },
    /// Its BTF is wrong.
    #[error("{}: {SECTION}: {source}", path.display())]
    Btf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: splitbtf::Error,
    },
    /// Its ids of types are wrong.
    #[error("{}: {}: {source}", path.display(), ids::SECTION)]
    Ids {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        source: IdsError,
    },
    /// It cannot be rewritten.
    #[error("{}: ELF: {source}", path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: ElfError,
    },
}

/// A distilled module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distilled {
    /// The file: what was read, not compressed any more, with new sections `.BTF` and `.BTF.base` and
    /// new ids in `.BTF_ids`.
    pub bytes: Vec<u8>,
    /// How many types the module has.
    pub types: u32,
    /// How many types the distilled base has.
    pub base_types: u32,
    /// Length in bytes of `.BTF` before.
    pub before: usize,
    /// Length in bytes of `.BTF` and `.BTF.base`.
    pub after: usize,
    /// What `.BTF_ids` had an id for that the module's own types do not refer to, as
    /// `struct__task_struct__1`. The id is 0 now, as `resolve_btfids` has it.
    pub lost: Vec<String>,
}

/// Distils a module. `base` is the BTF of the kernel that it was built for; `distiller` is memory
/// that can be used for the next one.
///
/// # Errors
///
/// If this is not a module with BTF, its BTF or another part of it is wrong, the base is not its own,
/// or it is signed or distilled already.
pub fn distill<O: ByteOrder>(
    module: &Input,
    base: &Btf<'_, O>,
    distiller: &mut Distiller,
) -> Result<Distilled, DistillError> {
    let path = || module.path().to_owned();
    let (elf, file) = module
        .elf()?
        .ok_or_else(|| DistillError::NotElf { path: path() })?;
    if file.ends_with(SIGNED) {
        return Err(DistillError::Signed { path: path() });
    }
    let split = module.need(SECTION)?;
    if module.section(BASE_SECTION)?.is_some() {
        return Err(DistillError::Distilled { path: path() });
    }
    let btf = |source| DistillError::Btf {
        path: path(),
        source,
    };

    let mut room = vec![0; splitbtf::max_types::<O>(split).map_err(btf)?];
    let view = Btf::open(split, Some(base), &mut room).map_err(btf)?;
    if let Some((id, offset)) = stranger(&view).map_err(btf)? {
        return Err(DistillError::OtherBase {
            path: path(),
            id,
            offset,
        });
    }
    let valid = view.validated().map_err(btf)?;
    let distilled = distiller.distill(&valid).map_err(btf)?;
    let ids = ids::rewrite::<O>(&elf, |id| distilled.id(id)).map_err(|source| {
        let path = path();
        DistillError::Ids { path, source }
    })?;

    let mut sections = vec![
        (SECTION, distilled.split.as_slice()),
        (BASE_SECTION, &distilled.base),
    ];
    if let Some(ids) = &ids {
        sections.push((ids::SECTION, &ids.bytes));
    }
    let bytes = elf::rewrite(file, &sections).map_err(|source| {
        let path = path();
        DistillError::Elf { path, source }
    })?;
    let after = distilled.base.len() + distilled.split.len();
    let (types, base_types) = count::<O>(distilled.base, distilled.split).map_err(btf)?;
    Ok(Distilled {
        bytes,
        types,
        base_types,
        before: split.len(),
        after,
        lost: ids.map(|ids| ids.lost).unwrap_or_default(),
    })
}

/// A type that has a name which does not begin where a string does: this shows that the base is not
/// its own. Also returns the name's offset. All writers of BTF for modules take whole strings.
fn stranger<O: ByteOrder>(split: &Btf<'_, O>) -> Result<Option<(u32, u32)>, splitbtf::Error> {
    for id in split.first_id()..split.end_id() {
        for offset in split.names(id)? {
            let before = offset.checked_sub(1);
            if before.is_some_and(|before| split.string(before) != Ok(b"")) {
                return Ok(Some((id, offset)));
            }
        }
    }
    Ok(None)
}

/// How many types there are in split BTF, and in its base.
fn count<O: ByteOrder>(base: Vec<u8>, split: Vec<u8>) -> Result<(u32, u32), splitbtf::Error> {
    let base = Owned::<O>::new(base, None)?;
    let base = base.view(None)?;
    let split = Owned::new(split, Some(&base))?;
    let split = split.view(Some(&base))?;
    let types = |btf: &Btf<'_, O>| btf.end_id() - btf.first_id();

    Ok((types(&split), types(&base)))
}
