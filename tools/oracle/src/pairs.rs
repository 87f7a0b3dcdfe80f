// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The BTF that modules of a kernel would have if they had been built out of tree, as files.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use splitbtf::Distiller;
use splitbtf::Owned;
use splitbtf::Policy;

use crate::corpus;
use crate::corpus::Kernel;
use crate::error::InFile;
use crate::vmlinux::Vmlinux;
use crate::Error;

/// Writes `NAME.btf` and `NAME.base` for `sample` modules of a kernel, spread evenly by size among
/// those that refer to nothing which one of the kernels `targets` does not have, files with the BTF of
/// vmlinux. Returns how many there are of the latter.
///
/// # Errors
///
/// If a file cannot be read or written, or the BTF of a kernel or a module is wrong.
pub fn write(
    from: &Kernel,
    targets: &[PathBuf],
    sample: usize,
    out: &Path,
) -> Result<usize, Error> {
    let own = Vmlinux::open(&from.vmlinux)?;
    let view = own.view()?;
    let targets = targets
        .iter()
        .map(|path| Vmlinux::open(path))
        .collect::<Result<Vec<_>, _>>()?;
    let mut distiller = Distiller::new();
    let mut fitting = vec![];

    for path in &from.modules {
        let split = Owned::new(corpus::read(path)?, Some(&view)).in_file(path)?;
        let split = split.view(Some(&view)).in_file(path)?;
        let split = split.validated().in_file(path)?;
        let pair = distiller.distill(&split).in_file(path)?;
        let base = Owned::new(pair.base, None).in_file(path)?;
        let base_view = base.view(None).in_file(path)?;
        let split = Owned::new(pair.split, Some(&base_view)).in_file(path)?;
        let split_view = split.view(Some(&base_view)).in_file(path)?;
        let valid = split_view.validated().in_file(path)?;
        let fits = |target: &Vmlinux| {
            let view = target.view()?;
            let relocated = splitbtf::relocate(&valid, &target.target(&view).ours, Policy::Error);
            Ok::<_, Error>(relocated.is_ok())
        };
        if targets
            .iter()
            .try_fold(true, |all, target| Ok::<_, Error>(all && fits(target)?))?
        {
            let (base, split) = (base.bytes().to_vec(), split.bytes().to_vec());
            fitting.push((split.len(), path, split, base));
        }
    }

    fitting.sort();
    fs::create_dir_all(out).in_file(out)?;
    for (_, path, split, base) in corpus::spread(&fitting, sample) {
        for (suffix, bytes) in [("btf", split), ("base", base)] {
            let name = path.file_stem().unwrap_or_default();
            let path = out.join(name).with_extension(suffix);
            fs::write(&path, bytes).in_file(&path)?;
        }
    }
    Ok(fitting.len())
}
