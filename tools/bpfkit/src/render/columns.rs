// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! A table that fits the terminal: the names of its rows are cut, then the heads of its columns, and
//! if that is not enough, the columns are in several tables.

use std::collections::BTreeSet;
use std::ops::Range;

use super::text::cut;
use super::text::padded;
use super::text::width;

/// The spaces between two columns.
const GAP: &str = "  ";

/// How short names and heads may get.
const NAME: usize = 20;
const HEAD: usize = 10;

/// A table with a name for each row.
pub(super) struct Columns {
    /// The head of the names.
    pub(super) corner: &'static str,
    pub(super) heads: Vec<String>,
    pub(super) rows: Vec<(String, Vec<String>)>,
}

/// Columns that fit beside each other, and the widths of the names and of each.
struct Block {
    columns: Range<usize>,
    name: usize,
    widths: Vec<usize>,
}

impl Columns {
    /// The table in `most` columns of the terminal. `below` returns the lines below a row, for the
    /// columns that are beside each other.
    pub(super) fn show(
        &self,
        most: Option<usize>,
        below: impl Fn(usize, &Range<usize>) -> String,
    ) -> String {
        let tables = self.blocks(most).into_iter().map(|block| {
            let mut text = block.line(self.corner, &self.heads);
            for (i, (name, cells)) in self.rows.iter().enumerate() {
                text += &block.line(name, cells);
                text += &below(i, &block.columns);
            }
            text
        });

        tables.collect::<Vec<_>>().join("\n")
    }

    fn blocks(&self, most: Option<usize>) -> Vec<Block> {
        let names = self.rows.iter().map(|(name, _)| name.as_str());
        let name = widest(names.chain([self.corner]));
        let most = most.unwrap_or(usize::MAX);
        let shortest = name.min(NAME);
        let block = |columns: Range<usize>, widths: &[usize]| {
            let widths = widths.get(columns.clone()).unwrap_or_default().to_vec();
            let left = most.saturating_sub(total(&widths));
            Block {
                columns,
                name: name.min(left).max(shortest),
                widths,
            }
        };
        let fit = |widths: &[usize]| shortest.saturating_add(total(widths)) <= most;

        let whole = self.widths(usize::MAX);
        let all = 0..whole.len();
        if fit(&whole) {
            return vec![block(all, &whole)];
        }
        let narrow = self.widths(self.head());
        let mut blocks = vec![];
        let mut start = 0;
        for end in all {
            let with_next = narrow.get(start..=end).unwrap_or_default();
            if start != end && !fit(with_next) {
                blocks.push(block(start..end, &narrow));
                start = end;
            }
        }
        blocks.push(block(start..narrow.len(), &narrow));
        blocks
    }

    /// To how many columns the heads can be cut so that they still differ.
    fn head(&self) -> usize {
        let longest = widest(self.heads.iter().map(String::as_str));
        let differ = |head: &usize| {
            let cut: BTreeSet<_> = self.heads.iter().map(|title| cut(title, *head)).collect();
            cut.len() == self.heads.len()
        };

        (HEAD..longest).find(differ).unwrap_or(longest)
    }

    /// The width of each column, with the heads cut to `head`.
    fn widths(&self, head: usize) -> Vec<usize> {
        let cells = |i| self.rows.iter().filter_map(move |(_, cells)| cells.get(i));
        let columns = self.heads.iter().enumerate();

        columns
            .map(|(i, title)| widest(cells(i).map(String::as_str)).max(width(title).min(head)))
            .collect()
    }
}

impl Block {
    fn line(&self, name: &str, cells: &[String]) -> String {
        let mut line = padded(&cut(name, self.name), self.name);
        let cells = cells.get(self.columns.clone()).unwrap_or_default();

        for (cell, width) in cells.iter().zip(&self.widths) {
            line += GAP;
            line += &padded(&cut(cell, *width), *width);
        }
        line.truncate(line.trim_end().len());
        line + "\n"
    }
}

fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(width).max().unwrap_or_default()
}

/// What columns take, with the gaps before them.
fn total(widths: &[usize]) -> usize {
    widths.iter().fold(0, |total, width| {
        total.saturating_add(*width).saturating_add(GAP.len())
    })
}

#[cfg(test)]
mod tests;
