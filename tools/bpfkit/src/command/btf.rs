// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit btf`.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use bpfkit::dump;
use bpfkit::dump::DumpError;
use bpfkit::dump::Root;
use bpfkit::dump::Source;
use bpfkit::input::SECTION;
use bpfkit::prog::Name;
use bpfkit::render;
use bpfkit::render::Style;
use bpfkit::Error;
use bpfkit::Input;
use clap::Subcommand;

use super::check;
use super::check::Check;
use super::diff;
use super::diff::Diff;
use super::distill;
use super::distill::Distill;
use super::relocate;
use super::relocate::Relocate;
use super::written;
use super::Failure;
use super::Voice;

#[derive(Subcommand)]
pub enum Btf {
    /// Predict whether modules load on kernels, and why not
    #[command(
        override_usage = "bpfkit btf check [OPTIONS] [MODULE]... --kernel <VMLINUX>...",
        after_help = "Examples:
  bpfkit btf check module.ko --kernel /boot/vmlinuz-*
  bpfkit btf check /lib/modules/7.3.4 --kernel /sys/kernel/btf/vmlinux
  find . -name '*.ko' | bpfkit btf check --files-from - --kernel vmlinux
  ssh host cat module.ko.zst | bpfkit btf check - --kernel vmlinux
  bpfkit -j btf check module.ko.xz --kernel vmlinux-7.3 vmlinux-7.4
  bpfkit btf check module.ko --base vmlinux-7.2 --kernel vmlinux-7.3
  bpfkit btf check module.ko --kernel vmlinux --symbols Module.symvers
  bpfkit btf check modules/ --html report.html --kernel vmlinux-*

The verdicts are about the module's type information, BTF. STOCK is the C code
of any kernel: it refuses a module if one of its types does not match one of the
kernel. WITH RUST is a kernel with CONFIG_BPF_RUST:

- A struct or union that the module only points to becomes opaque: the module
  has a forward declaration of it, and no BPF program can look into it.
- A struct or union that the module contains must match, else the module is
  refused: the type of a member, or of what a function takes or returns, or of a
  variable.
- Integers, floating-point numbers and enumerations that the kernel does not
  have are kept as the module has them. An enumeration of another size, and an
  integer that the kernel has several times, must match.

With bpf_rust_btf_opaque=off on its command line, such a kernel refuses all of
these, as C does.

If the type information is malformed, both columns say so, and the reason is
shown. All kernels check the header, the names, and each type by itself, in C;
the rules are those of 7.3, and the reason is in the words of the kernel's log:
'[5] STRUCT s: Invalid name'. Only Rust detects a type that refers to a missing
type, or that contains itself: a stock kernel may load such a module, or crash.

As JSON, 'types' has what both kernels do with each type, whether it is
'contained', and why it does not match; 'rust_log' has the lines that a kernel
with Rust logs after 'bpf_rust: BTF of <module>: '.

If the kernel is a vmlinux or an x86 image, its machine, version magic and size
of struct module are compared as well; for /sys/kernel/btf/vmlinux the machine,
the release and that size. With --symbols, the kernel must export the symbols
that the module needs, in the same versions. 'loads' says that all of this was
compared, 'BTF ok' that some of it was not, 'does not load' that it differs.
JSON has the reasons in 'obstacles', and whether all was compared in
'all_compared'.

The table has a row for each module, sorted by path, each path once. For several
kernels it has a column for each, headed by the part of the path that the others
do not have; the lines above it have the whole paths. 'refused / opaque' is what
a stock kernel and one with Rust do; if both do the same, there is one verdict.
'opaque' is 'BTF ok' with opaque types.

Several modules get a summary: the number of modules by verdict, each reason
with its modules, the most frequent first, and a table of those that do not
load. --all adds the other modules to the table, and the rarer reasons; -v shows
in the table the reasons of each module.

On a terminal the table fits its width, or COLUMNS: names are cut in the middle,
and kernels that do not fit beside the others are in further tables. Elsewhere
nothing is cut.

--html writes a report for a browser as well: the numbers, the modules and
kernels as a table that can be filtered and searched, and the reasons. It is one
file that loads nothing from elsewhere.

A module without .BTF.base fits only the kernel that it was built for; for
others the verdict is 'other kernel'. With --base it is checked as if it was
distilled.

The exit status is 0 if no kernel refuses a module, 1 if one does, stock or with
Rust (see --fail-on), or if a file is no module, 2 if a file cannot be read."
    )]
    Check(Check),
    /// Show how the types of two kernels differ
    #[command(after_help = "Examples:
  bpfkit btf diff vmlinux-7.2 vmlinux-7.3 --module module.ko
  bpfkit btf diff vmlinux-7.2 /sys/kernel/btf/vmlinux -t task_struct inode
  bpfkit -j btf diff vmlinux-7.2 vmlinux-7.3

