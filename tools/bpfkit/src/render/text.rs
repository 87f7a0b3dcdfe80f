// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Text for a terminal: what it may contain, and how many columns it takes.

#[cfg(test)]
mod tests;

use unicode_width::UnicodeWidthChar;
use unicode_width::UnicodeWidthStr;

/// The text with escapes in place of what could command a terminal or a browser: control characters, and those
/// that change the direction of the text.
pub fn printable(text: &str) -> String {
    let is_command = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut printable = String::with_capacity(text.len());

    for c in text.chars() {
        match is_command(c) {
            true => printable.extend(c.escape_default()),
            false => printable.push(c),
        }
    }
    printable
}

/// How many columns the text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The text, in `most` columns: with `…` in place of its middle if it is wider.
pub(super) fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    // The end of a path says more than its start.
    let head = most.saturating_sub(1) / 2;
    let tail = most.saturating_sub(1).saturating_sub(head);

    let start: String = within(text.chars(), head).collect();
    let end: Vec<_> = within(text.chars().rev(), tail).collect();
    let end: String = end.into_iter().rev().collect();
    format!("{start}…{end}")
}

/// The first characters, as many as fit into `most` columns.
fn within(text: impl Iterator<Item = char>, most: usize) -> impl Iterator<Item = char> {
    let mut taken = 0_usize;

    text.take_while(move |c| {
        taken = taken.saturating_add(c.width().unwrap_or_default());
        taken <= most
    })
}

/// The text with spaces after it, so that it takes at least this many columns.
pub(super) fn padded(text: &str, columns: usize) -> String {
    let spaces = columns.saturating_sub(width(text));

    text.to_owned() + &" ".repeat(spaces)
}

/// The text as lines of at most `columns`, each after `indent`, those after the first also after four
/// more spaces. Words are not cut.
pub(super) fn lines(text: &str, indent: &str, columns: Option<usize>) -> String {
    let most = columns.unwrap_or(usize::MAX);
    let mut lines = indent.to_owned();
    let mut taken = width(indent);
    let mut is_first = true;

    for word in text.split(' ') {
        let with_word = taken.saturating_add(1).saturating_add(width(word));
        match is_first {
            true => taken = taken.saturating_add(width(word)),
            false if with_word <= most => {
                lines.push(' ');
                taken = with_word;
            }
            false => {
                lines += &format!("\n{indent}    ");
                taken = width(indent).saturating_add(4).saturating_add(width(word));
            }
        }
        lines += word;
        is_first = false;
    }
    lines + "\n"
}
