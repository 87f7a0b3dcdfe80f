// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What can go wrong, in sentences for people.

use std::fmt;
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
        reason: Reason,
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
        reason: Reason,
    },
    /// A program cannot be pinned.
    #[error("{}: {reason}", path.display())]
    Pin {
        /// Where it should have been.
        path: PathBuf,
        /// Why not.
        reason: Reason,
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

impl Error {
    /// Whether it is not about what was asked for: a file cannot be read, the user may not do this,
    /// or the kernel cannot.
    pub fn is_trouble(&self) -> bool {
        match self {
            Self::Object { reason, .. } | Self::Load { reason, .. } => {
                reason.os_error.is_some_and(is_trouble)
            }
            Self::Kernel { source, .. } => source.raw_os_error().is_some_and(is_trouble),
            Self::Input(error) => matches!(error, InputError::Read { .. }),
            _ => false,
        }
    }
}

/// Whether the kernel would say this to anybody who asks for anything.
fn is_trouble(os_error: i32) -> bool {
    matches!(
        os_error,
        libc::EPERM | libc::EACCES | libc::ENOSYS | libc::ENOMEM | libc::EIO
    )
}

/// Why aya does not do something.
#[derive(Clone, Debug)]
pub struct Reason {
    text: String,
    /// The kernel's error number, if it said one.
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

    /// An error with all that caused it: aya's outermost errors say little.
    pub(crate) fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut this = Self::new("");
        let mut link = Some(error);

        while let Some(error) = link {
            let cause = error.to_string();
            // The verifier may have nothing to say.
            let cause = cause.trim_end().trim_end_matches(". Verifier output:");
            if this.text.is_empty() {
                this.text = cause.to_owned();
            } else if !this.text.contains(cause) {
                this.text = format!("{}: {cause}", this.text);
            }
            if let Some(error) = error.downcast_ref::<io::Error>() {
                this.os_error = error.raw_os_error();
                if this.os_error == Some(libc::EPERM) {
                    this.text += hint(error);
                }
            }
            link = error.source();
        }
        this
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The kernel's error number, with what it most likely means here.
fn explain(error: &io::Error) -> String {
    format!("{error}{}", hint(error))
}

/// What an error number of the kernel's most likely means here.
fn hint(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EPERM) => " (this needs CAP_BPF and CAP_SYS_ADMIN, or root)",
        Some(libc::ENOENT) => " (it is not there, or not any more)",
        Some(libc::ENOSYS) => " (this kernel has no bpf system call)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worded as aya's.
    #[derive(Debug, thiserror::Error)]
    #[error("the BPF_PROG_LOAD syscall returned {source}. Verifier output: ")]
    struct LoadError {
        source: io::Error,
    }

    #[test]
    fn refused_programs_are_explained() {
        let source = io::Error::from_raw_os_error(libc::EPERM);
        let text = Reason::of(&LoadError { source }).to_string();

        assert!(text.ends_with("or root)"), "{text}");
        assert!(!text.contains("Verifier"), "{text}");
    }
}
