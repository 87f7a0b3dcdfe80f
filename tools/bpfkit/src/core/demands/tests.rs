// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use splitbtf::Int;

use crate::core::testing::call;
use crate::core::testing::exit;
use crate::core::testing::Sample;
use crate::core::testing::Undefined;

use super::*;

#[test]
fn weak_symbols_types_and_uses() {
    let undefined = |name, weak, uses| Undefined { name, weak, uses };
    let sample = Sample {
        section: "tc",
        insns: vec![call(), call(), exit()],
        undefined: vec![
            undefined("f", false, vec![0, 1]),
            undefined("v", true, vec![]),
        ],
        ..Sample::default()
    };
    let file = sample.build(|b| {
        let int = b.int(b"int", Int::signed(4));
        let proto = b.func_proto(int, &[]);
        let func = b.func(b"f", proto, 2);
        let alias = b.typedef(b"alias", int);
        let constant = b.constant(alias);
        let var = b.var(b"v", constant, 2);
        let void = b.constant(0);
        let plain = b.var(b"p", void, 2);
        b.datasec(
            b".ksyms",
            0,
            &[(func, 0, 0), (var, 0, 4), (plain, 0, 0), (int, 0, 0)],
        );
    });
    let demands = &file.demands;
    let ksym = |name: &str, weak, function, ty| Ksym {
        name: name.into(),
        weak,
        function,
        ty,
    };

    assert_eq!(
        demands.ksyms,
        [
            ksym("f", false, true, 2),
            // Typedefs and modifiers are left out.
            ksym("v", true, false, 1),
            ksym("p", false, false, 0),
        ]
    );
    let here = |offset| ("tc".to_owned(), offset);
    assert_eq!(demands.uses_of("f"), [here(0), here(8)]);
    assert_eq!(demands.uses_of("v"), []);
    assert_eq!(demands.relocated("tc"), Some(&[0, 8].into()));
    let line = |offset| demands.line(&file.content.types, "tc", offset);
    assert_eq!(line(8).unwrap().line, 2);
    assert_eq!(line(12).unwrap().text, "x = y;");
    assert_eq!(demands.line(&file.content.types, "other", 0), None);
}
