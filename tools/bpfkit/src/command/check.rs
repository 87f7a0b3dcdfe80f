// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit btf check`.

use std::path::Path;
use std::path::PathBuf;

use bpfkit::check::Base;
use bpfkit::check::Checked;
use bpfkit::check::Checker;
use bpfkit::check::Finding;
use bpfkit::check::Outcome;
use bpfkit::check::Verdict;
use bpfkit::render;
use bpfkit::vmlinux::Vmlinux;
use bpfkit::Error;
use bpfkit::Input;
use clap::Args;
use rayon::iter::IntoParallelRefIterator;
use rayon::iter::ParallelIterator;
use serde::Serialize;
use splitbtf::in_order;
use splitbtf::ByteOrder;
use splitbtf::Endian;

use super::progress::Progress;
use super::Failure;
use super::Voice;

/// The exit status if a kernel refuses a module, and if something cannot be read.
const REFUSED: u8 = 1;
const TROUBLE: u8 = 2;

#[derive(Args)]
pub struct Check {
    /// The modules: .ko files, compressed or not, or BTF by itself
    #[arg(value_name = "MODULE", required = true)]
    modules: Vec<PathBuf>,
    /// The kernels: vmlinux, vmlinuz, or BTF by itself
    #[arg(short, long, value_name = "VMLINUX", required = true, num_args = 1..)]
    kernel: Vec<PathBuf>,
    /// The kernel that modules without .BTF.base were built for: check them as if distilled
    #[arg(short = 'B', long, value_name = "VMLINUX")]
    base: Option<PathBuf>,
}

/// A module on a kernel, for JSON.
#[derive(Serialize)]
struct Pair<'a> {
    module: &'a Path,
    kernel: &'a Path,
    base: Base,
    stock: &'static str,
    rust: &'static str,
    /// The types that do not match, and why not.
    types: &'a [Finding],
    /// The message of a stock kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    /// The log of a kernel with Rust, line by line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    log: Vec<String>,
    /// The malformed section, and the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    malformed: Option<String>,
}

/// Checks the modules, and prints whether they will load.
pub fn run(check: &Check, voice: Voice) -> Result<(), Failure> {
    let mut kernels = vec![];
    for path in &check.kernel {
        kernels.push(Input::open(path).map_err(Failure::trouble)?);
    }
    let endian = kernels.first().map_or(Endian::NATIVE, Input::endian);
    let results = in_order!(endian, O => run_in::<O>(check, &kernels));
    let (modules, problems) = results.map_err(Failure::trouble)?;

    let pairs: Vec<_> = modules
        .iter()
        .flat_map(|(module, checked)| {
            let outcomes = check.kernel.iter().zip(&checked.outcomes);
            outcomes.map(|(kernel, outcome)| pair(module, kernel, checked.base, outcome))
        })
        .collect();
    voice.print(&pairs, |_| render::check::table(&modules, &check.kernel))?;
    for problem in &problems {
        eprintln!("bpfkit: {problem}");
    }
    let refused = |(_, checked): &(_, Checked)| checked.outcomes.iter().any(Outcome::is_refused);
    match problems.is_empty() {
        false => Err(Failure::Said(TROUBLE)),
        true if modules.iter().any(refused) => Err(Failure::Said(REFUSED)),
        true => Ok(()),
    }
}

/// The result for each module that could be read, and the errors of the others.
type Results<'a> = (Vec<(&'a Path, Checked)>, Vec<Error>);

fn run_in<'a, O: ByteOrder + Sync + Send + 'static>(
    check: &'a Check,
    kernels: &[Input],
) -> Result<Results<'a>, Error> {
    let open = |path: &PathBuf| Vmlinux::<O>::open(path);
    let own = check.base.as_ref().map(open).transpose()?;
    let own = own.as_ref().map(Vmlinux::btf);
    let kernels = kernels.par_iter().map(Vmlinux::<O>::of);
    let kernels: Vec<_> = kernels.collect::<Result<_, _>>()?;
    let names: Vec<_> = kernels.iter().map(Vmlinux::names).collect();

    let progress = Progress::new("modules", check.modules.len());
    let checked: Vec<_> = check
        .modules
        .par_iter()
        .map_init(
            || Checker::new(&names, own.as_ref()),
            |checker, path| {
                let checked = Input::open(path).and_then(|input| checker.check(&input));
                progress.step();
                checked
            },
        )
        .collect();
    progress.end();

    let mut modules = vec![];
    let mut problems = vec![];
    for (path, checked) in check.modules.iter().zip(checked) {
        match checked {
            Ok(checked) => modules.push((path.as_path(), checked)),
            Err(error) => problems.push(error.into()),
        }
    }
    Ok((modules, problems))
}

fn pair<'a>(module: &'a Path, kernel: &'a Path, base: Base, outcome: &'a Outcome) -> Pair<'a> {
    let (types, refusal) = match outcome {
        Outcome::Relocated { types, refusal } => (types.as_slice(), refusal.as_ref()),
        _ => (&[][..], None),
    };
    let word = |verdict| match verdict {
        Verdict::Loads => "loads",
        Verdict::Opaque(_) => "opaque",
        Verdict::Refused => "refused",
        Verdict::Malformed => "malformed",
    };

    Pair {
        module,
        kernel,
        base,
        stock: word(outcome.stock()),
        rust: word(outcome.rust()),
        types,
        refusal: refusal.map(ToString::to_string),
        log: outcome.log(),
        malformed: match outcome {
            Outcome::Malformed { section, error } => Some(format!("{section}: {error}")),
            _ => None,
        },
    }
}
