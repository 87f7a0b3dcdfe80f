// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

#[test]
fn only_users_without_privilege_are_told_so() {
    let refused = io::Error::from_raw_os_error(libc::EPERM);
    let trouble = |reason| {
        let path = "object".into();
        Error::Object { path, reason }.is_trouble()
    };

    let text = Reason::of_load(&["something".into()], &refused).to_string();
    assert!(text.ends_with("or root)"), "{text}");
    assert!(trouble(Reason::of_load(&[], &refused)));

    let log = ["0: exit".into(), "R0 !read_ok".into()];
    let verdict = Reason::of_verifier(&log, &io::Error::from_raw_os_error(libc::EACCES));
    assert!(verdict.to_string().ends_with("\n    R0 !read_ok"));
    assert!(!trouble(verdict));
}
