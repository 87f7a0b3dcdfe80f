// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The bodies of structs, unions and enums, with the padding that keeps members in their places.

use std::io::Write;

use splitbtf::Composite;
use splitbtf::Enumerator;
use splitbtf::Kind;
use splitbtf::List;
use splitbtf::Member;
use splitbtf::Type;
use zerocopy::ByteOrder;

use super::declare::Writer;
use super::names;
use super::not_c;
use super::MAX_NESTING;

use crate::dump::DumpError;
use crate::dump::NotC;

/// Padding of more bytes than this is one array, not many bit-fields.
const MAX_BITFIELD_PADDING: u64 = 4096;

impl<'a, O: ByteOrder, W: Write> Writer<'_, 'a, O, W> {
    /// Writes a definition; the caller may append to it.
    pub(super) fn body(
        &mut self,
        ty: &Type<'a>,
        indent: usize,
        depth: usize,
    ) -> Result<(), DumpError> {
        self.tag(ty)?;
        self.block(ty, indent, depth)
    }

    /// Writes a definition as if it had no name.
    fn untagged(&mut self, ty: &Type<'a>, indent: usize, depth: usize) -> Result<(), DumpError> {
        if depth > MAX_NESTING {
            return Err(not_c(ty.id, NotC::Depth));
        }
        self.tag(&Type { name_off: 0, ..*ty })?;
        self.block(ty, indent, depth)
    }

    fn block(&mut self, ty: &Type<'a>, indent: usize, depth: usize) -> Result<(), DumpError> {
        match ty.kind {
            Kind::Struct(of) => self.members(ty.id, &of, indent, depth),
            Kind::Union(of) => self.alternatives(ty.id, &of, indent, depth),
            Kind::Enum { size, values, .. } | Kind::Enum64 { size, values, .. } => {
                self.enumerators(ty.id, size, values, indent)
            }
            _ => Err(not_c(ty.id, NotC::Kind)),
        }
    }

    fn enumerators(
        &mut self,
        id: u32,
        size: u32,
        values: List<'_, Enumerator>,
        indent: usize,
    ) -> Result<(), DumpError> {
        let (mut min, mut max) = (0, 0);

        // Without values, write only the name.
        if values.is_empty() {
            return Ok(());
        }
        self.count(id, values.len())?;
        self.text.put(" {");
        for Enumerator { name_off, value } in values {
            min = value.min(min);
            max = value.max(max);
            self.line(indent + 1);
            self.names
                .put_enumerator(&mut self.text, id, self.types.string(name_off)?);
            self.text.put(" = ");
            if value == i128::from(i64::MIN) {
                // The number without its sign would be too large.
                self.text.put("-9223372036854775807LL - 1,");
                continue;
            }
            self.text.number(value);
            self.text.put(match value {
                value if value > i128::from(i64::MAX) => "ULL,",
                value if value > i128::from(u32::MAX) || value < i128::from(i32::MIN) => "LL,",
                _ => ",",
            });
        }
        self.line(indent);
        self.text.put("}");
        self.text.put(match size {
            8 if width(min, max) < 8 => " __attribute__((mode(DI)))",
            2 if width(min, max) < 2 => " __attribute__((mode(HI)))",
            1 | 2 => " __attribute__((packed))",
            _ => "",
        });
        Ok(())
    }

    fn members(
        &mut self,
        id: u32,
        of: &Composite<'a>,
        indent: usize,
        depth: usize,
    ) -> Result<(), DumpError> {
        let layout = self.layouts.layout(id, of, false)?;
        let members = of.members();
        let size = u64::from(of.size) * 8;
        let mut offset = 0;

        self.text.put(" {");
        self.count(id, members.len())?;
        for (index, member) in members.enumerate() {
            if let Some(unknown) = self.types.unknown(member.ty) {
                self.left_out(&member, unknown, indent)?;
                continue;
            }
            let field = self.layouts.field(&member)?;
            if field.offset < offset {
                return Err(not_c(id, NotC::Overlap { index }));
            }
            // Where the compiler would put it without padding.
            let align = if layout.packed { 8 } else { field.align };
            let natural = match field.bitfield {
                true => offset,
                false => offset.next_multiple_of(align),
            };
            if natural != field.offset {
                self.padding(offset, field.offset, indent + 1);
            }
            offset = field.offset.saturating_add(field.bits);
            if offset > size {
                return Err(not_c(id, NotC::Outside { index }));
            }
            self.member(&member, field.bitfield.then_some(field.bits), indent, depth)?;
        }
        if offset.next_multiple_of(layout.align * 8) != size {
            self.padding(offset, size, indent + 1);
        }
        self.close(of, layout.packed, indent);
        Ok(())
    }

    fn alternatives(
        &mut self,
        id: u32,
        of: &Composite<'a>,
        indent: usize,
        depth: usize,
    ) -> Result<(), DumpError> {
        let layout = self.layouts.layout(id, of, true)?;
        let members = of.members();
        let size = u64::from(of.size) * 8;
        let mut end = 0;

        self.text.put(" {");
        self.count(id, members.len())?;
        for (index, member) in members.enumerate() {
            if let Some(unknown) = self.types.unknown(member.ty) {
                self.left_out(&member, unknown, indent)?;
                continue;
            }
            let field = self.layouts.field(&member)?;
            if field.offset != 0 {
                return Err(not_c(id, NotC::Overlap { index }));
            }
            if field.bits > size {
                return Err(not_c(id, NotC::Outside { index }));
            }
            end = field.bits.max(end);
            self.member(&member, field.bitfield.then_some(field.bits), indent, depth)?;
        }
        if end.next_multiple_of(layout.align * 8) != size {
            self.bytes(0, size / 8, indent + 1);
        }
        self.close(of, layout.packed, indent);
        Ok(())
    }

    fn member(
        &mut self,
        member: &Member,
        bits: Option<u64>,
        indent: usize,
        depth: usize,
    ) -> Result<(), DumpError> {
        self.line(indent + 1);
        match self.embedded(member)? {
            Some(ty) => self.untagged(&ty, indent + 1, depth + 1)?,
            None => {
                let name = names::identifier(self.types.string(member.name_off)?);
                self.declare_at(member.ty, &name, indent + 1, depth + 1)?;
            }
        }
        if let Some(bits) = bits {
            self.text.put(": ");
            self.text.number(bits);
        }
        self.text.put(";");
        Ok(())
    }

    /// Says why a member is missing.
    fn left_out(&mut self, member: &Member, unknown: u32, indent: usize) -> Result<(), DumpError> {
        let name = names::identifier(self.types.string(member.name_off)?);

        self.line(indent + 1);
        self.note_unknown(&name, unknown)
    }

    /// The struct or union of a member without a name. If that type has a name, this needs
    /// Microsoft's or Plan 9's extensions of C: the kernel has them, most BPF programs do not.
    fn embedded(&self, member: &Member) -> Result<Option<Type<'a>>, DumpError> {
        if member.name_off != 0 {
            return Ok(None);
        }
        let ty = self.types.resolve(member.ty)?;
        Ok(match ty.kind {
            Kind::Struct(_) | Kind::Union(_) => Some(ty),
            _ => None,
        })
    }

    fn close(&mut self, of: &Composite<'_>, packed: bool, indent: usize) {
        if of.size != 0 || of.members().len() != 0 {
            self.line(indent);
        }
        self.text.put("}");
        if packed {
            self.text.put(" __attribute__((packed))");
        }
    }

    /// Fills from bit `from` to bit `to` with bit-fields without names, each within one unit of its
    /// type. They neither move nor align anything.
    fn padding(&mut self, mut from: u64, to: u64, indent: usize) {
        while from < to {
            if from.is_multiple_of(8) && (to - from) / 8 > MAX_BITFIELD_PADDING {
                let len = (to - from) / 8;
                self.bytes(from / 8, len, indent);
                from += len * 8;
                continue;
            }
            let bits = (to - from).min(64 - from % 64);
            let unit = [8, 16, 32].into_iter();
            let unit = unit.filter(|unit| from % unit + bits <= *unit).min();
            self.line(indent);
            self.text.put(match unit {
                Some(8) => "char: ",
                Some(16) => "short: ",
                Some(32) => "int: ",
                _ if self.layouts.pointer == 4 => "long long: ",
                _ => "long: ",
            });
            self.text.number(bits);
            self.text.put(";");
            from += bits;
        }
    }

    /// Fills `len` bytes from the byte `from`.
    fn bytes(&mut self, from: u64, len: u64, indent: usize) {
        self.line(indent);
        self.text.put("unsigned char __padding_at_");
        self.text.number(from);
        self.text.put("[");
        self.text.number(len);
        self.text.put("];");
    }
}

/// How many bytes values from `min`, at most 0, to `max` need.
fn width(min: i128, max: i128) -> u32 {
    let fits = |bytes: u32| {
        let half = 1_i128 << (bytes * 8 - 1);
        min >= -half && max < if min < 0 { half } else { 2 * half }
    };

    [1, 2, 4]
        .into_iter()
        .find(|bytes| fits(*bytes))
        .unwrap_or(8)
}
