// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Values of any type that BTF can describe, in bpftool's format.

use std::fmt;

use serde::ser::SerializeMap;
use serde::Serialize;
use serde::Serializer;
use splitbtf::Btf;
use splitbtf::Composite;
use splitbtf::Int;
use splitbtf::Kind;
use zerocopy::ByteOrder;
use zerocopy::NativeEndian;

/// The most levels of nested types. The kernel accepts 32.
const MAX_DEPTH: u32 = 64;

/// The most values in one: an array of empty structs has any number of elements in no bytes.
const MAX_VALUES: u32 = 1 << 20;

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
    /// A string that bpftool takes for an array of numbers, and these numbers.
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
    /// The type has no values, as `void` or a function.
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

impl Value {
    /// Reads a value of type `id` from the start of `bytes`, in this machine's byte order.
    ///
    /// # Errors
    ///
    /// If the type is malformed or has no values, or there are too few bytes.
    pub fn read(btf: &Btf<'_, NativeEndian>, id: u32, bytes: &[u8]) -> Result<Self, ValueError> {
        let mut reader = Reader {
            btf,
            values: 0,
            depth: 0,
        };
        reader.value(id, bytes, 0)
    }
}

struct Reader<'r, 'a, O: ByteOrder> {
    btf: &'r Btf<'a, O>,
    values: u32,
    depth: u32,
}

impl<O: ByteOrder> Reader<'_, '_, O> {
    fn name(&self, offset: u32) -> Result<String, ValueError> {
        let name = self.btf.string(offset)?;

        Ok(String::from_utf8_lossy(name).into_owned())
    }

    /// `bit` is the bit of the first byte at which the value starts. It is 0, except for bit-fields
    /// without `kind_flag`, which have their width in the INT.
    fn value(&mut self, id: u32, bytes: &[u8], bit: u32) -> Result<Value, ValueError> {
        self.values += 1;
        if self.values > MAX_VALUES || self.depth > MAX_DEPTH {
            return Err(ValueError::TooLarge { id });
        }
        self.depth += 1;
        let value = self.nested(id, bytes, bit);
        self.depth -= 1;
        value
    }

    fn nested(&mut self, id: u32, bytes: &[u8], bit: u32) -> Result<Value, ValueError> {
        let outside = ValueError::Outside { id };
        let ty = self.btf.resolve(id)?;

        match ty.kind {
            Kind::Int(int) => self::int(int, bytes, bit).ok_or(outside),
            Kind::Enum {
                size,
                signed,
                values,
            }
            | Kind::Enum64 {
                size,
                signed,
                values,
            } => {
                let number = Integer::read(bytes, size).ok_or(outside)?;
                let mask = number.mask();
                let same = |value: i128| value as u64 & mask == number.bits;
                let named = values.iter().find(|value| same(value.value));
                self.named(named.map(|value| value.name_off), number, signed)
            }
            Kind::Float { size: 4 } => {
                let bytes = bytes.first_chunk().ok_or(outside)?;
                Ok(Value::Single(f32::from_ne_bytes(*bytes)))
            }
            Kind::Float { size: 8 } => {
                let bytes = bytes.first_chunk().ok_or(outside)?;
                Ok(Value::Double(f64::from_ne_bytes(*bytes)))
            }
            // Rust has no type for the other sizes, such as that of `long double`.
            Kind::Float { size } => bits(bytes, 0, size.saturating_mul(8))
                .map(Value::Bits)
                .ok_or(outside),
            // Pointers of BPF have 64 bits on all machines.
            Kind::Ptr(_) => {
                let bytes = bytes.first_chunk().ok_or(outside)?;
                Ok(Value::Pointer(u64::from_ne_bytes(*bytes)))
            }
            Kind::Array(array) => self.array(array.ty, array.nelems, bytes),
            Kind::Struct(of) | Kind::Union(of) => self.members(id, of, bytes),
            _ => Err(ValueError::NoValue { id }),
        }
    }

    /// The name of an enumerator, or the number if there is none.
    fn named(
        &self,
        name_off: Option<u32>,
        number: Integer,
        signed: bool,
    ) -> Result<Value, ValueError> {
        match name_off {
            Some(name) => Ok(Value::Text(self.name(name)?)),
            None => Ok(number.value(signed)),
        }
    }

