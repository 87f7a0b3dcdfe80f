// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The string section: strings that end with a NUL, one after the other.

use core::cmp::Ordering;

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
    // Names are short: to look at one byte after the other is faster than to prepare for more.
    let len = strings.iter().position(|byte| *byte == 0)?;

    strings.get(..len)
}

/// The first eight bytes, as a number that compares as they do; 0 for each that is not there.
///
/// What most names differ in is at hand with it.
#[inline]
pub fn first_eight<'b>(bytes: impl IntoIterator<Item = &'b u8>) -> u64 {
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(bytes) {
        *to = *from;
    }

    u64::from_be_bytes(first)
}

/// A name that others are compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'n> {
    name: &'n [u8],
    begin: u64,
}

impl<'n> Key<'n> {
    pub(crate) fn new(name: &'n [u8]) -> Self {
        Self {
            name,
            begin: first_eight(name),
        }
    }

    /// How the first of these strings, which ends with a NUL, compares with the name.
    #[inline]
    pub(crate) fn compare(&self, strings: &[u8]) -> Ordering {
        let Some(begin) = strings.first_chunk() else {
            return self.compare_all(strings);
        };
        let begin = u64::from_be_bytes(*begin);
        // The highest bit of each byte that is zero: the sums carry nothing into the next byte.
        let low = 0x7f7f_7f7f_7f7f_7f7f;
        let zeroes = !((begin & low).wrapping_add(low) | begin | low);
        // What comes behind the first of them is of the next string.
        let begin = match zeroes {
            0 => begin,
            _ => begin & !u64::MAX.wrapping_shr(zeroes.leading_zeros()),
        };

        match begin.cmp(&self.begin) {
            Ordering::Equal if zeroes == 0 => self.compare_all(strings),
            order => order,
        }
    }

    fn compare_all(&self, strings: &[u8]) -> Ordering {
        let name = self.name;

        // Where the string is shorter, its NUL differs from what the name has in that place.
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
