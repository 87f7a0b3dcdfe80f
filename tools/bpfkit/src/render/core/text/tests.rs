// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

#[test]
fn names_cannot_command_a_terminal() {
    assert_eq!(
        wrapped("\u{7} \u{1b}[1mb", "  ", Some(10)),
        "  \\u{7}\n      \\u{1b}[1mb\n"
    );
}

#[test]
fn places_have_the_name_of_the_file() {
    let source = Source {
        file: "/build/x/a.bpf.c".into(),
        line: 7,
        column: 2,
        text: String::new(),
    };

    assert_eq!(
        place(Some(&source), "prog", Some(3)),
        "a.bpf.c:7 in prog +3"
    );
    assert_eq!(place(Some(&source), "prog", None), "a.bpf.c:7 in prog");
    assert_eq!(place(None, "prog", Some(3)), "prog +3");
}
