// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Instructions, and what a decision does to them.

use serde::Deserialize;
use serde::Serialize;
use splitbtf::Endian;

use crate::spec;
use crate::value::Value;
use crate::Action;
use crate::Change;
use crate::Decision;
use crate::Field;
use crate::PatchError;
use crate::Poison;
use crate::Refusal;
use crate::Resize;

/// The length of an instruction in bytes.
pub(crate) const LEN: usize = 8;

/// The number of the helper that libbpf lets poisoned instructions call: 0xbad2310, "bad relo".
const BAD_RELO: i32 = 195_896_080;

/// `BPF_JMP | BPF_CALL`.
const CALL: u8 = 0x85;

/// `BPF_LD | BPF_IMM | BPF_DW`.
const LD_IMM64: u8 = 0x18;

/// The bits of a code that say how much is loaded or stored: `BPF_SIZE()`.
const SIZE: u8 = 0x18;

/// An instruction: `struct bpf_insn`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Insn {
    /// What it does.
    pub code: u8,
    /// The number of the destination register.
    pub dst: u8,
    /// The number of the source register.
    pub src: u8,
    /// The signed offset.
    pub off: i16,
    /// The signed immediate operand.
    pub imm: i32,
}

impl Insn {
    /// Decodes an instruction.
    pub fn read(bytes: [u8; 8], endian: Endian) -> Self {
        let [code, regs, off @ .., a, b, c, d] = bytes;
        let (off, imm) = (off, [a, b, c, d]);
        let (low, high) = (regs & 0xf, regs >> 4);

        match endian {
            Endian::Little => Self {
                code,
                dst: low,
                src: high,
                off: i16::from_le_bytes(off),
                imm: i32::from_le_bytes(imm),
            },
            Endian::Big => Self {
                code,
                dst: high,
                src: low,
                off: i16::from_be_bytes(off),
                imm: i32::from_be_bytes(imm),
            },
        }
    }

    /// Encodes the instruction. Registers have 4 bits.
    pub fn write(self, endian: Endian) -> [u8; 8] {
        let (dst, src) = (self.dst & 0xf, self.src & 0xf);
        let (regs, [e, f], [a, b, c, d]) = match endian {
            Endian::Little => (
                dst | src << 4,
                self.off.to_le_bytes(),
                self.imm.to_le_bytes(),
            ),
            Endian::Big => (
                src | dst << 4,
                self.off.to_be_bytes(),
                self.imm.to_be_bytes(),
            ),
        };

        [self.code, regs, e, f, a, b, c, d]
    }

    /// Whether it is the first half of a load of 64 bits.
    pub(crate) fn is_load_of_64_bits(self) -> bool {
        self.code == LD_IMM64
    }

    /// How many bytes a load or store accesses.
    fn size(self) -> u32 {
        match self.code & SIZE {
            0x00 => 4,
            0x08 => 2,
            0x10 => 1,
            _ => 8,
        }
    }

    /// The code of a load or store of another size.
    fn code_of_size(self, size: u32) -> Option<u8> {
        let bits = match size {
            4 => 0x00,
            2 => 0x08,
            1 => 0x10,
            8 => 0x18,
            _ => return None,
        };

        Some(self.code & !SIZE | bits)
    }
}

/// What an instruction gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct New {
    pub old: Value,
    /// `None` poisons it.
    pub new: Option<Value>,
}

/// What happens to an instruction. There are two before if the first is the first half of a load of 64
/// bits, otherwise one.
pub(crate) fn change(before: Vec<Insn>, new: New) -> Change {
    let (after, action) = match changed(&before, new) {
        Ok((after, Action::Patched { field, .. })) if after == before => {
            (after, Action::Unchanged { field })
        }
        Ok(done) => done,
        Err(reason) => (before.clone(), Action::Refused { reason }),
    };

    Change {
        action,
        before,
        after,
    }
}

