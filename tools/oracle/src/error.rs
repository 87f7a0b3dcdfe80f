// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Errors, with messages for people.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use bpfkit::InputError;

use crate::libbpf;

/// An error of this library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be opened as one that holds BTF.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The BTF of a kernel cannot be opened.
    #[error(transparent)]
    Vmlinux(#[from] bpfkit::Error),
    /// A file or a folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or the folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// There is no module in a folder.
    #[error("{}: there is no module in it", path.display())]
    NoModules {
        /// The folder.
        path: PathBuf,
    },
    /// A command cannot be run, fails, or does what it should not.
    #[error("{what}: {reason}")]
    Command {
        /// The command.
        what: String,
        /// The reason.
        reason: String,
    },
    /// `splitbtf` cannot read the BTF of a kernel or a module.
    #[error("{}: {source}", path.display())]
    Btf {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: splitbtf::Error,
    },
    /// libbpf cannot read the BTF of a kernel or a module.
    #[error("{}: {source}", path.display())]
    Libbpf {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: libbpf::Error,
    },
}

/// Names the file that an error is about.
pub(crate) trait InFile<T> {
    fn in_file(self, path: &Path) -> Result<T, Error>;
}

impl<T> InFile<T> for io::Result<T> {
    fn in_file(self, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::File {
            path: path.to_owned(),
            source,
        })
    }
}

impl<T> InFile<T> for Result<T, splitbtf::Error> {
    fn in_file(self, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::Btf {
            path: path.to_owned(),
            source,
        })
    }
}

impl<T> InFile<T> for Result<T, libbpf::Error> {
    fn in_file(self, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::Libbpf {
            path: path.to_owned(),
            source,
        })
    }
}
