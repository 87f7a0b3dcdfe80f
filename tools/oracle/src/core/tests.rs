// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Random objects and kernels, which have much in common.

use core_relo::CoreRelo;
use core_relo::Function;
use core_relo::Insn;
use core_relo::Section;
use fastrand::Rng;
use splitbtf::Builder;
use splitbtf::Endian;
use splitbtf::ExtInfo;
use splitbtf::Int;
use splitbtf::Kind;
use splitbtf::NewMember;
use splitbtf::Owned;
use splitbtf::SectionInfo;
use zerocopy::NativeEndian;

use super::*;

/// How many pairs of an object and a kernel there are.
const ROUNDS: u64 = 1500;

/// How many relocations each object has.
const RELOCATIONS: usize = 60;

const NAMES: [&str; 8] = ["s", "s___a", "s___b", "t", "t___x", "e", "u", "long"];

type Types = Builder<NativeEndian>;

/// What is known about the types that have been added.
#[derive(Clone, Default)]
struct Added {
    /// Those that can be members.
    values: Vec<u32>,
    /// Those that bit-fields can have.
    integers: Vec<u32>,
    /// Anonymous structs and unions.
    anonymous: Vec<u32>,
}

fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}

fn int(rng: &mut Rng) -> Int {
    let size = pick(rng, &[1, 2, 4, 4, 8]);
    let encoding = pick(
        rng,
        &[0, 0, Int::SIGNED, Int::SIGNED, Int::CHAR, Int::BOOL, 3],
    );

    Int {
        encoding,
        ..Int::unsigned(size)
    }
}

/// Adds a struct or a union. Members of anonymous ones have names of their own, as in C.
fn composite(rng: &mut Rng, types: &mut Types, added: &mut Added) {
    let is_anonymous = rng.u8(..5) == 0;
    let name = match is_anonymous {
        true => "",
        false => pick(rng, &NAMES[..5]),
    };
    let ordinal = added.anonymous.len();
    let mut names: Vec<String> = ["a", "b", "c", "d"]
        .map(|name| match is_anonymous {
            true => format!("{name}{ordinal}"),
            false => name.to_string(),
        })
        .into();
    rng.shuffle(&mut names);
    names.truncate(rng.usize(..=4));
    let mut members = vec![];
    let mut offset = 0;
    for name in &names {
        let bits = rng.u8(..6) == 0;
        offset += rng.u32(..3) * 8;
        let member = match bits {
            true => NewMember {
                name: name.as_bytes(),
                ty: pick(rng, &added.integers),
                bit_offset: offset + rng.u32(..8),
                bitfield_bits: rng.u8(1..40),
            },
            false => NewMember {
                name: name.as_bytes(),
                ty: pick(rng, &added.values),
                bit_offset: offset,
                bitfield_bits: 0,
            },
        };
        offset += 64;
        members.push(member);
    }
    if !added.anonymous.is_empty() && rng.u8(..3) == 0 {
        let place = rng.usize(..=members.len());
        members.insert(
            place,
            NewMember {
                name: b"",
                ty: pick(rng, &added.anonymous),
                bit_offset: offset,
                bitfield_bits: 0,
            },
        );
    }
    let size = rng.u32(1..6) * 8;
    let id = match rng.u8(..4) {
        0 => types.union(name.as_bytes(), size, &members),
        _ => types.structure(name.as_bytes(), size, &members),
    };
    added.values.push(id);
    if is_anonymous {
        added.anonymous.push(id);
    }
}

fn enumeration(rng: &mut Rng, types: &mut Types, added: &mut Added) {
    let mut names = ["A", "B", "B___x", "C", "D"];
    rng.shuffle(&mut names);
    let count = rng.usize(..=5);
    let name = pick(rng, &["e", "e", "e___a", "s", ""]).as_bytes();
    let signed = rng.bool();
    let small: Vec<_> = names[..count]
        .iter()
        .map(|name| (name.as_bytes(), rng.i32(-3..)))
        .collect();
    let large: Vec<_> = names[..count]
        .iter()
        .map(|name| (name.as_bytes(), rng.i64(..)))
        .collect();

    let id = match rng.bool() {
        true => types.enumeration(name, pick(rng, &[4, 4, 1, 8]), signed, &small),
        false => types.enumeration64(name, pick(rng, &[8, 8, 4]), signed, &large),
    };
    added.values.push(id);
    added.integers.push(id);
}

