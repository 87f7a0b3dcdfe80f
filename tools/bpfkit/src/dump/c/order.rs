// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The order in which types are declared.
//!
//! A struct needs definitions of the types that it contains, and declarations of those that it
//! points to; a typedef needs only declarations. A type without a name is written where it is used,
//! so its user has the same needs.

use std::io::Write;

use splitbtf::Composite;
use splitbtf::Kind;
use splitbtf::Type;
use zerocopy::ByteOrder;

use super::declare::Writer;
use super::not_c;
use super::types::Types;
use super::MAX_CHAIN;

use crate::dump::DumpError;
use crate::dump::NotC;

/// Finds the order, and writes the types in it.
pub(super) struct Order<'b, 'a, O: ByteOrder, W> {
    types: &'b Types<'b, 'a, O>,
    pub(super) writer: Writer<'b, 'a, O, W>,
    /// By id.
    states: Vec<State>,
    /// The steps yet to be done, the next one last. Recursion could be as deep as the file chooses.
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Default)]
struct State {
    /// The definition waits for others.
    waiting: bool,
    defined: bool,
    /// Declared, but maybe not defined.
    declared: bool,
    /// For a type without a name: the struct for which its needs were last handled.
    seen: Seen,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Seen {
    #[default]
    No,
    /// For this struct, which knows its own name without a declaration.
    For(u32),
    /// For all.
    Yes,
}

enum Step {
    Need(Need),
    /// Write the definition of a struct, union or typedef.
    Define(u32),
}

/// A type that something needs.
#[derive(Clone, Copy)]
struct Need {
    id: u32,
    /// Whether it must be defined, not only declared.
    defined: bool,
    /// The struct or union in which it is used; 0 if in none.
    within: u32,
}

impl<'b, 'a, O: ByteOrder, W: Write> Order<'b, 'a, O, W> {
    pub(super) fn new(types: &'b Types<'b, 'a, O>, writer: Writer<'b, 'a, O, W>) -> Self {
        let len = types.len();

        Self {
            types,
            writer,
            states: vec![State::default(); len],
            steps: Vec::new(),
        }
    }

    /// Writes everything: enumerations first, as they need nothing.
    pub(super) fn all(&mut self) -> Result<(), DumpError> {
        let ids = self.writer.names.declarable().to_vec();
        let mut others = Vec::new();

        for id in ids {
            let ty = self.types.get(id)?;
            match ty.kind {
                Kind::Enum { .. } | Kind::Enum64 { .. } => {
                    if ty.name_off != 0 || !self.writer.names.is_referenced(id) {
                        self.need_enum(&ty)?;
                    }
                }
                _ => others.push(id),
            }
        }
        for id in others {
            self.need(id)?;
        }
        Ok(())
    }

