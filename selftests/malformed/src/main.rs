// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The command `malformed`.

mod cases;
mod error;
mod foretell;
mod kernel;
mod module;
mod mutate;
mod pair;
mod run;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use clap::Subcommand;

use crate::cases::Case;
use crate::error::Error;
use crate::error::Of;
use crate::kernel::Kernel;
use crate::module::Module;

/// Loads a kernel module with malformed BTF, in many ways
///
/// The module must have been built out of tree, so that it has a .BTF.base.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the names of the cases, and the outcomes expected of a kernel with Rust
    List {
        /// The module, a .ko
        module: PathBuf,
    },
    /// Write the module with the BTF of a case
    Write {
        /// The module, a .ko
        module: PathBuf,
        /// The name of the case
        case: String,
        /// The file to write
        file: PathBuf,
    },
    /// Load the module with the BTF of a case, and print the outcome
    Load {
        /// The module, a .ko
        module: PathBuf,
        /// The name of the case
        case: String,
    },
    /// Load the module with the BTF of each case, and compare the outcome with the expected one;
    /// prints KTAP
    Run {
        /// The module, a .ko
        module: PathBuf,
        /// The names of the cases; without any, all of them
        #[arg(value_name = "CASE")]
        cases: Vec<String>,
        /// How many times to load it as well, with random changes of its own BTF
        #[arg(long, default_value_t = 10_000, value_name = "N")]
        random: u64,
        /// The first seed of the random changes
        #[arg(long, default_value_t = 1, value_name = "S")]
        seed: u64,
        /// The time in seconds after which a load counts as hanging
        #[arg(long, default_value_t = 10, value_name = "SECONDS")]
        bound: u64,
    },
}

/// Opens a module, and makes its cases.
fn open(path: &Path) -> Result<(Module, Vec<Case>), Error> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let module = Module::new(fs::read(path).of(path)?, &name)?;
    let cases = cases::all(&module)?;

    Ok((module, cases))
}

fn find<'c>(cases: &'c [Case], name: &str) -> Result<&'c Case, Error> {
    cases
        .iter()
        .find(|case| case.name == name)
        .ok_or_else(|| Error::NoCase {
            name: name.to_owned(),
        })
}

fn main_of(command: Command) -> Result<ExitCode, Error> {
    match command {
        Command::List { module } => {
            for case in &open(&module)?.1 {
                println!("{}: {}", case.name, case.make().1);
            }
        }
        Command::Write { module, case, file } => {
            let (module, cases) = open(&module)?;
            let (pair, _) = find(&cases, &case)?.make();
            fs::write(&file, module.with(&pair)).of(&file)?;
        }
        Command::Load { module, case } => {
            let (module, cases) = open(&module)?;
            let (pair, _) = find(&cases, &case)?.make();
            let mut kernel = Kernel::new(module.name(), Duration::MAX)?;
            println!("{}", kernel.load(&case, module.with(&pair))?.outcome);
        }
        Command::Run {
            module,
            cases: names,
            random,
            seed,
            bound,
        } => {
            let (module, mut cases) = open(&module)?;
            for name in &names {
                find(&cases, name)?;
            }
            cases.retain(|case| names.is_empty() || names.contains(&case.name));
            let mut kernel = Kernel::new(module.name(), Duration::from_secs(bound))?;
            if !run::all(
                &module,
                &cases,
                seed..seed.saturating_add(random),
                &mut kernel,
            )? {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn main() -> ExitCode {
    main_of(Cli::parse().command).unwrap_or_else(|error| {
        eprintln!("malformed: {error}");
        ExitCode::from(2)
    })
}
