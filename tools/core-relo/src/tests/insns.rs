// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What happens to instructions.

use splitbtf::Builder;
use splitbtf::CoreReloKind::*;
use splitbtf::Endian;
use splitbtf::LE;

use super::brief;
use super::decide;
use super::decide_one;
use crate::insn;
use crate::patch;
use crate::testing::ints;
use crate::testing::load;
use crate::testing::load64;
use crate::testing::member;
use crate::testing::mov;
use crate::testing::Ask;
use crate::Insn;
use crate::PatchError;

const ENUM: u32 = 4;
const STRUCT: u32 = 5;

/// 4: enum e { X = value }, 5: struct s { int m; }, with the member at an offset in bytes.
fn with(value: i64, offset: u32) -> impl Fn(&mut Builder<LE>) {
    move |b| {
        ints(b);
        match i32::try_from(value) {
            Ok(value) => b.enumeration(b"e", 4, true, &[(b"X", value)]),
            Err(_) => b.enumeration64(b"e", 8, false, &[(b"X", value)]),
        };
        b.structure(b"s", 1 << 20, &[member("m", 1, 8 * offset)]);
    }
}

fn value(old: i64, insns: Vec<Insn>, new: i64) -> crate::Decision {
    decide_one(with(old, 0), EnumvalValue, ENUM, "0", insns, with(new, 0))
}

fn offset(insns: Vec<Insn>, new: u32) -> crate::Decision {
    decide_one(
        with(0, 4),
        FieldByteOffset,
        STRUCT,
        "0:0",
        insns,
        with(0, new),
    )
}

fn changed(insn: Insn, change: impl Fn(&mut Insn)) -> Vec<Insn> {
    let mut insn = insn;
    change(&mut insn);
    vec![insn]
}

#[test]
fn both_orders_are_read_and_written() {
    let little = [0x61, 0x2a, 0xfe, 0xff, 0x78, 0x56, 0x34, 0x12];
    let big = [0x61, 0xa2, 0xff, 0xfe, 0x12, 0x34, 0x56, 0x78];
    let want = Insn {
        code: 0x61,
        dst: 10,
        src: 2,
        off: -2,
        imm: 0x1234_5678,
    };

    assert_eq!(Insn::read(little, Endian::Little), want);
    assert_eq!(Insn::read(big, Endian::Big), want);
    assert_eq!(want.write(Endian::Little), little);
    assert_eq!(want.write(Endian::Big), big);
}

#[test]
fn values_of_64_bits_are_whole() {
    let big = 0x1_2345_6789_abcd;
    let decision = value(5, load64(5), big);

    assert_eq!(decision.instruction.after, load64(big as u64));
    assert_eq!(decision.new_value, Some(big as u64));
    let decision = value(big, load64(big as u64), -1);
    assert_eq!(decision.instruction.after, load64(u64::MAX));
    // Arithmetic has only 32 bits.
    let decision = value(-1, mov(-1), big);
    assert_eq!(decision.instruction.after, mov(0x6789_abcd));
}

#[test]
fn the_old_value_must_be_there() {
    let refused = |found: &str, expected: &str| {
        format!("refused: the instruction has the value {found}, not {expected}")
    };

    assert_eq!(
        brief(&value(5, mov(6), 7)),
        format!("in vmlinux, 5 -> 7, {}", refused("6", "5"))
    );
    assert_eq!(
        brief(&value(5, load64(6), 7)),
        format!("in vmlinux, 5 -> 7, {}", refused("6", "5"))
    );
    assert_eq!(
        brief(&offset(load(8), 12)),
        format!("in vmlinux, 4 -> 12, {}", refused("8", "4"))
    );
    assert!(!offset(load(8), 12).is_accepted());
    assert!(offset(load(4), 12).is_accepted());
}

#[test]
fn offsets_have_a_limit() {
    assert_eq!(
        brief(&offset(load(4), 32767)),
        "in vmlinux, 4 -> 32767, patched"
    );
    assert_eq!(
        brief(&offset(load(4), 32768)),
        "in vmlinux, 4 -> 32768, refused: the offset 32768 is larger than 32767"
    );
    assert_eq!(
        brief(&offset(mov(4), 32768)),
        "in vmlinux, 4 -> 32768, patched"
    );
}

#[test]
fn all_classes_are_known() {
    let form = "in vmlinux, 4 -> 12, refused: the instruction cannot be relocated";
    let code = |code| {
        brief(&offset(
            changed(load(4)[0], |insn| {
                insn.code = code;
                insn.imm = 4;
            }),
            12,
        ))
    };
    let patched = "in vmlinux, 4 -> 12, patched";

    // Loads and stores of a register and of a constant, arithmetic of 32 and 64 bits.
    for good in [0x61, 0x63, 0x62, 0x69, 0x73, 0x81, 0x04, 0x07, 0xb4, 0xb7] {
        assert_eq!(code(good), patched, "{good:#x}");
    }
    // Arithmetic of registers, jumps, old loads of packets.
    for bad in [0x0c, 0x0f, 0x05, 0x85, 0x15, 0x16, 0x20, 0x30] {
        assert_eq!(code(bad), form, "{bad:#x}");
    }
}

