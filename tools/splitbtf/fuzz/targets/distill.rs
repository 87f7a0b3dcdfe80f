// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Distils any valid BTF, and relocates it back to its base.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitbtf::BtfExt;
use splitbtf::Error;
use splitbtf::Mismatch;
use splitbtf::Owned;
use splitbtf::Policy;
use splitbtf_fuzz::parts;
use splitbtf_fuzz::with_names;
use zerocopy::LE;

fn distill(base: &[u8], split: &[u8]) -> Option<()> {
    let base_file = Owned::<LE>::new(base.to_vec(), None).ok()?;
    let base = base_file.btf();
    let split = Owned::<LE>::new(split.to_vec(), Some(&base_file)).ok()?;
    let split = split.btf();
    base.validated().ok()?;
    let split = split.validated().ok()?;

    let distilled = splitbtf::distill(&split).ok()?;
    let new_base_file = Owned::<LE>::new(distilled.base.clone(), None).unwrap();
    let new_base = new_base_file.btf();
    let new_split = Owned::<LE>::new(distilled.split.clone(), Some(&new_base_file)).unwrap();
    let new_split = new_split.btf();

    new_base.validated().unwrap();
    let new_split = new_split.validated().unwrap();
    for id in split.first_id()..split.end_id() {
        let new = distilled.id(id).unwrap();
        assert!((new_split.first_id()..new_split.end_id()).contains(&new));
    }
    with_names(&base_file, |names| {
        let there = match splitbtf::relocate(&new_split, names, Policy::Opaque) {
            // The base may have a type twice.
            Err(Error::Unmatched {
                reason: Mismatch::Ambiguous { .. },
                ..
            }) => return,
            there => there.unwrap(),
        };
        let back = Owned::<LE>::new(there.bytes, Some(&base_file)).unwrap();
        back.btf().validated().unwrap();
    })
}

fuzz_target!(|input: &[u8]| {
    let [base, split] = parts(input);

    distill(base, split);
});
