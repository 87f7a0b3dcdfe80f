// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Finds out whether split BTF was made for another base.

use splitbtf::Btf;
use zerocopy::ByteOrder;

/// A name in split BTF that shows that its base is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the module was not built for the kernel of this base: a name in BTF type {id} is not in the base \
     (offset {offset} of its strings)"
)]
pub struct Stranger {
    /// The type that has the name.
    pub id: u32,
    /// The offset of the name in the base's strings, in bytes.
    pub offset: u32,
}

impl Stranger {
    /// Finds a name that does not start where a string of the base starts: all writers of BTF refer
    /// to whole strings. `None` if there is none.
    ///
    /// # Errors
    ///
    /// If a type of the split BTF cannot be read.
    pub(crate) fn find<O: ByteOrder>(split: &Btf<'_, O>) -> Result<Option<Self>, splitbtf::Error> {
        for id in split.first_id()..split.end_id() {
            for offset in split.name_offsets(id)? {
                let before = offset.checked_sub(1);
                if before.is_some_and(|before| split.string(before) != Ok(b"")) {
                    return Ok(Some(Self { id, offset }));
                }
            }
        }
        Ok(None)
    }
}
