// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What an ENUM and an ENUM64 have in common.

use splitbtf::Kind;
use zerocopy::ByteOrder;

/// The enumerators of an ENUM or an ENUM64: the offset of each one's name, and its value. Other
/// types have none.
pub(crate) fn enumerators<'a, O: ByteOrder>(
    kind: &Kind<'a, O>,
) -> impl Iterator<Item = (u32, i128)> + Clone + use<'a, O> {
    let (narrow, wide, signed) = match *kind {
        Kind::Enum { signed, values, .. } => (values, &[][..], signed),
        Kind::Enum64 { signed, values, .. } => (&[][..], values, signed),
        _ => (&[][..], &[][..], false),
    };
    let narrow = narrow.iter().map(move |value| {
        let val = value.val.get();
        let val = match signed {
            true => val.into(),
            false => val.cast_unsigned().into(),
        };
        (value.name_off.get(), val)
    });
    let wide = wide.iter().map(move |value| {
        let val = match signed {
            true => value.val().into(),
            false => value.val().cast_unsigned().into(),
        };
        (value.name_off.get(), val)
    });

    narrow.chain(wide)
}
