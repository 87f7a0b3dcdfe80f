// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Declarations and definitions in C's own order of words.

use std::borrow::Cow;
use std::io::Write;

use splitbtf::Composite;
use splitbtf::Kind;
use splitbtf::Member;
use splitbtf::Type;
use zerocopy::ByteOrder;

use super::layout::Layouts;
use super::names;
use super::names::Names;
use super::not_c;
use super::types::Types;
use super::MAX_CHAIN;
use super::MAX_NESTING;

use crate::dump::text::Text;
use crate::dump::DumpError;
use crate::dump::NotC;
use crate::enumerators::enumerators;

/// How many members and parameters for each type may be written more than once, because what has no
/// name is repeated at each use.
const MAX_REPEATS: usize = 64;
/// Padding of more bytes than this is one array, not many bit-fields.
const MAX_BITFIELD_PADDING: u64 = 4096;

/// Writes declarations.
pub(super) struct Writer<'b, 'a, O: ByteOrder, W> {
    types: &'b Types<'b, 'a, O>,
    pub(super) names: Names<'a>,
    layouts: Layouts<'b, 'a, O>,
    pub(super) text: Text<W>,
    /// The chains of all declarations that are being written, the innermost last.
    chain: Vec<Link<'a>>,
    /// By id: whether its members or parameters have been written.
    written: Vec<bool>,
    /// How many more members and parameters may be written again.
    repeats: usize,
}

/// What stands between a name and the type that all begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link<'a> {
    Ptr,
    Array(u32),
    /// A function with this FUNC_PROTO.
    Function(u32),
    Const,
    Volatile,
    Restrict,
    Tag {
        name: &'a [u8],
        attribute: bool,
    },
}

impl Link<'_> {
    fn is_modifier(self) -> bool {
        !matches!(self, Self::Ptr | Self::Array(_) | Self::Function(_))
    }

    /// Whether it stands behind the name, and binds stronger than a pointer.
    fn is_suffix(self) -> bool {
        matches!(self, Self::Array(_) | Self::Function(_))
    }
}

impl<'b, 'a, O: ByteOrder, W: Write> Writer<'b, 'a, O, W> {
    pub(super) fn new(types: &'b Types<'b, 'a, O>, names: Names<'a>, text: Text<W>) -> Self {
        let len = types.len();

        Self {
            types,
            names,
            layouts: Layouts::new(types),
            text,
            chain: Vec::new(),
            written: vec![false; len],
            repeats: len.saturating_mul(MAX_REPEATS),
        }
    }

    /// Writes the definition of a type that stands for itself.
    pub(super) fn define(&mut self, ty: &Type<'a>) -> Result<(), DumpError> {
        match ty.kind {
            Kind::Typedef(to) => {
                let name = self.types.string(ty.name_off)?;
                let name = self.names.full(ty.id, name);
                self.text.put("typedef ");
                self.declare(to, &name, 0)?;
            }
            Kind::Int(_) | Kind::Float { .. } => {
                self.text.put("typedef ");
                self.text.put(stand_in(ty)?);
                self.text.put(" ");
                self.names
                    .put(&mut self.text, ty.id, self.types.string(ty.name_off)?);
            }
            _ => self.body(ty, 0, 0)?,
        }
        self.text.put(";\n\n");
        Ok(self.text.spill()?)
    }

    /// Declares that there is such a struct or union.
    pub(super) fn declare_tag(&mut self, ty: &Type<'a>) -> Result<(), DumpError> {
        self.tag(ty)?;
        self.text.put(";\n\n");
        Ok(())
    }

    /// Writes what declares `name` as something of the type with this id.
    pub(super) fn declare(&mut self, id: u32, name: &[u8], indent: usize) -> Result<(), DumpError> {
        self.declare_at(id, name, indent, 0)
    }

    fn declare_at(
        &mut self,
        id: u32,
        name: &[u8],
        indent: usize,
        depth: usize,
    ) -> Result<(), DumpError> {
        if depth > MAX_NESTING {
            return Err(not_c(id, NotC::Depth));
        }
        let start = self.chain.len();
        let first = self.follow(id)?;
        let end = self.chain.len();
        // The last modifiers are those of the type that all begins with.
        let mut own = end;
        while own > start && self.chain[own - 1].is_modifier() {
            own -= 1;
        }

        for (link, word) in [(Link::Const, "const "), (Link::Volatile, "volatile ")] {
            if self.chain[own..end].contains(&link) {
                self.text.put(word);
            }
        }
        self.specifier(&first, indent, depth)?;
        for at in (own..end).rev() {
            if let Link::Tag { name, attribute } = self.chain[at] {
                self.text.put(" ");
                self.attribute(name, attribute);
            }
        }
        if own > start || !name.is_empty() {
            self.text.put(" ");
        }
        for at in (start..own).rev() {
            match self.chain[at] {
                Link::Ptr if self.in_parentheses(at, own) => self.text.put("(*"),
                Link::Ptr => self.text.put("*"),
                Link::Const => self.text.put("const "),
                Link::Volatile => self.text.put("volatile "),
                Link::Restrict => self.text.put("restrict "),
                Link::Tag { name, attribute } => {
                    self.attribute(name, attribute);
                    self.text.put(" ");
                }
                Link::Array(_) | Link::Function(_) => {}
            }
        }
        self.text.put(name);
        for at in start..own {
            match self.chain[at] {
                Link::Ptr if self.in_parentheses(at, own) => self.text.put(")"),
                Link::Array(len) => {
                    self.text.put("[");
                    self.text.number(len);
                    self.text.put("]");
                }
                Link::Function(proto) => self.parameters(proto, indent, depth)?,
                _ => {}
            }
        }
        self.chain.truncate(start);
        Ok(())
    }

