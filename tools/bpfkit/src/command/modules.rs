// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The modules that a command line names: files, folders, lists of files, and standard input.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use bpfkit::Input;
use bpfkit::InputError;
use clap::Args;
use walkdir::WalkDir;

use super::Failure;

/// Standard input, on the command line and in the output.
const STDIN: &str = "-";

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
        let mut paths = vec![];

        for path in &self.modules {
            match path.is_dir() && !is_stdin(path) {
                true => paths.extend(inside(path)?),
                false => paths.push(path.to_owned()),
            }
        }
        if let Some(list) = &self.files_from {
            paths.extend(self.listed(list)?);
        }
        // Of two spellings of a name, the order of the arguments must not select one.
        paths.sort_by(|a, b| (plain(a), a.as_os_str()).cmp(&(plain(b), b.as_os_str())));
        paths.dedup_by(|a, b| plain(a) == plain(b));
        match paths.is_empty() {
            true => Err(Failure::Problem("there are no modules to check".into())),
            false => Ok(paths),
        }
    }

    /// The files in a list.
    fn listed(&self, list: &Path) -> Result<Vec<PathBuf>, Failure> {
        let text = match is_stdin(list) {
            true if self.modules.iter().any(|path| is_stdin(path)) => {
                return Err(Failure::Usage(
                    "standard input is a module or a list of modules, not both".into(),
                ));
            }
            true => io::read_to_string(io::stdin()),
            false => fs::read_to_string(list),
        };
        let text = text.map_err(|error| trouble(list, &error))?;

        let lines = text.lines().filter(|line| !line.is_empty());
        Ok(lines.map(in_list).collect())
    }
}

/// Opens a module. Standard input can be read only once.
pub fn open(path: &Path) -> Result<Input, InputError> {
    match is_stdin(path) {
        true => Input::from_reader(path.to_owned(), io::stdin().lock()),
        false => Input::open(path),
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// The path without the `./` that `find` prints in front.
fn plain(path: &Path) -> &Path {
    match path.strip_prefix(".") {
        Ok(rest) if !is_stdin(rest) => rest,
        _ => path,
    }
}

/// The path in a line of a list, which has names of files only.
fn in_list(line: &str) -> PathBuf {
    match line == STDIN {
        true => Path::new(".").join(line),
        false => line.into(),
    }
}

/// The modules in a folder and its subfolders. A link to a module is one, as in `weak-updates`; links
/// to folders are not followed: `build` in `/lib/modules/*` leads to other files.
fn inside(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = vec![];

    for entry in WalkDir::new(folder) {
        let entry = entry.map_err(|error| Failure::Trouble(error.to_string()))?;
        if entry.path().is_file() && is_module(entry.path()) {
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

/// Whether a file has the name of a module.
pub fn is_module(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();

    EXTENSIONS.iter().any(|extension| name.ends_with(extension))
}

fn trouble(path: &Path, error: &io::Error) -> Failure {
    Failure::Trouble(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
