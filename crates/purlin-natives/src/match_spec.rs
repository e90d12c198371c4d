//! Match specifications: `[{Head, Guards, Body}]`, the query language of tables and of call tracing.
//!
//! A specification is compiled once to a [`Program`] and run over many terms. The first clause whose head matches and
//! whose guards are all `true` decides; its body's last expression is the result. Intermediate terms live in a heap of
//! the run ([`Run`]) and are gone with it; results are copied out.

mod compile;
mod functions;
mod pattern;
mod run;
mod tracing;

pub use compile::{Dialect, Problem};
pub use pattern::{has_variable, is_open, variable};
pub use run::Run;
pub use tracing::trace_spec;

use functions::Function;
use purlin_term::{Kept, Magic, Owned, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::tracing::Site;
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult};
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain("ets", "match_spec_compile", 1, match_spec_compile),
    Native::plain("ets", "match_spec_run_r", 3, match_spec_run_r),
    Native::plain("ets", "is_compiled_ms", 1, is_compiled_ms),
    Native::plain("erlang", "match_spec_test", 3, match_spec_test),
];

/// A compiled match specification.
pub struct Program {
    /// Keeps the constants of the clauses alive.
    source: Owned,
    clauses: Vec<Clause>,
    variables: usize,
}

struct Clause {
    head: Head,
    guards: Vec<Expr>,
    body: Vec<Expr>,
}

/// What a clause looks at.
enum Head {
    /// One term.
    Term(Pattern),
    /// The arguments of a call.
    Arguments(Vec<Pattern>),
    /// All arguments as one list.
    ArgumentList(Pattern),
}

/// A part of a head.
enum Pattern {
    Any,
    /// The first use of a variable.
    Bind(usize),
    /// A further use.
    Bound(usize),
    /// Exactly this term.
    Is(Kept),
    Tuple(Vec<Pattern>),
    Cons(Box<(Pattern, Pattern)>),
    /// A map that has these keys, and perhaps others.
    Map(Vec<(Kept, Pattern)>),
}

/// A guard or body expression.
enum Expr {
    Constant(Kept),
    Variable(usize),
    /// `'$_'`
    Whole,
    /// `'$$'`
    Bindings,
    Tuple(Vec<Expr>),
    Cons(Box<(Expr, Expr)>),
    Map(Vec<(Expr, Expr)>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    AndAlso(Vec<Expr>),
    OrElse(Vec<Expr>),
    /// The pid of the process that runs it.
    Own,
    Call(Function, Vec<Expr>),
    /// What only tracing has; a trial leaves the engine as it is.
    Action {
        what: Action,
        args: Vec<Expr>,
        trial: bool,
    },
}

/// Forms that only tracing has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// `{message, Term}`
    Message,
    ReturnTrace,
    ExceptionTrace,
    Display,
    IsSeqTrace,
    SetSeqToken,
    GetSeqToken,
    ProcessDump,
    EnableTrace,
    DisableTrace,
    Trace,
    Silent,
    /// Who called the traced function; nobody in a trial.
    Caller,
    CallerLine,
    /// Who called it and its callers (since OTP 26).
    CurrentStacktrace,
    GetTcw,
    SetTcw,
}

/// Why a specification does not compile.
pub struct BadSpec(pub Vec<Problem>);

impl BadSpec {
    /// Whether it is nested too deep, rather than wrong.
    pub fn is_too_deep(&self) -> bool {
        self.0.iter().any(|p| p.0 == compile::TOO_DEEP.as_bytes())
    }
}

impl From<BadSpec> for Escape {
    fn from(bad: BadSpec) -> Escape {
        if bad.is_too_deep() { Escape::SYSTEM_LIMIT } else { Escape::BADARG }
    }
}

impl Program {
    /// Compiles a specification.
    pub fn compile(engine: &Engine, spec: Term, dialect: Dialect) -> Result<Program, BadSpec> {
        compile::compile(engine, spec, dialect)
    }

