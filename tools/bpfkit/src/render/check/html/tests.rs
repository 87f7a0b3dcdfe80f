// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use serde_json::json;
use serde_json::Value;

use crate::check::Base;
use crate::check::Checked;
use crate::check::Outcome;
use crate::check::Refusal;
use crate::fit::Fit;
use crate::fit::ModuleError;
use crate::fit::NotAModule;
use crate::fit::Obstacle;
use crate::render::printable;

use super::text::hash;
use super::text::number;
use super::*;

const ABOUT: About<'_> = About {
    time: 0,
    base: None,
    symbols: None,
};

/// A module that each kernel refuses because it does not export these symbols; none for one that it
/// accepts.
fn row<'a>(module: &'a str, symbols: &[Option<&str>]) -> Row<'a> {
    let matching = Outcome::Relocated {
        types: vec![],
        refusal: None,
    };
    let fit = |symbol: &Option<&str>| Fit {
        obstacles: symbol.map(missing).into_iter().collect(),
        ..Fit::default()
    };
    let checked = Checked {
        base: Base::Own,
        outcomes: vec![matching; symbols.len()],
    };

    Row {
        module: module.as_ref(),
        result: Ok((checked, symbols.iter().map(fit).collect())),
    }
}

fn missing(symbol: &str) -> Obstacle {
    Obstacle::Missing {
        symbols: vec![symbol.into()],
    }
}

fn kernels(paths: &[&str]) -> Vec<PathBuf> {
    paths.iter().map(PathBuf::from).collect()
}

/// The data in a page.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();

    serde_json::from_str(data).unwrap()
}

#[test]
fn the_data_have_all_once() {
    let rows = [
        row("m/a.ko", &[None, Some("f")]),
        row("m/x/b.ko", &[Some("g"), Some("f")]),
        row("m/x/c.ko", &[Some("g"), None]),
    ];
    let page = page(&rows, &kernels(&["k/1/vmlinux", "k/2/vmlinux"]), &ABOUT).unwrap();

    let want = json!({
        "kernels": [{"name": "1", "path": "k/1/vmlinux"}, {"name": "2", "path": "k/2/vmlinux"}],
        "verdicts": [
            {"text": "BTF ok", "class": "btf-ok", "refusal": false},
            {"text": "does not load", "class": "does-not-load", "refusal": true},
        ],
        "words": [["BTF ok", 0], ["does not load", 1]],
        "reasons": ["the kernel does not export f", "the kernel does not export g"],
        "cells": [[0, 0, ""], [1, 1, "0"], [1, 1, "1"]],
        "rows": [["a.ko", [0, 1]], ["x/b.ko", [2, 1]], ["x/c.ko", [2, 0]]],
    });
    assert_eq!(data(&page), want);
}

#[test]
fn the_summary_needs_no_script() {
    let no_module = Row {
        module: "m/ls".as_ref(),
        result: Err(ModuleError::new("m/ls".as_ref(), NotAModule::Elf)),
    };
    let rows = [
        row("m/a.ko", &[None, Some("f")]),
        row("m/b.ko", &[None, None]),
        no_module,
    ];
    let about = About {
        base: Some("own".as_ref()),
        symbols: Some("Module.symvers".as_ref()),
        ..ABOUT
    };
    let page = page(&rows, &kernels(&["1/vmlinux", "2/vmlinux"]), &about).unwrap();
    let (summary, _) = page.split_once("id=\"data\"").unwrap();

    for part in [
        "<h1>3 modules on 2 kernels</h1>",
        "<strong>2</strong> of 3 modules have a problem on a kernel.",
        "<dt>Modules in</dt><dd><span class=\"path\">m</span>",
        "<dt>Built for</dt><dd><span class=\"path\">own</span>",
        "<dt>Symbols</dt><dd><span class=\"path\">Module.symvers</span>",
        concat!("<dd>bpfkit ", env!("CARGO_PKG_VERSION"), "</dd>"),
        "data-verdict=\"0\" data-kernel=\"0\" data-side=\"0\">2<",
        "data-verdict=\"0\" data-kernel=\"1\" data-side=\"1\">1<",
        "data-verdict=\"2\" data-kernel=\"1\" data-side=\"0\">1<",
        "<rect class=\"verdict btf-ok\" x=\"0\" width=\"666\" height=\"1\"/>\
         <rect class=\"verdict no-module\" x=\"666\" width=\"334\" height=\"1\"/>",
        "<span class=\"number\">1</span><span class=\"reason\" data-reason=\"1\">the kernel does not export f</span>",
        "<dt class=\"name\">2</dt><dd class=\"path\">2/vmlinux</dd>",
        "<noscript>",
    ] {
        assert!(summary.contains(part), "{part}");
    }
}

#[test]
fn rescued_modules_are_counted() {
    let refused_by_c = |module| {
        let mut row = row(module, &[None]);
        let refusal = Refusal::String { offset: 1 };
        if let Ok((checked, _)) = &mut row.result {
            checked.outcomes = vec![Outcome::Relocated {
                types: vec![],
                refusal: Some(refusal),
            }];
        }
        row
    };
    let lead = |rows: &[Row<'_>]| {
        let page = page(rows, &kernels(&["vmlinux"]), &ABOUT).unwrap();
        let (_, rest) = page.split_once("<p class=\"lead\">").unwrap();
        rest.split_once("</p>").unwrap().0.to_owned()
    };

    let page = page(&[refused_by_c("a.ko")], &kernels(&["vmlinux"]), &ABOUT).unwrap();
    assert!(
        page.contains("class=\"refused\" data-verdict=\"1\" data-kernel=\"0\" data-side=\"0\">1<")
    );
    assert!(
        page.contains("class=\"btf-ok\" data-verdict=\"0\" data-kernel=\"0\" data-side=\"1\">1<")
    );
    assert_eq!(lead(&[row("a.ko", &[None])]), "No problem was found.");
    assert_eq!(
        lead(&[refused_by_c("a.ko")]),
        "<strong>1</strong> of 1 module has a problem on a kernel. \
         Rust accepts <strong>1</strong> on a kernel where C refuses it."
    );
    assert_eq!(
        lead(&[
            refused_by_c("a.ko"),
            refused_by_c("b.ko"),
            row("c.ko", &[Some("f")])
        ]),
        "<strong>3</strong> of 3 modules have a problem on a kernel. \
         Rust accepts <strong>2</strong> on a kernel where C refuses them."
    );
}

