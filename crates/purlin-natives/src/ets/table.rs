//! A table: what it was made with, who owns it, and its rows behind one lock.
//!
//! Reading a row copies it to the reader's heap while the lock is held; no term of a row is used after the lock is
//! given up. Writers copy rows before they take the lock.

use super::hash::{HashRows, Put, Same, Shape};
use super::insert::Insertion;
use super::key::{self, Key};
use super::tree::TreeRows;
use crossbeam::utils::CachePadded;
use parking_lot::{Mutex, MutexGuard, RwLock};
use purlin_term::{Atom, Immediate, Magic, Owned, Release, Row, Term};
use purlin_vm::Process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

/// How rows are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Set,
    OrderedSet,
    Bag,
    DuplicateBag,
}

/// Who may read and write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protection {
    Private,
    Protected,
    Public,
}

/// What `write_concurrency` was set to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writers {
    Off,
    On,
    Auto,
    /// This many locks, rounded to a power of two (a debug option of OTP, kept because it decides the order of rows).
    Locks(usize),
}

/// What a table was made with.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub kind: Kind,
    pub protection: Protection,
    pub keypos: usize,
    pub named: bool,
    pub compressed: bool,
    pub read_concurrency: bool,
    pub writers: Writers,
    pub decentralized_counters: bool,
}

/// A table.
pub struct Table {
    /// The id words of the table's reference.
    pub id: [u64; 2],
    /// As made; `protection` is in the state.
    pub options: Options,
    /// On cache lines of its own: every call writes to the lock, and reads the rest first.
    pub state: CachePadded<RwLock<State>>,
}

/// The table behind the value of a table's reference.
pub fn table_of(magic: &Magic) -> &Table {
    magic.value.downcast_ref().expect("the registry holds tables only")
}

/// What changes in a table.
pub struct State {
    pub name: Atom,
    /// Pid of the owner.
    pub owner: Immediate,
    pub protection: Protection,
    /// Who inherits.
    pub heir: Option<Heir>,
    /// False once the table is deleted: it exists for nobody any more.
    pub alive: bool,
    pub rows: Rows,
    /// Who fixed the table; has a lock of its own because readers fix tables too.
    fixations: Mutex<Fixations>,
    /// How many did.
    fixed_by: AtomicUsize,
    /// Many rows that were all deleted while the table was fixed: iterations may stand on their keys.
    cleared: Vec<HashRows>,
    /// The rows of a list that are on their way into the table: they count as put in.
    pub insertion: Option<Box<Insertion>>,
    /// Whether somebody is dropping the rows that were deleted while the table was fixed. Until that is done, rows are
    /// deleted as in a fixed table.
    tidying: bool,
}

/// The process that gets a table whose owner ends.
pub struct Heir {
    pub pid: Immediate,
    /// Another process may have the pid later.
    pub process: Weak<Process>,
    /// What the message then carries; none: there is no message (OTP 28).
    pub data: Option<Owned>,
}

/// Who fixed a table how often, and since when.
#[derive(Default)]
pub struct Fixations {
    pub by: Vec<Fixation>,
    /// When the first of them did: monotonic time and time offset, in native units.
    pub since: (i64, i64),
}

/// A process's claim that iterating stays possible while rows are deleted.
pub struct Fixation {
    pub process: Immediate,
    pub count: usize,
}

/// What is left when a fixation was taken back.
pub struct Unfixed {
    /// The process has none any more.
    pub gone: bool,
    /// More rows are to be dropped than should be with the lock held: this is for [`tidy`], without it.
    pub more: bool,
}

/// The rows.
pub enum Rows {
    Hash(HashRows),
    Tree(TreeRows),
}

impl Options {
    /// Whether OTP would give the table many locks; private tables have none.
    pub fn many_writers(&self) -> bool {
        self.writers != Writers::Off && self.protection != Protection::Private
    }

    /// Rows for a fresh table.
    fn rows(&self) -> Rows {
        let same = match self.kind {
            Kind::OrderedSet => return Rows::Tree(TreeRows::new(self.keypos)),
            Kind::Set => Same::Replace,
            Kind::Bag => Same::Bag,
            Kind::DuplicateBag => Same::DuplicateBag,
        };
        let stride = match self.writers {
            _ if !self.many_writers() => 1,
            Writers::Off => 1,
            Writers::On | Writers::Auto => 64,
            Writers::Locks(n) => (1 << n.max(1).ilog2()).max(64),
        };
        let lanes = self.many_writers() && self.decentralized_counters;
        Rows::Hash(HashRows::new(Shape { same, keypos: self.keypos, stride, lanes }))
    }

