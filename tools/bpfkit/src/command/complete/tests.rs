// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use std::os::unix::ffi::OsStrExt;

use clap::CommandFactory;
use fastrand::Rng;

use super::*;
use crate::Cli;

/// What may follow a command line, without the meanings. Its last word is the one to complete.
fn after(line: &str) -> Vec<String> {
    let words = line.split(' ').map(OsString::from).collect();
    let lines = candidates(Cli::command(), words);
    let words = lines.iter().map(|line| line.split('\t').next());

    words.map(|word| word.unwrap().to_owned()).collect()
}

#[test]
fn subcommands_and_options() {
    let all = [
        "prog",
        "btf",
        "core",
        "gen",
        "feature",
        "help-files",
        "help",
    ];

    assert_eq!(after("bpfkit "), all);
    assert_eq!(after("bpfkit -j b"), ["btf"]);
    assert_eq!(after("bpfkit prog sh"), ["show"]);
    assert_eq!(after("bpfkit prog li"), ["list"]);
    assert!(after("bpfkit prog ").contains(&"show".to_owned()));
    assert_eq!(after("bpfkit btf check --fi"), ["--files-from"]);
    assert_eq!(
        after("bpfkit btf check --fail-on "),
        ["stock", "rust", "any", "never"]
    );
    assert_eq!(after("bpfkit btf check --fail-on=s"), ["--fail-on=stock"]);
    let lines = candidates(Cli::command(), ["bpfkit", "fe"].map(OsString::from).into());
    assert_eq!(lines, ["feature\tShow the features of the running kernel"]);
}

#[test]
fn words_follow_words() {
    for (line, words) in [
        ("prog show ", "id pinned tag name"),
        ("prog list ", "id pinned tag name"),
        ("prog show --metadata t", "tag"),
        ("prog show pinned ", ":files"),
        ("prog show tag ", ""),
        ("prog show id 7 ", ""),
        ("prog bind ", "id pinned"),
        ("prog bind id 7 pinned /a i", "id"),
        ("prog bind id 7 pinned ", ":files"),
        ("prog load ", ":files"),
        ("prog load o ", ":files"),
        ("prog load o p k", "kernel_btf"),
        ("prog load o p kernel_btf ", ":files"),
        ("prog loadall o p pinmaps ", ":folders"),
        ("prog load o p map ", "idx name"),
        ("prog load o p map name a ", "id pinned"),
        ("prog load o p map idx 1 pinned ", ":files"),
        ("prog load o p type ", ""),
        ("prog load o p type xdp auto", "autoattach"),
        ("btf dump ", "file id prog map"),
        ("btf dump file ", ":files"),
        ("btf dump file f ", "format root_id"),
        ("btf dump file f format ", "c raw"),
        ("btf dump file f format c ", "format root_id"),
        ("btf dump file f root_id ", ""),
        ("btf dump id ", ""),
        ("btf dump id 1 f", "format"),
        ("btf dump prog ", "id pinned"),
        ("btf dump prog pinned ", ":files"),
        ("btf dump map id ", ""),
        ("btf dump map id 1 ", "key value kv all format root_id"),
        ("gen skeleton ", ":files"),
        ("gen skeleton o ", "name"),
        ("gen skeleton o name ", ""),
    ] {
        let expected: Vec<_> = words.split_whitespace().collect();
        assert_eq!(after(&format!("bpfkit {line}")), expected, "{line}");
    }
}

#[test]
fn the_values_of_options_are_no_words() {
    assert_eq!(after("bpfkit btf dump -B base fi"), ["file"]);
    assert_eq!(after("bpfkit btf dump --root x file f fo"), ["format"]);
    assert_eq!(after("bpfkit btf dump --root=x file f fo"), ["format"]);
    assert_eq!(after("bpfkit btf dump file f --root "), [""; 0]);
}

#[test]
fn files_and_folders_are_left_to_the_shell() {
    assert_eq!(after("bpfkit btf check "), [":files"]);
    assert_eq!(after("bpfkit btf check -k a "), [":files"]);
    assert_eq!(after("bpfkit btf check --kernel=/b"), [":files"]);
    assert_eq!(after("bpfkit btf check -k/b"), [""; 0]);
    assert_eq!(after("bpfkit btf diff a b -t "), [""; 0]);
    assert_eq!(after("bpfkit core show "), [":files"]);
    assert_eq!(after("bpfkit core show o "), [""; 0]);
    assert_eq!(after("bpfkit core show o -k "), [":files"]);
    assert_eq!(after("bpfkit core check o "), [":files"]);
    assert_eq!(after("bpfkit core check o -k v w "), [":files"]);
    assert_eq!(after("bpfkit core check o --symbols "), [":files"]);
    for before in ["", "vmlinux ", "vmlinux to ", "-B base ", "--min-base "] {
        assert_eq!(
            after(&format!("bpfkit gen min_core_btf {before}")),
            [":files"]
        );
    }
    assert_eq!(after("bpfkit help-files "), [":folders"]);
}

#[test]
fn abbreviations_are_understood() {
    assert_eq!(after("bpfkit p s p"), ["pinned"]);
    assert_eq!(after("bpfkit -q b du file f format r"), ["raw"]);
    // 'load', 'loadall' and 'list'.
    assert_eq!(after("bpfkit p l o p au"), [""; 0]);
    assert_eq!(after("bpfkit x "), after("bpfkit "));
}

#[test]
fn bash_splits_words_at_equals_signs() {
    assert_eq!(after("bpfkit btf check --fail-on = s"), ["stock"]);
    assert_eq!(after("bpfkit btf check --fail-on = st"), ["stock"]);
    assert_eq!(after("bpfkit btf check --base = "), [":files"]);
    assert_eq!(after("bpfkit btf dump --base-btf = a fi"), ["file"]);
}

#[test]
fn nothing_is_completed_without_words() {
    assert_eq!(candidates(Cli::command(), vec![]), [""; 0]);
    assert_eq!(after("bpfkit"), [""; 0]);
}

/// Every word that is offered must be one of the grammar's, with the file names that it needs.
#[test]
fn offered_words_are_in_the_usage() {
    let mut command = Cli::command();
    command.build();

    for grammar in &GRAMMARS {
        let path = grammar.subcommand.map(str::to_owned);
        let usage = subcommand(&command, &path).clone().render_usage();
        let usage = usage.to_string();
        for before in [&[][..], &["o"], &["o", "p"], &["o", "p", "map"]] {
            let Next::Words(words) = (grammar.next)(before) else {
                continue;
            };
            for word in words {
                assert!(usage.contains(word), "{word}: {usage}");
            }
        }
    }
}

#[test]
fn odd_words_do_no_harm() {
    let odd: [&[u8]; 12] = [
        b"", b"-", b"--", b"=", b"-x", b"--x=", b"-k", b"--base", b"prog", b"p", b"check", b"\xff",
    ];
    let mut random = Rng::with_seed(1);

    for _ in 0..200 {
        let mut words = vec![OsString::from("bpfkit")];
        for _ in 0..random.usize(..8) {
            words.push(OsStr::from_bytes(odd[random.usize(..odd.len())]).into());
        }
        candidates(Cli::command(), words);
    }
}
