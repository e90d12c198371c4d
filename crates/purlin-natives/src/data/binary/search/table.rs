//! A few short patterns by their first byte.

use std::ops::Range;

/// How many bytes may have to be compared at one place.
const MOST_COMPARED: usize = 256;

/// Patterns, those with one first byte together and the longest of them first.
pub struct Table {
    /// For each first byte its place in `groups`, from 1 on.
    first: Box<[u8; 256]>,
    groups: Vec<Range<u32>>,
    /// Where each pattern lies in `bytes`, without its first byte.
    patterns: Vec<Range<u32>>,
    bytes: Vec<u8>,
}

impl Table {
    /// Nothing if there are so many or so long patterns that trying them might take long.
    pub fn of(all: &[impl AsRef<[u8]>]) -> Option<Table> {
        let size: usize = all.iter().map(|p| p.as_ref().len()).sum();
        if size > 64 * MOST_COMPARED {
            return None;
        }
        let mut sorted: Vec<&[u8]> = all.iter().map(AsRef::as_ref).collect();
        sorted.sort_unstable_by_key(|p| (p.first().copied(), std::cmp::Reverse(p.len())));
        let mut table = Table {
            first: Box::new([0; 256]),
            groups: Vec::with_capacity(16),
            patterns: Vec::with_capacity(sorted.len()),
            bytes: Vec::with_capacity(size),
        };
        let mut compared = 0;
        for p in sorted {
            let (&first, rest) = p.split_first()?;
            let place = &mut table.first[first as usize];
            let n = table.patterns.len() as u32;
            if *place == 0 {
                *place = u8::try_from(table.groups.len() + 1).ok()?;
                table.groups.push(n..n);
                compared = 0;
            }
            compared += p.len();
            if compared > MOST_COMPARED {
                return None;
            }
            table.groups.last_mut()?.end = n + 1;
            let start = table.bytes.len() as u32;
            table.bytes.extend_from_slice(rest);
            table.patterns.push(start..table.bytes.len() as u32);
        }
        Some(table)
    }

    /// Start and length of the first match.
    pub fn find(&self, data: &[u8]) -> Option<(usize, usize)> {
        let mut at = 0;
        loop {
            at += data[at..].iter().position(|&b| self.first[b as usize] != 0)?;
            if let Some(len) = self.longest(&data[at..]) {
                return Some((at, len));
            }
            at += 1;
        }
    }

    /// The length of the longest pattern that `data`, which is not empty, starts with.
    fn longest(&self, data: &[u8]) -> Option<usize> {
        let (first, rest) = data.split_first()?;
        let group = &self.groups[self.first[*first as usize] as usize - 1];
        let patterns = &self.patterns[group.start as usize..group.end as usize];
        let fits = |p: &&Range<u32>| {
            let p = &self.bytes[p.start as usize..p.end as usize];
            // Compared here, since a call costs more than the few bytes do.
            rest.len() >= p.len() && p.iter().zip(rest).all(|(a, b)| a == b)
        };
        patterns.iter().find(fits).map(|p| p.len() + 1)
    }
}
