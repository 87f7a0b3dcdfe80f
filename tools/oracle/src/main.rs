// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The command `oracle`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use clap::Subcommand;
use oracle::bench;
use oracle::commands;
use oracle::compare;
use oracle::corpus;
use oracle::corpus::Kernel;
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
    /// Compare what splitbtf and libbpf make of the modules of kernels
    #[command(
        after_help = "Each module is distilled, and what both distil is relocated to each of the \
kernels. The exit\nstatus is 1 if there is a difference that no rule explains."
    )]
    Compare {
        /// Folders that 'oracle extract' has written to
        #[arg(value_name = "FOLDER", required = true)]
        folders: Vec<PathBuf>,
        /// Print JSON
        #[arg(short, long)]
        json: bool,
    },
    /// Measure how long 'bpfkit btf' takes to dump kernels, beside bpftool, and to check modules
    Commands {
        /// The executable
        bpfkit: PathBuf,
        /// Folders that 'oracle extract' has written to; the modules of the first are checked for all
        #[arg(value_name = "FOLDER", required = true)]
        folders: Vec<PathBuf>,
        /// Print JSON
        #[arg(short, long)]
        json: bool,
    },
    /// Measure how long both take to parse, distil and relocate modules of a kernel
    Bench {
        /// The kernel that the modules are of, a folder that 'oracle extract' has written to
        from: PathBuf,
        /// The kernel that they are relocated to; their own without it
        to: Option<PathBuf>,
        /// How many modules, spread evenly by size
        #[arg(long, default_value_t = 300, value_name = "N")]
        sample: usize,
        /// Print JSON
        #[arg(short, long)]
        json: bool,
    },
}

/// How many differences of a kind are shown; JSON has all.
const MAX_SHOWN: usize = 10;

fn find(folders: &[PathBuf]) -> Result<Vec<Kernel>, Error> {
    folders.iter().map(|folder| Kernel::find(folder)).collect()
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
        Command::Compare { folders, json } => {
            let rows = compare::compare(&find(&folders)?)?;
            match json {
                true => println!("{}", serde_json::json!(rows)),
                false => print!("{}", compare::table(&rows)),
            }
            for row in &rows {
                for what in row.different.iter().take(MAX_SHOWN) {
                    eprintln!("oracle: {} -> {}: {what}", row.from, row.to);
                }
            }
            match rows.iter().all(|row| row.different.is_empty()) {
                true => Ok(ExitCode::SUCCESS),
                false => Ok(ExitCode::FAILURE),
            }
        }
        Command::Commands {
            bpfkit,
            folders,
            json,
        } => {
            let report = commands::measure(&bpfkit, &find(&folders)?)?;
            match json {
                true => println!("{}", serde_json::json!(report)),
                false => print!("{}", commands::tables(&report)),
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench {
            from,
            to,
            sample,
            json,
        } => {
            let to = Kernel::find(to.as_ref().unwrap_or(&from))?;
            let report = bench::measure(&Kernel::find(&from)?, &to, sample)?;
            match json {
                true => println!("{}", serde_json::json!(report)),
                false => print!("{}", bench::tables(&report)),
            }
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
