// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Links the functions that the kernel calls. The panic handler calls an undefined symbol, so
//! linking succeeds only if nothing reachable can panic. The program is never run.

#![no_std]
#![no_main]

use core::fmt::Write;
use core::hint::black_box;
use core::panic::PanicInfo;

use splitbtf_core::Btf;
use splitbtf_core::Endian;
use splitbtf_core::Error;
use splitbtf_core::Kind;
use splitbtf_core::Names;
use splitbtf_core::Policy;
use zerocopy::ByteOrder;
use zerocopy::BE;
use zerocopy::LE;

extern "C" {
    /// No library has this function: a program that calls it cannot be linked.
    fn splitbtf_core_can_panic() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: It is never called.
    unsafe { splitbtf_core_can_panic() }
}

/// Accepts and ignores all text.
struct Sink;

impl Write for Sink {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        black_box(text);
        Ok(())
    }
}

/// The entry point: calls all of the kernel-facing functions, with data that the compiler does not
/// know.
#[no_mangle]
pub extern "C" fn _start() {
    let mut buffers = [[0; 16]; 6];
    let [base, split, target, validate, ids, scratch] = black_box(&mut buffers);
    let mut files = [[0; 64]; 4];
    let [one, two, three, out] = black_box(&mut files);

    let buffers = [base, split, target, validate, ids, scratch];
    if let Err(error) = all::<LE>(one, two, three, out, buffers) {
        // The kernel prints it.
        let _ = write!(Sink, "{error}");
    }
    let mut buffers = [[0; 16]; 6];
    let [base, split, target, validate, ids, scratch] = black_box(&mut buffers);
    let buffers = [base, split, target, validate, ids, scratch];
    let _ = black_box(all::<BE>(one, two, three, out, buffers));
}

/// Decodes all elements of a type.
fn look(kind: &Kind<'_>) {
    black_box((kind.keyword(), kind.size(), kind.number(), kind.modified()));
    match *kind {
        Kind::Struct(of) | Kind::Union(of) => of.members().for_each(|member| {
            black_box(member);
        }),
        Kind::Enum { values, .. } | Kind::Enum64 { values, .. } => {
            values.iter().for_each(|value| {
                black_box(value);
            })
        }
        Kind::FuncProto { params, .. } => params.iter().for_each(|param| {
            black_box(param);
        }),
        Kind::Datasec { vars, .. } => vars.iter().for_each(|var| {
            black_box(var);
        }),
        _ => {}
    }
}

fn all<O: ByteOrder>(
    one: &[u8],
    two: &mut [u8],
    three: &[u8],
    out: &mut [u8],
    [base, split, target, validate, ids, scratch]: [&mut [u32; 16]; 6],
) -> Result<(), Error> {
    black_box(Endian::of(one)?);
    let target = Btf::<O>::open(one, None, target)?;
    let first_named = target.first_named().unwrap_or_default();
    let names = Names::sorted(target, first_named, None);
    black_box(names.find_kind(three, 4));
    for id in names.find(two) {
        black_box(target.get(id)?);
    }

    let base = Btf::<O>::open(three, None, base)?;
    let base = *base.validate(validate)?;
    let relocation = {
        let split = Btf::<O>::open(two, Some(&base), split)?;
        let valid = split.validate_references(validate)?;
        black_box((split.validate_scratch(), valid.relocation_scratch()));
        for ty in valid.iter() {
            black_box(valid.string(ty.name_off)?);
            black_box(valid.resolve(ty.id)?);
            look(&ty.kind);
            valid.ids(ty.id)?.for_each(|id| {
                black_box(id);
            });
            valid.name_offsets(ty.id)?.for_each(|name| {
                black_box(name);
            });
        }
        valid.relocate(&names, Policy::Opaque, ids, scratch)?
    };
    for kept in relocation.kept() {
        let _ = write!(Sink, "{}", kept.reason.between("a", "b"));
        black_box(kept);
    }
    black_box(relocation.id_map());
    relocation.write(two, &base, out)?;
    relocation.rewrite(two)
}