Shows the types that are asked for and those that they contain; of types that
they point to, only the name counts. Offsets and sizes are in bytes; in JSON
offsets are in bits.

The exit status is 0 if nothing is different, 1 if something is, 2 if a file
cannot be read.")]
    Diff(Diff),
    Distill(Distill),
    Relocate(Relocate),
    /// Write the types of a file, a program or a map, or other BTF that the kernel has
    #[command(
        override_usage = "bpfkit btf dump [OPTIONS] SOURCE [format {raw | c}] [root_id ID]...

  SOURCE: file FILE | id N | prog PROG | map MAP [key | value | kv | all]
  PROG, MAP: id N | pinned PATH",
        after_help = "Examples:
  bpfkit btf dump file vmlinux
  bpfkit btf dump file /sys/kernel/btf/vmlinux format c >vmlinux.h
  bpfkit btf dump file vmlinux format c --root task_struct --root bpf_map
  bpfkit btf dump file module.ko.xz -B /boot/vmlinuz
  bpfkit btf dump file module.ko --section .BTF.base
  bpfkit btf dump file module.ko -R /boot/vmlinuz
  bpfkit -p btf dump prog pinned /sys/fs/bpf/filter

A FILE is BTF itself, an ELF file with a section .BTF or a kernel image, also
when compressed by gzip, xz, zstd or lz4. Kernel images are those of x86, arm64,
riscv, LoongArch and s390, EFI zboot images and unified kernel images. The base
of split BTF is BASE, or the file's own section .BTF.base, or for a module of
the running kernel that kernel's BTF.

As C, padding takes the place of a member of a kind that bpfkit does not know,
and a comment says so."
    )]
    Dump {
        /// The source of the types, and the format to write, in the words of the usage
        #[arg(value_name = "WORDS")]
        words: Vec<String>,
        /// The file with the base of split BTF
        #[arg(short = 'B', long, value_name = "BASE")]
        base_btf: Option<PathBuf>,
        /// Relocate the types of a module to this kernel, as with CONFIG_BPF_RUST
        #[arg(short = 'R', long, value_name = "VMLINUX")]
        relocate: Option<PathBuf>,
        /// The section of FILE with the types
        #[arg(long, value_name = "NAME", default_value = SECTION)]
        section: String,
        /// Only the types with this name or id; as C also the types that they need
        #[arg(long, value_name = "NAME|ID")]
        root: Vec<String>,
    },
}

/// The words of `btf dump`, parsed.
#[derive(Debug, PartialEq, Eq)]
struct Dump {
    what: What,
    c: bool,
    roots: Vec<Root>,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    File(PathBuf),
    Id(u32),
    Prog(Name),
    Map(Name, Part),
}

/// Which of a map's types to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    All,
    Key,
    Value,
    Both,
}

impl Dump {
    fn of(words: &[String], roots: &[String]) -> Result<Self, String> {
        let mut words = words.iter().map(String::as_str).peekable();
        let next = |words: &mut dyn Iterator<Item = &str>, what: &str| {
            let word = words.next().ok_or(format!("{what} is missing"));
            word.map(str::to_owned)
        };
        let what = match words.next() {
            Some("file") => What::File(next(&mut words, "the file")?.into()),
            Some("id") => What::Id(id(&next(&mut words, "the id")?)?),
            Some("prog") => What::Prog(name(&mut words)?),
            Some("map") => {
                let name = name(&mut words)?;
                let part = match words.peek() {
                    Some(&"key") => Some(Part::Key),
                    Some(&"value") => Some(Part::Value),
                    Some(&"kv") => Some(Part::Both),
                    Some(&"all") => Some(Part::All),
                    _ => None,
                };
                if part.is_some() {
                    words.next();
                }
                What::Map(name, part.unwrap_or(Part::Both))
            }
            Some(word) => return Err(format!("'{word}' is not 'file', 'id', 'prog' or 'map'")),
            None => {
                return Err(
                    "say what to write: 'file FILE', 'id N', 'prog PROG' or 'map MAP'".into(),
                )
            }
        };
        let mut this = Self {
            what,
            c: false,
            roots: roots.iter().map(|root| Root::from(root.as_str())).collect(),
        };

        while let Some(word) = words.next() {
            match word {
                "format" => {
                    this.c = match next(&mut words, "the format")?.as_str() {
                        "raw" => false,
                        "c" => true,
                        other => return Err(format!("format '{other}' is not 'raw' or 'c'")),
                    }
                }
                "root_id" => this.roots.push(Root::Id(id(&next(&mut words, "the id")?)?)),
                other => return Err(format!("'{other}' is not 'format' or 'root_id'")),
            }
        }
        match this.what {
            What::Map(_, Part::Key | Part::Value | Part::Both) if !this.roots.is_empty() => {
                Err("a map's key and value are roots already; for others say 'all'".into())
            }
            _ => Ok(this),
        }
    }
}

