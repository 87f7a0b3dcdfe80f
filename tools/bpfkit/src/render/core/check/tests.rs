// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use core_relo::Source;

use super::*;
use crate::core::check::Place;
use crate::FileError;

fn finding(effect: Effect, subject: &str, line: u32) -> Finding {
    let source = Source {
        file: "src/a.bpf.c".into(),
        line,
        column: 1,
        text: String::new(),
    };

    Finding {
        effect,
        subject: subject.into(),
        reason: "the kernel does not have it".into(),
        instead: None,
        places: vec![Place {
            program: "prog".into(),
            insn: Some(1),
            source: Some(source),
        }],
    }
}

fn checked(findings: Vec<Finding>) -> Checked {
    Checked {
        relocations: 3,
        demands: 1,
        findings,
    }
}

fn row(object: &str, all: Vec<Checked>) -> Row<'_> {
    Row {
        object: Path::new(object),
        result: Ok(all),
    }
}

fn missing(path: &str) -> Row<'_> {
    let error = std::io::Error::from(std::io::ErrorKind::NotFound);

    Row {
        object: Path::new(path),
        result: Err(FileError::new(Path::new(path), error)),
    }
}

#[test]
fn verdicts_and_their_words() {
    let text = |findings| {
        let rows = [row("a.o", vec![checked(findings)])];
        let kernels = ["vmlinux".into()];
        let text = table(&rows, &kernels, Detail::default());
        let json = serde_json::to_value(pairs(&rows, &kernels)).unwrap();
        let line = text.lines().nth(2).unwrap().to_owned();
        (line, json[0]["verdict"].as_str().unwrap().to_owned())
    };
    let of = |effect| finding(effect, "struct s.f", 1);
    let expect = |findings, word: &str, json: &str| {
        assert_eq!(text(findings), (format!("a.o     {word}"), json.to_owned()));
    };

    expect(vec![], "relocates", "relocates");
    expect(vec![of(Effect::Unknown)], "relocates", "relocates");
    expect(
        vec![of(Effect::Guarded), of(Effect::Guarded)],
        "relocates, 2 guarded",
        "guarded",
    );
    expect(
        vec![of(Effect::Poisoned), of(Effect::Guarded)],
        "may fail, 1 poisoned",
        "poisoned",
    );
    expect(
        vec![of(Effect::Refused), of(Effect::Poisoned)],
        "fails",
        "fails",
    );
}

#[test]
fn one_object_has_its_reasons() {
    let mut other = finding(Effect::Guarded, "struct s.f", 4);
    other.instead = Some("there is a union s".into());
    let rows = [row(
        "a.o",
        vec![
            checked(vec![finding(Effect::Refused, "kfunc k", 7), other.clone()]),
            checked(vec![other]),
        ],
    )];
    let kernels = ["x/one".into(), "x/two".into()];
    let want = "\
Kernels in x:
    one  one
    two  two

OBJECT  one    two
a.o     fails  relocates, 1 guarded
    one: refused: kfunc k: the kernel does not have it
        a.bpf.c:7 in prog
    all kernels: guarded: struct s.f: the kernel does not have it; there is a union s
        a.bpf.c:4 in prog
";

    assert_eq!(table(&rows, &kernels, Detail::default()), want);
}

#[test]
fn several_objects_get_a_summary() {
    let bad = || vec![checked(vec![finding(Effect::Refused, "kfunc k", 7)])];
    let rows = [
        row("x/good.o", vec![checked(vec![])]),
        row("x/a.o", bad()),
        row("x/b.o", bad()),
        row(
            "x/c.o",
            vec![checked(vec![finding(Effect::Poisoned, "struct s.f", 1)])],
        ),
        missing("x/d.o"),
    ];
    let kernels = ["vmlinux".into()];
    let text = |detail| table(&rows, &kernels, detail);
    let summary = "5 objects on vmlinux: 1 relocates; 1 may fail; 2 fails; 1 unreadable\n";
    let reasons = "
2 objects: refused: kfunc k: the kernel does not have it
    a.o, b.o
1 object: poisoned: struct s.f: the kernel does not have it
    c.o
";
    let lines = "
Objects in x:
OBJECT  VERDICT
a.o     fails
b.o     fails
c.o     may fail, 1 poisoned
d.o     unreadable
";

    assert_eq!(
        text(Detail::default()),
        format!("{summary}{reasons}{lines}")
    );
    let all = Detail {
        all: true,
        ..Detail::default()
    };
    assert!(text(all).contains("\ngood.o  relocates\n"));
    let below = Detail {
        reasons: true,
        ..Detail::default()
    };
    assert!(!text(below).contains("2 objects:"));
    assert!(text(below).contains("\nb.o     fails\n    refused: kfunc k"));
}

#[test]
fn several_objects_on_several_kernels() {
    let bad = checked(vec![finding(Effect::Refused, "kfunc k", 7)]);
    let may = checked(vec![finding(Effect::Poisoned, "struct s.f", 1)]);
    let rows = [
        row("a.o", vec![bad.clone(), checked(vec![])]),
        row("b.o", vec![may, bad]),
    ];
    let kernels = ["k/7.2/vmlinux".into(), "k/7.3/vmlinux".into()];
    let want = "\
Kernels in k:
    7.2  7.2/vmlinux
    7.3  7.3/vmlinux

2 objects on 2 kernels:
KERNEL  relocates  may fail  fails
7.2     0          1         1
7.3     1          0         1
";
    let text = table(&rows, &kernels, Detail::default());

    assert!(text.starts_with(want), "{text}");
    assert!(
        text.contains("\nOBJECT  7.2                   7.3\n"),
        "{text}"
    );
    let narrow = Detail {
        reasons: true,
        width: Some(38),
        ..Detail::default()
    };
    let text = table(&rows, &kernels, narrow);
    assert!(text.lines().all(|line| line.len() <= 38), "{text}");
    assert_eq!(text.matches("OBJECT").count(), 2, "{text}");
}

#[test]
fn json_has_the_findings() {
    let rows = [
        row(
            "a.o",
            vec![checked(vec![finding(Effect::Refused, "kfunc k", 7)])],
        ),
        missing("b.o"),
    ];
    let kernels = ["vmlinux".into()];
    let json = serde_json::to_value(pairs(&rows, &kernels)).unwrap();

    assert_eq!(json[0]["object"], "a.o");
    assert_eq!(json[0]["kernel"], "vmlinux");
    assert_eq!(json[0]["relocations"], 3);
    assert_eq!(json[0]["findings"][0]["effect"], "refused");
    assert_eq!(json[0]["findings"][0]["places"][0]["source"]["line"], 7);
    assert_eq!(json[1]["verdict"], "unreadable");
    assert_eq!(json[1]["findings"], serde_json::Value::Null);
    assert!(rows[1].unreadable().is_some());
    assert_eq!(rows[1].worst(), Some(Effect::Refused));
}
