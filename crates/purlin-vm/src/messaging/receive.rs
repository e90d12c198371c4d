//! What the receive instructions do: fetch signals, look at messages in turn, take one out, wait with a timeout.
//!
//! A message stays in its own block until it is received, and collection does not know of it; but the first message,
//! if it is a tuple of immediates, is moved to the heap when it is looked at. Between
//! [`peek`] and the next of [`advance`], [`remove`], [`timeout`] and the sleep, registers may hold parts of it. Who owns
//! what meanwhile is told in [`crate::process::mailbox`]'s part on looks.

use crate::clock::Time;
use crate::engine::Engine;
use crate::engine::context::Ctx;
use crate::process::signal::{Parcel, RefId};
use crate::process::{Process, ProcessData};
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
    begin(data);
    match look(data) {
        Some(t) => Peek::Message(t),
        None => fetch_and_peek(engine, process, data),
    }
}

/// Words on the stack.
fn depth(data: &ProcessData) -> usize {
    (data.heap.block.end() as usize - data.heap.end as usize) / 8
}

/// Whether a function that was called in a look at a message runs, which is still under way.
fn is_inside(data: &ProcessData) -> bool {
    data.mailbox.look().is_some_and(|frame| (frame as usize) < depth(data))
}

/// Before what a `receive` does first: when it runs inside a look, that is held until it ends. A look of the same
/// frame is another turn of the same `receive`, and one of a frame that is gone was left by code of no compiler.
#[inline]
fn begin(data: &mut ProcessData) {
    if is_inside(data) {
        let until = data.receive_until.take();
        data.mailbox.hold(&mut data.heap, until);
    }
}

/// The `receive` ends.
#[inline]
fn end(engine: &Engine, process: &Process, data: &mut ProcessData) {
    let around = data.mailbox.end_receive();
    end_wait(engine, process, data);
    if let Some(until) = around {
        data.receive_until = until;
    }
}

/// The message at the cursor.
fn look(data: &mut ProcessData) -> Option<Term> {
    data.mailbox.current()?;
    let heap = &mut data.heap;
    let room = heap.free_words().saturating_sub(STACK_RESERVE);
    // SAFETY: FRESH: these words are free.
    heap.top = heap.top.wrapping_add(unsafe { data.mailbox.move_first(heap.top, room) });
    let stack = depth(data);
    data.mailbox.begin_look(stack);
    data.mailbox.current()
}

fn fetch_and_peek(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData) -> Peek {
    data.mailbox.end_look();
    if !process.has_signals() && data.exit_reason.is_none() {
        return Peek::Empty;
    }
    if let Some(reason) = crate::messaging::inbox::fetch(engine, process, data) {
        return Peek::Exit(reason);
    }
    look(data).map_or(Peek::Empty, Peek::Message)
}

/// `loop_rec_end`: the message at the cursor did not match.
#[inline]
pub fn advance(data: &mut ProcessData) {
    data.mailbox.end_look();
    data.mailbox.advance();
}

/// `remove_message`: the message at the cursor matched; its terms are now part of the heap.
pub fn remove(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData) {
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
    end(engine, process, data);
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
    if process.trace.has(Flags::RECEIVE) {
        events::timeout(&mut Ctx { engine, process, data });
    }
    // One without clauses that does not wait has not begun.
    if !is_inside(data) {
        end(engine, process, data);
    }
}

/// Moves on behind all messages: what the next `receive` waits for has not been sent yet, and it will not time out.
pub fn await_next(data: &mut ProcessData) {
    if data.mailbox.look().is_some() {
        let until = data.receive_until.take();
        data.mailbox.hold(&mut data.heap, until);
    }
    data.mailbox.seek_end();
}

/// As if [`await_next`] had not been called.
pub fn await_nothing(ctx: &mut Ctx<'_>) {
    end(ctx.engine, ctx.process, ctx.data);
}

/// An exception goes to a handler at this place of the stack: the `receive`s of the frames inside it end.
#[inline]
pub fn unwind(engine: &Engine, process: &Process, data: &mut ProcessData, handler: *mut u64) {
    let handler = (data.heap.block.end() as usize - handler as usize) / 8;
    while data.mailbox.is_left_by(handler) {
        // The exception may hold parts of the message.
        data.mailbox.keep(&mut data.heap);
        end(engine, process, data);
    }
}

/// All frames go.
pub fn unwind_all(engine: &Engine, process: &Process, data: &mut ProcessData) {
    let bottom = data.heap.block.end();
    unwind(engine, process, data, bottom);
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
    begin(data);
    data.mailbox.end_look();
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
        _ => {
            end(engine, process, data);
            return Wait::BadTimeout;
        }
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
    engine.sched.timer_started();
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
        begin(data);
        data.mailbox.use_marker(r);
    }
}

