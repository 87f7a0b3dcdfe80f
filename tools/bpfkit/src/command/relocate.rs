// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit btf relocate`.

use std::path::PathBuf;

use bpfkit::output;
use bpfkit::relocate;
use bpfkit::relocate::RelocateError;
use bpfkit::relocate::Relocated;
use bpfkit::render::relocate::Report;
use bpfkit::render::Style;
use bpfkit::vmlinux::Vmlinux;
use bpfkit::Error;
use bpfkit::Input;
use clap::Args;
use splitbtf::in_order;
use splitbtf::ByteOrder;
use splitbtf::Policy;

use super::Failure;
use super::Voice;

/// Relocate the types of a distilled module to a kernel
#[derive(Args)]
#[command(after_help = "Examples:
  bpfkit btf relocate module.ko --base /boot/vmlinuz -o module.btf
  bpfkit btf relocate module.ko --base vmlinux --opaque -o module.btf
  bpfkit -j btf relocate module.ko --base vmlinux --opaque
  bpftool btf dump file module.btf -B vmlinux

OUT is BTF by itself, split on that of VMLINUX: the same that /sys/kernel/btf
has once the kernel has loaded the module. As JSON, 'id_map' has the new id of
each type, by its old id: first those of .BTF.base, then those of .BTF.

A type that matches none of VMLINUX is an error, as with the C code of a kernel.
With --opaque the result is that of a kernel with CONFIG_BPF_RUST: the module
gets a forward declaration of a struct or union that it only points to, and
keeps integers, floating-point numbers and enumerations that VMLINUX does not
have. A line for each says why; in JSON they are in 'opaque' and 'kept'. Types
that the module contains must still match.

The exit status is 0 if the types are relocated, 1 if they are not, 2 if a file
cannot be read or written.")]
pub struct Relocate {
    /// The module: a .ko file, compressed or not
    module: PathBuf,
    /// The kernel to relocate to
    #[arg(short = 'B', long, value_name = "VMLINUX")]
    base: PathBuf,
    /// Accept types that do not match and need not, as a kernel with CONFIG_BPF_RUST does
    #[arg(long)]
    opaque: bool,
    /// The file to write; optional with JSON
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

/// Relocates the module, and writes and prints the result.
pub fn run(relocate: &Relocate, voice: Voice) -> Result<(), Failure> {
    if relocate.output.is_none() && voice.style == Style::Plain {
        return Err(Failure::Usage("say with -o where the result goes".into()));
    }
    let module = voice.open(&relocate.module)?;
    let kernel = voice.open(&relocate.base)?;
    let policy = match relocate.opaque {
        true => Policy::Opaque,
        false => Policy::Error,
    };
    let relocated = in_order!(kernel.endian(), O => relocated::<O>(&module, &kernel, policy))?;
    if let Some(path) = &relocate.output {
        voice.writing(path);
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
        relocated: &relocated,
    };
    voice.print(&report, Report::to_string)
}

fn relocated<O: ByteOrder + 'static>(
    module: &Input,
    kernel: &Input,
    policy: Policy,
) -> Result<Relocated, Failure> {
    let kernel = Vmlinux::<O>::of(kernel).map_err(Failure::trouble)?;

    relocate::relocate(module, &kernel.names(), policy)
        .map_err(|error: RelocateError| Failure::Problem(error.to_string()))
}
