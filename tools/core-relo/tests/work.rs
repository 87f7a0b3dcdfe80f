// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! How much work an input can cause, in look-ups of types, not in time: no more than a constant, and some
//! for each byte, whatever the input.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use core_relo::Decider;
use core_relo::Decision;
use core_relo::Error;
use core_relo::Function;
use core_relo::Object;
use core_relo::Section;
use core_relo::Targets;
use splitbtf::max_types;
use splitbtf::Btf;
use splitbtf::Builder;
use splitbtf::CoreRelo;
use splitbtf::Endian;
use splitbtf::ExtInfo;
use splitbtf::Index;
use splitbtf::Int;
use splitbtf::NewMember;
use splitbtf::SectionInfo;
use splitbtf::LE;

/// An index that counts its look-ups.
#[derive(Clone, Copy)]
struct Counting<'a> {
    offsets: &'a [u32],
    calls: &'a AtomicU64,
}

impl Index for Counting<'_> {
    fn count(&self) -> usize {
        self.offsets.len()
    }

    fn offset(&self, n: usize) -> Option<usize> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Some(*self.offsets.get(n)? as usize)
    }
}

/// The look-ups that any input may cause.
const CONSTANT: f64 = 1.1e6;

/// The look-ups for each byte.
const FEW: f64 = 10.0;

/// A result, with the number of look-ups and the length of the input.
struct Done {
    decisions: Vec<Result<Decision, Error>>,
    calls: f64,
    bytes: f64,
}

/// Decides relocations (type, access string, kind) of an object for a kernel.
fn decide(
    local: impl FnOnce(&mut Builder<LE>),
    relos: &[(u32, &str, u32)],
    vmlinux: impl FnOnce(&mut Builder<LE>),
) -> Done {
    let calls = AtomicU64::new(0);
    let mut types = Builder::<LE>::new();
    local(&mut types);
    let strings: Vec<_> = relos
        .iter()
        .map(|(_, access, _)| types.typedef(access.as_bytes(), 0))
        .collect();
    let section = types.typedef(b"tc", 0);
    let types = types.finish().unwrap();
    let mut kernel = Builder::<LE>::new();
    vmlinux(&mut kernel);
    let kernel = kernel.finish().unwrap();

    let bytes = types.len() + kernel.len() + relos.len() * size_of::<CoreRelo>();
    let [types, kernel] = [types, kernel].map(|bytes| {
        let bytes = bytes.leak();
        let mut offsets = vec![0; max_types::<LE>(bytes).unwrap()];
        let count = Btf::<LE>::open(bytes, None, &mut offsets).unwrap().end_id() - 1;
        offsets.truncate(count as usize);
        let offsets = &*offsets.leak();
        let calls = &calls;
        Btf::<LE, _>::open_indexed(&*bytes, None, Counting { offsets, calls }).unwrap()
    });
    let name = |id| types.get(id).unwrap().name_off;
    let record = |(n, (ty, _, kind)): (usize, &(u32, &str, u32))| CoreRelo {
        insn_off: n as u32 * 8,
        ty: *ty,
        access_str_off: name(strings[n]),
        kind: *kind,
    };
    let ext = ExtInfo {
        endian: Endian::Little,
        func_info: vec![],
        line_info: vec![],
        core_relo: vec![SectionInfo {
            name_off: name(section),
            records: relos.iter().enumerate().map(record).collect(),
        }],
    };
    // rN = 0, which is no value that is checked before all else.
    let code = [0xb7, 0, 0, 0, 0, 0, 0, 0].repeat(relos.len());
    let section = Section {
        name: "tc".into(),
        code: &code,
        functions: vec![Function {
            name: "prog".into(),
            offset: 0,
            len: code.len() as u64,
            is_loaded: true,
        }],
    };
    let object = Object::new(&types, &ext, vec![section]);
    let targets = Targets::new(&kernel);
    let decisions = Decider::new(&object, &targets).decide_all();

    let calls = calls.load(Ordering::Relaxed) as f64;
    assert!(
        calls < CONSTANT + FEW * bytes as f64,
        "{calls} for {bytes} bytes"
    );
    Done {
        decisions,
        calls,
        bytes: bytes as f64,
    }
}

