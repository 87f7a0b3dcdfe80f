// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Programs, and binding maps to them.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;

use crate::sys;
use crate::sys::MapInfo;
use crate::Error;

/// How a program or a map is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// By its id.
    Id(u32),
    /// By the path in a BPF file system at which it is pinned.
    Pinned(PathBuf),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "id {id}"),
            Self::Pinned(path) => write!(f, "pinned {}", path.display()),
        }
    }
}

/// Binds the maps of global data among `maps` to each of `programs` that does not have them, so
/// that their content lives as long as the programs. Returns the ids of the maps that were bound.
///
/// For callers that load an object with any library. Call it after loading the programs and before
/// closing the maps. With libbpf-rs that is
///
/// ```no_run
/// # fn example(object: &libbpf_rs::Object) -> Result<(), bpfkit::Error> {
/// bpfkit::prog::bind_global_data(object.progs(), object.maps())?;
/// # Ok(())
/// # }
/// ```
///
/// Leave out programs that are not loaded and maps that are not created, if there are any:
/// `object.progs().filter(|program| program.autoload())`, `object.maps().filter(|map|
/// map.autocreate())`.
///
/// Global data are arrays of one element with the name of a section: `.rodata`, `.data`, `.bss`, or
/// one that begins with these and a dot. The name of an object may precede it. Nothing is bound
/// unless [`can_bind`].
///
/// # Errors
///
/// If the kernel refuses. Some maps may be bound by then.
pub fn bind_global_data<P: AsFd, M: AsFd>(
    programs: impl IntoIterator<Item = P>,
    maps: impl IntoIterator<Item = M>,
) -> Result<Vec<u32>, Error> {
    if !can_bind() {
        return Ok(vec![]);
    }
    let error = |what: &str| {
        let what = what.to_owned();
        move |source| Error::Kernel { what, source }
    };
    let mut data = vec![];
    for map in maps {
        let info = sys::map_info(map.as_fd()).map_err(error("a map"))?;
        if info.is_section() && is_global_data(section_of(&info.name())) {
            data.push((info.id, map));
        }
    }
    let mut bound = vec![];
    for program in programs {
        let (info, ids) = sys::prog_info(program.as_fd()).map_err(error("a program"))?;
        for (id, map) in data.iter().filter(|(id, _)| !ids.contains(id)) {
            bind_by_id(program.as_fd(), info.id, map.as_fd(), *id)?;
            bound.push(*id);
        }
    }
    bound.sort_unstable();
    bound.dedup();
    Ok(bound)
}

/// Binds a map to a program. The ids of both are for the error.
pub(crate) fn bind_by_id(
    program: BorrowedFd<'_>,
    program_id: u32,
    map: BorrowedFd<'_>,
    map_id: u32,
) -> Result<(), Error> {
    sys::prog_bind_map(program, map).map_err(|source| Error::Kernel {
        what: format!("binding map id {map_id} to prog id {program_id}"),
        source,
    })
}

/// The name of the section that libbpf made a map from. libbpf puts the object's name before plain
/// `.rodata`, `.data` and `.bss`.
pub(crate) fn section_of(map: &str) -> &str {
    map.find('.').map_or(map, |dot| &map[dot..])
}

/// Whether this is the name of a section with global data.
pub(crate) fn is_global_data(section: &str) -> bool {
    [".rodata", ".data", ".bss"].iter().any(|name| {
        section
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Whether the kernel knows `BPF_PROG_BIND_MAP`, as kernels since 5.10 do. Also true if the probe
/// fails: binding then returns the reason.
pub fn can_bind() -> bool {
    sys::probe_prog_bind_map().unwrap_or(true)
}

/// Binds maps to a program. Those that it uses already are left alone.
///
/// # Errors
///
/// If the program or a map does not exist, or the kernel refuses. The maps before it stay bound.
pub fn bind(prog: &Name, maps: &[Name]) -> Result<(), Error> {
    let prog_fd = open_prog(prog)?;

    for map in maps {
        let map_fd = open_map(map)?;

        sys::prog_bind_map(prog_fd.as_fd(), map_fd.as_fd()).map_err(|source| Error::Kernel {
            what: format!("binding map {map} to prog {prog}"),
            source,
        })?;
    }
    Ok(())
}

fn open(
    what: &str,
    name: &Name,
    by_id: impl FnOnce(u32) -> io::Result<OwnedFd>,
) -> Result<OwnedFd, Error> {
    match name {
        Name::Id(id) => by_id(*id),
        Name::Pinned(path) => sys::obj_get(path),
    }
    .map_err(|source| Error::Kernel {
        what: format!("{what} {name}"),
        source,
    })
}

/// Opens a program.
pub(crate) fn open_prog(name: &Name) -> Result<OwnedFd, Error> {
    let fd = open("prog", name, sys::prog_by_id)?;
    // If a map was given where a program is expected, the kernel would describe the map.
    let kind = fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()));

    match kind.is_ok_and(|kind| kind != Path::new("anon_inode:bpf-prog")) {
        true => Err(Error::NotProgram {
            what: format!("prog {name}"),
        }),
        false => Ok(fd),
    }
}

/// Opens a map.
pub(crate) fn open_map(name: &Name) -> Result<OwnedFd, Error> {
    open("map", name, sys::map_by_id)
}

/// The kernel's information about a map.
pub(crate) fn map_info(name: &Name) -> Result<MapInfo, Error> {
    let fd = open_map(name)?;

    sys::map_info(fd.as_fd()).map_err(|source| Error::Kernel {
        what: format!("map {name}"),
        source,
    })
}

#[cfg(test)]
mod tests;
