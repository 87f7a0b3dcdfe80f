// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What an object demands of a kernel besides CO-RE, as libbpf looks for it: functions and variables
//! of the kernel, and the targets of its programs.

use std::collections::BTreeMap;

use core_relo::essential_name;
use core_relo::incompatible;
use core_relo::Mismatch;
use core_relo::Targets;
use splitbtf::kind;
use splitbtf::AnyOwned;
use splitbtf::Kind;
use splitbtf::Member;

use crate::core::demands::text;
use crate::core::demands::Attach;
use crate::core::demands::AttachKind;
use crate::core::demands::Demands;
use crate::core::demands::Ksym;
use crate::core::demands::StructOps;
use crate::core::kernel::Kernel;

use super::Effect;
use super::Found;
use super::List;
use super::Lost;
use super::ObjectFile;
use super::Place;

/// Why a function or variable of the kernel is not found.
const NOT_THERE: &str = "the kernel does not have it";

/// How many functions, variables and targets there are.
pub(super) fn count(demands: &Demands) -> usize {
    [
        demands.ksyms.len(),
        demands.attach.len(),
        demands.struct_ops.len(),
    ]
    .iter()
    .sum()
}

/// Looks for all of them. Returns those that programs may use only if they ask first, by name.
pub(super) fn look(
    file: &ObjectFile,
    kernel: &Kernel,
    targets: &Targets<'_>,
    list: &mut List,
) -> BTreeMap<String, Lost> {
    let look = Look {
        file,
        kernel,
        targets,
    };
    let mut lost = BTreeMap::new();

    for ksym in &file.demands.ksyms {
        let result = match (ksym.function, ksym.ty) {
            (true, _) => look.function(ksym),
            (false, 0) => look.symbol(ksym),
            (false, _) => look.variable(ksym),
        };
        let Err((effect, reason)) = result else {
            continue;
        };
        let (effect, is_zero) = match effect {
            Effect::Refused if ksym.weak => (Effect::Guarded, true),
            effect => (effect, false),
        };
        if effect == Effect::Guarded {
            let uses = file.demands.uses_of(&ksym.name).to_vec();
            let reason = reason.clone();
            lost.insert(
                ksym.name.clone(),
                Lost {
                    reason,
                    is_zero,
                    uses,
                },
            );
        }
        look.add_uses(ksym, effect, &reason, list);
    }
    for name in &file.demands.settings {
        list.add(Found {
            subject: format!("kernel configuration {name}"),
            reason: "BTF does not say it".into(),
            ..Found::default()
        });
    }
    for attach in &file.demands.attach {
        if let Err((effect, reason)) = look.target(attach) {
            list.add(look.of_program(attach, effect, reason));
        }
    }
    for ops in &file.demands.struct_ops {
        if let Err((effect, reason)) = look.struct_ops(ops) {
            list.add(Found {
                effect,
                subject: format!("struct_ops {}", ops.name),
                reason,
                ..Found::default()
            });
        }
    }
    lost
}

/// `Err` says what becomes of the object, and why.
type Looked = Result<(), (Effect, String)>;

fn refused<T>(reason: impl Into<String>) -> Result<T, (Effect, String)> {
    Err((Effect::Refused, reason.into()))
}

struct Look<'a> {
    file: &'a ObjectFile,
    kernel: &'a Kernel,
    targets: &'a Targets<'a>,
}

