// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What is different in the types of two kernels.
//!
//! Types are compared by name: structs, unions and enums with their members and values, all others by
//! what they are. Types that one contains are compared as well; of those behind a pointer only the name
//! counts. Members of structs without a name are taken for members of the struct around them.

mod shape;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use splitbtf::Btf;
use splitbtf::Names;
use zerocopy::ByteOrder;

use crate::input::BASE_SECTION;
use crate::input::SECTION;
use crate::Input;
use crate::InputError;

use self::shape::Shape;

pub use self::shape::Member;
pub use self::shape::Space;

/// Why types cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// The module cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The BTF of one of the kernels, or of the module, is wrong.
    #[error("{0}")]
    Btf(#[from] splitbtf::Error),
    /// A type is nested too deep, or without names so often repeated, that there is no end.
    #[error("BTF type {id} is nested too deep, or repeats types without names too often")]
    Depth {
        /// Its id.
        id: u32,
    },
    /// No kernel has a type with a name that is asked for.
    #[error("no kernel has a BTF type '{name}'")]
    NoSuchType {
        /// The name.
        name: String,
    },
}

/// Which types are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Select {
    /// All that have a name.
    All,
    /// Those with these names, and what they contain.
    Names(BTreeSet<Vec<u8>>),
}

/// A type that is not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its kind in the first kernel that has it, as `STRUCT`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What is different.
    pub changes: Vec<Change>,
    #[serde(skip)]
    prefix: &'static str,
}

/// Something that is not the same, in the second kernel. Offsets and numbers of bits are in bits, sizes
/// in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "lowercase")]
pub enum Change {
    /// Only the second has the type.
    New,
    /// Only the first has it.
    Gone,
    /// It is of another kind.
    Kind {
        /// What it was.
        from: &'static str,
        /// What it is.
        to: &'static str,
    },
    /// It has another size.
    Size {
        /// That which it had.
        from: u32,
        /// That which it has.
        to: u32,
    },
    /// It is another type: of a typedef, a function or a variable.
    Type {
        /// What it was.
        from: String,
        /// What it is.
        to: String,
    },
    /// A member has been added.
    Added(Member),
    /// A member has been removed.
    Removed(Member),
    /// A member is somewhere else.
    Moved {
        /// The member.
        member: String,
        /// Where it was.
        from: u64,
        /// Where it is.
        to: u64,
    },
    /// A member is of another type.
    Retyped {
        /// The member.
        member: String,
        /// What it was.
        from: String,
        /// What it is.
        to: String,
    },
    /// An enum has another value for a name, or one of both has none.
    Value {
        /// The name.
        value: String,
        /// What it was.
        from: Option<i128>,
        /// What it is.
        to: Option<i128>,
    },
}

/// The names of the types of vmlinux that a module refers to: those in its `.BTF.base`, or what would
/// be there if it was distilled. Without a base it is split on `own`.
///
/// # Errors
///
/// If the module has no BTF, or it is wrong.
pub fn names_of_module<O: ByteOrder>(
    module: &Input,
    own: &Btf<'_, O>,
) -> Result<BTreeSet<Vec<u8>>, DiffError> {
    let split = module.need(SECTION)?;

    match module.section(BASE_SECTION)? {
        Some(base) => names_in::<O>(base),
        None => {
            let mut room = vec![0; splitbtf::max_types::<O>(split)?];
            let split = Btf::<O>::open(split, Some(own), &mut room)?;
            names_in::<O>(&splitbtf::distill(&split.validated()?)?.base)
        }
    }
}

fn names_in<O: ByteOrder>(base: &[u8]) -> Result<BTreeSet<Vec<u8>>, DiffError> {
    let mut room = vec![0; splitbtf::max_types::<O>(base)?];
    let base = Btf::<O>::open(base, None, &mut room)?;
    let names = base.types().map(|ty| base.string(ty?.name_off));

    Ok(names
        .map(|name| name.map(<[u8]>::to_vec))
        .collect::<Result<_, _>>()?)
}

/// Compares the types of two kernels. Both have been validated.
///
/// # Errors
///
/// If a type that is asked for is in none of them, or nested without an end.
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

/// A name, and what sort of type has it.
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

/// What sorts of types have this name in any of the kernels.
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

/// The types with a name. A declaration counts only if there is no definition.
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

/// Compares all types of a name. What is the same in both does not count, the others go in pairs.
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
            prefix: shape.prefix(),
        });
    }
}

/// A line with the type, and one for each change. Neighbours that have moved together share one.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.prefix, self.name)?;
        let mut rest = self.changes.as_slice();

        while let Some((change, behind)) = rest.split_first() {
            let together = together(rest);
            match rest.get(together.saturating_sub(1)) {
                Some(Change::Moved { member, .. }) if together > 1 => {
                    write!(f, "{change}, and all up to {member} with it")?;
                    rest = &rest[together..];
                }
                _ => {
                    write!(f, "{change}")?;
                    rest = behind;
                }
            }
        }
        writeln!(f)
    }
}

/// How many changes, from the first on, are moves by the same distance.
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

/// Bytes, and bits if there are some left.
struct At(u64);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 8 {
            0 => write!(f, "{}", self.0 / 8),
            bits => write!(f, "{} bit {bits}", self.0 / 8),
        }
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
            Self::Type { from, to } => write!(f, "\n    type: {from} -> {to}"),
            Self::Added(Member { name, ty, offset }) => {
                write!(f, "\n    + {name}: {ty} at {}", At(*offset))
            }
            Self::Removed(Member { name, ty, offset }) => {
                write!(f, "\n    - {name}: {ty} at {}", At(*offset))
            }
            Self::Moved { member, from, to } => {
                write!(f, "\n    {member}: at {} -> {}", At(*from), At(*to))
            }
            Self::Retyped { member, from, to } => write!(f, "\n    {member}: {from} -> {to}"),
            Self::Value {
                value: name,
                from,
                to,
            } => write!(f, "\n    {name} = {} -> {}", value(from), value(to)),
        }
    }
}
