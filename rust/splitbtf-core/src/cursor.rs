// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Writes byte strings one after the other into memory of the caller.

use core::mem;

/// The memory that is not yet written.
pub(crate) struct Cursor<'a>(pub(crate) &'a mut [u8]);

impl<'a> Cursor<'a> {
    /// Writes `bytes`, and returns their place. `None` if they do not fit.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Option<&'a mut [u8]> {
        let (place, rest) = mem::take(&mut self.0).split_at_mut_checked(bytes.len())?;

        // copy_from_slice() can panic: the compiler does not see that the lengths are equal.
        for (to, from) in place.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.0 = rest;
        Some(place)
    }
}
