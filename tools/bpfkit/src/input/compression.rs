// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Decompresses gzip, xz, zstd and lz4.

use std::io;
use std::io::Read;
use std::path::Path;

use flate2::bufread::GzDecoder;
use flate2::bufread::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;

use crate::file_error::FileError;

use super::InputError;
use super::InputProblem;

/// The most memory that the xz decompressor may use, in KiB. The kernel's own build needs 128 MiB.
const XZ_MEMORY: u32 = 256 << 10;

/// The magic number of lz4's older format.
const LZ4_LEGACY: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];

/// The largest compressed block of lz4's older format, in bytes: `LZ4_compressBound()` of 8 MiB.
const LZ4_MAX_BLOCK: usize = (8 << 20) + (8 << 20) / 255 + 16;

/// Whether there are more than `max` bytes.
pub(super) fn exceeds(bytes: &[u8], max: u64) -> bool {
    u64::try_from(bytes.len()).map_or(true, |len| len > max)
}

/// How much of the bytes is compressed data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All. Parallel compressors write several pieces.
    All,
    /// One piece at the start. Other data may follow.
    First,
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
            // 8 is the only method that gzip has.
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            // lz4 has two formats; the kernel's build uses the older one.
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Self::Lz4),
            _ if bytes.starts_with(&LZ4_LEGACY) => Some(Self::Lz4),
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
    fn read(
        self,
        mut packed: &[u8],
        extent: Extent,
        max: u64,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let limit = max.saturating_add(1);
        let all = extent == Extent::All;

        match self {
            Self::Gzip if all => MultiGzDecoder::new(packed).take(limit).read_to_end(out)?,
            Self::Gzip => GzDecoder::new(packed).take(limit).read_to_end(out)?,
            Self::Xz => XzReader::new_mem_limit(packed, all, XZ_MEMORY)
                .take(limit)
                .read_to_end(out)?,
            Self::Lz4 => {
                let packed = if all { packed } else { lz4_blocks(packed) };
                FrameDecoder::new(packed).take(limit).read_to_end(out)?
            }
            Self::Zstd => {
                while !packed.is_empty() && !exceeds(out, max) {
                    let frame = StreamingDecoder::new(&mut packed).map_err(io::Error::other)?;
                    frame.take(limit).read_to_end(out)?;
                    if !all {
                        break;
                    }
                }
                out.len()
            }
        };
        Ok(())
    }
}

/// The first piece of lz4 data. The older format has no end mark: it ends before a word that cannot
/// be the length of a block. The newer format is not cut off: it has an end mark.
fn lz4_blocks(packed: &[u8]) -> &[u8] {
    let Some(mut blocks) = packed.strip_prefix(&LZ4_LEGACY) else {
        return packed;
    };
    while let Some((len, rest)) = blocks.split_first_chunk() {
        let block = usize::try_from(u32::from_le_bytes(*len))
            .ok()
            .filter(|len| (1..=LZ4_MAX_BLOCK).contains(len))
            .and_then(|len| rest.get(len..));
        match block {
            Some(rest) => blocks = rest,
            None => break,
        }
    }
    packed
        .get(..packed.len().saturating_sub(blocks.len()))
        .unwrap_or_default()
}

/// Why this code cannot decompress a kernel: it is in a format that only the kernel's build has, or
/// in none.
pub(super) fn unsupported(packed: &[u8]) -> &'static str {
    match packed {
        [0x5d, 0, 0, ..] => "the kernel is compressed by lzma, which is not supported",
        [0x89, b'L', b'Z', b'O', ..] => "the kernel is compressed by lzo, which is not supported",
        [b'B', b'Z', b'h', ..] => "the kernel is compressed by bzip2, which is not supported",
        _ => "the kernel is not compressed by gzip, xz, zstd or lz4",
    }
}

/// Decompresses; the result may have at most `max` bytes.
pub(super) fn decompress(
    path: &Path,
    (compression, packed): (Compression, &[u8]),
    extent: Extent,
    max: u64,
) -> Result<Vec<u8>, InputError> {
    let mut out = Vec::new();
    let result = compression.read(packed, extent, max, &mut out);

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
