// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Loads object files with libbpf, and keeps their global data alive.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::path::PathBuf;

use libbpf_rs::AsRawLibbpf;
use libbpf_rs::MapCore;
use libbpf_rs::ObjectBuilder;
use libbpf_rs::OpenObject;
use libbpf_rs::Program;
use libbpf_rs::ProgramAttachType;
use libbpf_rs::ProgramType;
use object::Endianness;
use object::Object as _;
use object::ObjectSection;
use object::ObjectSymbol;
use object::RelocationTarget;
use object::SectionFlags;
use serde::Serialize;
use serde::Serializer;

use crate::error::Reason;
use crate::input::MAX_LEN;
use crate::libbpf::Messages;
use crate::linked;
use crate::prog;
use crate::prog::section_of;
use crate::prog::Name;
use crate::sys;
use crate::Error;
use crate::InputError;

/// How an object file is loaded.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The programs to load; if empty, all that the object file marks for loading.
    pub programs: Vec<String>,
    /// The type of the programs, as the name of a section (`xdp`, `cgroup/skb`); by default, each
    /// program's section says its type.
    pub program_type: Option<String>,
    /// Existing maps to use instead of new ones.
    pub maps: Vec<(MapOf, Name)>,
    /// The folder in which all maps are pinned.
    pub pin_maps: Option<PathBuf>,
    /// Pin programs in a folder even if there is only one.
    pub folder: bool,
    /// Attach the programs as their sections say, and pin the links instead of the programs.
    pub attach: bool,
    /// Do not bind the global data, and do not let libbpf bind constants that no instruction uses.
    pub no_bind: bool,
    /// The network device that the programs are for.
    pub device: Option<Device>,
    /// The BTF of the kernel to relocate to, instead of the running kernel's.
    pub kernel_btf: Option<PathBuf>,
    /// Receives all messages of libbpf.
    pub echo: Option<fn(&str)>,
}

/// A map of an object file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapOf {
    /// By its place among the maps, counted from 0.
    Index(usize),
    /// By its name; that of its section, if it is global data.
    Name(String),
}

/// A network device that programs are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// The device runs the programs itself.
    Offload(String),
    /// XDP programs that read its metadata are bound to it.
    XdpMetadata(String),
}

/// The outcome of loading an object file.
#[derive(Debug)]
pub struct Outcome {
    /// The programs that were loaded.
    pub programs: Vec<Loaded>,
    /// The programs that were not loaded because the object file or the caller excludes them.
    pub left_out: Vec<String>,
    /// The number of maps that were created and are not pinned.
    pub maps: usize,
    /// The kernel's reason for refusing the object's BTF, if it did. Then nothing describes the
    /// content of the maps.
    pub btf_refused: Option<String>,
    /// Whether the object file has BTF.
    pub has_btf: bool,
}

/// A program that [`load`] has loaded and pinned.
#[derive(Clone, Debug, Serialize)]
pub struct Loaded {
    /// Its id.
    pub id: u32,
    /// Its name in the object file.
    pub name: String,
    /// The path where it, or its link, is pinned.
    #[serde(serialize_with = "as_text")]
    pub pinned: PathBuf,
    /// Whether it is attached, and its link pinned.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub attached: bool,
    /// The maps of global data that were bound to it: none of its instructions uses them.
    pub bound: Vec<Bound>,
}

/// JSON has no bytes that are not UTF-8.
fn as_text<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&path.display())
}

/// A map that was bound to a program.
#[derive(Clone, Debug, Serialize)]
pub struct Bound {
    /// Its id.
    pub id: u32,
    /// The name of its section.
    pub name: String,
    /// The library that bound it.
    pub by: Binder,
}

/// The library that has bound a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Binder {
    /// libbpf, which binds constants.
    Libbpf,
    /// This library.
    Bpfkit,
}

/// A map of global data.
struct GlobalData<'a> {
    map: libbpf_rs::Map<'a>,
    id: u32,
    name: String,
}

