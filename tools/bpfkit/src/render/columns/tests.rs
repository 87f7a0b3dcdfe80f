// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

fn columns(heads: [&str; 3]) -> Columns {
    Columns {
        corner: "NAME",
        heads: heads.map(str::to_owned).into(),
        rows: vec![("a".repeat(30), vec!["1".into(), "2".into(), "3".into()])],
    }
}

fn shown(columns: &Columns, most: usize) -> String {
    columns.show(Some(most), |row, columns| format!("{row} {columns:?}\n"))
}

#[test]
fn names_are_cut_before_heads() {
    let columns = columns(["first-kernel", "second-kernel", "third-kernel"]);
    let name = "a".repeat(30);

    assert_eq!(
        shown(&columns, 73),
        format!("NAME{}  first-kernel  second-kernel  third-kernel\n{name}  1             2              3\n0 0..3\n", " ".repeat(26))
    );
    let narrow = shown(&columns, 63);
    assert!(
        narrow.contains("  first-kernel  second-kernel  third-kernel\naaaaaaaaa…aaaaaaaaaa  1 "),
        "{narrow}"
    );
    let narrower = shown(&columns, 62);
    assert!(
        narrower.contains("  firs…ernel  seco…ernel  thir…ernel\naaaaaaaaaaaa…aaaaaaaaaaaaa  1 "),
        "{narrower}"
    );
    let split = shown(&columns, 55);
    assert!(split.contains("  firs…ernel  seco…ernel\n"), "{split}");
    assert!(split.contains("0 0..2\n\nNAME"), "{split}");
    assert!(split.ends_with("0 2..3\n"), "{split}");
}

#[test]
fn heads_differ_when_they_are_cut() {
    let columns = columns(["kernel-one-of-debian", "kernel-two-of-debian", "x"]);

    let narrow = shown(&columns, 60);
    assert!(
        narrow.contains("  kernel-o…f-debian  kernel-t…f-debian"),
        "{narrow}"
    );
}
