// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Text for the page: escaped, so that no name is markup or a command.

use std::fmt;
use std::path::Path;

use sha2::Digest;
use sha2::Sha256;

use crate::render::printable;

/// Text for an element or an attribute.
pub(super) struct Text(String);

impl Text {
    pub(super) fn of(path: &Path) -> Self {
        Self(path.to_string_lossy().into_owned())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in printable(&self.0).chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

/// JSON for a `<script>`: nothing in it can end the element, or start a comment or another script.
pub(super) fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// The hash of a script or a style sheet, as a policy has it.
pub(super) fn hash(text: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(text)))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();

    for group in bytes.chunks(3) {
        let byte = |i| u32::from(group.get(i).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * i) & 63) as usize);
            let is_there = i <= group.len();
            text.push(
                digit
                    .filter(|_| is_there)
                    .map_or('=', |digit| char::from(*digit)),
            );
        }
    }
    text
}

/// A number with commas: `4,216`.
pub(super) fn number(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();

    for (i, digit) in digits.chars().enumerate() {
        if i != 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 module`, `2 modules`.
pub(super) fn count(n: usize, what: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };

    format!("{} {what}{plural}", number(n))
}
