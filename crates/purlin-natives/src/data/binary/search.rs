//! Searching binaries for one or several patterns: of the leftmost matches the longest.
//!
//! A few short patterns are tried one after the other where a byte is found that one of them starts with; making that
//! table costs next to nothing, and most searches are with patterns made for one call (`String.split/1` has 25). Only
//! patterns so many or so long that this could be slow are worth an automaton.

mod table;

use super::super::iolist::{BYTES_PER_REDUCTION, WEIGHT_PER_REDUCTION};
use crate::loop_limit::Loop;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use memchr::memmem;
use purlin_term::binary::HEAP_BIN_LIMIT;
use purlin_term::{Heap, Magic, Release, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, NativeResult};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use table::Table;

/// Bytes searched for one reduction, for the first match and for all, of which each takes a place in the answer.
const SEARCHED_PER_REDUCTION: usize = 512;
const MATCHED_PER_REDUCTION: usize = 64;

/// Something to search for.
enum Pattern {
    One(Box<memmem::Finder<'static>>),
    Few(Table),
    Several(Box<AhoCorasick>),
}

impl Pattern {
    /// From a non-empty binary or a list of such; `once` when it is used for one search only.
    fn compile(t: Term, once: bool) -> Option<Pattern> {
        if let Some(bytes) = t.as_bytes() {
            return Pattern::of(&[bytes], once);
        }
        let list = t.as_list()?;
        let mut all: Vec<Cow<'_, [u8]>> = Vec::with_capacity(list.len());
        for b in list {
            all.push(b.as_bytes()?);
        }
        Pattern::of(&all, once)
    }

    fn of(all: &[Cow<'_, [u8]>], once: bool) -> Option<Pattern> {
        if all.is_empty() || all.iter().any(|p| p.is_empty()) {
            return None;
        }
        if let [one] = all {
            return Some(Pattern::One(Box::new(memmem::Finder::new(one).into_owned())));
        }
        if let Some(table) = Table::of(all) {
            return Some(Pattern::Few(table));
        }
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::LeftmostLongest);
        if once {
            builder.kind(Some(AhoCorasickKind::NoncontiguousNFA));
        }
        builder.build(all).ok().map(|a| Pattern::Several(Box::new(a)))
    }

    /// The first match from `from` on, in `data[..end]`.
    fn find(&self, data: &[u8], from: usize, end: usize) -> Option<Range<usize>> {
        let part = data.get(from..end)?;
        let (start, len) = match self {
            Pattern::One(f) => (f.find(part)?, f.needle().len()),
            Pattern::Few(table) => table.find(part)?,
            Pattern::Several(a) => {
                let m = a.find(part)?;
                (m.start(), m.len())
            }
        };
        Some(from + start..from + start + len)
    }
}

/// A pattern made for one call, or one that a compiled pattern's reference keeps.
enum Use<'a> {
    Own(Pattern),
    Compiled(&'a Pattern),
}

impl Use<'_> {
    fn of<'a>(t: Term) -> Option<Use<'a>> {
        if let Some(&[tag, reference]) = t.as_tuple() {
            if tag != am!("bm") && tag != am!("ac") {
                return None;
            }
            let pattern: &Pattern = reference.magic()?;
            let fits = matches!(pattern, Pattern::One(_)) == (tag == am!("bm"));
            return fits.then_some(Use::Compiled(pattern));
        }
        Pattern::compile(t, true).map(Use::Own)
    }

    fn get(&self) -> &Pattern {
        match self {
            Use::Own(p) => p,
            Use::Compiled(p) => p,
        }
    }
}

pub fn compile_pattern(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    ctx.room_for_term(args[0], WEIGHT_PER_REDUCTION / 4)?;
    let pattern = Pattern::compile(args[0], false).or_badarg()?;
    let tag = if matches!(pattern, Pattern::One(_)) { am!("bm") } else { am!("ac") };
    let id = ctx.engine.next_ref();
    let h = ctx.heap();
    let reference = h.magic_reference(id, Arc::new(Magic { value: Box::new(pattern) }));
    Ok(h.tuple(&[tag, reference]))
}

/// Options of a search.
#[derive(Clone, Debug, PartialEq)]
struct Options {
    scope: Range<usize>,
    global: bool,
    trim: bool,
    trim_all: bool,
}

impl Options {
    /// Reads an option list for a binary of `size` bytes; `split` says whether the options of `split/3` are allowed.
    fn parse(list: Term, size: usize, split: bool) -> Option<Options> {
        let mut o = Options { scope: 0..size, global: false, trim: false, trim_all: false };
        if !list.is_list() {
            return None;
        }
        for option in list.iter() {
            if let Some(&[tag, range]) = option.as_tuple() {
                let Some(&[position, length]) = range.as_tuple() else { return None };
                if tag != am!("scope") {
                    return None;
                }
                let (start, len) = super::super::guard::part_range(position, length, size)?;
                o.scope = start..start + len;
            } else if !split {
                return None;
            } else if option == am!("global") {
                o.global = true;
            } else if option == am!("trim") {
                o.trim = true;
            } else if option == am!("trim_all") {
                o.trim_all = true;
            } else {
                return None;
            }
        }
        Some(o)
    }
}

