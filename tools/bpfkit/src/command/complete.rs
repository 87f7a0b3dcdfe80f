// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit complete`: what may follow on a command line. The shells' scripts call it.
//!
//! clap_complete knows the subcommands and the options. The words of bpftool's grammar, as in `prog
//! show id 7`, are positional arguments to it; what may follow each is here. File names are left to
//! the shells, which expand `~` and quote them.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::io;
use std::io::Write;

use clap::Command;
use clap::ValueHint;
use clap_complete::engine;
use clap_complete::engine::ArgValueCompleter;
use clap_complete::engine::CompletionCandidate;

use super::written;
use super::Failure;

/// The scripts, by the places where the shells look for them.
pub const SCRIPTS: [(&str, &str); 3] = [
    (
        "bash-completion/completions/bpfkit",
        include_str!("complete/bpfkit.bash"),
    ),
    (
        "fish/vendor_completions.d/bpfkit.fish",
        include_str!("complete/bpfkit.fish"),
    ),
    (
        "zsh/site-functions/_bpfkit",
        include_str!("complete/bpfkit.zsh"),
    ),
];

/// The lines that tell a script to complete the name of a file or of a folder.
const FILES: &str = ":files";
const FOLDERS: &str = ":folders";

/// What may follow some words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Words(&'static [&'static str]),
    File,
    Folder,
    /// A name or a number that only the user knows.
    Any,
}

/// An argument that is a sequence of words, and what may follow those before the cursor. They begin
/// with the first positional argument of the subcommand.
struct Grammar {
    subcommand: [&'static str; 2],
    argument: &'static str,
    next: fn(&[&str]) -> Next,
}

const GRAMMARS: [Grammar; 6] = [
    Grammar {
        subcommand: ["prog", "load"],
        argument: "words",
        next: load,
    },
    Grammar {
        subcommand: ["prog", "loadall"],
        argument: "words",
        next: load,
    },
    Grammar {
        subcommand: ["prog", "bind"],
        argument: "names",
        next: bind,
    },
    Grammar {
        subcommand: ["prog", "show"],
        argument: "which",
        next: show,
    },
    Grammar {
        subcommand: ["btf", "dump"],
        argument: "words",
        next: dump,
    },
    Grammar {
        subcommand: ["gen", "skeleton"],
        argument: "name",
        next: skeleton,
    },
];

fn load(before: &[&str]) -> Next {
    match before {
        [_, _, .., "map"] => Next::Words(&["idx", "name"]),
        [_, _, .., "map", "idx" | "name", _] => Next::Words(&["id", "pinned"]),
        [_, _, .., "pinned" | "kernel_btf"] => Next::File,
        [_, _, .., "pinmaps"] => Next::Folder,
        [_, _, .., "id" | "idx" | "name" | "type" | "offload_dev" | "xdpmeta_dev" | "dev"] => {
            Next::Any
        }
        _ => Next::Words(&[
            "name",
            "type",
            "map",
            "offload_dev",
            "xdpmeta_dev",
            "pinmaps",
            "autoattach",
            "kernel_btf",
        ]),
    }
}

fn bind(before: &[&str]) -> Next {
    match before {
        [.., "id"] => Next::Any,
        [.., "pinned"] => Next::File,
        _ => Next::Words(&["id", "pinned"]),
    }
}

fn show(before: &[&str]) -> Next {
    match before {
        [] => Next::Words(&["id", "pinned", "tag", "name"]),
        ["pinned"] => Next::File,
        _ => Next::Any,
    }
}

fn dump(before: &[&str]) -> Next {
    match before {
        [] => Next::Words(&["file", "id", "prog", "map"]),
        ["file"] | ["prog" | "map", "pinned"] => Next::File,
        ["prog" | "map"] => Next::Words(&["id", "pinned"]),
        ["id"] | ["prog" | "map", "id"] | [.., "root_id"] => Next::Any,
        [.., "format"] => Next::Words(&["c", "raw"]),
        ["map", _, _] => Next::Words(&["key", "value", "kv", "all", "format", "root_id"]),
        _ => Next::Words(&["format", "root_id"]),
    }
}

fn skeleton(before: &[&str]) -> Next {
    match before {
        [_] => Next::Words(&["name"]),
        _ => Next::Any,
    }
}

/// Prints what the last of `words`, the beginnings of a command line, may become. Each line is a
/// word, and after a tab its meaning; or it is [`FILES`] or [`FOLDERS`].
pub fn run(command: Command, words: Vec<OsString>) -> Result<(), Failure> {
    let lines = candidates(command, words);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();

    written(io::stdout().lock().write_all(text.as_bytes()))
}

fn candidates(mut command: Command, words: Vec<OsString>) -> Vec<String> {
    command.build();
    let (mut words, beginning) = joined(words);
    let (path, start) = expand(&command, &mut words);
    let Some((current, before)) = words.split_last() else {
        return vec![];
    };
    let current = current.to_string_lossy().into_owned();
    let before = before.get(start..).unwrap_or(&[]);
    let before = positional(subcommand(&command, &path), before);
    let mut grammars = GRAMMARS.iter();

    command = with_files(command);
    if let Some(grammar) = grammars.find(|grammar| grammar.subcommand[..] == path) {
        command = with_words(command, grammar, before);
    }
    let index = words.len() - 1;
    // It fails only if nothing can follow.
    let found = engine::complete(&mut command, words, index, None).unwrap_or_default();

    let lines = found.iter();
    let mut lines: Vec<_> = lines
        .filter_map(|found| line(found, &current, &beginning))
        .collect();
    lines.dedup();
    lines
}

/// Joins `--base`, `=`, `vm` to one word, as bash splits words at `=`. Returns also the part of the
/// last word that bash does not want to see again.
fn joined(words: Vec<OsString>) -> (Vec<OsString>, String) {
    let mut joined: Vec<OsString> = vec![];
    let mut beginning = String::new();
    let mut open = false;

    for word in words {
        beginning.clear();
        match joined.last_mut() {
            Some(last) if open || word == "=" && last.to_string_lossy().starts_with("--") => {
                beginning = last.to_string_lossy().into_owned();
                last.push(&word);
                open = word == "=";
            }
            _ => joined.push(word),
        }
    }
    (joined, beginning)
}

/// Replaces the abbreviations of subcommands by their names, as the shell may ask for what follows
/// `bpfkit p s`. Returns the names, and where the words of the last subcommand begin.
fn expand(command: &Command, words: &mut [OsString]) -> (Vec<String>, usize) {
    let mut path = vec![];
    let mut start = 1;
    let mut current = command;
    let last = words.len().saturating_sub(1);

    for (index, word) in words.iter_mut().enumerate().take(last).skip(1) {
        let text = word.to_string_lossy();
        // The global options have no values.
        if text.starts_with('-') {
            continue;
        }
        let Some(subcommand) = named(current, &text) else {
            break;
        };
        current = subcommand;
        path.push(current.get_name().to_owned());
        *word = current.get_name().into();
        start = index + 1;
    }
    (path, start)
}

/// The subcommand with this name, or the only one whose name begins so.
fn named<'a>(command: &'a Command, word: &str) -> Option<&'a Command> {
    let mut begin = command.get_subcommands().filter(|subcommand| {
        let mut names = subcommand.get_name_and_visible_aliases().into_iter();
        !subcommand.is_hide_set() && names.any(|name| name.starts_with(word))
    });

    command
        .find_subcommand(word)
        .or_else(|| begin.next().filter(|_| begin.next().is_none()))
}