fn member(name: &'static str, ty: u32) -> NewMember<'static> {
    NewMember {
        name: name.as_bytes(),
        ty,
        bit_offset: 0,
        bitfield_bits: 0,
    }
}

fn int(b: &mut Builder<LE>) {
    b.int(b"int", Int::signed(4));
}

const FIELD_EXISTS: u32 = 2;
const TYPE_EXISTS: u32 = 8;
const TYPE_MATCHES: u32 = 12;

fn is_given_up(done: &Done) -> bool {
    let last = done.decisions.last().unwrap();

    match last {
        Ok(decision) => !decision.outcome.is_accepted(),
        Err(error) => error.to_string().contains("given up"),
    }
}

#[test]
fn of_an_ordinary_object() {
    const N: u32 = 2000;
    let names: Vec<_> = (0..N).map(|n| format!("struct{n}")).collect();
    let add = |b: &mut Builder<LE>| {
        int(b);
        for name in &names {
            b.structure(name.as_bytes(), 4, &[member("a", 1), member("b", 1)]);
        }
    };
    let relos: Vec<_> = (0..N).map(|n| (n + 2, "0:1", FIELD_EXISTS)).collect();

    let done = decide(add, &relos, add);
    assert!(!is_given_up(&done));
    assert_eq!(done.decisions.len(), N as usize);
    // No more than a fraction of a look-up for each byte.
    assert!(
        done.calls < 0.7 * done.bytes,
        "{} {}",
        done.calls,
        done.bytes
    );
}

#[test]
fn of_one_name_everywhere() {
    const N: u32 = 4000;
    let add = |b: &mut Builder<LE>| {
        int(b);
        for _ in 0..N {
            b.structure(b"s", 4, &[member("a", 1)]);
        }
    };
    // Each relocation has all types as candidates.
    let relos: Vec<_> = (0..N).map(|n| (n + 2, "0:0", FIELD_EXISTS)).collect();

    assert!(is_given_up(&decide(add, &relos, add)));
}

#[test]
fn of_anonymous_members() {
    const WIDTH: usize = 60;
    let local = |b: &mut Builder<LE>| {
        int(b);
        b.structure(b"s", 4, &[member("wanted", 1)]);
    };
    // Each has the next one in all of its members: there are WIDTH^20 ways through them.
    let vmlinux = |b: &mut Builder<LE>| {
        int(b);
        b.structure(b"", 4, &[member("other", 1)]);
        for n in 0..20 {
            b.structure(b"", 4, &vec![member("", n + 2); WIDTH]);
        }
        b.structure(b"s", 4, &[member("", 22)]);
    };

    assert!(is_given_up(&decide(
        local,
        &[(2, "0:0", FIELD_EXISTS)],
        vmlinux
    )));
}

#[test]
fn of_functions_and_members_of_members() {
    const WIDTH: usize = 60;
    let functions = |b: &mut Builder<LE>| {
        int(b);
        for n in 0..30 {
            b.func_proto(1, &vec![(&b"p"[..], n + 1); WIDTH]);
        }
        b.typedef(b"t", 31);
    };
    let done = decide(functions, &[(32, "0", TYPE_EXISTS)], functions);
    assert!(is_given_up(&done));
    let done = decide(functions, &[(32, "0", TYPE_MATCHES)], functions);
    assert!(is_given_up(&done));
    let names: Vec<_> = (0..WIDTH).map(|n| format!("m{n}")).collect();
    let structs = |b: &mut Builder<LE>| {
        int(b);
        for n in 0..30 {
            let member = |name: &'_ String| NewMember {
                name: name.clone().leak().as_bytes(),
                ..member("", n + 1)
            };
            let members: Vec<_> = names.iter().map(member).collect();
            b.structure(b"s", 4, &members);
        }
    };
    let done = decide(structs, &[(31, "0", TYPE_MATCHES)], structs);
    assert!(is_given_up(&done));
}

#[test]
fn of_long_chains() {
    const N: u32 = 3000;
    let chain = |b: &mut Builder<LE>| {
        int(b);
        for n in 0..N {
            b.constant(n + 1);
        }
        for _ in 0..N {
            b.typedef(b"t", N + 1);
        }
    };
    let relos: Vec<_> = (0..N).map(|n| (N + 2 + n, "0", TYPE_EXISTS)).collect();

    assert!(is_given_up(&decide(chain, &relos, chain)));
}