/// The matches in `scope`, one behind the other; the first only unless `all`.
fn matches(pattern: &Pattern, data: &[u8], scope: Range<usize>, all: bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = scope.start;
    while let Some(m) = pattern.find(data, at, scope.end) {
        at = m.end;
        found.push(m);
        if !all {
            break;
        }
    }
    found
}

/// The matches that a call asks for. As in OTP, a search that ends before the first byte does not look at the pattern.
fn search(data: &[u8], pattern: Term, o: &Options, all: bool) -> Result<Vec<Range<usize>>, Escape> {
    // Where nothing is to be searched, OTP 25 takes any pattern.
    if o.scope.end == 0 && Release::of_values() < Release(27) {
        return Ok(Vec::new());
    }
    let pattern = Use::of(pattern).or_badarg()?;
    Ok(matches(pattern.get(), data, o.scope.clone(), all))
}

fn position(h: &mut Heap, m: &Range<usize>) -> Term {
    h.tuple(&[Term::small(m.start as i64), Term::small(m.len() as i64)])
}

pub fn find(ctx: &mut Ctx<'_>, subject: Term, pattern: Term, options: Term) -> NativeResult {
    let data = subject.as_bytes().or_badarg()?;
    let o = Options::parse(options, data.len(), false).or_badarg()?;
    ctx.room_for(o.scope.len() / SEARCHED_PER_REDUCTION)?;
    let found = search(&data, pattern, &o, false)?;
    let seen = found.first().map_or(o.scope.len(), |m| m.end - o.scope.start);
    Loop::Binary.charge(ctx, seen, BYTES_PER_REDUCTION);
    Ok(found.first().map_or(am!("nomatch"), |m| position(ctx.heap(), m)))
}

pub fn find_all(ctx: &mut Ctx<'_>, subject: Term, pattern: Term, options: Term) -> NativeResult {
    let data = subject.as_bytes().or_badarg()?;
    let o = Options::parse(options, data.len(), false).or_badarg()?;
    ctx.room_for(o.scope.len() / MATCHED_PER_REDUCTION)?;
    let found = search(&data, pattern, &o, true)?;
    Loop::Binary.charge(ctx, o.scope.len() + found.len() * (BYTES_PER_REDUCTION / 8), BYTES_PER_REDUCTION);
    let h = ctx.heap();
    let list: Vec<Term> = found.iter().map(|m| position(h, m)).collect();
    Ok(h.list(&list))
}

pub fn split(ctx: &mut Ctx<'_>, subject: Term, pattern: Term, options: Term) -> NativeResult {
    let data = subject.as_bytes().or_badarg()?;
    let o = Options::parse(options, data.len(), true).or_badarg()?;
    ctx.room_for(o.scope.len() / if o.global { MATCHED_PER_REDUCTION } else { SEARCHED_PER_REDUCTION })?;
    let found = search(&data, pattern, &o, o.global)?;
    Loop::Binary.charge(ctx, o.scope.len() + found.len() * (BYTES_PER_REDUCTION / 8), BYTES_PER_REDUCTION);
    let h = ctx.heap();
    let mut list = Term::NIL;
    for p in parts(data.len(), &found, &o).into_iter().rev() {
        let part = match data.get(p.clone()) {
            Some(bytes) if bytes.len() <= HEAP_BIN_LIMIT && bytes.len() < data.len() => h.binary(bytes),
            _ => h.sub_bits(subject, p.start * 8, p.len() * 8),
        };
        list = h.cons(part, list);
    }
    Ok(list)
}

/// What lies between the matches, trimmed as the options say.
fn parts(size: usize, found: &[Range<usize>], o: &Options) -> Vec<Range<usize>> {
    let starts = std::iter::once(0).chain(found.iter().map(|m| m.end));
    let ends = found.iter().map(|m| m.start).chain(std::iter::once(size));
    let mut parts: Vec<Range<usize>> = starts.zip(ends).map(|(start, end)| start..end).collect();
    if !o.global {
        return first_parts(parts, size, o);
    }
    if o.trim_all {
        parts.retain(|p| !p.is_empty());
    } else if o.trim {
        while parts.last().is_some_and(|p| p.is_empty()) {
            parts.pop();
        }
    }
    parts
}

/// As OTP does it, without `global` only the part behind a match is tested for trimming at the end, and `trim` takes
/// away both parts of a subject that is all match.
fn first_parts(mut parts: Vec<Range<usize>>, size: usize, o: &Options) -> Vec<Range<usize>> {
    let trim = o.trim || o.trim_all;
    if parts.len() == 1 {
        if trim && size == 0 {
            parts.clear();
        }
    } else if trim && parts[1].is_empty() {
        parts.truncate(usize::from(!parts[0].is_empty()));
    } else if o.trim_all && parts[0].is_empty() {
        parts.remove(0);
    }
    parts
}

#[cfg(test)]
mod tests;