fn changed(before: &[Insn], New { old, new }: New) -> Result<(Vec<Insn>, Action), Refusal> {
    let poison = |reason| {
        let call = Insn {
            code: CALL,
            imm: BAD_RELO,
            ..Insn::default()
        };
        (vec![call; before.len()], Action::Poisoned { reason })
    };
    let patched = |after: Vec<Insn>, field, resized| (after, Action::Patched { field, resized });
    let check = |found: i64| match old.checked && found as u64 != old.value {
        true => Err(Refusal::Value {
            expected: old.value,
            found,
        }),
        false => Ok(()),
    };

    match *before {
        // BPF_ALU and BPF_ALU64 with BPF_K.
        [insn] if matches!(insn.code & 0x0f, 0x04 | 0x07) => {
            let Some(new) = new else {
                return Ok(poison(Poison::Absent));
            };
            check(insn.imm.into())?;
            let imm = new.value as i32;
            Ok(patched(vec![Insn { imm, ..insn }], Field::Imm, None))
        }
        // BPF_LDX, BPF_ST and BPF_STX.
        [insn] if matches!(insn.code & 0x07, 0x01..=0x03) => {
            let Some(new) = new else {
                return Ok(poison(Poison::Absent));
            };
            check(insn.off.into())?;
            let value = new.value;
            let off = i16::try_from(value).map_err(|_| Refusal::Offset { value })?;
            if !old.can_become(&new) {
                return Ok(poison(Poison::Size));
            }
            let (code, resized) = resize(insn, &old, &new)?;
            let after = Insn { code, off, ..insn };
            Ok(patched(vec![after], Field::Off, resized))
        }
        [low, high] => {
            let plain = Insn {
                imm: high.imm,
                ..Insn::default()
            };
            if !low.is_load_of_64_bits() || low.src != 0 || low.off != 0 || high != plain {
                return Err(Refusal::Form);
            }
            let Some(new) = new else {
                return Ok(poison(Poison::Absent));
            };
            let found = i64::from(high.imm) << 32 | i64::from(low.imm as u32);
            check(found)?;
            let imm = new.value as i32;
            let low = Insn { imm, ..low };
            let imm = (new.value >> 32) as i32;
            let high = Insn { imm, ..high };
            Ok(patched(vec![low, high], Field::Imm64, None))
        }
        _ => Err(Refusal::Form),
    }
}

/// The code of a load or store whose field may have another size.
fn resize(insn: Insn, old: &Value, new: &Value) -> Result<(u8, Option<Resize>), Refusal> {
    let (Some(from), Some(to)) = (old.memory, new.memory) else {
        return Ok((insn.code, None));
    };
    let (from, to) = (from.size, to.size);
    if from == to {
        return Ok((insn.code, None));
    }
    if insn.size() != from {
        return Err(Refusal::OldSize {
            expected: from,
            found: insn.size(),
        });
    }

    match insn.code_of_size(to) {
        Some(code) => Ok((code, Some(Resize { from, to }))),
        None => Err(Refusal::NewSize { size: to }),
    }
}

/// The bytes of some instructions from the number `insn` on.
fn place(insn: u32, count: usize) -> Option<std::ops::Range<usize>> {
    let start = spec::size(insn).checked_mul(LEN)?;

    Some(start..start.checked_add(count.checked_mul(LEN)?)?)
}

/// Decodes some instructions from the number `insn` on.
pub(crate) fn read(code: &[u8], endian: Endian, insn: u32, count: usize) -> Option<Vec<Insn>> {
    let bytes = code.get(place(insn, count)?)?;
    let read = |bytes: &[u8]| Some(Insn::read(*bytes.first_chunk()?, endian));

    bytes.chunks_exact(LEN).map(read).collect()
}

/// Carries a decision out on the instructions of its section, in the byte order of the object.
///
/// If libbpf would refuse the object, nothing changes: see [`Decision::is_accepted`].
///
/// # Errors
///
/// If the instruction is not the one that the decision was made for. Nothing changes then.
pub fn patch(code: &mut [u8], endian: Endian, decision: &Decision) -> Result<(), PatchError> {
    let insn = decision.section_insn;
    let len = code.len();
    let Change { before, after, .. } = &decision.instruction;
    let count = before.len();
    let outside = PatchError::Outside { insn, len };

    let found = read(code, endian, insn, count).ok_or(outside)?;
    if found != *before || after.len() != count {
        return Err(PatchError::Other { insn });
    }
    let place = place(insn, count).ok_or(outside)?;
    let bytes = code.get_mut(place).ok_or(outside)?;
    for (to, insn) in bytes.chunks_exact_mut(LEN).zip(after) {
        to.copy_from_slice(&insn.write(endian));
    }
    Ok(())
}