/// Loads an object file, and pins its programs: one program at `pin`, several in the folder `pin`,
/// each under its name.
///
/// The maps of its global data (`.rodata`, `.data`, `.bss`, and those whose names begin with one of
/// these and a dot) are bound to each program, so that their content lives as long as the program.
/// Nothing is bound unless [`prog::can_bind`].
///
/// # Errors
///
/// If libbpf cannot read the object file, or the kernel refuses a part of it. Nothing stays pinned
/// then.
pub fn load(object: &Path, pin: &Path, options: &Options) -> Result<Outcome, Error> {
    let file = read(object)?;
    let messages = Messages::listen(options.echo);
    let mut open = open(object, &file, options, &messages)?;

    choose_programs(object, &mut open, options)?;
    set_devices(&mut open, options)?;
    choose_maps(&mut open, options)?;
    if options.no_bind {
        leave_out_unused(&mut open, &file);
    }
    let wanted = open.progs().filter(|program| program.autoload()).count();
    let folder = options.folder || wanted > 1;
    if wanted > 0 {
        check_place(pin, folder)?;
    }
    if let Some(maps) = &options.pin_maps {
        check_place(maps, true)?;
    }
    let loaded = load_object(object, open, &messages)?;
    let btf = loaded.has_btf.then(|| messages.btf_refusal()).flatten();

    let mut pins = Pins::default();
    let programs = loaded.pin_programs(pin, folder, options, &mut pins)?;
    if let Some(maps) = &options.pin_maps {
        loaded.pin_maps(maps, &messages)?;
    }
    pins.keep();
    Ok(Outcome {
        programs,
        left_out: loaded.left_out(),
        maps: match options.pin_maps {
            Some(_) => 0,
            None => loaded.maps().count(),
        },
        btf_refused: btf,
        has_btf: loaded.has_btf,
    })
}

/// Checks that libbpf can read an object file. The kernel may still refuse it.
///
/// # Errors
///
/// If it cannot.
pub fn check(path: &Path) -> Result<(), Error> {
    let file = read(path)?;

    open(path, &file, &Options::default(), &Messages::listen(None)).map(drop)
}

/// The content of an object file, as libbpf sees it.
pub(crate) struct Content {
    pub programs: Vec<String>,
    pub maps: Vec<String>,
    /// Its BTF, in which libbpf has set the offsets of variables.
    pub btf: Option<Vec<u8>>,
}

/// Reads the content of an object file. `file` are its bytes.
pub(crate) fn content(path: &Path, file: &[u8]) -> Result<Content, Error> {
    let object = open(path, file, &Options::default(), &Messages::listen(None))?;
    // SAFETY: The object is open.
    let btf = unsafe { libbpf_sys::bpf_object__btf(object.as_libbpf_object().as_ptr()) };
    let btf = match btf.is_null() {
        true => None,
        false => {
            let mut len = 0;
            // SAFETY: This is the BTF of the object, which is still open.
            let bytes = unsafe { libbpf_sys::btf__raw_data(btf, &mut len) };
            let len = usize::try_from(len).unwrap_or_default();
            (!bytes.is_null()).then(|| {
                // SAFETY: libbpf returned this number of bytes, and does not change them meanwhile.
                unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), len) }.to_vec()
            })
        }
    };
    let name = |name: &std::ffi::OsStr| name.to_string_lossy().into_owned();

    Ok(Content {
        programs: object.progs().map(|program| name(program.name())).collect(),
        maps: object.maps().map(|map| name(map.name())).collect(),
        btf,
    })
}

