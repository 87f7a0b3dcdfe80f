// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Finds out which features of this library the running kernel supports.
//!
//! The kernel's `struct module` has the members `btf_data` and `btf_base_data` only if the kernel
//! was built with support for BTF of modules and for distilled bases.

use std::fmt;
use std::fs;
use std::io;

use serde::ser::SerializeMap;
use serde::Serialize;
use serde::Serializer;
use splitbtf::Btf;
use splitbtf::Kind;
use zerocopy::NativeEndian;

use crate::dump::VMLINUX;
use crate::input::Input;
use crate::sys;

/// Selects Rust or C for `used_maps` and the BTF of modules, in kernels that have both.
const SWITCH: &str = "/sys/module/kernel/parameters/bpf_rust";

/// An answer, or the reason why there is none.
pub type Answer<T> = Result<T, String>;

/// The features of the running kernel.
///
/// As JSON this is an object with a member for each feature. An unknown feature is `null`, and
/// `unknown` has the reason. `Display` writes a line for each feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Features {
    /// Its release, as `uname -r` prints it.
    pub release: Answer<String>,
    /// Whether it knows the command `BPF_PROG_BIND_MAP`.
    pub prog_bind_map: Answer<bool>,
    /// Its own BTF; `None` if it has none.
    pub vmlinux_btf: Answer<Option<KernelTypes>>,
    /// Whether its modules have BTF.
    pub module_btf: Answer<bool>,
    /// Whether it relocates modules that come with a distilled base (`.BTF.base`).
    pub distilled_base: Answer<bool>,
    /// The implementation that runs.
    pub implementation: Answer<Implementation>,
}

/// The BTF of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct KernelTypes {
    /// Its length in bytes.
    pub bytes: usize,
    /// The number of types.
    pub types: u32,
}

/// The implementation of `used_maps` and the BTF of modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Implementation {
    /// Rust.
    Rust,
    /// C, although the kernel has the Rust code (`bpf_rust=off`).
    RustOff,
    /// C, as the kernel was built without `CONFIG_BPF_RUST`.
    C,
}

impl Features {
    /// What [`Self::probe`] reads and tries, for users who want to know.
    pub const SOURCES: [&'static str; 4] = [
        "/proc/sys/kernel/osrelease",
        "BPF_PROG_BIND_MAP",
        VMLINUX,
        SWITCH,
    ];

    /// Asks the running kernel. This needs no privileges on Linux 6.4 or later.
    pub fn probe() -> Self {
        let types = types();
        let of_module = |found: fn(&Types) -> bool| match &types {
            Ok(Some(types)) => Ok(found(types)),
            Ok(None) => Ok(false),
            Err(reason) => Err(reason.clone()),
        };

        Self {
            release: read("/proc/sys/kernel/osrelease"),
            prog_bind_map: sys::probe_prog_bind_map().map_err(|error| match error.raw_os_error() {
                Some(libc::EPERM) => "this needs CAP_BPF".into(),
                _ => error.to_string(),
            }),
            module_btf: of_module(|types| types.btf_data),
            distilled_base: of_module(|types| types.btf_base_data),
            implementation: implementation(),
            vmlinux_btf: types.map(|types| types.map(|types| types.of_kernel)),
        }
    }
}

fn read(path: &str) -> Answer<String> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.trim_end().into()),
        Err(error) => Err(format!("{path}: {error}")),
    }
}

fn implementation() -> Answer<Implementation> {
    match fs::read_to_string(SWITCH) {
        Ok(text) if text.trim_end() == "Y" => Ok(Implementation::Rust),
        Ok(_) => Ok(Implementation::RustOff),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::exists("/sys/module") {
            Ok(true) => Ok(Implementation::C),
            _ => Err("/sys is not mounted".into()),
        },
        Err(error) => Err(format!("{SWITCH}: {error}")),
    }
}

/// The facts that the kernel's own types show.
struct Types {
    of_kernel: KernelTypes,
    btf_data: bool,
    btf_base_data: bool,
}

