// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Prints a struct of a kernel, then makes BTF that refers to it, distils it, and relocates it back.
//!
//! usage: tour [VMLINUX-BTF [STRUCT]]

use std::env;
use std::error::Error;
use std::fs;

use splitbtf::distill;
use splitbtf::in_order;
use splitbtf::kind;
use splitbtf::relocate;
use splitbtf::BtfExt;
use splitbtf::Builder;
use splitbtf::ByteOrder;
use splitbtf::Endian;
use splitbtf::Kind;
use splitbtf::NameIndex;
use splitbtf::Owned;
use splitbtf::Policy;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let path = args.next().unwrap_or("/sys/kernel/btf/vmlinux".into());
    let name = args.next().unwrap_or("task_struct".into());

    // The file says which byte order it has.
    let bytes = fs::read(path)?;
    in_order!(Endian::of(&bytes)?, O => tour::<O>(bytes, &name))
}

fn tour<O: ByteOrder + 'static>(bytes: Vec<u8>, name: &str) -> Result<(), Box<dyn Error>> {
    let vmlinux = Owned::<O>::new(bytes, None)?;
    let btf = vmlinux.btf();
    let index = NameIndex::new(&btf)?;
    let names = index.names(btf);

    // A struct, its members, and the types under their typedefs.
    let id = names
        .find_kind(name.as_bytes(), kind::STRUCT)
        .ok_or("no such struct")?;
    let Kind::Struct(of) = btf.get(id)?.kind else {
        return Err("not a struct".into());
    };
    println!("struct {name}: {} bytes", of.size);
    for member in of.members() {
        let member_name = String::from_utf8_lossy(btf.string(member.name_off)?);
        let text = btf.declaration(member.ty, &member_name)?;
        let resolved = btf.resolve(member.ty)?;
        let kind = kind::name(resolved.kind.number()).unwrap_or("?");
        println!("{:6}: {text}; ({kind})", member.bit_offset / 8);
    }

    // A module with a pointer to it.
    let mut builder = Builder::split_on(&btf)?;
    let pointer = builder.ptr(id);
    builder.typedef(b"handle_t", pointer);
    let module = Owned::new(builder.finish()?, Some(&vmlinux))?;

    // Reduced to the types that it needs, so that it fits other kernels too.
    let distilled = distill(&module.btf().validated()?)?;
    let base = Owned::<O>::new(distilled.base, None)?;
    let split = Owned::new(distilled.split, Some(&base))?;

    // On this kernel, it refers to the same struct again.
    let relocated = relocate(&split.btf().validated()?, &names, Policy::Opaque)?;
    let again = Owned::new(relocated.bytes, Some(&vmlinux))?;
    let again = again.btf();
    let handle = again.end_id() - 1;
    println!("{}", again.declaration(handle, "h")?);
    println!("{}", again.declaration(again.resolve(handle)?.id, "h")?);
    Ok(())
}
