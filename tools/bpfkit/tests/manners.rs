// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Runs the command on small files: what it says with `-v` and what it does not say with `-q`, its
//! version, and the files that it installs.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Output;

use bpfkit::input::SECTION;
use object::write::Object;
use object::Architecture;
use object::BinaryFormat;
use object::Endianness;
use object::SectionKind;
use splitbtf::Builder;
use splitbtf::NewMember;
use splitbtf::Owned;
use tempfile::TempDir;
use zerocopy::LE;

/// A folder with two kernels, a module of the first one that does not fit the second one, and a
/// folder `share` of its own.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let kernel = |size| {
        let mut builder = Builder::<LE>::new();
        builder.structure(b"s", size, &[]);
        builder.finish().unwrap()
    };
    let base = Owned::<LE>::new(kernel(8), None).unwrap();
    let mut module = Builder::split_on(&base.btf()).unwrap();
    let member = NewMember {
        name: b"",
        ty: 1,
        bit_offset: 0,
        bitfield_bits: 0,
    };
    module.structure(b"mine", 8, &[member]);

    let mut file = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let types = module.finish().unwrap();
    let sections: [(&str, &[u8]); 3] = [
        (".modinfo", b"license=GPL\0vermagic=7.3.4 SMP mod_unload \0"),
        (".gnu.linkonce.this_module", &[0; 64]),
        (SECTION, &types),
    ];
    for (name, content) in sections {
        let section = file.add_section(vec![], name.into(), SectionKind::Debug);
        file.append_section_data(section, content, 4);
    }
    for (name, content) in [
        ("vmlinux", base.bytes().to_vec()),
        ("other", kernel(16)),
        ("a.ko", file.write().unwrap()),
        (
            "symvers",
            b"0x12345678\tprintk\tvmlinux\tEXPORT_SYMBOL\n".to_vec(),
        ),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn run(folder: &Path, words: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bpfkit"))
        .args(words.split(' '))
        .current_dir(folder)
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .unwrap()
}

/// The lines on standard error, without the name of the command.
fn said(output: &Output) -> Vec<String> {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    let lines = text.lines().map(|line| line.strip_prefix("bpfkit: "));

    lines.map(|line| line.unwrap().to_owned()).collect()
}

#[test]
fn verbose_says_what_is_read_and_written() {
    for (words, steps) in [
        (
            "btf check a.ko -B vmlinux -k vmlinux -S symvers",
            "reading vmlinux|reading vmlinux|reading symvers|reading a.ko",
        ),
        (
            "btf diff vmlinux other -m a.ko",
            "reading vmlinux|reading other|reading a.ko",
        ),
        (
            "btf distill a.ko -B vmlinux -o new.ko",
            "reading vmlinux|reading a.ko|writing new.ko",
        ),
        (
            "btf relocate new.ko -B vmlinux -o a.btf",
            "reading new.ko|reading vmlinux|writing a.btf",
        ),
        (
            "btf dump file a.ko -B vmlinux",
            "reading a.ko|reading vmlinux|a.ko: 53 bytes of BTF, split, on a base of 39 bytes",
        ),
        (
            "btf dump file new.ko -R vmlinux",
            "reading new.ko|new.ko: 53 bytes of BTF, split, on a base of 39 bytes|\
             relocating to vmlinux",
        ),
        ("gen skeleton none.o", "reading none.o"),
        ("prog load none.o /nowhere", "loading none.o"),
        (
            "prog bind id 4000000000 id 1",
            "binding map id 1 to prog id 4000000000",
        ),
        (
            "prog show id 4000000000",
            "asking the kernel for prog id 4000000000",
        ),
        (
            "feature",
            "asking the kernel: /proc/sys/kernel/osrelease|asking the kernel: BPF_PROG_BIND_MAP|\
             asking the kernel: /sys/kernel/btf/vmlinux|\
             asking the kernel: /sys/module/kernel/parameters/bpf_rust",
        ),
    ] {
        let folder = folder();
        let distilled = run(folder.path(), "btf distill a.ko -B vmlinux -o new.ko");
        assert!(distilled.status.success());

        let verbose = said(&run(folder.path(), &format!("-v {words}")));
        let normal = run(folder.path(), words);
        let steps: Vec<_> = steps.split('|').collect();
        assert!(
            verbose.starts_with(&steps.iter().map(ToString::to_string).collect::<Vec<_>>()),
            "{words}: {verbose:?}"
        );
        for line in said(&normal) {
            assert!(!steps.contains(&line.as_str()), "{words}: {line}");
        }
    }
}

#[test]
fn quiet_leaves_out_the_notes() {
    let folder = folder();
    let words = "btf check a.ko -B vmlinux -k other";
    let normal = run(folder.path(), words);
    let quiet = run(folder.path(), &format!("-q {words}"));

    assert!(said(&normal)[0].starts_with("'bpfkit btf diff vmlinux other"));
    assert_eq!(said(&quiet), [""; 0]);
    assert_eq!(normal.stdout, quiet.stdout);
    assert_eq!(normal.status, quiet.status);
}

#[test]
fn wrong_words_are_named_with_the_usage() {
    let folder = folder();
    let show = "Usage: bpfkit prog show [OPTIONS] [id N | pinned PATH | tag TAG | name NAME]\n";
    let bind = "Usage: bpfkit prog bind [OPTIONS] PROG MAP...\n\n  PROG, MAP: id N | pinned PATH\n";
    let dump = "  SOURCE: file FILE | id N | prog PROG | map MAP [key | value | kv | all]\n";
    let skeleton = "Usage: bpfkit gen skeleton [OPTIONS] OBJ [name NAME]\n";

    for (words, error, usage) in [
        (
            "prog show tag X",
            "'X' is not a tag: 16 hexadecimal digits",
            show,
        ),
        ("p s tag", "after 'tag' a word is missing", show),
        ("prog show id 1 name x", "'name' is one word too many", show),
        (
            "prog show x",
            "'x' is not 'id', 'pinned', 'tag' or 'name'",
            show,
        ),
        ("prog bind", "say which program and maps", bind),
        ("prog bind id 1", "say which maps to bind", bind),
        ("prog bind id 1 id", "after 'id' a word is missing", bind),
        (
            "prog bind id 1 name x",
            "'name' is not 'id N' or 'pinned PATH'",
            bind,
        ),
        (
            "btf dump",
            "say what to write: 'file FILE', 'id N', 'prog PROG' or 'map MAP'",
            dump,
        ),
        ("btf dump file", "the file is missing", dump),
        (
            "gen skeleton o name",
            "after 'name' a word is missing",
            skeleton,
        ),
        (
            "gen skeleton o name a b",
            "'b' is one word too many",
            skeleton,
        ),
        ("gen skeleton o a", "'a' is not 'name NAME'", skeleton),
    ] {
        let failed = run(folder.path(), words);
        let text = String::from_utf8_lossy(&failed.stderr);
        assert_eq!(failed.status.code(), Some(2), "{words}");
        assert!(
            text.starts_with(&format!("error: {error}\n")),
            "{words}: {text}"
        );
        assert!(text.contains(usage), "{words}: {text}");
    }
}

#[test]
fn a_module_that_an_option_takes_is_named() {
    let folder = folder();
    let failed = run(folder.path(), "btf check a.ko -k vmlinux a.ko");

    assert_eq!(failed.status.code(), Some(2));
    assert!(said(&failed)[0].contains("end them with -- if a.ko is to be checked"));
}

#[test]
fn version_has_a_long_and_a_short_form() {
    let folder = folder();
    let text = |words| String::from_utf8(run(folder.path(), words).stdout).unwrap();

    assert_eq!(text("-V"), "bpfkit 0.1.0\n");
    assert!(text("--version").starts_with("bpfkit 0.1.0"));
    assert!(text("--version").ends_with("\nusing libbpf v1.7\n"));
}

#[test]
fn help_files_are_where_man_and_the_shells_look() {
    let folder = folder();
    let done = run(folder.path(), "-v help-files share");
    let said = said(&done);

    for path in [
        "man/man1/bpfkit.1",
        "man/man1/bpfkit-btf-check.1",
        "bash-completion/completions/bpfkit",
        "fish/vendor_completions.d/bpfkit.fish",
        "zsh/site-functions/_bpfkit",
    ] {
        let path = format!("share/{path}");
        assert!(said.contains(&format!("writing {path}")), "{said:?}");
        assert!(folder.path().join(path).is_file());
    }
    assert!(run(folder.path(), "help-files share").stderr.is_empty());
}

#[test]
fn the_pages_have_the_day_of_the_source() {
    let folder = folder();
    let written = |epoch| {
        Command::new(env!("CARGO_BIN_EXE_bpfkit"))
            .args(["help-files", "share"])
            .current_dir(folder.path())
            .env("SOURCE_DATE_EPOCH", epoch)
            .output()
            .unwrap()
    };

    assert!(written("86400").status.success());
    let page = fs::read_to_string(folder.path().join("share/man/man1/bpfkit.1")).unwrap();
    assert!(page.contains(".TH BPFKIT 1 1970\\-01\\-02 ") || page.contains("1 1970-01-02 "));
    let failed = written("yesterday");
    assert_eq!(failed.status.code(), Some(2));
    assert_eq!(
        said(&failed),
        ["SOURCE_DATE_EPOCH: 'yesterday' is not a time"]
    );
}
