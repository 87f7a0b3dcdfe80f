// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Finds the attributes and the padding that make a C compiler place members where BTF says.
//!
//! BTF has sizes and offsets, but neither alignments nor attributes. If the alignment of its type
//! would put a member elsewhere, padding keeps it in place. Only a member whose offset is no
//! multiple of its alignment needs a packed struct.

use splitbtf::Composite;
use splitbtf::Int;
use splitbtf::Kind;
use splitbtf::Member;
use zerocopy::ByteOrder;

use super::not_c;
use super::types::Types;
use super::MAX_CHAIN;
use super::MAX_NESTING;

use crate::dump::DumpError;
use crate::dump::NotC;

/// The layouts of types.
pub(super) struct Layouts<'b, 'a, O: ByteOrder> {
    types: &'b Types<'b, 'a, O>,
    /// The size of a pointer, in bytes.
    pub(super) pointer: u64,
    /// Of structs and unions, by id.
    layouts: Vec<Option<Layout>>,
}

/// The alignment and packing of a struct or a union.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// In bytes; 1 if packed.
    pub(super) align: u64,
    pub(super) packed: bool,
}

/// The size and the alignment of a type.
#[derive(Clone, Copy)]
struct Extent {
    /// In bytes.
    size: u64,
    /// In bytes.
    align: u64,
    /// The type, if it is an integer.
    int: Option<Int>,
}

/// A member; BTF has two ways to encode a bit-field. All numbers are in bits.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) offset: u64,
    /// Its own size.
    pub(super) bits: u64,
    pub(super) bitfield: bool,
    pub(super) align: u64,
    /// The size of its type.
    unit: u64,
}

impl<'b, 'a, O: ByteOrder> Layouts<'b, 'a, O> {
    pub(super) fn new(types: &'b Types<'b, 'a, O>) -> Self {
        let len = types.len();

        Self {
            types,
            pointer: pointer_size(types),
            layouts: vec![None; len],
        }
    }

    /// The layout of a struct or a union.
    pub(super) fn layout(
        &mut self,
        id: u32,
        of: &Composite<'_>,
        is_union: bool,
    ) -> Result<Layout, DumpError> {
        self.layout_at(id, of, is_union, 0)
    }

    fn layout_at(
        &mut self,
        id: u32,
        of: &Composite<'_>,
        is_union: bool,
        depth: usize,
    ) -> Result<Layout, DumpError> {
        if let Some(Some(layout)) = self.layouts.get(id as usize) {
            return Ok(*layout);
        }
        if depth > MAX_NESTING {
            return Err(not_c(id, NotC::Depth));
        }
        let size = u64::from(of.size) * 8;
        let (mut align, mut end, mut packed) = (8, 0, false);

        for member in of.members() {
            if self.types.unknown(member.ty).is_some() {
                continue;
            }
            let field = self.field_at(&member, depth)?;
            align = align.max(field.align);
            end = end.max(field.offset.saturating_add(field.bits));
            packed |= match field.bitfield {
                true => field.unit != 0 && field.offset % field.unit + field.bits > field.unit,
                false => field.offset % field.align != 0,
            };
        }
        packed |= size % align != 0;
        if is_union {
            packed |= end.div_ceil(align).saturating_mul(align) > size;
        }
        let layout = Layout {
            align: if packed { 1 } else { align / 8 },
            packed,
        };
        if let Some(slot) = self.layouts.get_mut(id as usize) {
            *slot = Some(layout);
        }
        Ok(layout)
    }

    /// The place of a member.
    pub(super) fn field(&mut self, member: &Member) -> Result<Field, DumpError> {
        self.field_at(member, 0)
    }

    fn field_at(&mut self, member: &Member, depth: usize) -> Result<Field, DumpError> {
        let extent = self.extent(member.ty, depth)?;
        let unit = extent.size.saturating_mul(8);
        let mut field = Field {
            offset: member.bit_offset.into(),
            bits: unit,
            bitfield: member.bitfield_bits != 0,
            align: extent.align * 8,
            unit,
        };

        if field.bitfield {
            field.bits = member.bitfield_bits.into();
        } else if let Some(int) = extent.int {
            // The old encoding of a bit-field.
            if int.offset != 0 || u64::from(int.bits) < unit && int.bits != 0 && !int.is_bool() {
                field.offset += u64::from(int.offset);
                field.bits = int.bits.into();
                field.bitfield = true;
            }
        }
        Ok(field)
    }

    fn extent(&mut self, id: u32, depth: usize) -> Result<Extent, DumpError> {
        let mut at = id;
        let mut count = None;

        for _ in 0..MAX_CHAIN {
            let ty = self.types.get(at)?;
            if let Some(to) = ty.kind.modified() {
                at = to;
                continue;
            }
            let (size, align) = match ty.kind {
                Kind::Array(array) => {
                    let nelems = u64::from(array.nelems);
                    count = Some(count.unwrap_or(1_u64).saturating_mul(nelems));
                    at = array.ty;
                    continue;
                }
                Kind::Ptr(_) => (self.pointer, self.pointer),
                Kind::Int(int) => natural(int.size),
                Kind::Float { size } | Kind::Enum { size, .. } | Kind::Enum64 { size, .. } => {
                    natural(size)
                }
                Kind::Struct(of) | Kind::Union(of) => {
                    let is_union = matches!(ty.kind, Kind::Union(_));
                    let layout = self.layout_at(at, &of, is_union, depth + 1)?;
                    (of.size.into(), layout.align)
                }
                _ => (0, 1),
            };
            return Ok(Extent {
                size: size.saturating_mul(count.unwrap_or(1)),
                align,
                int: match ty.kind {
                    Kind::Int(int) if count.is_none() => Some(int),
                    _ => None,
                },
            });
        }
        Err(not_c(id, NotC::Depth))
    }
}

/// The size and the alignment of a number.
fn natural(size: u32) -> (u64, u64) {
    let align = match size {
        0 => 1,
        size => 1 << size.trailing_zeros().min(4),
    };

    (size.into(), align)
}

/// The size of a pointer, which is that of a `long`; in bytes.
fn pointer_size<O: ByteOrder>(types: &Types<'_, '_, O>) -> u64 {
    for id in 1..types.end_id() {
        let Ok(ty) = types.get(id) else { break };
        let Kind::Int(int) = ty.kind else { continue };
        if matches!(
            types.string(ty.name_off),
            Ok(b"long" | b"long int" | b"unsigned long" | b"long unsigned int")
        ) && matches!(int.size, 4 | 8)
        {
            return int.size.into();
        }
    }
    8
}
