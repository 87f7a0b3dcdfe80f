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
use oracle::pairs;
use oracle::records;
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
        /// The folder to write to
        out: PathBuf,
        /// The folder with its modules
        modules: Option<PathBuf>,
    },
    /// Compare what splitbtf and libbpf make of the modules of kernels
    #[command(
        after_help = "Each module is distilled, and what both distil is relocated to each of the \
kernels. The exit\nstatus is 1 if there is a difference that no rule explains, or if 'bpfkit btf \
check' has predicted\nsomething else."
    )]
    Compare {
        /// Folders that 'oracle extract' has written to
        #[arg(value_name = "FOLDER", required = true)]
        folders: Vec<PathBuf>,
        /// Folders of kernels to which the modules of the last are relocated as well
        #[arg(long, value_name = "FOLDER")]
        onto: Vec<PathBuf>,
        /// Print JSON
        #[arg(short, long)]
        json: bool,
    },
    /// Compare what core-relo and libbpf make of the instructions of objects
    #[command(after_help = "The exit status is 1 if there is a difference.")]
    Core {
        /// BPF object files
        #[arg(value_name = "OBJECT", required = true)]
        objects: Vec<PathBuf>,
        /// Folders that 'oracle extract' has written to, or files with the BTF of kernels
        #[arg(long, value_name = "KERNEL", required = true, num_args = 1..)]
        kernel: Vec<PathBuf>,
        /// Search the modules in the folders too
        #[arg(long)]
        modules: bool,
        /// Print JSON
        #[arg(short, long)]
        json: bool,
    },
    /// Measure how long 'bpfkit btf' takes to dump kernels, beside bpftool, and to check modules
    Commands {
        /// The executable
        bpfkit: PathBuf,
        /// Folders that 'oracle extract' has written to; the modules of the first are checked for
        /// all
        #[arg(value_name = "FOLDER", required = true)]
        folders: Vec<PathBuf>,
        /// Where to write records for 'report' as well
        #[arg(long, value_name = "FILE")]
        records: Option<PathBuf>,
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
        /// Where to write records for 'report' as well
        #[arg(long, value_name = "FILE")]
        records: Option<PathBuf>,
    },
    /// Write the BTF that modules of a kernel would have if they had been built out of tree, and
    /// that of some made-up modules, as NAME.btf and NAME.base
    Pairs {
        /// The kernel that the modules are of, a folder that 'oracle extract' has written to
        from: PathBuf,
        /// The folder to write to
        out: PathBuf,
        /// Files with the BTF of kernels: a module must refer only to what all of them have
        #[arg(value_name = "VMLINUX")]
        targets: Vec<PathBuf>,
        /// How many modules, spread evenly by size
        #[arg(long, default_value_t = 60, value_name = "N")]
        sample: usize,
    },
}

/// How many differences of a row are shown; JSON has all.
const MAX_SHOWN: usize = 10;

fn find(folders: &[PathBuf]) -> Result<Vec<Kernel>, Error> {
    folders.iter().map(|folder| Kernel::find(folder)).collect()
}

fn run(command: Command) -> Result<ExitCode, Error> {
    match command {
        Command::Extract {
            kernel,
            out,
            modules,
        } => {
            corpus::extract(&kernel, &out)?;
            if let Some(modules) = modules {
                let (found, without) = corpus::extract_modules(&modules, &out)?;
                println!("{found} modules with BTF, {without} without");
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Compare {
            folders,
            onto,
            json,
        } => {
            let onto: Vec<_> = onto
                .iter()
                .map(|folder| Kernel::without_modules(folder))
                .collect();
            let rows = compare::compare(&find(&folders)?, &onto)?;
            match json {
                true => println!("{}", serde_json::json!(rows)),
                false => print!("{}", compare::tables(&rows)),
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
        Command::Core {
            objects,
            kernel,
            modules,
            json,
        } => {
            let rows = oracle::core::compare(&objects, &kernel, modules)?;
            match json {
                true => println!("{}", serde_json::json!(rows)),
                false => print!("{}", oracle::core::tables(&rows)),
            }
            for row in &rows {
                for what in row.different.iter().take(MAX_SHOWN) {
                    eprintln!("oracle: {}: {what}", row.kernel);
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
            records,
        } => {
            let report = commands::measure(&bpfkit, &find(&folders)?)?;
            if let Some(path) = records {
                records::write(&records::of_commands(&report), &path)?;
            }
            print!("{}", commands::tables(&report));
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench {
            from,
            to,
            sample,
            records,
        } => {
            let to = Kernel::find(to.as_ref().unwrap_or(&from))?;
            let report = bench::measure(&Kernel::find(&from)?, &to, sample)?;
            if let Some(path) = records {
                records::write(&records::of_crate(&report), &path)?;
            }
            print!("{}", bench::tables(&report));
            Ok(ExitCode::SUCCESS)
        }
        Command::Pairs {
            from,
            out,
            targets,
            sample,
        } => {
            let fitting = pairs::write(&Kernel::find(&from)?, &targets, sample, &out)?;
            println!("{fitting} modules refer only to what all kernels have");
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