/// Reads an object file, and checks for problems that libbpf does not explain well.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut file = fs::read(path).map_err(|error| InputError::new(path, error))?;
    let error = |reason: String| Error::Object {
        path: path.into(),
        reason: Reason::new(&reason),
    };
    let Ok(elf) = object::File::parse(&*file) else {
        return Ok(file);
    };
    let (object, machine) = match elf.endianness() {
        Endianness::Little => ("little", "big"),
        Endianness::Big => ("big", "little"),
    };
    if elf.is_little_endian() != cfg!(target_endian = "little") {
        return Err(error(format!(
            "this object is {object}-endian, and this machine {machine}-endian: \
             compile it with '-target bpf', or load it on a machine of that sort"
        )));
    }
    for section in elf.sections() {
        let name = String::from_utf8_lossy(section.name_bytes().unwrap_or_default());
        // `.bss` takes no place in the file, but libbpf asks for the memory.
        if section.size() > MAX_LEN {
            let offset = section.file_range().map_or(0, |(offset, _)| offset);
            return Err(error(format!(
                "{name}: larger than {MAX_LEN} bytes (offset {offset:#x})"
            )));
        }
        if name == "maps" {
            return Err(error(
                "it defines maps in SEC(\"maps\"), which libbpf dropped in 1.0: \
                 define them in SEC(\".maps\"), with BTF"
                    .into(),
            ));
        }
    }
    linked::repair(&mut file);
    Ok(file)
}

fn open(
    path: &Path,
    file: &[u8],
    options: &Options,
    messages: &Messages,
) -> Result<OpenObject, Error> {
    let error = |error: libbpf_rs::Error| Error::Object {
        path: path.into(),
        reason: Reason::of_libbpf(&messages.reasons(), &error),
    };
    // The name that libbpf itself would give it.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.split('.').next().unwrap_or_default();
    let mut builder = ObjectBuilder::default();

    // Accept maps with attributes that libbpf does not know.
    builder.name(name).map_err(error)?.relaxed_maps(true);
    if let Some(btf) = &options.kernel_btf {
        builder.btf_custom_path(btf).map_err(error)?;
    }
    builder.open_memory(file).map_err(error)
}

/// Chooses the programs to load, and their types.
fn choose_programs(object: &Path, open: &mut OpenObject, options: &Options) -> Result<(), Error> {
    let missing = options.programs.iter().find(|name| {
        open.progs()
            .all(|program| program.name().to_str() != Some(name))
    });
    if let Some(name) = missing {
        return Err(Error::Object {
            path: object.into(),
            reason: Reason::new(&format!("there is no program {name} in it")),
        });
    }
    let wanted = match &options.program_type {
        Some(section) => Some(type_by_name(section).ok_or_else(|| Error::NoSuchType {
            name: section.clone(),
        })?),
        None => None,
    };
    for mut program in open.progs_mut() {
        let name = program.name().to_string_lossy().into_owned();
        if !options.programs.is_empty() {
            program.set_autoload(options.programs.contains(&name));
        }
        if let Some((prog_type, attach_type)) = wanted {
            program.set_prog_type(prog_type);
            program.set_attach_type(ProgramAttachType::from(attach_type));
        }
        if program.autoload() && program.prog_type() == ProgramType::Unspec {
            let section = program.section().to_string_lossy();
            return Err(Error::Load {
                path: object.into(),
                program: name,
                reason: Reason::new(&format!(
                    "its section '{section}' does not say its type: say 'type TYPE'"
                )),
            });
        }
    }
    Ok(())
}

/// The program type and the attach type for the name of a section.
fn type_by_name(section: &str) -> Option<(ProgramType, u32)> {
    // Some section names continue with the program's target.
    [section.to_owned(), format!("{section}/")]
        .into_iter()
        .find_map(|name| {
            let name = CString::new(name).ok()?;
            let (mut prog_type, mut attach_type) = (0, 0);
            // SAFETY: The name ends with a NUL, and both results can be written.
            let ret = unsafe {
                libbpf_sys::libbpf_prog_type_by_name(
                    name.as_ptr(),
                    &mut prog_type,
                    &mut attach_type,
                )
            };
            (ret == 0).then(|| (prog_type.into(), attach_type))
        })
}

