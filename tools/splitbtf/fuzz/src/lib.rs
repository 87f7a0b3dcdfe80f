// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Helpers for the fuzz targets.

use splitbtf::BtfExt;
use splitbtf::Btf;
use splitbtf::NameIndex;
use splitbtf::Names;
use splitbtf::Owned;
use splitbtf::Valid;
use zerocopy::ByteOrder;

/// Splits an input into parts. Each but the last comes after 4 bytes with its length, in
/// little-endian order. A length that is too large takes all bytes that are left.
pub fn parts<const N: usize>(mut input: &[u8]) -> [&[u8]; N] {
    let mut parts = [&[][..]; N];

    if let Some((last, others)) = parts.split_last_mut() {
        for part in others {
            let Some((len, rest)) = input.split_first_chunk() else {
                break;
            };
            let len = u32::from_le_bytes(*len) as usize;
            (*part, input) = rest.split_at(len.min(rest.len()));
        }
        *last = input;
    }
    parts
}

/// Validates BTF, and follows all ids and names in it.
pub fn look<'a, O: ByteOrder + 'static>(btf: &Btf<'a, O>) -> Option<Valid<'a, O>> {
    let valid = btf.validated().ok()?;
    let mut types = 0;

    for ty in valid.iter() {
        types += 1;
        valid.string(ty.name_off).unwrap();
        // The base may be bad by itself.
        let _ = valid.resolve(ty.id);
        for id in valid.ids(ty.id).unwrap() {
            assert!(id < valid.end_id());
        }
        for name in valid.name_offsets(ty.id).unwrap() {
            valid.string(name).unwrap();
        }
    }
    assert_eq!(types, valid.end_id() - valid.first_id());
    Some(valid)
}

/// Calls `then` with the names of BTF without a base, sorted or by an index.
pub fn with_names<O: ByteOrder + 'static>(file: &Owned<O>, then: impl FnOnce(&Names<'_, O>)) -> Option<()> {
    let btf = file.btf();

    then(&NameIndex::new(&btf).ok()?.names(btf));
    Some(())
}
