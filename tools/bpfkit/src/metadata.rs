// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The metadata of a program: constants whose names begin with `bpf_metadata_`.

use std::io;
use std::os::fd::AsFd;

use serde::ser::SerializeMap;
use serde::Serialize;
use serde::Serializer;
use splitbtf::Btf;
use splitbtf::Kind;
use zerocopy::NativeEndian;

use crate::btf::KernelBtf;
use crate::sys;
use crate::value::ValueError;
use crate::Error;
use crate::Value;

/// The prefix of the names of variables with metadata.
pub(crate) const PREFIX: &str = "bpf_metadata_";

/// The metadata of a program: names, without their prefix, and values, map after map.
///
/// A name that an earlier map has as well is followed by the map: `commit (map 7)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata(pub Vec<(String, Value)>);

/// The content of a map, besides metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapContent {
    /// It may be a section of an object file, but has no BTF that describes it.
    NoBtf,
    /// Nothing that matters here.
    Other,
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Metadata {
    /// Adds the metadata in the map with this id; nothing if it holds no constants, or has no BTF.
    ///
    /// # Errors
    ///
    /// If the kernel refuses access to the map, or its BTF is malformed.
    pub(crate) fn add_map(&mut self, id: u32) -> Result<MapContent, Error> {
        let kernel_error = |source: io::Error| Error::Kernel {
            what: format!("map id {id}"),
            source,
        };
        let fd = sys::map_by_id(id).map_err(kernel_error)?;
        let info = sys::map_info(fd.as_fd()).map_err(kernel_error)?;
        if !info.is_section() {
            return Ok(MapContent::Other);
        }
        if info.btf_id == 0 || info.btf_value_type_id == 0 {
            return Ok(MapContent::NoBtf);
        }

        let mut btf = KernelBtf::fetch(info.btf_id)?;
        let types = btf.types()?;
        let value = || sys::array_value(fd.as_fd(), info.value_size).map_err(kernel_error);
        self.add_section(id, &types, info.btf_value_type_id, value)?;
        Ok(MapContent::Other)
    }

    /// Adds the metadata in the value of a map, if its type is a section of constants.
    fn add_section(
        &mut self,
        map: u32,
        btf: &Btf<'_, NativeEndian>,
        section: u32,
        value: impl FnOnce() -> Result<Vec<u8>, Error>,
    ) -> Result<(), Error> {
        let error = |source: ValueError| Error::Metadata { map, source };
        let btf_error = |source: splitbtf::Error| error(source.into());
        let section = btf.get(section).map_err(btf_error)?;
        let Kind::Datasec { vars, .. } = section.kind else {
            return Ok(());
        };
        let name = btf.string(section.name_off).map_err(btf_error)?;
        if !name.starts_with(b".rodata") {
            return Ok(());
        }

        let value = value()?;
        let mut found = Vec::new();
        for secinfo in vars {
            let id = secinfo.ty;
            let var = btf.get(id).map_err(btf_error)?;
            let Kind::Var { ty, .. } = var.kind else {
                return Err(error(ValueError::NoValue { id }));
            };
            let name = btf.string(var.name_off).map_err(btf_error)?;
            let Some(name) = name.strip_prefix(PREFIX.as_bytes()) else {
                continue;
            };
            let bytes = usize::try_from(secinfo.offset)
                .ok()
                .and_then(|start| value.get(start..))
                .ok_or(error(ValueError::Outside { id }))?;
            let value = Value::read(btf, ty, bytes).map_err(error)?;
            let mut name = String::from_utf8_lossy(name).into_owned();
            if self.0.iter().any(|(other, _)| *other == name) {
                name += &format!(" (map {map})");
            }
            found.push((name, value));
        }
        self.0.append(&mut found);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
