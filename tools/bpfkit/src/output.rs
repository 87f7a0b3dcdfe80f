// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Writes files atomically.

use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

/// Writes a temporary file in the same folder and renames it to `path`. If there was a file
/// already, the new one gets its permissions.
///
/// # Errors
///
/// If the file cannot be written. An old file is then unchanged.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut new = new_in(folder)?;

    new.write_all(bytes)?;
    if let Ok(old) = fs::metadata(path) {
        new.as_file().set_permissions(old.permissions())?;
    }
    new.persist(path)?;
    Ok(())
}

/// Creates a temporary file in this folder, with the permissions of a new file.
fn new_in(folder: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;

    let permissions = fs::Permissions::from_mode(0o666);
    tempfile::Builder::new()
        .prefix(".bpfkit-")
        .permissions(permissions)
        .tempfile_in(folder)
}

#[cfg(test)]
mod tests;
