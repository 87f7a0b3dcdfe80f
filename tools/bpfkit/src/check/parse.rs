// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The checks that the kernel's C code makes before it relocates the BTF of a module: those of
//! `btf_parse_module()` and `btf_parse_base()` in `kernel/bpf/btf.c` of 7.3. A kernel with
//! `CONFIG_BPF_RUST` makes them too, before its own.
//!
//! These functions do not call `btf_parse_type_sec()` and `btf_parse_layout_sec()`: a module may
//! have no types, types at any offset, and any layout section that fits.
//!
//! Of more types than there are ids, a kernel without the fixes in `patches/bpf` loses some, or
//! writes behind an array. Here it refuses them, as one with the fixes does.

mod header;
mod metas;
mod names;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use splitbtf::Btf;
use zerocopy::ByteOrder;

use self::names::Strings;

/// Why the kernel's C code refuses BTF when it parses it, in the words of its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The id of the type with the error; `None` if the error is in the header or the strings.
    pub id: Option<u32>,
    /// The kind and the name of this type, `(anon)` if it has none; `None` if they are the error.
    pub ty: Option<(&'static str, String)>,
    /// The message.
    pub reason: Cow<'static, str>,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(id) = self.id {
            write!(f, "[{id}] ")?;
        }
        if let Some((kind, name)) = &self.ty {
            write!(f, "{kind} {name}: ")?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for ParseError {}

/// Checks BTF type by type, but no references to types: `btf_parse_hdr()`, `btf_parse_str_sec()`
/// and `btf_check_all_metas()`. Without a `base`, it is a distilled base.
///
/// # Errors
///
/// The first that C finds.
pub(super) fn check<O: ByteOrder>(
    bytes: &[u8],
    base: Option<&Btf<'_, O>>,
) -> Result<(), ParseError> {
    let sections = header::sections::<O>(bytes, base.is_some()).map_err(|reason| ParseError {
        id: None,
        ty: None,
        reason: reason.into(),
    })?;
    let first_id = base.map_or(1, |base| base.end_id());

    metas::check(
        sections.types,
        first_id,
        &Strings::new(sections.strings, base),
    )
}

/// Checks that typedefs and modifiers form no chain that is too long:
/// `btf_check_modifier_chain_length()`. A reference to a type that does not exist ends a chain.
///
/// # Errors
///
/// The first type, by id, from which such a chain starts.
pub(super) fn check_chains<O: ByteOrder>(btf: &Btf<'_, O>) -> Result<(), ParseError> {
    match (btf.first_id()..btf.end_id()).find(|id| !chain_ends(btf, *id)) {
        None => Ok(()),
        Some(id) => Err(ParseError {
            id: Some(id),
            ty: None,
            reason: "Max chain length or cycle detected".into(),
        }),
    }
}

/// Whether the chain from this type is short, provided that those from types with lower ids are.
fn chain_ends<O: ByteOrder>(btf: &Btf<'_, O>, id: u32) -> bool {
    let modified = |id| btf.get(id).ok()?.kind.modified();
    let mut at = id;

    for _ in 0..MAX_CHAIN {
        match modified(at) {
            Some(to) if at >= id => at = to,
            _ => return true,
        }
    }
    modified(at).is_none()
}

/// `chain_limit` of `btf_check_modifier_chain_length()`: the number of typedefs and modifiers in a
/// chain.
const MAX_CHAIN: u32 = 32;
