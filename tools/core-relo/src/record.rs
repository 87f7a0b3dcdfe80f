// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The record: what was decided for a relocation, and why.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use splitbtf::CoreReloKind;

use crate::Fault;
use crate::Insn;

/// What was decided for a relocation, and why.
///
/// `Display` gives one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Decision {
    /// The name of the section with the program.
    pub section: String,
    /// The name of the program or subprogram.
    pub program: String,
    /// The number of the instruction in the program, from 0.
    pub insn: u32,
    /// The number of the instruction in the section, from 0.
    pub section_insn: u32,
    /// The line of source code; `None` if the object does not say.
    pub source: Option<Source>,
    /// The value that the relocation asks for, by libbpf's name for it: `byte_off`.
    #[serde(with = "kind")]
    pub kind: CoreReloKind,
    /// What it asks for in the object's types.
    pub local: Spec,
    /// All types of the kernel that were considered, with what became of each.
    pub candidates: Vec<Candidate>,
    /// The result of the search.
    pub outcome: Outcome,
    /// The candidate whose value is used, as an index of `candidates`.
    pub target: Option<usize>,
    /// The value that the compiler has put into the instruction, by the object's types.
    pub old_value: Option<u64>,
    /// The value for the kernel; `None` if there is none.
    pub new_value: Option<u64>,
    /// Whether the instruction must have the old value. The compiler's and libbpf's views of
    /// bit-fields may differ, and linkers renumber types, so those values are not checked.
    pub checked: bool,
    /// What happens to the instruction.
    pub instruction: Change,
}

impl Decision {
    /// The candidate whose value is used, and the place in it.
    pub fn target(&self) -> Option<(&Candidate, &Spec)> {
        let candidate = self.candidates.get(self.target?)?;

        match &candidate.verdict {
            Verdict::Matches { spec, .. } => Some((candidate, spec)),
            _ => None,
        }
    }

    /// Whether libbpf loads the object as far as this relocation is concerned. A program whose
    /// instruction is poisoned may still be refused by the verifier.
    pub fn is_accepted(&self) -> bool {
        let refused = matches!(self.instruction.action, Action::Refused { .. });

        self.outcome.is_accepted() && !refused
    }
}

/// A line of source code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The name of the file.
    pub file: String,
    /// The number of the line, from 1; 0 if it is not known.
    pub line: u32,
    /// The number of the column, from 1; 0 if it is not known.
    pub column: u32,
    /// The line, without the white space around it.
    pub text: String,
}

/// A place in types: a type, a field or an enum's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The type that it starts with.
    pub type_id: u32,
    /// The access string: the indexes of all `steps`. `0` for a type.
    pub access: String,
    /// The place as in C: `struct task_struct.mm`, `struct net[2].user_ns`,
    /// `enum bpf_map_type::BPF_MAP_TYPE_HASH`. Anonymous members are left out.
    pub text: String,
    /// The offset of a field in bits.
    pub bit_offset: u32,
    /// The way to the field or value; none for a type.
    pub steps: Vec<Step>,
}

/// A step from a type to a part of it. Typedefs and modifiers on the way are not steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The root as an element of an array, `index` times its size further; the first of all steps to a
    /// field.
    Root {
        /// The root, without typedefs and modifiers.
        of: u32,
        /// The index, nearly always 0.
        index: u32,
    },
    /// To a member.
    Member {
        /// The struct or union.
        of: u32,
        /// The number of the member.
        index: u32,
        /// Its name; empty if it is anonymous.
        name: String,
    },
    /// To an element.
    Element {
        /// The array.
        of: u32,
        /// The number of the element.
        index: u32,
    },
    /// To an enum's value.
    Value {
        /// The enum.
        of: u32,
        /// The number of the value among the others.
        index: u32,
        /// Its name.
        name: String,
    },
}

impl Step {
    /// The number in the access string.
    pub fn index(&self) -> u32 {
        match *self {
            Self::Root { index, .. }
            | Self::Member { index, .. }
            | Self::Element { index, .. }
            | Self::Value { index, .. } => index,
        }
    }

    /// The type that the step leads into.
    pub fn of(&self) -> u32 {
        match *self {
            Self::Root { of, .. }
            | Self::Member { of, .. }
            | Self::Element { of, .. }
            | Self::Value { of, .. } => of,
        }
    }
}

