// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The manual pages. They have the content of `--help`, in the sections that manual pages have.

use clap::Arg;
use clap::Command;
use roff::bold;
use roff::italic;
use roff::roman;
use roff::Inline;
use roff::Roff;

/// The groups of subcommands that bpftool has too, each with a manual page.
const OF_BPFTOOL: [&str; 4] = ["prog", "btf", "gen", "feature"];

/// The first words of a paragraph on the exit status, as a list and as a sentence.
const STATUS_LIST: &str = "Exit status:\n";
const STATUS: &str = "The exit status is ";

/// A manual page.
pub struct Page {
    /// The name of its file.
    pub file: String,
    pub text: String,
}

/// What all pages have.
struct Manual<'a> {
    date: &'a str,
    source: String,
    /// The paragraph for subcommands that do not have one of their own.
    status: String,
}

/// The pages of `command` and of its subcommands. `date`, if there is one, is `YYYY-MM-DD`.
pub fn pages(command: &Command, date: &str) -> Vec<Page> {
    let mut command = without_help(command.clone());
    // Gives each subcommand the global options.
    command.build();
    let help = text(command.get_after_help());
    let manual = Manual {
        // The empty argument of a macro.
        date: if date.is_empty() { "\"\"" } else { date },
        source: command.render_version().trim_end().to_owned(),
        status: Help::of(&help).status.unwrap_or_default().to_owned(),
    };

    let mut pages = vec![];
    manual.add(&command, &[], &[], &mut pages);
    pages
}

/// Leaves out the subcommand 'help', which repeats the other pages.
fn without_help(command: Command) -> Command {
    command
        .disable_help_subcommand(true)
        .mut_subcommands(without_help)
}

impl Manual<'_> {
    /// Adds the pages of `command` and of its subcommands. `above` has the names of the commands that it
    /// is part of, `beside` those of their other subcommands.
    fn add(&self, command: &Command, above: &[&str], beside: &[&str], pages: &mut Vec<Page>) {
        let path = [above, &[command.get_name()]].concat();
        let subcommands: Vec<_> = command
            .get_subcommands()
            .filter(|subcommand| !subcommand.is_hide_set())
            .collect();
        let names: Vec<_> = subcommands
            .iter()
            .map(|command| command.get_name())
            .collect();

        let mut related = vec![];
        if !above.is_empty() {
            related.push(above.join("-"));
        }
        let under = |path: &[&str], names: &[&str]| -> Vec<String> {
            let names = names.iter().map(|name| [path, &[name]].concat().join("-"));
            names.collect()
        };
        related.extend(under(above, beside));
        related.extend(under(&path, &names));

        pages.push(Page {
            file: path.join("-") + ".1",
            text: self.page(command, &path, &subcommands, &related),
        });
        for subcommand in &subcommands {
            let others = names.iter().copied();
            let others = others.filter(|name| *name != subcommand.get_name());
            self.add(subcommand, &path, &others.collect::<Vec<_>>(), pages);
        }
    }

    fn page(
        &self,
        command: &Command,
        path: &[&str],
        subcommands: &[&Command],
        related: &[String],
    ) -> String {
        let name = path.join("-");
        let about = text(command.get_about());
        let help = text(command.get_after_help());
        let help = Help::of(&help);
        let mut page = Roff::new();

        self.title(&mut page, &name.to_uppercase());
        page.control("SH", ["NAME"]);
        page.text([roman(format!("{name} - {about}"))]);
        page.control("SH", ["SYNOPSIS"]);
        synopsis(&mut page, command, &path.join(" "));
        page.control("SH", ["DESCRIPTION"]);
        page.text([roman(about + ".")]);
        for text in help.prose {
            paragraph(&mut page, text);
        }
        options(&mut page, command);
        commands(&mut page, &name, subcommands);
        page.control("SH", ["EXIT STATUS"]);
        statuses(&mut page, help.status.unwrap_or(&self.status));
        if let Some(text) = help.examples {
            page.control("SH", ["EXAMPLES"]);
            literal(&mut page, text.lines());
        }
        page.control("SH", ["SEE ALSO"]);
        see_also(&mut page, path, related);
        page.render()
    }

    fn title(&self, page: &mut Roff, name: &str) {
        let title = [name, "1", self.date, &self.source, "User Commands"];

        page.control("TH", title);
    }
}

/// The paragraphs after the options in `--help`.
#[derive(Default)]
struct Help<'a> {
    examples: Option<&'a str>,
    status: Option<&'a str>,
    prose: Vec<&'a str>,
}

impl<'a> Help<'a> {
    fn of(help: &'a str) -> Self {
        let mut this = Self::default();

        for text in help.split("\n\n").filter(|text| !text.is_empty()) {
            if let Some(examples) = text.strip_prefix("Examples:\n") {
                this.examples = Some(examples);
            } else if text.starts_with(STATUS_LIST) || text.starts_with(STATUS) {
                this.status = Some(text);
            } else {
                this.prose.push(text);
            }
        }
        this
    }
}

