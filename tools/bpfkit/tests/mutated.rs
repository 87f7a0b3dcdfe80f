// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Runs every subcommand that reads files on damaged ones. None may panic, whatever the file; and
//! the command must exit with one of its statuses.
//!
//! The files are object files that clang compiles, the raw BTF of one, a module with BTF that is
//! split on it, the same module distilled, and compressed copies of some. The test changes bytes
//! and words, copies them elsewhere, or cuts the file off.

use std::fs;
use std::io;
use std::io::Write;
use std::panic;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use bpfkit::check::Checked;
use bpfkit::check::Checker;
use bpfkit::check::Outcome;
use bpfkit::core;
use bpfkit::core::check::ObjectFile;
use bpfkit::core_object::CoreObject;
use bpfkit::diff;
use bpfkit::diff::Select;
use bpfkit::distill;
use bpfkit::dump;
use bpfkit::dump::DumpError;
use bpfkit::dump::Source;
use bpfkit::fit::Kernel;
use bpfkit::fit::Module;
use bpfkit::input::BASE_SECTION;
use bpfkit::input::SECTION;
use bpfkit::load;
use bpfkit::min_core;
use bpfkit::min_core::Subject;
use bpfkit::relocate;
use bpfkit::render::btf as render;
use bpfkit::skeleton;
use bpfkit::vmlinux::Vmlinux;
use bpfkit::Input;
use core_relo::Decider;
use fastrand::Rng;
use flate2::write::GzEncoder;
use lzma_rust2::XzOptions;
use lzma_rust2::XzWriter;
use object::write::Object;
use object::Architecture;
use object::BinaryFormat;
use object::Endianness;
use object::SectionKind;
use splitbtf::BtfExt;
use splitbtf::Builder;
use splitbtf::Distiller;
use splitbtf::Kind;
use splitbtf::Owned;
use splitbtf::Policy;
use zerocopy::LE;

/// How many damaged files are read through the library, and how many by each command.
const INPUTS: usize = 10_000;
const COMMANDS: usize = 200;

/// A subcommand. In its command line `FILE` is the file, `KERNEL` the one that modules are split
/// on, and `OUT` the output. `call` does the same with the library, and returns whether all went
/// well. `run` is set if the command never asks the kernel, so that it can run anywhere.
struct Subcommand {
    words: &'static str,
    call: fn(&Path) -> bool,
    run: bool,
}

/// All subcommands that read files.
const SUBCOMMANDS: [Subcommand; 14] = [
    Subcommand {
        words: "btf dump file FILE",
        call: |file| dumps(file, raw),
        run: true,
    },
    Subcommand {
        words: "-p btf dump file FILE",
        call: |file| dumps(file, |source| render::json(source, &[], true, io::sink())),
        run: true,
    },
    Subcommand {
        words: "btf dump file FILE format c",
        call: |file| dumps(file, |source| dump::header(source, &[], io::sink())),
        run: true,
    },
    Subcommand {
        words: "btf dump file FILE -R KERNEL",
        call: |file| {
            let kernel = Input::open(kernel(file)).unwrap();
            Source::file(file, SECTION, None).is_ok_and(|source| {
                source
                    .relocate(&kernel)
                    .is_ok_and(|source| raw(&source).is_ok())
            })
        },
        run: true,
    },
    Subcommand {
        words: "btf distill FILE --base KERNEL -o OUT",
        call: |file| {
            let base = Vmlinux::<LE>::open(&kernel(file)).unwrap();
            let base = base.btf();
            Input::open(file)
                .is_ok_and(|module| distill::distill(&module, &base, &mut Distiller::new()).is_ok())
        },
        run: true,
    },
    Subcommand {
        words: "btf relocate FILE --base KERNEL --opaque -o OUT",
        call: |file| {
            let kernel = Vmlinux::<LE>::open(&kernel(file)).unwrap();
            Input::open(file).is_ok_and(|module| {
                relocate::relocate(&module, &kernel.names(), Policy::Opaque).is_ok()
            })
        },
        run: true,
    },
    Subcommand {
        words: "btf check FILE --kernel KERNEL --base KERNEL",
        call: |file| {
            let kernel = Vmlinux::<LE>::open(&kernel(file)).unwrap();
            let names = [kernel.names()];
            Input::open(file).is_ok_and(|module| {
                // As a kernel it may have any strings.
                Kernel::of(&module, &names[0]);
                let fits = Module::of(&module).is_ok();
                let checked = Checker::new(&names, Some(names[0].btf())).check(&module);
                let refuses = |checked: Checked| checked.outcomes.iter().any(Outcome::is_refused);
                fits && checked.is_ok_and(|checked| !refuses(checked))
            })
        },
        run: true,
    },
    Subcommand {
        words: "btf diff FILE KERNEL",
        call: |file| {
            let Ok(damaged) = Vmlinux::<LE>::open(file) else {
                return false;
            };
            let kernel = Vmlinux::<LE>::open(&kernel(file)).unwrap();
            diff::diff(&damaged.names(), &kernel.names(), &Select::All).is_ok()
        },
        run: true,
    },
    Subcommand {
        words: "core show FILE --kernel KERNEL",
        call: |file| {
            let kernel = core::kernel::Kernel::open(&kernel(file), &[], None).unwrap();
            CoreObject::open(file).is_ok_and(|content| {
                let object = content.object();
                let decisions = Decider::new(&object, &kernel.targets()).decide_all();
                decisions.iter().all(Result::is_ok)
            })
        },
        run: true,
    },
    Subcommand {
        words: "core check FILE --kernel KERNEL",
        call: |file| {
            let kernel = core::kernel::Kernel::open(&kernel(file), &[], None).unwrap();
            let worst = |file: ObjectFile| {
                let object = file.content.object();
                let checked = core::check::check(&file, &object, &kernel, &kernel.targets());
                checked.worst()
            };
            ObjectFile::open(file).is_ok_and(|file| worst(file).is_none())
        },
        run: true,
    },
    Subcommand {
        words: "gen skeleton FILE -o OUT",
        call: |file| skeleton::generate(file, None).is_ok(),
        run: true,
    },
    Subcommand {
        words: "gen min_core_btf FILE OUT KERNEL",
        call: |file| minimizes(file, &kernel(file)),
        run: true,
    },
    Subcommand {
        words: "gen min_core_btf KERNEL OUT FILE",
        call: |file| minimizes(&kernel(file), file),
        run: true,
    },
    // Without a kernel it goes no further than this.
    Subcommand {
        words: "prog load FILE PIN",
        call: |file| load::check(file).is_ok(),
        run: false,
    },
];

