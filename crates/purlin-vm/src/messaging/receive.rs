//! What the receive instructions do: fetch signals, look at messages in turn, take one out, wait with a timeout.
//!
//! A message stays in its own block until it is received, and collection does not know of it; but the first message,
//! if it is a tuple of immediates, is moved to the heap when it is looked at. Between
//! [`peek`] and the next of [`advance`], [`remove`], [`timeout`] and the sleep, registers may hold parts of it. Who owns
//! what meanwhile is told in [`crate::process::mailbox`]'s part on looks.

use crate::clock::Time;
use crate::engine::context::Ctx;
use crate::process::ProcessData;
use crate::process::signal::{Parcel, RefId};
use crate::tracing::{Flags, events, sequential};
use purlin_term::heap::STACK_RESERVE;
use purlin_term::{Atom, Term};

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
pub fn peek(ctx: &mut Ctx<'_>) -> Peek {
    begin(ctx.data);
    match look(ctx.data) {
        Some(t) => Peek::Message(t),
        None => fetch_and_peek(ctx),
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
fn end(ctx: &mut Ctx<'_>) {
    let around = ctx.data.mailbox.end_receive();
    end_wait(ctx);
    if let Some(until) = around {
        ctx.data.receive_until = until;
    }
}

/// The message at the cursor.
fn look(data: &mut ProcessData) -> Option<Term> {
    data.mailbox.current()?;
    let heap = &mut data.heap;
    let room = heap.free_words().saturating_sub(STACK_RESERVE);
    // SAFETY: FRESH: these words are free; as many as the message has are then complete.
    unsafe {
        let words = data.mailbox.move_first(heap.top, room);
        heap.spaces_mut().top = heap.top.wrapping_add(words);
    }
    let stack = depth(data);
    data.mailbox.begin_look(stack);
    data.mailbox.current()
}

fn fetch_and_peek(ctx: &mut Ctx<'_>) -> Peek {
    ctx.data.mailbox.end_look();
    if !ctx.process.has_signals() && ctx.data.exit_reason.is_none() {
        return Peek::Empty;
    }
    if let Some(reason) = crate::messaging::inbox::fetch(ctx) {
        return Peek::Exit(reason);
    }
    look(ctx.data).map_or(Peek::Empty, Peek::Message)
}

/// `loop_rec_end`: the message at the cursor did not match.
#[inline]
pub fn advance(data: &mut ProcessData) {
    data.mailbox.end_look();
    data.mailbox.advance();
}

/// `remove_message`: the message at the cursor matched; its terms are now part of the heap.
pub fn remove(ctx: &mut Ctx<'_>) {
    if let Some(mut signal) = ctx.data.mailbox.remove_current() {
        if signal.extra.is_some() || ctx.data.sequence.is_some() {
            let (message, extra) = (signal.term, signal.extra.take());
            adopt(ctx.data, signal);
            if !extra.as_ref().is_some_and(|e| e.keeps_token) {
                sequential::received(ctx, extra.and_then(|e| e.token), message);
            }
        } else {
            adopt(ctx.data, signal);
        }
    }
    end(ctx);
}

/// Makes what a message points to part of the heap, where it is not yet.
#[inline(always)]
fn adopt(data: &mut ProcessData, signal: Parcel) {
    if signal.used() > 0 {
        data.heap.adopt(signal.into_fragment());
    }
}

/// `timeout`: the `receive` ends without a message.
pub fn timeout(ctx: &mut Ctx<'_>) {
    if ctx.process.trace.has(Flags::RECEIVE) {
        events::timeout(ctx);
    }
    // One without clauses that does not wait has not begun.
    if !is_inside(ctx.data) {
        end(ctx);
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
    end(ctx);
}

/// An exception goes to a handler at this place of the stack: the `receive`s of the frames inside it end.
#[inline]
pub fn unwind(ctx: &mut Ctx<'_>, handler: *mut u64) {
    let handler = (ctx.data.heap.block.end() as usize - handler as usize) / 8;
    while ctx.data.mailbox.is_left_by(handler) {
        // The exception may hold parts of the message.
        ctx.data.mailbox.keep(&mut ctx.data.heap);
        end(ctx);
    }
}

/// All frames go.
pub fn unwind_all(ctx: &mut Ctx<'_>) {
    let bottom = ctx.data.heap.block.end();
    unwind(ctx, bottom);
}

#[inline]
fn end_wait(ctx: &mut Ctx<'_>) {
    if ctx.data.receive_until.take().is_some() {
        // The timer is left to run, unless somebody would see that it wakes the process.
        let seen = ctx.process.trace.flags().any(Flags::TRACEE) || ctx.engine.clock.is_virtual();
        if let Some(timer) = ctx.data.wake_timer.take_if(|_| seen) {
            ctx.engine.timers.cancel_wake(timer);
        }
    }
}

/// `wait_timeout`: whether to sleep. The timer runs until the `receive` ends, over any number of sleeps.
pub fn wait_timeout(ctx: &mut Ctx<'_>, timeout: Term) -> Wait {
    begin(ctx.data);
    ctx.data.mailbox.end_look();
    if let Some(until) = ctx.data.receive_until {
        if until == Time::MAX {
            return Wait::Sleep;
        }
        let now = ctx.engine.clock.now();
        return if now >= until { Wait::TimedOut } else { sleep_until(ctx, now, until) };
    }
    if timeout.is(Atom::INFINITY) {
        // Noted, because the operand does not outlive the sleep.
        ctx.data.receive_until = Some(Time::MAX);
        return Wait::Sleep;
    }
    let ms = match timeout.as_small() {
        Some(ms) if (0..1 << 32).contains(&ms) => ms,
        _ => {
            end(ctx);
            return Wait::BadTimeout;
        }
    };
    if ms == 0 {
        return Wait::TimedOut;
    }
    let now = ctx.engine.clock.now();
    let until = now.saturating_add(ms * 1_000_000);
    ctx.data.receive_until = Some(until);
    sleep_until(ctx, now, until)
}

/// Has a timer wake the process at a time or earlier.
fn sleep_until(ctx: &mut Ctx<'_>, now: Time, until: Time) -> Wait {
    if let Some(timer) = ctx.data.wake_timer {
        if now < timer.at() && timer.at() <= until {
            return Wait::Sleep;
        }
        ctx.engine.timers.cancel_wake(timer);
    }
    ctx.data.wake_timer = Some(ctx.engine.timers.wake_at(until, ctx.process));
    ctx.engine.sched.timer_started();
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
    use crate::engine::{Config, Engine};
    use crate::lifecycle::spawn::Spawn;

    /// Puts words on the stack, as calls do.
    fn call(data: &mut ProcessData, words: usize) {
        for _ in 0..words {
            // SAFETY: FRESH: a process begins with more words than the tests push.
            unsafe {
                data.heap.spaces_mut().end = data.heap.end.wrapping_sub(1);
                *data.heap.end = Term::NIL.raw();
            }
        }
    }

    fn back(data: &mut ProcessData, words: usize) {
        // SAFETY: LIVE: as many words were pushed.
        unsafe { data.heap.spaces_mut() }.end = data.heap.end.wrapping_add(words);
    }

    fn with(messages: i64, test: impl FnOnce(&mut Ctx<'_>)) {
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
        test(&mut Ctx { engine: &engine, process: &process, data });
    }

    fn number(peeked: Peek) -> Option<i64> {
        match peeked {
            Peek::Message(t) => Some(t.as_tuple().unwrap()[0].small_value()),
            _ => None,
        }
    }

    #[test]
    fn a_receive_in_what_a_look_calls_leaves_the_look_as_it_was() {
        with(3, |ctx| {
            call(ctx.data, 2);
            assert_eq!(number(peek(ctx)), Some(0));
            advance(ctx.data);
            assert!(wait_timeout(ctx, Term::small(1000)) == Wait::Sleep);
            let until = ctx.data.receive_until;
            assert_eq!(number(peek(ctx)), Some(1));
            assert_eq!(number(peek(ctx)), Some(1), "the same frame does not begin another receive");
            call(ctx.data, 3);
            assert_eq!(number(peek(ctx)), Some(0));
            advance(ctx.data);
            assert_eq!(number(peek(ctx)), Some(2), "what the look is at stays out of sight");
            remove(ctx);
            assert_eq!((ctx.data.mailbox.look(), ctx.data.receive_until), (Some(2), until));
            ctx.data.collect(&mut [], 0);
            for timeout_value in [Term::small(0), Term::NIL] {
                let decided = wait_timeout(ctx, timeout_value);
                if decided == Wait::TimedOut {
                    timeout(ctx);
                }
                assert_eq!((ctx.data.mailbox.look(), ctx.data.receive_until), (Some(2), until));
            }
            timeout(ctx);
            assert_eq!(ctx.data.mailbox.look(), Some(2), "a receive that neither looks nor waits ends nothing");
            back(ctx.data, 3);
            remove(ctx);
            assert_eq!((ctx.data.mailbox.look(), ctx.data.receive_until, ctx.data.mailbox.len()), (None, None, 1));
            assert_eq!(number(peek(ctx)), Some(0));
        });
    }

    #[test]
    fn an_exception_ends_the_receives_it_leaves_and_no_other() {
        with(3, |ctx| {
            call(ctx.data, 1);
            let outside = ctx.data.heap.end;
            call(ctx.data, 2);
            assert_eq!(number(peek(ctx)), Some(0));
            advance(ctx.data);
            assert!(wait_timeout(ctx, Term::small(1000)) == Wait::Sleep);
            let Peek::Message(message) = peek(ctx) else { panic!("there are three messages") };
            call(ctx.data, 2);
            let inside = ctx.data.heap.end;
            call(ctx.data, 2);
            assert_eq!(number(peek(ctx)), Some(0));
            unwind(ctx, inside);
            assert_eq!((ctx.data.mailbox.look(), ctx.data.mailbox.current()), (Some(3), Some(message)));
            unwind(ctx, inside);
            assert_eq!(ctx.data.mailbox.current(), Some(message), "a handler inside the look leaves it alone");
            // SAFETY: LIVE: the stack once ended there.
            unsafe { ctx.data.heap.spaces_mut() }.end = outside;
            unwind(ctx, outside);
            assert_eq!((ctx.data.mailbox.look(), ctx.data.receive_until), (None, None));
            // The exception held a part of the message.
            ctx.data.roots.push(message.as_tuple().unwrap()[1]);
            assert_eq!(number(peek(ctx)), Some(0));
            remove(ctx);
            ctx.data.collect(&mut [], 0);
            ctx.data.mailbox.clear();
            assert_eq!(ctx.data.roots[0].as_list().unwrap(), [Term::small(1); 2]);
        });
    }

    #[test]
    fn asking_another_process_in_a_look_leaves_the_look_as_it_was() {
        with(2, |ctx| {
            call(ctx.data, 1);
            assert_eq!(number(peek(ctx)), Some(0));
            await_next(ctx.data);
            assert_eq!(ctx.data.mailbox.current(), None);
            await_nothing(ctx);
            assert_eq!(ctx.data.mailbox.look(), Some(1));
            await_next(ctx.data);
            let answer = Term::small(7);
            crate::messaging::send::send(ctx.engine, ctx.process, ctx.process.pid(), answer).unwrap();
            call(ctx.data, 1);
            assert!(matches!(peek(ctx), Peek::Message(t) if t == answer));
            remove(ctx);
            back(ctx.data, 1);
            remove(ctx);
            assert_eq!(number(peek(ctx)), Some(1));
        });
    }
}
