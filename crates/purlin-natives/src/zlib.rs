//! The natives of `zlib`: streams that compress and decompress what was queued for them, a chunk at a call.
//!
//! A stream is for its controlling process alone.

mod stream;

use crate::byte_queue::ByteQueue;
use libz_sys as z;
use parking_lot::{Mutex, MutexGuard};
use purlin_term::owned::Owned;
use purlin_term::{Immediate, Magic, Term, am, iolist};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use std::ffi::c_int;
use std::sync::Arc;
use stream::{Direction, Stream};

pub const NATIVES: &[Native] = &[
    Native::plain("zlib", "open_nif", 0, open),
    Native::plain("zlib", "close_nif", 1, close),
    Native::plain("zlib", "set_controller_nif", 2, set_controller),
    Native::plain("zlib", "deflateInit_nif", 6, deflate_init),
    Native::plain("zlib", "deflateSetDictionary_nif", 2, deflate_set_dictionary),
    Native::plain("zlib", "deflateReset_nif", 1, |ctx, args| reset(ctx, args, Direction::Deflate)),
    Native::plain("zlib", "deflateEnd_nif", 1, |ctx, args| end(ctx, args, Direction::Deflate)),
    Native::plain("zlib", "deflateParams_nif", 3, deflate_params),
    Native::plain("zlib", "deflate_nif", 4, |ctx, args| codec(ctx, args, Direction::Deflate)),
    Native::plain("zlib", "inflateInit_nif", 3, inflate_init),
    Native::plain("zlib", "inflateSetDictionary_nif", 2, inflate_set_dictionary),
    Native::plain("zlib", "inflateGetDictionary_nif", 1, inflate_get_dictionary),
    Native::plain("zlib", "inflateReset_nif", 1, |ctx, args| reset(ctx, args, Direction::Inflate)),
    Native::plain("zlib", "inflateEnd_nif", 1, |ctx, args| end(ctx, args, Direction::Inflate)),
    Native::plain("zlib", "inflate_nif", 4, |ctx, args| codec(ctx, args, Direction::Inflate)),
    Native::plain("zlib", "crc32_nif", 1, crc32),
    Native::plain("zlib", "getStash_nif", 1, get_stash),
    Native::plain("zlib", "clearStash_nif", 1, clear_stash),
    Native::plain("zlib", "setStash_nif", 2, set_stash),
    Native::plain("zlib", "getBufSize_nif", 1, |ctx, args| Ok(Term::small(state(ctx, args[0])?.chunk.into()))),
    Native::plain("zlib", "setBufSize_nif", 2, set_buf_size),
    Native::plain("zlib", "enqueue_nif", 2, enqueue),
];

/// Output of `inflateChunk/1` unless set.
const DEFAULT_CHUNK: c_int = 4000;
/// Bytes processed for one reduction.
const BYTES_PER_REDUCTION: usize = 50;

/// What happens with input that follows the end of a compressed stream.
#[derive(Clone, Copy)]
enum AfterEnd {
    Error,
    Reset,
    Cut,
}

/// What a stream reference keeps alive.
struct State {
    controller: Immediate,
    stream: Option<Stream>,
    closed: bool,
    after_end: AfterEnd,
    end_seen: bool,
    /// The plain data's checksum, kept for streams without a header.
    crc: Option<crc32fast::Hasher>,
    input: ByteQueue,
    stash: Option<Owned>,
    chunk: c_int,
}

struct Zlib(Mutex<State>);

impl State {
    fn of(&mut self, direction: Direction) -> Result<&mut Stream, Escape> {
        self.stream.as_mut().filter(|s| s.direction == direction).ok_or_else(not_initialized)
    }

    fn begin(&mut self, stream: Stream, raw: bool) {
        self.stream = Some(stream);
        self.end_seen = false;
        self.crc = raw.then(crc32fast::Hasher::new);
    }

    fn drop_input(&mut self) {
        self.input = ByteQueue::default();
        self.stash = None;
    }
}

fn not_initialized() -> Escape {
    Escape::Error(am!("not_initialized"))
}

/// The stream of a reference, if the caller controls it.
fn state<'a>(ctx: &Ctx<'_>, t: Term) -> Result<MutexGuard<'a, State>, Escape> {
    let zlib: &'a Zlib = t.magic().or_badarg()?;
    let state = zlib.0.lock();
    if state.controller != ctx.pid() {
        return Err(Escape::Error(am!("not_on_controlling_process")));
    }
    Ok(state)
}

/// What a code of the library becomes: some are exceptions, others values.
fn outcome(code: c_int) -> NativeResult {
    Ok(match code {
        z::Z_OK => am!("ok"),
        z::Z_STREAM_END => am!("stream_end"),
        z::Z_STREAM_ERROR => return Err(Escape::Error(am!("stream_error"))),
        z::Z_DATA_ERROR => return Err(Escape::Error(am!("data_error"))),
        z::Z_MEM_ERROR => am!("mem_error"),
        z::Z_BUF_ERROR => am!("buf_error"),
        z::Z_VERSION_ERROR => am!("version_error"),
        _ => am!("unknown_error"),
    })
}