    /// Words that OTP reports for an empty table.
    pub fn base_words(&self) -> usize {
        let base = match (self.kind, self.many_writers(), self.writers) {
            (Kind::OrderedSet, true, _) => 133,
            (Kind::OrderedSet, false, _) => 139,
            (_, false, _) => 305,
            (_, true, Writers::Auto) => 1395,
            (_, true, Writers::Locks(n)) => 337 + 16 * n.max(64),
            (_, true, _) => 1361,
        };
        let base = base + usize::from(Release::of_values() >= Release(29));
        base + if self.read_concurrency && self.protection != Protection::Private { 32 } else { 0 }
    }
}

/// Rows up to which freeing them takes no longer than other work of one time slice.
const FEW: usize = 20_000;

impl Rows {
    pub fn len(&self) -> usize {
        match self {
            Rows::Hash(h) => h.len(),
            Rows::Tree(t) => t.len(),
        }
    }

    /// Frees rows that nobody sees any more, outside all locks.
    pub fn discard(self) {
        free_elsewhere(self.len(), self);
    }
}

/// Frees rows; if they are many, on a thread of their own, so that no scheduler stands still.
pub fn free_elsewhere(count: usize, rows: impl Send + 'static) {
    if count > FEW {
        let job = std::thread::Builder::new().name("table rows".into());
        // Without a thread they are freed here, as the closure is dropped.
        let _ = job.spawn(move || drop(rows));
    }
}

impl Table {
    pub fn new(id: [u64; 2], name: Atom, owner: Immediate, options: Options, heir: Option<Heir>) -> Table {
        let state = State {
            name,
            owner,
            protection: options.protection,
            heir,
            alive: true,
            rows: options.rows(),
            fixations: Mutex::default(),
            fixed_by: AtomicUsize::new(0),
            cleared: Vec::new(),
            insertion: None,
            tidying: false,
        };
        Table { id, options, state: CachePadded::new(RwLock::new(state)) }
    }

    /// A key to search for.
    #[inline]
    pub fn key(&self, term: Term) -> Key {
        Key { term, hash: if self.options.kind == Kind::OrderedSet { 0 } else { key::hash(term) } }
    }

    /// A row of these elements, which have a key.
    #[inline]
    pub fn row(&self, elements: &[Term]) -> Row {
        let mut row = Row::of(elements);
        row.set_hash(self.key(elements[self.options.keypos - 1]).hash);
        row
    }

    /// Whether a key has at most one row.
    #[inline]
    pub fn is_set(&self) -> bool {
        matches!(self.options.kind, Kind::Set | Kind::OrderedSet)
    }
}

/// Buckets that are tidied with the lock held, and how often a call does so before it leaves the rest to a thread.
const CHUNK: usize = 1000;
const CHUNKS: usize = 16;

/// Drops some of the rows that were deleted while a table was fixed; whether there is no more to do.
fn tidy_some(table: &Magic) -> bool {
    table_of(table).state.write().tidy(CHUNK)
}

/// Drops all of them, letting the table's lock go now and then.
pub fn tidy_all(table: &Magic) {
    while !tidy_some(table) {}
}

/// As [`tidy_all`]; if they are many, on a thread of their own.
pub fn tidy(table: Arc<Magic>) {
    if (0..CHUNKS).any(|_| tidy_some(&table)) {
        return;
    }
    let again = table.clone();
    let job = std::thread::Builder::new().name("table rows".into());
    if job.spawn(move || tidy_all(&table)).is_err() {
        tidy_all(&again);
    }
}

impl State {
    pub fn is_fixed(&self) -> bool {
        self.fixed_by.load(Ordering::Relaxed) > 0
    }

    /// Rows kept for iterations.
    pub fn kept(&self) -> usize {
        let Rows::Hash(rows) = &self.rows else { return 0 };
        let all = |rows: &HashRows| (0..rows.active()).map(|i| rows.bucket(i).count()).sum::<usize>();
        all(rows) - rows.len() + self.cleared.iter().map(all).sum::<usize>()
    }

    /// How many buckets have rows that are kept for iterations, at most.
    pub fn marked(&self) -> usize {
        if let Rows::Hash(rows) = &self.rows { rows.marked() } else { 0 }
    }

    /// Whether deleted rows are kept for iterations.
    pub fn keeps_deleted(&self) -> bool {
        self.is_fixed() || self.tidying
    }

    /// Who fixed the table.
    pub fn fixations(&self) -> MutexGuard<'_, Fixations> {
        self.fixations.lock()
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn words(&self) -> usize {
        let rows = match &self.rows {
            Rows::Hash(h) => h.words(),
            Rows::Tree(t) => t.words(),
        };
        rows + self.cleared.iter().map(HashRows::words).sum::<usize>()
    }

    /// The key behind this one in an iteration over a hash table (`None` in the middle: the end), if it is known.
    pub fn next(&self, rows: &HashRows, key: Key) -> Option<Option<Term>> {
        match rows.next(key) {
            Ok(next) => Some(next),
            Err(()) => self.cleared.iter().any(|old| old.knows(key)).then(|| rows.first_near(key)),
        }
    }

