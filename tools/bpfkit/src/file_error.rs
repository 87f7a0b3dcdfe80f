// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! A problem with a file, or with a section of it.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use crate::input::InputProblem;

/// A problem with a file. `Display` names the file, the section and the problem.
#[derive(Debug)]
pub struct FileError<P = InputProblem> {
    /// The file.
    pub path: PathBuf,
    /// The section that the problem is in, if it is in one.
    pub section: Option<Box<str>>,
    /// The problem.
    pub problem: P,
}

impl<P> FileError<P> {
    /// A problem of the whole file.
    pub fn new(path: &Path, problem: impl Into<P>) -> Self {
        Self {
            path: path.to_owned(),
            section: None,
            problem: problem.into(),
        }
    }

    /// A problem in a section.
    pub fn in_section(path: &Path, section: &str, problem: impl Into<P>) -> Self {
        Self {
            section: Some(section.into()),
            ..Self::new(path, problem)
        }
    }

    /// Converts the problem to another type.
    pub(crate) fn map<Q: From<P>>(self) -> FileError<Q> {
        FileError {
            path: self.path,
            section: self.section,
            problem: self.problem.into(),
        }
    }
}

impl<P: fmt::Display> fmt::Display for FileError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        if let Some(section) = &self.section {
            write!(f, "{section}: ")?;
        }
        self.problem.fmt(f)
    }
}

impl<P: Error + 'static> Error for FileError<P> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.problem.source()
    }
}
