// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Types as 32-bit words: which words are ids of types, and which are names.
//!
//! Each type of BTF is made of such words. Code that handles ids and names of all kinds alike (an
//! index, a check, a rewrite) uses the field descriptions of this file.

use zerocopy::byteorder::U32;
use zerocopy::ByteOrder;
use zerocopy::FromBytes;
use zerocopy::IntoBytes;

use crate::wire;
use crate::Error;
use crate::TypeName;
use crate::TypeReason;

/// A word of BTF.
pub type Word<O> = U32<O>;

/// The number of words in a `struct btf_type`.
pub const HEAD: usize = 3;

/// An id or an offset as the index of an array. If it is too large for this machine, the index is
/// beyond any array.
#[inline]
pub fn index(n: u32) -> usize {
    n.try_into().unwrap_or(usize::MAX)
}

/// Which words of a type are ids and names, by kind, like libbpf's `struct btf_field_desc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldDesc {
    /// Whether `size_or_type` is a type id.
    pub refers: bool,
    /// The number of words that come once.
    pub data: u8,
    /// The number of type ids among them; these come first.
    pub data_ids: u8,
    /// The number of words in each of the `vlen` elements.
    pub elem: u8,
    /// Whether the first word of an element is its name.
    pub elem_named: bool,
    /// Which word of an element is a type id.
    pub elem_id: Option<u8>,
}

impl FieldDesc {
    const PLAIN: Self = Self {
        refers: false,
        data: 0,
        data_ids: 0,
        elem: 0,
        elem_named: false,
        elem_id: None,
    };

    const REFERENCE: Self = Self {
        refers: true,
        ..Self::PLAIN
    };

    /// The description of each kind of `include/uapi/linux/btf.h`.
    const ALL: [Option<Self>; 20] = {
        const fn data(data: u8) -> Option<FieldDesc> {
            Some(FieldDesc {
                data,
                ..FieldDesc::PLAIN
            })
        }
        const fn reference_and_data(data: u8) -> Option<FieldDesc> {
            Some(FieldDesc {
                data,
                ..FieldDesc::REFERENCE
            })
        }
        const fn elements(elem: u8, elem_named: bool, elem_id: Option<u8>) -> FieldDesc {
            FieldDesc {
                elem,
                elem_named,
                elem_id,
                ..FieldDesc::PLAIN
            }
        }
        let reference = Some(Self::REFERENCE);
        let array = Some(Self {
            data: 3,
            data_ids: 2,
            ..Self::PLAIN
        });
        let composite = Some(elements(3, true, Some(1)));
        let proto = Some(Self {
            refers: true,
            ..elements(2, true, Some(1))
        });

        [
            None,
            data(1),
            reference,
            array,
            composite,
            composite,
            Some(elements(2, true, None)),
            data(0),
            reference,
            reference,
            reference,
            reference,
            reference,
            proto,
            reference_and_data(1),
            Some(elements(3, false, Some(0))),
            data(0),
            reference_and_data(1),
            reference,
            Some(elements(3, true, None)),
        ]
    };

    /// The description of a kind. For a kind that this crate does not know, `layout` gives the
    /// length, but not which words are references.
    #[inline]
    fn of<O: ByteOrder>(kind: u8, layout: &[wire::Layout<O>]) -> Result<Self, TypeReason> {
        match Self::ALL.get(usize::from(kind)) {
            Some(Some(desc)) => Ok(*desc),
            _ => Self::unknown(kind, layout),
        }
    }

    #[cold]
    fn unknown<O: ByteOrder>(kind: u8, layout: &[wire::Layout<O>]) -> Result<Self, TypeReason> {
        let entry = layout.get(usize::from(kind)).filter(|_| kind != 0);
        let entry = entry.ok_or(TypeReason::UnknownKind)?;

        if entry.info_sz % 4 != 0 || entry.elem_sz % 4 != 0 {
            return Err(TypeReason::Layout);
        }
        Ok(Self {
            data: entry.info_sz / 4,
            elem: entry.elem_sz / 4,
            ..Self::PLAIN
        })
    }

    /// The number of words in the elements of a type.
    fn elems_len<O: ByteOrder>(self, head: &wire::Type<O>) -> usize {
        // A FUNC has its linkage in `vlen`, and elements of no words.
        index(head.vlen()).saturating_mul(self.elem.into())
    }
}

/// One type.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a, O: ByteOrder> {
    /// The meaning of each word.
    pub desc: FieldDesc,
    /// The first words.
    pub head: &'a wire::Type<O>,
    /// The words that come once.
    pub data: &'a [Word<O>],
    /// The words that come `vlen` times.
    pub elems: &'a [Word<O>],
}

