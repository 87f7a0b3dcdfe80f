// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Names and their flavours.

/// What separates a name from its flavour.
const SEPARATOR: &[u8] = b"___";

/// A name without its flavour: `task_struct` for `task_struct___old`.
///
/// The last separator counts, and only one between two bytes that are not underscores.
pub(crate) fn essential(name: &[u8]) -> &[u8] {
    let separated = |window: &[u8]| match window {
        [before, middle @ .., after] => *before != b'_' && middle == SEPARATOR && *after != b'_',
        _ => false,
    };
    let at = name.windows(5).rposition(separated);

    at.and_then(|at| name.get(..=at)).unwrap_or(name)
}

/// A name as text.
pub(crate) fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flavours_do_not_count() {
        let check = |name: &str, want: &str| {
            assert_eq!(text(essential(name.as_bytes())), want, "{name}");
        };

        check("task_struct", "task_struct");
        check("task_struct___old", "task_struct");
        check("task_struct___old___er", "task_struct___old");
        check("a___b", "a");
        check("a___", "a___");
        check("___b", "___b");
        check("a____b", "a____b");
        check("a__b", "a__b");
        check("a_____b___c", "a_____b");
        check("", "");
    }
}
