// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The value that a relocation asks for, in the object and in the kernel.

use splitbtf::CoreReloKind;
use splitbtf::Endian;
use splitbtf::Int;
use splitbtf::Kind;
use splitbtf::Type;

use crate::side;
use crate::side::Side;
use crate::spec;
use crate::spec::Path;
use crate::spec::RawStep;
use crate::spec::To;
use crate::Fault;

/// A value, by the types of one side.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Value {
    pub value: u64,
    /// The memory that a load or store accesses; only for the offset of a field that is no bit-field.
    pub memory: Option<Memory>,
    /// Whether the compiler must have found the same value.
    pub checked: bool,
}

/// What a load or store accesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// In bytes; the size of an element if the field is an array.
    pub size: u32,
    pub class: Class,
}

/// How a field may be accessed by its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Pointer,
    Unsigned,
    Other,
}

impl Value {
    fn checked(value: u64) -> Self {
        Self {
            value,
            checked: true,
            memory: None,
        }
    }

    /// Whether a load or store of this field can be made one of the field `new`.
    pub fn can_become(&self, new: &Self) -> bool {
        let size = |value: &Self| value.memory.map_or(0, |memory| memory.size);
        let class = |value: &Self| value.memory.map_or(Class::Other, |memory| memory.class);

        size(self) == size(new) || class(self) == class(new) && class(new) != Class::Other
    }
}

/// The value at a place, for a relocation of this kind.
pub(crate) fn of(side: Side<'_>, kind: CoreReloKind, path: &Path<'_>) -> Result<Value, Fault> {
    Ok(match kind {
        CoreReloKind::FieldExists
        | CoreReloKind::TypeExists
        | CoreReloKind::TypeMatches
        | CoreReloKind::EnumvalExists => Value::checked(1),
        CoreReloKind::TypeIdLocal | CoreReloKind::TypeIdTarget => Value {
            value: path.root.into(),
            ..Value::default()
        },
        CoreReloKind::TypeSize => Value::checked(side.size(path.root)?.into()),
        CoreReloKind::EnumvalValue => Value::checked(enumerator(side, path)?),
        _ => field(side, kind, path)?,
    })
}

/// An enum's value. libbpf takes all values of 32 bits for signed ones.
fn enumerator(side: Side<'_>, path: &Path<'_>) -> Result<u64, Fault> {
    let Some(step) = path.steps.first() else {
        return Ok(0);
    };
    let ty = side.get(step.of)?;
    let values = side::values(&ty);
    let value = values.and_then(|values| values.get(spec::size(step.index)));
    let value = value.map(|value| value.value).unwrap_or_default();

    Ok(match ty.kind {
        Kind::Enum { .. } => i64::from(value as i32) as u64,
        _ => value as u64,
    })
}

fn field(side: Side<'_>, kind: CoreReloKind, path: &Path<'_>) -> Result<Value, Fault> {
    let Some(last) = path.accessors().next_back() else {
        return Err(Fault::Element {
            kind: kind.name().to_string(),
        });
    };

    match last.to {
        To::Member(_) => member(side, kind, path.bit_offset, last),
        To::Element(element) => array(side, kind, path.bit_offset, element),
        To::Root | To::Value(_) => array(side, kind, path.bit_offset, last.of),
    }
}

/// The memory of a field of this type.
fn memory(side: Side<'_>, field: u32) -> Result<Memory, Fault> {
    let class = match side.get(field)?.kind {
        Kind::Ptr(_) => Class::Pointer,
        // libbpf compares the whole encoding: a signed character is no signed integer.
        Kind::Int(int) if int.encoding != Int::SIGNED => Class::Unsigned,
        _ => Class::Other,
    };
    let size = side.size(side.innermost(field)?.id)?;

    Ok(Memory { size, class })
}

/// A value of an element of an array.
fn array(side: Side<'_>, kind: CoreReloKind, bits: u32, element: u32) -> Result<Value, Fault> {
    Ok(match kind {
        CoreReloKind::FieldByteOffset => Value {
            memory: Some(memory(side, element)?),
            ..Value::checked((bits / 8).into())
        },
        CoreReloKind::FieldByteSize => Value::checked(side.size(element)?.into()),
        _ => {
            return Err(Fault::Element {
                kind: kind.name().to_string(),
            })
        }
    })
}

/// A load that reads a field: how many bytes, from which offset in bytes.
struct Load {
    size: u32,
    offset: u32,
}

/// The smallest load that has all of a bit-field.
fn load(ty: &Type<'_>, bit_offset: u32, bits: u8) -> Result<Load, Fault> {
    let wide = Fault::BitField { bit_offset, bits };
    let end = u64::from(bit_offset).saturating_add(bits.into());
    let mut size = match ty.kind.size() {
        Some(size @ 1..) => size,
        _ => return Err(Fault::NoSize { type_id: ty.id }),
    };

    loop {
        // A size is not 0.
        let units = (bit_offset / 8).checked_div(size).unwrap_or_default();
        let offset = units.saturating_mul(size);
        let begin = u64::from(offset).saturating_mul(8);
        if end.saturating_sub(begin) <= u64::from(size).saturating_mul(8) {
            return Ok(Load { size, offset });
        }
        if size >= 8 {
            return Err(wide);
        }
        size = size.saturating_mul(2);
    }
}

/// A value of a member.
fn member(
    side: Side<'_>,
    kind: CoreReloKind,
    bit_offset: u32,
    step: &RawStep<'_>,
) -> Result<Value, Fault> {
    let of = side.get(step.of)?;
    let members = side::composite(&of).map(|of| of.members());
    let member = members.and_then(|mut members| members.nth(spec::size(step.index)));
    // The path to here has looked at it.
    let (ty, bits) = member
        .map(|member| (member.ty, member.bitfield_bits))
        .unwrap_or_default();
    let ty = side.skip(ty)?;
    let is_bitfield = bits != 0;
    let load = match is_bitfield {
        true => load(&ty, bit_offset, bits)?,
        false => Load {
            size: side.size(ty.id)?,
            offset: bit_offset / 8,
        },
    };
    // These wrap as the 32 bits of libbpf do, for fields of more than 8 bytes.
    let bits = match is_bitfield {
        true => bits.into(),
        false => load.size.wrapping_mul(8),
    };
    let start = bit_offset.wrapping_sub(load.offset.wrapping_mul(8));

    let value = match kind {
        CoreReloKind::FieldByteOffset => load.offset.into(),
        CoreReloKind::FieldByteSize => load.size.into(),
        CoreReloKind::FieldSigned => is_signed(&ty).into(),
        CoreReloKind::FieldLshiftU64 => match side.types.endian() {
            Endian::Little => 64_u32.wrapping_sub(start.wrapping_add(bits)).into(),
            Endian::Big => 8_u32
                .wrapping_sub(load.size)
                .wrapping_mul(8)
                .wrapping_add(start)
                .into(),
        },
        _ => 64_u32.wrapping_sub(bits).into(),
    };
    Ok(Value {
        value,
        memory: match kind {
            CoreReloKind::FieldByteOffset if !is_bitfield => Some(memory(side, ty.id)?),
            _ => None,
        },
        checked: !is_bitfield
            || matches!(
                kind,
                CoreReloKind::FieldSigned | CoreReloKind::FieldRshiftU64
            ),
    })
}

fn is_signed(ty: &Type<'_>) -> bool {
    match ty.kind {
        Kind::Int(int) => int.is_signed(),
        Kind::Enum { signed, .. } | Kind::Enum64 { signed, .. } => signed,
        _ => false,
    }
}
