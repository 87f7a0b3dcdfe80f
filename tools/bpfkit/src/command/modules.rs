// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The modules that a command line names: files, folders, lists of files, and standard input.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;

use super::paths;
use super::Failure;

/// The file name extensions of modules.
const EXTENSIONS: [&str; 5] = [".ko", ".ko.gz", ".ko.xz", ".ko.zst", ".ko.lz4"];

#[derive(Args)]
pub struct Modules {
    /// The modules: .ko files, compressed or not, BTF by itself, or folders with .ko files; - is
    /// standard input
    #[arg(value_name = "MODULE", required_unless_present = "files_from")]
    modules: Vec<PathBuf>,
    /// A file that lists more modules, one a line; - is standard input
    #[arg(long, value_name = "FILE")]
    files_from: Option<PathBuf>,
}

impl Modules {
    /// The files, sorted by name, each of them once.
    pub fn paths(&self) -> Result<Vec<PathBuf>, Failure> {
        let list = self.files_from.as_deref();

        paths::all(&self.modules, list, ["a module", "modules"], inside)
    }
}

/// The modules in a folder and its subfolders. A link to a module is one, as in `weak-updates`.
fn inside(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let paths = paths::inside(folder, &EXTENSIONS)?;

    match paths.is_empty() {
        true => Err(Failure::Problem(format!(
            "{}: there are no modules in this folder",
            folder.display()
        ))),
        false => Ok(paths),
    }
}

/// Whether a file has the name of a module.
pub fn is_module(path: &Path) -> bool {
    paths::ends_in(path, &EXTENSIONS)
}

#[cfg(test)]
mod tests;