/// Adds types. Those that contain others come after them; pointers go anywhere.
fn add(rng: &mut Rng, types: &mut Types, added: &mut Added) {
    let count = rng.u32(8..40);
    let end = types.next_id() + count;

    for name in ["int", "unsigned int"] {
        let id = types.int(name.as_bytes(), int(rng));
        added.values.push(id);
        added.integers.push(id);
    }
    while types.next_id() < end {
        let any = pick(rng, &added.values);
        let name = pick(rng, &NAMES).as_bytes();
        match rng.u8(..20) {
            0 => {
                let id = types.int(name, int(rng));
                added.values.push(id);
                added.integers.push(id);
            }
            1 | 2 => {
                let to = rng.u32(..end);
                added.values.push(types.ptr(to));
            }
            3 | 4 => {
                let len = pick(rng, &[0, 0, 1, 2, 3]);
                added.values.push(types.array(any, 1, len));
            }
            5 => {
                types.fwd(name, rng.bool());
            }
            6 | 7 => added.values.push(types.typedef(name, any)),
            8 => added.values.push(types.constant(any)),
            9 => added.values.push(types.volatile(any)),
            10 => added.values.push(types.type_tag(b"user", any)),
            11 => {
                let params: Vec<_> = (0..rng.usize(..3))
                    .map(|_| (&b"p"[..], pick(rng, &added.values)))
                    .collect();
                let proto = types.func_proto(any, &params);
                let pointer = types.ptr(proto);
                added.values.push(pointer);
                added.values.push(types.typedef(name, pointer));
            }
            12 => added.values.push(types.float(name, pick(rng, &[4, 8]))),
            13 | 14 => enumeration(rng, types, added),
            _ => composite(rng, types, added),
        }
    }
}

/// Whether a relocation of this kind can start with the type.
fn fits(types: &Owned<NativeEndian>, kind: u32, id: u32) -> bool {
    let btf = types.btf();
    let (Ok(ty), Ok(to)) = (btf.get(id), btf.resolve(id)) else {
        return false;
    };
    let is_fit = match kind {
        0..=5 => matches!(to.kind, Kind::Struct(_) | Kind::Union(_)),
        10 | 11 => matches!(to.kind, Kind::Enum { .. } | Kind::Enum64 { .. }),
        _ => true,
    };

    ty.name_off != 0 && is_fit
}

/// A way from a type to a field.
fn access(rng: &mut Rng, types: &Owned<NativeEndian>, root: u32) -> String {
    let btf = types.btf();
    let mut way = vec![pick(rng, &[0, 0, 0, 0, 0, 0, 0, 1, 3])];
    let mut at = root;

    for _ in 0..rng.u32(1..6) {
        let Ok(ty) = btf.resolve(at) else {
            break;
        };
        let len = match ty.kind {
            Kind::Struct(of) | Kind::Union(of) => of.members().len() as u32,
            Kind::Array(array) => array.nelems,
            _ => 0,
        };
        // Rarely one too many.
        let index = match rng.u8(..30) {
            0 => len,
            _ => match len {
                0 => break,
                len => rng.u32(..len),
            },
        };
        way.push(index);
        at = match ty.kind {
            Kind::Struct(of) | Kind::Union(of) => match of.members().nth(index as usize) {
                Some(member) => member.ty,
                None => break,
            },
            Kind::Array(array) => array.ty,
            _ => break,
        };
    }
    let way: Vec<_> = way.iter().map(ToString::to_string).collect();
    way.join(":")
}

/// An instruction with this value, most of the time.
fn insns(rng: &mut Rng, value: u64) -> [Insn; 2] {
    let value = match rng.u8(..20) {
        0 => value.wrapping_add(1),
        _ => value,
    };
    let (imm, off) = (value as i32, value as i16);
    let insn = |code| Insn {
        code,
        dst: 1,
        src: 0,
        off: 0,
        imm,
    };
    let nothing = Insn {
        code: 0xb7,
        ..Insn::default()
    };

    match rng.u8(..4) {
        0 => [insn(pick(rng, &[0xb7, 0xb4, 0x07])), nothing],
        1 => {
            let imm = (value >> 32) as i32;
            let high = Insn {
                imm,
                ..Insn::default()
            };
            [insn(0x18), high]
        }
        _ => {
            // Loads of 1 to 8 bytes, with a sign, and stores.
            let code = pick(rng, &[0x61, 0x69, 0x71, 0x79, 0x79, 0x81, 0x62, 0x7b]);
            let load = Insn {
                off,
                imm: 0,
                src: 2,
                ..insn(code)
            };
            [load, nothing]
        }
    }
}

