// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Whether a type of the kernel has what the object asks for. The rules are those of libbpf's
//! `relo_core.c`.

use splitbtf::CoreReloKind;
use splitbtf::Kind;
use splitbtf::Type;

use crate::name::essential;
use crate::name::text;
use crate::side;
use crate::side::same_kind;
use crate::side::Side;
use crate::spec;
use crate::spec::Path;
use crate::spec::RawStep;
use crate::spec::To;
use crate::Difference;
use crate::Fault;
use crate::Mismatch;

/// How deep libbpf compares functions, structs and unions in each other.
const MAX_LEVEL: u32 = 32;

/// How many pointers and arrays libbpf follows in a row.
const MAX_DEPTH: u32 = 32;

/// Why a search ends without a result.
pub(crate) enum No {
    /// The type does not match.
    Differs(Mismatch),
    /// libbpf refuses the object.
    Fails(Fault),
}

impl From<Fault> for No {
    fn from(fault: Fault) -> Self {
        Self::Fails(fault)
    }
}

/// Both sides of a comparison.
#[derive(Clone, Copy)]
pub(crate) struct Sides<'l, 'k> {
    pub local: Side<'l>,
    pub kernel: Side<'k>,
}

/// Finds in the type `id` of the kernel what `local` is in the object.
pub(crate) fn find<'k>(
    sides: Sides<'_, 'k>,
    kind: CoreReloKind,
    local: &Path<'_>,
    id: u32,
) -> Result<Path<'k>, No> {
    if kind.is_field() {
        return sides.field(local, id);
    }
    if kind.is_enumval() {
        return sides.value(local, id);
    }
    let unlike = match kind {
        CoreReloKind::TypeMatches => sides.unlike(local.root, id, false, MAX_LEVEL)?,
        _ => sides.incompatible(local.root, id, MAX_LEVEL)?,
    };

    match unlike {
        None => Ok(Path::new(id)),
        Some(unlike) => Err(No::Differs(Mismatch::Type {
            expected: sides.local.text(unlike.local)?,
            found: sides.kernel.text(unlike.kernel)?,
            difference: unlike.why.named(),
        })),
    }
}

/// Two types that differ.
struct Unlike<'l> {
    local: u32,
    kernel: u32,
    why: Why<'l>,
}

/// [`Difference`] with names that are not owned: most are not shown.
enum Why<'l> {
    Plain(Difference),
    Member(&'l [u8]),
    Value(&'l [u8]),
}

impl Why<'_> {
    fn named(self) -> Difference {
        match self {
            Self::Plain(difference) => difference,
            Self::Member(name) => Difference::Member { member: text(name) },
            Self::Value(name) => Difference::Value { value: text(name) },
        }
    }
}

/// `None` if two types match.
type Compared<'l> = Result<Option<Unlike<'l>>, Fault>;

/// The result for these types, by a condition.
fn when<'l>(same: bool, local: &Type<'_>, kernel: &Type<'_>, why: Difference) -> Compared<'l> {
    Ok((!same).then_some(Unlike {
        local: local.id,
        kernel: kernel.id,
        why: Why::Plain(why),
    }))
}

/// Whether an integer is a part of a larger one, as old compilers wrote bit-fields.
fn is_int_part(kind: &Kind<'_>) -> bool {
    matches!(kind, Kind::Int(int) if int.offset != 0)
}

impl<'l, 'k> Sides<'l, 'k> {
    /// Whether two names are the same, but for their flavours.
    fn same_name(self, local_off: u32, kernel_off: u32) -> Result<bool, Fault> {
        let local = essential(self.local.name(local_off)?);
        let kernel = essential(self.kernel.name(kernel_off)?);

        Ok(local == kernel)
    }

