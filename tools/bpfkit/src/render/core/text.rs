// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Text for a terminal, and places in programs.

use core_relo::Source;

use crate::render::text::lines;
use crate::render::text::printable;

/// The text as lines that fit the terminal and do not command it: names come from files.
pub(super) fn wrapped(text: &str, indent: &str, width: Option<usize>) -> String {
    lines(&printable(text), indent, width)
}

/// A place in the source code and in a program, as `file.c:42 in prog +7`.
pub(super) fn place(source: Option<&Source>, program: &str, insn: Option<u32>) -> String {
    let insn = insn.map(|insn| format!(" +{insn}")).unwrap_or_default();

    match source {
        Some(source) => format!("{} in {program}{insn}", line(source)),
        None => format!("{program}{insn}"),
    }
}

/// A line of source code, as `file.c:42`. Compilers write whole paths.
pub(super) fn line(source: &Source) -> String {
    let file = source.file.rsplit('/').next().unwrap_or(&source.file);

    format!("{file}:{}", source.line)
}

#[cfg(test)]
mod tests;
