// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Compiles the cases of `cases.bpf.c`, and generates their skeletons.

use std::env;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use bpfkit::skeleton;
use libbpf_rs::Linker;

const SOURCE: &str = "cases.bpf.c";

/// The cases with a skeleton, by the names of their macros in lower case.
const CASES: [&str; 16] = [
    "sections",
    "strings",
    "keywords",
    "enums",
    "bit_fields",
    "packed",
    "aligned",
    "empty",
    "arrays",
    "statics",
    "linked",
    "scalars",
    "wide",
    "no_btf",
    "maps",
    "nothing",
];

/// The cases for which there is no skeleton, or one that does not compile.
const REFUSED: [&str; 12] = [
    "underscore",
    "keyword_variable",
    "keyword_enumerator",
    "keyword_program",
    "keyword_map",
    "empty_variable",
    "union_of_bits",
    "arrays_in_arrays",
    "section_type",
    "section_name",
    "sections_alike",
    "packed_behind",
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut modules = String::new();

    println!("cargo::rerun-if-changed={SOURCE}");
    for case in ["linked_a", "linked_b"]
        .iter()
        .chain(&CASES)
        .chain(&REFUSED)
    {
        let object = out.join(format!("{case}.bpf.o"));
        match *case {
            "linked" => {
                let mut linker = Linker::new(&object)?;
                linker.add_file(out.join("linked_a.bpf.o"))?;
                linker.add_file(out.join("linked_b.bpf.o"))?;
                linker.link()?;
            }
            case => compile(case, &object)?,
        }
    }
    for case in CASES {
        let skeleton = skeleton::generate(&out.join(format!("{case}.bpf.o")), None);
        match skeleton {
            Ok(skeleton) => fs::write(out.join(format!("{case}.rs")), skeleton.text)?,
            Err(error) => println!("cargo::error={case}: {error}"),
        }
        writeln!(
            modules,
            "pub mod {case} {{ include!(concat!(env!(\"OUT_DIR\"), \"/{case}.rs\")); }}"
        )?;
    }
    fs::write(out.join("cases.rs"), modules)?;
    println!("cargo::rustc-env=OBJECTS={}", out.display());
    Ok(())
}

fn compile(case: &str, object: &Path) -> Result<(), Box<dyn Error>> {
    let debug = if case == "no_btf" { "-g0" } else { "-g" };
    let done = Command::new("clang-19")
        .args(["-target", "bpf", "-O2", "-Wall", "-Werror", debug])
        .arg(format!("-D{}", case.to_uppercase()))
        .args(["-c", SOURCE, "-o"])
        .arg(object)
        .status()?;

    match done.success() {
        true => Ok(()),
        false => Err(format!("clang-19 cannot compile the case {case}").into()),
    }
}
