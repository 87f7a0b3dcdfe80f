// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The rules for names: `btf_name_offset_valid()`, `btf_name_valid_identifier()` and
//! `btf_name_valid_section()`.

use splitbtf::raw::index;
use splitbtf::Btf;
use splitbtf::TypeName;
use zerocopy::ByteOrder;

/// `BTF_MAX_NAME_OFFSET` of `include/uapi/linux/btf.h`.
pub(super) const MAX_OFFSET: u32 = 0xff_ffff;

/// The most bytes that a name may have, without its NUL: `KSYM_NAME_LEN` of
/// `include/linux/kallsyms.h`.
const MAX_LEN: usize = 512;

/// The strings of BTF and of its base.
#[derive(Clone, Copy)]
pub(super) struct Strings<'a, O: ByteOrder> {
    own: &'a [u8],
    base: Option<&'a Btf<'a, O>>,
}

impl<'a, O: ByteOrder> Strings<'a, O> {
    /// `own` ends with a NUL, or is empty.
    pub fn new(own: &'a [u8], base: Option<&'a Btf<'a, O>>) -> Self {
        Self { own, base }
    }

    /// The name at this offset, which starts with its first byte and goes on after its NUL. `None`
    /// if there is no such string.
    pub fn at(&self, offset: u32) -> Option<Name<'a>> {
        let first = self.base.map_or(0, |base| base.end_string());
        let bytes = match offset.checked_sub(first) {
            Some(at) => self.own.get(index(at)..).filter(|rest| !rest.is_empty()),
            None => self.base.and_then(|base| base.strings_from(offset)),
        };

        bytes.filter(|_| offset <= MAX_OFFSET).map(Name)
    }

    /// A name for messages. That at offset 0 is none.
    pub fn shown(&self, offset: u32) -> String {
        match self.at(offset) {
            _ if offset == 0 => "(anon)".to_owned(),
            Some(name) => name.shown().to_string(),
            None => "(invalid-name-offset)".to_owned(),
        }
    }
}

/// A string that ends with its first NUL, and the strings after it.
#[derive(Clone, Copy)]
pub(super) struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    pub fn is_empty(self) -> bool {
        self.0.starts_with(&[0])
    }

    /// Whether C accepts it as an identifier. The letters are those of Latin-1, each in one byte:
    /// in UTF-8, only ASCII letters are accepted.
    pub fn is_identifier(self) -> bool {
        let is_first = |byte| is_alpha(byte) || matches!(byte, b'_' | b'.');

        match self.short() {
            Some([first, rest @ ..]) => {
                let is_next = |byte: &u8| is_first(*byte) || byte.is_ascii_digit();
                is_first(*first) && rest.iter().all(is_next)
            }
            _ => false,
        }
    }

    /// Whether C accepts it as the name of an ELF section.
    pub fn is_section(self) -> bool {
        let name = self.short().unwrap_or_default();

        !name.is_empty() && name.iter().all(|byte| is_print(*byte))
    }

    /// The name without its NUL; `None` if it is too long.
    fn short(self) -> Option<&'a [u8]> {
        let len = self
            .0
            .iter()
            .take(MAX_LEN + 1)
            .position(|byte| *byte == 0)?;

        self.0.get(..len)
    }

    fn shown(self) -> TypeName {
        let start = self.0.split(|byte| *byte == 0).next().unwrap_or_default();

        TypeName::new(start)
    }
}

/// `isalpha()` of `lib/ctype.c`.
fn is_alpha(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || (byte >= 0xc0 && !matches!(byte, 0xd7 | 0xf7))
}

/// `isprint()` of `lib/ctype.c`.
fn is_print(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | 0xa0..)
}