fn set_devices(open: &mut OpenObject, options: &Options) -> Result<(), Error> {
    const XDP_DEV_BOUND_ONLY: u32 = 1 << 6;

    let (name, offload) = match &options.device {
        Some(Device::Offload(name)) => (name, true),
        Some(Device::XdpMetadata(name)) => (name, false),
        None => return Ok(()),
    };
    let index = sys::device_index(name).map_err(|source| Error::Kernel {
        what: format!("device {name}"),
        source,
    })?;
    for mut program in open.progs_mut() {
        if offload {
            program.set_ifindex(index);
        } else if program.prog_type() == ProgramType::Xdp {
            program.set_flags(XDP_DEV_BOUND_ONLY);
            program.set_ifindex(index);
        }
    }
    if offload {
        for mut map in open.maps_mut() {
            if map.map_type() != libbpf_rs::MapType::PerfEventArray {
                map.set_map_ifindex(index);
            }
        }
    }
    Ok(())
}

/// Replaces maps of the object file with existing ones.
fn choose_maps(open: &mut OpenObject, options: &Options) -> Result<(), Error> {
    for (of, name) in &options.maps {
        let fd = prog::open_map(name)?;
        let map = open
            .maps_mut()
            .enumerate()
            .find(|(i, map)| match of {
                MapOf::Index(index) => index == i,
                MapOf::Name(name) => {
                    let own = map.name().to_string_lossy();
                    own == name.as_str() || section_of(&own) == name
                }
            })
            .map(|(_, map)| map);
        let mut map = map.ok_or_else(|| Error::NoSuchMap {
            what: match of {
                MapOf::Index(index) => format!("map idx {index}"),
                MapOf::Name(name) => format!("map name {name}"),
            },
        })?;
        map.reuse_fd(fd.as_fd()).map_err(|error| Error::Kernel {
            what: format!("map {name}"),
            source: io::Error::other(format!("{error:#}")),
        })?;
    }
    Ok(())
}

/// Keeps libbpf from creating, and so from binding, the maps of global data that no instruction of
/// the object file uses.
fn leave_out_unused(open: &mut OpenObject, file: &[u8]) {
    let used = used_sections(file);

    for mut map in open.maps_mut() {
        let name = map.name().to_string_lossy().into_owned();
        let section = section_of(&name);
        if prog::is_global_data(section) && !used.contains(section) {
            // This fails only after the map has been created.
            let _ = map.set_autocreate(false);
        }
    }
}

/// The names of the sections that code refers to.
fn used_sections(file: &[u8]) -> BTreeSet<String> {
    let Ok(elf) = object::File::parse(file) else {
        return BTreeSet::new();
    };
    let is_code = |section: &object::Section<'_, '_>| match section.flags() {
        SectionFlags::Elf { sh_flags } => sh_flags & u64::from(object::elf::SHF_EXECINSTR) != 0,
        _ => false,
    };
    elf.sections()
        .filter(is_code)
        .flat_map(|section| section.relocations().collect::<Vec<_>>())
        .filter_map(|(_, relocation)| {
            let RelocationTarget::Symbol(symbol) = relocation.target() else {
                return None;
            };
            let section = elf.symbol_by_index(symbol).ok()?.section_index()?;
            let section = elf.section_by_index(section).ok()?;
            Some(section.name().ok()?.to_owned())
        })
        .collect()
}

