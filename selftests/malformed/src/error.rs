// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What can go wrong, in sentences for people.

use std::io;
use std::path::Path;
use std::path::PathBuf;

/// An error of this program; what the kernel says of a module is none.
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
    /// A file is no ELF file.
    #[error("not a kernel module: {0}")]
    Elf(#[from] object::read::Error),
    /// A module lacks a section that is to be replaced.
    #[error("the module has no section {name}; is it built out of tree, and not stripped?")]
    NoSection {
        /// The section's name.
        name: &'static str,
    },
    /// A module's own BTF is no good.
    #[error("{what}: {source}")]
    Btf {
        /// Whose BTF.
        what: &'static str,
        /// Why not.
        source: splitbtf::Error,
    },
    /// A case that there is not.
    #[error("there is no case {name}; 'malformed list' shows them")]
    NoCase {
        /// The name.
        name: String,
    },
    /// A module that has been loaded cannot be removed.
    #[error("the module {name} stays: {source}")]
    Stays {
        /// The module's name.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// A load has not ended in time.
    #[error("{what} has not ended within {seconds} s")]
    Hangs {
        /// What was loaded.
        what: String,
        /// How long it was waited for.
        seconds: u64,
    },
}

/// Says which file or whose BTF an error is about.
pub(crate) trait Of<W> {
    /// What the result is with that said.
    type Out;

    fn of(self, what: W) -> Self::Out;
}

impl<T> Of<&Path> for io::Result<T> {
    type Out = Result<T, Error>;

    fn of(self, path: &Path) -> Self::Out {
        self.map_err(|source| Error::File {
            path: path.to_owned(),
            source,
        })
    }
}

impl<T> Of<&'static str> for Result<T, splitbtf::Error> {
    type Out = Result<T, Error>;

    fn of(self, what: &'static str) -> Self::Out {
        self.map_err(|source| Error::Btf { what, source })
    }
}
