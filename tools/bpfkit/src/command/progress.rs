// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! A progress bar on a terminal.

use std::time::Duration;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

/// A command that takes less time needs no bar.
const WAIT: Duration = Duration::from_secs(2);

/// A bar on standard error that appears after a while; none if that is not a terminal.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar for `len` things, called `what`.
    pub fn new(what: &'static str, len: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(len as u64), ProgressDrawTarget::hidden());
        let bar = bar.with_message(what);

        Self(
            match ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, {eta} left") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            },
        )
    }

    /// Counts one more as done.
    pub fn step(&self) {
        if self.0.is_hidden() && self.0.elapsed() > WAIT {
            self.0.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.0.inc(1);
    }

    /// Removes the bar.
    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}