fn int(t: Term) -> Result<c_int, Escape> {
    t.as_small().and_then(|i| c_int::try_from(i).ok()).or_badarg()
}

/// A checksum as OTP gives it: the number's 32 bits with a sign.
fn signed(checksum: u32) -> Term {
    Term::small((checksum as i32).into())
}

fn open(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let state = State {
        controller: ctx.process.who(),
        stream: None,
        closed: false,
        after_end: AfterEnd::Cut,
        end_seen: false,
        crc: None,
        input: ByteQueue::default(),
        stash: None,
        chunk: DEFAULT_CHUNK,
    };
    let id = ctx.engine.next_ref();
    Ok(ctx.heap().magic_reference(id, Arc::new(Magic { value: Box::new(Zlib(Mutex::new(state))) })))
}

fn close(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let mut s = state(ctx, args[0])?;
    if std::mem::replace(&mut s.closed, true) {
        return Err(not_initialized());
    }
    s.stream = None;
    s.drop_input();
    Ok(am!("ok"))
}

fn set_controller(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let pid = Immediate::new(args[1]).filter(|p| p.is_local_pid()).or_badarg()?;
    state(ctx, args[0])?.controller = pid;
    Ok(am!("ok"))
}

/// Makes the stream, which must not have been initialised.
fn init(ctx: &mut Ctx<'_>, t: Term, window: c_int, make: impl FnOnce() -> Result<Stream, c_int>) -> NativeResult {
    let mut s = state(ctx, t)?;
    if s.stream.is_some() || s.closed {
        return Err(Escape::Error(am!("already_initialized")));
    }
    match make() {
        Ok(stream) => {
            s.begin(stream, window < 0);
            Ok(am!("ok"))
        }
        Err(code) => outcome(code),
    }
}

fn deflate_init(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (level, method, window) = (int(args[1])?, int(args[2])?, int(args[3])?);
    let (memory, strategy) = (int(args[4])?, int(args[5])?);
    init(ctx, args[0], window, || Stream::deflate(level, method, window, memory, strategy))
}

fn inflate_init(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let window = int(args[1])?;
    let after_end = match int(args[2])? {
        0 => AfterEnd::Error,
        1 => AfterEnd::Reset,
        2 => AfterEnd::Cut,
        _ => return Err(Escape::BADARG),
    };
    let t = init(ctx, args[0], window, || Stream::inflate(window))?;
    state(ctx, args[0])?.after_end = after_end;
    Ok(t)
}

/// The checksum of the dictionary. Streams without a header do not count it, so it is counted here, from zero.
fn deflate_set_dictionary(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let dictionary = iolist::to_bytes(args[1]).or_badarg()?;
    let mut s = state(ctx, args[0])?;
    let raw = s.crc.is_some();
    let stream = s.of(Direction::Deflate)?;
    match stream.set_dictionary(&dictionary) {
        z::Z_OK if raw => {
            let mut sum = adler2::Adler32::from_checksum(0);
            sum.write_slice(&dictionary);
            Ok(signed(sum.checksum()))
        }
        z::Z_OK => Ok(signed(stream.adler())),
        code => outcome(code),
    }
}

fn inflate_set_dictionary(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let dictionary = iolist::to_bytes(args[1]).or_badarg()?;
    outcome(state(ctx, args[0])?.of(Direction::Inflate)?.set_dictionary(&dictionary))
}

fn inflate_get_dictionary(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    match state(ctx, args[0])?.of(Direction::Inflate)?.dictionary() {
        Ok(bytes) => Ok(ctx.heap().binary(&bytes)),
        Err(code) => outcome(code),
    }
}

fn deflate_params(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (level, strategy) = (int(args[1])?, int(args[2])?);
    outcome(state(ctx, args[0])?.of(Direction::Deflate)?.set_parameters(level, strategy))
}

fn reset(ctx: &mut Ctx<'_>, args: &[Term], direction: Direction) -> NativeResult {
    let mut s = state(ctx, args[0])?;
    let code = s.of(direction)?.reset();
    s.crc = s.crc.as_ref().map(|_| crc32fast::Hasher::new());
    s.end_seen = false;
    s.drop_input();
    outcome(code)
}

/// Ends the stream; `data_error` when input is left or the compressed data had no end.
fn end(ctx: &mut Ctx<'_>, args: &[Term], direction: Direction) -> NativeResult {
    let mut s = state(ctx, args[0])?;
    s.of(direction)?;
    let Some(stream) = s.stream.take() else { return Err(not_initialized()) };
    let mut code = stream.end();
    let incomplete = direction == Direction::Inflate && !s.end_seen;
    if code == z::Z_OK && (incomplete || !s.input.rest().is_empty()) {
        code = z::Z_DATA_ERROR;
    }
    s.drop_input();
    outcome(code)
}