/// A type of the kernel that was considered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The name of the BTF that has it: `vmlinux`, or a module's.
    pub btf: String,
    /// Its id there.
    pub type_id: u32,
    /// The type as in C: `struct task_struct`.
    pub ty: String,
    /// What became of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What became of a candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// It has what the relocation asks for.
    Matches {
        /// The place in it.
        spec: Spec,
        /// The value.
        value: u64,
    },
    /// It does not have it.
    Differs {
        /// The reason.
        reason: Mismatch,
    },
    /// It was not considered: another candidate, but not this one, had what an earlier relocation for
    /// the same local type asked for.
    RuledOut,
    /// It cannot be compared: libbpf refuses the object.
    Fails {
        /// The reason.
        fault: Fault,
    },
}

/// Why a candidate does not have what the relocation asks for. Types are as in C.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mismatch {
    /// There is no member of this name.
    #[error("{ty} has no member {member}")]
    NoMember {
        /// The struct or union.
        ty: String,
        /// The name.
        member: String,
    },
    /// The member has a type that cannot be taken for the local one.
    #[error("member {member} is {found}, not {expected}")]
    MemberType {
        /// The name.
        member: String,
        /// The local type.
        expected: String,
        /// The type in the kernel.
        found: String,
    },
    /// A struct or union is needed.
    #[error("{ty} is not a struct or union, which could have a member {member}")]
    NotComposite {
        /// The type in the kernel.
        ty: String,
        /// The name of the member.
        member: String,
    },
    /// An array is needed.
    #[error("{ty} is not an array")]
    NotArray {
        /// The type in the kernel.
        ty: String,
    },
    /// The array is too short.
    #[error("{ty} has no element {index}")]
    NoElement {
        /// The array.
        ty: String,
        /// The number of the element.
        index: u32,
    },
    /// An enum is needed.
    #[error("{ty} is not an enum")]
    NotEnum {
        /// The type in the kernel.
        ty: String,
    },
    /// There is no value of this name.
    #[error("{ty} has no value {value}")]
    NoValue {
        /// The enum.
        ty: String,
        /// The name.
        value: String,
    },
    /// The types do not match.
    #[error("{found} is not {expected}: {difference}")]
    Type {
        /// The local type: the candidate's counterpart, or a type in it.
        expected: String,
        /// The type in the kernel.
        found: String,
        /// The difference.
        difference: Difference,
    },
}

/// The difference between two types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Difference {
    /// They are of different kinds, or of a kind that is never taken for another.
    #[error("another kind")]
    Kind,
    /// They have different names.
    #[error("another name")]
    Name,
    /// They have different sizes.
    #[error("another size")]
    Size,
    /// One is signed.
    #[error("another sign")]
    Sign,
    /// One is an integer that is a part of a larger one, as old compilers wrote bit-fields.
    #[error("a bit-field of an old compiler")]
    Part,
    /// The arrays have different lengths.
    #[error("another number of elements")]
    Elements,
    /// The functions have different numbers of parameters.
    #[error("another number of parameters")]
    Parameters,
    /// The kernel's has fewer members or values.
    #[error("fewer members or values")]
    Fewer,
    /// There is no member of this name and a type that matches.
    #[error("no member {member} of a type that matches")]
    Member {
        /// The name.
        member: String,
    },
    /// There is no value of this name.
    #[error("no value {value}")]
    Value {
        /// The name.
        value: String,
    },
}

/// The result of the search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The value is in the object: no kernel was searched.
    Local,
    /// The kernel has it.
    Found,
    /// The kernel does not have it.
    Absent,
    /// Two candidates give different values: libbpf refuses the object.
    Ambiguous {
        /// The first that matches, as an index of `candidates`.
        first: usize,
        /// The first that disagrees with it.
        other: usize,
    },
    /// The search failed: libbpf refuses the object.
    Failed {
        /// The reason.
        fault: Fault,
    },
}

impl Outcome {
    /// Whether there is a decision that libbpf accepts.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Local | Self::Found | Self::Absent)
    }
}

/// An instruction before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What happens.
    #[serde(flatten)]
    pub action: Action,
    /// The instruction before; two for a load of 64 bits.
    pub before: Vec<Insn>,
    /// The instruction after; the same as before if nothing happens to it.
    pub after: Vec<Insn>,
}

