// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The command `bpfkit`.

mod command;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::CommandFactory;
use clap::Parser;
use clap::Subcommand;

use command::btf;
use command::btf::Btf;
use command::prog;
use command::prog::Prog;
use command::Failure;
use command::Style;
use command::Talk;
use command::Voice;

/// Loads BPF programs, binds the maps that hold their metadata, and shows it; writes BTF as text or C
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
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
    /// Say on standard error what is being done
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
    };

    let (message, status) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => Cli::command()
            .error(ErrorKind::ValueValidation, message)
            .exit(),
        Err(Failure::Said) => return ExitCode::from(1),
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
}