    /// The rows of a key; `ets:lookup/2` lists the last one first.
    pub fn lookup(&self, key: Key) -> impl Iterator<Item = &Row> + '_ {
        let (hash, tree) = match &self.rows {
            Rows::Hash(h) => (Some(h.lookup(key)), None),
            Rows::Tree(t) => (None, t.get(key.term)),
        };
        hash.into_iter().flatten().chain(tree)
    }

    /// The first row of a key.
    #[inline]
    pub fn get(&self, key: Key) -> Option<&Row> {
        match &self.rows {
            Rows::Hash(h) => h.get(key),
            Rows::Tree(t) => t.get(key.term),
        }
    }

    /// The row of a key in a set, for changing elements other than the key.
    #[inline]
    pub fn row_mut(&mut self, key: Key) -> Option<&mut Row> {
        match &mut self.rows {
            Rows::Hash(h) => h.row_mut(key),
            Rows::Tree(t) => t.get_mut(key.term),
        }
    }

    pub fn contains(&self, key: Key) -> bool {
        match &self.rows {
            Rows::Hash(h) => h.contains(key),
            Rows::Tree(t) => t.contains(key.term),
        }
    }

    /// Inserts a row of this table's making; whether it was inserted.
    pub fn put(&mut self, row: Row, only_new: bool) -> bool {
        let fixed = self.keeps_deleted();
        match &mut self.rows {
            Rows::Hash(h) => h.put(row, only_new, fixed) == Put::Done,
            Rows::Tree(t) => t.put(row, only_new),
        }
    }

    pub fn delete(&mut self, key: Key) {
        let fixed = self.keeps_deleted();
        match &mut self.rows {
            Rows::Hash(h) => h.delete(key, fixed),
            Rows::Tree(t) => drop(t.take(key.term)),
        }
    }

    pub fn delete_object(&mut self, key: Key, row: Term) {
        let fixed = self.keeps_deleted();
        match &mut self.rows {
            Rows::Hash(h) => h.delete_object(key, row, fixed),
            Rows::Tree(t) => {
                if t.get(key.term).is_some_and(|r| purlin_term::compare::same(r.term(), row)) {
                    t.take(key.term);
                }
            }
        }
    }

    /// Deletes all rows; those that can go at once are for the caller to [discard](Rows::discard).
    pub fn clear(&mut self, options: &Options) -> Option<Rows> {
        if let Rows::Hash(h) = &mut self.rows
            && *self.fixed_by.get_mut() > 0
        {
            if h.len() <= FEW {
                h.mark_all();
            } else {
                let empty = h.emptied();
                self.cleared.push(std::mem::replace(h, empty));
            }
            return None;
        }
        Some(std::mem::replace(&mut self.rows, options.rows()))
    }

    /// Counts one more fixation by a process; `now` is the monotonic time and offset.
    pub fn fix(&self, process: Immediate, now: (i64, i64)) {
        let mut f = self.fixations.lock();
        if f.by.is_empty() {
            f.since = now;
        }
        match f.by.iter_mut().find(|f| f.process == process) {
            Some(f) => f.count += 1,
            None => f.by.push(Fixation { process, count: 1 }),
        }
        self.fixed_by.store(f.by.len(), Ordering::Relaxed);
    }

    /// Takes back one fixation, or all of them, of a process.
    pub fn unfix(&mut self, process: Term, all: bool) -> Unfixed {
        let by = &mut self.fixations.get_mut().by;
        let Some(i) = by.iter().position(|f| f.process == process) else { return Unfixed { gone: true, more: false } };
        by[i].count -= 1;
        let gone = all || by[i].count == 0;
        if gone {
            by.remove(i);
        }
        *self.fixed_by.get_mut() = by.len();
        let more = by.is_empty() && !self.tidying && !self.tidy(CHUNK);
        Unfixed { gone, more }
    }

    /// Drops some of the rows that were deleted while the table was fixed; whether there is no more to do.
    fn tidy(&mut self, buckets: usize) -> bool {
        let done = self.is_fixed() || {
            self.cleared.drain(..).for_each(|rows| Rows::Hash(rows).discard());
            if let Rows::Hash(h) = &mut self.rows { h.tidy(buckets) } else { true }
        };
        self.tidying = !done;
        done
    }

    /// Ends the table's life. Gives the rows to whoever drops them outside the lock.
    pub fn kill(&mut self, options: &Options) -> Rows {
        self.alive = false;
        self.heir = None;
        self.fixations.get_mut().by.clear();
        *self.fixed_by.get_mut() = 0;
        self.cleared.drain(..).for_each(|rows| Rows::Hash(rows).discard());
        self.insertion.take().into_iter().for_each(|i| i.discard());
        std::mem::replace(&mut self.rows, options.rows())
    }
}
