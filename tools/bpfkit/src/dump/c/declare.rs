// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Writes declarations in C's word order.

use std::borrow::Cow;
use std::io::Write;

use splitbtf::Kind;
use splitbtf::Type;
use zerocopy::ByteOrder;

use super::layout::Layouts;
use super::names;
use super::names::Names;
use super::not_c;
use super::types::Types;
use super::MAX_CHAIN;
use super::MAX_NESTING;

use crate::dump::DumpError;
use crate::dump::NotC;
use crate::dump::Text;

/// How many members and parameters for each type may be written again: types without names are
/// repeated at each use.
const MAX_REPEATS: usize = 64;

/// The start of a definition that C23 has built in. Compilers before the final standard have other
/// numbers for it, from 202000 on, and had these numbers before they had the definition.
const BEFORE_C23: &str = "#if __STDC_VERSION__ < 202000L || \
    (defined(__clang__) ? __clang_major__ < 15 : __GNUC__ < 13)\n";

/// Writes declarations.
pub(super) struct Writer<'b, 'a, O: ByteOrder, W> {
    pub(super) types: &'b Types<'b, 'a, O>,
    pub(super) names: Names<'a>,
    pub(super) layouts: Layouts<'b, 'a, O>,
    pub(super) text: Text<W>,
    /// The chains of all declarations that are being written, the innermost last.
    chain: Vec<Link<'a>>,
    /// By id: whether its members or parameters have been written.
    written: Vec<bool>,
    /// How many more members and parameters may be written again.
    repeats: usize,
}

/// A part of a declaration, between the name and the type that the declaration starts with.
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

    /// Whether it follows the name, and binds tighter than a pointer.
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

    /// Writes the definition of a type as a declaration of its own.
    pub(super) fn define(&mut self, ty: &Type<'a>) -> Result<(), DumpError> {
        let in_c23 = self.names.is_in_c23(ty.id);
        if in_c23 {
            self.text.put(BEFORE_C23);
        }
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
        self.text
            .put(if in_c23 { ";\n#endif\n\n" } else { ";\n\n" });
        Ok(self.text.spill()?)
    }

    /// Writes a forward declaration of a struct or union.
    pub(super) fn declare_tag(&mut self, ty: &Type<'a>) -> Result<(), DumpError> {
        self.tag(ty)?;
        self.text.put(";\n\n");
        Ok(())
    }

    /// Writes the declaration of `name` with the type `id`, without a semicolon.
    pub(super) fn declare(&mut self, id: u32, name: &[u8], indent: usize) -> Result<(), DumpError> {
        self.declare_at(id, name, indent, 0)
    }

    pub(super) fn declare_at(
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
        // The last modifiers are those of the type that the declaration starts with.
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

    /// Adds the links of a type to the chain; returns the type that the declaration starts with.
    fn follow(&mut self, id: u32) -> Result<Type<'a>, DumpError> {
        let start = self.chain.len();
        let mut at = id;

        while self.chain.len() - start < MAX_CHAIN {
            let ty = self.types.get(at)?;
            let (link, to) = match ty.kind {
                // The declaration is one of `void`.
                Kind::Array(_) | Kind::FuncProto { .. } if self.types.unknown(at).is_some() => {
                    return Ok(ty);
                }
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
                // C has no arrays of functions, and no functions that return functions or arrays.
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
                // Twice is a warning. An array and its elements may both be constant.
                Link::Const | Link::Volatile if self.modifiers(start).contains(&link) => {}
                _ => self.chain.push(link),
            }
            at = to;
        }
        Err(not_c(id, NotC::Depth))
    }

    /// The modifiers at the end of the part of the chain from `start`.
    fn modifiers(&self, start: usize) -> &[Link<'a>] {
        let part = &self.chain[start..];
        let others = part.iter().rposition(|link| !link.is_modifier());

        &part[others.map_or(0, |last| last + 1)..]
    }

    fn attribute(&mut self, name: &[u8], attribute: bool) {
        let quoted: Cow<'_, [u8]> = match name {
            // These bytes could end the string.
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

    /// Writes the type that a declaration starts with.
    fn specifier(&mut self, ty: &Type<'a>, indent: usize, depth: usize) -> Result<(), DumpError> {
        let name = self.types.string(ty.name_off)?;

        match ty.kind {
            Kind::Void => self.text.put("void"),
            Kind::Unknown(_) | Kind::Array(_) | Kind::FuncProto { .. } => {
                self.text.put("void ");
                self.note_unknown(b"", self.types.unknown(ty.id).unwrap_or(ty.id))?;
            }
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
    pub(super) fn tag(&mut self, ty: &Type<'a>) -> Result<(), DumpError> {
        let keyword = ty.kind.keyword().ok_or(not_c(ty.id, NotC::Kind))?;

        self.text.put(keyword);
        if ty.name_off != 0 {
            self.text.put(" ");
            self.names
                .put(&mut self.text, ty.id, self.types.string(ty.name_off)?);
        }
        Ok(())
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

    /// Says in a comment what is missing, `name` or a type: C has nothing for an unknown kind.
    pub(super) fn note_unknown(&mut self, name: &[u8], id: u32) -> Result<(), DumpError> {
        let kind = self.types.get(id)?.kind.number();

        self.text.put("/* ");
        if !name.is_empty() {
            self.text.put(name);
            self.text.put(": ");
        }
        self.text.put("BTF type ");
        self.text.number(id);
        self.text.put(" is of the unknown kind ");
        self.text.number(kind);
        self.text.put(" */");
        Ok(())
    }

    /// Counts members or parameters that are about to be written; fails if too many are repeated.
    pub(super) fn count(&mut self, id: u32, parts: usize) -> Result<(), DumpError> {
        if let Some(written) = self.written.get_mut(id as usize) {
            if std::mem::replace(written, true) {
                // The type itself counts as well, as it may have no parts.
                let left = self.repeats.checked_sub(parts + 1);
                self.repeats = left.ok_or(not_c(id, NotC::Repeats))?;
            }
        }
        Ok(self.text.spill()?)
    }

    pub(super) fn line(&mut self, indent: usize) {
        self.text.put("\n");
        for _ in 0..indent {
            self.text.put("\t");
        }
    }
}

/// The built-in C type that is like a number type with another name.
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
