// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The panic handler calls a function that does not exist, so that this links only if nothing that
//! it calls can panic. It is linked, never run.

#![no_std]
#![no_main]

use core::fmt::Write;
use core::hint::black_box;
use core::panic::PanicInfo;

use splitbtf_core::Btf;
use splitbtf_core::Error;
use splitbtf_core::Names;
use splitbtf_core::Policy;
use zerocopy::ByteOrder;
use zerocopy::BE;
use zerocopy::LE;

extern "C" {
    /// Nobody defines it.
    fn splitbtf_core_can_panic() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: It is never called.
    unsafe { splitbtf_core_can_panic() }
}

/// Takes whatever is written.
struct Sink;

impl Write for Sink {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        black_box(text);
        Ok(())
    }
}

/// What the linker takes for the begin of the program: all of the kernel-facing functions, with
/// data that the compiler knows nothing of.
#[no_mangle]
pub extern "C" fn _start() {
    let mut room = [[0; 16]; 6];
    let [base, split, target, validate, ids, strings] = black_box(&mut room);
    let mut files = [[0; 64]; 4];
    let [one, two, three, out] = black_box(&mut files);

    let rooms = [base, split, target, validate, ids, strings];
    if let Err(error) = all::<LE>(one, two, three, out, rooms) {
        // The kernel prints what is wrong.
        let _ = write!(Sink, "{error}");
    }
    let mut room = [[0; 16]; 6];
    let [base, split, target, validate, ids, strings] = black_box(&mut room);
    let rooms = [base, split, target, validate, ids, strings];
    let _ = black_box(all::<BE>(one, two, three, out, rooms));
}

fn all<O: ByteOrder>(
    one: &[u8],
    two: &mut [u8],
    three: &[u8],
    out: &mut [u8],
    [base, split, target, room, ids, strings]: [&mut [u32; 16]; 6],
) -> Result<(), Error> {
    let target = Btf::<O>::open(one, None, target)?;
    let first_named = target.first_named().unwrap_or_default();
    let names = Names::sorted(&target, first_named, None);
    for id in names.find(two) {
        black_box(target.get(id)?);
    }

    let base = Btf::<O>::open(three, None, base)?;
    base.validate(room)?;
    let relocation = {
        let split = Btf::<O>::open(two, Some(&base), split)?;
        let valid = split.validate_references(room)?;
        black_box((split.validate_room(), valid.relocation_room()));
        for ty in valid.iter() {
            black_box(valid.string(ty.name_off)?);
            black_box(valid.resolve(ty.id)?);
            valid.ids(ty.id)?.for_each(|id| {
                black_box(id);
            });
            valid.names(ty.id)?.for_each(|name| {
                black_box(name);
            });
        }
        valid.relocate(&names, Policy::Opaque, ids, strings)?
    };
    for (id, _) in relocation.kept() {
        if let Some(reason) = splitbtf_core::mismatch(&base, id, &names)? {
            let _ = write!(Sink, "{reason}");
        }
    }
    black_box(relocation.id_map());
    relocation.write(two, &base, out)?;
    relocation.rewrite(two)
}
