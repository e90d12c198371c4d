//! Rows of set, bag and duplicate_bag tables: linear hashing, grown and shrunk one bucket at a time.
//!
//! Bucket numbers, the order within a bucket and the points at which buckets are split or joined are those of OTP, so
//! that a table lists its rows in the order that programs on OTP see.

use super::key::{self, Key};
use purlin_term::{Chain, Release, Row, Term, compare::same, row::rows};

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

/// What a scan does with a row.
pub enum Change {
    Keep,
    Delete,
    /// By one with the same key.
    Replace(Row),
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
    buckets: Vec<Chain>,
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

    /// Words of all rows, and of OTP's buckets beyond the first ones with the table of their segments.
    pub fn words(&self) -> usize {
        let grown = self.reserved > FIRST && self.shape.stride <= FIRST;
        let segments = if grown { 262 + usize::from(Release::of_values() >= Release(29)) } else { 0 };
        self.words + (self.reserved - FIRST) + segments
    }

    pub fn active(&self) -> usize {
        self.active
    }

    pub fn stride(&self) -> usize {
        self.shape.stride
    }

    fn key(&self, row: &Row) -> Term {
        key::at(self.shape.keypos, row)
    }

    #[inline]
    fn index(&self, hash: u32) -> usize {
        let i = hash as usize & self.mask;
        if i >= self.active { i & (self.mask >> 1) } else { i }
    }

    /// The rows of bucket `i`, deleted ones too.
    pub fn bucket(&self, i: usize) -> impl Iterator<Item = &Row> {
        rows(self.buckets.get(i).unwrap_or(&None))
    }

    /// The bucket that the rows of a key are in, for iterations restricted to it.
    pub fn bucket_index(&self, key: Term) -> usize {
        self.index(key::hash(key))
    }

    // ---- reading

    /// The rows of a key; `ets:lookup/2` lists the last one first.
    pub fn lookup(&self, key: Key) -> impl Iterator<Item = &Row> {
        let keypos = self.shape.keypos;
        self.bucket(self.index(key.hash)).filter(move |r| key.is_of(r, keypos) && !r.is_deleted())
    }

    /// The first row of a key.
    #[inline]
    pub fn get(&self, key: Key) -> Option<&Row> {
        self.lookup(key).next()
    }

