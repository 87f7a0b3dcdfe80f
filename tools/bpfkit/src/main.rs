// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The command `bpfkit`.

mod command;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process;
use std::process::ExitCode;

use bpfkit::render::Style;
use clap::error::ContextKind;
use clap::error::ContextValue;
use clap::error::ErrorKind;
use clap::Arg;
use clap::ArgMatches;
use clap::Command;
use clap::CommandFactory;
use clap::FromArgMatches;
use clap::Parser;
use clap::Subcommand;
use clap::ValueHint;
use serde_json::json;
use serde_json::Value;

use command::btf;
use command::btf::Btf;
use command::complete;
use command::core;
use command::core::Core;
use command::feature;
use command::files;
use command::gen;
use command::gen::Gen;
use command::prog;
use command::prog::Prog;
use command::version;
use command::Failure;
use command::Talk;
use command::Voice;

/// Loads BPF programs, binds the maps that hold their metadata, and shows it; writes BTF as text or
/// C
#[derive(Parser)]
#[command(
    version,
    long_version = version::LONG.as_str(),
    arg_required_else_help = true,
    infer_subcommands = true,
    max_term_width = 80,
    after_help = "Examples:
  bpfkit prog load filter.bpf.o /sys/fs/bpf/filter
  bpfkit prog show --metadata
  bpfkit btf dump file /sys/kernel/btf/vmlinux format c >vmlinux.h
  bpfkit feature

Exit status:
  0  all went well
  1  the subject of the command is wrong or missing, or was refused
  2  the command line is wrong, or there is no answer: a file cannot be read,
     or the user lacks permission

With -j or -p, each command prints one JSON document, and an error is one too:
{\"error\": \"...\"}. 'bpfkit help-files' installs the schema.

Commands may be abbreviated: 'bpfkit p s' is 'bpfkit prog show'. Only help and
usage errors have colours, and only on a terminal; NO_COLOR turns them off."
)]
struct Cli {
    /// Print JSON
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    json: bool,
    /// Print JSON with line breaks
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pretty: bool,
    /// Print results and errors only, no notes and no progress
    #[arg(short, long, global = true, help_heading = GLOBAL, conflicts_with = "verbose")]
    quiet: bool,
    /// Report each step on standard error
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    verbose: bool,
    #[command(subcommand)]
    object: Object,
}

/// The heading of the options that all subcommands have.
const GLOBAL: &str = "Global options";

/// The options that take several values.
const GREEDY: [&str; 6] = ["-k", "--kernel", "-m", "--modules", "-t", "--types"];

#[derive(Subcommand)]
enum Object {
    /// Load BPF programs, bind maps to them, and show them with their metadata
    #[command(subcommand)]
    Prog(Prog),
    /// Read, write and compare type information (BTF), and check modules
    #[command(subcommand)]
    Btf(Btf),
    /// Show what CO-RE relocation decides, and check objects against kernels
    #[command(subcommand)]
    Core(Core),
    /// Generate source code from object files
    #[command(subcommand)]
    Gen(Gen),
    /// Show the features of the running kernel
    #[command(after_help = "Examples:
  bpfkit feature
  bpfkit -j feature

Reports whether the kernel has BPF_PROG_BIND_MAP, BTF, BTF of modules and
support for modules that come with a distilled base; and whether Rust or C does
the work. A feature that it cannot determine is 'unknown', with the reason, and
null in JSON.")]
    Feature,
    /// Write the manual pages, the shell completions and the schema of JSON
    #[command(after_help = "Examples:
  bpfkit help-files /usr/local/share
  bpfkit help-files ~/.local/share

Writes the manual pages to DIR/man/man1, and completions for bash, zsh and fish
to the subfolders of DIR in which these shells look if DIR is /usr/share or
/usr/local/share: bash-completion/completions, zsh/site-functions and
fish/vendor_completions.d. The schema of JSON goes to DIR/bpfkit. The manual
pages have the date of the commit that bpfkit was built from, or that of
SOURCE_DATE_EPOCH if it is set.")]
    HelpFiles {
        /// The folder to write to
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
    /// Print what may follow some words, for the completions of shells
    #[command(
        hide = true,
        after_help = "Examples:
  bpfkit complete -- bpfkit prog show ''

The last word is the one to complete. Each line is a word, with its meaning
after a tab; ':files' and ':folders' stand for names of files and folders."
    )]
    Complete {
        /// The words of the command line, up to the cursor
        #[arg(value_name = "WORD", last = true, required = true)]
        words: Vec<OsString>,
    },
}

