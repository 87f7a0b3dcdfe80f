// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Owners of BTF.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use core::fmt;

use splitbtf_core::raw::index;

use crate::max_types;
use crate::Btf;
use crate::BtfExt;
use crate::ByteOrder;
use crate::Error;

use self::cell::Cell;
use self::cell::Parts;

/// The bytes of a file, the index of their types, and its base if it is split.
///
/// Clones share it. A split file keeps its base alive, and cannot be used with another one.
///
/// [`AnyOwned`](crate::AnyOwned) is for files whose byte order is known at run time only.
///
/// # Examples
///
/// ```
/// use splitbtf::Builder;
/// use splitbtf::Owned;
/// use splitbtf::LE;
///
/// let mut builder = Builder::<LE>::new();
/// builder.structure(b"file", 192, &[]);
/// let vmlinux = Owned::<LE>::new(builder.finish()?, None)?;
/// let mut builder = Builder::split_on(&vmlinux.btf())?;
/// builder.ptr(1);
///
/// let module = Owned::new(builder.finish()?, Some(&vmlinux))?;
/// drop(vmlinux);
/// assert_eq!(module.btf().get(1)?.kind.size(), Some(192));
/// # Ok::<(), splitbtf::Error>(())
/// ```
pub struct Owned<O: ByteOrder + 'static>(Arc<Cell<O>>);

impl<O: ByteOrder> Owned<O> {
    /// Opens the bytes of BTF: a vector, or for example a mapped file. It is split if there is a
    /// `base`.
    ///
    /// # Errors
    ///
    /// Those of [`Btf::open`].
    pub fn new(
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
        base: Option<&Self>,
    ) -> Result<Self, Error> {
        Self::open(Box::new(bytes), base, |btf| Ok(*btf))
    }

    /// As [`Owned::new`], but validates the BTF too: see [`Btf::validate`]. Validating a file that
    /// is split on this one does not validate it again.
    ///
    /// # Errors
    ///
    /// Those of [`Btf::open`] and [`Btf::validate`].
    pub fn valid(
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
        base: Option<&Self>,
    ) -> Result<Self, Error> {
        Self::open(Box::new(bytes), base, |btf| Ok(*btf.validated()?))
    }

    fn open(
        bytes: Box<dyn AsRef<[u8]> + Send + Sync>,
        base: Option<&Self>,
        check: for<'a> fn(&Btf<'a, O>) -> Result<Btf<'a, O>, Error>,
    ) -> Result<Self, Error> {
        let content = (*bytes).as_ref();
        let mut offsets = vec![0; max_types::<O>(content)?];
        let count = {
            let btf = Btf::open(content, base.map(|base| base.0.btf()), &mut offsets)?;
            btf.end_id().saturating_sub(btf.first_id())
        };
        offsets.truncate(index(count));
        offsets.shrink_to_fit();
        let parts = Parts {
            bytes,
            offsets,
            base: base.cloned(),
        };

        Ok(Self(Arc::new(Cell::open(parts, check)?)))
    }

    /// A view of the BTF. Copying it copies no types.
    pub fn btf(&self) -> Btf<'_, O> {
        *self.0.btf()
    }

    /// The file that it is split on.
    pub fn base(&self) -> Option<&Self> {
        self.0.base()
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.btf().bytes()
    }
}

impl<O: ByteOrder> Clone for Owned<O> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<O: ByteOrder> fmt::Debug for Owned<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Owned").field(&self.btf()).finish()
    }
}

/// The view borrows the parts that are stored with it: ouroboros keeps the two together.
mod cell {
    use alloc::boxed::Box;
    use alloc::vec::Vec;

    use crate::Btf;
    use crate::ByteOrder;
    use crate::Error;

    use super::Owned;

