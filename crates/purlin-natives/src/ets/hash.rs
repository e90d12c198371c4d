//! Rows of set, bag and duplicate_bag tables: linear hashing, grown and shrunk one bucket at a time.
//!
//! Bucket numbers, the order within a bucket and the points at which buckets are split or joined are those of OTP, so
//! that a table lists its rows in the order that programs on OTP see. A bucket keeps its rows in the reverse of that
//! order (the last element comes first), which makes inserting another row of a key cheap; "first" below means first
//! in the table's order.

use super::key;
use purlin_term::{Owned, Term, compare::same};
use smallvec::SmallVec;

/// A row with its key's hash value.
pub struct Entry {
    pub row: Owned,
    pub hash: u32,
    /// Deleted while the table was fixed: kept so that iterations find their way, gone for everything else.
    pub deleted: bool,
}

pub type Bucket = SmallVec<[Entry; 1]>;

/// Buckets of a fresh table.
const FIRST: usize = 256;
/// Buckets by which the reserved range grows.
const STEP: usize = 2048;
/// Counters that split the row count of tables made for many writers.
const LANES: usize = 64;
/// Buckets split or joined after one insertion or deletion at most.
const RESIZE_STEPS: usize = 5;

/// What several rows with one key mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Same {
    /// The later row replaces the earlier.
    Replace,
    /// Rows may share a key, but no two are equal.
    Bag,
    /// Anything goes.
    DuplicateBag,
}

/// What became of an insertion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Put {
    Done,
    /// The key exists and `insert_new` was asked for.
    Exists,
}

/// The shape a table was made with.
#[derive(Clone, Copy)]
pub struct Shape {
    pub same: Same,
    pub keypos: usize,
    /// Stride of an iteration: 1, or the number of locks OTP gives a table with `write_concurrency`.
    pub stride: usize,
    /// Whether the row count is split over lanes, so that growing goes by an estimate.
    pub lanes: bool,
}

pub struct HashRows {
    shape: Shape,
    /// Active buckets; empty until the first insertion.
    buckets: Vec<Bucket>,
    active: usize,
    reserved: usize,
    mask: usize,
    live: usize,
    lanes: Option<Box<[i64; LANES]>>,
    shrink_below: usize,
    /// Buckets that hold rows deleted while fixed.
    marked: Vec<usize>,
    words: usize,
}

impl HashRows {
    pub fn new(shape: Shape) -> HashRows {
        let mut rows = HashRows {
            shape,
            buckets: Vec::new(),
            active: FIRST,
            reserved: FIRST,
            mask: FIRST - 1,
            live: 0,
            lanes: shape.lanes.then(|| Box::new([0; LANES])),
            shrink_below: 0,
            marked: Vec::new(),
            words: 0,
        };
        while shape.stride > rows.reserved {
            rows.reserved += STEP;
            rows.active += STEP;
            rows.mask = rows.active.next_power_of_two() - 1;
        }
        rows.set_shrink_limit();
        rows
    }

    pub fn len(&self) -> usize {
        self.live
    }

    /// Words of all rows.
    pub fn words(&self) -> usize {
        self.words + (self.reserved - FIRST)
    }

    pub fn active(&self) -> usize {
        self.active
    }

    pub fn stride(&self) -> usize {
        self.shape.stride
    }

    fn key(&self, e: &Entry) -> Term {
        key::of(self.shape.keypos, e.row.term())
    }

    fn index(&self, hash: u32) -> usize {
        let i = hash as usize & self.mask;
        if i >= self.active { i & (self.mask >> 1) } else { i }
    }

    fn has_key(&self, e: &Entry, key: Term, hash: u32) -> bool {
        e.hash == hash && same(self.key(e), key)
    }

    fn bucket_of(&self, hash: u32) -> &[Entry] {
        self.buckets.get(self.index(hash)).map_or(&[], |b| b)
    }

    /// The rows of bucket `i`; the first in the table's order is the last element.
    pub fn bucket(&self, i: usize) -> &[Entry] {
        self.buckets.get(i).map_or(&[], |b| b)
    }

    /// Position of the first entry with this key, deleted or not.
    fn position(&self, bucket: &[Entry], key: Term, hash: u32) -> Option<usize> {
        bucket.iter().rposition(|e| self.has_key(e, key, hash))
    }

    /// The bucket that the rows of a key are in, for iterations restricted to it.
    pub fn bucket_index(&self, key: Term) -> usize {
        self.index(key::hash(key))
    }

    // ---- reading

