// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use splitbtf::Mismatch;

use super::*;
use crate::check::Checked;
use crate::check::Finding;
use crate::check::Outcome;
use crate::check::Refusal;
use crate::check::Rust;
use crate::fit::Fit;
use crate::fit::ModuleError;
use crate::fit::NotAModule;
use crate::render::text::width;

const SIZE: Mismatch = Mismatch::Size {
    wanted: 24,
    found: 32,
};

fn finding(name: &str, rust: Rust) -> Finding {
    Finding {
        id: 1,
        kind: "STRUCT",
        name: name.into(),
        contained: rust.opaque.is_none(),
        rust,
        refused: Some(Refusal::Unmapped {
            id: 1,
            name: name.into(),
        }),
        keyword: Some("struct"),
    }
}

fn opaque(name: &str) -> Finding {
    let opaque = Some(Mismatch::Missing);

    finding(
        name,
        Rust {
            opaque,
            ..Rust::default()
        },
    )
}

fn differs(name: &str, mismatch: Mismatch) -> Finding {
    let mismatch = Some(mismatch);

    finding(
        name,
        Rust {
            mismatch,
            ..Rust::default()
        },
    )
}

fn outcome(types: Vec<Finding>) -> Outcome {
    let refusal = types.first().and_then(|ty| ty.refused.clone());

    Outcome::Relocated { types, refusal }
}

fn row(module: &str, outcomes: Vec<Outcome>) -> Row<'_> {
    let fits = vec![Fit::default(); outcomes.len()];
    let base = Base::Own;

    Row {
        module: module.as_ref(),
        result: Ok((Checked { base, outcomes }, fits)),
    }
}

fn kernels(number: usize) -> Vec<PathBuf> {
    let releases = ["7.2.12", "7.3.4-cloud", "7.3.4-rt", "7.4.1", "7.4.1-cloud"];
    let releases = releases
        .iter()
        .flat_map(|release| [release.to_string(), format!("{release}-dbg")]);

    let mut releases: Vec<_> = releases.collect();
    releases.sort_by_key(|release| release.ends_with("dbg"));
    let path = |release: &String| format!("/boot/vmlinuz-{release}-amd64").into();
    releases.iter().take(number).map(path).collect()
}

/// A module that fits the first kernel, is refused by all, or by stock kernels only.
fn rows(kernels: usize) -> [Row<'static>; 3] {
    let on = |name, types: fn(usize) -> Vec<Finding>| {
        row(
            name,
            (0..kernels).map(|kernel| outcome(types(kernel))).collect(),
        )
    };

    [
        on(
            "/m/net/wireless/iwlwifi/mld/tests/iwlmld-tests.ko",
            |kernel| match kernel {
                0 => vec![],
                _ => vec![opaque("urb"), opaque("i2c_client")],
            },
        ),
        on("/m/crypto/aegis128.ko", |_| vec![differs("mutex", SIZE)]),
        on("/m/fs/ext4/ext4.ko", |_| vec![]),
    ]
}

