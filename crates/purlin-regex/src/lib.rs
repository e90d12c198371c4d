//! Perl-compatible regular expressions over bytes: a safe face for PCRE2, set up to behave like the PCRE 8.44 that
//! OTP 25 carries (ISO 8859-1 character tables, its syntax where the two differ, its error texts), or as the PCRE2 of
//! OTP 28 and later (`plain.rs`).
//!
//! This is the only crate that calls the C library. Its unsafe code relies on these invariants:
//!
//! - **CODE**: `Regex::code` is a compiled pattern that lives until the `Regex` is dropped and is never written.
//! - **UTF**: a pattern compiled with [`Flags::UTF`] is run only over a subject that was checked to be UTF-8, with a
//!   start at a character boundary, as the library requires when told to skip its own check.
//! - **LOCAL**: match data and contexts belong to one thread and are used by one call at a time.

mod checked;
mod error;
mod lines;
mod pattern;
mod plain;
mod tables;

pub use error::CompileError;
pub use lines::{LineEnds, Newline};
pub use plain::is_used as has_newer_patterns;

use pcre2_sys as sys;
use purlin_term::Term;
use std::cell::RefCell;
use std::ptr;

/// Compile options, with the meaning that `re:compile/2` documents.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Flags(pub u32);

impl Flags {
    pub const UTF: Flags = Flags(1);
    pub const ANCHORED: Flags = Flags(1 << 1);
    pub const CASELESS: Flags = Flags(1 << 2);
    pub const DOLLAR_ENDONLY: Flags = Flags(1 << 3);
    pub const DOTALL: Flags = Flags(1 << 4);
    pub const EXTENDED: Flags = Flags(1 << 5);
    pub const FIRSTLINE: Flags = Flags(1 << 6);
    pub const MULTILINE: Flags = Flags(1 << 7);
    pub const NO_AUTO_CAPTURE: Flags = Flags(1 << 8);
    pub const DUPNAMES: Flags = Flags(1 << 9);
    pub const UNGREEDY: Flags = Flags(1 << 10);
    pub const UCP: Flags = Flags(1 << 11);
    pub const NEVER_UTF: Flags = Flags(1 << 12);
    pub const NO_START_OPTIMIZE: Flags = Flags(1 << 13);
    pub const NO_AUTO_POSSESS: Flags = Flags(1 << 14);

    pub fn has(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    pub fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    pub fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }

    fn library(self) -> u32 {
        const PAIRS: [(Flags, u32); 15] = [
            (Flags::UTF, sys::PCRE2_UTF),
            (Flags::ANCHORED, sys::PCRE2_ANCHORED),
            (Flags::CASELESS, sys::PCRE2_CASELESS),
            (Flags::DOLLAR_ENDONLY, sys::PCRE2_DOLLAR_ENDONLY),
            (Flags::DOTALL, sys::PCRE2_DOTALL),
            (Flags::EXTENDED, sys::PCRE2_EXTENDED),
            (Flags::FIRSTLINE, sys::PCRE2_FIRSTLINE),
            (Flags::MULTILINE, sys::PCRE2_MULTILINE),
            (Flags::NO_AUTO_CAPTURE, sys::PCRE2_NO_AUTO_CAPTURE),
            (Flags::DUPNAMES, sys::PCRE2_DUPNAMES),
            (Flags::UNGREEDY, sys::PCRE2_UNGREEDY),
            (Flags::UCP, sys::PCRE2_UCP),
            (Flags::NEVER_UTF, sys::PCRE2_NEVER_UTF),
            (Flags::NO_START_OPTIMIZE, sys::PCRE2_NO_START_OPTIMIZE),
            (Flags::NO_AUTO_POSSESS, sys::PCRE2_NO_AUTO_POSSESS),
        ];
        PAIRS.iter().filter(|(f, _)| self.has(*f)).fold(0, |bits, (_, b)| bits | b)
    }
}

/// How a pattern is compiled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Options {
    pub flags: Flags,
    /// Line ends for compiling, unless the pattern itself names some.
    pub lines: LineEnds,
    /// Line ends for matching, whatever was compiled.
    pub match_lines: LineEnds,
}

