// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The BTF of kernels and their modules, in folders: `vmlinux.btf` and `modules/*.btf`.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use bpfkit::Input;
use indicatif::ParallelProgressIterator;
use rayon::iter::IntoParallelRefIterator;
use rayon::iter::ParallelIterator;

use crate::error::InFile;
use crate::progress;
use crate::Error;

const VMLINUX: &str = "vmlinux.btf";
const MODULES: &str = "modules";

/// A kernel of a corpus.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// Its version, which is the folder's name.
    pub version: String,
    /// The file with the BTF of the kernel itself.
    pub vmlinux: PathBuf,
    /// The files with the split BTF of its modules, by name.
    pub modules: Vec<PathBuf>,
}

impl Kernel {
    /// Finds the files in the folder of a kernel.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or there is no module.
    pub fn find(folder: &Path) -> Result<Self, Error> {
        Ok(Self {
            modules: files(&folder.join(MODULES), |name| name.ends_with(".btf"))?,
            ..Self::without_modules(folder)
        })
    }

    /// A kernel whose modules are ignored.
    pub fn without_modules(folder: &Path) -> Self {
        let version = folder.file_name().unwrap_or(folder.as_os_str());

        Self {
            version: version.to_string_lossy().into_owned(),
            vmlinux: folder.join(VMLINUX),
            modules: vec![],
        }
    }
}

/// The content of a file.
///
/// # Errors
///
/// If it cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).in_file(path)
}

/// Up to `count` of these, spread evenly: from the middle of each of as many pieces.
pub fn spread<T>(all: &[T], count: usize) -> impl Iterator<Item = &T> {
    let count = count.min(all.len());
    let at = move |n| (2 * n + 1) * all.len() / (2 * count);

    (0..count).filter_map(move |n| all.get(at(n)))
}

/// Copies the BTF of a kernel image or `vmlinux` to the folder `out`.
///
/// # Errors
///
/// If a file cannot be read or written, or the kernel has no BTF.
pub fn extract(kernel: &Path, out: &Path) -> Result<(), Error> {
    let vmlinux = out.join(VMLINUX);

    fs::write(&vmlinux, Input::open(kernel)?.need(".BTF")?).in_file(&vmlinux)
}

/// Copies the BTF of all modules below a folder to the folder `out`. Returns how many modules have
/// BTF, and how many have none.
///
/// # Errors
///
/// If a file cannot be read or written.
pub fn extract_modules(modules: &Path, out: &Path) -> Result<(usize, usize), Error> {
    let to = out.join(MODULES);
    let modules = files(modules, |name| module_name(name).is_some())?;
    fs::create_dir_all(&to).in_file(&to)?;

    let found: Vec<_> = modules
        .par_iter()
        .progress_with(progress::bar("modules", modules.len()))
        .map(|path| extract_module(path, &to))
        .collect::<Result<_, _>>()?;
    let with = found.iter().filter(|found| **found).count();
    Ok((with, found.len() - with))
}

/// Whether the module has BTF, which then is in the folder `to`.
fn extract_module(path: &Path, to: &Path) -> Result<bool, Error> {
    let input = Input::open(path)?;
    let Some(btf) = input.section(".BTF")? else {
        return Ok(false);
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = module_name(&name).unwrap_or(&name);
    let to = to.join(format!("{name}.btf"));

    fs::write(&to, btf).in_file(&to)?;
    Ok(true)
}

/// The name of the module in a file of this name, compressed or not.
fn module_name(file: &str) -> Option<&str> {
    let suffixes = [".ko", ".ko.gz", ".ko.xz", ".ko.zst"];

    suffixes.iter().find_map(|suffix| file.strip_suffix(suffix))
}

/// The files with wanted names in a folder and in those below it, sorted.
fn files(folder: &Path, wanted: fn(&str) -> bool) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];

    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).in_file(&folder)? {
            let entry = entry.in_file(&folder)?;
            if entry.file_type().in_file(&entry.path())?.is_dir() {
                folders.push(entry.path());
            } else if wanted(&entry.file_name().to_string_lossy()) {
                files.push(entry.path());
            }
        }
    }
    if files.is_empty() {
        return Err(Error::NoModules {
            path: folder.to_owned(),
        });
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_go_by_their_names() {
        assert_eq!(module_name("xfs.ko"), Some("xfs"));
        assert_eq!(module_name("nf-nat.ko.xz"), Some("nf-nat"));
        assert_eq!(module_name("modules.dep"), None);
        assert_eq!(module_name("ko"), None);
    }
}
