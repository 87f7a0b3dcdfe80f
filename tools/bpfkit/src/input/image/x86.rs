// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Finds the compressed kernel in a bootable x86 kernel image.
//!
//! The kernel's `Documentation/arch/x86/boot.rst` describes the format.

use std::path::Path;

use super::at;
use super::malformed;
use super::number;
use super::packed;
use super::Compression;
use super::InputError;

/// The offsets of fields in the setup header of a kernel image, in bytes.
pub(in super::super) mod setup {
    /// The number of sectors of the setup code, without the first one.
    pub const SECTORS: usize = 0x1f1;
    /// The word 0xaa55.
    pub const BOOT_FLAG: usize = 0x1fe;
    /// "HdrS".
    pub const MAGIC: usize = 0x202;
    /// The version of the boot protocol.
    pub const VERSION: usize = 0x206;
    /// The offset of the compressed kernel from the end of the setup code.
    pub const PAYLOAD_OFFSET: usize = 0x248;
    /// The length of the compressed kernel.
    pub const PAYLOAD_LENGTH: usize = 0x24c;
}

/// Whether this starts as an x86 kernel image.
pub(super) fn is_image(bytes: &[u8]) -> bool {
    at(bytes, setup::BOOT_FLAG) == Some([0x55, 0xaa]) && at(bytes, setup::MAGIC) == Some(*b"HdrS")
}

/// The compressed kernel in an image.
pub(super) fn payload<'a>(
    path: &Path,
    image: &'a [u8],
) -> Result<(Compression, &'a [u8]), InputError> {
    let version = at(image, setup::VERSION).map(u16::from_le_bytes);
    if version.is_none_or(|version| version < 0x208) {
        let reason = "the boot protocol is older than 2.08 and does not say where the kernel is";
        return Err(malformed(path, setup::VERSION, reason));
    }
    let sectors = match at(image, setup::SECTORS) {
        None | Some([0]) => 4,
        Some([sectors]) => usize::from(sectors),
    };
    let setup_len = (sectors + 1) * 512;
    let offset = number(image, setup::PAYLOAD_OFFSET);
    let start = offset.and_then(|offset| setup_len.checked_add(offset));
    let (start, len) = start
        .zip(number(image, setup::PAYLOAD_LENGTH))
        .ok_or_else(|| malformed(path, setup::PAYLOAD_OFFSET, "the header is cut off"))?;
    let (compression, packed) = packed(path, image, start, len)?;

    // The kernel's build appends the decompressed size, 4 bytes, except with gzip, which has it.
    match compression {
        Compression::Gzip => Ok((compression, packed)),
        _ => Ok((compression, &packed[..packed.len().saturating_sub(4)])),
    }
}
