// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What can go wrong, in sentences for people.

use std::io;
use std::path::PathBuf;

/// An error of this library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A line is not a record.
    #[error("{}: line {line}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The number of the line.
        line: usize,
        /// Why not.
        source: serde_json::Error,
    },
    /// A record's numbers cannot be what has been measured.
    #[error("{}: line {line}: needs samples, and numbers above zero", path.display())]
    Sample {
        /// The file.
        path: PathBuf,
        /// The number of the line.
        line: usize,
    },
    /// A plot cannot be drawn.
    #[error("the plot of {name}: {reason}")]
    Plot {
        /// What it shows.
        name: String,
        /// Why not.
        reason: String,
    },
}
