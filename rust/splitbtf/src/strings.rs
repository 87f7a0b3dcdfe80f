// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The string section: strings that end with a NUL, one after the other.

use core::ffi::CStr;

use crate::Error;

/// A string section that ends with a NUL, or is empty.
#[derive(Clone, Copy)]
pub(crate) struct Strings<'a>(&'a [u8]);

impl<'a> Strings<'a> {
    /// `split` is whether there is a base: only then may the section be empty, or not begin with an
    /// empty string.
    pub(crate) fn new(section: &'a [u8], split: bool) -> Result<Self, Error> {
        match (section.first(), section.last()) {
            (None, None) if split => Ok(Self(section)),
            (Some(0), Some(0)) => Ok(Self(section)),
            (Some(_), Some(0)) if split => Ok(Self(section)),
            (Some(_), Some(0)) => Err(Error::FirstString),
            _ => Err(Error::Unterminated),
        }
    }

    /// Length in bytes.
    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    /// What begins at `offset`, which may be in the middle of a string.
    #[inline]
    pub(crate) fn from(self, offset: usize) -> Option<&'a [u8]> {
        self.0.get(offset..).filter(|rest| !rest.is_empty())
    }
}

/// The first of these strings, without its NUL.
pub(crate) fn first(strings: &[u8]) -> Option<&[u8]> {
    CStr::from_bytes_until_nul(strings).ok().map(CStr::to_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_at_any_offset() {
        let strings = Strings::new(b"\0int\0long\0", false).unwrap();

        let at = |offset| strings.from(offset).and_then(first);
        assert_eq!(at(0), Some(&b""[..]));
        assert_eq!(at(1), Some(&b"int"[..]));
        assert_eq!(at(3), Some(&b"t"[..]));
        assert_eq!(at(5), Some(&b"long"[..]));
        assert_eq!(at(9), Some(&b""[..]));
        assert_eq!(at(10), None);
        assert_eq!(at(usize::MAX), None);
    }

    #[test]
    fn sections_are_checked() {
        let new = |section, split| Strings::new(section, split).err();

        assert_eq!(new(b"", true), None);
        assert_eq!(new(b"", false), Some(Error::Unterminated));
        assert_eq!(new(b"a\0", true), None);
        assert_eq!(new(b"a\0", false), Some(Error::FirstString));
        assert_eq!(new(b"\0a", true), Some(Error::Unterminated));
        assert_eq!(new(b"\0a", false), Some(Error::Unterminated));
    }
}