    pub fn contains(&self, key: Key) -> bool {
        self.get(key).is_some()
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

    fn first_live_from(&self, bucket: usize) -> Option<&Row> {
        let mut i = bucket;
        loop {
            if let Some(row) = self.bucket(i).find(|r| !r.is_deleted()) {
                return Some(row);
            }
            i = self.next_bucket(i)?;
        }
    }

    /// The key that an iteration starts with.
    pub fn first(&self) -> Option<Term> {
        self.first_live_from(0).map(|r| self.key(r))
    }

    /// The key behind this one, or `Err` when the key is not there to continue from.
    pub fn next(&self, key: Key) -> Result<Option<Term>, ()> {
        let (bucket, keypos) = (self.index(key.hash), self.shape.keypos);
        let mut behind = self.bucket(bucket).skip_while(|r| !key.is_of(r, keypos));
        behind.next().ok_or(())?;
        let single = self.shape.same == Same::Replace;
        if let Some(row) = behind.find(|r| !r.is_deleted() && (single || !key.is_of(r, keypos))) {
            return Ok(Some(self.key(row)));
        }
        Ok(self.next_bucket(bucket).and_then(|i| self.first_live_from(i)).map(|r| self.key(r)))
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

    /// Inserts a row whose key element exists and whose hash value is that of the key.
    pub fn put(&mut self, mut row: Row, only_new: bool, fixed: bool) -> Put {
        if self.buckets.is_empty() {
            self.buckets.resize_with(self.active, || None);
        }
        let keypos = self.shape.keypos;
        let hash = row.hash();
        let key = Key { term: key::at(keypos, &row), hash };
        let (i, words) = (self.index(hash), row.words());
        let is_key = |r: &Row| key.is_of(r, keypos);
        // Where the first row with the key is, deleted or not, or the bucket's end.
        let at = Row::seek(&mut self.buckets[i], is_key);
        let Some(old) = at else {
            *at = Some(row);
            self.inserted(words, hash, fixed);
            return Put::Done;
        };
        match self.shape.same {
            Same::Replace => {
                let back = old.is_deleted();
                if !back && only_new {
                    return Put::Exists;
                }
                self.words = self.words + words - old.words();
                *row.rest() = old.rest().take();
                *at = Some(row);
                if back {
                    self.count(hash, 1);
                }
                return Put::Done;
            }
            _ if only_new => {
                if rows(at).take_while(|r| is_key(r)).any(|r| !r.is_deleted()) {
                    return Put::Exists;
                }
            }
            Same::Bag => {
                let equal = |r: &Row| same_rows(r, &row);
                if rows(at).take_while(|r| is_key(r)).any(equal) {
                    let place = Row::seek(at, equal);
                    if place.as_ref().is_some_and(|r| r.is_deleted())
                        && let Some(mut old) = Row::unlink(place)
                    {
                        old.set_deleted(false);
                        // The row counts as inserted now, so it stands before the others of its key.
                        old.link(at);
                        self.count(hash, 1);
                    }
                    return Put::Done;
                }
            }
            Same::DuplicateBag => {}
        }
        row.link(at);
        self.inserted(words, hash, fixed);
        Put::Done
    }

    /// Counts a row that was put into a bucket.
    fn inserted(&mut self, words: usize, hash: u32, fixed: bool) {
        self.words += words + ROW_WORDS;
        self.count(hash, 1);
        if !fixed {
            self.grow(self.estimate(hash));
        }
    }

    /// Removes the rows of a key that `which` names. In a fixed table the key's first row is only marked, so that
    /// iterations find their way.
    fn remove_where(&mut self, key: Key, fixed: bool, which: impl Fn(&Row) -> bool) {
        let (bucket, keypos) = (self.index(key.hash), self.shape.keypos);
        let Some(chain) = self.buckets.get_mut(bucket) else { return };
        let is_key = |r: &Row| !r.is_deleted() && key.is_of(r, keypos);
        let (mut removed, mut first) = (0, true);
        Row::retain(chain, |row| {
            if !is_key(row) {
                return true;
            }
            let mark = fixed && std::mem::take(&mut first);
            if !which(row) {
                return true;
            }
            removed += 1;
            if mark {
                row.set_deleted(true);
                self.marked.push(bucket);
            } else {
                self.words -= row.words() + ROW_WORDS;
            }
            mark
        });
        if removed > 0 {
            self.count(key.hash, -(removed as i64));
            if !fixed {
                self.shrink(self.estimate(key.hash));
            }
        }
    }

    /// Deletes all rows of a key.
    pub fn delete(&mut self, key: Key, fixed: bool) {
        self.remove_where(key, fixed, |_| true);
    }

    /// Deletes the rows equal to this one.
    pub fn delete_object(&mut self, key: Key, row: Term, fixed: bool) {
        self.remove_where(key, fixed, |r| same(r.term(), row));
    }

    /// Changes the live rows of bucket `i` as `how` says; how many were changed.
    pub fn change_in(&mut self, i: usize, fixed: bool, mut how: impl FnMut(&Row) -> Change) -> usize {
        let Some(chain) = self.buckets.get_mut(i) else { return 0 };
        let (mut changed, mut deleted) = (0, 0);
        Row::retain(chain, |row| {
            let change = if row.is_deleted() { Change::Keep } else { how(row) };
            match change {
                Change::Keep => return true,
                Change::Replace(mut new) => {
                    self.words = self.words + new.words() - row.words();
                    new.set_hash(row.hash());
                    *new.rest() = row.rest().take();
                    *row = new;
                }
                Change::Delete => {
                    deleted += 1;
                    if let Some(lanes) = &mut self.lanes {
                        lanes[row.hash() as usize % LANES] -= 1;
                    }
                    row.set_deleted(true);
                    if !fixed {
                        self.words -= row.words() + ROW_WORDS;
                    }
                }
            }
            changed += 1;
            fixed || !row.is_deleted()
        });
        self.live -= deleted;
        if fixed && deleted > 0 {
            self.marked.push(i);
        }
        changed
    }

    /// Joins buckets after deletions by [`HashRows::change_in`].
    pub fn deleted_many(&mut self) {
        self.shrink(self.estimate(0));
    }

    /// The row of a key in a set, for changing elements other than the key.
    #[inline]
    pub fn row_mut(&mut self, key: Key) -> Option<&mut Row> {
        let (i, keypos) = (self.index(key.hash), self.shape.keypos);
        let at = Row::seek(self.buckets.get_mut(i)?, |r| key.is_of(r, keypos));
        at.as_mut().filter(|r| !r.is_deleted())
    }

    /// Deletes everything in a fixed table.
    pub fn mark_all(&mut self) {
        for mut at in &mut self.buckets {
            while let Some(row) = at {
                row.set_deleted(true);
                at = row.rest();
            }
        }
        self.marked.extend(0..self.active);
        self.live = 0;
        if let Some(lanes) = &mut self.lanes {
            lanes.fill(0);
        }
    }

    fn purge(&mut self, i: usize) {
        let Some(chain) = self.buckets.get_mut(i) else { return };
        Row::retain(chain, |row| {
            if row.is_deleted() {
                self.words -= row.words() + ROW_WORDS;
            }
            !row.is_deleted()
        });
    }

    /// How many buckets hold rows that were deleted while the table was fixed, at most.
    pub fn marked(&self) -> usize {
        self.marked.len()
    }

    /// Drops what was deleted while the table was fixed from some buckets; whether nothing of it is left.
    pub fn tidy(&mut self, buckets: usize) -> bool {
        let from = self.marked.len().saturating_sub(buckets);
        for i in self.marked.split_off(from) {
            self.purge(i);
        }
        self.marked.is_empty()
    }

    /// An empty table whose iterations stand where they do in this one.
    pub fn emptied(&self) -> HashRows {
        let mut rows = HashRows::new(self.shape);
        (rows.active, rows.reserved, rows.mask) = (self.active, self.reserved, self.mask);
        rows.shrink_below = self.shrink_below;
        rows
    }

    /// Whether there is a row with this key, deleted or not.
    pub fn knows(&self, key: Key) -> bool {
        self.bucket(self.index(key.hash)).any(|r| key.is_of(r, self.shape.keypos))
    }

    /// The first key of those that an iteration meets from the bucket of this key on.
    pub fn first_near(&self, key: Key) -> Option<Term> {
        self.first_live_from(self.index(key.hash)).map(|r| self.key(r))
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
            debug_assert_eq!(self.buckets.len(), to);
            let mut rest = self.buckets[from].take();
            let (mut stay, mut go) = (None, None);
            let (mut stay_end, mut go_end) = (&mut stay, &mut go);
            while let Some(row) = Row::unlink(&mut rest) {
                if row.hash() as usize & self.mask == from {
                    stay_end = stay_end.insert(row).rest();
                } else {
                    go_end = go_end.insert(row).rest();
                }
            }
            self.buckets[from] = stay;
            self.buckets.push(go);
            self.active += 1;
        }
    }

    fn shrink(&mut self, rows: usize) {
        for _ in 0..RESIZE_STEPS {
            if rows >= self.shrink_below || self.buckets.len() <= FIRST {
                return;
            }
            let Some(mut rows) = self.buckets.pop() else { return };
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
            // The joined bucket's rows come first.
            *Row::seek(&mut rows, |_| false) = self.buckets[to].take();
            self.buckets[to] = rows;
        }
    }
}

fn same_rows(a: &Row, b: &Row) -> bool {
    let (a, b) = (a.elements(), b.elements());
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(*a, *b))
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

