// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Relocation that allocates its own memory, and how split BTF uses its base.

use alloc::vec;
use alloc::vec::Vec;

use splitbtf_core::raw::index;
use splitbtf_core::raw::match_one;
use splitbtf_core::raw::CONTAINED;
use splitbtf_core::raw::MEMBER;
use splitbtf_core::raw::NEEDED;
use zerocopy::ByteOrder;

use crate::Btf;
use crate::Error;
use crate::Index;
use crate::Kept;
use crate::Mismatch;
use crate::Names;
use crate::Own;
use crate::Policy;
use crate::Valid;

/// How split BTF uses its distilled base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Whether the split BTF contains a type of the base, by its id: as the type of a member, of a
    /// parameter or result of a function, or of a variable. Its size must match then.
    pub contained: Vec<bool>,
    /// Whether a type of the base is the type of a member, by its id. `btf_relocate()` checks only
    /// these, and calls them embedded.
    pub embedded: Vec<bool>,
    /// The offsets of the base's strings that the split BTF refers to, in ascending order.
    pub strings: Vec<u32>,
}

/// Methods of [`Valid`] that allocate.
pub trait ValidExt {
    /// What relocation needs to know about the split BTF, for callers that apply other rules.
    ///
    /// # Errors
    ///
    /// Only those that [`Btf::open`] finds too.
    fn needs(&self) -> Result<Needs, Error>;
}

impl<O: ByteOrder, I: Index> ValidExt for Valid<'_, O, I> {
    fn needs(&self) -> Result<Needs, Error> {
        let (ids, strings) = self.relocation_scratch();
        let (mut ids, mut strings) = (vec![0; ids], vec![0; strings]);

        self.mark(&mut ids, &mut strings)?;
        ids.truncate(index(self.first_id()));
        strings.truncate(index(self.first_string()));
        let strings = (0..).zip(strings).filter(|(_, mark)| *mark == NEEDED);
        Ok(Needs {
            contained: ids.iter().map(|mark| *mark >= CONTAINED).collect(),
            embedded: ids.into_iter().map(|mark| mark == MEMBER).collect(),
            strings: strings.map(|(offset, _)| offset).collect(),
        })
    }
}

impl Needs {
    /// The types of the distilled base that match none of `target`, by id, without relocating anything.
    ///
    /// # Errors
    ///
    /// If the distilled base has a type of a kind that it must not have, without a name, or with a
    /// name of more than 512 bytes.
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
    /// The split BTF's own type with [`Policy::Opaque`]; `None` if relocation fails.
    pub own: Option<Own>,
}

/// Split BTF on its new base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocated {
    /// The split BTF.
    pub bytes: Vec<u8>,
    /// The new id of each type by its old one, first of the distilled base, then of the split BTF.
    pub id_map: Vec<u32>,
    /// The types of the distilled base that match none of the new one.
    pub kept: Vec<Kept>,
}

/// Relocates split BTF from its distilled base to `target`: [`Valid::relocate`] that allocates its
/// own memory.
///
/// # Errors
///
/// Those of [`Valid::relocate`].
pub fn relocate<O: ByteOrder, I: Index, J: Index>(
    split: &Valid<'_, O, I>,
    target: &Names<'_, O, J>,
    policy: Policy,
) -> Result<Relocated, Error> {
    let (ids, strings) = split.relocation_scratch();
    let (mut ids, mut strings) = (vec![0; ids], vec![0; strings]);
    let relocation = split.relocate(target, policy, &mut ids, &mut strings)?;
    let distilled = split.base().ok_or(Error::NotDistilled)?;
    let mut bytes;

    if relocation.fits() {
        bytes = split.bytes().to_vec();
        relocation.rewrite(&mut bytes)?;
    } else {
        bytes = vec![0; relocation.written_len()];
        relocation.write(split.bytes(), &distilled, &mut bytes)?;
    }
    let kept = relocation.kept().collect();

    Ok(Relocated {
        bytes,
        id_map: ids,
        kept,
    })
}
