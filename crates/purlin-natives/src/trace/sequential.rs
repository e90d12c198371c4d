//! The natives of `seq_trace`: the calling process's token.

use purlin_term::{Owned, Term, am, compare};
use purlin_vm::native::OrBadarg;
use purlin_vm::process::{Process, ProcessData};
use purlin_vm::tracing::sequential::{self as seq, Sequence, Token};
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

fn sequence(data: &mut ProcessData) -> &mut Sequence {
    data.sequence.get_or_insert_default()
}

/// Changes a part of the token; what it was. The result lies in the heap of `c`.
pub fn set(c: &mut Ctx<'_>, key: Term, value: Term) -> Option<Term> {
    let (me, key) = (c.pid(), key.as_atom()?.name());
    if let (Some(bit), Some(on)) = (flag(key), value.as_bool()) {
        let token = sequence(c.data).token_or_new(me);
        let before = token.flags & bit != 0;
        token.flags = if on { token.flags | bit } else { token.flags & !bit };
        return Some(Term::bool(before));
    }
    match key {
        "label" => {
            let new = Arc::new(Owned::new(value));
            let before = std::mem::replace(&mut sequence(c.data).token_or_new(me).label, new);
            Some(before.copy_to(c.heap()))
        }
        "serial" => {
            let &[last, serial] = value.as_tuple()? else { return None };
            let (last, serial) = (last.as_small()?, serial.as_small()?);
            let s = sequence(c.data);
            let token = s.token_or_new(me);
            let before = [token.last, token.serial].map(Term::small);
            (token.last, token.serial) = (last, serial);
            (s.last, s.clock) = (last, serial);
            Some(c.heap().tuple(&before))
        }
        "sequential_trace_token" if value.is_nil() => {
            let before = c.data.sequence.as_mut().and_then(|s| s.token.take());
            Some(before.map_or(Term::NIL, |t| t.term(c.heap())))
        }
        _ => None,
    }
}

fn seq_trace(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    set(c, a[0], a[1]).or_badarg()
}

fn token(data: &ProcessData) -> Option<&Token> {
    data.sequence.as_ref()?.token.as_ref()
}

/// `{Item, Value}`, or `[]` for what a process without a token lacks.
pub fn info(c: &mut Ctx<'_>, item: Term) -> Option<Term> {
    let name = item.as_atom()?.name();
    let value = match (token(c.data).cloned(), flag(name)) {
        (Some(t), Some(bit)) => Term::bool(t.flags & bit != 0),
        (None, Some(_)) => Term::bool(false),
        (Some(t), None) if name == "label" => t.label.copy_to(c.heap()),
        (Some(t), None) if name == "serial" => c.heap().tuple(&[Term::small(t.last), Term::small(t.serial)]),
        (None, None) if name == "label" || name == "serial" => return Some(Term::NIL),
        _ => return None,
    };
    Some(c.heap().tuple(&[item, value]))
}

fn seq_trace_info(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    info(c, a[0]).or_badarg()
}

fn print(c: &mut Ctx<'_>, message: Term) -> NativeResult {
    Ok(Term::bool(seq::print(c.engine, c.process, c.data, message)))
}

fn seq_trace_print_1(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    print(c, a[0])
}

fn seq_trace_print_2(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    if !token(c.data).is_some_and(|t| compare::same(t.label.term(), a[0])) {
        return Ok(am!("false"));
    }
    print(c, a[1])
}

/// What a child takes over of its parent's token; the tracer is told of the spawn as of a message.
pub fn inherit(c: &mut Ctx<'_>) -> Option<Sequence> {
    let token = seq::next(c.engine, c.process, c.data)?;
    let clock = token.serial;
    Some(Sequence { token: Some(token), clock, last: clock })
}

/// Tells the tracer of a spawn: `request` is the message that it stands for.
pub fn tell_spawn(c: &mut Ctx<'_>, child: &Process, token: &Token, request: Term) {
    let sensitive = c.data.flags.has(purlin_vm::process::Flags::SENSITIVE);
    for event in [seq::SEND, seq::RECEIVE] {
        token.tell(c.engine, event, c.process.pid(), sensitive, child.pid(), request);
    }
}
