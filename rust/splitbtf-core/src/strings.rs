// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The string section: strings, each with a NUL at its end.

use core::cmp::Ordering;

use crate::Error;

/// A string section that ends with a NUL, or is empty.
#[derive(Clone, Copy)]
pub(crate) struct Strings<'a>(&'a [u8]);

impl<'a> Strings<'a> {
    /// `split` says whether there is a base. Only then may the section be empty, or start with a
    /// string that is not empty.
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

    /// The bytes from `offset` on, which may be in the middle of a string.
    #[inline]
    pub(crate) fn from(self, offset: usize) -> Option<&'a [u8]> {
        self.0.get(offset..).filter(|rest| !rest.is_empty())
    }
}

/// The first of these strings, without its NUL.
pub(crate) fn first(strings: &[u8]) -> Option<&[u8]> {
    // Names are short: a simple loop over the bytes is faster than memchr().
    let len = strings.iter().position(|byte| *byte == 0)?;

    strings.get(..len)
}

/// The first eight bytes, zero-padded, as a big-endian integer, so that integer order is byte
/// order. Most names differ in these.
#[inline]
pub fn first_eight<'b>(bytes: impl IntoIterator<Item = &'b u8>) -> u64 {
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(bytes) {
        *to = *from;
    }

    u64::from_be_bytes(first)
}

/// A name to compare others with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'n> {
    name: &'n [u8],
    first: u64,
}

impl<'n> Key<'n> {
    pub(crate) fn new(name: &'n [u8]) -> Self {
        Self {
            name,
            first: first_eight(name),
        }
    }

    /// Compares the first of these strings, each with a NUL at its end, with the name.
    #[inline]
    pub(crate) fn compare(&self, strings: &[u8]) -> Ordering {
        let Some(first) = strings.first_chunk() else {
            return self.compare_all(strings);
        };
        let first = u64::from_be_bytes(*first);
        // Has the highest bit of each zero byte set: the sums carry nothing into the next byte.
        let low = 0x7f7f_7f7f_7f7f_7f7f;
        let zeroes = !((first & low).wrapping_add(low) | first | low);
        // The bytes after the first NUL belong to the next string.
        let first = match zeroes {
            0 => first,
            _ => first & !u64::MAX.wrapping_shr(zeroes.leading_zeros()),
        };

        match first.cmp(&self.first) {
            Ordering::Equal if zeroes == 0 => self.compare_all(strings),
            order => order,
        }
    }

    fn compare_all(&self, strings: &[u8]) -> Ordering {
        let name = self.name;

        // If the string is shorter, its NUL differs from the byte of the name there.
        match strings.get(..name.len()) {
            Some(string) => string
                .cmp(name)
                .then_with(|| match strings.get(name.len()) {
                    None | Some(0) => Ordering::Equal,
                    Some(_) => Ordering::Greater,
                }),
            None => strings.cmp(name),
        }
    }
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
    fn comparing_is_by_bytes() {
        let texts: [&[u8]; 12] = [
            b"",
            b"a",
            b"\x01",
            b"ab",
            b"abcdefg",
            b"abcdefgh",
            b"abcdefghi",
            b"abcdefgi",
            b"b",
            b"\xff",
            b"\x7f\x80",
            b"abcdefgh\xff",
        ];

        for a in texts {
            for b in texts {
                for rest in [&b"\0"[..], b"\0z\0", b"\0aaaaaaaaa\0", b"\0\x01\xff\0"] {
                    let strings = [a, rest].concat();
                    assert_eq!(
                        Key::new(b).compare(&strings),
                        a.cmp(b),
                        "{a:?} {b:?} {rest:?}"
                    );
                }
            }
        }
        assert_eq!(Key::new(b"a").compare(b""), Ordering::Less);
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
