// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit prog`.

use std::fmt;
use std::fmt::Display;
use std::io;
use std::io::Write;
use std::path::PathBuf;
use std::slice;

use bpfkit::load;
use bpfkit::load::Device;
use bpfkit::load::MapOf;
use bpfkit::load::Options;
use bpfkit::load::Outcome;
use bpfkit::prog;
use bpfkit::prog::Name;
use bpfkit::render;
use bpfkit::render::prog::Full;
use bpfkit::render::prog::Short;
use bpfkit::render::Style;
use bpfkit::show;
use bpfkit::show::Program;
use bpfkit::show::Tag;
use clap::Args;
use clap::Subcommand;
use serde::Serialize;

use super::missing;
use super::superfluous;
use super::Failure;
use super::Talk;
use super::Voice;

#[derive(Subcommand)]
pub enum Prog {
    /// Load the programs of an object file with libbpf, bind its global data to them, and pin them
    #[command(
        override_usage = "bpfkit prog load [OPTIONS] OBJ PATH [name PROG]... [type TYPE]
                         [map {idx N | name NAME} {id N | pinned PATH}]...
                         [{offload_dev | xdpmeta_dev} DEVICE] [pinmaps DIR]
                         [autoattach] [kernel_btf FILE]",
        after_help = LOAD_HELP
    )]
    Load(Load),
    /// Do as 'load' does, with the programs pinned in the folder PATH even if there is only one
    #[command(
        override_usage = "bpfkit prog loadall [OPTIONS] OBJ PATH [name PROG]... [type TYPE]
                            [map {idx N | name NAME} {id N | pinned PATH}]...
                            [{offload_dev | xdpmeta_dev} DEVICE] [pinmaps DIR]
                            [autoattach] [kernel_btf FILE]",
        after_help = "Examples:
  bpfkit prog loadall filters.bpf.o /sys/fs/bpf/filters
  bpfkit prog loadall f.bpf.o /sys/fs/bpf/f pinmaps /sys/fs/bpf/maps

'bpfkit prog load --help' says more about the words."
    )]
    Loadall(Load),
    /// Bind maps to a program, so that they live as long as it does
    #[command(
        override_usage = "bpfkit prog bind [OPTIONS] PROG MAP...

  PROG, MAP: id N | pinned PATH",
        after_help = "Examples:
  bpfkit prog bind id 12 id 7
  bpfkit prog bind pinned /sys/fs/bpf/filter id 7 pinned /sys/fs/bpf/version"
    )]
    Bind {
        /// The program, then the maps, each as 'id N' or 'pinned PATH'
        #[arg(value_name = "WORDS")]
        names: Vec<String>,
    },
    /// Show the programs that are loaded, with their metadata
    #[command(
        visible_alias = "list",
        override_usage = "bpfkit prog show [OPTIONS] [id N | pinned PATH | tag TAG | name NAME]",
        after_help = "Examples:
  bpfkit prog show
  bpfkit prog show pinned /sys/fs/bpf/filter
  bpfkit -p prog show name filter
  bpfkit -j prog show --metadata
  bpfkit prog show --without-metadata

Metadata is every constant whose name begins with bpf_metadata_, in every map of
.rodata* that the program uses or that was bound to it. JSON is that of bpftool.
The text differs: strings that fill their array or are not ASCII are strings,
and signed bit-fields have a sign, where bpftool shows numbers.

With -v, the output also has the processes that have the program open, its
links, and the names of its maps, in JSON as pids, links and maps."
    )]
    Show {
        /// Which program: 'id N', 'pinned PATH', 'tag TAG' or 'name NAME'
        #[arg(value_name = "WORDS")]
        which: Vec<String>,
        /// Only the metadata, of the programs that have any
        #[arg(long)]
        metadata: bool,
        /// Only programs that have no metadata
        #[arg(long, conflicts_with = "metadata")]
        without_metadata: bool,
    },
}

const LOAD_HELP: &str = "Examples:
  bpfkit prog load filter.bpf.o /sys/fs/bpf/filter
  bpfkit prog load tools.bpf.o /sys/fs/bpf/tools name open name exec
  bpfkit prog load f.bpf.o /sys/fs/bpf/f map name limits pinned /sys/fs/bpf/map
  bpfkit prog load t.bpf.o /sys/fs/bpf/t pinmaps /sys/fs/bpf/maps autoattach

