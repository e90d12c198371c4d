//! Natives: the functions that OTP expects the emulator to provide, declared in tables where they are written.

use crate::engine::context::Ctx;
use crate::process::escape::{Escape, NativeResult};
use purlin_term::Term;

/// A native's body. The slice holds exactly as many arguments as its arity.
pub type NativeFn = fn(&mut Ctx<'_>, &[Term]) -> NativeResult;

/// How a native may behave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NativeKind {
    /// Allowed in guards: no side effect, and a failure makes the guard fail.
    Guard,
    /// An ordinary call on the scheduler thread; long work must return [`Escape::Yield`] now and then.
    Plain,
    /// May block (files, name look-up): runs on the pool of blocking threads.
    Blocking,
}

/// One row of a topic's table.
#[derive(Clone, Copy)]
pub struct Native {
    pub module: &'static str,
    pub function: &'static str,
    pub arity: u8,
    pub kind: NativeKind,
    pub body: NativeFn,
}

impl Native {
    pub const fn plain(module: &'static str, function: &'static str, arity: u8, body: NativeFn) -> Native {
        Native { module, function, arity, kind: NativeKind::Plain, body }
    }

    pub const fn guard(module: &'static str, function: &'static str, arity: u8, body: NativeFn) -> Native {
        Native { module, function, arity, kind: NativeKind::Guard, body }
    }

    pub const fn blocking(module: &'static str, function: &'static str, arity: u8, body: NativeFn) -> Native {
        Native { module, function, arity, kind: NativeKind::Blocking, body }
    }
}

/// The value, or `badarg`.
pub trait OrBadarg<T> {
    fn or_badarg(self) -> Result<T, Escape>;
}

impl<T> OrBadarg<T> for Option<T> {
    #[inline]
    fn or_badarg(self) -> Result<T, Escape> {
        self.ok_or(Escape::BADARG)
    }
}