impl Cli {
    fn voice(&self) -> Voice {
        Voice {
            style: style(self.json, self.pretty),
            talk: match (self.quiet, self.verbose) {
                (true, _) => Talk::Quiet,
                (false, true) => Talk::Verbose,
                (false, false) => Talk::Normal,
            },
        }
    }
}

fn main() -> ExitCode {
    let words: Vec<_> = env::args_os().collect();
    let matches = Cli::command().try_get_matches_from(&words);
    let matches = matches.unwrap_or_else(|error| exit(&with_hint(error, &words), &words));
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| exit(&error, &words));
    let voice = cli.voice();
    let result = match cli.object {
        Object::Prog(command) => prog::run(command, voice),
        Object::Btf(command) => btf::run(command, voice),
        Object::Core(command) => core::run(command, voice),
        Object::Gen(command) => gen::run(command, voice),
        Object::Feature => feature::run(voice),
        Object::HelpFiles { folder } => files::run(&Cli::command(), version::DAY, &folder, voice),
        Object::Complete { words } => complete::run(Cli::command(), words),
    };

    let (message, status) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => {
            let error = named(&matches).error(ErrorKind::ValueValidation, message);
            exit(&error, &words)
        }
        Err(Failure::Said(status)) => return ExitCode::from(status),
        Err(Failure::Problem(message)) => (message, 1),
        Err(Failure::Trouble(message)) => (message, 2),
    };
    print_json(voice, &json!({ "error": message }));
    eprintln!("bpfkit: {message}");
    ExitCode::from(status)
}

fn style(json: bool, pretty: bool) -> Style {
    match (json, pretty) {
        (_, true) => Style::Pretty,
        (true, false) => Style::Json,
        (false, false) => Style::Plain,
    }
}

/// Prints this if the style is JSON: an error in bpftool's manner, or the version. If standard output
/// is closed, the exit status has to do.
fn print_json(voice: Voice, value: &Value) {
    let _ = voice.print(value, |_| String::new());
}

/// Ends the command because of its arguments `words`: they are wrong, or ask for help or for the
/// version.
fn exit(error: &clap::Error, words: &[OsString]) -> ! {
    let voice = Voice {
        style: style_in(words),
        talk: Talk::Normal,
    };

    match error.kind() {
        ErrorKind::DisplayHelp => {}
        ErrorKind::DisplayVersion if voice.style != Style::Plain => {
            print_json(voice, &json!({ "version": env!("CARGO_PKG_VERSION") }));
            process::exit(0);
        }
        ErrorKind::DisplayVersion => {}
        _ => print_json(voice, &json!({ "error": sentence(error) })),
    }
    error.exit()
}

/// The message of an error, without the usage and without line breaks.
fn sentence(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a subcommand is missing".into();
    }
    let text = error.to_string();
    let lines = text.lines().take_while(|line| !line.is_empty());
    let lines: Vec<_> = lines.map(str::trim).collect();
    let text = lines.join(" ");

    text.strip_prefix("error: ").unwrap_or(&text).to_owned()
}

/// The style that these arguments ask for, also if something else in them is wrong.
fn style_in(words: &[OsString]) -> Style {
    let with_values = shorts_with_values(&Cli::command());
    let words = words.iter().skip(1).filter_map(|word| word.to_str());
    let (mut json, mut pretty) = (false, false);

    for word in words.take_while(|word| *word != "--") {
        match (word, word.strip_prefix('-')) {
            ("--json", _) => json = true,
            ("--pretty", _) => pretty = true,
            (_, Some(letters)) if !letters.starts_with('-') => {
                let flags = letters.chars();
                // The rest of the word is the value.
                for flag in flags.take_while(|flag| !with_values.contains(flag)) {
                    json |= flag == 'j';
                    pretty |= flag == 'p';
                }
            }
            _ => {}
        }
    }
    style(json, pretty)
}

/// The short options with a value, of a command and its subcommands.
fn shorts_with_values(command: &Command) -> Vec<char> {
    let options = command.get_arguments();
    let options = options.filter(|option| option.get_action().takes_values());
    let inner = command.get_subcommands().flat_map(shorts_with_values);

    options.filter_map(Arg::get_short).chain(inner).collect()
}

/// Adds a hint to an error about a missing argument, if an option may have taken it.
fn with_hint(mut error: clap::Error, words: &[OsString]) -> clap::Error {
    let mut options = GREEDY.iter();
    let option = options.find(|option| words.iter().any(|word| word == **option));

    if let (ErrorKind::MissingRequiredArgument, Some(option)) = (error.kind(), option) {
        let hint = format!("{option} takes all values that follow it; end them with --");
        let hint = ContextValue::StyledStrs(vec![hint.into()]);
        error.insert(ContextKind::Suggested, hint);
    }
    error
}