fn subcommand<'a>(command: &'a Command, path: &[String]) -> &'a Command {
    path.iter().fold(command, |command, name| {
        command.find_subcommand(name).unwrap_or(command)
    })
}

/// The words that are neither options nor their values.
fn positional(command: &Command, words: &[OsString]) -> Vec<String> {
    let mut found = vec![];
    let mut words = words.iter().map(|word| word.to_string_lossy());

    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            found.push(word.into_owned());
        } else if command.get_opts().any(|option| {
            let long = option.get_long().map(|long| format!("--{long}"));
            let short = option.get_short().map(|short| format!("-{short}"));
            [long, short].iter().flatten().any(|name| *name == word)
        }) {
            words.next();
        }
    }
    found
}

/// Leaves file names to the shell.
fn with_files(command: Command) -> Command {
    let command = command.mut_args(|arg| {
        let line = match arg.get_value_hint() {
            ValueHint::AnyPath => FILES,
            ValueHint::DirPath => FOLDERS,
            _ => return arg,
        };
        arg.add(ArgValueCompleter::new(move |_: &OsStr| {
            vec![CompletionCandidate::new(line)]
        }))
    });

    command.mut_subcommands(with_files)
}

/// Completes the words of a grammar, which follow the words `before`.
fn with_words(command: Command, grammar: &'static Grammar, before: Vec<String>) -> Command {
    let [group, name] = grammar.subcommand;
    let complete = ArgValueCompleter::new(move |current: &OsStr| {
        let before: Vec<_> = before.iter().map(String::as_str).collect();
        let current = current.to_string_lossy();
        let words = match (grammar.next)(&before) {
            Next::Words(words) => words,
            Next::File => return vec![CompletionCandidate::new(FILES)],
            Next::Folder => return vec![CompletionCandidate::new(FOLDERS)],
            Next::Any => &[],
        };
        let words = words.iter().filter(|word| word.starts_with(&*current));
        words.map(CompletionCandidate::new).collect()
    });

    command.mut_subcommand(group, |group| {
        group.mut_subcommand(name, |subcommand| {
            subcommand.mut_arg(grammar.argument, |arg| arg.add(complete))
        })
    })
}

/// The line for a candidate: without `beginning`, and with its meaning. Options are shown to those who
/// ask for them with a dash.
fn line(found: &CompletionCandidate, current: &str, beginning: &str) -> Option<String> {
    let word = found.get_value().to_string_lossy();
    let dash = current.starts_with('-');

    if let Some(line) = [FILES, FOLDERS].iter().find(|line| word.ends_with(*line)) {
        // The shells know what to do after '--base=', but not after '-B'.
        let shown = match word == *line {
            true => !dash,
            false => current.starts_with("--"),
        };
        return shown.then(|| (*line).to_owned());
    }
    if word.starts_with('-') && !dash {
        return None;
    }
    // Of a subcommand with two names, this is the one that comes first in the alphabet.
    let name = found.get_id().and_then(|id| id.strip_prefix("command::"));
    let name = name.filter(|name| name.starts_with(current));
    let word = name.unwrap_or(word.strip_prefix(beginning).unwrap_or(&word));
    let help = found.get_help().map(ToString::to_string);
    Some(match help.as_deref().and_then(|help| help.lines().next()) {
        Some(help) => format!("{word}\t{help}"),
        None => word.to_owned(),
    })
}

#[cfg(test)]
mod tests;
