//! Stack traces: collecting return addresses when an exception is raised, and making frames of them when asked for.
//!
//! A raw trace is `{First, Addresses, Class}`: a list of frames made at once (the failing native's, the one with
//! arguments), a binary of code addresses, and the exception's class, by which `raise` goes on. A finished trace is a
//! list of frames.

use crate::code::FnEntry;
use crate::code::instr::Op;
use crate::engine::Engine;
use crate::escape::Class;
use purlin_term::{Atom, Heap, Term, am};

/// Return addresses, the innermost first.
pub type Addresses = smallvec::SmallVec<[u64; 10]>;

/// Collects up to `depth` return addresses from the stack words of `heap`, the innermost first; one that equals its
/// predecessor is left out.
pub fn addresses(heap: &Heap, first: Option<usize>, depth: usize) -> Addresses {
    let mut out = Addresses::new();
    out.extend(first.map(|a| a as u64));
    let mut p = heap.end;
    while p < heap.block.end() && out.len() < depth {
        // SAFETY: LIVE: `p` walks the stack's words.
        let w = unsafe { Term(*p) };
        if let Some(a) = w.as_continuation()
            && out.last() != Some(&(a as u64))
            && super::breakpoint::trace_frame(a).is_none()
        {
            out.push(a as u64);
        }
        p = p.wrapping_add(1);
    }
    out
}

/// The raw trace of these frames and addresses.
pub fn raw(heap: &mut Heap, class: Class, frames: &[Term], addresses: &[u64]) -> Term {
    let first = heap.list(frames);
    let rest = heap.binary_with(addresses.len() * 8, |out| {
        for (o, a) in out.chunks_exact_mut(8).zip(addresses) {
            o.copy_from_slice(&a.to_le_bytes());
        }
    });
    heap.tuple(&[first, rest, class.atom()])
}

/// A raw trace as that of another class, so that raising it again keeps to the class it last had.
pub fn of_class(heap: &mut Heap, trace: Term, class: Class) -> Term {
    match trace.as_tuple() {
        Some(&[first, rest, former]) if former != class.atom() => heap.tuple(&[first, rest, class.atom()]),
        _ => trace,
    }
}

/// The list of frames of a trace, raw or not.
pub fn finished(engine: &Engine, heap: &mut Heap, trace: Term) -> Term {
    let Some(&[first, rest, _]) = trace.as_tuple() else {
        return if trace.is_list() { trace } else { Term::NIL };
    };
    let mut frames: Vec<Term> = first.iter().collect();
    let bytes = rest.as_bytes().unwrap_or_default();
    for a in bytes.chunks_exact(8) {
        let address = u64::from_le_bytes([a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]]) as usize;
        if let Some(f) = frame_at(engine, heap, address) {
            frames.push(f);
        }
    }
    heap.list(&frames)
}

/// The frame of a return address: the function and the line of the call before it.
pub fn frame_at(engine: &Engine, heap: &mut Heap, address: usize) -> Option<Term> {
    let (entry, index) = engine.code.locate(address.checked_sub(std::mem::size_of::<Op>())?)?;
    let location = location(heap, entry, index, Term::NIL);
    let arity = Term::small(entry.mfa.arity as i64);
    Some(frame(heap, entry, arity, location))
}

/// `{Module, Function, ArityOrArgs, Location}`.
pub fn frame(heap: &mut Heap, entry: &FnEntry, arity_or_args: Term, location: Term) -> Term {
    heap.tuple(&[Term::atom(entry.mfa.module), Term::atom(entry.mfa.function), arity_or_args, location])
}

/// `[{file, File}, {line, Line} | Tail]`, or just the tail where the line is not known.
pub fn location(heap: &mut Heap, entry: &FnEntry, index: usize, tail: Term) -> Term {
    let Some((file, line)) = entry.line(index) else { return tail };
    let file = heap.tuple(&[Term::atom(Atom::FILE), file]);
    let line = heap.tuple(&[Term::atom(Atom::LINE), Term::small(line as i64)]);
    heap.list_with_tail(&[file, line], tail)
}

/// `[{error_info, #{module => ErrorsModule [, cause => Cause]}}]`, or nil where no module explains the errors.
pub fn error_info(heap: &mut Heap, module: Atom, cause: Term) -> Term {
    let Some(errors) = errors_module(module) else { return Term::NIL };
    let map = if cause.is_none() {
        heap.flat_map(&[Term::atom(Atom::MODULE)], &[errors])
    } else {
        heap.flat_map(&[Term::atom(Atom::CAUSE), Term::atom(Atom::MODULE)], &[cause, errors])
    };
    info_list(heap, map)
}

/// `[{error_info, Map}]`.
pub fn info_list(heap: &mut Heap, map: Term) -> Term {
    let pair = heap.tuple(&[Term::atom(Atom::ERROR_INFO), map]);
    heap.list(&[pair])
}

/// The module that explains the errors of a module's natives, if any does.
fn errors_module(module: Atom) -> Option<Term> {
    Some(match module.name() {
        "atomics" | "counters" | "erlang" | "erts_internal" | "persistent_term" => am!("erl_erts_errors"),
        "binary" | "ets" | "lists" | "maps" | "math" | "re" | "unicode" => am!("erl_stdlib_errors"),
        "os" => am!("erl_kernel_errors"),
        _ => return None,
    })
}

/// A raw trace of a finished one, as `erlang:raise/3` gives it.
pub fn from_list(heap: &mut Heap, class: Class, list: Term) -> Term {
    let rest = heap.binary(&[]);
    heap.tuple(&[list, rest, class.atom()])
}

/// The class that a raw trace was made for.
pub fn class(trace: Term) -> Option<Term> {
    match trace.as_tuple() {
        Some(&[_, _, class]) => Some(class),
        _ => None,
    }
}
