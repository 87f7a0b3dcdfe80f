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

const PREFIX: &[u8] = b"bpf_metadata_";

/// The metadata of a program: names, without their prefix, and values, map after map.
///
/// A name that an earlier map has as well is followed by the map: `commit (map 7)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata(pub Vec<(String, Value)>);

/// What is in a map, beside metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapContent {
    /// It may be a section of an object file, but nothing tells what is in it.
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
    /// Adds what is in the map with this id; nothing if it holds no constants, or has no BTF.
    ///
    /// # Errors
    ///
    /// If the kernel does not let us look at the map, or its BTF is wrong.
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

    /// Adds what is in the value of a map, if its type is a section of constants.
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
            let Some(name) = name.strip_prefix(PREFIX) else {
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
mod tests {
    use super::*;
    use crate::testing::blob;

    const NAMES: &[u8] = b"\0.rodata.x\0bpf_metadata_a\0bpf_metadata_b\0other\0.data\0";

    /// A section with three variables of an `unsigned int`; two of them are metadata.
    fn section(name: u32, offset: u32) -> Vec<u8> {
        let types = [
            &[0, 1 << 24, 4, 32][..],
            &[11, 14 << 24, 1, 1],
            &[41, 14 << 24, 1, 1],
            &[26, 14 << 24, 1, 1],
            &[name, 15 << 24 | 3, 12],
            &[2, 0, 4],
            &[3, 4, 4],
            &[4, offset, 4],
        ];
        blob(&types.concat(), NAMES)
    }

    fn add(metadata: &mut Metadata, map: u32, blob: &[u8], id: u32) -> Result<(), Error> {
        let mut room = [0; 8];
        let btf = Btf::open(blob, None, &mut room).unwrap();
        let value = [1u32, 2, 3].map(u32::to_ne_bytes).concat();

        metadata.add_section(map, &btf, id, || Ok(value))
    }

    fn json(metadata: &Metadata) -> String {
        serde_json::to_string(metadata).unwrap()
    }

    #[test]
    fn variables_go_by_their_prefix() {
        let mut metadata = Metadata::default();

        add(&mut metadata, 7, &section(1, 8), 5).unwrap();
        assert_eq!(json(&metadata), r#"{"a":1,"b":3}"#);
        // From a second map, without confusion.
        add(&mut metadata, 8, &section(1, 0), 5).unwrap();
        assert_eq!(
            json(&metadata),
            r#"{"a":1,"b":3,"a (map 8)":1,"b (map 8)":1}"#
        );
    }

    #[test]
    fn other_maps_have_none() {
        let mut metadata = Metadata::default();

        add(&mut metadata, 7, &section(47, 8), 5).unwrap();
        add(&mut metadata, 7, &section(1, 8), 1).unwrap();
        assert_eq!(json(&metadata), "{}");
    }

    #[test]
    fn damage_is_named_and_nothing_is_kept_of_it() {
        let mut metadata = Metadata::default();

        let error = add(&mut metadata, 7, &section(1, 9), 5).unwrap_err();
        assert_eq!(
            error.to_string(),
            "map id 7: a value of BTF type 1 reaches beyond the end of the data"
        );
        let error = add(&mut metadata, 7, &section(1, 13), 5).unwrap_err();
        assert_eq!(
            error.to_string(),
            "map id 7: a value of BTF type 4 reaches beyond the end of the data"
        );
        let error = add(&mut metadata, 7, &section(1, 8), 9).unwrap_err();
        assert_eq!(
            error.to_string(),
            "map id 7: there is no BTF type 9: the ids end before 6"
        );
        assert_eq!(metadata, Metadata::default());
    }
}
