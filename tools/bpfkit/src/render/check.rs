// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The outcomes for modules, as a table for people.

use std::path::Path;
use std::path::PathBuf;

use crate::check::Base;
use crate::check::Checked;
use crate::check::Outcome;

/// A table, with the reasons below each line, and the counts at the end.
pub fn table(modules: &[(&Path, Checked)], kernels: &[PathBuf]) -> String {
    let width = |paths: &mut dyn Iterator<Item = &Path>, title: &str| {
        let lengths = paths.map(|path| path.display().to_string().len());
        lengths.max().unwrap_or_default().max(title.len())
    };
    let module_width = width(&mut modules.iter().map(|(path, _)| *path), "MODULE");
    let kernel_width = width(&mut kernels.iter().map(PathBuf::as_path), "KERNEL");
    let mut text = String::new();
    if modules.is_empty() {
        return text;
    }
    let line = |module: &str, kernel: &str, stock: &str, rust: &str| {
        format!("{module:module_width$}  {kernel:kernel_width$}  {stock:9}  {rust}\n")
    };

    text += &line("MODULE", "KERNEL", "STOCK", "WITH RUST");
    for (module, checked) in modules {
        for (kernel, outcome) in kernels.iter().zip(&checked.outcomes) {
            text += &line(
                &module.display().to_string(),
                &kernel.display().to_string(),
                &outcome.stock().to_string(),
                &outcome.rust().to_string(),
            );
            reasons(outcome, &mut text);
        }
    }
    let of = |base| {
        modules
            .iter()
            .filter(move |(_, checked)| checked.base == base)
    };
    for (base, note) in [
        (Base::None, "have no BTF, which every kernel accepts"),
        (
            Base::Kernel,
            "have no .BTF.base: their ids are right for the kernel that they were built for only",
        ),
        (
            Base::Distilled,
            "have no .BTF.base: these are their outcomes if they were distilled",
        ),
    ] {
        match of(base).count() {
            0 => {}
            n => text += &format!("{n} of {} modules {note}\n", modules.len()),
        }
    }
    text
}

fn reasons(outcome: &Outcome, text: &mut String) {
    match outcome {
        Outcome::AsIs => {}
        Outcome::Relocated { types, refusal } => {
            for ty in types {
                *text += &format!("    {ty}\n");
            }
            if let (true, Some(refusal)) = (types.is_empty(), refusal) {
                *text += &format!("    stock: {refusal}\n");
            }
        }
        Outcome::Malformed { section, error } => *text += &format!("    {section}: {error}\n"),
    }
}
