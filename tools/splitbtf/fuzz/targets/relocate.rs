// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Relocates any valid BTF to any target that can be opened.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitbtf::BtfExt;
use splitbtf::ValidExt;
use splitbtf::Btf;
use splitbtf::Error;
use splitbtf::Kind;
use splitbtf::Mismatch;
use splitbtf::Names;
use splitbtf::Own;
use splitbtf::Owned;
use splitbtf::Policy;
use splitbtf::TypeName;
use splitbtf::Valid;
use splitbtf_fuzz::parts;
use splitbtf_fuzz::with_names;
use zerocopy::ByteOrder;
use zerocopy::BE;
use zerocopy::LE;

/// The kept types, or the error for the first that cannot be kept, by [`Needs`](splitbtf::Needs).
fn foretold<O: ByteOrder + 'static>(
    split: &Valid<'_, O>,
    base: &Btf<'_, O>,
    names: &Names<'_, O>,
) -> Result<Vec<(u32, Own, Mismatch)>, Error> {
    let mut kept = vec![];

    for ty in split.needs()?.unmatched(base, names)? {
        match ty.own {
            Some(own) => kept.push((ty.id, own, ty.reason)),
            None => {
                let distilled = base.get(ty.id)?;
                return Err(Error::Unmatched {
                    id: ty.id,
                    kind: distilled.kind.number(),
                    name: TypeName::new(base.string(distilled.name_off)?),
                    contained: ty.contained,
                    reason: ty.reason,
                })
            }
        }
    }
    Ok(kept)
}

fn relocate<O: ByteOrder + 'static>(base: &[u8], split: &[u8], target: &[u8]) -> Option<()> {
    let base_file = Owned::<O>::new(base.to_vec(), None).ok()?;
    let base = base_file.btf();
    let split = Owned::<O>::new(split.to_vec(), Some(&base_file)).ok()?;
    let split = split.btf();
    let target = Owned::<O>::new(target.to_vec(), None).ok()?;
    base.validated().ok()?;
    let split = split.validated().ok()?;

    with_names(&target, |names| {
        let strict = splitbtf::relocate(&split, names, Policy::Error);
        let kept = match splitbtf::relocate(&split, names, Policy::Opaque) {
            Ok(kept) => kept,
            Err(error) => {
                assert!(strict.is_err());
                match (error, foretold(&split, &base, names)) {
                    // A type after the one that does not match has the fault.
                    (Error::Unmatched { .. }, Err(Error::Type { .. })) => {}
                    (Error::Unmatched { .. }, foretold) => assert_eq!(foretold, Err(error)),
                    _ => {}
                }
                return;
            }
        };
        let own = kept
            .kept
            .iter()
            .map(|kept| (kept.id, kept.own, kept.reason));
        assert_eq!(foretold(&split, &base, names), Ok(own.collect()));
        if let Ok(strict) = strict {
            assert_eq!(strict, kept);

            // The result in place and the written one are the same, except between the sections.
            let (ids, strings) = split.relocation_scratch();
            let (mut ids, mut strings) = (vec![0; ids], vec![0; strings]);
            let relocation = split
                .relocate(names, Policy::Error, &mut ids, &mut strings)
                .unwrap();
            let mut bytes = vec![0; relocation.written_len()];
            relocation.write(split.bytes(), &base, &mut bytes).unwrap();
            if bytes.len() == kept.bytes.len() {
                let written = Owned::<O>::new(bytes, Some(&target)).unwrap();
                let written = written.btf();
                let rewritten = Owned::<O>::new(kept.bytes.clone(), Some(&target)).unwrap();
                let rewritten = rewritten.btf();
                assert!(written
                    .types()
                    .zip(rewritten.types())
                    .all(|(a, b)| format!("{a:?}") == format!("{b:?}")));
            }
        }
        let new = Owned::<O>::new(kept.bytes, Some(&target)).unwrap();
        let new = new.btf();
        // The target is not checked, but the result is valid if the target is.
        if names.btf().validated().is_ok() {
            new.validated().unwrap();
        }
        for kept in kept.kept {
            let old = base.get(kept.id).unwrap();
            let now = new.get(kept.new_id).unwrap();
            assert_eq!(base.string(old.name_off), new.string(now.name_off));
            match (kept.own, old.kind, now.kind) {
                (Own::Opaque, Kind::Struct(_), Kind::Fwd { is_union: false }) => {}
                (Own::Opaque, Kind::Union(_), Kind::Fwd { is_union: true }) => {}
                (Own::Opaque, Kind::Fwd { is_union: a }, Kind::Fwd { is_union: b }) if a == b => {}
                (Own::Kept, Kind::Int(a), Kind::Int(b)) if a == b => {}
                (Own::Kept, Kind::Float { size: a }, Kind::Float { size: b }) if a == b => {}
                (
                    Own::Kept,
                    Kind::Enum { size, signed, .. },
                    Kind::Enum {
                        size: size_now,
                        signed: signed_now,
                        values: values_now,
                    },
                ) if (size, signed) == (size_now, signed_now) && values_now.is_empty() => {}
                (own, old, now) => panic!("{own:?} {old:?} {now:?}"),
            }
        }
    })
}

fuzz_target!(|input: &[u8]| {
    let [base, split, target] = parts(input);

    relocate::<LE>(base, split, target);
    relocate::<BE>(base, split, target);
});
