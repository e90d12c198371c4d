//! The ways out of a native other than returning a value.

use purlin_term::{Atom, Term};

/// What a native gives back.
pub type NativeResult = Result<Term, Escape>;

/// The class of an Erlang exception.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    Error,
    Exit,
    Throw,
}

impl Class {
    pub fn atom(self) -> Term {
        Term::atom(match self {
            Class::Error => Atom::ERROR,
            Class::Exit => Atom::EXIT,
            Class::Throw => Atom::THROW,
        })
    }
}

/// Why a native did not return a value.
#[derive(Clone, Debug)]
pub enum Escape {
    /// `error:Reason`; the top frame is the native with its arguments and
    /// `[{error_info, #{module => ErrorsModule}}]`.
    Error(Term),
    /// As [`Escape::Error`], with `cause => Cause` in the error_info map.
    ErrorCause(Term, Term),
    /// As [`Escape::ErrorCause`] (`cause` may be NONE), of a native that goes on after a pause: `args` are those it was
    /// called with.
    ErrorOf {
        reason: Term,
        cause: Term,
        args: Vec<Term>,
    },
    Exit(Term),
    Throw(Term),
    /// `erlang:error/1,2,3`: an error of the caller's frame. `args` are put in the caller's frame in place of its
    /// arity (NONE: none given); `info` is the error_info map of `error/3` (NONE: none given).
    CallerError {
        reason: Term,
        args: Term,
        info: Term,
    },
    /// `erlang:raise/3`: an exception with a stack trace given as a term.
    Raise {
        class: Class,
        reason: Term,
        stack: Term,
    },
    /// Continue with a tail call of `module:function(args)`.
    Trap {
        module: Atom,
        function: Atom,
        args: Vec<Term>,
    },
    /// Continue with a tail call of this function, exported or not.
    Enter {
        entry: &'static crate::code::FnEntry,
        args: Vec<Term>,
    },
    /// Continue with a tail call of a native.
    Native {
        entry: &'static crate::code::NativeEntry,
        args: Vec<Term>,
    },
    /// Continue with a tail call of a fun.
    Apply {
        fun: Term,
        args: Vec<Term>,
    },
    /// Let other processes run, then call this native again with these arguments.
    Yield(Vec<Term>),
    /// As [`Escape::Yield`], with the same arguments.
    Again,
    /// Let other processes run, then return this value.
    YieldReturn(Term),
    /// Sleep until a signal arrives, then call this native again with these arguments.
    Wait(Vec<Term>),
    /// Call this native again, with the same arguments, on the pool of blocking threads.
    Block,
    /// As [`Escape::Block`], on the threads for natives that compute.
    Compute,
    /// `erlang:hibernate/3`: forget the stack, sleep until a message is there, then call this function.
    Hibernate {
        module: Atom,
        function: Atom,
        args: Vec<Term>,
    },
    /// `erlang:hibernate/0`: sleep until a message is there, then return `ok`.
    HibernateReturn,
    /// The calling process has to end with this exit reason now, whatever it catches.
    Exited(Term),
}

impl Escape {
    pub const BADARG: Escape = Escape::Error(Term::atom(Atom::BADARG));
    pub const BADARITH: Escape = Escape::Error(Term::atom(Atom::BADARITH));
    pub const SYSTEM_LIMIT: Escape = Escape::Error(Term::atom(Atom::SYSTEM_LIMIT));
    pub const NOTSUP: Escape = Escape::Error(Term::atom(Atom::NOTSUP));

    /// `badarg` with a cause that OTP's error formatter knows.
    pub fn badarg_cause(cause: Term) -> Escape {
        Escape::ErrorCause(Term::atom(Atom::BADARG), cause)
    }

    /// This error as one of a call with these arguments, for natives whose own hold the state of a pause.
    pub fn of_call(self, args: &[Term]) -> Escape {
        match self {
            Escape::Error(reason) => Escape::ErrorOf { reason, cause: Term::NONE, args: args.to_vec() },
            Escape::ErrorCause(reason, cause) => Escape::ErrorOf { reason, cause, args: args.to_vec() },
            other => other,
        }
    }

    /// Calls `visit` with every slot that holds a term.
    pub fn visit(&mut self, visit: &mut dyn FnMut(&mut Term)) {
        match self {
            Escape::Again | Escape::Block | Escape::Compute | Escape::HibernateReturn => {}
            Escape::Error(t) | Escape::Exit(t) | Escape::Throw(t) | Escape::YieldReturn(t) | Escape::Exited(t) => {
                visit(t)
            }
            Escape::ErrorCause(a, b) => [a, b].into_iter().for_each(visit),
            Escape::ErrorOf { reason, cause, args } => {
                [reason, cause].into_iter().for_each(&mut *visit);
                args.iter_mut().for_each(visit);
            }
            Escape::CallerError { reason, args, info } => [reason, args, info].into_iter().for_each(visit),
            Escape::Raise { reason, stack, .. } => [reason, stack].into_iter().for_each(visit),
            Escape::Trap { args, .. }
            | Escape::Enter { args, .. }
            | Escape::Native { args, .. }
            | Escape::Yield(args)
            | Escape::Wait(args)
            | Escape::Hibernate { args, .. } => args.iter_mut().for_each(visit),
            Escape::Apply { fun, args } => {
                visit(fun);
                args.iter_mut().for_each(visit);
            }
        }
    }
}
