// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The command `bpfkit`.

mod command {
    pub mod btf;
    pub mod check;
    pub mod distill;
    pub mod progress;
    pub mod relocate;
}

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use bpfkit::prog;
use bpfkit::prog::Name;
use bpfkit::show;
use bpfkit::show::Program;
use clap::error::ErrorKind;
use clap::CommandFactory;
use clap::Parser;
use clap::Subcommand;
use serde::Serialize;
use serde_json::ser::PrettyFormatter;
use serde_json::Serializer;

use command::btf;
use command::btf::Btf;
use command::btf::Failure;

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
    /// Show the programs that are loaded, with their metadata
    #[command(
        visible_alias = "list",
        override_usage = "bpfkit prog show [OPTIONS] [id N | pinned PATH | name NAME]",
        after_help = "Examples:
  bpfkit prog show
  bpfkit prog show pinned /sys/fs/bpf/filter
  bpfkit -p prog show name filter

Metadata is every constant whose name begins with bpf_metadata_, in every map of .rodata*
that the program uses or that was bound to it."
    )]
    Show {
        /// Which program: 'id N', 'pinned PATH' or 'name NAME'
        #[arg(value_name = "PROG", num_args = 2)]
        which: Vec<String>,
    },
}

/// Which programs to show.
#[derive(Debug, PartialEq, Eq)]
enum Which {
    All,
    One(Name),
    Called(String),
}

impl Which {
    fn of(words: &[String]) -> Result<Self, String> {
        match words {
            [] => Ok(Self::All),
            [kind, name] if kind == "name" => Ok(Self::Called(name.clone())),
            _ => match names(words)?.as_slice() {
                [name] => Ok(Self::One(name.clone())),
                _ => Err("only one program can be shown".into()),
            },
        }
    }
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

/// What a command prints, and what went wrong although it has something to print.
#[derive(Default)]
struct Output {
    text: String,
    problems: Vec<String>,
    /// The exit status; 0 means that it is 1 if there are problems.
    status: u8,
}

fn run(cli: Cli) -> Result<Output, bpfkit::Error> {
    let style = match (cli.json, cli.pretty) {
        (_, true) => Style::Pretty,
        (true, false) => Style::Json,
        (false, false) => Style::Plain,
    };
    match cli.object {
        Object::Prog(command) => run_prog(command, style),
        Object::Btf(command) => Ok(run_btf(command, style)),
    }
}

fn run_btf(command: Btf, style: Style) -> Output {
    let (problem, status) = match btf::run(command, style) {
        Ok(output) => return output,
        Err(Failure::Usage(message)) => usage(&message),
        Err(Failure::Problem(problem)) => (problem, 1),
        Err(Failure::Trouble(error)) => (error.to_string(), 2),
    };

    Output {
        problems: vec![problem],
        status,
        ..Output::default()
    }
}

fn run_prog(command: Prog, style: Style) -> Result<Output, bpfkit::Error> {
    let mut output = Output::default();

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
            output.text = style.print(&loaded, |loaded| loaded.iter().map(describe).collect());
        }
        Prog::Bind { names: words } => {
            let names = names(&words).unwrap_or_else(|message| usage(&message));
            if let [prog, maps @ ..] = names.as_slice() {
                prog::bind(prog, maps)?;
            }
        }
        Prog::Show { which } => {
            let which = Which::of(&which).unwrap_or_else(|message| usage(&message));
            let programs = match &which {
                Which::All => show::programs()?,
                Which::One(name) => vec![show::program(name)?],
                Which::Called(name) => show::programs_called(name)?,
            };
            let plain = |program: &Program| program.to_string();
            output.text = match programs.as_slice() {
                // As bpftool does: who asks for one program does not want an array.
                [program] if which != Which::All => style.print(program, plain),
                programs => style.print(programs, |programs| programs.iter().map(plain).collect()),
            };
            for program in &programs {
                let id = program.id;
                let problems = program.problems.iter();
                let problems = problems.map(|problem| format!("prog id {id}: {problem}"));
                output.problems.extend(problems);
            }
        }
    }
    Ok(output)
}

/// How results are printed.
#[derive(Clone, Copy)]
enum Style {
    Plain,
    Json,
    Pretty,
}

impl Style {
    fn print<T: Serialize + ?Sized>(self, value: &T, plain: impl FnOnce(&T) -> String) -> String {
        let mut json = Vec::new();
        let result = match self {
            Self::Plain => return plain(value),
            Self::Json => value.serialize(&mut Serializer::new(&mut json)),
            Self::Pretty => {
                let formatter = PrettyFormatter::with_indent(b"    ");
                value.serialize(&mut Serializer::with_formatter(&mut json, formatter))
            }
        };
        result.expect("a vector takes all, and maps have string keys only");
        String::from_utf8_lossy(&json).into_owned() + "\n"
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
    let output = run(Cli::parse()).unwrap_or_else(|error| Output {
        problems: vec![error.to_string()],
        ..Output::default()
    });
    let mut status = output.status;

    match std::io::stdout().write_all(output.text.as_bytes()) {
        // Who closed the pipe does not want to read more.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("bpfkit: standard output: {error}");
            status = status.max(1);
        }
        _ => {}
    }
    for problem in output.problems {
        eprintln!("bpfkit: {problem}");
        status = status.max(1);
    }
    ExitCode::from(status)
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

    #[test]
    fn programs_are_chosen() {
        let which = |words: &str| {
            Which::of(
                &words
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>(),
            )
        };

        assert_eq!(which(""), Ok(Which::All));
        assert_eq!(which("id 7"), Ok(Which::One(Name::Id(7))));
        assert_eq!(which("name 7"), Ok(Which::Called("7".into())));
        assert!(which("id x").is_err());
        assert!(which("tag 0123456789abcdef").is_err());
        assert!(which("id 7 id 8").is_err());
    }
}
