//! Natives: the functions that OTP expects the emulator to provide, declared in tables where they are written.

use crate::engine::context::Ctx;
use crate::process::escape::{Escape, NativeResult};
use purlin_term::{Release, Term};

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
    /// Computes for long: runs on the threads for such.
    Computing,
}

/// One row of a topic's table.
#[derive(Clone, Copy)]
pub struct Native {
    pub module: &'static str,
    pub function: &'static str,
    pub arity: u8,
    pub kind: NativeKind,
    pub body: NativeFn,
    /// The first and the last release that has it.
    pub releases: (Release, Release),
}

impl Native {
    pub const fn plain(module: &'static str, function: &'static str, arity: u8, body: NativeFn) -> Native {
        Native::of(module, function, arity, NativeKind::Plain, body)
    }

    pub const fn guard(module: &'static str, function: &'static str, arity: u8, body: NativeFn) -> Native {
        Native::of(module, function, arity, NativeKind::Guard, body)
    }

    pub const fn blocking(module: &'static str, function: &'static str, arity: u8, body: NativeFn) -> Native {
        Native::of(module, function, arity, NativeKind::Blocking, body)
    }

    const fn of(module: &'static str, function: &'static str, arity: u8, kind: NativeKind, body: NativeFn) -> Native {
        Native { module, function, arity, kind, body, releases: (Release(0), Release(u8::MAX)) }
    }

    /// The same, as the emulator has it from this release on.
    pub const fn since(self, first: u8) -> Native {
        Native { releases: (Release(first), self.releases.1), ..self }
    }

    /// The same, as the emulator has it up to this release.
    pub const fn until(self, last: u8) -> Native {
        Native { releases: (self.releases.0, Release(last)), ..self }
    }

    /// Whether the emulator of this release has it.
    pub fn is_in(&self, release: Release) -> bool {
        (self.releases.0..=self.releases.1).contains(&release)
    }
}

/// What a loaded library has a function do.
pub trait LoadedBody: Send + Sync {
    fn call(&self, ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult;
}

/// A library that a module has loaded.
pub trait Library: Send + Sync + std::any::Any {
    /// The module was purged: nobody calls the library's functions any more.
    fn purged(&self);
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