/// How one match is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MatchOptions {
    pub anchored: bool,
    pub notbol: bool,
    pub noteol: bool,
    pub notempty: bool,
    pub notempty_atstart: bool,
    /// Backtracking steps allowed; none: 10,000,000.
    pub match_limit: Option<u32>,
    /// Nested backtracking points allowed; none: as many as memory allows.
    pub depth_limit: Option<u32>,
}

/// Why a match could not be decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MatchError {
    /// More backtracking steps than allowed.
    MatchLimit,
    /// Deeper nesting, or more memory for it, than allowed.
    DepthLimit,
    /// The subject is not UTF-8, or the start lies within a character.
    BadUtf,
    /// The start lies behind the subject.
    BadOffset,
    /// Anything else the library reports.
    Internal(i32),
}

/// Byte ranges of the whole match and of the groups, up to the last group that took part.
pub type Captures = Vec<Option<(usize, usize)>>;

/// The number of backtracking steps allowed when nothing else is asked for.
pub const DEFAULT_MATCH_LIMIT: u32 = 10_000_000;

/// Memory for backtracking, in KiB.
const HEAP_LIMIT: u32 = 256 * 1024;

/// A compiled pattern.
pub struct Regex {
    code: Code,
    groups: u32,
    utf: bool,
    dupnames: bool,
    newline: Newline,
    /// Limits that the pattern itself sets.
    limits: pattern::Limits,
    names: Vec<(Vec<u8>, u32)>,
}

/// What the library compiled.
struct Code(ptr::NonNull<sys::pcre2_code_8>);

// SAFETY: CODE: a compiled pattern is only read after it was made.
unsafe impl Send for Code {}
// SAFETY: as above.
unsafe impl Sync for Code {}

impl Code {
    fn as_ptr(&self) -> *mut sys::pcre2_code_8 {
        self.0.as_ptr()
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        // SAFETY: CODE: made by `compile_raw`, freed here only.
        unsafe { sys::pcre2_code_free_8(self.as_ptr()) }
    }
}

/// How deep parentheses may nest: as deep as OTP's workspace allows in the simplest pattern.
const NEST_LIMIT: u32 = 798;

struct CompileContext(*mut sys::pcre2_compile_context_8);

impl CompileContext {
    /// For patterns of PCRE 8.44.
    fn new(lines: LineEnds, extra: u32) -> Option<CompileContext> {
        let context = CompileContext::plain(lines)?;
        // SAFETY: the context is alive; the tables are static and of the length the library expects.
        unsafe {
            sys::pcre2_set_parens_nest_limit_8(context.0, NEST_LIMIT);
            // What a lookbehind looks for has one length in each alternative.
            sys::pcre2_set_max_varlookbehind_8(context.0, 0);
            sys::pcre2_set_character_tables_8(context.0, tables::latin1().as_ptr());
            sys::pcre2_set_compile_extra_options_8(context.0, extra | sys::PCRE2_EXTRA_ALLOW_LOOKAROUND_BSK);
        }
        Some(context)
    }

    /// For patterns as the library has them, nested as deep as its workspace allows.
    fn plain(lines: LineEnds) -> Option<CompileContext> {
        let (newline, bsr) = lines.library();
        // SAFETY: the context is fresh.
        unsafe {
            let c = sys::pcre2_compile_context_create_8(ptr::null_mut());
            if c.is_null() {
                return None;
            }
            sys::pcre2_set_newline_8(c, newline);
            sys::pcre2_set_bsr_8(c, bsr);
            sys::pcre2_set_parens_nest_limit_8(c, u32::MAX);
            Some(CompileContext(c))
        }
    }
}

impl Drop for CompileContext {
    fn drop(&mut self) {
        // SAFETY: made by `new`, freed here only.
        unsafe { sys::pcre2_compile_context_free_8(self.0) }
    }
}

/// Where bytes start, for the library: it looks for a line end of two bytes by subtracting from where they end, which
/// the made-up address of an empty slice is too small for.
fn start_of(bytes: &[u8]) -> *const u8 {
    static NONE: [u8; 8] = [0; 8];
    if bytes.is_empty() { NONE[4..].as_ptr() } else { bytes.as_ptr() }
}

