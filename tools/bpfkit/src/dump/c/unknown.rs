// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Finds the types that C cannot express because a value of them has one of an unknown kind in it.
//!
//! A newer compiler or kernel may use such a kind. The layout section then says how long its types
//! are, but not what they mean. A struct that has one can be expressed: padding takes the place of
//! the member. So can a pointer: it points to `void`.

use splitbtf::Kind;
use splitbtf::Type;

/// By id: the type of an unknown kind in a value of this type; 0 if there is none. Empty if there is
/// none in any type.
pub(super) fn find(types: &[Type<'_>]) -> Vec<u32> {
    let mut left: Vec<(u32, u32)> = types
        .iter()
        .filter(|ty| matches!(ty.kind, Kind::Unknown(_)))
        .map(|ty| (ty.id, ty.id))
        .collect();

    if left.is_empty() {
        return Vec::new();
    }
    let users = users(types);
    let mut found = vec![0; types.len()];
    while let Some((id, unknown)) = left.pop() {
        let Some(slot @ 0) = found.get_mut(id as usize) else {
            continue;
        };
        *slot = unknown;
        let start = users.partition_point(|(used, _)| *used < id);
        let of_id = users.iter().skip(start).take_while(|(used, _)| *used == id);
        left.extend(of_id.map(|(_, user)| (*user, unknown)));
    }
    found
}

/// Pairs of a type and another that has a value of it, sorted.
fn users(types: &[Type<'_>]) -> Vec<(u32, u32)> {
    let mut users = Vec::new();

    for ty in types {
        match ty.kind {
            Kind::Array(array) => users.push((array.ty, ty.id)),
            // C has no function with such a parameter.
            Kind::FuncProto { returns, params } => {
                users.push((returns, ty.id));
                users.extend(params.iter().map(|param| (param.ty, ty.id)));
            }
            kind => users.extend(kind.modified().map(|to| (to, ty.id))),
        }
    }
    users.sort_unstable();
    users
}
