// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit btf check`.

use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use bpfkit::check::Checked;
use bpfkit::check::Checker;
use bpfkit::check::Outcome;
use bpfkit::fit::compare;
use bpfkit::fit::Fit;
use bpfkit::fit::Kernel;
use bpfkit::fit::Module;
use bpfkit::fit::ModuleError;
use bpfkit::fit::Symbols;
use bpfkit::output;
use bpfkit::render::check::page;
use bpfkit::render::check::pairs;
use bpfkit::render::check::table;
use bpfkit::render::check::About;
use bpfkit::render::check::Detail;
use bpfkit::render::check::Row;
use bpfkit::render::printable;
use bpfkit::vmlinux::Vmlinux;
use bpfkit::Error;
use bpfkit::Input;
use clap::Args;
use clap::ValueEnum;
use rayon::iter::IndexedParallelIterator;
use rayon::iter::IntoParallelRefIterator;
use rayon::iter::ParallelIterator;
use splitbtf::in_order;
use splitbtf::ByteOrder;
use splitbtf::Endian;

use super::modules::is_module;
use super::modules::Modules;
use super::paths;
use super::terminal;
use super::Failure;
use super::Talk;
use super::Voice;

/// The exit status if a kernel refuses a module, and if something cannot be read.
const REFUSED: u8 = 1;
const TROUBLE: u8 = 2;

#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    modules: Modules,
    /// The kernels: vmlinux, vmlinuz, or BTF by itself; -- ends them
    #[arg(short, long, value_name = "VMLINUX", required = true, num_args = 1..)]
    kernel: Vec<PathBuf>,
    /// The kernel that modules without .BTF.base were built for: check them as if distilled
    #[arg(short = 'B', long, value_name = "VMLINUX")]
    base: Option<PathBuf>,
    /// The symbols that the kernel exports: its Module.symvers or System.map
    #[arg(short = 'S', long, value_name = "FILE")]
    symbols: Option<PathBuf>,
    /// Print all modules and all reasons, not only the modules that do not load and the most
    /// frequent reasons
    #[arg(short, long)]
    all: bool,
    /// Write a report for a browser as well
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Whose refusal is an exit status of 1
    #[arg(long, value_name = "KERNEL", default_value = "any")]
    fail_on: FailOn,
}

/// The kernels whose refusal is an exit status of 1.
#[derive(Clone, Copy, ValueEnum)]
enum FailOn {
    /// A stock kernel
    Stock,
    /// A kernel with CONFIG_BPF_RUST
    Rust,
    /// One of the two
    Any,
    /// None: the exit status is 0
    Never,
}

/// Checks the modules, and prints whether they will load.
pub fn run(check: &Check, voice: Voice) -> Result<(), Failure> {
    if check.symbols.is_some() && check.kernel.len() > 1 {
        return Err(Failure::Usage(
            "--symbols is about one kernel, and there are several".into(),
        ));
    }
    let modules = check.modules.paths()?;
    let mut kernels = vec![];
    for path in &check.kernel {
        kernels.push(voice.open(path)?);
    }
    let endian = kernels.first().map_or(Endian::NATIVE, Input::endian);
    let results = in_order!(endian, O => run_in::<O>(check, &modules, &kernels, voice));
    let rows = results.map_err(|error| match taken(&check.kernel) {
        Some(tip) => Failure::Trouble(format!("{error}; {tip}")),
        None => Failure::trouble(error),
    })?;

    let pairs = pairs(&rows, &check.kernel);
    let detail = Detail {
        all: check.all,
        reasons: voice.talk >= Talk::Verbose,
        width: terminal::width(),
    };
    voice.print(&pairs, |_| table(&rows, &check.kernel, detail))?;
    if let Some(hint) = hint(check, &rows) {
        voice.note(&printable(&hint));
    }
    let mut status = None;
    for error in rows.iter().filter_map(Row::unreadable) {
        eprintln!("bpfkit: {}", printable(&error.to_string()));
        status = Some(TROUBLE);
    }
    if let Some(path) = &check.html {
        match report(check, &rows, path) {
            Ok(()) => voice.note(&printable(&format!("the report is in {}", path.display()))),
            // The results have been printed: with -j, another object would not be JSON.
            Err(error) => {
                eprintln!("bpfkit: {error}");
                status = Some(TROUBLE);
            }
        }
    }
    match status {
        Some(status) => Err(Failure::Said(status)),
        None if rows.iter().any(|row| fails(row, check.fail_on)) => Err(Failure::Said(REFUSED)),
        None => Ok(()),
    }
}

