// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! How long commands take, from start to end, as their user sees it.
//!
//! - `bpfkit btf dump` and `bpftool btf dump` of a kernel, as text and as C, in turns. The text
//!   must be the same, and clang must compile both headers.
//! - `bpfkit btf check` of all modules of a kernel, as if distilled, for all kernels.

use std::env;
use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::process;
use std::process::Command;
use std::time::Duration;
use std::time::Instant;

use crate::bench::Stats;
use crate::corpus;
use crate::corpus::Kernel;
use crate::error::InFile;
use crate::table;
use crate::Error;

/// How often each command is run; the median counts.
const ROUNDS: usize = 7;

/// The same for a command that takes seconds.
const CHECK_ROUNDS: usize = 3;

/// The compiler of BPF programs.
const CLANG: &str = "clang-19";

/// How long a dump takes, in ms.
#[derive(Clone, Debug)]
pub struct Dump {
    /// The kernel.
    pub kernel: String,
    /// `raw` or `c`.
    pub format: &'static str,
    /// With bpftool.
    pub bpftool: f64,
    /// With bpfkit.
    pub bpfkit: f64,
}

/// How long a check takes.
#[derive(Clone, Debug)]
pub struct Check {
    /// The kernel that the modules are of.
    pub from: String,
    /// How many modules there are.
    pub modules: usize,
    /// How many kernels they are checked for.
    pub kernels: usize,
    /// In ms.
    pub bpfkit: f64,
}

/// All times.
#[derive(Clone, Debug)]
pub struct Report {
    /// The dumps.
    pub dumps: Vec<Dump>,
    /// The check of the modules of the first kernel.
    pub check: Check,
}

/// Measures with the executable `bpfkit`, and these kernels.
///
/// # Errors
///
/// If a command cannot be run or fails, or if a dump is wrong.
pub fn measure(bpfkit: &Path, kernels: &[Kernel]) -> Result<Report, Error> {
    let [first, ..] = kernels else {
        return Err(Error::NoModules {
            path: PathBuf::new(),
        });
    };
    let folder = env::temp_dir().join(format!("oracle-{}", process::id()));
    let dumps = |kernel| Ok([raw(bpfkit, kernel, &folder)?, c(bpfkit, kernel, &folder)?]);

    fs::create_dir(&folder).in_file(&folder)?;
    let dumps: Result<Vec<_>, Error> = kernels.iter().map(dumps).collect();
    fs::remove_dir_all(&folder).in_file(&folder)?;
    Ok(Report {
        dumps: dumps?.concat(),
        check: check(bpfkit, first, kernels)?,
    })
}

fn raw(bpfkit: &Path, kernel: &Kernel, folder: &Path) -> Result<Dump, Error> {
    let (theirs, ours) = (folder.join("theirs"), folder.join("ours"));
    let dump = dump(bpfkit, kernel, "raw", &theirs, &ours)?;

    match corpus::read(&theirs)? == corpus::read(&ours)? {
        true => Ok(dump),
        false => Err(Error::Command {
            what: format!("bpfkit btf dump file {}", kernel.vmlinux.display()),
            reason: "does not write what bpftool does".into(),
        }),
    }
}

fn c(bpfkit: &Path, kernel: &Kernel, folder: &Path) -> Result<Dump, Error> {
    let (theirs, ours) = (folder.join("theirs.h"), folder.join("ours.h"));
    let dump = dump(bpfkit, kernel, "c", &theirs, &ours)?;

    for header in [theirs, ours] {
        let mut clang = Command::new(CLANG);
        clang.args([
            "--target=bpf",
            "-fsyntax-only",
            "-w",
            "-fms-extensions",
            "-xc",
        ]);
        run(clang.arg(header), &[0])?;
    }
    Ok(dump)
}

/// Runs both commands in turns. Their output is in these files then.
fn dump(
    bpfkit: &Path,
    kernel: &Kernel,
    format: &'static str,
    theirs: &Path,
    ours: &Path,
) -> Result<Dump, Error> {
    let dump = |program: &Path, to: &Path| {
        let mut command = Command::new(program);
        command.args(["btf", "dump", "file"]).arg(&kernel.vmlinux);
        command.args(["format", format]);
        run(command.stdout(File::create(to).in_file(to)?), &[0])
    };
    let mut times = (vec![], vec![]);

    for _ in 0..ROUNDS {
        times.0.push(dump(Path::new("bpftool"), theirs)?);
        times.1.push(dump(bpfkit, ours)?);
    }
    Ok(Dump {
        kernel: kernel.version.clone(),
        format,
        bpftool: median(times.0),
        bpfkit: median(times.1),
    })
}

fn check(bpfkit: &Path, from: &Kernel, kernels: &[Kernel]) -> Result<Check, Error> {
    let mut times = vec![];

    for _ in 0..CHECK_ROUNDS {
        let mut command = Command::new(bpfkit);
        command.args(["btf", "check"]).args(&from.modules);
        command.arg("--base").arg(&from.vmlinux).arg("--kernel");
        command.args(kernels.iter().map(|kernel| &kernel.vmlinux));
        // Some may be refused.
        times.push(run(command.stdout(process::Stdio::null()), &[0, 1])?);
    }
    Ok(Check {
        from: from.version.clone(),
        modules: from.modules.len(),
        kernels: kernels.len(),
        bpfkit: median(times),
    })
}

/// Runs a command, which must end with one of these exit statuses.
fn run(command: &mut Command, good: &[i32]) -> Result<Duration, Error> {
    let what = command.get_program().to_string_lossy().into_owned();
    let error = |reason| Error::Command { what, reason };
    let start = Instant::now();
    let status = command.status();
    let time = start.elapsed();

    match status {
        Err(source) => Err(error(source.to_string())),
        Ok(status) if status.code().is_some_and(|code| good.contains(&code)) => Ok(time),
        Ok(status) => Err(error(status.to_string())),
    }
}

/// In ms.
fn median(times: Vec<Duration>) -> f64 {
    Stats::of(times.iter().map(|time| time.as_secs_f64() * 1e3).collect()).median
}

/// The report as tables for people.
pub fn tables(report: &Report) -> String {
    let rows: Vec<_> = report
        .dumps
        .iter()
        .map(|dump| {
            vec![
                format!("{} {}", dump.kernel, dump.format),
                format!("{:.0}", dump.bpftool),
                format!("{:.0}", dump.bpfkit),
                format!("{:.1}", dump.bpftool / dump.bpfkit),
            ]
        })
        .collect();
    let check = &report.check;

    format!(
        "btf dump of vmlinux; ms, median of {ROUNDS} rounds\n\n{}\n\
         btf check of {} modules of {} for {} kernels: {:.1} s, median of {CHECK_ROUNDS} rounds\n",
        table::render(&["", "bpftool", "bpfkit", "ratio"], &rows),
        check.modules,
        check.from,
        check.kernels,
        check.bpfkit / 1e3,
    )
}
