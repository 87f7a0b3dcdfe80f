// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What `scripts/check/schema` does not see in the output for real modules.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::json;
use serde_json::Value;
use splitbtf::Error;
use splitbtf::Mismatch;
use splitbtf::Section;
use splitbtf::SectionReason;
use splitbtf::TypeName;
use splitbtf::TypeReason;

use super::*;
use crate::check::Checked;
use crate::check::ParseError;
use crate::check::Problem;
use crate::check::Refusal;
use crate::fit::Obstacle;

/// The JSON for a module with this outcome.
fn module(base: Base, outcome: Outcome, fit: Fit) -> Value {
    let checked = Checked {
        base,
        outcomes: vec![outcome],
    };
    let rows = [Row {
        module: Path::new("a.ko"),
        result: Ok((checked, vec![fit])),
    }];
    let mut pairs = serde_json::to_value(pairs(&rows, &["vmlinux".into()])).unwrap();

    pairs[0].take()
}

fn relocated(types: Vec<Finding>, refusal: Option<Refusal>) -> Value {
    let outcome = Outcome::Relocated { types, refusal };

    module(Base::Own, outcome, Fit::default())
}

fn finding(rust: check::Rust, refused: Option<Refusal>) -> Finding {
    Finding {
        id: 6,
        kind: "STRUCT",
        name: "s".into(),
        contained: true,
        rust,
        refused,
        keyword: Some("struct"),
    }
}

#[test]
fn a_module_that_fits_has_all_members_that_are_never_left_out() {
    let json = relocated(vec![], None);

    assert_eq!(
        json,
        json!({
            "module": "a.ko",
            "kernel": "vmlinux",
            "stock": "btf_ok",
            "rust": "btf_ok",
            "base": "in_module",
            "opaque_types": 0,
            "types": [],
            "rust_log": [],
            "obstacles": [],
            "all_compared": false,
        })
    );
}

#[test]
fn a_type_has_numbers_beside_the_sentences() {
    let mismatch = Mismatch::Size {
        wanted: 8,
        found: 16,
    };
    let rust = check::Rust {
        mismatch: Some(mismatch),
        ..check::Rust::default()
    };
    let refusal = Refusal::Unmapped {
        id: 6,
        name: "s".into(),
    };
    let json = relocated(vec![finding(rust, Some(refusal.clone()))], Some(refusal));

    let refusal = json!({
        "text": "distilled base BTF type 's' [6] is not mapped to base BTF id",
        "reason": "unmapped",
        "id": 6,
        "name": "s",
    });
    assert_eq!(json["stock_refusal"], refusal);
    assert_eq!(
        json["rust_log"],
        json!(["struct s is contained and does not match: size 8 in the module, 16 in vmlinux"])
    );
    assert_eq!(
        json["types"][0],
        json!({
            "id": 6,
            "kind": "STRUCT",
            "name": "s",
            "contained": true,
            "text": "struct s is contained and does not match: size 8 in the module, 16 in vmlinux",
            "stock": "refused",
            "stock_refusal": refusal,
            "rust": "refused",
            "mismatch": {
                "text": "size 8 in the module, 16 in vmlinux",
                "reason": "size",
                "module_size": 8,
                "kernel_size": 16,
            },
        })
    );
}

#[test]
fn what_becomes_of_a_type_is_one_word() {
    let missing = Some(Mismatch::Missing);
    let none = check::Rust::default();
    let word = |rust| relocated(vec![finding(rust, None)], None)["types"][0]["rust"].take();

    assert_eq!(word(none), "matches");
    assert_eq!(
        word(check::Rust {
            kept: missing,
            ..none
        }),
        "kept"
    );
    let opaque = check::Rust {
        opaque: missing,
        ..none
    };
    assert_eq!(word(opaque), "opaque");
    let types = vec![finding(opaque, None), finding(none, None)];
    assert_eq!(relocated(types, None)["opaque_types"], 1);
}

#[test]
fn refusals_have_numbers() {
    let refusal = |refusal| relocated(vec![], Some(refusal))["stock_refusal"].take();
    let ambiguous = |size| {
        refusal(Refusal::Ambiguous {
            id: 3,
            name: "s".into(),
            candidates: [7, 9],
            size,
        })
    };

    let json = ambiguous(8);
    assert_eq!(json["reason"], "ambiguous");
    assert_eq!(json["candidate_ids"], json!([7, 9]));
    assert_eq!(json["candidate_size"], 8);
    assert_eq!(ambiguous(0).get("candidate_size"), None);
    let json = refusal(Refusal::String { offset: 2 });
    assert_eq!(
        (&json["reason"], &json["string_offset"]),
        (&"string".into(), &2.into())
    );
}

