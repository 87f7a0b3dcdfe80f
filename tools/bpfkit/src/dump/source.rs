// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Where BTF comes from: a file, or the running kernel.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;

use object::Object;
use object::ObjectSection;
use object::ReadCache;

use crate::prog;
use crate::prog::Name;
use crate::show;
use crate::sys;
use crate::Error;

use super::Root;

/// The BTF of the running kernel itself.
pub const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// The bytes of BTF, and of its base if it is split.
#[derive(Clone, Debug)]
pub struct Source {
    bytes: Vec<u8>,
    base: Option<Vec<u8>>,
}

impl Source {
    /// BTF that is in memory already, and its base if it is split.
    pub fn new(bytes: Vec<u8>, base: Option<Vec<u8>>) -> Self {
        Self { bytes, base }
    }

    /// Reads a file: BTF, or an ELF file with a section `.BTF`. Its base is the file `base`; without
    /// one, the section `.BTF.base`, or for a module in `/sys/kernel/btf` the kernel's own BTF.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or there is no BTF in it.
    pub fn file(path: &Path, base: Option<&Path>) -> Result<Self, Error> {
        let (bytes, own_base) = read(path)?;
        let vmlinux = Path::new(VMLINUX);
        let module = path.parent() == vmlinux.parent() && path != vmlinux;
        let base = match base {
            Some(base) => Some(read(base)?.0),
            None if module => Some(read(vmlinux)?.0),
            None => own_base,
        };

        Ok(Self { bytes, base })
    }

    /// Fetches the BTF with this id from the kernel. Its base is the file `base`; for a module,
    /// without one, the kernel's own BTF.
    ///
    /// # Errors
    ///
    /// If the kernel does not give it, or the base cannot be read.
    pub fn id(id: u32, base: Option<&Path>) -> Result<Self, Error> {
        let error = |source| Error::Kernel {
            what: format!("BTF id {id}"),
            source,
        };
        let fd = sys::btf_by_id(id).map_err(error)?;
        let module = sys::btf_is_module(fd.as_fd()).map_err(error)?;
        let bytes = sys::btf_bytes(fd.as_fd()).map_err(error)?;
        let base = match base {
            None if module => Some(Path::new(VMLINUX)),
            base => base,
        };

        Ok(Self {
            bytes,
            base: base.map(read).transpose()?.map(|(bytes, _)| bytes),
        })
    }

    /// Fetches the BTF of a program.
    ///
    /// # Errors
    ///
    /// If there is no such program, it has no BTF, or the kernel does not give it.
    pub fn prog(name: &Name, base: Option<&Path>) -> Result<Self, Error> {
        let program = show::program(name)?;

        match u32::try_from(program.btf_id) {
            Ok(id) if id != 0 => Self::id(id, base),
            _ => Err(Error::NoBtf {
                what: format!("prog {name}"),
            }),
        }
    }

    /// Fetches the BTF of a map; also returns the types of its keys and of its values.
    ///
    /// # Errors
    ///
    /// If there is no such map, it has no BTF, or the kernel does not give it.
    pub fn map(name: &Name, base: Option<&Path>) -> Result<(Self, [Root; 2]), Error> {
        let info = prog::map_info(name)?;

        match info.btf_id {
            0 => Err(Error::NoBtf {
                what: format!("map {name}"),
            }),
            id => {
                let roots = [info.btf_key_type_id, info.btf_value_type_id];
                Ok((Self::id(id, base)?, roots.map(Root::Id)))
            }
        }
    }

    /// The BTF.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its base.
    pub(super) fn base(&self) -> Option<&[u8]> {
        self.base.as_deref()
    }
}

impl fmt::Display for Source {
    /// How large it is, and its base.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of BTF", self.bytes.len())?;
        match &self.base {
            Some(base) => write!(f, ", split, on a base of {} bytes", base.len()),
            None => Ok(()),
        }
    }
}

/// Reads BTF from a file, and its base if that is there as well.
fn read(path: &Path) -> Result<(Vec<u8>, Option<Vec<u8>>), Error> {
    let io_error = |source| Error::File {
        path: path.into(),
        source,
    };
    let mut file = File::open(path).map_err(io_error)?;
    let mut bytes = Vec::new();
    file.by_ref()
        .take(4)
        .read_to_end(&mut bytes)
        .map_err(io_error)?;
    if bytes != object::elf::ELFMAG {
        file.read_to_end(&mut bytes).map_err(io_error)?;
        return Ok((bytes, None));
    }
    // A kernel is large, and its BTF a small part of it.
    let file = ReadCache::new(file);
    let error = |reason: object::Error| Error::Elf {
        path: path.into(),
        reason: reason.to_string(),
    };
    let elf = object::File::parse(&file).map_err(error)?;
    let section = |name| {
        let data = elf.section_by_name(name).map(|section| section.data());
        data.transpose().map(|data| data.map(<[u8]>::to_vec))
    };

    match section(".BTF").map_err(error)? {
        Some(btf) => Ok((btf, section(".BTF.base").map_err(error)?)),
        None => Err(Error::NoBtf {
            what: path.display().to_string(),
        }),
    }
}
