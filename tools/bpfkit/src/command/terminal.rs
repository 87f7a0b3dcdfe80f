// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The terminal that standard output is.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::io::IsTerminal;

use terminal_size::terminal_size_of;
use terminal_size::Width;

/// How many columns it has: as many as the environment variable `COLUMNS` says, or else the terminal
/// itself. `None` if standard output is no terminal, or if nothing says it.
pub fn width() -> Option<usize> {
    let output = io::stdout();
    if !output.is_terminal() {
        return None;
    }

    let said = columns(env::var_os("COLUMNS").as_deref());
    said.or_else(|| terminal_size_of(output).map(|(Width(columns), _)| columns.into()))
}

/// The value of `COLUMNS`, if it is a number of columns.
fn columns(variable: Option<&OsStr>) -> Option<usize> {
    let columns = variable?.to_str()?.parse().ok()?;

    (columns > 0).then_some(columns)
}

#[cfg(test)]
mod tests;
