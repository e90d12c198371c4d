//! The `re` module's natives: options and result shapes of the release over [`purlin_regex`].
//!
//! A compiled pattern is `{re_pattern, Groups, Unicode, UseCRLF, Code}` as in OTP, but `Code` holds the pattern's text
//! and options behind a header of Purlin's own, so that it can be sent, stored and written to files; the engine keeps
//! the compiled form in a cache. Whatever the Erlang side of `re` does (`global`, Unicode conversion) is left to it:
//! those calls continue in `re:grun/3`, `re:urun/3` and `re:ucompile/2`.

mod capture;
mod options;

use crate::loop_limit::Loop;
use capture::Capture;
use crossbeam::sync::ShardedLock;
use hashbrown::{Equivalent, HashMap};
use options::Parsed;
use purlin_regex::{
    CompileError, DEFAULT_MATCH_LIMIT, Flags, LineEnds, MatchError, MatchOptions, Options, Regex, has_newer_patterns,
};
use purlin_term::{Atom, Heap, Release, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult, Slot};
use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain("re", "version", 0, version),
    Native::plain("re", "compile", 1, compile_1),
    Native::plain("re", "compile", 2, compile_2),
    Native::plain("re", "import", 1, import).since(28),
    Native::plain("re", "run", 2, run_2),
    Native::plain("re", "run", 3, run_3),
    Native::plain("re", "internal_run", 4, internal_run),
    Native::plain("re", "inspect", 2, inspect),
    Native::blocking("re", "run_long", 4, run_long),
];

/// What `re:version/0` says. It differs from every version of OTP's own library, so that patterns compiled into
/// modules for that library are compiled anew from their source.
const VERSION: &[u8] = b"10.46 purlin";

/// First bytes of the code part of a compiled pattern.
const HEADER: &[u8; 4] = b"PLR2";

/// First bytes of the part of an exported pattern that says which library compiled it, as OTP writes them; what follows
/// is unlike OTP's, so that its library compiles the pattern anew from its text.
const EXPORT_HEADER: &[u8; 8] = b"re-PCRE2";
const EXPORT_MAKER: &[u8; 6] = b"purlin";

/// Backtracking steps (about a millisecond) after which a match moves off the scheduler.
const QUICK_LIMIT: u32 = 50_000;

/// How many compiled patterns the engine keeps.
const CACHE_LIMIT: usize = 1024;

// ---- compiled patterns

#[derive(PartialEq, Eq)]
struct Key {
    options: Options,
    pattern: Box<[u8]>,
}

struct KeyRef<'a>(Options, &'a [u8]);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        KeyRef(self.options, &self.pattern).hash(state);
    }
}

impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
        self.1.hash(state);
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.0 == key.options && self.1 == &*key.pattern
    }
}

/// Compiled patterns by text and options.
#[derive(Default)]
struct Cache(ShardedLock<HashMap<Key, Arc<Regex>>>);

static CACHE: Slot<Cache> = Slot::new();

impl Cache {
    fn regex(&self, options: Options, pattern: &[u8]) -> Result<Arc<Regex>, CompileError> {
        let lock = |e: std::sync::PoisonError<_>| e.into_inner();
        if let Some(r) = self.0.read().unwrap_or_else(lock).get(&KeyRef(options, pattern)) {
            return Ok(r.clone());
        }
        let regex = Arc::new(Regex::compile(pattern, options)?);
        let mut all = self.0.write().unwrap_or_else(|e| e.into_inner());
        if all.len() >= CACHE_LIMIT {
            all.clear();
        }
        all.insert(Key { options, pattern: pattern.into() }, regex.clone());
        Ok(regex)
    }
}

fn encode(options: Options, pattern: &[u8]) -> Vec<u8> {
    let mut code = HEADER.to_vec();
    code.extend_from_slice(&options.flags.0.to_le_bytes());
    code.push(options.lines.to_byte());
    code.extend_from_slice(pattern);
    code
}