    fn in_parentheses(&self, at: usize, end: usize) -> bool {
        let next = self.chain[..end].get(at + 1);

        next.is_some_and(|link| link.is_suffix())
    }

    /// Adds the links of a type to the chain; returns the type that the declaration begins with.
    fn follow(&mut self, id: u32) -> Result<Type<'a>, DumpError> {
        let start = self.chain.len();
        let mut at = id;

        while self.chain.len() - start < MAX_CHAIN {
            let ty = self.types.get(at)?;
            let (link, to) = match ty.kind {
                Kind::Ptr(to) => (Link::Ptr, to),
                Kind::Const(to) => (Link::Const, to),
                Kind::Volatile(to) => (Link::Volatile, to),
                Kind::Restrict(to) => (Link::Restrict, to),
                Kind::TypeTag { ty: to, attribute } => {
                    let name = self.types.string(ty.name_off)?;
                    (Link::Tag { name, attribute }, to)
                }
                Kind::Array(array) => (Link::Array(array.nelems), array.ty),
                Kind::FuncProto { returns, .. } => (Link::Function(at), returns),
                _ => return Ok(ty),
            };

            let mut place = self.chain.len();
            if link.is_suffix() {
                while place > start && self.chain[place - 1].is_modifier() {
                    place -= 1;
                }
                let before = self.chain[start..place].last();
                // No array of functions, and no function that returns a function or an array.
                if matches!(
                    (before, link),
                    (Some(Link::Function(_)), _) | (Some(Link::Array(_)), Link::Function(_))
                ) {
                    return Err(not_c(at, NotC::Kind));
                }
            }
            match link {
                // A constant array is an array of constants.
                Link::Array(_) => self.chain.insert(place, link),
                // There are no constant functions.
                Link::Function(_) => {
                    self.chain.truncate(place);
                    self.chain.push(link);
                }
                _ => self.chain.push(link),
            }
            at = to;
        }
        Err(not_c(id, NotC::Depth))
    }

    fn attribute(&mut self, name: &[u8], attribute: bool) {
        let quoted: Cow<'_, [u8]> = match name {
            // What could end the string.
            name if name.iter().any(|byte| b"\"\\\n\r".contains(byte)) => names::identifier(name),
            name => Cow::Borrowed(name),
        };
        let (begin, end) = match attribute {
            true => ("__attribute__((", "))"),
            false => ("__attribute__((btf_type_tag(\"", "\")))"),
        };

        self.text.put(begin);
        self.text.put(quoted);
        self.text.put(end);
    }

    /// Writes the type that a declaration begins with.
    fn specifier(&mut self, ty: &Type<'a>, indent: usize, depth: usize) -> Result<(), DumpError> {
        let name = self.types.string(ty.name_off)?;

        match ty.kind {
            Kind::Void => self.text.put("void"),
            Kind::Typedef(_) | Kind::Int(_) | Kind::Float { .. } => {
                self.names.put(&mut self.text, ty.id, name);
            }
            Kind::Struct(_)
            | Kind::Union(_)
            | Kind::Fwd { .. }
            | Kind::Enum { .. }
            | Kind::Enum64 { .. }
                if ty.name_off != 0 =>
            {
                self.tag(ty)?;
            }
            _ => self.body(ty, indent, depth)?,
        }
        Ok(())
    }

    /// Writes `struct x`.
    fn tag(&mut self, ty: &Type<'a>) -> Result<(), DumpError> {
        let keyword = ty.kind.keyword().ok_or(not_c(ty.id, NotC::Kind))?;

        self.text.put(keyword);
        if ty.name_off != 0 {
            self.text.put(" ");
            self.names
                .put(&mut self.text, ty.id, self.types.string(ty.name_off)?);
        }
        Ok(())
    }

    /// Writes a definition, to which something may be added.
    fn body(&mut self, ty: &Type<'a>, indent: usize, depth: usize) -> Result<(), DumpError> {
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
            Kind::Enum { size, .. } | Kind::Enum64 { size, .. } => {
                self.enumerators(ty.id, size, enumerators(&ty.kind), indent)
            }
            _ => Err(not_c(ty.id, NotC::Kind)),
        }
    }

    fn enumerators(
        &mut self,
        id: u32,
        size: u32,
        values: impl Iterator<Item = (u32, i128)> + Clone,
        indent: usize,
    ) -> Result<(), DumpError> {
        let (mut min, mut max) = (0, 0);
        let count = values.clone().count();

        // Without any it is not known but by its name.
        if count == 0 {
            return Ok(());
        }
        self.count(id, count)?;
        self.text.put(" {");
        for (name_off, value) in values {
            min = value.min(min);
            max = value.max(max);
            self.line(indent + 1);
            self.names
                .put_enumerator(&mut self.text, self.types.string(name_off)?);
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
        let shape = self.layouts.shape(id, of, false)?;
        let members = of.members();
        let size = u64::from(of.size) * 8;
        let mut offset = 0;

        self.text.put(" {");
        self.count(id, members.len())?;
        for (index, member) in members.enumerate() {
            let field = self.layouts.field(&member)?;
            if field.offset < offset {
                return Err(not_c(id, NotC::Overlap { index }));
            }
            // Where the compiler puts it by itself.
            let align = if shape.packed { 8 } else { field.align };
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
        if offset.next_multiple_of(shape.align * 8) != size {
            self.padding(offset, size, indent + 1);
        }
        self.close(of, shape.packed, indent);
        Ok(())
    }

    fn alternatives(
        &mut self,
        id: u32,
        of: &Composite<'a>,
        indent: usize,
        depth: usize,
    ) -> Result<(), DumpError> {
        let shape = self.layouts.shape(id, of, true)?;
        let members = of.members();
        let size = u64::from(of.size) * 8;
        let mut end = 0;

        self.text.put(" {");
        self.count(id, members.len())?;
        for (index, member) in members.enumerate() {
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
        if end.next_multiple_of(shape.align * 8) != size {
            self.bytes(0, size / 8, indent + 1);
        }
        self.close(of, shape.packed, indent);
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

    /// The struct or union with a name which is a member without one: that takes Microsoft's or
    /// Plan 9's extensions of C, with which the kernel is built, but BPF programs mostly are not.
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

    /// Fills from the bit `from` to the bit `to`, with what moves nothing and aligns nothing:
    /// bit-fields without names, each within one unit of its type.
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

    fn parameters(&mut self, proto: u32, indent: usize, depth: usize) -> Result<(), DumpError> {
        let ty = self.types.get(proto)?;
        let Kind::FuncProto { params, .. } = ty.kind else {
            return Err(not_c(proto, NotC::Kind));
        };

        self.count(proto, params.len())?;
        self.text.put("(");
        if params.is_empty() {
            self.text.put("void");
        }
        for (index, param) in params.iter().enumerate() {
            if index != 0 {
                self.text.put(", ");
            }
            let (name_off, ty) = (param.name_off, param.ty);
            if ty == 0 && name_off == 0 && index != 0 {
                self.text.put("...");
                continue;
            }
            let name = names::identifier(self.types.string(name_off)?);
            self.declare_at(ty, &name, indent, depth + 1)?;
        }
        self.text.put(")");
        Ok(())
    }

    /// Goes on with the members or parameters of a type, unless too many have been written again.
    fn count(&mut self, id: u32, parts: usize) -> Result<(), DumpError> {
        if let Some(written) = self.written.get_mut(id as usize) {
            if std::mem::replace(written, true) {
                // Itself counts as well, as it may have no parts.
                let left = self.repeats.checked_sub(parts + 1);
                self.repeats = left.ok_or(not_c(id, NotC::Repeats))?;
            }
        }
        Ok(self.text.spill()?)
    }

    fn line(&mut self, indent: usize) {
        self.text.put("\n");
        for _ in 0..indent {
            self.text.put("\t");
        }
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

/// The type of C's own that is like a number which is none of them.
fn stand_in(ty: &Type<'_>) -> Result<&'static str, DumpError> {
    Ok(match ty.kind {
        Kind::Int(int) if int.is_bool() && int.size == 1 => "_Bool",
        Kind::Int(int) => match (int.size, int.is_signed()) {
            (1, true) => "signed char",
            (1, false) => "unsigned char",
            (2, true) => "short",
            (2, false) => "unsigned short",
            (4, true) => "int",
            (4, false) => "unsigned int",
            (8, true) => "long long",
            (8, false) => "unsigned long long",
            (16, true) => "__int128",
            (16, false) => "unsigned __int128",
            _ => return Err(not_c(ty.id, NotC::Kind)),
        },
        Kind::Float { size: 2 } => "_Float16",
        Kind::Float { size: 4 } => "float",
        Kind::Float { size: 8 } => "double",
        Kind::Float { size: 16 } => "long double",
        _ => return Err(not_c(ty.id, NotC::Kind)),
    })
}
