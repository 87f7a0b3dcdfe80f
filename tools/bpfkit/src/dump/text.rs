// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Text on its way out.

use std::io;
use std::io::Write;

/// Collects text, and writes it in large pieces.
pub struct Text<W> {
    to: W,
    buffer: Vec<u8>,
}

impl<W: Write> Text<W> {
    const PIECE: usize = 1 << 16;

    /// Text that goes to `to`.
    pub fn new(to: W) -> Self {
        Self {
            to,
            buffer: Vec::with_capacity(2 * Self::PIECE),
        }
    }

    /// Adds some text.
    #[inline]
    pub fn put(&mut self, text: impl AsRef<[u8]>) {
        self.buffer.extend_from_slice(text.as_ref());
    }

    /// Adds a number, in decimal.
    #[inline]
    pub fn number(&mut self, number: impl itoa::Integer) {
        self.put(itoa::Buffer::new().format(number));
    }

    /// Writes what there is, if that is worth it. To be called now and then.
    ///
    /// # Errors
    ///
    /// If nobody takes it.
    #[inline]
    pub fn spill(&mut self) -> io::Result<()> {
        match self.buffer.len() < Self::PIECE {
            true => Ok(()),
            false => self.write(),
        }
    }

    /// Writes the rest.
    ///
    /// # Errors
    ///
    /// If nobody takes it.
    pub fn finish(mut self) -> io::Result<()> {
        self.write()?;
        self.to.flush()
    }

    fn write(&mut self) -> io::Result<()> {
        self.to.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}
