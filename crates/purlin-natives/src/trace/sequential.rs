//! The natives of `seq_trace`: the calling process's token.

use purlin_term::{Owned, Term, am, compare};
use purlin_vm::native::OrBadarg;
use purlin_vm::tracing::sequential::{self as seq, Token};
use purlin_vm::{Ctx, Native, NativeResult};
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "seq_trace", 2, seq_trace),
    Native::plain("erlang", "seq_trace_info", 1, seq_trace_info),
    Native::plain("erlang", "seq_trace_print", 1, seq_trace_print_1),
    Native::plain("erlang", "seq_trace_print", 2, seq_trace_print_2),
];

fn flag(key: &str) -> Option<u32> {
    Some(match key {
        "send" => seq::SEND,
        "receive" => seq::RECEIVE,
        "print" => seq::PRINT,
        "timestamp" => seq::NOW,
        "strict_monotonic_timestamp" => seq::STRICT,
        "monotonic_timestamp" => seq::MONOTONIC,
        _ => return None,
    })
}

/// Changes a part of the token; what it was. The result lies in the heap of `ctx`.
pub fn set(ctx: &mut Ctx<'_>, key: Term, value: Term) -> Option<Term> {
    let (me, key) = (ctx.pid(), key.as_atom()?.name());
    if let (Some(bit), Some(on)) = (flag(key), value.as_bool()) {
        let token = seq::of(ctx.engine, ctx.data).token_or_new(me);
        let before = token.flags & bit != 0;
        token.flags = if on { token.flags | bit } else { token.flags & !bit };
        return Some(Term::bool(before));
    }
    match key {
        "label" => {
            let new = Arc::new(Owned::new(value));
            let before = std::mem::replace(&mut seq::of(ctx.engine, ctx.data).token_or_new(me).label, new);
            Some(before.copy_to(ctx.heap()))
        }
        "serial" => {
            let &[last, serial] = value.as_tuple()? else { return None };
            let (last, serial) = (last.as_small()?, serial.as_small()?);
            let s = seq::of(ctx.engine, ctx.data);
            let token = s.token_or_new(me);
            let before = [token.last, token.serial].map(Term::small);
            (token.last, token.serial) = (last, serial);
            (s.last, s.clock) = (last, serial);
            Some(ctx.heap().tuple(&before))
        }
        "sequential_trace_token" if value.is_nil() => {
            let before = seq::of(ctx.engine, ctx.data).token.take();
            Some(before.map_or(Term::NIL, |t| t.term(ctx.heap())))
        }
        _ => None,
    }
}

fn seq_trace(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    set(ctx, args[0], args[1]).or_badarg()
}

/// `{Item, Value}`, or `[]` for what a process without a token lacks.
pub fn info(ctx: &mut Ctx<'_>, item: Term) -> Option<Term> {
    let name = item.as_atom()?.name();
    let value = match (seq::token(ctx.engine, ctx.data).cloned(), flag(name)) {
        (Some(t), Some(bit)) => Term::bool(t.flags & bit != 0),
        (None, Some(_)) => Term::bool(false),
        (Some(t), None) if name == "label" => t.label.copy_to(ctx.heap()),
        (Some(t), None) if name == "serial" => ctx.heap().tuple(&[Term::small(t.last), Term::small(t.serial)]),
        (None, None) if name == "label" || name == "serial" => return Some(Term::NIL),
        _ => return None,
    };
    Some(ctx.heap().tuple(&[item, value]))
}

fn seq_trace_info(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    info(ctx, args[0]).or_badarg()
}

fn print(ctx: &mut Ctx<'_>, message: Term) -> NativeResult {
    Ok(Term::bool(seq::print(ctx, message)))
}

fn seq_trace_print_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    print(ctx, args[0])
}

fn seq_trace_print_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if !seq::token(ctx.engine, ctx.data).is_some_and(|t| compare::same(t.label.term(), args[0])) {
        return Ok(am!("false"));
    }
    print(ctx, args[1])
}

/// The token that a spawn passes on, as a message would.
pub fn of_spawn(ctx: &mut Ctx<'_>) -> Option<Token> {
    seq::next(ctx)
}

/// Tells the tracer of a spawn as of two messages: the request to the child and, unless that is a real message, the
/// child's answer.
pub fn tell_spawn(ctx: &mut Ctx<'_>, child: Term, token: &Token, request: Term, answer: Term, real: bool) -> Token {
    let (engine, me) = (ctx.engine, ctx.pid());
    let sensitive = ctx.data.flags.has(purlin_vm::process::Flags::SENSITIVE);
    token.tell(engine, seq::SEND, me, sensitive, child, request);
    token.tell(engine, seq::RECEIVE, me, sensitive, child, request);
    let answered = token.answered(child);
    answered.tell(engine, seq::SEND, me, sensitive, me, answer);
    if !real {
        answered.tell(engine, seq::RECEIVE, me, sensitive, me, answer);
        let s = seq::of(engine, ctx.data);
        (s.last, s.clock) = (answered.serial, answered.serial);
    }
    answered
}
