// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use splitbtf::Builder;
use zerocopy::LE;

use super::*;

/// Looks up a name in a kernel that has structs with these names.
fn find(names: &[&str], name: &str) -> Vec<u32> {
    let mut builder = Builder::<LE>::new();
    for name in names {
        builder.structure(name.as_bytes(), 8, &[]);
    }
    let input = Input::from_bytes("vmlinux".into(), builder.finish().unwrap()).unwrap();
    let vmlinux = Vmlinux::<LE>::of(&input).unwrap();

    let found = vmlinux.names().find(name.as_bytes()).collect();
    found
}

/// Kernels before 7.3 do not sort their types, and the file does not say whether they are
/// sorted.
#[test]
fn types_are_found_whether_they_are_sorted_or_not() {
    let sorted = ["", "", "a", "b", "b", "c", "d"];
    // One type is out of order; or an anonymous type comes after the named ones.
    let moved = ["", "", "d", "a", "b", "b", "c"];
    let unnamed = ["", "a", "b", "b", "c", "d", ""];

    for (names, b) in [(sorted, [4, 5]), (moved, [5, 6]), (unnamed, [3, 4])] {
        assert_eq!(find(&names, "b"), b, "{names:?}");
        for name in ["a", "c", "d"] {
            let id = names.iter().position(|other| *other == name).unwrap() + 1;
            assert_eq!(find(&names, name), [id as u32], "{names:?}");
        }
        assert!(find(&names, "e").is_empty(), "{names:?}");
    }
}
