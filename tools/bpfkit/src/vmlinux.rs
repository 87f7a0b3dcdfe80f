// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The BTF of a kernel, with look-up by name.

use std::path::Path;
use std::path::PathBuf;

use splitbtf::Btf;
use splitbtf::NameIndex;
use splitbtf::Names;
use splitbtf::Owned;
use zerocopy::ByteOrder;

use crate::input::SECTION;
use crate::Error;
use crate::Input;

/// The validated BTF of a kernel.
#[derive(Clone, Debug)]
pub struct Vmlinux<O: ByteOrder + 'static> {
    path: PathBuf,
    types: Owned<O>,
    index: NameIndex,
}

impl<O: ByteOrder> Vmlinux<O> {
    /// Opens the BTF of a kernel: `vmlinux`, a kernel image, or raw BTF.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or has no BTF; if the BTF is malformed, split, or in the other
    /// byte order.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::of(&Input::open(path)?)
    }

    /// Opens the BTF of a file that has been read.
    ///
    /// # Errors
    ///
    /// As for [`Self::open`].
    pub fn of(input: &Input) -> Result<Self, Error> {
        let path = input.path();
        let open = |bytes: &[u8]| {
            let types = Owned::valid(bytes.to_vec(), None)?;
            let index = NameIndex::new(&types.btf())?;
            Ok((types, index))
        };
        let (types, index) = open(input.need(SECTION)?).map_err(input.wrong(SECTION))?;

        Ok(Self {
            path: path.to_owned(),
            types,
            index,
        })
    }

    /// The file's name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The types, for BTF that is split on them.
    pub fn types(&self) -> &Owned<O> {
        &self.types
    }

    /// A view of the types.
    pub fn btf(&self) -> Btf<'_, O> {
        self.types.btf()
    }

    /// Looks up types by name.
    pub fn names(&self) -> Names<'_, O> {
        self.index.names(self.btf())
    }
}

#[cfg(test)]
mod tests;
