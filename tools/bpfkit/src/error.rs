// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Errors, with messages for people.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::fit::SymbolsError;
use crate::input::InputProblem;
use crate::relocate::RelocateError;
use crate::show::Tag;
use crate::value::ValueError;
use crate::InputError;

/// An error of this library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An object file cannot be read, or its maps cannot be created.
    #[error("{}: {reason}", path.display())]
    Object {
        /// The file.
        path: PathBuf,
        /// The reason that libbpf gives.
        reason: Reason,
    },
    /// A program of an object file cannot be loaded.
    #[error("{}: program {program}: {reason}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// The program's name.
        program: String,
        /// The reason that libbpf or the verifier gives.
        reason: Reason,
    },
    /// A program cannot be pinned.
    #[error("{}: {reason}", path.display())]
    Pin {
        /// The path to pin it at.
        path: PathBuf,
        /// The reason.
        reason: Reason,
    },
    /// A program or a map cannot be accessed, or a map cannot be bound.
    #[error("{what}: {}", explain(source))]
    Kernel {
        /// The object: `prog id 7`, `map pinned /sys/fs/bpf/m`.
        what: String,
        /// The kernel's error.
        source: io::Error,
    },
    /// The pinned object is not a program.
    #[error("{what}: this is not a program")]
    NotProgram {
        /// The object: `prog pinned /sys/fs/bpf/m`.
        what: String,
    },
    /// There is no program with this name.
    #[error("prog name {name}: no program has this name")]
    NoSuchProgram {
        /// The name.
        name: String,
    },
    /// There is no program with this tag.
    #[error("prog tag {tag}: no program has this tag")]
    NoSuchTag {
        /// The tag.
        tag: Tag,
    },
    /// An object file has no such map.
    #[error("{what}: there is no such map in the object")]
    NoSuchMap {
        /// The map: `map idx 7`.
        what: String,
    },
    /// There is no such program type.
    #[error("type {name}: libbpf knows no such type of programs")]
    NoSuchType {
        /// The type.
        name: String,
    },
    /// A file cannot be read, lacks the wanted section, or has malformed BTF.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A list of symbols cannot be read.
    #[error(transparent)]
    Symbols(#[from] SymbolsError),
    /// The BTF of a module is not relocated to a kernel.
    #[error(transparent)]
    Relocate(Box<RelocateError>),
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Something has no BTF.
    #[error("{what}: there is no BTF")]
    NoBtf {
        /// The object: `prog id 7`.
        what: String,
    },
    /// BTF from the kernel is malformed.
    #[error("BTF id {id}: {source}")]
    Btf {
        /// Its id.
        id: u32,
        /// The error.
        source: splitbtf::Error,
    },
    /// Metadata cannot be read.
    #[error("map id {map}: {source}")]
    Metadata {
        /// The map's id.
        map: u32,
        /// The error.
        source: ValueError,
    },
}

impl Error {
    /// Whether the requested object is not the cause: a file cannot be read, the user lacks
    /// permission, or the kernel cannot do this.
    pub fn is_trouble(&self) -> bool {
        match self {
            Self::Object { reason, .. } | Self::Load { reason, .. } | Self::Pin { reason, .. } => {
                reason.os_error.is_some_and(is_trouble)
            }
            Self::Kernel { source, .. } => source.raw_os_error().is_some_and(is_trouble),
            Self::Input(error) => matches!(error.problem, InputProblem::Read(_)),
            _ => false,
        }
    }
}

/// Whether the kernel could return this for any object.
fn is_trouble(os_error: i32) -> bool {
    matches!(
        os_error,
        libc::EPERM | libc::EACCES | libc::ENOSYS | libc::ENOMEM | libc::EIO
    )
}

/// Why an object file is not loaded.
#[derive(Clone, Debug)]
pub struct Reason {
    text: String,
    /// The kernel's error number, if there is one and it is not the verdict on a program.
    os_error: Option<i32>,
}

impl Reason {
    /// A reason in words.
    pub(crate) fn new(text: &str) -> Self {
        Self {
            text: text.into(),
            os_error: None,
        }
    }

    /// An error from the kernel, at `what`.
    pub(crate) fn of_io(what: &str, error: &io::Error) -> Self {
        Self {
            text: format!("{what}: {error}"),
            os_error: error.raw_os_error(),
        }
    }

    /// An error from libbpf, with its warnings.
    pub(crate) fn of_libbpf(warnings: &[String], error: &libbpf_rs::Error) -> Self {
        match warnings {
            [] => Self::new(&format!("{error:#}")),
            _ => Self::new(&lines(warnings)),
        }
    }

    /// An error number from libbpf, with its warnings.
    pub(crate) fn of_load(warnings: &[String], error: &io::Error) -> Self {
        let os_error = error.raw_os_error();
        let text = match warnings.is_empty() || os_error == Some(libc::EPERM) {
            true => explain(error),
            false => lines(warnings),
        };
        Self { text, os_error }
    }

    /// The verifier's log for a program.
    pub(crate) fn of_verifier(log: &[String], error: &io::Error) -> Self {
        Self::new(&format!(
            "the verifier refuses it: {error}{}",
            indented(log)
        ))
    }
}

/// Joins sentences; each but the first is indented on a new line.
fn lines(sentences: &[String]) -> String {
    match sentences {
        [first, rest @ ..] => format!("{first}{}", indented(rest)),
        [] => String::new(),
    }
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n    {line}")).collect()
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The kernel's error number, with its most likely meaning here.
fn explain(error: &io::Error) -> String {
    format!("{error}{}", hint(error))
}

/// The most likely meaning here of an error number from the kernel.
fn hint(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EPERM) => " (this needs CAP_BPF and CAP_SYS_ADMIN, or root)",
        Some(libc::ENOENT) => " (it is not there, or not any more)",
        Some(libc::ENOSYS) => " (this kernel has no bpf system call)",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
