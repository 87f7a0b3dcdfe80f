// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use serde_json::json;
use serde_json::Value;

use super::*;

fn insn(imm: i32) -> Value {
    json!([{"code": 0xb7, "dst": 1, "src": 0, "off": 0, "imm": imm}])
}

fn spec(id: u32, text: &str, bits: u32) -> Value {
    json!({
        "type_id": id, "access": "0:1", "text": text, "bit_offset": bits,
        "steps": [{"step": "root", "of": id, "index": 0}]
    })
}

/// The decision for the offset of `s.f` in the program `prog`.
fn decision(change: impl FnOnce(&mut Value)) -> Result<Decision, Error> {
    let mut value = json!({
        "section": "tc", "program": "prog", "insn": 2, "section_insn": 2,
        "source": {"file": "x/a.bpf.c", "line": 7, "column": 1, "text": "x = s->f;"},
        "kind": "byte_off", "local": spec(3, "struct s.f", 32),
        "candidates": [{
            "btf": "vmlinux", "type_id": 9, "ty": "struct s", "verdict": "matches",
            "spec": spec(9, "struct s.f", 64), "value": 8
        }],
        "outcome": {"result": "found"}, "target": 0, "old_value": 4, "new_value": 8,
        "checked": true,
        "instruction": {
            "action": "patched", "field": "imm", "resized": null,
            "before": insn(4), "after": insn(8)
        }
    });
    change(&mut value);
    Ok(serde_json::from_value(value).unwrap())
}

fn absent() -> Result<Decision, Error> {
    decision(|value| {
        value["candidates"][0] = json!({
            "btf": "vmlinux", "type_id": 9, "ty": "struct s", "verdict": "differs",
            "reason": {"code": "no_member", "ty": "struct s", "member": "f"}
        });
        value["outcome"] = json!({"result": "absent"});
        value["target"] = Value::Null;
        value["new_value"] = Value::Null;
        value["instruction"] = json!({
            "action": "poisoned", "reason": "absent", "before": insn(4), "after": insn(0)
        });
    })
}

fn text(decisions: &[Result<Decision, Error>], all: bool, width: Option<usize>) -> String {
    let shown = Shown {
        object: Path::new("a.bpf.o"),
        kernel: Path::new("vmlinux"),
        modules: 2,
        decisions,
    };

    show(&shown, all, width)
}

#[test]
fn relocations_are_grouped_by_type() {
    let of_enum = decision(|value| {
        value["kind"] = json!("enumval_value");
        value["local"]["text"] = json!("enum e::X");
        value["local"]["steps"] = json!([]);
        value["source"] = Value::Null;
        value["instruction"]["action"] = json!("unchanged");
    });
    let want = "\
a.bpf.o on vmlinux with 2 modules: 3 relocations: 1 patched, 1 unchanged, 1 poisoned

enum e
    enumval_value ::X: 4 -> 8, unchanged
        prog +2
        vmlinux [9] struct s.f (0:1 @ 8)

struct s
    byte_off .f: 4 -> 8, patched
        a.bpf.c:7 in prog +2
        vmlinux [9] struct s.f (0:1 @ 8)
    byte_off .f: 4 -> absent, poisoned
        a.bpf.c:7 in prog +2
        vmlinux [9] struct s: struct s has no member f
";

    let decisions = [decision(|_| {}), of_enum, absent()];
    assert_eq!(text(&decisions, false, None), want);
}

#[test]
fn verbose_has_the_line_and_all_candidates() {
    let want = "
struct s
    byte_off .f: 4 -> 8, patched
        a.bpf.c:7 in prog +2
            x = s->f;
        object [3] struct s.f (0:1 @ 4)
        vmlinux [9] struct s.f (0:1 @ 8): matches, 8
";
    let text = text(&[decision(|_| {})], true, None);

    assert!(text.ends_with(want), "{text}");
}

#[test]
fn what_libbpf_refuses_is_said() {
    let ambiguous = decision(|value| {
        value["outcome"] = json!({"result": "ambiguous", "first": 0, "other": 0});
        value["target"] = Value::Null;
        value["instruction"]["action"] = json!("none");
    });
    let refused = decision(|value| {
        value["instruction"]["action"] = json!("refused");
        value["instruction"]["reason"] = json!({"code": "form"});
    });
    let malformed = Err(Error {
        section: "tc".into(),
        offset: 8,
        reason: core_relo::Invalid::Misaligned,
    });
    let text = text(&[ambiguous, refused, malformed], false, None);

    assert!(text.contains("3 relocations: 3 refused"), "{text}");
    assert!(text.contains(".f: 4 -> ambiguous, refused\n"), "{text}");
    assert!(
        text.contains("8, refused: the instruction cannot be relocated\n"),
        "{text}"
    );
    assert!(text.ends_with("\n\nCO-RE relocation at offset 8 of section tc: the offset is not a multiple of 8 bytes\n"), "{text}");
}

#[test]
fn sizes_that_change_are_said() {
    let resized = decision(|value| {
        value["instruction"]["field"] = json!("off");
        value["instruction"]["resized"] = json!({"from": 4, "to": 8});
    });
    let poisoned = decision(|value| {
        value["instruction"] = json!({
            "action": "poisoned", "reason": "size", "before": insn(4), "after": insn(0)
        });
    });
    let text = text(&[resized, poisoned], false, None);

    assert!(
        text.contains("4 -> 8, patched to 8 bytes from 4\n"),
        "{text}"
    );
    assert!(text.contains("4 -> 8, poisoned for its size\n"), "{text}");
}

#[test]
fn lines_fit_a_terminal() {
    let long = decision(|value| {
        let text = format!("struct s.{}", ["member"; 8].join("."));
        value["candidates"][0]["spec"]["text"] = json!(text);
    });
    let text = text(&[long, absent()], true, Some(80));

    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
}

#[test]
fn an_object_without_relocations() {
    assert_eq!(
        text(&[], false, None),
        "a.bpf.o on vmlinux with 2 modules: no CO-RE relocations\n"
    );
}
