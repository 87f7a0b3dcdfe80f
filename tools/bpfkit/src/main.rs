// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The command `bpfkit`.

mod command;

use std::path::PathBuf;
use std::process::ExitCode;

use bpfkit::render::Style;
use clap::error::ErrorKind;
use clap::CommandFactory;
use clap::Parser;
use clap::Subcommand;

use command::btf;
use command::btf::Btf;
use command::feature;
use command::files;
use command::gen;
use command::gen::Gen;
use command::prog;
use command::prog::Prog;
use command::Failure;
use command::Talk;
use command::Voice;

/// Loads BPF programs, binds the maps that hold their metadata, and shows it; writes BTF as text or
/// C
#[derive(Parser)]
#[command(
    version,
    arg_required_else_help = true,
    after_help = "Examples:
  bpfkit prog load filter.bpf.o /sys/fs/bpf/filter
  bpfkit prog show --metadata
  bpfkit btf dump file /sys/kernel/btf/vmlinux format c >vmlinux.h
  bpfkit feature

Exit status:
  0  all went well
  1  the subject of the command is wrong or missing, or was refused
  2  the command line is wrong, or there is no answer: a file cannot be read, or the user
     lacks permission

Only help and usage errors have colours, and only on a terminal; NO_COLOR turns them off."
)]
struct Cli {
    /// Print JSON
    #[arg(short, long, global = true)]
    json: bool,
    /// Print JSON with line breaks
    #[arg(short, long, global = true)]
    pretty: bool,
    /// Print results and errors only, no notes
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Report each step on standard error
    #[arg(short, long, global = true)]
    verbose: bool,
    #[command(subcommand)]
    object: Object,
}

#[derive(Subcommand)]
enum Object {
    /// Programs
    #[command(subcommand)]
    Prog(Prog),
    /// BPF type information
    #[command(subcommand)]
    Btf(Btf),
    /// Generated source code
    #[command(subcommand)]
    Gen(Gen),
    /// Show the features of the running kernel
    #[command(after_help = "Examples:
  bpfkit feature
  bpfkit -j feature

Reports whether the kernel has BPF_PROG_BIND_MAP, BTF, BTF of modules and support for modules that
come with a distilled base; and whether Rust or C does the work. A feature that it cannot determine
is 'unknown', with the reason, and null in JSON.")]
    Feature,
    /// Write the manual pages and the shell completions
    #[command(after_help = "Examples:
  bpfkit help-files /usr/local/share/bpfkit

The manual pages go to the folder DIR/man, the completions to DIR/completions.")]
    HelpFiles {
        /// The folder to write to
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

impl Cli {
    fn voice(&self) -> Voice {
        Voice {
            style: match (self.json, self.pretty) {
                (_, true) => Style::Pretty,
                (true, false) => Style::Json,
                (false, false) => Style::Plain,
            },
            talk: match (self.quiet, self.verbose) {
                (true, _) => Talk::Quiet,
                (false, true) => Talk::Verbose,
                (false, false) => Talk::Normal,
            },
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let voice = cli.voice();
    let result = match cli.object {
        Object::Prog(command) => prog::run(command, voice),
        Object::Btf(command) => btf::run(command, voice),
        Object::Gen(command) => gen::run(command, voice),
        Object::Feature => feature::run(voice),
        Object::HelpFiles { folder } => files::run(Cli::command(), &folder, voice),
    };

    let (message, status) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => Cli::command()
            .error(ErrorKind::ValueValidation, message)
            .exit(),
        Err(Failure::Said(status)) => return ExitCode::from(status),
        Err(Failure::Problem(message)) => (message, 1),
        Err(Failure::Trouble(message)) => (message, 2),
    };
    eprintln!("bpfkit: {message}");
    ExitCode::from(status)
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

    #[test]
    fn every_subcommand_has_examples() {
        has_examples(&Cli::command());
    }
}
