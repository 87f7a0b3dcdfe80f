// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What userland need not bring memory for.

use alloc::vec;
use alloc::vec::Vec;
use core::marker::PhantomData;

use splitbtf_core::raw::first_eight;
use splitbtf_core::raw::match_one;
use splitbtf_core::raw::CONTAINED;
use splitbtf_core::raw::MEMBER;
use splitbtf_core::raw::NEEDED;
use zerocopy::ByteOrder;

use crate::max_types;
use crate::mismatch;
use crate::Btf;
use crate::Error;
use crate::Index;
use crate::Mismatch;
use crate::Names;
use crate::Own;
use crate::Policy;
use crate::Valid;

/// A file's bytes with the index of their types.
#[derive(Clone, Debug)]
pub struct Owned<O> {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
    order: PhantomData<O>,
}

impl<O: ByteOrder> Owned<O> {
    /// Takes the bytes of BTF that is split on `base`, or on nothing.
    ///
    /// # Errors
    ///
    /// Those of [`Btf::open`].
    pub fn new<'a>(bytes: Vec<u8>, base: Option<&'a Btf<'a, O>>) -> Result<Self, Error> {
        let mut offsets = vec![0; max_types::<O>(&bytes)?];
        // The base's lifetime is not that of these bytes; a copy of the reference may be.
        let count = {
            let btf = Btf::open(&bytes, base, &mut offsets)?;
            btf.end_id().saturating_sub(btf.first_id())
        };
        offsets.truncate(count.try_into().unwrap_or(usize::MAX));
        offsets.shrink_to_fit();

        Ok(Self {
            bytes,
            offsets,
            order: PhantomData,
        })
    }

    /// The BTF. `base` is that which it was made with.
    ///
    /// # Errors
    ///
    /// Those of [`Btf::open_indexed`], which another base may cause.
    pub fn view<'a>(&'a self, base: Option<&'a Btf<'a, O>>) -> Result<Btf<'a, O>, Error> {
        Btf::open_indexed(&self.bytes, base, &self.offsets)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// What [`Btf`] can do with memory of its own.
pub trait BtfExt<'a, O: ByteOrder, I> {
    /// [`Btf::validate`].
    ///
    /// # Errors
    ///
    /// Those of [`Btf::validate`].
    fn validated(&self) -> Result<Valid<'a, O, I>, Error>;

    /// The ids of the types that have names and are not in the base, sorted by name: for
    /// [`Names::indexed`].
    ///
    /// # Errors
    ///
    /// If a type has a name that is not there.
    fn name_index(&self) -> Result<Vec<u32>, Error>;
}

impl<'a, O: ByteOrder, I: Index> BtfExt<'a, O, I> for Btf<'a, O, I> {
    fn validated(&self) -> Result<Valid<'a, O, I>, Error> {
        self.validate(&mut vec![0; self.validate_room()])
    }

    fn name_index(&self) -> Result<Vec<u32>, Error> {
        let mut names = vec![];
        for id in self.first_id()..self.end_id() {
            let name = self.string(self.get(id)?.name_off)?;
            if !name.is_empty() {
                names.push((first_eight(name), name, id));
            }
        }
        names.sort_unstable();

        Ok(names.into_iter().map(|(_, _, id)| id).collect())
    }
}

/// What split BTF needs of its distilled base, besides the types themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Whether the split BTF contains a type of the base, by its id: as the type of a member, or of
    /// what a function takes or returns, or of a variable. Then its size must not be another one.
    pub contained: Vec<bool>,
    /// Whether a type of the base is that of a member, by its id: `btf_relocate()` looks at no more,
    /// and calls this embedded.
    pub embedded: Vec<bool>,
    /// The offsets of the base's strings that the split BTF refers to, in ascending order.
    pub strings: Vec<u32>,
}

/// What [`Valid`] can do with memory of its own.
pub trait ValidExt {
    /// What relocation needs to know about the split BTF, for callers that apply other rules.
    ///
    /// # Errors
    ///
    /// If a type is of an unknown kind.
    fn needs(&self) -> Result<Needs, Error>;
}