    fn row(key: i64, value: i64) -> Row {
        let mut h = Heap::new(16);
        let t = h.tuple(&[Term::small(key), Term::small(value)]);
        let mut row = Row::new(t).unwrap();
        row.set_hash(key::hash(Term::small(key)));
        row
    }

    fn hashed(key: i64) -> Key {
        Key::hashed(Term::small(key))
    }

    fn keys(t: &HashRows) -> Vec<i64> {
        let mut out = Vec::new();
        let mut k = t.first();
        while let Some(key) = k {
            out.push(key.small_value());
            k = t.next(Key::hashed(key)).unwrap();
        }
        out
    }

    fn values(t: &HashRows, key: i64) -> Vec<i64> {
        let mut values: Vec<i64> = t.lookup(hashed(key)).map(|r| r.elements()[1].small_value()).collect();
        values.reverse();
        values
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
                t.delete(hashed(i), false);
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
        t.delete(hashed(all[1]), true);
        assert_eq!((t.len(), t.contains(hashed(all[1]))), (4, false));
        assert_eq!(t.next(hashed(all[1])), Ok(Some(Term::small(all[2]))));
        assert!(t.tidy(1));
        assert_eq!(t.next(hashed(all[1])), Err(()));
        assert_eq!(keys(&t).len(), 4);
    }
}
