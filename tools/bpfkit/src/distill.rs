// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Distils modules. The kernel's build does this for out-of-tree modules, with
//! `resolve_btfids --distill_base`; this does it for a module that is already built.

mod ids;
#[cfg(test)]
mod tests;

use splitbtf::Btf;
use splitbtf::BtfExt;
use splitbtf::Distiller;
use splitbtf::Owned;
use zerocopy::ByteOrder;

use crate::elf;
use crate::elf::ElfError;
use crate::file_error::FileError;
use crate::input::InputProblem;
use crate::input::BASE_SECTION;
use crate::input::SECTION;
use crate::stranger::Stranger;
use crate::Input;
use crate::InputError;

use self::ids::IdsError;

/// The last bytes of a signed module: `MODULE_SIGNATURE_MARKER` in the kernel's
/// `include/uapi/linux/module_signature.h`.
const SIGNED: &[u8] = b"~Module signature appended~\n";

/// Why a module cannot be distilled.
pub type DistillError = FileError<DistillProblem>;

/// Why a module cannot be distilled: the part of a [`DistillError`] that does not name the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DistillProblem {
    /// The file cannot be read, or its BTF is missing or malformed.
    #[error(transparent)]
    Input(#[from] InputProblem),
    /// The file is raw BTF.
    #[error("this is raw BTF, not a module")]
    NotElf,
    /// The module is signed.
    #[error(
        "the module is signed, and distilling would break the signature; sign it after distilling"
    )]
    Signed,
    /// The module has a distilled base.
    #[error("the module has been distilled already")]
    Distilled,
    /// The module was built for another kernel.
    #[error(transparent)]
    OtherBase(#[from] Stranger),
    /// The module's `.BTF_ids` section is malformed.
    #[error(transparent)]
    Ids(#[from] IdsError),
    /// The module cannot be rewritten.
    #[error("ELF: {0}")]
    Elf(#[from] ElfError),
}

impl From<InputError> for DistillError {
    fn from(error: InputError) -> Self {
        error.map()
    }
}

/// A distilled module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distilled {
    /// The new file: not compressed, with new sections `.BTF` and `.BTF.base` and with new ids in
    /// `.BTF_ids`.
    pub bytes: Vec<u8>,
    /// The number of the module's types.
    pub types: u32,
    /// The number of types in the distilled base.
    pub base_types: u32,
    /// The length of `.BTF` before, in bytes.
    pub before: usize,
    /// The length of the new `.BTF` and `.BTF.base`, in bytes.
    pub after: usize,
    /// The names in `.BTF_ids` of base types that the module's own types do not refer to, as
    /// `struct__task_struct__1`. Their ids are now 0, as `resolve_btfids` would make them.
    pub lost: Vec<String>,
}

/// Distils a module. `base` is the BTF of the kernel that it was built for; `distiller` is scratch
/// memory, which the next module can use again.
///
/// # Errors
///
/// If this is not a module with BTF, its BTF or another part of it is malformed, it was built for
/// another kernel than the base's, or it is signed or distilled already.
pub fn distill<O: ByteOrder + 'static>(
    module: &Input,
    base: &Btf<'_, O>,
    distiller: &mut Distiller,
) -> Result<Distilled, DistillError> {
    let path = module.path();
    let (elf, file) = module
        .elf()?
        .ok_or_else(|| DistillError::new(path, DistillProblem::NotElf))?;
    if file.ends_with(SIGNED) {
        return Err(DistillError::new(path, DistillProblem::Signed));
    }
    let split = module.need(SECTION)?;
    if module.section(BASE_SECTION)?.is_some() {
        let problem = DistillProblem::Distilled;
        return Err(DistillError::in_section(path, BASE_SECTION, problem));
    }
    let btf = module.wrong(SECTION);

    let mut index = vec![0; splitbtf::max_types::<O>(split).map_err(&btf)?];
    let view = Btf::open(split, Some(base), &mut index).map_err(&btf)?;
    if let Some(stranger) = Stranger::find(&view).map_err(&btf)? {
        return Err(DistillError::in_section(path, SECTION, stranger));
    }
    let valid = view.validated().map_err(&btf)?;
    let distilled = distiller.distill(&valid).map_err(&btf)?;
    let ids = ids::rewrite::<O>(&elf, |id| distilled.id(id))
        .map_err(|error| DistillError::in_section(path, ids::SECTION, error))?;

    let mut sections = vec![
        (SECTION, distilled.split.as_slice()),
        (BASE_SECTION, &distilled.base),
    ];
    if let Some(ids) = &ids {
        sections.push((ids::SECTION, &ids.bytes));
    }
    let bytes = elf::rewrite(file, &sections).map_err(|error| DistillError::new(path, error))?;
    let after = distilled.base.len() + distilled.split.len();
    let (types, base_types) = count::<O>(distilled.base, distilled.split).map_err(&btf)?;
    Ok(Distilled {
        bytes,
        types,
        base_types,
        before: split.len(),
        after,
        lost: ids.map(|ids| ids.lost).unwrap_or_default(),
    })
}

/// The numbers of types in split BTF and in its base.
fn count<O: ByteOrder + 'static>(
    base: Vec<u8>,
    split: Vec<u8>,
) -> Result<(u32, u32), splitbtf::Error> {
    let base = Owned::<O>::new(base, None)?;
    let split = Owned::new(split, Some(&base))?;
    let types = |btf: Btf<'_, O>| btf.end_id() - btf.first_id();

    Ok((types(split.btf()), types(base.btf())))
}
