// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Programs: loading them with their global data, and binding maps to them.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;

use aya::maps::Map;
use aya::programs::Program;
use aya::programs::ProgramError;
use aya::Ebpf;
use serde::Serialize;

use crate::btf::KernelBtf;
use crate::error::Reason;
use crate::object_file;
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

/// A program that [`load`] has loaded and pinned.
#[derive(Clone, Debug, Serialize)]
pub struct Loaded {
    /// Its id.
    pub id: u32,
    /// Its name in the object file.
    pub name: String,
    /// Where it is pinned.
    pub pinned: PathBuf,
    /// The maps that were bound to it.
    pub bound: Vec<Bound>,
}

/// A map that was bound to a program.
#[derive(Clone, Debug, Serialize)]
pub struct Bound {
    /// Its id.
    pub id: u32,
    /// Its name in the object file, which is that of a section.
    pub name: String,
}

/// Loads the programs of the object file `object`, and pins them: one program at `pin`, several in a
/// new folder `pin`, each under its name.
///
/// If `bind`, the maps of the object's global data (`.rodata`, `.data`, `.bss`, and those whose names
/// begin with one of these and a dot) are bound to each program, so that what they hold lives as
/// long as the program. Of constants (`.rodata*`) it is a copy that is bound, one that has BTF.
/// Nothing is bound unless [`can_bind`].
///
/// # Errors
///
/// If the object file cannot be read, or the kernel refuses a part of it. Nothing stays pinned then.
pub fn load(object: &Path, pin: &Path, bind: bool) -> Result<Vec<Loaded>, Error> {
    let mut pinned = Pins::default();
    let loaded = load_pinned(object, pin, bind, &mut pinned)?;

    pinned.keep();
    Ok(loaded)
}

fn load_pinned(
    object: &Path,
    pin: &Path,
    bind: bool,
    pinned: &mut Pins,
) -> Result<Vec<Loaded>, Error> {
    let bytes = object_file::read(object)?;
    let mut ebpf = object_file::without_panic(object, || Ebpf::load(&bytes))?;
    let mut names: Vec<_> = ebpf.programs().map(|(name, _)| name.to_owned()).collect();
    names.sort();

    if names.is_empty() {
        return Err(Error::NoProgram {
            path: object.into(),
        });
    }
    let several = names.len() > 1;
    let load_error = |program: &str, error: &(dyn std::error::Error + 'static)| Error::Load {
        path: object.into(),
        program: program.into(),
        reason: Reason::of(error),
    };
    let mut infos = Vec::new();
    for name in &names {
        let program = program_of(&mut ebpf, name, object)?;
        load_program(program).map_err(|error| load_error(name, &error))?;
        infos.push(program.info().map_err(|error| load_error(name, &error))?);
    }

    let bound = match bind {
        true => bind_global_data(&ebpf).map_err(|error| Error::Object {
            path: object.into(),
            reason: Reason::of(&error),
        })?,
        false => vec![],
    };

    if several {
        fs::create_dir(pin).map_err(|error| pin_error(pin, &error))?;
        pinned.folder = Some(pin.into());
    }
    let mut loaded = Vec::new();
    for (name, info) in names.into_iter().zip(infos) {
        let path = if several { pin.join(&name) } else { pin.into() };
        program_of(&mut ebpf, &name, object)?
            .pin(&path)
            .map_err(|error| pin_error(&path, &error))?;
        pinned.files.push(path.clone());
        loaded.push(Loaded {
            id: info.id(),
            name,
            pinned: path,
            bound: bound.clone(),
        });
    }
    Ok(loaded)
}

fn program_of<'a>(ebpf: &'a mut Ebpf, name: &str, object: &Path) -> Result<&'a mut Program, Error> {
    ebpf.program_mut(name).ok_or_else(|| Error::NoProgram {
        path: object.into(),
    })
}

/// What has been pinned: it is unpinned again unless all went well.
#[derive(Default)]
struct Pins {
    files: Vec<PathBuf>,
    folder: Option<PathBuf>,
}

