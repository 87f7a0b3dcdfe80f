// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Loads a program with its skeleton, reads its metadata, and pins it.
//!
//! usage: skeleton PATH [wait | write]
//!
//! With `wait`, it then keeps the program until its standard input ends. With `write`, it writes to the
//! metadata instead of pinning the program. The metadata is mapped read-only, so SIGSEGV kills it.

use std::env;
use std::error::Error;
use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;

use libbpf_rs::skel::SkelBuilder;

mod agent {
    #![allow(missing_docs, clippy::undocumented_unsafe_blocks)]

    include!(concat!(env!("OUT_DIR"), "/agent.skel.rs"));
}

use agent::AgentSkelBuilder;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let (path, word) = match words.as_slice() {
        [path] => (path, None),
        [path, word @ ("wait" | "write")] => (path, Some(*word)),
        _ => return Err("usage: skeleton PATH [wait | write]".into()),
    };
    let mut object = MaybeUninit::uninit();
    let mut open = AgentSkelBuilder::default().open(&mut object)?;

    let constants = open.maps.rodata_data.as_deref_mut();
    constants.ok_or("there is no .rodata")?.verdict = 42;
    // This binds .rodata.vendor and .data.counters as well.
    let mut skeleton = open.load()?;
    let metadata = skeleton.metadata().ok_or("the metadata is not mapped")?;

    println!("owner = {}", text(metadata.owner)?.to_str()?);
    let version = metadata.version;
    println!(
        "version = {}.{}.{}",
        version.major, version.minor, version.patch
    );
    println!("build = {}", metadata.build);
    if word == Some("write") {
        let build = std::ptr::from_ref(metadata.build).cast_mut();
        // SAFETY: There is no safe way. This shows that the kernel ends a process that tries it.
        unsafe { build.write_volatile(0) };
        return Err("the metadata can be written".into());
    }
    skeleton.progs.filter.pin(path)?;
    if word == Some("wait") {
        io::copy(&mut io::stdin(), &mut io::sink())?;
    }
    Ok(())
}

/// A C string. BTF describes its characters as signed on all machines.
fn text(characters: &[i8]) -> Result<&CStr, Box<dyn Error>> {
    let len = characters.iter().position(|character| *character == 0);
    let len = len.ok_or("the string has no end")?;
    // SAFETY: Characters are bytes, and the last of these is the NUL.
    let bytes = unsafe { std::slice::from_raw_parts(characters.as_ptr().cast(), len + 1) };

    Ok(CStr::from_bytes_with_nul(bytes)?)
}
