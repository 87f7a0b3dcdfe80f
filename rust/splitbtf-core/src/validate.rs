// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Checks all references of types, once.

use core::iter;
use core::ops::Deref;

use zerocopy::ByteOrder;
use zerocopy::IntoBytes;

use crate::record::index;
use crate::record::Record;
use crate::wire;
use crate::Btf;
use crate::Error;
use crate::Index;
use crate::Type;
use crate::TypeReason;

/// BTF whose references, and those of its bases, are all good: see [`Btf::validate`].
#[derive(Clone, Copy, Debug)]
pub struct Valid<'a, O: ByteOrder, I = &'a [u32]>(Btf<'a, O, I>);

impl<'a, O: ByteOrder, I: Index> Valid<'a, O, I> {
    /// The types that are not in the base, by id.
    pub fn iter(&self) -> impl Iterator<Item = Type<'a>> + '_ {
        self.0.types().map_while(Result::ok)
    }

    /// The base that it is split on. It is valid too.
    pub fn base(&self) -> Option<Self> {
        self.0.base().map(|base| base.assume_valid())
    }
}

impl<'a, O: ByteOrder, I> Deref for Valid<'a, O, I> {
    type Target = Btf<'a, O, I>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a, O: ByteOrder, I: Index> Btf<'a, O, I> {
    /// The length of the scratch space that [`Btf::validate`] needs.
    pub fn validate_scratch(&self) -> usize {
        let lens = self.unchecked().map(|btf| {
            let count = btf.count();
            count.saturating_mul(2).saturating_add(count.div_ceil(4))
        });

        lens.max().unwrap_or_default()
    }

    /// Checks the types. In valid BTF, all ids and names lead to types and strings that exist, and
    /// following them comes to an end. A base is checked as well, unless it is known to be valid:
    /// because this BTF was opened on a [`Valid`] one, or by [`Btf::assume_valid`].
    ///
    /// - Each id and each string offset in a type exists.
    /// - Types have names or none as `btf_check_meta()` of `kernel/bpf/btf.c` requires, and a FWD
    ///   refers to no type.
    /// - No type contains itself, and none refers to nothing but itself: a cycle has to lead
    ///   through both a pointer and a struct or union.
    ///
    /// If the kind is unknown, only the name is checked.
    ///
    /// `scratch` must have [`Btf::validate_scratch`] elements. The time grows with the length of
    /// the types, and with nothing else.
    ///
    /// # Examples
    ///
    /// ```
    /// use splitbtf::Btf;
    /// use splitbtf::Builder;
    /// use splitbtf::Error;
    /// use splitbtf::TypeReason;
    /// use splitbtf::LE;
    ///
    /// // int f[2][2]...
    /// let mut builder = Builder::<LE>::new();
    /// builder.array(1, 0, 2);
    /// let bytes = builder.finish()?;
    ///
    /// let mut index = vec![0; splitbtf::max_types::<LE>(&bytes)?];
    /// let btf = Btf::<LE>::open(&bytes, None, &mut index)?;
    /// let mut scratch = vec![0; btf.validate_scratch()];
    /// let error = btf.validate(&mut scratch).unwrap_err();
    /// assert!(matches!(error, Error::Type { id: 1, reason: TypeReason::ContainsItself, .. }));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Type`] for the first type with a fault; [`Error::BufferSize`].
    pub fn validate(&self, scratch: &mut [u32]) -> Result<Valid<'a, O, I>, Error> {
        self.check(scratch, true)
    }

    /// As [`Btf::validate`], without the rules for names and for FWDs: for BTF whose types
    /// `btf_check_meta()` has checked one by one. The names of members, values and parameters are
    /// still checked.
    ///
    /// # Errors
    ///
    /// As [`Btf::validate`].
    pub fn validate_references(&self, scratch: &mut [u32]) -> Result<Valid<'a, O, I>, Error> {
        self.check(scratch, false)
    }

    /// Assumes that this BTF and its bases are valid, without a check: for BTF from a trusted
    /// source, such as the running kernel. If it is not valid, the methods of [`Valid`] give errors
    /// or wrong answers, but nothing worse.
    pub fn assume_valid(&self) -> Valid<'a, O, I> {
        let mut btf = *self;

        btf.valid = true;
        Valid(btf)
    }

    /// This BTF and its bases, up to the first that is known to be valid.
    fn unchecked(&self) -> impl Iterator<Item = &Self> {
        iter::successors(Some(self), |btf| btf.base()).take_while(|btf| !btf.valid)
    }

    fn check(&self, scratch: &mut [u32], metas: bool) -> Result<Valid<'a, O, I>, Error> {
        for btf in self.unchecked() {
            btf.check_own(scratch, metas)?;
        }
        Ok(self.assume_valid())
    }

    /// Checks the types that are not in the base.
    fn check_own(&self, scratch: &mut [u32], metas: bool) -> Result<(), Error> {
        let short = Error::BufferSize { len: scratch.len() };
        let count = self.count();
        let (path, scratch) = scratch.split_at_mut_checked(count).ok_or(short)?;
        let (next, scratch) = scratch.split_at_mut_checked(count).ok_or(short)?;
        let states = scratch.as_mut_bytes().get_mut(..count).ok_or(short)?;

        self.check_references(states, metas)?;
        self.check_cycles(CONTAINS, TypeReason::ContainsItself, states, path, next)?;
        self.check_cycles(REFERS, TypeReason::RefersToItself, states, path, next)
    }

    fn count(&self) -> usize {
        let count = self.end_id().saturating_sub(self.first_id());

        count.try_into().unwrap_or(usize::MAX)
    }

    /// Checks the references of types; with `metas`, also the names of types and the FWDs. Notes in
    /// `states` which types are on no cycle.
    fn check_references(&self, states: &mut [u8], metas: bool) -> Result<(), Error> {
        let mut rest = self.words();

        for (id, state) in (self.first_id()..self.end_id()).zip(&mut *states) {
            self.pause_at(id);
            *state = self
                .head(id)
                .map(|head| ends(head.kind()))
                .unwrap_or_default();
        }
        for id in self.first_id()..self.end_id() {
            let error = |reason| self.type_error(id, reason);
            let (record, after) =
                Record::split(rest, self.layout()).map_err(|(_, reason)| error(reason))?;

            self.pause_at(id);
            if metas {
                self.check_name(&record).map_err(error)?;
                if record.head.kind() == wire::FWD && record.head.size_or_type.get() != 0 {
                    return Err(error(TypeReason::Typed));
                }
            }
            let (mut max_id, mut max_name) = (0, 0);
            let mut done = CONTAINS | REFERS;
            record.for_each(
                |id| {
                    max_id = id.max(max_id);
                    done &= self.done(states, id);
                },
                |name| max_name = name.max(max_name),
            );
            if max_id >= self.end_id() {
                return Err(error(TypeReason::NoSuchType { id: max_id }));
            }
            if max_name >= self.end_string() && max_name != 0 {
                return Err(error(TypeReason::NoSuchString { offset: max_name }));
            }
            let done = done | ends(record.head.kind());
            if let Some(state) = self.state(states, id) {
                *state = done;
            }
            rest = after;
        }
        Ok(())
    }

    fn check_name(&self, record: &Record<'a, O>) -> Result<(), TypeReason> {
        let offset = record.head.name_off.get();
        let none = TypeReason::NoSuchString { offset };
        let must_have = match record.head.kind() {
            wire::FWD..=wire::TYPEDEF | wire::FUNC | wire::VAR..=wire::DATASEC => true,
            wire::DECL_TAG | wire::TYPE_TAG => true,
            wire::PTR | wire::ARRAY | wire::VOLATILE..=wire::RESTRICT | wire::FUNC_PROTO => false,
            _ if offset < self.end_string() || offset == 0 => return Ok(()),
            _ => return Err(none),
        };

        match (must_have, offset) {
            (false, 0) => Ok(()),
            (false, _) => Err(TypeReason::Named),
            (true, 0) => Err(TypeReason::Unnamed),
            (true, _) => match self.strings_from(offset).ok_or(none)? {
                [0, ..] => Err(TypeReason::Unnamed),
                _ => Ok(()),
            },
        }
    }

    /// Checks that no path of references of one sort leads back to its start.
    fn check_cycles(
        &self,
        sort: u8,
        reason: TypeReason,
        states: &mut [u8],
        path: &mut [u32],
        next: &mut [u32],
    ) -> Result<(), Error> {
        let short = Error::BufferSize { len: path.len() };
        let mut steps: u32 = 0;

        for start in self.first_id()..self.end_id() {
            let mut enter = (self.done(states, start) & sort == 0).then_some(start);
            // The number of types on the path from `start` to the current type. `path` has their
            // ids; `next` has, for each, the number of the reference to follow next.
            let mut depth: usize = 0;

            loop {
                steps = steps.wrapping_add(1);
                self.pause_at(steps);
                if let Some(id) = enter.take() {
                    // Most types end here.
                    let done = self.all_done(&self.record(id)?, states) & sort;
                    if let Some(state) = self.state(states, id) {
                        *state |= if done != 0 { done } else { ON_PATH };
                    }
                    if done == 0 {
                        *path.get_mut(depth).ok_or(short)? = id;
                        *next.get_mut(depth).ok_or(short)? = 0;
                        depth = depth.saturating_add(1);
                    }
                }
                let Some(top) = depth.checked_sub(1) else {
                    break;
                };
                let (id, next) = path.get(top).zip(next.get_mut(top)).ok_or(short)?;
                let record = self.record(*id)?;
                while let Some(to) = record.id(index(*next)) {
                    *next = next.saturating_add(1);
                    let state = self.done(states, to);
                    if state & ON_PATH != 0 {
                        return Err(self.type_error(to, reason));
                    }
                    if state & sort == 0 {
                        enter = Some(to);
                        break;
                    }
                }
                if enter.is_none() {
                    if let Some(state) = self.state(states, *id) {
                        *state = (*state | sort) & !ON_PATH;
                    }
                    depth = top;
                }
            }
        }
        Ok(())
    }

    /// The sorts of references for which all types that this one refers to are known to be on no
    /// cycle.
    #[inline(always)]
    fn all_done(&self, record: &Record<'a, O>, states: &[u8]) -> u8 {
        let mut done = CONTAINS | REFERS;

        record.for_each(|id| done &= self.done(states, id), |_| {});
        done
    }

    /// The sorts of references for which a type is known to be on no cycle.
    #[inline]
    fn done(&self, states: &[u8], id: u32) -> u8 {
        let Some(n) = id.checked_sub(self.first_id()) else {
            return CONTAINS | REFERS;
        };

        states.get(index(n)).copied().unwrap_or_default()
    }

    #[inline]
    fn state<'s>(&self, states: &'s mut [u8], id: u32) -> Option<&'s mut u8> {
        let n = id.checked_sub(self.first_id())?;

        states.get_mut(usize::try_from(n).ok()?)
    }
}

/// Set when a type is known to be on no containment cycle (members, array elements, typedefs,
/// modifiers).
const CONTAINS: u8 = 1;
/// The same for all references except those of structs and unions, through which cycles are legal.
const REFERS: u8 = 2;
/// The type is on the current path.
const ON_PATH: u8 = 4;

/// The sorts of references that a type of this kind does not have.
fn ends(kind: u8) -> u8 {
    match kind {
        wire::STRUCT | wire::UNION => REFERS,
        wire::ARRAY | wire::TYPEDEF..=wire::RESTRICT | wire::TYPE_TAG => 0,
        wire::PTR | wire::FUNC | wire::FUNC_PROTO | wire::VAR | wire::DATASEC | wire::DECL_TAG => {
            CONTAINS
        }
        _ => CONTAINS | REFERS,
    }
}