/// A type, and the words after it.
type Split<'a, O> = (Record<'a, O>, &'a [Word<O>]);

impl<'a, O: ByteOrder> Record<'a, O> {
    /// Splits the first type of `words` from the others.
    ///
    /// # Errors
    ///
    /// The kind of the type, 0 if that is missing too, and the reason.
    #[inline]
    pub fn split(
        words: &'a [Word<O>],
        layout: &[wire::Layout<O>],
    ) -> Result<Split<'a, O>, (u8, TypeReason)> {
        let (head, rest) = words
            .split_first_chunk::<HEAD>()
            .ok_or((0, TypeReason::Truncated))?;
        let head =
            wire::Type::ref_from_bytes(head.as_bytes()).map_err(|_| (0, TypeReason::Truncated))?;
        let kind = head.kind();
        let error = |reason| (kind, reason);
        let desc = FieldDesc::of(kind, layout).map_err(error)?;
        let (data, rest) = rest
            .split_at_checked(desc.data.into())
            .ok_or(error(TypeReason::Truncated))?;
        let (elems, rest) = rest
            .split_at_checked(desc.elems_len(head))
            .ok_or(error(TypeReason::Truncated))?;

        let record = Self {
            desc,
            head,
            data,
            elems,
        };
        Ok((record, rest))
    }

    /// The types that this one refers to.
    pub fn ids(&self) -> impl Iterator<Item = u32> + use<'a, O> {
        let this = *self;

        (0..usize::MAX).map_while(move |n| this.id(n))
    }

    /// The `n`th of the types that this one refers to.
    #[inline]
    pub fn id(&self, n: usize) -> Option<u32> {
        let Some(n) = n.checked_sub(usize::from(self.desc.refers)) else {
            return Some(self.head.size_or_type.get());
        };
        let Some(n) = n.checked_sub(self.desc.data_ids.into()) else {
            return self.data.get(n).map(|id| id.get());
        };
        let at = n.checked_mul(self.desc.elem.into())?;
        let at = at.checked_add(self.desc.elem_id?.into())?;

        self.elems.get(at).map(|id| id.get())
    }

    /// Calls `id` with each type that it refers to, and `name` with each name in it except its own.
    #[inline(always)]
    pub fn for_each(&self, mut id: impl FnMut(u32), name: impl FnMut(u32)) {
        if self.desc.refers {
            id(self.head.size_or_type.get());
        }
        for word in self.data.iter().take(self.desc.data_ids.into()) {
            id(word.get());
        }
        // The compiler makes better code for layouts that it knows.
        match (self.desc.elem, self.desc.elem_named, self.desc.elem_id) {
            (2, true, None) => self.for_each_elem::<2>(Some(0), None, id, name),
            (2, true, Some(1)) => self.for_each_elem::<2>(Some(0), Some(1), id, name),
            (3, true, None) => self.for_each_elem::<3>(Some(0), None, id, name),
            (3, true, Some(1)) => self.for_each_elem::<3>(Some(0), Some(1), id, name),
            (3, false, Some(0)) => self.for_each_elem::<3>(None, Some(0), id, name),
            // Nothing is known about other elements.
            _ => {}
        }
    }

    #[inline(always)]
    fn for_each_elem<const LEN: usize>(
        &self,
        name_at: Option<usize>,
        id_at: Option<usize>,
        mut id: impl FnMut(u32),
        mut name: impl FnMut(u32),
    ) {
        for elem in self.elems.chunks_exact(LEN) {
            if let Some(word) = name_at.and_then(|at| elem.get(at)) {
                name(word.get());
            }
            if let Some(word) = id_at.and_then(|at| elem.get(at)) {
                id(word.get());
            }
        }
    }

    /// The names in it, except its own.
    pub fn elem_names(&self) -> impl Iterator<Item = u32> + use<'a, O> {
        let elems = match self.desc.elem_named {
            true => self.elems,
            false => &[],
        };
        let len = usize::from(self.desc.elem);

        (0..usize::MAX)
            .map_while(move |n| elems.get(n.checked_mul(len)?))
            .map(|name| name.get())
    }
}