/// Compiles and gives the library's error number and offset when that fails.
fn compile_raw(text: &[u8], flags: Flags, context: Option<CompileContext>) -> Result<Code, (i32, usize)> {
    let Some(context) = context else { return Err((error::NO_MEMORY, 0)) };
    let (mut number, mut offset) = (0, 0);
    // SAFETY: the pattern is given with its length, and the context is alive.
    let code = unsafe {
        sys::pcre2_compile_8(start_of(text), text.len(), flags.library(), &mut number, &mut offset, context.0)
    };
    ptr::NonNull::new(code).map(Code).ok_or((number, offset))
}

/// Compiles a pattern as PCRE 8.44 would. As in OTP, the pattern ends at its first zero byte.
fn compile_as_pcre8(pattern: &[u8], options: Options) -> Result<Regex, CompileError> {
    let pattern = pattern.split(|&b| b == 0).next().unwrap_or(pattern);
    let lead = pattern::leading(pattern);
    let mut flags = options.flags.with(lead.flags);
    if flags.has(Flags::UTF) {
        if flags.has(Flags::NEVER_UTF) {
            return Err(CompileError::utf_is_disabled());
        }
        if let Err(e) = std::str::from_utf8(pattern) {
            return Err(CompileError::invalid_utf(e.valid_up_to()));
        }
    }
    let lines = options.lines.overridden_by(lead.lines);
    if !lines.consistent() {
        return Err(CompileError::inconsistent_newline());
    }
    let adapted = pattern::adapt(pattern, lead.len, flags, lines.newline());
    if lead.unknown {
        return Err(CompileError::new(error::BAD_VERB, pattern, lead.len));
    }
    if flags.has(Flags::UTF) && pattern::starts_with_wrong_letters(pattern, flags) {
        flags = flags.with(Flags::NO_START_OPTIMIZE);
    }
    let match_lines = lines.overridden_by(options.match_lines);
    let compile = |extra| compile_raw(&adapted.text, flags, CompileContext::new(match_lines, extra));
    let code = match compile(0) {
        Err((number, _)) if error::is_literal_in_pcre8(number) => compile(sys::PCRE2_EXTRA_BAD_ESCAPE_IS_LITERAL),
        other => other,
    };
    let code = code.map_err(|(number, offset)| (number, adapted.original_offset(offset)));
    let code = match (code, adapted.refused) {
        (Err((_, before)), Some((number, at))) if before > at => Err((number, at)),
        (Ok(_), Some(refused)) => Err(refused),
        (code, _) => code,
    };
    let code = code.map_err(|(number, offset)| CompileError::new(number, pattern, offset))?;
    let regex = Regex { newline: lines.newline(), limits: lead.limits, ..Regex::of(code) };
    match regex.names.iter().find(|(name, _)| name.len() > error::MAX_NAME) {
        Some((name, _)) => Err(CompileError::name_too_long(pattern, name)),
        None => Ok(regex),
    }
}

impl Regex {
    /// Compiles a pattern.
    pub fn compile(pattern: &[u8], options: Options) -> Result<Regex, CompileError> {
        let compile = if plain::is_used() { plain::compile } else { compile_as_pcre8 };
        let regex = compile(pattern, options)?;
        let all = regex.info_u32(sys::PCRE2_INFO_ALLOPTIONS);
        if all & sys::PCRE2_ANCHORED == 0 || all & sys::PCRE2_FIRSTLINE == 0 {
            return Ok(regex);
        }
        // An anchored match is in the first line; asked for both, the library looks elsewhere, too.
        compile(pattern, Options { flags: options.flags.without(Flags::FIRSTLINE), ..options })
    }

    /// What the library compiled, with what it tells of it.
    fn of(code: Code) -> Regex {
        let limits = pattern::Limits { steps: u32::MAX, depth: u32::MAX };
        let (utf, dupnames) = (false, false);
        let mut regex = Regex { code, groups: 0, utf, dupnames, newline: Newline::Lf, limits, names: Vec::new() };
        let all = regex.info_u32(sys::PCRE2_INFO_ALLOPTIONS);
        regex.groups = regex.info_u32(sys::PCRE2_INFO_CAPTURECOUNT);
        regex.utf = all & sys::PCRE2_UTF != 0;
        regex.dupnames = all & sys::PCRE2_DUPNAMES != 0;
        regex.names = regex.read_names();
        regex
    }

