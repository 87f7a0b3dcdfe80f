// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! How far a command has come, on a terminal.

use std::time::Duration;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

/// What takes less time needs no bar.
const WAIT: Duration = Duration::from_secs(2);

/// A bar on standard error, which shows up after a while; none where that is not a terminal.
pub struct Progress(ProgressBar);

impl Progress {
    /// Of `len` things, which are called `what`.
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

    /// One more is done.
    pub fn step(&self) {
        if self.0.is_hidden() && self.0.elapsed() > WAIT {
            self.0.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.0.inc(1);
    }

    /// All are done: the bar goes.
    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}
