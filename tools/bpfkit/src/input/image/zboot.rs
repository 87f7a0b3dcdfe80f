// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Finds the compressed kernel in an EFI zboot image, as arm64, riscv and LoongArch have it.
//!
//! The kernel's `drivers/firmware/efi/libstub/zboot-header.S` is the format. Its field for the
//! compression is not needed: the compressed data begins with a magic number of its own.

use std::path::Path;

use super::at;
use super::malformed;
use super::number;
use super::packed;
use super::Compression;
use super::InputError;

/// The offsets of fields in the header, in bytes.
mod header {
    /// "zimg". "MZ" comes before it, at 0.
    pub const MAGIC: usize = 4;
    /// The offset of the compressed kernel in the file.
    pub const PAYLOAD_OFFSET: usize = 8;
    /// The length of the compressed kernel, without the decompressed size that may follow it.
    pub const PAYLOAD_LENGTH: usize = 12;
}

/// Whether this starts as an EFI zboot image.
pub(super) fn is_image(bytes: &[u8]) -> bool {
    bytes.starts_with(b"MZ") && at(bytes, header::MAGIC) == Some(*b"zimg")
}

/// The compressed kernel in an image.
pub(super) fn payload<'a>(
    path: &Path,
    image: &'a [u8],
) -> Result<(Compression, &'a [u8]), InputError> {
    let offset = number(image, header::PAYLOAD_OFFSET);
    let (start, len) = offset
        .zip(number(image, header::PAYLOAD_LENGTH))
        .ok_or_else(|| malformed(path, header::PAYLOAD_OFFSET, "the header is cut off"))?;

    packed(path, image, start, len)
}