    /// The specification it was made from.
    pub fn source(&self) -> Term {
        self.source.term()
    }
}

/// The program behind a reference that `ets:match_spec_compile/1` made.
pub fn program<'a>(t: Term) -> Option<&'a Arc<Program>> {
    t.magic()
}

/// A reference to a program.
pub fn reference(ctx: &mut Ctx<'_>, program: Arc<Program>) -> Term {
    let id = ctx.engine.next_ref();
    ctx.heap().magic_reference(id, Arc::new(Magic { value: Box::new(program) }))
}

// ---- natives

fn match_spec_compile(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if !args[0].is_cons() {
        return Err(Escape::BADARG);
    }
    let program = Program::compile(ctx.engine, args[0], Dialect::Table)?;
    Ok(reference(ctx, Arc::new(program)))
}

fn is_compiled_ms(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Ok(Term::bool(program(args[0]).is_some()))
}

/// Prepends the results for the terms of a list to another list.
fn match_spec_run_r(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (mut rest, mut results) = (args[0], args[2]);
    if !rest.is_list() {
        return Err(Escape::BADARG);
    }
    let program = program(args[1]).or_badarg()?;
    let mut run = Run::new(program);
    while let Some((term, tail)) = rest.as_cons() {
        if let Some(found) = run.on(ctx, term) {
            let found = ctx.heap().copy(found);
            results = ctx.heap().cons(found, results);
        }
        rest = tail;
        ctx.charge(1);
        if ctx.out_of_reductions() && rest.is_cons() {
            return Err(Escape::Yield(vec![rest, args[1], results]));
        }
    }
    if rest.is_nil() { Ok(results) } else { Err(Escape::BADARG) }
}

/// Tries a specification on a term (or, for tracing, on an argument list):
/// `{ok, Result, Flags, Warnings}` or `{error, Errors}`.
fn match_spec_test(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (subject, spec) = (args[0], args[1]);
    let dialect = if args[2] == am!("table") {
        Dialect::Table
    } else if args[2] == am!("trace") && subject.is_list() {
        Dialect::TRIAL
    } else {
        return Err(Escape::BADARG);
    };
    let compiled = match spec.is_nil() {
        true => Err(BadSpec(vec![Problem(b"Match programs are not in a list.".to_vec())])),
        false => Program::compile(ctx.engine, spec, dialect),
    };
    let program = match compiled {
        Ok(p) => p,
        Err(BadSpec(problems)) => {
            let list = problem_list(ctx, &problems);
            return ctx.error(list);
        }
    };
    let mut run = Run::new(&program);
    let (mut returns, mut exceptions) = (false, false);
    let result = match dialect {
        Dialect::Table => run.on(ctx, subject).map(|t| ctx.heap().copy(t)),
        Dialect::Trace { .. } => {
            let arguments = subject.as_list().or_badarg()?;
            let verdict = run.on_event(ctx, &arguments, &Site::default());
            (returns, exceptions) = (verdict.return_trace, verdict.exception_trace);
            verdict.message.map(|m| ctx.heap().copy(m.term()))
        }
    };
    let result = result.unwrap_or(am!("false"));
    let h = ctx.heap();
    let mut flags = Vec::new();
    if returns {
        flags.push(am!("return_trace"));
    }
    if exceptions {
        flags.push(am!("exception_trace"));
    }
    let flags = h.list(&flags);
    Ok(h.tuple(&[am!("ok"), result, flags, Term::NIL]))
}

/// `[{error, Text}]`
fn problem_list(ctx: &mut Ctx<'_>, problems: &[Problem]) -> Term {
    let h = ctx.heap();
    let list: Vec<Term> = problems
        .iter()
        .map(|p| {
            let text = h.byte_list(&p.0);
            h.tuple(&[am!("error"), text])
        })
        .collect();
    h.list(&list)
}
