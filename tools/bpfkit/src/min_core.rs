// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Makes the BTF of a kernel or a module as small as the CO-RE relocations of objects allow: BTFGen.

use std::path::Path;

use core_relo::CoreReloKind;
use core_relo::Decider;
use core_relo::Decision;
use core_relo::MinimizeError;
use core_relo::Minimizer;
use core_relo::Object;
use core_relo::Outcome;
use core_relo::Targets;
use serde::Serialize;
use splitbtf::AnyOwned;
use splitbtf::Endian;
use splitbtf::Owned;

use crate::file_error::FileError;
use crate::input::InputProblem;
use crate::input::BASE_SECTION;
use crate::input::SECTION;
use crate::stranger::Stranger;
use crate::Input;
use crate::InputError;

/// The module's name in the records, which are not kept.
const MODULE: &str = "module";

/// Why BTF is not made smaller.
pub type MinCoreError = FileError<MinCoreProblem>;

/// Why BTF is not made smaller: the part of a [`MinCoreError`] that does not name the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MinCoreProblem {
    /// The file has no BTF, or it is malformed.
    #[error(transparent)]
    Input(#[from] InputProblem),
    /// The BTF is split on another base.
    #[error(transparent)]
    OtherBase(#[from] Stranger),
    /// The module has a base of its own, and other ids than the kernel.
    #[error("the module has a distilled base: relocate it first")]
    Distilled,
    /// A relocation of an object is malformed.
    #[error("{object}: {source}")]
    Object {
        /// The object.
        object: String,
        /// The error.
        source: Box<core_relo::Error>,
    },
    /// An instruction would be another one by the new BTF.
    #[error("{object}: by all types '{before}', but by the minimised ones '{after}'")]
    Differs {
        /// The object.
        object: String,
        /// The decision by the old BTF.
        before: String,
        /// The decision by the new BTF.
        after: String,
    },
    /// The BTF is malformed.
    #[error(transparent)]
    Minimize(#[from] MinimizeError),
}

impl From<InputError> for MinCoreError {
    fn from(error: InputError) -> Self {
        error.map()
    }
}

/// An object.
#[derive(Debug)]
pub struct Subject<'a> {
    /// Its name.
    pub path: &'a Path,
    /// Its relocations.
    pub object: Object<'a>,
}

/// The kernel that a module's BTF is split on.
#[derive(Clone, Copy, Debug)]
pub struct Base<'a> {
    /// All of its BTF.
    pub whole: &'a AnyOwned,
    /// The part of it that the result is split on, if that is not all.
    pub minimized: Option<&'a AnyOwned>,
}

impl<'a> Base<'a> {
    /// What the result is split on.
    fn of_result(self) -> &'a AnyOwned {
        self.minimized.unwrap_or(self.whole)
    }
}

/// The BTF that objects need of a kernel or a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minimized {
    /// The BTF.
    pub bytes: Vec<u8>,
    /// The number of types.
    pub types: u32,
    /// The number of relocations that ask for something that is not there.
    pub absent: usize,
    /// The objects that libbpf does not load on this kernel.
    pub refused: Vec<Refused>,
}

/// An object that libbpf does not load on a kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The object.
    pub object: String,
    /// The first relocation that it does not accept.
    pub reason: String,
}

