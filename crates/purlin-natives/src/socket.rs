//! The natives of `prim_socket`, on which OTP's module `socket` stands: the sockets of the operating system as they are.
//!
//! A socket's descriptor does not block. What cannot be done at once is left to the caller, who is told by a message
//! when to try again ([`io`]). A descriptor is closed once: by closing the socket, by the end of its owner, or when
//! nobody refers to it any more.

pub mod address;
mod cancel;
mod connect;
mod control;
mod counters;
mod ends;
mod info;
mod io;
mod ioctl;
mod open;
mod options;
mod receive;
mod send;
mod send_file;
mod state;
mod supports;
mod sys;

use crate::errno;
use purlin_term::{Atom, Heap, Release, Term, am, map};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult};
use rustix::io::Errno;
use state::Socket;

pub use ends::install;
pub use info::type_term;
pub use sys::within;

pub const TABLES: &[&[Native]] = &[
    cancel::NATIVES,
    connect::NATIVES,
    info::NATIVES,
    ioctl::NATIVES,
    open::NATIVES,
    options::NATIVES,
    receive::NATIVES,
    send::NATIVES,
    send_file::NATIVES,
    supports::NATIVES,
];

const OK: Term = Term::atom(Atom::OK);

/// Why an operation has no value.
enum Failure {
    /// Becomes `{error, Name}`.
    Posix(Errno),
    /// Becomes `{error, Reason}`; an atom.
    Error(&'static str),
    /// Becomes `{error, {invalid, What}}`.
    ErrorInvalid(Term),
    /// Becomes `{invalid, What}`, which `prim_socket` makes an error of.
    Invalid(Term),
    /// Becomes `{invalid, {integer_range, I}}`, and an error of that on OTP 27.
    Range(Term),
    /// Becomes the error `{invalid, What}`.
    Raise(Term),
    Escape(Escape),
}

impl Failure {
    const CLOSED: Failure = Failure::Error("closed");
}

impl From<Errno> for Failure {
    fn from(e: Errno) -> Failure {
        Failure::Posix(e)
    }
}

impl From<Escape> for Failure {
    fn from(e: Escape) -> Failure {
        Failure::Escape(e)
    }
}

type Outcome = Result<Term, Failure>;

/// Runs an operation and makes terms of its failures.
fn reply(ctx: &mut Ctx<'_>, args: &[Term], f: impl FnOnce(&mut Ctx<'_>, &[Term]) -> Outcome) -> NativeResult {
    let failure = match f(ctx, args) {
        Ok(t) => return Ok(t),
        Err(failure) => failure,
    };
    let invalid = |h: &mut Heap, t| h.tuple(&[am!("invalid"), t]);
    match failure {
        Failure::Posix(e) => ctx.error(errno::atom(e)),
        Failure::Error(name) => ctx.error(Term::atom(Atom::new(name))),
        Failure::ErrorInvalid(t) => {
            let t = invalid(ctx.heap(), t);
            ctx.error(t)
        }
        Failure::Invalid(t) => Ok(invalid(ctx.heap(), t)),
        Failure::Range(t) => {
            let is_27 = (Release(27)..Release(28)).contains(&ctx.engine.config.release);
            let t = ctx.heap().tuple(&[am!("integer_range"), t]);
            let t = invalid(ctx.heap(), t);
            if is_27 { ctx.error(t) } else { Ok(t) }
        }
        Failure::Raise(t) => Err(Escape::Error(invalid(ctx.heap(), t))),
        Failure::Escape(e) => Err(e),
    }
}

fn socket_of<'a>(t: Term) -> Result<&'a Socket, Failure> {
    Ok(t.magic().or_badarg()?)
}

/// An integer of C's `int`. Other integers are refused by name, other terms are bad arguments.
fn int(t: Term) -> Result<i32, Failure> {
    as_int(t).ok_or_else(|| out_of_range(t))
}

fn as_int(t: Term) -> Option<i32> {
    t.as_small().and_then(|i| i32::try_from(i).ok())
}

/// A size, by the rule of [`int`].
fn size(t: Term) -> Result<usize, Failure> {
    let n = t.as_u64().filter(|&n| i64::try_from(n).is_ok()).ok_or_else(|| out_of_range(t))?;
    Ok(n as usize)
}

fn out_of_range(t: Term) -> Failure {
    if t.is_integer() { Failure::Range(t) } else { Escape::BADARG.into() }
}

/// Arguments that all have to be integers before one of them is told to be out of range.
fn integers(ts: &[Term]) -> Result<(), Failure> {
    Ok(ts.iter().all(|t| t.is_integer()).then_some(()).or_badarg()?)
}

/// The reference of an operation; `zero` is one that only polls.
fn reference(t: Term, may_poll: bool) -> Result<bool, Failure> {
    let polls = may_poll && t == am!("zero");
    Ok((polls || t.is_ref()).then_some(polls).or_badarg()?)
}

/// A map of these associations, of which no key comes twice.
pub fn map_of(heap: &mut Heap, pairs: &[(&'static str, Term)]) -> Term {
    let pairs: Vec<(Term, Term)> = pairs.iter().map(|&(k, v)| (name(k), v)).collect();
    let empty = map::empty(heap);
    map::put_all(heap, empty, &pairs)
}

pub fn name(text: &str) -> Term {
    Term::atom(Atom::new(text))
}

fn at(t: Term, key: &str) -> Option<Term> {
    t.is_map().then(|| map::get(t, name(key))).flatten()
}

/// What `prim_socket` gave with a name when it loaded its library; an immediate term.
fn load_info(engine: &Engine, key: &str) -> Option<Term> {
    let all = engine.nif_info.lock();
    at(all.get(&Atom::new("prim_socket"))?.term(), key).filter(|t| t.is_immediate())
}
