// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Information about loaded programs, in the format of `bpftool prog show`.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::str::FromStr;

use serde::Serialize;
use serde::Serializer;
use splitbtf::Kind;

use crate::btf::KernelBtf;
use crate::metadata::MapContent;
use crate::prog;
use crate::prog::Name;
use crate::sys;
use crate::sys::ProgInfo;
use crate::Error;
use crate::Metadata;

/// A loaded program.
///
/// As JSON it has the format of `bpftool -j prog show`. `Display` writes the text of
/// `bpftool prog show`, which ends with a newline.
#[derive(Debug, Serialize)]
pub struct Program {
    /// Its id.
    pub id: u32,
    /// Its type.
    #[serde(rename = "type")]
    pub prog_type: ProgType,
    /// Its full name, if its BTF has it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// A hash of its instructions.
    pub tag: Tag,
    /// Whether its licence is compatible with the GPL.
    pub gpl_compatible: bool,
    /// Its run time statistics, if the kernel collects them and the program ran.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// How often the kernel skipped a run because the program was running already.
    #[serde(skip_serializing_if = "is_zero")]
    pub recursion_misses: u64,
    /// The network device that it runs on or is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dev: Option<Device>,
    /// The time when it was loaded, and the user who loaded it.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub loaded: Option<LoadedBy>,
    /// Whether its device is gone. Always false: the kernel gives no information about such a
    /// program.
    orphaned: bool,
    /// The length in bytes of its instructions, as the verifier rewrote them.
    pub bytes_xlated: u32,
    /// Whether it has been compiled to machine code.
    pub jited: bool,
    /// The length in bytes of the machine code.
    #[serde(skip_serializing_if = "is_zero")]
    pub bytes_jited: u64,
    /// The memory in bytes that it uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_memlock: Option<u64>,
    /// The ids of the maps that it uses or that are bound to it, read in one call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub map_ids: Vec<u32>,
    /// The id of its BTF; 0 if it has none.
    #[serde(skip_serializing_if = "is_zero")]
    pub btf_id: u64,
    /// Its metadata, from all of its maps.
    #[serde(skip_serializing_if = "no_metadata")]
    pub metadata: Metadata,
    /// The processes that hold it, its links, and the names of its maps, after [`add_details`].
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// The ids of its maps that look like sections of an object file but have no BTF.
    #[serde(skip)]
    pub untyped: Vec<u32>,
    /// Errors while reading it.
    #[serde(skip)]
    pub problems: Vec<Error>,
}

/// The identity of a program, and its metadata.
///
/// `Display` writes its text, which ends with a newline.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    /// Its id.
    pub id: u32,
    /// Its type.
    #[serde(rename = "type")]
    pub prog_type: ProgType,
    /// Its full name, if its BTF has it.
    pub name: &'a str,
    /// A hash of its instructions.
    pub tag: Tag,
    /// Its metadata, from all of its maps.
    pub metadata: &'a Metadata,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn no_metadata(metadata: &Metadata) -> bool {
    metadata.0.is_empty()
}

/// The run time statistics of a program.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Run {
    /// The total run time, in nanoseconds.
    pub run_time_ns: u64,
    /// The number of runs.
    pub run_cnt: u64,
}

/// What takes more than a look at the program.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Details {
    /// The processes that have it open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pids: Vec<Holder>,
    /// Its links.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Its maps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<NamedMap>,
}

/// A process that has a program open.
#[derive(Clone, Debug, Serialize)]
pub struct Holder {
    /// Its id.
    pub pid: u32,
    /// Its name.
    pub comm: String,
}

/// A link of a program.
#[derive(Clone, Debug, Serialize)]
pub struct Link {
    /// Its id.
    pub id: u32,
    /// Its type.
    #[serde(rename = "type")]
    pub link_type: String,
}

/// A map of a program.
#[derive(Clone, Debug, Serialize)]
pub struct NamedMap {
    /// Its id.
    pub id: u32,
    /// Its name, of which the kernel keeps 15 bytes.
    pub name: String,
}

/// A network device.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Device {
    /// Its number.
    pub ifindex: u32,
    /// The device number of its network namespace's file.
    pub ns_dev: u64,
    /// The inode number of its network namespace's file.
    pub ns_inode: u64,
}

/// The time when a program was loaded, and the user who loaded it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LoadedBy {
    /// The time, in seconds since 1970.
    pub loaded_at: i64,
    /// The user's id.
    pub uid: u32,
}

/// The type of a program: one of `BPF_PROG_TYPE_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgType(pub u32);

