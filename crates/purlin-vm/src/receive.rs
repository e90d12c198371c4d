//! What the receive instructions do: fetch signals, look at messages in turn, take one out, wait with a timeout.
//!
//! A message stays in its own block until it is received, and collection does not know of it; but the first message,
//! if it is a tuple of immediates, is moved to the heap when it is looked at. Between
//! [`peek`] and the next of [`advance`], [`remove`], [`timeout`] and the sleep, registers may hold parts of it:
//! `ProcessData::delay_collection` is set, and nothing may collect.

use crate::clock::Time;
use crate::engine::Engine;
use crate::native::Ctx;
use crate::process::{Process, ProcessData};
use crate::signal::{Parcel, RefId};
use crate::tracing::{Flags, events, sequential};
use purlin_term::heap::STACK_RESERVE;
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
    match look(data) {
        Some(t) => Peek::Message(t),
        None => fetch_and_peek(engine, process, data),
    }
}

/// The message at the cursor.
fn look(data: &mut ProcessData) -> Option<Term> {
    data.mailbox.current()?;
    let heap = &mut data.heap;
    let room = heap.free_words().saturating_sub(STACK_RESERVE);
    // SAFETY: FRESH: these words are free.
    heap.top = heap.top.wrapping_add(unsafe { data.mailbox.move_first(heap.top, room) });
    data.delay_collection = true;
    data.mailbox.current()
}

fn fetch_and_peek(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData) -> Peek {
    data.delay_collection = false;
    if !process.has_signals() && data.exit_reason.is_none() {
        return Peek::Empty;
    }
    if let Some(reason) = crate::handle::fetch(engine, process, data) {
        return Peek::Exit(reason);
    }
    look(data).map_or(Peek::Empty, Peek::Message)
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
    if let Some(mut signal) = data.mailbox.remove_current() {
        if signal.extra.is_some() || data.sequence.is_some() {
            let (message, extra) = (signal.term, signal.extra.take());
            adopt(data, signal);
            if !extra.as_ref().is_some_and(|e| e.keeps_token) {
                sequential::received(engine, process, data, extra.and_then(|e| e.token), message);
            }
        } else {
            adopt(data, signal);
        }
    }
    end_wait(engine, process, data);
}

/// Makes what a message points to part of the heap, where it is not yet.
#[inline(always)]
fn adopt(data: &mut ProcessData, signal: Parcel) {
    if signal.used() > 0 {
        data.heap.adopt(signal.into_fragment());
    }
}

/// `timeout`: the `receive` ends without a message.
pub fn timeout(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData) {
    data.delay_collection = false;
    if process.trace.has(Flags::RECEIVE) {
        events::timeout(&mut Ctx { engine, process, data });
    }
    data.mailbox.rewind();
    end_wait(engine, process, data);
}

#[inline]
fn end_wait(engine: &Engine, process: &Process, data: &mut ProcessData) {
    if data.receive_until.take().is_some() {
        // The timer is left to run, unless somebody would see that it wakes the process.
        let seen = process.trace.flags().any(Flags::TRACEE) || engine.clock.is_virtual();
        if let Some(timer) = data.wake_timer.take_if(|_| seen) {
            engine.timers.cancel_wake(timer);
        }
    }
}

/// `wait_timeout`: whether to sleep. The timer runs until the `receive` ends, over any number of sleeps.
pub fn wait_timeout(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData, timeout: Term) -> Wait {
    data.delay_collection = false;
    if let Some(until) = data.receive_until {
        if until == Time::MAX {
            return Wait::Sleep;
        }
        let now = engine.clock.now();
        return if now >= until { Wait::TimedOut } else { sleep_until(engine, process, data, now, until) };
    }
    if timeout.is(Atom::INFINITY) {
        // Noted, because the operand does not outlive the sleep.
        data.receive_until = Some(Time::MAX);
        return Wait::Sleep;
    }
    let ms = match timeout.as_small() {
        Some(ms) if (0..1 << 32).contains(&ms) => ms,
        _ => return Wait::BadTimeout,
    };
    if ms == 0 {
        return Wait::TimedOut;
    }
    let now = engine.clock.now();
    let until = now.saturating_add(ms * 1_000_000);
    data.receive_until = Some(until);
    sleep_until(engine, process, data, now, until)
}

/// Has a timer wake the process at a time or earlier.
fn sleep_until(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData, now: Time, until: Time) -> Wait {
    if let Some(timer) = data.wake_timer {
        if now < timer.at() && timer.at() <= until {
            return Wait::Sleep;
        }
        engine.timers.cancel_wake(timer);
    }
    data.wake_timer = Some(engine.timers.wake_at(until, process));
    engine.timer_started();
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
