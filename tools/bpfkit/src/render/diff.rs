// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The differences between the types of two kernels as JSON: `btf_diff` of
//! `docs/bpfkit.schema.json`.

use serde::Serialize;

use crate::diff::Change;
use crate::diff::Difference;
use crate::diff::IntShape;
use crate::diff::Member;

#[derive(Serialize)]
struct DifferenceJson<'a> {
    kind: &'static str,
    name: &'a str,
    changes: Vec<ChangeJson<'a>>,
}

/// The text of a change, and what it says as numbers and words. Sizes are in bytes, offsets in bits.
#[derive(Serialize)]
struct ChangeJson<'a> {
    text: String,
    #[serde(flatten)]
    what: What<'a>,
}

#[derive(Serialize)]
#[serde(tag = "change", rename_all = "lowercase")]
enum What<'a> {
    New,
    Gone,
    Kind {
        from_kind: &'static str,
        to_kind: &'static str,
    },
    Size {
        from_size: u32,
        to_size: u32,
    },
    Type {
        from_type: &'a str,
        to_type: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        from_int: Option<IntJson>,
        #[serde(skip_serializing_if = "Option::is_none")]
        to_int: Option<IntJson>,
    },
    Added(MemberJson<'a>),
    Removed(MemberJson<'a>),
    Moved {
        member: &'a str,
        from_bits_offset: u64,
        to_bits_offset: u64,
    },
    Retyped {
        member: &'a str,
        from_type: &'a str,
        to_type: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        from_bitfield_size: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        to_bitfield_size: Option<u8>,
    },
    Value {
        enumerator: &'a str,
        from_value: Option<i128>,
        to_value: Option<i128>,
    },
}

#[derive(Serialize)]
struct IntJson {
    nr_bits: u8,
    encoding: u8,
}

#[derive(Serialize)]
struct MemberJson<'a> {
    member: &'a str,
    #[serde(rename = "type")]
    ty: &'a str,
    bits_offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bitfield_size: Option<u8>,
}

/// The differences for JSON: a list with an object for each type.
pub fn json(differences: &[Difference]) -> impl Serialize + '_ {
    let differences = differences.iter();

    differences.map(DifferenceJson::of).collect::<Vec<_>>()
}

impl<'a> DifferenceJson<'a> {
    fn of(difference: &'a Difference) -> Self {
        Self {
            kind: difference.kind,
            name: &difference.name,
            changes: difference.changes.iter().map(ChangeJson::of).collect(),
        }
    }
}

impl<'a> ChangeJson<'a> {
    fn of(change: &'a Change) -> Self {
        let text = change.to_string();

        Self {
            // For people, it follows the name of the type, or has a line of its own.
            text: text.trim_start_matches([':', '\n', ' ']).to_owned(),
            what: What::of(change),
        }
    }
}

impl<'a> What<'a> {
    fn of(change: &'a Change) -> Self {
        match change {
            Change::New => Self::New,
            Change::Gone => Self::Gone,
            Change::Kind { from, to } => Self::Kind {
                from_kind: from,
                to_kind: to,
            },
            Change::Size { from, to } => Self::Size {
                from_size: *from,
                to_size: *to,
            },
            Change::Type { from, to, ints } => {
                let [from_int, to_int] = ints.map(|int| int.map(IntJson::of));
                Self::Type {
                    from_type: from,
                    to_type: to,
                    from_int,
                    to_int,
                }
            }
            Change::Added(member) => Self::Added(MemberJson::of(member)),
            Change::Removed(member) => Self::Removed(MemberJson::of(member)),
            Change::Moved { member, from, to } => Self::Moved {
                member,
                from_bits_offset: *from,
                to_bits_offset: *to,
            },
            Change::Retyped {
                member,
                from,
                to,
                bitfields: [from_bitfield_size, to_bitfield_size],
            } => Self::Retyped {
                member,
                from_type: from,
                to_type: to,
                from_bitfield_size: *from_bitfield_size,
                to_bitfield_size: *to_bitfield_size,
            },
            Change::Value { value, from, to } => Self::Value {
                enumerator: value,
                from_value: *from,
                to_value: *to,
            },
        }
    }
}

impl IntJson {
    fn of(int: IntShape) -> Self {
        Self {
            nr_bits: int.bits,
            encoding: int.encoding,
        }
    }
}

impl<'a> MemberJson<'a> {
    fn of(member: &'a Member) -> Self {
        Self {
            member: &member.name,
            ty: &member.ty,
            bits_offset: member.offset,
            bitfield_size: member.bitfield,
        }
    }
}

#[cfg(test)]
mod tests;
