// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The modules that a command line names: files, folders, and lists of files.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use walkdir::DirEntry;
use walkdir::WalkDir;

use super::Failure;

/// The file name extensions of modules.
const EXTENSIONS: [&str; 5] = [".ko", ".ko.gz", ".ko.xz", ".ko.zst", ".ko.lz4"];

#[derive(Args)]
pub struct Modules {
    /// The modules: .ko files, compressed or not, BTF by itself, or folders with .ko files
    #[arg(value_name = "MODULE", required_unless_present = "files_from")]
    modules: Vec<PathBuf>,
    /// A file that lists more modules, one a line; - is standard input
    #[arg(long, value_name = "FILE")]
    files_from: Option<PathBuf>,
}

impl Modules {
    /// The files, in the order in which they are named; those of a folder sorted by name.
    pub fn paths(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut paths = vec![];

        for path in &self.modules {
            match path.is_dir() {
                true => paths.extend(inside(path)?),
                false => paths.push(path.to_owned()),
            }
        }
        if let Some(list) = &self.files_from {
            let text = match list.as_os_str() == "-" {
                true => io::read_to_string(io::stdin()),
                false => fs::read_to_string(list),
            };
            let text = text.map_err(|error| trouble(list, &error))?;
            paths.extend(
                text.lines()
                    .filter(|line| !line.is_empty())
                    .map(PathBuf::from),
            );
        }
        match paths.is_empty() {
            true => Err(Failure::Problem("there are no modules to check".into())),
            false => Ok(paths),
        }
    }
}

/// The modules in a folder and its subfolders. A link to a module is one, as in `weak-updates`; links
/// to folders are not followed: `build` in `/lib/modules/*` leads to other files.
fn inside(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = vec![];

    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|error| Failure::Trouble(error.to_string()))?;
        if is_module(&entry) {
            paths.push(entry.into_path());
        }
    }
    match paths.is_empty() {
        true => Err(Failure::Problem(format!(
            "{}: there are no modules in this folder",
            folder.display()
        ))),
        false => Ok(paths),
    }
}

fn is_module(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();

    entry.path().is_file() && EXTENSIONS.iter().any(|extension| name.ends_with(extension))
}

fn trouble(path: &Path, error: &io::Error) -> Failure {
    Failure::Trouble(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
