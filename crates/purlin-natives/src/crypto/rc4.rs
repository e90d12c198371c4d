//! RC4: a stream of bytes out of a table that swaps itself about. Old, broken, and asked for by old peers.

pub(super) struct Rc4 {
    table: [u8; 256],
    at: u8,
    other: u8,
}

impl Rc4 {
    /// `None`: a key of a wrong size.
    pub fn new(key: &[u8]) -> Option<Rc4> {
        if !(1..=256).contains(&key.len()) {
            return None;
        }
        let mut table: [u8; 256] = std::array::from_fn(|i| i as u8);
        let mut other = 0u8;
        for (at, &byte) in (0..256).zip(key.iter().cycle()) {
            other = other.wrapping_add(table[at]).wrapping_add(byte);
            table.swap(at, other.into());
        }
        Some(Rc4 { table, at: 0, other: 0 })
    }

    pub fn run(&mut self, data: &mut [u8]) {
        for byte in data {
            self.at = self.at.wrapping_add(1);
            let first = self.table[usize::from(self.at)];
            self.other = self.other.wrapping_add(first);
            let second = self.table[usize::from(self.other)];
            self.table.swap(self.at.into(), self.other.into());
            *byte ^= self.table[usize::from(first.wrapping_add(second))];
        }
    }
}