fn decode(code: &[u8]) -> Option<(Options, &[u8])> {
    let rest = code.strip_prefix(HEADER)?;
    let (flags, rest) = rest.split_first_chunk::<4>()?;
    let (lines, pattern) = rest.split_first()?;
    let (flags, lines) = (Flags(u32::from_le_bytes(*flags)), LineEnds::from_byte(*lines)?);
    Some((Options { flags, lines, match_lines: LineEnds::default() }, pattern))
}

/// `{re_pattern, Groups, Unicode, UseCRLF, Code}`.
fn pattern_term(heap: &mut Heap, regex: &Regex, unicode: bool, options: Options, pattern: &[u8]) -> Term {
    let code = heap.binary(&encode(options, pattern));
    heap.tuple(&[
        Term::atom(Atom::RE_PATTERN),
        Term::small(regex.groups() as i64),
        Term::small(unicode as i64),
        Term::small(regex.newline().takes_crlf() as i64),
        code,
    ])
}

/// The elements of a compiled pattern.
fn as_pattern<'a>(t: Term) -> Option<&'a [Term]> {
    let e = t.as_tuple().filter(|e| e.len() == 5 && e[0].is(Atom::RE_PATTERN))?;
    (e[1..4].iter().all(|t| t.is_small()) && e[4].is_binary()).then_some(e)
}

// ---- arguments

/// The bytes of a binary or of any iodata.
fn bytes<'a>(t: Term) -> Option<Cow<'a, [u8]>> {
    if let Some(b) = t.as_bytes() {
        return Some(b);
    }
    let mut out = Vec::new();
    let mut work = vec![t];
    while let Some(t) = work.pop() {
        let mut rest = t;
        if !t.is_list() {
            out.extend_from_slice(&t.as_bytes()?);
            continue;
        }
        while let Some((head, tail)) = rest.as_cons() {
            rest = tail;
            if let Some(i) = head.as_small() {
                out.push(u8::try_from(i).ok()?);
            } else if head.is_cons() {
                // The inner list first, then what is left of this one.
                work.push(rest);
                rest = head;
            } else if !head.is_nil() {
                out.extend_from_slice(&head.as_bytes()?);
            }
        }
        if !rest.is_nil() {
            out.extend_from_slice(&rest.as_bytes()?);
        }
    }
    Some(Cow::Owned(out))
}

fn bad_option() -> Escape {
    Escape::badarg_cause(Term::atom(Atom::BADOPT))
}

fn trap(function: &str, args: &[Term]) -> Escape {
    Escape::Trap { module: Atom::new("re"), function: Atom::new(function), args: args.to_vec() }
}

fn error_term(ctx: &mut Ctx<'_>, e: &CompileError) -> Term {
    let h = ctx.heap();
    let text = h.string(&e.message);
    h.tuple(&[text, Term::small(e.offset as i64)])
}

// ---- natives

fn version(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(ctx.heap().binary(VERSION))
}

fn compile_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    compile(ctx, args[0], Term::NIL)
}

fn compile_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    compile(ctx, args[0], args[1])
}

fn compile(ctx: &mut Ctx<'_>, pattern: Term, options: Term) -> NativeResult {
    let can_export = ctx.engine.config.release >= Release(28);
    let parsed = Parsed::of(options).filter(|p| !p.run_only && (can_export || !p.export)).ok_or_else(bad_option)?;
    if parsed.unicode && !pattern.is_binary() {
        return Err(trap("ucompile", &[pattern, options]));
    }
    let text = bytes(pattern).or_badarg()?;
    ctx.charge(text.len() / 8 + 1);
    match ctx.engine.state(&CACHE).regex(parsed.compile(), &text) {
        Ok(regex) => {
            let t = if parsed.export {
                exported(ctx.heap(), &text, options)
            } else {
                pattern_term(ctx.heap(), &regex, parsed.unicode, parsed.compile(), &text)
            };
            ctx.ok(t)
        }
        Err(e) => {
            let e = error_term(ctx, &e);
            ctx.error(e)
        }
    }
}

