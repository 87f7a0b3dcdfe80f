// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Results as the command prints them: as text for people, and as JSON for programs.

pub mod btf;
pub mod check;
mod columns;
pub mod core;
pub mod diff;
mod kernels;
mod mismatch;
mod pretty;
pub mod prog;
pub mod relocate;
mod text;
pub mod time;

use std::path::Path;

use serde::Serialize;
use serde_json::Serializer;

pub use self::text::printable;

use self::pretty::Pretty;

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As text.
    Plain,
    /// As JSON, on one line.
    Json,
    /// As JSON, on many lines.
    Pretty,
}

/// A path in JSON. JSON has no bytes that are not UTF-8: as in text, `U+FFFD` stands for them.
#[derive(Clone, Copy)]
pub struct PathText<'a>(pub &'a Path);

impl Serialize for PathText<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.display())
    }
}

/// A result as JSON, or as the text that `plain` returns.
///
/// # Errors
///
/// If JSON cannot express it.
pub fn result<T: Serialize + ?Sized>(
    style: Style,
    value: &T,
    plain: impl FnOnce(&T) -> String,
) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();

    match style {
        Style::Plain => return Ok(plain(value).into_bytes()),
        Style::Json => value.serialize(&mut Serializer::new(&mut text))?,
        Style::Pretty => {
            let formatter = Pretty::default();
            value.serialize(&mut Serializer::with_formatter(&mut text, formatter))?;
        }
    }
    text.push(b'\n');
    Ok(text)
}