/// Processes at most a chunk of the queued input into at most a chunk of output: `{finished, Output}` when all is
/// done, `{continue, Output}` when there is more.
fn codec(ctx: &mut Ctx<'_>, args: &[Term], direction: Direction) -> NativeResult {
    let chunk = |t| int(t).and_then(|n| usize::try_from(n).ok().or_badarg());
    let (input_chunk, output_chunk, flush) = (chunk(args[1])?, chunk(args[2])?, int(args[3])?);
    let mut guard = state(ctx, args[0])?;
    let s = &mut *guard;
    s.of(direction)?;
    if direction == Direction::Inflate && s.end_seen && !s.input.rest().is_empty() {
        match s.after_end {
            AfterEnd::Error => return outcome(z::Z_DATA_ERROR),
            AfterEnd::Cut => s.drop_input(),
            AfterEnd::Reset => match s.of(direction)?.reset() {
                z::Z_OK => s.end_seen = false,
                code => return outcome(code),
            },
        }
    }
    let Some(stream) = s.stream.as_mut() else { return Err(not_initialized()) };
    let mut output = Vec::new();
    if output.try_reserve_exact(output_chunk).is_err() {
        return outcome(z::Z_MEM_ERROR);
    }
    let mut code = z::Z_OK;
    let mut consumed = 0;
    let waiting = s.input.rest();
    if !waiting.is_empty() && input_chunk > 0 {
        let given = &waiting[..waiting.len().min(input_chunk)];
        // Flushing waits for the end of the input.
        let step = stream.step(given, &mut output, z::Z_NO_FLUSH);
        (code, consumed) = (step.code, step.consumed);
        if let (Direction::Deflate, Some(crc)) = (direction, s.crc.as_mut()) {
            crc.update(&given[..consumed]);
        }
        s.input.skip(consumed);
    }
    let remaining = s.input.rest().len();
    if code == z::Z_OK && remaining == 0 && output.len() < output_chunk {
        code = stream.step(&[], &mut output, flush).code;
    }
    if code < 0 && code != z::Z_BUF_ERROR {
        return outcome(code);
    }
    s.end_seen |= code == z::Z_STREAM_END;
    if let (Direction::Inflate, Some(crc)) = (direction, s.crc.as_mut()) {
        crc.update(&output);
    }
    if consumed == 0 && output.is_empty() && remaining != 0 {
        return outcome(z::Z_DATA_ERROR);
    }
    let adler = stream.adler();
    ctx.charge((consumed + output.len()) / BYTES_PER_REDUCTION);
    let h = ctx.heap();
    let data = if output.is_empty() {
        Term::NIL
    } else {
        let binary = h.binary(&output);
        h.list(&[binary])
    };
    Ok(if remaining == 0 && output.len() < output_chunk {
        h.tuple(&[am!("finished"), data])
    } else if code == z::Z_NEED_DICT {
        h.tuple(&[am!("need_dictionary"), signed(adler), data])
    } else {
        h.tuple(&[am!("continue"), data])
    })
}

/// The checksum of the plain data so far, counted for streams without a header.
fn crc32(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let s = state(ctx, args[0])?;
    if s.stream.is_none() {
        return Err(not_initialized());
    }
    let sum = s.crc.as_ref().map_or(0, |crc| crc.clone().finalize());
    Ok(Term::small(sum.into()))
}

fn get_stash(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let s = state(ctx, args[0])?;
    let Some(stash) = s.stash.as_ref() else { return Ok(am!("empty")) };
    let t = stash.copy_to(ctx.heap());
    ctx.ok(t)
}

fn clear_stash(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    match state(ctx, args[0])?.stash.take() {
        Some(_) => Ok(am!("ok")),
        None => Err(Escape::Error(am!("error"))),
    }
}

fn set_stash(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let mut s = state(ctx, args[0])?;
    if s.stash.is_some() {
        return Err(Escape::Error(am!("error")));
    }
    s.stash = Some(Owned::new(args[1]));
    Ok(am!("ok"))
}

fn set_buf_size(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    state(ctx, args[0])?.chunk = int(args[1])?;
    Ok(am!("ok"))
}

fn enqueue(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let mut s = state(ctx, args[0])?;
    if s.stream.is_none() {
        return Err(not_initialized());
    }
    let pieces = args[1].as_list().or_badarg()?;
    let pieces = pieces.iter().map(|t| t.as_bytes()).collect::<Option<Vec<_>>>().or_badarg()?;
    pieces.iter().for_each(|piece| s.input.append(piece));
    Ok(am!("ok"))
}
