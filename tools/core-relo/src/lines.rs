// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The lines of source code of a section.

use splitbtf::LineInfo;

use crate::name;
use crate::side::Side;
use crate::Source;

/// The longest line that is shown, in bytes.
const MAX_LINE: usize = 1024;

/// The lines of a section, by the offsets of their first instructions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Vec<LineInfo>);

impl Lines {
    pub fn new(mut lines: Vec<LineInfo>) -> Self {
        lines.sort_by_key(|line| line.insn_off);

        Self(lines)
    }

    /// The line of the instruction at `offset`, in a program that starts at `start`.
    pub fn find(&self, start: u64, offset: u32) -> Option<&LineInfo> {
        let end = self.0.partition_point(|line| line.insn_off <= offset);
        let line = self.0.get(end.checked_sub(1)?)?;

        (u64::from(line.insn_off) >= start).then_some(line)
    }
}

/// A line with its texts.
pub(crate) fn source(side: Side<'_>, line: &LineInfo) -> Option<Source> {
    let text = |offset| {
        let text = name::text(side.string(offset, MAX_LINE).unwrap_or_default());
        side.budget.spend(text.len() / 8).ok()?;
        Some(text.trim().to_string())
    };

    Some(Source {
        file: text(line.file_name_off)?,
        line: line.line,
        column: line.column,
        text: text(line.line_off)?,
    })
}
