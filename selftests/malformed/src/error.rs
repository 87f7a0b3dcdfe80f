// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The errors, as sentences for users.

use std::io;
use std::path::Path;
use std::path::PathBuf;

/// An error of this program. A module that the kernel refuses is not an error.
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
    /// A file is not an ELF file.
    #[error("not a kernel module: {0}")]
    Elf(#[from] object::read::Error),
    /// A module lacks a section that is to be replaced.
    #[error("the module has no section {name}; is it built out of tree, and not stripped?")]
    NoSection {
        /// The section's name.
        name: &'static str,
    },
    /// A module's own BTF is not valid.
    #[error("{what}: {source}")]
    Btf {
        /// The section or file with the BTF.
        what: &'static str,
        /// The reason.
        source: splitbtf::Error,
    },
    /// The running kernel's BTF cannot be read.
    #[error(transparent)]
    Vmlinux(#[from] bpfkit::Error),
    /// There is no case of this name.
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
        /// The reason.
        source: io::Error,
    },
    /// A load has not ended in time.
    #[error("{what} has not ended within {seconds} s")]
    Hangs {
        /// The name of the load.
        what: String,
        /// The time limit.
        seconds: u64,
    },
}

/// Adds the name of the file or of the BTF to an error.
pub(crate) trait Of<W> {
    /// The result with that name.
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
