// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The BTF of modules that could have been built out of tree, as files.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use splitbtf::BtfExt;
use splitbtf::Builder;
use splitbtf::Distiller;
use splitbtf::Kind;
use splitbtf::NewMember;
use splitbtf::Owned;
use splitbtf::Policy;
use zerocopy::NativeEndian;

use crate::corpus;
use crate::corpus::Kernel;
use crate::error::InFile;
use crate::vmlinux::Target;
use crate::vmlinux::Vmlinux;
use crate::Error;

/// How many structs of the kernel each made-up module refers to.
const MADE_UP: [usize; 6] = [10, 30, 100, 300, 1000, 3000];

/// `.BTF` and `.BTF.base`.
struct Pair {
    split: Vec<u8>,
    base: Vec<u8>,
}

/// Writes `NAME.btf` and `NAME.base` of modules that fit: all kernels in `targets`, files with the
/// BTF of vmlinux, have all types that they refer to. These are `sample` modules of the kernel
/// `from`, spread evenly by size among all that fit, and some made-up ones, because the modules of
/// a large kernel that fit a small one are small themselves. Returns how many of `from` fit.
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
    let kernels = targets
        .iter()
        .map(|path| Vmlinux::open(path))
        .collect::<Result<Vec<_>, _>>()?;
    let targets: Vec<_> = kernels.iter().map(Vmlinux::target).collect();
    let own = Vmlinux::open(&from.vmlinux)?;
    let mut fitting = vec![];

    for path in &from.modules {
        let split = Owned::new(corpus::read(path)?, Some(own.target().types)).in_file(path)?;
        let split = split.btf();
        // Some have no types at all.
        if split.first_id() == split.end_id() {
            continue;
        }
        let distilled = splitbtf::distill(&split.validated().in_file(path)?).in_file(path)?;
        let pair = Pair {
            split: distilled.split,
            base: distilled.base,
        };
        if fits(&pair, &targets).in_file(path)? {
            fitting.push((pair.split.len(), path, pair));
        }
    }

    fitting.sort_by_key(|(len, path, _)| (*len, *path));
    fs::create_dir_all(out).in_file(out)?;
    for (_, path, pair) in corpus::spread(&fitting, sample) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        pair.write(out, &name)?;
    }
    for (count, pair) in made_up(&targets).in_file(out)? {
        pair.write(out, &format!("made-up-{count}"))?;
    }
    Ok(fitting.len())
}

impl Pair {
    fn write(&self, folder: &Path, name: &str) -> Result<(), Error> {
        for (suffix, bytes) in [("btf", &self.split), ("base", &self.base)] {
            let path = folder.join(format!("{name}.{suffix}"));
            fs::write(&path, bytes).in_file(&path)?;
        }
        Ok(())
    }
}

/// Whether all kernels have all types that the module refers to.
fn fits(pair: &Pair, targets: &[Target<'_>]) -> Result<bool, splitbtf::Error> {
    let base = Owned::new(pair.base.clone(), None)?;
    let split = Owned::new(pair.split.clone(), Some(&base))?;
    let split = split.btf().validated()?;
    let fits = |target: &Target<'_>| splitbtf::relocate(&split, &target.ours, Policy::Error);

    Ok(targets.iter().all(|target| fits(target).is_ok()))
}

/// Modules with structs that each contain one of the first kernel, which the others have as well.
fn made_up(targets: &[Target<'_>]) -> Result<Vec<(usize, Pair)>, splitbtf::Error> {
    let Some(first) = targets.first() else {
        return Ok(vec![]);
    };
    let kernel = first.ours.btf();
    let mut structs = vec![];
    for ty in kernel.types() {
        let ty = ty?;
        let Kind::Struct(composite) = ty.kind else {
            continue;
        };
        let name = kernel.string(ty.name_off)?;
        if targets.iter().all(|one| is_only(one, name, composite.size)) {
            structs.push((ty.id, composite.size));
        }
    }

    let mut distiller = Distiller::new();
    MADE_UP
        .iter()
        .map(|&count| {
            let mut builder = Builder::<NativeEndian>::split_on(kernel)?;
            for (n, (id, size)) in corpus::spread(&structs, count).enumerate() {
                let member = NewMember {
                    name: b"inner",
                    ty: *id,
                    bit_offset: 0,
                    bitfield_bits: 0,
                };
                builder.structure(format!("made_up_{n}").as_bytes(), *size, &[member]);
            }
            let split = Owned::new(builder.finish()?, Some(first.types))?;
            let distilled = distiller.distill(&split.btf().validated()?)?;
            let pair = Pair {
                split: distilled.split,
                base: distilled.base,
            };
            Ok((count, pair))
        })
        .collect()
}

/// Whether the kernel's only type with this name is a struct of this size.
fn is_only(kernel: &Target<'_>, name: &[u8], size: u32) -> bool {
    let mut found = kernel.ours.find(name);

    let (Some(id), None) = (found.next(), found.next()) else {
        return false;
    };
    match kernel.ours.btf().get(id).map(|ty| ty.kind) {
        Ok(Kind::Struct(composite)) => composite.size == size,
        _ => false,
    }
}
