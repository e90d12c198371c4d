//! Rows of ordered_set tables, by their keys in term order; keys that compare equal (`1` and `1.0`) are one key.
//!
//! A B+ tree: all rows are in leaves, which are linked in the order of their keys; inner nodes know the least
//! key of each child. A key's term lies in the memory of its row, so every copy of it in the nodes above is replaced
//! together with the row. Nodes that become small join a neighbour, empty ones are freed.

mod node;

use super::key;
use super::key::Probe;
use node::{FULL, Node};
use purlin_term::{Kept, Row, Term, compare::same};
use smallvec::SmallVec;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};

/// Number of a leaf, or of an inner node.
type Id = u32;

const NO_LEAF: Id = Id::MAX;

struct Leaf {
    node: Node<Option<Row>>,
    prev: Id,
    next: Id,
}

type Inner = Node<Id>;

/// Nodes by number.
struct Nodes<T> {
    all: Vec<Option<Box<T>>>,
    free: Vec<Id>,
}

impl<T> Nodes<T> {
    fn new() -> Nodes<T> {
        Nodes { all: Vec::new(), free: Vec::new() }
    }

    #[inline]
    fn get(&self, id: Id) -> &T {
        self.all[id as usize].as_ref().expect("nodes refer to nodes in use")
    }

    #[inline]
    fn get_mut(&mut self, id: Id) -> &mut T {
        self.all[id as usize].as_mut().expect("nodes refer to nodes in use")
    }

    fn add(&mut self, node: T) -> Id {
        let node = Some(Box::new(node));
        if let Some(id) = self.free.pop() {
            self.all[id as usize] = node;
            return id;
        }
        self.all.push(node);
        (self.all.len() - 1) as Id
    }

    fn free(&mut self, id: Id) {
        self.all[id as usize] = None;
        self.free.push(id);
    }
}

/// The way from the root to a leaf: inner nodes, and which child was taken.
type Path = SmallVec<[(Id, usize); 8]>;

/// A leaf and a position in it; [`END`] behind the last row.
type Place = (Id, usize);

const END: Place = (NO_LEAF, 0);

pub struct TreeRows {
    keypos: usize,
    leaves: Nodes<Leaf>,
    inner: Nodes<Inner>,
    /// Levels of inner nodes.
    height: usize,
    /// A leaf when there are no inner nodes.
    root: Id,
    first: Id,
    last: Id,
    len: usize,
    words: usize,
    /// Where the last step of an iteration ended: the leaf's number, and the position in the low byte.
    step: AtomicU64,
}

/// Words that OTP spends on a row besides its term.
const ROW_WORDS: usize = 5;

