// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Tests the whole way from files with records to pages.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use report::html;
use report::markdown;
use report::record;
use report::section;
use report::Error;

/// Writes a file to cargo's folder for temporary files.
fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);

    fs::write(&path, text).unwrap();
    path
}

#[test]
fn records_of_two_boots_become_a_line_with_their_ratio() {
    let x = |n| format!(r#""x":{{"of":"maps","value":{n}}}"#);
    let ours = |n, ns| {
        let x = x(n);
        format!("{{\"group\":\"bind\",\"name\":\"a bind\",{x},\"ours\":[{ns}]}}\n")
    };
    let theirs = |n, ns| ours(n, ns).replace("ours", "theirs");
    let rust = file("rust.jsonl", &(ours(10, 500) + &ours(1, 100)));
    let c = file("c.jsonl", &(theirs(1, 200) + &theirs(10, 4000)));

    let mut records = record::read(&rust).unwrap();
    records.extend(record::read(&c).unwrap());
    let sections = section::sections(records);
    let text = markdown::section(&sections[0]);
    assert!(
        text.contains("| 1 | 1 | 200 ns | 100 ns | 2.00 |\n"),
        "{text}"
    );
    assert!(
        text.contains("| 10 | 1 | 4.00 µs | 500 ns | 8.00 |\n"),
        "{text}"
    );

    let page = html::page(&["CPU: one".into()], &sections).unwrap();
    assert_eq!(page.matches("<svg").count(), 1);
    assert!(page.contains("<li>CPU: one</li>") && page.contains("<h3>a bind</h3>"));
    // The page loads no other files.
    assert!(!page.contains("src=") && !page.contains("href="));
}

#[test]
fn rates_are_better_when_they_are_larger() {
    let text =
        r#"{"group":"contention","name":"binds","unit":"1/s","ours":[300,300],"theirs":[100]}"#;
    let sections = section::sections(record::read(&file("rates.jsonl", text)).unwrap());

    let text = markdown::section(&sections[0]);
    assert!(
        text.contains("| binds | 2, 1 | 100 /s | 300 /s | 3.00 |\n"),
        "{text}"
    );
}

#[test]
fn many_records_are_shown_in_pieces_and_one_that_differs_counts() {
    let text: String = (1..=60)
        .map(|n| {
            let equal = n != 15;
            format!(
                "{{\"group\":\"relocation\",\"name\":\"relocate\",\"x\":{{\"of\":\"split BTF\",\
                 \"unit\":\"B\",\"value\":{}}},\"ours\":[{n}],\"theirs\":[{}],\"equal\":{equal}}}\n",
                n * 1000,
                n * 7
            )
        })
        .collect();
    let sections = section::sections(record::read(&file("many.jsonl", &text)).unwrap());

    let text = markdown::section(&sections[0]);
    assert_eq!(
        text.lines().filter(|line| line.contains(" kB – ")).count(),
        6
    );
    assert!(
        text.contains("| 1.00 kB – 10.0 kB | 10 |") && text.contains("| 7.00 | yes |\n"),
        "{text}"
    );
    assert_eq!(text.matches("**no**").count(), 1, "{text}");
}

#[test]
fn a_broken_record_is_named_by_its_line() {
    let good = "{\"group\":\"image\",\"name\":\"text\",\"unit\":\"B\",\"ours\":[1]}\n";
    let broken = |name, text: &str| {
        let path = file(name, &format!("{good}{text}"));
        record::read(&path).unwrap_err()
    };

    let group = broken("group.jsonl", &good.replace("image", "images"));
    assert!(matches!(group, Error::Json { line: 2, .. }), "{group}");
    let half = broken("half.jsonl", "{\"group\":\"image\"");
    assert!(matches!(half, Error::Json { line: 2, .. }), "{half}");
    for ours in ["[]", "[0]", "[-1]"] {
        let error = broken("sample.jsonl", &good.replace("[1]", ours));
        assert!(matches!(error, Error::Sample { line: 2, .. }), "{error}");
    }
}
