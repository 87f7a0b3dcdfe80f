// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Writes the BTF that a set of decisions needs, and no more.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use splitbtf::in_order;
use splitbtf::AnyOwned;
use splitbtf::Array;
use splitbtf::Builder;
use splitbtf::ByteOrder;
use splitbtf::Composite;
use splitbtf::CoreReloKind;
use splitbtf::Enumerator;
use splitbtf::Kind;
use splitbtf::List;
use splitbtf::NewMember;
use splitbtf::Type;

use crate::budget::Budget;
use crate::side;
use crate::side::Side;
use crate::spec;
use crate::targets::Target;
use crate::Decision;
use crate::Fault;
use crate::Outcome;
use crate::Spec;
use crate::Step;
use crate::Targets;
use crate::Types;
use crate::Verdict;

/// How deep types in each other are looked for in a minimised base.
const MAX_LEVEL: u32 = 32;

/// Why BTF cannot be minimised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MinimizeError {
    /// The types are malformed.
    #[error(transparent)]
    Types {
        /// The fault.
        #[from]
        fault: Fault,
    },
    /// The decision was made for other types.
    #[error("the decision was not made for these types: type {type_id} has no part {index}")]
    Other {
        /// The type.
        type_id: u32,
        /// The number of a member or a value.
        index: u32,
    },
    /// The base has the other byte order, or cannot be read.
    #[error("base: {fault}")]
    Base {
        /// The fault.
        fault: Fault,
    },
}

/// Collects what decisions need of a kernel's or a module's types, and writes BTF that has only that:
/// BTFGen.
///
/// The same relocations, decided by the new BTF, give the same instructions. Only the ids of types
/// ([`CoreReloKind::TypeIdTarget`]) are those of the new BTF. A decision that failed
/// ([`Outcome::Failed`]) needs nothing: libbpf does not load the object on that kernel.
///
/// Relocation looks through typedefs and modifiers, and does not look at what pointers point to, so
/// these are left out where no decision is about them.
///
/// # Examples
///
/// ```
/// use core_relo::Decider;
/// use core_relo::Minimizer;
/// use core_relo::Object;
/// use core_relo::Targets;
///
/// /// The BTF that `object` needs of the kernel.
/// fn minimize(
///     object: &Object,
///     kernel: &Targets,
/// ) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
///     let mut minimizer = Minimizer::new(kernel);
///
///     for decision in Decider::new(object, kernel).decide_all() {
///         minimizer.add(&decision?)?;
///     }
///     Ok(minimizer.finish()?)
/// }
/// ```
#[derive(Debug)]
pub struct Minimizer<'a> {
    target: &'a Target<'a>,
    pointer: u32,
    budget: Budget,
    needs: BTreeMap<u32, Need>,
    /// The types and the depths to which they have been marked.
    marked: HashSet<(u32, Depth)>,
    /// The candidates whose values are used, by the local type and their id.
    chosen: HashSet<(u32, u32)>,
    /// What other candidates have, of which nothing is needed so far.
    spare: HashMap<(u32, u32), Vec<(CoreReloKind, Spec)>>,
}

/// What is needed of a type.
#[derive(Debug, Default)]
struct Need {
    /// Members or values, by their numbers.
    parts: BTreeSet<u32>,
    /// All members or values.
    all: bool,
    /// What a pointer points to.
    pointee: bool,
}

impl Need {
    fn has(&self, part: u32) -> bool {
        self.all || self.parts.contains(&part)
    }
}

/// How much of the types that a type refers to is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Depth {
    /// The elements of arrays: for the size of a field, and how it may be accessed.
    Plain,
    /// The types behind pointers and in prototypes as well: for the kinds of types.
    Kinds,
    /// Members and values as well: for types that match.
    Match,
    /// The same behind a pointer, where members do not matter.
    MatchBehindPointer,
}

impl<'a> Minimizer<'a> {
    /// For the types of the kernel.
    pub fn new(targets: &'a Targets<'a>) -> Self {
        Self::of(targets, targets.vmlinux())
    }

    /// For the types of the module with this name. `None` if there is none.
    pub fn module(targets: &'a Targets<'a>, name: &str) -> Option<Self> {
        let target = targets
            .modules()
            .iter()
            .find(|target| target.name == name)?;

        Some(Self::of(targets, target))
    }

    fn of(targets: &'a Targets<'a>, target: &'a Target<'a>) -> Self {
        Self {
            target,
            pointer: targets.pointer(target),
            budget: Budget::new(targets.len()),
            needs: BTreeMap::new(),
            marked: HashSet::new(),
            chosen: HashSet::new(),
            spare: HashMap::new(),
        }
    }

