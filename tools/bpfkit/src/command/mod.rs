// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The subcommands of `bpfkit`, one file each, and what they have in common: how they print, and
//! how they end.

pub mod btf;
pub mod check;
pub mod diff;
pub mod distill;
pub mod feature;
pub mod files;
pub mod gen;
pub mod prog;
mod progress;
pub mod relocate;

use std::io;
use std::io::Write;

use bpfkit::render;
use bpfkit::render::Style;
use serde::Serialize;

/// Why a subcommand does not end well.
#[derive(Debug)]
pub enum Failure {
    /// The command line is wrong.
    Usage(String),
    /// What the command is about is wrong, is not there, or was refused.
    Problem(String),
    /// It has been said already; this is the exit status.
    Said(u8),
    /// It could not be found out: a file cannot be read, or the user may not do this.
    Trouble(String),
}

impl Failure {
    /// For commands of which status 1 is a result.
    pub fn trouble(error: impl Into<bpfkit::Error>) -> Self {
        Self::Trouble(error.into().to_string())
    }
}

impl From<bpfkit::Error> for Failure {
    fn from(error: bpfkit::Error) -> Self {
        match error.is_trouble() {
            true => Self::Trouble(error.to_string()),
            false => Self::Problem(error.to_string()),
        }
    }
}

/// How much is said on standard error, beside problems.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Talk {
    /// Nothing.
    Quiet,
    /// Notes on what may surprise the user.
    Normal,
    /// Each step as well.
    Verbose,
}

/// How a subcommand speaks to its user.
#[derive(Clone, Copy)]
pub struct Voice {
    pub style: Style,
    pub talk: Talk,
}

impl Voice {
    /// Prints a result: as JSON, or what `plain` makes of it.
    pub fn print<T: Serialize + ?Sized>(
        self,
        value: &T,
        plain: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        let text = render::result(self.style, value, plain);
        let text = text.map_err(|error| Failure::Problem(error.to_string()))?;
        written(io::stdout().lock().write_all(&text))
    }

    /// Says what the user may not expect, unless told to be quiet.
    pub fn note(self, message: &str) {
        if self.talk >= Talk::Normal {
            eprintln!("bpfkit: {message}");
        }
    }

    /// Says what is being done, if told to.
    pub fn detail(self, message: &str) {
        if self.talk >= Talk::Verbose {
            eprintln!("bpfkit: {message}");
        }
    }
}

/// What writing to standard output means for the command.
pub fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        // Who closed the pipe does not want to read more.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Trouble(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}
