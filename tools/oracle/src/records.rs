// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The measurements, as records for `report`.

use std::fs;
use std::path::Path;

use report::Group;
use report::Parameter;
use report::Record;
use report::Unit;

use crate::bench;
use crate::bench::Times;
use crate::bench::OPERATIONS;
use crate::commands;
use crate::error::InFile;
use crate::Error;

/// Writes them to a file.
///
/// # Errors
///
/// If it cannot be written.
pub fn write(records: &[Record], path: &Path) -> Result<(), Error> {
    let line = |record| serde_json::json!(record).to_string() + "\n";

    fs::write(path, records.iter().map(line).collect::<String>()).in_file(path)
}

/// A record for vmlinux, one for all modules, and one for each operation on each module.
pub fn of_crate(report: &bench::Report) -> Vec<Record> {
    let kernels = match report.from == report.to {
        true => report.from.clone(),
        false => format!("{} to {}", report.from, report.to),
    };
    let once = [
        (format!("parse vmlinux of {}", report.to), report.vmlinux),
        (
            format!("distil all {} modules of {}", report.all, report.from),
            report.distil_all,
        ),
    ];
    let once = once.map(|(name, times)| of_times(name, None, times));
    let modules = OPERATIONS.iter().flat_map(|(what, times)| {
        let name = format!("{what}, {kernels}");
        report.modules.iter().map(move |module| {
            let x = Parameter {
                of: "split BTF".into(),
                unit: "B".into(),
                value: module.len as f64,
            };
            of_times(name.clone(), Some(x), times(module))
        })
    });

    once.into_iter().chain(modules).collect()
}

/// A record for each command.
pub fn of_commands(report: &commands::Report) -> Vec<Record> {
    let dumps = report.dumps.iter().map(|dump| {
        let name = format!("btf dump of vmlinux {}, {}", dump.kernel, dump.format);
        record(
            Group::Tools,
            name,
            None,
            [dump.bpfkit, dump.bpftool].map(|ms| vec![ms * 1e6]),
        )
    });
    let check = &report.check;
    let name = format!(
        "btf check of {} modules of {} for {} kernels",
        check.modules, check.from, check.kernels
    );
    let check = record(Group::Tools, name, None, [vec![check.bpfkit * 1e6], vec![]]);

    dumps.chain([check]).collect()
}

fn of_times(name: String, x: Option<Parameter>, times: Times) -> Record {
    let samples = [times.splitbtf, times.libbpf].map(|micros| vec![micros * 1e3]);

    record(Group::Crate, name, x, samples)
}

fn record(
    group: Group,
    name: String,
    x: Option<Parameter>,
    [ours, theirs]: [Vec<f64>; 2],
) -> Record {
    Record {
        group,
        name,
        x,
        unit: Unit::Nanoseconds,
        ours,
        theirs,
        equal: None,
    }
}
