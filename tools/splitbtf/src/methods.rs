// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Methods of the core's types that allocate their own memory.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use splitbtf_core::raw::first_eight;
use zerocopy::ByteOrder;

use crate::declare;
use crate::Btf;
use crate::Error;
use crate::Index;
#[cfg(doc)]
use crate::Names;
use crate::Valid;

/// Methods of [`Btf`] that allocate.
pub trait BtfExt<'a, O: ByteOrder, I> {
    /// [`Btf::validate`] that allocates its own scratch space.
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
    /// types form a cycle.
    fn declaration(&self, id: u32, name: &str) -> Result<String, Error>;

    /// The size of a type in bytes, through typedefs, modifiers and arrays, where a pointer has
    /// `pointer` bytes. `None` if it has none, like `void`, functions and forward declarations.
    ///
    /// # Errors
    ///
    /// [`Error::Id`] if a type does not exist, [`Error::Cycle`] if the types form a cycle.
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
