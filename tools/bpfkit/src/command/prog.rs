// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit prog`.

use std::fmt::Display;
use std::path::Path;
use std::path::PathBuf;

use bpfkit::prog;
use bpfkit::prog::Name;
use bpfkit::show;
use bpfkit::show::Program;
use clap::Subcommand;
use serde::Serialize;

use super::Failure;
use super::Voice;

#[derive(Subcommand)]
pub enum Prog {
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
  bpfkit -j prog show --metadata

Metadata is every constant whose name begins with bpf_metadata_, in every map of .rodata*
that the program uses or that was bound to it."
    )]
    Show {
        /// Which program: 'id N', 'pinned PATH' or 'name NAME'
        #[arg(value_name = "PROG", num_args = 2)]
        which: Vec<String>,
        /// Only the metadata, of the programs that have any
        #[arg(long)]
        metadata: bool,
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

/// Does what the command says, and prints it.
pub fn run(command: Prog, voice: Voice) -> Result<(), Failure> {
    match command {
        Prog::Load {
            object,
            path,
            no_bind,
        } => load(&object, &path, !no_bind, voice),
        Prog::Bind { names: words } => {
            let names = names(&words).map_err(Failure::Usage)?;
            if let [prog, maps @ ..] = names.as_slice() {
                prog::bind(prog, maps)?;
                voice.detail(&format!("prog {prog}: {} maps are bound", maps.len()));
            }
            Ok(())
        }
        Prog::Show { which, metadata } => {
            show(&Which::of(&which).map_err(Failure::Usage)?, metadata, voice)
        }
    }
}

fn load(object: &Path, path: &Path, bind: bool, voice: Voice) -> Result<(), Failure> {
    if bind && !prog::can_bind() {
        voice.note("this kernel has no BPF_PROG_BIND_MAP: nothing is bound");
    }
    voice.detail(&format!("loading {}", object.display()));
    let loaded = prog::load(object, path, bind)?;

    voice.print(&loaded, |loaded| loaded.iter().map(describe).collect())
}

fn show(which: &Which, metadata: bool, voice: Voice) -> Result<(), Failure> {
    let programs = match which {
        Which::All => show::programs()?,
        Which::One(name) => vec![show::program(name)?],
        Which::Called(name) => show::programs_called(name)?,
    };
    let array = *which == Which::All;

    if metadata {
        for program in &programs {
            if !array && program.metadata.0.is_empty() {
                voice.note(&format!("prog id {}: {}", program.id, nothing(program)));
            }
        }
        let with = programs
            .iter()
            .filter(|program| !program.metadata.0.is_empty());
        print(
            &with.map(Program::summary).collect::<Vec<_>>(),
            array,
            voice,
        )?;
    } else {
        print(&programs, array, voice)?;
    }
    let mut result = Ok(());
    for program in &programs {
        for problem in &program.problems {
            eprintln!("bpfkit: prog id {}: {problem}", program.id);
            result = Err(Failure::Said(1));
        }
    }
    result
}

/// Prints all of these; as bpftool does, one that was asked for is not in an array.
fn print<T: Display + Serialize>(programs: &[T], array: bool, voice: Voice) -> Result<(), Failure> {
    match programs {
        [program] if !array => voice.print(program, T::to_string),
        programs => voice.print(programs, |programs| {
            programs.iter().map(T::to_string).collect()
        }),
    }
}

/// Why a program has no metadata.
fn nothing(program: &Program) -> String {
    match program.untyped.as_slice() {
        [] => "there is no metadata in its maps".into(),
        [map, ..] => format!("map id {map} has no BTF: what it holds cannot be told"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Vec<Name>, String> {
        names(&words.split(' ').map(str::to_owned).collect::<Vec<_>>())
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