/// Relocations with their instructions. The types must have the access strings as names.
fn relocations(rng: &mut Rng, types: Types) -> (AnyOwned, ExtInfo, Vec<u8>) {
    let plain = Owned::<NativeEndian>::new(types.clone().finish().unwrap(), None).unwrap();
    let mut types = types;
    let end = types.next_id();
    let mut asks = vec![];
    for _ in 0..RELOCATIONS {
        let kind = rng.u32(..13);
        // A few may ask for anything.
        let mut tries = (0..rng.u32(1..30))
            .map(|_| rng.u32(1..end))
            .collect::<Vec<_>>();
        let last = tries.pop().unwrap_or(1);
        let ty = tries.into_iter().find(|id| fits(&plain, kind, *id));
        let ty = ty.unwrap_or(last);
        let string = match kind {
            0..=5 => access(rng, &plain, ty),
            10 | 11 => rng.u32(..5).to_string(),
            _ => "0".to_string(),
        };
        asks.push((kind, ty, types.typedef(string.as_bytes(), 0)));
    }
    let section = types.typedef(b"tc", 0);
    let types = AnyOwned::new(types.finish().unwrap(), None).unwrap();
    let name = |id| types.get(id).unwrap().name_off;

    let relos = (0..).zip(&asks).map(|(n, (kind, ty, string))| CoreRelo {
        insn_off: n * 16,
        ty: *ty,
        access_str_off: name(*string),
        kind: *kind,
    });
    let ext = ExtInfo {
        endian: Endian::NATIVE,
        func_info: vec![],
        line_info: vec![],
        core_relo: vec![SectionInfo {
            name_off: name(section),
            records: relos.collect(),
        }],
    };
    // The first look is for the old values.
    let code = vec![0; RELOCATIONS * 16];
    let object = Object::new(&types, &ext, sections(&code));
    let targets = Targets::new(&types);
    let mut decider = Decider::new(&object, &targets);
    let mut code = vec![];
    for relocation in object.relocations() {
        let nops = vec![0xb7; RELOCATIONS * 16];
        let decision = decider.decide(relocation, &nops);
        let old = decision.ok().and_then(|decision| decision.old_value);
        for insn in insns(rng, old.unwrap_or_default()) {
            code.extend(insn.write(Endian::NATIVE));
        }
    }
    drop(object);
    (types, ext, code)
}

fn sections(code: &[u8]) -> Vec<Section<'_>> {
    vec![Section {
        name: "tc".into(),
        code,
        functions: vec![Function {
            name: "prog".into(),
            offset: 0,
            len: code.len() as u64,
            is_loaded: true,
        }],
    }]
}

/// The result for a seed.
fn compare(seed: u64) -> Row {
    let mut rng = Rng::with_seed(seed);
    let mut types = Types::new();
    let mut added = Added::default();
    add(&mut rng, &mut types, &mut added);
    let (types, ext, code) = relocations(&mut rng, types);
    let object = Object::new(&types, &ext, sections(&code));

    // Half of the kernels have the object's types too, so that more matches.
    let mut vmlinux = Types::new();
    let mut added = Added::default();
    if rng.bool() {
        rng.seed(seed);
        add(&mut rng, &mut vmlinux, &mut added);
        rng.seed(!seed);
    }
    add(&mut rng, &mut vmlinux, &mut added);
    let vmlinux = vmlinux.finish().unwrap();
    let ours = Owned::<NativeEndian>::new(vmlinux.clone(), None).unwrap();
    let mut module = Builder::split_on(&ours.btf()).unwrap();
    add(&mut rng, &mut module, &mut added);
    let module = module.finish().unwrap();
    let our_module = Owned::new(module.clone(), Some(&ours)).unwrap();
    let targets = Targets::new(&ours).module("mod", &our_module);

    let mut theirs = libbpf::Btf::parse(&vmlinux, None).unwrap();
    theirs.find_pointers();
    let mut their_module = libbpf::Btf::parse(&module, Some(&theirs)).unwrap();
    their_module.find_pointers();
    let their_modules = [(c"mod".to_owned(), their_module)];
    let mut local = libbpf::Btf::parse(types.bytes(), None).unwrap();
    local.set_bpf_pointers();
    let relocator = Relocator::new(&local, &theirs, &their_modules);
    compare_relocations(&object, Endian::NATIVE, &targets, relocator)
}

#[test]
fn random_objects_are_relocated_as_by_libbpf() {
    let mut all = Row::default();

    for seed in 0..ROUNDS {
        let row = compare(seed);
        assert!(
            row.different.is_empty(),
            "seed {seed}: {:#?}",
            row.different
        );
        all.relocations += row.relocations;
        all.found += row.found;
        all.in_modules += row.in_modules;
        all.absent += row.absent;
        all.poisoned += row.poisoned;
        all.both_refuse += row.both_refuse;
    }
    // All outcomes are frequent.
    let least = all.relocations / 100;
    for count in [
        all.found,
        all.in_modules,
        all.absent,
        all.poisoned,
        all.both_refuse,
    ] {
        assert!(count > least, "{all:?}");
    }
}