/// `{re_exported_pattern, Header, Pattern, Options, Code}`: what a module may hold of a pattern; [`import`] compiles it
/// from its text.
fn exported(heap: &mut Heap, pattern: &[u8], options: Term) -> Term {
    let header = heap.binary(&[&EXPORT_HEADER[..], EXPORT_MAKER].concat());
    let (pattern, code) = (heap.binary(pattern), heap.binary(&[]));
    heap.tuple(&[am!("re_exported_pattern"), header, pattern, options, code])
}

/// The compiled pattern behind an exported one, whichever library exported it.
fn import(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(&[tag, header, pattern, options, code]) = args[0].as_tuple() else { return Err(Escape::BADARG) };
    let known = header.as_bytes().is_some_and(|h| h.starts_with(EXPORT_HEADER));
    if tag != am!("re_exported_pattern") || !known || !code.is_binary() {
        return Err(Escape::BADARG);
    }
    let parsed = Parsed::of(options).filter(|p| !p.run_only).or_badarg()?;
    let text = pattern.as_bytes().or_badarg()?;
    ctx.charge(text.len() / 8 + 1);
    let regex = ctx.engine.state(&CACHE).regex(parsed.compile(), &text).ok().or_badarg()?;
    Ok(pattern_term(ctx.heap(), &regex, parsed.unicode, parsed.compile(), &text))
}

fn run_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    run(ctx, &[args[0], args[1], Term::NIL], true, Some(QUICK_LIMIT))
}

fn run_3(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    run(ctx, args, true, Some(QUICK_LIMIT))
}

fn internal_run(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let first = args[3].as_bool().or_badarg()?;
    run(ctx, &args[..3], first, Some(QUICK_LIMIT))
}

/// Continues a match that needs many steps, on a thread where it holds nobody up.
fn run_long(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    run(ctx, &args[..3], args[3] == am!("true"), None)
}

/// The pattern and its options, or what the call answers instead of matching.
enum Prepared {
    Match(Arc<Regex>),
    Answer(Term),
}

/// Runs a match of at most `quick` steps; one that needs more goes on in [`run_long`]. That it is not the `first` of a
/// search for all matches means that its start may lie within a character, which is then passed over.
fn run(ctx: &mut Ctx<'_>, args: &[Term], first: bool, quick: Option<u32>) -> NativeResult {
    let (subject_term, options) = (args[0], args[2]);
    let parsed = Parsed::of(options).filter(|p| !p.export).ok_or_else(bad_option)?;
    let regex = match as_pattern(args[1]) {
        Some(e) => compiled_pattern(ctx, e, &parsed, args)?,
        None => match text_pattern(ctx, &parsed, args)? {
            Prepared::Match(regex) => regex,
            Prepared::Answer(t) => return Ok(t),
        },
    };
    let capture = match &parsed.capture {
        Some((values, kind)) => Capture::of(*values, *kind, &regex).or_badarg()?,
        None => Capture::ALL,
    };
    let subject = bytes(subject_term).or_badarg()?;
    if !parsed.lines.consistent() {
        return Err(Escape::Error(am!("internal_error")));
    }
    let mut offset = parsed.offset;
    // In UTF-8 every byte of this form continues a character.
    while !first && regex.is_utf() && subject.get(offset).is_some_and(|b| b & 0xC0 == 0x80) {
        offset += 1;
    }
    Loop::Re.charge(ctx, subject.len().saturating_sub(offset).min(4096) + 64, 64);
    let limit = parsed.run.match_limit.unwrap_or(DEFAULT_MATCH_LIMIT).min(regex.step_limit());
    let first_limit = quick.map_or(limit, |q| q.min(limit));
    let how = MatchOptions { match_limit: Some(first_limit), ..parsed.run };
    let report = |ctx: &mut Ctx<'_>, what: Term| {
        if parsed.report_errors { ctx.error(what) } else { Ok(am!("nomatch")) }
    };
    let found = match regex.run_binary(subject_term, offset, &how) {
        Some(found) => found,
        None => regex.run(&subject, offset, &how),
    };
    match found {
        Ok(None) => Ok(am!("nomatch")),
        Ok(Some(found)) => {
            let binary = subject_term.is_binary().then_some(subject_term);
            Ok(capture.answer(ctx.heap(), &found, &subject, binary))
        }
        Err(MatchError::MatchLimit) if first_limit < limit => {
            let args = [args[0], args[1], args[2], Term::bool(first)];
            Err(trap("run_long", &args))
        }
        Err(MatchError::MatchLimit) => report(ctx, am!("match_limit")),
        Err(MatchError::DepthLimit) => report(ctx, am!("match_limit_recursion")),
        Err(MatchError::BadUtf) => Err(Escape::BADARG),
        Err(MatchError::BadOffset) if has_newer_patterns() => Err(Escape::BADARG),
        Err(MatchError::BadOffset | MatchError::Internal(_)) => Err(Escape::Error(am!("internal_error"))),
    }
}

