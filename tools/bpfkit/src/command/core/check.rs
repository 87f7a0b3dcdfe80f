// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit core check`.

use std::path::PathBuf;

use bpfkit::core::check::check;
use bpfkit::core::check::Checked;
use bpfkit::core::check::Effect;
use bpfkit::core::check::ObjectFile;
use bpfkit::core::kernel::Kernel;
use bpfkit::render::core::pairs;
use bpfkit::render::core::table;
use bpfkit::render::core::Detail;
use bpfkit::render::core::Row;
use bpfkit::InputError;
use clap::Args;
use clap::ValueEnum;
use rayon::iter::IndexedParallelIterator;
use rayon::iter::IntoParallelRefIterator;
use rayon::iter::IntoParallelRefMutIterator;
use rayon::iter::ParallelIterator;

use super::files;
use super::paths::open;
use super::width;
use super::Failure;
use super::Voice;
use crate::command::Talk;

/// The exit status if an object fails, and if something cannot be read.
const FAILS: u8 = 1;
const TROUBLE: u8 = 2;

#[derive(Args)]
pub struct Check {
    /// The objects: .o files, or folders with .o files; - is standard input
    #[arg(value_name = "OBJ", required_unless_present = "files_from")]
    objects: Vec<PathBuf>,
    /// A file that lists more objects, one a line; - is standard input
    #[arg(long, value_name = "FILE")]
    files_from: Option<PathBuf>,
    /// The kernels: vmlinux, vmlinuz, or BTF by itself
    #[arg(short, long, value_name = "VMLINUX", required = true, num_args = 1..)]
    kernel: Vec<PathBuf>,
    /// The modules of the only kernel: files, or folders with .ko or .btf files
    #[arg(short, long, value_name = "MODULE", num_args = 1..)]
    modules: Vec<PathBuf>,
    /// The symbols of the only kernel: its System.map, /proc/kallsyms or Module.symvers
    #[arg(short = 'S', long, value_name = "FILE")]
    symbols: Option<PathBuf>,
    /// Print the table with all objects, not only with those that do not relocate
    #[arg(short, long)]
    all: bool,
    /// Which verdict is an exit status of 1, with all that are worse
    #[arg(long, value_name = "VERDICT", default_value = "poisoned")]
    fail_on: FailOn,
}

/// The verdicts that are an exit status of 1.
#[derive(Clone, Copy, ValueEnum)]
enum FailOn {
    /// 'relocates, N guarded'
    Guarded,
    /// 'may fail, N poisoned'
    Poisoned,
    /// 'fails'
    Fails,
    /// None: the exit status is 0
    Never,
}

/// Checks the objects, and prints what becomes of them.
pub fn run(args: &Check, voice: Voice) -> Result<(), Failure> {
    if args.kernel.len() > 1 {
        let about_one = [
            ("--modules", !args.modules.is_empty()),
            ("--symbols", args.symbols.is_some()),
        ];
        if let Some((option, _)) = about_one.iter().find(|(_, given)| *given) {
            return Err(Failure::Usage(format!(
                "{option} is about one kernel, and there are several"
            )));
        }
    }
    let paths = files::objects(&args.objects, args.files_from.as_deref())?;
    let files: Vec<_> = paths
        .par_iter()
        .map(|path| ObjectFile::read(&open(path)?))
        .collect();
    let results = results(args, &files, voice)?;

    let rows: Vec<_> = paths
        .iter()
        .zip(files)
        .zip(results)
        .map(|((object, file), results)| Row {
            object,
            result: file.map(|_| results),
        })
        .collect();
    let detail = Detail {
        all: args.all,
        reasons: voice.talk >= Talk::Verbose,
        width: width(),
    };
    let pairs = pairs(&rows, &args.kernel);
    voice.print(&pairs, |_| table(&rows, &args.kernel, detail))?;
    let mut unreadable = rows.iter().filter_map(Row::unreadable).peekable();
    let status = unreadable.peek().map(|_| TROUBLE);
    for error in unreadable {
        eprintln!("bpfkit: {error}");
    }
    match status {
        Some(status) => Err(Failure::Said(status)),
        None if rows.iter().any(|row| fails(row, args.fail_on)) => Err(Failure::Said(FAILS)),
        None => Ok(()),
    }
}

fn fails(row: &Row<'_>, on: FailOn) -> bool {
    let least = match on {
        FailOn::Guarded => Effect::Guarded,
        FailOn::Poisoned => Effect::Poisoned,
        FailOn::Fails => Effect::Refused,
        FailOn::Never => return false,
    };

    row.worst() >= Some(least)
}

/// The results for each object, by kernel. One kernel at a time is in memory.
fn results(
    args: &Check,
    files: &[Result<ObjectFile, InputError>],
    voice: Voice,
) -> Result<Vec<Vec<Checked>>, Failure> {
    let objects: Vec<_> = files
        .iter()
        .map(|file| file.as_ref().ok().map(|file| file.content.object()))
        .collect();
    let mut results = vec![vec![]; files.len()];
    let progress = voice.progress("kernels", args.kernel.len());

    for path in &args.kernel {
        let modules = files::modules(path, &args.modules)?;
        voice.detail(&format!("reading {}", path.display()));
        let kernel = Kernel::open(path, &modules, args.symbols.as_deref());
        let kernel = kernel.map_err(Failure::trouble)?;
        let targets = kernel.targets();
        results
            .par_iter_mut()
            .zip(files.par_iter().zip(&objects))
            .for_each(|(results, (file, object))| {
                if let (Ok(file), Some(object)) = (file, object) {
                    results.push(check(file, object, &kernel, &targets));
                }
            });
        progress.step();
    }
    progress.end();

    Ok(results)
}

#[cfg(test)]
mod tests;