#[test]
fn hostile_names_are_text() {
    const NAME: &str =
        "</script><script>alert(1)</script><!--\"'&\n\0\x1b[31m\u{9b}\u{202e}\u{2028}";
    let rows = [row(NAME, &[Some(NAME), None])];
    let about = About {
        base: Some(NAME.as_ref()),
        symbols: Some(NAME.as_ref()),
        ..ABOUT
    };
    let page = page(&rows, &kernels(&[NAME, "vmlinux"]), &about).unwrap();

    // Those of the data and of the page's own script.
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains("<!--"));
    let is_command = |c: char| (c.is_control() && !"\n\t".contains(c)) || c == '\u{202e}';
    assert!(!page.contains(is_command));
    // No name ends its line.
    assert!(!page.contains("&#39;&amp;\n") && !page.contains("'&\n"));
    let html = "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;!--&quot;&#39;&amp;\\n\\u{0}\\u{1b}[31m\
                \\u{9b}\\u{202e}";
    // Both files, a reason, and the kernel's path; its name is the end of that.
    assert_eq!(page.matches(html).count(), 4);

    let data = data(&page);
    assert_eq!(
        data["rows"][0][0],
        printable(NAME).rsplit_once('/').unwrap().1
    );
    assert_eq!(data["kernels"][0]["path"], printable(NAME));
    assert_eq!(
        data["reasons"][0],
        printable(&format!("the kernel does not export {NAME}"))
    );
}

#[test]
fn the_browser_loads_nothing() {
    let page = page(&[row("a.ko", &[None])], &kernels(&["vmlinux"]), &ABOUT).unwrap();
    let policy = format!(
        "content=\"default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'\"",
        hash(STYLE),
        hash(SCRIPT)
    );

    assert_eq!(page.matches(&policy).count(), 1);
    assert!(page.contains(&format!("<style>{STYLE}</style>")));
    assert!(page.contains(&format!("<script>{SCRIPT}</script>")));
    for word in [
        "http:",
        "https:",
        " src=",
        "url(",
        "@import",
        "<link",
        "fetch(",
        "innerHTML",
    ] {
        assert!(!page.contains(word), "{word}");
    }
    // The second is in the specification of the policy.
    assert_eq!(
        hash(""),
        "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    );
    assert_eq!(
        hash("alert('Hello, world.');"),
        "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="
    );
}

#[test]
fn modules_are_small() {
    let symbols: Vec<_> = (0..100)
        .map(|i| format!("a_symbol_with_a_name_{i}"))
        .collect();
    let modules: Vec<_> = (0..440)
        .map(|i| format!("kernel/drivers/net/{i}.ko"))
        .collect();
    let all: Vec<_> = (0..10).map(|i| format!("vmlinux-{i}")).collect();
    let rows: Vec<_> = modules
        .iter()
        .enumerate()
        .map(|(i, module)| {
            let mut row = row(module, &[None; 10]);
            for fit in row.result.iter_mut().flat_map(|(_, fits)| fits) {
                let obstacles = symbols.iter().skip(i % 90).map(|symbol| missing(symbol));
                fit.obstacles = obstacles.collect();
            }
            row
        })
        .collect();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    let page = page(&rows, &kernels(&all), &ABOUT).unwrap();

    // Of each module the name, and on 10 kernels up to 100 reasons.
    let len = data(&page).to_string().len();
    assert!(len < rows.len() * 70, "{len}");
}

#[test]
fn rare_reasons_are_on_request() {
    let symbols: Vec<_> = (0..60).map(|i| format!("f{i:02}")).collect();
    let rows: Vec<_> = symbols
        .iter()
        .map(|symbol| row("a.ko", &[Some(symbol)]))
        .collect();
    let page = |number: usize| page(&rows[..number], &kernels(&["vmlinux"]), &ABOUT).unwrap();

    assert!(page(0).contains("<p class=\"muted\">There are none.</p>"));
    assert!(!page(6).contains("<details>"));
    assert!(page(7).contains("<details><summary>1 more</summary>"));
    assert!(!page(46).contains("are rarer"));
    assert!(page(60).contains("<details><summary>40 more</summary>"));
    assert!(page(60).contains("14 are rarer"));
    assert_eq!(page(60).matches("data-reason=").count(), 46);

    let rows: Vec<_> = symbols
        .iter()
        .map(|symbol| row("a.ko", &[Some(symbol.as_str()); 7]))
        .collect();
    let several = super::page(&rows, &kernels(&["k"; 7]), &ABOUT).unwrap();
    let (top, _) = several.split_once("<details>").unwrap();
    assert_eq!(top.matches("data-reason=").count(), 14);
}

#[test]
fn numbers_have_commas() {
    let numbers = [0, 999, 1000, 4216, 1_234_567].map(number);
    assert_eq!(numbers, ["0", "999", "1,000", "4,216", "1,234,567"]);
}
