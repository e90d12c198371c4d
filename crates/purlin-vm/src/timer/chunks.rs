//! A vector by place that never moves what it holds: growing copies nothing while all timers wait, and leaves no former
//! block behind.

use std::ops::{Index, IndexMut};

/// Entries in a chunk.
const CHUNK: usize = 1024;

/// Entries by place, from 0.
pub(super) struct Chunks<T> {
    chunks: Vec<Vec<T>>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Chunks<T> {
        Chunks { chunks: Vec::new() }
    }
}

impl<T> Chunks<T> {
    pub(super) fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    /// Adds an entry; its place.
    pub(super) fn push(&mut self, entry: T) -> u32 {
        let place = self.len() as u32;
        if (place as usize).is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        self.chunks[place as usize / CHUNK].push(entry);
        place
    }

    /// Adds copies of `entry` until there is one at `place`.
    pub(super) fn reach(&mut self, place: u32, entry: T)
    where
        T: Copy,
    {
        while self.len() <= place as usize {
            self.push(entry);
        }
    }

    pub(super) fn get(&self, place: u32) -> Option<&T> {
        self.chunks.get(place as usize / CHUNK)?.get(place as usize % CHUNK)
    }

    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        self.chunks.get_mut(place as usize / CHUNK)?.get_mut(place as usize % CHUNK)
    }
}

impl<T> Index<u32> for Chunks<T> {
    type Output = T;

    fn index(&self, place: u32) -> &T {
        &self.chunks[place as usize / CHUNK][place as usize % CHUNK]
    }
}

impl<T> IndexMut<u32> for Chunks<T> {
    fn index_mut(&mut self, place: u32) -> &mut T {
        &mut self.chunks[place as usize / CHUNK][place as usize % CHUNK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_up_over_chunks() {
        let mut chunks = Chunks::default();
        for i in 0..3 * CHUNK as u32 {
            assert_eq!(chunks.push(i), i);
        }
        chunks.reach(4 * CHUNK as u32, 7);
        assert_eq!(chunks.len(), 4 * CHUNK + 1);
        assert_eq!((chunks[CHUNK as u32], chunks[4 * CHUNK as u32]), (CHUNK as u32, 7));
        assert_eq!((chunks.get(4 * CHUNK as u32 + 1), Chunks::<u8>::default().get(0)), (None, None));
    }
}
