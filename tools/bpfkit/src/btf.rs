// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! BTF from the kernel.

use std::os::fd::AsFd;

use splitbtf::Btf;
use zerocopy::NativeEndian;

use crate::sys;
use crate::Error;

/// The BTF of a program or a map, in the kernel's byte order and checked by the kernel.
pub struct KernelBtf {
    id: u32,
    bytes: Vec<u8>,
    room: Vec<u32>,
}

impl KernelBtf {
    /// Fetches the BTF with this id.
    ///
    /// # Errors
    ///
    /// If the kernel does not return it.
    pub fn fetch(id: u32) -> Result<Self, Error> {
        let error = |source| Error::Kernel {
            what: format!("BTF id {id}"),
            source,
        };
        let fd = sys::btf_by_id(id).map_err(error)?;
        let bytes = sys::btf_bytes(fd.as_fd()).map_err(error)?;
        let room = splitbtf::max_types::<NativeEndian>(&bytes);
        let room = room.map_err(|source| Error::Btf { id, source })?;

        Ok(Self {
            id,
            bytes,
            room: vec![0; room],
        })
    }

    /// Opens it.
    ///
    /// # Errors
    ///
    /// If the kernel returned malformed or split BTF.
    pub fn types(&mut self) -> Result<Btf<'_, NativeEndian>, Error> {
        Btf::open(&self.bytes, None, &mut self.room).map_err(|source| Error::Btf {
            id: self.id,
            source,
        })
    }
}
