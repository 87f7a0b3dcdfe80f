// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Compares a module with a kernel in everything but types: the machine, the version magic, the size
//! of `struct module` and the symbols. `kernel/module/main.c` and `version.c` of the kernel do the
//! same when they load a module.

mod kernel;
mod module;
mod symbols;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::list::shortened;

pub use self::kernel::Kernel;
pub use self::module::Module;
pub use self::module::ModuleError;
pub use self::module::NotAModule;
pub use self::symbols::Symbols;
pub use self::symbols::SymbolsError;
pub use self::symbols::SymbolsProblem;

/// The most symbols that a message names.
const SHOWN: usize = 3;

/// A reason, apart from types, for which a kernel refuses a module.
///
/// `Display` gives a clause about the module, for a message that has named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It is for another machine. The names are those of `uname -m`.
    Machine {
        /// The module's.
        module: String,
        /// The kernel's.
        kernel: String,
    },
    /// It was built for another kernel.
    Release {
        /// The release of the kernel that it was built for.
        module: String,
        /// The kernel's release.
        kernel: String,
    },
    /// It was built with other options: the rest of the version magic differs.
    Options {
        /// The module's, as `SMP preempt mod_unload`.
        module: String,
        /// The kernel's.
        kernel: String,
    },
    /// Its `struct module` has another size.
    StructModule {
        /// The size of the module's, in bytes.
        module: u64,
        /// The size of the kernel's, in bytes.
        kernel: u64,
    },
    /// It needs symbols that the kernel does not export.
    Missing {
        /// Their names.
        symbols: Vec<String>,
    },
    /// It needs symbols of which the kernel has other versions.
    Versions {
        /// Their names.
        symbols: Vec<String>,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine { module, kernel } => {
                write!(f, "it is for {module}, the kernel is for {kernel}")
            }
            Self::Release { module, kernel } => {
                write!(f, "it was built for {module}, the kernel is {kernel}")
            }
            Self::Options { module, kernel } => write!(
                f,
                "it was built with '{module}', the kernel with '{kernel}'"
            ),
            Self::StructModule { module, kernel } => write!(
                f,
                "its struct module has {module} bytes, the kernel's has {kernel}"
            ),
            Self::Missing { symbols } => {
                let symbols = shortened(symbols, SHOWN);
                write!(f, "the kernel does not export {symbols}")
            }
            Self::Versions { symbols } => {
                let symbols = shortened(symbols, SHOWN);
                write!(f, "the kernel has other versions of {symbols}")
            }
        }
    }
}

/// The result of comparing a module with a kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fit {
    /// The reasons for which the kernel refuses the module.
    pub obstacles: Vec<Obstacle>,
    /// Whether everything could be compared: the machine, the version magic, the size of
    /// `struct module` and the symbols.
    pub complete: bool,
    /// The release that the module was built for.
    pub built_for: Option<String>,
    /// Whether that is the kernel's release; `None` if one of them is unknown.
    pub same_release: Option<bool>,
}

/// Compares a module with a kernel and with the symbols that the kernel exports. What is unknown is
/// not compared.
pub fn compare(module: &Module, kernel: &Kernel, symbols: Option<&Symbols>) -> Fit {
    let mut obstacles = vec![];

    if let Some(machine) = &kernel.machine {
        if *machine != module.machine {
            obstacles.push(Obstacle::Machine {
                module: module.machine.clone(),
                kernel: machine.clone(),
            });
        }
    }
    obstacles.extend(release(module, kernel));
    obstacles.extend(options(module, kernel));
    if let Some(size) = kernel.struct_module {
        if size != module.struct_module {
            obstacles.push(Obstacle::StructModule {
                module: module.struct_module,
                kernel: size,
            });
        }
    }
    if let Some(symbols) = symbols {
        obstacles.extend(symbols.missing(module));
        obstacles.extend(symbols.versions(module));
    }
    Fit {
        obstacles,
        complete: kernel.is_known() && module.vermagic.is_some() && symbols.is_some(),
        built_for: module.release().map(str::to_owned),
        same_release: kernel
            .release
            .as_deref()
            .zip(module.release())
            .map(|(a, b)| a == b),
    }
}

/// The kernel compares the releases only if the module or the kernel has no versions of symbols:
/// `same_magic()` in `kernel/module/version.c`.
fn release(module: &Module, kernel: &Kernel) -> Option<Obstacle> {
    let (ours, theirs) = (module.release()?, kernel.release.as_deref()?);
    let by_symbols = module.has_versions() && kernel.has_versions().unwrap_or(true);

    (ours != theirs && !by_symbols).then(|| Obstacle::Release {
        module: ours.to_owned(),
        kernel: theirs.to_owned(),
    })
}

fn options(module: &Module, kernel: &Kernel) -> Option<Obstacle> {
    let (ours, theirs) = (module.options()?, kernel.options()?);

    (ours != theirs).then(|| Obstacle::Options {
        module: ours.to_owned(),
        kernel: theirs.to_owned(),
    })
}
