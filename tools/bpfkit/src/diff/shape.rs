// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Describes a type without ids, so that it can be compared with one of another kernel.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use splitbtf::Btf;
use splitbtf::Composite;
use splitbtf::Enumerator;
use splitbtf::Kind;
use splitbtf::Type;
use zerocopy::ByteOrder;

use crate::dump::kind_name;

use super::Change;
use super::DiffError;
use super::Key;

/// The most levels of anonymous types, and the most members, that are followed.
const MAX_DEPTH: u32 = 64;
const MAX_PARTS: u32 = 1 << 16;

/// The name spaces of C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// The names of structs, unions and enums.
    Tag,
    /// The names of typedefs and of C's built-in types.
    Type,
    /// The names of functions and variables.
    Object,
}

impl Space {
    /// `None` for kinds that are not looked up by name.
    pub(super) fn of(kind: &Kind<'_>) -> Option<Self> {
        match kind {
            Kind::Struct(_) | Kind::Union(_) | Kind::Fwd { .. } => Some(Self::Tag),
            Kind::Enum { .. } | Kind::Enum64 { .. } => Some(Self::Tag),
            Kind::Typedef(_) | Kind::Int(_) | Kind::Float { .. } => Some(Self::Type),
            Kind::Func { .. } | Kind::Var { .. } => Some(Self::Object),
            _ => None,
        }
    }
}

/// A member of a struct or union, or of an anonymous one in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name. A member of an anonymous type comes after the name of the member that has this
    /// type: `u.flags`.
    pub name: String,
    /// Its type as in C, without the member's name. A bit-field has its width: `int : 3`.
    pub ty: String,
    /// Its offset in bits.
    pub offset: u64,
    /// Its width in bits, if it is a bit-field.
    pub bitfield: Option<u8>,
}

/// What integers are compared by, besides their size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntShape {
    /// How many bits it has.
    pub bits: u8,
    /// Its encoding: a sum of `BTF_INT_SIGNED`, `BTF_INT_CHAR` and `BTF_INT_BOOL`.
    pub encoding: u8,
}

impl fmt::Display for IntShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bits, encoding {}", self.bits, self.encoding)
    }
}

/// A type with a name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// The kind, as `STRUCT`.
    pub kind: &'static str,
    /// The C keyword before its name in the text, if any.
    pub word: Option<&'static str>,
    size: Option<u32>,
    /// The type of a typedef, a function or a variable; an integer's encoding.
    ty: Option<String>,
    int: Option<IntShape>,
    members: Vec<Member>,
    values: BTreeMap<String, i128>,
    /// The types that it contains.
    pub contains: BTreeSet<Key>,
}

impl Shape {
    pub fn of<O: ByteOrder>(btf: &Btf<'_, O>, ty: &Type<'_>) -> Result<Self, DiffError> {
        let mut reader = Reader {
            btf,
            root: ty.id,
            parts: 0,
            contains: BTreeSet::new(),
        };
        let mut shape = Self {
            kind: kind_name(&ty.kind),
            word: ty.kind.keyword().or(match ty.kind {
                Kind::Typedef(_) => Some("typedef"),
                Kind::Func { .. } => Some("function"),
                Kind::Var { .. } => Some("variable"),
                _ => None,
            }),
            ..Self::default()
        };

        match ty.kind {
            Kind::Struct(composite) | Kind::Union(composite) => {
                shape.size = Some(composite.size);
                reader.members(&composite, "", 0, 0, &mut shape.members)?;
            }
            Kind::Enum { size, values, .. } | Kind::Enum64 { size, values, .. } => {
                shape.size = Some(size);
                for Enumerator { name_off, value } in values {
                    shape.values.insert(reader.name(name_off)?, value);
                }
            }
            Kind::Int(int) => {
                shape.size = Some(int.size);
                let int = IntShape {
                    bits: int.bits,
                    encoding: int.encoding,
                };
                shape.ty = Some(int.to_string());
                shape.int = Some(int);
            }
            Kind::Float { size } => shape.size = Some(size),
            Kind::Fwd { is_union: true } => shape.kind = "UNION",
            Kind::Fwd { is_union: false } => shape.kind = "STRUCT",
            Kind::Typedef(to) => match reader.unnamed(to)? {
                Some(composite) => {
                    shape.size = Some(composite.size);
                    reader.members(&composite, "", 0, 0, &mut shape.members)?;
                }
                None => shape.ty = Some(reader.describe(to, true, 0)?),
            },
            Kind::Func { proto: to, .. } | Kind::Var { ty: to, .. } => {
                shape.ty = Some(reader.describe(to, true, 0)?);
            }
            _ => {}
        }
        shape.contains = reader.contains;
        Ok(shape)
    }

