//! `statistics/1` and memory figures.

use purlin_term::account::{self, Use};
use purlin_term::{Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult, Slot};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "statistics", 1, statistics),
    Native::plain("erlang", "memory", 0, memory_0),
    Native::plain("erlang", "memory", 1, memory_1),
];

/// What the last call of each counting item saw.
#[derive(Default)]
struct Last {
    wall: AtomicI64,
    runtime: AtomicI64,
    reductions: AtomicU64,
}

static LAST: Slot<Last> = Slot::new();

fn pair(ctx: &mut Ctx<'_>, a: i64, b: i64) -> Term {
    let (a, b) = (ctx.heap().integer(a), ctx.heap().integer(b));
    ctx.heap().tuple(&[a, b])
}

fn statistics(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let engine = ctx.engine;
    let last = engine.state(&LAST);
    Ok(match args[0].as_atom().or_badarg()?.name() {
        "wall_clock" => {
            let now = (engine.clock.now() - purlin_vm::clock::START) / 1_000_000;
            let before = last.wall.swap(now, Ordering::Relaxed);
            pair(ctx, now, now - before)
        }
        "runtime" => {
            let now = purlin_vm::clock::user_time();
            let before = last.runtime.swap(now, Ordering::Relaxed);
            pair(ctx, now, now - before)
        }
        "reductions" | "exact_reductions" => {
            let now = engine.sched.reductions.load(Ordering::Relaxed);
            let before = last.reductions.swap(now, Ordering::Relaxed);
            pair(ctx, now as i64, (now - before) as i64)
        }
        "run_queue" => Term::small(engine.sched.queued() as i64),
        item @ ("run_queue_lengths" | "run_queue_lengths_all" | "active_tasks" | "active_tasks_all") => {
            let lengths: Vec<Term> = lengths(engine, item).iter().map(|&n| Term::small(n as i64)).collect();
            ctx.heap().list(&lengths)
        }
        item @ ("total_run_queue_lengths"
        | "total_run_queue_lengths_all"
        | "total_active_tasks"
        | "total_active_tasks_all") => {
            Term::small(lengths(engine, &item["total_".len()..]).iter().sum::<usize>() as i64)
        }
        "garbage_collection" => {
            let count = engine.sched.collections.load(Ordering::Relaxed);
            let parts =
                [ctx.heap().unsigned(count), ctx.heap().unsigned(engine.sched.reclaimed.load(Ordering::Relaxed))];
            ctx.heap().tuple(&[parts[0], parts[1], Term::small(0)])
        }
        "io" => {
            let (input, output) = crate::port::bytes(engine);
            let (input, output) = (ctx.heap().unsigned(input), ctx.heap().unsigned(output));
            let parts = [ctx.heap().tuple(&[am!("input"), input]), ctx.heap().tuple(&[am!("output"), output])];
            ctx.heap().tuple(&parts)
        }
        "context_switches" => {
            let n = engine.sched.slices.load(Ordering::Relaxed);
            pair(ctx, n as i64, 0)
        }
        "microstate_accounting" => microstates(ctx),
        "run_queues" => {
            let lengths: Vec<Term> =
                lengths(engine, "run_queue_lengths_all").iter().map(|&n| Term::small(n as i64)).collect();
            ctx.heap().tuple(&lengths)
        }
        item @ ("scheduler_wall_time" | "scheduler_wall_time_all") => wall_times(ctx, item.ends_with("_all")),
        _ => return Err(Escape::BADARG),
    })
}

/// `{Scheduler, Active, Total}` of each scheduler, then of the threads that may block: they stand in the places of
/// OTP's dirty schedulers, first of those that compute and, with `all`, also of those for input and output.
fn wall_times(ctx: &mut Ctx<'_>, all: bool) -> Term {
    let Some((active, total)) = ctx.engine.sched.wall_time.told(ctx.engine.clock.now()) else {
        return am!("undefined");
    };
    let shown = if all { active.len() } else { 2 * ctx.engine.sched.count() };
    let h = ctx.heap();
    let total = h.integer(total);
    let each: Vec<Term> = (1..)
        .zip(&active[..shown])
        .map(|(i, &active)| {
            let active = h.integer(active);
            h.tuple(&[Term::small(i), active, total])
        })
        .collect();
    h.list(&each)
}

