// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

#[test]
fn lines_are_not_longer_than_the_terminal() {
    let text = "one two three four";

    assert_eq!(lines(text, "  ", None), "  one two three four\n");
    assert_eq!(lines(text, "  ", Some(20)), "  one two three four\n");
    assert_eq!(lines(text, "  ", Some(19)), "  one two three\n      four\n");
    assert_eq!(
        lines(text, "", Some(1)),
        "one\n    two\n    three\n    four\n"
    );
}

#[test]
fn names_cannot_command_a_terminal() {
    assert_eq!(printable("a\u{1b}[1mb\n"), "a\\u{1b}[1mb\\n");
    assert_eq!(lines("\u{7}", "", None), "\\u{7}\n");
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
