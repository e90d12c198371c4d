//! Walking over a table's rows with a match specification.

use super::keys::Keys;
use super::{Job, Position, Work};
use crate::ets::hash::{Change, HashRows};
use crate::ets::key::{self, Probe};
use crate::ets::table::{Rows, State};
use crate::ets::tree::TreeRows;
use crate::match_spec::Run;
use purlin_term::compare::same;
use purlin_term::{Row, Term, am};
use purlin_vm::{Ctx, Escape};
use std::ops::Bound;

/// A scan with what it needs in one time slice.
pub struct Scan<'a, 'p> {
    pub run: Run<'p>,
    pub work: &'a mut Work,
    pub keypos: usize,
    /// Rows looked at in this time slice.
    pub visited: usize,
    /// Buckets done in this time slice.
    pub buckets: usize,
}

/// The bounds of a walk over an ordered_set.
type Bounds = (Bound<Probe>, Bound<Probe>);

impl Scan<'_, '_> {
    /// Looks at a row: its result, if it matches.
    fn look(&mut self, ctx: &mut Ctx<'_>, row: Term) -> Option<Term> {
        self.visited += 1;
        ctx.charge(1);
        self.run.on(ctx, row)
    }

    fn keep(&mut self, ctx: &mut Ctx<'_>, row: &Row, result: Term) {
        match self.work.job {
            Job::Collect { .. } | Job::Chunk { .. } => {
                let h = ctx.heap();
                let copy = if result == row.term() { row.copy_to(h) } else { h.copy(result) };
                self.work.found = ctx.heap().cons(copy, self.work.found);
                self.work.count += 1;
            }
            _ => self.work.count += (result == am!("true")) as usize,
        }
    }

    fn chunk_full(&self) -> bool {
        matches!(self.work.job, Job::Chunk { size, .. } if self.work.count >= size)
    }

    /// Reads rows; whether the scan is finished rather than interrupted.
    pub fn read(&mut self, ctx: &mut Ctx<'_>, state: &State, keys: &Keys) -> Result<bool, Escape> {
        match &state.rows {
            Rows::Hash(rows) => self.read_hash(ctx, rows, keys),
            Rows::Tree(rows) => Ok(self.read_tree(ctx, rows, keys)),
        }
    }

    fn read_hash(&mut self, ctx: &mut Ctx<'_>, rows: &HashRows, keys: &Keys) -> Result<bool, Escape> {
        let mut bucket = match self.work.position {
            Position::End => return Ok(true),
            Position::Start => match keys.buckets(rows) {
                Some(buckets) => {
                    for i in buckets {
                        self.read_bucket(ctx, rows, i);
                    }
                    self.work.position = Position::End;
                    return Ok(true);
                }
                None => 0,
            },
            _ if self.chunk_full() => return Ok(true),
            Position::Bucket(i) if i < rows.active() => i,
            _ => return Err(Escape::BADARG),
        };
        loop {
            self.read_bucket(ctx, rows, bucket);
            let Some(next) = rows.next_bucket(bucket) else {
                self.work.position = Position::End;
                return Ok(true);
            };
            self.work.position = Position::Bucket(next);
            if self.chunk_full() {
                return Ok(true);
            }
            if self.bucket_done(ctx) {
                return Ok(false);
            }
            bucket = next;
        }
    }

    /// Buckets cost time even if nothing (that lives) is in them; whether the time slice is over.
    fn bucket_done(&mut self, ctx: &mut Ctx<'_>) -> bool {
        self.buckets += 1;
        ctx.charge(self.buckets.is_multiple_of(4) as usize);
        ctx.out_of_reductions()
    }

    fn read_bucket(&mut self, ctx: &mut Ctx<'_>, rows: &HashRows, i: usize) {
        for row in rows.bucket(i).filter(|r| !r.is_deleted()) {
            if let Some(result) = self.look(ctx, row.term()) {
                self.keep(ctx, row, result);
            }
        }
    }

    // ---- ordered sets

    /// Whether rows are visited from the least key on: lists grow at their front, so what shall be in key order is
    /// collected from the greatest key on, but portions of it must be found in order.
    fn forward(&self) -> bool {
        match self.work.job {
            Job::Collect { reverse } => reverse,
            Job::Chunk { reverse, .. } => !reverse,
            _ => true,
        }
    }

    fn bounds(&self, keys: &Keys) -> Bounds {
        let (mut low, mut high) = keys.range();
        if let Position::Behind(key) = self.work.position {
            let at = Bound::Excluded(Probe::key(key));
            if self.forward() { low = at } else { high = at }
        }
        (low, high)
    }

