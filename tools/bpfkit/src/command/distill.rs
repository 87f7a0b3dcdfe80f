// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit btf distill`.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use bpfkit::distill;
use bpfkit::distill::DistillError;
use bpfkit::distill::DistillProblem;
use bpfkit::distill::Distilled;
use bpfkit::input::InputProblem;
use bpfkit::output;
use bpfkit::render::PathText;
use bpfkit::vmlinux::Vmlinux;
use bpfkit::Error;
use bpfkit::Input;
use clap::Args;
use rayon::iter::IntoParallelRefIterator;
use rayon::iter::ParallelIterator;
use serde::Serialize;
use splitbtf::in_order;
use splitbtf::Btf;
use splitbtf::ByteOrder;
use splitbtf::Distiller;

use super::Failure;
use super::Voice;

/// The exit status if a module cannot be distilled, and if a file cannot be read or written.
const REFUSED: u8 = 1;
const TROUBLE: u8 = 2;

/// The file name extensions of compressed modules.
const COMPRESSED: [&str; 4] = ["gz", "xz", "zst", "lz4"];

/// Give modules a distilled base, so that they load on kernels with other type ids
#[derive(Args)]
#[command(after_help = "Examples:
  bpfkit btf distill module.ko --base /lib/modules/$(uname -r)/build/vmlinux
  bpfkit btf distill module.ko.xz --base vmlinux -o module.ko
  bpfkit -j btf distill *.ko --base vmlinux -o distilled/

VMLINUX is the kernel that the modules were built for: vmlinux, a kernel image
or BTF by itself. The module's section .BTF then refers to the new section
.BTF.base instead of VMLINUX, and the ids in .BTF_ids are updated. All other
sections stay as they are. Compressed modules can be read, but the result is not
compressed. A signed module is refused: sign after distilling.

Each result is written beside the old file and replaces it when it is complete.
If one of several modules fails, the others are distilled nevertheless.

The exit status is 0 if all are distilled, 1 if one cannot be distilled, 2 if a
file cannot be read or written.")]
pub struct Distill {
    /// The modules: .ko files, compressed or not
    #[arg(value_name = "MODULE", required = true)]
    modules: Vec<PathBuf>,
    /// The kernel that they were built for
    #[arg(short = 'B', long, value_name = "VMLINUX")]
    base: PathBuf,
    /// The file to write, for several modules a folder; by default each module is replaced
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

/// Why there is no result for a module.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Distill(#[from] DistillError),
    #[error("{}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl Problem {
    fn status(&self) -> u8 {
        match self {
            Self::Distill(DistillError {
                problem: DistillProblem::Input(InputProblem::Read(_)),
                ..
            })
            | Self::Write { .. } => TROUBLE,
            Self::Distill(_) => REFUSED,
        }
    }
}

/// The result for a module, for JSON.
#[derive(Serialize)]
#[serde(untagged)]
enum Module<'a> {
    Distilled {
        module: PathText<'a>,
        output: PathText<'a>,
        /// The number of its own types, and of those in its distilled base.
        own_types: u32,
        base_types: u32,
        /// The length of .BTF before, and of .BTF and .BTF.base now.
        btf_bytes_before: usize,
        btf_bytes_after: usize,
        /// The entries of .BTF_ids that are 0 now.
        lost_ids: Vec<String>,
    },
    Failed {
        module: PathText<'a>,
        error: String,
    },
}

/// Distils the modules, and prints the result for each.
pub fn run(distill: &Distill, voice: Voice) -> Result<(), Failure> {
    let outputs = outputs(&distill.modules, distill.output.as_deref()).map_err(Failure::Usage)?;
    let base = voice.open(&distill.base)?;
    let results = in_order!(base.endian(), O => run_in::<O>(distill, &base, &outputs, voice));
    let (modules, status) = results.map_err(Failure::trouble)?;

    voice.print(&modules, |modules| modules.iter().map(line).collect())?;
    for module in &modules {
        match module {
            Module::Failed { error, .. } => eprintln!("bpfkit: {error}"),
            Module::Distilled {
                module, lost_ids, ..
            } => {
                for lost in lost_ids {
                    voice.note(&format!(
                        "{}: .BTF_ids: {lost} is 0 now, as nothing else in the module refers to it",
                        module.0.display()
                    ));
                }
            }
        }
    }
    match status {
        0 => Ok(()),
        status => Err(Failure::Said(status)),
    }
}

