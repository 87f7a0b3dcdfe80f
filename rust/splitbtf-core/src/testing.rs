// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Small BTF files for the tests.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::marker::PhantomData;

use zerocopy::byteorder::U16;
use zerocopy::byteorder::U32;
use zerocopy::ByteOrder;

use crate::max_types;
use crate::Btf;
use crate::Error;

/// Builds a file.
#[derive(Clone)]
pub(crate) struct File<O> {
    /// 24 as before 7.3, or more.
    pub(crate) hdr_len: u32,
    pub(crate) types: Vec<u32>,
    pub(crate) layout: Vec<[u8; 4]>,
    pub(crate) strings: Vec<u8>,
    pub(crate) order: PhantomData<O>,
}

impl<O: ByteOrder> File<O> {
    pub(crate) fn new() -> Self {
        Self {
            hdr_len: 24,
            types: vec![],
            layout: vec![],
            strings: vec![0],
            order: PhantomData,
        }
    }

    /// Adds a type: name, kind, `vlen`, size or type, and the words after these.
    pub(crate) fn add(mut self, name: u32, kind: u32, vlen: u32, arg: u32, data: &[u32]) -> Self {
        self.types.extend([name, kind << 24 | vlen, arg]);
        self.types.extend(data);
        self
    }

    pub(crate) fn strings(mut self, strings: &[u8]) -> Self {
        self.strings = strings.into();
        self
    }

    /// Opens it, in memory that is never freed.
    pub(crate) fn open(
        &self,
        base: Option<&'static Btf<'static, O>>,
    ) -> Result<&'static Btf<'static, O>, Error> {
        open(&self.bytes(), base)
    }

    /// Header, types, layout, strings, as the kernel's build writes them.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let types = self.types.len() as u32 * 4;
        let layout = self.layout.len() as u32 * 4;
        let strings = self.strings.len() as u32;
        let words = [
            self.hdr_len,
            0,
            types,
            types + layout,
            strings,
            types,
            layout,
        ];
        let mut bytes = vec![0; 4];

        bytes[..2].copy_from_slice(&U16::<O>::new(0xeb9f).to_bytes());
        bytes[2] = 1;
        for word in words {
            bytes.extend(U32::<O>::new(word).to_bytes());
        }
        bytes.resize(self.hdr_len as usize, 0);
        for word in &self.types {
            bytes.extend(U32::<O>::new(*word).to_bytes());
        }
        bytes.extend(self.layout.iter().flatten());
        bytes.extend(&self.strings);
        bytes
    }
}

/// Opens BTF in memory that is never freed.
pub(crate) fn open<O: ByteOrder>(
    bytes: &[u8],
    base: Option<&'static Btf<'static, O>>,
) -> Result<&'static Btf<'static, O>, Error> {
    let bytes = bytes.to_vec().leak();
    let index = vec![0; max_types::<O>(bytes)?].leak();

    Btf::open(bytes, base, index).map(|btf| &*Box::leak(Box::new(btf)))
}