fn types() -> Answer<Option<Types>> {
    match fs::exists(VMLINUX) {
        Ok(true) => {}
        Ok(false) if fs::exists("/sys/kernel").is_ok_and(|there| there) => return Ok(None),
        Ok(false) => return Err("/sys is not mounted".into()),
        Err(error) => return Err(format!("{VMLINUX}: {error}")),
    }
    let input = Input::open(VMLINUX).map_err(|error| error.to_string())?;
    let bytes = input.need(".BTF").map_err(|error| error.to_string())?;

    inspect(bytes)
        .map(Some)
        .map_err(|error| format!("{VMLINUX}: {error}"))
}

fn inspect(bytes: &[u8]) -> Result<Types, splitbtf::Error> {
    let mut index = vec![0; splitbtf::max_types::<NativeEndian>(bytes)?];
    let btf = Btf::<NativeEndian>::open(bytes, None, &mut index)?;
    let mut types = Types {
        of_kernel: KernelTypes {
            bytes: bytes.len(),
            types: btf.end_id() - btf.first_id(),
        },
        btf_data: false,
        btf_base_data: false,
    };

    for ty in btf.types() {
        let ty = ty?;
        let Kind::Struct(composite) = ty.kind else {
            continue;
        };
        if btf.string(ty.name_off)? != b"module" {
            continue;
        }
        for member in composite.members() {
            match btf.string(member.name_off)? {
                b"btf_data" => types.btf_data = true,
                b"btf_base_data" => types.btf_base_data = true,
                _ => {}
            }
        }
    }
    Ok(types)
}

impl fmt::Display for KernelTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} types, {} bytes", self.types, self.bytes)
    }
}

impl fmt::Display for Implementation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::RustOff => "C (bpf_rust=off)",
            Self::C => "C (no CONFIG_BPF_RUST)",
        })
    }
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yes = |answer: &bool| String::from(if *answer { "yes" } else { "no" });

        line(f, "kernel", &self.release, String::clone)?;
        line(f, "BPF_PROG_BIND_MAP", &self.prog_bind_map, yes)?;
        line(f, "BTF of the kernel", &self.vmlinux_btf, |btf| match btf {
            Some(types) => types.to_string(),
            None => "no".into(),
        })?;
        line(f, "BTF of modules", &self.module_btf, yes)?;
        line(f, "distilled base", &self.distilled_base, yes)?;
        line(f, "implementation", &self.implementation, |who| {
            who.to_string()
        })
    }
}

fn line<T>(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    answer: &Answer<T>,
    text: impl FnOnce(&T) -> String,
) -> fmt::Result {
    match answer {
        Ok(answer) => writeln!(f, "{what:<18} {}", text(answer)),
        Err(reason) => writeln!(f, "{what:<18} unknown: {reason}"),
    }
}

impl Serialize for Features {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("release", &self.release.as_ref().ok())?;
        map.serialize_entry("prog_bind_map", &self.prog_bind_map.as_ref().ok())?;
        map.serialize_entry(
            "vmlinux_btf",
            &self.vmlinux_btf.as_ref().ok().copied().flatten(),
        )?;
        map.serialize_entry("module_btf", &self.module_btf.as_ref().ok())?;
        map.serialize_entry("distilled_base", &self.distilled_base.as_ref().ok())?;
        map.serialize_entry("implementation", &self.implementation.as_ref().ok())?;
        map.serialize_entry("unknown", &Unknown(self))?;
        map.end()
    }
}

/// The reasons for unknown features, as JSON.
struct Unknown<'a>(&'a Features);

impl Serialize for Unknown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let reasons = [
            ("release", self.0.release.as_ref().err()),
            ("prog_bind_map", self.0.prog_bind_map.as_ref().err()),
            ("vmlinux_btf", self.0.vmlinux_btf.as_ref().err()),
            ("module_btf", self.0.module_btf.as_ref().err()),
            ("distilled_base", self.0.distilled_base.as_ref().err()),
            ("implementation", self.0.implementation.as_ref().err()),
        ];
        let known = reasons.into_iter().filter(|(_, reason)| reason.is_some());

        serializer.collect_map(known)
    }
}

#[cfg(test)]
mod tests;
