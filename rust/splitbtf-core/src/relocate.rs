// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Relocates split BTF from a distilled base to a full one.
//!
//! Split BTF that has been distilled refers to a base of its own, with the names, kinds and sizes
//! of the types that it needs, and nothing more. Relocation finds these types in the BTF of the
//! running kernel, and makes the split BTF refer to them. Where `btf_relocate()` of
//! `tools/lib/bpf/btf_relocate.c`, in the kernel and in libbpf, succeeds, the result has the same
//! bytes. Relocation looks up each name and does not walk the base.

use core::iter;
use core::marker::PhantomData;
use core::mem::size_of;

use zerocopy::byteorder::U32;
use zerocopy::ByteOrder;
use zerocopy::FromBytes;
use zerocopy::IntoBytes;

use crate::cursor::Cursor;
use crate::header::Sections;
use crate::matching;
use crate::matching::Mismatch;
use crate::matching::Own;
use crate::matching::Traits;
use crate::names::Names;
use crate::read::pause_at;
use crate::record::index;
use crate::record::is_known;
use crate::record::rewrite;
use crate::record::stays;
use crate::record::Record;
use crate::record::Word;
use crate::record::HEAD;
use crate::wire;
use crate::Btf;
use crate::Error;
use crate::Index;
use crate::TypeReason;
use crate::Valid;

/// How to treat a distilled type that matches none of the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Fail, as `btf_relocate()` does.
    Error,
    /// Give the split BTF a type of its own where that is enough.
    ///
    /// - A STRUCT, UNION or FWD that the split BTF only points to becomes a FWD, whatever the
    ///   reason: an opaque type.
    /// - An INT or FLOAT is kept as it is, unless it matches several.
    /// - An ENUM is kept as it is if the base has none of its name.
    ///
    /// Others are an error, above all a STRUCT or UNION that the split BTF contains: as the type of
    /// a member, of a parameter or result of a function, or of a variable.
    Opaque,
}

/// A relocation that has been worked out, but not applied.
///
/// It does not borrow the split BTF, so that [`rewrite`](Self::rewrite) can change it.
#[derive(Clone, Copy, Debug)]
pub struct Relocation<'p, O, I = &'p [u32]> {
    /// The new id of each type, first those of the distilled base, then those of the split BTF.
    ids: &'p [u32],
    /// The new offset of each string of the distilled base, 0 if it is not needed.
    strings: &'p [u32],
    /// The reason for each kept type of the distilled base, in [`REASON`] numbers.
    reasons: &'p [u32],
    /// The end of the ids of the distilled base, and of the split BTF's strings.
    end_distilled: u32,
    end_string: u32,
    /// Added to the offsets of the split BTF's own strings.
    shift: u32,
    /// New ids from here on belong to kept types.
    first_kept: u32,
    /// New offsets from here on belong to strings that are copied from the distilled base.
    first_added: u32,
    /// Lengths in bytes of the kept types, of the added strings, and of the split BTF before.
    kept_len: usize,
    added_len: usize,
    split_len: usize,
    /// Whether the split BTF has types of unknown kinds.
    unknown: bool,
    /// The target's index, for pauses.
    index: I,
    order: PhantomData<O>,
}

/// A type of the distilled base that matches none of the new base. The split BTF has its own type
/// instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its id in the distilled base.
    pub id: u32,
    /// The id of the split BTF's own type.
    pub new_id: u32,
    /// The split BTF's own type.
    pub own: Own,
    /// Why it matches none.
    pub reason: Mismatch,
}

/// Marks a type that a struct or union of the split BTF has as a member.
pub const MEMBER: u32 = u32::MAX;
/// A mark of this or more: the split BTF contains the type.
pub const CONTAINED: u32 = u32::MAX - 1;
/// Marks a type that matches none of the base, so that the split BTF gets one of its own.
const KEPT: u32 = u32::MAX;
/// Marks a string that is referred to.
pub const NEEDED: u32 = u32::MAX;
/// How many numbers a reason takes: the split BTF's own type, and the mismatch.
const REASON: usize = 4;

