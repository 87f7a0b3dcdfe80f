// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! All types, decoded once: the C dump reads most of them many times.

use splitbtf::Btf;
use splitbtf::Error;
use splitbtf::Type;
use zerocopy::ByteOrder;

use super::unknown;

/// The decoded types of a BTF and of its bases.
pub(super) struct Types<'b, 'a, O: ByteOrder> {
    btf: &'b Btf<'a, O>,
    /// By id.
    types: Vec<Type<'a>>,
    /// See [`unknown::find`].
    unknown: Vec<u32>,
}

impl<'b, 'a, O: ByteOrder> Types<'b, 'a, O> {
    /// Decodes all types.
    ///
    /// # Errors
    ///
    /// If one cannot be read.
    pub(super) fn of(btf: &'b Btf<'a, O>) -> Result<Self, Error> {
        // Not collected: a fallible iterator does not give its length.
        let mut types = Vec::with_capacity(usize::try_from(btf.end_id()).unwrap_or_default());
        for id in 0..btf.end_id() {
            types.push(btf.get(id)?);
        }

        Ok(Self {
            btf,
            unknown: unknown::find(&types),
            types,
        })
    }

    /// See [`Btf::get`].
    pub(super) fn get(&self, id: u32) -> Result<Type<'a>, Error> {
        match self.types.get(id as usize) {
            Some(ty) => Ok(*ty),
            None => self.btf.get(id),
        }
    }

    /// The type of an unknown kind in a value of the type with this id, so that C cannot express it.
    pub(super) fn unknown(&self, id: u32) -> Option<u32> {
        self.unknown
            .get(id as usize)
            .copied()
            .filter(|unknown| *unknown != 0)
    }

    /// See [`Btf::resolve`].
    pub(super) fn resolve(&self, id: u32) -> Result<Type<'a>, Error> {
        self.btf.resolve(id)
    }

    /// See [`Btf::string`].
    pub(super) fn string(&self, offset: u32) -> Result<&'a [u8], Error> {
        self.btf.string(offset)
    }

    /// One more than the highest id.
    pub(super) fn end_id(&self) -> u32 {
        self.btf.end_id()
    }

    /// The length of an array that is indexed by id.
    pub(super) fn len(&self) -> usize {
        self.types.len()
    }
}
