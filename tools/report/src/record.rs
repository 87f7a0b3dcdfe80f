// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What a benchmark writes: JSON, a record a line.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;

use crate::Error;

/// One thing, measured as often as there are samples. Records of the same thing are put together,
/// so that one that has only our samples and one that has only theirs can come from two boots.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The section of the report.
    pub group: Group,
    /// What has been done, in a few words.
    pub name: String,
    /// What its cost depends on.
    #[serde(default)]
    pub x: Option<Parameter>,
    /// What the samples are.
    #[serde(default)]
    pub unit: Unit,
    /// What this project took.
    #[serde(default)]
    pub ours: Vec<f64>,
    /// What it is compared with took.
    #[serde(default)]
    pub theirs: Vec<f64>,
    /// Whether both gave the same bytes or ids, if that has been looked at.
    #[serde(default)]
    pub equal: Option<bool>,
}

/// The size of what is worked on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Of what: "split BTF", "maps".
    pub of: String,
    /// "B" for bytes; empty for a count.
    #[serde(default)]
    pub unit: String,
    /// How much. More than zero, as it goes onto a logarithmic axis.
    pub value: f64,
}

/// What a sample is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Unit {
    /// A time in nanoseconds.
    #[default]
    #[serde(rename = "ns")]
    Nanoseconds,
    /// A size in bytes.
    #[serde(rename = "B")]
    Bytes,
    /// How often in a second.
    #[serde(rename = "1/s")]
    PerSecond,
}

impl Unit {
    /// Whether a smaller sample is the better one.
    pub fn less_is_better(self) -> bool {
        self != Self::PerSecond
    }
}

/// A section of the report; they come in this order.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Relocation in the kernel by the size of the module.
    Relocation,
    /// The same by the size of the kernel.
    RelocationByKernel,
    /// A module from `init_module()` to its return.
    Load,
    /// `BPF_PROG_BIND_MAP` by the number of maps.
    Bind,
    /// The information on a program by the number of its maps.
    ProgInfo,
    /// Threads that bind, and such that ask.
    Contention,
    /// Kernel images.
    Image,
    /// A booted kernel.
    Memory,
    /// The crate against libbpf.
    Crate,
    /// The commands against bpftool.
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

    /// What was measured, and on what.
    pub fn caption(self) -> &'static str {
        match self {
            Self::Relocation => {
                "Modules of Debian's kernel, with the BTF that an out-of-tree build would have \
                 given them, are relocated to the types of the guest's kernel by C and by Rust in \
                 turns, in one boot, on copies of the same bytes. They are such as refer to nothing \
                 that the guest's kernel lacks, which C would refuse, and so are small. The larger \
                 ones are made up, of structs which hold 10 to 3,000 of the kernel's own. A sample \
                 is the best of five runs. Rust also checks all that the types refer to, which C \
                 does not."
            }
            Self::RelocationByKernel => {
                "The same modules in the guests of kernels with more types or fewer; a sample is \
                 one module."
            }
            Self::Load => {
                "`init_module()` of a module that is given the BTF of modules of Debian's kernel, \
                 until it returns. C and Rust in boots of their own, in turns."
            }
            Self::Bind => {
                "Maps are bound to a new program one after the other. C and Rust in boots of their \
                 own, in turns."
            }
            Self::ProgInfo => {
                "`BPF_OBJ_GET_INFO_BY_FD` with room for the ids of all maps. C and Rust in boots \
                 of their own, in turns."
            }
            Self::Contention => {
                "Each thread binds maps of its own to one program, alone and beside as many \
                 threads that ask for the ids of its maps without a pause. There are only as many \
                 processors as the guest has. C and Rust in boots of their own, in turns."
            }
            Self::Image => {
                "A kernel without and with `CONFIG_BPF_RUST`, both without the tests that can be \
                 built in: what `size vmlinux` says, and the compressed image. `CONFIG_RUST` is on \
                 in both."
            }
            Self::Memory => {
                "The same kernels, when the first process runs: what of the guest's memory (as QEMU \
                 was told) is not in `MemTotal`, and `Slab`."
            }
            Self::Crate => {
                "Modules of Debian's kernels in user space, in turns in one run. libbpf's distilled \
                 BTF is not yet written as bytes when the clock stops, that of `splitbtf` is. Each \
                 point is the median for one module."
            }
            Self::Tools => "Commands, from their start to their end.",
        }
    }

    /// What is compared: ours, theirs.
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
    /// Whether there are samples, all of them above zero, as is the parameter.
    fn is_sound(&self) -> bool {
        let mut samples = self.ours.iter().chain(&self.theirs).peekable();
        let parameter = self.x.iter().map(|x| &x.value);

        samples.peek().is_some() && samples.chain(parameter).all(|n| n.is_finite() && *n > 0.0)
    }
}
