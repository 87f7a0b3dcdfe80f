// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The commands of `bpf(2)` that aya has no public call for. The numbers and the layouts are those
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

const BPF_MAP_CREATE: u32 = 0;
const BPF_MAP_LOOKUP_ELEM: u32 = 1;
const BPF_MAP_UPDATE_ELEM: u32 = 2;
const BPF_OBJ_GET: u32 = 7;
const BPF_PROG_GET_FD_BY_ID: u32 = 13;
const BPF_MAP_GET_FD_BY_ID: u32 = 14;
const BPF_OBJ_GET_INFO_BY_FD: u32 = 15;
const BPF_BTF_GET_FD_BY_ID: u32 = 19;
const BPF_MAP_FREEZE: u32 = 22;
const BPF_PROG_BIND_MAP: u32 = 35;

const BPF_MAP_TYPE_ARRAY: u32 = 2;
const BPF_F_RDONLY_PROG: u32 = 1 << 7;

#[derive(Default, FromBytes, IntoBytes)]
#[repr(C)]
struct MapCreate {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
    inner_map_fd: u32,
    numa_node: u32,
    map_name: [u8; 16],
    map_ifindex: u32,
    btf_fd: i32,
    btf_key_type_id: u32,
    btf_value_type_id: u32,
}

#[derive(Default, FromBytes, IntoBytes)]
#[repr(C)]
struct Elem {
    map_fd: i32,
    _padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[derive(FromBytes, IntoBytes)]
#[repr(C)]
struct Fd {
    fd: i32,
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

/// `struct bpf_btf_info`.
#[derive(Default, FromBytes, IntoBytes)]
#[repr(C)]
struct BtfInfo {
    btf: u64,
    btf_size: u32,
    id: u32,
}

#[derive(FromBytes, IntoBytes)]
#[repr(C)]
struct ProgBindMap {
    prog_fd: i32,
    map_fd: i32,
    flags: u32,
}

/// Calls `bpf(2)`; returns what it does, or the error number.
///
/// # Safety
///
/// What the kernel reads and writes through addresses in `attr` must be valid for that.
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

    // SAFETY: The kernel gave us this file descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Opens what is pinned at `path`: a program, a map or a link.
pub fn obj_get(path: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;

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

/// Returns the bytes of a BTF that the kernel has.
pub fn btf_bytes(btf: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();

    // The first call is for the size, which does not change.
    loop {
        let mut info = BtfInfo {
            btf: bytes.as_mut_ptr() as u64,
            btf_size: u32::try_from(bytes.len()).map_err(io::Error::other)?,
            id: 0,
        };
        let mut attr = ObjInfo {
            bpf_fd: btf.as_raw_fd(),
            info_len: size_of::<BtfInfo>() as u32,
            info: &raw mut info as u64,
        };
        // SAFETY: `info` is valid for its length, and so is `bytes`.
        unsafe { bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attr) }?;

        let size = info.btf_size as usize;
        if size <= bytes.len() {
            bytes.truncate(size);
            return Ok(bytes);
        }
        bytes.resize(size, 0);
    }
}

/// Returns the id of a map.
pub fn map_id(map: BorrowedFd<'_>) -> io::Result<u32> {
    // The beginning of `struct bpf_map_info`.
    let mut info = [0u32; 2];
    let mut attr = ObjInfo {
        bpf_fd: map.as_raw_fd(),
        info_len: size_of_val(&info) as u32,
        info: info.as_mut_ptr() as u64,
    };

    // SAFETY: `info` is valid for its length.
    unsafe { bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attr) }?;
    Ok(info[1])
}

/// Returns the value, of `size` bytes, of the only element of an array.
pub fn array_value(map: BorrowedFd<'_>, size: u32) -> io::Result<Vec<u8>> {
    // The kernel writes what it thinks the size is: round up as it does.
    let mut value = vec![0; (size as usize).next_multiple_of(8)];
    let mut attr = elem(map, &mut value);

    // SAFETY: The key is a constant, and the value large enough.
    unsafe { bpf(BPF_MAP_LOOKUP_ELEM, &mut attr) }?;
    value.truncate(size as usize);
    Ok(value)
}

/// An element's key 0, and its value.
fn elem(map: BorrowedFd<'_>, value: &mut [u8]) -> Elem {
    static ZERO: u32 = 0;

    Elem {
        map_fd: map.as_raw_fd(),
        key: &raw const ZERO as u64,
        value: value.as_mut_ptr() as u64,
        ..Default::default()
    }
}

/// Makes an array of one element that neither programs nor user space can change, with the value
/// `value`, whose type has the id `type_id` in `btf`.
pub fn frozen_array(
    name: &str,
    value: &mut [u8],
    btf: BorrowedFd<'_>,
    type_id: u32,
) -> io::Result<OwnedFd> {
    let mut attr = MapCreate {
        map_type: BPF_MAP_TYPE_ARRAY,
        key_size: 4,
        value_size: u32::try_from(value.len()).map_err(io::Error::other)?,
        max_entries: 1,
        map_flags: BPF_F_RDONLY_PROG,
        btf_fd: btf.as_raw_fd(),
        btf_value_type_id: type_id,
        ..Default::default()
    };
    // The last byte stays zero.
    for (to, from) in attr.map_name.iter_mut().take(15).zip(name.bytes()) {
        *to = from;
    }

    // SAFETY: There is no address in the attribute.
    let map = unsafe { bpf_fd(BPF_MAP_CREATE, &mut attr) }?;
    // SAFETY: The key is a constant, and the value has the size that the map was made for.
    unsafe { bpf(BPF_MAP_UPDATE_ELEM, &mut elem(map.as_fd(), value)) }?;
    // SAFETY: There is no address in the attribute.
    unsafe {
        bpf(
            BPF_MAP_FREEZE,
            &mut Fd {
                fd: map.as_raw_fd(),
            },
        )
    }?;
    Ok(map)
}

/// Makes `map` live at least as long as `prog`.
pub fn prog_bind_map(prog: BorrowedFd<'_>, map: BorrowedFd<'_>) -> io::Result<()> {
    bind(prog.as_raw_fd(), map.as_raw_fd())
}

/// Whether the kernel knows `BPF_PROG_BIND_MAP`: it says `EBADF` to file descriptors that are none,
/// but `EINVAL` to a command that it does not know.
pub fn has_prog_bind_map() -> bool {
    !matches!(bind(-1, -1), Err(error) if error.raw_os_error() == Some(libc::EINVAL))
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
