// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Text for a terminal.

use core_relo::Source;

/// The text with escapes in place of control characters: names come from files.
pub(super) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());

    for c in text.chars() {
        match c.is_control() {
            true => printable.extend(c.escape_default()),
            false => printable.push(c),
        }
    }
    printable
}

/// The text as lines of at most `width` columns, each after `indent`, those after the first also after
/// four more spaces. Words are not cut.
pub(super) fn lines(text: &str, indent: &str, width: Option<usize>) -> String {
    let most = width.unwrap_or(usize::MAX);
    let text = printable(text);
    let mut lines = indent.to_owned();
    let mut taken = indent.len();

    for (number, word) in text.split(' ').enumerate() {
        let len = word.chars().count();
        let with_word = taken.saturating_add(1).saturating_add(len);
        match number {
            0 => taken = taken.saturating_add(len),
            _ if with_word <= most => {
                lines.push(' ');
                taken = with_word;
            }
            _ => {
                lines += &format!("\n{indent}    ");
                taken = indent.len().saturating_add(4).saturating_add(len);
            }
        }
        lines += word;
    }
    lines + "\n"
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
