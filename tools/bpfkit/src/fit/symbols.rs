// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The symbols that a kernel and its modules export.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::file_error::FileError;

use super::Module;
use super::Obstacle;

/// The prefix of the symbols in `System.map` that mark exported ones.
const EXPORTED: &str = "__ksymtab_";

/// Why a list of symbols cannot be read.
pub type SymbolsError = FileError<SymbolsProblem>;

/// Why a list of symbols cannot be read: the part of a [`SymbolsError`] that does not name the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SymbolsProblem {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// No line names an exported symbol.
    #[error("it is neither a Module.symvers nor a System.map with exported symbols")]
    Unknown,
}

/// The symbols that a kernel and its modules export, and the version (CRC) of each if it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbols {
    versions: BTreeMap<String, Option<u32>>,
}

impl Symbols {
    /// Reads the symbols in a file: `Module.symvers` (`Documentation/kbuild/modules.rst`)
    /// or `System.map`, which has no versions.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or has no exported symbol.
    pub fn open(path: &Path) -> Result<Self, SymbolsError> {
        let text = fs::read(path).map_err(|error| SymbolsError::new(path, error))?;
        let text = String::from_utf8_lossy(&text);
        let versions: BTreeMap<_, _> = text.lines().filter_map(exported).collect();

        match versions.is_empty() {
            true => Err(SymbolsError::new(path, SymbolsProblem::Unknown)),
            false => Ok(Self { versions }),
        }
    }

    /// The symbols that a module needs and nothing exports.
    pub(super) fn missing(&self, module: &Module) -> Option<Obstacle> {
        let needed = module.needed.iter();
        let missing = needed.filter(|name| !self.versions.contains_key(*name));
        let symbols: Vec<_> = missing.cloned().collect();

        (!symbols.is_empty()).then_some(Obstacle::Missing { symbols })
    }

    /// The symbols of which the module was built with other versions.
    pub(super) fn versions(&self, module: &Module) -> Option<Obstacle> {
        let differs = |name: &str, version: u32| {
            let exported = self.versions.get(name).copied().flatten();
            exported.is_some_and(|exported| exported != version)
        };
        let versions = module.versions.iter();
        let other = versions.filter(|(name, version)| differs(name, **version));
        let symbols: Vec<_> = other.map(|(name, _)| name.clone()).collect();

        (!symbols.is_empty()).then_some(Obstacle::Versions { symbols })
    }
}

/// The symbol and the version in a line: `0x12345678 NAME ...` of `Module.symvers`, or
/// `ADDRESS TYPE __ksymtab_NAME` of `System.map`. A kernel without versions writes 0.
fn exported(line: &str) -> Option<(String, Option<u32>)> {
    let mut words = line.split_ascii_whitespace();
    let first = words.next()?;

    if let Some(version) = first.strip_prefix("0x") {
        let version = u32::from_str_radix(version, 16).ok()?;
        return Some((
            words.next()?.to_owned(),
            Some(version).filter(|version| *version != 0),
        ));
    }
    let name = words.nth(1)?.strip_prefix(EXPORTED)?;
    Some((name.to_owned(), None))
}
