// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! BTF that the kernel has.

use std::os::fd::AsFd;

use splitbtf::Btf;
use zerocopy::NativeEndian;

use crate::sys;
use crate::Error;

/// The BTF of a program or a map. The kernel keeps it in its own byte order, and has checked it.
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
    /// If the kernel does not give it.
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
    /// If the kernel gave nonsense, or BTF that is split.
    pub fn types(&mut self) -> Result<Btf<'_, NativeEndian>, Error> {
        Btf::open(&self.bytes, None, &mut self.room).map_err(|source| Error::Btf {
            id: self.id,
            source,
        })
    }
}
