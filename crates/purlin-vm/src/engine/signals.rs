//! Delivering signals: to the queue of a process, which is woken, or to a port.

use super::Engine;
use super::context::Ctx;
use super::libraries::RESOURCES;
use super::ports::PortSignal;
use crate::process::relation::Watcher;
use crate::process::signal::{Parcel, Signal, SignalKind, Target};
use crate::process::{Priority, Process};
use purlin_term::{Atom, Immediate, Term};
use std::sync::Arc;

impl Engine {
    /// Sends a signal; gives it back when the receiver has ended.
    #[inline]
    pub fn signal(self: &Arc<Engine>, to: &Arc<Process>, signal: Parcel) -> Result<(), Parcel> {
        if to.outer.push(signal)? {
            self.wake(to);
        }
        Ok(())
    }

    /// Sends a signal to the process with this number; gives it back when there is none.
    #[inline]
    pub fn signal_to(self: &Arc<Engine>, id: u64, signal: Parcel) -> Result<(), Parcel> {
        let mut signal = Some(signal);
        let sent = self.processes.with(id, |p| signal.take().map_or(Ok(()), |s| self.signal(p, s)));
        sent.unwrap_or_else(|| signal.map_or(Ok(()), Err))
    }

    /// Sends a signal to a local pid or port; when it has ended, who waits for something gets its answer.
    pub fn post(self: &Arc<Engine>, to: Term, signal: Parcel) {
        if let Some(id) = to.as_pid() {
            if let Err(signal) = self.signal_to(id, signal) {
                bounce(self, to, signal);
            }
        } else if let Some(port) = to.as_port() {
            self.post_to_port(to, port, signal);
        }
    }

    /// Sends signals to a process that sleeps such that it finds all of them when it wakes.
    pub fn post_together(self: &Arc<Engine>, to: Term, signals: Vec<Parcel>) {
        let Some(process) = to.as_pid().and_then(|id| self.process(id)) else {
            signals.into_iter().for_each(|signal| self.post(to, signal));
            return;
        };
        let mut sleeps = false;
        for signal in signals {
            match process.outer.push(signal) {
                Ok(first) => sleeps |= first,
                Err(signal) => bounce(self, to, signal),
            }
        }
        if sleeps {
            self.wake(&process);
        }
    }

    fn post_to_port(self: &Arc<Engine>, to: Term, port: u64, signal: Parcel) {
        match signal.kind {
            SignalKind::Exit { from, linked, .. } => {
                let reason = signal.term.as_tuple().map_or(Term::NIL, |t| t[2]);
                self.port_signal(port, PortSignal::Exit { from, linked, reason });
            }
            SignalKind::Unlink { from, id } => {
                self.port_signal(port, PortSignal::Unlink { from });
                self.post(from, Signal::bare(SignalKind::UnlinkAck { from: to, id }));
            }
            SignalKind::Demonitor { monitor } => {
                self.port_signal(port, PortSignal::Demonitor { monitor });
            }
            SignalKind::Down { monitor } if port == RESOURCES => {
                if let Some(libraries) = self.libraries() {
                    libraries.down(self, monitor);
                }
            }
            SignalKind::Down { monitor } => {
                self.port_signal(port, PortSignal::Down { monitor });
            }
            _ => {}
        }
    }

    /// Hands a signal to a port; false: there is no such port.
    pub fn port_signal(self: &Arc<Engine>, port: u64, signal: PortSignal) -> bool {
        self.ports.get().is_some_and(|p| p.signal(self, port, signal))
    }

    /// Whether commands to the port with this number have to wait: then the process is woken when they need not any more.
    pub fn port_is_busy(&self, port: u64, waiter: Immediate) -> bool {
        self.ports.get().is_some_and(|p| p.is_busy(self, port, waiter))
    }

    /// Makes a sleeping process runnable; false: it does not sleep.
    #[inline]
    pub fn wake(self: &Arc<Engine>, process: &Arc<Process>) -> bool {
        let woken = process.try_wake();
        if woken {
            if self.tracing.profile.watches_processes() {
                // SAFETY: OWNER: `try_wake` gave it to this thread.
                let data = unsafe { process.data() };
                self.tracing.profile.process(&Ctx { engine: self, process, data }, true);
            }
            // SAFETY: ASLEEP: whoever wakes a process takes over the count that its sleep has.
            self.sched.enqueue(unsafe { Arc::from_raw(Arc::as_ptr(process)) });
        }
        woken
    }

    /// Sends a signal that somebody of this priority waits for to be handled: until it is, the receiver is scheduled
    /// with at least this priority, so that who asks does not wait behind processes of lower priority. Gives the signal
    /// back when the receiver has ended.
    pub fn ask(self: &Arc<Engine>, to: &Arc<Process>, priority: Priority, question: Parcel) -> Result<(), Parcel> {
        self.signal(to, question)?;
        if priority < to.priority() && to.has_signals() {
            self.sched.elevate(to, priority);
        }
        Ok(())
    }

    /// As [`Engine::ask`]; who waits for an ended process gets its answer.
    pub fn post_question(self: &Arc<Engine>, to: Term, priority: Priority, question: Parcel) {
        let asked = match to.as_pid().and_then(|id| self.process(id)) {
            Some(p) => self.ask(&p, priority, question),
            None => Err(question),
        };
        if let Err(question) = asked {
            bounce(self, to, question);
        }
    }

    /// Tells a watcher of a port that the port is gone.
    pub fn port_down(self: &Arc<Engine>, port: Term, watcher: &Watcher, reason: Term) {
        self.post(watcher.watcher.term(), down_signal(self, port, watcher, Atom::PORT, reason));
    }
}

/// What becomes of a signal to a process that has ended: who waits for something gets its answer.
pub fn bounce(engine: &Arc<Engine>, to: Term, mut signal: Parcel) {
    match std::mem::replace(&mut signal.kind, SignalKind::Message) {
        SignalKind::Link { from } => {
            engine.post(from, Signal::exit(to, true, Term::atom(Atom::NOPROC)));
        }
        SignalKind::Unlink { from, id } => {
            engine.post(from, Signal::bare(SignalKind::UnlinkAck { from: to, id }));
        }
        SignalKind::Remote(remote) => super::nodes::bounce(engine, to, *remote),
        SignalKind::Monitor(w) => send_down(engine, to, &w, Term::atom(Atom::NOPROC)),
        SignalKind::Request(request) | SignalKind::Task(_, request) => request(engine, Target::Gone),
        _ => {}
    }
}

/// Sends `{'DOWN', Ref, process, Object, Reason}` for the ended process `me`.
pub fn send_down(engine: &Arc<Engine>, me: Term, w: &Watcher, reason: Term) {
    engine.post(w.watcher.term(), down_signal(engine, me, w, Atom::PROCESS, reason));
}

/// The signal that tells a watcher of the end of `item`, a process or port.
pub fn down_signal(engine: &Engine, item: Term, w: &Watcher, kind: Atom, reason: Term) -> Parcel {
    Signal::built(SignalKind::Down { monitor: w.monitor }, |h| {
        let reference = h.reference(w.monitor);
        let object = match w.name {
            Some(name) => h.tuple(&[Term::atom(name), Term::atom(engine.node())]),
            None => item,
        };
        h.tuple(&[Term::atom(Atom::DOWN), reference, Term::atom(kind), object, reason])
    })
}