#[test]
fn loads_of_64_bits_have_a_form() {
    let form = "in vmlinux, 5 -> 6, refused: the instruction cannot be relocated";
    let check = |n: usize, change: fn(&mut Insn)| {
        let mut insns = load64(5);
        change(&mut insns[n]);
        assert_eq!(brief(&value(5, insns, 6)), form);
    };

    check(0, |insn| insn.src = 1);
    check(0, |insn| insn.off = 1);
    check(1, |insn| insn.code = 1);
    check(1, |insn| insn.dst = 1);
    check(1, |insn| insn.src = 1);
    check(1, |insn| insn.off = 1);
}

#[test]
fn poison_is_libbpfs() {
    let call = Insn {
        code: 0x85,
        imm: 0xbad_2310,
        ..Insn::default()
    };
    let nothing = |b: &mut Builder<LE>| ints(b);

    let decision = decide_one(with(5, 0), EnumvalValue, ENUM, "0", load64(5), nothing);
    assert_eq!(decision.instruction.after, [call, call]);
    // The value is not compared.
    let decision = decide_one(
        with(0, 4),
        FieldByteOffset,
        STRUCT,
        "0:0",
        load(99),
        nothing,
    );
    assert_eq!(decision.instruction.after, [call]);
    assert!(decision.is_accepted());
    assert_eq!(decision.target(), None);
    assert_eq!(decision.new_value, None);
    // What cannot be relocated cannot be poisoned.
    let jump = changed(load(4)[0], |insn| insn.code = 5);
    let decision = decide_one(with(0, 4), FieldByteOffset, STRUCT, "0:0", jump, nothing);
    assert_eq!(
        brief(&decision),
        "absent, 4 -> -, refused: the instruction cannot be relocated"
    );
}

/// Each relocation works on what earlier ones have left behind.
#[test]
fn an_instruction_may_have_two() {
    let sample = |asks: &[Ask]| decide(with(0, 4), asks, with(0, 4));
    let ask = |off| Ask::new(FieldByteOffset, STRUCT, "0:0", load(off));
    let decisions = sample(&[ask(4), ask(4)]);
    assert_eq!(decisions[1].section_insn, 1);

    let twice = crate::testing::Sample::new::<LE>(with(0, 4), &[ask(4)]);
    let mut ext = twice.ext.clone();
    let relo = ext.core_relo[0].records[0];
    ext.core_relo[0].records.push(relo);
    let twice = crate::testing::Sample { ext, ..twice };
    let vmlinux = crate::testing::kernel::<LE>(with(0, 8));
    let decisions = twice.decide(&crate::Targets::new(&vmlinux));
    let brief = |n: usize| brief(decisions[n].as_ref().unwrap());
    assert_eq!(brief(0), "in vmlinux, 4 -> 8, patched");
    assert_eq!(
        brief(1),
        "in vmlinux, 4 -> 8, refused: the instruction has the value 8, not 4"
    );
}

#[test]
fn decisions_are_carried_out() {
    let asks = [
        Ask::new(FieldByteOffset, STRUCT, "0:0", load(4)),
        Ask::new(EnumvalValue, ENUM, "0", load64(5)),
        Ask::new(FieldByteOffset, STRUCT, "0:0", load(5)),
    ];
    let decisions = decide(with(5, 4), &asks, with(6, 8));
    let bytes = |insns: &[Insn]| -> Vec<u8> {
        let bytes = insns.iter().map(|insn| insn.write(Endian::Little));
        bytes.collect::<Vec<_>>().concat()
    };
    let insns = |off, imm, other| bytes(&[load(off), load64(imm), load(other)].concat());
    let mut code = insns(4, 5, 5);

    for decision in &decisions {
        patch(&mut code, Endian::Little, decision).unwrap();
    }
    // libbpf refuses the last one.
    assert_eq!(code, insns(8, 6, 5));
    // They are there already.
    let again = patch(&mut code, Endian::Little, &decisions[0]);
    assert_eq!(again, Err(PatchError::Other { insn: 0 }));
    let short = patch(&mut code[..16], Endian::Little, &decisions[1]);
    assert_eq!(short, Err(PatchError::Outside { insn: 1, len: 16 }));
    assert_eq!(insn::read(&code, Endian::Little, u32::MAX, 2), None);
}