    fn info_u32(&self, what: u32) -> u32 {
        let mut value = 0u32;
        // SAFETY: CODE; each item asked for with this function is 32 bits wide.
        unsafe { sys::pcre2_pattern_info_8(self.code.as_ptr(), what, (&raw mut value).cast()) };
        value
    }

    fn read_names(&self) -> Vec<(Vec<u8>, u32)> {
        let count = self.info_u32(sys::PCRE2_INFO_NAMECOUNT) as usize;
        let size = self.info_u32(sys::PCRE2_INFO_NAMEENTRYSIZE) as usize;
        if count == 0 || size < 3 {
            return Vec::new();
        }
        let mut table: *const u8 = ptr::null();
        // SAFETY: CODE; the name table has `count` entries of `size` bytes and lives as long as the code.
        let table = unsafe {
            sys::pcre2_pattern_info_8(self.code.as_ptr(), sys::PCRE2_INFO_NAMETABLE, (&raw mut table).cast());
            if table.is_null() {
                return Vec::new();
            }
            std::slice::from_raw_parts(table, count * size)
        };
        let entry = |e: &[u8]| {
            let name = e[2..].split(|&b| b == 0).next().unwrap_or(&[]);
            (name.to_vec(), u32::from_be_bytes([0, 0, e[0], e[1]]))
        };
        table.chunks_exact(size).map(entry).collect()
    }

    /// How many groups the pattern has.
    pub fn groups(&self) -> u32 {
        self.groups
    }

    /// Whether subjects must be UTF-8.
    pub fn is_utf(&self) -> bool {
        self.utf
    }

    /// Whether one name may stand for several groups.
    pub fn has_dupnames(&self) -> bool {
        self.dupnames
    }

    /// What ends a line, by the options or by the pattern itself.
    pub fn newline(&self) -> Newline {
        self.newline
    }

    /// Whether the pattern was compiled for these line ends, as far as they say something.
    pub fn has(&self, lines: LineEnds) -> bool {
        lines.fit(self.newline, self.info_u32(sys::PCRE2_INFO_BSR) == sys::PCRE2_BSR_ANYCRLF)
    }

    /// Names of groups with their numbers, sorted by name.
    pub fn names(&self) -> &[(Vec<u8>, u32)] {
        &self.names
    }

    /// How many backtracking steps the pattern itself allows.
    pub fn step_limit(&self) -> u32 {
        self.limits.steps
    }

    /// Looks for the first match at or behind byte `start`.
    pub fn run(&self, subject: &[u8], start: usize, options: &MatchOptions) -> Result<Option<Captures>, MatchError> {
        if start > subject.len() {
            return Err(MatchError::BadOffset);
        }
        let checked = !self.utf || std::str::from_utf8(subject).is_ok_and(|s| s.is_char_boundary(start));
        // PCRE2 looks no further back than the pattern does, so that what stands before may be anything.
        if !checked && !plain::is_used() {
            return Err(MatchError::BadUtf);
        }
        WORK.with_borrow_mut(|work| work.run(self, subject, start, options, checked))
    }

    /// As [`Regex::run`] for a binary term (nothing for any other). That a large binary is UTF-8 is checked once when
    /// it is searched again and again, as `global` does.
    pub fn run_binary(
        &self,
        subject: Term,
        start: usize,
        options: &MatchOptions,
    ) -> Option<Result<Option<Captures>, MatchError>> {
        let bytes = subject.as_bytes()?;
        if !self.utf || start > bytes.len() || !checked::is_utf8(subject, &bytes) {
            return Some(self.run(&bytes, start, options));
        }
        // In UTF-8 every byte of this form continues a character.
        if bytes.get(start).is_some_and(|b| b & 0xC0 == 0x80) {
            return Some(Err(MatchError::BadUtf));
        }
        Some(WORK.with_borrow_mut(|work| work.run(self, &bytes, start, options, true)))
    }
}

/// Match data and context of one thread.
struct Work {
    data: *mut sys::pcre2_match_data_8,
    pairs: u32,
    context: *mut sys::pcre2_match_context_8,
}

