//! A node of the tree: keys in order, each with a value beside it, in one block.

use crate::ets::key::Probe;
use purlin_term::Term;

/// The most keys of a node, which then takes somewhat less than 512 bytes.
pub const FULL: usize = 30;

/// Keys with a row each (in a leaf), or with the number of a node each, whose least key it is.
#[repr(C)]
pub struct Node<V> {
    len: usize,
    entries: [(Term, V); FULL],
}

impl<V: Default> Node<V> {
    pub fn new() -> Node<V> {
        Node { len: 0, entries: std::array::from_fn(|_| (Term::NONE, V::default())) }
    }

    #[inline]
    pub fn entries(&self) -> &[(Term, V)] {
        &self.entries[..self.len]
    }

    #[inline]
    pub fn key(&self, at: usize) -> Option<Term> {
        Some(self.entries().get(at)?.0)
    }

    /// The least key of a node that is not empty.
    pub fn first(&self) -> Term {
        self.entries[0].0
    }

    #[inline]
    pub fn value(&self, at: usize) -> &V {
        &self.entries[at].1
    }

    #[inline]
    pub fn value_mut(&mut self, at: usize) -> &mut V {
        &mut self.entries[at].1
    }

    pub fn set_key(&mut self, at: usize, key: Term) {
        self.entries[at].0 = key;
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many keys are below `probe`, or equal when those count, too.
    #[inline]
    pub fn below(&self, probe: Probe, or_equal: bool) -> usize {
        let entries = self.entries();
        let Some(key) = probe.small() else { return self.search(probe, or_equal) };
        // All keys are looked at, so that none waits for the memory of another, and none for a guess.
        let limit = key + or_equal as i64;
        let (mut below, mut all_small) = (0, true);
        for (k, _) in entries {
            all_small &= k.is_small();
            below += ((k.0 as i64) < limit) as usize;
        }
        if all_small { below } else { self.search(probe, or_equal) }
    }

    #[inline(never)]
    fn search(&self, probe: Probe, or_equal: bool) -> usize {
        self.entries().partition_point(|(k, _)| if or_equal { Probe::key(*k) <= probe } else { Probe::key(*k) < probe })
    }

    /// Puts a key before the one at a position; the node is not full.
    pub fn insert(&mut self, at: usize, key: Term, value: V) {
        self.entries[self.len] = (key, value);
        self.len += 1;
        self.entries[at..self.len].rotate_right(1);
    }

    pub fn remove(&mut self, at: usize) -> V {
        self.entries[at..self.len].rotate_left(1);
        self.len -= 1;
        std::mem::take(&mut self.entries[self.len].1)
    }

    /// Moves the keys from a position on to the end of another node, which has room.
    pub fn move_to(&mut self, from: usize, other: &mut Node<V>) {
        let n = self.len - from;
        other.entries[other.len..][..n].swap_with_slice(&mut self.entries[from..self.len]);
        other.len += n;
        self.len = from;
    }
}