/// Replaces each type id `n` in `words` with `id(n)`, and each name's offset `n` with `name(n)`; 0
/// stays. Calls `each` once for each type. The first type has the id `first_id`.
///
/// `layout` is for types of unknown kinds: they stay as they are, except for their own names.
///
/// # Errors
///
/// [`Error::Type`] if `words` are not whole types, or if an unknown kind has a word that would
/// change if it were an id or a name. The types before it have been rewritten then. The error has
/// no name: names are in another section.
pub fn rewrite<O: ByteOrder>(
    mut words: &mut [Word<O>],
    layout: &[wire::Layout<O>],
    first_id: u32,
    mut id: impl FnMut(u32) -> u32,
    mut name: impl FnMut(u32) -> u32,
    mut each: impl FnMut(),
) -> Result<(), Error> {
    let len = words.len();
    let mut this: u32 = first_id;

    while !words.is_empty() {
        let done = len.saturating_sub(words.len());
        let error = |(kind, reason)| Error::Type {
            id: this,
            kind,
            name: TypeName::default(),
            offset: u32::try_from(done.saturating_mul(4)).unwrap_or(u32::MAX),
            reason,
        };
        each();
        words = rewrite_first(words, layout, &mut id, &mut name).map_err(error)?;
        this = this.saturating_add(1);
    }
    Ok(())
}

/// Rewrites the first type, and returns the words after it. The error comes with the kind.
#[inline(always)]
fn rewrite_first<'w, O: ByteOrder>(
    words: &'w mut [Word<O>],
    layout: &[wire::Layout<O>],
    mut id: impl FnMut(u32) -> u32,
    mut name: impl FnMut(u32) -> u32,
) -> Result<&'w mut [Word<O>], (u8, TypeReason)> {
    let (head, rest) = words
        .split_first_chunk_mut::<HEAD>()
        .ok_or((0, TypeReason::Truncated))?;
    let head = wire::Type::<O>::mut_from_bytes(head.as_mut_bytes())
        .map_err(|_| (0, TypeReason::Truncated))?;
    let kind = head.kind();
    let error = |reason| (kind, reason);
    let desc = FieldDesc::of(kind, layout).map_err(error)?;
    let (data, rest) = rest
        .split_at_mut_checked(desc.data.into())
        .ok_or(error(TypeReason::Truncated))?;
    let (elems, rest) = rest
        .split_at_mut_checked(desc.elems_len(head))
        .ok_or(error(TypeReason::Truncated))?;

    if !is_known(kind) {
        let mut same = stays(head.size_or_type.get(), &mut id, &mut name);
        for word in data.iter().chain(elems.iter()) {
            same &= stays(word.get(), &mut id, &mut name);
        }
        if !same {
            return Err(error(TypeReason::UnknownReferences));
        }
    }
    replace(&mut head.name_off, &mut name);
    if desc.refers {
        replace(&mut head.size_or_type, &mut id);
    }
    for word in data.iter_mut().take(desc.data_ids.into()) {
        replace(word, &mut id);
    }
    // The compiler makes better code for layouts that it knows.
    match (desc.elem, desc.elem_named, desc.elem_id) {
        (2, true, None) => rewrite_elems::<O, 2>(elems, Some(0), None, &mut id, &mut name),
        (2, true, Some(1)) => rewrite_elems::<O, 2>(elems, Some(0), Some(1), &mut id, &mut name),
        (3, true, None) => rewrite_elems::<O, 3>(elems, Some(0), None, &mut id, &mut name),
        (3, true, Some(1)) => rewrite_elems::<O, 3>(elems, Some(0), Some(1), &mut id, &mut name),
        (3, false, Some(0)) => rewrite_elems::<O, 3>(elems, None, Some(0), &mut id, &mut name),
        // Nothing is known about other elements.
        _ => {}
    }
    Ok(rest)
}

/// Whether a kind is among those of the kernel's header that this crate knows.
#[inline]
pub fn is_known(kind: u8) -> bool {
    (wire::INT..=wire::ENUM64).contains(&kind)
}

/// Whether a word means the same after rewriting, whatever it is: an id, a name or a plain number.
pub(crate) fn stays(
    word: u32,
    mut id: impl FnMut(u32) -> u32,
    mut name: impl FnMut(u32) -> u32,
) -> bool {
    word == 0 || (id(word) == word && name(word) == word)
}

#[inline(always)]
fn rewrite_elems<O: ByteOrder, const LEN: usize>(
    elems: &mut [Word<O>],
    name_at: Option<usize>,
    id_at: Option<usize>,
    mut id: impl FnMut(u32) -> u32,
    mut name: impl FnMut(u32) -> u32,
) {
    for elem in elems.chunks_exact_mut(LEN) {
        if let Some(word) = name_at.and_then(|at| elem.get_mut(at)) {
            replace(word, &mut name);
        }
        if let Some(word) = id_at.and_then(|at| elem.get_mut(at)) {
            replace(word, &mut id);
        }
    }
}

#[inline(always)]
fn replace<O: ByteOrder>(word: &mut Word<O>, mut to: impl FnMut(u32) -> u32) {
    match word.get() {
        0 => {}
        from => word.set(to(from)),
    }
}
