// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit help-files`: the files that a package has beside the executable.

use std::fs;
use std::io;
use std::path::Path;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use super::Failure;
use super::Voice;

const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Fish, Shell::Zsh];

/// Writes the manual pages of `command` and its subcommands to the folder `man/man1` in `folder`,
/// and the shells' completions to the folder `completions`.
pub fn run(command: Command, folder: &Path, voice: Voice) -> Result<(), Failure> {
    let [man, completions] = ["man/man1", "completions"].map(|name| folder.join(name));

    voice.detail(&format!("writing to {}", folder.display()));
    write(command, &man, &completions)
        .map_err(|error| Failure::Trouble(format!("{}: {error}", folder.display())))
}

fn write(mut command: Command, man: &Path, completions: &Path) -> io::Result<()> {
    fs::create_dir_all(man)?;
    fs::create_dir_all(completions)?;
    let mut built = without_help(command.clone());
    // Gives each subcommand the global options.
    built.build();
    write_manual(built, "", man)?;
    for shell in SHELLS {
        clap_complete::generate_to(shell, &mut command, "bpfkit", completions)?;
    }
    Ok(())
}

/// Leaves out the subcommand 'help', which repeats the other pages.
fn without_help(command: Command) -> Command {
    command
        .disable_help_subcommand(true)
        .mut_subcommands(without_help)
}

/// Writes the pages of `command`, which is a subcommand of `parent`, and of its own subcommands.
fn write_manual(command: Command, parent: &str, folder: &Path) -> io::Result<()> {
    let words = format!("{parent} {}", command.get_name()).trim().to_owned();
    let name = words.replace(' ', "-");
    let mut page = Vec::new();

    let mut others = vec![];
    if !parent.is_empty() {
        others.push(parent.replace(' ', "-"));
    }
    for subcommand in command.get_subcommands() {
        others.push(format!("{name}-{}", subcommand.get_name()));
        write_manual(subcommand.clone(), &words, folder)?;
    }
    let command = command.bin_name(words).display_name(&name);
    Man::new(command)
        .title(name.to_uppercase())
        .date("")
        .render(&mut page)?;
    page.extend(see_also(&others).bytes());
    fs::write(folder.join(name + ".1"), page)
}

/// The section of a manual page that names other pages.
fn see_also(pages: &[String]) -> String {
    let mut section = ".SH \"SEE ALSO\"\n".to_owned();

    for page in pages {
        section += &format!(".BR {} (1),\n", page.replace('-', "\\-"));
    }
    section + ".BR bpftool (8)\n"
}
