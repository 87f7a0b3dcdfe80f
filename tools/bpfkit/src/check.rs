// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Whether modules will load: what kernels do with the BTF of a module, without loading it.
//!
//! A kernel with `CONFIG_BPF_RUST` relocates it as `rust/splitbtf` does, which is asked here. What
//! the C of a stock kernel does, that of 7.3, is put down as rules of its own. Both validate BTF
//! first; `splitbtf` finds malformed what C may take, and C knows some rules of its own for names
//! and sizes.

mod stock;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;
use serde::Serializer;
use splitbtf::Btf;
use splitbtf::Distiller;
use splitbtf::Kind;
use splitbtf::Mismatch;
use splitbtf::Names;
use splitbtf::Policy;
use splitbtf::Valid;
use zerocopy::ByteOrder;

use crate::dump::kind_name;
use crate::input::BASE_SECTION;
use crate::input::SECTION;
use crate::Input;
use crate::InputError;

pub use self::stock::Refusal;

/// Checks modules for some kernels, one after the other.
pub struct Checker<'k, O: ByteOrder> {
    own: Option<&'k Btf<'k, O>>,
    kernels: &'k [Names<'k, O>],
    distiller: Distiller,
}

/// A module, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What its types are split on.
    pub base: Base,
    /// What becomes of it, by kernel.
    pub outcomes: Vec<Outcome>,
}

/// What the BTF of a module is split on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Base {
    /// It has a `.BTF.base`.
    Own,
    /// It has none, and has been distilled for the check.
    Distilled,
    /// It has none: its ids are taken as they are, and are right for the kernel that it was built
    /// for, and for no other.
    Kernel,
    /// It has no BTF, of which no kernel complains.
    None,
}

/// What becomes of the BTF of a module on a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is relocated, or would be.
    Relocated {
        /// The types of the distilled base of which there is something to say, by id.
        types: Vec<Finding>,
        /// Why a stock kernel does not, as the first line in its log has it.
        refusal: Option<Refusal>,
    },
    /// It is taken as it is, as it has no distilled base.
    AsIs,
    /// It is refused by all kernels that find out. Those without Rust take some of it, or crash.
    Malformed {
        /// Where.
        section: &'static str,
        /// What is wrong.
        error: splitbtf::Error,
    },
}

/// Something to say of a type of a distilled base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its kind, as `STRUCT`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Why a kernel with Rust keeps it as an opaque type; `None` if it does not.
    #[serde(serialize_with = "as_text")]
    pub opaque: Option<Mismatch>,
    /// Why a stock kernel refuses the module for it; `None` if it does not.
    #[serde(serialize_with = "as_text")]
    pub refused: Option<Refusal>,
    #[serde(skip)]
    prefix: &'static str,
}

fn as_text<T: fmt::Display, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(ToString::to_string).serialize(to)
}

/// The type as in C, and all that there is to say of it: `struct inode: size 600 in the module, 608
/// in vmlinux`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: ", self.prefix, self.name)?;
        match (&self.opaque, &self.refused) {
            (Some(opaque), Some(_)) => write!(f, "{opaque}"),
            (Some(opaque), None) => write!(f, "{opaque}, which a stock kernel does not mind"),
            (None, Some(Refusal::Ambiguous { candidates, .. })) => {
                let [first, second] = candidates;
                write!(f, "a stock kernel has two candidates, {first} and {second}")
            }
            (None, Some(_)) => write!(f, "a stock kernel finds no candidate"),
            (None, None) => Ok(()),
        }
    }
}

/// What a kernel does with a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It loads it, and all types of vmlinux that it refers to are there.
    Loads,
    /// It loads it, but of so many types nothing can be known but name and size.
    Opaque(usize),
    /// It refuses it, as it lacks types.
    Refused,
    /// It refuses it, as its BTF is wrong.
    Malformed,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loads => f.pad("loads"),
            Self::Opaque(1) => f.pad("loads with 1 opaque type"),
            Self::Opaque(n) => f.pad(&format!("loads with {n} opaque types")),
            Self::Refused => f.pad("refused"),
            Self::Malformed => f.pad("malformed"),
        }
    }
}

impl Outcome {
    /// What a stock kernel does.
    pub fn stock(&self) -> Verdict {
        match self {
            Self::AsIs | Self::Relocated { refusal: None, .. } => Verdict::Loads,
            Self::Relocated { .. } => Verdict::Refused,
            Self::Malformed { .. } => Verdict::Malformed,
        }
    }

    /// What a kernel with `CONFIG_BPF_RUST` does.
    pub fn rust(&self) -> Verdict {
        match self {
            Self::AsIs => Verdict::Loads,
            Self::Relocated { types, .. } => {
                match types.iter().filter(|ty| ty.opaque.is_some()).count() {
                    0 => Verdict::Loads,
                    n => Verdict::Opaque(n),
                }
            }
            Self::Malformed { .. } => Verdict::Malformed,
        }
    }

    /// Whether there is a kernel that refuses the module.
    pub fn is_refused(&self) -> bool {
        self.stock() != Verdict::Loads
    }
}

