// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Distils split BTF: reduces its base to the types that it needs.
//!
//! The result can be [relocated](crate::Valid::relocate) to the BTF of another kernel. It is the same
//! as that of `btf__distill_base()` of libbpf (`tools/lib/bpf/btf.c`), which the kernel's build puts
//! into the sections `.BTF` and `.BTF.base` of an out-of-tree module.

use alloc::vec;
use alloc::vec::Vec;
use core::mem;
use core::mem::size_of;
use core::ops::Range;

use splitbtf_core::raw::first_eight;
use splitbtf_core::raw::index;
use splitbtf_core::raw::is_known;
use splitbtf_core::raw::rewrite;
use splitbtf_core::raw::wire;
use splitbtf_core::raw::Record;
use splitbtf_core::raw::Sections;
use splitbtf_core::raw::Word;
use zerocopy::byteorder::U32;
use zerocopy::ByteOrder;
use zerocopy::FromBytes;
use zerocopy::IntoBytes;

use crate::write::share_ends;
use crate::write::to_bytes;
use crate::Error;
use crate::Index;
use crate::TypeReason;
use crate::Valid;

/// Split BTF with a distilled base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distilled {
    /// The distilled base.
    pub base: Vec<u8>,
    /// The split BTF on it.
    pub split: Vec<u8>,
    /// Old and new ids of the needed types of the base, sorted by the old ones.
    base_ids: Vec<(u32, u32)>,
    /// The new ids of the split BTF's types, in the order of the old ones.
    split_ids: Vec<u32>,
    first_id: u32,
}

impl Distilled {
    /// The new id of a type, by its old one. `None` if it has been left out.
    pub fn id(&self, old: u32) -> Option<u32> {
        match old.checked_sub(self.first_id) {
            None if old == 0 => Some(0),
            None => {
                let at = self.base_ids.binary_search_by_key(&old, |(old, _)| *old);
                self.base_ids.get(at.ok()?).map(|(_, new)| *new)
            }
            Some(n) => self.split_ids.get(usize::try_from(n).ok()?).copied(),
        }
    }
}

/// Distils split BTF: see [`Distiller::distill`].
///
/// # Examples
///
/// ```
/// use splitbtf::BtfExt;
/// use splitbtf::Builder;
/// use splitbtf::Int;
/// use splitbtf::Names;
/// use splitbtf::Owned;
/// use splitbtf::Policy;
/// use zerocopy::LE;
///
/// // vmlinux, and a module with a pointer to one of its types.
/// let mut builder = Builder::<LE>::new();
/// builder.int(b"int", Int::signed(4));
/// let task = builder.structure(b"task_struct", 9000, &[]);
/// let vmlinux = Owned::<LE>::new(builder.finish()?, None)?;
/// let mut builder = Builder::split_on(&vmlinux.btf())?;
/// builder.ptr(task);
/// let module = Owned::new(builder.finish()?, Some(&vmlinux))?;
///
/// let distilled = splitbtf::distill(&module.btf().validated()?)?;
///
/// // The base has this struct only. On another kernel it has another id.
/// let base = Owned::<LE>::new(distilled.base.clone(), None)?;
/// assert_eq!(base.btf().end_id(), 2);
/// let split = Owned::new(distilled.split.clone(), Some(&base))?;
/// let split = split.btf().validated()?;
/// let names = Names::sorted(vmlinux.btf(), 1, None);
/// let relocated = splitbtf::relocate(&split, &names, Policy::Error)?;
/// assert_eq!(relocated.id_map, [0, task, 3]);
/// # Ok::<(), splitbtf::Error>(())
/// ```
///
/// # Errors
///
/// Those of [`Distiller::distill`].
pub fn distill<O: ByteOrder, I: Index>(split: &Valid<'_, O, I>) -> Result<Distilled, Error> {
    Distiller::new().distill(split)
}

/// Reusable scratch space for distilling. It has an element for each type and for each byte of strings
/// of the base; the work for one split BTF touches few of them.
#[derive(Clone, Debug, Default)]
pub struct Distiller {
    /// For each type of the base: its new id, [`SEEN`], or 0.
    ids: Vec<u32>,
    /// For each string offset of the base: the new one, or 0.
    names: Vec<u32>,
}

/// Marks a type that is needed.
const SEEN: u32 = u32::MAX;

