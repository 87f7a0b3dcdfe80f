// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Predicts what kernels do with the BTF of modules.
//!
//! All kernels parse BTF in C first, and refuse much of what is malformed. A kernel with
//! `CONFIG_BPF_RUST` then validates it with code that this crate calls too, `rust/splitbtf-core`: it
//! refuses BTF that C may accept. The same code tells how such a kernel relocates the BTF; how a
//! stock kernel parses and relocates it is modelled on the C code of 7.3.

mod parse;
mod stock;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;
use splitbtf::Btf;
use splitbtf::BtfExt;
use splitbtf::Distiller;
use splitbtf::Mismatch;
use splitbtf::Names;
use splitbtf::Needs;
use splitbtf::Own;
use splitbtf::Unmatched;
use splitbtf::Valid;
use splitbtf::ValidExt;
use zerocopy::ByteOrder;

use crate::dump::kind_name;
use crate::input::BASE_SECTION;
use crate::input::SECTION;
use crate::list::shortened;
use crate::relocate::shown;
use crate::Input;
use crate::InputError;
use crate::Stranger;

pub use self::parse::ParseError;
pub use self::stock::Refusal;

/// Checks modules, one after the other, against a set of kernels.
pub struct Checker<'k, O: ByteOrder> {
    own: Option<&'k Btf<'k, O>>,
    kernels: &'k [Names<'k, O>],
    distiller: Distiller,
}

/// The result for a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The base that its types are split on.
    pub base: Base,
    /// The outcome on each kernel.
    pub outcomes: Vec<Outcome>,
}

/// The base that the BTF of a module is split on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Base {
    /// It has a `.BTF.base`.
    #[serde(rename = "in_module")]
    Own,
    /// It has none; the check has distilled it.
    #[serde(rename = "distilled_by_check")]
    Distilled,
    /// It has none. Its ids are used as they are; they are right only for the kernel that it was
    /// built for.
    #[serde(rename = "vmlinux")]
    Kernel,
    /// It has no BTF; every kernel accepts that.
    #[serde(rename = "no_btf")]
    None,
}

/// The outcome for the BTF of a module on a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The kernel relocates it, or refuses it because types do not match.
    Relocated {
        /// The types of the distilled base that do not match with Rust or with C, by id.
        types: Vec<Finding>,
        /// Why a stock kernel refuses it, as the first line of its log; `None` if it does not.
        refusal: Option<Refusal>,
    },
    /// The kernel takes it unchanged, as it has no distilled base.
    AsIs,
    /// The same, but its names show that it was built for another kernel.
    OtherBase(Stranger),
    /// It is malformed.
    Malformed {
        /// The section with the error.
        section: &'static str,
        /// The error.
        problem: Problem,
    },
}

/// The first error in malformed BTF.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The C code of all kernels refuses it.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// A kernel with the Rust code refuses it. One without may accept it, or crash.
    #[error(transparent)]
    Btf(#[from] splitbtf::Error),
}

/// A type of a distilled base that does not match with Rust or with C.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its id.
    pub id: u32,
    /// Its kind, as `STRUCT`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Whether the module contains it: as the type of a member, a variable, or a function's
    /// parameter or return value.
    pub contained: bool,
    /// How a kernel with Rust handles it if it does not match.
    pub rust: Rust,
    /// Why a stock kernel refuses the module because of it; `None` if it does not.
    pub refused: Option<Refusal>,
    pub(crate) keyword: Option<&'static str>,
}

/// How a kernel with Rust handles a type that matches none of vmlinux: one field is set, to the
/// reason for the mismatch. If the type matches, no field is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rust {
    /// The module gets an opaque type.
    pub opaque: Option<Mismatch>,
    /// The module keeps its own type.
    pub kept: Option<Mismatch>,
    /// The kernel refuses the module.
    pub mismatch: Option<Mismatch>,
}

impl From<&Unmatched> for Rust {
    fn from(unmatched: &Unmatched) -> Self {
        let reason = Some(unmatched.reason);
        let matches = Self::default();

        match unmatched.own {
            Some(Own::Opaque) => Self {
                opaque: reason,
                ..matches
            },
            Some(Own::Kept) => Self {
                kept: reason,
                ..matches
            },
            None => Self {
                mismatch: reason,
                ..matches
            },
        }
    }
}

