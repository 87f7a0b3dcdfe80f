// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The output of a benchmark: one JSON record per line.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;

use crate::Error;

/// The samples of one measurement. Records of the same measurement are merged, so that our samples
/// and theirs can come from two boots.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The section of the report.
    pub group: Group,
    /// The operation, in a few words.
    pub name: String,
    /// The number or size that the cost depends on.
    #[serde(default)]
    pub x: Option<Parameter>,
    /// The unit of the samples.
    #[serde(default)]
    pub unit: Unit,
    /// The samples of this project.
    #[serde(default)]
    pub ours: Vec<f64>,
    /// The samples of the other side.
    #[serde(default)]
    pub theirs: Vec<f64>,
    /// Whether both gave the same bytes or ids; `None` if they have not been compared.
    #[serde(default)]
    pub equal: Option<bool>,
}

/// The number or size that the cost of an operation depends on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its name: "split BTF", "maps".
    pub of: String,
    /// "B" for bytes; empty for a count.
    #[serde(default)]
    pub unit: String,
    /// Above zero, as the axis is logarithmic.
    pub value: f64,
}

/// The unit of a sample.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Unit {
    /// A time in nanoseconds.
    #[default]
    #[serde(rename = "ns")]
    Nanoseconds,
    /// A size in bytes.
    #[serde(rename = "B")]
    Bytes,
    /// Operations per second.
    #[serde(rename = "1/s")]
    PerSecond,
}

impl Unit {
    /// Whether a smaller sample is the better one.
    pub fn less_is_better(self) -> bool {
        self != Self::PerSecond
    }
}

/// A section of the report, in the report's order.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Relocation in the kernel, by the size of the module.
    Relocation,
    /// Relocation in the kernel, by the size of the kernel.
    RelocationByKernel,
    /// A call of `init_module()`.
    Load,
    /// `BPF_PROG_BIND_MAP`, by the number of maps.
    Bind,
    /// `BPF_OBJ_GET_INFO_BY_FD`, by the number of the program's maps.
    ProgInfo,
    /// Threads that bind maps to one program while others query its map ids.
    Contention,
    /// The sizes of kernel images.
    Image,
    /// The memory that a booted kernel uses.
    Memory,
    /// `splitbtf` and libbpf.
    Crate,
    /// `bpfkit` and bpftool.
    Tools,
}

impl Group {
    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Relocation => "Relocation in the kernel, by the size of the module",
            Self::RelocationByKernel => "Relocation in the kernel, by the size of the kernel",
            Self::Load => "Loading a module",
            Self::Bind => "BPF_PROG_BIND_MAP",
            Self::ProgInfo => "The map ids of a program",
            Self::Contention => "Many threads, one program",
            Self::Image => "The kernel image",
            Self::Memory => "Memory after the boot",
            Self::Crate => "splitbtf and libbpf",
            Self::Tools => "bpfkit and bpftool",
        }
    }

    /// How the benchmark was done.
    pub fn caption(self) -> &'static str {
        match self {
            Self::Relocation => {
                "The kernel relocates modules of Debian's kernel, with the BTF that an out-of-tree \
                 build would have given them, to its own types. C and Rust take turns in one boot, \
                 on copies of the same bytes. C refuses modules that need types which the guest's \
                 kernel lacks, so these modules are small ones that need none. The larger ones are \
                 made up: they have structs that contain 10 to 3,000 structs of the kernel. A \
                 sample is the best of five runs. Rust also checks every reference in the types; C \
                 does not."
            }
            Self::RelocationByKernel => {
                "The same modules on kernels with more types and with fewer. A sample is one \
                 module."
            }
            Self::Load => {
                "One call of `init_module()`, for a module that has the BTF of one of the modules \
                 above. Boots with C and with Rust alternate."
            }
            Self::Bind => {
                "One thread binds maps to a new program, one after the other. Boots with C and with \
                 Rust alternate."
            }
            Self::ProgInfo => {
                "`BPF_OBJ_GET_INFO_BY_FD` with a buffer for the ids of all maps. Boots with C and \
                 with Rust alternate."
            }
            Self::Contention => {
                "Each thread binds its own maps to one program: first with no other threads, then \
                 next to as many threads that query the program's map ids without a pause. The \
                 guest's processors limit how many threads run at once. Boots with C and with Rust \
                 alternate."
            }
            Self::Image => {
                "A kernel without `CONFIG_BPF_RUST` and one with it, both with `CONFIG_RUST` and \
                 without built-in tests: the output of `size vmlinux`, and the size of the \
                 compressed image."
            }
            Self::Memory => {
                "The same kernels, when the first process runs: the guest's memory (as set for \
                 QEMU) minus `MemTotal`, and `Slab`."
            }
            Self::Crate => {
                "Modules of Debian's kernels, in user space. Both sides take turns in one run. The \
                 time of `splitbtf` includes writing the distilled BTF as bytes; that of libbpf \
                 does not. Each point is the median for one module."
            }
            Self::Tools => {
                "The whole run time of commands, and the sizes of the executables; `bpfkit` is a \
                 static one. `btf` runs on the host. `prog` and the start run in a guest, where \
                 both take turns and a sample is the mean of 50 runs; a load includes the removal \
                 of the pins. `bpfkit` also binds global data to the programs."
            }
        }
    }

    /// The names of both sides: ours, theirs.
    pub fn sides(self) -> (&'static str, &'static str) {
        match self {
            Self::Crate => ("splitbtf", "libbpf"),
            Self::Tools => ("bpfkit", "bpftool"),
            Self::Image | Self::Memory => ("with", "without"),
            _ => ("Rust", "C"),
        }
    }
}

/// Reads a file with records.
///
/// # Errors
///
/// [`Error::File`]; [`Error::Json`] and [`Error::Sample`], with the number of the line.
pub fn read(path: &Path) -> Result<Vec<Record>, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })?;

    (1..)
        .zip(text.lines())
        .map(|(line, text)| {
            let record: Record = serde_json::from_str(text).map_err(|source| Error::Json {
                path: path.to_owned(),
                line,
                source,
            })?;
            match record.is_sound() {
                true => Ok(record),
                false => Err(Error::Sample {
                    path: path.to_owned(),
                    line,
                }),
            }
        })
        .collect()
}

impl Record {
    /// Whether there are samples, and all of them and the parameter are above zero.
    fn is_sound(&self) -> bool {
        let mut samples = self.ours.iter().chain(&self.theirs).peekable();
        let parameter = self.x.iter().map(|x| &x.value);

        samples.peek().is_some() && samples.chain(parameter).all(|n| n.is_finite() && *n > 0.0)
    }
}
