// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Access strings, and the places that they lead to.

use splitbtf::CoreReloKind;
use splitbtf::Kind;

use crate::error::MAX_NAME;
use crate::name;
use crate::side;
use crate::side::Side;
use crate::Fault;
use crate::Invalid;
use crate::Spec;
use crate::Step;

/// How many steps libbpf takes: `BPF_CORE_SPEC_MAX_LEN`.
pub(crate) const MAX_STEPS: usize = 64;

/// A place in the types of one side.
#[derive(Clone, Debug)]
pub(crate) struct Path<'a> {
    pub root: u32,
    pub steps: Vec<RawStep<'a>>,
    pub bit_offset: u32,
}

/// A step of a [`Path`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawStep<'a> {
    /// The type that the step leads into, without typedefs and modifiers.
    pub of: u32,
    pub index: u32,
    pub to: To<'a>,
}

/// What a step leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To<'a> {
    /// The root, as an element of an array.
    Root,
    /// A member with this name, which is empty if it is anonymous.
    Member(&'a [u8]),
    /// An element of this type, without typedefs and modifiers.
    Element(u32),
    /// An enum's value with this name.
    Value(&'a [u8]),
}

impl<'a> Path<'a> {
    pub fn new(root: u32) -> Self {
        Self {
            root,
            steps: vec![],
            bit_offset: 0,
        }
    }

    /// The steps that mean something: all but those to anonymous members.
    pub fn accessors(&self) -> impl DoubleEndedIterator<Item = &RawStep<'a>> {
        self.steps.iter().filter(|step| step.to != To::Member(b""))
    }

    /// Takes a step of `bits`.
    pub fn push(&mut self, step: RawStep<'a>, bits: u64) -> Result<(), Fault> {
        let range = || Fault::Range { type_id: step.of };
        if self.steps.len() >= MAX_STEPS {
            return Err(Fault::Depth { type_id: step.of });
        }
        let offset = u64::from(self.bit_offset).checked_add(bits);

        self.bit_offset = offset
            .and_then(|offset| offset.try_into().ok())
            .ok_or_else(range)?;
        self.steps.push(step);
        Ok(())
    }

    /// Whether an array of `nelems` elements, reached by this path, is a flexible one: at the end of a
    /// struct, with no length.
    pub fn is_flexible(&self, side: Side<'_>, nelems: u32) -> Result<bool, Fault> {
        let last = self.accessors().next_back();
        let (Some(step), 0) = (last, nelems) else {
            return Ok(false);
        };
        if !matches!(step.to, To::Member(_)) {
            return Ok(false);
        }
        let members = side::composite(&side.get(step.of)?).map(|of| of.members().len());
        let end = u64::from(step.index).checked_add(1);
        Ok(members.and_then(|len| u64::try_from(len).ok()) == end)
    }

    /// The place for the record.
    pub fn spec(&self, side: Side<'_>) -> Result<Spec, Fault> {
        let mut text = side.text(self.root)?;
        let mut access = vec![];
        let mut steps = vec![];

        for RawStep { of, index, to } in self.steps.iter().copied() {
            access.push(index.to_string());
            let name = match to {
                To::Member(name) | To::Value(name) => name::text(name),
                To::Root | To::Element(_) => String::new(),
            };
            side.budget.spend(name.len().saturating_add(1))?;
            text += &match to {
                To::Member(b"") => String::new(),
                To::Root if index == 0 => String::new(),
                To::Root | To::Element(_) => format!("[{index}]"),
                To::Member(_) => format!(".{name}"),
                To::Value(_) => format!("::{name}"),
            };
            steps.push(match to {
                To::Root => Step::Root { of, index },
                To::Member(_) => Step::Member { of, index, name },
                To::Element(_) => Step::Element { of, index },
                To::Value(_) => Step::Value { of, index, name },
            });
        }
        Ok(Spec {
            type_id: self.root,
            access: match access.is_empty() {
                true => "0".to_string(),
                false => access.join(":"),
            },
            text,
            bit_offset: self.bit_offset,
            steps,
        })
    }
}

/// `index` elements of a type, in bits.
pub(crate) fn bits_of(side: Side<'_>, index: u32, element: u32) -> Result<u64, Fault> {
    let bits = u64::from(side.size(element)?).checked_mul(8);

    bits.and_then(|bits| bits.checked_mul(index.into()))
        .ok_or(Fault::Range { type_id: element })
}

/// The numbers of an access string.
fn numbers(access: &[u8]) -> Option<Vec<u32>> {
    let number = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).ok()?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: i32 = digits.parse().ok()?;
        plain.then_some(number)?.try_into().ok()
    };

    access
        .split(|byte| *byte == b':')
        .map(number)
        .collect::<Option<Vec<_>>>()
        .filter(|numbers| numbers.len() <= MAX_STEPS)
}

/// Follows the access string at `access_off` from the type `root`.
pub(crate) fn parse<'a>(
    side: Side<'a>,
    kind: CoreReloKind,
    root: u32,
    access_off: u32,
) -> Result<Path<'a>, Invalid> {
    // 64 numbers of at most 10 digits.
    let access = side.string(access_off, 2 * MAX_NAME).unwrap_or_default();
    let malformed = || Invalid::Access {
        access: name::text(access),
    };
    let mut path = Path::new(root);
    let numbers = numbers(access).ok_or_else(malformed)?;
    let Some((first, rest)) = numbers.split_first() else {
        return Err(malformed());
    };
    if kind.is_type() {
        return match access {
            b"0" => Ok(path),
            _ => Err(malformed()),
        };
    }
    let no_part = |index, of| -> Result<Path<'a>, Invalid> {
        Err(Invalid::Part {
            access: name::text(access),
            ty: side.text(of)?,
            index,
        })
    };

    let mut ty = side.skip(root)?;
    if kind.is_enumval() {
        let values = side::values(&ty).filter(|_| rest.is_empty());
        let Some(value) = values.and_then(|values| values.get(size(*first))) else {
            return no_part(*first, root);
        };
        let to = To::Value(side.name(value.name_off)?);
        let (of, index) = (ty.id, *first);
        path.push(RawStep { of, index, to }, 0)?;
        return Ok(path);
    }
    let start = RawStep {
        of: ty.id,
        index: *first,
        to: To::Root,
    };
    path.push(start, bits_of(side, *first, ty.id)?)?;
    for index in rest.iter().copied() {
        let of = ty.id;
        match (ty.kind, side::composite(&ty)) {
            (_, Some(composite)) => {
                let Some(member) = composite.members().nth(size(index)) else {
                    return no_part(index, of);
                };
                let to = To::Member(side.name(member.name_off)?);
                path.push(RawStep { of, index, to }, member.bit_offset.into())?;
                ty = side.skip(member.ty)?;
            }
            (Kind::Array(array), _) => {
                let flexible = path.is_flexible(side, array.nelems)?;
                if !flexible && index >= array.nelems {
                    return no_part(index, of);
                }
                ty = side.skip(array.ty)?;
                let to = To::Element(ty.id);
                let bits = bits_of(side, index, ty.id)?;
                path.push(RawStep { of, index, to }, bits)?;
            }
            _ => return no_part(index, of),
        }
    }
    Ok(path)
}

/// An index for lists.
pub(crate) fn size(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
