// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What has been measured, as records for `report`.

use std::fs;
use std::path::Path;

use report::Group;
use report::Parameter;
use report::Record;
use report::Unit;

use crate::bench::Report;
use crate::bench::Times;
use crate::bench::OPERATIONS;
use crate::error::InFile;
use crate::Error;

/// Writes them to a file.
///
/// # Errors
///
/// If it cannot be written.
pub fn write(report: &Report, path: &Path) -> Result<(), Error> {
    let line = |record| serde_json::json!(record).to_string() + "\n";

    fs::write(path, of(report).iter().map(line).collect::<String>()).in_file(path)
}

/// A record for vmlinux, and one for each operation on each module.
fn of(report: &Report) -> Vec<Record> {
    let kernels = match report.from == report.to {
        true => report.from.clone(),
        false => format!("{} to {}", report.from, report.to),
    };
    let vmlinux = record(
        format!("parse vmlinux of {}", report.to),
        None,
        report.vmlinux,
    );
    let modules = OPERATIONS.iter().flat_map(|(what, times)| {
        let name = format!("{what}, {kernels}");
        report.modules.iter().map(move |module| {
            let x = Parameter {
                of: "split BTF".into(),
                unit: "B".into(),
                value: module.len as f64,
            };
            record(name.clone(), Some(x), times(module))
        })
    });

    std::iter::once(vmlinux).chain(modules).collect()
}

fn record(name: String, x: Option<Parameter>, times: Times) -> Record {
    Record {
        group: Group::Crate,
        name,
        x,
        unit: Unit::Nanoseconds,
        // From µs.
        ours: vec![times.splitbtf * 1e3],
        theirs: vec![times.libbpf * 1e3],
        equal: None,
    }
}
