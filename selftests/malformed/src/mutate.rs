// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Random changes of good BTF.

use fastrand::Rng;

use crate::pair::Pair;

/// Words that something may go wrong with.
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
    // Most of the changes are to whole words, as the format is made of these, and few to the header,
    // as nobody gets beyond a bad one.
    let words = bytes.len() / 4;
    let first = if rng.u8(0..16) == 0 {
        0
    } else {
        HEADER.min(words - 1)
    };
    let at = rng.usize(first..words) * 4;
    let from = rng.usize(..words) * 4;
    let word = |bytes: &[u8], at: usize| {
        let word = bytes.get(at..).and_then(|rest| rest.first_chunk());
        u32::from_le_bytes(word.copied().unwrap_or_default())
    };

    let new = match rng.u8(0..32) {
        0 => {
            bytes.truncate(at);
            return;
        }
        1 => {
            bytes.extend_from_within(from..);
            return;
        }
        2..=3 => word(bytes, at) ^ 1 << rng.u32(0..32),
        4..=5 => WORDS[rng.usize(..WORDS.len())],
        6..=7 => word(bytes, from),
        8..=9 => word(bytes, at).wrapping_add(rng.u32(1..=4)),
        10..=11 => word(bytes, at).wrapping_sub(rng.u32(1..=4)),
        // Most likely the id of a type.
        12..=30 => rng.u32(0..32),
        _ => rng.u32(..),
    };
    if let Some(field) = bytes.get_mut(at..at + size_of::<u32>()) {
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