    /// Whether this is a forward declaration of a struct or union.
    pub fn is_declaration(&self) -> bool {
        matches!(self.kind, "STRUCT" | "UNION") && self.size.is_none()
    }

    /// The changes from `self` to `after`.
    pub fn changes(&self, after: &Self) -> Vec<Change> {
        let mut changes = vec![];

        if self.kind != after.kind {
            changes.push(Change::Kind {
                from: self.kind,
                to: after.kind,
            });
        }
        match (self.is_declaration(), after.is_declaration()) {
            (false, true) => changes.push(Change::Gone),
            (true, false) => changes.push(Change::New),
            _ => {}
        }
        if let (Some(from), Some(to)) = (self.size, after.size) {
            if from != to {
                changes.push(Change::Size { from, to });
            }
        }
        if let (Some(from), Some(to)) = (&self.ty, &after.ty) {
            if from != to {
                changes.push(Change::Type {
                    from: from.clone(),
                    to: to.clone(),
                    ints: [self.int, after.int],
                });
            }
        }
        if !self.is_declaration() && !after.is_declaration() {
            self.member_changes(after, &mut changes);
            self.value_changes(after, &mut changes);
        }
        changes
    }

    fn member_changes(&self, after: &Self, changes: &mut Vec<Change>) {
        let by_name = |shape: &Self| -> BTreeMap<String, Member> {
            let members = shape.members.iter().cloned();
            members
                .map(|member| (member.name.clone(), member))
                .collect()
        };
        let (old, new) = (by_name(self), by_name(after));

        for member in &self.members {
            let Some(now) = new.get(&member.name) else {
                changes.push(Change::Removed(member.clone()));
                continue;
            };
            if member.ty != now.ty {
                changes.push(Change::Retyped {
                    member: member.name.clone(),
                    from: member.ty.clone(),
                    to: now.ty.clone(),
                    bitfields: [member.bitfield, now.bitfield],
                });
            }
            if member.offset != now.offset {
                changes.push(Change::Moved {
                    member: member.name.clone(),
                    from: member.offset,
                    to: now.offset,
                });
            }
        }
        let added = after.members.iter();
        let added = added.filter(|member| !old.contains_key(&member.name));
        changes.extend(added.cloned().map(Change::Added));
    }

    fn value_changes(&self, after: &Self, changes: &mut Vec<Change>) {
        let names: BTreeSet<_> = self.values.keys().chain(after.values.keys()).collect();

        for name in names {
            let (from, to) = (self.values.get(name), after.values.get(name));
            if from != to {
                changes.push(Change::Value {
                    value: name.clone(),
                    from: from.copied(),
                    to: to.copied(),
                });
            }
        }
    }
}

/// Reads a type.
struct Reader<'b, 'a, O: ByteOrder> {
    btf: &'b Btf<'a, O>,
    root: u32,
    /// The number of members and parameters so far.
    parts: u32,
    contains: BTreeSet<Key>,
}

