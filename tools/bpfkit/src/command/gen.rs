// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit gen`.

use std::io;
use std::io::Write;
use std::path::PathBuf;

use bpfkit::output;
use bpfkit::render::PathText;
use bpfkit::render::Style;
use bpfkit::skeleton;
use bpfkit::Error;
use clap::Subcommand;
use serde::Serialize;

use super::min_core_btf;
use super::min_core_btf::MinCoreBtf;
use super::missing;
use super::superfluous;
use super::written;
use super::Failure;
use super::Voice;

#[derive(Subcommand)]
pub enum Gen {
    /// Generate a Rust skeleton of an object file
    #[command(
        override_usage = "bpfkit gen skeleton [OPTIONS] OBJ [name NAME]",
        after_help = "Examples:
  bpfkit gen skeleton filter.bpf.o -o src/filter.skel.rs
  bpfkit gen skeleton filter.bpf.o name agent >agent.skel.rs

The skeleton is that of libbpf-cargo 0.27, for libbpf-rs, with two additions.
load() also binds all global data to the programs. metadata() returns the
variables of .rodata* whose names begin with bpf_metadata_, with their types
from BTF, in the memory of the maps, which is mapped read-only. A crate that
compiles the skeleton needs libbpf-rs and bpfkit.

Skeletons do not have static variables or bit-fields. Objects with names or
types that libbpf-cargo cannot express in Rust are refused. The skeleton does
not compile if Rust gives a variable another layout than BTF says. rustfmt
formats the skeleton, if it is installed."
    )]
    Skeleton {
        /// The object file
        #[arg(value_name = "OBJ")]
        object: PathBuf,
        /// 'name NAME': the name of the skeleton; that of the object file by default
        #[arg(value_name = "WORDS")]
        name: Vec<String>,
        /// The file to write; standard output by default, but not with JSON
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    #[command(name = "min_core_btf")]
    MinCoreBtf(MinCoreBtf),
}

/// The result, for JSON.
#[derive(Serialize)]
struct Report<'a> {
    object: PathText<'a>,
    output: PathText<'a>,
    /// The variables that are metadata and that the skeleton does not have.
    left_out: &'a [String],
}

/// Runs the command.
pub fn run(command: Gen, voice: Voice) -> Result<(), Failure> {
    let (object, name, output) = match command {
        Gen::Skeleton {
            object,
            name,
            output,
        } => (object, name, output),
        Gen::MinCoreBtf(command) => return min_core_btf::run(&command, voice),
    };
    let name = match name.as_slice() {
        [] => None,
        [word, name] if word == "name" => Some(name.as_str()),
        [word] if word == "name" => return Err(Failure::Usage(missing(word))),
        [word, _, other, ..] if word == "name" => return Err(Failure::Usage(superfluous(other))),
        [word, ..] => return Err(Failure::Usage(format!("'{word}' is not 'name NAME'"))),
    };
    if output.is_none() && voice.style != Style::Plain {
        return Err(Failure::Usage(
            "Rust is not printed as JSON: say with -o where it goes".into(),
        ));
    }
    voice.reading(&object);
    let skeleton = skeleton::generate(&object, name)?;

    for variable in &skeleton.left_out {
        voice.note(&format!(
            "{}: {variable} is static, so the skeleton does not have it",
            object.display()
        ));
    }
    let text = skeleton::format(skeleton.text);
    match output {
        Some(path) => {
            voice.writing(&path);
            if let Err(source) = output::replace(&path, text.as_bytes()) {
                return Err(Failure::trouble(Error::Write { path, source }));
            }
            let report = Report {
                object: PathText(&object),
                output: PathText(&path),
                left_out: &skeleton.left_out,
            };
            voice.print(&report, |_| String::new())
        }
        None => written(io::stdout().lock().write_all(text.as_bytes())),
    }
}
