// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Sources of BTF: files, and the running kernel.

use std::fmt;
use std::os::fd::AsFd;
use std::path::Path;

use splitbtf::in_order;
use splitbtf::Btf;
use splitbtf::BtfExt;
use splitbtf::Endian;
use splitbtf::Error as BtfError;
use splitbtf::Policy;
use zerocopy::ByteOrder;

use crate::input::Section;
use crate::input::BASE_SECTION;
use crate::input::SECTION;
use crate::prog;
use crate::prog::Name;
use crate::show;
use crate::stranger::Stranger;
use crate::sys;
use crate::vmlinux::Vmlinux;
use crate::Error;
use crate::Input;

use super::DumpError;
use super::Root;

/// The BTF of the running kernel itself.
pub const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// The bytes of BTF, and of its base if it is split.
#[derive(Debug)]
pub struct Source {
    bytes: Section,
    base: Option<Section>,
    /// Whether the user has named the base, which may be the wrong one.
    named: bool,
}

impl Source {
    /// BTF that is in memory already, and its base if it is split.
    pub fn new(bytes: Vec<u8>, base: Option<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            base: base.map(Section::from),
            named: false,
        }
    }

    /// Reads the section `section` of a file, as [`Input`] has it. Its base is the BTF of the file
    /// `base`; without one, the file's own section `.BTF.base`, or for a module in
    /// `/sys/kernel/btf`, by any path to it, the kernel's own BTF. A section `.BTF.base` has no base.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or has no such section.
    pub fn file(path: &Path, section: &str, base: Option<&Path>) -> Result<Self, Error> {
        let input = Input::open(path)?;
        let vmlinux = Path::new(VMLINUX);
        let named = base.is_some();
        let base = match base {
            Some(base) => Some(read(base)?),
            None if is_module(path, vmlinux) => Some(read(vmlinux)?),
            None if section == BASE_SECTION => None,
            None => {
                let base = input.section(BASE_SECTION)?;
                base.map(|base| base.to_vec().into())
            }
        };

        Ok(Self {
            bytes: input.into_section(section)?,
            base,
            named,
        })
    }

    /// Fetches the BTF with this id from the kernel. Its base is the file `base`; for a module,
    /// without one, the kernel's own BTF.
    ///
    /// # Errors
    ///
    /// If the kernel does not return it, or the base cannot be read.
    pub fn id(id: u32, base: Option<&Path>) -> Result<Self, Error> {
        let error = |source| Error::Kernel {
            what: format!("BTF id {id}"),
            source,
        };
        let fd = sys::btf_by_id(id).map_err(error)?;
        let module = sys::btf_is_module(fd.as_fd()).map_err(error)?;
        let bytes = sys::btf_bytes(fd.as_fd()).map_err(error)?;
        let named = base.is_some();
        let base = match base {
            None if module => Some(Path::new(VMLINUX)),
            base => base,
        };

        Ok(Self {
            bytes: bytes.into(),
            base: base.map(read).transpose()?,
            named,
        })
    }

    /// Fetches the BTF of a program.
    ///
    /// # Errors
    ///
    /// If there is no such program, it has no BTF, or the kernel does not return it.
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
    /// If there is no such map, it has no BTF, or the kernel does not return it.
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

    /// Relocates it from its distilled base to the BTF of a kernel, as a kernel with
    /// `CONFIG_BPF_RUST` does: with [`Policy::Opaque`].
    ///
    /// # Errors
    ///
    /// If it has no distilled base, it or the kernel's BTF is malformed, or types do not match.
    pub fn relocate(&self, kernel: &Input) -> Result<Self, DumpError> {
        in_order!(self.endian()?, O => self.relocate_in::<O>(kernel))
    }

    fn relocate_in<O: ByteOrder + 'static>(&self, kernel: &Input) -> Result<Self, DumpError> {
        let kernel = Vmlinux::<O>::of(kernel)?;

        self.opened(|btf| {
            if let Some(base) = btf.base() {
                base.validated().map_err(DumpError::Base)?;
            }
            let names = kernel.names();
            let relocated = match splitbtf::relocate(&btf.validated()?, &names, Policy::Opaque) {
                Err(BtfError::Unmatched {
                    id,
                    name,
                    contained,
                    reason,
                    ..
                }) => {
                    return Err(DumpError::Unmatched {
                        id,
                        name,
                        contained,
                        reason,
                    });
                }
                relocated => relocated?,
            };
            Ok(Self::new(
                relocated.bytes,
                Some(names.btf().bytes().to_vec()),
            ))
        })
    }

    /// Its byte order.
    ///
    /// # Errors
    ///
    /// If it is not BTF.
    pub fn endian(&self) -> Result<Endian, DumpError> {
        Ok(Endian::of(&self.bytes)?)
    }

    /// Opens it and its base, and passes it to `then`. `O` is its byte order.
    ///
    /// # Errors
    ///
    /// If one of them cannot be opened, the user has named a base that is the wrong one, or `then`
    /// fails.
    pub fn opened<O: ByteOrder, T>(
        &self,
        then: impl FnOnce(&Btf<'_, O>) -> Result<T, DumpError>,
    ) -> Result<T, DumpError> {
        let mut base_index;
        let base = match &self.base {
            Some(base) => {
                let types = splitbtf::max_types::<O>(base).map_err(DumpError::Base)?;
                base_index = vec![0; types];
                Some(Btf::<O>::open(base, None, &mut base_index).map_err(DumpError::Base)?)
            }
            None => None,
        };
        let mut index = vec![0; splitbtf::max_types::<O>(&self.bytes)?];
        let btf = Btf::open(&self.bytes, base.as_ref(), &mut index)?;

        if self.named {
            Stranger::find(&btf)?.map_or(Ok(()), Err)?;
        }
        then(&btf)
    }
}

impl fmt::Display for Source {
    /// Its size, and that of its base.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of BTF", self.bytes.len())?;
        match &self.base {
            Some(base) => write!(f, ", split, on a base of {} bytes", base.len()),
            None => Ok(()),
        }
    }
}

/// Whether this is the BTF of one of the kernel's modules, which the kernel has in the folder of its
/// own BTF `vmlinux`. The path may be relative or have symbolic links.
fn is_module(path: &Path, vmlinux: &Path) -> bool {
    let Ok((path, vmlinux)) = path
        .canonicalize()
        .and_then(|path| Ok((path, vmlinux.canonicalize()?)))
    else {
        return false;
    };

    path.parent() == vmlinux.parent() && path != vmlinux
}

/// Reads the BTF of a file.
fn read(path: &Path) -> Result<Section, Error> {
    Ok(Input::open(path)?.into_section(SECTION)?)
}

#[cfg(test)]
mod tests;
