// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The commands of `bpf(2)` that show programs and bind maps. The numbers and the layouts are those
//! of `enum bpf_cmd` and `union bpf_attr` in the kernel's `include/uapi/linux/bpf.h`.

use std::ffi::CString;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use zerocopy::FromBytes;
use zerocopy::IntoBytes;

const BPF_MAP_LOOKUP_ELEM: u32 = 1;
const BPF_OBJ_PIN: u32 = 6;
const BPF_OBJ_GET: u32 = 7;
const BPF_PROG_GET_NEXT_ID: u32 = 11;
const BPF_PROG_GET_FD_BY_ID: u32 = 13;
const BPF_MAP_GET_FD_BY_ID: u32 = 14;
const BPF_OBJ_GET_INFO_BY_FD: u32 = 15;
const BPF_BTF_GET_FD_BY_ID: u32 = 19;
const BPF_LINK_GET_FD_BY_ID: u32 = 30;
const BPF_LINK_GET_NEXT_ID: u32 = 31;
const BPF_PROG_BIND_MAP: u32 = 35;

const BPF_MAP_TYPE_ARRAY: u32 = 2;
const BPF_FS_MAGIC: u32 = 0xcafe_4a11;

/// The usual path of the BPF file system.
pub const BPF_FS: &str = "/sys/fs/bpf";

#[derive(Default, FromBytes, IntoBytes)]
#[repr(C)]
struct Elem {
    map_fd: i32,
    _padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[derive(Default, FromBytes, IntoBytes)]
#[repr(C)]
struct ObjGet {
    pathname: u64,
    bpf_fd: u32,
    file_flags: u32,
}

#[derive(FromBytes, IntoBytes)]
#[repr(C)]
struct GetId {
    id: u32,
}

#[derive(FromBytes, IntoBytes)]
#[repr(C)]
struct ObjInfo {
    bpf_fd: i32,
    info_len: u32,
    info: u64,
}

#[derive(Default, FromBytes, IntoBytes)]
#[repr(C)]
struct NextId {
    start_id: u32,
    next_id: u32,
}

/// `struct bpf_prog_info`, without the fields after `recursion_misses`.
#[derive(Clone, Debug, Default, FromBytes, IntoBytes)]
#[repr(C)]
pub struct ProgInfo {
    pub prog_type: u32,
    pub id: u32,
    pub tag: [u8; 8],
    pub jited_prog_len: u32,
    pub xlated_prog_len: u32,
    jited_prog_insns: u64,
    xlated_prog_insns: u64,
    /// In nanoseconds since the boot.
    pub load_time: u64,
    pub created_by_uid: u32,
    nr_map_ids: u32,
    map_ids: u64,
    /// Ends with a NUL.
    pub name: [u8; 16],
    pub ifindex: u32,
    /// A bit-field of one bit, then zeros.
    pub gpl_compatible: u32,
    pub netns_dev: u64,
    pub netns_ino: u64,
    nr_jited_ksyms: u32,
    nr_jited_func_lens: u32,
    jited_ksyms: u64,
    jited_func_lens: u64,
    pub btf_id: u32,
    func_info_rec_size: u32,
    func_info: u64,
    nr_func_info: u32,
    nr_line_info: u32,
    line_info: u64,
    jited_line_info: u64,
    nr_jited_line_info: u32,
    line_info_rec_size: u32,
    jited_line_info_rec_size: u32,
    nr_prog_tags: u32,
    prog_tags: u64,
    pub run_time_ns: u64,
    pub run_cnt: u64,
    pub recursion_misses: u64,
}

/// `struct bpf_func_info`.
#[derive(Default, FromBytes, IntoBytes)]
#[repr(C)]
struct FuncInfo {
    insn_off: u32,
    type_id: u32,
}

/// `struct bpf_map_info`, without the fields after `btf_value_type_id`.
#[derive(Debug, Default, FromBytes, IntoBytes)]
#[repr(C)]
pub struct MapInfo {
    pub map_type: u32,
    pub id: u32,
    pub key_size: u32,
    pub value_size: u32,
    pub max_entries: u32,
    map_flags: u32,
    name: [u8; 16],
    ifindex: u32,
    btf_vmlinux_value_type_id: u32,
    netns_dev: u64,
    netns_ino: u64,
    pub btf_id: u32,
    pub btf_key_type_id: u32,
    pub btf_value_type_id: u32,
    _padding: u32,
}

impl MapInfo {
    /// Its name; the kernel keeps 15 bytes of it.
    pub fn name(&self) -> String {
        let len = self.name.iter().position(|byte| *byte == 0);

        String::from_utf8_lossy(&self.name[..len.unwrap_or(self.name.len())]).into_owned()
    }

