// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Opens any file that contains BTF: raw BTF (`/sys/kernel/btf/*`), an ELF file (a module,
//! `vmlinux`, a BPF object) or a bootable kernel image (`vmlinuz`, `Image`) of x86, arm64, riscv,
//! LoongArch or s390, by itself, as EFI zboot, or in a unified kernel image. Each may be compressed, and
//! be the only file in a tar archive.

mod archive;
mod compression;
mod image;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::io::Read;
use std::ops::Deref;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;

use memmap2::Mmap;
use object::elf::ELFMAG;
use object::elf::SHF_COMPRESSED;
use object::Endianness;
use object::Object;
use object::ObjectSection;
use object::SectionFlags;
use splitbtf::Endian;

use crate::file_error::FileError;

use self::compression::decompress;
use self::compression::exceeds;
use self::compression::Compression;
use self::compression::Extent;
use self::image::Image;
use self::image::Inner;

/// The section of an ELF file that has its BTF.
pub const SECTION: &str = ".BTF";

/// The section of a BPF object with what instructions have to do with its BTF: functions, lines and
/// CO-RE relocations.
pub const EXT_SECTION: &str = ".BTF.ext";

/// The section of a module that has its distilled base.
pub const BASE_SECTION: &str = ".BTF.base";

/// The maximum size of a file, compressed or not, in bytes.
pub const MAX_LEN: u64 = 1 << 30;

/// Files of at least this size, in bytes, are mapped into memory, not read: a kernel is large, and
/// its BTF is a small part of it.
const MAP_FROM: u64 = 1 << 20;

/// The most layers of compression and of images. A unified kernel image with a zboot image has
/// three.
const MAX_LAYERS: usize = 4;

/// Why a file cannot be read, or has no BTF.
pub type InputError = FileError<InputProblem>;

