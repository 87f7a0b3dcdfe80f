// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit help-files`: what a package has beside the executable.

use std::fs;
use std::io;
use std::path::Path;

use clap::Command;
use clap_complete::Shell;

use super::Failure;
use super::Voice;

const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Fish, Shell::Zsh];

/// Writes the manual pages of `command` and its subcommands to the folder `man` in `folder`, and the
/// shells' completions to the folder `completions`.
pub fn run(command: Command, folder: &Path, voice: Voice) -> Result<(), Failure> {
    let [man, completions] = ["man", "completions"].map(|name| folder.join(name));

    voice.detail(&format!("writing to {}", folder.display()));
    write(command, &man, &completions)
        .map_err(|error| Failure::Trouble(format!("{}: {error}", folder.display())))
}

fn write(mut command: Command, man: &Path, completions: &Path) -> io::Result<()> {
    fs::create_dir_all(man)?;
    fs::create_dir_all(completions)?;
    for shell in SHELLS {
        clap_complete::generate_to(shell, &mut command, "bpfkit", completions)?;
    }
    // 'bpfkit help' is the same text again.
    clap_mangen::generate_to(command.disable_help_subcommand(true), man)
}