fn text(kernels: &[PathBuf], rows: &[Row<'_>], width: Option<usize>) -> String {
    let detail = Detail {
        width,
        ..Detail::default()
    };

    table(rows, kernels, detail)
}

fn widest(text: &str) -> usize {
    text.lines().map(width).max().unwrap()
}

#[test]
fn three_kernels_at_80_columns() {
    let want = "\
Kernels in /boot:
    7.2.12       vmlinuz-7.2.12-amd64
    7.3.4-cloud  vmlinuz-7.3.4-cloud-amd64
    7.3.4-rt     vmlinuz-7.3.4-rt-amd64
A / B: A on a stock kernel, B on one with Rust; opaque: BTF ok with opaque types

3 modules on 3 kernels:
KERNEL       BTF ok  opaque  refused
7.2.12       2       0       1
7.3.4-cloud  1       0 / 1   2 / 1
7.3.4-rt     1       0 / 1   2 / 1

1 module: struct i2c_client is opaque: not in 7.3.4-cloud, 7.3.4-rt
    iwlmld-tests.ko
1 module: struct mutex does not match: size 24 in the module, 32 in the kernels
    aegis128.ko
1 module: struct urb is opaque: not in 7.3.4-cloud, 7.3.4-rt
    iwlmld-tests.ko

Modules in /m:
MODULE                               7.2.12   7.3.4-cloud       7.3.4-rt
net/wireless/iwlw…s/iwlmld-tests.ko  BTF ok   refused / opaque  refused / opaque
crypto/aegis128.ko                   refused  refused           refused
";
    let found = text(&kernels(3), &rows(3), Some(80));
    assert_eq!(found, want);
    assert_eq!(widest(&found), 80);

    let wide = text(&kernels(3), &rows(3), Some(200));
    let whole = "net/wireless/iwlwifi/mld/tests/iwlmld-tests.ko  BTF ok   refused / opaque";
    assert!(wide.contains(whole));
    assert_eq!(wide, text(&kernels(3), &rows(3), None));
}

#[test]
fn one_kernel_has_two_columns() {
    let kernels = [PathBuf::from("vmlinux")];
    let types = || vec![opaque("urb"), opaque("i2c_client")];
    let long = "drivers/net/wireless/intel/iwlwifi/mld/tests/iwlmld-tests.ko";
    let rows = [row(long, vec![outcome(types())])];

    let want = "\
Kernel: vmlinux
MODULE                                           STOCK    WITH RUST
drivers/net/wireless/in…d/tests/iwlmld-tests.ko  refused  BTF ok, 2 opaque types
    struct urb is only pointed to and opaque: not in vmlinux
    struct i2c_client is only pointed to and opaque: not in vmlinux
";
    assert_eq!(text(&kernels, &rows, Some(80)), want);
    let wide = text(&kernels, &rows, Some(200));
    assert!(wide.contains(&format!("\n{long}  refused  BTF ok, 2 opaque types\n")));
    assert_eq!(wide, text(&kernels, &rows, None));

    let rows = [
        row("a.ko", vec![outcome(types())]),
        row("b.ko", vec![outcome(vec![])]),
    ];
    let want = "\
2 modules on vmlinux
    stock:     1 BTF ok, 1 refused
    with Rust: 1 BTF ok, 1 BTF ok with opaque types

1 module: struct i2c_client is opaque: not in vmlinux
    a.ko
1 module: struct urb is opaque: not in vmlinux
    a.ko

MODULE  STOCK    WITH RUST
a.ko    refused  BTF ok, 2 opaque types
";
    assert_eq!(text(&kernels, &rows, Some(80)), want);
}

#[test]
fn ten_kernels_fit() {
    let kernels = kernels(10);
    let rows = rows(10);
    let heads = |text: &str| -> Vec<String> {
        let heads = text.lines().filter(|line| line.starts_with("MODULE"));
        heads.map(str::to_owned).collect()
    };

    let wide = text(&kernels, &rows, Some(200));
    assert!(widest(&wide) <= 200);
    assert_eq!(heads(&wide).len(), 1);
    let narrow = text(&kernels, &rows, Some(80));
    assert!(widest(&narrow) <= 80);
    assert_eq!(heads(&narrow).len(), 4);
    for name in Kernels::new(&kernels).names {
        assert!(wide.contains(&format!("\n{name} ")), "{name}");
        assert!(narrow.contains(&format!("\n{name} ")), "{name}");
    }
    // Each of the tables has all rows.
    assert_eq!(narrow.matches("\ncrypto/aegis128.ko ").count(), 4);
    let plain = text(&kernels, &rows, None);
    assert_eq!(heads(&plain).len(), 1);
    assert!(!plain.contains('…'));
}

#[test]
fn reasons_name_their_kernels() {
    let kernels = kernels(3);
    let size = |found| Mismatch::Size { wanted: 24, found };
    let on = |types: [Vec<Finding>; 3]| types.map(outcome).to_vec();
    let rows = [
        row(
            "a.ko",
            on([
                vec![],
                vec![differs("s", size(32))],
                vec![differs("s", size(40)), differs("t", SIZE)],
            ]),
        ),
        row(
            "b.ko",
            on([
                vec![differs("t", SIZE)],
                vec![differs("t", SIZE)],
                vec![differs(
                    "t",
                    Mismatch::Ambiguous {
                        size: 4,
                        candidates: 2,
                    },
                )],
            ]),
        ),
        row(
            "c.ko",
            on([
                vec![differs("u", Mismatch::Missing)],
                vec![differs("u", Mismatch::Missing)],
                vec![differs("u", Mismatch::Missing)],
            ]),
        ),
        Row {
            module: "d.ko".as_ref(),
            result: Err(ModuleError::new("d.ko".as_ref(), NotAModule::Elf)),
        },
    ];

    let found = text(&kernels, &rows, None);
    let reasons = "\
2 modules: struct t does not match: size 24 in the module, 32 in the kernels; 2 candidates of size 4 in 7.3.4-rt
    a.ko, b.ko
";
    assert!(found.contains(reasons), "{found}");
    assert!(found.contains("\n1 module: struct s does not match: size 24 in the module, 32 in 7.3.4-cloud, 40 in 7.3.4-rt\n"));
    assert!(found.contains("\n1 module: struct u does not match: not in the kernels\n"));

    let detail = Detail {
        reasons: true,
        ..Detail::default()
    };
    let found = table(&rows, &kernels, detail);
    let want = "\
MODULE  7.2.12     7.3.4-cloud  7.3.4-rt
a.ko    BTF ok     refused      refused
    7.3.4-cloud: struct s is contained and does not match: size 24 in the module, 32 in vmlinux
    7.3.4-rt: struct s is contained and does not match: size 24 in the module, 40 in vmlinux
    7.3.4-rt: struct t is contained and does not match: size 24 in the module, 32 in vmlinux
b.ko    refused    refused      refused
    7.2.12, 7.3.4-cloud: struct t is contained and does not match: size 24 in the module, 32 in vmlinux
    7.3.4-rt: struct t is contained and does not match: 2 candidates of size 4
c.ko    refused    refused      refused
    all kernels: struct u is contained and does not match: not in vmlinux
";
    assert!(found.contains(want), "{found}");
    assert!(!found.contains("1 module:"));
}

#[test]
fn a_summary_has_the_most_frequent_reasons() {
    let names: Vec<_> = (0..25).map(|i| format!("s{i:02}")).collect();
    let types = |least: usize| names.iter().skip(least).map(|name| opaque(name)).collect();
    let rows = [
        row("a.ko", vec![outcome(types(0))]),
        row("b.ko", vec![outcome(types(24))]),
    ];
    let kernels = kernels(1);

    let found = text(&kernels, &rows, None);
    let first = "\n\n2 modules: struct s24 is opaque: not in vmlinux\n    a.ko, b.ko\n1 module: struct s00 ";
    assert!(found.contains(first), "{found}");
    assert!(found.contains("struct s18") && !found.contains("struct s19"));
    assert!(found.contains("\nand 5 more reasons: --all prints them\n"));
    let all = Detail {
        all: true,
        ..Detail::default()
    };
    let found = table(&rows, &kernels, all);
    assert!(found.contains("struct s23") && !found.contains("more reasons"));
}

#[test]
fn file_names_do_not_command_the_terminal() {
    let kernels = [PathBuf::from("/\x1b[2J/7.3"), "/\x1b[2J/7.4".into()];
    let fit = Fit {
        obstacles: vec![crate::fit::Obstacle::Release {
            module: "7.3\x1b[2J".into(),
            kernel: "7.4\u{9b}2J".into(),
        }],
        ..Fit::default()
    };
    let rows = ["/m\x1b[2J/a\x1b[2J\n.ko", "/m\x1b[2J/日本.ko"].map(|module| {
        let outcomes = vec![outcome(vec![opaque("s\x1b[2J")]); 2];
        Row {
            module: module.as_ref(),
            result: Ok((
                Checked {
                    base: Base::Own,
                    outcomes,
                },
                vec![fit.clone(); 2],
            )),
        }
    });

    for reasons in [true, false] {
        for kernels in [&kernels[..], &kernels[..1]] {
            let detail = Detail {
                reasons,
                ..Detail::default()
            };
            let found = table(&rows, kernels, detail);
            assert!(
                !found.contains(|c: char| c.is_control() && c != '\n'),
                "{found}"
            );
            assert!(found.contains("\nModules in /m\\u{1b}[2J:\n"), "{found}");
            assert!(found.contains("\na\\u{1b}[2J\\n.ko  refused"), "{found}");
            assert!(found.contains("\n日本.ko          refused"), "{found}");
        }
    }
}
