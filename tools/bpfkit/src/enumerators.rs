// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What an ENUM and an ENUM64 have in common.

use splitbtf::Kind;

/// The enumerators of an ENUM or an ENUM64: the offset of each one's name, and its value. Other
/// types have none.
pub(crate) fn enumerators<'a>(
    kind: &Kind<'a>,
) -> impl Iterator<Item = (u32, i128)> + Clone + use<'a> {
    let values = match *kind {
        Kind::Enum { values, .. } | Kind::Enum64 { values, .. } => Some(values),
        _ => None,
    };

    values
        .into_iter()
        .flatten()
        .map(|value| (value.name_off, value.value))
}
