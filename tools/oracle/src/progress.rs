// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Progress bars on a terminal.

use indicatif::ProgressBar;
use indicatif::ProgressStyle;

/// A bar on standard error; none if that is not a terminal.
pub(crate) fn bar(what: &'static str, len: usize) -> ProgressBar {
    let bar = ProgressBar::new(len as u64).with_message(what);

    match ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