impl<'a, O: ByteOrder, I: Index> Valid<'a, O, I> {
    /// The lengths of `ids` and `scratch` for [`Valid::relocate`]. `ids` has an element for each
    /// type.
    pub fn relocation_scratch(&self) -> (usize, usize) {
        let reasons = index(self.first_id()).saturating_mul(REASON);

        (
            index(self.end_id()),
            index(self.first_string()).saturating_add(reasons),
        )
    }

    /// Works out the relocation of this split BTF from its distilled base to `target`.
    ///
    /// `ids` and `scratch` are for the result. [`Valid::relocation_scratch`] gives their lengths.
    /// It examines only those types of `target` that have the name of a distilled type.
    ///
    /// # Errors
    ///
    /// - [`Error::NotDistilled`] if there is no base, or one that is split itself.
    /// - [`Error::Type`] if the distilled base has a type of a kind that it must not have, without
    ///   a name, or with a name of more than 512 bytes; or if the split BTF has a type of an
    ///   unknown kind with a word that would have to change if it were an id or a name.
    /// - [`Error::Unmatched`] for the first type of the distilled base that matches none in
    ///   `target` and that the policy does not allow to be kept.
    /// - With [`Policy::Error`], [`Error::String`] if the split BTF refers to a string of the
    ///   distilled base that is not the name of one of its types.
    /// - [`Error::BufferSize`] if `ids` or `scratch` is too short, [`Error::TooMany`] if 32 bits do
    ///   not suffice for the ids or the strings.
    ///
    /// # Examples
    ///
    /// The kernel does this if vmlinux lacks a type of a module:
    ///
    /// ```
    /// use splitbtf::Btf;
    /// use splitbtf::Builder;
    /// use splitbtf::Mismatch;
    /// use splitbtf::Names;
    /// use splitbtf::Owned;
    /// use splitbtf::Policy;
    /// use splitbtf::LE;
    ///
    /// # let mut builder = Builder::<LE>::new();
    /// # builder.structure(b"gone", 8, &[]);
    /// # let distilled = Owned::<LE>::new(builder.finish()?, None)?;
    /// # let distilled = distilled.btf();
    /// # let mut builder = Builder::split_on(&distilled)?;
    /// # builder.ptr(1);
    /// # let module = builder.finish()?;
    /// # let vmlinux = Owned::<LE>::new(Builder::<LE>::new().finish()?, None)?;
    /// # let vmlinux = vmlinux.btf();
    /// # let names = Names::sorted(vmlinux, 1, None);
    /// # let mut index = [0; 16];
    /// let split = Btf::<LE>::open(&module, Some(&distilled), &mut index)?;
    /// let split = split.validate(&mut vec![0; split.validate_scratch()])?;
    /// let (ids, scratch) = split.relocation_scratch();
    /// let (mut ids, mut scratch) = (vec![0; ids], vec![0; scratch]);
    /// let relocation = split.relocate(&names, Policy::Opaque, &mut ids, &mut scratch)?;
    ///
    /// assert!(!relocation.fits());
    /// let mut result = vec![0; relocation.written_len()];
    /// relocation.write(&module, &distilled, &mut result)?;
    /// for kept in relocation.kept() {
    ///     assert_eq!(kept.reason, Mismatch::Missing);
    /// }
    /// # Ok::<(), splitbtf::Error>(())
    /// ```
    pub fn relocate<'p, J: Index>(
        &self,
        target: &Names<'_, O, J>,
        policy: Policy,
        ids: &'p mut [u32],
        scratch: &'p mut [u32],
    ) -> Result<Relocation<'p, O, J>, Error> {
        let distilled = self.base().filter(|base| base.base().is_none());
        let distilled = &distilled.ok_or(Error::NotDistilled)?;
        let (ids_len, scratch_len) = self.relocation_scratch();
        let short = Error::BufferSize { len: ids.len() };
        let ids = ids.get_mut(..ids_len).ok_or(short)?;
        let short = Error::BufferSize { len: scratch.len() };
        let scratch = scratch.get_mut(..scratch_len).ok_or(short)?;
        let strings_len = index(self.first_string());
        let (strings, reasons) = scratch.split_at_mut_checked(strings_len).ok_or(short)?;
        let own_types = self.end_id().saturating_sub(self.first_id());
        let own_strings = self.end_string().saturating_sub(self.first_string());
        let add = |a: u32, b: u32| a.checked_add(b).ok_or(Error::TooMany);

        ids.fill(0);
        strings.fill(0);
        let unknown = self.mark(ids, strings)?;
        for id in 1..self.first_id() {
            self.pause_at(id);
            let at = index(id).saturating_mul(REASON);
            let slot = reasons.get_mut(at..).unwrap_or_default();
            find(distilled, id, target, policy, ids, strings, slot)?;
        }

        let first_kept = add(target.btf().end_id(), own_types)?;
        let kept_len = number(distilled, target.btf().end_id(), ids)?;
        let first_added = add(target.btf().end_string(), own_strings)?;
        let end_added = place(distilled, target, policy, strings, first_added)?;
        let relocation = Relocation {
            ids,
            strings,
            reasons,
            end_distilled: distilled.end_id(),
            end_string: self.end_string(),
            shift: target.btf().end_string().wrapping_sub(self.first_string()),
            first_kept,
            first_added,
            kept_len,
            added_len: index(end_added.saturating_sub(first_added)),
            split_len: Sections::<O>::find(self.bytes())?.total_len(),
            unknown,
            index: target.btf().index(),
            order: PhantomData,
        };
        if unknown {
            relocation.check_unknown(self, target.btf())?;
        }
        Ok(relocation)
    }

    /// Marks in `ids` the types that the split BTF contains: those of members, of parameters and
    /// results of functions, and of variables. Marks in `strings` the strings of the distilled base
    /// that are referred to. Returns whether there are types of unknown kinds, for which only their
    /// names are marked.
    ///
    /// C marks the types of members only. But if a parameter has another size, or none as a FWD,
    /// the verifier looks for the parameters after it in the wrong places.
    ///
    /// # Errors
    ///
    /// Only those that [`Btf::open`] finds too.
    pub fn mark(&self, ids: &mut [u32], strings: &mut [u32]) -> Result<bool, Error> {
        let mut rest = self.words();
        let mut unknown = false;

        for id in self.first_id()..self.end_id() {
            self.pause_at(id);
            let (record, after) = Record::split(rest, self.layout())
                .map_err(|(_, reason)| self.type_error(id, reason))?;
            let kind = record.head.kind();

            let mut need = |name| {
                if let Some(string) = strings.get_mut(index(name)).filter(|_| name != 0) {
                    *string = NEEDED;
                }
            };
            need(record.head.name_off.get());
            match kind {
                wire::STRUCT | wire::UNION => {
                    record.for_each(|id| self.mark_contained(id, MEMBER, ids), need);
                }
                wire::FUNC_PROTO | wire::VAR => {
                    record.for_each(|id| self.mark_contained(id, CONTAINED, ids), need);
                }
                _ => record.for_each(|_| {}, need),
            }
            unknown |= !is_known(kind);
            rest = after;
        }
        Ok(unknown)
    }

    /// Marks a type, and those under it through typedefs, modifiers and arrays.
    fn mark_contained(&self, id: u32, mark: u32, ids: &mut [u32]) {
        let mut next = Some(id);

        while let Some(id) = next.take() {
            // If a type is marked, those under it are marked already.
            let old = ids.get_mut(index(id)).filter(|old| **old < mark && id != 0);
            let Some(old) = old else {
                return;
            };
            *old = mark;
            next = match self.head(id).map(wire::Type::kind) {
                Some(wire::TYPEDEF..=wire::RESTRICT | wire::TYPE_TAG | wire::ARRAY) => {
                    self.record(id).ok().and_then(|record| record.id(0))
                }
                _ => None,
            };
        }
    }
}