/// The object file, beside the damaged file, whose BTF is the base of the modules.
fn kernel(file: &Path) -> PathBuf {
    file.with_file_name("object")
}

fn raw(source: &Source) -> Result<(), DumpError> {
    render::plain(source, &[], io::sink())
}

fn minimizes(kernel: &Path, object: &Path) -> bool {
    let (Ok(input), Ok(object)) = (Input::open(kernel), CoreObject::open(object)) else {
        return false;
    };
    let subject = Subject {
        path: kernel,
        object: object.object(),
    };

    min_core::minimize(input, None, &[subject], true).is_ok()
}

fn dumps(file: &Path, dump: fn(&Source) -> Result<(), DumpError>) -> bool {
    Input::open(file).is_ok_and(|input| input.section(SECTION).is_ok())
        | Source::file(file, SECTION, None).is_ok_and(|source| dump(&source).is_ok())
}

/// A folder that is removed when the test ends.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // A failure only leaves a folder in /tmp.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn folder(name: &str) -> Folder {
    let path = std::env::temp_dir().join(format!("bpfkit-{name}-{}", std::process::id()));

    fs::create_dir(&path).unwrap();
    Folder(path)
}

/// The files to damage.
fn originals(folder: &Path) -> Vec<Vec<u8>> {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bpf");
    let object = folder.join("object");
    let compiled = |source: &str| {
        let clang = Command::new("clang-19")
            .args(["-target", "bpfel", "-g", "-O2", "-w", "-c"])
            .arg(programs.join(source))
            .arg("-o")
            .arg(&object)
            .status();
        assert!(clang.unwrap().success());
        fs::read(&object).unwrap()
    };
    let btf = |bytes: &[u8]| {
        let input = Input::from_bytes(object.clone(), bytes.to_vec()).unwrap();
        input.need(SECTION).unwrap().to_vec()
    };
    let module = |btf: &[(&str, &[u8])]| {
        let mut file = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
        let others: [(&str, &[u8]); 3] = [
            (".modinfo", b"license=GPL\0vermagic=7.3.4 SMP mod_unload \0"),
            ("__versions", &[b'v'; 128]),
            (".gnu.linkonce.this_module", &[0; 64]),
        ];
        for (name, content) in others.iter().chain(btf) {
            let section = file.add_section(vec![], (*name).into(), SectionKind::Debug);
            file.append_section_data(section, content, 4);
        }
        file.write().unwrap()
    };
    // The last one stays in the folder, as the kernel.
    let [demands, programs @ ..] =
        ["demands.bpf.c", "several.bpf.c", "constructs.bpf.c"].map(compiled);

    // Pointers to all types of the kernel that a distilled base can have.
    let base_file = Owned::<LE>::new(btf(&programs[1]), None).unwrap();
    let base = base_file.btf();
    let mut builder = Builder::split_on(&base).unwrap();
    for ty in base.types().map(Result::unwrap) {
        if matches!(ty.kind, Kind::Int(_) | Kind::Struct(_) | Kind::Union(_)) {
            builder.ptr(ty.id);
        }
    }
    let split = Owned::new(builder.finish().unwrap(), Some(&base_file)).unwrap();
    let distilled = splitbtf::distill(&split.btf().validated().unwrap()).unwrap();

    let plain = [
        btf(&programs[1]),
        programs[0].clone(),
        programs[1].clone(),
        demands,
        module(&[(SECTION, split.bytes())]),
        module(&[(SECTION, &distilled.split), (BASE_SECTION, &distilled.base)]),
    ];
    let mut gzip = GzEncoder::new(vec![], Default::default());
    gzip.write_all(&plain[1]).unwrap();
    let mut xz = XzWriter::new(vec![], XzOptions::with_preset(0)).unwrap();
    xz.write_all(&plain[2]).unwrap();
    let packed = [gzip.finish().unwrap(), xz.finish().unwrap()];
    [&plain[..], &packed[..]].concat()
}

