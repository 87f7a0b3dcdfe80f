// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Programs, as `bpftool prog show` prints them, and the output of `prog load`.

mod json;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::load::Binder;
use crate::load::Loaded;
use crate::show::LoadedBy;
use crate::show::Program;
use crate::show::Summary;

use super::time;

/// All information about a program.
///
/// `Display` writes the text of `bpftool prog show`, which ends with a newline. The JSON is that of
/// `bpftool -j prog show`.
pub struct Full<'a>(pub &'a Program);

/// The identity of a program, and its metadata, as text that ends with a newline or as JSON.
pub struct Short<'a>(pub Summary<'a>);

/// The output of `prog load` for a program: where it is pinned, and a line for each bound map.
pub fn loaded(program: &Loaded) -> String {
    let pinned = program.pinned.display();
    let link = if program.attached { "link " } else { "" };
    let mut text = format!(
        "{}: name {}  {link}pinned {pinned}\n",
        program.id, program.name
    );

    for map in &program.bound {
        let by = match map.by {
            Binder::Libbpf => " (by libbpf)",
            Binder::Bpfkit => "",
        };
        text += &format!("\tbound map {}: {}{by}\n", map.id, map.name);
    }
    text
}

impl fmt::Display for Full<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(program) = self;

        identity(f, &program.summary())?;
        if let Some(dev) = &program.dev {
            write!(
                f,
                "  offloaded_to ifindex {} ns_dev {} ns_ino {}",
                dev.ifindex, dev.ns_dev, dev.ns_inode
            )?;
        }
        f.write_str(if program.gpl_compatible { "  gpl" } else { "" })?;
        if let Some(run) = &program.run {
            write!(
                f,
                " run_time_ns {} run_cnt {}",
                run.run_time_ns, run.run_cnt
            )?;
        }
        if program.recursion_misses != 0 {
            write!(f, " recursion_misses {}", program.recursion_misses)?;
        }
        if let Some(LoadedBy { loaded_at, uid }) = program.loaded {
            let time = time::local(loaded_at).unwrap_or_else(|| loaded_at.to_string());
            write!(f, "\n\tloaded_at {time}  uid {uid}")?;
        }
        write!(f, "\n\txlated {}B", program.bytes_xlated)?;
        match program.jited {
            true => write!(f, "  jited {}B", program.bytes_jited)?,
            false => f.write_str("  not jited")?,
        }
        if let Some(memlock) = program.bytes_memlock {
            write!(f, "  memlock {memlock}B")?;
        }
        for (i, id) in program.map_ids.iter().enumerate() {
            f.write_str(if i == 0 { "  map_ids " } else { "," })?;
            write!(f, "{id}")?;
        }
        if program.btf_id != 0 {
            write!(f, "\n\tbtf_id {}", program.btf_id)?;
        }
        if let Some(details) = &program.details {
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
        if !program.metadata.0.is_empty() {
            f.write_str("\n\tmetadata:")?;
        }
        for (name, value) in &program.metadata.0 {
            write!(f, "\n\t\t{name} = {value}")?;
        }
        f.write_str("\n")
    }
}

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        identity(f, &self.0)?;
        for (name, value) in &self.0.metadata.0 {
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
fn identity(f: &mut fmt::Formatter<'_>, of: &Summary<'_>) -> fmt::Result {
    write!(f, "{}: {}  ", of.id, of.prog_type)?;
    if !of.name.is_empty() {
        write!(f, "name {}  ", of.name)?;
    }
    write!(f, "tag {}", of.tag)
}