impl Pins {
    fn keep(mut self) {
        self.files.clear();
        self.folder = None;
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        // There is nobody to tell about a failure: the one that brought us here is what matters.
        for path in &self.files {
            let _ = fs::remove_file(path);
        }
        if let Some(path) = &self.folder {
            let _ = fs::remove_dir(path);
        }
    }
}

/// Binds the maps of an object's global data to each of its programs that is loaded, as [`load`]
/// does; returns these maps, by their names, or none unless [`can_bind`].
///
/// For who loads the object by aya: it is called when the programs are loaded, and before `ebpf` is
/// dropped.
///
/// # Errors
///
/// If the kernel refuses. Some maps may be bound then.
pub fn bind_global_data(ebpf: &Ebpf) -> Result<Vec<Bound>, Error> {
    if !can_bind() {
        return Ok(vec![]);
    }
    let loaded = || {
        ebpf.programs()
            .filter_map(|(name, program)| Some((name, program, program.fd().ok()?)))
    };
    // The programs of an object file share its BTF.
    let btf = loaded().find_map(|(_, program, _)| program.info().ok()?.btf_id());
    let maps = global_data_of(ebpf, btf)?;

    for (name, _, prog) in loaded() {
        for (map, fd) in &maps {
            sys::prog_bind_map(prog.as_fd(), fd.as_fd()).map_err(|source| Error::Kernel {
                what: format!("binding map {} to program {name}", map.name),
                source,
            })?;
        }
    }
    Ok(maps.into_iter().map(|(map, _)| map).collect())
}

/// The maps of the object's global data, by name: bpftool looks at the first `.rodata*` map only,
/// and this makes it the one without suffix.
fn global_data_of(ebpf: &Ebpf, btf: Option<u32>) -> Result<Vec<(Bound, OwnedFd)>, Error> {
    let mut btf = btf.map(KernelBtf::fetch).transpose()?;
    let mut found = Vec::new();

    for (name, map) in ebpf.maps() {
        // Global data is an array of one element, whatever its section.
        let Map::Array(data) = map else { continue };
        if !is_global_data(name) {
            continue;
        }
        let map_error = |source| Error::Kernel {
            what: format!("map {name}"),
            source,
        };
        let fd = data.fd().as_fd();
        let twin = match &mut btf {
            Some(btf) if name.starts_with(".rodata") => describe(btf, name, fd)?,
            _ => None,
        };
        let fd = match twin {
            Some(twin) => twin,
            None => fd.try_clone_to_owned().map_err(map_error)?,
        };
        let bound = Bound {
            id: sys::map_info(fd.as_fd()).map_err(map_error)?.id,
            name: name.to_owned(),
        };
        found.push((bound, fd));
    }
    found.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    Ok(found)
}

/// Makes a copy of a map of constants that says what type they have; `None` if the BTF does not know
/// the section.
///
/// aya makes these maps without BTF, so that nobody could tell what is in them. The original cannot
/// be given any; but nothing changes it either, so that a copy is as good.
fn describe(
    btf: &mut KernelBtf,
    section: &str,
    map: BorrowedFd<'_>,
) -> Result<Option<OwnedFd>, Error> {
    let Some(type_id) = btf.section(section)? else {
        return Ok(None);
    };
    sys::map_info(map)
        .and_then(|info| sys::array_value(map, info.value_size))
        .and_then(|mut value| sys::frozen_array(section, &mut value, btf.as_fd(), type_id))
        .map(Some)
        .map_err(|source| Error::Kernel {
            what: format!("map {section}: a copy with BTF"),
            source,
        })
}

