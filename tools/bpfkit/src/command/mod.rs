// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The subcommands of `bpfkit`, one file each, and their common code for output and exit statuses.

pub mod btf;
pub mod check;
pub mod complete;
pub mod core;
pub mod diff;
pub mod distill;
pub mod feature;
pub mod files;
pub mod gen;
mod manual;
mod min_core_btf;
mod modules;
mod paths;
pub mod prog;
mod progress;
pub mod relocate;
mod terminal;
pub mod version;

use std::io;
use std::io::Write;
use std::path::Path;

use bpfkit::render;
use bpfkit::render::Style;
use bpfkit::Input;
use serde::Serialize;

use self::progress::Progress;

/// Why a subcommand fails.
#[derive(Debug)]
pub enum Failure {
    /// The command line is wrong.
    Usage(String),
    /// The subject of the command is wrong or missing, or was refused.
    Problem(String),
    /// The error has been printed already; this is the exit status.
    Said(u8),
    /// There is no answer: a file cannot be read, or the user lacks permission.
    Trouble(String),
}

impl Failure {
    /// For commands that return status 1 as a result.
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

/// How much to print on standard error, besides problems.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Talk {
    /// Nothing.
    Quiet,
    /// Notes on results that may surprise the user.
    Normal,
    /// Each step as well.
    Verbose,
}

/// How a subcommand prints.
#[derive(Clone, Copy)]
pub struct Voice {
    pub style: Style,
    pub talk: Talk,
}

impl Voice {
    /// Prints a result as JSON, or as the text that `plain` returns.
    pub fn print<T: Serialize + ?Sized>(
        self,
        value: &T,
        plain: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        let text = render::result(self.style, value, plain);
        let text = text.map_err(|error| Failure::Problem(error.to_string()))?;
        written(io::stdout().lock().write_all(&text))
    }

    /// Prints that a command is done that has no result: nothing, and as JSON `null`, as bpftool does.
    pub fn done(self) -> Result<(), Failure> {
        self.print(&(), |()| String::new())
    }

    /// Opens a file with BTF, and prints that if told to.
    fn open(self, path: &Path) -> Result<Input, Failure> {
        self.reading(path);
        Input::open(path).map_err(Failure::trouble)
    }

    /// Prints that a file is read, if told to.
    fn reading(self, path: &Path) {
        self.detail(&format!("reading {}", path.display()));
    }

    /// Prints that a file is written, if told to.
    fn writing(self, path: &Path) {
        self.detail(&format!("writing {}", path.display()));
    }

    /// A progress bar for `len` things, called `what`, unless told to be quiet. The reports of each
    /// step show the progress as well.
    fn progress(self, what: &'static str, len: usize) -> Progress {
        Progress::new(what, len, self.talk == Talk::Normal)
    }

    /// Prints a note on something that the user may not expect, unless told to be quiet.
    pub fn note(self, message: &str) {
        if self.talk >= Talk::Normal {
            eprintln!("bpfkit: {message}");
        }
    }

    /// Prints what the command is doing, if told to.
    pub fn detail(self, message: &str) {
        if self.talk >= Talk::Verbose {
            eprintln!("bpfkit: {message}");
        }
    }
}

/// The error about a word that needs another after it.
fn missing(word: &str) -> String {
    format!("after '{word}' a word is missing")
}

/// The error about a word after the last one.
fn superfluous(word: &str) -> String {
    format!("'{word}' is one word too many")
}

/// Turns the result of writing to standard output into the command's result.
pub fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        // The reader closed the pipe because it needs no more.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Trouble(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}
