// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The ways in which BTF can be malformed, each with the outcome expected of a kernel with Rust.
//!
//! Some cases only look malformed, or are valid but large: these load.

mod base;
mod cycles;
mod fields;
mod header;
mod names;
mod references;
mod sizes;

use std::fmt;

use rustix::io::Errno;

use crate::kernel::Load;
use crate::kernel::Outcome;
use crate::module::Module;
use crate::pair::Drafts;
use crate::pair::Pair;
use crate::Error;

/// The outcome that is expected of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The module is loaded.
    Loads,
    /// The module is loaded, with exactly one line from Rust in the log, which contains this.
    LoadsWith {
        /// A part of the line.
        says: String,
    },
    /// Rust refuses it, with exactly one line in the log, which contains all of this.
    Rust {
        /// The section that the line is about.
        whose: Whose,
        /// Parts of the line.
        says: Vec<String>,
    },
    /// C refuses it, before or after Rust sees it, with this in the log.
    C {
        /// The errno.
        errno: Errno,
        /// Part of a line.
        says: &'static str,
    },
}

/// One of the two sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// `.BTF`.
    Split,
    /// `.BTF.base`.
    Base,
}

impl Expected {
    /// C refuses it with `EINVAL`.
    fn c(says: &'static str) -> Self {
        Self::C {
            errno: Errno::INVAL,
            says,
        }
    }

    /// Rust refuses it because of a type of the split BTF.
    fn rust(id: u32, kind: u8, reason: impl Into<String>) -> Self {
        Self::rust_of(Whose::Split, id, kind, reason)
    }

    fn rust_of(whose: Whose, id: u32, kind: u8, reason: impl Into<String>) -> Self {
        let kind = match splitbtf::kind::name(kind) {
            Some(name) => name.to_owned(),
            None => format!("kind {kind}"),
        };
        // The type's name may follow.
        let ty = format!(": BTF type {id} ({kind}");

        Self::Rust {
            whose,
            says: vec![ty, reason.into()],
        }
    }

    /// The outcome, if it is not as expected.
    pub fn unlike(&self, module: &str, load: &Load) -> Option<String> {
        let outcome = match (self, &load.outcome) {
            (Self::Loads, Outcome::Loads) => return None,
            (Self::LoadsWith { says }, Outcome::Loads) => {
                let ours = lines_of_rust(load);
                return match ours[..] {
                    [line] if line.contains(says.as_str()) => None,
                    _ => Some(format!("loads, with {} lines of Rust", ours.len())),
                };
            }
            (Self::Rust { whose, says }, Outcome::Refused(Errno::INVAL)) => {
                let base = match whose {
                    Whose::Split => "",
                    Whose::Base => ".BTF.base: ",
                };
                let ours = lines_of_rust(load);
                let prefix = format!("bpf_rust: BTF of {module}: {base}");
                return match ours[..] {
                    [line]
                        if line.starts_with(&prefix) && says.iter().all(|s| line.contains(s)) =>
                    {
                        None
                    }
                    _ => Some(format!("refused, with {} lines of Rust", ours.len())),
                };
            }
            (Self::C { errno, says }, Outcome::Refused(found)) if errno == found => {
                let mut lines = load.log.iter().filter(|line| line.starts_with("BPF: "));
                return match lines.any(|line| line.contains(says)) {
                    true => None,
                    false => Some("refused, but not with this line".into()),
                };
            }
            (_, outcome) => outcome,
        };

        Some(outcome.to_string())
    }
}

/// The lines of the log that Rust has written.
fn lines_of_rust(load: &Load) -> Vec<&str> {
    let lines = load.log.iter().map(String::as_str);

    lines
        .filter(|line| line.starts_with("bpf_rust: BTF of "))
        .collect()
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loads => f.write_str("loads"),
            Self::LoadsWith { says } => write!(f, "loads: {says}"),
            Self::Rust { whose, says } => {
                write!(f, "refused by Rust, {whose:?}: {}", says.join("… "))
            }
            Self::C { errno, says } => write!(f, "refused by C, {errno}: {says}"),
        }
    }
}

/// One way in which BTF can be malformed.
pub struct Case {
    /// Its name, of lower-case letters, digits and dashes.
    pub name: String,
    make: Box<dyn Fn() -> (Pair, Expected)>,
}

impl Case {
    /// Makes the BTF, and the outcome expected of the kernel.
    pub fn make(&self) -> (Pair, Expected) {
        (self.make)()
    }
}

