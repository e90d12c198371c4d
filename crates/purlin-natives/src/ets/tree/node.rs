//! A node of the tree: keys in order, and a value for each, in one block.

use crate::ets::key::Probe;
use purlin_term::{Kept, Term};

/// The most keys of a node; a leaf then takes 512 bytes.
pub const FULL: usize = 30;

/// Keys in a cache line.
const LINE: usize = 8;

/// What stands in the places of keys that are not there: the greatest small integer.
const EMPTY: Kept = Kept::small((1 << 59) - 1);

/// Keys with a row each (in a leaf), or with the number of a node each, whose least key it is.
#[repr(C, align(64))]
pub struct Node<V> {
    keys: [Kept; 4 * LINE],
    values: [V; FULL],
    len: usize,
}

impl<V: Default> Node<V> {
    pub fn new() -> Node<V> {
        Node { keys: [EMPTY; 4 * LINE], values: std::array::from_fn(|_| V::default()), len: 0 }
    }

    #[inline]
    pub fn keys(&self) -> &[Kept] {
        &self.keys[..self.len]
    }

    #[inline]
    pub fn values(&self) -> &[V] {
        &self.values[..self.len]
    }

    #[inline]
    pub fn key(&self, at: usize) -> Option<Kept> {
        self.keys().get(at).copied()
    }

    /// The least key of a node that is not empty.
    pub fn first(&self) -> Kept {
        self.keys[0]
    }

    #[inline]
    pub fn value(&self, at: usize) -> &V {
        &self.values[at]
    }

    #[inline]
    pub fn value_mut(&mut self, at: usize) -> &mut V {
        &mut self.values[at]
    }

    pub fn set_key(&mut self, at: usize, key: Kept) {
        self.keys[at] = key;
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many keys are below `probe`, or equal when those count, too.
    #[inline]
    pub fn below(&self, probe: Probe, or_equal: bool) -> usize {
        let Some(key) = probe.small().filter(|key| *key < EMPTY.raw() as i64) else {
            return self.search(probe, or_equal);
        };
        let (limit, mut words) = (key + or_equal as i64, 0);
        let mut is_below = |k: Kept| {
            words |= k.raw();
            ((k.raw() as i64) < limit) as usize
        };
        // The last key of each line decides which line it is: all lines are fetched at once, and none waits for another.
        let line = is_below(self.keys[7]) + is_below(self.keys[15]) + is_below(self.keys[23]);
        let below = line * LINE + self.keys[line * LINE..][..LINE].iter().map(|k| is_below(*k)).sum::<usize>();
        // Keys are in order: if those looked at are small, they are right about the others, too.
        if Term::is_small_word(words) { below } else { self.search(probe, or_equal) }
    }

    #[inline(never)]
    fn search(&self, probe: Probe, or_equal: bool) -> usize {
        self.keys()
            .partition_point(|k| if or_equal { Probe::key(k.term()) <= probe } else { Probe::key(k.term()) < probe })
    }

    /// Puts a key before the one at a position; the node is not full.
    pub fn insert(&mut self, at: usize, key: Kept, value: V) {
        self.keys.copy_within(at..self.len, at + 1);
        self.keys[at] = key;
        self.values[self.len] = value;
        self.len += 1;
        self.values[at..self.len].rotate_right(1);
    }

    pub fn remove(&mut self, at: usize) -> V {
        self.keys.copy_within(at + 1..self.len, at);
        self.values[at..self.len].rotate_left(1);
        self.len -= 1;
        self.keys[self.len] = EMPTY;
        std::mem::take(&mut self.values[self.len])
    }

    /// Moves the keys from a position on to the end of another node, which has room.
    pub fn move_to(&mut self, from: usize, other: &mut Node<V>) {
        let n = self.len - from;
        other.keys[other.len..][..n].copy_from_slice(&self.keys[from..self.len]);
        self.keys[from..self.len].fill(EMPTY);
        other.values[other.len..][..n].swap_with_slice(&mut self.values[from..self.len]);
        other.len += n;
        self.len = from;
    }
}
