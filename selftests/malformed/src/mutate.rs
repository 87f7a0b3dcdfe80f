// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Random changes of valid BTF.

use fastrand::Rng;

use crate::pair::Field;
use crate::pair::Pair;

/// Words that are likely to cause errors.
const WORDS: [u32; 8] = [
    0,
    1,
    0xff,
    0xffff,
    0xff_ffff,
    0x8000_0000,
    u32::MAX - 1,
    u32::MAX,
];

/// How many words the header has.
const HEADER: usize = 8;

/// Changes one or both of the sections in one to four places. The same seed gives the same changes.
pub fn mutate(pair: &Pair, seed: u64) -> Pair {
    let mut rng = Rng::with_seed(seed);
    let mut pair = pair.clone();

    for _ in 0..rng.u8(1..=4) {
        let bytes = match rng.u8(0..4) {
            0 => &mut pair.base,
            _ => &mut pair.split,
        };
        change(bytes, &mut rng);
    }
    pair
}

fn change(bytes: &mut Vec<u8>, rng: &mut Rng) {
    if bytes.len() < size_of::<u32>() {
        return;
    }
    let words = bytes.len() / 4;
    let word = |bytes: &[u8], n: usize| {
        let word = bytes.get(n * 4..).and_then(|rest| rest.first_chunk());
        u32::from_le_bytes(word.copied().unwrap_or_default())
    };
    // The type section consists of words. Change the header and the strings only rarely, as the
    // kernel notices most of these changes before it reads a type.
    let types = HEADER..HEADER + Field::TypeLen.read(bytes) as usize / 4;
    let all = rng.u8(0..16) == 0 || types.end > words || types.is_empty();
    let range = if all { 0..words } else { types };
    let mut at = rng.usize(range.clone());
    let from = rng.usize(range.clone());
    let id = rng.bool();
    if id {
        // Choose a word that may be the id of a type.
        let tries = (0..32).map(|_| rng.usize(range.clone()));
        at = tries
            .filter(|at| (1..64).contains(&word(bytes, *at)))
            .last()
            .unwrap_or(at);
    }

    let new = match rng.u8(0..32) {
        _ if id => rng.u32(0..64),
        0 => {
            bytes.truncate(at * 4);
            return;
        }
        1 => {
            bytes.extend_from_within(from * 4..);
            return;
        }
        2..=6 => word(bytes, at) ^ 1 << rng.u32(0..32),
        7..=11 => WORDS[rng.usize(..WORDS.len())],
        12..=16 => word(bytes, from),
        17..=21 => word(bytes, at).wrapping_add(rng.u32(1..=4)),
        22..=26 => word(bytes, at).wrapping_sub(rng.u32(1..=4)),
        _ => rng.u32(..),
    };
    if let Some(field) = bytes.get_mut(at * 4..at * 4 + size_of::<u32>()) {
        field.copy_from_slice(&new.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_enough() {
        let pair = Pair {
            split: (0..200).collect(),
            base: (0..100).collect(),
        };

        assert_eq!(mutate(&pair, 1), mutate(&pair, 1));
        assert_ne!(mutate(&pair, 1), mutate(&pair, 2));
        let changed = (0..1000).filter(|seed| mutate(&pair, *seed) != pair);
        assert!(changed.count() > 900);
    }

    #[test]
    fn nothing_stays_nothing() {
        assert_eq!(mutate(&Pair::default(), 1), Pair::default());
    }
}
