//! Natives that run match specifications over a table.
//!
//! A scan stops when the caller's time slice is used up and goes on in a later one: the native yields with arguments
//! in which the specification is replaced by the scan's state ([`Paused`]), and the table stays fixed meanwhile.

mod continuation;
mod keys;
mod scan;

use super::table::{Kind, Table};
use super::{Asker, Need, cause, find, owner, registry};
use crate::match_spec::{Dialect, Program, Run};
use continuation::Continuation;
use keys::Keys;
use purlin_term::{Magic, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use scan::Scan;
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain("ets", "select", 1, select_1),
    Native::plain("ets", "select", 2, select_2),
    Native::plain("ets", "select", 3, select_3),
    Native::plain("ets", "select_reverse", 1, select_1),
    Native::plain("ets", "select_reverse", 2, select_reverse_2),
    Native::plain("ets", "select_reverse", 3, select_reverse_3),
    Native::plain("ets", "match", 1, select_1),
    Native::plain("ets", "match", 2, match_2),
    Native::plain("ets", "match", 3, match_3),
    Native::plain("ets", "match_object", 1, select_1),
    Native::plain("ets", "match_object", 2, match_object_2),
    Native::plain("ets", "match_object", 3, match_object_3),
    Native::plain("ets", "select_count", 2, select_count),
    Native::plain("ets", "internal_select_delete", 2, internal_select_delete),
    Native::plain("ets", "select_replace", 2, select_replace),
];

/// What is done with the rows that match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Job {
    /// All results in one list.
    Collect { reverse: bool },
    /// Results in portions of about this size.
    Chunk { reverse: bool, size: usize },
    /// Rows for which the result is `true` are counted.
    Count,
    /// They are deleted.
    Delete,
    /// Each row is replaced by its result.
    Replace,
}

impl Job {
    fn writes(self) -> bool {
        matches!(self, Job::Delete | Job::Replace)
    }

    fn need(self) -> Need {
        if self.writes() { Need::Write } else { Need::Read }
    }
}

/// Where a scan goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Position {
    Start,
    /// With this bucket of a hash table.
    Bucket(usize),
    /// Behind this key of an ordered_set, in the direction of the scan.
    Behind(Term),
    End,
}

/// A scan that waits for its next time slice: what its state term keeps alive.
struct Paused {
    program: Arc<Program>,
    job: Job,
    /// Whether the call began a scan, rather than continuing one from `ets:select/1`.
    first: bool,
}

/// A scan in progress.
struct Work {
    program: Arc<Program>,
    job: Job,
    first: bool,
    position: Position,
    /// Results so far, the last one first.
    found: Term,
    /// How many results, or rows counted, deleted or replaced.
    count: usize,
    /// Whether the table has been fixed by an earlier part of this scan.
    paused: bool,
}

// ---- entry points

/// The specification `[{Pattern, [], [Result]}]`.
fn spec(ctx: &mut Ctx<'_>, pattern: Term, result: Term) -> Term {
    let h = ctx.heap();
    let body = h.list(&[result]);
    let clause = h.tuple(&[pattern, Term::NIL, body]);
    h.list(&[clause])
}

fn select_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    start(ctx, args, Job::Collect { reverse: false }, |_, s| s)
}

fn select_reverse_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    start(ctx, args, Job::Collect { reverse: true }, |_, s| s)
}

fn match_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    start(ctx, args, Job::Collect { reverse: false }, |ctx, p| spec(ctx, p, am!("$$")))
}

fn match_object_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    start(ctx, args, Job::Collect { reverse: false }, |ctx, p| spec(ctx, p, am!("$_")))
}

fn select_count(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    start(ctx, args, Job::Count, |_, s| s)
}

fn internal_select_delete(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    start(ctx, args, Job::Delete, |_, s| s)
}

fn select_replace(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    start(ctx, args, Job::Replace, |_, s| s)
}

fn chunked(ctx: &mut Ctx<'_>, args: &[Term], reverse: bool, to_spec: fn(&mut Ctx<'_>, Term) -> Term) -> NativeResult {
    match args[2].as_usize().filter(|n| *n > 0) {
        Some(size) => start(ctx, args, Job::Chunk { reverse, size }, to_spec),
        None => {
            let t = find(ctx, args[0])?;
            drop(t.read(Asker::of(ctx), Need::Read)?);
            Err(Escape::BADARG)
        }
    }
}

fn select_3(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    chunked(ctx, args, false, |_, s| s)
}

fn select_reverse_3(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    chunked(ctx, args, true, |_, s| s)
}

fn match_3(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    chunked(ctx, args, false, |ctx, p| spec(ctx, p, am!("$$")))
}

fn match_object_3(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    chunked(ctx, args, false, |ctx, p| spec(ctx, p, am!("$_")))
}

/// A call with a table and a specification (or, after a pause, the state of its scan).
fn start(ctx: &mut Ctx<'_>, args: &[Term], job: Job, to_spec: impl FnOnce(&mut Ctx<'_>, Term) -> Term) -> NativeResult {
    let t = find(ctx, args[0])?;
    if let Some(work) = resumed(args[1]) {
        return proceed(ctx, &t, args, 1, work);
    }
    may(ctx, &t, job)?;
    if job == Job::Replace && t.options.kind == Kind::Bag {
        return Err(cause("table_type"));
    }
    let spec = to_spec(ctx, args[1]);
    let program = Program::compile(ctx.engine, spec, Dialect::Table)?;
    if job == Job::Replace && !keys::keeps_keys(program.source(), t.options.keypos) {
        return Err(Escape::BADARG);
    }
    let work = Work {
        program: Arc::new(program),
        job,
        first: true,
        position: Position::Start,
        found: Term::NIL,
        count: 0,
        paused: false,
    };
    proceed(ctx, &t, args, 1, work)
}