fn id(word: &str) -> Result<u32, String> {
    word.parse().map_err(|_| format!("'{word}' is not an id"))
}

/// Reads `id N` or `pinned PATH`.
fn name<'a>(words: &mut impl Iterator<Item = &'a str>) -> Result<Name, String> {
    match (words.next(), words.next()) {
        (Some("id"), Some(word)) => Ok(Name::Id(id(word)?)),
        (Some("pinned"), Some(path)) => Ok(Name::Pinned(path.into())),
        (word, _) => {
            let word = word.unwrap_or_default();
            Err(format!("'{word}' is not 'id N' or 'pinned PATH'"))
        }
    }
}

/// Runs the command, and prints the result.
pub fn run(command: Btf, voice: Voice) -> Result<(), Failure> {
    let (words, base_btf, relocate, section, root) = match command {
        Btf::Check(check) => return check::run(&check, voice),
        Btf::Diff(diff) => return diff::run(&diff, voice),
        Btf::Distill(distill) => return distill::run(&distill, voice),
        Btf::Relocate(relocate) => return relocate::run(&relocate, voice),
        Btf::Dump {
            words,
            base_btf,
            relocate,
            section,
            root,
        } => (words, base_btf, relocate, section, root),
    };
    let Dump { what, c, roots } = Dump::of(&words, &root).map_err(Failure::Usage)?;
    if c && voice.style != Style::Plain {
        return Err(Failure::Usage("C is not printed as JSON".into()));
    }
    let base = base_btf.as_deref();
    if let What::File(path) = &what {
        voice.reading(path);
    }
    if let Some(path) = base {
        voice.reading(path);
    }
    let (source, roots) = open(&what, &section, base, roots)?;

    voice.detail(&format!("{}: {source}", what.describe()));
    if let Some(path) = &relocate {
        voice.detail(&format!("relocating to {}", path.display()));
    }
    let kernel = relocate.map(Input::open).transpose().map_err(Error::from)?;
    let source = match &kernel {
        Some(kernel) => source.relocate(kernel),
        None => Ok(source),
    };
    let dumped = source.and_then(|source| {
        let to = io::stdout().lock();
        match voice.style {
            Style::Plain if c => dump::header(&source, &roots, to),
            Style::Plain => render::btf::plain(&source, &roots, to),
            Style::Json => render::btf::json(&source, &roots, false, to),
            Style::Pretty => render::btf::json(&source, &roots, true, to),
        }
    });

    match dumped {
        Err(DumpError::Kernel(error)) => Err(Failure::from(error)),
        Err(DumpError::Write(error)) => written(Err(error)),
        Err(error) => Err(Failure::Problem(format!("{}: {error}", what.describe()))),
        Ok(()) => Ok(()),
    }
}

fn open(
    what: &What,
    section: &str,
    base: Option<&Path>,
    roots: Vec<Root>,
) -> Result<(Source, Vec<Root>), Error> {
    Ok(match what {
        What::File(path) => (Source::file(path, section, base)?, roots),
        What::Id(id) => (Source::id(*id, base)?, roots),
        What::Prog(name) => (Source::prog(name, base)?, roots),
        What::Map(name, part) => {
            let (source, [key, value]) = Source::map(name, base)?;
            let roots = match part {
                Part::All => roots,
                Part::Key => vec![key],
                Part::Value => vec![value],
                Part::Both => vec![key, value],
            };
            (source, roots)
        }
    })
}

impl What {
    fn describe(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Id(id) => format!("BTF id {id}"),
            Self::Prog(name) => format!("prog {name}"),
            Self::Map(name, _) => format!("map {name}"),
        }
    }
}

#[cfg(test)]
mod tests;