/// Damages a file in one to four places.
fn damage(file: &mut Vec<u8>, random: &mut Rng) {
    for _ in 0..random.usize(1..=4) {
        let at = random.usize(..file.len());
        let word = at & !3;

        match random.u8(..8) {
            0 => file[at] ^= 1 << random.u8(..8),
            1 => file[at] = random.u8(..),
            2 if word + 4 <= file.len() => {
                let values = [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX, random.u32(..4096)];
                let value = values[random.usize(..values.len())];
                file[word..][..4].copy_from_slice(&value.to_le_bytes());
            }
            3 if word + 4 <= file.len() => {
                let mut bytes = [0; 4];
                bytes.copy_from_slice(&file[word..][..4]);
                let value = u32::from_le_bytes(bytes).wrapping_add(random.u32(..9).wrapping_sub(4));
                file[word..][..4].copy_from_slice(&value.to_le_bytes());
            }
            4 => {
                let len = random.usize(..=(file.len() - at).min(32));
                let to = random.usize(..=file.len() - len);
                file.copy_within(at..at + len, to);
            }
            // Headers are short: they would be hit too seldom.
            5 => {
                let at = random.usize(..file.len().min(64));
                file[at] = random.u8(..);
            }
            6 if random.u8(..4) == 0 => file.truncate(at.max(1)),
            _ => file[at] = file[at].wrapping_add(1),
        }
    }
}

/// Calls `f` with many damaged files; the same in each run.
fn for_damaged(folder: &Path, count: usize, mut f: impl FnMut(usize, &Path)) {
    let originals = originals(folder);
    let path = folder.join("damaged");

    for i in 0..count {
        let mut file = originals[i % originals.len()].clone();
        damage(&mut file, &mut Rng::with_seed(i as u64));
        fs::write(&path, file).unwrap();
        f(i, &path);
    }
}

#[test]
fn nothing_panics() {
    let folder = folder("library");
    let mut good = [0; SUBCOMMANDS.len()];

    for_damaged(&folder.0, INPUTS, |i, path| {
        for (subcommand, good) in SUBCOMMANDS.iter().zip(&mut good) {
            let result = panic::catch_unwind(|| (subcommand.call)(path));
            let words = subcommand.words;
            *good += usize::from(result.unwrap_or_else(|_| panic!("{words}, input {i}")));
        }
    });
    // Each subcommand must accept some of the files, and refuse some.
    for (subcommand, good) in SUBCOMMANDS.iter().zip(good) {
        assert!(
            (INPUTS / 50..INPUTS).contains(&good),
            "{}: {good}",
            subcommand.words
        );
    }
}

#[test]
fn commands_end_as_they_should() {
    let folder = folder("command");

    for_damaged(&folder.0, COMMANDS, |i, path| {
        for subcommand in SUBCOMMANDS.iter().filter(|subcommand| subcommand.run) {
            let out = path.with_file_name("out");
            let json = i % 2 == 1;
            let done = Command::new(env!("CARGO_BIN_EXE_bpfkit"))
                .args(json.then_some("-j"))
                .args(subcommand.words.split(' ').map(|word| match word {
                    "FILE" => path.to_owned(),
                    "KERNEL" => kernel(path),
                    "OUT" => out.clone(),
                    word => word.into(),
                }))
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&done.stderr);
            let what = format!("{}, input {i}: {said}", subcommand.words);
            assert!(matches!(done.status.code(), Some(0..=2)), "{what}");
            // Without an error, the output gives the reason: the differences, or the refusals.
            let silent = said.is_empty() && done.stdout.is_empty();
            assert!(done.status.success() || !silent, "{what}");
            // JSON is one document, whatever happens.
            let document = serde_json::from_slice::<serde::de::IgnoredAny>(&done.stdout);
            let json = json || subcommand.words.starts_with("-p");
            assert!(!json || document.is_ok(), "{what}: {document:?}");
            // No temporary file is left, and a command that fails writes no output.
            let written = fs::remove_file(&out).is_ok();
            assert!(done.status.success() || !written, "{what}");
            assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 2, "{what}");
        }
    });
}