impl Finding {
    /// What comes of it in short, and the mismatch beside that, to list it once for many modules and
    /// kernels: `struct inode does not match`.
    #[cfg(feature = "cli")]
    pub(crate) fn in_short(&self) -> (String, Option<Mismatch>) {
        let Rust {
            opaque,
            kept,
            mismatch,
        } = self.rust;
        let effects = [
            (opaque, "is opaque"),
            (kept, "is kept"),
            (mismatch, "does not match"),
        ];
        let accepted = match self.refused {
            Some(_) => "",
            None => ", which a stock kernel does not mind",
        };

        let mut effects = effects.iter().filter(|(reason, _)| reason.is_some());
        match effects.next() {
            Some((reason, what)) => (format!("{} {what}{accepted}", self.in_c()), *reason),
            None => (self.to_string(), None),
        }
    }

    /// The type as in C: `struct inode`.
    fn in_c(&self) -> String {
        match self.keyword {
            Some(keyword) => format!("{keyword} {}", self.name),
            None => self.name.clone(),
        }
    }
}

/// The type as in C, and why it does not match: `struct inode is contained and does not match: size
/// 512 in the module, 528 in vmlinux`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is = match self.contained {
            true => "is contained",
            false => "is only pointed to",
        };
        let Rust {
            opaque,
            kept,
            mismatch,
        } = self.rust;
        let whats = [
            (opaque, "and opaque"),
            (kept, "and kept"),
            (mismatch, "and does not match"),
        ];

        write!(f, "{} {is}", self.in_c())?;
        for (reason, what) in whats {
            if let Some(reason) = reason {
                write!(f, " {what}: {}", shown(&reason))?;
                if self.refused.is_none() {
                    f.write_str(", which a stock kernel does not mind")?;
                }
                return Ok(());
            }
        }
        match &self.refused {
            Some(Refusal::Ambiguous { candidates, .. }) => {
                let [first, second] = candidates;
                write!(
                    f,
                    ": a stock kernel has two candidates, {first} and {second}"
                )
            }
            Some(_) => f.write_str(": a stock kernel finds no candidate"),
            None => Ok(()),
        }
    }
}

/// A kernel's verdict on the BTF of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The kernel has all types that the module refers to.
    Matches,
    /// The kernel accepts it with this many opaque types, known only by their names.
    Opaque(usize),
    /// The kernel refuses it because types do not match.
    Refused,
    /// The kernel refuses it because it is malformed.
    Malformed,
}

impl Verdict {
    /// Whether the kernel refuses the module.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Refused | Self::Malformed)
    }
}

impl Outcome {
    /// The verdict of a stock kernel.
    pub fn stock(&self) -> Verdict {
        match self {
            Self::AsIs | Self::OtherBase(_) | Self::Relocated { refusal: None, .. } => {
                Verdict::Matches
            }
            Self::Relocated { .. } => Verdict::Refused,
            Self::Malformed { .. } => Verdict::Malformed,
        }
    }

    /// The verdict of a kernel with `CONFIG_BPF_RUST`.
    pub fn rust(&self) -> Verdict {
        match self {
            Self::AsIs | Self::OtherBase(_) => Verdict::Matches,
            Self::Relocated { types, .. } => {
                let opaque = types.iter().filter(|ty| ty.rust.opaque.is_some()).count();
                let mut types = types.iter();
                match opaque {
                    _ if types.any(|ty| ty.rust.mismatch.is_some()) => Verdict::Refused,
                    0 => Verdict::Matches,
                    n => Verdict::Opaque(n),
                }
            }
            Self::Malformed { .. } => Verdict::Malformed,
        }
    }

    /// Whether a kernel refuses the module, a stock one or one with `CONFIG_BPF_RUST`.
    pub fn is_refused(&self) -> bool {
        self.stock().is_refusal() || self.rust().is_refusal()
    }

    /// The lines that a kernel with `CONFIG_BPF_RUST` logs when it relocates the module's BTF or
    /// refuses to, without their prefix `bpf_rust: BTF of <module>: `.
    pub fn log(&self) -> Vec<String> {
        let Self::Relocated { types, .. } = self else {
            return vec![];
        };
        let refused = types
            .iter()
            .find_map(|ty| Some((ty, ty.rust.mismatch.as_ref()?)));
        if let Some((ty, reason)) = refused {
            let is = if ty.contained {
                " is contained and"
            } else {
                ""
            };
            return vec![format!(
                "{}{is} does not match: {}",
                ty.in_c(),
                shown(reason)
            )];
        }

        let opaque = line(types, "opaque", |ty| ty.rust.opaque.as_ref());
        let kept = line(types, "kept", |ty| ty.rust.kept.as_ref());
        opaque.into_iter().chain(kept).collect()
    }
}

