// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

#[test]
fn nothing_commands_the_terminal() {
    assert_eq!(printable("a\x1b[31m\n\u{9b}m"), r"a\u{1b}[31m\n\u{9b}m");
    assert_eq!(printable("ko.\u{202e}txt"), r"ko.\u{202e}txt");
    let same = r#"Pair<u8, 'é'> "\ 日本 …"#;
    assert_eq!(printable(same), same);
}

#[test]
fn the_middle_is_cut() {
    assert_eq!(cut("abcdef.ko", 9), "abcdef.ko");
    assert_eq!(cut("abcdef.ko", 8), "abc…f.ko");
    assert_eq!(cut("abcdef.ko", 7), "abc….ko");
    assert_eq!(cut("abcdef.ko", 2), "…o");
    assert_eq!(cut("abcdef.ko", 0), "…");
    // These take two columns each.
    assert_eq!(cut("日本日本", 8), "日本日本");
    assert_eq!(cut("日本日本", 7), "日…本");
    assert_eq!(width("日…本"), 5);
}

#[test]
fn columns_are_padded() {
    assert_eq!(padded("é", 3), "é  ");
    assert_eq!(padded("日本", 3), "日本");
}

#[test]
fn long_lines_are_wrapped() {
    let text = "struct inode is contained";

    assert_eq!(lines(text, "  ", None), format!("  {text}\n"));
    assert_eq!(lines(text, "  ", Some(27)), format!("  {text}\n"));
    assert_eq!(
        lines(text, "  ", Some(15)),
        "  struct inode\n      is\n      contained\n"
    );
    assert_eq!(lines("word", "  ", Some(1)), "  word\n");
}
