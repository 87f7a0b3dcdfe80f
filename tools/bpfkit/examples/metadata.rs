// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Loads an object file with libbpf-rs, binds its global data to its programs with one call, and shows
//! the metadata that each program now has. `aya.md` shows the same with aya.
//!
//! usage: metadata OBJECT

use std::env;
use std::error::Error;
use std::os::fd::AsFd;

use bpfkit::prog;
use bpfkit::prog::Name;
use bpfkit::show;
use libbpf_rs::ObjectBuilder;
use libbpf_rs::Program;

fn main() -> Result<(), Box<dyn Error>> {
    let object = env::args().nth(1).ok_or("usage: metadata OBJECT")?;
    let object = ObjectBuilder::default().open_file(object)?.load()?;

    // The one call: metadata now lives as long as the programs do.
    prog::bind_global_data(object.progs(), object.maps())?;

    for program in object.progs() {
        let id = Program::id_from_fd(program.as_fd())?;
        let program = show::program(&Name::Id(id))?;
        let (prog_type, name, tag) = (program.prog_type, program.name, program.tag);

        println!("{id}: {prog_type}  name {name}  tag {tag}");
        for (name, value) in &program.metadata.0 {
            println!("\t{name} = {value}");
        }
    }
    Ok(())
}