    /// Writes the types that the one with this id needs, then itself.
    pub(super) fn need(&mut self, id: u32) -> Result<(), DumpError> {
        self.push(id, true, 0);

        while let Some(step) = self.steps.pop() {
            match step {
                Step::Need(need) => self.see_to(need)?,
                Step::Define(id) => {
                    self.writer.define(&self.types.get(id)?)?;
                    self.state(id, |state| state.defined = true);
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, id: u32, defined: bool, within: u32) {
        self.steps.push(Step::Need(Need {
            id,
            defined,
            within,
        }));
    }

    fn push_members(&mut self, of: &Composite<'a>, within: u32) {
        let first = self.steps.len();

        for member in of.members() {
            // If it is of an unknown kind, the member is left out.
            if self.types.unknown(member.ty).is_none() {
                self.push(member.ty, true, within);
            }
        }
        // The next step is the last element.
        if let Some(pushed) = self.steps.get_mut(first..) {
            pushed.reverse();
        }
    }

    /// Applies `change` to the state of a type, and returns the state before.
    fn state(&mut self, id: u32, change: impl FnOnce(&mut State)) -> State {
        let Some(state) = self.states.get_mut(id as usize) else {
            return State::default();
        };
        let before = *state;

        change(state);
        before
    }

    /// Follows a need to a type that has a name or several needs.
    fn see_to(&mut self, need: Need) -> Result<(), DumpError> {
        let Need {
            mut id,
            mut defined,
            within,
        } = need;

        for _ in 0..MAX_CHAIN {
            let ty = self.types.get(id)?;
            match ty.kind {
                Kind::Ptr(to) => {
                    id = to;
                    defined = false;
                }
                Kind::Array(array) => {
                    id = array.ty;
                    defined = true;
                }
                Kind::Volatile(to)
                | Kind::Const(to)
                | Kind::Restrict(to)
                | Kind::TypeTag { ty: to, .. }
                | Kind::Func { proto: to, .. }
                | Kind::Var { ty: to, .. }
                | Kind::DeclTag { ty: to, .. } => id = to,
                Kind::Typedef(to) if defined => {
                    self.push(id, false, within);
                    id = to;
                }
                Kind::Typedef(to) => return self.need_typedef(&ty, to),
                Kind::Struct(of) | Kind::Union(of) => {
                    if ty.name_off == 0 {
                        if !self.seen(id, within) {
                            self.push_members(&of, within);
                        }
                        return Ok(());
                    }
                    return match defined {
                        true => self.need_definition(id, &of),
                        false => self.need_declaration(&ty, within),
                    };
                }
                Kind::Fwd { .. } => return self.need_declaration(&ty, within),
                Kind::Enum { .. } | Kind::Enum64 { .. } if ty.name_off != 0 => {
                    return self.need_enum(&ty);
                }
                Kind::Int(_) | Kind::Float { .. } => return self.need_number(&ty),
                Kind::FuncProto { returns, params } => {
                    if !self.seen(id, within) {
                        for param in params.iter().rev() {
                            self.push(param.ty, false, within);
                        }
                        self.push(returns, false, within);
                    }
                    return Ok(());
                }
                Kind::Datasec { vars, .. } => {
                    for var in vars.iter().rev() {
                        self.push(var.ty, true, 0);
                    }
                    return Ok(());
                }
                _ => return Ok(()),
            }
        }
        Err(not_c(need.id, NotC::Depth))
    }

    /// Whether the needs of a type without a name have been handled before, for use in `within`.
    fn seen(&mut self, id: u32, within: u32) -> bool {
        let before = self.state(id, |state| {
            state.seen = match state.seen {
                Seen::No if within != 0 => Seen::For(within),
                Seen::For(struct_id) if struct_id == within => state.seen,
                _ => Seen::Yes,
            }
        });

        before.seen == Seen::Yes || (within != 0 && before.seen == Seen::For(within))
    }

    fn need_definition(&mut self, id: u32, of: &Composite<'a>) -> Result<(), DumpError> {
        let before = self.state(id, |state| state.waiting = true);

        if before.defined {
            return Ok(());
        }
        if before.waiting {
            return Err(not_c(id, NotC::Cycle));
        }
        self.steps.push(Step::Define(id));
        self.push_members(of, id);
        Ok(())
    }

    fn need_declaration(&mut self, ty: &Type<'a>, within: u32) -> Result<(), DumpError> {
        if ty.id == within {
            return Ok(());
        }
        let before = self.state(ty.id, |state| state.declared = true);
        match before.declared || before.defined {
            true => Ok(()),
            false => self.writer.declare_tag(ty),
        }
    }

    fn need_typedef(&mut self, ty: &Type<'a>, to: u32) -> Result<(), DumpError> {
        let before = self.state(ty.id, |state| state.waiting = true);

        if before.defined {
            return Ok(());
        }
        if before.waiting {
            return Err(not_c(ty.id, NotC::Cycle));
        }
        self.steps.push(Step::Define(ty.id));
        self.push(to, false, 0);
        Ok(())
    }

    fn need_enum(&mut self, ty: &Type<'a>) -> Result<(), DumpError> {
        let before = self.state(ty.id, |state| state.defined = true);

        match before.defined {
            true => Ok(()),
            false => self.writer.define(ty),
        }
    }

    /// Number types that are not built into C become typedefs.
    fn need_number(&mut self, ty: &Type<'a>) -> Result<(), DumpError> {
        let before = self.state(ty.id, |state| state.defined = true);

        match before.defined || self.writer.names.is_native(ty.id) {
            true => Ok(()),
            false => self.writer.define(ty),
        }
    }
}
