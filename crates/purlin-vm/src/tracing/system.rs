//! The system monitor, which is told of processes that behave badly, and the system profiler, which is told when
//! processes become runnable or wait.

use super::message::{Timestamp, deliver};
use crate::engine::Engine;
use crate::engine::context::Ctx;
use crate::engine::runner::Frame;
use crate::process::Process;
use crate::process::figures;
use crate::process::signal::{Signal, SignalKind};
use parking_lot::Mutex;
use purlin_term::{Heap, Immediate, Term, am};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What the system monitor wants to know; 0 and false: nothing.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Collections of at least so many milliseconds.
    pub long_gc: u64,
    /// Heaps of at least so many words after a collection.
    pub large_heap: u64,
    /// Time slices of at least so many milliseconds.
    pub long_schedule: u64,
    pub busy_port: bool,
    pub busy_dist_port: bool,
    /// Message queues that have grown to the second number of messages and then shrunk to the first (since OTP 27).
    pub long_queue: Option<(usize, usize)>,
}

/// Who the system monitor is, and what it wants.
#[derive(Default)]
pub struct Monitor {
    heaps: AtomicBool,
    slices: AtomicBool,
    queues: AtomicBool,
    /// How often the monitor was set: which setting a queue was found too long by.
    era: AtomicU64,
    set: Mutex<Option<(Immediate, Wanted)>>,
    /// Milliseconds that collections sleep, for tests.
    pub gc_sleep: AtomicU64,
}

impl Monitor {
    pub fn get(&self) -> Option<(Term, Wanted)> {
        self.set.lock().map(|(who, wanted)| (who.term(), wanted))
    }

    /// Sets the monitor or, with none, ends monitoring.
    pub fn set(&self, to: Option<(Immediate, Wanted)>) {
        *self.set.lock() = to;
        let wanted = to.map_or(Wanted::default(), |t| t.1);
        self.heaps.store(wanted.long_gc > 0 || wanted.large_heap > 0, Ordering::Relaxed);
        self.slices.store(wanted.long_schedule > 0, Ordering::Relaxed);
        self.era.fetch_add(1, Ordering::Relaxed);
        self.queues.store(wanted.long_queue.is_some(), Ordering::Relaxed);
    }

    /// The process that monitored has ended.
    pub fn ended(&self, process: &Process) {
        if self.get().is_some_and(|(who, _)| who == process.pid()) {
            self.set(None);
        }
    }

    #[inline]
    pub fn watches_heaps(&self) -> bool {
        self.heaps.load(Ordering::Relaxed)
    }

    #[inline]
    pub fn watches_slices(&self) -> bool {
        self.slices.load(Ordering::Relaxed)
    }

    #[inline]
    pub fn watches_queues(&self) -> bool {
        self.queues.load(Ordering::Relaxed)
    }

    /// Looks at how many messages a process has.
    #[cold]
    pub fn queued(&self, ctx: &mut Ctx<'_>) {
        let Some((who, Wanted { long_queue: Some((short, long)), .. })) = self.get() else { return };
        let (len, era) = (ctx.data.mailbox.len(), self.era.load(Ordering::Relaxed));
        let was_long = ctx.data.rare().is_some_and(|r| r.long_queue == era);
        let is_long = if was_long { len > short } else { len >= long };
        if is_long != was_long && who != ctx.process.pid() {
            ctx.data.rare_mut().long_queue = if is_long { era } else { 0 };
            tell(ctx.engine, who, ctx.process, am!("long_message_queue"), |_| Term::bool(is_long));
        }
    }

    /// Looks at a heap after a collection.
    pub(super) fn collected(&self, ctx: &Ctx<'_>, time: Duration) {
        let Some((who, wanted)) = self.get() else { return };
        if who == ctx.process.pid() {
            return;
        }
        let all = figures::of(ctx.data);
        let names = ["old_heap_block_size", "heap_block_size", "mbuf_size", "stack_size", "old_heap_size", "heap_size"];
        let of = |name: &str| all.iter().copied().find(|f| f.0.as_atom().is_some_and(|a| a.name() == name));
        let list: Vec<(Term, usize)> = names.iter().filter_map(|n| of(n)).collect();
        let ms = time.as_millis() as u64;
        if wanted.long_gc > 0 && ms >= wanted.long_gc {
            let mut with_time = vec![(am!("timeout"), ms as usize)];
            with_time.extend(&list);
            tell(ctx.engine, who, ctx.process, am!("long_gc"), |h| figures::list(h, &with_time));
        }
        // The blocks of both generations.
        let size: usize = list.iter().take(2).map(|f| f.1).sum();
        if wanted.large_heap > 0 && size as u64 >= wanted.large_heap {
            tell(ctx.engine, who, ctx.process, am!("large_heap"), |h| figures::list(h, &list));
        }
    }

