// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit btf diff`.

use std::path::PathBuf;

use bpfkit::diff;
use bpfkit::diff::DiffError;
use bpfkit::diff::Difference;
use bpfkit::diff::Select;
use bpfkit::render;
use bpfkit::vmlinux::Vmlinux;
use bpfkit::Input;
use clap::Args;
use splitbtf::in_order;
use splitbtf::ByteOrder;

use super::Failure;
use super::Voice;

/// The exit status if the kernels differ.
const DIFFERENT: u8 = 1;

#[derive(Args)]
pub struct Diff {
    /// The first kernel: vmlinux, vmlinuz, or BTF by itself
    #[arg(value_name = "A")]
    from: PathBuf,
    /// The second kernel
    #[arg(value_name = "B")]
    to: PathBuf,
    /// Only types with these names, and what they contain
    #[arg(short, long, value_name = "NAME", num_args = 1..)]
    types: Vec<String>,
    /// Only types that this module refers to, and what they contain; without .BTF.base it must be
    /// a module of A
    #[arg(short, long, value_name = "MODULE")]
    module: Option<PathBuf>,
}

/// Compares the kernels, and prints the differences.
pub fn run(diff: &Diff, voice: Voice) -> Result<(), Failure> {
    let from = voice.open(&diff.from)?;
    let to = voice.open(&diff.to)?;
    let module = diff
        .module
        .as_ref()
        .map(|path| voice.open(path))
        .transpose()?;

    let differences = in_order!(
        from.endian(),
        O => run_in::<O>(diff, [&from, &to], module.as_ref())
    );
    let differences = differences.map_err(Failure::Trouble)?;

    voice.print(&render::diff::json(&differences), |_| {
        differences.iter().map(Difference::to_string).collect()
    })?;
    match differences.is_empty() {
        true => Ok(()),
        false => Err(Failure::Said(DIFFERENT)),
    }
}

fn run_in<O: ByteOrder + 'static>(
    diff: &Diff,
    kernels: [&Input; 2],
    module: Option<&Input>,
) -> Result<Vec<Difference>, String> {
    let text = |error: bpfkit::Error| error.to_string();
    let [from, to] = kernels.map(Vmlinux::<O>::of);
    let (from, to) = (from.map_err(text)?, to.map_err(text)?);

    let mut names = diff
        .types
        .iter()
        .map(|name| name.clone().into_bytes())
        .collect();
    if let Some(module) = module {
        let of_module =
            diff::names_of_module(module, &from.btf()).map_err(|error| match error {
                DiffError::Input(error) => error.to_string(),
                error => format!("{}: {error}", module.path().display()),
            })?;
        names = &names | &of_module;
    }
    let select = match diff.types.is_empty() && module.is_none() {
        true => Select::All,
        false => Select::Names(names),
    };

    diff::diff(&from.names(), &to.names(), &select).map_err(|error| error.to_string())
}