    /// Adds what a decision needs of these types. The order of decisions does not matter.
    ///
    /// # Errors
    ///
    /// If the decision was made for other types.
    pub fn add(&mut self, decision: &Decision) -> Result<(), MinimizeError> {
        let (kind, local) = (decision.kind, decision.local.type_id);
        let is_chosen = |n| match decision.outcome {
            Outcome::Ambiguous { first, other } => n == first || n == other,
            _ => Some(n) == decision.target,
        };

        for (n, candidate) in decision.candidates.iter().enumerate() {
            let Verdict::Matches { spec, .. } = &candidate.verdict else {
                continue;
            };
            if candidate.btf != self.target.name {
                continue;
            }
            let key = (local, candidate.type_id);
            if is_chosen(n) && self.chosen.insert(key) {
                for (kind, spec) in self.spare.remove(&key).unwrap_or_default() {
                    self.keep(kind, &spec)?;
                }
            }
            // Where another candidate is chosen, this one must match too if it is ever chosen:
            // otherwise it would be ruled out.
            match self.chosen.contains(&key) {
                true => self.keep(kind, spec)?,
                false => self
                    .spare
                    .entry(key)
                    .or_default()
                    .push((kind, spec.clone())),
            }
        }
        Ok(())
    }

    /// Marks what a relocation of this kind looks at on the way to a place.
    fn keep(&mut self, kind: CoreReloKind, spec: &Spec) -> Result<(), MinimizeError> {
        let depth = match kind {
            CoreReloKind::TypeMatches => Depth::Match,
            kind if kind.is_type() => Depth::Kinds,
            _ => Depth::Plain,
        };

        self.needs.entry(spec.type_id).or_default();
        self.mark(spec.type_id, depth)?;
        for step in &spec.steps {
            match *step {
                Step::Member { of, index, .. } => {
                    let member = self.member(of, index)?;
                    self.needs.entry(of).or_default().parts.insert(index);
                    self.mark(member, Depth::Plain)?;
                }
                Step::Value { of, index, .. } => {
                    self.needs.entry(of).or_default().parts.insert(index);
                }
                // The types of elements are marked with their array.
                Step::Root { .. } | Step::Element { .. } => {}
            }
        }
        Ok(())
    }

    /// The type of a member.
    fn member(&self, of: u32, index: u32) -> Result<u32, MinimizeError> {
        let ty = self.side().get(of)?;
        let members = side::composite(&ty).map(|of| of.members());
        let member = members.and_then(|mut members| members.nth(spec::size(index)));

        member
            .map(|member| member.ty)
            .ok_or(MinimizeError::Other { type_id: of, index })
    }

    fn side(&self) -> Side<'_> {
        Side {
            types: self.target.types,
            pointer: self.pointer,
            budget: &self.budget,
        }
    }

    /// Marks a type, without its typedefs and modifiers, and what it refers to.
    fn mark(&mut self, id: u32, depth: Depth) -> Result<(), Fault> {
        let side = Side {
            types: self.target.types,
            pointer: self.pointer,
            budget: &self.budget,
        };
        let mut todo = vec![(id, depth)];

        while let Some((id, depth)) = todo.pop() {
            let ty = side.skip(id)?;
            if ty.id == 0 || !self.marked.insert((ty.id, depth)) {
                continue;
            }
            let need = self.needs.entry(ty.id).or_default();
            match (ty.kind, depth) {
                (Kind::Array(array), _) => {
                    todo.push((array.ty, depth));
                    todo.push((array.index_type, Depth::Plain));
                }
                (_, Depth::Plain) => {}
                (Kind::Ptr(to), _) => {
                    need.pointee = true;
                    todo.push((to, depth.behind_pointer()));
                }
                (Kind::FuncProto { returns, params }, _) => {
                    todo.push((returns, depth));
                    todo.extend(params.into_iter().map(|param| (param.ty, depth)));
                }
                (Kind::Struct(of) | Kind::Union(of), Depth::Match) => {
                    need.all = true;
                    todo.extend(of.members().map(|member| (member.ty, depth)));
                }
                (
                    Kind::Enum { .. } | Kind::Enum64 { .. },
                    Depth::Match | Depth::MatchBehindPointer,
                ) => need.all = true,
                _ => {}
            }
        }
        Ok(())
    }

    /// The bytes of the new BTF, in the byte order of the old.
    ///
    /// # Errors
    ///
    /// If the types are malformed.
    pub fn finish(mut self) -> Result<Vec<u8>, MinimizeError> {
        self.keep_pointer_size();
        let bytes = in_order!(self.target.types.endian(), O => {
            Writer::<O>::new(&self, Builder::new(), Base::None).write()
        });

        Ok(bytes?)
    }

    /// The same, split on a base: on that of the old BTF, or on a minimised one. What a minimised base
    /// lacks is written too.
    ///
    /// # Errors
    ///
    /// If the types are malformed, or the base has the other byte order.
    pub fn finish_on(self, base: &AnyOwned) -> Result<Vec<u8>, MinimizeError> {
        let types = self.target.types;
        let broken = |error: splitbtf::Error| MinimizeError::Base {
            fault: error.into(),
        };
        if base.endian() != types.endian() {
            return Err(broken(splitbtf::Error::ByteOrder));
        }
        let kept = match base.end_id() == types.first_id() {
            true => Base::Whole(types.first_id()),
            false => Base::Minimised(BaseIndex::new(base, types.first_id())),
        };

        let bytes = match base {
            AnyOwned::Little(base) => {
                let builder = Builder::split_on(&base.btf()).map_err(broken)?;
                Writer::new(&self, builder, kept).write()
            }
            AnyOwned::Big(base) => {
                let builder = Builder::split_on(&base.btf()).map_err(broken)?;
                Writer::new(&self, builder, kept).write()
            }
        };
        Ok(bytes?)
    }

    /// Keeps the type by which the size of a pointer is recognised, if it is not that of BPF.
    fn keep_pointer_size(&mut self) {
        let types = self.target.types;
        let is_pointer = |id: &u32| {
            types
                .head(*id)
                .is_some_and(|(kind, _)| kind == splitbtf::kind::PTR)
        };

        if let Some((id, ..=4)) = self.target.long() {
            if self.needs.keys().any(is_pointer) {
                self.needs.entry(id).or_default();
            }
        }
    }
}

