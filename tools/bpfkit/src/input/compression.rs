// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Decompresses gzip, xz, zstd and lz4.

use std::io;
use std::io::Read;
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;

use crate::file_error::FileError;

use super::InputError;
use super::InputProblem;

/// The most memory that the xz decompressor may use, in KiB. The kernel's own build needs 128 MiB.
const XZ_MEMORY: u32 = 256 << 10;

/// Whether there are more than `max` bytes.
pub(super) fn exceeds(bytes: &[u8], max: u64) -> bool {
    u64::try_from(bytes.len()).map_or(true, |len| len > max)
}

/// A compression format, recognised by the first bytes.
#[derive(Clone, Copy)]
pub(super) enum Compression {
    Gzip,
    Xz,
    Zstd,
    Lz4,
}

impl Compression {
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            // lz4 has two formats; the kernel's build uses the older one, the second here.
            [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..] => Some(Self::Lz4),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        }
    }

    /// Appends the decompressed data to `out`, but stops when `out` has more than `max` bytes.
    fn read(self, mut packed: &[u8], max: u64, out: &mut Vec<u8>) -> io::Result<()> {
        let limit = max.saturating_add(1);

        match self {
            Self::Gzip => MultiGzDecoder::new(packed).take(limit).read_to_end(out)?,
            Self::Xz => XzReader::new_mem_limit(packed, true, XZ_MEMORY)
                .take(limit)
                .read_to_end(out)?,
            Self::Lz4 => FrameDecoder::new(packed).take(limit).read_to_end(out)?,
            Self::Zstd => {
                while !packed.is_empty() && !exceeds(out, max) {
                    let frame = StreamingDecoder::new(&mut packed).map_err(io::Error::other)?;
                    frame.take(limit).read_to_end(out)?;
                }
                out.len()
            }
        };
        Ok(())
    }
}

/// Decompresses; the result may have at most `max` bytes.
pub(super) fn decompress(
    path: &Path,
    (compression, packed): (Compression, &[u8]),
    max: u64,
) -> Result<Vec<u8>, InputError> {
    let mut out = Vec::new();
    let result = compression.read(packed, max, &mut out);

    result.map_err(|source| {
        let problem = InputProblem::Compressed {
            compression: compression.name(),
            offset: out.len(),
            source,
        };
        FileError::new(path, problem)
    })?;
    let too_large = InputProblem::TooLarge {
        max,
        compressed: true,
    };
    match exceeds(&out, max) {
        false => Ok(out),
        true => Err(FileError::new(path, too_large)),
    }
}
