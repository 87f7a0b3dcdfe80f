// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit btf relocate`.

use std::path::Path;
use std::path::PathBuf;

use bpfkit::output;
use bpfkit::relocate;
use bpfkit::relocate::RelocateError;
use bpfkit::relocate::Relocated;
use bpfkit::relocate::Stub;
use bpfkit::vmlinux::Vmlinux;
use bpfkit::ByteOrder;
use bpfkit::Error;
use bpfkit::Input;
use clap::Args;
use serde::Serialize;
use splitbtf::Policy;
use zerocopy::BE;
use zerocopy::LE;

use super::Failure;
use super::Style;
use super::Voice;

/// Write what a kernel makes of the types of a distilled module
#[derive(Args)]
#[command(after_help = "Examples:
  bpfkit btf relocate module.ko --base /boot/vmlinuz -o module.btf
  bpfkit btf relocate module.ko --base vmlinux --stubs -o module.btf
  bpfkit -j btf relocate module.ko --base vmlinux --stubs
  bpftool btf dump file module.btf -B vmlinux

OUT is BTF by itself, split on that of VMLINUX: what is in /sys/kernel/btf once the kernel has
loaded the module. As JSON, 'id_map' has the new id of each type, by its id before: first those of
.BTF.base, then those of .BTF.

A type that VMLINUX does not have is an error, as with the C code of a kernel. With --stubs it is
kept as a name and a size, as with CONFIG_BPF_RUST, and a line says why.

The exit status is 0 if the types are relocated, 1 if they are not, 2 if a file cannot be read or
written.")]
pub struct Relocate {
    /// The module: a .ko file, compressed or not
    module: PathBuf,
    /// The kernel to relocate to
    #[arg(short = 'B', long, value_name = "VMLINUX")]
    base: PathBuf,
    /// Keep types that the kernel does not have
    #[arg(long)]
    stubs: bool,
    /// Where the result goes; with JSON it need not go anywhere
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

/// The result, as JSON has it.
#[derive(Serialize)]
struct Report<'a> {
    module: &'a Path,
    output: Option<&'a Path>,
    id_map: &'a [u32],
    stubs: &'a [Stub],
}

/// Relocates the module, and writes and prints the result.
pub fn run(relocate: &Relocate, voice: Voice) -> Result<(), Failure> {
    if relocate.output.is_none() && voice.style == Style::Plain {
        return Err(Failure::Usage("say with -o where the result goes".into()));
    }
    let open = |path| Input::open(path).map_err(Failure::trouble);
    let module = open(&relocate.module)?;
    let kernel = open(&relocate.base)?;
    let policy = match relocate.stubs {
        true => Policy::Opaque,
        false => Policy::Error,
    };
    let relocated = match kernel.byte_order() {
        ByteOrder::Little => relocated::<LE>(&module, &kernel, policy)?,
        ByteOrder::Big => relocated::<BE>(&module, &kernel, policy)?,
    };
    if let Some(path) = &relocate.output {
        let written = output::replace(path, &relocated.bytes);
        written.map_err(|source| {
            Failure::trouble(Error::Write {
                path: path.clone(),
                source,
            })
        })?;
    }

    let report = Report {
        module: &relocate.module,
        output: relocate.output.as_deref(),
        id_map: &relocated.id_map,
        stubs: &relocated.stubs,
    };
    let line = |stub: &Stub| format!("[{}] '{}': {}\n", stub.new_id, stub.name, stub.reason);
    voice.print(&report, |report| report.stubs.iter().map(line).collect())
}

fn relocated<O: zerocopy::ByteOrder>(
    module: &Input,
    kernel: &Input,
    policy: Policy,
) -> Result<Relocated, Failure> {
    let kernel = Vmlinux::<O>::of(kernel).map_err(Failure::trouble)?;
    let view = kernel.view().map_err(Failure::trouble)?;

    relocate::relocate(module, &kernel.names(&view), policy)
        .map_err(|error: RelocateError| Failure::Problem(error.to_string()))
}
