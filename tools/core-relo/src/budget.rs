// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! A bound on the work.

use std::cell::Cell;

use crate::Fault;

/// The steps that any input may take.
const STEPS: u64 = 1 << 20;

/// The steps for each byte of input: for a kernel, a hundred times what the largest objects need.
const STEPS_PER_BYTE: u64 = 8;

/// How many steps are left.
///
/// Looking at a type, a member or a value is a step. Without a bound, hostile types can make
/// searches through anonymous members or prototypes take exponential time, and many relocations that
/// each have many candidates quadratic time.
#[derive(Debug)]
pub(crate) struct Budget {
    left: Cell<u64>,
}

impl Budget {
    /// For input of this many bytes.
    pub fn new(bytes: u64) -> Self {
        let steps = bytes.saturating_mul(STEPS_PER_BYTE).saturating_add(STEPS);

        Self {
            left: Cell::new(steps),
        }
    }

    /// Takes steps.
    pub fn spend(&self, steps: usize) -> Result<(), Fault> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);

        match self.left.get().checked_sub(steps) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                self.left.set(0);
                Err(Fault::Work)
            }
        }
    }
}