fn marker_id(reference: Term) -> Option<RefId> {
    reference.as_local_ref()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::engine::Config;
    use crate::lifecycle::spawn::Spawn;

    /// Puts words on the stack, as calls do.
    fn call(data: &mut ProcessData, words: usize) {
        for _ in 0..words {
            data.heap.end = data.heap.end.wrapping_sub(1);
            // SAFETY: FRESH: a process begins with more words than the tests push.
            unsafe { *data.heap.end = Term::NIL.0 };
        }
    }

    fn back(data: &mut ProcessData, words: usize) {
        data.heap.end = data.heap.end.wrapping_add(words);
    }

    fn with(messages: i64, test: impl FnOnce(&Arc<Engine>, &Arc<Process>, &mut ProcessData)) {
        let engine = Engine::new(&[], Config { schedulers: 1, ..Config::from_env().unwrap() });
        let process = Spawn::new(Atom::OK, Atom::OK, &[]).create(&engine).unwrap();
        // SAFETY: OWNER: this thread made it and no scheduler runs.
        let data = unsafe { process.data() };
        let mut scratch = purlin_term::Heap::new(0);
        for i in 0..messages {
            let list = scratch.list(&[Term::small(i), Term::small(i)]);
            let message = scratch.tuple(&[Term::small(i), list]);
            crate::messaging::send::send(&engine, &process, process.pid(), message).unwrap();
        }
        test(&engine, &process, data);
    }

    fn number(peeked: Peek) -> Option<i64> {
        match peeked {
            Peek::Message(t) => Some(t.as_tuple().unwrap()[0].small_value()),
            _ => None,
        }
    }

    #[test]
    fn a_receive_in_what_a_look_calls_leaves_the_look_as_it_was() {
        with(3, |e, p, d| {
            call(d, 2);
            assert_eq!(number(peek(e, p, d)), Some(0));
            advance(d);
            assert!(wait_timeout(e, p, d, Term::small(1000)) == Wait::Sleep);
            let until = d.receive_until;
            assert_eq!(number(peek(e, p, d)), Some(1));
            assert_eq!(number(peek(e, p, d)), Some(1), "the same frame does not begin another receive");
            call(d, 3);
            assert_eq!(number(peek(e, p, d)), Some(0));
            advance(d);
            assert_eq!(number(peek(e, p, d)), Some(2), "what the look is at stays out of sight");
            remove(e, p, d);
            assert_eq!((d.mailbox.look(), d.receive_until), (Some(2), until));
            d.collect(&mut [], 0);
            for timeout_value in [Term::small(0), Term::NIL] {
                let decided = wait_timeout(e, p, d, timeout_value);
                if decided == Wait::TimedOut {
                    timeout(e, p, d);
                }
                assert_eq!((d.mailbox.look(), d.receive_until), (Some(2), until));
            }
            timeout(e, p, d);
            assert_eq!(d.mailbox.look(), Some(2), "a receive that neither looks nor waits ends nothing");
            back(d, 3);
            remove(e, p, d);
            assert_eq!((d.mailbox.look(), d.receive_until, d.mailbox.len()), (None, None, 1));
            assert_eq!(number(peek(e, p, d)), Some(0));
        });
    }

    #[test]
    fn an_exception_ends_the_receives_it_leaves_and_no_other() {
        with(3, |e, p, d| {
            call(d, 1);
            let outside = d.heap.end;
            call(d, 2);
            assert_eq!(number(peek(e, p, d)), Some(0));
            advance(d);
            assert!(wait_timeout(e, p, d, Term::small(1000)) == Wait::Sleep);
            let Peek::Message(message) = peek(e, p, d) else { panic!("there are three messages") };
            call(d, 2);
            let inside = d.heap.end;
            call(d, 2);
            assert_eq!(number(peek(e, p, d)), Some(0));
            unwind(e, p, d, inside);
            assert_eq!((d.mailbox.look(), d.mailbox.current()), (Some(3), Some(message)));
            unwind(e, p, d, inside);
            assert_eq!(d.mailbox.current(), Some(message), "a handler inside the look leaves it alone");
            d.heap.end = outside;
            unwind(e, p, d, outside);
            assert_eq!((d.mailbox.look(), d.receive_until), (None, None));
            // The exception held a part of the message.
            d.roots.push(message.as_tuple().unwrap()[1]);
            assert_eq!(number(peek(e, p, d)), Some(0));
            remove(e, p, d);
            d.collect(&mut [], 0);
            d.mailbox.clear();
            assert_eq!(d.roots[0].as_list().unwrap(), [Term::small(1); 2]);
        });
    }

    #[test]
    fn asking_another_process_in_a_look_leaves_the_look_as_it_was() {
        with(2, |e, p, d| {
            call(d, 1);
            assert_eq!(number(peek(e, p, d)), Some(0));
            await_next(d);
            assert_eq!(d.mailbox.current(), None);
            await_nothing(&mut Ctx { engine: e, process: p, data: d });
            assert_eq!(d.mailbox.look(), Some(1));
            await_next(d);
            let answer = Term::small(7);
            crate::messaging::send::send(e, p, p.pid(), answer).unwrap();
            call(d, 1);
            assert!(matches!(peek(e, p, d), Peek::Message(t) if t == answer));
            remove(e, p, d);
            back(d, 1);
            remove(e, p, d);
            assert_eq!(number(peek(e, p, d)), Some(1));
        });
    }
}