/// Makes the BTF of a kernel as small as the objects allow. With a `base`, the BTF is that of a module,
/// and the result is split on this base too, or on what it was minimised to for the same objects.
///
/// All programs count, also those that are not loaded unless the application says so. If `verified`,
/// everything is decided again by the result, which takes about as long as minimising.
///
/// # Errors
///
/// If the BTF or a relocation is malformed, or the BTF is not split on this base.
pub fn minimize(
    input: Input,
    base: Option<Base<'_>>,
    objects: &[Subject<'_>],
    verified: bool,
) -> Result<Minimized, MinCoreError> {
    let path = input.path().to_owned();
    let error = |problem| FileError::new(&path, problem);
    let Some(base) = base else {
        let types = types(input, None)?;
        return of_kernel(&types, objects, verified).map_err(error);
    };
    if input.section(BASE_SECTION)?.is_some() {
        return Err(error(MinCoreProblem::Distilled));
    }
    let types = types(input, Some(base.whole))?;

    of_module(&types, base, objects, verified).map_err(error)
}

fn of_kernel(
    types: &AnyOwned,
    objects: &[Subject<'_>],
    verified: bool,
) -> Result<Minimized, MinCoreProblem> {
    let targets = Targets::new(types);
    let minimized = collect(Minimizer::new(&targets), &targets, objects, None)?;

    if verified {
        let new = AnyOwned::new(minimized.bytes.clone(), None).map_err(InputProblem::from)?;
        verify(&targets, &Targets::new(&new), objects)?;
    }
    Ok(minimized)
}

fn of_module(
    types: &AnyOwned,
    base: Base<'_>,
    objects: &[Subject<'_>],
    verified: bool,
) -> Result<Minimized, MinCoreProblem> {
    stranger(types)?;
    let targets = Targets::new(base.whole).module(MODULE, types);
    let base = base.of_result();
    let minimizer = Minimizer::module(&targets, MODULE).ok_or(MinCoreProblem::Distilled)?;
    let minimized = collect(minimizer, &targets, objects, Some(base))?;

    if verified {
        let new = AnyOwned::new(minimized.bytes.clone(), Some(base)).map_err(InputProblem::from)?;
        verify(&targets, &Targets::new(base).module(MODULE, &new), objects)?;
    }
    Ok(minimized)
}

/// Opens the BTF of a file.
///
/// # Errors
///
/// If there is none, or it is malformed.
pub fn types(input: Input, base: Option<&AnyOwned>) -> Result<AnyOwned, InputError> {
    let path = input.path().to_owned();
    let section = input.into_section(SECTION)?;

    let types = Endian::of(&section).and_then(|endian| match (endian, base) {
        (Endian::Little, None) => Owned::new(section, None).map(AnyOwned::Little),
        (Endian::Big, None) => Owned::new(section, None).map(AnyOwned::Big),
        (Endian::Little, Some(AnyOwned::Little(base))) => {
            Owned::new(section, Some(base)).map(AnyOwned::Little)
        }
        (Endian::Big, Some(AnyOwned::Big(base))) => {
            Owned::new(section, Some(base)).map(AnyOwned::Big)
        }
        _ => Err(splitbtf::Error::ByteOrder),
    });
    types.map_err(|error| FileError::in_section(&path, SECTION, error))
}

/// Checks that the names of split BTF are in its base.
fn stranger(types: &AnyOwned) -> Result<(), MinCoreProblem> {
    let found = match types {
        AnyOwned::Little(types) => Stranger::find(&types.btf()),
        AnyOwned::Big(types) => Stranger::find(&types.btf()),
    };

    match found.map_err(InputProblem::from)? {
        None => Ok(()),
        Some(stranger) => Err(stranger.into()),
    }
}

fn collect(
    mut minimizer: Minimizer<'_>,
    targets: &Targets<'_>,
    objects: &[Subject<'_>],
    base: Option<&AnyOwned>,
) -> Result<Minimized, MinCoreProblem> {
    let (mut absent, mut refused) = (0, vec![]);

    for subject in objects {
        let mut first = None;
        for decision in usual(subject, targets)? {
            absent += usize::from(decision.outcome == Outcome::Absent);
            if !decision.is_accepted() {
                first = first.or(Some(decision.to_string()));
            }
            minimizer.add(&decision)?;
        }
        refused.extend(first.map(|reason| Refused {
            object: subject.name(),
            reason,
        }));
        for decision in others(subject, targets)? {
            minimizer.add(&decision)?;
        }
    }
    let bytes = match base {
        Some(base) => minimizer.finish_on(base)?,
        None => minimizer.finish()?,
    };
    let new = AnyOwned::new(bytes.clone(), base).map_err(InputProblem::from)?;
    Ok(Minimized {
        bytes,
        types: new.end_id().saturating_sub(new.first_id()),
        absent,
        refused,
    })
}

impl Subject<'_> {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn error(&self, source: core_relo::Error) -> MinCoreProblem {
        MinCoreProblem::Object {
            object: self.name(),
            source: source.into(),
        }
    }
}

/// The decisions as libbpf makes them.
fn usual(subject: &Subject<'_>, targets: &Targets<'_>) -> Result<Vec<Decision>, MinCoreProblem> {
    let decisions = Decider::new(&subject.object, targets).decide_all();

    decisions
        .into_iter()
        .map(|decision| decision.map_err(|error| subject.error(error)))
        .collect()
}

/// The decisions if programs are loaded too that usually are not. There are none if all usually are.
fn others(subject: &Subject<'_>, targets: &Targets<'_>) -> Result<Vec<Decision>, MinCoreProblem> {
    let object = &subject.object;
    let sections = object.sections().iter();
    let mut functions = sections.flat_map(|section| &section.functions);
    if functions.all(|function| function.is_loaded) {
        return Ok(vec![]);
    }
    let mut decider = Decider::new(object, targets);

    let relocations = object.relocations().iter();
    let decisions = relocations.filter_map(|relocation| {
        let (section, _) = object.place(relocation)?;
        Some(decider.decide(relocation, section.code))
    });
    decisions
        .map(|decision| decision.map_err(|error| subject.error(error)))
        .collect()
}

/// Decides again by the new BTF, and compares.
fn verify(
    old: &Targets<'_>,
    new: &Targets<'_>,
    objects: &[Subject<'_>],
) -> Result<(), MinCoreProblem> {
    for subject in objects {
        let before = [usual(subject, old)?, others(subject, old)?];
        let after = [usual(subject, new)?, others(subject, new)?];
        let pairs = before.iter().flatten().zip(after.iter().flatten());

        for (before, after) in pairs {
            if !is_same(before, after) {
                return Err(MinCoreProblem::Differs {
                    object: subject.name(),
                    before: before.to_string(),
                    after: after.to_string(),
                });
            }
        }
    }
    Ok(())
}

/// Whether two decisions have the same result. The ids of types are those of the BTF.
fn is_same(before: &Decision, after: &Decision) -> bool {
    match (&before.outcome, &after.outcome) {
        // libbpf does not load the object.
        (Outcome::Failed { .. }, _) => true,
        (Outcome::Ambiguous { .. }, Outcome::Ambiguous { .. }) => true,
        (one, other) if one != other => false,
        _ if before.kind == CoreReloKind::TypeIdTarget => {
            before.target.is_some() == after.target.is_some()
        }
        _ => before.instruction == after.instruction && before.new_value == after.new_value,
    }
}
