// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Files whose byte order is known at run time only.

use alloc::string::String;
use alloc::vec::Vec;

use zerocopy::BE;
use zerocopy::LE;

use crate::Btf;
use crate::BtfExt;
use crate::Endian;
use crate::Error;
use crate::Owned;
use crate::Type;

/// [`Owned`] in either byte order.
///
/// Its methods look at types, which decode to the same values in both orders. Code that builds,
/// distils or relocates is generic over the order, and is called for each variant.
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
/// let file = AnyOwned::new(builder.finish()?)?;
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
                let $btf: Btf<'_, LE> = file.view(None)?;
                $then
            }
            AnyOwned::Big(file) => {
                let $btf: Btf<'_, BE> = file.view(None)?;
                $then
            }
        }
    };
}

impl AnyOwned {
    /// Takes the bytes of BTF that is not split, in the byte order that its magic number tells.
    ///
    /// # Errors
    ///
    /// Those of [`Btf::open`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, Error> {
        match Endian::of(&bytes)? {
            Endian::Little => Owned::new(bytes, None).map(Self::Little),
            Endian::Big => Owned::new(bytes, None).map(Self::Big),
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
        match self {
            Self::Little(file) => file.bytes(),
            Self::Big(file) => file.bytes(),
        }
    }

    /// One more than the largest id.
    ///
    /// # Errors
    ///
    /// None that [`AnyOwned::new`] has not had.
    pub fn end_id(&self) -> Result<u32, Error> {
        each!(self, btf => Ok(btf.end_id()))
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

    fn file<O: ByteOrder>() -> AnyOwned {
        let mut builder = Builder::<O>::new();
        let int = builder.int(b"int", Int::signed(4));
        builder.typedef(b"s32", int);
        AnyOwned::new(builder.finish().unwrap()).unwrap()
    }

    #[test]
    fn both_orders_read_the_same() {
        let (little, big) = (file::<LE>(), file::<BE>());

        assert_eq!(little.endian(), Endian::Little);
        assert_eq!(big.endian(), Endian::Big);
        assert_ne!(little.bytes(), big.bytes());
        for file in [little, big] {
            assert_eq!(file.end_id(), Ok(3));
            assert_eq!(file.resolve(2).unwrap().id, 1);
            assert_eq!(file.string(file.get(2).unwrap().name_off), Ok(&b"s32"[..]));
            assert_eq!(file.declaration(2, "x").unwrap(), "s32 x");
            assert_eq!(file.get(3).unwrap_err(), Error::Id { id: 3, end: 3 });
        }
        assert_eq!(
            AnyOwned::new(vec![1, 2]).unwrap_err(),
            Error::Magic { found: 0x0201 }
        );
    }
}