/// What happens to an instruction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// It gets the new value.
    Patched {
        /// Where the value is.
        field: Field,
        /// The size that it loads or stores, if that changes too.
        resized: Option<Resize>,
    },
    /// It has the new value already.
    Unchanged {
        /// Where the value is.
        field: Field,
    },
    /// It becomes a call that the verifier refuses, if it can be reached.
    Poisoned {
        /// The reason.
        reason: Poison,
    },
    /// It cannot be changed: libbpf refuses the object.
    Refused {
        /// The reason.
        reason: Refusal,
    },
    /// Nothing, as there is no decision.
    None,
}

/// Where an instruction has its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The immediate operand of arithmetic.
    Imm,
    /// The offset of a load or store.
    Off,
    /// The immediate operands of the two halves of a load of 64 bits.
    Imm64,
}

/// A load or store of another size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resize {
    /// In bytes, before.
    pub from: u32,
    /// In bytes, after.
    pub to: u32,
}

/// Why an instruction is poisoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Poison {
    /// The kernel does not have the field or value.
    Absent,
    /// The field has another size in the kernel, and neither pointers nor unsigned integers are loaded
    /// or stored: the result would be wrong.
    Size,
}

/// Why an instruction cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// It has no value that could be relocated.
    #[error("the instruction cannot be relocated")]
    Form,
    /// It does not have the old value.
    #[error("the instruction has the value {found}, not {expected}")]
    Value {
        /// The value by the object's types.
        expected: u64,
        /// The value of the instruction.
        found: i64,
    },
    /// The offset is larger than a load or store can have.
    #[error("the offset {value} is larger than 32767")]
    Offset {
        /// The offset.
        value: u64,
    },
    /// It loads or stores another size than the object's types say.
    #[error("the instruction accesses {found} bytes, not {expected}")]
    OldSize {
        /// The size by the object's types, in bytes.
        expected: u32,
        /// The size of the instruction.
        found: u32,
    },
    /// No instruction loads or stores as many bytes as the field has in the kernel.
    #[error("no instruction accesses {size} bytes")]
    NewSize {
        /// The size in bytes.
        size: u32,
    },
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            type_id,
            access,
            text,
            bit_offset,
            steps,
        } = self;
        write!(f, "[{type_id}] {text}")?;

        match (steps.first(), bit_offset % 8) {
            (Some(Step::Root { .. }), 0) => write!(f, " ({access} @ {})", bit_offset / 8),
            (Some(Step::Root { .. }), bit) => write!(f, " ({access} @ {}.{bit})", bit_offset / 8),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            program,
            insn,
            local,
            old_value,
            new_value,
            ..
        } = self;
        write!(f, "{program} +{insn}: {} of {}", self.kind.name(), local)?;

        match &self.outcome {
            Outcome::Local => f.write_str(", in the object")?,
            Outcome::Found => {
                if let Some((candidate, spec)) = self.target() {
                    write!(f, " is {spec} in {}", candidate.btf)?;
                }
            }
            Outcome::Absent => f.write_str(" is absent")?,
            Outcome::Ambiguous { .. } => f.write_str(" is ambiguous")?,
            Outcome::Failed { fault } => write!(f, ": {fault}")?,
        }
        if let (Some(old), Some(new)) = (old_value, new_value) {
            write!(f, ", {} -> {}", *old as i64, *new as i64)?;
        }
        match &self.instruction.action {
            Action::Patched { resized, .. } => match resized {
                Some(Resize { from, to }) => write!(f, ", patched, {from} -> {to} bytes"),
                None => f.write_str(", patched"),
            },
            Action::Unchanged { .. } => f.write_str(", unchanged"),
            Action::Poisoned { .. } => f.write_str(", poisoned"),
            Action::Refused { reason } => write!(f, ", refused: {reason}"),
            Action::None => Ok(()),
        }
    }
}

/// A kind is written as its name.
mod kind {
    use serde::de::Error;
    use serde::Deserialize;
    use serde::Deserializer;
    use serde::Serializer;
    use splitbtf::CoreReloKind;

    pub fn serialize<S: Serializer>(kind: &CoreReloKind, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(kind.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<CoreReloKind, D::Error> {
        let name = String::deserialize(from)?;
        let kind = CoreReloKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name);

        kind.ok_or_else(|| D::Error::unknown_variant(&name, &[]))
    }
}