impl Distiller {
    /// Allocates nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Distils the base of this split BTF.
    ///
    /// - The distilled base has the named types of the base that are needed: INT, FLOAT and FWD as they
    ///   are; STRUCT and UNION with their size and no members; ENUM and ENUM64 as an ENUM with a size
    ///   and no values. They are sorted by name. Equal types become one.
    /// - The split BTF has all of its own types. It also gets those of the base that have no name, or
    ///   that are typedefs, modifiers, pointers, arrays or prototypes. If it was sorted by name, it
    ///   still is; otherwise these come last.
    ///
    /// The base may be split itself; the distilled one is not.
    ///
    /// # Errors
    ///
    /// - [`Error::NotDistilled`] if there is no base.
    /// - [`Error::Type`] if a needed type of the base cannot be distilled, such as a FUNC, or has a
    ///   name of more than 512 bytes; or if the split BTF has a type of an unknown kind with a word
    ///   that would have to change if it were an id or a name.
    /// - [`Error::TooMany`] if the result is longer than 32 bits can count.
    pub fn distill<O: ByteOrder, I: Index>(
        &mut self,
        split: &Valid<'_, O, I>,
    ) -> Result<Distilled, Error> {
        let base = split.base().ok_or(Error::NotDistilled)?;
        let grow = |old: &mut Vec<u32>, len| {
            if old.len() < len {
                *old = vec![0; len];
            }
        };
        grow(&mut self.ids, index(base.end_id()));
        grow(&mut self.names, index(base.end_string()));
        let mut needed = Needed {
            ids: &mut self.ids,
            names: &mut self.names,
            all: vec![],
            all_names: vec![],
            named: vec![],
            moved: vec![],
            unknown: false,
        };

        let result = needed.collect(split).and_then(|()| needed.distill(split));
        forget(&needed.all, needed.ids);
        forget(&needed.all_names, needed.names);
        result
    }
}

/// Sets these elements to 0.
fn forget(old: &[u32], new: &mut [u32]) {
    for old in old {
        if let Some(new) = new.get_mut(index(*old)) {
            *new = 0;
        }
    }
}

/// The types and names of the base that the split BTF needs.
struct Needed<'d> {
    /// See [`Distiller::ids`] and [`Distiller::names`].
    ids: &'d mut [u32],
    names: &'d mut [u32],
    /// The indices of all elements that are not 0 there.
    all: Vec<u32>,
    all_names: Vec<u32>,
    /// The types that the distilled base gets.
    named: Vec<u32>,
    /// The types that the split BTF gets.
    moved: Vec<u32>,
    /// Whether the split BTF has types of unknown kinds.
    unknown: bool,
}

/// The distilled base.
struct Base<O: ByteOrder> {
    words: Vec<Word<O>>,
    strings: Vec<u8>,
    end_id: u32,
}