The words are those of 'bpftool prog loadall'. One program is pinned at PATH,
several in the folder PATH, each under its name; with 'name' only the named ones
are loaded. All maps of global data (.rodata*, .data*, .bss*) are bound to each
program, so that they live as long as it does. libbpf itself binds .rodata*;
with --no-bind, maps of global data that no instruction uses are not created at
all. With -v, all messages of libbpf go to standard error.

autoattach pins links; programs whose section does not say what to attach to are
pinned themselves. An object with maps only is loaded too: 'pinmaps' keeps them.
Maps of struct_ops are created and can be pinned; to register them, use 'bpftool
struct_ops register'.";

/// The object file to load, and how.
#[derive(Args)]
pub struct Load {
    /// The object file
    #[arg(value_name = "OBJ")]
    object: PathBuf,
    /// Where to pin the program, or the folder for several, in a BPF file system
    path: PathBuf,
    /// What and how to load, in the words that the usage shows
    #[arg(value_name = "WORDS")]
    words: Vec<String>,
    /// Do not bind the global data
    #[arg(long)]
    no_bind: bool,
}

impl Load {
    /// The library's options for these arguments.
    fn options(&self) -> Result<Options, String> {
        let mut options = Options {
            no_bind: self.no_bind,
            ..Options::default()
        };
        let mut words = self.words.iter().map(String::as_str);

        while let Some(word) = words.next() {
            let mut next = || words.next().ok_or(missing(word));
            match word {
                "name" => options.programs.push(next()?.into()),
                "type" => options.program_type = Some(next()?.into()),
                "pinmaps" => options.pin_maps = Some(next()?.into()),
                "autoattach" => options.attach = true,
                "kernel_btf" => options.kernel_btf = Some(next()?.into()),
                "offload_dev" | "dev" => options.device = Some(Device::Offload(next()?.into())),
                "xdpmeta_dev" => options.device = Some(Device::XdpMetadata(next()?.into())),
                "map" => {
                    let of = match (next()?, next()?) {
                        ("idx", index) => match index.parse() {
                            Ok(index) => MapOf::Index(index),
                            Err(_) => return Err(format!("'{index}' is not a number")),
                        },
                        ("name", name) => MapOf::Name(name.into()),
                        (kind, _) => return Err(format!("'{kind}' is not 'idx N' or 'name NAME'")),
                    };
                    let name = [next()?.to_owned(), next()?.to_owned()];
                    let name = names(&name)?.pop().ok_or("there is no map")?;
                    options.maps.push((of, name));
                }
                _ => return Err(format!("'{word}' is not a word of 'prog load'")),
            }
        }
        Ok(options)
    }
}

/// Which programs to show.
#[derive(Debug, PartialEq, Eq)]
enum Which {
    All,
    One(Name),
    Called(String),
    Tagged(Tag),
}

/// How a program can be named that is shown.
const KINDS: [&str; 4] = ["id", "pinned", "tag", "name"];

impl Which {
    fn of(words: &[String]) -> Result<Self, String> {
        match words {
            [] => Ok(Self::All),
            [kind, ..] if !KINDS.contains(&kind.as_str()) => {
                Err(format!("'{kind}' is not 'id', 'pinned', 'tag' or 'name'"))
            }
            [kind] => Err(missing(kind)),
            [_, _, other, ..] => Err(superfluous(other)),
            [kind, name] if kind == "name" => Ok(Self::Called(name.clone())),
            [kind, tag] if kind == "tag" => Ok(Self::Tagged(tag.parse()?)),
            [_, _] => match names(words)?.as_slice() {
                [name] => Ok(Self::One(name.clone())),
                _ => Err("only one program can be shown".into()),
            },
        }
    }
}

impl Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all programs"),
            Self::One(name) => write!(f, "prog {name}"),
            Self::Called(name) => write!(f, "programs with the name {name}"),
            Self::Tagged(tag) => write!(f, "programs with the tag {tag}"),
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
            [kind] if kind == "id" || kind == "pinned" => Err(missing(kind)),
            [kind, ..] => Err(format!("'{kind}' is not 'id N' or 'pinned PATH'")),
            [] => Err("there is nothing".into()),
        })
        .collect()
}

