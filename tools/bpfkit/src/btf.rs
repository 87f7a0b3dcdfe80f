// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! BTF that the kernel has.

use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use splitbtf::Btf;
use splitbtf::Kind;
use zerocopy::NativeEndian;

use crate::sys;
use crate::Error;

/// The BTF of a program or a map. The kernel keeps it in its own byte order, and has checked it.
pub struct KernelBtf {
    id: u32,
    fd: OwnedFd,
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
            fd,
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

    /// The id of the section with this name; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As for [`Self::types`].
    pub fn section(&mut self, name: &str) -> Result<Option<u32>, Error> {
        let id = self.id;
        let error = |source| Error::Btf { id, source };
        let types = self.types()?;

        for ty in types.types() {
            let ty = ty.map_err(error)?;
            if !matches!(ty.kind, Kind::Datasec { .. }) {
                continue;
            }
            if types.string(ty.name_off).map_err(error)? == name.as_bytes() {
                return Ok(Some(ty.id));
            }
        }
        Ok(None)
    }
}

impl AsFd for KernelBtf {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