/// Checks the path to pin at, before anything is loaded.
fn check_place(path: &Path, folder: bool) -> Result<(), Error> {
    let error = |reason: &str| Error::Pin {
        path: path.into(),
        reason: Reason::new(reason),
    };
    let there = fs::symlink_metadata(path).is_ok();
    if there && !(folder && path.is_dir()) {
        return Err(error("there is something already"));
    }
    let parent = match path.parent() {
        _ if there => path,
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    match sys::is_bpf_fs(parent) {
        Ok(true) => Ok(()),
        Ok(false) if path.starts_with(sys::BPF_FS) => Err(error(
            "there is no BPF file system: mount -t bpf bpf /sys/fs/bpf",
        )),
        Ok(false) => Err(error(
            "this is not in a BPF file system, where alone programs can be pinned; \
             there is one at /sys/fs/bpf, if it is mounted",
        )),
        Err(source) => Err(Error::Pin {
            path: path.into(),
            reason: Reason::of_io(&parent.display().to_string(), &source),
        }),
    }
}

fn load_object(object: &Path, open: OpenObject, messages: &Messages) -> Result<Object, Error> {
    // SAFETY: The object is open, and not loaded.
    let ret = unsafe { libbpf_sys::bpf_object__load(open.as_libbpf_object().as_ptr()) };
    if ret < 0 {
        return Err(load_error(object, -ret, messages));
    }
    // SAFETY: It is loaded now.
    let loaded = unsafe { libbpf_rs::Object::from_ptr(open.take_ptr()) };
    // SAFETY: The object is valid.
    let btf = unsafe { libbpf_sys::bpf_object__btf(loaded.as_libbpf_object().as_ptr()) };

    Ok(Object {
        has_btf: !btf.is_null(),
        object: loaded,
    })
}

fn load_error(object: &Path, errno: i32, messages: &Messages) -> Error {
    let path = PathBuf::from(object);
    let os_error = io::Error::from_raw_os_error(errno);

    if let Some(verdict) = messages.verdict() {
        return Error::Load {
            path,
            program: verdict.program,
            reason: Reason::of_verifier(&verdict.log, &os_error),
        };
    }
    let reason = Reason::of_load(&messages.reasons(), &os_error);
    match messages.failed_program() {
        Some(program) => Error::Load {
            path,
            program,
            reason,
        },
        None => Error::Object { path, reason },
    }
}

/// A loaded object file.
struct Object {
    object: libbpf_rs::Object,
    has_btf: bool,
}

impl Object {
    fn programs(&self) -> impl Iterator<Item = Program<'_>> {
        self.object.progs().filter(|program| program.autoload())
    }

    /// The maps that were created. The file descriptors of the others refer to something else.
    fn maps(&self) -> impl Iterator<Item = libbpf_rs::Map<'_>> {
        self.object.maps().filter(|map| map.autocreate())
    }

    fn left_out(&self) -> Vec<String> {
        self.object
            .progs()
            .filter(|program| !program.autoload())
            .map(|program| program.name().to_string_lossy().into_owned())
            .collect()
    }

    fn global_data(&self) -> Result<Vec<GlobalData<'_>>, Error> {
        let mut found = vec![];

        for map in self.maps() {
            let name = map.name().to_string_lossy().into_owned();
            let info = sys::map_info(map.as_fd()).map_err(|source| Error::Kernel {
                what: format!("map {name}"),
                source,
            })?;
            if info.is_section() && prog::is_global_data(section_of(&name)) {
                found.push(GlobalData {
                    map,
                    id: info.id,
                    name: section_of(&name).to_owned(),
                });
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn pin_programs(
        &self,
        pin: &Path,
        folder: bool,
        options: &Options,
        pins: &mut Pins,
    ) -> Result<Vec<Loaded>, Error> {
        let data = self.global_data()?;
        let binds = !options.no_bind && prog::can_bind();
        let mut loaded = vec![];

        if folder && self.programs().next().is_some() && !pin.exists() {
            fs::create_dir(pin).map_err(|error| Error::Pin {
                path: pin.into(),
                reason: Reason::of_io("a new folder", &error),
            })?;
            pins.folder = Some(pin.into());
        }
        for program in self.programs() {
            let name = program.name().to_string_lossy().into_owned();
            let (info, has) = sys::prog_info(program.as_fd()).map_err(|source| Error::Kernel {
                what: format!("program {name}"),
                source,
            })?;
            let bound = bind(&program, info.id, &has, &data, binds)?;
            // A BPF file system does not allow dots.
            let path = match folder {
                true => pin.join(name.replace('.', "_")),
                false => pin.into(),
            };
            let attached = options.attach && attach(&program, &path)?;
            if !attached {
                sys::obj_pin(program.as_fd(), &path).map_err(|error| Error::Pin {
                    path: path.clone(),
                    reason: Reason::of_io("pinning", &error),
                })?;
            }
            pins.files.push(path.clone());
            loaded.push(Loaded {
                id: info.id,
                name,
                pinned: path,
                attached,
                bound,
            });
        }
        loaded.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(loaded)
    }

    fn pin_maps(&self, folder: &Path, messages: &Messages) -> Result<(), Error> {
        let error = |reason| Error::Pin {
            path: folder.into(),
            reason,
        };
        let path = sys::c_path(folder).map_err(|source| error(Reason::of_io("path", &source)))?;
        let object = self.object.as_libbpf_object().as_ptr();

        // SAFETY: The object is loaded, and the path ends with a NUL.
        match unsafe { libbpf_sys::bpf_object__pin_maps(object, path.as_ptr()) } {
            0.. => Ok(()),
            ret => {
                let os_error = io::Error::from_raw_os_error(-ret);
                Err(error(Reason::of_load(&messages.reasons(), &os_error)))
            }
        }
    }
}

/// Binds the global data that a program does not have yet, if `binds`. Returns the maps that libbpf
/// or this function has bound to it. `has` are the ids of the maps that the program has.
fn bind(
    program: &Program<'_>,
    id: u32,
    has: &[u32],
    data: &[GlobalData<'_>],
    binds: bool,
) -> Result<Vec<Bound>, Error> {
    let used = used_maps(program);
    let mut bound = vec![];

    for data in data {
        let by = match has.contains(&data.id) {
            true if used.contains(&data.map.as_fd().as_raw_fd()) => continue,
            true => Binder::Libbpf,
            false if binds => {
                prog::bind_by_id(program.as_fd(), id, data.map.as_fd(), data.id)?;
                Binder::Bpfkit
            }
            false => continue,
        };
        bound.push(Bound {
            id: data.id,
            name: data.name.clone(),
            by,
        });
    }
    Ok(bound)
}

/// Attaches a program, and pins its link; false if its section does not say what to attach to.
fn attach(program: &Program<'_>, path: &Path) -> Result<bool, Error> {
    let error = |error: &libbpf_rs::Error| Error::Pin {
        path: path.into(),
        reason: Reason::of_libbpf(&[], error),
    };
    // SAFETY: The program is valid, and of a loaded object.
    let link = unsafe { libbpf_sys::bpf_program__attach(program.as_libbpf_object().as_ptr()) };
    let Some(link) = std::ptr::NonNull::new(link) else {
        let source = io::Error::last_os_error();
        return match source.raw_os_error() {
            Some(libc::EOPNOTSUPP) => Ok(false),
            _ => Err(Error::Kernel {
                what: format!("attaching program {}", program.name().to_string_lossy()),
                source,
            }),
        };
    };
    // SAFETY: libbpf made this link, and nothing else refers to it.
    let mut link = unsafe { libbpf_rs::Link::from_ptr(link) };
    link.pin(path).map_err(|source| error(&source))?;
    // The pin keeps it attached.
    link.disconnect();
    Ok(true)
}

/// The file descriptors of the maps that the instructions of a loaded program refer to.
fn used_maps(program: &Program<'_>) -> BTreeSet<i32> {
    const LD_IMM64: u8 = 0x18;

    program
        .insns()
        .iter()
        .filter(|insn| {
            let source = u32::from(insn.src_reg());
            let is_map = source == libbpf_sys::BPF_PSEUDO_MAP_FD
                || source == libbpf_sys::BPF_PSEUDO_MAP_VALUE;
            insn.code == LD_IMM64 && is_map
        })
        .map(|insn| insn.imm)
        .collect()
}

/// The pins so far. Dropping it removes them, unless all went well.
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
        // Ignore failures: the error that brought us here is the one to report.
        for path in &self.files {
            let _ = fs::remove_file(path);
        }
        if let Some(path) = &self.folder {
            let _ = fs::remove_dir(path);
        }
    }
}

#[cfg(test)]
mod tests;
