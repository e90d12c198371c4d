//! The `unicode` module's natives: character data in UTF-8 or Latin-1 to a UTF-8 binary or a list.
//!
//! Other encodings continue in the Erlang part of the module. Where conversion stops, the result names what was
//! converted and what is left, in the shape of the input: the rest of the innermost list, nested as it was.

use crate::loop_limit::Loop;
use purlin_term::{Heap, Term, am};
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use smallvec::SmallVec;

pub const NATIVES: &[Native] = &[
    Native::plain("unicode", "characters_to_binary", 2, characters_to_binary),
    Native::plain("unicode", "characters_to_list", 2, characters_to_list),
    Native::plain("unicode", "bin_is_7bit", 1, bin_is_7bit),
];

/// Characters converted for one reduction.
const CHARS_PER_REDUCTION: usize = 10;
/// The weight of character data converted for one reduction.
const WEIGHT_PER_REDUCTION: usize = 8;
/// Bytes only looked at for one reduction.
const BYTES_PER_REDUCTION: usize = 250;

/// How a conversion ended.
#[derive(Clone, Copy, PartialEq, Debug)]
enum End {
    Done,
    /// Here is something that is no character.
    Error(Term),
    /// The data ends within a character whose first bytes are these.
    Incomplete(Term),
}

/// Whether an encoding argument names Latin-1 (true) or UTF-8 (false).
fn is_latin1(encoding: Term) -> Option<bool> {
    if encoding == am!("latin1") {
        Some(true)
    } else {
        (encoding == am!("unicode") || encoding == am!("utf8")).then_some(false)
    }
}

/// Length of a UTF-8 sequence by its first byte.
fn sequence_length(first: u8) -> Option<usize> {
    match first {
        0..=0x7F => Some(1),
        0xC0..=0xDF => Some(2),
        0xE0..=0xEF => Some(3),
        0xF0..=0xF7 => Some(4),
        _ => None,
    }
}

/// Whether these bytes could still become a character.
fn may_become_character(bytes: &[u8]) -> bool {
    let first_missing = sequence_length(bytes[0]).is_some_and(|n| n > bytes.len());
    first_missing && bytes[1..].iter().all(|b| b & 0xC0 == 0x80)
}

/// Whether the term is character data as far as types go; what is no character is found when converting.
fn is_chardata(t: Term) -> bool {
    let binary = |t: Term| t.is_binary();
    if binary(t) || t.is_nil() {
        return true;
    }
    if !t.is_cons() {
        return false;
    }
    let mut tails: SmallVec<[Term; 8]> = SmallVec::new();
    let mut t = t;
    loop {
        while let Some((head, tail)) = t.as_cons() {
            t = tail;
            if head.is_cons() {
                tails.push(tail);
                t = head;
            } else if head.is_big() {
                return true;
            } else if !(head.is_small() || head.is_nil() || binary(head)) {
                return false;
            }
        }
        if !(t.is_nil() || binary(t)) {
            return false;
        }
        match tails.pop() {
            Some(next) => t = next,
            None => return true,
        }
    }
}

struct Converter {
    latin1: bool,
    /// What was converted, in UTF-8.
    out: String,
    /// First bytes of a character at the end of a binary, which the next binary may complete.
    partial: SmallVec<[u8; 4]>,
}

impl Converter {
    fn new(latin1: bool) -> Converter {
        Converter { latin1, out: String::new(), partial: SmallVec::new() }
    }

    /// Converts character data (see [`is_chardata`]).
    fn run(&mut self, h: &mut Heap, t: Term) -> End {
        let rest = if t.is_bitstring() { self.binary(h, t) } else { self.list(h, t) };
        match rest {
            Err(rest) if self.partial.is_empty() => End::Error(rest),
            Err(rest) => {
                let partial = h.binary(&self.partial);
                End::Error(h.list(&[partial, rest]))
            }
            Ok(()) if self.partial.is_empty() => End::Done,
            Ok(()) => {
                let partial = h.binary(&self.partial);
                if may_become_character(&self.partial) { End::Incomplete(partial) } else { End::Error(partial) }
            }
        }
    }

    /// Converts a list, or gives what is left of it.
    fn list(&mut self, h: &mut Heap, t: Term) -> Result<(), Term> {
        let mut tails: SmallVec<[Term; 8]> = SmallVec::new();
        let mut t = t;
        let left = loop {
            while let Some((head, tail)) = t.as_cons() {
                if head.is_cons() {
                    tails.push(tail);
                    t = head;
                    continue;
                }
                let step = if head.is_bitstring() {
                    self.binary(h, head).map_err(|rest| h.cons(rest, tail))
                } else if head.is_nil() {
                    Ok(())
                } else {
                    self.character(head).ok_or(t)
                };
                if let Err(left) = step {
                    return Err(nest(h, left, tails));
                }
                t = tail;
            }
            if t.is_bitstring()
                && let Err(left) = self.binary(h, t)
            {
                break left;
            }
            match tails.pop() {
                Some(next) => t = next,
                None => return Ok(()),
            }
        };
        Err(nest(h, left, tails))
    }