    /// A process has to wait until a port takes its data.
    pub fn suspended(&self, engine: &Arc<Engine>, process: &Process, port: Term) {
        if let Some((who, wanted)) = self.get()
            && wanted.busy_port
            && who != process.pid()
        {
            tell(engine, who, process, am!("busy_port"), |_| port);
        }
    }

    /// Looks at the length of a time slice.
    pub fn sliced(
        &self,
        engine: &Arc<Engine>,
        process: &Process,
        time: Duration,
        from: Option<Frame>,
        to: Option<Frame>,
    ) {
        let Some((who, wanted)) = self.get() else { return };
        let ms = time.as_millis() as u64;
        if who == process.pid() || wanted.long_schedule == 0 || ms < wanted.long_schedule {
            return;
        }
        tell(engine, who, process, am!("long_schedule"), |h| {
            let parts =
                [(am!("timeout"), Term::small(ms as i64)), (am!("in"), place(h, from)), (am!("out"), place(h, to))];
            let parts: Vec<Term> = parts.iter().map(|&(k, v)| h.tuple(&[k, v])).collect();
            h.list(&parts)
        });
    }
}

fn place(h: &mut Heap, frame: Option<Frame>) -> Term {
    match frame {
        Some(f) => h.tuple(&[Term::atom(f.mfa.module), Term::atom(f.mfa.function), Term::small(f.mfa.arity as i64)]),
        None => am!("undefined"),
    }
}

/// `{monitor, Pid, What, Info}`
fn tell(engine: &Arc<Engine>, who: Term, process: &Process, what: Term, info: impl FnOnce(&mut Heap) -> Term) {
    let pid = process.pid();
    let message = Signal::built(SignalKind::Message, |h| {
        let info = info(h);
        h.tuple(&[am!("monitor"), pid, what, info])
    });
    engine.post(who, message);
}

/// What the system profiler wants to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Profiled {
    pub runnable_procs: bool,
    pub runnable_ports: bool,
    pub scheduler: bool,
    pub exclusive: bool,
    pub timestamp: Timestamp,
}

/// Who the system profiler is, and what it wants.
#[derive(Default)]
pub struct Profile {
    processes: AtomicBool,
    set: Mutex<Option<(Immediate, Profiled)>>,
}

impl Profile {
    pub fn get(&self) -> Option<(Term, Profiled)> {
        self.set.lock().map(|(who, profiled)| (who.term(), profiled))
    }

    /// Sets the profiler or, with none, ends profiling.
    pub fn set(&self, to: Option<(Immediate, Profiled)>) {
        *self.set.lock() = to;
        self.processes.store(to.is_some_and(|t| t.1.runnable_procs), Ordering::Relaxed);
    }

    /// The process that profiled has ended.
    pub fn ended(&self, process: &Process) {
        if self.get().is_some_and(|(who, _)| who == process.pid()) {
            self.set(None);
        }
    }

    #[inline]
    pub fn watches_processes(&self) -> bool {
        self.processes.load(Ordering::Relaxed)
    }

    /// A process that the caller owns has become runnable, or is about to wait.
    #[cold]
    pub fn process(&self, ctx: &Ctx<'_>, active: bool) {
        let Some((who, profiled)) = self.get() else { return };
        if who == ctx.process.pid() {
            return;
        }
        let mut heap = Heap::new(0);
        let frame = ctx.engine.runner().and_then(|r| r.frames(ctx.engine, ctx.data, &mut heap, 1).first().copied());
        let pid = ctx.process.pid();
        deliver(ctx.engine, who, |h| {
            let at = if frame.is_some() { place(h, frame) } else { Term::small(0) };
            let state = if active { am!("active") } else { am!("inactive") };
            let stamp = profiled.timestamp.term(ctx.engine, h).unwrap_or(Term::NIL);
            h.tuple(&[am!("profile"), pid, state, at, stamp])
        });
    }
}
