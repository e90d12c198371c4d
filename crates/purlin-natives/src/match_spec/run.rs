//! Running a compiled match specification over terms.

use super::functions::Function;
use super::{Action, Clause, Expr, Head, Own, Pattern, Program};
use purlin_term::compare::same;
use purlin_term::{Heap, Term, am, map};
use purlin_vm::Ctx;

/// A program with the memory that running it needs; used for many terms in turn.
pub struct Run<'p> {
    program: &'p Program,
    variables: Vec<Term>,
    scratch: Heap,
}

/// What a run for tracing found besides its result.
#[derive(Default)]
pub struct Outcome {
    pub actions: Vec<Action>,
    message: Option<Term>,
}

/// What is matched.
#[derive(Clone, Copy)]
enum Subject<'t> {
    Term(Term),
    Call(&'t [Term]),
}

/// Scratch memory, in words, that is kept from one term to the next.
const KEEP: usize = 8192;

/// A guard that is not `true`, or a failed call in it: the clause does not apply.
struct Failed;

impl<'p> Run<'p> {
    pub fn new(program: &'p Program) -> Run<'p> {
        Run { program, variables: vec![Term::NONE; program.variables], scratch: Heap::new(0) }
    }

    /// The result for a term. It may point into the term and into this run: copy it before either is gone.
    pub fn on(&mut self, ctx: &mut Ctx<'_>, term: Term) -> Option<Term> {
        Active::start(self, ctx).clauses(Subject::Term(term))
    }

    /// The result for a call with these arguments, and what else is asked for.
    pub fn on_call(&mut self, ctx: &mut Ctx<'_>, arguments: &[Term]) -> (Option<Term>, Outcome) {
        let mut active = Active::start(self, ctx);
        let found = active.clauses(Subject::Call(arguments)).map(|_| match active.outcome.message {
            Some(message) => message,
            None => am!("true"),
        });
        let outcome = std::mem::take(&mut active.outcome);
        (found, outcome)
    }
}

/// A run at work: until it is dropped, the process allocates in the run's own heap, so that natives called by
/// expressions leave nothing behind.
struct Active<'a, 'p, 'c> {
    run: &'a mut Run<'p>,
    ctx: &'a mut Ctx<'c>,
    /// In a body a failed call is the atom `'EXIT'`; in a guard it fails the clause.
    in_body: bool,
    outcome: Outcome,
}

impl Drop for Active<'_, '_, '_> {
    fn drop(&mut self) {
        std::mem::swap(&mut self.ctx.data.heap, &mut self.run.scratch);
    }
}

