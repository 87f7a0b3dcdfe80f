// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Buffered text output.

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

    /// Writes the buffer if it is large. Callers do this now and then.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
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
    /// If it cannot be written.
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
