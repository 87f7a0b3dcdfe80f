// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The command `report`.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use report::html;
use report::markdown;
use report::record;
use report::section;
use report::Error;

/// Makes tables and plots from benchmark results
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Files with one JSON record per line
    #[arg(value_name = "RECORDS", required = true)]
    files: Vec<PathBuf>,
    /// A line about the machine; can be given more than once
    #[arg(long = "fact", value_name = "TEXT")]
    facts: Vec<String>,
    /// Write the tables to this file, as Markdown
    #[arg(long, value_name = "FILE")]
    markdown: PathBuf,
    /// Write the tables and plots to this file, as HTML
    #[arg(long, value_name = "FILE")]
    html: PathBuf,
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })
}

fn run(cli: &Cli) -> Result<(), Error> {
    let mut records = Vec::new();
    for file in &cli.files {
        records.extend(record::read(file)?);
    }
    let sections = section::sections(records);
    let page = html::page(&cli.facts, &sections)?;
    let tables: String = sections.iter().map(markdown::section).collect();

    write(&cli.markdown, &(markdown::head(&cli.facts) + &tables))?;
    write(&cli.html, &page)
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("report: {error}");
            ExitCode::from(2)
        }
    }
}