impl<O: ByteOrder, I: Index> ValidExt for Valid<'_, O, I> {
    fn needs(&self) -> Result<Needs, Error> {
        let (ids, strings) = self.relocation_room();
        let (mut ids, mut strings) = (vec![0; ids], vec![0; strings]);

        self.mark(&mut ids, &mut strings)?;
        ids.truncate(self.first_id().try_into().unwrap_or(usize::MAX));
        let strings = (0..).zip(strings).filter(|(_, mark)| *mark == NEEDED);
        Ok(Needs {
            contained: ids.iter().map(|mark| *mark >= CONTAINED).collect(),
            embedded: ids.into_iter().map(|mark| mark == MEMBER).collect(),
            strings: strings.map(|(offset, _)| offset).collect(),
        })
    }
}

impl Needs {
    /// The types of the distilled base, from which these needs are, that match none of `target`, by
    /// id: what [`Valid::relocate`] goes by, without doing it.
    ///
    /// # Errors
    ///
    /// If a type of the distilled base is of a kind that none has, or has no name or one of more
    /// than 512 bytes.
    pub fn unmatched<O: ByteOrder, I: Index, J: Index>(
        &self,
        distilled: &Btf<'_, O, I>,
        target: &Names<'_, O, J>,
    ) -> Result<Vec<Unmatched>, Error> {
        let mut unmatched = vec![];

        for (id, contained) in (1..distilled.end_id()).zip(self.contained.iter().skip(1)) {
            let record = distilled.record(id)?;
            let found = match_one(distilled, &record, id, *contained, target)?;
            if let Err(reason) = found {
                unmatched.push(Unmatched {
                    id,
                    contained: *contained,
                    reason,
                    own: Own::of(record.head.kind(), *contained, &reason),
                });
            }
        }
        Ok(unmatched)
    }
}

/// A type of a distilled base that matches none of another base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// Its id in the distilled base.
    pub id: u32,
    /// Whether the split BTF contains it: see [`Needs::contained`].
    pub contained: bool,
    /// Why it does not match.
    pub reason: Mismatch,
    /// What the split BTF gets instead with [`Policy::Opaque`]; `None` if it cannot be relocated.
    pub own: Option<Own>,
}

/// Split BTF on its new base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocated {
    /// The split BTF.
    pub bytes: Vec<u8>,
    /// The id of each type, by what it was before: first those of the distilled base, then those of
    /// the split BTF.
    pub id_map: Vec<u32>,
    /// The types of the distilled base that match none of the new one, and for which the split BTF
    /// has one of its own.
    pub kept: Vec<Kept>,
}

/// A type that relocation has kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its id in the distilled base.
    pub id: u32,
    /// That of the type which the split BTF has instead.
    pub new_id: u32,
    /// What this is.
    pub own: Own,
    /// Why it matches no type of the new base.
    pub reason: Mismatch,
}

/// Relocates split BTF from its distilled base to `target`: [`Valid::relocate`] with memory of its
/// own.
///
/// # Errors
///
/// Those of [`Valid::relocate`].
pub fn relocate<O: ByteOrder, I: Index, J: Index>(
    split: &Valid<'_, O, I>,
    target: &Names<'_, O, J>,
    policy: Policy,
) -> Result<Relocated, Error> {
    let (ids, strings) = split.relocation_room();
    let (mut ids, mut strings) = (vec![0; ids], vec![0; strings]);
    let relocation = split.relocate(target, policy, &mut ids, &mut strings)?;
    let distilled = split.base().ok_or(Error::NotDistilled)?;
    let mut bytes;
    let mut kept = vec![];

    if relocation.fits() {
        bytes = split.bytes().to_vec();
        relocation.rewrite(&mut bytes)?;
    } else {
        bytes = vec![0; relocation.written_len()];
        relocation.write(split.bytes(), distilled, &mut bytes)?;
    }
    for (id, new_id) in relocation.kept() {
        if let Some(reason) = mismatch(distilled, id, target)? {
            let kind = distilled.record(id)?.head.kind();
            if let Some(own) = Own::of(kind, false, &reason) {
                kept.push(Kept {
                    id,
                    new_id,
                    own,
                    reason,
                });
            }
        }
    }
    Ok(Relocated {
        bytes,
        id_map: ids,
        kept,
    })
}