impl<'k, O: ByteOrder> Checker<'k, O> {
    /// Checks for `kernels`. A module that has no distilled base is distilled if `own` is there,
    /// the BTF of the kernel that it was built for.
    pub fn new(kernels: &'k [Names<'k, O>], own: Option<&'k Btf<'k, O>>) -> Self {
        Self {
            own,
            kernels,
            distiller: Distiller::new(),
        }
    }

    /// Checks a module: a `.ko`, or BTF by itself. BTF in the other byte order is malformed.
    ///
    /// # Errors
    ///
    /// If a section cannot be read.
    pub fn check(&mut self, module: &Input) -> Result<Checked, InputError> {
        let Some(split) = module.section(SECTION)? else {
            return Ok(self.all(Base::None, Outcome::AsIs));
        };

        Ok(self.check_sections(split, module.section(BASE_SECTION)?))
    }

    /// Checks a module by the content of its sections `.BTF` and `.BTF.base`.
    pub fn check_sections(&mut self, split: &[u8], base: Option<&[u8]>) -> Checked {
        let (base, result) = match (base, self.own) {
            (Some(base), _) => (Base::Own, self.relocate(split, base)),
            (None, Some(own)) => (Base::Distilled, self.distil(split, own)),
            (None, None) => (Base::Kernel, Ok(self.take(split))),
        };

        match result {
            Ok(outcomes) => Checked { base, outcomes },
            Err(malformed) => self.all(base, malformed),
        }
    }

    fn all(&self, base: Base, outcome: Outcome) -> Checked {
        Checked {
            base,
            outcomes: vec![outcome; self.kernels.len()],
        }
    }

    /// A module that is taken as it is.
    fn take(&self, split: &[u8]) -> Vec<Outcome> {
        let kernels = self.kernels.iter();

        kernels
            .map(
                |kernel| match opened(split, Some(kernel.btf()), |_| Ok(())) {
                    Ok(()) => Outcome::AsIs,
                    Err(error) => malformed(SECTION)(error),
                },
            )
            .collect()
    }

    fn distil(&mut self, split: &[u8], own: &Btf<'_, O>) -> Result<Vec<Outcome>, Outcome> {
        let distilled = opened(split, Some(own), |split| self.distiller.distill(split));
        let distilled = distilled.map_err(malformed(SECTION))?;

        self.relocate(&distilled.split, &distilled.base)
    }

    fn relocate(&self, split: &[u8], base: &[u8]) -> Result<Vec<Outcome>, Outcome> {
        let relocate = |base: &Valid<'_, O>| {
            Ok(opened(split, Some(base), |split| {
                let kernels = self.kernels.iter();
                let needs = split.needs()?;
                kernels
                    .map(|kernel| outcome(base, split, &needs, kernel))
                    .collect::<Result<_, _>>()
            }))
        };
        let outcomes = opened(base, None, relocate).map_err(malformed(BASE_SECTION))?;

        outcomes.map_err(|error| match error {
            // Only relocation looks at types of the base then.
            splitbtf::Error::Type {
                reason: splitbtf::TypeReason::NotDistilled | splitbtf::TypeReason::LongName,
                ..
            } => malformed(BASE_SECTION)(error),
            error => malformed(SECTION)(error),
        })
    }
}

fn malformed(section: &'static str) -> impl Fn(splitbtf::Error) -> Outcome {
    move |error| Outcome::Malformed { section, error }
}

/// Opens BTF and validates it, for as long as `then` takes.
fn opened<O: ByteOrder, T>(
    bytes: &[u8],
    base: Option<&Btf<'_, O>>,
    then: impl FnOnce(&Valid<'_, O>) -> Result<T, splitbtf::Error>,
) -> Result<T, splitbtf::Error> {
    let mut room = vec![0; splitbtf::max_types::<O>(bytes)?];

    then(&Btf::open(bytes, base, &mut room)?.validated()?)
}

/// What becomes of split BTF on one kernel.
fn outcome<O: ByteOrder>(
    base: &Btf<'_, O>,
    split: &Valid<'_, O>,
    needs: &splitbtf::Needs,
    kernel: &Names<'_, O>,
) -> Result<Outcome, splitbtf::Error> {
    let (ids, strings) = split.relocation_room();
    let (mut ids, mut strings) = (vec![0; ids], vec![0; strings]);
    let relocation = split.relocate(kernel, Policy::Opaque, &mut ids, &mut strings)?;
    let mut kept = relocation.kept().map(|(id, _)| id).peekable();
    let refusals = stock::refusals(base, needs, kernel)?;
    let mut refused = refusals.types.iter().peekable();
    let mut types = vec![];

    for id in 1..base.end_id() {
        let opaque = match kept.next_if_eq(&id) {
            Some(id) => splitbtf::mismatch(base, id, kernel)?,
            None => None,
        };
        let refused = refused.next_if(|(refused, _)| *refused == id);
        if opaque.is_none() && refused.is_none() {
            continue;
        }
        let ty = base.get(id)?;
        types.push(Finding {
            kind: kind_name(&ty.kind),
            name: base.string(ty.name_off)?.escape_ascii().to_string(),
            opaque,
            refused: refused.map(|(_, refusal)| refusal.clone()),
            prefix: match ty.kind {
                Kind::Struct(_) | Kind::Fwd { is_union: false } => "struct ",
                Kind::Union(_) | Kind::Fwd { is_union: true } => "union ",
                Kind::Enum { .. } => "enum ",
                _ => "",
            },
        });
    }
    Ok(Outcome::Relocated {
        types,
        refusal: refusals.first,
    })
}
