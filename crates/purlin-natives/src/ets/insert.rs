//! Inserting rows, one or a list of them.
//!
//! A list is inserted as one step: others see none of its rows or all. But its length must hold up nobody, so it is
//! checked and copied before the lock is taken, as far as each time slice goes, and a long one is then left to the table
//! as an [`Insertion`]: whoever comes to the table puts some of its rows in, and comes again until all are there.

use super::key::{self, Key};
use super::registry::Missing;
use super::table::{Kind, State};
use super::{Asker, Need, find};
use parking_lot::Mutex;
use purlin_term::{Magic, Release, Row, Term};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

pub const NATIVES: &[Native] = &[
    Native::plain("ets", "insert", 2, |ctx, args| insert(ctx, args, false).map(Term::bool)),
    Native::plain("ets", "insert_new", 2, |ctx, args| insert(ctx, args, true).map(Term::bool)),
];

/// Words copied for one reduction, and what a row costs besides its own.
const WORDS_PER_REDUCTION: usize = 64;
const ROW_COST: usize = 16;
/// Cells checked for one reduction.
const CELLS_PER_REDUCTION: usize = 16;
/// Rows that are put in with the lock held.
const CHUNK: usize = if cfg!(test) { 100 } else { 1000 };
/// Rows put in for one reduction.
const PUT_PER_REDUCTION: usize = 4;

/// A list's rows on their way into a table.
pub struct Insertion {
    rows: Vec<Row>,
    /// For `insert_new`: how many rows are still to be looked for.
    unchecked: usize,
    outcome: Arc<Outcome>,
}

impl Insertion {
    /// Frees rows that nobody will see.
    pub fn discard(self) {
        super::table::free_elsewhere(self.rows.len(), self.rows);
    }
}

/// Whether an insertion is over, and whether it has inserted its rows.
#[derive(Default)]
struct Outcome(AtomicU8);

impl Outcome {
    fn get(&self) -> Option<bool> {
        match self.0.load(Ordering::Acquire) {
            0 => None,
            n => Some(n == 1),
        }
    }

    fn set(&self, inserted: bool) {
        self.0.store(if inserted { 1 } else { 2 }, Ordering::Release);
    }
}

impl State {
    /// Goes on with the insertion that is under way; whether there is none any more.
    pub fn advance(&mut self, keypos: usize) -> bool {
        let Some(mut i) = self.insertion.take() else { return true };
        if i.unchecked > 0 {
            let from = i.unchecked.saturating_sub(CHUNK);
            if self.any_there(keypos, &i.rows[from..i.unchecked]) {
                i.outcome.set(false);
                i.discard();
                return true;
            }
            i.unchecked = from;
        } else {
            self.put_last(&mut i.rows, CHUNK);
            if i.rows.is_empty() {
                i.outcome.set(true);
                return true;
            }
        }
        self.insertion = Some(i);
        false
    }

    /// Whether there is a row with the key of one of these.
    fn any_there(&self, keypos: usize, rows: &[Row]) -> bool {
        rows.iter().any(|r| self.contains(Key { term: key::at(keypos, r), hash: r.hash() }))
    }

    /// Puts rows in, so many of them from the end.
    fn put_last(&mut self, rows: &mut Vec<Row>, n: usize) {
        for row in rows.drain(rows.len().saturating_sub(n)..).rev() {
            self.put(row, false);
        }
    }
}

/// How far an insertion has come that paused: what its state term `{Progress, List, Rest}` keeps alive.
enum Progress {
    /// `Rest` is still to be checked.
    Checking,
    /// `Rest` is still to be copied.
    Copying(Vec<Row>),
    /// The rows are left to the table.
    Inserting(Arc<Outcome>),
}

struct Paused(Mutex<Progress>);

/// Whether a term can be a row of a table with this key position.
fn is_row(t: Term, keypos: usize) -> bool {
    t.as_tuple().is_some_and(|e| e.len() >= keypos)
}

fn insert(ctx: &mut Ctx<'_>, args: &[Term], only_new: bool) -> Result<bool, Escape> {
    if args[1].as_magic().is_some() {
        // As in OTP, which takes it for the state of a longer insertion, before it looks at the table.
        return Err(Escape::BADARG);
    }
    if let Some(&[magic, list, rest]) = args[1].as_tuple()
        && let Some(Paused(progress)) = magic.magic()
    {
        let call = [args[0], list];
        let progress = std::mem::replace(&mut *progress.lock(), Progress::Checking);
        let mut work = List { call: &call, magic: Some(magic), rest, only_new };
        return work.proceed(ctx, progress).map_err(|e| e.of_call(&call));
    }
    let t = find(ctx, args[0])?;
    if is_row(args[1], t.options.keypos) {
        let row = t.row(args[1].as_tuple().or_badarg()?);
        return Ok(t.write(Asker::of(ctx), Need::Write)?.put(row, only_new));
    }
    List { call: args, magic: None, rest: args[1], only_new }.proceed(ctx, Progress::Checking)
}