    /// Finds an enum's value by its name.
    fn value(self, local: &Path<'l>, id: u32) -> Result<Path<'k>, No> {
        let mut path = Path::new(id);
        let Some(To::Value(name)) = local.steps.first().map(|step| step.to) else {
            return Ok(path);
        };
        let ty = self.kernel.skip(id)?;
        let Some(values) = side::values(&ty) else {
            let ty = self.kernel.text(id)?;
            return Err(No::Differs(Mismatch::NotEnum { ty }));
        };

        let name = essential(name);
        for (index, value) in (0..).zip(values) {
            self.kernel.budget.spend(1)?;
            let found = self.kernel.name(value.name_off)?;
            if essential(found) == name {
                let to = To::Value(found);
                path.push(
                    RawStep {
                        of: ty.id,
                        index,
                        to,
                    },
                    0,
                )?;
                return Ok(path);
            }
        }
        Err(No::Differs(Mismatch::NoValue {
            ty: self.kernel.text(id)?,
            value: text(name),
        }))
    }

    /// Finds a field by the names of its members.
    fn field(self, local: &Path<'l>, id: u32) -> Result<Path<'k>, No> {
        let mut path = Path::new(id);
        let mut at = id;

        for step in local.accessors() {
            let ty = self.kernel.skip(at)?;
            at = match step.to {
                To::Member(name) => self.named_member(step, name, &ty, &mut path)?,
                To::Element(_) => self.element(step.index, &ty, &mut path)?,
                To::Root | To::Value(_) => {
                    let index = step.index;
                    let bits = spec::bits_of(self.kernel, index, ty.id)?;
                    let to = To::Root;
                    path.push(
                        RawStep {
                            of: ty.id,
                            index,
                            to,
                        },
                        bits,
                    )?;
                    ty.id
                }
            };
        }
        Ok(path)
    }

    /// Goes on to an element of an array, and returns its type.
    fn element(self, index: u32, ty: &Type<'k>, path: &mut Path<'k>) -> Result<u32, No> {
        let Kind::Array(array) = ty.kind else {
            let ty = self.kernel.text(ty.id)?;
            return Err(No::Differs(Mismatch::NotArray { ty }));
        };
        if index >= array.nelems && !path.is_flexible(self.kernel, array.nelems)? {
            let ty = self.kernel.text(ty.id)?;
            return Err(No::Differs(Mismatch::NoElement { ty, index }));
        }
        let element = self.kernel.skip(array.ty)?;
        let bits = spec::bits_of(self.kernel, index, element.id)?;

        let to = To::Element(element.id);
        path.push(
            RawStep {
                of: ty.id,
                index,
                to,
            },
            bits,
        )?;
        Ok(element.id)
    }

    /// Goes on to a member, and returns its type.
    fn named_member(
        self,
        local: &RawStep<'l>,
        name: &[u8],
        ty: &Type<'k>,
        path: &mut Path<'k>,
    ) -> Result<u32, No> {
        let of = self.local.get(local.of)?;
        let members = side::composite(&of).map(|of| of.members());
        let local = members.and_then(|mut members| members.nth(spec::size(local.index)));
        // The path to here has looked at it.
        let local = local.map(|member| member.ty).unwrap_or_default();
        let mut other = None;

        let member = || text(name);
        if side::composite(ty).is_none() {
            return Err(No::Differs(Mismatch::NotComposite {
                ty: self.kernel.text(ty.id)?,
                member: member(),
            }));
        }
        match (self.member(local, name, ty, path, &mut other)?, other) {
            (Some(found), _) => Ok(found),
            (None, None) => Err(No::Differs(Mismatch::NoMember {
                ty: self.kernel.text(ty.id)?,
                member: member(),
            })),
            (None, Some(found)) => Err(No::Differs(Mismatch::MemberType {
                member: member(),
                expected: self.local.text(local)?,
                found: self.kernel.text(found)?,
            })),
        }
    }

    /// Searches a struct or union, and the anonymous ones in it, for a member. `other` becomes the type
    /// of one that has the name, but another type. The path is that of `ty` and, if the member is
    /// found, becomes that of the member.
    fn member(
        self,
        local: u32,
        name: &[u8],
        ty: &Type<'k>,
        path: &mut Path<'k>,
        other: &mut Option<u32>,
    ) -> Result<Option<u32>, Fault> {
        let Some(composite) = side::composite(ty) else {
            return Ok(None);
        };
        let (depth, bit_offset) = (path.steps.len(), path.bit_offset);

        for (index, member) in (0..).zip(composite.members()) {
            self.kernel.budget.spend(1)?;
            if depth >= spec::MAX_STEPS {
                return Err(Fault::Depth { type_id: ty.id });
            }
            let step = |to| RawStep {
                of: ty.id,
                index,
                to,
            };
            let bits = member.bit_offset.into();
            if member.name_off == 0 || self.kernel.is_named(member.name_off, b"") {
                path.push(step(To::Member(b"")), bits)?;
                let inner = self.kernel.skip(member.ty)?;
                let found = self.member(local, name, &inner, path, other)?;
                if found.is_some() {
                    return Ok(found);
                }
                path.steps.truncate(depth);
                path.bit_offset = bit_offset;
            } else if self.kernel.is_named(member.name_off, name) {
                if !self.fields_compatible(local, member.ty)? {
                    *other = Some(member.ty);
                    return Ok(None);
                }
                let name = self.kernel.name(member.name_off)?;
                path.push(step(To::Member(name)), bits)?;
                return Ok(Some(member.ty));
            }
        }
        Ok(None)
    }

    /// Whether a field of the one type may be accessed as if it had the other.
    fn fields_compatible(self, local: u32, kernel: u32) -> Result<bool, Fault> {
        let (mut local, mut kernel) = (self.local.skip(local)?, self.kernel.skip(kernel)?);

        while let (Kind::Array(one), Kind::Array(other)) = (local.kind, kernel.kind) {
            local = self.local.skip(one.ty)?;
            kernel = self.kernel.skip(other.ty)?;
        }
        if side::composite(&local).is_some() && side::composite(&kernel).is_some() {
            return Ok(true);
        }
        if !same_kind(local.kind.number(), kernel.kind.number()) {
            return Ok(false);
        }
        Ok(match local.kind {
            Kind::Ptr(_) | Kind::Float { .. } => true,
            Kind::Fwd { .. } | Kind::Enum { .. } | Kind::Enum64 { .. } => {
                let one = essential(self.local.name(local.name_off)?);
                let other = essential(self.kernel.name(kernel.name_off)?);
                one.is_empty() || other.is_empty() || one == other
            }
            Kind::Int(_) => !is_int_part(&local.kind) && !is_int_part(&kernel.kind),
            _ => false,
        })
    }

    /// Whether two types are compatible, which have the same name: `bpf_core_types_are_compat()`.
    fn incompatible(self, local: u32, kernel: u32, level: u32) -> Compared<'l> {
        let depth = Fault::Depth { type_id: kernel };
        let (mut local, mut kernel) = (self.local.get(local)?, self.kernel.get(kernel)?);

        if !same_kind(local.kind.number(), kernel.kind.number()) {
            return when(false, &local, &kernel, Difference::Kind);
        }
        for _ in 0..MAX_DEPTH {
            local = self.local.skip(local.id)?;
            kernel = self.kernel.skip(kernel.id)?;
            if !same_kind(local.kind.number(), kernel.kind.number()) {
                return when(false, &local, &kernel, Difference::Kind);
            }
            let (one, other) = match (local.kind, kernel.kind) {
                (Kind::Ptr(one), Kind::Ptr(other)) => (one, other),
                (Kind::Array(one), Kind::Array(other)) => (one.ty, other.ty),
                (
                    Kind::FuncProto { returns, params },
                    Kind::FuncProto {
                        returns: other,
                        params: others,
                    },
                ) => {
                    if params.len() != others.len() {
                        return when(false, &local, &kernel, Difference::Parameters);
                    }
                    for (one, other) in params.iter().zip(others) {
                        let Some(level) = level.checked_sub(1) else {
                            return Err(depth);
                        };
                        let one = self.local.skip(one.ty)?.id;
                        let other = self.kernel.skip(other.ty)?.id;
                        let unlike = self.incompatible(one, other, level)?;
                        if unlike.is_some() {
                            return Ok(unlike);
                        }
                    }
                    (returns, other)
                }
                (one @ Kind::Int(_), other) => {
                    let whole = !is_int_part(&one) && !is_int_part(&other);
                    return when(whole, &local, &kernel, Difference::Part);
                }
                (
                    Kind::Void
                    | Kind::Struct(_)
                    | Kind::Union(_)
                    | Kind::Enum { .. }
                    | Kind::Enum64 { .. }
                    | Kind::Fwd { .. },
                    _,
                ) => return Ok(None),
                _ => return when(false, &local, &kernel, Difference::Kind),
            };
            (local, kernel) = (self.local.get(one)?, self.kernel.get(other)?);
        }
        Err(depth)
    }

    /// Whether two types match: `bpf_core_types_match()`.
    fn unlike(self, local: u32, kernel: u32, behind_ptr: bool, level: u32) -> Compared<'l> {
        let depth = Fault::Depth { type_id: kernel };
        let (mut local, mut kernel) = (self.local.get(local)?, self.kernel.get(kernel)?);
        let mut behind_ptr = behind_ptr;
        let Some(below) = level.checked_sub(1) else {
            return Err(depth);
        };

        for _ in 0..MAX_DEPTH {
            local = self.local.skip(local.id)?;
            kernel = self.kernel.skip(kernel.id)?;
            if !self.same_name(local.name_off, kernel.name_off)? {
                return when(false, &local, &kernel, Difference::Name);
            }
            let (one, other) = match (local.kind, kernel.kind) {
                (Kind::Ptr(one), Kind::Ptr(other)) => {
                    behind_ptr = true;
                    (one, other)
                }
                (Kind::Array(one), Kind::Array(other)) => {
                    if one.nelems != other.nelems {
                        return when(false, &local, &kernel, Difference::Elements);
                    }
                    (one.ty, other.ty)
                }
                (
                    Kind::FuncProto { returns, params },
                    Kind::FuncProto {
                        returns: other,
                        params: others,
                    },
                ) => {
                    if params.len() != others.len() {
                        return when(false, &local, &kernel, Difference::Parameters);
                    }
                    for (one, other) in params.iter().zip(others) {
                        let unlike = self.unlike(one.ty, other.ty, behind_ptr, below)?;
                        if unlike.is_some() {
                            return Ok(unlike);
                        }
                    }
                    (returns, other)
                }
                _ => return self.unlike_end(&local, &kernel, behind_ptr, below),
            };
            (local, kernel) = (self.local.get(one)?, self.kernel.get(other)?);
        }
        Err(depth)
    }

