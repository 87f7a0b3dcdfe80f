// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The report as Markdown.

use crate::format;
use crate::record::Group;
use crate::record::Parameter;
use crate::record::Record;
use crate::row;
use crate::row::Row;
use crate::section::Section;
use crate::spread::Spread;

/// The text above the sections: how to read them, and one line for each fact about the machine.
pub fn head(facts: &[String]) -> String {
    let mut text = String::from(
        "# Benchmarks\n\n\
         `make bench` has measured all of this in one run, on the machine below. Times depend on \
         the machine; compare the ratios. Each cell has the median and, in brackets, the quartiles. \
         A ratio says how many times better this project is: above 1 it is faster or smaller. Its \
         brackets have the smallest and the largest ratio that the quartiles of both sides allow. \
         In a line for many modules, they have the quartiles of the modules' ratios. `n` is the \
         number of samples, or of modules in a line for many.\n\n",
    );

    for fact in facts {
        text += &format!("- {fact}\n");
    }
    text
}

/// A section.
pub fn section(section: &Section) -> String {
    let series = section
        .series
        .iter()
        .filter(|series| parameter(series).is_some());

    series.fold(section_head(section), |text, one| {
        text + &self::series(section.group, one)
    })
}

/// The start of a section: the heading, the caption, and the records without a parameter.
pub(crate) fn section_head(section: &Section) -> String {
    let group = section.group;
    let plain: Vec<_> = section
        .series
        .iter()
        .filter(|series| parameter(series).is_none())
        .flat_map(|series| row::rows(series))
        .collect();
    let text = format!("\n## {}\n\n{}\n", group.title(), group.caption());

    match plain.is_empty() {
        true => text,
        false => text + &table(group, "", &plain),
    }
}

/// The records of one name, which have a parameter.
pub(crate) fn series(group: Group, series: &[Record]) -> String {
    let name = series.first().map_or("", |record| &record.name);
    let of = parameter(series).map_or("", |x| &x.of);

    format!("\n### {name}\n{}", table(group, of, &row::rows(series)))
}

/// The parameter in which the records differ.
pub(crate) fn parameter(series: &[Record]) -> Option<&Parameter> {
    series.first()?.x.as_ref()
}

fn table(group: Group, of: &str, rows: &[Row]) -> String {
    let (ours, theirs) = group.sides();
    // The column is there only if some results have been compared.
    let equal = rows.iter().any(|row| row.equal.is_some());
    let head = format!(
        "\n| {of} | n | {theirs} | {ours} | ratio |{}\n|---|--:|--:|--:|--:|{}\n",
        if equal { " same result |" } else { "" },
        if equal { "---|" } else { "" },
    );

    rows.iter().fold(head, |text, row| text + &line(row, equal))
}

fn line(row: &Row, equal: bool) -> String {
    let sample = |side: Option<Spread>| cell(side, |n| format::sample(n, row.unit));
    let mut line = format!(
        "| {} | {} | {} | {} | {} |",
        row.what,
        row.count,
        sample(row.theirs),
        sample(row.ours),
        cell(row.ratio, format::ratio)
    );

    if equal {
        line += match row.equal {
            Some(true) => " yes |",
            Some(false) => " **no** |",
            None => " |",
        };
    }
    line + "\n"
}

/// The median, and the quartiles if they differ from it.
fn cell(spread: Option<Spread>, show: impl Fn(f64) -> String) -> String {
    let Some(spread) = spread else {
        return "–".into();
    };
    let (low, median, high) = (show(spread.low), show(spread.median), show(spread.high));

    match low == median && median == high {
        true => median,
        false => format!("{median} ({low} – {high})"),
    }
}