/// Puts the id of the type that a distilled one matches into `ids`, and the id of one with its name
/// into `strings`. If it is kept, puts the reason into `slot`.
fn find<O: ByteOrder, I: Index, J: Index>(
    distilled: &Btf<'_, O, I>,
    id: u32,
    target: &Names<'_, O, J>,
    policy: Policy,
    ids: &mut [u32],
    strings: &mut [u32],
    slot: &mut [u32],
) -> Result<(), Error> {
    let short = Error::BufferSize { len: ids.len() };
    let new = ids.get_mut(index(id)).ok_or(short)?;
    let contained = *new >= CONTAINED;
    let record = distilled.record(id)?;
    let kind = record.head.kind();
    let name_off = record.head.name_off.get();
    let short = Error::BufferSize { len: strings.len() };
    let string = strings.get_mut(index(name_off)).ok_or(short)?;
    let reason = match match_one(distilled, &record, id, contained, target)? {
        Ok(found) => {
            *new = found;
            // If the base has a string twice, C uses the last type's.
            if *string == NEEDED || *string < found {
                *string = found;
            }
            return Ok(());
        }
        Err(reason) => reason,
    };
    let own = Own::of(kind, contained, &reason).filter(|_| policy == Policy::Opaque);
    let own = own.ok_or_else(|| Error::Unmatched {
        id,
        kind,
        name: distilled.type_name(id),
        contained,
        reason,
    })?;

    *new = KEPT;
    let [a, b, c] = reason.to_words();
    for (slot, word) in slot.iter_mut().zip([own as u32, a, b, c]) {
        *slot = word;
    }
    if matches!(*string, 0 | NEEDED) {
        let name = distilled.string(name_off)?;
        *string = target.find(name).next().unwrap_or(NEEDED);
    }
    Ok(())
}

