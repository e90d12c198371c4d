//! Trace messages: `{trace, Tracee, Event, Data... [, Result] [, SchedulerId]}`, or `{trace_ts, ..., Timestamp}`.

use super::flags::{Flags, Share, Tracee, is_alive};
use crate::engine::Engine;
use crate::engine::ports::PortSignal;
use crate::process::signal::{Signal, SignalKind};
use purlin_term::{Heap, Term, am, external};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// One event of a tracee.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    pub tracee: Term,
    /// The name of the event.
    pub name: Term,
    pub data: Term,
    /// A second datum (NONE: there is none).
    pub extra: Term,
    /// What the match specification gave (`true`: nothing).
    pub result: Term,
    pub tracer: Term,
    pub flags: &'a Flags,
}

/// Which timestamp a message has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timestamp {
    None,
    Now,
    Cpu,
    Strict,
    Monotonic,
}

impl Timestamp {
    /// The timestamp that flags ask for.
    pub fn of(engine: &Engine, flags: Flags) -> Timestamp {
        if flags.any(Flags::TIMESTAMP) {
            let cpu = engine.tracing.cpu_timestamps.load(Ordering::Relaxed);
            if cpu { Timestamp::Cpu } else { Timestamp::Now }
        } else if flags.any(Flags::STRICT_MONOTONIC) {
            Timestamp::Strict
        } else if flags.any(Flags::MONOTONIC) {
            Timestamp::Monotonic
        } else {
            Timestamp::None
        }
    }

    /// The timestamp's term for this moment.
    pub fn term(self, engine: &Engine, heap: &mut Heap) -> Option<Term> {
        let split = |heap: &mut Heap, micro: i64| {
            let parts = [micro / 1_000_000_000_000, micro / 1_000_000 % 1_000_000, micro % 1_000_000];
            heap.tuple(&parts.map(Term::small))
        };
        match self {
            Timestamp::None => None,
            Timestamp::Now => {
                let micro = engine.now_microseconds();
                Some(split(heap, micro))
            }
            Timestamp::Cpu => {
                let t = crate::clock::thread_cpu_nanoseconds();
                Some(split(heap, t / 1000))
            }
            Timestamp::Strict => {
                let parts = [heap.integer(engine.clock.now()), heap.integer(engine.next_monotonic_unique() as i64)];
                Some(heap.tuple(&parts))
            }
            Timestamp::Monotonic => Some(heap.integer(engine.clock.now())),
        }
    }
}

impl Event<'_> {
    /// Sends the message.
    pub fn send(self, engine: &Arc<Engine>) {
        let scheduler = self.flags.any(Flags::SCHEDULER_ID).then(|| engine.sched.current().map_or(0, |i| i + 1));
        let timestamp = Timestamp::of(engine, *self.flags);
        deliver(engine, self.tracer, |h| {
            let stamp = timestamp.term(engine, h);
            let tag = if stamp.is_some() { am!("trace_ts") } else { am!("trace") };
            let mut parts = vec![tag, self.tracee, self.name, self.data];
            if !self.extra.is_none() {
                parts.push(self.extra);
            }
            if self.result != am!("true") {
                parts.push(self.result);
            }
            parts.extend(scheduler.map(|i| Term::small(i as i64)));
            parts.extend(stamp);
            h.tuple(&parts)
        });
    }
}

/// Sends a tracer what `build` makes: a message, or for a port a command with the message in external format.
pub fn deliver(engine: &Arc<Engine>, tracer: Term, build: impl FnOnce(&mut Heap) -> Term) {
    if let Some(port) = tracer.as_port() {
        let mut heap = Heap::new(0);
        let message = build(&mut heap);
        if let Ok(bytes) = external::encode(message, &Default::default()) {
            let bytes = heap.binary(&bytes);
            engine.port_signal(port, PortSignal::Command(bytes));
        }
        return;
    }
    engine.post(tracer, Signal::built(SignalKind::Message, build));
}

/// Whom to tell of an event of the process `pid`, of what is traced of it the part `share`: nobody when the tracer or the
/// session has gone, or the tracer is the tracee. `own` says that the tracee itself runs this, so that a tracer that has
/// gone is forgotten.
pub fn enabled(engine: &Engine, pid: Term, tracee: &Tracee, share: &Share, own: bool) -> Option<Term> {
    let tracer = share.tracer()?;
    if !engine.tracing.is_alive(share.session) || !is_alive(engine, tracer) {
        if own {
            tracee.forget(share.session);
        }
        return None;
    }
    (tracer != pid).then_some(tracer)
}
