// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! BTF of either byte order behind one interface.

use splitbtf::AnyOwned;
use splitbtf::Btf;
use splitbtf::ByteOrder;
use splitbtf::Endian;
use splitbtf::Index;
use splitbtf::Owned;
use splitbtf::Type;

/// BTF of either byte order: of an object, of a kernel, or of a module.
pub trait Types: Sync {
    /// The byte order.
    fn endian(&self) -> Endian;

    /// The first id that is not one of the base; 1 without a base.
    fn first_id(&self) -> u32;

    /// One more than the largest id.
    fn end_id(&self) -> u32;

    /// The number of bytes, without those of the base.
    fn len(&self) -> usize;

    /// Whether there are no types.
    fn is_empty(&self) -> bool {
        self.first_id() == self.end_id()
    }

    /// [`Btf::get`].
    ///
    /// # Errors
    ///
    /// Those of [`Btf::get`].
    fn get(&self, id: u32) -> Result<Type<'_>, splitbtf::Error>;

    /// The number of a type's kind, and the offset of its name. `None` for `void`, and if there is no
    /// such type.
    fn head(&self, id: u32) -> Option<(u8, u32)>;

    /// [`Btf::strings_from`].
    fn strings_from(&self, offset: u32) -> Option<&[u8]>;
}

impl<O: ByteOrder + Sync, I: Index + Sync> Types for Btf<'_, O, I> {
    fn endian(&self) -> Endian {
        Endian::of_order::<O>()
    }

    fn first_id(&self) -> u32 {
        Btf::first_id(self)
    }

    fn end_id(&self) -> u32 {
        Btf::end_id(self)
    }

    fn len(&self) -> usize {
        self.bytes().len()
    }

    fn get(&self, id: u32) -> Result<Type<'_>, splitbtf::Error> {
        Btf::get(self, id)
    }

    fn head(&self, id: u32) -> Option<(u8, u32)> {
        let head = Btf::head(self, id)?;

        Some((head.kind(), head.name_off.get()))
    }

    fn strings_from(&self, offset: u32) -> Option<&[u8]> {
        Btf::strings_from(self, offset)
    }
}

impl<O: ByteOrder + Send + Sync + 'static> Types for Owned<O> {
    fn endian(&self) -> Endian {
        Endian::of_order::<O>()
    }

    fn first_id(&self) -> u32 {
        self.btf().first_id()
    }

    fn end_id(&self) -> u32 {
        self.btf().end_id()
    }

    fn len(&self) -> usize {
        self.bytes().len()
    }

    fn get(&self, id: u32) -> Result<Type<'_>, splitbtf::Error> {
        self.btf().get(id)
    }

    fn head(&self, id: u32) -> Option<(u8, u32)> {
        let head = self.btf().head(id)?;

        Some((head.kind(), head.name_off.get()))
    }

    fn strings_from(&self, offset: u32) -> Option<&[u8]> {
        self.btf().strings_from(offset)
    }
}

/// Calls the same method of either owner.
macro_rules! each {
    ($this:ident, $file:ident => $then:expr) => {
        match $this {
            AnyOwned::Little($file) => $then,
            AnyOwned::Big($file) => $then,
        }
    };
}

impl Types for AnyOwned {
    fn endian(&self) -> Endian {
        AnyOwned::endian(self)
    }

    fn first_id(&self) -> u32 {
        AnyOwned::first_id(self)
    }

    fn end_id(&self) -> u32 {
        AnyOwned::end_id(self)
    }

    fn len(&self) -> usize {
        self.bytes().len()
    }

    fn get(&self, id: u32) -> Result<Type<'_>, splitbtf::Error> {
        AnyOwned::get(self, id)
    }

    fn head(&self, id: u32) -> Option<(u8, u32)> {
        each!(self, file => Types::head(file, id))
    }

    fn strings_from(&self, offset: u32) -> Option<&[u8]> {
        each!(self, file => Types::strings_from(file, offset))
    }
}
