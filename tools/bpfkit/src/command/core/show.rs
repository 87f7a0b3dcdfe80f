// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit core show`.

use std::path::PathBuf;

use bpfkit::core::kernel::Kernel;
use bpfkit::core_object::CoreObject;
use bpfkit::render::core::show;
use bpfkit::render::core::Shown;
use bpfkit::Error;
use clap::Args;
use core_relo::Decider;
use core_relo::Decision;
use serde::Serialize;

use super::files;
use super::width;
use super::Failure;
use super::Voice;
use super::RUNNING;
use crate::command::Talk;

/// The exit status if libbpf refuses the object.
const REFUSED: u8 = 1;

#[derive(Args)]
pub struct Show {
    /// The object file
    #[arg(value_name = "OBJ")]
    object: PathBuf,
    /// The kernel: vmlinux, vmlinuz, or BTF by itself; by default the running one
    #[arg(short, long, value_name = "VMLINUX", default_value = RUNNING)]
    kernel: PathBuf,
    /// The kernel's modules: files, or folders with .ko or .btf files
    #[arg(short, long, value_name = "MODULE", num_args = 1..)]
    modules: Vec<PathBuf>,
}

/// An element of the record.
#[derive(Serialize)]
#[serde(untagged)]
enum Element<'a> {
    Decision(&'a Decision),
    Malformed(&'a core_relo::Error),
}

/// Decides all relocations, and prints the decisions.
pub fn run(args: &Show, voice: Voice) -> Result<(), Failure> {
    voice.detail(&format!("reading {}", args.object.display()));
    let content = CoreObject::open(&args.object).map_err(Error::from)?;
    let modules = files::modules(&args.kernel, &args.modules)?;
    voice.detail(&format!("reading {}", args.kernel.display()));
    let kernel = Kernel::open(&args.kernel, &modules, None).map_err(Failure::trouble)?;
    let targets = kernel.targets();
    let object = content.object();

    let decisions = Decider::new(&object, &targets).decide_all();
    let elements = decisions.iter().map(|result| match result {
        Ok(decision) => Element::Decision(decision),
        Err(error) => Element::Malformed(error),
    });
    let elements: Vec<_> = elements.collect();
    let shown = Shown {
        object: &args.object,
        kernel: &args.kernel,
        modules: kernel.modules(),
        decisions: &decisions,
    };
    let all = voice.talk >= Talk::Verbose;
    voice.print(&elements, |_| show(&shown, all, width()))?;

    let is_accepted =
        |result: &Result<Decision, _>| result.as_ref().is_ok_and(|decision| decision.is_accepted());
    match decisions.iter().all(is_accepted) {
        true => Ok(()),
        false => Err(Failure::Said(REFUSED)),
    }
}