    fn character(&mut self, t: Term) -> Option<()> {
        let c = char::from_u32(u32::try_from(t.as_small()?).ok()?)?;
        if !self.partial.is_empty() || (self.latin1 && c > '\u{FF}') {
            return None;
        }
        self.out.push(c);
        Some(())
    }

    /// Converts a binary, or gives what is left of it.
    fn binary(&mut self, h: &mut Heap, t: Term) -> Result<(), Term> {
        let bytes = t.as_bytes().ok_or(t)?;
        if self.latin1 {
            self.out.extend(bytes.iter().map(|&b| b as char));
            return Ok(());
        }
        self.utf8(&bytes).map_err(|at| h.sub_bits(t, at * 8, (bytes.len() - at) * 8))
    }

    /// Converts UTF-8, or tells where it is wrong.
    fn utf8(&mut self, bytes: &[u8]) -> Result<(), usize> {
        let mut at = 0;
        if let Some(&first) = self.partial.first() {
            let missing = sequence_length(first).unwrap_or(1).saturating_sub(self.partial.len());
            if bytes.len() < missing {
                self.partial.extend_from_slice(bytes);
                return Ok(());
            }
            let mut whole = self.partial.clone();
            whole.extend_from_slice(&bytes[..missing]);
            self.out.push_str(std::str::from_utf8(&whole).map_err(|_| 0usize)?);
            self.partial.clear();
            at = missing;
        }
        match std::str::from_utf8(&bytes[at..]) {
            Ok(text) => self.out.push_str(text),
            Err(e) => {
                let (good, bad) = bytes[at..].split_at(e.valid_up_to());
                self.out.push_str(std::str::from_utf8(good).unwrap_or_default());
                if sequence_length(bad[0]).is_some_and(|n| n > bad.len()) {
                    self.partial.extend_from_slice(bad);
                } else {
                    return Err(at + good.len());
                }
            }
        }
        Ok(())
    }
}

/// Puts what is left of an inner list in front of the tails of the lists around it.
fn nest(h: &mut Heap, left: Term, tails: SmallVec<[Term; 8]>) -> Term {
    tails.into_iter().rev().fold(left, |inner, tail| h.cons(inner, tail))
}

fn result(h: &mut Heap, converted: Term, end: End) -> Term {
    match end {
        End::Done => converted,
        End::Error(rest) => h.tuple(&[am!("error"), converted, rest]),
        End::Incomplete(rest) => h.tuple(&[am!("incomplete"), converted, rest]),
    }
}

fn continue_in_erlang(function: Term, a: &[Term]) -> NativeResult {
    let (Some(module), Some(function)) = (am!("unicode").as_atom(), function.as_atom()) else {
        return Err(Escape::BADARG);
    };
    Err(Escape::Trap { module, function, args: a.to_vec() })
}

fn characters_to_binary(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(latin1) = is_latin1(args[1]) else {
        return continue_in_erlang(am!("characters_to_binary_int"), args);
    };
    ctx.room_for_term(args[0], WEIGHT_PER_REDUCTION)?;
    let subject = match args[0].as_cons() {
        Some((head, tail)) if head.is_bitstring() && tail.is_nil() => head,
        _ => args[0],
    };
    if let Some(bytes) = subject.as_bytes() {
        Loop::Unicode.charge(ctx, bytes.len(), BYTES_PER_REDUCTION);
        if if latin1 { bytes.is_ascii() } else { std::str::from_utf8(&bytes).is_ok() } {
            return Ok(subject);
        }
    } else if !is_chardata(subject) {
        return Err(Escape::BADARG);
    }
    let mut converter = Converter::new(latin1);
    let h = ctx.heap();
    let end = converter.run(h, subject);
    let binary = h.binary(converter.out.as_bytes());
    let t = result(h, binary, end);
    Loop::Unicode.charge(ctx, converter.out.len(), CHARS_PER_REDUCTION);
    Ok(t)
}

fn characters_to_list(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(latin1) = is_latin1(args[1]) else {
        return continue_in_erlang(am!("characters_to_list_int"), args);
    };
    // A character takes a byte in a binary and a cell in a list.
    ctx.room_for(args[0].bit_size() / 8 / CHARS_PER_REDUCTION)?;
    ctx.room_for_term(args[0], WEIGHT_PER_REDUCTION)?;
    if !is_chardata(args[0]) {
        return Err(Escape::BADARG);
    }
    let mut converter = Converter::new(latin1);
    let h = ctx.heap();
    let end = converter.run(h, args[0]);
    let list = h.string(&converter.out);
    let t = result(h, list, end);
    Loop::Unicode.charge(ctx, converter.out.len(), CHARS_PER_REDUCTION);
    Ok(t)
}

fn bin_is_7bit(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let bytes = args[0].as_bytes();
    Loop::Unicode.charge(ctx, bytes.as_ref().map_or(0, |b| b.len()), BYTES_PER_REDUCTION);
    Ok(Term::bool(bytes.is_some_and(|b| b.is_ascii())))
}

#[cfg(test)]
mod tests;
