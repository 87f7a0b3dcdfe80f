// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Finds the file in a tar archive that has only one: as BTFHub packs the BTF of each kernel.

use std::io;
use std::io::Cursor;
use std::ops::Range;
use std::path::Path;

use tar::Archive;

use crate::file_error::FileError;

use super::InputError;
use super::InputProblem;

/// The magic number of a tar archive, and where it is.
const MAGIC: &[u8] = b"ustar";
const MAGIC_AT: usize = 257;

/// Whether this is a tar archive.
pub(super) fn is_archive(bytes: &[u8]) -> bool {
    bytes
        .get(MAGIC_AT..)
        .is_some_and(|rest| rest.starts_with(MAGIC))
}

/// The place of the only file in an archive.
pub(super) fn only_file(path: &Path, archive: &[u8]) -> Result<Range<usize>, InputError> {
    let files = files(archive).map_err(|source| FileError::new(path, InputProblem::Tar(source)))?;
    let [file] = files.as_slice() else {
        let count = files.len();
        return Err(FileError::new(path, InputProblem::Files { count }));
    };

    Ok(file.clone())
}

fn files(archive: &[u8]) -> io::Result<Vec<Range<usize>>> {
    let mut files = vec![];
    let outside = |_| io::Error::other("a file reaches beyond the end");

    for entry in Archive::new(Cursor::new(archive)).entries_with_seek()? {
        let entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let start = usize::try_from(entry.raw_file_position()).map_err(outside)?;
        let len = usize::try_from(entry.size()).map_err(outside)?;
        let range = start..start.saturating_add(len);
        archive
            .get(range.clone())
            .ok_or_else(|| io::Error::other("a file reaches beyond the end"))?;
        files.push(range);
    }
    Ok(files)
}