/// The type of `target` that a type of a distilled base matches. `record` and `id` are those of the
/// distilled type, `contained` says whether the split BTF contains it.
///
/// # Errors
///
/// [`Error::Type`] if a distilled base must not have such a type.
pub fn match_one<O: ByteOrder, I: Index, J: Index>(
    distilled: &Btf<'_, O, I>,
    record: &Record<'_, O>,
    id: u32,
    contained: bool,
    target: &Names<'_, O, J>,
) -> Result<Result<u32, Mismatch>, Error> {
    let kind = record.head.kind();
    let wanted = Traits::of(record).filter(|_| kind != wire::ENUM64);
    let wanted = wanted.ok_or_else(|| distilled.type_error(id, TypeReason::NotDistilled))?;
    let name = distilled.short_name(id, record.head)?;
    if name.is_empty() {
        return Err(distilled.type_error(id, TypeReason::Unnamed));
    }
    let mut candidates = target.find(name).map(|id| {
        let record = target.btf().record(id);
        (id, record.ok().and_then(|record| Traits::of(&record)))
    });

    Ok(matching::find(&wanted, contained, &mut candidates))
}

/// Gives the types of the split BTF and the kept types their new ids, from `next` on. Returns the
/// length in bytes of the kept types.
fn number<O: ByteOrder, I: Index>(
    distilled: &Btf<'_, O, I>,
    mut next: u32,
    ids: &mut [u32],
) -> Result<usize, Error> {
    let mut take = || {
        let id = next;
        next = next.checked_add(1).ok_or(Error::TooMany)?;
        Ok(id)
    };
    let mut kept_len: usize = 0;

    for id in ids.iter_mut().skip(index(distilled.end_id())) {
        *id = take()?;
        distilled.pause_at(*id);
    }
    for (old, id) in (0..distilled.end_id()).zip(ids) {
        distilled.pause_at(old);
        if *id == KEPT && old != 0 {
            *id = take()?;
            let data = distilled.record(old)?.data.first().map_or(0, |_| 1);
            let words = HEAD.saturating_add(data);
            kept_len = kept_len.saturating_add(words.saturating_mul(size_of::<Word<O>>()));
        }
    }
    Ok(kept_len)
}

