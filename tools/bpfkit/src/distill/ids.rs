// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The type ids in a module's section `.BTF_ids`.
//!
//! The section has words of 4 bytes, and symbols say what they are. `__BTF_ID__KIND__NAME__N` is an
//! id. `__BTF_ID__set__NAME` is a count; that many ids follow, sorted. `__BTF_ID__set8__NAME` is a
//! count too; a word with flags follows, and then that many pairs of an id and flags, sorted by id.
//! The kernel's `include/linux/btf_ids.h` describes the format.

use std::collections::BTreeMap;

use object::Object;
use object::ObjectSection;
use object::ObjectSymbol;
use zerocopy::byteorder::U32;
use zerocopy::ByteOrder;
use zerocopy::FromBytes;
use zerocopy::IntoBytes;

/// The name of the section.
pub(super) const SECTION: &str = ".BTF_ids";

const PREFIX: &str = "__BTF_ID__";

/// Why ids cannot be rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (offset {offset:#x} of the section)")]
pub struct IdsError {
    /// The reason.
    reason: &'static str,
    /// The offset in the section, in bytes.
    offset: u64,
}

/// The rewritten ids.
pub(super) struct Ids {
    /// The content of the section.
    pub(super) bytes: Vec<u8>,
    /// The names of the ids that have no distilled type. They are now 0.
    pub(super) lost: Vec<String>,
}

/// The meaning of a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Id,
    Set,
    Set8,
}

/// Rewrites the ids of a module; `None` if it has none.
///
/// # Errors
///
/// If a symbol or a set reaches beyond the end of the section, or the symbols have been stripped.
pub(super) fn rewrite<O: ByteOrder>(
    file: &object::File<'_>,
    new_id: impl Fn(u32) -> Option<u32>,
) -> Result<Option<Ids>, IdsError> {
    let whole = |reason| IdsError { reason, offset: 0 };
    let Some(section) = file.section_by_name(SECTION) else {
        return Ok(None);
    };
    let data = section.data();
    let data = data.map_err(|_| whole("the section is not within the file"))?;
    let mut bytes = data.to_vec();
    let words = <[U32<O>]>::mut_from_bytes(&mut bytes);
    let words = words.map_err(|_| whole("the length is not a multiple of 4"))?;
    let symbols = symbols(file, &section)?;
    if symbols.is_empty() && words.iter().any(|word| word.get() != 0) {
        return Err(whole("the symbols that mark the ids have been stripped"));
    }

    let mut lost = vec![];
    for (offset, (kind, name)) in &symbols {
        let word = word_at(words, *offset)?;
        if *kind == Word::Id && word.get() != 0 {
            let id = new_id(word.get());
            if id.is_none() {
                lost.push((*name).to_owned());
            }
            word.set(id.unwrap_or_default());
        }
    }
    for (offset, (kind, _)) in &symbols {
        if *kind != Word::Id {
            sort(words, *offset, *kind)?;
        }
    }
    Ok(Some(Ids { bytes, lost }))
}

/// The meanings and names of words, by offset.
fn symbols<'a>(
    file: &object::File<'a>,
    section: &object::Section<'a, '_>,
) -> Result<BTreeMap<u64, (Word, &'a str)>, IdsError> {
    let mut symbols = BTreeMap::new();

    for symbol in file.symbols() {
        if symbol.section_index() != Some(section.index()) {
            continue;
        }
        let offset = symbol.address().wrapping_sub(section.address());
        let name = symbol.name().map_err(|_| IdsError {
            reason: "a symbol has no name",
            offset,
        })?;
        let Some(name) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let word = match name.split_once("__") {
            Some(("set", _)) => Word::Set,
            Some(("set8", _)) => Word::Set8,
            _ => Word::Id,
        };
        symbols.insert(offset, (word, name));
    }
    Ok(symbols)
}

fn word_at<O: ByteOrder>(words: &mut [U32<O>], offset: u64) -> Result<&mut U32<O>, IdsError> {
    let n = usize::try_from(offset / 4)
        .ok()
        .filter(|_| offset.is_multiple_of(4));

    n.and_then(|n| words.get_mut(n)).ok_or(IdsError {
        reason: "a symbol does not refer to a word of the section",
        offset,
    })
}

/// Sorts the set whose count is at this offset.
fn sort<O: ByteOrder>(words: &mut [U32<O>], offset: u64, kind: Word) -> Result<(), IdsError> {
    let outside = IdsError {
        reason: "a set reaches beyond the end",
        offset,
    };
    let count = word_at(words, offset)?.get();
    let count = usize::try_from(count).map_err(|_| outside)?;
    let at = usize::try_from(offset / 4).map_err(|_| outside)?;
    let rest = words.get_mut(at..).unwrap_or_default();

    if kind == Word::Set8 {
        let pairs = <[[U32<O>; 2]]>::mut_from_prefix_with_elems(
            rest.get_mut(2..).unwrap_or_default().as_mut_bytes(),
            count,
        );
        let (pairs, _) = pairs.map_err(|_| outside)?;
        pairs.sort_by_key(|[id, _]| id.get());
    } else {
        let ids = rest.get_mut(1..).and_then(|ids| ids.get_mut(..count));
        ids.ok_or(outside)?.sort_by_key(|id| id.get());
    }
    Ok(())
}
