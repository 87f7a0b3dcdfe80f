// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit gen min_core_btf`.

mod pack;
mod source;

use std::collections::HashMap;
use std::fs;
use std::hash::BuildHasher;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use bpfkit::core_object::CoreObject;
use bpfkit::input::InputProblem;
use bpfkit::min_core;
use bpfkit::min_core::Base;
use bpfkit::min_core::MinCoreError;
use bpfkit::min_core::MinCoreProblem;
use bpfkit::min_core::Minimized;
use bpfkit::min_core::Refused;
use bpfkit::min_core::Subject;
use bpfkit::output;
use bpfkit::render::PathText;
use bpfkit::Error;
use bpfkit::Input;
use bpfkit::InputError;
use clap::Args;
use foldhash::fast::FixedState;
use rayon::iter::IntoParallelRefIterator;
use rayon::iter::ParallelBridge;
use rayon::iter::ParallelIterator;
use serde::Serialize;
use serde::Serializer;

use self::source::Source;
use super::progress::Progress;
use super::Failure;
use super::Voice;

/// The exit status if a kernel's BTF cannot be minimised, and if a file cannot be read or written.
const REFUSED: u8 = 1;
const TROUBLE: u8 = 2;

/// How many files of an archive wait for a thread.
const WAITING: usize = 1;

/// Write the BTF that CO-RE programs need of a kernel, and no more
#[derive(Args)]
#[command(after_help = "Examples:
  bpfkit gen min_core_btf vmlinux vmlinux.min.btf execsnoop.bpf.o
  bpfkit gen min_core_btf btfhub-archive/ btf/ *.bpf.o
  bpfkit gen min_core_btf btfhub-archive/ min_core_btfs.tar.gz execsnoop.bpf.o
  bpfkit gen min_core_btf nf_nat.ko nf_nat.btf -B vmlinux nat.bpf.o

SRC is vmlinux, a kernel image or BTF by itself; or a folder or a tar archive
with many, also as BTFHub packs them: 5.4.0-42-generic.btf.tar.xz. In a folder,
the files *.btf*, vmlinux* and vmlinuz* are read; with -B also modules.

For one kernel, DST is a file. For many, it is a folder in which each result has
the name of its source and the ending .btf; results that are the same are links
to one file. If DST ends with .tar.gz, it is an archive that can be embedded,
as libbpf-tools do. It has no links, because the loader of libbpf-tools cannot
read them.

Relocation by the result gives the same instructions as by SRC. With -B, the
result is split on VMLINUX, as SRC is; with --min-base, on what VMLINUX was
minimised to for the same objects.

Objects without relocations need nothing. If one of several kernels fails, the
results for the others are written nevertheless.

The exit status is 0 if all are written, 1 if the BTF of a kernel or an object
is wrong, 2 if a file cannot be read or written.")]
pub struct MinCoreBtf {
    /// The kernel, or a folder or an archive with many
    #[arg(value_name = "SRC")]
    source: PathBuf,
    /// The file, folder or archive to write
    #[arg(value_name = "DST")]
    output: PathBuf,
    /// The object files with CO-RE programs
    #[arg(value_name = "OBJ", required = true)]
    objects: Vec<PathBuf>,
    /// The kernel whose modules SRC has
    #[arg(short = 'B', long, value_name = "VMLINUX")]
    base: Option<PathBuf>,
    /// The minimised BTF of VMLINUX, to split the result on instead of VMLINUX
    #[arg(long, value_name = "FILE", requires = "base")]
    min_base: Option<PathBuf>,
    /// Decide all relocations again by each result, and fail if an instruction differs
    #[arg(long)]
    verify: bool,
}

/// Why there is no result for a kernel.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    MinCore(#[from] MinCoreError),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{file}: several files would be {name}")]
    Twice { file: String, name: String },
    #[error("{file}: the name leads out of the folder")]
    Name { file: String },
}

impl From<InputError> for Problem {
    fn from(error: InputError) -> Self {
        Self::MinCore(error.into())
    }
}

impl Problem {
    fn status(&self) -> u8 {
        match self {
            Self::MinCore(MinCoreError {
                problem: MinCoreProblem::Input(InputProblem::Read(_)),
                ..
            })
            | Self::File { .. } => TROUBLE,
            _ => REFUSED,
        }
    }
}

/// The result for a kernel, for JSON.
#[derive(Serialize)]
#[serde(untagged)]
enum Kernel {
    Written {
        source: String,
        /// The file, or its name in the archive.
        #[serde(serialize_with = "path")]
        output: PathBuf,
        types: u32,
        bytes: usize,
        /// The first output that has the same content.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "some_path")]
        same_as: Option<PathBuf>,
        /// How many relocations ask for something that is not there.
        absent: usize,
        /// The objects that libbpf does not load.
        refused: Vec<Refused>,
        #[serde(skip)]
        hash: u64,
    },
    Failed {
        source: String,
        error: String,
        #[serde(skip)]
        status: u8,
    },
}

fn path<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    PathText(path).serialize(to)
}

fn some_path<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
    path.as_deref().map(PathText).serialize(to)
}

