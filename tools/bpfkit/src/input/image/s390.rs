// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Finds the BTF in a bootable s390 kernel image.
//!
//! The kernel's `arch/s390/boot/head.S` and `vmlinux.lds.S` are the format: a decompressor, and the
//! kernel's memory, which is compressed or not. No header says where it is. It is searched for by
//! its magic number, as `scripts/extract-vmlinux` does.

use std::path::Path;

use crate::file_error::FileError;

use super::at;
use super::btf_in;
use super::decompress;
use super::malformed;
use super::memory;
use super::Compression;
use super::Extent;
use super::Inner;
use super::InputError;
use super::InputProblem;

/// The offset of the list of entry points, in bytes. It is part of the ABI.
const ENTRY_POINTS: usize = 0x10008;

/// How often the search tries to decompress. The code before the kernel is short, so that few
/// places in it look like compressed data.
const MAX_TRIES: usize = 16;

/// Whether this is an s390 kernel image.
pub(super) fn is_image(bytes: &[u8]) -> bool {
    at(bytes, ENTRY_POINTS) == Some(*b"S390EP")
}

/// Finds the BTF in an image: in the first compressed data with BTF, else in the image itself. All
/// tries together decompress at most `max` bytes. If none finds BTF, the error is that of the try
/// that decompressed most.
///
/// The image itself comes last: an image that is compressed may contain parts of the BTF as they
/// are, its header among them.
pub(super) fn open(path: &Path, image: &[u8], max: u64) -> Result<Inner, InputError> {
    let mut left = max;
    let mut most = 0;
    let mut reason = malformed(
        path,
        ENTRY_POINTS,
        "there is no compressed kernel, or it is damaged",
    );

    for payload in payloads(image).take(MAX_TRIES) {
        let (len, error) = match decompress(path, payload, Extent::First, left) {
            Ok(mut kernel) => match btf_in(path, &kernel) {
                Ok(range) => {
                    kernel.truncate(range.end);
                    kernel.drain(..range.start);
                    return Ok(Inner::Unpacked(kernel));
                }
                Err(error) => (kernel.len(), error),
            },
            Err(error) => match error.problem {
                InputProblem::Compressed { offset, .. } => (offset, error),
                _ => return Err(too_large(path, max)),
            },
        };
        left = left.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
        if len > most {
            (most, reason) = (len, error);
        }
    }
    memory::btf(image).map(Inner::Part).ok_or(reason)
}

/// The places after the entry points that look like compressed data.
fn payloads(image: &[u8]) -> impl Iterator<Item = (Compression, &[u8])> {
    let code = image.get(ENTRY_POINTS..).unwrap_or_default();

    (0..code.len()).filter_map(|start| {
        let packed = code.get(start..)?;
        Some((Compression::of(packed)?, packed))
    })
}

/// The error for tries that decompress more than `max` bytes together.
fn too_large(path: &Path, max: u64) -> InputError {
    let problem = InputProblem::TooLarge {
        max,
        compressed: true,
    };
    FileError::new(path, problem)
}
