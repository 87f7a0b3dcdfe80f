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

/// What is above the sections: how to read them, and the machine, a fact a line.
pub fn head(facts: &[String]) -> String {
    let mut text = String::from(
        "# Benchmarks\n\n\
         What `make bench` has measured in one run, on the machine below. The times are this \
         machine's; the ratios are what can be compared. Given are the median and, in brackets, the \
         quartiles. A ratio says how many times better this project is: above 1 it is faster or \
         smaller. Its brackets hold what the quartiles of both sides allow at the least and at the \
         most, and where a line stands for many modules, the quartiles of their ratios. `n` is the \
         number of samples, or of modules where a line stands for many.\n\n",
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

/// Its beginning: the heading, the caption, and what has no parameter.
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

/// What has been measured with one parameter.
pub(crate) fn series(group: Group, series: &[Record]) -> String {
    let name = series.first().map_or("", |record| &record.name);
    let of = parameter(series).map_or("", |x| &x.of);

    format!("\n### {name}\n{}", table(group, of, &row::rows(series)))
}

/// What the records differ by.
pub(crate) fn parameter(series: &[Record]) -> Option<&Parameter> {
    series.first()?.x.as_ref()
}

fn table(group: Group, of: &str, rows: &[Row]) -> String {
    let (ours, theirs) = group.sides();
    // Nothing is said where nothing has been looked at.
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

/// The median, and the rest if it says anything.
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