impl ProgType {
    /// The name; `None` for a type that this library does not know.
    pub fn name(self) -> Option<&'static str> {
        let names = [
            "unspec",
            "socket_filter",
            "kprobe",
            "sched_cls",
            "sched_act",
            "tracepoint",
            "xdp",
            "perf_event",
            "cgroup_skb",
            "cgroup_sock",
            "lwt_in",
            "lwt_out",
            "lwt_xmit",
            "sock_ops",
            "sk_skb",
            "cgroup_device",
            "sk_msg",
            "raw_tracepoint",
            "cgroup_sock_addr",
            "lwt_seg6local",
            "lirc_mode2",
            "sk_reuseport",
            "flow_dissector",
            "cgroup_sysctl",
            "raw_tracepoint_writable",
            "cgroup_sockopt",
            "tracing",
            "struct_ops",
            "ext",
            "lsm",
            "sk_lookup",
            "syscall",
            "netfilter",
        ];
        let index = usize::try_from(self.0).ok()?;

        names.get(index).copied()
    }
}

impl fmt::Display for ProgType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "type {}", self.0),
        }
    }
}

impl Serialize for ProgType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.name() {
            Some(name) => serializer.serialize_str(name),
            None => serializer.serialize_u32(self.0),
        }
    }
}

/// A hash of a program's instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(pub [u8; 8]);

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Tag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match u64::from_str_radix(text, 16) {
            Ok(number) if text.len() == 16 && !text.starts_with('+') => {
                Ok(Self(number.to_be_bytes()))
            }
            _ => Err(format!("'{text}' is not a tag: 16 hexadecimal digits")),
        }
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The loaded programs, in order of their ids.
///
/// # Errors
///
/// If a system call fails: they need `CAP_SYS_ADMIN`.
pub fn programs() -> Result<Vec<Program>, Error> {
    let mut programs = Vec::new();

    for_each(|_, fd| {
        programs.push(Program::of(fd)?);
        Ok(())
    })?;
    Ok(programs)
}

/// The programs with this name, in order of their ids.
///
/// # Errors
///
/// If there is none, or a system call fails.
pub fn programs_called(name: &str) -> Result<Vec<Program>, Error> {
    let mut programs = Vec::new();

    for_each(|info, fd| {
        let (full, _) = full_name(info, fd);
        if full == name {
            programs.push(Program::of(fd)?);
        }
        Ok(())
    })?;
    match programs.is_empty() {
        true => Err(Error::NoSuchProgram { name: name.into() }),
        false => Ok(programs),
    }
}

/// The programs with this tag, in order of their ids.
///
/// # Errors
///
/// If there is none, or a system call fails.
pub fn programs_tagged(tag: Tag) -> Result<Vec<Program>, Error> {
    let mut programs = Vec::new();

    for_each(|info, fd| {
        if info.tag == tag.0 {
            programs.push(Program::of(fd)?);
        }
        Ok(())
    })?;
    match programs.is_empty() {
        true => Err(Error::NoSuchTag { tag }),
        false => Ok(programs),
    }
}

/// Adds to programs the processes that hold them, their links, and the names of their maps.
///
/// Processes that the user may not look at are left out.
///
/// # Errors
///
/// If the kernel does not list its links.
pub fn add_details(programs: &mut [Program]) -> Result<(), Error> {
    let holders = holders();
    let mut links = vec![];
    let mut id = 0;

    while let Some(link) = sys::next_link(id).map_err(|source| Error::Kernel {
        what: "the list of links".into(),
        source,
    })? {
        id = link.id;
        links.push(link);
    }
    for program in programs {
        let of_this = links.iter().filter(|link| link.prog_id == program.id);
        program.details = Some(Details {
            pids: holders
                .iter()
                .filter(|(id, _)| *id == program.id)
                .map(|(_, holder)| holder.clone())
                .collect(),
            links: of_this
                .map(|link| Link {
                    id: link.id,
                    link_type: link_type(link.link_type),
                })
                .collect(),
            maps: program
                .map_ids
                .iter()
                .filter_map(|id| {
                    // The map may have been freed with the program.
                    let fd = sys::map_by_id(*id).ok()?;
                    let name = sys::map_info(fd.as_fd()).ok()?.name();
                    Some(NamedMap { id: *id, name })
                })
                .collect(),
        });
    }
    Ok(())
}

