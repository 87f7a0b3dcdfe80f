// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The report as one HTML page that loads no other files.

use pulldown_cmark::html;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;

use crate::markdown;
use crate::plot;
use crate::section::Section;
use crate::Error;

const HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<title>Benchmarks of bpf-rust</title>
<style>
body { font: 16px/1.45 sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em; color: #111 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px }
th, td { padding: .25em .8em; border-bottom: 1px solid #ccc }
h2 { margin-top: 2em }
svg { display: block; max-width: 100%; height: auto; margin: 1em 0 }
</style>
</head>
<body>
";

/// Makes the page: tables, and a plot for each series that has a parameter.
///
/// # Errors
///
/// [`Error::Plot`].
pub fn page(facts: &[String], sections: &[Section]) -> Result<String, Error> {
    let mut page = HEAD.to_owned();

    push(&mut page, &markdown::head(facts));
    for section in sections {
        push(&mut page, &markdown::section_head(section));
        for series in &section.series {
            if let Some(parameter) = markdown::parameter(series) {
                push(&mut page, &markdown::series(section.group, series));
                page.extend(plot::plot(section.group, parameter, series)?);
            }
        }
    }
    page += "</body>\n</html>\n";
    Ok(page)
}

fn push(page: &mut String, text: &str) {
    html::push_html(page, Parser::new_ext(text, Options::ENABLE_TABLES));
}