/// Runs the command, and prints the result.
pub fn run(command: Prog, voice: Voice) -> Result<(), Failure> {
    match command {
        Prog::Load(command) => load(&command, false, voice),
        Prog::Loadall(command) => load(&command, true, voice),
        Prog::Bind { names: words } => {
            let names = names(&words).map_err(Failure::Usage)?;
            let (prog, maps) = match names.as_slice() {
                [] => return Err(Failure::Usage("say which program and maps".into())),
                [_] => return Err(Failure::Usage("say which maps to bind".into())),
                [prog, maps @ ..] => (prog, maps),
            };
            for map in maps {
                voice.detail(&format!("binding map {map} to prog {prog}"));
                prog::bind(prog, slice::from_ref(map))?;
            }
            voice.done()
        }
        Prog::Show {
            which,
            metadata,
            without_metadata,
        } => {
            let which = Which::of(&which).map_err(Failure::Usage)?;
            show(&which, metadata, without_metadata, voice)
        }
    }
}

fn load(command: &Load, folder: bool, voice: Voice) -> Result<(), Failure> {
    let mut options = command.options().map_err(Failure::Usage)?;
    options.folder = folder;
    if voice.talk >= Talk::Verbose {
        // An error means that the reader has closed standard error.
        options.echo = Some(|message| drop(writeln!(io::stderr(), "{message}")));
    }
    if !command.no_bind && !prog::can_bind() {
        voice.note("this kernel has no BPF_PROG_BIND_MAP: nothing is bound");
    }
    let object = command.object.display();
    voice.detail(&format!("loading {object}"));
    let outcome = load::load(&command.object, &command.path, &options)?;

    voice.print(&outcome.programs, |programs| {
        programs.iter().map(render::prog::loaded).collect()
    })?;
    for note in notes(&outcome) {
        voice.note(&format!("{object}: {note}"));
    }
    if !outcome.left_out.is_empty() {
        voice.detail(&format!("not loaded: {}", outcome.left_out.join(", ")));
    }
    Ok(())
}

/// Notes on results that may surprise the user.
fn notes(outcome: &Outcome) -> Vec<String> {
    let mut notes = vec![];

    if let Some(reason) = &outcome.btf_refused {
        notes.push(format!(
            "the kernel refuses its BTF ({reason}): the names of its types and functions, and its \
             metadata are lost"
        ));
    } else if !outcome.has_btf && !outcome.programs.is_empty() {
        notes.push(
            "it has no BTF: if there is metadata in it, it cannot be shown; compile it with -g"
                .into(),
        );
    }
    match (outcome.programs.is_empty(), outcome.maps) {
        (true, 0) => notes.push("no program is loaded".into()),
        (true, maps) => notes.push(format!(
            "no program is loaded, and its {maps} maps are gone again: 'pinmaps DIR' keeps them"
        )),
        _ => {}
    }
    notes
}

fn show(
    which: &Which,
    metadata: bool,
    without_metadata: bool,
    voice: Voice,
) -> Result<(), Failure> {
    voice.detail(&format!("asking the kernel for {which}"));
    let mut programs = match which {
        Which::All => show::programs()?,
        Which::One(name) => vec![show::program(name)?],
        Which::Called(name) => show::programs_called(name)?,
        Which::Tagged(tag) => show::programs_tagged(*tag)?,
    };
    let array = *which == Which::All;
    if without_metadata {
        // A program with problems may have metadata that could not be read.
        programs.retain(|program| program.metadata.0.is_empty() || !program.problems.is_empty());
    }
    if voice.talk >= Talk::Verbose {
        voice.detail("asking it for their processes and links and the names of their maps");
        show::add_details(&mut programs)?;
    }

    if metadata {
        for program in &programs {
            if !array && program.metadata.0.is_empty() {
                voice.note(&format!("prog id {}: {}", program.id, nothing(program)));
            }
        }
        // In JSON, the errors are with the program.
        let is_shown = |program: &&Program| {
            let failed = voice.style != Style::Plain && !program.problems.is_empty();
            failed || !program.metadata.0.is_empty()
        };
        let with = programs.iter().filter(is_shown);
        let with = with.map(|program| Short(program.summary()));
        print(&with.collect::<Vec<_>>(), array, voice)?;
    } else {
        print(&programs.iter().map(Full).collect::<Vec<_>>(), array, voice)?;
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

/// Prints the programs. As in bpftool, one that was asked for is not in an array.
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

#[cfg(test)]
mod tests;