/// The ids of programs, and processes that have them open.
fn holders() -> Vec<(u32, Holder)> {
    let mut found = vec![];
    let own = std::process::id();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();

    for process in processes {
        let pid = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(pid) = pid.filter(|pid| *pid != own) else {
            continue;
        };
        let path = process.path();
        let comm = || fs::read_to_string(path.join("comm")).unwrap_or_default();
        let mut ids = vec![];
        for file in fs::read_dir(path.join("fd"))
            .into_iter()
            .flatten()
            .flatten()
        {
            if fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == "anon_inode:bpf-prog") {
                let info = fs::read_to_string(path.join("fdinfo").join(file.file_name()));
                ids.extend(info.ok().and_then(|info| field(&info, "prog_id:")));
            }
        }
        ids.sort_unstable();
        ids.dedup();
        if !ids.is_empty() {
            let comm = comm().trim_end().to_owned();
            found.extend(ids.into_iter().map(|id| {
                let comm = comm.clone();
                (id, Holder { pid, comm })
            }));
        }
    }
    found.sort_by_key(|(id, holder)| (*id, holder.pid));
    found
}

/// A number among the lines of a file of `fdinfo`.
fn field(text: &str, name: &str) -> Option<u32> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;

    value.trim().parse().ok()
}

/// The name of one of `BPF_LINK_TYPE_*`.
fn link_type(number: u32) -> String {
    let names = [
        "unspec",
        "raw_tracepoint",
        "tracing",
        "cgroup",
        "iter",
        "netns",
        "xdp",
        "perf_event",
        "kprobe_multi",
        "struct_ops",
        "netfilter",
        "tcx",
        "uprobe_multi",
        "netkit",
        "sockmap",
    ];
    let name = usize::try_from(number).ok().and_then(|i| names.get(i));

    name.map_or_else(|| format!("type {number}"), |name| (*name).into())
}

/// The program that `name` refers to.
///
/// # Errors
///
/// If there is no such program, or a system call fails.
pub fn program(name: &Name) -> Result<Program, Error> {
    let fd = prog::open_prog(name)?;

    Program::of(fd.as_fd())
}

/// Calls `f` for each loaded program.
fn for_each(
    mut f: impl FnMut(&ProgInfo, BorrowedFd<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut id = 0;

    loop {
        let next = sys::next_prog_id(id).map_err(|source| Error::Kernel {
            what: "the list of programs".into(),
            source,
        })?;
        let Some(next) = next else { return Ok(()) };
        id = next;
        let error = |source| Error::Kernel {
            what: format!("prog id {id}"),
            source,
        };
        match sys::prog_by_id(id) {
            // The program was freed meanwhile.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
            fd => {
                let fd = fd.map_err(error)?;
                let (info, _) = sys::prog_info(fd.as_fd()).map_err(error)?;
                f(&info, fd.as_fd())?;
            }
        }
    }
}

impl Program {
    /// The identity of the program, and its metadata.
    pub fn summary(&self) -> Summary<'_> {
        Summary {
            id: self.id,
            prog_type: self.prog_type,
            name: &self.name,
            tag: self.tag,
            metadata: &self.metadata,
        }
    }

    fn of(fd: BorrowedFd<'_>) -> Result<Self, Error> {
        let (info, map_ids) = sys::prog_info(fd).map_err(|source| Error::Kernel {
            what: "prog".into(),
            source,
        })?;
        let (name, problem) = full_name(&info, fd);
        let mut problems = Vec::from_iter(problem);
        let mut metadata = Metadata::default();
        let mut untyped = Vec::new();
        for id in &map_ids {
            match metadata.add_map(*id) {
                Ok(MapContent::NoBtf) => untyped.push(*id),
                Ok(MapContent::Other) => {}
                Err(error) => problems.push(error),
            }
        }
        let loaded = match info.load_time {
            0 => None,
            time => sys::since_boot(time).ok().map(|loaded_at| LoadedBy {
                loaded_at,
                uid: info.created_by_uid,
            }),
        };

        Ok(Self {
            id: info.id,
            prog_type: ProgType(info.prog_type),
            name,
            tag: Tag(info.tag),
            gpl_compatible: info.gpl_compatible != 0,
            run: (info.run_time_ns != 0).then_some(Run {
                run_time_ns: info.run_time_ns,
                run_cnt: info.run_cnt,
            }),
            recursion_misses: info.recursion_misses,
            dev: (info.ifindex != 0).then_some(Device {
                ifindex: info.ifindex,
                ns_dev: info.netns_dev,
                ns_inode: info.netns_ino,
            }),
            loaded,
            orphaned: false,
            bytes_xlated: info.xlated_prog_len,
            jited: info.jited_prog_len != 0,
            bytes_jited: info.jited_prog_len.into(),
            bytes_memlock: memlock(fd).ok().flatten(),
            map_ids,
            btf_id: info.btf_id.into(),
            metadata,
            details: None,
            untyped,
            problems,
        })
    }
}