thread_local! {
    static WORK: RefCell<Work> = const { RefCell::new(Work { data: ptr::null_mut(), pairs: 0, context: ptr::null_mut() }) };
}

impl Drop for Work {
    fn drop(&mut self) {
        // SAFETY: LOCAL: made by `prepare`, freed here only; null is allowed.
        unsafe {
            sys::pcre2_match_data_free_8(self.data);
            sys::pcre2_match_context_free_8(self.context);
        }
    }
}

impl Work {
    /// Makes the data large enough for `pairs` ranges; whether that worked.
    fn prepare(&mut self, pairs: u32) -> bool {
        // SAFETY: LOCAL; null is allowed when freeing.
        unsafe {
            if self.context.is_null() {
                self.context = sys::pcre2_match_context_create_8(ptr::null_mut());
            }
            if self.data.is_null() || self.pairs < pairs {
                sys::pcre2_match_data_free_8(self.data);
                self.pairs = pairs.max(16);
                self.data = sys::pcre2_match_data_create_8(self.pairs, ptr::null_mut());
            }
            !self.context.is_null() && !self.data.is_null()
        }
    }

    fn run(
        &mut self,
        regex: &Regex,
        subject: &[u8],
        start: usize,
        options: &MatchOptions,
        checked: bool,
    ) -> Result<Option<Captures>, MatchError> {
        if !self.prepare(regex.groups + 1) {
            return Err(MatchError::Internal(sys::PCRE2_ERROR_NOMEMORY));
        }
        let flags = [
            (options.anchored, sys::PCRE2_ANCHORED),
            (options.notbol, sys::PCRE2_NOTBOL),
            (options.noteol, sys::PCRE2_NOTEOL),
            (options.notempty, sys::PCRE2_NOTEMPTY),
            (options.notempty_atstart, sys::PCRE2_NOTEMPTY_ATSTART),
            (checked, sys::PCRE2_NO_UTF_CHECK),
        ];
        let flags = flags.iter().filter(|f| f.0).fold(0, |bits, f| bits | f.1);
        // SAFETY: CODE, LOCAL; UTF: checked by the caller, or by the library; the ranges are `pairs` pairs in the match data.
        unsafe {
            let (steps, depth) = (options.match_limit.unwrap_or(DEFAULT_MATCH_LIMIT), options.depth_limit);
            sys::pcre2_set_match_limit_8(self.context, steps.min(regex.limits.steps));
            sys::pcre2_set_depth_limit_8(self.context, depth.unwrap_or(u32::MAX).min(regex.limits.depth));
            sys::pcre2_set_heap_limit_8(self.context, HEAP_LIMIT);
            let (text, len, code) = (start_of(subject), subject.len(), regex.code.as_ptr());
            let found = sys::pcre2_match_8(code, text, len, start, flags, self.data, self.context);
            let result = match found {
                1.. => {
                    let ranges = sys::pcre2_get_ovector_pointer_8(self.data);
                    let ranges = std::slice::from_raw_parts(ranges, 2 * found as usize);
                    let pair = |r: &[usize]| (r[0] != usize::MAX).then_some((r[0], r[1].max(r[0])));
                    Ok(Some(ranges.chunks_exact(2).map(pair).collect()))
                }
                sys::PCRE2_ERROR_NOMATCH | sys::PCRE2_ERROR_RECURSELOOP => Ok(None),
                sys::PCRE2_ERROR_MATCHLIMIT => Err(MatchError::MatchLimit),
                sys::PCRE2_ERROR_DEPTHLIMIT | sys::PCRE2_ERROR_HEAPLIMIT => Err(MatchError::DepthLimit),
                sys::PCRE2_ERROR_UTF8_ERR21..=sys::PCRE2_ERROR_UTF8_ERR1 | sys::PCRE2_ERROR_BADUTFOFFSET => {
                    Err(MatchError::BadUtf)
                }
                other => Err(MatchError::Internal(other)),
            };
            if sys::pcre2_get_match_data_size_8(self.data) > 1 << 20 {
                sys::pcre2_match_data_free_8(self.data);
                self.data = ptr::null_mut();
            }
            result
        }
    }
}

#[cfg(test)]
mod tests;
