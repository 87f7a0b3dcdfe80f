// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Programs as JSON: `prog_show` of `docs/bpfkit.schema.json`.

use crate::show::Device;
use crate::show::Holder;
use crate::show::Link;
use crate::show::LoadedBy;
use crate::show::NamedMap;
use crate::show::ProgType;
use crate::Error;
use serde::ser::SerializeMap;
use serde::Serialize;
use serde::Serializer;

use super::Full;
use super::Short;

impl Serialize for Full<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(program) = self;
        let mut map = serializer.serialize_map(None)?;

        map.serialize_entry("id", &program.id)?;
        map.serialize_entry("type", &TypeJson(program.prog_type))?;
        if !program.name.is_empty() {
            map.serialize_entry("name", &program.name)?;
        }
        map.serialize_entry("tag", &program.tag.to_string())?;
        map.serialize_entry("gpl_compatible", &program.gpl_compatible)?;
        if let Some(run) = &program.run {
            map.serialize_entry("run_time_ns", &run.run_time_ns)?;
            map.serialize_entry("run_cnt", &run.run_cnt)?;
        }
        if program.recursion_misses != 0 {
            map.serialize_entry("recursion_misses", &program.recursion_misses)?;
        }
        if let Some(dev) = &program.dev {
            map.serialize_entry("dev", &DeviceJson::of(dev))?;
        }
        if let Some(LoadedBy { loaded_at, uid }) = &program.loaded {
            map.serialize_entry("loaded_at", loaded_at)?;
            map.serialize_entry("uid", uid)?;
        }
        // Whether its device is gone: the kernel gives no information about such a program.
        map.serialize_entry("orphaned", &false)?;
        map.serialize_entry("bytes_xlated", &program.bytes_xlated)?;
        map.serialize_entry("jited", &program.jited)?;
        if program.bytes_jited != 0 {
            map.serialize_entry("bytes_jited", &program.bytes_jited)?;
        }
        if let Some(memlock) = &program.bytes_memlock {
            map.serialize_entry("bytes_memlock", memlock)?;
        }
        array(&mut map, "map_ids", &program.map_ids, |id| *id)?;
        if program.btf_id != 0 {
            map.serialize_entry("btf_id", &program.btf_id)?;
        }
        if !program.metadata.0.is_empty() {
            map.serialize_entry("metadata", &program.metadata)?;
        }
        if let Some(details) = &program.details {
            array(&mut map, "pids", &details.pids, HolderJson::of)?;
            array(&mut map, "links", &details.links, LinkJson::of)?;
            array(&mut map, "maps", &details.maps, MapJson::of)?;
        }
        array(&mut map, "errors", &program.problems, Error::to_string)?;
        map.end()
    }
}

impl Serialize for Short<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(program) = self;
        let mut map = serializer.serialize_map(None)?;

        map.serialize_entry("id", &program.id)?;
        map.serialize_entry("type", &TypeJson(program.prog_type))?;
        map.serialize_entry("name", program.name)?;
        map.serialize_entry("tag", &program.tag.to_string())?;
        map.serialize_entry("metadata", program.metadata)?;
        array(&mut map, "errors", program.problems, Error::to_string)?;
        map.end()
    }
}

/// A member that is an array, unless that is empty; `json` converts its elements.
fn array<'a, M: SerializeMap, T, J: Serialize>(
    map: &mut M,
    name: &str,
    items: &'a [T],
    json: impl Fn(&'a T) -> J,
) -> Result<(), M::Error> {
    match items.is_empty() {
        true => Ok(()),
        false => map.serialize_entry(name, &items.iter().map(json).collect::<Vec<_>>()),
    }
}

/// The name of a program type, or its number if it has none.
struct TypeJson(ProgType);

impl Serialize for TypeJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.name() {
            Some(name) => serializer.serialize_str(name),
            None => serializer.serialize_u32(self.0 .0),
        }
    }
}

#[derive(Serialize)]
struct DeviceJson {
    ifindex: u32,
    ns_dev: u64,
    ns_inode: u64,
}

impl DeviceJson {
    fn of(dev: &Device) -> Self {
        Self {
            ifindex: dev.ifindex,
            ns_dev: dev.ns_dev,
            ns_inode: dev.ns_inode,
        }
    }
}

#[derive(Serialize)]
struct HolderJson<'a> {
    pid: u32,
    comm: &'a str,
}

impl<'a> HolderJson<'a> {
    fn of(holder: &'a Holder) -> Self {
        Self {
            pid: holder.pid,
            comm: &holder.comm,
        }
    }
}

#[derive(Serialize)]
struct LinkJson<'a> {
    id: u32,
    #[serde(rename = "type")]
    link_type: &'a str,
}

impl<'a> LinkJson<'a> {
    fn of(link: &'a Link) -> Self {
        Self {
            id: link.id,
            link_type: &link.link_type,
        }
    }
}

#[derive(Serialize)]
struct MapJson<'a> {
    id: u32,
    name: &'a str,
}

impl<'a> MapJson<'a> {
    fn of(map: &'a NamedMap) -> Self {
        Self {
            id: map.id,
            name: &map.name,
        }
    }
}
