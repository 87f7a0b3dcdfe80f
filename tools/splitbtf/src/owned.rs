// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Owners of BTF, and variants of the core's API that allocate their own memory.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::marker::PhantomData;

use splitbtf_core::raw::first_eight;
use splitbtf_core::raw::index;
use splitbtf_core::raw::match_one;
use splitbtf_core::raw::CONTAINED;
use splitbtf_core::raw::MEMBER;
use splitbtf_core::raw::NEEDED;
use zerocopy::ByteOrder;

use crate::declare;
use crate::max_types;
use crate::Btf;
use crate::Error;
use crate::Index;
use crate::Kept;
use crate::Mismatch;
use crate::Names;
use crate::Own;
use crate::Policy;
use crate::Valid;

/// The bytes of a file, and the index of their types.
///
/// [`AnyOwned`](crate::AnyOwned) is for files whose byte order is known at run time only.
#[derive(Clone, Debug)]
pub struct Owned<O> {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
    order: PhantomData<O>,
}

impl<O: ByteOrder> Owned<O> {
    /// Takes the bytes of BTF, which is split if there is a `base`.
    ///
    /// # Errors
    ///
    /// Those of [`Btf::open`].
    pub fn new<'a>(bytes: Vec<u8>, base: Option<&'a Btf<'a, O>>) -> Result<Self, Error> {
        let mut offsets = vec![0; max_types::<O>(&bytes)?];
        let count = {
            let btf = Btf::open(&bytes, base, &mut offsets)?;
            btf.end_id().saturating_sub(btf.first_id())
        };
        offsets.truncate(index(count));
        offsets.shrink_to_fit();

        Ok(Self {
            bytes,
            offsets,
            order: PhantomData,
        })
    }

    /// A view of the BTF, on the `base` that it was made with.
    ///
    /// # Errors
    ///
    /// Those of [`Btf::open_indexed`], if this is another base.
    pub fn view<'a>(&'a self, base: Option<&'a Btf<'a, O>>) -> Result<Btf<'a, O>, Error> {
        Btf::open_indexed(&self.bytes, base, &self.offsets)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Gives the bytes back.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// An index of types by name: the order of the types if they are sorted, or sorted ids.
///
/// # Examples
///
/// ```
/// use splitbtf::kind;
/// use splitbtf::Builder;
/// use splitbtf::NameIndex;
/// use splitbtf::Owned;
/// use splitbtf::LE;
///
/// let mut builder = Builder::<LE>::new();
/// let declared = builder.fwd(b"file", false);
/// let defined = builder.structure(b"file", 192, &[]);
/// let file = Owned::<LE>::new(builder.finish()?, None)?;
/// let btf = file.view(None)?;
///
/// let index = NameIndex::new(&btf)?;
/// let names = index.names(btf);
/// assert!(names.find(b"file").eq([declared, defined]));
/// assert_eq!(names.find_kind(b"file", kind::STRUCT), Some(defined));
/// # Ok::<(), splitbtf::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct NameIndex(Order);

#[derive(Clone, Debug)]
enum Order {
    /// The types have names from this id on, and are sorted by them.
    Sorted(u32),
    /// The ids of types with names, sorted by name.
    Ids(Vec<u32>),
}

impl NameIndex {
    /// Indexes the types of `btf` that are not in its base.
    ///
    /// # Errors
    ///
    /// If a type has a name that does not exist.
    pub fn new<O: ByteOrder, I: Index>(btf: &Btf<'_, O, I>) -> Result<Self, Error> {
        Ok(Self(match btf.first_named() {
            Some(first) => Order::Sorted(first),
            None => Order::Ids(btf.sorted_by_name()?),
        }))
    }

    /// The types of `btf` by name. It is the BTF that this was made for.
    pub fn names<'a, O: ByteOrder, I: Index>(&'a self, btf: Btf<'a, O, I>) -> Names<'a, O, I> {
        match &self.0 {
            Order::Sorted(first) => Names::sorted(btf, *first, None),
            Order::Ids(ids) => Names::indexed(btf, ids, None),
        }
    }
}

/// Methods of [`Btf`] that allocate.
pub trait BtfExt<'a, O: ByteOrder, I> {
    /// [`Btf::validate`], with scratch space of its own.
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
    /// If a type has a name that does not exist.
    fn sorted_by_name(&self) -> Result<Vec<u32>, Error>;

    /// The C declaration of something with this name and type, such as `const char *name[4]`. An
    /// anonymous struct, union or enum is written as `struct {...}`.
    ///
    /// # Errors
    ///
    /// [`Error::Id`] or [`Error::String`] if a type or a name does not exist, [`Error::Cycle`] if the
    /// types have no end.
    fn declaration(&self, id: u32, name: &str) -> Result<String, Error>;

    /// The size of a type in bytes, through typedefs, modifiers and arrays, where a pointer has
    /// `pointer` bytes. `None` if the type has no size, as `void`, functions and forward declarations.
    ///
    /// # Errors
    ///
    /// [`Error::Id`] if a type does not exist, [`Error::Cycle`] if the types have no end.
    fn size_of(&self, id: u32, pointer: u8) -> Result<Option<u64>, Error>;
}

impl<'a, O: ByteOrder, I: Index> BtfExt<'a, O, I> for Btf<'a, O, I> {
    fn validated(&self) -> Result<Valid<'a, O, I>, Error> {
        self.validate(&mut vec![0; self.validate_scratch()])
    }

    fn sorted_by_name(&self) -> Result<Vec<u32>, Error> {
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

    fn declaration(&self, id: u32, name: &str) -> Result<String, Error> {
        declare::declaration(self, id, name)
    }

    fn size_of(&self, id: u32, pointer: u8) -> Result<Option<u64>, Error> {
        declare::size_of(self, id, pointer)
    }
}

/// How split BTF uses its distilled base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// By the id of a type of the base: whether the split BTF contains it, as the type of a member, of
    /// a parameter or result of a function, or of a variable. Its size must match then.
    pub contained: Vec<bool>,
    /// By the id of a type of the base: whether it is the type of a member. `btf_relocate()` checks
    /// these only, and calls them embedded.
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
    /// None that [`Btf::open`] has not had.
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
    /// If the distilled base has a type of a kind that it must not have, or with no name or one of more
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
    /// The type that the split BTF gets of its own with [`Policy::Opaque`]; `None` if this is an error.
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