    /// Whether it has the form of the maps that loaders make of sections.
    pub fn is_section(&self) -> bool {
        self.map_type == BPF_MAP_TYPE_ARRAY && self.key_size == 4 && self.max_entries == 1
    }
}

/// `struct bpf_btf_info`.
#[derive(Default, FromBytes, IntoBytes)]
#[repr(C)]
struct BtfInfo {
    btf: u64,
    btf_size: u32,
    id: u32,
    name: u64,
    name_len: u32,
    kernel_btf: u32,
}

/// The fields of `struct bpf_link_info` that all types of links have.
#[derive(Debug, Default, FromBytes, IntoBytes)]
#[repr(C)]
pub struct LinkInfo {
    pub link_type: u32,
    pub id: u32,
    pub prog_id: u32,
    _padding: u32,
}

#[derive(FromBytes, IntoBytes)]
#[repr(C)]
struct ProgBindMap {
    prog_fd: i32,
    map_fd: i32,
    flags: u32,
}

/// Calls `bpf(2)`; returns its result, or the error number.
///
/// # Safety
///
/// The memory that the kernel reads and writes through addresses in `attr` must be valid for that.
unsafe fn bpf<T: FromBytes + IntoBytes>(cmd: u32, attr: &mut T) -> io::Result<i32> {
    let bytes = attr.as_mut_bytes();

    // SAFETY: The kernel may read and write the attribute; for the rest see above.
    let ret = unsafe { libc::syscall(libc::SYS_bpf, cmd, bytes.as_mut_ptr(), bytes.len()) };
    if ret < 0 {
        return Err(io::Error::last_os_error());
    }
    i32::try_from(ret).map_err(io::Error::other)
}

/// Calls `bpf(2)` with a command that returns a new file descriptor.
///
/// # Safety
///
/// As for [`bpf`]; and `cmd` must be such a command.
unsafe fn bpf_fd<T: FromBytes + IntoBytes>(cmd: u32, attr: &mut T) -> io::Result<OwnedFd> {
    // SAFETY: By the safety requirements.
    let fd = unsafe { bpf(cmd, attr) }?;

    // SAFETY: The kernel has just opened this file descriptor, and nothing else uses it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A path as a C string.
pub fn c_path(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// Whether this is in a BPF file system.
pub fn is_bpf_fs(path: &Path) -> io::Result<bool> {
    let path = c_path(path)?;
    // SAFETY: All zeros is a value that `struct statfs` can have.
    let mut fs: libc::statfs = unsafe { std::mem::zeroed() };

    // SAFETY: The path ends with a NUL, and `fs` is valid.
    match unsafe { libc::statfs(path.as_ptr(), &mut fs) } {
        0 => Ok(fs.f_type as u32 == BPF_FS_MAGIC),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The number of a network device.
pub fn device_index(name: &str) -> io::Result<u32> {
    let name = CString::new(name)?;

    // SAFETY: The name ends with a NUL.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}

/// Pins a program, a map or a link at `path`.
pub fn obj_pin(fd: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let path = c_path(path)?;
    let mut attr = ObjGet {
        pathname: path.as_ptr() as u64,
        bpf_fd: fd.as_raw_fd() as u32,
        ..Default::default()
    };

    // SAFETY: The path is valid and ends with a NUL.
    unsafe { bpf(BPF_OBJ_PIN, &mut attr) }.map(drop)
}

/// Opens the program, map or link that is pinned at `path`.
pub fn obj_get(path: &Path) -> io::Result<OwnedFd> {
    let path = c_path(path)?;

    let mut attr = ObjGet {
        pathname: path.as_ptr() as u64,
        ..Default::default()
    };
    // SAFETY: The path is valid and ends with a NUL.
    unsafe { bpf_fd(BPF_OBJ_GET, &mut attr) }
}

/// Opens the program with this id.
pub fn prog_by_id(id: u32) -> io::Result<OwnedFd> {
    // SAFETY: There is no address in the attribute.
    unsafe { bpf_fd(BPF_PROG_GET_FD_BY_ID, &mut GetId { id }) }
}

/// Opens the map with this id.
pub fn map_by_id(id: u32) -> io::Result<OwnedFd> {
    // SAFETY: There is no address in the attribute.
    unsafe { bpf_fd(BPF_MAP_GET_FD_BY_ID, &mut GetId { id }) }
}

/// Opens the BTF with this id.
pub fn btf_by_id(id: u32) -> io::Result<OwnedFd> {
    // SAFETY: There is no address in the attribute.
    unsafe { bpf_fd(BPF_BTF_GET_FD_BY_ID, &mut GetId { id }) }
}

/// The id of the first program after the one with the id `id`; `None` if there is none.
pub fn next_prog_id(id: u32) -> io::Result<Option<u32>> {
    next_id(BPF_PROG_GET_NEXT_ID, id)
}

/// The first link after the one with the id `id`; `None` if there is none.
pub fn next_link(id: u32) -> io::Result<Option<LinkInfo>> {
    let mut id = id;

    while let Some(next) = next_id(BPF_LINK_GET_NEXT_ID, id)? {
        id = next;
        // SAFETY: There is no address in the attribute.
        match unsafe { bpf_fd(BPF_LINK_GET_FD_BY_ID, &mut GetId { id }) } {
            // The link was freed meanwhile.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
            fd => {
                let mut info = LinkInfo::default();
                // SAFETY: There is no address in `info`.
                unsafe { info_by_fd(fd?.as_fd(), &mut info) }?;
                return Ok(Some(info));
            }
        }
    }
    Ok(None)
}

fn next_id(cmd: u32, id: u32) -> io::Result<Option<u32>> {
    let mut attr = NextId {
        start_id: id,
        ..Default::default()
    };
    // SAFETY: There is no address in the attribute.
    match unsafe { bpf(cmd, &mut attr) } {
        Ok(_) => Ok(Some(attr.next_id)),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Asks for the kernel's information about a program, map, link or BTF.
///
/// # Safety
///
/// `info` must be the struct for that kind of object, and the addresses in it must be valid for
/// as many elements as it says.
unsafe fn info_by_fd<T: FromBytes + IntoBytes>(fd: BorrowedFd<'_>, info: &mut T) -> io::Result<()> {
    let mut attr = ObjInfo {
        bpf_fd: fd.as_raw_fd(),
        info_len: u32::try_from(size_of::<T>()).map_err(io::Error::other)?,
        info: &raw mut *info as u64,
    };
    // SAFETY: `info` is valid for its length; for the rest see above.
    unsafe { bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attr) }.map(drop)
}

/// The kernel's information about a program, and the ids of its maps, from the same moment.
pub fn prog_info(prog: BorrowedFd<'_>) -> io::Result<(ProgInfo, Vec<u32>)> {
    let mut ids = vec![0u32; 64];

    // The kernel returns the number of maps, and as many ids as fit. The program can get more maps
    // between two calls, so only the result of one call counts.
    loop {
        let mut info = ProgInfo {
            nr_map_ids: u32::try_from(ids.len()).map_err(io::Error::other)?,
            map_ids: ids.as_mut_ptr() as u64,
            ..Default::default()
        };
        // SAFETY: `ids` has as many elements as `info` says.
        unsafe { info_by_fd(prog, &mut info) }?;

        let len = info.nr_map_ids as usize;
        if len <= ids.len() {
            ids.truncate(len);
            return Ok((info, ids));
        }
        ids.resize(len, 0);
    }
}

/// The id of the type, in the program's BTF, of the program's first function; `None` if it has
/// none.
pub fn prog_func_type(prog: BorrowedFd<'_>) -> io::Result<Option<u32>> {
    let mut func = FuncInfo::default();
    let mut info = ProgInfo {
        nr_func_info: 1,
        func_info_rec_size: u32::try_from(size_of::<FuncInfo>()).map_err(io::Error::other)?,
        func_info: &raw mut func as u64,
        ..Default::default()
    };
    // SAFETY: `func` can hold one function.
    unsafe { info_by_fd(prog, &mut info) }?;
    Ok((info.nr_func_info > 0).then_some(func.type_id))
}

/// The kernel's information about a map.
pub fn map_info(map: BorrowedFd<'_>) -> io::Result<MapInfo> {
    let mut info = MapInfo::default();

    // SAFETY: There is no address in `info`.
    unsafe { info_by_fd(map, &mut info) }?;
    Ok(info)
}

/// Returns the bytes of a BTF in the kernel.
pub fn btf_bytes(btf: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();

    // The first call is for the size, which does not change.
    loop {
        let mut info = BtfInfo {
            btf: bytes.as_mut_ptr() as u64,
            btf_size: u32::try_from(bytes.len()).map_err(io::Error::other)?,
            ..Default::default()
        };
        // SAFETY: `bytes` is as long as `info` says.
        unsafe { info_by_fd(btf, &mut info) }?;

        let size = info.btf_size as usize;
        if size <= bytes.len() {
            bytes.truncate(size);
            return Ok(bytes);
        }
        bytes.resize(size, 0);
    }
}

/// Whether this is the BTF of a kernel module, which is split.
pub fn btf_is_module(btf: BorrowedFd<'_>) -> io::Result<bool> {
    let mut name = [0u8; 64];
    let mut info = BtfInfo {
        name: name.as_mut_ptr() as u64,
        name_len: u32::try_from(name.len()).map_err(io::Error::other)?,
        ..Default::default()
    };

    // SAFETY: `name` is as long as `info` says.
    unsafe { info_by_fd(btf, &mut info) }?;
    Ok(info.kernel_btf != 0 && !name.starts_with(b"vmlinux\0"))
}

/// Returns the value, of `size` bytes, of the only element of an array.
pub fn array_value(map: BorrowedFd<'_>, size: u32) -> io::Result<Vec<u8>> {
    static ZERO: u32 = 0;

    // The kernel rounds the size up, and writes that many bytes.
    let mut value = vec![0; (size as usize).next_multiple_of(8)];
    let mut attr = Elem {
        map_fd: map.as_raw_fd(),
        key: &raw const ZERO as u64,
        value: value.as_mut_ptr() as u64,
        ..Default::default()
    };

    // SAFETY: The key is a constant, and the value large enough.
    unsafe { bpf(BPF_MAP_LOOKUP_ELEM, &mut attr) }?;
    value.truncate(size as usize);
    Ok(value)
}

/// Makes `map` live at least as long as `prog`.
pub fn prog_bind_map(prog: BorrowedFd<'_>, map: BorrowedFd<'_>) -> io::Result<()> {
    bind(prog.as_raw_fd(), map.as_raw_fd())
}

/// Whether the kernel knows `BPF_PROG_BIND_MAP`: it returns `EBADF` for invalid file descriptors,
/// but `EINVAL` for an unknown command. Before Linux 6.4 it may require privilege for any command,
/// and return `EPERM`.
pub fn probe_prog_bind_map() -> io::Result<bool> {
    match bind(-1, -1) {
        Err(error) if error.raw_os_error() == Some(libc::EBADF) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS)) => {
            Ok(false)
        }
        other => other.map(|()| true),
    }
}

fn bind(prog_fd: i32, map_fd: i32) -> io::Result<()> {
    let mut attr = ProgBindMap {
        prog_fd,
        map_fd,
        flags: 0,
    };
    // SAFETY: There is no address in the attribute.
    unsafe { bpf(BPF_PROG_BIND_MAP, &mut attr) }.map(drop)
}

/// The time of a clock, in nanoseconds.
fn clock(clock: libc::clockid_t) -> io::Result<i128> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is valid.
    match unsafe { libc::clock_gettime(clock, &mut time) } {
        0 => Ok(i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Converts a time in nanoseconds since the boot to seconds since 1970.
pub fn since_boot(nanoseconds: u64) -> io::Result<i64> {
    let boot = clock(libc::CLOCK_REALTIME)? - clock(libc::CLOCK_BOOTTIME)?;
    let time = (boot + i128::from(nanoseconds)).div_euclid(1_000_000_000);

    i64::try_from(time).map_err(io::Error::other)
}

#[cfg(test)]
mod tests;
