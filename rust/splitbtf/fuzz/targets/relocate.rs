// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Relocating whatever is valid to whatever can be opened.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitbtf::Owned;
use splitbtf::Policy;
use splitbtf_fuzz::parts;
use splitbtf_fuzz::with_names;
use zerocopy::ByteOrder;
use zerocopy::BE;
use zerocopy::LE;

fn relocate<O: ByteOrder>(base: &[u8], split: &[u8], target: &[u8]) -> Option<()> {
    let base = Owned::<O>::new(base.into(), None).ok()?;
    let base = base.view(None).ok()?;
    let split = Owned::<O>::new(split.into(), Some(&base)).ok()?;
    let split = split.view(Some(&base)).ok()?;
    let target = Owned::<O>::new(target.into(), None).ok()?;
    base.validated().ok()?;
    let split = split.validated().ok()?;

    with_names(&target, |names| {
        let strict = splitbtf::relocate(&split, names, Policy::Error);
        let Ok(kept) = splitbtf::relocate(&split, names, Policy::Opaque) else {
            assert!(strict.is_err());
            return;
        };
        if let Ok(strict) = strict {
            assert_eq!(strict, kept);

            // In place or written out, it is the same, but for what is between the sections.
            let (ids, strings) = split.relocation_room();
            let (mut ids, mut strings) = (vec![0; ids], vec![0; strings]);
            let relocation = split
                .relocate(names, Policy::Error, &mut ids, &mut strings)
                .unwrap();
            let mut bytes = vec![0; relocation.written_len()];
            relocation.write(split.bytes(), &base, &mut bytes).unwrap();
            if bytes.len() == kept.bytes.len() {
                let written = Owned::<O>::new(bytes, Some(names.btf())).unwrap();
                let written = written.view(Some(names.btf())).unwrap();
                let rewritten = Owned::<O>::new(kept.bytes.clone(), Some(names.btf())).unwrap();
                let rewritten = rewritten.view(Some(names.btf())).unwrap();
                assert!(written
                    .types()
                    .zip(rewritten.types())
                    .all(|(a, b)| format!("{a:?}") == format!("{b:?}")));
            }
        }
        let new = Owned::<O>::new(kept.bytes, Some(names.btf())).unwrap();
        let new = new.view(Some(names.btf())).unwrap();
        // The target is taken as it is, but what has been made of the split BTF is good.
        if names.btf().validated().is_ok() {
            new.validated().unwrap();
        }
        for kept in kept.kept {
            let old = base.get(kept.id).unwrap().name_off;
            let kept = new.get(kept.new_id).unwrap().name_off;
            assert_eq!(base.string(old), new.string(kept));
        }
    })
}

fuzz_target!(|input: &[u8]| {
    let [base, split, target] = parts(input);

    relocate::<LE>(base, split, target);
    relocate::<BE>(base, split, target);
});
