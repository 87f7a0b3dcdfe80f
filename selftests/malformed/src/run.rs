// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Loading all cases, with KTAP.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use crate::cases::Case;
use crate::cases::Expected;
use crate::error::Of;
use crate::foretell;
use crate::kernel::Kernel;
use crate::kernel::Load;
use crate::kernel::Outcome;
use crate::module::Module;
use crate::mutate;
use crate::Error;

/// Files of the kernels that the tests boot: see `configs/tests.patch`.
const DEBUGFS: &str = "/sys/kernel/debug/bpf_rust_btf";

/// The kernel's `DEFAULT_RATELIMIT_BURST`.
const BURST: usize = 10;

/// Loads the module with all cases and seeds; returns whether all outcomes are as expected, and as
/// `bpfkit btf check` predicts.
///
/// # Errors
///
/// Those of [`Kernel::load`], after which nothing more can be loaded.
pub fn all(
    module: &Module,
    cases: &[Case],
    seeds: Range<u64>,
    kernel: &mut Kernel,
) -> Result<bool, Error> {
    let mut slowest = (Duration::ZERO, "none".to_owned());
    let mut good = true;
    let random = usize::from(!seeds.is_empty());

    println!("KTAP version 1\n1..{}", cases.len() + random + 2);
    for (n, case) in (1..).zip(cases) {
        let (pair, expected) = case.make();
        let name = &case.name;
        let load = kernel
            .load(name, module.with(&pair))
            .inspect_err(|error| println!("not ok {n} {name} # {error}"))?;
        let foretold = foretell::unlike(kernel.foretell(&pair).as_ref(), &load);
        match (expected.unlike(module.name(), &load), foretold) {
            (None, None) => println!("ok {n} {name}"),
            (unlike, foretold) => {
                let outcome = unlike.unwrap_or_else(|| load.outcome.to_string());
                println!("# expected: {expected}\n# outcome: {outcome}");
                if let Some(foretold) = foretold {
                    println!("# bpfkit btf check: {foretold}");
                }
                for line in &load.log {
                    println!("#     {line}");
                }
                println!("not ok {n} {name}");
                good = false;
            }
        }
        slowest = slowest.max((load.took, name.clone()));
    }
    good &= rate_limit(cases.len() + 1, module, cases, kernel)?;
    good &= unsorted(cases.len() + 2, module)?;
    if !seeds.is_empty() {
        let n = cases.len() + 3;
        good &= random_changes(n, module, seeds, kernel, &mut slowest)?;
    }
    println!(
        "# the slowest load: {} ms, {}",
        slowest.0.as_millis(),
        slowest.1
    );
    Ok(good)
}

/// Loads the module with random changes of its BTF: each is refused, or gives valid BTF, as `bpfkit
/// btf check` predicts.
fn random_changes(
    n: usize,
    module: &Module,
    seeds: Range<u64>,
    kernel: &mut Kernel,
    slowest: &mut (Duration, String),
) -> Result<bool, Error> {
    let pair = module.pair();
    let (mut loaded, mut refused, mut bad) = (0, 0, 0);

    for seed in seeds.clone() {
        let what = format!("seed {seed}");
        let pair = mutate::mutate(&pair, seed);
        let load = kernel
            .load(&what, module.with(&pair))
            .inspect_err(|error| println!("not ok {n} random changes # {error}"))?;
        if let Some(foretold) = foretell::unlike(kernel.foretell(&pair).as_ref(), &load) {
            println!("# {what}: {}, bpfkit btf check: {foretold}", load.outcome);
            bad += 1;
        }
        let Load { outcome, took, .. } = load;
        match outcome {
            Outcome::Loads => loaded += 1,
            Outcome::Refused(_) => refused += 1,
            Outcome::LoadsMalformed(_) => {
                println!("# {what}: {outcome}");
                bad += 1;
            }
        }
        if took > slowest.0 {
            *slowest = (took, what);
        }
    }
    println!("# random changes: {loaded} loaded, {refused} refused");
    let verdict = if bad == 0 { "ok" } else { "not ok" };
    println!(
        "{verdict} {n} random changes, seeds {} to {}",
        seeds.start,
        seeds.end - 1
    );
    Ok(bad == 0)
}

/// Checks the rate limit of the kernel's messages, which the guest's init has lifted.
fn rate_limit(
    n: usize,
    module: &Module,
    cases: &[Case],
    kernel: &mut Kernel,
) -> Result<bool, Error> {
    const NAME: &str = "messages are rate limited";
    let limit = Path::new(DEBUGFS).join("log_interval");
    let refused = cases
        .iter()
        .map(|case| case.make())
        .find(|(_, expected)| matches!(expected, Expected::Rust { .. }));
    let Some((pair, _)) = refused.filter(|_| limit.exists()) else {
        println!(
            "ok {n} {NAME} # SKIP needs {} and a malformed module",
            limit.display()
        );
        return Ok(true);
    };
    let mut lines = 0;

    // In jiffies: all loads are in one interval.
    fs::write(&limit, "1000000").of(&*limit)?;
    for _ in 0..4 * BURST {
        let load = kernel.load(NAME, module.with(&pair))?;
        let ours = |line: &&String| line.starts_with("bpf_rust: BTF of ");
        lines += load.log.iter().filter(ours).count();
    }
    fs::write(&limit, "0").of(&*limit)?;
    let verdict = if lines == BURST { "ok" } else { "not ok" };
    println!("# {} refused loads, {lines} lines", 4 * BURST);
    println!("{verdict} {n} {NAME}");
    Ok(lines == BURST)
}

/// If vmlinux is not sorted by name, C relocates, and the result is the same.
fn unsorted(n: usize, module: &Module) -> Result<bool, Error> {
    const NAME: &str = "C relocates if vmlinux is not sorted";
    let file = |name| Path::new(DEBUGFS).join(name);
    let (split, base, result) = (file("split"), file("base"), file("unsorted"));
    let pair = module.pair();

    if !result.exists() {
        println!("ok {n} {NAME} # SKIP needs {}", result.display());
        return Ok(true);
    }
    fs::write(&split, &pair.split).of(&*split)?;
    fs::write(&base, &pair.base).of(&*base)?;
    let said = fs::read_to_string(&result).of(&*result)?;
    let good = said.starts_with("same ");
    let verdict = if good { "ok" } else { "not ok" };
    println!("# {}", said.trim_end());
    println!("{verdict} {n} {NAME}");
    Ok(good)
}
