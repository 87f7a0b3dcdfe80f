// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;
use crate::fit::Obstacle;
use crate::input::InputProblem;
use crate::Stranger;

const KERNEL: &str = "vmlinux";

fn row(base: Base, outcome: Outcome, fit: Fit) -> Row<'static> {
    let outcomes = vec![outcome];

    Row {
        module: "a.ko".as_ref(),
        result: Ok((Checked { base, outcomes }, vec![fit])),
    }
}

fn matching() -> Outcome {
    Outcome::Relocated {
        types: vec![],
        refusal: None,
    }
}

fn malformed() -> Outcome {
    Outcome::Malformed {
        section: ".BTF",
        problem: splitbtf::Error::Id { id: 7, end: 7 }.into(),
    }
}

/// The line of a module in the table, without its names, and the verdict in JSON.
fn verdict(row: Row<'_>) -> (String, String, bool) {
    let kernels = [KERNEL.into()];
    let rows = [row];
    let text = table(&rows, &kernels, Detail::default());
    let json = serde_json::to_value(pairs(&rows, &kernels)).unwrap();
    let line = text.lines().nth(2).unwrap().split_whitespace().skip(1);
    let words: Vec<_> = line.collect();

    (
        words.join(" "),
        json[0]["rust"].as_str().unwrap().to_owned(),
        rows[0].is_refused(Outcome::rust),
    )
}

fn expect(row: Row<'_>, text: &str, json: &str, refused: bool) {
    assert_eq!(
        verdict(row),
        (format!("{text} {text}"), json.into(), refused)
    );
}

fn fit(same_release: Option<bool>) -> Fit {
    Fit {
        same_release,
        built_for: Some("7.2.12".into()),
        ..Fit::default()
    }
}

#[test]
fn loads_only_if_all_is_known() {
    let complete = Fit {
        complete: true,
        ..fit(Some(true))
    };
    let other = Fit {
        obstacles: vec![Obstacle::StructModule {
            module: 1,
            kernel: 2,
        }],
        ..complete.clone()
    };

    expect(
        row(Base::Own, matching(), complete),
        "loads",
        "loads",
        false,
    );
    expect(
        row(Base::Own, matching(), fit(None)),
        "BTF ok",
        "btf_ok",
        false,
    );
    expect(
        row(Base::Own, matching(), other),
        "does not load",
        "does_not_load",
        true,
    );
    expect(
        row(Base::Own, malformed(), fit(None)),
        "malformed",
        "malformed",
        true,
    );
}

#[test]
fn a_module_without_a_base_is_for_one_kernel() {
    let take = |outcome, same| row(Base::Kernel, outcome, fit(same));
    let other = |row| expect(row, "other kernel", "other_kernel", true);

    expect(take(Outcome::AsIs, Some(true)), "BTF ok", "btf_ok", false);
    expect(take(Outcome::AsIs, None), "BTF ok", "btf_ok", false);
    expect(
        take(malformed(), Some(true)),
        "malformed",
        "malformed",
        true,
    );
    other(take(Outcome::AsIs, Some(false)));
    other(take(malformed(), Some(false)));
    other(take(malformed(), None));
    let stranger = Stranger { id: 1, offset: 2 };
    other(take(Outcome::OtherBase(stranger), None));

    let rows = [take(malformed(), None)];
    let hint = "it has no .BTF.base and was built for 7.2.12: give that kernel with --base";
    assert!(table(&rows, &[KERNEL.into()], Detail::default()).contains(hint));
}

#[test]
fn a_file_that_is_no_module_is_refused() {
    let row = Row {
        module: "ls".as_ref(),
        result: Err(ModuleError::new("ls".as_ref(), NotAModule::Elf)),
    };

    expect(row, "no module", "not_a_module", true);

    let row = Row {
        module: "gone".as_ref(),
        result: Err(ModuleError::new("gone".as_ref(), InputProblem::Layers)),
    };
    assert!(row.unreadable().is_some());
    expect(row, "unreadable", "unreadable", true);
}

#[test]
fn several_modules_get_a_summary() {
    let misfit = || Fit {
        obstacles: vec![Obstacle::StructModule {
            module: 1,
            kernel: 2,
        }],
        ..fit(Some(true))
    };
    let named = |module: &'static str, row: Row<'static>| Row {
        module: module.as_ref(),
        ..row
    };
    let rows = [
        named("x/good.ko", row(Base::Own, matching(), fit(None))),
        named("x/y/a.ko", row(Base::Own, matching(), misfit())),
        named("x/y/b.ko", row(Base::Own, matching(), misfit())),
        named("x/z/c.ko", row(Base::Own, malformed(), fit(None))),
    ];
    let text = |detail| table(&rows, &[KERNEL.into()], detail);
    let reason = "its struct module has 1 bytes, the kernel's has 2";

    let want = format!(
        "\
4 modules on vmlinux
    stock:     1 BTF ok, 1 malformed, 2 does not load
    with Rust: 1 BTF ok, 1 malformed, 2 does not load

2 modules: {reason}
    a.ko, b.ko
1 module: .BTF: there is no BTF type 7: the ids end before 7
    c.ko

Modules in x:
MODULE  STOCK          WITH RUST
y/a.ko  does not load  does not load
y/b.ko  does not load  does not load
z/c.ko  malformed      malformed
"
    );
    assert_eq!(text(Detail::default()), want);

    let all = Detail {
        all: true,
        ..Detail::default()
    };
    assert!(text(all).contains("good.ko  BTF ok"));
    let reasons = Detail {
        reasons: true,
        ..Detail::default()
    };
    let below = format!("y/b.ko  does not load  does not load\n    {reason}\n");
    assert!(text(reasons).contains(&below));
    assert!(!text(reasons).contains("2 modules:"));
}
