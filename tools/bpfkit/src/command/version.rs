// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit --version`.

use std::ffi::CStr;
use std::sync::LazyLock;

/// The commit that the command is built from, and its day. The build of the project sets them;
/// 'cargo install' does not.
const COMMIT: Option<&str> = option_env!("BPFKIT_COMMIT");
pub const DAY: &str = match option_env!("BPFKIT_DAY") {
    Some(day) => day,
    None => "",
};

/// The version, the commit, and libbpf's version.
pub static LONG: LazyLock<String> = LazyLock::new(|| {
    // SAFETY: It returns a string that is never freed.
    let libbpf = unsafe { CStr::from_ptr(libbpf_sys::libbpf_version_string()) };

    long(COMMIT, DAY) + "\nusing libbpf " + &libbpf.to_string_lossy()
});

fn long(commit: Option<&str>, day: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");

    match commit {
        None | Some("") => version.to_owned(),
        Some(commit) => format!("{version} ({commit}, {day})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_git_has_no_commit() {
        assert_eq!(long(None, ""), "0.1.0");
        assert_eq!(long(Some(""), ""), "0.1.0");
        assert_eq!(
            long(Some("0123456789ab-dirty"), "2026-11-26"),
            "0.1.0 (0123456789ab-dirty, 2026-11-26)"
        );
    }

    #[test]
    fn libbpf_is_named() {
        assert!(LONG.ends_with("\nusing libbpf v1.7"), "{}", *LONG);
    }
}