impl Needed<'_> {
    fn collect<O: ByteOrder, I: Index>(&mut self, split: &Valid<'_, O, I>) -> Result<(), Error> {
        let mut todo = vec![];

        let mut rest = split.words();
        for id in split.first_id()..split.end_id() {
            let (record, after) = Record::split(rest, split.layout())
                .map_err(|(_, reason)| split.type_error(id, reason))?;
            self.unknown |= !is_known(record.head.kind());
            self.see_all(split, &record, &mut todo);
            rest = after;
        }
        while let Some(id) = todo.pop() {
            let record = split.record(id)?;
            let name = split.strings_from(record.head.name_off.get());
            let named = name.is_some_and(|name| name.first() != Some(&0));

            match record.head.kind() {
                wire::INT
                | wire::FLOAT
                | wire::FWD
                | wire::STRUCT
                | wire::UNION
                | wire::ENUM
                | wire::ENUM64
                    if named =>
                {
                    split.short_name(id, record.head)?;
                    self.named.push(id);
                }
                wire::INT..=wire::RESTRICT
                | wire::FUNC_PROTO
                | wire::FLOAT
                | wire::TYPE_TAG
                | wire::ENUM64 => {
                    self.moved.push(id);
                    self.see_all(split, &record, &mut todo);
                }
                _ => return Err(split.type_error(id, TypeReason::NotDistillable)),
            }
        }
        Ok(())
    }

    fn see_all<O: ByteOrder, I: Index>(
        &mut self,
        split: &Valid<'_, O, I>,
        record: &Record<'_, O>,
        todo: &mut Vec<u32>,
    ) {
        let see = |id: u32| {
            if (1..split.first_id()).contains(&id) {
                if let Some(seen) = self.ids.get_mut(index(id)).filter(|seen| **seen == 0) {
                    *seen = SEEN;
                    self.all.push(id);
                    todo.push(id);
                }
            }
        };
        record.for_each(see, |_| {});
    }

    fn distill<O: ByteOrder, I: Index>(
        &mut self,
        split: &Valid<'_, O, I>,
    ) -> Result<Distilled, Error> {
        let header = wire::Header::<O>::new();
        let header = header.as_bytes();
        let long_header = [header, &[0; 8]].concat();

        let Base {
            words,
            strings,
            end_id,
        } = self.distilled_base(split)?;
        let base = to_bytes(header, &words, &[], &strings);
        let end_string = strings.len();

        let (mut words, split_ids) = self.split_types(split, end_id)?;
        let mut strings = Sections::<O>::find(split.bytes())?.strings.to_vec();
        self.rewrite(
            split,
            &split_ids,
            end_id,
            end_string,
            &mut words,
            &mut strings,
        )?;
        // Types of unknown kinds need the layout section.
        let new_split = match self.unknown {
            true => to_bytes(&long_header, &words, split.layout(), &strings),
            false => to_bytes(header, &words, &[], &strings),
        };

        self.all.sort_unstable();
        let new_id = |old: &u32| self.ids.get(index(*old)).map(|new| (*old, *new));
        Ok(Distilled {
            base: base.ok_or(Error::TooMany)?,
            split: new_split.ok_or(Error::TooMany)?,
            base_ids: self.all.iter().filter_map(new_id).collect(),
            split_ids,
            first_id: split.first_id(),
        })
    }

    /// Makes the distilled base. Sets the new ids of its types and the new offsets of its names.
    fn distilled_base<O: ByteOrder, I: Index>(
        &mut self,
        split: &Valid<'_, O, I>,
    ) -> Result<Base<O>, Error> {
        let mut types = vec![];
        for id in mem::take(&mut self.named) {
            let record = split.record(id)?;
            let name_off = record.head.name_off.get();
            let name = split.string(name_off)?;
            types.push((first_eight(name), name, Bare::of(&record), name_off, id));
        }
        types.sort_unstable();

        let mut texts: Vec<&[u8]> = types.iter().map(|(_, name, ..)| *name).collect();
        texts.dedup();
        let (offsets, shared) = share_ends(&texts);
        let mut offsets = texts.iter().zip(offsets);
        let mut strings = vec![0];
        strings.extend(shared);

        let mut words = vec![];
        let mut end_id = 1_u32;
        let mut last = None;
        let mut new_name = 0_u32;
        for (_, name, ty, name_off, id) in &types {
            if last.map(|(name, _)| name) != Some(name) {
                let offset = offsets.next().map(|(_, offset)| offset);
                new_name = offset.unwrap_or_default().saturating_add(1);
            }
            if last != Some((name, ty)) {
                let [info, size] = [ty.info, ty.size];
                words.extend([new_name, info, size].map(U32::new));
                words.extend(ty.data.map(U32::new));
                end_id = end_id.checked_add(1).ok_or(Error::TooMany)?;
            }
            last = Some((name, ty));
            if let Some(name) = self.names.get_mut(index(*name_off)) {
                *name = new_name;
                self.all_names.push(*name_off);
            }
            if let Some(new) = self.ids.get_mut(index(*id)) {
                *new = end_id.saturating_sub(1);
            }
        }
        Ok(Base {
            words,
            strings,
            end_id,
        })
    }

    /// The types of the new split BTF, not yet rewritten, and their new ids.
    fn split_types<O: ByteOrder, I: Index>(
        &mut self,
        split: &Valid<'_, O, I>,
        mut next_id: u32,
    ) -> Result<(Vec<Word<O>>, Vec<u32>), Error> {
        let mut split_ids = Vec::with_capacity(index(split.end_id()));
        let mut words = Vec::with_capacity(split.words().len());
        let mut own = split.first_id();
        let mut copy = |end: u32, words: &mut Vec<_>, next_id: &mut u32| {
            words.extend_from_slice(words_of(split, own..end)?);
            for _ in own..end {
                split_ids.push(*next_id);
                *next_id = next_id.checked_add(1).ok_or(Error::TooMany)?;
            }
            own = end;
            Ok(())
        };

        self.moved.sort_unstable();
        let mut moved = vec![];
        for id in &self.moved {
            let name_off = split.record(*id)?.head.name_off.get();
            moved.push((split.string(name_off)?, *id));
        }
        let first_named = split.first_named();
        if first_named.is_some() {
            moved.sort_unstable();
        }
        for (name, id) in moved {
            // It comes after the split BTF's own types whose names are not greater.
            let after = match first_named {
                Some(first) => end_of_name(split, first, name),
                None => split.end_id(),
            };
            copy(after, &mut words, &mut next_id)?;
            append(&split.record(id)?, &mut words);
            if let Some(new) = self.ids.get_mut(index(id)) {
                *new = next_id;
            }
            next_id = next_id.checked_add(1).ok_or(Error::TooMany)?;
        }
        copy(split.end_id(), &mut words, &mut next_id)?;
        Ok((words, split_ids))
    }

    /// Makes the types of the split BTF, from `first_id` on, refer to the new ids and names. Names
    /// from the base that no distilled type has are added to `strings`, the split BTF's own.
    fn rewrite<O: ByteOrder, I: Index>(
        &mut self,
        split: &Valid<'_, O, I>,
        split_ids: &[u32],
        first_id: u32,
        first_string: usize,
        words: &mut [Word<O>],
        strings: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let first_string = u32::try_from(first_string).map_err(|_| Error::TooMany)?;
        let mut result = Ok(());
        let id = |old: u32| match old.checked_sub(split.first_id()) {
            Some(n) => split_ids.get(index(n)).copied().unwrap_or(old),
            None => self.ids.get(index(old)).copied().unwrap_or_default(),
        };
        let name = |old: u32| match old.checked_sub(split.first_string()) {
            Some(n) if old < split.end_string() => first_string.saturating_add(n),
            Some(_) => old,
            None => match self.names.get_mut(index(old)) {
                Some(new @ 0) => {
                    let offset = u32::try_from(strings.len()).unwrap_or(u32::MAX);
                    match split.string(old) {
                        Ok(name) => strings.extend(name),
                        Err(error) => result = Err(error),
                    }
                    strings.push(0);
                    *new = first_string.saturating_add(offset);
                    self.all_names.push(old);
                    *new
                }
                new => new.copied().unwrap_or_default(),
            },
        };

        rewrite(words, split.layout(), first_id, id, name, || {}).map_err(|error| {
            // The caller knows the type by its old id.
            let Error::Type { id, reason, .. } = error else {
                return error;
            };
            let old = (split.first_id()..split.end_id())
                .zip(split_ids)
                .find(|(_, new)| **new == id);
            old.map_or(error, |(old, _)| split.type_error(old, reason))
        })?;
        result
    }
}

