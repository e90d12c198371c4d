//! A node of the tree: keys in order, each with a value, in one block.

use purlin_term::Term;

/// The most keys of a node: a node of rows takes somewhat less than 1 KB.
pub const FULL: usize = 60;

/// Keys with a row each (in a leaf), or with the number of a node each, whose least key it is.
pub struct Node<V> {
    len: usize,
    keys: [Term; FULL],
    values: [V; FULL],
}

impl<V: Default> Node<V> {
    pub fn new() -> Node<V> {
        Node { len: 0, keys: [Term::NONE; FULL], values: std::array::from_fn(|_| V::default()) }
    }

    #[inline]
    pub fn keys(&self) -> &[Term] {
        &self.keys[..self.len]
    }

    #[inline]
    pub fn values(&self) -> &[V] {
        &self.values[..self.len]
    }

    #[inline]
    pub fn value_mut(&mut self, at: usize) -> &mut V {
        &mut self.values[at]
    }

    pub fn set_key(&mut self, at: usize, key: Term) {
        self.keys[at] = key;
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Puts a key before the one at a position; the node is not full.
    pub fn insert(&mut self, at: usize, key: Term, value: V) {
        self.keys.copy_within(at..self.len, at + 1);
        self.keys[at] = key;
        self.len += 1;
        self.values[at..self.len].rotate_right(1);
        self.values[at] = value;
    }

    pub fn remove(&mut self, at: usize) -> V {
        self.keys.copy_within(at + 1..self.len, at);
        self.values[at..self.len].rotate_left(1);
        self.len -= 1;
        std::mem::take(&mut self.values[self.len])
    }

    /// Takes the keys from a position on to the end of another node, which has room.
    pub fn move_to(&mut self, from: usize, other: &mut Node<V>) {
        let n = self.len - from;
        other.keys[other.len..][..n].copy_from_slice(&self.keys[from..self.len]);
        other.values[other.len..][..n].swap_with_slice(&mut self.values[from..self.len]);
        other.len += n;
        self.len = from;
    }
}
