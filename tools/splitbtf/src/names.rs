// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! An index of types by name.

use alloc::vec::Vec;

use zerocopy::ByteOrder;

use crate::Btf;
use crate::BtfExt;
use crate::Error;
use crate::Index;
use crate::Names;

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
/// let btf = file.btf();
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

    /// The types of `btf` by name. `btf` must be the BTF that this index was made for.
    pub fn names<'a, O: ByteOrder, I: Index>(&'a self, btf: Btf<'a, O, I>) -> Names<'a, O, I> {
        match &self.0 {
            Order::Sorted(first) => Names::sorted(btf, *first, None),
            Order::Ids(ids) => Names::indexed(btf, ids, None),
        }
    }
}