/// What all kernels have in common.
#[derive(Clone, Copy)]
struct Job<'a> {
    subjects: &'a [Subject<'a>],
    base: Option<Base<'a>>,
    verified: bool,
}

/// A job for many kernels.
struct Batch<'a> {
    job: Job<'a>,
    /// The folder that results are written to.
    folder: &'a Path,
    progress: &'a Progress,
}

/// Runs the command.
pub fn run(command: &MinCoreBtf, voice: Voice) -> Result<(), Failure> {
    let source = Source::of(&command.source, command.base.is_some())?;
    let objects = objects(&command.objects, voice)?;
    let subjects: Vec<_> = objects
        .iter()
        .map(|(path, object)| Subject {
            path,
            object: object.object(),
        })
        .collect();
    for subject in &subjects {
        if subject.object.relocations().is_empty() {
            nothing(subject.path, "it has no CO-RE relocations", voice);
        }
    }
    let open = |path: &Path| {
        let input = voice.open(path)?;
        min_core::types(input, None).map_err(Failure::trouble)
    };
    let base = command.base.as_deref().map(open).transpose()?;
    let minimized = command.min_base.as_deref().map(open).transpose()?;

    let job = Job {
        subjects: &subjects,
        base: base.as_ref().map(|whole| Base {
            whole,
            minimized: minimized.as_ref(),
        }),
        verified: command.verify,
    };
    let kernels = match &source {
        Source::One(path) => one(path, &command.output, job, voice)?,
        _ => several(&source, &command.output, job, voice)?,
    };
    report(&kernels, voice)
}

/// Reads the objects. Leaves out those without BTF.
fn objects(paths: &[PathBuf], voice: Voice) -> Result<Vec<(&Path, CoreObject)>, Failure> {
    let mut objects = vec![];

    for path in paths {
        voice.detail(&format!("reading {}", path.display()));
        match CoreObject::open(path) {
            Ok(object) => objects.push((path.as_path(), object)),
            Err(InputError {
                problem: InputProblem::NoSection,
                ..
            }) => nothing(path, "it has no BTF", voice),
            Err(error) => return Err(Error::from(error).into()),
        }
    }
    Ok(objects)
}

fn nothing(path: &Path, why: &str, voice: Voice) {
    voice.note(&format!("{}: {why}, so it needs none", path.display()));
}

/// Writes the BTF for one kernel to a file.
fn one(path: &Path, to: &Path, job: Job<'_>, voice: Voice) -> Result<Vec<Kernel>, Failure> {
    voice.detail(&format!("reading {}", path.display()));
    let input = Input::open(path).map_err(Error::from)?;
    let result = job.minimize(input);

    voice.detail(&format!("writing {}", to.display()));
    let result = result.and_then(|minimized| {
        write(to, &minimized)?;
        Ok((to.to_owned(), minimized))
    });
    Ok(vec![kernel(path.display().to_string(), result)])
}

fn write(to: &Path, minimized: &Minimized) -> Result<(), Problem> {
    output::replace(to, &minimized.bytes).map_err(|source| Problem::File {
        path: to.to_owned(),
        source,
    })
}

fn kernel(source: String, result: Result<(PathBuf, Minimized), Problem>) -> Kernel {
    match result {
        Ok((output, minimized)) => Kernel::Written {
            source,
            output,
            types: minimized.types,
            bytes: minimized.bytes.len(),
            same_as: None,
            absent: minimized.absent,
            refused: minimized.refused,
            hash: FixedState::default().hash_one(&minimized.bytes),
        },
        Err(problem) => Kernel::Failed {
            source,
            error: problem.to_string(),
            status: problem.status(),
        },
    }
}

/// Writes the BTF for many kernels to a folder or an archive.
fn several(source: &Source, to: &Path, job: Job<'_>, voice: Voice) -> Result<Vec<Kernel>, Failure> {
    let trouble =
        |path: &Path, error: io::Error| Failure::Trouble(format!("{}: {error}", path.display()));
    let is_archive = pack::is_archive(to);
    let temporary = match is_archive {
        true => Some(output::folder_beside(to).map_err(|e| trouble(to, e))?),
        false => None,
    };
    let folder = temporary.as_ref().map_or(to, |folder| folder.path());
    let progress = voice.progress("kernels", source.len());
    let batch = Batch {
        job,
        folder,
        progress: &progress,
    };

    let mut kernels = match source {
        Source::One(_) => vec![],
        Source::Folder(files) => files
            .par_iter()
            .map(|(path, name)| batch.file(path, name))
            .collect(),
        Source::Archive(path) => batch.archive(path),
    };
    progress.end();
    kernels.sort_by(|one, other| one.key().cmp(&other.key()));
    same(&mut kernels, folder, !is_archive).map_err(|error| trouble(to, error))?;
    if is_archive {
        let names = kernels.iter().filter_map(Kernel::name);
        pack::write(to, folder, names).map_err(|error| trouble(to, error))?;
    } else {
        for kernel in &mut kernels {
            kernel.put_in(folder);
        }
    }
    Ok(kernels)
}

