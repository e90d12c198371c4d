//! Sequential tracing (`seq_trace`): a token that a process passes on with every message it sends.
//!
//! The receiver of a message takes over its token; a message without one ends the receiver's. Each event that the
//! token's flags name is told to the system tracer, with serial numbers that tell which event follows which.
//!
//! All tokens can be ended at once (`reset_seq_trace`): each is of an era, and those of former ones are no tokens.

use super::flags::{Flags as TraceFlags, is_alive};
use super::message::{Timestamp, deliver};
use crate::engine::Engine;
use crate::engine::context::Ctx;
use crate::process::ProcessData;
pub use crate::process::token::{Origin, Sequence, Token};
use purlin_term::{Atom, Heap, RemotePid, Term, am};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Flags of a token, as `seq_trace:get_token(sequential_trace_token)` shows them.
pub const SEND: u32 = 1;
pub const RECEIVE: u32 = 2;
pub const PRINT: u32 = 4;
pub const NOW: u32 = 8;
pub const STRICT: u32 = 16;
pub const MONOTONIC: u32 = 32;

/// What the engine knows of sequential tracing.
#[derive(Default)]
pub struct Tracer {
    /// The system tracer: a pid or port as a raw term, or 0.
    tracer: AtomicU64,
    era: AtomicU64,
}

impl Tracer {
    /// Ends all tokens.
    pub fn reset(&self) {
        self.era.fetch_add(1, Ordering::AcqRel);
    }

    pub fn get(&self) -> Option<Term> {
        match self.tracer.load(Ordering::Acquire) {
            0 => None,
            // SAFETY: LIVE: it is the pid or port that was set.
            t => Some(unsafe { Term::from_raw(t) }),
        }
    }

    /// Sets it; the former one.
    pub fn set(&self, tracer: Option<Term>) -> Option<Term> {
        match self.tracer.swap(tracer.map_or(0, |t| t.raw()), Ordering::AcqRel) {
            0 => None,
            // SAFETY: LIVE: it is the pid or port that was set.
            t => Some(unsafe { Term::from_raw(t) }),
        }
    }
}

/// What a process knows of sequential tracing, made when there is nothing.
pub fn of<'a>(engine: &Engine, data: &'a mut ProcessData) -> &'a mut Sequence {
    let era = engine.tracing.sequential.era.load(Ordering::Acquire);
    let s = data.sequence.get_or_insert_default();
    if s.era != era {
        **s = Sequence { era, ..Sequence::default() };
    }
    s
}

/// A process's token.
pub fn token<'a>(engine: &Engine, data: &'a mut ProcessData) -> Option<&'a mut Token> {
    data.sequence.as_ref()?;
    of(engine, data).token.as_mut()
}

/// The token that came with a message of another node.
pub fn token_of(engine: &Engine, t: Term) -> Option<Token> {
    Token::of(t, engine.tracing.sequential.era.load(Ordering::Acquire))
}

/// The tracer, if it wants events of `of`.
fn tracer(engine: &Engine, of: Term) -> Option<Term> {
    let tracer = engine.tracing.sequential.get()?;
    (is_alive(engine, tracer) && tracer != of).then_some(tracer)
}

impl Token {
    /// Tells the system tracer of an event that the token's flags name. `of` is the process that it happens in.
    pub fn tell(&self, engine: &Arc<Engine>, event: u32, of: Term, sensitive: bool, to: Term, message: Term) {
        if self.flags & event == 0 || sensitive {
            return;
        }
        let Some(tracer) = tracer(engine, of) else { return };
        let name = match event {
            SEND => am!("send"),
            RECEIVE => am!("receive"),
            _ => am!("print"),
        };
        let mut stamp = TraceFlags::default();
        for (mine, flag) in
            [(NOW, TraceFlags::TIMESTAMP), (STRICT, TraceFlags::STRICT_MONOTONIC), (MONOTONIC, TraceFlags::MONOTONIC)]
        {
            if self.flags & mine != 0 {
                stamp = stamp.with(flag);
            }
        }
        let timestamp = Timestamp::of(engine, stamp);
        deliver(engine, tracer, |h| {
            let (label, from) = (self.label.copy_to(h), self.from.term(h));
            let serial = h.tuple(&[Term::small(self.last), Term::small(self.serial)]);
            let info = h.tuple(&[name, serial, from, to, message]);
            let mut parts = vec![am!("seq_trace"), label, info];
            parts.extend(timestamp.term(engine, h));
            h.tuple(&parts)
        });
    }
}

/// Numbers the next event of a process; its token then. Without a tracer that wants it, the numbers stay.
pub fn next(ctx: &mut Ctx<'_>) -> Option<Token> {
    let me = ctx.process.pid();
    let wanted = ctx.engine.tracing.sequential.get().is_none() || tracer(ctx.engine, me).is_some();
    ctx.data.sequence.as_ref()?;
    let s = of(ctx.engine, ctx.data);
    let token = s.token.as_mut()?;
    if wanted {
        s.clock += 1;
        (token.from, token.serial, token.last) = (Origin::Here(me), s.clock, s.last);
    }
    Some(token.clone())
}

/// The token to pass on with a message that a process sends; tells the tracer.
pub fn send(ctx: &mut Ctx<'_>, to: Term, message: Term) -> Option<Token> {
    let token = next(ctx)?;
    token.tell(ctx.engine, SEND, ctx.process.pid(), is_sensitive(ctx.data), to, message);
    Some(token)
}

/// The token to pass on when a process ends that is linked with one of another node; tells the tracer.
pub fn exit(ctx: &mut Ctx<'_>, to: RemotePid, reason: Term) -> Option<Token> {
    let token = next(ctx)?;
    let mut h = Heap::new(16);
    let to = to.term(&mut h);
    let signal = h.tuple(&[Term::atom(Atom::EXIT_TAG), ctx.process.pid(), reason]);
    token.tell(ctx.engine, SEND, ctx.process.pid(), is_sensitive(ctx.data), to, signal);
    Some(token)
}

/// A process has received a message with this token, or without one.
pub fn received(ctx: &mut Ctx<'_>, token: Option<Token>, message: Term) {
    let sensitive = is_sensitive(ctx.data);
    let s = of(ctx.engine, ctx.data);
    let Some(token) = token.filter(|t| t.era == s.era) else {
        s.token = None;
        return;
    };
    s.clock = s.clock.max(token.serial);
    s.last = token.serial;
    s.token = Some(token.clone());
    token.tell(ctx.engine, RECEIVE, ctx.process.pid(), sensitive, ctx.process.pid(), message);
}

/// Prints for a token's holder; false: there is no token.
pub fn print(ctx: &mut Ctx<'_>, message: Term) -> bool {
    let Some(token) = next(ctx) else { return false };
    token.tell(ctx.engine, PRINT, ctx.process.pid(), is_sensitive(ctx.data), Term::NIL, message);
    true
}

fn is_sensitive(data: &ProcessData) -> bool {
    data.flags.has(crate::process::Flags::SENSITIVE)
}
