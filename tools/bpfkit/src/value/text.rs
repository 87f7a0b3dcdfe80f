// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Values as text.

use std::fmt;

use super::Value;

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Signed(value) => write!(f, "{value}"),
            Self::Unsigned(value) => write!(f, "{value}"),
            Self::Bits(value) => write!(f, "{value:#x}"),
            Self::SignedBits(_, value) => write!(f, "{value}"),
            Self::Char(value @ 0x20..=0x7e) => quote(f, &char::from(*value).to_string()),
            Self::Char(value) => write!(f, "{value:#x}"),
            // `Debug` uses an exponent where JSON does.
            Self::Single(value) => write!(f, "{value:?}"),
            Self::Double(value) => write!(f, "{value:?}"),
            Self::Text(value) | Self::Characters(value, _) => quote(f, value),
            Self::Pointer(0) => f.write_str("\"(nil)\""),
            Self::Pointer(value) => write!(f, "\"{value:#x}\""),
            Self::Array(values) => {
                for (i, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if i == 0 { '[' } else { ',' })?;
                }
                f.write_str(if values.is_empty() { "[]" } else { "]" })
            }
            Self::Struct(members) => {
                for (i, (name, value)) in members.iter().enumerate() {
                    f.write_str(if i == 0 { "{" } else { "," })?;
                    quote(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_str(if members.is_empty() { "{}" } else { "}" })
            }
        }
    }
}

/// Writes a string as in JSON, with quotation marks.
fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let quoted = serde_json::to_string(text).map_err(|_| fmt::Error)?;

    f.write_str(&quoted)
}
