// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The outcomes for modules as a page for a browser: one file, which needs no other.
//!
//! The summary is in the page as it is written. The matrix of modules and kernels is drawn by the
//! page's script, from data that are in the page too.

mod data;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::render::kernels::common_folder;
use crate::render::kernels::shown;
use crate::render::kernels::Kernels;
use crate::render::time::local;

use self::data::Data;
use self::text::count;
use self::text::hash;
use self::text::in_script;
use self::text::number;
use self::text::Text;

use super::line::by_reason;
use super::line::lines;
use super::line::Line;
use super::table::counts;
use super::word::Word;
use super::Row;

const STYLE: &str = include_str!("html.css");
const SCRIPT: &str = include_str!("html.js");

/// The least number of reasons on top, the most, and how many more the reader can open.
const REASONS: usize = 6;
const MOST_REASONS: usize = 16;
const MORE_REASONS: usize = 40;

/// What the page says of the command, besides its results.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// When it ran, in seconds since 1970.
    pub time: i64,
    /// The kernel that the modules were built for.
    pub base: Option<&'a Path>,
    /// The file with the symbols of the kernel.
    pub symbols: Option<&'a Path>,
}

/// A verdict that some module has, with its number among these.
struct Verdicts(BTreeMap<Word, usize>);

/// What all parts of the page are made from.
struct Report<'a> {
    rows: &'a [Row<'a>],
    kernels: &'a [PathBuf],
    /// Short names for the kernels.
    names: Vec<String>,
    /// All modules on all kernels: the first module on each kernel, the next on each, and so on.
    lines: Vec<Line<'a>>,
    verdicts: Verdicts,
    /// The folder that all modules are in.
    folder: &'a Path,
}

