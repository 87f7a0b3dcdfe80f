// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The kernels to minimise: a file, a folder, or an archive.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::io::BufReader;
use std::io::Read;
use std::io::Seek;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;
use std::sync::mpsc::SyncSender;

use bpfkit::input::MAX_LEN;
use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;
use tar::Archive;
use walkdir::WalkDir;

use super::Failure;
use super::Problem;

/// The endings of file names that the names of results do not have.
const COMPRESSED: [&str; 4] = ["gz", "xz", "zst", "lz4"];
const FORMATS: [&str; 3] = ["tar", "btf", "ko"];

/// The most memory that the xz decompressor may use, in KiB.
const XZ_MEMORY: u32 = 256 << 10;

/// The kernels to minimise.
pub enum Source {
    One(PathBuf),
    /// Files, and the names of their results.
    Folder(Vec<(PathBuf, PathBuf)>),
    Archive(PathBuf),
}

/// A file of an archive.
pub struct File {
    pub path: String,
    /// The name of its result.
    pub name: Result<PathBuf, Problem>,
    pub bytes: io::Result<Vec<u8>>,
}

impl Source {
    /// The kernels at a path, or the modules.
    pub fn of(path: &Path, modules: bool) -> Result<Self, Failure> {
        if path.is_dir() {
            return inside(path, modules).map(Self::Folder);
        }
        Ok(match is_archive(path) {
            true => Self::Archive(path.to_owned()),
            false => Self::One(path.to_owned()),
        })
    }

    /// How many kernels there are, as far as that is known.
    pub fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Folder(files) => files.len(),
            Self::Archive(_) => 0,
        }
    }
}

/// Whether this is an archive of many kernels. BTFHub packs the BTF of one kernel as an archive, too.
fn is_archive(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = match name.rsplit_once('.') {
        Some((name, ending)) if COMPRESSED.contains(&ending) => name,
        _ => &name,
    };

    name.ends_with(".tgz") || name.ends_with(".tar") && !name.ends_with(".btf.tar")
}

/// The kernels in a folder and its subfolders.
fn inside(folder: &Path, modules: bool) -> Result<Vec<(PathBuf, PathBuf)>, Failure> {
    let mut files = vec![];
    let mut names: HashMap<PathBuf, PathBuf> = HashMap::new();

    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|error| Failure::Trouble(error.to_string()))?;
        let path = entry.path();
        let inside = path.strip_prefix(folder).unwrap_or(path);
        if !is_wanted(path, modules) || !path.is_file() {
            continue;
        }
        let name = result_name(inside);
        if let Some(other) = names.insert(name.clone(), path.to_owned()) {
            return Err(Failure::Problem(format!(
                "the results for {} and {} would have the same name",
                other.display(),
                path.display()
            )));
        }
        files.push((entry.into_path(), name));
    }
    match files.is_empty() {
        true => Err(Failure::Problem(format!(
            "{}: there is no BTF in this folder",
            folder.display()
        ))),
        false => Ok(files),
    }
}

/// The name without its endings, and those in the order from the last.
fn endings(name: &str) -> (&str, Vec<&str>) {
    let mut endings = vec![];
    let mut name = name;

    while let Some((stem, ending)) = name.rsplit_once('.') {
        let list: &[&str] = match endings.is_empty() {
            true => &COMPRESSED,
            false => &[],
        };
        if stem.is_empty() || !list.contains(&ending) && !FORMATS.contains(&ending) {
            break;
        }
        endings.push(ending);
        name = stem;
    }
    (name, endings)
}

/// Whether a file has the name of a kernel or of its BTF; or of a module.
fn is_wanted(path: &Path, modules: bool) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (stem, endings) = endings(&name);

    match modules {
        true => endings.contains(&"ko") || endings.contains(&"btf"),
        false => endings.contains(&"btf") || is_kernel(stem),
    }
}

fn is_kernel(name: &str) -> bool {
    let rest = ["vmlinux", "vmlinuz"]
        .iter()
        .find_map(|kernel| name.strip_prefix(kernel));

    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// The name of a result: that of its source, with the ending `.btf`.
fn result_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (stem, _) = endings(&name);

    path.with_file_name(format!("{stem}.btf"))
}

/// Sends all kernels in an archive.
pub fn read(path: &Path, to: &SyncSender<File>) {
    let result = open(path).and_then(|archive| send(archive, to));

    if let Err(error) = result {
        let _ = to.send(File {
            path: "the archive".into(),
            name: Ok(PathBuf::new()),
            bytes: Err(error),
        });
    }
}

fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let mut file = fs::File::open(path)?;
    let mut magic = [0; 6];
    let len = file.read(&mut magic)?;
    file.rewind()?;
    let file = BufReader::new(file);

    Ok(match magic.get(..len).unwrap_or_default() {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(file)),
        [0xfd, b'7', ..] => Box::new(XzReader::new_mem_limit(file, true, XZ_MEMORY)),
        [0x28, 0xb5, ..] => Box::new(StreamingDecoder::new(file).map_err(io::Error::other)?),
        _ => Box::new(file),
    })
}

fn send(archive: Box<dyn Read>, to: &SyncSender<File>) -> io::Result<()> {
    let mut names = HashMap::new();
    let mut count: u64 = 0;

    for entry in Archive::new(archive).entries()? {
        let entry = entry?;
        let path = entry.path()?.into_owned();
        if !entry.header().entry_type().is_file() || !is_wanted(&path, false) {
            continue;
        }
        let text = path.display().to_string();
        let name = match plain(&path) {
            None => Err(Problem::Name { file: text.clone() }),
            Some(path) => {
                let name = result_name(&path);
                match names.insert(name.clone(), ()) {
                    None => Ok(name),
                    Some(()) => Err(Problem::Twice {
                        file: text.clone(),
                        name: name.display().to_string(),
                    }),
                }
            }
        };
        let mut bytes = vec![];
        let limit = MAX_LEN.saturating_add(1);
        let result = entry.take(limit).read_to_end(&mut bytes);
        let is_broken = result.is_err();
        count += 1;
        let file = File {
            path: text,
            name,
            bytes: result.map(|_| bytes),
        };
        if to.send(file).is_err() || is_broken {
            return Ok(());
        }
    }
    match count {
        0 => Err(io::Error::other("there is no BTF in it")),
        _ => Ok(()),
    }
}

/// A path without `.`; `None` if it leads out of the folder.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();

    for component in path.components() {
        match component {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(plain)
}