#[test]
fn malformed_btf_has_the_place_of_the_error() {
    let check = |problem: Problem, want: Value| {
        let section = ".BTF";
        let outcome = Outcome::Malformed { section, problem };
        let mut json = module(Base::Own, outcome, Fit::default())["malformed"].take();
        let object = json.as_object_mut().unwrap();
        assert_eq!(object.remove("section").unwrap(), section);
        assert!(object.remove("text").unwrap().is_string());
        assert_eq!(json, want);
    };
    let of_type = |kind, name, reason| {
        Problem::Btf(Error::Type {
            id: 7,
            kind,
            name: TypeName::new(name),
            offset: 96,
            reason,
        })
    };

    check(
        Problem::Parse(ParseError {
            id: Some(5),
            ty: Some(("STRUCT", "a b".into())),
            reason: "Invalid name".into(),
        }),
        json!({"found_by": "c", "id": 5, "kind": "STRUCT", "name": "a b"}),
    );
    check(
        of_type(4, b"s", TypeReason::NoSuchType { id: 99 }),
        json!({
            "found_by": "rust",
            "id": 7,
            "kind": "STRUCT",
            "name": "s",
            "offset": 96,
            "missing_id": 99,
        }),
    );
    check(
        of_type(77, b"", TypeReason::NoSuchString { offset: 9 }),
        json!({"found_by": "rust", "id": 7, "kind": 77, "offset": 96, "missing_string": 9}),
    );
    check(
        Error::Cycle { id: 7 }.into(),
        json!({"found_by": "rust", "id": 7}),
    );
    check(
        Error::Id { id: 7, end: 7 }.into(),
        json!({"found_by": "rust", "missing_id": 7}),
    );
    check(
        Error::String { offset: 7, end: 7 }.into(),
        json!({"found_by": "rust", "missing_string": 7}),
    );
    check(
        Problem::Btf(Error::Section {
            section: Section::Strings,
            offset: 8,
            len: 80,
            reason: SectionReason::Outside,
        }),
        json!({
            "found_by": "rust",
            "part": {"name": "string section", "offset": 8, "bytes": 80},
        }),
    );
    check(Error::ByteOrder.into(), json!({"found_by": "rust"}));
}

#[test]
fn a_foreign_module_has_the_name_that_shows_it() {
    let stranger = Stranger { id: 1, offset: 2 };
    let fit = Fit {
        built_for: Some("7.2.12".into()),
        ..Fit::default()
    };
    let json = module(Base::Kernel, Outcome::OtherBase(stranger), fit);

    assert_eq!(json["built_for"], "7.2.12");
    assert_eq!(json["foreign_name"]["id"], 1);
    assert_eq!(json["foreign_name"]["string_offset"], 2);
    assert_eq!(json["rust"], "other_kernel");
}

#[test]
fn obstacles_have_both_sides() {
    let check = |obstacle, want: Value| {
        let fit = Fit {
            obstacles: vec![obstacle],
            ..Fit::default()
        };
        let outcome = Outcome::Relocated {
            types: vec![],
            refusal: None,
        };
        let mut json = module(Base::Own, outcome, fit);
        assert_eq!(json["rust"], "does_not_load");
        let mut obstacle = json["obstacles"][0].take();
        assert!(obstacle.as_object_mut().unwrap().remove("text").is_some());
        assert_eq!(obstacle, want);
    };
    let sides = || ("m".to_owned(), "k".to_owned());
    let (module, kernel) = sides();

    check(
        Obstacle::Machine { module, kernel },
        json!({"reason": "machine", "module_machine": "m", "kernel_machine": "k"}),
    );
    let (module, kernel) = sides();
    check(
        Obstacle::Release { module, kernel },
        json!({"reason": "release", "module_release": "m", "kernel_release": "k"}),
    );
    let (module, kernel) = sides();
    check(
        Obstacle::Options { module, kernel },
        json!({"reason": "options", "module_options": "m", "kernel_options": "k"}),
    );
    check(
        Obstacle::StructModule {
            module: 1,
            kernel: 2,
        },
        json!({"reason": "struct_module", "module_size": 1, "kernel_size": 2}),
    );
    let symbols = || vec!["a".to_owned(), "b".into(), "c".into(), "d".into()];
    check(
        Obstacle::Missing { symbols: symbols() },
        json!({"reason": "missing_symbols", "symbols": symbols()}),
    );
    check(
        Obstacle::Versions { symbols: symbols() },
        json!({"reason": "symbol_versions", "symbols": symbols()}),
    );
}

#[test]
fn a_path_need_not_be_utf_8() {
    let path = Path::new(OsStr::from_bytes(b"a\xff.ko"));

    assert_eq!(serde_json::json!(PathText(path)), "a\u{fffd}.ko");
}