/// Turns the ids in `strings` into the offsets of the types' names. Needed strings that are no
/// type's name get offsets from `next` on. Returns the end of these offsets.
fn place<O: ByteOrder, I: Index, J: Index>(
    distilled: &Btf<'_, O, I>,
    target: &Names<'_, O, J>,
    policy: Policy,
    strings: &mut [u32],
    mut next: u32,
) -> Result<u32, Error> {
    // Start and end of the last added string, and its new offset. Strings may share their ends.
    let mut last = (0, 0, 0);

    for (offset, string) in (0..distilled.end_string()).zip(strings) {
        distilled.pause_at(offset);
        match *string {
            0 => {}
            NEEDED => {
                let (start, end, to) = last;
                if offset >= end {
                    let error = Error::String {
                        offset,
                        end: distilled.end_string(),
                    };
                    if policy == Policy::Error {
                        return Err(error);
                    }
                    let len = u32::try_from(distilled.string(offset)?.len()).map_err(|_| error)?;
                    let len = len.saturating_add(1);
                    last = (offset, offset.saturating_add(len), next);
                    *string = next;
                    next = next.checked_add(len).ok_or(Error::TooMany)?;
                } else {
                    *string = offset.saturating_sub(start).saturating_add(to);
                }
            }
            id => {
                let head = target.btf().head(id).ok_or(Error::Id {
                    id,
                    end: target.btf().end_id(),
                })?;
                *string = head.name_off.get();
            }
        }
    }
    Ok(next)
}

/// The words of the split BTF's own type for a distilled one.
fn own_type<O: ByteOrder>(
    record: &Record<'_, O>,
    name_off: u32,
) -> impl Iterator<Item = Word<O>> + use<O> {
    let head = record.head;
    let fwd = u32::from(wire::FWD) << wire::KIND_SHIFT;
    let (info, size) = match head.kind() {
        wire::UNION => (fwd | wire::KIND_FLAG, 0),
        // A STRUCT's flag is about bit-fields, so it is dropped.
        wire::STRUCT => (fwd, 0),
        // A distilled ENUM has no values.
        _ => (head.info.get() & !wire::VLEN, head.size_or_type.get()),
    };
    // An INT has its encoding.
    let data = record.data.first().copied();

    [name_off, info, size].into_iter().map(U32::new).chain(data)
}

