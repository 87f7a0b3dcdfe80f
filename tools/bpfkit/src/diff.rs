// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Compares the types of two kernels.
//!
//! Types are compared by name: structs, unions and enums by their members and values, all others by
//! their definition. This includes the types that a type contains. For a type that it only points
//! to, just the name counts. Members of an anonymous struct count as members of the struct around
//! it.

mod shape;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use splitbtf::Btf;
use splitbtf::BtfExt;
use splitbtf::Names;
use zerocopy::ByteOrder;

use crate::input::BASE_SECTION;
use crate::input::SECTION;
use crate::Input;
use crate::InputError;

use self::shape::Shape;

pub use self::shape::IntShape;
pub use self::shape::Member;
pub use self::shape::Space;

/// Why types cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// The module cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The BTF of one of the kernels, or of the module, is malformed.
    #[error("{0}")]
    Btf(#[from] splitbtf::Error),
    /// A type is nested too deep, or repeats anonymous types too often.
    #[error("BTF type {id} is nested too deep, or repeats anonymous types too often")]
    Depth {
        /// The id of the type.
        id: u32,
    },
    /// Neither kernel has a type with the requested name.
    #[error("no kernel has a BTF type '{name}'")]
    NoSuchType {
        /// The name.
        name: String,
    },
}

/// Selects the types to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Select {
    /// All types with a name.
    All,
    /// The types with these names, and the types that they contain.
    Names(BTreeSet<Vec<u8>>),
}

/// A type that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its kind in the first kernel that has it, as `STRUCT`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The differences.
    pub changes: Vec<Change>,
    word: Option<&'static str>,
}

/// A change from the first kernel to the second. Offsets are in bits, sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only the second has the type.
    New,
    /// Only the first has it.
    Gone,
    /// The kind differs.
    Kind {
        /// The old kind.
        from: &'static str,
        /// The new kind.
        to: &'static str,
    },
    /// The size differs.
    Size {
        /// The old size.
        from: u32,
        /// The new size.
        to: u32,
    },
    /// The type of a typedef, a function or a variable differs, or an integer's encoding.
    Type {
        /// The old type.
        from: String,
        /// The new type.
        to: String,
        /// The old and the new integer, if it is one.
        ints: [Option<IntShape>; 2],
    },
    /// A member has been added.
    Added(Member),
    /// A member has been removed.
    Removed(Member),
    /// A member has moved.
    Moved {
        /// The member.
        member: String,
        /// The old offset.
        from: u64,
        /// The new offset.
        to: u64,
    },
    /// A member has another type.
    Retyped {
        /// The member.
        member: String,
        /// The old type.
        from: String,
        /// The new type.
        to: String,
        /// The old and the new width in bits, if it is a bit-field.
        bitfields: [Option<u8>; 2],
    },
    /// An enumerator has another value; `None` if that enum does not have it.
    Value {
        /// The enumerator's name.
        value: String,
        /// The old value.
        from: Option<i128>,
        /// The new value.
        to: Option<i128>,
    },
}

/// The names of the types in vmlinux that a module refers to. They come from its `.BTF.base`; a
/// module without one is distilled on `own`, the BTF of the kernel that it was built for.
///
/// # Errors
///
/// If the module has no BTF, or its BTF is malformed.
pub fn names_of_module<O: ByteOrder>(
    module: &Input,
    own: &Btf<'_, O>,
) -> Result<BTreeSet<Vec<u8>>, DiffError> {
    let split = module.need(SECTION)?;

    match module.section(BASE_SECTION)? {
        Some(base) => names_in::<O>(base),
        None => {
            let mut index = vec![0; splitbtf::max_types::<O>(split)?];
            let split = Btf::<O>::open(split, Some(own), &mut index)?;
            names_in::<O>(&splitbtf::distill(&split.validated()?)?.base)
        }
    }
}

fn names_in<O: ByteOrder>(base: &[u8]) -> Result<BTreeSet<Vec<u8>>, DiffError> {
    let mut index = vec![0; splitbtf::max_types::<O>(base)?];
    let base = Btf::<O>::open(base, None, &mut index)?;
    let names = base.types().map(|ty| base.string(ty?.name_off));

    Ok(names
        .map(|name| name.map(<[u8]>::to_vec))
        .collect::<Result<_, _>>()?)
}

/// Compares the types of two kernels. Both must have been validated.
///
/// # Errors
///
/// If a requested type is in neither of them, or a type is nested too deep.
pub fn diff<O: ByteOrder>(
    from: &Names<'_, O>,
    to: &Names<'_, O>,
    select: &Select,
) -> Result<Vec<Difference>, DiffError> {
    let mut todo = match select {
        Select::All => all(from.btf())?.union(&all(to.btf())?).cloned().collect(),
        Select::Names(names) => names
            .iter()
            .map(|name| spaces(name, [from, to]))
            .collect::<Result<Vec<_>, _>>()?
            .concat(),
    };
    let mut seen: BTreeSet<_> = todo.iter().cloned().collect();
    let mut differences = vec![];

    while let Some(key) = todo.pop() {
        let (before, after) = (shapes(from, &key)?, shapes(to, &key)?);
        for shape in before.iter().chain(&after) {
            for contained in &shape.contains {
                if seen.insert(contained.clone()) {
                    todo.push(contained.clone());
                }
            }
        }
        compare(&key, before, after, &mut differences);
    }
    differences.sort_by(|a, b| (&a.name, a.kind).cmp(&(&b.name, b.kind)));
    Ok(differences)
}