/// The log line for types that are opaque, or are kept; `None` if there are none. It is as short as
/// the kernel's.
fn line(
    types: &[Finding],
    what: &str,
    reason: fn(&Finding) -> Option<&Mismatch>,
) -> Option<String> {
    const TYPES: usize = 6;
    const NAME_LEN: usize = 64;
    let reasons = types.iter().filter_map(|ty| Some((ty, reason(ty)?)));
    let count = reasons.clone().count();
    let texts = reasons.map(|(ty, reason)| {
        let (name, dots) = match ty.name.split_at_checked(NAME_LEN) {
            Some((start, rest)) if !rest.is_empty() => (start, "..."),
            _ => (ty.name.as_str(), ""),
        };
        let keyword = ty.keyword.map(|keyword| format!("{keyword} "));
        format!(
            "{}{name}{dots} ({})",
            keyword.unwrap_or_default(),
            shown(reason)
        )
    });
    let are = if count == 1 { "type is" } else { "types are" };

    (count > 0).then(|| format!("{count} {are} {what}: {}", shortened(texts, TYPES)))
}

impl<'k, O: ByteOrder> Checker<'k, O> {
    /// A checker for `kernels`. With `own`, the BTF of the kernel that the modules were built for,
    /// it distils modules that have no distilled base.
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
        let split = module.section(SECTION)?.unwrap_or_default();

        Ok(self.check_sections(split, module.section(BASE_SECTION)?))
    }

    /// Checks a module, given the content of its sections `.BTF` and `.BTF.base`. An empty `.BTF`
    /// is none.
    pub fn check_sections(&mut self, split: &[u8], base: Option<&[u8]>) -> Checked {
        if split.is_empty() {
            return self.all(Base::None, Outcome::AsIs);
        }
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

    /// The outcomes for a module whose ids are used as they are.
    fn take(&self, split: &[u8]) -> Vec<Outcome> {
        let kernels = self.kernels.iter();

        kernels
            .map(
                |kernel| match opened(split, Some(kernel.btf()), |split| Stranger::find(split)) {
                    Ok(None) => Outcome::AsIs,
                    Ok(Some(stranger)) => Outcome::OtherBase(stranger),
                    Err(problem) => malformed(SECTION)(problem),
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
                    .map(|kernel| outcome(base, &needs, kernel))
                    .collect::<Result<_, _>>()
            }))
        };
        let outcomes = opened(base, None, relocate).map_err(malformed(BASE_SECTION))?;

        outcomes.map_err(|problem| match problem {
            // Only relocation returns these, for types of the base.
            Problem::Btf(splitbtf::Error::Type {
                reason: splitbtf::TypeReason::NotDistilled | splitbtf::TypeReason::LongName,
                ..
            }) => malformed(BASE_SECTION)(problem),
            problem => malformed(SECTION)(problem),
        })
    }
}

fn malformed(section: &'static str) -> impl Fn(Problem) -> Outcome {
    move |problem| Outcome::Malformed { section, problem }
}

/// Opens BTF, checks it as C and Rust do, and passes it to `then`.
fn opened<O: ByteOrder, T>(
    bytes: &[u8],
    base: Option<&Btf<'_, O>>,
    then: impl FnOnce(&Valid<'_, O>) -> Result<T, splitbtf::Error>,
) -> Result<T, Problem> {
    parse::check(bytes, base)?;
    let mut index = vec![0; splitbtf::max_types::<O>(bytes)?];
    let btf = Btf::open(bytes, base, &mut index)?;
    parse::check_chains(&btf)?;

    Ok(then(&btf.validated()?)?)
}

/// The outcome for split BTF on one kernel.
fn outcome<O: ByteOrder>(
    base: &Btf<'_, O>,
    needs: &Needs,
    kernel: &Names<'_, O>,
) -> Result<Outcome, splitbtf::Error> {
    let unmatched = needs.unmatched(base, kernel)?;
    let mut unmatched = unmatched.iter().peekable();
    let refusals = stock::refusals(base, needs, kernel)?;
    let mut refused = refusals.types.iter().peekable();
    let mut types = vec![];

    for (id, contained) in (1..base.end_id()).zip(needs.contained.iter().skip(1)) {
        let unmatched = unmatched.next_if(|unmatched| unmatched.id == id);
        let refused = refused.next_if(|(refused, _)| *refused == id);
        if unmatched.is_none() && refused.is_none() {
            continue;
        }
        let ty = base.get(id)?;
        types.push(Finding {
            id,
            kind: kind_name(&ty.kind),
            name: base.string(ty.name_off)?.escape_ascii().to_string(),
            contained: *contained,
            rust: unmatched.map(Rust::from).unwrap_or_default(),
            refused: refused.map(|(_, refusal)| refusal.clone()),
            keyword: ty.kind.keyword(),
        });
    }
    Ok(Outcome::Relocated {
        types,
        refusal: refusals.first,
    })
}
