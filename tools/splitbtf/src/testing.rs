// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Writes BTF for the tests, and shows it.

use alloc::format;
use alloc::string::String;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Write;

use splitbtf_core::raw::wire;
use zerocopy::ByteOrder;

use crate::Btf;
use crate::Builder;
use crate::Int;
use crate::NewMember;

// The core's test helpers, which it does not export.
#[path = "../../../rust/splitbtf-core/src/testing.rs"]
mod file;
pub(crate) use file::open;
pub(crate) use file::File;

/// BTF with the types that `add` adds.
pub(crate) fn build<O: ByteOrder>(
    base: Option<&'static Btf<'static, O>>,
    add: impl FnOnce(&mut Builder<O>),
) -> &'static Btf<'static, O> {
    let mut builder = base.map_or_else(Builder::new, |base| Builder::split_on(base).unwrap());

    add(&mut builder);
    open(&builder.finish().unwrap(), base).unwrap()
}

/// A signed integer of `size` bytes.
pub(crate) fn int(size: u32) -> Int {
    Int::signed(size as u8)
}

/// Members `m` of these types, at offset 0.
pub(crate) fn members(types: &[u32]) -> Vec<NewMember<'static>> {
    let member = |ty: &u32| NewMember {
        name: b"m",
        ty: *ty,
        bit_offset: 0,
        bitfield_bits: 0,
    };

    types.iter().map(member).collect()
}

/// The types that are not in the base, each as a line: id, kind with a `+` for the flag, name, size
/// or type, a FUNC's linkage, the words that come once, and the elements with their names.
pub(crate) fn lines<O: ByteOrder>(btf: &Btf<'_, O>) -> Vec<String> {
    let text = |offset| match btf.string(offset) {
        Ok(b"") => "-".to_string(),
        Ok(name) => String::from_utf8_lossy(name).into_owned(),
        Err(error) => panic!("{error}"),
    };
    let line = |id| {
        let record = btf.record(id).unwrap();
        let head = record.head;
        let kind = wire::kind_name(head.kind()).unwrap_or("?");
        let flag = if head.kind_flag() { "+" } else { "" };
        let (name, arg) = (text(head.name_off.get()), head.size_or_type.get());

        let mut line = format!("{id} {kind}{flag} {name} {arg}");
        if head.kind() == wire::FUNC {
            write!(line, " {}", head.vlen()).unwrap();
        }
        for word in record.data {
            write!(line, " {:#x}", word.get()).unwrap();
        }
        for elem in record.elems.chunks(record.desc.elem.max(1).into()) {
            let mut words = elem.iter().map(|word| word.get());
            let mut parts = vec![];
            if record.desc.elem_named {
                parts.extend(words.next().map(text));
            }
            parts.extend(words.map(|word| word.to_string()));
            write!(line, " ({})", parts.join(" ")).unwrap();
        }
        line
    };

    (btf.first_id()..btf.end_id()).map(line).collect()
}

/// Adds a type of each kind, in the order of the kinds. They refer to an INT and a STRUCT, which
/// may be the 1st and the 4th of them.
pub(crate) fn every_kind<O: ByteOrder>(b: &mut Builder<O>, integer: u32, structure: u32) {
    let first = b.next_id();
    let own = |kind: u8| first + u32::from(kind) - 1;
    let member = |name, ty, bit_offset, bitfield_bits| NewMember {
        name,
        ty,
        bit_offset,
        bitfield_bits,
    };

    b.int(b"int", int(4));
    b.ptr(structure);
    b.array(integer, integer, 3);
    let pointer = own(wire::PTR);
    let fields = [member(b"a", integer, 0, 3), member(b"b", pointer, 64, 0)];
    b.structure(b"s", 16, &fields);
    b.union(b"u", 16, &members(&[integer, own(wire::ARRAY)]));
    b.enumeration(b"e", 4, true, &[(b"ZERO", 0), (b"MINUS", -1)]);
    b.fwd(b"declared", true);
    b.typedef(b"int_t", integer);
    b.volatile(integer);
    b.constant(own(wire::VOLATILE));
    b.restrict(pointer);
    b.func(b"f", own(wire::FUNC_PROTO), 1);
    b.func_proto(integer, &[(b"p", own(wire::RESTRICT)), (b"", 0)]);
    b.var(b"v", own(wire::TYPEDEF), 1);
    b.datasec(b".data", 4, &[(own(wire::VAR), 0, 4)]);
    b.float(b"double", 8);
    b.decl_tag(b"tag", structure, 1);
    b.type_tag(b"user", integer);
    b.enumeration64(b"e64", 8, false, &[(b"BIG", 0x12_3456_789a)]);
}
