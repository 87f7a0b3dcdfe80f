// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Byte order as a value.

use core::fmt;

use zerocopy::byteorder::U16;
use zerocopy::ByteOrder;

use crate::wire;
use crate::Error;

/// The byte order of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endian {
    /// The lowest byte comes first: [`zerocopy::LE`].
    Little,
    /// The highest byte comes first: [`zerocopy::BE`].
    Big,
}

impl Endian {
    /// The byte order of this machine.
    pub const NATIVE: Self = match cfg!(target_endian = "little") {
        true => Self::Little,
        false => Self::Big,
    };

    /// The byte order of BTF, by its magic number.
    ///
    /// # Errors
    ///
    /// If the bytes do not start with BTF's magic number.
    pub fn of(bytes: &[u8]) -> Result<Self, Error> {
        let (magic, _) = bytes
            .split_first_chunk::<2>()
            .ok_or(Error::TooShort { len: bytes.len() })?;

        match u16::from_le_bytes(*magic) {
            wire::MAGIC => Ok(Self::Little),
            found if found == wire::MAGIC.swap_bytes() => Ok(Self::Big),
            found => Err(Error::Magic { found }),
        }
    }

    /// The byte order of a type parameter.
    #[inline]
    pub fn of_order<O: ByteOrder>() -> Self {
        match U16::<O>::from_bytes([1, 0]).get() {
            1 => Self::Little,
            _ => Self::Big,
        }
    }

    /// Decodes the first four bytes as a number; 0 if there are fewer.
    #[inline]
    pub(crate) fn word(self, bytes: &[u8]) -> u32 {
        let word = bytes.first_chunk().copied().unwrap_or_default();

        match self {
            Self::Little => u32::from_le_bytes(word),
            Self::Big => u32::from_be_bytes(word),
        }
    }
}

impl fmt::Display for Endian {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Little => "little-endian",
            Self::Big => "big-endian",
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use zerocopy::BE;
    use zerocopy::LE;

    use super::*;
    use crate::testing::File;

    #[test]
    fn the_magic_number_tells() {
        assert_eq!(Endian::of(&File::<LE>::new().bytes()), Ok(Endian::Little));
        assert_eq!(Endian::of(&File::<BE>::new().bytes()), Ok(Endian::Big));
        assert_eq!(Endian::of(b"\x7fELF"), Err(Error::Magic { found: 0x457f }));
        assert_eq!(Endian::of(b"\x9f"), Err(Error::TooShort { len: 1 }));
    }

    #[test]
    fn type_parameters_have_one() {
        assert_eq!(Endian::of_order::<LE>(), Endian::Little);
        assert_eq!(Endian::of_order::<BE>(), Endian::Big);
        assert_eq!(Endian::NATIVE.to_string().split('-').nth(1), Some("endian"));
        assert_eq!(Endian::Big.word(&[1, 2, 3, 4, 5]), 0x0102_0304);
        assert_eq!(Endian::Little.word(&[1, 2, 3, 4]), 0x0403_0201);
        assert_eq!(Endian::Little.word(&[1, 2, 3]), 0);
    }
}
