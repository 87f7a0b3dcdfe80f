// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use splitbtf::Builder;
use splitbtf::Int;
use splitbtf::NewMember;
use zerocopy::NativeEndian;

use super::Layout;

/// The reason why BTF with an `int` of type 1 and these types is refused.
fn refusal(add: impl FnOnce(&mut Builder<NativeEndian>)) -> Option<String> {
    let mut builder = Builder::new();
    let int = Int {
        size: 4,
        bits: 32,
        offset: 0,
        encoding: 0,
    };
    builder.int(b"int", int);
    add(&mut builder);
    Layout::new(Some(builder.finish().unwrap())).err()
}

#[test]
fn arrays_fit_into_memory() {
    let array = |nelems| {
        refusal(|btf| {
            btf.array(1, 1, nelems);
        })
    };

    assert_eq!(array(u32::MAX / 4), None);
    assert!(array(u32::MAX / 4 + 1).unwrap().contains("array of 4 GiB"));
    let nested = refusal(|btf| {
        let mut ty = 1;
        for _ in 0..3 {
            ty = btf.array(ty, 1, 1 << 31);
        }
    });
    assert!(nested.unwrap().contains("array of 4 GiB"));
}

#[test]
fn variables_are_where_offsets_reach() {
    let section = |offset, size| {
        refusal(|btf| {
            let ty = btf.var(b"v", 1, 1);
            btf.datasec(b".rodata", 8, &[(ty, offset, size)]);
        })
    };

    assert_eq!(section(u32::MAX - 4, 4), None);
    assert!(section(u32::MAX - 3, 4)
        .unwrap()
        .contains("section of 4 GiB"));
}

#[test]
fn structs_that_contain_themselves_through_a_variable_are_refused() {
    let refusal = refusal(|btf| {
        let member = NewMember {
            name: b"m",
            ty: 3,
            bit_offset: 0,
            bitfield_bits: 0,
        };
        btf.structure(b"s", 4, &[member]);
        btf.var(b"v", 2, 1);
    });

    assert!(refusal.unwrap().contains("nested too deep"));
}
