// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use clap::CommandFactory;

use super::*;
use crate::Cli;

fn page(file: &str) -> String {
    let pages = pages(&Cli::command(), "2026-11-26");
    let page = pages.into_iter().find(|page| page.file == file);

    // A dash is written so that it can be copied.
    page.unwrap().text.replace("\\-", "-")
}

/// The lines of a section.
fn section<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let title = format!(".SH {name}");
    let lines = page.lines().skip_while(|line| *line != title).skip(1);

    lines.take_while(|line| !line.starts_with(".SH")).collect()
}

#[test]
fn every_subcommand_has_a_page_with_all_sections() {
    let pages = pages(&Cli::command(), "2026-11-26");

    assert!(pages.len() > 10);
    for page in pages {
        assert!(!page.file.contains("complete"), "{}", page.file);
        for name in [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "OPTIONS",
            "\"GLOBAL OPTIONS\"",
            "\"EXIT STATUS\"",
            "\"SEE ALSO\"",
        ] {
            assert!(
                !section(&page.text, name).is_empty(),
                "{}: {name}",
                page.file
            );
        }
    }
}

#[test]
fn titles_have_a_date_and_a_version() {
    let title = page("bpfkit-btf-check.1");
    let title = title.lines().find(|line| line.starts_with(".TH"));

    assert_eq!(
        title,
        Some(".TH BPFKIT-BTF-CHECK 1 2026-11-26 \"bpfkit 0.1.0\" \"User Commands\"")
    );
    let pages = pages(&Cli::command(), "");
    assert!(pages[0].text.contains(".TH BPFKIT 1 \"\" \"bpfkit 0.1.0\""));
}

#[test]
fn synopses_are_the_usages() {
    assert_eq!(
        section(&page("bpfkit-btf-diff.1"), "SYNOPSIS"),
        ["\\fBbpfkit btf diff\\fR [OPTIONS] <A> <B>"]
    );
    assert_eq!(
        section(&page("bpfkit-prog-bind.1"), "SYNOPSIS"),
        [
            "\\fBbpfkit prog bind\\fR [OPTIONS] PROG MAP...",
            ".PP",
            "PROG, MAP: id N | pinned PATH"
        ]
    );
    let load = page("bpfkit-prog-load.1");
    let load = section(&load, "SYNOPSIS");
    assert_eq!(load.iter().filter(|line| **line == ".br").count(), 3);
}

#[test]
fn options_have_their_values() {
    let check = page("bpfkit-btf-check.1");

    for head in [
        "\\fB-k\\fR, \\fB--kernel\\fR \\fI<VMLINUX>...\\fR",
        "\\fB--fail-on\\fR \\fI<KERNEL>\\fR",
        "\\fI[MODULE]...\\fR",
        "\\fB-h\\fR, \\fB--help\\fR",
        "\\fBnever\\fR",
    ] {
        assert!(section(&check, "OPTIONS").contains(&head), "{head}");
    }
    assert!(section(&check, "\"GLOBAL OPTIONS\"").contains(&"Print JSON"));
    assert!(section(&page("bpfkit-btf-dump.1"), "OPTIONS")
        .contains(&"The section of FILE with the types [default: .BTF]"));
}

#[test]
fn pages_name_their_neighbours() {
    assert_eq!(
        section(&page("bpfkit-prog.1"), "\"SEE ALSO\""),
        [
            "\\fBbpfkit\\fR(1),",
            "\\fBbpfkit-btf\\fR(1),",
            "\\fBbpfkit-core\\fR(1),",
            "\\fBbpfkit-gen\\fR(1),",
            "\\fBbpfkit-feature\\fR(1),",
            "\\fBbpfkit-help-files\\fR(1),",
            "\\fBbpfkit-prog-load\\fR(1),",
            "\\fBbpfkit-prog-loadall\\fR(1),",
            "\\fBbpfkit-prog-bind\\fR(1),",
            "\\fBbpfkit-prog-show\\fR(1),",
            "\\fBbpftool-prog\\fR(8)"
        ]
    );
    let check = page("bpfkit-btf-check.1");
    let check = section(&check, "\"SEE ALSO\"");
    assert!(check.contains(&"\\fBbpfkit-btf\\fR(1),"));
    assert!(check.contains(&"\\fBbpfkit-btf-diff\\fR(1),"));
    assert!(!check.contains(&"\\fBbpfkit-btf-check\\fR(1),"));
}

#[test]
fn help_texts_are_sections() {
    let mut page = Roff::new();
    paragraph(&mut page, "Words of\nprose.");
    paragraph(&mut page, "- One\n  item.\n- Another.");
    paragraph(&mut page, "  as it is\n  so");
    statuses(&mut page, "Exit status:\n  0  well\n  2  not\n     read");

    assert_eq!(
        page.to_roff().lines().collect::<Vec<_>>(),
        [
            ".PP",
            "Words of",
            "prose.",
            ".IP \\(bu 2",
            "One",
            "item.",
            ".IP \\(bu 2",
            "Another.",
            ".PP",
            ".nf",
            "as it is",
            "so",
            ".fi",
            ".TP",
            "\\fB0\\fR",
            "well",
            ".TP",
            "\\fB2\\fR",
            "not",
            "read"
        ]
    );
}

#[test]
fn the_exit_status_is_the_subcommands_own() {
    let diff = page("bpfkit-btf-diff.1");
    let load = page("bpfkit-prog-load.1");
    let begin = "The exit status is 0 if nothing is different";

    assert!(section(&diff, "\"EXIT STATUS\"")[0].starts_with(begin));
    assert!(section(&load, "\"EXIT STATUS\"").contains(&"all went well"));
    assert!(!section(&diff, "DESCRIPTION")
        .iter()
        .any(|line| line.starts_with(begin)));
}
