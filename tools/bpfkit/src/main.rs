// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The command `bpfkit`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use bpfkit::prog;
use bpfkit::prog::Name;
use clap::error::ErrorKind;
use clap::CommandFactory;
use clap::Parser;
use clap::Subcommand;

/// Loads BPF programs and binds the maps that hold their metadata
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    /// Print JSON
    #[arg(short, long, global = true)]
    json: bool,
    #[command(subcommand)]
    object: Object,
}

#[derive(Subcommand)]
enum Object {
    /// Programs
    #[command(subcommand)]
    Prog(Prog),
}

#[derive(Subcommand)]
enum Prog {
    /// Load the programs of an object file, bind its global data to them, and pin them
    #[command(after_help = "Examples:
  bpfkit prog load filter.bpf.o /sys/fs/bpf/filter
  bpfkit prog load --no-bind filter.bpf.o /sys/fs/bpf/filter

The maps of .rodata*, .data* and .bss* are bound to each program, so that they live as
long as it does. Several programs are pinned in a new folder PATH, each under its name.")]
    Load {
        /// The object file
        #[arg(value_name = "OBJ")]
        object: PathBuf,
        /// Where to pin the program, in a BPF file system
        path: PathBuf,
        /// Do not bind the global data
        #[arg(long)]
        no_bind: bool,
    },
    /// Bind maps to a program, so that they live as long as it does
    #[command(after_help = "Examples:
  bpfkit prog bind id 12 id 7
  bpfkit prog bind pinned /sys/fs/bpf/filter id 7 pinned /sys/fs/bpf/version")]
    Bind {
        /// The program, then the maps, each as 'id N' or 'pinned PATH'
        #[arg(value_name = "PROG MAP", num_args = 4.., required = true)]
        names: Vec<String>,
    },
}

/// Reads pairs of words: `id N` or `pinned PATH`.
fn names(words: &[String]) -> Result<Vec<Name>, String> {
    words
        .chunks(2)
        .map(|pair| match pair {
            [kind, value] if kind == "id" => match value.parse() {
                Ok(id) => Ok(Name::Id(id)),
                Err(_) => Err(format!("'{value}' is not an id")),
            },
            [kind, value] if kind == "pinned" => Ok(Name::Pinned(value.into())),
            [kind, ..] => Err(format!("'{kind}' is not 'id N' or 'pinned PATH'")),
            [] => Err("there is nothing".into()),
        })
        .collect()
}

fn usage(message: &str) -> ! {
    Cli::command()
        .error(ErrorKind::ValueValidation, message)
        .exit()
}

fn run(cli: Cli) -> Result<String, bpfkit::Error> {
    let Object::Prog(command) = cli.object;

    match command {
        Prog::Load {
            object,
            path,
            no_bind,
        } => {
            let loaded = prog::load(&object, &path, !no_bind)?;
            if !no_bind && !prog::can_bind() {
                eprintln!("bpfkit: this kernel has no BPF_PROG_BIND_MAP: nothing is bound");
            }
            if cli.json {
                return Ok(serde_json::to_string(&loaded).expect("it has string keys only") + "\n");
            }
            Ok(loaded.iter().map(describe).collect())
        }
        Prog::Bind { names: words } => {
            let names = names(&words).unwrap_or_else(|message| usage(&message));
            if let [prog, maps @ ..] = names.as_slice() {
                prog::bind(prog, maps)?;
            }
            Ok(String::new())
        }
    }
}

fn describe(loaded: &prog::Loaded) -> String {
    let pinned = loaded.pinned.display();
    let mut text = format!("{}: name {}  pinned {pinned}\n", loaded.id, loaded.name);

    for map in &loaded.bound {
        text += &format!("\tbound map {}: {}\n", map.id, map.name);
    }
    text
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        // Who closed the pipe does not want to read more.
        Ok(text) => match std::io::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                eprintln!("bpfkit: standard output: {error}");
                ExitCode::FAILURE
            }
            _ => ExitCode::SUCCESS,
        },
        Err(error) => {
            eprintln!("bpfkit: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Vec<Name>, String> {
        names(&words.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn names_are_pairs() {
        let pinned = Name::Pinned("/sys/fs/bpf/m".into());

        assert_eq!(
            read("id 7 pinned /sys/fs/bpf/m"),
            Ok(vec![Name::Id(7), pinned])
        );
        assert_eq!(read("id x"), Err("'x' is not an id".into()));
        assert!(read("id -1").is_err());
        assert!(read("id 4294967296").is_err());
        assert!(read("name x").is_err());
        assert!(read("id 7 id").is_err());
    }
}
