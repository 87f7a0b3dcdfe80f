// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Files whose byte order is known at run time only.

use alloc::string::String;
use alloc::vec::Vec;

use zerocopy::BE;
use zerocopy::LE;

#[cfg(doc)]
use crate::Btf;
use crate::BtfExt;
use crate::Endian;
use crate::Error;
use crate::Owned;
use crate::Type;

/// Runs code that is generic over the byte order, for an order that is known at run time only. In
/// the expression after the `=>`, the name before it is the order.
///
/// # Examples
///
/// ```
/// use splitbtf::in_order;
/// use splitbtf::max_types;
/// use splitbtf::Endian;
/// use splitbtf::Error;
///
/// fn upper_bound(bytes: &[u8]) -> Result<usize, Error> {
///     in_order!(Endian::of(bytes)?, O => max_types::<O>(bytes))
/// }
/// assert!(upper_bound(b"no BTF").is_err());
/// ```
#[macro_export]
macro_rules! in_order {
    ($endian:expr, $order:ident => $then:expr) => {
        match $endian {
            $crate::Endian::Little => {
                type $order = $crate::LE;
                $then
            }
            $crate::Endian::Big => {
                type $order = $crate::BE;
                $then
            }
        }
    };
}

/// [`Owned`] in either byte order.
///
/// Its methods read types, which decode to the same values in both orders. Code that builds,
/// distils or relocates uses [`in_order`].
///
/// # Examples
///
/// ```
/// use splitbtf::AnyOwned;
/// use splitbtf::Builder;
/// use splitbtf::Int;
/// use splitbtf::BE;
///
/// let mut builder = Builder::<BE>::new();
/// builder.int(b"int", Int::signed(4));
///
/// let file = AnyOwned::new(builder.finish()?, None)?;
/// let int = file.get(1)?;
/// assert_eq!(file.string(int.name_off)?, b"int");
/// assert_eq!(int.kind.size(), Some(4));
/// # Ok::<(), splitbtf::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum AnyOwned {
    /// A little-endian file.
    Little(Owned<LE>),
    /// A big-endian file.
    Big(Owned<BE>),
}

/// Calls the same code for either byte order.
macro_rules! each {
    ($this:expr, $btf:ident => $then:expr) => {
        match $this {
            AnyOwned::Little(file) => {
                let $btf = file.btf();
                $then
            }
            AnyOwned::Big(file) => {
                let $btf = file.btf();
                $then
            }
        }
    };
}

impl AnyOwned {
    /// Opens the bytes of BTF, in the byte order of its magic number. It is split if there is a
    /// `base`.
    ///
    /// # Errors
    ///
    /// Those of [`Btf::open`]; [`Error::ByteOrder`] if the base has the other order.
    pub fn new(bytes: Vec<u8>, base: Option<&Self>) -> Result<Self, Error> {
        match (Endian::of(&bytes)?, base) {
            (Endian::Little, None) => Owned::new(bytes, None).map(Self::Little),
            (Endian::Little, Some(Self::Little(base))) => {
                Owned::new(bytes, Some(base)).map(Self::Little)
            }
            (Endian::Big, None) => Owned::new(bytes, None).map(Self::Big),
            (Endian::Big, Some(Self::Big(base))) => Owned::new(bytes, Some(base)).map(Self::Big),
            _ => Err(Error::ByteOrder),
        }
    }

    /// The byte order.
    pub fn endian(&self) -> Endian {
        match self {
            Self::Little(_) => Endian::Little,
            Self::Big(_) => Endian::Big,
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        each!(self, btf => btf.bytes())
    }

    /// The first id that is not one of the base; 1 without a base.
    pub fn first_id(&self) -> u32 {
        each!(self, btf => btf.first_id())
    }

    /// One more than the largest id.
    pub fn end_id(&self) -> u32 {
        each!(self, btf => btf.end_id())
    }

    /// [`Btf::get`].
    ///
    /// # Errors
    ///
    /// Those of [`Btf::get`].
    pub fn get(&self, id: u32) -> Result<Type<'_>, Error> {
        each!(self, btf => btf.get(id))
    }

    /// [`Btf::resolve`].
    ///
    /// # Errors
    ///
    /// Those of [`Btf::resolve`].
    pub fn resolve(&self, id: u32) -> Result<Type<'_>, Error> {
        each!(self, btf => btf.resolve(id))
    }

    /// [`Btf::string`].
    ///
    /// # Errors
    ///
    /// Those of [`Btf::string`].
    pub fn string(&self, offset: u32) -> Result<&[u8], Error> {
        each!(self, btf => btf.string(offset))
    }

    /// [`BtfExt::declaration`].
    ///
    /// # Errors
    ///
    /// Those of [`BtfExt::declaration`].
    pub fn declaration(&self, id: u32, name: &str) -> Result<String, Error> {
        each!(self, btf => btf.declaration(id, name))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use zerocopy::ByteOrder;

    use super::*;
    use crate::Builder;
    use crate::Int;

    fn file<O: ByteOrder + 'static>() -> AnyOwned {
        let mut builder = Builder::<O>::new();
        let int = builder.int(b"int", Int::signed(4));
        builder.typedef(b"s32", int);
        AnyOwned::new(builder.finish().unwrap(), None).unwrap()
    }

    #[test]
    fn both_orders_read_the_same() {
        let (little, big) = (file::<LE>(), file::<BE>());

        assert_eq!(little.endian(), Endian::Little);
        assert_eq!(big.endian(), Endian::Big);
        assert_ne!(little.bytes(), big.bytes());
        for file in [little, big] {
            assert_eq!((file.first_id(), file.end_id()), (1, 3));
            assert_eq!(file.resolve(2).unwrap().id, 1);
            assert_eq!(file.string(file.get(2).unwrap().name_off), Ok(&b"s32"[..]));
            assert_eq!(file.declaration(2, "x").unwrap(), "s32 x");
            assert_eq!(file.get(3).unwrap_err(), Error::Id { id: 3, end: 3 });
        }
        assert_eq!(
            AnyOwned::new(vec![1, 2], None).unwrap_err(),
            Error::Magic { found: 0x0201 }
        );
    }

    #[test]
    fn a_base_has_the_same_order() {
        fn split<O: ByteOrder + 'static>(base: &Owned<O>) -> Vec<u8> {
            let mut builder = Builder::split_on(&base.btf()).unwrap();
            builder.ptr(2);
            builder.finish().unwrap()
        }

        let (little, big) = (file::<LE>(), file::<BE>());
        let bytes = match (&little, &big) {
            (AnyOwned::Little(little), AnyOwned::Big(big)) => [split(little), split(big)],
            other => panic!("{other:?}"),
        };
        for (bytes, base, other) in [(&bytes[0], &little, &big), (&bytes[1], &big, &little)] {
            let split = AnyOwned::new(bytes.clone(), Some(base)).unwrap();
            assert_eq!((split.first_id(), split.end_id()), (3, 4));
            assert_eq!(split.declaration(3, "x").unwrap(), "s32 *x");
            let error = AnyOwned::new(bytes.clone(), Some(other)).unwrap_err();
            assert_eq!(error, Error::ByteOrder);
        }
    }
}