    fn array(&mut self, element: u32, len: u32, bytes: &[u8]) -> Result<Value, ValueError> {
        let size = self.size(element, 0)?;
        let outside = ValueError::Outside { id: element };
        let len = usize::try_from(len).map_err(|_| outside.clone())?;
        let end = len.checked_mul(size).ok_or(outside.clone())?;
        let bytes = bytes.get(..end).ok_or(outside)?;

        let text = match self.is_char(element)? {
            true => text(bytes),
            false => None,
        };
        if let Some(Text { text, plain: true }) = text {
            return Ok(Value::Text(text));
        }
        let mut values = Vec::new();
        for i in 0..len {
            // This cannot overflow, as `end` did not.
            let bytes = bytes.get(i * size..).unwrap_or_default();
            values.push(self.value(element, bytes, 0)?);
        }
        Ok(match text {
            Some(Text { text, .. }) => Value::Characters(text, values),
            None => Value::Array(values),
        })
    }

    fn members(&mut self, id: u32, of: Composite<'_>, bytes: &[u8]) -> Result<Value, ValueError> {
        let mut members = Vec::new();

        for member in of.members() {
            let outside = ValueError::Outside { id };
            let start = usize::try_from(member.bit_offset / 8).ok();
            let bytes = start.and_then(|start| bytes.get(start..));
            let bytes = bytes.ok_or(outside.clone())?;
            let bit = member.bit_offset % 8;
            let value = match member.bitfield_bits {
                0 => self.value(member.ty, bytes, bit)?,
                len => self
                    .bit_field(member.ty, bytes, bit, len.into())?
                    .ok_or(outside)?,
            };
            members.push((self.name(member.name_off)?, value));
        }
        Ok(Value::Struct(members))
    }

    /// The bits of a bit-field, with a sign if its type has one.
    fn bit_field(
        &self,
        ty: u32,
        bytes: &[u8],
        bit: u32,
        len: u32,
    ) -> Result<Option<Value>, ValueError> {
        let signed = match self.btf.resolve(ty)?.kind {
            Kind::Int(int) => int.is_signed(),
            Kind::Enum { signed, .. } | Kind::Enum64 { signed, .. } => signed,
            _ => false,
        };

        Ok(bits(bytes, bit, len).map(|bits| match signed {
            true => signed_bits(bits, len),
            false => Value::Bits(bits),
        }))
    }

    /// The size of a value in bytes.
    fn size(&self, id: u32, depth: u32) -> Result<usize, ValueError> {
        let ty = self.btf.resolve(id)?;
        let size = match ty.kind {
            Kind::Int(Int { size, .. })
            | Kind::Enum { size, .. }
            | Kind::Enum64 { size, .. }
            | Kind::Float { size } => size,
            Kind::Struct(of) | Kind::Union(of) => of.size,
            Kind::Ptr(_) => 8,
            Kind::Array(array) if depth < MAX_DEPTH => {
                let size = self.size(array.ty, depth + 1)?;
                let len = usize::try_from(array.nelems).ok();
                let size = len.and_then(|len| len.checked_mul(size));
                return size.ok_or(ValueError::TooLarge { id });
            }
            Kind::Array(_) => return Err(ValueError::TooLarge { id }),
            _ => return Err(ValueError::NoValue { id }),
        };
        usize::try_from(size).map_err(|_| ValueError::TooLarge { id })
    }

    /// Whether this is `char`, and not a typedef of it, which is more likely a number.
    fn is_char(&self, id: u32) -> Result<bool, ValueError> {
        let mut ty = self.btf.get(id)?;

        // This ends: `resolve` has followed the same references already.
        loop {
            ty = match ty.kind {
                Kind::Const(to) | Kind::Volatile(to) | Kind::Restrict(to) => self.btf.get(to)?,
                Kind::TypeTag { ty: to, .. } => self.btf.get(to)?,
                Kind::Int(int) if int.size == 1 => {
                    return Ok(int.is_char() || self.btf.string(ty.name_off)? == b"char");
                }
                _ => return Ok(false),
            }
        }
    }
}

/// A string in an array of characters.
struct Text {
    text: String,
    /// Whether it is printable ASCII with a NUL after it: bpftool shows such strings only.
    plain: bool,
}