/// The paths to write the modules to.
fn outputs(modules: &[PathBuf], output: Option<&Path>) -> Result<Vec<PathBuf>, String> {
    let compressed = |path: &Path| {
        let ending = path.extension();
        ending.is_some_and(|ending| COMPRESSED.iter().any(|compressed| ending == *compressed))
    };
    let Some(output) = output else {
        return match modules.iter().find(|path| compressed(path)) {
            None => Ok(modules.to_vec()),
            Some(path) => Err(format!(
                "{}: the result is not compressed; say with -o where it goes",
                path.display()
            )),
        };
    };
    if modules.len() == 1 && !output.is_dir() {
        return Ok(vec![output.to_owned()]);
    }
    let mut seen = HashSet::new();
    modules
        .iter()
        .map(|path| {
            let name = if compressed(path) {
                path.file_stem()
            } else {
                path.file_name()
            };
            let to = output.join(name.unwrap_or_default());
            match seen.insert(to.clone()) {
                true => Ok(to),
                false => Err(format!("several modules would be {}", to.display())),
            }
        })
        .collect()
}

/// Distils the modules. Returns the result for each, and the exit status.
fn run_in<'a, O: ByteOrder + Sync + Send + 'static>(
    distill: &'a Distill,
    base: &Input,
    outputs: &'a [PathBuf],
    voice: Voice,
) -> Result<(Vec<Module<'a>>, u8), Error> {
    let base = Vmlinux::<O>::of(base)?;
    let base = base.btf();
    if let (Some(folder), [_, _, ..]) = (&distill.output, outputs) {
        fs::create_dir_all(folder).map_err(|source| Error::Write {
            path: folder.clone(),
            source,
        })?;
    }
    let jobs: Vec<_> = distill.modules.iter().zip(outputs).collect();
    let progress = voice.progress("modules", jobs.len());
    let results: Vec<_> = jobs
        .par_iter()
        .map_init(Distiller::new, |distiller, (module, output)| {
            let result = one(module, output, &base, distiller, voice);
            progress.step();
            result
        })
        .collect();
    progress.end();

    let mut status = 0;
    let mut modules = vec![];
    for ((module, output), result) in jobs.into_iter().zip(results) {
        modules.push(match result {
            Ok(distilled) => Module::Distilled {
                module: PathText(module),
                output: PathText(output),
                own_types: distilled.types,
                base_types: distilled.base_types,
                btf_bytes_before: distilled.before,
                btf_bytes_after: distilled.after,
                lost_ids: distilled.lost,
            },
            Err(problem) => {
                status = status.max(problem.status());
                Module::Failed {
                    module: PathText(module),
                    error: problem.to_string(),
                }
            }
        });
    }
    Ok((modules, status))
}

/// Distils a module and writes it. Returns the result without its bytes, to save memory.
fn one<O: ByteOrder + 'static>(
    module: &Path,
    output: &Path,
    base: &Btf<'_, O>,
    distiller: &mut Distiller,
    voice: Voice,
) -> Result<Distilled, Problem> {
    voice.reading(module);
    let input = Input::open(module).map_err(DistillError::from)?;
    let mut distilled = distill::distill(&input, base, distiller)?;
    let bytes = std::mem::take(&mut distilled.bytes);

    voice.writing(output);
    output::replace(output, &bytes).map_err(|source| Problem::Write {
        path: output.to_owned(),
        source,
    })?;
    Ok(distilled)
}

/// The line to print for a module; empty for an error, which is printed apart from it.
fn line(module: &Module<'_>) -> String {
    match module {
        Module::Distilled {
            output,
            own_types,
            base_types,
            btf_bytes_before,
            btf_bytes_after,
            ..
        } => format!(
            "{}: {own_types} types, {base_types} distilled; {btf_bytes_before} bytes of BTF before, \
             {btf_bytes_after} now\n",
            output.0.display()
        ),
        Module::Failed { .. } => String::new(),
    }
}

#[cfg(test)]
mod tests;
