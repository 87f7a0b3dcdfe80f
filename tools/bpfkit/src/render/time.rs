// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Times as text.

use std::ffi::CStr;

/// A time, in seconds since 1970, as `strftime` writes `%FT%T%z` in the local time zone.
pub fn local(seconds: i64) -> Option<String> {
    // SAFETY: All zeros is a value that `struct tm` can have.
    let mut time: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: Both arguments are valid.
    if unsafe { libc::localtime_r(&seconds, &mut time) }.is_null() {
        return None;
    }
    formatted(&time, c"%FT%T%z")
}

/// The day of a time, in seconds since 1970, as `strftime` writes `%F` in UTC.
pub fn day(seconds: i64) -> Option<String> {
    // SAFETY: All zeros is a value that `struct tm` can have.
    let mut time: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: Both arguments are valid.
    if unsafe { libc::gmtime_r(&seconds, &mut time) }.is_null() {
        return None;
    }
    formatted(&time, c"%F")
}

fn formatted(time: &libc::tm, format: &CStr) -> Option<String> {
    let mut text = [0u8; 64];

    // SAFETY: `text` has the length that is passed, the format ends with a NUL, and the time is
    // from `localtime_r` or `gmtime_r`.
    let len =
        unsafe { libc::strftime(text.as_mut_ptr().cast(), text.len(), format.as_ptr(), time) };
    Some(String::from_utf8_lossy(text.get(..len)?).into_owned())
}

#[cfg(test)]
mod tests;