impl TreeRows {
    pub fn new(keypos: usize) -> TreeRows {
        TreeRows {
            keypos,
            leaves: Nodes::new(),
            inner: Nodes::new(),
            height: 0,
            root: NO_LEAF,
            first: NO_LEAF,
            last: NO_LEAF,
            len: 0,
            words: 0,
            step: AtomicU64::new(u64::MAX),
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn words(&self) -> usize {
        self.words
    }

    // ---- searching

    /// The leaf that a key is in or would be in; `visit` learns of the inner nodes on the way.
    #[inline]
    fn descend(&self, probe: Probe, mut visit: impl FnMut(Id, usize)) -> Id {
        let mut id = self.root;
        for _ in 0..self.height {
            let node = self.inner.get(id);
            let child = node.below(probe, true).saturating_sub(1);
            visit(id, child);
            id = *node.value(child);
        }
        id
    }

    /// The first key of a leaf that is not below `probe`, and whether they are equal.
    #[inline]
    fn search(&self, leaf: Id, probe: Probe) -> (usize, bool) {
        let node = &self.leaves.get(leaf).node;
        let at = node.below(probe, false);
        (at, node.key(at).is_some_and(|k| Probe::key(k.term()) == probe))
    }

    fn place_of(&self, key: Term) -> Option<Place> {
        if self.len == 0 {
            return None;
        }
        let probe = Probe::key(key);
        let leaf = self.descend(probe, |_, _| {});
        let (at, found) = self.search(leaf, probe);
        found.then_some((leaf, at))
    }

    /// The first row whose key is not below `probe`, or above it when `behind`.
    fn place(&self, probe: Probe, behind: bool) -> Place {
        if self.len == 0 {
            return END;
        }
        let leaf = self.descend(probe, |_, _| {});
        let (at, found) = self.search(leaf, probe);
        self.forward((leaf, at + (found && behind) as usize))
    }

    /// A position behind the last row of a leaf is that of the next leaf's first.
    #[inline]
    fn forward(&self, (leaf, at): Place) -> Place {
        let l = self.leaves.get(leaf);
        if at < l.node.len() { (leaf, at) } else { (l.next, 0) }
    }

    /// The place before another.
    #[inline]
    fn back(&self, (leaf, at): Place) -> Option<Place> {
        if at > 0 {
            return Some((leaf, at - 1));
        }
        let before = if leaf == NO_LEAF { self.last } else { self.leaves.get(leaf).prev };
        (before != NO_LEAF).then(|| (before, self.leaves.get(before).node.len() - 1))
    }

    #[inline]
    fn row(&self, (leaf, at): Place) -> Option<&Row> {
        if leaf == NO_LEAF { None } else { self.leaves.get(leaf).node.value(at).as_ref() }
    }

    pub fn get(&self, key: Term) -> Option<&Row> {
        self.row(self.place_of(key)?)
    }

    pub fn contains(&self, key: Term) -> bool {
        self.place_of(key).is_some()
    }

    /// The row of a key, for changing elements other than the key.
    pub fn get_mut(&mut self, key: Term) -> Option<&mut Row> {
        let (leaf, at) = self.place_of(key)?;
        self.leaves.get_mut(leaf).node.value_mut(at).as_mut()
    }

    // ---- walking

    pub fn first(&self) -> Option<&Row> {
        self.row((self.first, 0))
    }

    pub fn last(&self) -> Option<&Row> {
        self.row(self.back(END)?)
    }

    /// Where an iteration is that came to this key by its last step.
    #[inline]
    fn step_at(&self, key: Term) -> Option<Place> {
        let step = self.step.load(Ordering::Relaxed);
        let (leaf, at) = ((step >> 8) as usize, (step & 0xff) as usize);
        let known = self.leaves.all.get(leaf)?.as_ref()?.node.key(at)?;
        same(known.term(), key).then_some((leaf as Id, at))
    }

    #[inline]
    fn stepped(&self, place: Place) -> Option<&Row> {
        self.step.store(u64::from(place.0) << 8 | place.1 as u64, Ordering::Relaxed);
        self.row(place)
    }

    /// The row behind this key, which need not exist.
    pub fn next(&self, key: Term) -> Option<&Row> {
        self.stepped(match self.step_at(key) {
            Some((leaf, at)) => self.forward((leaf, at + 1)),
            None => self.place(Probe::key(key), true),
        })
    }

    /// The row before this key, which need not exist.
    pub fn prev(&self, key: Term) -> Option<&Row> {
        let at = self.step_at(key).unwrap_or_else(|| self.place(Probe::key(key), false));
        self.stepped(self.back(at)?)
    }

    /// Row number `n` in key order.
    pub fn nth(&self, mut n: usize) -> Option<&Row> {
        let mut leaf = self.first;
        while leaf != NO_LEAF {
            let l = self.leaves.get(leaf);
            if n < l.node.len() {
                return l.node.value(n).as_ref();
            }
            n -= l.node.len();
            leaf = l.next;
        }
        None
    }

    /// The rows between two bounds (none when they are the wrong way round).
    pub fn range(&self, low: Bound<Probe>, high: Bound<Probe>) -> Range<'_> {
        let inside = match (&low, &high) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
            (Bound::Included(a), Bound::Included(b)) => a <= b,
            (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a < b,
        };
        if !inside {
            return Range { rows: self, front: END, back: END };
        }
        let front = match low {
            Bound::Unbounded => (self.first, 0),
            Bound::Included(p) => self.place(p, false),
            Bound::Excluded(p) => self.place(p, true),
        };
        let back = match high {
            Bound::Unbounded => END,
            Bound::Included(p) => self.place(p, true),
            Bound::Excluded(p) => self.place(p, false),
        };
        Range { rows: self, front, back }
    }

    // ---- changing

    /// Inserts a row; whether it was inserted (`only_new` leaves an existing key alone).
    pub fn put(&mut self, row: Row, only_new: bool) -> bool {
        let key = key::at(self.keypos, &row);
        let words = row.words();
        if self.len == 0 {
            self.root = self.leaves.add(Leaf { node: Node::new(), prev: NO_LEAF, next: NO_LEAF });
            (self.first, self.last) = (self.root, self.root);
        }
        let probe = Probe::key(key);
        let mut path = Path::new();
        let leaf = self.descend(probe, |id, child| path.push((id, child)));
        let (at, found) = self.search(leaf, probe);
        if found {
            if only_new {
                return false;
            }
            let node = &mut self.leaves.get_mut(leaf).node;
            let key = row.kept(key);
            let old = node.value_mut(at).replace(row);
            node.set_key(at, key);
            self.words = self.words + words - old.as_ref().map_or(0, Row::words);
            if at == 0 {
                self.first_is(&path, key);
            }
            // Only now does nobody refer to the old key.
            drop(old);
            return true;
        }
        self.len += 1;
        self.words += words + ROW_WORDS;
        self.insert(&mut path, leaf, at, row.kept(key), row);
        true
    }

    fn insert(&mut self, path: &mut Path, leaf: Id, at: usize, key: Kept, row: Row) {
        let l = self.leaves.get_mut(leaf);
        if l.node.len() < FULL {
            l.node.insert(at, key, Some(row));
            if at == 0 {
                self.first_is(path, key);
            }
            return;
        }
        // Rows that come in order leave full leaves behind.
        let middle = match at {
            FULL if l.next == NO_LEAF => FULL,
            0 if l.prev == NO_LEAF => 0,
            _ => FULL / 2,
        };
        let mut right = Leaf { node: Node::new(), prev: leaf, next: l.next };
        l.node.move_to(middle, &mut right.node);
        if at > middle || middle == FULL {
            right.node.insert(at - middle, key, Some(row));
        } else {
            l.node.insert(at, key, Some(row));
        }
        let (left_key, right_key, next) = (l.node.first(), right.node.first(), l.next);
        let id = self.leaves.add(right);
        self.leaves.get_mut(leaf).next = id;
        match next {
            NO_LEAF => self.last = id,
            next => self.leaves.get_mut(next).prev = id,
        }
        if at == 0 {
            self.first_is(path, left_key);
        }
        self.adopt(path, leaf, id, left_key, right_key);
    }

    /// Enters a node that was split off to the right of the one that the path leads to.
    fn adopt(&mut self, path: &mut Path, mut left: Id, mut right: Id, mut left_key: Kept, mut right_key: Kept) {
        while let Some((parent, child)) = path.pop() {
            let at = child + 1;
            let node = self.inner.get_mut(parent);
            if node.len() < FULL {
                node.insert(at, right_key, right);
                return;
            }
            let middle = if at == FULL { FULL } else { FULL / 2 };
            let mut other = Inner::new();
            node.move_to(middle, &mut other);
            if at > middle || middle == FULL {
                other.insert(at - middle, right_key, right);
            } else {
                node.insert(at, right_key, right);
            }
            (left, left_key, right_key) = (parent, node.first(), other.first());
            right = self.inner.add(other);
        }
        let mut root = Inner::new();
        root.insert(0, left_key, left);
        root.insert(1, right_key, right);
        self.root = self.inner.add(root);
        self.height += 1;
    }

    /// Tells the nodes above that the least key of the one that the path leads to is another term.
    fn first_is(&mut self, path: &[(Id, usize)], key: Kept) {
        for &(id, child) in path.iter().rev() {
            self.inner.get_mut(id).set_key(child, key);
            if child > 0 {
                return;
            }
        }
    }

    /// Removes the row of a key.
    pub fn take(&mut self, key: Term) -> Option<Row> {
        if self.len == 0 {
            return None;
        }
        let probe = Probe::key(key);
        let mut path = Path::new();
        let leaf = self.descend(probe, |id, child| path.push((id, child)));
        let (at, found) = self.search(leaf, probe);
        if !found {
            return None;
        }
        let node = &mut self.leaves.get_mut(leaf).node;
        let old = node.remove(at)?;
        self.len -= 1;
        self.words -= old.words() + ROW_WORDS;
        let (len, first) = (node.len(), node.key(0));
        if let Some(first) = first.filter(|_| at == 0) {
            self.first_is(&path, first);
        }
        if len < SMALL {
            self.join_leaf(&mut path, leaf, len);
        }
        Some(old)
    }

    /// Joins a leaf with few rows to a neighbour with room, or frees it when it is empty.
    fn join_leaf(&mut self, path: &mut Path, leaf: Id, len: usize) {
        let Some(&(parent, child)) = path.last() else {
            if len == 0 {
                self.leaves.free(leaf);
                (self.root, self.first, self.last) = (NO_LEAF, NO_LEAF, NO_LEAF);
            }
            return;
        };
        let (before, behind) = self.neighbours(parent, child);
        let room = |id: &Id| self.leaves.get(*id).node.len() + len <= ROOMY;
        // What is freed is always the right one of two, unless it is empty.
        let (gone, at) = match (before.filter(room), behind.filter(room)) {
            _ if len == 0 => (leaf, child),
            (Some(left), _) => {
                self.merge(left, leaf);
                (leaf, child)
            }
            (None, Some(right)) => {
                self.merge(leaf, right);
                (right, child + 1)
            }
            (None, None) => return,
        };
        let (prev, next) = (self.leaves.get(gone).prev, self.leaves.get(gone).next);
        match prev {
            NO_LEAF => self.first = next,
            id => self.leaves.get_mut(id).next = next,
        }
        match next {
            NO_LEAF => self.last = prev,
            id => self.leaves.get_mut(id).prev = prev,
        }
        self.leaves.free(gone);
        path.pop();
        self.orphaned(path, parent, at);
    }

    /// The children of an inner node beside one of them.
    fn neighbours(&self, parent: Id, child: usize) -> (Option<Id>, Option<Id>) {
        let all = self.inner.get(parent).values();
        (child.checked_sub(1).map(|i| all[i]), all.get(child + 1).copied())
    }

    /// Moves the rows of a leaf to the one before it.
    fn merge(&mut self, left: Id, right: Id) {
        let mut right = std::mem::replace(&mut self.leaves.get_mut(right).node, Node::new());
        right.move_to(0, &mut self.leaves.get_mut(left).node);
    }

    /// Takes a freed child out of an inner node, to which the path leads.
    fn orphaned(&mut self, path: &mut Path, mut id: Id, mut at: usize) {
        loop {
            let node = self.inner.get_mut(id);
            node.remove(at);
            let (len, first) = (node.len(), node.key(0));
            if let Some(first) = first.filter(|_| at == 0) {
                self.first_is(path, first);
            }
            let Some((parent, child)) = path.pop() else {
                // A root with one child is none.
                while self.height > 0 && self.inner.get(self.root).len() == 1 {
                    let only = *self.inner.get(self.root).value(0);
                    self.inner.free(self.root);
                    self.root = only;
                    self.height -= 1;
                }
                return;
            };
            if len >= SMALL {
                return;
            }
            let (before, behind) = self.neighbours(parent, child);
            let room = |id: &Id| self.inner.get(*id).len() + len <= ROOMY;
            let (left, right, gone) = match (before.filter(room), behind.filter(room)) {
                // An empty node takes nothing over: the nodes above know a key of it that is no more.
                _ if len == 0 => (id, id, child),
                (Some(left), _) => (left, id, child),
                (None, Some(right)) => (id, right, child + 1),
                (None, None) => return,
            };
            let mut node = std::mem::replace(self.inner.get_mut(right), Inner::new());
            node.move_to(0, self.inner.get_mut(left));
            self.inner.free(right);
            (id, at) = (parent, gone);
        }
    }
}

/// A node with fewer keys looks for a neighbour to join, if the two have no more than [`ROOMY`] keys.
const SMALL: usize = FULL / 4;
const ROOMY: usize = FULL * 3 / 4;

/// Rows from `front` up to and without `back`.
pub struct Range<'a> {
    rows: &'a TreeRows,
    front: Place,
    back: Place,
}

impl<'a> Iterator for Range<'a> {
    type Item = &'a Row;

    #[inline]
    fn next(&mut self) -> Option<&'a Row> {
        if self.front == self.back {
            return None;
        }
        let row = self.rows.row(self.front);
        self.front = self.rows.forward((self.front.0, self.front.1 + 1));
        row
    }
}

impl DoubleEndedIterator for Range<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front == self.back {
            return None;
        }
        self.back = self.rows.back(self.back)?;
        self.rows.row(self.back)
    }
}

#[cfg(test)]
mod tests;
