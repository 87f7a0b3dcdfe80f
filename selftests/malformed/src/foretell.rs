// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The outcomes that `bpfkit btf check` predicts for a kernel with Rust.

#[cfg(test)]
mod tests;

use std::slice;

use bpfkit::check::Checker;
use bpfkit::check::Outcome;
use bpfkit::vmlinux::Vmlinux;
use zerocopy::ByteOrder;

use crate::kernel::Load;
use crate::pair::Pair;

/// The line of `btf_module_notify()` in `kernel/bpf/btf.c` for a module whose BTF it refuses. It
/// has no such line if the module is refused for another reason.
const REFUSED: &str = "failed to validate module [";

/// Predicts the outcome for BTF on this kernel.
pub fn foretell<O: ByteOrder>(pair: &Pair, kernel: &Vmlinux<O>) -> Option<Outcome> {
    let names = kernel.names();
    let mut checker = Checker::new(slice::from_ref(&names), None);

    let checked = checker.check_sections(&pair.split, Some(&pair.base));
    checked.outcomes.into_iter().next()
}

/// The prediction, if the kernel has done something else.
pub fn unlike(foretold: Option<&Outcome>, load: &Load) -> Option<String> {
    let verdict = foretold.map(Outcome::rust);
    let loads = verdict.is_some_and(|verdict| !verdict.is_refusal());
    let refused = load.log.iter().any(|line| line.contains(REFUSED));

    (loads == refused).then(|| format!("{foretold:?}"))
}