    /// [`Self::unlike`] for types that refer to no others, or to many.
    fn unlike_end(
        self,
        local: &Type<'l>,
        kernel: &Type<'k>,
        behind_ptr: bool,
        below: u32,
    ) -> Compared<'l> {
        let same = match (local.kind, kernel.kind) {
            (Kind::Void, Kind::Void) => true,
            (Kind::Fwd { is_union }, Kind::Fwd { is_union: other }) => is_union == other,
            (Kind::Fwd { is_union }, Kind::Struct(_)) => behind_ptr && !is_union,
            (Kind::Fwd { is_union }, Kind::Union(_)) => behind_ptr && is_union,
            (Kind::Struct(_), Kind::Fwd { is_union }) => behind_ptr && !is_union,
            (Kind::Union(_), Kind::Fwd { is_union }) => behind_ptr && is_union,
            (Kind::Struct(_), Kind::Struct(_)) | (Kind::Union(_), Kind::Union(_)) => {
                return match behind_ptr {
                    true => Ok(None),
                    false => self.unlike_members(local, kernel, below),
                };
            }
            (Kind::Enum { .. } | Kind::Enum64 { .. }, Kind::Enum { .. } | Kind::Enum64 { .. }) => {
                return self.unlike_values(local, kernel);
            }
            (Kind::Int(one), Kind::Int(other)) => {
                if one.size != other.size {
                    return when(false, local, kernel, Difference::Size);
                }
                let same = one.is_signed() == other.is_signed();
                return when(same, local, kernel, Difference::Sign);
            }
            _ => false,
        };

