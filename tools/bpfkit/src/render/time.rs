// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Times as text.

/// A time, in seconds since 1970, as `strftime` writes `%FT%T%z` in the local time zone.
pub fn local(seconds: i64) -> Option<String> {
    let format = *b"%FT%T%z\0";
    let mut text = [0u8; 64];

    // SAFETY: All zeros is a value that `struct tm` can have.
    let mut time: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: Both arguments are valid.
    if unsafe { libc::localtime_r(&seconds, &mut time) }.is_null() {
        return None;
    }
    // SAFETY: `text` has the length that is passed, the format ends with a NUL, and the time is
    // from `localtime_r`.
    let len = unsafe {
        libc::strftime(
            text.as_mut_ptr().cast(),
            text.len(),
            format.as_ptr().cast(),
            &time,
        )
    };
    Some(String::from_utf8_lossy(text.get(..len)?).into_owned())
}

#[cfg(test)]
mod tests;
