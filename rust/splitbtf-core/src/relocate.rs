// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Relocation: from a distilled base to a full one.
//!
//! Split BTF that has been distilled refers to a base of its own, which holds no
//! more than the names, kinds and sizes of the types that it needs. Relocation finds these types in
//! the BTF of the kernel that is there, and makes the split BTF refer to them instead. It does what
//! `btf_relocate()` of `tools/lib/bpf/btf_relocate.c` does, in the kernel and in libbpf, and where
//! that succeeds it gives the same bytes. It looks each name up instead of walking all of the base.

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
use crate::record::rewrite;
use crate::record::Record;
use crate::record::Word;
use crate::record::HEAD;
use crate::wire;
use crate::Btf;
use crate::Error;
use crate::Index;
use crate::TypeReason;
use crate::Valid;

/// What to do with a distilled type that matches none of the base's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Fail, as `btf_relocate()` does.
    Error,
    /// Give the split BTF a type of its own where it needs to know no more of it.
    ///
    /// - A STRUCT, UNION or FWD that the split BTF only points to becomes a FWD, whatever the reason:
    ///   an opaque type.
    /// - An INT or FLOAT is kept as it is, unless there are several that it matches.
    /// - An ENUM is kept as it is if the base has none of its name.
    ///
    /// All others are an error, above all a STRUCT or UNION that the split BTF contains: as the type
    /// of a member, or of what a function takes or returns, or of a variable.
    Opaque,
}

/// A relocation that has been worked out, and not yet been done.
///
/// It does not borrow the split BTF, which [`rewrite`](Self::rewrite) can therefore change.
#[derive(Clone, Copy, Debug)]
pub struct Relocation<'p, O, I = &'p [u32]> {
    /// The new id of each type, be it of the distilled base or of the split BTF.
    ids: &'p [u32],
    /// The new offset of each string of the distilled base, 0 if nothing needs it.
    strings: &'p [u32],
    /// How many ids the distilled base has.
    end_distilled: u32,
    /// What is added to the offsets of the split BTF's own strings.
    shift: u32,
    /// The new ids from here on are those of kept types.
    first_kept: u32,
    /// The new offsets of strings of the distilled base are those of added ones from here on.
    first_added: u32,
    /// Lengths in bytes of the kept types, of the added strings, and of what is there without them.
    kept_len: usize,
    added_len: usize,
    split_len: usize,
    /// The target's, for pauses.
    index: I,
    order: PhantomData<O>,
}

/// Of a type: a struct or union of the split BTF has it as a member.
pub const MEMBER: u32 = u32::MAX;
/// Of a type: the split BTF contains it, if this or more.
pub const CONTAINED: u32 = u32::MAX - 1;
/// Of a type: it matches none of the base, and the split BTF gets one of its own.
const KEPT: u32 = u32::MAX;
/// Of a string: something refers to it.
pub const NEEDED: u32 = u32::MAX;

impl<'a, O: ByteOrder, I: Index> Valid<'a, O, I> {
    /// How many elements [`Valid::relocate`] needs for ids, and how many for strings: as many as
    /// there are types, and as the strings of the distilled base have bytes.
    pub fn relocation_room(&self) -> (usize, usize) {
        let strings = self.first_string();

        (index(self.end_id()), index(strings))
    }

