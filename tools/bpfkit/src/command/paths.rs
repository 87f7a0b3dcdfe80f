// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The files that a command line names: folders, lists of files, and standard input.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use bpfkit::Input;
use bpfkit::InputError;
use walkdir::WalkDir;

use super::Failure;

/// Standard input, on the command line and in the output.
const STDIN: &str = "-";

/// The files in `paths`, in folders of these, and in a list, sorted by name, each of them once. They
/// are `things`; `inside` returns those in a folder.
pub fn all(
    paths: &[PathBuf],
    list: Option<&Path>,
    things: [&str; 2],
    inside: impl Fn(&Path) -> Result<Vec<PathBuf>, Failure>,
) -> Result<Vec<PathBuf>, Failure> {
    let [thing, things] = things;
    let mut all = vec![];

    for path in paths {
        match path.is_dir() && !is_stdin(path) {
            true => all.extend(inside(path)?),
            false => all.push(path.to_owned()),
        }
    }
    if let Some(list) = list {
        if is_stdin(list) && paths.iter().any(|path| is_stdin(path)) {
            return Err(Failure::Usage(format!(
                "standard input is {thing} or a list of {things}, not both"
            )));
        }
        all.extend(listed(list)?);
    }
    // Of two spellings of a name, the order of the arguments must not select one.
    all.sort_by(|a, b| (plain(a), a.as_os_str()).cmp(&(plain(b), b.as_os_str())));
    all.dedup_by(|a, b| plain(a) == plain(b));
    match all.is_empty() {
        true => Err(Failure::Problem(format!("there are no {things} to check"))),
        false => Ok(all),
    }
}

/// The files in a list.
fn listed(list: &Path) -> Result<Vec<PathBuf>, Failure> {
    let text = match is_stdin(list) {
        true => io::read_to_string(io::stdin()),
        false => fs::read_to_string(list),
    };
    let text = text.map_err(|error| trouble(list, &error))?;

    let lines = text.lines().filter(|line| !line.is_empty());
    Ok(lines.map(in_list).collect())
}

/// Opens a file. Standard input can be read only once.
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

/// The files in a folder and its subfolders whose names end in one of these, sorted by name. A link to
/// a file is one; links to folders are not followed: `build` in `/lib/modules/*` leads to other files.
pub fn inside(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = vec![];

    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|error| Failure::Trouble(error.to_string()))?;
        if entry.path().is_file() && ends_in(entry.path(), endings) {
            paths.push(entry.into_path());
        }
    }
    Ok(paths)
}

/// Whether the name of a file ends in one of these.
pub fn ends_in(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();

    endings.iter().any(|ending| name.ends_with(ending))
}

/// The error about a file or folder that cannot be read.
pub fn trouble(path: &Path, error: &io::Error) -> Failure {
    Failure::Trouble(format!("{}: {error}", path.display()))
}