        when(same, local, kernel, Difference::Kind)
    }

    /// Whether each member has a counterpart of the same name and a type that matches.
    fn unlike_members(self, local: &Type<'l>, kernel: &Type<'k>, below: u32) -> Compared<'l> {
        let (Some(ours), Some(theirs)) = (side::composite(local), side::composite(kernel)) else {
            return Ok(None);
        };
        if ours.members().len() > theirs.members().len() {
            return when(false, local, kernel, Difference::Fewer);
        }

        for ours in ours.members() {
            let mut found = false;
            for theirs in theirs.members() {
                self.kernel.budget.spend(1)?;
                if self.same_name(ours.name_off, theirs.name_off)?
                    && self.unlike(ours.ty, theirs.ty, false, below)?.is_none()
                {
                    found = true;
                    break;
                }
            }
            if !found {
                return Ok(Some(Unlike {
                    local: local.id,
                    kernel: kernel.id,
                    why: Why::Member(essential(self.local.name(ours.name_off)?)),
                }));
            }
        }
        Ok(None)
    }

    /// Whether each value has a counterpart of the same name.
    fn unlike_values(self, local: &Type<'l>, kernel: &Type<'k>) -> Compared<'l> {
        let (Some(ours), Some(theirs)) = (side::values(local), side::values(kernel)) else {
            return Ok(None);
        };
        if local.kind.size() != kernel.kind.size() {
            return when(false, local, kernel, Difference::Size);
        }
        if ours.len() > theirs.len() {
            return when(false, local, kernel, Difference::Fewer);
        }

        for ours in ours {
            let mut found = false;
            for theirs in theirs {
                self.kernel.budget.spend(1)?;
                if self.same_name(ours.name_off, theirs.name_off)? {
                    found = true;
                    break;
                }
            }
            if !found {
                return Ok(Some(Unlike {
                    local: local.id,
                    kernel: kernel.id,
                    why: Why::Value(essential(self.local.name(ours.name_off)?)),
                }));
            }
        }
        Ok(None)
    }
}