/// The name of a program. The kernel keeps only 15 bytes of it; the program's BTF may have it all.
fn full_name(info: &ProgInfo, fd: BorrowedFd<'_>) -> (String, Option<Error>) {
    let len = info.name.iter().position(|byte| *byte == 0);
    let short = info.name.get(..len.unwrap_or(info.name.len()));
    let short = String::from_utf8_lossy(short.unwrap_or_default()).into_owned();
    if short.len() < info.name.len() - 1 || info.btf_id == 0 {
        return (short, None);
    }

    let name = || -> Result<Option<String>, Error> {
        let func = sys::prog_func_type(fd).map_err(|source| Error::Kernel {
            what: format!("prog id {}", info.id),
            source,
        })?;
        let Some(func) = func else { return Ok(None) };
        let mut btf = KernelBtf::fetch(info.btf_id)?;
        let types = btf.types()?;
        let btf_error = |source| Error::Btf {
            id: info.btf_id,
            source,
        };
        let func = types.get(func).map_err(btf_error)?;
        let name = types.string(func.name_off).map_err(btf_error)?;
        let name = String::from_utf8_lossy(name).into_owned();
        Ok(matches!(func.kind, Kind::Func { .. }).then_some(name))
    };
    match name() {
        Ok(name) => (name.unwrap_or(short), None),
        Err(error) => (short, Some(error)),
    }
}

/// The memory in bytes that a program uses.
fn memlock(prog: BorrowedFd<'_>) -> io::Result<Option<u64>> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", prog.as_raw_fd()))?;
    let value = text.lines().find_map(|line| line.strip_prefix("memlock:"));

    Ok(value.and_then(|value| value.trim().parse().ok()))
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        identity(f, self.id, self.prog_type, &self.name, self.tag)?;
        if let Some(dev) = &self.dev {
            write!(
                f,
                "  offloaded_to ifindex {} ns_dev {} ns_ino {}",
                dev.ifindex, dev.ns_dev, dev.ns_inode
            )?;
        }
        f.write_str(if self.gpl_compatible { "  gpl" } else { "" })?;
        if let Some(run) = &self.run {
            write!(
                f,
                " run_time_ns {} run_cnt {}",
                run.run_time_ns, run.run_cnt
            )?;
        }
        if self.recursion_misses != 0 {
            write!(f, " recursion_misses {}", self.recursion_misses)?;
        }
        if let Some(LoadedBy { loaded_at, uid }) = self.loaded {
            let time = sys::local_time(loaded_at).unwrap_or_else(|| loaded_at.to_string());
            write!(f, "\n\tloaded_at {time}  uid {uid}")?;
        }
        write!(f, "\n\txlated {}B", self.bytes_xlated)?;
        match self.jited {
            true => write!(f, "  jited {}B", self.bytes_jited)?,
            false => f.write_str("  not jited")?,
        }
        if let Some(memlock) = self.bytes_memlock {
            write!(f, "  memlock {memlock}B")?;
        }
        for (i, id) in self.map_ids.iter().enumerate() {
            f.write_str(if i == 0 { "  map_ids " } else { "," })?;
            write!(f, "{id}")?;
        }
        if self.btf_id != 0 {
            write!(f, "\n\tbtf_id {}", self.btf_id)?;
        }
        if let Some(details) = &self.details {
            let pids = details.pids.iter();
            list(f, "pids", pids.map(|of| format!("{}({})", of.comm, of.pid)))?;
            let links = details.links.iter();
            list(
                f,
                "links",
                links.map(|of| format!("{}({})", of.id, of.link_type)),
            )?;
            let maps = details.maps.iter();
            list(f, "maps", maps.map(|of| format!("{}({})", of.id, of.name)))?;
        }
        if !self.metadata.0.is_empty() {
            f.write_str("\n\tmetadata:")?;
        }
        for (name, value) in &self.metadata.0 {
            write!(f, "\n\t\t{name} = {value}")?;
        }
        f.write_str("\n")
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        identity(f, self.id, self.prog_type, self.name, self.tag)?;
        for (name, value) in &self.metadata.0 {
            write!(f, "\n\t{name} = {value}")?;
        }
        f.write_str("\n")
    }
}

/// A line with a list, unless that is empty.
fn list(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    items: impl Iterator<Item = String>,
) -> fmt::Result {
    for (i, item) in items.enumerate() {
        match i {
            0 => write!(f, "\n\t{name} {item}")?,
            _ => write!(f, ", {item}")?,
        }
    }
    Ok(())
}

/// Writes the start of a program's text.
fn identity(
    f: &mut fmt::Formatter<'_>,
    id: u32,
    prog_type: ProgType,
    name: &str,
    tag: Tag,
) -> fmt::Result {
    write!(f, "{id}: {prog_type}  ")?;
    if !name.is_empty() {
        write!(f, "name {name}  ")?;
    }
    write!(f, "tag {tag}")
}

#[cfg(test)]
mod tests;
