// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The command `oracle`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use clap::Subcommand;
use oracle::corpus;
use oracle::Error;

/// Compares splitbtf with libbpf on the kernels of a distribution
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Copy the BTF of a kernel and its modules to a folder
    Extract {
        /// The kernel: vmlinuz, or vmlinux
        kernel: PathBuf,
        /// The folder with its modules
        modules: PathBuf,
        /// The folder to write to
        out: PathBuf,
    },
}

fn run(command: Command) -> Result<ExitCode, Error> {
    match command {
        Command::Extract {
            kernel,
            modules,
            out,
        } => {
            let (found, without) = corpus::extract(&kernel, &modules, &out)?;
            println!("{found} modules with BTF, {without} without");
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn main() -> ExitCode {
    run(Cli::parse().command).unwrap_or_else(|error| {
        eprintln!("oracle: {error}");
        ExitCode::from(2)
    })
}
