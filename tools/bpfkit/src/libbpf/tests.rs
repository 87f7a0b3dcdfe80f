// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

fn say(message: &str) {
    keep(&format!("libbpf: {message}\n"), false);
}

#[test]
fn the_verdict_ends_with_the_reason() {
    let messages = Messages::listen(None);
    say("prog 'p': BPF program load failed: -EACCES");
    say(
        "prog 'p': -- BEGIN PROG LOAD LOG --\n0: r1 = 0\nR1 invalid mem access 'scalar'\n\
         processed 2 insns (limit 1000000)\n-- END PROG LOAD LOG --",
    );
    say("prog 'p': failed to load: -EACCES");
    say("failed to load object 'o'");

    let verdict = messages.verdict().unwrap();
    assert_eq!(verdict.program, "p");
    assert_eq!(verdict.log, ["0: r1 = 0", "R1 invalid mem access 'scalar'"]);
    assert_eq!(
        messages.reasons(),
        ["prog 'p': BPF program load failed: -EACCES"]
    );
    assert_eq!(messages.failed_program().as_deref(), Some("p"));
    assert_eq!(messages.btf_refusal(), None);
}

#[test]
fn a_diagnosis_ends_with_its_reason() {
    let log = "0: r1 = 0\nR1 invalid mem access 'scalar'\n\n\
               Verification failed: Type Safety: Invalid dereference\n\n\
               Reason:\n  R1 is an integer,\n  not a pointer.\n\n\
               At:\n  p @ p.c:3:2\n  Source context:\n\n\
               Suggestion:\n  Keep it.\n\nprocessed 2 insns\n";

    assert_eq!(
        end_of_log(log),
        [
            "0: r1 = 0",
            "R1 invalid mem access 'scalar'",
            "at p @ p.c:3:2",
            "Type Safety: Invalid dereference: R1 is an integer, not a pointer.",
        ]
    );
}

#[test]
fn a_refusal_of_btf_is_its_logs_last_line() {
    let messages = Messages::listen(None);
    say("Error loading .BTF into kernel: -EINVAL. BTF is optional, ignoring.");
    assert_eq!(messages.btf_refusal().as_deref(), Some("-EINVAL"));
    say(
        "-- BEGIN BTF LOAD LOG ---\nmagic: 0xeb9f\n[7] DATASEC .rodata Invalid size\n\n\
         -- END BTF LOAD LOG --",
    );
    assert_eq!(
        messages.btf_refusal().as_deref(),
        Some("[7] DATASEC .rodata Invalid size")
    );
    drop(messages);
    assert_eq!(Messages::listen(None).btf_refusal(), None);
}
