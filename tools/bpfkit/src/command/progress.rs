// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! A progress bar on a terminal.

use std::time::Duration;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

/// A command that takes less time needs no bar.
const WAIT: Duration = Duration::from_secs(2);

/// A bar on standard error that appears after a while; none if that is not a terminal, or if the
/// user wants none.
pub struct Progress {
    bar: ProgressBar,
    wanted: bool,
}

impl Progress {
    /// A bar for `len` things, called `what`, if it is `wanted`.
    pub fn new(what: &'static str, len: usize, wanted: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(len as u64), ProgressDrawTarget::hidden());
        let bar = bar.with_message(what);

        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, {eta} left");

        Self {
            bar: match style {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            },
            wanted,
        }
    }

    /// One more thing is to be done.
    pub fn more(&self) {
        self.bar.inc_length(1);
    }

    /// Counts one more as done.
    pub fn step(&self) {
        if self.wanted && self.bar.is_hidden() && self.bar.elapsed() > WAIT {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(1);
    }

    /// Removes the bar.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests;