/// Cases that are being collected.
pub(crate) struct Cases {
    pair: Pair,
    drafts: Drafts,
    all: Vec<Case>,
}

impl Cases {
    fn push(&mut self, name: String, make: impl Fn() -> (Pair, Expected) + 'static) {
        let make = Box::new(make);

        self.all.push(Case { name, make });
    }

    /// Adds a case that adds types to those of the module.
    fn add(
        &mut self,
        name: impl Into<String>,
        change: impl Fn(&mut crate::pair::Draft) -> Expected + 'static,
    ) {
        let drafts = self.drafts.clone();

        self.push(name.into(), move || {
            let mut drafts = drafts.clone();
            let expected = change(&mut drafts.split);
            (drafts.pair(), expected)
        });
    }

    /// Adds a case that writes a base. Its split BTF has only a pointer to the base's first type.
    fn base(
        &mut self,
        name: impl Into<String>,
        change: impl Fn(&mut crate::pair::Draft) -> Expected + 'static,
    ) {
        self.push(name.into(), move || {
            let mut base = Drafts::empty().base;
            let expected = change(&mut base);
            let mut drafts = Drafts::on(base);
            drafts.split.add(0, splitbtf::raw::wire::PTR, 1, &[]);
            (drafts.pair(), expected)
        });
    }

    /// Adds a case that writes both drafts.
    fn both(&mut self, name: impl Into<String>, make: impl Fn() -> (Drafts, Expected) + 'static) {
        self.push(name.into(), move || {
            let (drafts, expected) = make();
            (drafts.pair(), expected)
        });
    }

    /// Adds a case that changes bytes.
    fn bytes(&mut self, name: impl Into<String>, change: impl Fn(&mut Pair) -> Expected + 'static) {
        let pair = self.pair.clone();

        self.push(name.into(), move || {
            let mut pair = pair.clone();
            let expected = change(&mut pair);
            (pair, expected)
        });
    }
}

/// All cases, made of the module's own BTF.
///
/// # Errors
///
/// If that is not valid.
pub fn all(module: &Module) -> Result<Vec<Case>, Error> {
    let drafts = Drafts::of(&module.pair())?;

    Ok(of(drafts))
}

fn of(drafts: Drafts) -> Vec<Case> {
    let mut cases = Cases {
        pair: drafts.pair(),
        drafts,
        all: vec![],
    };

    header::cases(&mut cases);
    fields::cases(&mut cases);
    names::cases(&mut cases);
    references::cases(&mut cases);
    cycles::cases(&mut cases);
    base::cases(&mut cases);
    sizes::cases(&mut cases);
    cases.all
}

/// All cases, made of a struct with a member and of a pointer, both on an `int` of the base.
#[cfg(test)]
pub(crate) fn samples() -> Vec<Case> {
    use splitbtf::raw::wire;

    let mut base = Drafts::empty().base;
    let int = base.int();
    let mut drafts = Drafts::on(base);
    let name = drafts.split.string("member");
    let info = crate::pair::Info::of(wire::STRUCT, 1);
    drafts.split.add(0, info, 4, &[name, int, 0]);
    drafts.split.add(0, wire::PTR, int, &[]);

    of(drafts)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_names_and_differ() {
        let cases = samples();
        let names: HashSet<_> = cases.iter().map(|case| case.name.as_str()).collect();

        assert_eq!(names.len(), cases.len());
        assert!(cases.len() > 60);
        let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(names.iter().all(|name| name.chars().all(letter)));
    }

    /// Rust refuses here all cases that it must refuse in the kernel, with the same words.
    #[test]
    fn rust_says_what_is_expected() {
        use splitbtf::BtfExt;
        use splitbtf::Owned;
        use zerocopy::LE;

        for case in samples() {
            let (pair, Expected::Rust { whose, says }) = case.make() else {
                continue;
            };
            let base = Owned::<LE>::new(pair.base, None);
            let error = base.and_then(|base| {
                base.btf().validated()?;
                let split = Owned::<LE>::new(pair.split, Some(&base))?;
                let valid = split.btf().validated()?;
                let none = splitbtf::Names::indexed(base.btf(), &[], None);
                splitbtf::relocate(&valid, &none, splitbtf::Policy::Opaque).map(|_| ())
            });
            let line = format!(": {}", error.expect_err(&case.name));
            assert!(
                says.iter().all(|s| line.contains(s)),
                "{}: {line} {says:?} {whose:?}",
                case.name
            );
        }
    }
}