    fn read_tree(&mut self, ctx: &mut Ctx<'_>, rows: &TreeRows, keys: &Keys) -> bool {
        if self.work.position == Position::End || keys.impossible() {
            self.work.position = Position::End;
            return true;
        }
        if let Some(key) = keys.single().filter(|_| self.work.position == Position::Start) {
            if let Some(row) = rows.get(key)
                && let Some(result) = self.look(ctx, row.term())
            {
                self.keep(ctx, row, result);
            }
            self.work.position = Position::End;
            return true;
        }
        let (low, high) = self.bounds(keys);
        let range = rows.range(low, high);
        if self.forward() { self.read_range(ctx, range) } else { self.read_range(ctx, range.rev()) }
    }

    fn read_range<'r>(&mut self, ctx: &mut Ctx<'_>, range: impl Iterator<Item = &'r Row>) -> bool {
        for row in range {
            if let Some(result) = self.look(ctx, row.term()) {
                self.keep(ctx, row, result);
            }
            let stop = self.chunk_full();
            if stop || ctx.out_of_reductions() {
                let key = ctx.heap().copy(key::at(self.keypos, row));
                self.work.position = Position::Behind(key);
                return stop;
            }
        }
        self.work.position = Position::End;
        true
    }

    // ---- changing rows

    /// Deletes or replaces rows; whether the scan is finished rather than interrupted.
    pub fn change(&mut self, ctx: &mut Ctx<'_>, state: &mut State, keys: &Keys) -> bool {
        let fixed = state.keeps_deleted();
        match &mut state.rows {
            Rows::Hash(rows) => {
                let finished = self.change_hash(ctx, rows, keys, fixed);
                if finished && self.work.job == Job::Delete && self.work.count > 0 && !fixed {
                    rows.deleted_many();
                }
                finished
            }
            Rows::Tree(rows) => self.change_tree(ctx, rows, keys),
        }
    }

    fn change_hash(&mut self, ctx: &mut Ctx<'_>, rows: &mut HashRows, keys: &Keys, fixed: bool) -> bool {
        let mut bucket = match self.work.position {
            Position::End => return true,
            Position::Start => match keys.buckets(rows) {
                Some(buckets) => {
                    for i in buckets {
                        self.change_bucket(ctx, rows, i, fixed);
                    }
                    return true;
                }
                None => 0,
            },
            Position::Bucket(i) => i,
            Position::Behind(_) => return true,
        };
        loop {
            self.change_bucket(ctx, rows, bucket, fixed);
            let Some(next) = rows.next_bucket(bucket) else { return true };
            if self.bucket_done(ctx) {
                self.work.position = Position::Bucket(next);
                return false;
            }
            bucket = next;
        }
    }

    fn change_bucket(&mut self, ctx: &mut Ctx<'_>, rows: &mut HashRows, i: usize, fixed: bool) {
        self.work.count += rows.change_in(i, fixed, |row| {
            let Some(result) = self.look(ctx, row.term()) else { return Change::Keep };
            if self.work.job == Job::Replace {
                return self.replacement(row.term(), result).map_or(Change::Keep, Change::Replace);
            }
            if result == am!("true") { Change::Delete } else { Change::Keep }
        });
    }

    /// The row to put in a row's place, if it is one with the same key.
    fn replacement(&self, row: Term, result: Term) -> Option<Row> {
        let fits = result.as_tuple().is_some_and(|e| e.len() >= self.keypos)
            && same(key::of(self.keypos, result), key::of(self.keypos, row));
        if fits { Row::new(result) } else { None }
    }

    fn change_tree(&mut self, ctx: &mut Ctx<'_>, rows: &mut TreeRows, keys: &Keys) -> bool {
        if self.work.position == Position::End || keys.impossible() {
            return true;
        }
        let (mut doomed, mut new) = (Vec::new(), Vec::new());
        let mut finished = true;
        let (low, high) = match keys.single() {
            Some(key) => (Bound::Included(Probe::key(key)), Bound::Included(Probe::key(key))),
            None => self.bounds(keys),
        };
        for row in rows.range(low, high) {
            let row = row.term();
            if let Some(result) = self.look(ctx, row) {
                if self.work.job == Job::Replace {
                    new.extend(self.replacement(row, result));
                } else if result == am!("true") {
                    doomed.push(key::of(self.keypos, row));
                }
            }
            if ctx.out_of_reductions() {
                let key = ctx.heap().copy(key::of(self.keypos, row));
                self.work.position = Position::Behind(key);
                finished = false;
                break;
            }
        }
        self.work.count += doomed.len() + new.len();
        // Each key lies in its own row, which stays until it is taken out.
        for key in doomed {
            rows.take(key);
        }
        for row in new {
            rows.put(row, false);
        }
        finished
    }
}
