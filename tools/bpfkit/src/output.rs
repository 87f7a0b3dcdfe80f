// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Writes files atomically.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;
use tempfile::TempDir;

/// How the names of temporary files begin.
const PREFIX: &str = ".bpfkit-";

/// Writes a temporary file in the same folder and renames it to `path`. If there was a file
/// already, the new one gets its permissions.
///
/// # Errors
///
/// If the file cannot be written. An old file is then unchanged.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, |file| file.write_all(bytes))
}

/// As [`replace`], but `write` writes the content.
///
/// # Errors
///
/// As for [`replace`], and those of `write`.
pub fn replace_with(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let mut new = new_in(folder_of(path))?;

    write(new.as_file_mut())?;
    if let Ok(old) = fs::metadata(path) {
        new.as_file().set_permissions(old.permissions())?;
    }
    new.persist(path)?;
    Ok(())
}

/// Makes `path` another name of the file `of`, in place of the file that it names.
///
/// # Errors
///
/// If the file system cannot do that. An old file is then unchanged.
pub fn link(of: &Path, path: &Path) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    let new = builder
        .prefix(PREFIX)
        .make_in(folder_of(path), |new| fs::hard_link(of, new))?;

    new.into_temp_path().persist(path)?;
    Ok(())
}

/// Makes a temporary folder beside `path`, which goes when the result is dropped.
///
/// # Errors
///
/// If it cannot be made.
pub fn folder_beside(path: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix(PREFIX)
        .tempdir_in(folder_of(path))
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Creates a temporary file in this folder, with the permissions of a new file.
fn new_in(folder: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;

    let permissions = fs::Permissions::from_mode(0o666);
    tempfile::Builder::new()
        .prefix(PREFIX)
        .permissions(permissions)
        .tempfile_in(folder)
}

#[cfg(test)]
mod tests;