/// The words of these types, which are not in the base.
fn words_of<'a, O: ByteOrder, I: Index>(
    split: &Valid<'a, O, I>,
    ids: Range<u32>,
) -> Result<&'a [Word<O>], Error> {
    let at = |id: u32| match split.end_id() {
        end if id == end => Some(split.words().len()),
        _ => {
            let n = index(id.checked_sub(split.first_id())?);
            split.index().offset(n)?.checked_div(size_of::<Word<O>>())
        }
    };
    let words = at(ids.start)
        .zip(at(ids.end))
        .and_then(|(start, end)| split.words().get(start..end));

    words.ok_or(Error::Id {
        id: ids.end,
        end: split.end_id(),
    })
}

/// In sorted BTF with names from `first_named` on: the id after all types with this name or a
/// lesser one.
fn end_of_name<O: ByteOrder, I: Index>(
    split: &Valid<'_, O, I>,
    first_named: u32,
    name: &[u8],
) -> u32 {
    let mut start = first_named;
    let mut end = split.end_id().max(first_named);

    while start < end {
        let middle = start.midpoint(end);
        let head = split.head(middle);
        let other = head.and_then(|head| split.string(head.name_off.get()).ok());
        match other.unwrap_or_default() <= name {
            true => start = middle.saturating_add(1),
            false => end = middle,
        }
    }
    start
}

/// Appends all words of a type.
fn append<O: ByteOrder>(record: &Record<'_, O>, words: &mut Vec<Word<O>>) {
    let head = <[Word<O>]>::ref_from_bytes(record.head.as_bytes());

    words.extend_from_slice(head.unwrap_or_default());
    words.extend_from_slice(record.data);
    words.extend_from_slice(record.elems);
}

/// The part of a distilled type that is compared: its info word, size, and an INT's encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Bare {
    info: u32,
    size: u32,
    /// An INT's encoding.
    data: Option<u32>,
}

impl Bare {
    fn of<O: ByteOrder>(record: &Record<'_, O>) -> Self {
        let head = record.head;
        let kind = match head.kind() {
            wire::ENUM64 => wire::ENUM,
            kind => kind,
        };
        // For other kinds, the flag says how to read their members and values.
        let flag = kind == wire::FWD && head.kind_flag();

        Self {
            info: u32::from(flag) << 31 | u32::from(kind) << wire::KIND_SHIFT,
            size: head.size_or_type.get(),
            data: match kind {
                wire::INT => record.data.first().map(|data| data.get()),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests;
