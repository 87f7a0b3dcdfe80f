// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The BTF of a kernel, opened by both.

use std::path::Path;

use bpfkit::vmlinux;
use splitbtf::Names;
use splitbtf::Owned;
use zerocopy::NativeEndian;

use crate::corpus;
use crate::error::InFile;
use crate::libbpf;
use crate::Error;

/// The BTF of a kernel.
pub(crate) struct Vmlinux {
    ours: vmlinux::Vmlinux<NativeEndian>,
    theirs: libbpf::Btf<'static>,
}

/// A kernel that modules are relocated to.
pub(crate) struct Target<'a> {
    pub ours: Names<'a, NativeEndian>,
    /// The base for BTF that is split on it.
    pub types: &'a Owned<NativeEndian>,
    pub theirs: &'a libbpf::Btf<'static>,
}

impl Vmlinux {
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self {
            ours: vmlinux::Vmlinux::open(path)?,
            theirs: libbpf::Btf::parse(&corpus::read(path)?, None).in_file(path)?,
        })
    }

    pub fn target(&self) -> Target<'_> {
        Target {
            ours: self.ours.names(),
            types: self.ours.types(),
            theirs: &self.theirs,
        }
    }
}
