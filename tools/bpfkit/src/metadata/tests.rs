// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

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
    // The same names in a second map are told apart.
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
