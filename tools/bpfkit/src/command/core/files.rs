// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The objects and modules that a command line names: files, folders, and lists of files.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use super::paths;
use super::Failure;
use super::RUNNING;

/// The file name extensions of objects.
const OBJECTS: [&str; 1] = [".o"];

/// The file name extensions of modules, with those of compressed files.
const MODULES: [&str; 6] = [".ko", ".btf", ".gz", ".xz", ".zst", ".lz4"];

/// The objects: those that are named, those in folders, and those in a list; sorted by name, each of
/// them once.
pub fn objects(named: &[PathBuf], list: Option<&Path>) -> Result<Vec<PathBuf>, Failure> {
    let inside = |folder: &Path| paths::inside(folder, &OBJECTS);

    paths::all(named, list, ["an object", "objects"], inside)
}

/// The modules of a kernel: those that are named and those in folders; for the running kernel its own
/// if none are named.
pub fn modules(kernel: &Path, named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let running = Path::new(RUNNING);
    if named.is_empty() {
        let is_running = kernel.canonicalize().is_ok_and(|kernel| kernel == running);
        return match is_running {
            true => beside(running),
            false => Ok(vec![]),
        };
    }
    let mut modules = vec![];

    for path in named {
        match path.is_dir() {
            true => {
                let found = paths::inside(path, &MODULES)?;
                match found.is_empty() {
                    true => modules.extend(beside(&path.join("vmlinux"))?),
                    false => modules.extend(found),
                }
            }
            false => modules.push(path.to_owned()),
        }
    }
    Ok(modules)
}

/// The files in the folder of the kernel's BTF: those of `/sys/kernel/btf` have no extension.
fn beside(vmlinux: &Path) -> Result<Vec<PathBuf>, Failure> {
    let folder = vmlinux.parent().unwrap_or(vmlinux);
    let entries = fs::read_dir(folder).map_err(|error| paths::trouble(folder, &error))?;
    let mut modules = vec![];

    for entry in entries {
        let path = entry
            .map_err(|error| paths::trouble(folder, &error))?
            .path();
        if path.is_file() && path.file_name() != vmlinux.file_name() {
            modules.push(path);
        }
    }
    modules.sort();
    Ok(modules)
}

#[cfg(test)]
mod tests;
