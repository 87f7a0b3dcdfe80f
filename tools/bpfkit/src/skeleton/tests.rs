// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

#[test]
fn skeletons_have_the_names_of_files() {
    assert_eq!(name_of(Path::new("/a/my-filter.bpf.o")), "my_filter");
    for name in ["a", "filter", "my_filter2"] {
        assert!(is_name(name), "{name}");
    }
    for name in ["", "_", "a_", "_a", "a__b", "1a", "a-b", "ä"] {
        assert!(!is_name(name), "{name}");
    }
}

#[test]
fn names_of_fields_are_those_of_rust() {
    assert_eq!(short_name("owner").as_deref(), Some("owner"));
    assert_eq!(short_name("type").as_deref(), Some("r#type"));
    for name in ["", "1st", "self", "_", "a-b"] {
        assert_eq!(short_name(name), None, "{name}");
    }
}
