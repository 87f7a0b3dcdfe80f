// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! All types at hand: C's order of words looks at most of them many times.

use splitbtf::Btf;
use splitbtf::Error;
use splitbtf::Type;
use zerocopy::ByteOrder;

/// The types of a BTF and of its bases, taken apart once.
pub(super) struct Types<'b, 'a, O: ByteOrder> {
    btf: &'b Btf<'a, O>,
    /// By id.
    types: Vec<Type<'a>>,
}

impl<'b, 'a, O: ByteOrder> Types<'b, 'a, O> {
    /// Takes them apart.
    ///
    /// # Errors
    ///
    /// If one cannot be read.
    pub(super) fn of(btf: &'b Btf<'a, O>) -> Result<Self, Error> {
        // Not collected: an iterator that may fail does not say how many it has.
        let mut types = Vec::with_capacity(usize::try_from(btf.end_id()).unwrap_or_default());
        for id in 0..btf.end_id() {
            types.push(btf.get(id)?);
        }

        Ok(Self { btf, types })
    }

    /// See [`Btf::get`].
    pub(super) fn get(&self, id: u32) -> Result<Type<'a>, Error> {
        match self.types.get(id as usize) {
            Some(ty) => Ok(*ty),
            None => self.btf.get(id),
        }
    }

    /// See [`Btf::resolve`].
    pub(super) fn resolve(&self, id: u32) -> Result<Type<'a>, Error> {
        self.btf.resolve(id)
    }

    /// See [`Btf::string`].
    pub(super) fn string(&self, offset: u32) -> Result<&'a [u8], Error> {
        self.btf.string(offset)
    }

    /// One behind the highest id.
    pub(super) fn end_id(&self) -> u32 {
        self.btf.end_id()
    }

    /// How many places an array by id has.
    pub(super) fn len(&self) -> usize {
        self.types.len()
    }
}
