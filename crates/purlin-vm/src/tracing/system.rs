//! The system monitors of sessions, which are told of processes that behave badly, and the system profiler, which is told
//! when processes become runnable or wait.

use super::SessionId;
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

/// Who one session's system monitor is, and what it wants.
#[derive(Clone, Copy)]
struct Monitoring {
    session: SessionId,
    who: Immediate,
    wanted: Wanted,
    /// Which setting this is: queues are found too long by one of them.
    number: u64,
}

/// The system monitors, one for each session that has any.
#[derive(Default)]
pub struct Monitor {
    heaps: AtomicBool,
    slices: AtomicBool,
    queues: AtomicBool,
    /// How often a monitor was set.
    settings: AtomicU64,
    set: Mutex<Vec<Monitoring>>,
    /// Milliseconds that collections sleep, for tests.
    pub gc_sleep: AtomicU64,
}

impl Monitor {
    /// The monitor of a session.
    pub fn get(&self, session: SessionId) -> Option<(Term, Wanted)> {
        self.set.lock().iter().find(|m| m.session == session).map(|m| (m.who.term(), m.wanted))
    }

    /// Sets the monitor of a session or, with none, ends its monitoring.
    pub fn set(&self, session: SessionId, to: Option<(Immediate, Wanted)>) {
        let number = self.settings.fetch_add(1, Ordering::Relaxed) + 1;
        self.change(|all| {
            all.retain(|m| m.session != session);
            all.extend(to.map(|(who, wanted)| Monitoring { session, who, wanted, number }));
        });
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Monitoring>)) {
        let mut all = self.set.lock();
        change(&mut all);
        let any = |wants: fn(&Wanted) -> bool| all.iter().any(|m| wants(&m.wanted));
        self.heaps.store(any(|w| w.long_gc > 0 || w.large_heap > 0), Ordering::Relaxed);
        self.slices.store(any(|w| w.long_schedule > 0), Ordering::Relaxed);
        self.queues.store(any(|w| w.long_queue.is_some()), Ordering::Relaxed);
    }

    /// A process that may have monitored has ended.
    pub fn ended(&self, process: &Process) {
        if self.set.lock().iter().any(|m| m.who.term() == process.pid()) {
            self.change(|all| all.retain(|m| m.who.term() != process.pid()));
        }
    }

    /// Those who want to know of this process.
    fn of(&self, process: &Process) -> Vec<Monitoring> {
        self.set.lock().iter().filter(|m| m.who.term() != process.pid()).copied().collect()
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
        let len = ctx.data.mailbox.len();
        for m in self.of(ctx.process) {
            let Some((short, long)) = m.wanted.long_queue else { continue };
            let was_long = ctx.data.rare().is_some_and(|r| r.long_queues.contains(&m.number));
            let is_long = if was_long { len > short } else { len >= long };
            if is_long != was_long {
                let known = &mut ctx.data.rare_mut().long_queues;
                known.retain(|&n| n != m.number);
                known.extend(is_long.then_some(m.number));
                tell(ctx.engine, m.who.term(), ctx.process, am!("long_message_queue"), |_| Term::bool(is_long));
            }
        }
    }

    /// Looks at a heap after a collection.
    pub(super) fn collected(&self, ctx: &Ctx<'_>, time: Duration) {
        let all = figures::of(ctx.data);
        let names = ["old_heap_block_size", "heap_block_size", "mbuf_size", "stack_size", "old_heap_size", "heap_size"];
        let of = |name: &str| all.iter().copied().find(|f| f.0.as_atom().is_some_and(|a| a.name() == name));
        let list: Vec<(Term, usize)> = names.iter().filter_map(|n| of(n)).collect();
        let ms = time.as_millis() as u64;
        // The blocks of both generations.
        let size: usize = list.iter().take(2).map(|f| f.1).sum();
        for Monitoring { who, wanted, .. } in self.of(ctx.process) {
            if wanted.long_gc > 0 && ms >= wanted.long_gc {
                let mut with_time = vec![(am!("timeout"), ms as usize)];
                with_time.extend(&list);
                tell(ctx.engine, who.term(), ctx.process, am!("long_gc"), |h| figures::list(h, &with_time));
            }
            if wanted.large_heap > 0 && size as u64 >= wanted.large_heap {
                tell(ctx.engine, who.term(), ctx.process, am!("large_heap"), |h| figures::list(h, &list));
            }
        }
    }

    /// A process has to wait until a port takes its data.
    pub fn suspended(&self, engine: &Arc<Engine>, process: &Process, port: Term) {
        for m in self.of(process).iter().filter(|m| m.wanted.busy_port) {
            tell(engine, m.who.term(), process, am!("busy_port"), |_| port);
        }
    }

    /// A process has to wait until a connection with another node takes its message.
    pub fn suspended_by_node(&self, engine: &Arc<Engine>, process: &Process, channel: Term) {
        for m in self.of(process).iter().filter(|m| m.wanted.busy_dist_port) {
            tell(engine, m.who.term(), process, am!("busy_dist_port"), |_| channel);
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
        let ms = time.as_millis() as u64;
        for Monitoring { who, wanted, .. } in self.of(process) {
            if wanted.long_schedule == 0 || ms < wanted.long_schedule {
                continue;
            }
            tell(engine, who.term(), process, am!("long_schedule"), |h| {
                let parts =
                    [(am!("timeout"), Term::small(ms as i64)), (am!("in"), place(h, from)), (am!("out"), place(h, to))];
                let parts: Vec<Term> = parts.iter().map(|&(k, v)| h.tuple(&[k, v])).collect();
                h.list(&parts)
            });
        }
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
