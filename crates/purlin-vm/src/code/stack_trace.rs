//! Stack traces: collecting return addresses when an exception is raised, and making frames of them when asked for.
//!
//! A raw trace is `{First, Addresses, Class}`: a list of frames made at once (the failing native's, the one with
//! arguments), a binary of code addresses, and the exception's class, by which `raise` goes on. A finished trace is a
//! list of frames.

use super::fixed::trace_frame;
use super::instr::Op;
use super::{Code, FnEntry};
use crate::process::escape::Class;
use purlin_term::boxed::Kind;
use purlin_term::{Atom, Heap, Term, am, map};

/// Return addresses, the innermost first.
pub type Addresses = smallvec::SmallVec<[u64; 10]>;

/// Collects up to `depth` return addresses from the stack words of `heap`, the innermost first; one that equals its
/// predecessor is left out.
pub fn addresses(heap: &Heap, first: Option<usize>, depth: usize) -> Addresses {
    let mut out = Addresses::new();
    out.extend(first.filter(|_| depth > 0).map(|a| a as u64));
    let mut last = first.unwrap_or(0);
    let (mut p, bottom) = (heap.end, heap.block.end());
    while p < bottom && out.len() < depth {
        // SAFETY: LIVE: `p` walks the stack's words.
        let w = unsafe { Term::from_raw(*p) };
        p = p.wrapping_add(1);
        let Some(a) = w.as_continuation() else { continue };
        if a != last && trace_frame(a).is_none() {
            out.push(a as u64);
            last = a;
        }
    }
    out
}

/// The raw trace of these frames and addresses.
pub fn raw(heap: &mut Heap, class: Class, frames: &[Term], addresses: &[u64]) -> Term {
    let first = heap.list(frames);
    // SAFETY: words are bytes, eight each.
    let bytes = unsafe { std::slice::from_raw_parts(addresses.as_ptr().cast::<u8>(), size_of_val(addresses)) };
    let rest = heap.binary(bytes);
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
pub fn finished(code: &Code, heap: &mut Heap, trace: Term) -> Term {
    let Some(&[first, rest, _]) = trace.as_tuple() else {
        return if trace.is_list() { trace } else { Term::NIL };
    };
    let bytes = rest.as_bits().map_or(&[][..], |b| b.data);
    let mut frames = Term::NIL;
    for a in bytes.rchunks_exact(8) {
        let address = a.try_into().map_or(0, usize::from_ne_bytes);
        let call = address.saturating_sub(size_of::<Op>());
        if let Some((entry, line)) = code.locate_line(call) {
            frames = with_frame(heap, entry, line, frames);
        }
    }
    match first.as_cons() {
        None => frames,
        Some((one, Term::NIL)) => heap.cons(one, frames),
        Some(_) => {
            let first: Vec<Term> = first.iter().collect();
            heap.list_with_tail(&first, frames)
        }
    }
}

/// Words that [`finished`] needs at most for the frames it makes of a trace.
pub fn words(trace: Term) -> usize {
    match trace.as_tuple() {
        Some(&[_, rest, _]) => 2 + rest.bit_size() / 64 * FRAME_WORDS,
        _ => 0,
    }
}

/// Words of a frame with its location, and of the list cell that holds it.
const FRAME_WORDS: usize = 17;

/// `[{Module, Function, Arity, Location} | Tail]`, all of it at once.
fn with_frame(heap: &mut Heap, entry: &FnEntry, line: Option<(Term, u32)>, tail: Term) -> Term {
    let (module, function) = (Term::atom(entry.mfa.module), Term::atom(entry.mfa.function));
    let arity = Term::small(entry.mfa.arity as i64);
    let Some((file, line)) = line else {
        let frame = heap.tuple(&[module, function, arity, Term::NIL]);
        return heap.cons(frame, tail);
    };
    let p = heap.alloc(FRAME_WORDS);
    let (frame, location, file_pair, line_pair) =
        (p.wrapping_add(2), p.wrapping_add(7), p.wrapping_add(11), p.wrapping_add(14));
    // SAFETY: LIVE: a header points nowhere.
    let header = |arity| unsafe { Term::from_raw(Kind::Tuple.header(arity)) };
    // SAFETY: LIVE: all objects are complete once the words are written, below.
    let boxed = |p: *mut u64| unsafe { Term::from_boxed(p) };
    // SAFETY: LIVE: as for `boxed`.
    let cons = |p: *mut u64| unsafe { Term::from_cons(p) };
    let words = [
        boxed(frame),
        tail,
        header(4),
        module,
        function,
        arity,
        cons(location),
        boxed(file_pair),
        cons(location.wrapping_add(2)),
        boxed(line_pair),
        Term::NIL,
        header(2),
        Term::atom(Atom::FILE),
        file,
        header(2),
        Term::atom(Atom::LINE),
        Term::small(line as i64),
    ];
    // SAFETY: FRESH: as many words as were allocated.
    unsafe { p.cast::<[Term; FRAME_WORDS]>().write(words) };
    // SAFETY: LIVE: the object at that place is complete.
    unsafe { Term::from_cons(p) }
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
        map::from_pairs(heap, &[(Term::atom(Atom::MODULE), errors)])
    } else {
        map::from_pairs(heap, &[(Term::atom(Atom::CAUSE), cause), (Term::atom(Atom::MODULE), errors)])
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
