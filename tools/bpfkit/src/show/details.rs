// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The processes that hold a program, its links and its maps.

use std::fs;
use std::os::fd::AsFd;

use super::Program;
use crate::sys;
use crate::Error;

/// Information that needs more than a look at the program.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// The processes that have it open.
    pub pids: Vec<Holder>,
    /// Its links.
    pub links: Vec<Link>,
    /// Its maps.
    pub maps: Vec<NamedMap>,
}

/// A process that has a program open.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Its id.
    pub pid: u32,
    /// Its name.
    pub comm: String,
}

/// A link of a program.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its id.
    pub id: u32,
    /// Its type.
    pub link_type: String,
}

/// A map of a program.
#[derive(Clone, Debug)]
pub struct NamedMap {
    /// Its id.
    pub id: u32,
    /// Its name; the kernel keeps 15 bytes of it.
    pub name: String,
}

/// Adds to programs the processes that hold them, their links, and the names of their maps.
///
/// Processes that the user may not inspect are left out.
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

#[cfg(test)]
mod tests;