/// The subcommand on the command line. Its errors show its usage.
fn named(matches: &ArgMatches) -> Command {
    let mut command = Cli::command();
    let mut matches = matches;

    command.build();
    while let Some((name, of)) = matches.subcommand() {
        let Some(subcommand) = command.find_subcommand(name).cloned() else {
            break;
        };
        (command, matches) = (subcommand, of);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    fn has_examples(command: &clap::Command) {
        let help = command.get_after_help().map(ToString::to_string);
        let leaf = !command.has_subcommands();

        assert!(
            !leaf || help.is_some_and(|help| help.starts_with("Examples:\n  bpfkit ")),
            "{}",
            command.get_name()
        );
        command.get_subcommands().for_each(has_examples);
    }

    /// The longest line in the help of each subcommand.
    fn help_widths(command: &mut Command, widths: &mut Vec<(String, usize)>) {
        let help = command.render_long_help().to_string();
        let width = help.lines().map(|line| line.chars().count()).max();

        widths.push((command.get_name().to_owned(), width.unwrap_or_default()));
        for subcommand in command.get_subcommands_mut() {
            help_widths(subcommand, widths);
        }
    }

    #[test]
    fn help_fits_a_terminal() {
        let mut command = Cli::command();
        let mut widths = vec![];

        command.build();
        help_widths(&mut command, &mut widths);
        assert!(widths.len() > 10);
        widths.retain(|(_, width)| *width > 80);
        assert_eq!(widths, []);
    }

    #[test]
    fn options_that_take_too_much_are_named() {
        let hint = |words: &str| {
            let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            let error = Cli::command().try_get_matches_from(&words).unwrap_err();
            with_hint(error, &words).to_string()
        };
        let text = hint("bpfkit btf check -k vmlinux module.ko");
        assert!(
            text.contains("tip: -k takes all values that follow it; end them with --"),
            "{text}"
        );
        assert!(!hint("bpfkit btf check").contains("tip:"));
        assert!(!hint("bpfkit btf check -k").contains("tip:"));
        Cli::command()
            .try_get_matches_from(["bpfkit", "btf", "check", "-k", "a", "b", "--", "m"])
            .unwrap();
    }

    #[test]
    fn usage_errors_show_the_usage_of_the_subcommand() {
        let words = ["bpfkit", "p", "s", "id", "x"];
        let matches = Cli::command().get_matches_from(words);
        let error = named(&matches).error(ErrorKind::ValueValidation, "wrong");
        let text = error.to_string();

        assert!(
            text.contains("Usage: bpfkit prog show [OPTIONS] [id N"),
            "{text}"
        );
    }

    #[test]
    fn json_is_asked_for_in_many_ways() {
        let style = |words: &str| {
            let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            match style_in(&words) {
                Style::Plain => "plain",
                Style::Json => "json",
                Style::Pretty => "pretty",
            }
        };

        for words in ["-j x", "x -j", "--json", "x -vj", "-qvj", "x -j -- y"] {
            assert_eq!(style(&format!("bpfkit {words}")), "json", "{words}");
        }
        for words in ["-p", "-jp", "-p -j", "x --pretty", "-vp"] {
            assert_eq!(style(&format!("bpfkit {words}")), "pretty", "{words}");
        }
        for words in ["x", "x -- -j", "-kj", "-ojp", "-vkj", "--jump", "-", "--"] {
            assert_eq!(style(&format!("bpfkit {words}")), "plain", "{words}");
        }
        assert_eq!(style("-j"), "plain");
    }

    #[test]
    fn usage_errors_are_a_sentence_in_json() {
        let error = |words: &str| {
            let words = words.split(' ');
            sentence(&Cli::command().try_get_matches_from(words).unwrap_err())
        };

        assert_eq!(error("bpfkit --foo"), "unexpected argument '--foo' found");
        assert_eq!(
            error("bpfkit btf check"),
            "the following required arguments were not provided: --kernel <VMLINUX>... <MODULE>..."
        );
        for words in ["bpfkit", "bpfkit btf", "bpfkit -j btf"] {
            assert_eq!(error(words), "a subcommand is missing");
        }
        let wrong = Cli::command().error(ErrorKind::ValueValidation, "'x' is no id");
        assert_eq!(sentence(&wrong), "'x' is no id");
    }

    #[test]
    fn every_subcommand_has_examples() {
        has_examples(&Cli::command());
    }
}