/// The insertion of a list.
struct List<'a> {
    /// The arguments of the call.
    call: &'a [Term],
    /// Keeps the progress during pauses, once there was one.
    magic: Option<Term>,
    /// What is to be checked or copied.
    rest: Term,
    only_new: bool,
}

impl List<'_> {
    /// Goes on as far as the time slice goes.
    fn proceed(&mut self, ctx: &mut Ctx<'_>, mut progress: Progress) -> Result<bool, Escape> {
        loop {
            progress = match progress {
                Progress::Checking => self.check(ctx)?,
                Progress::Copying(rows) => match self.copy(ctx, rows)? {
                    Copied::All(inserted) => return Ok(inserted),
                    Copied::Part(progress) => progress,
                },
                Progress::Inserting(outcome) => {
                    if let Some(inserted) = self.drive(ctx, &outcome)? {
                        return Ok(inserted);
                    }
                    Progress::Inserting(outcome)
                }
            };
            if ctx.out_of_reductions() {
                return Err(self.pause(ctx, progress));
            }
        }
    }

    fn check(&mut self, ctx: &mut Ctx<'_>) -> Result<Progress, Escape> {
        let t = find(ctx, self.call[0])?;
        // A table that is gone and lacking access are better reasons than what the list is.
        drop(t.read(Asker::of(ctx), Need::Write)?);
        let budget = ctx.data.reductions_left().max(1) as usize * CELLS_PER_REDUCTION;
        let mut list = self.rest.iter();
        let fit = list.by_ref().take(budget).all(|r| is_row(r, t.options.keypos));
        let rest = list.tail();
        if !fit || !rest.is_list() {
            return Err(Escape::BADARG);
        }
        if rest.is_cons() {
            ctx.charge(budget / CELLS_PER_REDUCTION);
            self.rest = rest;
            return Ok(Progress::Checking);
        }
        self.rest = self.call[1];
        Ok(Progress::Copying(Vec::new()))
    }

    fn copy(&mut self, ctx: &mut Ctx<'_>, mut rows: Vec<Row>) -> Result<Copied, Escape> {
        let t = find(ctx, self.call[0])?;
        let (budget, mut cost) = (ctx.data.reductions_left().max(1) as usize * WORDS_PER_REDUCTION, 0);
        let mut list = self.rest.iter();
        for row in list.by_ref() {
            let row = t.row(row.as_tuple().or_badarg()?);
            cost += ROW_COST + row.words();
            rows.push(row);
            if cost >= budget {
                break;
            }
        }
        ctx.charge(cost / WORDS_PER_REDUCTION);
        self.rest = list.tail();
        let mut state = match t.write(Asker::of(ctx), Need::Write) {
            // Another one's insertion is still under way.
            Err(Escape::Again) => return Err(self.pause(ctx, Progress::Copying(rows))),
            state => state?,
        };
        if self.rest.is_cons() {
            return Ok(Copied::Part(Progress::Copying(rows)));
        }
        // They are taken from the end; the last one first in bags, as in OTP.
        if t.options.kind != Kind::Bag || ctx.engine.config.release >= Release(27) {
            rows.reverse();
        }
        if rows.len() > CHUNK {
            let outcome = Arc::new(Outcome::default());
            let unchecked = if self.only_new { rows.len() } else { 0 };
            state.insertion = Some(Box::new(Insertion { rows, unchecked, outcome: outcome.clone() }));
            return Ok(Copied::Part(Progress::Inserting(outcome)));
        }
        let new = !self.only_new || !state.any_there(t.options.keypos, &rows);
        if new {
            state.put_last(&mut rows, CHUNK);
        }
        Ok(Copied::All(new))
    }

    /// Puts rows in; what became of the insertion, when it is over.
    fn drive(&self, ctx: &mut Ctx<'_>, outcome: &Outcome) -> Result<Option<bool>, Escape> {
        if outcome.get().is_some() {
            return Ok(outcome.get());
        }
        let t = find(ctx, self.call[0])?;
        let mut state = t.state.write();
        if !state.alive {
            return Err(Missing::Id.into());
        }
        state.advance(t.options.keypos);
        ctx.charge(CHUNK / PUT_PER_REDUCTION);
        Ok(outcome.get())
    }

    /// Goes on in the next time slice.
    fn pause(&self, ctx: &mut Ctx<'_>, progress: Progress) -> Escape {
        let magic = match self.magic {
            Some(magic) => magic,
            None => {
                let id = ctx.engine.next_ref();
                let paused = Paused(Mutex::new(Progress::Checking));
                ctx.heap().magic_reference(id, Arc::new(Magic { value: Box::new(paused) }))
            }
        };
        if let Some(Paused(kept)) = magic.magic() {
            *kept.lock() = progress;
        }
        Escape::Yield(vec![self.call[0], ctx.heap().tuple(&[magic, self.call[1], self.rest])])
    }
}

/// What copying has come to.
enum Copied {
    /// The rows were few enough to put them in at once.
    All(bool),
    Part(Progress),
}