    /// The rows of a key, in the order in which `ets:lookup/2` lists them.
    pub fn lookup<'a>(&'a self, key: Term) -> impl Iterator<Item = &'a Owned> + 'a {
        let hash = key::hash(key);
        let live = self.bucket_of(hash).iter().filter(move |e| !e.deleted && self.has_key(e, key, hash));
        live.map(|e| &e.row)
    }

    pub fn contains(&self, key: Term) -> bool {
        self.lookup(key).next().is_some()
    }

    /// The bucket that an iteration visits after `i`.
    pub fn next_bucket(&self, i: usize) -> Option<usize> {
        let next = i + self.shape.stride;
        if next < self.active {
            return Some(next);
        }
        let next = (next + 1) & (self.shape.stride - 1);
        (next != 0).then_some(next)
    }

    fn first_live_from(&self, bucket: usize, mut below: usize) -> Option<&Entry> {
        let mut i = bucket;
        loop {
            let b = self.bucket(i);
            if let Some(e) = b[..below.min(b.len())].iter().rev().find(|e| !e.deleted) {
                return Some(e);
            }
            i = self.next_bucket(i)?;
            below = usize::MAX;
        }
    }

    /// The key that an iteration starts with.
    pub fn first(&self) -> Option<Term> {
        self.first_live_from(0, usize::MAX).map(|e| self.key(e))
    }

    /// The key behind this one, or `Err` when the key is not there to continue from.
    pub fn next(&self, key: Term) -> Result<Option<Term>, ()> {
        let hash = key::hash(key);
        let bucket = self.index(hash);
        let entries = self.bucket(bucket);
        let mut at = self.position(entries, key, hash).ok_or(())?;
        while at > 0 && self.shape.same != Same::Replace && self.has_key(&entries[at - 1], key, hash) {
            at -= 1;
        }
        Ok(self.first_live_from(bucket, at).map(|e| self.key(e)))
    }

    // ---- writing

    fn count(&mut self, hash: u32, by: i64) {
        self.live = self.live.wrapping_add_signed(by as isize);
        if let Some(lanes) = &mut self.lanes {
            lanes[hash as usize % LANES] += by;
        }
    }

    /// The row count that growing and shrinking go by.
    fn estimate(&self, hash: u32) -> usize {
        match &self.lanes {
            Some(lanes) => lanes[hash as usize % LANES].max(0) as usize * LANES,
            None => self.live,
        }
    }

    /// Inserts a row whose key element exists.
    pub fn put(&mut self, row: Owned, only_new: bool, fixed: bool) -> Put {
        if self.buckets.is_empty() {
            self.buckets.resize_with(self.active, Bucket::new);
        }
        let key = key::of(self.shape.keypos, row.term());
        let hash = key::hash(key);
        let i = self.index(hash);
        let found = self.position(&self.buckets[i], key, hash);
        let Some(at) = found else {
            self.insert(i, 0, row, hash, fixed);
            return Put::Done;
        };
        let keypos = self.shape.keypos;
        let is_key = |e: &Entry| e.hash == hash && same(key::of(keypos, e.row.term()), key);
        let bucket = &mut self.buckets[i];
        match self.shape.same {
            Same::Replace => {
                if bucket[at].deleted {
                    bucket[at].deleted = false;
                    self.count(hash, 1);
                } else if only_new {
                    return Put::Exists;
                }
                let entry = &mut self.buckets[i][at];
                self.words = self.words + row.words() - entry.row.words();
                entry.row = row;
                return Put::Done;
            }
            _ if only_new => {
                if bucket[..=at].iter().rev().take_while(|e| is_key(e)).any(|e| !e.deleted) {
                    return Put::Exists;
                }
            }
            Same::Bag => {
                let equal =
                    bucket[..=at].iter().rev().take_while(|e| is_key(e)).position(|e| same(e.row.term(), row.term()));
                if let Some(n) = equal {
                    let n = at - n;
                    if bucket[n].deleted {
                        let mut e = bucket.remove(n);
                        e.deleted = false;
                        // The row counts as inserted now, so it stands before the others of its key.
                        bucket.insert(at, e);
                        self.count(hash, 1);
                    }
                    return Put::Done;
                }
            }
            Same::DuplicateBag => {}
        }
        self.insert(i, at + 1, row, hash, fixed);
        Put::Done
    }

    fn insert(&mut self, bucket: usize, at: usize, row: Owned, hash: u32, fixed: bool) {
        self.words += row.words() + ROW_WORDS;
        self.buckets[bucket].insert(at, Entry { row, hash, deleted: false });
        self.count(hash, 1);
        if !fixed {
            self.grow(self.estimate(hash));
        }
    }

    /// Removes the entries of a key that `which` names. In a fixed table the key's first entry is only marked, so that
    /// iterations find their way.
    fn remove_where(&mut self, key: Term, hash: u32, fixed: bool, which: impl Fn(&Entry) -> bool) {
        let (bucket, keypos) = (self.index(hash), self.shape.keypos);
        let Some(entries) = self.buckets.get_mut(bucket) else { return };
        let is_key = |e: &Entry| e.hash == hash && same(key::of(keypos, e.row.term()), key);
        let first = entries.iter().rposition(|e| !e.deleted && is_key(e));
        let mut removed = 0;
        let mut i = entries.len();
        while i > 0 {
            i -= 1;
            if entries[i].deleted || !is_key(&entries[i]) || !which(&entries[i]) {
                continue;
            }
            removed += 1;
            if fixed && Some(i) == first {
                entries[i].deleted = true;
                self.marked.push(bucket);
            } else {
                let e = entries.remove(i);
                self.words -= e.row.words() + ROW_WORDS;
            }
        }
        if removed > 0 {
            self.count(hash, -(removed as i64));
            if !fixed {
                self.shrink(self.estimate(hash));
            }
        }
    }

    /// Deletes all rows of a key.
    pub fn delete(&mut self, key: Term, fixed: bool) {
        self.remove_where(key, key::hash(key), fixed, |_| true);
    }

    /// Deletes the rows equal to this one.
    pub fn delete_object(&mut self, row: Term, fixed: bool) {
        let key = key::of(self.shape.keypos, row);
        self.remove_where(key, key::hash(key), fixed, |e| same(e.row.term(), row));
    }

    /// Deletes the live rows of bucket `i` at these positions (counted as in [`HashRows::bucket`]).
    pub fn delete_at(&mut self, i: usize, positions: &[usize], fixed: bool) {
        for &at in positions.iter() {
            let Some(e) = self.buckets.get_mut(i).and_then(|b| b.get_mut(at)) else { continue };
            e.deleted = true;
            let hash = e.hash;
            self.count(hash, -1);
        }
        if fixed {
            self.marked.push(i);
        } else {
            self.purge(i);
        }
    }

    /// Joins buckets after deletions by [`HashRows::delete_at`].
    pub fn deleted_many(&mut self) {
        self.shrink(self.estimate(0));
    }

    /// The row of a key in a set, for changing elements other than the key.
    pub fn row_mut(&mut self, key: Term) -> Option<&mut Owned> {
        let hash = key::hash(key);
        let i = self.index(hash);
        let at = self.position(self.bucket(i), key, hash)?;
        let e = &mut self.buckets[i][at];
        (!e.deleted).then_some(&mut e.row)
    }

    /// Replaces the live row of bucket `i` at a position by one with the same key.
    pub fn replace_at(&mut self, i: usize, at: usize, row: Owned) {
        if let Some(e) = self.buckets.get_mut(i).and_then(|b| b.get_mut(at)) {
            self.words = self.words + row.words() - e.row.words();
            e.row = row;
        }
    }

    /// Deletes everything in a fixed table.
    pub fn mark_all(&mut self) {
        for e in self.buckets.iter_mut().flatten() {
            e.deleted = true;
        }
        self.marked.extend(0..self.active);
        self.live = 0;
        if let Some(lanes) = &mut self.lanes {
            lanes.fill(0);
        }
    }

    fn purge(&mut self, i: usize) {
        if let Some(b) = self.buckets.get_mut(i) {
            let words = &mut self.words;
            b.retain(|e| {
                if e.deleted {
                    *words -= e.row.words() + ROW_WORDS;
                }
                !e.deleted
            });
        }
    }

    /// Drops what was deleted while the table was fixed.
    pub fn unfix(&mut self) {
        for i in std::mem::take(&mut self.marked) {
            self.purge(i);
        }
    }

    // ---- growing and shrinking

    fn set_shrink_limit(&mut self) {
        let sampled = !self.shape.lanes || self.reserved >= 100 * LANES;
        let large = self.reserved >= (self.shape.stride + STEP).max(FIRST + 2 * STEP);
        self.shrink_below = if sampled && large { (self.reserved - STEP) / 2 } else { 0 };
    }

    fn grow(&mut self, rows: usize) {
        for _ in 0..RESIZE_STEPS {
            if rows <= self.active {
                return;
            }
            if self.active == self.reserved {
                self.reserved += STEP;
                self.set_shrink_limit();
            }
            let (from, to) = if self.active <= self.mask {
                (self.active & (self.mask >> 1), self.active)
            } else {
                self.mask = self.mask << 1 | 1;
                (0, self.active)
            };
            let mask = self.mask;
            let (stay, go): (Bucket, Bucket) = std::mem::take(&mut self.buckets[from])
                .into_iter()
                .filter(|e| !e.deleted)
                .partition(|e| e.hash as usize & mask == from);
            self.buckets[from] = stay;
            debug_assert_eq!(self.buckets.len(), to);
            self.buckets.push(go);
            self.active += 1;
        }
    }

    fn shrink(&mut self, rows: usize) {
        for _ in 0..RESIZE_STEPS {
            if rows >= self.shrink_below || self.buckets.len() <= FIRST {
                return;
            }
            let Some(from) = self.buckets.pop() else { return };
            let source = self.active - 1;
            let low = self.mask >> 1;
            let to = source & low;
            self.active = source;
            if to == 0 {
                self.mask = low;
            }
            if self.reserved - source >= STEP {
                self.reserved -= STEP;
                self.set_shrink_limit();
            }
            // In the table's order the joined bucket's rows come first.
            self.buckets[to].extend(from.into_iter().filter(|e| !e.deleted));
        }
    }
}

