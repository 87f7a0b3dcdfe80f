// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Writing one thing after the other into memory that somebody else has allocated.

use core::mem;

/// What is left of the memory.
pub(crate) struct Cursor<'a>(pub(crate) &'a mut [u8]);

impl<'a> Cursor<'a> {
    /// Writes `bytes`, and returns where they are; `None` if they do not fit.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Option<&'a mut [u8]> {
        let (place, rest) = mem::take(&mut self.0).split_at_mut_checked(bytes.len())?;

        // copy_from_slice() has a panic for two lengths that the compiler cannot see to be one.
        for (to, from) in place.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.0 = rest;
        Some(place)
    }
}
