// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Compares libbpf and splitbtf on valid input.
//!
//! libbpf gets no input that splitbtf finds malformed, as it may read out of bounds or loop
//! forever.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitbtf::ValidExt;
use splitbtf::BtfExt;
use splitbtf::raw::wire;
use splitbtf::Btf;
use splitbtf::Error;
use splitbtf::Kind;
use splitbtf::Owned;
use splitbtf::Policy;
use splitbtf::TypeReason;
use splitbtf::Valid;
use splitbtf_fuzz::parts;
use splitbtf_fuzz::with_names;
use zerocopy::LE;

/// The kind of a type, with ENUM and ENUM64 as one, and the two sorts of FWD as two.
fn kind(btf: &Btf<'_, LE>, id: u32) -> u32 {
    match btf.get(id).unwrap().kind {
        Kind::Int(_) => wire::INT.into(),
        Kind::Float { .. } => wire::FLOAT.into(),
        Kind::Struct(_) => wire::STRUCT.into(),
        Kind::Union(_) => wire::UNION.into(),
        Kind::Enum { .. } | Kind::Enum64 { .. } => wire::ENUM.into(),
        Kind::Fwd { is_union } => 1000 + u32::from(is_union),
        _ => 2000,
    }
}

/// Whether a distilled type can match a type: both are of the same kind, or one is a FWD that
/// declares the other.
fn fits(distilled: u32, found: u32) -> bool {
    let struct_fwd = [u32::from(wire::STRUCT), 1000];
    let union_fwd = [u32::from(wire::UNION), 1001];
    let both = |of: [u32; 2]| of.contains(&distilled) && of.contains(&found);

    distilled == found || both(struct_fwd) || both(union_fwd)
}

/// Whether there is a type with a size of 2 GiB or more.
fn big(btf: &Btf<'_, LE>) -> bool {
    (1..btf.end_id()).any(|id| match btf.get(id).unwrap().kind {
        Kind::Int(int) => int.size >> 31 != 0,
        Kind::Struct(composite) | Kind::Union(composite) => composite.size >> 31 != 0,
        Kind::Enum { size, .. } | Kind::Enum64 { size, .. } | Kind::Float { size } => {
            size >> 31 != 0
        }
        _ => false,
    })
}

/// Whether the split BTF contains a type of its base, but in no struct or union.
fn is_by_value(split: &Valid<'_, LE>, id: u32) -> bool {
    let needs = split.needs().unwrap();
    let id = id as usize;

    needs.contained[id] && !needs.embedded[id]
}

fn compare(base: &[u8], split: &[u8], target: &[u8]) -> Option<()> {
    let base_file = Owned::<LE>::new(base.to_vec(), None).ok()?;
    let base_btf = base_file.btf();
    let split_file = Owned::<LE>::new(split.to_vec(), Some(&base_file)).ok()?;
    let split_btf = split_file.btf();
    let target_file = Owned::<LE>::new(target.to_vec(), None).ok()?;
    base_btf.validated().ok()?;
    let valid: Valid<'_, LE> = split_btf.validated().ok()?;
    target_file.btf().validated().ok()?;

    let base = oracle::libbpf::Btf::parse(base, None).ok()?;
    let target = oracle::libbpf::Btf::parse(target, None).ok()?;
    let split = oracle::libbpf::Btf::parse(split, Some(&base)).ok()?;
    let theirs = split.relocate(&target);

    with_names(&target_file, |names| {
        let ours = splitbtf::relocate(&valid, names, Policy::Error);
        let end = base_btf.end_id();

        if let Ok(ours) = &ours {
            for (id, new) in (0..end).zip(&ours.id_map).skip(1) {
                assert!(fits(kind(&base_btf, id), kind(names.btf(), *new)));
            }
        }
        if let Ok(ours) = splitbtf::relocate(&valid, names, Policy::Opaque) {
            assert!(oracle::libbpf::Btf::parse(&ours.bytes, Some(&target)).is_ok());
        }
        let Ok((mut theirs, their_ids)) = theirs else {
            return;
        };
        // libbpf ignores the kinds if the sizes agree, and reads the bit-field flag as a FWD's.
        let by_kind = (0..end)
            .zip(&their_ids)
            .skip(1)
            .any(|(id, new)| !fits(kind(&base_btf, id), kind(names.btf(), *new)));
        if by_kind {
            return;
        }
        let ours = match ours {
            // libbpf accepts empty names, and names of any length.
            Err(Error::Type {
                reason: TypeReason::Unnamed | TypeReason::LongName,
                ..
            }) => return,
            // libbpf considers only types of members as embedded.
            Err(Error::Unmatched { id, .. }) if is_by_value(&valid, id) => return,
            // libbpf's sizes have 31 bits.
            Err(Error::Unmatched { .. }) if big(&base_btf) || big(names.btf()) => return,
            ours => ours.expect("libbpf relocates it"),
        };
        assert_eq!(ours.id_map, their_ids);
        assert_eq!(ours.bytes, theirs.bytes().unwrap());
    })
}

fuzz_target!(|input: &[u8]| {
    let [base, split, target] = parts(input);

    compare(base, split, target);
});