/// Words that OTP spends on a row besides its term.
const ROW_WORDS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_term::Heap;

    fn table(same: Same) -> HashRows {
        HashRows::new(Shape { same, keypos: 1, stride: 1, lanes: false })
    }

    fn row(key: i64, value: i64) -> Owned {
        let mut h = Heap::new(16);
        let t = h.tuple(&[Term::small(key), Term::small(value)]);
        Owned::new(t)
    }

    fn keys(t: &HashRows) -> Vec<i64> {
        let mut out = Vec::new();
        let mut k = t.first();
        while let Some(key) = k {
            out.push(key.small_value());
            k = t.next(key).unwrap();
        }
        out
    }

    fn values(t: &HashRows, key: i64) -> Vec<i64> {
        t.lookup(Term::small(key)).map(|r| r.term().as_tuple().unwrap()[1].small_value()).collect()
    }

    #[test]
    fn small_integers_list_in_otp_order() {
        let mut t = table(Same::Replace);
        for i in 1..=20 {
            t.put(row(i, i), false, false);
        }
        let want = [16, 3, 7, 4, 8, 2, 9, 1, 10, 13, 6, 14, 18, 17, 11, 12, 19, 15, 5, 20];
        assert_eq!(keys(&t), want);
    }

    #[test]
    fn rows_survive_growing_and_shrinking() {
        for same in [Same::Replace, Same::Bag] {
            let mut t = table(same);
            for i in 0..10_000 {
                t.put(row(i, -i), false, false);
            }
            assert!(t.active() > 9_000);
            let mut all = keys(&t);
            all.sort();
            assert_eq!(all, (0..10_000).collect::<Vec<_>>());
            for i in 100..10_000 {
                t.delete(Term::small(i), false);
            }
            assert!(t.active() < 5_000);
            let mut all = keys(&t);
            all.sort();
            assert_eq!(all, (0..100).collect::<Vec<_>>());
            assert_eq!((t.len(), values(&t, 7)), (100, vec![-7]));
        }
    }

    #[test]
    fn bags_keep_insertion_order_and_reject_equal_rows() {
        let mut t = table(Same::Bag);
        for v in [3, 1, 2, 1] {
            t.put(row(1, v), false, false);
        }
        assert_eq!(values(&t, 1), [3, 1, 2]);
        let mut t = table(Same::DuplicateBag);
        for v in [3, 1, 2, 1] {
            t.put(row(1, v), false, false);
        }
        assert_eq!(values(&t, 1), [3, 1, 2, 1]);
        assert_eq!(t.put(row(1, 9), true, false), Put::Exists);
    }

    #[test]
    fn deleting_in_a_fixed_table_keeps_the_way_to_the_next_key() {
        let mut t = table(Same::Replace);
        for i in 1..=5 {
            t.put(row(i, i), false, true);
        }
        let all = keys(&t);
        t.delete(Term::small(all[1]), true);
        assert_eq!((t.len(), t.contains(Term::small(all[1]))), (4, false));
        assert_eq!(t.next(Term::small(all[1])), Ok(Some(Term::small(all[2]))));
        t.unfix();
        assert_eq!(t.next(Term::small(all[1])), Err(()));
        assert_eq!(keys(&t).len(), 4);
    }
}
