//! Files and the file system: the natives of `prim_file` and `prim_buffer`.
//!
//! A file's descriptor is closed exactly once: by its owner, or by the janitor process `prim_file` after the owner
//! has ended. Operations on a closed file give `{error, einval}`.

mod buffer;
mod name;
mod open;
mod read;
mod system;

use crate::errno;
use purlin_term::{Atom, Term};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use rustix::io::Errno;
use std::ffi::CStr;

pub const TABLES: &[&[Native]] = &[buffer::NATIVES, name::NATIVES, open::NATIVES, read::NATIVES, system::NATIVES];
pub use name::locale_is_utf8;
pub use open::{duplicate, install};

/// Why a file operation has no value.
enum Failure {
    /// Becomes `{error, Name}`.
    Posix(Errno),
    Escape(Escape),
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

/// Runs an operation and makes `{error, Name}` of an error of the operating system.
fn reply(ctx: &mut Ctx<'_>, args: &[Term], f: impl FnOnce(&mut Ctx<'_>, &[Term]) -> Outcome) -> NativeResult {
    match f(ctx, args) {
        Ok(t) => Ok(t),
        Err(Failure::Posix(e)) => ctx.error(errno::atom(e)),
        Err(Failure::Escape(e)) => Err(e),
    }
}

const OK: Term = Term::atom(Atom::OK);

/// A path as `internal_name2native/1` makes it: bytes with one zero or more at the end, and none elsewhere.
fn with_path<T>(t: Term, f: impl FnOnce(&CStr) -> Result<T, Failure>) -> Result<T, Failure> {
    let bytes = t.as_bytes().ok_or(Errno::INVAL)?;
    let path = CStr::from_bytes_until_nul(&bytes).map_err(|_| Errno::INVAL)?;
    if bytes[path.count_bytes()..].iter().any(|&b| b != 0) {
        return Err(Errno::INVAL.into());
    }
    f(path)
}

/// An integer of 64 bits: a term that is no number is wrong, a number that does not fit is refused.
fn int64(t: Term) -> Result<i64, Failure> {
    if !t.is_number() {
        return Err(Escape::BADARG.into());
    }
    t.as_i64().ok_or(Errno::INVAL.into())
}

/// An offset or a size, by the rule of [`int64`].
fn natural(t: Term) -> Result<u64, Failure> {
    u64::try_from(int64(t)?).map_err(|_| Errno::INVAL.into())
}

/// An integer of 32 bits.
fn int32(t: Term) -> Result<i32, Failure> {
    Ok(t.as_small().and_then(|i| i32::try_from(i).ok()).or_badarg()?)
}
