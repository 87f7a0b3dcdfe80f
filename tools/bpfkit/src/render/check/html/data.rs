// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The data that the page's script draws the matrix from. All that occurs several times is there
//! once, and has a number: thousands of modules must fit into a page.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::render::kernels::shown;
use crate::render::printable;

use super::class;
use super::Report;

use super::super::line::Line;
use super::super::word::Word;

/// The data.
#[derive(Serialize)]
pub(super) struct Data {
    kernels: Vec<Kernel>,
    verdicts: Vec<Verdict>,
    /// Verdicts with their number of opaque types: the text, and the number of the verdict.
    words: Vec<(String, usize)>,
    reasons: Vec<String>,
    /// What a module can have on a kernel: the words of a stock kernel and of one with Rust, and
    /// the reasons.
    cells: Vec<(usize, usize, String)>,
    /// The modules: the name, and a cell for each kernel.
    rows: Vec<(String, Vec<usize>)>,
}

#[derive(Serialize)]
struct Kernel {
    name: String,
    path: String,
}

#[derive(Serialize)]
struct Verdict {
    text: &'static str,
    class: String,
    refusal: bool,
}

/// Things with numbers.
struct Numbers<T>(BTreeMap<T, usize>);

impl<T: Ord> Numbers<T> {
    fn of(&mut self, thing: T) -> usize {
        let next = self.0.len();

        *self.0.entry(thing).or_insert(next)
    }

    /// The things in the order of their numbers.
    fn things(self) -> Vec<T> {
        let mut things: Vec<_> = self.0.into_iter().collect();

        things.sort_by_key(|(_, number)| *number);
        things.into_iter().map(|(thing, _)| thing).collect()
    }
}

impl Data {
    /// The data of a report, with its reasons: the most frequent first.
    pub(super) fn new<'a>(report: &'a Report<'_>, reasons: impl Iterator<Item = &'a str>) -> Self {
        let reasons: Vec<_> = reasons.collect();
        let of_reason: BTreeMap<_, _> = reasons
            .iter()
            .enumerate()
            .map(|(i, reason)| (*reason, i))
            .collect();
        let mut words = Numbers(BTreeMap::new());
        let mut cells = Numbers(BTreeMap::new());
        let mut cell = |line: &Line<'_>| {
            let reasons = line.reasons.iter();
            let reasons = reasons.filter_map(|reason| of_reason.get(reason.as_str()).copied());
            let text = ranges(reasons.collect());
            let [stock, rust] = [line.stock, line.rust].map(|word| words.of(word));
            cells.of((stock, rust, text))
        };
        let rows = report.modules().filter_map(|lines| {
            let name = report.name(lines.first()?.module);
            Some((name, lines.iter().map(&mut cell).collect()))
        });
        let rows = rows.collect();

        let word = |word: Word| {
            let verdict = report.verdicts.0.get(&word.class());
            (word.to_string(), verdict.copied().unwrap_or_default())
        };
        Self {
            kernels: kernels(report),
            verdicts: report.verdicts.0.keys().map(Verdict::from).collect(),
            words: words.things().into_iter().map(word).collect(),
            reasons: reasons.into_iter().map(printable).collect(),
            cells: cells.things(),
            rows,
        }
    }
}

fn kernels(report: &Report<'_>) -> Vec<Kernel> {
    let names = report.names.iter().zip(report.kernels);

    names
        .map(|(name, path)| Kernel {
            name: name.clone(),
            path: shown(path),
        })
        .collect()
}

impl From<&Word> for Verdict {
    fn from(word: &Word) -> Self {
        Self {
            text: word.text(),
            class: class(*word),
            refusal: word.is_refusal(),
        }
    }
}

/// Numbers as ranges, in base 36: modules of one kernel have many reasons in common, and the numbers
/// of these follow each other. `0-2 z` is 0, 1, 2 and 35.
fn ranges(mut numbers: Vec<usize>) -> String {
    numbers.sort_unstable();
    numbers.dedup();
    let mut ranges: Vec<(usize, usize)> = vec![];

    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let text = |(first, last): &(usize, usize)| match first == last {
        true => base36(*first),
        false => format!("{}-{}", base36(*first), base36(*last)),
    };
    let texts: Vec<_> = ranges.iter().map(text).collect();
    texts.join(" ")
}

fn base36(mut number: usize) -> String {
    let mut digits = vec![];

    loop {
        let digit = char::from_digit((number % 36) as u32, 36);
        digits.extend(digit);
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}