impl Depth {
    fn behind_pointer(self) -> Self {
        match self {
            Self::Match => Self::MatchBehindPointer,
            other => other,
        }
    }
}

/// Types that are written once, though the old BTF has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Same {
    /// A pointer to something that is not needed.
    Pointer,
    /// An array: type and index, each as [`Writer::class`] has it, and length.
    Array(Class, Class, u32),
    /// Nothing else.
    Type(u32),
}

/// A type, or any pointer to something that is not needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Class {
    Pointer,
    Type(u32),
}

/// What the new BTF is split on.
enum Base<'m> {
    None,
    /// The base of the old BTF: the types before this one keep their ids.
    Whole(u32),
    Minimised(BaseIndex<'m>),
}

/// The types of a minimised base, by kind and name.
struct BaseIndex<'m> {
    types: &'m dyn Types,
    /// The types of the old BTF before this one may be in it.
    first_id: u32,
    ids: HashMap<(u8, &'m [u8]), Vec<u32>>,
}

impl<'m> BaseIndex<'m> {
    fn new(types: &'m dyn Types, first_id: u32) -> Self {
        let mut ids: HashMap<_, Vec<u32>> = HashMap::new();

        for id in 1..types.end_id() {
            if let Some((kind, name_off)) = types.head(id) {
                let name = types.strings_from(name_off).unwrap_or_default();
                let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
                ids.entry((kind, name)).or_default().push(id);
            }
        }
        Self {
            types,
            first_id,
            ids,
        }
    }
}

/// Writes the types.
struct Writer<'m, 'a, O: ByteOrder> {
    minimizer: &'m Minimizer<'a>,
    builder: Builder<O>,
    base: Base<'m>,
    ids: HashMap<u32, u32>,
    /// The types that are not in a minimised base, or are being looked for.
    missing: HashSet<u32>,
}

impl<'m, 'a, O: ByteOrder> Writer<'m, 'a, O> {
    fn new(minimizer: &'m Minimizer<'a>, builder: Builder<O>, base: Base<'m>) -> Self {
        Self {
            minimizer,
            builder,
            base,
            ids: HashMap::new(),
            missing: HashSet::new(),
        }
    }

    /// The types before this one are in the base, and keep their ids.
    fn first_id(&self) -> u32 {
        match self.base {
            Base::Whole(first_id) => first_id,
            Base::None | Base::Minimised(_) => 1,
        }
    }

    fn write(mut self) -> Result<Vec<u8>, Fault> {
        let mut known = HashMap::new();
        let mut order = vec![];
        let mut next = self.builder.next_id();

        for (id, need) in self.minimizer.needs.range(self.first_id()..) {
            if self.in_base(*id, need, 0)?.is_some() {
                continue;
            }
            let same = self.same(*id, need)?;
            let new = *known.entry(same).or_insert_with(|| {
                order.push((*id, need));
                let new = next;
                next = next.saturating_add(1);
                new
            });
            self.ids.insert(*id, new);
        }
        for (id, need) in order {
            let ty = self.side().get(id)?;
            self.add(&ty, need)?;
        }
        Ok(self.builder.finish()?)
    }