/// The string in an array of characters: printable UTF-8 up to a NUL, whatever follows that, or up to
/// the end.
fn text(bytes: &[u8]) -> Option<Text> {
    let nul = bytes.iter().position(|byte| *byte == 0);
    let text = std::str::from_utf8(bytes.get(..nul.unwrap_or(bytes.len()))?).ok()?;

    if text.chars().any(char::is_control) || (text.is_empty() && nul.is_none()) {
        return None;
    }
    Some(Text {
        text: text.into(),
        plain: nul.is_some() && text.is_ascii(),
    })
}

fn int(int: Int, bytes: &[u8], bit: u32) -> Option<Value> {
    let whole = bit == 0 && int.offset == 0;

    match (int.encoding, int.bits) {
        (0 | 1, 8 | 16 | 32 | 64) if whole => Integer::read(bytes, u32::from(int.bits) / 8)
            .map(|number| number.value(int.is_signed())),
        (_, 8) if whole && int.is_char() => bytes.first().map(|byte| Value::Char(*byte)),
        (_, 8) if whole && int.is_bool() => bytes.first().map(|byte| Value::Bool(*byte != 0)),
        // A bit-field of the old sort, or a large integer.
        (_, len) => {
            let value = bits(bytes, bit + u32::from(int.offset), len.into())?;
            Some(match int.is_signed() && len < 64 {
                true => signed_bits(value, len.into()),
                false => Value::Bits(value),
            })
        }
    }
}

/// An integer of 1, 2, 4 or 8 bytes.
#[derive(Clone, Copy)]
struct Integer {
    bits: u64,
    len: u32,
}

impl Integer {
    fn read(bytes: &[u8], size: u32) -> Option<Self> {
        let bits = match size {
            1 => u8::from_ne_bytes(*bytes.first_chunk()?).into(),
            2 => u16::from_ne_bytes(*bytes.first_chunk()?).into(),
            4 => u32::from_ne_bytes(*bytes.first_chunk()?).into(),
            8 => u64::from_ne_bytes(*bytes.first_chunk()?),
            _ => return None,
        };
        Some(Self {
            bits,
            len: size * 8,
        })
    }

    /// A mask of all its bits.
    fn mask(self) -> u64 {
        u64::MAX >> (64 - self.len)
    }

    fn value(self, signed: bool) -> Value {
        if !signed {
            return Value::Unsigned(self.bits);
        }
        let unused = 64 - self.len;
        Value::Signed((self.bits << unused) as i64 >> unused)
    }
}

/// The value of a signed bit-field, of at least one bit.
fn signed_bits(bits: u128, len: u32) -> Value {
    let unused = 128 - len.clamp(1, 128);

    Value::SignedBits(bits, (bits << unused) as i128 >> unused)
}

/// Reads `len` bits, at most 128, from bit `bit` on, in the order of this machine's C compilers.
fn bits(bytes: &[u8], bit: u32, len: u32) -> Option<u128> {
    if len > 128 {
        return None;
    }
    let first = usize::try_from(bit / 8).ok()?;
    let bit = bit % 8;
    let end = usize::try_from((bit + len).div_ceil(8)).ok()?;
    let bytes = bytes.get(first..)?.get(..end)?;
    let at = |i: u32| {
        let byte = bytes.get(usize::try_from(i / 8).ok()?)?;
        match cfg!(target_endian = "big") {
            true => Some(byte >> (7 - i % 8) & 1),
            false => Some(byte >> (i % 8) & 1),
        }
    };
    let mut value = 0;

    for i in bit..bit + len {
        let from_top = match cfg!(target_endian = "big") {
            true => i,
            false => bit + bit + len - 1 - i,
        };
        value = value << 1 | u128::from(at(from_top)?);
    }
    Some(value)
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Signed(value) => write!(f, "{value}"),
            Self::Unsigned(value) => write!(f, "{value}"),
            Self::Bits(value) => write!(f, "{value:#x}"),
            Self::SignedBits(_, value) => write!(f, "{value}"),
            Self::Char(value @ 0x20..=0x7e) => quote(f, &char::from(*value).to_string()),
            Self::Char(value) => write!(f, "{value:#x}"),
            // `Debug` uses an exponent where JSON does.
            Self::Single(value) => write!(f, "{value:?}"),
            Self::Double(value) => write!(f, "{value:?}"),
            Self::Text(value) | Self::Characters(value, _) => quote(f, value),
            Self::Pointer(0) => f.write_str("\"(nil)\""),
            Self::Pointer(value) => write!(f, "\"{value:#x}\""),
            Self::Array(values) => {
                for (i, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if i == 0 { '[' } else { ',' })?;
                }
                f.write_str(if values.is_empty() { "[]" } else { "]" })
            }
            Self::Struct(members) => {
                for (i, (name, value)) in members.iter().enumerate() {
                    f.write_str(if i == 0 { "{" } else { "," })?;
                    quote(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_str(if members.is_empty() { "{}" } else { "}" })
            }
        }
    }
}

