// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Compiles the BPF program, and generates its skeleton.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const SOURCE: &str = "src/agent.bpf.c";

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let object = out.join("agent.bpf.o");
    let clang = env::var("CLANG").unwrap_or_else(|_| "clang".into());

    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-env-changed=CLANG");
    let done = Command::new(clang)
        .args(["-target", "bpf", "-g", "-O2", "-Wall", "-Werror"])
        .args(["-c", SOURCE, "-o"])
        .arg(&object)
        .status()?;
    if !done.success() {
        return Err(format!("{SOURCE} cannot be compiled").into());
    }
    let skeleton = bpfkit::skeleton::generate(&object, None)?;
    fs::write(out.join("agent.skel.rs"), skeleton.text)?;
    Ok(())
}
