// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Values as JSON.

use serde::ser::SerializeMap;
use serde::Serialize;
use serde::Serializer;

use super::Value;

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Unsigned(value) | Self::Pointer(value) => serializer.serialize_u64(*value),
            Self::Bits(value) | Self::SignedBits(value, _) => {
                serializer.collect_str(&format_args!("{value:#x}"))
            }
            Self::Char(value) => serializer.serialize_char(char::from(*value)),
            Self::Single(value) => serializer.serialize_f32(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Array(values) | Self::Characters(_, values) => serializer.collect_seq(values),
            Self::Struct(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}
