// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Checking all that types refer to, once.

use core::ops::Deref;

use zerocopy::ByteOrder;
use zerocopy::IntoBytes;

use crate::record::Record;
use crate::wire;
use crate::Btf;
use crate::Error;
use crate::Index;
use crate::Type;
use crate::TypeReason;

/// BTF of which all references are known to be good: see [`Btf::validate`].
#[derive(Clone, Copy, Debug)]
pub struct Valid<'a, O: ByteOrder, I = &'a [u32]>(Btf<'a, O, I>);

impl<'a, O: ByteOrder, I: Index> Valid<'a, O, I> {
    /// The types that are not in the base, by id.
    pub fn iter(&self) -> impl Iterator<Item = Type<'a, O>> + '_ {
        self.0.types().map_while(Result::ok)
    }
}

impl<'a, O: ByteOrder, I> Deref for Valid<'a, O, I> {
    type Target = Btf<'a, O, I>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a, O: ByteOrder, I: Index> Btf<'a, O, I> {
    /// How many elements of room [`Btf::validate`] needs.
    pub fn validate_room(&self) -> usize {
        let count = self.count();

        count.saturating_mul(2).saturating_add(count.div_ceil(4))
    }

    /// Checks the types that are not in the base, so that whoever goes by ids and names from then on
    /// ends up at types and strings that are there, and comes to an end. The base is taken to have
    /// been checked by itself.
    ///
    /// - What a type refers to is there, types as well as names.
    /// - What must have a name has one, and what must not has none, as `btf_check_meta()` of
    ///   `kernel/bpf/btf.c` has it.
    /// - No type contains itself, and none is nothing but a reference to itself: a type may lead
    ///   back to itself through a pointer and a struct or union only, through both.
    ///
    /// `room` is working memory: as many elements as [`Btf::validate_room`] says. The time that it
    /// takes grows with the length of the types, and with nothing else.
    ///
    /// # Errors
    ///
    /// [`Error::Type`] for the first type found of which something is wrong; [`Error::Room`].
    pub fn validate(&self, room: &mut [u32]) -> Result<Valid<'a, O, I>, Error> {
        self.check_references()?;
        self.check_cycles(room, TypeReason::ContainsItself, contains)?;
        self.check_cycles(room, TypeReason::RefersToItself, refers)?;
        Ok(Valid(*self))
    }

    fn count(&self) -> usize {
        let count = self.end_id().saturating_sub(self.first_id());

        count.try_into().unwrap_or(usize::MAX)
    }

    fn check_references(&self) -> Result<(), Error> {
        let mut rest = self.words();

        for id in self.first_id()..self.end_id() {
            let error = |reason| self.type_error(id, reason);
            let (record, behind) =
                Record::split(rest, self.layout()).map_err(|(_, reason)| error(reason))?;

            self.check_name(&record).map_err(error)?;
            // All at once, as nearly always there is nothing to find.
            let max_id = record.ids().max().unwrap_or_default();
            if max_id >= self.end_id() {
                return Err(error(TypeReason::NoSuchType { id: max_id }));
            }
            let max_name = record.elem_names().max().unwrap_or_default();
            if max_name >= self.end_string() && max_name != 0 {
                return Err(error(TypeReason::NoSuchString { offset: max_name }));
            }
            rest = behind;
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

    /// Checks that no way along the references of types of some kinds leads back to its begin.
    fn check_cycles(
        &self,
        room: &mut [u32],
        reason: TypeReason,
        follow: impl Fn(u8) -> bool,
    ) -> Result<(), Error> {
        let count = self.count();
        let short = Error::Room { len: room.len() };
        let (path, room) = room.split_at_mut_checked(count).ok_or(short)?;
        let (next, room) = room.split_at_mut_checked(count).ok_or(short)?;
        let states = room.as_mut_bytes().get_mut(..count).ok_or(short)?;
        states.fill(NEW);

        // `path` holds the types from the one that the search began with to the one that it is at,
        // `next` how far the search is with each.
        for start in self.first_id()..self.end_id() {
            let mut depth = 0;
            let mut enter = Some(start);

            loop {
                if let Some(id) = enter.take() {
                    let state = self.state(states, id);
                    match state.as_deref() {
                        Some(&ON_PATH) => return Err(self.type_error(id, reason)),
                        Some(&NEW) => {
                            let kind = self.head(id).map(wire::Type::kind).unwrap_or_default();
                            let to = match follow(kind) {
                                true => ON_PATH,
                                false => DONE,
                            };
                            if let Some(state) = state {
                                *state = to;
                            }
                            if to == ON_PATH {
                                *path.get_mut(depth).ok_or(short)? = id;
                                *next.get_mut(depth).ok_or(short)? = 0;
                                depth = depth.saturating_add(1);
                            }
                        }
                        // In the base, or found to be good.
                        _ => {}
                    }
                }
                let Some(top) = depth.checked_sub(1) else {
                    break;
                };
                let (id, next) = path.get(top).zip(next.get_mut(top)).ok_or(short)?;
                let n = usize::try_from(*next).unwrap_or(usize::MAX);
                *next = next.saturating_add(1);
                enter = self.record(*id)?.id(n);
                if enter.is_none() {
                    if let Some(state) = self.state(states, *id) {
                        *state = DONE;
                    }
                    depth = top;
                }
            }
        }
        Ok(())
    }

    fn state<'s>(&self, states: &'s mut [u8], id: u32) -> Option<&'s mut u8> {
        let n = id.checked_sub(self.first_id())?;

        states.get_mut(usize::try_from(n).ok()?)
    }
}

/// What the search for cycles knows of a type: it has not been there.
const NEW: u8 = 0;
/// It came here on the way to where it is.
const ON_PATH: u8 = 1;
/// No way from here leads back to here.
const DONE: u8 = 2;

/// Whether a type of this kind contains what it refers to, or is the same by another name.
fn contains(kind: u8) -> bool {
    matches!(
        kind,
        wire::ARRAY..=wire::UNION | wire::TYPEDEF..=wire::RESTRICT | wire::TYPE_TAG
    )
}

/// Whether a type of this kind says nothing by itself that would give a cycle a meaning.
fn refers(kind: u8) -> bool {
    !matches!(kind, wire::STRUCT | wire::UNION)
}
