// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Text on its way out.

use std::io;
use std::io::Write;

/// Collects text, and writes it in large pieces.
pub(super) struct Text<W> {
    to: W,
    buffer: Vec<u8>,
}

impl<W: Write> Text<W> {
    const PIECE: usize = 1 << 16;

    pub(super) fn new(to: W) -> Self {
        Self {
            to,
            buffer: Vec::with_capacity(2 * Self::PIECE),
        }
    }

    /// Adds some text.
    #[inline]
    pub(super) fn put(&mut self, text: impl AsRef<[u8]>) {
        self.buffer.extend_from_slice(text.as_ref());
    }

    /// Adds a number, in decimal.
    #[inline]
    pub(super) fn number(&mut self, number: impl itoa::Integer) {
        self.put(itoa::Buffer::new().format(number));
    }

    /// Writes what there is, if that is worth it. To be called now and then.
    #[inline]
    pub(super) fn spill(&mut self) -> io::Result<()> {
        match self.buffer.len() < Self::PIECE {
            true => Ok(()),
            false => self.write(),
        }
    }

    /// Writes the rest.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.write()?;
        self.to.flush()
    }

    fn write(&mut self) -> io::Result<()> {
        self.to.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}
