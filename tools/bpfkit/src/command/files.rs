// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit help-files`: the files that a package has beside the executable.

use std::env;
use std::fs;
use std::io;
use std::path::Path;

use bpfkit::output;
use bpfkit::render::time;
use clap::Command;

use super::complete;
use super::manual;
use super::Failure;
use super::Voice;

/// The schema of all JSON that the command prints.
const SCHEMA: &str = include_str!("bpfkit.schema.json");

/// Writes the manual pages of `command` and its subcommands, and the shells' completions, to the
/// subfolders of `folder` in which `man` and the shells look if it is `/usr/share`; and the schema of JSON
/// to a subfolder of its own.
pub fn run(command: &Command, built: &str, folder: &Path, voice: Voice) -> Result<(), Failure> {
    let date = date(built)?;

    for page in manual::pages(command, &date) {
        write(&folder.join("man/man1").join(page.file), &page.text, voice)?;
    }
    for (path, script) in complete::SCRIPTS {
        write(&folder.join(path), script, voice)?;
    }
    write(&folder.join("bpfkit/bpfkit.schema.json"), SCHEMA, voice)?;
    voice.done()
}

/// The date of the manual pages: `SOURCE_DATE_EPOCH`, which a package's build may set, or the date of
/// the commit that the command was built from. The same command writes the same pages every day.
fn date(built: &str) -> Result<String, Failure> {
    let Some(epoch) = env::var_os("SOURCE_DATE_EPOCH") else {
        return Ok(built.to_owned());
    };
    let epoch = epoch.to_string_lossy();
    let day = epoch.parse().ok().and_then(time::day);

    day.ok_or_else(|| Failure::Trouble(format!("SOURCE_DATE_EPOCH: '{epoch}' is not a time")))
}

fn write(path: &Path, text: &str, voice: Voice) -> Result<(), Failure> {
    let trouble = |error: io::Error| Failure::Trouble(format!("{}: {error}", path.display()));

    voice.writing(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(trouble)?;
    }
    output::replace(path, text.as_bytes()).map_err(trouble)
}
