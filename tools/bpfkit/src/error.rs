// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What can go wrong, in sentences for people.

use std::io;
use std::path::PathBuf;

use crate::value::ValueError;
use crate::InputError;

/// An error of this library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An object file cannot be read, or its maps cannot be made.
    #[error("{}: {reason}", path.display())]
    Object {
        /// The file.
        path: PathBuf,
        /// Why, as aya says it.
        reason: String,
    },
    /// An object file has no program.
    #[error("{}: there is no program in it", path.display())]
    NoProgram {
        /// The file.
        path: PathBuf,
    },
    /// A program of an object file cannot be loaded.
    #[error("{}: program {program}: {reason}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// The program's name.
        program: String,
        /// Why, as aya or the verifier says it.
        reason: String,
    },
    /// A program cannot be pinned.
    #[error("{}: {reason}", path.display())]
    Pin {
        /// Where it should have been.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A program or a map cannot be reached, or a map not be bound.
    #[error("{what}: {}", explain(source))]
    Kernel {
        /// What it is: `prog id 7`, `map pinned /sys/fs/bpf/m`.
        what: String,
        /// What the kernel says.
        source: io::Error,
    },
    /// Something is pinned there, but not a program.
    #[error("{what}: this is not a program")]
    NotProgram {
        /// What it is: `prog pinned /sys/fs/bpf/m`.
        what: String,
    },
    /// There is no program with this name.
    #[error("prog name {name}: no program has this name")]
    NoSuchProgram {
        /// The name.
        name: String,
    },
    /// A file cannot be read, or has not what is sought in it.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The BTF of a file is wrong.
    #[error("{}: {section}: {source}", path.display())]
    Types {
        /// The file.
        path: PathBuf,
        /// The section that the BTF is in.
        section: &'static str,
        /// What is wrong with it.
        source: splitbtf::Error,
    },
    /// Something has no BTF.
    #[error("{what}: there is no BTF")]
    NoBtf {
        /// What: `prog id 7`.
        what: String,
    },
    /// BTF of the kernel's is wrong.
    #[error("BTF id {id}: {source}")]
    Btf {
        /// Its id.
        id: u32,
        /// What is wrong with it.
        source: splitbtf::Error,
    },
    /// Metadata cannot be read.
    #[error("map id {map}: {source}")]
    Metadata {
        /// The map's id.
        map: u32,
        /// What is wrong with it.
        source: ValueError,
    },
}

/// The kernel's error number, with what it most likely means here.
fn explain(error: &io::Error) -> String {
    format!("{error}{}", hint(error))
}

/// What an error number of the kernel's most likely means here.
pub(crate) fn hint(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EPERM) => " (this needs CAP_BPF and CAP_SYS_ADMIN, or root)",
        Some(libc::ENOENT) => " (it is not there, or not any more)",
        Some(libc::ENOSYS) => " (this kernel has no bpf system call)",
        _ => "",
    }
}
