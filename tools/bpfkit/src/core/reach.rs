// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Which instructions of a program can be reached, as far as constants tell.
//!
//! The verifier does not look at instructions that it cannot reach. It follows constants in registers,
//! so that code which is guarded by a question of CO-RE is not reached if the answer is 0. This does the
//! same, but knows less than the verifier: an instruction that is not reached here is not reached there.

use std::collections::BTreeSet;

use core_relo::Insn;

/// The registers, of which one cannot be written.
const REGS: usize = 11;

/// The registers that a call overwrites.
const CALLER_SAVED: usize = 6;

/// The number of the helper that libbpf lets poisoned instructions call.
const BAD_RELO: i32 = 195_896_080;

/// The value of each register, if it is known.
type State = [Option<u64>; REGS];

/// `BPF_CLASS`, `BPF_OP` and `BPF_X`.
const CLASS: u8 = 0x07;
const OP: u8 = 0xf0;
const X: u8 = 0x08;

const LD: u8 = 0x00;
const LDX: u8 = 0x01;
const STX: u8 = 0x03;
const ALU: u8 = 0x04;
const JMP: u8 = 0x05;
const JMP32: u8 = 0x06;
const ALU64: u8 = 0x07;

const LD_IMM64: u8 = 0x18;
const ATOMIC: u8 = 0xc0;
const CALL: u8 = 0x85;
const EXIT: u8 = 0x95;
const JA: u8 = 0x05;
const JA32: u8 = 0x06;

/// What libbpf makes of an instruction that cannot be relocated: a call that the verifier refuses.
pub(super) const POISON: Insn = Insn {
    code: CALL,
    dst: 0,
    src: 0,
    off: 0,
    imm: BAD_RELO,
};

/// Whether an instruction is a call.
pub(super) fn is_call(insn: &Insn) -> bool {
    insn.code == CALL
}

/// Whether an instruction is one that libbpf has poisoned.
pub(super) fn is_poison(insn: &Insn) -> bool {
    insn.code == CALL && insn.imm == BAD_RELO
}

/// Which instructions of a program can be reached, as if those that are poisoned were other calls. The
/// values that the instructions in `unknown` load come from elsewhere: a map, or the kernel.
pub(super) fn reached(insns: &[Insn], unknown: &BTreeSet<usize>) -> Vec<bool> {
    let mut states: Vec<Option<State>> = vec![None; insns.len()];
    let mut work = vec![];
    enter(&mut states, &mut work, 0, &[None; REGS]);

    while let Some(at) = work.pop() {
        let (Some(insn), Some(Some(state))) = (insns.get(at), states.get(at).copied()) else {
            continue;
        };
        let high = insns.get(at.saturating_add(1));
        for (next, state) in step(at, insn, high, state, unknown.contains(&at)) {
            enter(&mut states, &mut work, next, &state);
        }
    }
    states.iter().map(Option::is_some).collect()
}

/// The instructions that every run reaches, up to the first jump that depends on what is not known.
pub(super) fn certain(insns: &[Insn], unknown: &BTreeSet<usize>) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut next = Some((0_usize, [None; REGS]));

    while let Some((at, state)) = next {
        let Some(insn) = insns.get(at).filter(|_| reached.insert(at)) else {
            break;
        };
        let high = insns.get(at.saturating_add(1));
        next = match step(at, insn, high, state, unknown.contains(&at))[..] {
            [only] => Some(only),
            _ => None,
        };
    }
    reached
}

/// Comes to an instruction with these values. Each register loses its value at most once, so that this
/// ends.
fn enter(states: &mut [Option<State>], work: &mut Vec<usize>, at: usize, state: &State) {
    let Some(known) = states.get_mut(at) else {
        return;
    };
    let both = match known {
        None => *state,
        Some(known) => {
            let mut both = *known;
            for (value, other) in both.iter_mut().zip(state) {
                *value = value.filter(|value| Some(*value) == *other);
            }
            both
        }
    };

    if *known != Some(both) {
        *known = Some(both);
        work.push(at);
    }
}

