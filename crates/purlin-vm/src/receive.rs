//! What the receive instructions do: fetch signals, look at messages in turn, take one out, wait with a timeout.
//!
//! A message stays in its own fragment until it is received, and collection does not know of it. Between
//! [`peek`] and the next of [`advance`], [`remove`], [`timeout`] and the sleep, registers may hold parts of it:
//! `ProcessData::delay_collection` is set, and nothing may collect.

use crate::engine::Engine;
use crate::native::Ctx;
use crate::process::{Process, ProcessData};
use crate::signal::RefId;
use crate::timer::Deadline;
use crate::tracing::{Flags, events, sequential};
use purlin_term::{Atom, Term};
use std::sync::Arc;

/// What [`peek`] found.
#[derive(Clone, Copy, Debug)]
pub enum Peek {
    /// The message at the cursor.
    Message(Term),
    /// No message that this `receive` has not looked at: go to the wait instruction.
    Empty,
    /// An exit signal arrived: the process has to end with this reason.
    Exit(Term),
}

/// What [`wait_timeout`] decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// Sleep; afterwards look at the messages again, from where this `receive` left off.
    Sleep,
    /// The time is over: go on behind the wait instruction.
    TimedOut,
    /// The timeout is no valid value: raise `error:timeout_value`.
    BadTimeout,
}

/// `loop_rec`: the next message.
#[inline]
pub fn peek(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData) -> Peek {
    if let Some(t) = data.mailbox.current() {
        data.delay_collection = true;
        return Peek::Message(t);
    }
    fetch_and_peek(engine, process, data)
}

fn fetch_and_peek(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData) -> Peek {
    data.delay_collection = false;
    if let Some(reason) = crate::handle::fetch(engine, process, data) {
        return Peek::Exit(reason);
    }
    match data.mailbox.current() {
        Some(t) => {
            data.delay_collection = true;
            Peek::Message(t)
        }
        None => Peek::Empty,
    }
}

/// `loop_rec_end`: the message at the cursor did not match.
#[inline]
pub fn advance(data: &mut ProcessData) {
    data.delay_collection = false;
    data.mailbox.advance();
}

/// `remove_message`: the message at the cursor matched; its terms are now part of the heap.
pub fn remove(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData) {
    data.delay_collection = false;
    if let Some((message, fragment, extra)) = data.mailbox.remove_current() {
        if fragment.used > 0 {
            data.heap.adopt(fragment);
        }
        if (extra.is_some() || data.sequence.is_some()) && !extra.as_ref().is_some_and(|e| e.keeps_token) {
            sequential::received(engine, process, data, extra.and_then(|e| e.token), message);
        }
    }
    end_wait(engine, data);
}

/// `timeout`: the `receive` ends without a message.
pub fn timeout(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData) {
    data.delay_collection = false;
    if process.trace.has(Flags::RECEIVE) {
        events::timeout(&mut Ctx { engine, process, data });
    }
    data.mailbox.rewind();
    end_wait(engine, data);
}

fn end_wait(engine: &Engine, data: &mut ProcessData) {
    if let Some(deadline) = data.receive_timer.take() {
        engine.timers.cancel_wake(deadline);
    }
}

/// `wait_timeout`: whether to sleep. The timer runs until the `receive` ends, over any number of sleeps.
pub fn wait_timeout(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData, timeout: Term) -> Wait {
    data.delay_collection = false;
    if let Some(deadline) = data.receive_timer {
        return if engine.clock.now() >= deadline.at() { Wait::TimedOut } else { Wait::Sleep };
    }
    if timeout.is(Atom::INFINITY) {
        // Noted, because the operand does not outlive the sleep.
        data.receive_timer = Some(Deadline::NEVER);
        return Wait::Sleep;
    }
    let ms = match timeout.as_small() {
        Some(ms) if (0..1 << 32).contains(&ms) => ms as u64,
        _ => return Wait::BadTimeout,
    };
    if ms == 0 {
        return Wait::TimedOut;
    }
    let deadline: Deadline = engine.timers.wake_after(&engine.clock, ms, process);
    engine.timer_started();
    data.receive_timer = Some(deadline);
    Wait::Sleep
}

/// `recv_marker_reserve`: the marker, as a term to hold in a register.
pub fn marker_reserve(data: &mut ProcessData) -> Term {
    Term::small(data.mailbox.marker() as i64)
}

/// `recv_marker_bind`. Anything but a marker and a reference changes nothing.
pub fn marker_bind(data: &mut ProcessData, marker: Term, reference: Term) {
    if let (Some(m), Some(r)) = (marker.as_usize(), marker_id(reference)) {
        data.mailbox.bind_marker(m as u64, r);
    }
}

/// `recv_marker_clear`.
pub fn marker_clear(data: &mut ProcessData, reference: Term) {
    if let Some(r) = marker_id(reference) {
        data.mailbox.clear_marker(r);
    }
}

/// `recv_marker_use`.
pub fn marker_use(data: &mut ProcessData, reference: Term) {
    if let Some(r) = marker_id(reference) {
        data.mailbox.use_marker(r);
    }
}

fn marker_id(reference: Term) -> Option<RefId> {
    reference.as_local_ref()
}
