// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The errors of this crate.

use std::io;
use std::path::PathBuf;

/// An error of this library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A line is not a record.
    #[error("{}: line {line}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The number of the line.
        line: usize,
        /// The reason.
        source: serde_json::Error,
    },
    /// A record has no samples, or a number that is not above zero.
    #[error("{}: line {line}: a record needs samples, and all numbers must be above zero", path.display())]
    Sample {
        /// The file.
        path: PathBuf,
        /// The number of the line.
        line: usize,
    },
    /// A plot cannot be drawn.
    #[error("cannot plot {name}: {reason}")]
    Plot {
        /// The name of the records.
        name: String,
        /// The reason.
        reason: String,
    },
}
