// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The objects and modules that a command line names: files, folders, and lists of files.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use walkdir::WalkDir;

use super::Failure;
use super::RUNNING;

/// The file name extensions of objects.
const OBJECTS: [&str; 1] = [".o"];

/// The file name extensions of modules, with those of compressed files.
const MODULES: [&str; 6] = [".ko", ".btf", ".gz", ".xz", ".zst", ".lz4"];

/// The objects: those that are named, those in folders, and those in a list.
pub fn objects(paths: &[PathBuf], list: Option<&Path>) -> Result<Vec<PathBuf>, Failure> {
    let mut objects = vec![];

    for path in paths {
        match path.is_dir() {
            true => objects.extend(inside(path, &OBJECTS)?),
            false => objects.push(path.to_owned()),
        }
    }
    if let Some(list) = list {
        let text = match list.as_os_str() == "-" {
            true => io::read_to_string(io::stdin()),
            false => fs::read_to_string(list),
        };
        let text = text.map_err(|error| trouble(list, &error))?;
        let lines = text.lines().filter(|line| !line.is_empty());
        objects.extend(lines.map(PathBuf::from));
    }
    match objects.is_empty() {
        true => Err(Failure::Problem("there are no objects to check".into())),
        false => Ok(objects),
    }
}

/// The modules of a kernel: those that are named and those in folders; for the running kernel its own
/// if none are named.
pub fn modules(kernel: &Path, paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let running = Path::new(RUNNING);
    if paths.is_empty() {
        let is_running = kernel.canonicalize().is_ok_and(|kernel| kernel == running);
        return match is_running {
            true => beside(running),
            false => Ok(vec![]),
        };
    }
    let mut modules = vec![];

    for path in paths {
        match path.is_dir() {
            true => {
                let found = inside(path, &MODULES)?;
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
    let entries = fs::read_dir(folder).map_err(|error| trouble(folder, &error))?;
    let mut modules = vec![];

    for entry in entries {
        let path = entry.map_err(|error| trouble(folder, &error))?.path();
        if path.is_file() && path.file_name() != vmlinux.file_name() {
            modules.push(path);
        }
    }
    modules.sort();
    Ok(modules)
}

/// The files with these extensions in a folder and its subfolders, sorted by name.
fn inside(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = vec![];

    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|error| Failure::Trouble(error.to_string()))?;
        let name = entry.file_name().to_string_lossy();
        if entry.path().is_file() && extensions.iter().any(|of| name.ends_with(of)) {
            paths.push(entry.into_path());
        }
    }
    Ok(paths)
}

fn trouble(path: &Path, error: &io::Error) -> Failure {
    Failure::Trouble(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
