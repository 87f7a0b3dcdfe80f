// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Loads an object file by aya, binds its global data to its programs with one call, and shows the
//! metadata that each program now has.
//!
//! usage: metadata OBJECT      (an object file with programs of the type socket filter)

use std::env;
use std::error::Error;

use aya::programs::Program;
use aya::Ebpf;
use bpfkit::prog;
use bpfkit::prog::Name;
use bpfkit::show;

fn main() -> Result<(), Box<dyn Error>> {
    let object = env::args().nth(1).ok_or("usage: metadata OBJECT")?;
    let mut ebpf = Ebpf::load_file(object)?;

    for (name, program) in ebpf.programs_mut() {
        match program {
            Program::SocketFilter(program) => program.load()?,
            _ => return Err(format!("{name} is no socket filter").into()),
        }
    }

    // The one call: metadata now lives as long as the programs do.
    prog::bind_global_data(&ebpf)?;

    for (_, program) in ebpf.programs() {
        let id = program.info()?.id();
        print!("{}", show::program(&Name::Id(id))?.summary());
    }
    Ok(())
}