/// The instructions that may follow, with the values there.
fn step(
    at: usize,
    insn: &Insn,
    high: Option<&Insn>,
    mut state: State,
    unknown: bool,
) -> Vec<(usize, State)> {
    let next = at.saturating_add(1);
    let code = insn.code;
    let set = |state: &mut State, reg: u8, value: Option<u64>| {
        if let Some(reg) = state.get_mut(usize::from(reg)) {
            *reg = value;
        }
    };

    match code & CLASS {
        LD if code == LD_IMM64 => {
            let high = high.map_or(0, |high| high.imm);
            let value = u64::from(insn.imm as u32) | u64::from(high as u32) << 32;
            let value = Some(value).filter(|_| !unknown && insn.src == 0);
            set(&mut state, insn.dst, value);
            return vec![(next.saturating_add(1), state)];
        }
        LD => forget(&mut state),
        LDX => set(&mut state, insn.dst, None),
        STX if code & 0xe0 == ATOMIC => {
            // What was in memory comes back in one of these.
            set(&mut state, insn.src, None);
            set(&mut state, insn.dst, None);
            set(&mut state, 0, None);
        }
        ALU | ALU64 => {
            let value = alu(insn, &state);
            set(&mut state, insn.dst, value);
        }
        JMP | JMP32 => return jump(at, insn, state),
        _ => {}
    }
    vec![(next, state)]
}

/// Forgets what a call may overwrite.
fn forget(state: &mut State) {
    state
        .iter_mut()
        .take(CALLER_SAVED)
        .for_each(|reg| *reg = None);
}

fn value(state: &State, reg: u8) -> Option<u64> {
    state.get(usize::from(reg)).copied().flatten()
}

/// The second operand.
fn operand(insn: &Insn, state: &State) -> Option<u64> {
    match insn.code & X {
        0 => Some(i64::from(insn.imm) as u64),
        _ => value(state, insn.src),
    }
}

/// The result of arithmetic, if it is known. Other operations than these do not lie between a question
/// and its test.
fn alu(insn: &Insn, state: &State) -> Option<u64> {
    let wide = insn.code & CLASS == ALU64;
    // Division and moves with a sign have an offset.
    if insn.off != 0 {
        return None;
    }
    let b = operand(insn, state);
    let op = insn.code & OP;

    if op == 0xb0 {
        return b.map(|b| narrow(b, wide));
    }
    let (a, b) = (value(state, insn.dst)?, b?);
    let bits = if wide { 63 } else { 31 };
    let (a, b) = (narrow(a, wide), narrow(b, wide));
    let result = match op {
        0x00 => a.wrapping_add(b),
        0x10 => a.wrapping_sub(b),
        0x20 => a.wrapping_mul(b),
        0x40 => a | b,
        0x50 => a & b,
        0x60 => a.wrapping_shl((b & bits) as u32),
        0x70 => a.wrapping_shr((b & bits) as u32),
        0x80 if insn.code & X == 0 => a.wrapping_neg(),
        0xa0 => a ^ b,
        0xc0 if wide => (a as i64).wrapping_shr((b & bits) as u32) as u64,
        0xc0 => u64::from((a as u32 as i32).wrapping_shr((b & bits) as u32) as u32),
        _ => return None,
    };
    Some(narrow(result, wide))
}

fn narrow(value: u64, wide: bool) -> u64 {
    match wide {
        true => value,
        false => value & u64::from(u32::MAX),
    }
}

fn jump(at: usize, insn: &Insn, mut state: State) -> Vec<(usize, State)> {
    let next = at.saturating_add(1);
    let to = |offset: i64| {
        let next = i64::try_from(next).ok()?;
        usize::try_from(next.checked_add(offset)?).ok()
    };
    let branch = |offset| to(offset).unwrap_or(usize::MAX);

    match insn.code {
        EXIT => return vec![],
        JA => return vec![(branch(insn.off.into()), state)],
        JA32 => return vec![(branch(insn.imm.into()), state)],
        CALL => {
            forget(&mut state);
            return vec![(next, state)];
        }
        _ => {}
    }
    let wide = insn.code & CLASS == JMP;
    let taken = value(&state, insn.dst)
        .zip(operand(insn, &state))
        .and_then(|(a, b)| is_taken(insn.code & OP, narrow(a, wide), narrow(b, wide), wide));
    let both = [(next, state), (branch(insn.off.into()), state)];
    match taken {
        Some(true) => both[1..].to_vec(),
        Some(false) => both[..1].to_vec(),
        None => both.to_vec(),
    }
}

/// Whether a jump is taken; `None` for jumps that this does not know.
fn is_taken(op: u8, a: u64, b: u64, wide: bool) -> Option<bool> {
    let signed = |value: u64| match wide {
        true => value as i64,
        false => i64::from(value as u32 as i32),
    };
    let (x, y) = (signed(a), signed(b));

    Some(match op {
        0x10 => a == b,
        0x20 => a > b,
        0x30 => a >= b,
        0x40 => a & b != 0,
        0x50 => a != b,
        0x60 => x > y,
        0x70 => x >= y,
        0xa0 => a < b,
        0xb0 => a <= b,
        0xc0 => x < y,
        0xd0 => x <= y,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
