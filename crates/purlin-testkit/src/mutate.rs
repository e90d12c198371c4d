//! Damaging bytes at random, repeatably: the same seed gives the same damage.

/// A small generator of random numbers (splitmix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// One whose numbers depend on the seed only.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, or 0 if there is none.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.number() % limit.max(1) as u64) as usize
    }

    /// One of these.
    pub fn choose<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}

/// Numbers that lengths and counts go wrong at.
const EDGES: [u32; 12] =
    [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000, 0x00ff_ffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/// Damages `bytes` in one to eight places; `donor` is another input of the same
/// kind, from which pieces may come.
pub fn mutate(bytes: &mut Vec<u8>, donor: &[u8], random: &mut Random) {
    for _ in 0..=random.below(8) {
        mutate_once(bytes, donor, random);
    }
}

fn mutate_once(bytes: &mut Vec<u8>, donor: &[u8], random: &mut Random) {
    let at = random.below(bytes.len());
    let piece = |len: usize, random: &mut Random| {
        let start = random.below(len);
        start..(start + 1 + random.below(64)).min(len)
    };
    match random.below(10) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 | 2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.number() as u8;
            }
        }
        3 => {
            let step = random.below(9) as u8;
            if let Some(byte) = bytes.get_mut(at) {
                *byte = byte.wrapping_add(step).wrapping_sub(4);
            }
        }
        4 => {
            let edge = random.choose(&EDGES).copied().unwrap_or_default();
            if let Some(place) = bytes.get_mut(at..at + 4) {
                place.copy_from_slice(&edge.to_be_bytes());
            }
        }
        5 => {
            let removed = piece(bytes.len(), random);
            bytes.drain(removed);
        }
        6 => {
            let copied = bytes[piece(bytes.len(), random)].to_vec();
            bytes.splice(at..at, copied);
        }
        7 => {
            let copied = &donor[piece(donor.len(), random)];
            let end = (at + copied.len()).min(bytes.len());
            bytes.splice(at..end, copied.iter().copied());
        }
        8 => {
            let inserted: Vec<u8> = (0..random.below(9)).map(|_| random.number() as u8).collect();
            bytes.splice(at..at, inserted);
        }
        _ => {
            if random.below(8) == 0 {
                bytes.truncate(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_empty_input_is_fine() {
        let damaged = |seed, start: &[u8]| {
            let (mut bytes, mut random) = (start.to_vec(), Random::new(seed));
            mutate(&mut bytes, start, &mut random);
            bytes
        };
        let start: Vec<u8> = (0..=255).collect();
        let mut changed = 0;
        for seed in 0..1_000 {
            assert_eq!(damaged(seed, &start), damaged(seed, &start));
            changed += usize::from(damaged(seed, &start) != start);
            damaged(seed, &[]);
        }
        assert!(changed > 900, "{changed}");
    }
}