impl Job<'_> {
    fn minimize(self, input: Input) -> Result<Minimized, Problem> {
        Ok(min_core::minimize(
            input,
            self.base,
            self.subjects,
            self.verified,
        )?)
    }
}

impl Batch<'_> {
    /// Minimises a file.
    fn file(&self, path: &Path, name: &Path) -> Kernel {
        self.kernel(path.display().to_string(), Ok(name.to_owned()), || {
            Input::open(path)
        })
    }

    /// Minimises all files of an archive.
    fn archive(&self, path: &Path) -> Vec<Kernel> {
        thread::scope(|scope| {
            let (to, from) = mpsc::sync_channel(WAITING);
            scope.spawn(move || source::read(path, &to));
            from.into_iter()
                .par_bridge()
                .map(|file: source::File| {
                    self.progress.more();
                    let source = format!("{}: {}", path.display(), file.path);
                    match file.bytes {
                        Ok(bytes) => self.kernel(source.clone(), file.name, || {
                            Input::from_bytes(PathBuf::from(source), bytes)
                        }),
                        Err(error) => {
                            let path = PathBuf::from(&source);
                            let problem = Problem::File {
                                path,
                                source: error,
                            };
                            kernel(source, Err(problem))
                        }
                    }
                })
                .collect()
        })
    }

    fn kernel(
        &self,
        source: String,
        name: Result<PathBuf, Problem>,
        open: impl FnOnce() -> Result<Input, InputError>,
    ) -> Kernel {
        let result = name.and_then(|name| {
            let minimized = self.job.minimize(open()?)?;
            let path = self.folder.join(&name);
            fs::create_dir_all(output::folder_of(&path)).map_err(|source| Problem::File {
                path: path.clone(),
                source,
            })?;
            write(&path, &minimized)?;
            Ok((name, minimized))
        });

        self.progress.step();
        kernel(source, result)
    }
}

impl Kernel {
    /// What kernels are sorted by: their names.
    fn key(&self) -> (&Path, &str) {
        match self {
            Self::Written { source, output, .. } => (output, source),
            Self::Failed { source, .. } => (Path::new(""), source),
        }
    }

    /// The name of what has been written, and of the first that is the same.
    fn name(&self) -> Option<(&Path, &Path)> {
        match self {
            Self::Written {
                output, same_as, ..
            } => Some((same_as.as_ref().unwrap_or(output), output)),
            Self::Failed { .. } => None,
        }
    }

    fn put_in(&mut self, folder: &Path) {
        if let Self::Written {
            output, same_as, ..
        } = self
        {
            *output = folder.join(&*output);
            *same_as = same_as.take().map(|name| folder.join(name));
        }
    }
}

/// Finds results that are the same, and makes them links to the first of them if told to.
fn same(kernels: &mut [Kernel], folder: &Path, link: bool) -> io::Result<()> {
    let mut first: HashMap<(u64, usize), PathBuf> = HashMap::new();

    for kernel in kernels {
        let Kernel::Written {
            output,
            same_as,
            hash,
            bytes,
            ..
        } = kernel
        else {
            continue;
        };
        let Some(known) = first.get(&(*hash, *bytes)) else {
            first.insert((*hash, *bytes), output.clone());
            continue;
        };
        let (one, other) = (folder.join(known), folder.join(&*output));
        if fs::read(&one)? != fs::read(&other)? {
            continue;
        }
        if link {
            // Not all file systems have links. The file is there anyway.
            let _ = output::link(&one, &other);
        }
        *same_as = Some(known.clone());
    }
    Ok(())
}

/// Prints what was written.
fn report(kernels: &[Kernel], voice: Voice) -> Result<(), Failure> {
    voice.print(kernels, text)?;

    let mut status = 0;
    for kernel in kernels {
        match kernel {
            Kernel::Failed {
                error, status: of, ..
            } => {
                eprintln!("bpfkit: {error}");
                status = status.max(*of);
            }
            Kernel::Written {
                output, refused, ..
            } => {
                for Refused { object, reason } in refused {
                    voice.note(&format!(
                        "{}: libbpf does not load {object}: {reason}",
                        output.display()
                    ));
                }
            }
        }
    }
    match status {
        0 => Ok(()),
        status => Err(Failure::Said(status)),
    }
}

fn text(kernels: &[Kernel]) -> String {
    let mut text = String::new();
    let (mut written, mut different, mut total) = (0, 0, 0);

    for kernel in kernels {
        if let Kernel::Written {
            output,
            types,
            bytes,
            same_as,
            ..
        } = kernel
        {
            written += 1;
            text += &format!("{}: {types} types, {bytes} bytes", output.display());
            match same_as {
                Some(first) => text += &format!(", the same as {}\n", first.display()),
                None => {
                    different += 1;
                    total += bytes;
                    text.push('\n');
                }
            }
        }
    }
    match kernels {
        [_] => text,
        _ => format!(
            "{written} of {} written, {different} of them different: {total} bytes\n{text}",
            kernels.len()
        ),
    }
}

#[cfg(test)]
mod tests;