impl<'a, O: ByteOrder> Reader<'_, 'a, O> {
    fn name(&mut self, offset: u32) -> Result<String, DiffError> {
        let name = self.btf.string(offset)?;
        // Long names count as more parts, which limits the time; real names are shorter.
        let long = u32::try_from(name.len() / 256).unwrap_or(MAX_PARTS);
        self.parts = self.parts.saturating_add(long);

        Ok(name.escape_ascii().to_string())
    }

    /// The struct or union, if it is anonymous.
    fn unnamed(&self, id: u32) -> Result<Option<Composite<'a>>, DiffError> {
        let ty = self.btf.get(id)?;

        Ok(match ty.kind {
            Kind::Struct(composite) | Kind::Union(composite) if ty.name_off == 0 => Some(composite),
            _ => None,
        })
    }

    /// Counts a part at this depth.
    fn count(&mut self, depth: u32) -> Result<(), DiffError> {
        self.parts = self.parts.saturating_add(1);
        match depth > MAX_DEPTH || self.parts > MAX_PARTS {
            false => Ok(()),
            true => Err(DiffError::Depth { id: self.root }),
        }
    }

    fn members(
        &mut self,
        composite: &Composite<'_>,
        prefix: &str,
        start: u64,
        depth: u32,
        to: &mut Vec<Member>,
    ) -> Result<(), DiffError> {
        for member in composite.members() {
            self.count(depth)?;
            let name = self.name(member.name_off)?;
            let offset = start + u64::from(member.bit_offset);
            if let Some(inner) = self.unnamed(member.ty)? {
                let prefix = match name.as_str() {
                    "" => prefix.to_owned(),
                    name => format!("{prefix}{name}."),
                };
                self.members(&inner, &prefix, offset, depth + 1, to)?;
                continue;
            }
            let mut ty = self.describe(member.ty, true, depth)?;
            let bitfield = Some(member.bitfield_bits).filter(|bits| *bits != 0);
            if let Some(bits) = bitfield {
                ty = format!("{ty} : {bits}");
            }
            to.push(Member {
                name: format!("{prefix}{name}"),
                ty,
                offset,
                bitfield,
            });
        }
        Ok(())
    }

    /// Writes a type as text. `contained` says whether the type that is read contains it or only
    /// points to it.
    fn describe(&mut self, id: u32, contained: bool, depth: u32) -> Result<String, DiffError> {
        self.count(depth)?;
        let ty = self.btf.get(id)?;
        let name = self.btf.string(ty.name_off)?;
        let text = self.name(ty.name_off)?;
        let space = Space::of(&ty.kind).filter(|_| !name.is_empty());
        if let Some(space) = space.filter(|_| contained) {
            self.contains.insert((space, name.to_vec()));
        }
        let keyword = ty.kind.keyword().unwrap_or_default();
        let mut inner = |id, contained| self.describe(id, contained, depth + 1);

        Ok(match ty.kind {
            _ if !keyword.is_empty() && !name.is_empty() => format!("{keyword} {text}"),
            Kind::Struct(composite) | Kind::Union(composite) => {
                let mut members = vec![];
                self.members(&composite, "", 0, depth + 1, &mut members)?;
                let members = members.iter();
                let members = members.map(|member| format!("{} {};", member.ty, member.name));
                format!("{keyword} {{ {} }}", members.collect::<Vec<_>>().join(" "))
            }
            Kind::Enum { size, .. } | Kind::Enum64 { size, .. } => {
                format!("{keyword} of {size} bytes")
            }
            Kind::Ptr(to) => format!("{} *", inner(to, false)?),
            Kind::Array(array) => {
                let elem = inner(array.ty, contained)?;
                format!("{elem}[{}]", array.nelems)
            }
            Kind::Volatile(to) => format!("volatile {}", inner(to, contained)?),
            Kind::Const(to) => format!("const {}", inner(to, contained)?),
            Kind::Restrict(to) => format!("{} restrict", inner(to, contained)?),
            Kind::TypeTag { ty, .. } => format!("{} {text}", inner(ty, contained)?),
            Kind::FuncProto { returns, params } => {
                let returns = inner(returns, false)?;
                let params = params.iter().map(|param| inner(param.ty, false));
                let params: Vec<_> = params.collect::<Result<_, _>>()?;
                format!("{returns} ({})", params.join(", "))
            }
            Kind::Void => "void".into(),
            _ => text,
        })
    }
}