/// Whether a call that returns lists or has a list subject must be converted by the Erlang side.
fn needs_conversion(parsed: &Parsed, subject: Term) -> bool {
    let lists = parsed.capture.is_some_and(|(_, kind)| kind == am!("list"));
    !subject.is_binary() || lists && !parsed.global
}

/// The pattern behind `{re_pattern, ...}`.
fn compiled_pattern(ctx: &mut Ctx<'_>, e: &[Term], parsed: &Parsed, args: &[Term]) -> Result<Arc<Regex>, Escape> {
    if parsed.compile_only {
        return Err(Escape::BADARG);
    }
    if e[2] != Term::small(0) && needs_conversion(parsed, args[0]) {
        return Err(trap("urun", args));
    }
    if parsed.global {
        let how = ctx.heap().tuple(&[args[2], am!("false")]);
        return Err(trap("grun", &[args[0], args[1], how]));
    }
    let code = e[4].as_bytes().or_badarg()?;
    let (options, text) = decode(&code).or_badarg()?;
    let regex = ctx.engine.state(&CACHE).regex(parsed.for_match(options), text).ok().or_badarg()?;
    // For PCRE2 lines end as the pattern was compiled for.
    (!has_newer_patterns() || regex.has(parsed.lines)).then_some(regex).or_badarg()
}

/// The pattern given as text.
fn text_pattern(ctx: &mut Ctx<'_>, parsed: &Parsed, args: &[Term]) -> Result<Prepared, Escape> {
    let pattern = args[1];
    if !pattern.is_binary() && !pattern.is_list() {
        return Err(Escape::BADARG);
    }
    if parsed.unicode && (!pattern.is_binary() || needs_conversion(parsed, args[0])) {
        return Err(trap("urun", args));
    }
    let text = bytes(pattern).or_badarg()?;
    let options = if parsed.global { parsed.compile() } else { parsed.for_match(parsed.compile()) };
    let regex = match ctx.engine.state(&CACHE).regex(options, &text) {
        Ok(regex) => regex,
        Err(e) if parsed.report_errors => {
            let e = error_term(ctx, &e);
            let e = ctx.heap().tuple(&[am!("compile"), e]);
            return Ok(Prepared::Answer(ctx.error(e)?));
        }
        Err(_) => return Err(Escape::BADARG),
    };
    if parsed.global {
        let h = ctx.heap();
        let compiled = pattern_term(h, &regex, parsed.unicode, options, &text);
        let how = h.tuple(&[args[2], Term::bool(parsed.compile_only), pattern]);
        return Err(trap("grun", &[args[0], compiled, how]));
    }
    Ok(Prepared::Match(regex))
}

fn inspect(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let e = as_pattern(args[0]).or_badarg()?;
    if args[1] != am!("namelist") {
        return Err(Escape::BADARG);
    }
    let code = e[4].as_bytes().or_badarg()?;
    let (options, text) = decode(&code).or_badarg()?;
    let regex = ctx.engine.state(&CACHE).regex(options, text).ok().or_badarg()?;
    let mut names: Vec<&[u8]> = regex.names().iter().map(|n| &*n.0).collect();
    if regex.has_dupnames() {
        names.dedup();
    }
    let h = ctx.heap();
    let names: Vec<Term> = names.iter().map(|n| h.binary(n)).collect();
    let names = h.list(&names);
    Ok(h.tuple(&[am!("namelist"), names]))
}

#[cfg(test)]
mod tests;
