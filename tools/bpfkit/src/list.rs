// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Lists in sentences.

/// Joins the first `most` texts with commas, and says how many more there are.
pub(crate) fn shortened<T: AsRef<str>>(texts: impl IntoIterator<Item = T>, most: usize) -> String {
    let mut texts = texts.into_iter();
    let mut list = String::new();

    for (i, text) in texts.by_ref().take(most).enumerate() {
        if i != 0 {
            list += ", ";
        }
        list += text.as_ref();
    }
    match texts.count() {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}