impl<'p, O: ByteOrder, I: Index> Relocation<'p, O, I> {
    /// The new id of each type by its old one, first of the distilled base, then of the split BTF.
    pub fn id_map(&self) -> &'p [u32] {
        self.ids
    }

    /// Whether the split BTF can be [rewritten](Self::rewrite) in place, as nothing is added.
    pub fn fits(&self) -> bool {
        // The layout section is needed to rewrite types of unknown kinds.
        self.kept_len == 0 && self.added_len == 0 && !self.unknown
    }

    /// The number of bytes that [`Relocation::write`] writes.
    pub fn written_len(&self) -> usize {
        self.split_len
            .saturating_add(self.kept_len)
            .saturating_add(self.added_len)
    }

    /// The types of the distilled base that match none of the target, by id.
    pub fn kept(&self) -> impl Iterator<Item = Kept> + use<'p, O, I> {
        let Self {
            first_kept,
            reasons,
            ..
        } = *self;
        let ids = self.ids;

        (0..self.end_distilled).filter_map(move |id| {
            let new_id = *ids.get(index(id))?;
            if new_id < first_kept {
                return None;
            }
            let at = index(id).saturating_mul(REASON);
            let words = reasons.get(at..).and_then(|words| words.first_chunk());
            let [own, reason @ ..] = words.copied().unwrap_or([0; REASON]);
            Some(Kept {
                id,
                new_id,
                own: match own == Own::Kept as u32 {
                    true => Own::Kept,
                    false => Own::Opaque,
                },
                reason: Mismatch::from_words(reason),
            })
        })
    }

    /// Rewrites split BTF in place. `bytes` are those of the split BTF.
    ///
    /// # Errors
    ///
    /// [`Error::BufferSize`] if it does not [fit](Self::fits). If these are not the bytes of the
    /// split BTF, other errors, or no error but a meaningless result.
    pub fn rewrite(&self, bytes: &mut [u8]) -> Result<(), Error> {
        if !self.fits() {
            return Err(Error::BufferSize { len: bytes.len() });
        }
        let types = Sections::<O>::find(bytes)?.types_at();

        self.rewrite_types(bytes.get_mut(types).unwrap_or_default(), &[])
    }

    /// Writes the relocated split BTF into `out`, which must have [`Relocation::written_len`]
    /// bytes. `bytes` and `distilled` are the split BTF and its distilled base.
    ///
    /// # Errors
    ///
    /// [`Error::BufferSize`] if `out` is shorter or longer; [`Error::HeaderField`] if the header
    /// has fields that this crate does not know; other errors if `bytes` or `distilled` are others.
    pub fn write<J: Index>(
        &self,
        bytes: &[u8],
        distilled: &Btf<'_, O, J>,
        out: &mut [u8],
    ) -> Result<(), Error> {
        let size = Error::BufferSize { len: out.len() };
        let sections = Sections::<O>::find(bytes)?;
        if sections.total_len() != self.split_len || out.len() != self.written_len() {
            return Err(size);
        }
        if let Some(offset) = sections.unknown {
            return Err(Error::HeaderField { offset });
        }
        let mut out = Cursor(out);

        let header = out.put(sections.header).ok_or(size)?;
        sections
            .set_header(header, self.kept_len, self.added_len)
            .ok_or(size)?;
        let types = out.put(sections.types.as_bytes()).ok_or(size)?;
        let layout = sections.layout_on(Some(distilled));
        self.rewrite_types(types, layout)?;
        for Kept { id, new_id, .. } in self.kept() {
            pause_at(&self.index, new_id);
            let record = distilled.record(id)?;
            let name_off = self.strings.get(index(record.head.name_off.get()));
            for word in own_type(&record, name_off.copied().unwrap_or_default()) {
                out.put(word.as_bytes()).ok_or(size)?;
            }
        }
        out.put(sections.layout.as_bytes()).ok_or(size)?;
        out.put(sections.strings).ok_or(size)?;
        let mut next = self.first_added;
        for (old, new) in (0..u32::MAX).zip(self.strings) {
            pause_at(&self.index, old);
            if *new == next {
                let string = distilled.string(old)?;
                out.put(string).ok_or(size)?;
                out.put(&[0]).ok_or(size)?;
                let len = u32::try_from(string.len()).map_err(|_| size)?;
                next = next.saturating_add(len).saturating_add(1);
            }
        }
        Ok(())
    }

    fn rewrite_types(&self, types: &mut [u8], layout: &[wire::Layout<O>]) -> Result<(), Error> {
        let mut count: u32 = 0;
        let pause = || {
            count = count.wrapping_add(1);
            pause_at(&self.index, count);
        };
        let words = <[Word<O>]>::mut_from_bytes(types).map_err(|_| Error::TooMany)?;
        let (id, name) = (|old| self.new_id(old), |old| self.new_name(old));

        rewrite(words, layout, self.end_distilled, id, name, pause)
    }

    fn new_id(&self, old: u32) -> u32 {
        self.ids.get(index(old)).copied().unwrap_or(old)
    }

    fn new_name(&self, old: u32) -> u32 {
        match self.strings.get(index(old)) {
            Some(new) => *new,
            None if old < self.end_string => old.wrapping_add(self.shift),
            None => old,
        }
    }

    /// Checks that the types of unknown kinds can stay as they are, before anything is rewritten.
    fn check_unknown<J: Index, K: Index>(
        &self,
        split: &Valid<'_, O, J>,
        target: &Btf<'_, O, K>,
    ) -> Result<(), Error> {
        // 7.3's split BTF may leave the layout to its base, which will be another one.
        let own = Sections::<O>::find(split.bytes())?.layout;
        let layout = match own {
            [] => target.layout(),
            _ => own,
        };
        let mut rest = split.words();

        for id in split.first_id()..split.end_id() {
            split.pause_at(id);
            let error = |reason| split.type_error(id, reason);
            let (record, after) =
                Record::split(rest, split.layout()).map_err(|(_, reason)| error(reason))?;
            if !is_known(record.head.kind()) {
                let again = Record::split(rest, layout).map_err(|(_, reason)| error(reason))?;
                if again.1.len() != after.len() {
                    return Err(error(TypeReason::UnknownKind));
                }
                let words = record.data.iter().chain(record.elems);
                let words = words.map(|word| word.get());
                let arg = iter::once(record.head.size_or_type.get());
                let stays = |word| stays(word, |id| self.new_id(id), |name| self.new_name(name));
                if !arg.chain(words).all(stays) {
                    return Err(error(TypeReason::UnknownReferences));
                }
            }
            rest = after;
        }
        Ok(())
    }
}
