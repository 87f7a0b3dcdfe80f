// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Information about loaded programs.

mod details;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::str::FromStr;

use splitbtf::Kind;

pub use self::details::add_details;
pub use self::details::Details;
pub use self::details::Holder;
pub use self::details::Link;
pub use self::details::NamedMap;
use crate::btf::KernelBtf;
use crate::metadata::MapContent;
use crate::prog;
use crate::prog::Name;
use crate::sys;
use crate::sys::ProgInfo;
use crate::Error;
use crate::Metadata;

/// A loaded program.
#[derive(Debug)]
pub struct Program {
    /// Its id.
    pub id: u32,
    /// Its type.
    pub prog_type: ProgType,
    /// Its full name, if its BTF has it.
    pub name: String,
    /// A hash of its instructions.
    pub tag: Tag,
    /// Whether its licence is compatible with the GPL.
    pub gpl_compatible: bool,
    /// Its run time statistics, if the kernel collects them and the program ran.
    pub run: Option<Run>,
    /// How often the kernel skipped a run because the program was running already.
    pub recursion_misses: u64,
    /// The network device that it runs on or is bound to.
    pub dev: Option<Device>,
    /// The time when it was loaded, and the user who loaded it.
    pub loaded: Option<LoadedBy>,
    /// The length in bytes of its instructions, as the verifier rewrote them.
    pub bytes_xlated: u32,
    /// Whether it has been compiled to machine code.
    pub jited: bool,
    /// The length in bytes of the machine code.
    pub bytes_jited: u64,
    /// The memory in bytes that it uses.
    pub bytes_memlock: Option<u64>,
    /// The ids of the maps that it uses or that are bound to it, read in one call.
    pub map_ids: Vec<u32>,
    /// The id of its BTF; 0 if it has none.
    pub btf_id: u64,
    /// Its metadata, from all of its maps.
    pub metadata: Metadata,
    /// The processes that hold it, its links, and the names of its maps, after [`add_details`].
    pub details: Option<Details>,
    /// The ids of its maps that look like sections of an object file but have no BTF.
    pub untyped: Vec<u32>,
    /// Errors while reading it.
    pub problems: Vec<Error>,
}

/// The identity of a program, and its metadata.
#[derive(Debug)]
pub struct Summary<'a> {
    /// Its id.
    pub id: u32,
    /// Its type.
    pub prog_type: ProgType,
    /// Its full name, if its BTF has it.
    pub name: &'a str,
    /// A hash of its instructions.
    pub tag: Tag,
    /// Its metadata, from all of its maps.
    pub metadata: &'a Metadata,
    /// Errors while reading it.
    pub problems: &'a [Error],
}

/// The run time statistics of a program.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The total run time, in nanoseconds.
    pub run_time_ns: u64,
    /// The number of runs.
    pub run_cnt: u64,
}

/// A network device.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    /// Its number.
    pub ifindex: u32,
    /// The device number of its network namespace's file.
    pub ns_dev: u64,
    /// The inode number of its network namespace's file.
    pub ns_inode: u64,
}

/// The time when a program was loaded, and the user who loaded it.
#[derive(Clone, Copy, Debug)]
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

/// The loaded programs, in order of their ids.
///
/// # Errors
///
/// If a system call fails: they need `CAP_SYS_ADMIN`.
pub fn programs() -> Result<Vec<Program>, Error> {
    select(|_, _| true)
}

/// The programs with this name, in order of their ids.
///
/// # Errors
///
/// If there is none, or a system call fails.
pub fn programs_called(name: &str) -> Result<Vec<Program>, Error> {
    let programs = select(|info, fd| full_name(info, fd).0 == name)?;

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
    let programs = select(|info, _| info.tag == tag.0)?;

    match programs.is_empty() {
        true => Err(Error::NoSuchTag { tag }),
        false => Ok(programs),
    }
}

/// The program that `name` refers to.
///
/// # Errors
///
/// If there is no such program, or a system call fails.
pub fn program(name: &Name) -> Result<Program, Error> {
    let fd = prog::open_prog(name)?;
    let (info, map_ids) = sys::prog_info(fd.as_fd()).map_err(|source| Error::Kernel {
        what: "prog".into(),
        source,
    })?;

    Ok(Program::of(&info, map_ids, fd.as_fd()))
}

/// The loaded programs that `wanted` accepts, in order of their ids.
fn select(wanted: impl Fn(&ProgInfo, BorrowedFd<'_>) -> bool) -> Result<Vec<Program>, Error> {
    let mut programs = Vec::new();
    let mut id = 0;

    loop {
        let next = sys::next_prog_id(id).map_err(|source| Error::Kernel {
            what: "the list of programs".into(),
            source,
        })?;
        let Some(next) = next else {
            return Ok(programs);
        };
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
                let (info, map_ids) = sys::prog_info(fd.as_fd()).map_err(error)?;
                if wanted(&info, fd.as_fd()) {
                    programs.push(Program::of(&info, map_ids, fd.as_fd()));
                }
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
            problems: &self.problems,
        }
    }

    /// `map_ids` are from the same moment as `info`.
    fn of(info: &ProgInfo, map_ids: Vec<u32>, fd: BorrowedFd<'_>) -> Self {
        let (name, problem) = full_name(info, fd);
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

        Self {
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
        }
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