    pub struct Parts<O: ByteOrder + 'static> {
        pub(super) bytes: Box<dyn AsRef<[u8]> + Send + Sync>,
        /// The offsets of the types in the type section.
        pub(super) offsets: Vec<u32>,
        pub(super) base: Option<Owned<O>>,
    }

    #[ouroboros::self_referencing]
    pub struct Cell<O: ByteOrder + 'static> {
        parts: Parts<O>,
        #[borrows(parts)]
        #[covariant]
        btf: Btf<'this, O>,
    }

    impl<O: ByteOrder> Cell<O> {
        pub(super) fn open(
            parts: Parts<O>,
            check: for<'a> fn(&Btf<'a, O>) -> Result<Btf<'a, O>, Error>,
        ) -> Result<Self, Error> {
            Self::try_new(parts, |parts| {
                let base = parts.base.as_ref().map(|base| base.0.btf());
                let btf = Btf::open_indexed((*parts.bytes).as_ref(), base, &*parts.offsets)?;
                check(&btf)
            })
        }

        pub(super) fn btf(&self) -> &Btf<'_, O> {
            self.borrow_btf()
        }

        pub(super) fn base(&self) -> Option<&Owned<O>> {
            self.borrow_parts().base.as_ref()
        }
    }
}

#[cfg(test)]
mod tests {
    use zerocopy::BE;
    use zerocopy::LE;

    use super::*;
    use crate::Builder;
    use crate::Int;
    use crate::Kind;
    use crate::TypeReason;

    fn chain<O: ByteOrder + 'static>() -> Owned<O> {
        let mut builder = Builder::<O>::new();
        builder.int(b"int", Int::signed(4));
        let base = Owned::<O>::new(builder.finish().unwrap(), None).unwrap();
        let mut builder = Builder::split_on(&base.btf()).unwrap();
        builder.typedef(b"s32", 1);
        let split = Owned::new(builder.finish().unwrap(), Some(&base)).unwrap();
        let mut builder = Builder::split_on(&split.btf()).unwrap();
        builder.ptr(2);
        Owned::new(builder.finish().unwrap(), Some(&split)).unwrap()
    }

    /// A user's struct that owns all that it needs.
    struct Kernel {
        module: Owned<LE>,
    }

    impl Kernel {
        fn types(&self) -> Btf<'_, LE> {
            self.module.btf()
        }
    }

    #[test]
    fn bases_are_kept() {
        fn check<O: ByteOrder + 'static>() {
            let top = chain::<O>();

            assert_eq!(top.btf().string(1), Ok(&b"int"[..]));
            assert!(matches!(top.btf().get(3).unwrap().kind, Kind::Ptr(2)));
            assert_eq!(top.btf().resolve(2).unwrap().id, 1);
            let split = top.base().unwrap();
            assert_eq!(split.btf().end_id(), 3);
            assert!(split.base().unwrap().base().is_none());
            assert_eq!(top.clone().bytes(), top.bytes());
        }

        check::<LE>();
        check::<BE>();
        let kernel = Kernel {
            module: chain::<LE>(),
        };
        assert_eq!(kernel.types().end_id(), 4);
    }

    #[test]
    fn validity_is_known() {
        let bytes = || {
            let mut builder = Builder::<LE>::new();
            builder.array(1, 0, 1);
            builder.finish().unwrap()
        };
        let error = Owned::<LE>::valid(bytes(), None).unwrap_err();
        assert!(matches!(
            error,
            Error::Type {
                id: 1,
                reason: TypeReason::ContainsItself,
                ..
            }
        ));

        // Validating split BTF finds the fault of a base, but skips a base known to be valid.
        let base = Owned::<LE>::new(bytes(), None).unwrap();
        let split = || Builder::split_on(&base.btf()).unwrap().finish().unwrap();
        assert_eq!(Owned::valid(split(), Some(&base)).unwrap_err(), error);
        let mut builder = Builder::<LE>::new();
        builder.float(b"f", 4);
        let base = Owned::<LE>::valid(builder.finish().unwrap(), None).unwrap();
        let split = Builder::split_on(&base.btf()).unwrap().finish().unwrap();
        let split = Owned::new(split, Some(&base)).unwrap();
        assert_eq!(split.btf().validate_scratch(), 0);
    }
}