    /// Works out the relocation of this split BTF from the distilled base that it is split on to
    /// `target`.
    ///
    /// `ids` and `strings` are for the result, with as many elements as [`Valid::relocation_room`]
    /// says. The distilled base has been [validated](Btf::validate) as well. Of `target`, only the
    /// types that have one of the names sought are looked at.
    ///
    /// # Errors
    ///
    /// - [`Error::NotDistilled`] if there is no base, or one that is split itself.
    /// - [`Error::Type`] if a type of the distilled base is of a kind that none has, or has no name
    ///   or one of more than 512 bytes, or if one of the split BTF is of an unknown kind.
    /// - [`Error::Unmatched`] for the first type of the distilled base that matches none in `target`
    ///   and that the policy does not allow to be kept.
    /// - With [`Policy::Error`], [`Error::String`] if the split BTF refers to a string of the
    ///   distilled base that is not the name of one of its types.
    /// - [`Error::Room`] if there is not enough room, [`Error::TooMany`] if 32 bits do not suffice
    ///   for the ids or the strings.
    ///
    /// # Examples
    ///
    /// What the kernel does with a module of which vmlinux lacks a type:
    ///
    /// ```
    /// use splitbtf::Btf;
    /// use splitbtf::Builder;
    /// use splitbtf::Mismatch;
    /// use splitbtf::Names;
    /// use splitbtf::Owned;
    /// use splitbtf::Policy;
    /// use zerocopy::LE;
    ///
    /// # let mut builder = Builder::<LE>::new();
    /// # builder.structure(b"gone", 8, &[]);
    /// # let distilled = Owned::<LE>::new(builder.finish()?, None)?;
    /// # let distilled = distilled.view(None)?;
    /// # let mut builder = Builder::split_on(&distilled)?;
    /// # builder.ptr(1);
    /// # let module = builder.finish()?;
    /// # let vmlinux = Owned::<LE>::new(Builder::<LE>::new().finish()?, None)?;
    /// # let vmlinux = vmlinux.view(None)?;
    /// # let names = Names::sorted(&vmlinux, 1, None);
    /// # let mut room = [0; 16];
    /// let split = Btf::<LE>::open(&module, Some(&distilled), &mut room)?;
    /// let split = split.validate(&mut vec![0; split.validate_room()])?;
    /// let (ids, strings) = split.relocation_room();
    /// let (mut ids, mut strings) = (vec![0; ids], vec![0; strings]);
    /// let relocation = split.relocate(&names, Policy::Opaque, &mut ids, &mut strings)?;
    ///
    /// assert!(!relocation.fits());
    /// let mut result = vec![0; relocation.written_len()];
    /// relocation.write(&module, &distilled, &mut result)?;
    /// for (id, _) in relocation.kept() {
    ///     let reason = splitbtf::mismatch(&distilled, id, &names)?;
    ///     assert_eq!(reason, Some(Mismatch::Missing));
    /// }
    /// # Ok::<(), splitbtf::Error>(())
    /// ```
    pub fn relocate<'p, J: Index>(
        &self,
        target: &Names<'_, O, J>,
        policy: Policy,
        ids: &'p mut [u32],
        strings: &'p mut [u32],
    ) -> Result<Relocation<'p, O, J>, Error> {
        let distilled = self.base().filter(|base| base.base().is_none());
        let distilled = distilled.ok_or(Error::NotDistilled)?;
        let (ids_len, strings_len) = self.relocation_room();
        let short = Error::Room { len: ids.len() };
        let ids = ids.get_mut(..ids_len).ok_or(short)?;
        let short = Error::Room { len: strings.len() };
        let strings = strings.get_mut(..strings_len).ok_or(short)?;
        let own_types = self.end_id().saturating_sub(self.first_id());
        let own_strings = self.end_string().saturating_sub(self.first_string());
        let add = |a: u32, b: u32| a.checked_add(b).ok_or(Error::TooMany);

        ids.fill(0);
        strings.fill(0);
        self.mark(ids, strings)?;
        for id in 1..self.first_id() {
            self.pause_at(id);
            find(distilled, id, target, policy, ids, strings)?;
        }

        let first_kept = add(target.btf().end_id(), own_types)?;
        let kept_len = number(distilled, target.btf().end_id(), ids)?;
        let first_added = add(target.btf().end_string(), own_strings)?;
        let end_added = place(distilled, target, policy, strings, first_added)?;
        Ok(Relocation {
            ids,
            strings,
            end_distilled: distilled.end_id(),
            shift: target.btf().end_string().wrapping_sub(self.first_string()),
            first_kept,
            first_added,
            kept_len,
            added_len: index(end_added.saturating_sub(first_added)),
            split_len: Sections::<O>::find(self.bytes())?.len(),
            index: target.btf().index(),
            order: PhantomData,
        })
    }

    /// Marks in `ids` the types that the split BTF contains: those of members, of parameters and
    /// results of functions, and of variables. Marks in `strings` the strings of the distilled base
    /// that are referred to.
    ///
    /// C marks the types of members only. But if a parameter has another size, or none as a FWD, the
    /// verifier looks for those after it in the wrong places.
    pub fn mark(&self, ids: &mut [u32], strings: &mut [u32]) -> Result<(), Error> {
        let mut rest = self.words();

        for id in self.first_id()..self.end_id() {
            self.pause_at(id);
            let (record, behind) = Record::split(rest, self.layout())
                .map_err(|(_, reason)| self.type_error(id, reason))?;
            let kind = record.head.kind();
            if !(wire::INT..=wire::ENUM64).contains(&kind) {
                return Err(self.type_error(id, TypeReason::UnknownKind));
            }

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
            rest = behind;
        }
        Ok(())
    }

    /// Marks a type, and what that is another name or an array of.
    fn mark_contained(&self, id: u32, mark: u32, ids: &mut [u32]) {
        let mut next = Some(id);

        while let Some(id) = next.take() {
            // What a marked type is another name or an array of is marked as well.
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

/// Why a distilled type matches none of `target`: for those that a relocation has
/// [kept](Relocation::kept).
///
/// # Errors
///
/// If there is no such type in the distilled base, or one that cannot be there.
pub fn mismatch<O: ByteOrder, I: Index, J: Index>(
    distilled: &Btf<'_, O, I>,
    id: u32,
    target: &Names<'_, O, J>,
) -> Result<Option<Mismatch>, Error> {
    let record = distilled.record(id)?;

    // It makes a difference for a STRUCT and a UNION only, and such are not kept if contained.
    Ok(match_one(distilled, &record, id, false, target)?.err())
}

/// Puts the id of the type that a distilled one matches into `ids`, and that of one which has its
/// name into `strings`.
fn find<O: ByteOrder, I: Index, J: Index>(
    distilled: &Btf<'_, O, I>,
    id: u32,
    target: &Names<'_, O, J>,
    policy: Policy,
    ids: &mut [u32],
    strings: &mut [u32],
) -> Result<(), Error> {
    let short = Error::Room { len: ids.len() };
    let new = ids.get_mut(index(id)).ok_or(short)?;
    let contained = *new >= CONTAINED;
    let record = distilled.record(id)?;
    let kind = record.head.kind();
    let name_off = record.head.name_off.get();
    let short = Error::Room { len: strings.len() };
    let string = strings.get_mut(index(name_off)).ok_or(short)?;

    match match_one(distilled, &record, id, contained, target)? {
        Ok(found) => {
            *new = found;
            // Where base BTF has a string twice, C goes by the last type.
            if *string == NEEDED || *string < found {
                *string = found;
            }
        }
        Err(reason) if policy == Policy::Opaque && Own::of(kind, contained, &reason).is_some() => {
            *new = KEPT;
            if matches!(*string, 0 | NEEDED) {
                let name = distilled.string(name_off)?;
                *string = target.find(name).next().unwrap_or(NEEDED);
            }
        }
        Err(reason) => {
            return Err(Error::Unmatched {
                id,
                kind,
                contained,
                reason,
            })
        }
    }
    Ok(())
}

/// The type of `target` that a distilled one matches.
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

/// Makes offsets of `strings`: that of the type's name where there is a type, and one from `next`
/// on where a string is needed and no type has it. Returns where the added strings end.
fn place<O: ByteOrder, I: Index, J: Index>(
    distilled: &Btf<'_, O, I>,
    target: &Names<'_, O, J>,
    policy: Policy,
    strings: &mut [u32],
    mut next: u32,
) -> Result<u32, Error> {
    // Where the last added string begins and ends, and where it goes. Strings may share their ends.
    let mut last = (0, 0, 0);

    for (offset, string) in (0..distilled.end_string()).zip(strings) {
        distilled.pause_at(offset);
        match *string {
            0 => {}
            NEEDED => {
                let (begin, end, to) = last;
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
                    *string = offset.saturating_sub(begin).saturating_add(to);
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
        // The flag of a STRUCT is one for bit-fields.
        wire::STRUCT => (fwd, 0),
        // An ENUM has no values there.
        _ => (head.info.get() & !wire::VLEN, head.size_or_type.get()),
    };
    // An INT has its encoding.
    let data = record.data.first().copied();

    [name_off, info, size].into_iter().map(U32::new).chain(data)
}

impl<'p, O: ByteOrder, I: Index> Relocation<'p, O, I> {
    /// The id of each type after the relocation, by what it was before: first the types of the
    /// distilled base, then those of the split BTF.
    pub fn id_map(&self) -> &'p [u32] {
        self.ids
    }

    /// Whether nothing is added, so that the split BTF can be [rewritten](Self::rewrite) in place.
    pub fn fits(&self) -> bool {
        self.kept_len == 0 && self.added_len == 0
    }

    /// How many bytes [`Relocation::write`] gives.
    pub fn written_len(&self) -> usize {
        self.split_len
            .saturating_add(self.kept_len)
            .saturating_add(self.added_len)
    }

    /// The types of the distilled base for which the split BTF gets one of its own, each by its id
    /// in the distilled base and the new one. Those of a STRUCT, a UNION or a FWD are opaque, the
    /// others are as they were.
    pub fn kept(&self) -> impl Iterator<Item = (u32, u32)> + use<'p, O, I> {
        let first_kept = self.first_kept;
        let ids = self.ids.get(..index(self.end_distilled));

        (0..u32::MAX)
            .zip(ids.unwrap_or_default().iter().copied())
            .filter(move |(_, new)| *new >= first_kept)
    }

    /// Rewrites split BTF in place. `bytes` are those which the relocation has been worked out for.
    ///
    /// # Errors
    ///
    /// [`Error::Room`] if something has to be [added](Self::fits); what [`Btf::open`] fails with if
    /// these are other bytes. They are then as they were, unless they are of other types.
    pub fn rewrite(&self, bytes: &mut [u8]) -> Result<(), Error> {
        if !self.fits() {
            return Err(Error::Room { len: bytes.len() });
        }
        let types = Sections::<O>::find(bytes)?.types_at();

        self.rewrite_types(bytes.get_mut(types).unwrap_or_default())
    }

    /// Writes the relocated split BTF into `out`, which is as long as [`Relocation::written_len`]
    /// says. `bytes` and `distilled` are what the relocation has been worked out for.
    ///
    /// # Errors
    ///
    /// [`Error::Room`] if `out` is shorter or longer; other errors if these are other bytes or
    /// another base.
    pub fn write<J: Index>(
        &self,
        bytes: &[u8],
        distilled: &Btf<'_, O, J>,
        out: &mut [u8],
    ) -> Result<(), Error> {
        let room = Error::Room { len: out.len() };
        let sections = Sections::<O>::find(bytes)?;
        if sections.len() != self.split_len || out.len() != self.written_len() {
            return Err(room);
        }
        let mut out = Cursor(out);

        let header = out.put(sections.header).ok_or(room)?;
        sections
            .set_header(header, self.kept_len, self.added_len)
            .ok_or(room)?;
        let types = out.put(sections.types.as_bytes()).ok_or(room)?;
        self.rewrite_types(types)?;
        for (old, new) in self.kept() {
            pause_at(&self.index, new);
            let record = distilled.record(old)?;
            let name_off = self.strings.get(index(record.head.name_off.get()));
            for word in own_type(&record, name_off.copied().unwrap_or_default()) {
                out.put(word.as_bytes()).ok_or(room)?;
            }
        }
        out.put(sections.layout.as_bytes()).ok_or(room)?;
        out.put(sections.strings).ok_or(room)?;
        let mut next = self.first_added;
        for (old, new) in (0..u32::MAX).zip(self.strings) {
            pause_at(&self.index, old);
            if *new == next {
                let string = distilled.string(old)?;
                out.put(string).ok_or(room)?;
                out.put(&[0]).ok_or(room)?;
                let len = u32::try_from(string.len()).map_err(|_| room)?;
                next = next.saturating_add(len).saturating_add(1);
            }
        }
        Ok(())
    }

    fn rewrite_types(&self, types: &mut [u8]) -> Result<(), Error> {
        let end_distilled = u32::try_from(self.strings.len()).unwrap_or(u32::MAX);
        let id = |old| self.ids.get(index(old)).copied().unwrap_or(old);
        let name = |old: u32| match old < end_distilled {
            true => self.strings.get(index(old)).copied().unwrap_or(old),
            false => old.wrapping_add(self.shift),
        };
        let mut count: u32 = 0;
        let pause = || {
            count = count.wrapping_add(1);
            pause_at(&self.index, count);
        };
        let words = <[Word<O>]>::mut_from_bytes(types).map_err(|_| Error::TooMany)?;

        rewrite(words, id, name, pause).map_err(|reason| Error::Type {
            id: 0,
            kind: 0,
            offset: 0,
            reason,
        })
    }
}