    fn side(&self) -> Side<'m> {
        let minimizer = self.minimizer;

        Side {
            types: minimizer.target.types,
            pointer: minimizer.pointer,
            budget: &minimizer.budget,
        }
    }

    /// Finds a type in a minimised base that has what is needed of this one.
    fn in_base(&mut self, id: u32, need: &Need, level: u32) -> Result<Option<u32>, Fault> {
        let Base::Minimised(base) = &self.base else {
            return Ok(None);
        };
        let known = self.ids.get(&id).copied();
        if known.is_some() || id >= base.first_id || level >= MAX_LEVEL {
            return Ok(known);
        }
        if !self.missing.insert(id) {
            return Ok(None);
        }
        let ty = self.side().get(id)?;
        let key = (ty.kind.number(), self.side().name(ty.name_off)?);
        let base_types = base.types;
        let found = base.ids.get(&key).cloned().unwrap_or_default();

        for candidate in found {
            let other = Side {
                types: base_types,
                ..self.side()
            };
            if self.covers(
                other,
                &other.get(candidate)?,
                &ty,
                need,
                level.saturating_add(1),
            )? {
                self.missing.remove(&id);
                self.ids.insert(id, candidate);
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    /// Whether a type of the base refers to the same type.
    fn refers(&mut self, base: Side<'m>, one: u32, old: u32, level: u32) -> Result<bool, Fault> {
        let (one, old) = (base.skip(one)?.id, self.side().skip(old)?.id);
        let minimizer = self.minimizer;

        let want = match minimizer.needs.get(&old) {
            Some(need) => self.in_base(old, need, level)?,
            None => Some(0),
        };
        Ok(want == Some(one))
    }

    /// Whether a type of the base has what is needed of an old one.
    fn covers(
        &mut self,
        base: Side<'m>,
        one: &Type<'m>,
        old: &Type<'m>,
        need: &Need,
        level: u32,
    ) -> Result<bool, Fault> {
        match (one.kind, old.kind) {
            (Kind::Int(one), Kind::Int(old)) => Ok(one == old),
            (Kind::Float { size }, Kind::Float { size: other }) => Ok(size == other),
            (Kind::Fwd { is_union }, Kind::Fwd { is_union: other }) => Ok(is_union == other),
            (Kind::Ptr(one), Kind::Ptr(old)) => match need.pointee {
                true => self.refers(base, one, old, level),
                false => Ok(true),
            },
            (Kind::Typedef(one), Kind::Typedef(old)) => self.refers(base, one, old, level),
            (Kind::Array(one), Kind::Array(old)) => Ok(one.nelems == old.nelems
                && self.refers(base, one.ty, old.ty, level)?
                && self.refers(base, one.index_type, old.index_type, level)?),
            (Kind::Struct(one), Kind::Struct(old)) | (Kind::Union(one), Kind::Union(old)) => {
                self.covers_members(base, &one, &old, need, level)
            }
            (one @ Kind::Enum { .. }, old @ Kind::Enum { .. })
            | (one @ Kind::Enum64 { .. }, old @ Kind::Enum64 { .. }) => {
                let is_whole = !need.all && need.parts.is_empty();
                Ok(is_whole && one.size() == old.size() && is_signed(&one) == is_signed(&old))
            }
            _ => Ok(false),
        }
    }

    fn covers_members(
        &mut self,
        base: Side<'m>,
        one: &Composite<'m>,
        old: &Composite<'m>,
        need: &Need,
        level: u32,
    ) -> Result<bool, Fault> {
        if one.size != old.size {
            return Ok(false);
        }
        for (_, old) in (0..).zip(old.members()).filter(|(n, _)| need.has(*n)) {
            let name = self.side().name(old.name_off)?;
            let mut found = false;
            for one in one.members() {
                base.budget.spend(1)?;
                found = found
                    || base.name(one.name_off)? == name
                        && one.bit_offset == old.bit_offset
                        && one.bitfield_bits == old.bitfield_bits
                        && self.refers(base, one.ty, old.ty, level)?;
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn same(&self, id: u32, need: &Need) -> Result<Same, Fault> {
        Ok(match self.side().get(id)?.kind {
            Kind::Ptr(_) if !need.pointee => Same::Pointer,
            Kind::Array(Array {
                ty,
                index_type,
                nelems,
            }) => Same::Array(self.class(ty)?, self.class(index_type)?, nelems),
            _ => Same::Type(id),
        })
    }

    fn class(&self, id: u32) -> Result<Class, Fault> {
        let ty = self.side().skip(id)?;
        let needs = self.minimizer.needs.get(&ty.id);

        Ok(match ty.kind {
            Kind::Ptr(_) if needs.is_some_and(|need| !need.pointee) => Class::Pointer,
            _ => Class::Type(ty.id),
        })
    }

    /// The new id of a type that another refers to, without its typedefs and modifiers. It is 0 if it
    /// is not needed.
    fn id(&self, old: u32) -> Result<u32, Fault> {
        let old = self.side().skip(old)?.id;

        Ok(match old < self.first_id() {
            true => old,
            false => self.ids.get(&old).copied().unwrap_or_default(),
        })
    }

    fn add(&mut self, ty: &Type<'m>, need: &Need) -> Result<(), Fault> {
        let name = self.side().name(ty.name_off)?;

        match ty.kind {
            Kind::Int(int) => self.builder.int(name, int),
            Kind::Ptr(to) => {
                let to = match need.pointee {
                    true => self.id(to)?,
                    false => 0,
                };
                self.builder.ptr(to)
            }
            Kind::Array(array) => {
                let (ty, index) = (self.id(array.ty)?, self.id(array.index_type)?);
                self.builder.array(ty, index, array.nelems)
            }
            Kind::Struct(of) => {
                let members = self.members(&of, need)?;
                self.builder.structure(name, of.size, &members)
            }
            Kind::Union(of) => {
                let members = self.members(&of, need)?;
                self.builder.union(name, of.size, &members)
            }
            Kind::Enum {
                size,
                signed,
                values,
            } => {
                let values = self.values(values, need, |value| value as i32)?;
                self.builder.enumeration(name, size, signed, &values)
            }
            Kind::Enum64 {
                size,
                signed,
                values,
            } => {
                let values = self.values(values, need, |value| value as i64)?;
                self.builder.enumeration64(name, size, signed, &values)
            }
            Kind::Fwd { is_union } => self.builder.fwd(name, is_union),
            Kind::Float { size } => self.builder.float(name, size),
            Kind::FuncProto { returns, params } => {
                let returns = self.id(returns)?;
                let params = params.into_iter().map(|param| {
                    let id = self.id(param.ty)?;
                    Ok((&b""[..], id))
                });
                let params = params.collect::<Result<Vec<_>, Fault>>()?;
                self.builder.func_proto(returns, &params)
            }
            // Candidates that match are of no other kind.
            kind => {
                let to = kind.modified().unwrap_or_default();
                let to = self.id(to)?;
                self.builder.typedef(name, to)
            }
        };
        Ok(())
    }

    fn members(&self, of: &Composite<'m>, need: &Need) -> Result<Vec<NewMember<'m>>, Fault> {
        let mut members = vec![];
        let mut last = None;
        let mut next = None;

        for (n, member) in (0..).zip(of.members()) {
            self.minimizer.budget.spend(1)?;
            if !need.has(n) {
                next = next.or(Some(member));
                continue;
            }
            members.push(NewMember {
                name: self.side().name(member.name_off)?,
                ty: self.id(member.ty)?,
                bit_offset: member.bit_offset,
                bitfield_bits: member.bitfield_bits,
            });
            (last, next) = (Some(member), None);
        }
        let (Some(last), Some(next)) = (last, next) else {
            return Ok(members);
        };
        // An array without elements at the end would be a flexible one. This is not the end.
        if matches!(self.side().skip(last.ty)?.kind, Kind::Array(array) if array.nelems == 0) {
            members.push(NewMember {
                name: b"",
                ty: self.id(last.ty)?,
                bit_offset: next.bit_offset,
                bitfield_bits: 0,
            });
        }
        Ok(members)
    }

    fn values<T>(
        &self,
        values: List<'m, Enumerator>,
        need: &Need,
        value: impl Fn(i128) -> T,
    ) -> Result<Vec<(&'m [u8], T)>, Fault> {
        let mut kept = vec![];

        for (n, of) in (0..).zip(values) {
            self.minimizer.budget.spend(1)?;
            if need.has(n) {
                kept.push((self.side().name(of.name_off)?, value(of.value)));
            }
        }
        Ok(kept)
    }
}

fn is_signed(kind: &Kind<'_>) -> bool {
    matches!(
        kind,
        Kind::Enum { signed: true, .. } | Kind::Enum64 { signed: true, .. }
    )
}

#[cfg(test)]
mod tests;