/// The outcomes as a page.
///
/// # Errors
///
/// If JSON cannot express them.
pub fn page(
    rows: &[Row<'_>],
    kernels: &[PathBuf],
    about: &About<'_>,
) -> serde_json::Result<String> {
    let report = Report::new(rows, kernels);
    let reasons = by_reason(&report.lines);
    let data = Data::new(&report, reasons.iter().map(|(reason, _)| *reason));
    let title = report.title();
    let mut page = String::new();

    page += &head(&title);
    page += &format!("<header class=\"wide\">\n<h1>{title}</h1>\n");
    page += &report.lead();
    page += &report.facts(about);
    page += "</header>\n<main>\n<div class=\"overview wide\">\n";
    page += &report.counts();
    let modules = reasons
        .iter()
        .map(|(reason, modules)| (*reason, modules.len()));
    // As many lines as the counts have.
    let most = kernels.len().saturating_mul(2);
    let most = most.clamp(REASONS, MOST_REASONS);
    page += &most_frequent(&modules.collect::<Vec<_>>(), most);
    page += "</div>\n";
    page += MATRIX;
    page += "</main>\n";
    page += &report.legend();
    let data = in_script(&serde_json::to_string(&data)?);
    page += &format!("<script type=\"application/json\" id=\"data\">{data}</script>\n");
    page += &format!("<script>{SCRIPT}</script>\n</body>\n</html>\n");
    Ok(page)
}

/// The start of the page. Its policy lets the browser load nothing, and run only this script.
fn head(title: &str) -> String {
    let policy = format!(
        "style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );

    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; {policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
"#
    )
}

/// The matrix before the script draws it, and its controls.
const MATRIX: &str = r#"<noscript><div class="wide">
<p>The matrix of modules and kernels needs JavaScript, which is off. The summary above is complete.</p>
</div></noscript>
<section id="matrix-part" aria-label="Modules and kernels" hidden>
<div id="bar" class="bar wide">
<div class="filters" role="search">
<label>Find <input id="text" type="search" placeholder="in names and reasons ( / )" autocomplete="off"
spellcheck="false" aria-keyshortcuts="/"></label>
<label>Show <select id="verdict"></select></label>
<label>on <select id="kernel"></select></label>
<select id="side" aria-label="stock or with Rust"></select>
</div>
<div class="status">
<span id="status" role="status"></span>
<button id="show-all" type="button">Show all modules</button>
<button id="open-all" type="button"></button>
</div>
<p id="printed" class="note" hidden></p>
</div>
<table id="matrix" class="matrix" role="grid" aria-label="Verdicts by module and kernel"></table>
<p id="empty" class="empty wide" hidden>No module is like that.</p>
</section>
"#;

/// What the keyboard does in the matrix.
const KEYS: &str = r#"<section class="keys">
<h2>Keys</h2>
<dl>
<dt><kbd>/</kbd></dt><dd>search</dd>
<dt><kbd>←</kbd> <kbd>↑</kbd> <kbd>→</kbd> <kbd>↓</kbd></dt>
<dd>go from cell to cell; <kbd>Home</kbd>, <kbd>End</kbd>, <kbd>Page Up</kbd> and <kbd>Page Down</kbd> go further</dd>
<dt><kbd>Enter</kbd></dt><dd>show the reasons of a cell; on the name of a module, of all kernels</dd>
<dt><kbd>Esc</kbd></dt><dd>close the reasons; in the search, clear it</dd>
</dl>
</section>
"#;

impl<'a> Report<'a> {
    fn new(rows: &'a [Row<'_>], kernels: &'a [PathBuf]) -> Self {
        let lines: Vec<_> = rows
            .iter()
            .flat_map(|row| lines(row, kernels.len()))
            .collect();

        Self {
            rows,
            kernels,
            names: Kernels::new(kernels).names,
            verdicts: Verdicts::of(&lines),
            lines,
            folder: common_folder(rows.iter().map(|row| row.module)),
        }
    }

    /// The results of each module.
    fn modules(&self) -> impl Iterator<Item = &[Line<'a>]> {
        self.lines.chunks(self.kernels.len().max(1))
    }

    /// The name of a module, without the folder that all are in.
    fn name(&self, module: &Path) -> String {
        let name = module.strip_prefix(self.folder).unwrap_or(module);

        shown(name)
    }

    fn title(&self) -> String {
        format!(
            "{} on {}",
            count(self.rows.len(), "module"),
            count(self.kernels.len(), "kernel")
        )
    }

    /// The result in a few words.
    fn lead(&self) -> String {
        let number_of =
            |is: fn(&Line<'_>) -> bool| self.modules().filter(|row| row.iter().any(is)).count();
        let problems = number_of(|line| line.stock.is_refusal() || line.rust.is_refusal());
        let accepted = number_of(|line| line.stock.is_refusal() && !line.rust.is_refusal());
        let refused = number_of(|line| !line.stock.is_refusal() && line.rust.is_refusal());
        let [have, _] = words_for(problems);
        let mut lead = match problems {
            0 => "No problem was found.".into(),
            n => format!(
                "<strong>{}</strong> of {} {have} a problem on a kernel.",
                number(n),
                count(self.rows.len(), "module")
            ),
        };

        for (n, rust, c) in [
            (accepted, "accepts", "refuses"),
            (refused, "refuses", "accepts"),
        ] {
            if n != 0 {
                let [_, them] = words_for(n);
                lead += &format!(
                    " Rust {rust} <strong>{}</strong> on a kernel where C {c} {them}.",
                    number(n)
                );
            }
        }
        format!("<p class=\"lead\">{lead}</p>\n")
    }

    fn facts(&self, about: &About<'_>) -> String {
        let path = |path: &Path| format!("<span class=\"path\">{}</span>", Text::of(path));
        let folder = (self.folder != Path::new("")).then_some(self.folder);
        let facts = [
            ("Modules in", folder.map(path)),
            ("Built for", about.base.map(path)),
            ("Symbols", about.symbols.map(path)),
            ("Date", local(about.time)),
            (
                "Version",
                Some(concat!("bpfkit ", env!("CARGO_PKG_VERSION")).into()),
            ),
        ];
        let mut text = String::from("<dl class=\"facts\">\n");

        for (name, fact) in facts {
            if let Some(fact) = fact {
                text += &format!("<div><dt>{name}</dt><dd>{fact}</dd></div>\n");
            }
        }
        text += "</dl>\n";
        for note in counts(self.rows, None).lines() {
            text += &format!("<p class=\"note\">{note}.</p>\n");
        }
        text
    }

    /// The number of modules by verdict, for each kernel.
    fn counts(&self) -> String {
        let mut text = String::from(
            "<section aria-labelledby=\"counts\">\n<h2 id=\"counts\">Modules by verdict</h2>\n\
             <table class=\"counts\">\n<thead><tr><th scope=\"col\">Kernel</th><td></td><td></td>",
        );
        for word in self.verdicts.0.keys() {
            text += &format!("<th scope=\"col\" class=\"number\">{}</th>", verdict(*word));
        }
        text += "</tr></thead>\n";
        for (kernel, name) in self.names.iter().enumerate() {
            text += &format!(
                "<tbody><tr><th scope=\"rowgroup\" rowspan=\"2\"><span class=\"name\">{}</span></th>",
                Text::from(name.as_str())
            );
            let words = |word: fn(&Line<'_>) -> Word| {
                let of_kernel = self.modules().filter_map(move |row| row.get(kernel));
                of_kernel.map(word)
            };
            text += &self.numbers(kernel, 0, words(|line| line.stock));
            text += "<tr>";
            text += &self.numbers(kernel, 1, words(|line| line.rust));
            text += "</tbody>\n";
        }
        text + "</table>\n</section>\n"
    }

    /// A line of the numbers: those of a kernel, stock (side 0) or with Rust.
    fn numbers(&self, kernel: usize, side: usize, words: impl Iterator<Item = Word>) -> String {
        let mut numbers = BTreeMap::new();
        for word in words {
            *numbers.entry(word.class()).or_insert(0_usize) += 1;
        }
        let name = if side == 0 { "stock" } else { "with Rust" };
        let mut text = format!(
            "<th scope=\"row\">{name}</th><td class=\"share\">{}</td>",
            share(&numbers, self.rows.len())
        );

        for (word, i) in &self.verdicts.0 {
            text += &match numbers.get(word) {
                Some(n) => format!(
                    "<td class=\"{}\" data-verdict=\"{i}\" data-kernel=\"{kernel}\" data-side=\"{side}\">{}</td>",
                    class(*word),
                    number(*n)
                ),
                None => "<td class=\"none\">–</td>".into(),
            };
        }
        text + "</tr>\n"
    }

    /// What the words mean that are in the page, and which kernels the names are for.
    fn legend(&self) -> String {
        let mut text = String::from("<footer class=\"wide\">\n<section>\n<h2>Kernels</h2>\n<dl>\n");

        for (name, path) in self.names.iter().zip(self.kernels) {
            text += &format!(
                "<dt class=\"name\">{}</dt><dd class=\"path\">{}</dd>\n",
                Text::from(name.as_str()),
                Text::of(path)
            );
        }
        text += "</dl>\n</section>\n<section>\n<h2>Words</h2>\n<dl>\n\
                 <dt>stock</dt><dd>the C code of any kernel</dd>\n\
                 <dt>with Rust</dt><dd>a kernel with CONFIG_BPF_RUST</dd>\n";
        for word in self.verdicts.0.keys() {
            text += &format!("<dt>{}</dt><dd>{}</dd>\n", verdict(*word), word.meaning());
        }
        text += "</dl>\n</section>\n";
        text + KEYS + "</footer>\n"
    }
}

impl Verdicts {
    fn of(lines: &[Line<'_>]) -> Self {
        let words = lines.iter().flat_map(|line| [line.stock, line.rust]);
        let mut verdicts: BTreeMap<_, _> = words.map(|word| (word.class(), 0)).collect();

        for (number, (_, i)) in verdicts.iter_mut().enumerate() {
            *i = number;
        }
        Self(verdicts)
    }
}

/// The most frequent reasons, with the number of modules that have them.
fn most_frequent(reasons: &[(&str, usize)], most: usize) -> String {
    let item = |(i, (reason, modules)): (usize, &(&str, usize))| {
        format!(
            "<li><span class=\"number\">{}</span><span class=\"reason\" data-reason=\"{i}\">{}</span></li>\n",
            number(*modules),
            Text::from(*reason)
        )
    };
    let mut items = reasons.iter().enumerate().map(item);
    let mut text = String::from(
        "<section aria-labelledby=\"reasons\">\n<h2 id=\"reasons\">Most frequent reasons, with the number of \
         modules</h2>\n",
    );

    if reasons.is_empty() {
        return text + "<p class=\"muted\">There are none.</p>\n</section>\n";
    }
    let list = |items: String| format!("<ol class=\"reasons\">\n{items}</ol>\n");
    text += &list(items.by_ref().take(most).collect());
    let more: String = items.take(MORE_REASONS).collect();
    if !more.is_empty() {
        let shown = reasons.len().min(most + MORE_REASONS);
        text += &format!(
            "<details><summary>{} more</summary>\n{}",
            number(shown.saturating_sub(most)),
            list(more)
        );
        if let Some(rest) = reasons.len().checked_sub(shown).filter(|rest| *rest != 0) {
            text += &format!(
                "<p class=\"muted\">{} are rarer: see the modules, or search for them.</p>\n",
                number(rest)
            );
        }
        text += "</details>\n";
    }
    text + "</section>\n"
}

/// The words that go with a number of modules.
fn words_for(n: usize) -> [&'static str; 2] {
    match n {
        1 => ["has", "it"],
        _ => ["have", "them"],
    }
}

/// A verdict, with its sign and colour.
fn verdict(word: Word) -> String {
    format!(
        "<span class=\"verdict {}\">{}</span>",
        class(word),
        word.text()
    )
}

/// The class of a verdict in the style sheet.
fn class(word: Word) -> String {
    word.text().to_lowercase().replace(' ', "-")
}

/// A bar that shows the shares of the verdicts.
fn share(numbers: &BTreeMap<Word, usize>, all: usize) -> String {
    let mut bar = String::from(
        "<svg viewBox=\"0 0 1000 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
    );
    let per_mille = |n: usize| n.saturating_mul(1000).checked_div(all).unwrap_or_default();
    let mut before = 0_usize;

    for (word, number) in numbers {
        let start = per_mille(before);
        before = before.saturating_add(*number);
        let width = per_mille(before).saturating_sub(start);
        // Writing to a string cannot fail.
        let _ = write!(
            bar,
            "<rect class=\"verdict {}\" x=\"{start}\" width=\"{width}\" height=\"1\"/>",
            class(*word)
        );
    }
    bar + "</svg>"
}