/// Runnable or active processes of each scheduler, then those that wait for a thread that may block: OTP's queue for
/// natives that compute long and, with `_all`, the one for those that do input and output. Here both are one, which
/// stands in the place of the first.
fn lengths(engine: &Engine, item: &str) -> Vec<usize> {
    let mut all = if item.starts_with("active") { engine.sched.active_lengths() } else { engine.sched.queue_lengths() };
    all.push(engine.sched.blocking_queued());
    if item.ends_with("_all") {
        all.push(0);
    }
    all
}

/// A map of each thread's type, number, and time in each state: schedulers, threads that may block (in the places of
/// OTP's dirty schedulers), the thread that polls. Ports' work is done by these, so they spend no time as such.
fn microstates(ctx: &mut Ctx<'_>) -> Term {
    let (sched, now) = (&ctx.engine.sched, ctx.engine.clock.now());
    let each = sched.microstates.told(now);
    let (n, poll) = (sched.count(), sched.microstates.poll_thread());
    let h = ctx.heap();
    let maps = each.iter().enumerate().map(|(i, times)| {
        let (kind, id) = match i {
            i if i < n => (am!("scheduler"), i + 1),
            i if i < 2 * n => (am!("dirty_cpu_scheduler"), i - n + 1),
            i if i < poll => (am!("dirty_io_scheduler"), i - 2 * n + 1),
            _ => (am!("poll"), 0),
        };
        let [aux, check_io, emulator, gc, other, sleep] = times.map(|t| h.integer(t));
        let counters = [
            (am!("aux"), aux),
            (am!("check_io"), check_io),
            (am!("emulator"), emulator),
            (am!("gc"), gc),
            (am!("other"), other),
            (am!("port"), Term::small(0)),
            (am!("sleep"), sleep),
        ];
        let counters = purlin_term::map::from_pairs(h, &counters);
        let items = [(am!("counters"), counters), (am!("id"), Term::small(id as i64)), (am!("type"), kind)];
        purlin_term::map::from_pairs(h, &items)
    });
    let maps: Vec<Term> = maps.collect();
    h.list(&maps)
}

/// Bytes of memory that the program has resident.
fn resident() -> i64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: i64 = statm.split_whitespace().nth(1).and_then(|p| p.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as i64
}

pub(super) const ITEMS: [&str; 9] =
    ["total", "processes", "processes_used", "system", "atom", "atom_used", "binary", "code", "ets"];

/// Each item in bytes. The sum is what the operating system says; the others are counted where the memory is taken,
/// and `system` is what no process has.
pub(super) fn figure(engine: &Engine, item: &str) -> Option<i64> {
    let processes = || {
        let each = std::mem::size_of::<purlin_vm::Process>();
        (account::bytes(Use::Blocks) + engine.processes.all().len() * each) as i64
    };
    let total = || resident().max(processes());
    Some(match item {
        "total" => total(),
        "processes" | "processes_used" => processes(),
        "system" => total() - processes(),
        "atom" | "atom_used" => purlin_term::Atom::bytes() as i64,
        "binary" => account::bytes(Use::Binaries) as i64,
        "code" => engine.code.bytes() as i64,
        "ets" => crate::ets::bytes(engine) as i64,
        _ => return None,
    })
}

fn memory_0(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    memory(ctx)
}

/// What the emulator uses, as a list of items and bytes.
pub fn memory(ctx: &mut Ctx<'_>) -> NativeResult {
    let mut out = Vec::new();
    for item in ITEMS {
        let n = figure(ctx.engine, item).or_badarg()?;
        let n = ctx.heap().integer(n);
        out.push(ctx.heap().tuple(&[Term::atom(purlin_term::Atom::new(item)), n]));
    }
    Ok(ctx.heap().list(&out))
}

fn memory_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if let Some(item) = args[0].as_atom() {
        let n = figure(ctx.engine, item.name()).or_badarg()?;
        return Ok(ctx.heap().integer(n));
    }
    let mut out = Vec::new();
    for item in args[0].as_list().or_badarg()? {
        let n = figure(ctx.engine, item.as_atom().or_badarg()?.name()).or_badarg()?;
        let n = ctx.heap().integer(n);
        out.push(ctx.heap().tuple(&[item, n]));
    }
    Ok(ctx.heap().list(&out))
}