/// A call with a continuation (or, after a pause, the state of its scan).
fn select_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if args[0] == am!("$end_of_table") {
        return Ok(args[0]);
    }
    let id = *args[0].as_tuple().and_then(|e| e.first()).or_badarg()?;
    if let Some(work) = resumed(args[0]) {
        let id = args[0].as_tuple().and_then(|e| e.get(1)).copied().or_badarg()?;
        let t = find(ctx, id)?;
        return proceed(ctx, &t, args, 0, work);
    }
    let t = find(ctx, id)?;
    let state = t.read(Asker::of(ctx), Need::Read)?;
    let work = continuation::read(args[0], &state).or_badarg()?;
    drop(state);
    proceed(ctx, &t, args, 0, work)
}

fn may(ctx: &Ctx<'_>, t: &Table, job: Job) -> Result<(), Escape> {
    if job.writes() {
        t.write(Asker::of(ctx), job.need()).map(drop)
    } else {
        t.read(Asker::of(ctx), job.need()).map(drop)
    }
}

// ---- pausing

/// `{Paused, Table, Position, Found, Count}`
fn pause(ctx: &mut Ctx<'_>, args: &[Term], at: usize, work: &Work) -> Escape {
    let table =
        if at == 0 { args[0].as_tuple().map_or(Term::NIL, |e| e[if work.paused { 1 } else { 0 }]) } else { args[0] };
    let paused = Paused { program: work.program.clone(), job: work.job, first: work.first };
    let id = ctx.engine.next_ref();
    let h = ctx.heap();
    let magic = h.magic_reference(id, Arc::new(Magic { value: Box::new(paused) }));
    let position = match work.position {
        Position::Start | Position::End => Term::NIL,
        Position::Bucket(i) => Term::small(i as i64),
        Position::Behind(key) => h.tuple(&[key]),
    };
    let state = h.tuple(&[magic, table, position, work.found, Term::small(work.count as i64)]);
    let mut args = args.to_vec();
    args[at] = state;
    Escape::Yield(args)
}

/// The scan that a state term describes.
fn resumed(t: Term) -> Option<Work> {
    let &[magic, _, position, found, count] = t.as_tuple()? else { return None };
    let p: &Paused = magic.magic()?;
    let position = match (position.as_usize(), position.as_tuple()) {
        (Some(i), _) => Position::Bucket(i),
        (_, Some(&[key])) => Position::Behind(key),
        _ => Position::End,
    };
    let (program, job, first) = (p.program.clone(), p.job, p.first);
    Some(Work { program, job, first, position, found, count: count.as_usize()?, paused: true })
}

/// Scans as far as the time slice goes.
fn proceed(ctx: &mut Ctx<'_>, t: &Table, args: &[Term], at: usize, mut work: Work) -> NativeResult {
    let program = work.program.clone();
    let keys = Keys::of(program.source(), t.options.keypos);
    let mut scan = Scan { run: Run::new(&program), work: &mut work, keypos: t.options.keypos, visited: 0, buckets: 0 };
    let finished = if scan.work.job.writes() {
        let mut state = t.write(Asker::of(ctx), Need::Write)?;
        let finished = scan.change(ctx, &mut state, &keys);
        if !finished && !scan.work.paused {
            owner::fix(ctx, t, &state);
        }
        finished
    } else {
        let state = t.read(Asker::of(ctx), Need::Read)?;
        let finished = scan.read(ctx, &state, &keys)?;
        if !finished && !scan.work.paused {
            owner::fix(ctx, t, &state);
        }
        finished
    };
    let visited = scan.visited > 0 || scan.work.paused;
    drop(scan);
    if !finished {
        return Err(pause(ctx, args, at, &work));
    }
    if work.paused {
        owner::unfix(ctx, t);
    }
    answer(ctx, t, args, at, &work, visited)
}

/// What a finished scan answers.
fn answer(ctx: &mut Ctx<'_>, t: &Table, args: &[Term], at: usize, work: &Work, visited: bool) -> NativeResult {
    let Job::Chunk { reverse, size } = work.job else {
        return Ok(match work.job {
            Job::Collect { .. } => work.found,
            _ => ctx.heap().unsigned(work.count as u64),
        });
    };
    if !visited && work.found.is_nil() {
        return Ok(am!("$end_of_table"));
    }
    let tree = t.options.kind == Kind::OrderedSet;
    // Hash tables are continued by reference even when they were named, so that a renamed table is still found.
    let table = match (at, tree) {
        (0, _) => args[0].as_tuple().map_or(Term::NIL, |e| e[if work.paused { 1 } else { 0 }]),
        (_, true) => args[0],
        (_, false) => {
            let magic = registry::of(ctx.engine).by_id(t.id[0]).or_badarg()?;
            owner::reference(ctx.heap(), &magic)
        }
    };
    let c = Continuation { table, reverse, size, work };
    if tree { c.tree_answer(ctx) } else { c.hash_answer(ctx) }
}