/// Writes a string as in JSON, with quotation marks.
fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let quoted = serde_json::to_string(text).map_err(|_| fmt::Error)?;

    f.write_str(&quoted)
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Unsigned(value) | Self::Pointer(value) => serializer.serialize_u64(*value),
            Self::Bits(value) | Self::SignedBits(value, _) => {
                serializer.collect_str(&format_args!("{value:#x}"))
            }
            Self::Char(value) => serializer.serialize_char(char::from(*value)),
            Self::Single(value) => serializer.serialize_f32(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Array(values) | Self::Characters(_, values) => serializer.collect_seq(values),
            Self::Struct(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::blob;

    /// The text and the JSON of a value; its type is the last one of `types`.
    fn show(types: &[u32], strings: &[u8], bytes: &[u8]) -> Result<[String; 2], ValueError> {
        let blob = blob(types, strings);
        let mut index = [0; 16];
        let btf = Btf::open(&blob, None, &mut index).unwrap();
        let value = Value::read(&btf, btf.end_id() - 1, bytes)?;

        Ok([value.to_string(), serde_json::to_string(&value).unwrap()])
    }

    fn same(text: &str) -> Result<[String; 2], ValueError> {
        Ok([text.into(), text.into()])
    }

    fn both(text: &str, json: &str) -> Result<[String; 2], ValueError> {
        Ok([text.into(), json.into()])
    }

    const fn info(kind: u32, vlen: u32) -> u32 {
        kind << 24 | vlen
    }

    const FLAG: u32 = 1 << 31;

    fn int(encoding: u32, bits: u32) -> [u32; 4] {
        [0, info(1, 0), bits / 8, encoding << 24 | bits]
    }

    #[test]
    fn integers() {
        let min = i64::MIN.to_ne_bytes();

        assert_eq!(show(&int(0, 8), b"\0", &[200]), same("200"));
        assert_eq!(show(&int(1, 8), b"\0", &[200]), same("-56"));
        assert_eq!(
            show(&int(0, 16), b"\0", &60_000u16.to_ne_bytes()),
            same("60000")
        );
        assert_eq!(
            show(&int(1, 16), b"\0", &60_000u16.to_ne_bytes()),
            same("-5536")
        );
        assert_eq!(
            show(&int(0, 32), b"\0", &u32::MAX.to_ne_bytes()),
            same("4294967295")
        );
        assert_eq!(
            show(&int(1, 32), b"\0", &u32::MAX.to_ne_bytes()),
            same("-1")
        );
        assert_eq!(show(&int(0, 64), b"\0", &min), same("9223372036854775808"));
        assert_eq!(show(&int(1, 64), b"\0", &min), same("-9223372036854775808"));
        assert_eq!(
            show(
                &int(1, 128),
                b"\0",
                &(0x1234_u128 << 64 | 0x99).to_ne_bytes()
            ),
            both("0x12340000000000000099", "\"0x12340000000000000099\"")
        );
        assert_eq!(
            show(&int(0, 64), b"\0", &[0; 7]),
            Err(ValueError::Outside { id: 1 })
        );
    }

    #[test]
    fn characters_and_truth_values() {
        assert_eq!(show(&int(2, 8), b"\0", b"x"), same("\"x\""));
        assert_eq!(show(&int(2, 8), b"\0", b"\""), same("\"\\\"\""));
        assert_eq!(show(&int(2, 8), b"\0", &[1]), both("0x1", "\"\\u0001\""));
        assert_eq!(show(&int(4, 8), b"\0", &[0]), same("false"));
        assert_eq!(show(&int(4, 8), b"\0", &[2]), same("true"));
    }

    #[test]
    fn floats() {
        let float = |size| [0, info(16, 0), size];

        assert_eq!(show(&float(4), b"\0", &0.1f32.to_ne_bytes()), same("0.1"));
        assert_eq!(show(&float(8), b"\0", &0.1f64.to_ne_bytes()), same("0.1"));
        assert_eq!(
            show(&float(8), b"\0", &1e-300f64.to_ne_bytes()),
            same("1e-300")
        );
        assert_eq!(show(&float(8), b"\0", &0f64.to_ne_bytes()), same("0.0"));
        assert_eq!(
            show(&float(8), b"\0", &f64::NAN.to_ne_bytes()),
            both("NaN", "null")
        );
        assert_eq!(
            show(&float(16), b"\0", &7u128.to_ne_bytes()),
            both("0x7", "\"0x7\"")
        );
        assert_eq!(
            show(&float(u32::MAX), b"\0", &[0; 64]),
            Err(ValueError::Outside { id: 1 })
        );
    }

    #[test]
    fn enumerations_go_by_name() {
        let signed = |size| [0, info(6, 2) | FLAG, size, 1, 0, 3, (-2i32) as u32];
        let names = b"\0A\0B\0";

        assert_eq!(show(&signed(4), names, &0i32.to_ne_bytes()), same("\"A\""));
        assert_eq!(
            show(&signed(4), names, &(-2i32).to_ne_bytes()),
            same("\"B\"")
        );
        assert_eq!(
            show(&signed(1), names, &(-2i8).to_ne_bytes()),
            same("\"B\"")
        );
        assert_eq!(show(&signed(4), names, &(-3i32).to_ne_bytes()), same("-3"));
        // Unsigned values that bpftool prints as negative ones.
        let unsigned = [0, info(6, 1), 4, 1, 0xffff_fff0];
        assert_eq!(
            show(&unsigned, names, &0xffff_fff0_u32.to_ne_bytes()),
            same("\"A\"")
        );
        assert_eq!(
            show(&unsigned, names, &0xffff_fff1_u32.to_ne_bytes()),
            same("4294967281")
        );

        let wide = [0, info(19, 1) | FLAG, 8, 1, 0x89ab_cdef, 0xffff_0123];
        let value = 0xffff_0123_89ab_cdef_u64;
        assert_eq!(show(&wide, names, &value.to_ne_bytes()), same("\"A\""));
        assert_eq!(show(&wide, names, &(-1i64).to_ne_bytes()), same("-1"));
        assert_eq!(
            show(&signed(3), names, &[0; 8]),
            Err(ValueError::Outside { id: 1 })
        );
    }

    /// An array of `len` of `char`, through `const`.
    fn chars(name: u32, len: u32) -> Vec<u32> {
        let element = [
            &[name, info(1, 0), 1, 1 << 24 | 8][..],
            &[0, info(10, 0), 1],
        ];
        [element.concat(), vec![0, info(3, 0), 0, 2, 1, len]].concat()
    }

    #[test]
    fn arrays_of_characters_are_strings() {
        let show = |len, bytes| show(&chars(1, len), b"\0char\0s8\0", bytes);

        assert_eq!(show(6, b"hello\0"), same("\"hello\""));
        assert_eq!(show(6, b"a\"\\\0zz"), same("\"a\\\"\\\\\""));
        assert_eq!(show(1, b"\0"), same("\"\""));
        assert_eq!(show(0, b""), same("[]"));
        // JSON is bpftool's, which does not take these for text.
        assert_eq!(show(3, b"abc\0"), both("\"abc\"", "[97,98,99]"));
        assert_eq!(show(3, b"\xc3\xbc\0"), both("\"ü\"", "[-61,-68,0]"));
        assert_eq!(show(2, b"\xc3\xbc"), both("\"ü\"", "[-61,-68]"));
        // Unprintable characters, and a character that is cut off.
        assert_eq!(show(3, b"\ta\0"), same("[9,97,0]"));
        assert_eq!(show(3, b"a\x1b\0"), same("[97,27,0]"));
        assert_eq!(show(2, b"a\xc3"), same("[97,-61]"));
        assert_eq!(show(4, b"abc"), Err(ValueError::Outside { id: 2 }));
    }

    #[test]
    fn arrays_of_other_bytes_are_not() {
        let shown = show(&chars(6, 3), b"\0char\0s8\0", b"ab\0");
        assert_eq!(shown, same("[97,98,0]"));

        let of_typedef = [
            &[1, info(1, 0), 1, 1 << 24 | 8][..],
            &[6, info(8, 0), 1],
            &[0, info(3, 0), 0, 2, 1, 3],
        ];
        let shown = show(&of_typedef.concat(), b"\0char\0s8\0", b"ab\0");
        assert_eq!(shown, same("[97,98,0]"));
    }

    #[test]
    fn structs_are_nested() {
        // struct { int i:3; int j:5; struct { short s[2]; }; union { int u; } n; }
        let types = [
            &int(1, 32)[..],
            &int(1, 16),
            &[0, info(3, 0), 0, 2, 1, 2],
            &[0, info(4, 1), 4, 7, 3, 0],
            &[0, info(5, 1), 4, 9, 1, 0],
            &[0, info(4, 4) | FLAG, 12],
            &[1, 1, 3 << 24],
            &[3, 1, 5 << 24 | 3],
            &[0, 4, 32],
            &[5, 5, 64],
        ];
        let byte = if cfg!(target_endian = "big") {
            0xb1
        } else {
            0x8d
        };
        let mut bytes = vec![byte, 0, 0, 0];
        bytes.extend(7i16.to_ne_bytes());
        bytes.extend((-7i16).to_ne_bytes());
        bytes.extend(9i32.to_ne_bytes());

        assert_eq!(
            show(&types.concat(), b"\0i\0j\0n\0s\0u\0", &bytes),
            both(
                r#"{"i":-3,"j":-15,"":{"s":[7,-7]},"n":{"u":9}}"#,
                r#"{"i":"0x5","j":"0x11","":{"s":[7,-7]},"n":{"u":9}}"#,
            )
        );
        assert_eq!(
            show(&types.concat(), b"\0i\0j\0n\0s\0u\0", &bytes[..11]),
            Err(ValueError::Outside { id: 1 })
        );
    }

    #[test]
    fn bit_fields_of_the_old_sort() {
        // Offset and width are in the INT, and the rest of the offset in the member.
        let types = [
            &[0, info(1, 0), 4, 2 << 16 | 3][..],
            &[0, info(4, 1), 4, 1, 1, 1],
        ];
        let byte = if cfg!(target_endian = "big") {
            0x14
        } else {
            0x28
        };

        assert_eq!(
            show(&types.concat(), b"\0i\0", &[byte, 0, 0, 0]),
            both(r#"{"i":0x5}"#, r#"{"i":"0x5"}"#)
        );
    }

    #[test]
    fn pointers() {
        let pointer = [0, info(2, 0), 0];

        assert_eq!(show(&pointer, b"\0", &[0; 8]), both("\"(nil)\"", "0"));
        assert_eq!(
            show(&pointer, b"\0", &16u64.to_ne_bytes()),
            both("\"0x10\"", "16")
        );
    }

    #[test]
    fn what_has_no_value() {
        assert_eq!(
            show(&[1, info(7, 0), 0], b"\0f\0", &[0; 8]),
            Err(ValueError::NoValue { id: 1 })
        );
        assert_eq!(
            show(&[0, info(10, 0), 9], b"\0", &[0; 8]),
            Err(ValueError::Btf(splitbtf::Error::Id { id: 9, end: 2 }))
        );
    }

    /// Types whose values are endless, or nearly so, in few bytes.
    #[test]
    fn there_is_an_end() {
        let nothing = [&[0, info(4, 0), 0][..], &[0, info(3, 0), 0, 1, 1, u32::MAX]];
        assert_eq!(
            show(&nothing.concat(), b"\0", &[]),
            Err(ValueError::TooLarge { id: 1 })
        );
        let itself = [0, info(4, 1), 4, 0, 1, 0];
        assert_eq!(
            show(&itself, b"\0", &[0; 4]),
            Err(ValueError::TooLarge { id: 1 })
        );
        let array = [0, info(3, 0), 0, 1, 1, 2];
        assert_eq!(
            show(&array, b"\0", &[0; 4]),
            Err(ValueError::TooLarge { id: 1 })
        );
    }
}
