// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The types of one side, the object or the kernel, with a bound on the work.

use splitbtf::Array;
use splitbtf::Composite;
use splitbtf::Enumerator;
use splitbtf::Kind;
use splitbtf::List;
use splitbtf::Type;

use crate::budget::Budget;
use crate::error::MAX_NAME;
use crate::name;
use crate::Fault;
use crate::Types;

/// How many types libbpf looks at for the size of one: `MAX_RESOLVE_DEPTH`.
const MAX_RESOLVE_DEPTH: usize = 32;

/// How many pointers and arrays the text of a type shows.
const MAX_TEXT_DEPTH: usize = 8;

/// The steps that the text of a type or of a name costs: it is in the record.
const TEXT_STEPS: usize = 16;

/// The bytes of a name that can be read in a step.
const BYTES_PER_STEP: usize = 32;

/// The types of one side.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub types: &'a dyn Types,
    /// The size of a pointer in bytes.
    pub pointer: u32,
    pub budget: &'a Budget,
}

impl<'a> Side<'a> {
    /// The type with this id.
    pub fn get(self, id: u32) -> Result<Type<'a>, Fault> {
        self.budget.spend(1)?;
        Ok(self.types.get(id)?)
    }

    /// The type without its typedefs and modifiers.
    pub fn skip(self, id: u32) -> Result<Type<'a>, Fault> {
        let mut ty = self.get(id)?;

        while let Some(to) = ty.kind.modified() {
            ty = self.get(to)?;
        }
        Ok(ty)
    }

    /// The string at this offset.
    pub fn name(self, name_off: u32) -> Result<&'a [u8], Fault> {
        let name = self.string(name_off, MAX_NAME);
        let name = name.ok_or(Fault::Name { name_off })?;

        self.budget.spend(name.len() / BYTES_PER_STEP)?;
        Ok(name)
    }

    /// The string at this offset, if it is not longer than `max` bytes.
    pub fn string(self, offset: u32, max: usize) -> Option<&'a [u8]> {
        if offset == 0 {
            return Some(&[]);
        }
        let strings = self.types.strings_from(offset)?;
        let strings = strings.get(..=max).unwrap_or(strings);

        strings.get(..strings.iter().position(|byte| *byte == 0)?)
    }

    /// Whether the string at this offset is `name`.
    pub fn is_named(self, name_off: u32, name: &[u8]) -> bool {
        let strings = self.types.strings_from(name_off).unwrap_or_default();

        strings.get(..name.len()) == Some(name) && strings.get(name.len()) == Some(&0)
    }

    /// The size of a type in bytes, as `btf__resolve_size()` determines it.
    pub fn size(self, id: u32) -> Result<u32, Fault> {
        let mut count: u32 = 1;
        let mut next = id;
        let range = || Fault::Range { type_id: id };

        for _ in 0..MAX_RESOLVE_DEPTH {
            let kind = self.get(next)?.kind;
            next = match kind {
                Kind::Array(array) => {
                    count = count.checked_mul(array.nelems).ok_or_else(range)?;
                    array.ty
                }
                Kind::Var { ty, .. } | Kind::DeclTag { ty, .. } => ty,
                Kind::Ptr(_) => return count.checked_mul(self.pointer).ok_or_else(range),
                kind => match (kind.modified(), kind.size()) {
                    (Some(ty), _) => ty,
                    (None, Some(size)) => return count.checked_mul(size).ok_or_else(range),
                    (None, None) => break,
                },
            };
        }
        Err(Fault::NoSize { type_id: id })
    }

    /// The type of the elements of an array, of an array of arrays and so on; another type itself.
    pub fn innermost(self, id: u32) -> Result<Type<'a>, Fault> {
        let mut ty = self.skip(id)?;

        while let Kind::Array(array) = ty.kind {
            ty = self.skip(array.ty)?;
        }
        Ok(ty)
    }

    /// The text of a type, as in C: `struct task_struct`, `struct file *[4]`.
    pub fn text(self, id: u32) -> Result<String, Fault> {
        let mut suffix = String::new();
        let mut next = id;
        self.budget.spend(TEXT_STEPS)?;

        for _ in 0..MAX_TEXT_DEPTH {
            let ty = self.get(next)?;
            next = match ty.kind {
                Kind::Ptr(to) => {
                    suffix.insert(0, '*');
                    to
                }
                Kind::Array(Array { ty, nelems, .. }) => {
                    suffix.push_str(&format!("[{nelems}]"));
                    ty
                }
                Kind::Const(to) | Kind::Volatile(to) | Kind::Restrict(to) => to,
                Kind::TypeTag { ty, .. } => ty,
                _ => return self.named_text(&ty, &suffix),
            };
        }
        Ok(format!("... {suffix}"))
    }

    fn named_text(self, ty: &Type<'_>, suffix: &str) -> Result<String, Fault> {
        let name = name::text(self.name(ty.name_off)?);
        let name = match (&ty.kind, name.as_str()) {
            (Kind::Void, _) => "void",
            (Kind::FuncProto { .. }, _) => "a function",
            (_, "") => "{...}",
            (_, name) => name,
        };
        let keyword = ty.kind.keyword().unwrap_or_default();

        let text = [keyword, name, suffix].join(" ");
        Ok(text.trim().to_string())
    }
}

/// The struct or union.
pub(crate) fn composite<'a>(ty: &Type<'a>) -> Option<Composite<'a>> {
    match ty.kind {
        Kind::Struct(of) | Kind::Union(of) => Some(of),
        _ => None,
    }
}

/// The values of an enum.
pub(crate) fn values<'a>(ty: &Type<'a>) -> Option<List<'a, Enumerator>> {
    match ty.kind {
        Kind::Enum { values, .. } | Kind::Enum64 { values, .. } => Some(values),
        _ => None,
    }
}

/// Whether libbpf takes one kind for the other: the two kinds of enums are one.
pub(crate) fn same_kind(one: u8, other: u8) -> bool {
    let is_enum = |kind| matches!(kind, splitbtf::kind::ENUM | splitbtf::kind::ENUM64);

    one == other || is_enum(one) && is_enum(other)
}
