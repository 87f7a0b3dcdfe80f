// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The BTF of a kernel, opened by both.

use std::path::Path;
use std::path::PathBuf;

use splitbtf::Btf;
use splitbtf::Names;
use splitbtf::Owned;
use zerocopy::NativeEndian;

use crate::corpus;
use crate::error::InFile;
use crate::libbpf;
use crate::Error;

/// The BTF of a kernel.
pub(crate) struct Vmlinux {
    path: PathBuf,
    ours: Owned<NativeEndian>,
    names: Order,
    theirs: libbpf::Btf<'static>,
}

/// How types are found by name.
enum Order {
    /// They are sorted from this id on.
    Sorted(u32),
    /// By an index, as the kernel is older than 7.3.
    Indexed(Vec<u32>),
}

/// A kernel that modules are relocated to.
pub(crate) struct Target<'a> {
    pub ours: Names<'a, NativeEndian>,
    pub theirs: &'a libbpf::Btf<'static>,
}

impl Vmlinux {
    pub fn open(path: &Path) -> Result<Self, Error> {
        let bytes = corpus::read(path)?;
        let theirs = libbpf::Btf::parse(&bytes, None).in_file(path)?;
        let ours = Owned::new(bytes, None).in_file(path)?;
        let btf = ours.view(None).in_file(path)?;
        btf.validated().in_file(path)?;
        let names = match btf.first_named() {
            Some(first) => Order::Sorted(first),
            None => Order::Indexed(btf.name_index().in_file(path)?),
        };

        Ok(Self {
            path: path.to_owned(),
            ours,
            names,
            theirs,
        })
    }

    pub fn view(&self) -> Result<Btf<'_, NativeEndian>, Error> {
        self.ours.view(None).in_file(&self.path)
    }

    /// `view` is what [`Self::view`] gave.
    pub fn target<'a>(&'a self, view: &'a Btf<'a, NativeEndian>) -> Target<'a> {
        Target {
            ours: match &self.names {
                Order::Sorted(first) => Names::sorted(view, *first, None),
                Order::Indexed(ids) => Names::indexed(view, ids, None),
            },
            theirs: &self.theirs,
        }
    }
}