impl Look<'_> {
    fn object(&self) -> &AnyOwned {
        &self.file.content.types
    }

    /// The first type with this name and kind: the number of the BTF, its name and types, and the id.
    fn find(&self, name: &str, kind: u8) -> Option<(usize, &str, &AnyOwned, u32)> {
        let (number, id) = self.targets.find(name, kind).ok()??;
        let (of, types) = self.kernel.btf(number)?;

        Some((number, of, types, id))
    }

    /// A kfunc.
    fn function(&self, ksym: &Ksym) -> Looked {
        let name = essential_name(&ksym.name);
        let Some((number, of, types, id)) = self.find(name, kind::FUNC) else {
            return refused(NOT_THERE);
        };
        let Ok(Kind::Func { proto, .. }) = types.get(id).map(|ty| ty.kind) else {
            return refused(NOT_THERE);
        };
        match incompatible((self.object(), ksym.ty), (types, proto)) {
            Ok(None) => {}
            Ok(Some(mismatch)) => {
                let declared = types.declaration(proto, name).unwrap_or_default();
                let why = why(&mismatch);
                return refused(format!("in {of} it is '{declared}': {why}"));
            }
            Err(fault) => return refused(fault.to_string()),
        }
        match self.kernel.is_kfunc(number, id) {
            // The verifier refuses calls that it reaches.
            Some(false) => Err((
                Effect::Guarded,
                format!("in {of} it is a function that no program may call"),
            )),
            _ => Ok(()),
        }
    }

    /// A variable with a type.
    fn variable(&self, ksym: &Ksym) -> Looked {
        let Some((_, of, types, id)) = self.find(&ksym.name, kind::VAR) else {
            return refused(NOT_THERE);
        };
        let Ok(Kind::Var { ty, .. }) = types.get(id).map(|ty| ty.kind) else {
            return refused(NOT_THERE);
        };
        let ty = types.resolve(ty).map_or(0, |ty| ty.id);
        match incompatible((self.object(), ksym.ty), (types, ty)) {
            Ok(None) => Ok(()),
            Ok(Some(mismatch)) => refused(format!("in {of}: {mismatch}")),
            Err(fault) => refused(fault.to_string()),
        }
    }

    /// A variable of type `void`: an address that is not in BTF.
    fn symbol(&self, ksym: &Ksym) -> Looked {
        let symbols = self.kernel.symbols();

        match symbols.and_then(|symbols| symbols.has(&ksym.name)) {
            Some(true) => Ok(()),
            Some(false) => refused(NOT_THERE),
            None => Err((
                Effect::Unknown,
                "BTF does not have its address; give the kernel's symbols with --symbols".into(),
            )),
        }
    }

    /// The finding for each place where a function or variable is used.
    fn add_uses(&self, ksym: &Ksym, effect: Effect, reason: &str, list: &mut List) {
        let word = match ksym.function {
            true => "kfunc",
            false => "variable",
        };
        let found = |place| Found {
            effect,
            subject: format!("{word} {}", ksym.name),
            reason: reason.to_owned(),
            instead: None,
            place,
        };
        let uses = self.file.demands.uses_of(&ksym.name);

        for (section, offset) in uses {
            let (program, insn) = match self.file.demands.function(section, *offset) {
                Some((program, insn)) => (program.to_owned(), Some(insn)),
                None => (section.clone(), None),
            };
            list.add(found(Some(Place {
                program,
                insn,
                source: self.file.demands.line(self.object(), section, *offset),
            })));
        }
        if uses.is_empty() {
            list.add(found(None));
        }
    }

    /// The target of a program.
    fn target(&self, attach: &Attach) -> Looked {
        let unknown = |reason: &str| Err((Effect::Unknown, reason.to_owned()));
        let Some(target) = &attach.target else {
            return unknown("the loader says what it is for");
        };
        if attach.kind == AttachKind::Program {
            return unknown("it is for another program");
        }
        let (module, name) = match target.split_once(':') {
            Some((module, name)) => (Some(module), name),
            None => (None, target.as_str()),
        };
        let number = match attach.kind {
            AttachKind::Tracepoint => kind::TYPEDEF,
            _ => kind::FUNC,
        };
        let name = format!("{}{name}", attach.kind.prefix());

        let found = match module {
            Some(module) => self.targets.find_in(module, &name, number),
            None => self.targets.find(&name, number),
        };
        match found {
            Ok(Some(_)) => Ok(()),
            Ok(None) => refused(match module {
                Some(module) => format!("there is no such {} in {module}", attach.kind.word()),
                None => format!("the kernel has no such {}", attach.kind.word()),
            }),
            Err(fault) => refused(fault.to_string()),
        }
    }

    fn of_program(&self, attach: &Attach, effect: Effect, reason: String) -> Found {
        let demands = &self.file.demands;
        let source = demands.line(self.object(), &attach.section, attach.offset);

        Found {
            effect,
            subject: attach.section.clone(),
            reason,
            instead: None,
            place: Some(Place {
                program: attach.program.clone(),
                insn: None,
                source,
            }),
        }
    }

    /// A struct of functions.
    fn struct_ops(&self, ops: &StructOps) -> Looked {
        let object = self.object();
        let Ok(ty) = object.get(ops.ty) else {
            return Ok(());
        };
        let local = text(object, ty.name_off);
        let name = essential_name(&local);
        let value = format!("bpf_struct_ops_{name}");
        let Some((_, _, types, id)) = self.find(&value, kind::STRUCT) else {
            return refused(format!("the kernel has no struct {value}"));
        };
        let values = members(types, id);
        let data = values.iter().find_map(|member| {
            let ty = types.get(member.ty).ok()?;
            let is_it = matches!(ty.kind, Kind::Struct(_)) && text(types, ty.name_off) == name;
            is_it.then_some(ty.id)
        });
        let Some(data) = data else {
            return refused(format!("struct {value} has no member of struct {name}"));
        };

        let theirs = members(types, data);
        let ours = members(object, ops.ty).into_iter().enumerate();
        for (_, member) in ours.filter(|(number, _)| ops.set.contains(number)) {
            let member_name = text(object, member.name_off);
            let other = theirs
                .iter()
                .find(|other| text(types, other.name_off) == member_name);
            let Some(other) = other else {
                return refused(format!("struct {name} has no member {member_name}"));
            };
            let number = |types: &AnyOwned, id| types.resolve(id).ok().map(|ty| ty.kind.number());
            if number(object, member.ty) != number(types, other.ty) {
                return refused(format!(
                    "member {member_name} of struct {name} has another kind of type"
                ));
            }
        }
        Ok(())
    }
}

/// The difference between two types, which both may be functions.
fn why(mismatch: &Mismatch) -> String {
    match mismatch {
        Mismatch::Type {
            expected,
            found,
            difference,
        } if expected == found => difference.to_string(),
        mismatch => mismatch.to_string(),
    }
}

fn members(types: &AnyOwned, id: u32) -> Vec<Member> {
    match types.resolve(id).map(|ty| ty.kind) {
        Ok(Kind::Struct(of) | Kind::Union(of)) => of.members().collect(),
        _ => vec![],
    }
}
