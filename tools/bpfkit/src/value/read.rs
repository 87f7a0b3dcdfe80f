// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Reads values from bytes, by their types.

use splitbtf::Btf;
use splitbtf::Composite;
use splitbtf::Int;
use splitbtf::Kind;
use zerocopy::ByteOrder;
use zerocopy::NativeEndian;

use super::Value;
use super::ValueError;

/// The most levels of nested types. The kernel accepts 32.
const MAX_DEPTH: u32 = 64;

/// The most values in one: an array of empty structs has any number of elements in no bytes.
const MAX_VALUES: u32 = 1 << 20;

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
    /// Whether it is printable ASCII with a NUL after it: bpftool shows only such strings.
    plain: bool,
}

/// The string in an array of characters: printable UTF-8 up to the first NUL or the end.
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
        // An old-style bit-field, or a large integer.
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
