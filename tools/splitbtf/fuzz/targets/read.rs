// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Opens and validates BTF, and split BTF on it, in either byte order; reads `.BTF.ext`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitbtf::Builder;
use splitbtf::ExtInfo;
use splitbtf::Owned;
use splitbtf_fuzz::look;
use splitbtf_fuzz::parts;
use zerocopy::ByteOrder;
use zerocopy::BE;
use zerocopy::LE;

fn read<O: ByteOrder + 'static>(base: &[u8], split: &[u8]) -> Option<()> {
    let base_file = Owned::<O>::new(base.to_vec(), None).ok()?;
    let base = base_file.btf();
    let split = Owned::<O>::new(split.to_vec(), Some(&base_file));

    look(&base);
    let split = split.ok()?;
    let split = split.btf();
    look(&split);

    // Written again, it has as many types.
    let mut builder = Builder::like(&split).ok()?;
    for id in split.first_id()..split.end_id() {
        builder.copy(&split, id).unwrap();
    }
    let bytes = builder.finish().ok()?;
    let again = Owned::<O>::new(bytes, Some(&base_file)).unwrap();
    let again = again.btf();
    assert_eq!(again.end_id(), split.end_id());
    Some(())
}

fuzz_target!(|input: &[u8]| {
    let [base, split] = parts(input);

    let _ = ExtInfo::read(input);
    read::<LE>(base, split);
    read::<BE>(base, split);
});