/// What to do about a module that '--kernel' has taken.
fn taken(kernels: &[PathBuf]) -> Option<String> {
    let module = kernels.iter().skip(1).find(|path| is_module(path))?;

    Some(format!(
        "-k takes all values that follow it: end them with -- if {} is to be checked",
        module.display()
    ))
}

/// Writes the report for a browser.
fn report(check: &Check, rows: &[Row<'_>], path: &Path) -> Result<(), Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let about = About {
        time: now.map_or(0, |time| time.as_secs().cast_signed()),
        base: check.base.as_deref(),
        symbols: check.symbols.as_deref(),
    };
    let write = || {
        let page = page(rows, &check.kernel, &about)?;
        output::replace(path, page.as_bytes())
    };

    write().map_err(|source| Error::Write {
        path: path.to_owned(),
        source,
    })
}

/// The command that shows the difference in a type, if the kernel of the modules is known.
fn hint(check: &Check, rows: &[Row<'_>]) -> Option<String> {
    let base = check.base.as_ref()?;
    let (name, kernel) = rows.iter().find_map(Row::mismatch)?;
    let kernel = check.kernel.get(kernel)?;

    Some(format!(
        "'bpfkit btf diff {} {} --types {name}' shows the difference in such a type",
        base.display(),
        kernel.display()
    ))
}

fn fails(row: &Row<'_>, on: FailOn) -> bool {
    match on {
        FailOn::Stock => row.is_refused(Outcome::stock),
        FailOn::Rust => row.is_refused(Outcome::rust),
        FailOn::Any => row.is_refused(Outcome::stock) || row.is_refused(Outcome::rust),
        FailOn::Never => false,
    }
}

fn run_in<'a, O: ByteOrder + Sync + Send + 'static>(
    check: &Check,
    modules: &'a [PathBuf],
    inputs: &[Input],
    voice: Voice,
) -> Result<Vec<Row<'a>>, Error> {
    let open = |path: &PathBuf| {
        voice.reading(path);
        Vmlinux::<O>::open(path)
    };
    let own = check.base.as_ref().map(open).transpose()?;
    let own = own.as_ref().map(Vmlinux::btf);
    let kernels = inputs.par_iter().map(Vmlinux::<O>::of);
    let kernels: Vec<_> = kernels.collect::<Result<_, _>>()?;
    let names: Vec<_> = kernels.iter().map(Vmlinux::names).collect();
    let facts = inputs.par_iter().zip(&names);
    let facts: Vec<_> = facts
        .map(|(input, names)| Kernel::of(input, names))
        .collect();
    let open = |path: &Path| {
        voice.reading(path);
        Symbols::open(path)
    };
    let symbols = check.symbols.as_deref().map(open).transpose()?;

    let progress = voice.progress("modules", modules.len());
    let rows = modules
        .par_iter()
        .map_init(
            || Checker::new(&names, own.as_ref()),
            |checker, path| {
                voice.reading(path);
                let result = result(checker, path, &facts, symbols.as_ref());
                progress.step();
                Row {
                    module: path,
                    result,
                }
            },
        )
        .collect();
    progress.end();

    Ok(rows)
}

/// Checks a file.
fn result<O: ByteOrder>(
    checker: &mut Checker<'_, O>,
    path: &Path,
    kernels: &[Kernel],
    symbols: Option<&Symbols>,
) -> Result<(Checked, Vec<Fit>), ModuleError> {
    let input = paths::open(path)?;
    let module = Module::of(&input)?;
    let fit = |kernel| match &module {
        Some(module) => compare(module, kernel, symbols),
        None => Fit::default(),
    };

    let fits = kernels.iter().map(fit).collect();
    Ok((checker.check(&input)?, fits))
}

#[cfg(test)]
mod tests;