/// Why a file cannot be read, or has no BTF: the part of an [`InputError`] that does not name the
/// file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputProblem {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The file, or its decompressed content, is too large.
    #[error("larger than {max} bytes{}", if *compressed { " when decompressed" } else { "" })]
    TooLarge {
        /// The limit in bytes.
        max: u64,
        /// Whether the decompressed content is too large, and not the file.
        compressed: bool,
    },
    /// The file cannot be decompressed.
    #[error("{compression}: {source} (offset {offset} of the decompressed data)")]
    Compressed {
        /// The format, as `xz`.
        compression: &'static str,
        /// The number of bytes that could be decompressed.
        offset: usize,
        /// The reason.
        source: io::Error,
    },
    /// The file has too many layers of compression and of images.
    #[error("more than {MAX_LAYERS} layers of compression and of kernel images")]
    Layers,
    /// The header of a kernel image is malformed.
    #[error("kernel image: {reason} (offset {offset:#x})")]
    Image {
        /// The reason.
        reason: &'static str,
        /// The offset in the image, in bytes.
        offset: usize,
    },
    /// A tar archive is malformed.
    #[error("tar: {0}")]
    Tar(io::Error),
    /// A tar archive does not have exactly one file.
    #[error("tar: an archive with {count} files, not with one")]
    Files {
        /// How many there are.
        count: usize,
    },
    /// The headers of a PE file are malformed. Unified kernel images are PE files.
    #[error("PE: {0}")]
    Pe(object::Error),
    /// A kernel image that is a copy of the kernel's memory contains no BTF.
    #[error("kernel image: there is no BTF in it")]
    NoBtf,
    /// The file has an unknown format.
    #[error(
        "neither BTF, ELF nor a kernel image, nor one of them compressed by gzip, xz, zstd or lz4"
    )]
    Unknown,
    /// The headers of an ELF file are malformed.
    #[error("ELF: {0}")]
    Elf(#[from] object::Error),
    /// A section cannot be read.
    #[error("{reason} (offset {offset:#x})")]
    Section {
        /// The reason.
        reason: String,
        /// The section's offset in the ELF file, in bytes.
        offset: u64,
    },
    /// There is no such section.
    #[error("there is no such section")]
    NoSection,
    /// The section has no content in this file: `SHT_NOBITS`, as `objcopy --only-keep-debug` makes
    /// it.
    #[error("a debug file: the content is in the stripped one")]
    DebugFile,
    /// This is BTF alone, but an ELF file is needed.
    #[error("not an ELF file")]
    NotElf,
    /// The BTF in a section is malformed.
    #[error(transparent)]
    Btf(#[from] splitbtf::Error),
    /// The section `.BTF.ext` is malformed.
    #[error(transparent)]
    Ext(#[from] splitbtf::ExtError),
}

/// A file that contains BTF.
#[derive(Debug)]
pub struct Input {
    path: PathBuf,
    /// BTF or an ELF file, without the layers around it.
    content: Section,
    kind: Kind,
    endian: Endian,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Btf,
    Elf,
}

/// The content of a file.
#[derive(Debug)]
enum Bytes {
    Read(Vec<u8>),
    Mapped(Mmap),
}

impl Bytes {
    fn of(file: File) -> io::Result<Self> {
        let about = file.metadata()?;

        if about.is_file() && (MAP_FROM..=MAX_LEN).contains(&about.len()) {
            // SAFETY: The file may change while it is mapped. The code keeps only offsets into the
            // bytes, and checks them at each use.
            if let Ok(map) = unsafe { Mmap::map(&file) } {
                return Ok(Self::Mapped(map));
            }
        }
        Self::read(file)
    }

    /// All bytes from a reader. The size of pipes and of files in /sys is not known.
    fn read(from: impl Read) -> io::Result<Self> {
        let mut bytes = Vec::new();

        from.take(MAX_LEN.saturating_add(1))
            .read_to_end(&mut bytes)?;
        Ok(Self::Read(bytes))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Read(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}

/// A section of a file, which owns the file's content; or bytes in memory.
#[derive(Debug)]
pub struct Section {
    bytes: Bytes,
    range: Range<usize>,
}

impl From<Bytes> for Section {
    fn from(bytes: Bytes) -> Self {
        Self {
            range: 0..bytes.len(),
            bytes,
        }
    }
}

impl From<Vec<u8>> for Section {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::Read(bytes).into()
    }
}

impl Section {
    /// A part of this section, by its place in it.
    fn part(self, part: Range<usize>) -> Self {
        let place = |offset| self.range.start.saturating_add(offset).min(self.range.end);

        Self {
            range: place(part.start)..place(part.end),
            bytes: self.bytes,
        }
    }
}

impl Deref for Section {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(self.range.clone()).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Section {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Input {
    /// Opens a file and decompresses it. The file must not change while it is in use: a large one
    /// is mapped, not copied.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or decompressed, or is neither BTF nor ELF; if it is larger than
    /// [`MAX_LEN`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, InputError> {
        let path = path.as_ref();
        let bytes = File::open(path).and_then(Bytes::of);
        let bytes = bytes.map_err(|error| FileError::new(path, error))?;
        unpack(path.to_owned(), bytes, MAX_LEN)
    }

    /// Opens what a reader has, such as standard input. `path` is for messages only.
    ///
    /// # Errors
    ///
    /// As for [`Self::open`].
    pub fn from_reader(path: PathBuf, from: impl Read) -> Result<Self, InputError> {
        match Bytes::read(from) {
            Ok(bytes) => unpack(path, bytes, MAX_LEN),
            Err(error) => Err(FileError::new(&path, error)),
        }
    }

    /// Opens the content of a file. `path` is for messages only.
    ///
    /// # Errors
    ///
    /// As for [`Self::open`].
    pub fn from_bytes(path: PathBuf, bytes: Vec<u8>) -> Result<Self, InputError> {
        unpack(path, Bytes::Read(bytes), MAX_LEN)
    }

    /// The file's name, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The byte order of the file and of its BTF.
    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// Like [`Self::need`], but the result owns the content.
    ///
    /// # Errors
    ///
    /// As for [`Self::need`].
    pub fn into_section(self, name: &str) -> Result<Section, InputError> {
        let data = self.need(name)?;
        let start = data
            .as_ptr()
            .addr()
            .wrapping_sub(self.content.as_ptr().addr());
        // An empty slice may point anywhere.
        let range = match data.len() {
            0 => 0..0,
            len => start..start.saturating_add(len),
        };

        Ok(self.content.part(range))
    }

    /// The content of the first section with this name; `None` if there is none. Raw BTF counts as
    /// a section `.BTF`.
    ///
    /// # Errors
    ///
    /// If the file's headers are malformed, or the section is not within the file, is compressed or
    /// has no content ([`InputProblem::DebugFile`]).
    pub fn section(&self, name: &str) -> Result<Option<&[u8]>, InputError> {
        if self.kind == Kind::Btf {
            return Ok((name == SECTION).then_some(&*self.content));
        }
        let file = parse(&self.path, &self.content)?;
        let Some(section) = file.section_by_name_bytes(name.as_bytes()) else {
            return Ok(None);
        };
        let Some((offset, _)) = section.file_range() else {
            return Err(FileError::in_section(
                &self.path,
                name,
                InputProblem::DebugFile,
            ));
        };
        let error = |reason| {
            let problem = InputProblem::Section { reason, offset };
            FileError::in_section(&self.path, name, problem)
        };
        match section.flags() {
            SectionFlags::Elf { sh_flags } if sh_flags & u64::from(SHF_COMPRESSED) != 0 => {
                Err(error("compressed sections are not supported".into()))
            }
            _ => match section.data() {
                Ok(data) => Ok(Some(data)),
                Err(source) => Err(error(source.to_string())),
            },
        }
    }

    /// The error for a section with malformed BTF.
    pub(crate) fn wrong(
        &self,
        section: &'static str,
    ) -> impl Fn(splitbtf::Error) -> InputError + use<'_> {
        move |error| FileError::in_section(&self.path, section, error)
    }

    /// The ELF file and its bytes; `None` for raw BTF.
    ///
    /// # Errors
    ///
    /// If the file's headers are malformed.
    pub(crate) fn elf(&self) -> Result<Option<(object::File<'_>, &[u8])>, InputError> {
        match self.kind {
            Kind::Btf => Ok(None),
            Kind::Elf => Ok(Some((parse(&self.path, &self.content)?, &self.content))),
        }
    }

    /// The content of a section that must exist.
    ///
    /// # Errors
    ///
    /// [`InputProblem::NoSection`] if it does not exist; otherwise as for [`Self::section`].
    pub fn need(&self, name: &str) -> Result<&[u8], InputError> {
        let section = self.section(name)?;

        section.ok_or_else(|| FileError::in_section(&self.path, name, InputProblem::NoSection))
    }
}

fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<object::File<'a>, InputError> {
    object::File::parse(bytes).map_err(|error| FileError::new(path, error))
}

/// Removes all layers of compression and of images. Each layer may have at most `max` bytes.
fn unpack(path: PathBuf, bytes: Bytes, max: u64) -> Result<Input, InputError> {
    if exceeds(&bytes, max) {
        let problem = InputProblem::TooLarge {
            max,
            compressed: false,
        };
        return Err(FileError::new(&path, problem));
    }
    let mut content = Section::from(bytes);

    for _ in 0..=MAX_LAYERS {
        if let Some((kind, endian)) = innermost(&path, &content)? {
            return Ok(Input {
                path,
                content,
                kind,
                endian,
            });
        }
        content = match inner(&path, &content, max)? {
            Inner::Part(range) => content.part(range),
            Inner::Unpacked(bytes) => bytes.into(),
        };
    }
    Err(FileError::new(&path, InputProblem::Layers))
}

/// The kind and byte order of BTF or an ELF file; `None` for anything else.
fn innermost(path: &Path, bytes: &[u8]) -> Result<Option<(Kind, Endian)>, InputError> {
    if let Ok(endian) = Endian::of(bytes) {
        return Ok(Some((Kind::Btf, endian)));
    }
    if !bytes.starts_with(&ELFMAG) {
        return Ok(None);
    }
    let endian = match parse(path, bytes)?.endianness() {
        Endianness::Little => Endian::Little,
        Endianness::Big => Endian::Big,
    };
    Ok(Some((Kind::Elf, endian)))
}

/// The content of compressed data or a kernel image.
fn inner(path: &Path, bytes: &[u8], max: u64) -> Result<Inner, InputError> {
    if let Some(compression) = Compression::of(bytes) {
        let bytes = decompress(path, (compression, bytes), Extent::All, max)?;
        return Ok(Inner::Unpacked(bytes));
    }
    match Image::of(bytes) {
        Some(image) => image.open(path, bytes, max),
        None if archive::is_archive(bytes) => Ok(Inner::Part(archive::only_file(path, bytes)?)),
        None => Err(FileError::new(path, InputProblem::Unknown)),
    }
}
