// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Finds the BTF, or the next layer around it, in a bootable kernel image.
//!
//! Some images are compressed kernels after a header or a decompressor: those of x86 and s390, and
//! EFI zboot. Others are the kernel's memory: those of arm64, riscv and LoongArch. A unified kernel
//! image has one of them as a section.

mod memory;
mod s390;
mod uki;
pub(super) mod x86;
mod zboot;

use std::ops::Range;
use std::path::Path;

use crate::file_error::FileError;

use super::compression::decompress;
use super::compression::unsupported;
use super::compression::Compression;
use super::compression::Extent;
use super::InputError;
use super::InputProblem;

/// The formats of bootable kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Image {
    X86,
    Zboot,
    Memory,
    S390,
    /// Any other PE file. A unified kernel image is one.
    Pe,
}

/// The content of an image.
pub(super) enum Inner {
    /// A part of the image, by its place: another image, or BTF.
    Part(Range<usize>),
    /// The decompressed kernel, or its BTF.
    Unpacked(Vec<u8>),
}

impl Image {
    /// The format of an image; `None` if it is not one. With an EFI stub, all but those of s390
    /// start like a PE file.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        if x86::is_image(bytes) {
            Some(Self::X86)
        } else if zboot::is_image(bytes) {
            Some(Self::Zboot)
        } else if memory::is_image(bytes) {
            Some(Self::Memory)
        } else if s390::is_image(bytes) {
            Some(Self::S390)
        } else {
            bytes.starts_with(b"MZ").then_some(Self::Pe)
        }
    }

    /// Opens an image of this format. `path` is for messages; decompressed, it may have at most
    /// `max` bytes.
    pub(super) fn open(self, path: &Path, image: &[u8], max: u64) -> Result<Inner, InputError> {
        let payload = match self {
            Self::X86 => x86::payload(path, image)?,
            Self::Zboot => zboot::payload(path, image)?,
            Self::Memory => return Ok(Inner::Part(btf_in(path, image)?)),
            Self::S390 => return s390::open(path, image, max),
            Self::Pe => return Ok(Inner::Part(uki::kernel(path, image)?)),
        };
        let kernel = decompress(path, payload, Extent::All, max)?;

        Ok(Inner::Unpacked(kernel))
    }
}

/// The `N` bytes at an offset.
fn at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

/// The little-endian number at an offset.
fn number(bytes: &[u8], offset: usize) -> Option<usize> {
    let number = at(bytes, offset).map(u32::from_le_bytes)?;

    usize::try_from(number).ok()
}

/// A malformed image.
fn malformed(path: &Path, offset: usize, reason: &'static str) -> InputError {
    FileError::new(path, InputProblem::Image { reason, offset })
}

/// The compressed kernel at `start`, of `len` bytes.
fn packed<'a>(
    path: &Path,
    image: &'a [u8],
    start: usize,
    len: usize,
) -> Result<(Compression, &'a [u8]), InputError> {
    let packed = image
        .get(start..)
        .and_then(|rest| rest.get(..len))
        .ok_or_else(|| malformed(path, start, "the compressed kernel reaches beyond the end"))?;
    let compression =
        Compression::of(packed).ok_or_else(|| malformed(path, start, unsupported(packed)))?;

    Ok((compression, packed))
}

/// The place of the BTF in a kernel's memory.
fn btf_in(path: &Path, memory: &[u8]) -> Result<Range<usize>, InputError> {
    memory::btf(memory).ok_or_else(|| FileError::new(path, InputProblem::NoBtf))
}