/// A name, and its name space.
type Key = (Space, Vec<u8>);

/// All names in a kernel.
fn all<O: ByteOrder>(btf: &Btf<'_, O>) -> Result<BTreeSet<Key>, DiffError> {
    let mut keys = BTreeSet::new();

    for ty in btf.types() {
        let ty = ty?;
        let name = btf.string(ty.name_off)?;
        if let Some(space) = Space::of(&ty.kind).filter(|_| !name.is_empty()) {
            keys.insert((space, name.to_vec()));
        }
    }
    Ok(keys)
}

/// The name spaces that have this name in one of the kernels.
fn spaces<O: ByteOrder>(name: &[u8], kernels: [&Names<'_, O>; 2]) -> Result<Vec<Key>, DiffError> {
    let mut keys = BTreeSet::new();

    for kernel in kernels {
        for id in kernel.find(name) {
            let space = Space::of(&kernel.btf().get(id)?.kind);
            keys.extend(space.map(|space| (space, name.to_vec())));
        }
    }
    match keys.is_empty() {
        false => Ok(keys.into_iter().collect()),
        true => Err(DiffError::NoSuchType {
            name: name.escape_ascii().to_string(),
        }),
    }
}

/// The types with this name. A declaration counts only if there is no definition.
fn shapes<O: ByteOrder>(
    kernel: &Names<'_, O>,
    (space, name): &Key,
) -> Result<Vec<Shape>, DiffError> {
    let mut shapes = vec![];

    for id in kernel.find(name) {
        let ty = kernel.btf().get(id)?;
        if Space::of(&ty.kind) == Some(*space) {
            shapes.push(Shape::of(kernel.btf(), &ty)?);
        }
    }
    if shapes.iter().any(|shape| !shape.is_declaration()) {
        shapes.retain(|shape| !shape.is_declaration());
    }
    Ok(shapes)
}

/// Compares all types of a name: drops those that are the same in both kernels, and pairs the rest.
fn compare(
    (_, name): &Key,
    mut before: Vec<Shape>,
    mut after: Vec<Shape>,
    to: &mut Vec<Difference>,
) {
    before.retain(
        |shape| match after.iter().position(|other| other == shape) {
            Some(same) => {
                after.remove(same);
                false
            }
            None => true,
        },
    );
    let mut before = before.into_iter();
    let mut after = after.into_iter();

    loop {
        let (shape, changes) = match (before.next(), after.next()) {
            (Some(before), Some(after)) => {
                let changes = before.changes(&after);
                (before, changes)
            }
            (Some(before), None) => (before, vec![Change::Gone]),
            (None, Some(after)) => (after, vec![Change::New]),
            (None, None) => return,
        };
        to.push(Difference {
            kind: shape.kind,
            name: name.escape_ascii().to_string(),
            changes,
            word: shape.word,
        });
    }
}

/// Writes a line for the type, and one for each change. Neighbours that have moved by the same
/// distance share a line.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(word) = self.word {
            write!(f, "{word} ")?;
        }
        f.write_str(&self.name)?;
        let mut rest = self.changes.as_slice();

        while let Some((change, after)) = rest.split_first() {
            let together = together(rest);
            match rest.get(together.saturating_sub(1)) {
                Some(Change::Moved { member, .. }) if together > 1 => {
                    write!(f, "{change}, and all up to {member} with it")?;
                    rest = &rest[together..];
                }
                _ => {
                    write!(f, "{change}")?;
                    rest = after;
                }
            }
        }
        writeln!(f)
    }
}

/// The number of changes at the start that are moves by the same distance.
fn together(changes: &[Change]) -> usize {
    let distance = |change: &Change| match change {
        Change::Moved { from, to, .. } => Some(i128::from(*to) - i128::from(*from)),
        _ => None,
    };
    let Some(first) = changes.first().and_then(distance) else {
        return 0;
    };

    let mut changes = changes.iter();
    let end = changes.position(|change| distance(change) != Some(first));
    end.unwrap_or(changes.len())
}

/// An offset in bits, written as bytes and remaining bits.
struct At(u64);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 8 {
            0 => write!(f, "{}", self.0 / 8),
            bits => write!(f, "{} bit {bits}", self.0 / 8),
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} at {}", self.name, self.ty, At(self.offset))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value: &Option<i128>| value.map_or("none".into(), |value| value.to_string());

        match self {
            Self::New => write!(f, ": new"),
            Self::Gone => write!(f, ": gone"),
            Self::Kind { from, to } => write!(f, "\n    kind: {from} -> {to}"),
            Self::Size { from, to } => write!(f, "\n    size: {from} -> {to}"),
            Self::Type { from, to, .. } => write!(f, "\n    type: {from} -> {to}"),
            Self::Added(member) => write!(f, "\n    + {member}"),
            Self::Removed(member) => write!(f, "\n    - {member}"),
            Self::Moved { member, from, to } => {
                write!(f, "\n    {member}: at {} -> {}", At(*from), At(*to))
            }
            Self::Retyped {
                member, from, to, ..
            } => write!(f, "\n    {member}: {from} -> {to}"),
            Self::Value {
                value: name,
                from,
                to,
            } => write!(f, "\n    {name} = {} -> {}", value(from), value(to)),
        }
    }
}
