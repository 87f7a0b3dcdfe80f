// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Packs results into an archive that can be embedded.
//!
//! The reader of libbpf-tools (`btf_helpers.c`) compares the first 100 bytes of each header with
//! `./ID/VERSION/ARCH/RELEASE.btf`, and takes the content that follows the header. So names begin with
//! `./`, and no file is a link. Files that are the same follow each other: compressed, the second
//! takes little space.

use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;

use bpfkit::output;
use flate2::write::GzEncoder;
use flate2::Compression;
use tar::Builder;
use tar::EntryType;
use tar::Header;

/// Whether a file of this name is an archive.
pub fn is_archive(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();

    name.ends_with(".tar.gz") || name.ends_with(".tgz")
}

/// Packs files of a folder. Each has the name of the first that is the same, and its own.
pub fn write<'a>(
    to: &Path,
    folder: &Path,
    names: impl Iterator<Item = (&'a Path, &'a Path)>,
) -> io::Result<()> {
    let mut names: Vec<_> = names.collect();
    names.sort();

    output::replace_with(to, |file| {
        let file = io::BufWriter::new(file);
        let mut archive = Builder::new(GzEncoder::new(file, Compression::best()));
        for (_, name) in names {
            append(&mut archive, name, &fs::read(folder.join(name))?)?;
        }
        archive.into_inner()?.finish()?.flush()
    })
}

fn append<W: Write>(archive: &mut Builder<W>, name: &Path, content: &[u8]) -> io::Result<()> {
    let name = format!("./{}", name.display());
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_size(u64::try_from(content.len()).unwrap_or(u64::MAX));

    let field = &mut header.as_old_mut().name;
    match field.get_mut(..name.len()) {
        // The last byte is a NUL for readers in C.
        Some(start) if name.len() < 100 => {
            start.copy_from_slice(name.as_bytes());
            header.set_cksum();
            archive.append(&header, content)
        }
        _ => archive.append_data(&mut header, name, content),
    }
}