fn text(help: Option<&clap::builder::StyledStr>) -> String {
    help.map(ToString::to_string).unwrap_or_default()
}

/// The usage as `--help` shows it, with the command in bold.
fn synopsis(page: &mut Roff, command: &Command, words: &str) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
    let mut lines = usage.lines();

    let first = lines.next().unwrap_or_default();
    let rest = first.strip_prefix(words).unwrap_or(first);
    page.text([bold(words), roman(rest)]);
    let mut after = first;
    for line in lines {
        match line.trim() {
            "" => {
                page.control("PP", []);
            }
            line => {
                if !after.is_empty() {
                    page.control("br", []);
                }
                page.text([roman(line)]);
            }
        }
        after = line;
    }
}

/// A paragraph of prose, a list, or lines that are indented because they are no prose.
fn paragraph(page: &mut Roff, text: &str) {
    if text.lines().all(|line| line.starts_with("  ")) {
        page.control("PP", []);
        literal(page, text.lines());
        return;
    }
    if !text.starts_with("- ") {
        page.control("PP", []);
    }
    for line in text.lines() {
        let item = line.strip_prefix("- ");
        if item.is_some() {
            page.control("IP", ["\\(bu", "2"]);
        }
        page.text([roman(item.unwrap_or(line).trim_start())]);
    }
}

fn commands(page: &mut Roff, name: &str, subcommands: &[&Command]) {
    if !subcommands.is_empty() {
        page.control("SH", ["COMMANDS"]);
    }
    for subcommand in subcommands {
        let name = format!("{name}-{}", subcommand.get_name());

        page.control("TP", []);
        page.text([bold(name), roman("(1)")]);
        page.text([roman(text(subcommand.get_about()))]);
    }
}

/// The paragraph on the exit status. In a list each begins with a number.
fn statuses(page: &mut Roff, text: &str) {
    let Some(list) = text.strip_prefix(STATUS_LIST) else {
        for line in text.lines() {
            page.text([roman(line)]);
        }
        return;
    };
    for line in list.lines().map(str::trim_start) {
        match line.split_once("  ") {
            Some((status, meaning)) => {
                page.control("TP", []);
                page.text([bold(status)]);
                page.text([roman(meaning)]);
            }
            None => {
                page.text([roman(line)]);
            }
        }
    }
}

fn literal<'a>(page: &mut Roff, lines: impl Iterator<Item = &'a str>) {
    page.control("nf", []);
    for line in lines {
        page.text([roman(line.trim_start())]);
    }
    page.control("fi", []);
}

/// The options and arguments, under the headings that `--help` has.
fn options(page: &mut Roff, command: &Command) {
    let arguments = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let arguments: Vec<_> = arguments.collect();
    let mut headings: Vec<_> = arguments.iter().map(|arg| arg.get_help_heading()).collect();

    headings.sort_unstable();
    headings.dedup();
    for heading in headings {
        let title = heading.unwrap_or("Options").to_uppercase();
        page.control("SH", [title.as_str()]);
        for arg in &arguments {
            if arg.get_help_heading() == heading {
                option(page, arg);
            }
        }
    }
}

fn option(page: &mut Roff, arg: &Arg) {
    let takes_values = arg.get_num_args().is_some_and(|range| range.takes_values());
    let defaults = arg.get_default_values().iter();
    let defaults: Vec<_> = defaults.map(|value| value.to_string_lossy()).collect();

    page.control("TP", []);
    page.text(head(arg));
    let mut help = text(arg.get_help());
    if takes_values && !defaults.is_empty() {
        help += &format!(" [default: {}]", defaults.join(" "));
    }
    page.text([roman(help)]);
    if !takes_values || arg.is_hide_possible_values_set() {
        return;
    }
    for value in arg.get_possible_values() {
        page.control("RS", []);
        page.control("TP", []);
        page.text([bold(value.get_name())]);
        page.text([roman(text(value.get_help()))]);
        page.control("RE", []);
    }
}

/// An option with its values, or an argument, as `--help` shows it.
fn head(arg: &Arg) -> Vec<Inline> {
    let whole = arg.to_string();

    if arg.is_positional() {
        return vec![italic(whole)];
    }
    let mut head = vec![];
    if let (Some(short), Some(_)) = (arg.get_short(), arg.get_long()) {
        head.extend([bold(format!("-{short}")), roman(", ")]);
    }
    match whole.split_once(' ') {
        Some((name, values)) => head.extend([bold(name), roman(" "), italic(values)]),
        None => head.push(bold(whole)),
    }
    head
}

fn see_also(page: &mut Roff, path: &[&str], related: &[String]) {
    let group = path.get(1).filter(|group| OF_BPFTOOL.contains(group));
    let theirs = match group {
        Some(group) => format!("bpftool-{group}"),
        None => "bpftool".into(),
    };

    for name in related {
        page.text([bold(name.as_str()), roman("(1),")]);
    }
    page.text([bold(theirs), roman("(8)")]);
}

#[cfg(test)]
mod tests;
