// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Values of any type that BTF can describe.

mod json;
mod read;
mod text;

/// A value.
///
/// JSON is that of `bpftool`. `Display` has bpftool's text format, which writes large integers,
/// bit-fields, pointers and unprintable characters differently, with two exceptions. Text that fills
/// its array or is not ASCII is text here; bpftool shows numbers. Signed bit-fields have a sign.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    Signed(i64),
    /// An unsigned integer.
    Unsigned(u64),
    /// The bits of a bit-field, or of an integer of an unusual size.
    Bits(u128),
    /// The bits of a signed bit-field, and its value.
    SignedBits(u128, i128),
    /// A character.
    Char(u8),
    /// A floating-point number of single precision.
    Single(f32),
    /// A floating-point number of double precision.
    Double(f64),
    /// A string, or the name of an enumerator.
    Text(String),
    /// A string that bpftool shows as an array of numbers, and these numbers.
    Characters(String, Vec<Value>),
    /// An address.
    Pointer(u64),
    /// The elements of an array.
    Array(Vec<Value>),
    /// The members of a struct or a union. Anonymous members have an empty name.
    Struct(Vec<(String, Value)>),
}

/// Why a value cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The BTF is malformed.
    #[error(transparent)]
    Btf(#[from] splitbtf::Error),
    /// The value reaches beyond the end of the data.
    #[error("a value of BTF type {id} reaches beyond the end of the data")]
    Outside {
        /// Its type.
        id: u32,
    },
    /// The type has no values, such as `void` or a function.
    #[error("BTF type {id} has no values")]
    NoValue {
        /// The type.
        id: u32,
    },
    /// The value has too many parts, or its type is nested too deep.
    #[error("a value of BTF type {id} has too many parts")]
    TooLarge {
        /// Its type.
        id: u32,
    },
}

#[cfg(test)]
mod tests;