impl<'a, 'p, 'c> Active<'a, 'p, 'c> {
    fn start(run: &'a mut Run<'p>, ctx: &'a mut Ctx<'c>) -> Active<'a, 'p, 'c> {
        if run.scratch.fragment_words > KEEP {
            run.scratch = Heap::new(0);
        }
        std::mem::swap(&mut ctx.data.heap, &mut run.scratch);
        Active { run, ctx, in_body: false, outcome: Outcome::default() }
    }

    fn heap(&mut self) -> &mut Heap {
        &mut self.ctx.data.heap
    }

    fn clauses(&mut self, subject: Subject<'_>) -> Option<Term> {
        let program = self.run.program;
        program.clauses.iter().find_map(|c| self.clause(c, subject).ok())
    }

    fn clause(&mut self, clause: &Clause, subject: Subject<'_>) -> Result<Term, Failed> {
        self.run.variables.fill(Term::NONE);
        self.in_body = false;
        self.outcome = Outcome::default();
        let matches = match (&clause.head, subject) {
            (Head::Term(p), Subject::Term(t)) => self.matches(p, t),
            (Head::Arguments(ps), Subject::Call(args)) => {
                ps.len() == args.len() && ps.iter().zip(args).all(|(p, a)| self.matches(p, *a))
            }
            (Head::ArgumentList(p), Subject::Call(args)) => {
                let list = self.heap().list(args);
                self.matches(p, list)
            }
            _ => false,
        };
        if !matches {
            return Err(Failed);
        }
        for guard in &clause.guards {
            if self.eval(guard, subject)? != am!("true") {
                return Err(Failed);
            }
        }
        self.in_body = true;
        let mut result = am!("true");
        for expr in &clause.body {
            result = self.eval(expr, subject)?;
        }
        Ok(result)
    }

    fn matches(&mut self, pattern: &Pattern, t: Term) -> bool {
        match pattern {
            Pattern::Any => true,
            Pattern::Bind(n) => {
                self.run.variables[*n] = t;
                true
            }
            Pattern::Bound(n) => same(self.run.variables[*n], t),
            Pattern::Is(c) => *c == t || same(*c, t),
            Pattern::Tuple(ps) => match t.as_tuple() {
                Some(e) if e.len() == ps.len() => ps.iter().zip(e).all(|(p, e)| self.matches(p, *e)),
                _ => false,
            },
            Pattern::Cons(_) => {
                // Along the list without recursion: a long pattern is a long chain of cells.
                let (mut pattern, mut t) = (pattern, t);
                while let Pattern::Cons(cell) = pattern {
                    let Some((head, tail)) = t.as_cons() else { return false };
                    if !self.matches(&cell.0, head) {
                        return false;
                    }
                    (pattern, t) = (&cell.1, tail);
                }
                self.matches(pattern, t)
            }
            Pattern::Map(pairs) => {
                t.is_map() && pairs.iter().all(|(k, p)| map::get(t, *k).is_some_and(|v| self.matches(p, v)))
            }
        }
    }

    /// The value of a failed call: `'EXIT'` in a body.
    fn failed(&self) -> Result<Term, Failed> {
        if self.in_body { Ok(am!("EXIT")) } else { Err(Failed) }
    }

    fn eval_all(&mut self, exprs: &[Expr], subject: Subject<'_>) -> Result<smallvec::SmallVec<[Term; 8]>, Failed> {
        exprs.iter().map(|e| self.eval(e, subject)).collect()
    }

    fn eval(&mut self, expr: &Expr, subject: Subject<'_>) -> Result<Term, Failed> {
        match expr {
            Expr::Constant(t) => Ok(*t),
            Expr::Variable(n) => Ok(self.run.variables[*n]),
            Expr::Whole => Ok(match subject {
                Subject::Term(t) => t,
                Subject::Call(args) => self.heap().list(args),
            }),
            Expr::Bindings => {
                let bound: smallvec::SmallVec<[Term; 8]> =
                    self.run.variables.iter().copied().filter(|t| !t.is_none()).collect();
                Ok(self.heap().list(&bound))
            }
            Expr::Tuple(exprs) => {
                let elements = self.eval_all(exprs, subject)?;
                Ok(self.heap().tuple(&elements))
            }
            Expr::Cons(_) => self.list(expr, subject),
            Expr::Map(pairs) => {
                let mut values = Vec::with_capacity(pairs.len());
                for (k, v) in pairs {
                    values.push((self.eval(k, subject)?, self.eval(v, subject)?));
                }
                Ok(map::from_pairs(self.heap(), &values))
            }
            Expr::And(exprs) => self.all_of(exprs, subject, false),
            Expr::Or(exprs) => self.all_of(exprs, subject, true),
            Expr::AndAlso(exprs) => self.until(exprs, subject, false),
            Expr::OrElse(exprs) => self.until(exprs, subject, true),
            Expr::Own(Own::Pid) => Ok(self.ctx.pid()),
            Expr::Own(Own::Caller) => Ok(am!("undefined")),
            Expr::Call(function, exprs) => self.call(*function, exprs, subject),
            Expr::Message(e) => {
                let message = self.eval(e, subject)?;
                self.outcome.message = Some(message);
                Ok(am!("true"))
            }
            Expr::Action(action, exprs) => {
                self.eval_all(exprs, subject)?;
                self.outcome.actions.push(*action);
                Ok(am!("true"))
            }
        }
    }

    fn call(&mut self, function: Function, exprs: &[Expr], subject: Subject<'_>) -> Result<Term, Failed> {
        let args = self.eval_all(exprs, subject)?;
        match function.call(self.ctx, &args) {
            Ok(t) => Ok(t),
            Err(_) => self.failed(),
        }
    }

    fn list(&mut self, expr: &Expr, subject: Subject<'_>) -> Result<Term, Failed> {
        let mut elements = Vec::new();
        let mut rest = expr;
        while let Expr::Cons(cell) = rest {
            elements.push(self.eval(&cell.0, subject)?);
            rest = &cell.1;
        }
        let tail = self.eval(rest, subject)?;
        Ok(self.heap().list_with_tail(&elements, tail))
    }

    /// `and`, `or`: all arguments are evaluated and must be booleans; `decisive` is the value that wins.
    fn all_of(&mut self, exprs: &[Expr], subject: Subject<'_>, decisive: bool) -> Result<Term, Failed> {
        let mut result = !decisive;
        for value in self.eval_all(exprs, subject)? {
            match value.as_bool() {
                Some(b) if b == decisive => result = decisive,
                Some(_) => {}
                None => return self.failed(),
            }
        }
        Ok(Term::bool(result))
    }

    /// `andalso`, `orelse`: up to the first argument that is `decisive`; the last one may be any term.
    fn until(&mut self, exprs: &[Expr], subject: Subject<'_>, decisive: bool) -> Result<Term, Failed> {
        for (i, e) in exprs.iter().enumerate() {
            let value = self.eval(e, subject)?;
            if i + 1 == exprs.len() {
                return Ok(value);
            }
            match value.as_bool() {
                Some(b) if b == decisive => return Ok(value),
                Some(_) => {}
                None => return self.failed(),
            }
        }
        Ok(Term::bool(!decisive))
    }
}