/// Whether a map of this name holds global data: the name is that of its section.
fn is_global_data(name: &str) -> bool {
    [".rodata", ".data", ".bss"].iter().any(|section| {
        name.strip_prefix(section)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Loads a program that needs nothing but what is in the object file.
fn load_program(program: &mut Program) -> Result<(), ProgramError> {
    match program {
        Program::KProbe(program) => program.load(),
        Program::UProbe(program) => program.load(),
        Program::TracePoint(program) => program.load(),
        Program::RawTracePoint(program) => program.load(),
        Program::PerfEvent(program) => program.load(),
        Program::SocketFilter(program) => program.load(),
        Program::ReusePortSocketFilter(program) => program.load(),
        Program::SkReuseport(program) => program.load(),
        Program::SkMsg(program) => program.load(),
        Program::SkSkb(program) => program.load(),
        Program::SkLookup(program) => program.load(),
        Program::SockOps(program) => program.load(),
        Program::Xdp(program) => program.load(),
        Program::SchedClassifier(program) => program.load(),
        Program::FlowDissector(program) => program.load(),
        Program::LircMode2(program) => program.load(),
        Program::CgroupSkb(program) => program.load(),
        Program::CgroupSock(program) => program.load(),
        Program::CgroupSockAddr(program) => program.load(),
        Program::CgroupSockopt(program) => program.load(),
        Program::CgroupSysctl(program) => program.load(),
        Program::CgroupDevice(program) => program.load(),
        // These attach to a kernel function or program, whose name aya wants from its caller.
        _ => Err(ProgramError::UnexpectedProgramType),
    }
}

/// Whether the kernel knows `BPF_PROG_BIND_MAP`, as kernels since 5.10 do; also true if it does not
/// tell, as then it says why when it is asked to bind.
pub fn can_bind() -> bool {
    sys::probe_prog_bind_map().unwrap_or(true)
}

/// Binds maps to a program. Those that it uses already are left alone.
///
/// # Errors
///
/// If the program or a map is not there, or the kernel refuses. The maps before it are bound then.
pub fn bind(prog: &Name, maps: &[Name]) -> Result<(), Error> {
    let prog_fd = open_prog(prog)?;

    for map in maps {
        let map_fd = open("map", map, sys::map_by_id)?;

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
    // Asked about a map as if it was a program, the kernel would tell about the map.
    let kind = fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()));

    match kind.is_ok_and(|kind| kind != Path::new("anon_inode:bpf-prog")) {
        true => Err(Error::NotProgram {
            what: format!("prog {name}"),
        }),
        false => Ok(fd),
    }
}

/// What the kernel knows of a map.
pub(crate) fn map_info(name: &Name) -> Result<MapInfo, Error> {
    let fd = open("map", name, sys::map_by_id)?;

    sys::map_info(fd.as_fd()).map_err(|source| Error::Kernel {
        what: format!("map {name}"),
        source,
    })
}

fn pin_error(path: &Path, error: &(dyn std::error::Error + 'static)) -> Error {
    Error::Pin {
        path: path.into(),
        reason: Reason::of(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn global_data_goes_by_its_section() {
        for name in [
            ".rodata",
            ".rodata.str1.1",
            ".data",
            ".data.once",
            ".bss",
            ".bss.x",
        ] {
            assert!(is_global_data(name), "{name}");
        }
        for name in ["", "rodata", ".rodatax", "my.rodata", ".kconfig", ".maps"] {
            assert!(!is_global_data(name), "{name}");
        }
    }

    #[test]
    fn only_a_failed_load_leaves_no_pins() {
        let folder = std::env::temp_dir().join(format!("bpfkit-test-{}", std::process::id()));
        let file = folder.join("prog");
        let pins = || Pins {
            files: vec![file.clone()],
            folder: Some(folder.clone()),
        };
        fs::create_dir(&folder).unwrap();
        fs::write(&file, "").unwrap();

        pins().keep();
        assert!(file.exists());
        drop(pins());
        assert!(!folder.exists());
    }

    #[test]
    fn what_is_no_object_is_named() {
        let error = load(Path::new("/dev/null"), Path::new("/nowhere"), true).unwrap_err();
        assert!(error.to_string().starts_with("/dev/null: "), "{error}");

        let error = load(Path::new("/nonexistent"), Path::new("/nowhere"), true).unwrap_err();
        assert!(error.to_string().contains("No such file"), "{error}");
    }
}
