// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The lines of a section's table.

use crate::format;
use crate::record::Record;
use crate::record::Unit;
use crate::spread::Spread;

/// The most records that have a line each; a longer series is shown in pieces.
const MAX_ROWS: usize = 12;

/// The number of pieces.
const PIECES: usize = 6;

/// A line of a table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The parameter, or the name if there is none.
    pub what: String,
    pub unit: Unit,
    /// The number of our samples and of theirs, or of records.
    pub count: String,
    pub ours: Option<Spread>,
    pub theirs: Option<Spread>,
    /// How many times better ours is.
    pub ratio: Option<Spread>,
    pub equal: Option<bool>,
}

/// The lines for the records of one name.
pub(crate) fn rows(series: &[Record]) -> Vec<Row> {
    match series.len() > MAX_ROWS {
        true => series
            .chunks(series.len().div_ceil(PIECES))
            .filter_map(piece)
            .collect(),
        false => series.iter().map(single).collect(),
    }
}

fn ratio(unit: Unit, ours: Option<Spread>, theirs: Option<Spread>) -> Option<Spread> {
    match unit.less_is_better() {
        true => Some(theirs?.over(ours?)),
        false => Some(ours?.over(theirs?)),
    }
}

fn single(record: &Record) -> Row {
    let ours = Spread::of(record.ours.iter().copied());
    let theirs = Spread::of(record.theirs.iter().copied());
    let count = match (record.ours.len(), record.theirs.len()) {
        (ours, theirs) if ours == theirs => format!("{ours}"),
        (ours, theirs) => format!("{ours}, {theirs}"),
    };
    let what = match &record.x {
        Some(x) => format::parameter(x, x.value),
        None => record.name.clone(),
    };

    Row {
        what,
        unit: record.unit,
        count,
        ours,
        theirs,
        ratio: ratio(record.unit, ours, theirs),
        equal: record.equal,
    }
}

/// Makes one line of many records: each counts with its median.
fn piece(records: &[Record]) -> Option<Row> {
    let (first, last) = (records.first()?, records.last()?);
    let at = |record: &Record| {
        let x = record.x.as_ref()?;
        Some(format::parameter(x, x.value))
    };
    let singles: Vec<_> = records.iter().map(single).collect();
    let medians = |side: fn(&Row) -> Option<Spread>| {
        Spread::of(singles.iter().filter_map(side).map(|spread| spread.median))
    };
    let mut equal = singles.iter().filter_map(|row| row.equal).peekable();

    Some(Row {
        what: format!("{} – {}", at(first)?, at(last)?),
        unit: first.unit,
        count: format!("{}", records.len()),
        ours: medians(|row| row.ours),
        theirs: medians(|row| row.theirs),
        ratio: medians(|row| row.ratio),
        equal: equal.peek().is_some().then(|| equal.all(|equal| equal)),
    })
}
