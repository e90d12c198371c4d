//! Running a compiled match specification over terms.

use super::functions::Function;
use super::{Clause, Expr, Head, Pattern, Program};
use purlin_term::compare::same;
use purlin_term::{Heap, Owned, Term, am, map};
use purlin_vm::Ctx;
use purlin_vm::tracing::{Site, Verdict};

/// A program with the memory that running it needs; used for many terms in turn.
pub struct Run<'p> {
    program: &'p Program,
    variables: Vec<Term>,
    scratch: Heap,
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
pub(super) struct Failed;

impl<'p> Run<'p> {
    pub fn new(program: &'p Program) -> Run<'p> {
        Run { program, variables: vec![Term::NONE; program.variables], scratch: Heap::new(0) }
    }

    /// The result for a term. It may point into the term and into this run: copy it before either is gone.
    pub fn on(&mut self, ctx: &mut Ctx<'_>, term: Term) -> Option<Term> {
        Active::start(self, ctx).clauses(Subject::Term(term))
    }

    /// The verdict on an event with these arguments.
    pub fn on_event(&mut self, ctx: &mut Ctx<'_>, arguments: &[Term], site: &Site) -> Verdict {
        let mut active = Active::start(self, ctx);
        active.site = *site;
        match active.clauses(Subject::Call(arguments)) {
            Some(_) => {
                let asked = std::mem::take(&mut active.asked);
                Verdict {
                    message: Some(asked.message.unwrap_or_else(|| Owned::new(am!("true")))).filter(wanted),
                    ..asked
                }
            }
            None => Verdict::default(),
        }
    }
}

/// Whether a message is sent at all.
fn wanted(message: &Owned) -> bool {
    message.term() != am!("false")
}

/// A run at work: until it is dropped, the process allocates in the run's own heap, so that natives called by
/// expressions leave nothing behind.
pub(super) struct Active<'a, 'p, 'c> {
    run: &'a mut Run<'p>,
    pub ctx: &'a mut Ctx<'c>,
    pub site: Site,
    /// In a body a failed call is the atom `'EXIT'`; in a guard it fails the clause.
    in_body: bool,
    /// What the body has asked tracing for.
    pub asked: Verdict,
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
        Active { run, ctx, site: Site::default(), in_body: false, asked: Verdict::default() }
    }

    pub(super) fn heap(&mut self) -> &mut Heap {
        &mut self.ctx.data.heap
    }

    fn clauses(&mut self, subject: Subject<'_>) -> Option<Term> {
        let program = self.run.program;
        program.clauses.iter().find_map(|c| self.clause(c, subject).ok())
    }

    fn clause(&mut self, clause: &Clause, subject: Subject<'_>) -> Result<Term, Failed> {
        self.run.variables.fill(Term::NONE);
        self.in_body = false;
        self.asked = Verdict::default();
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
            // As in OTP, a zero of the other sign does not match, whatever release it is.
            Pattern::Is(c) => {
                let bits = |t: Term| t.as_float().map(f64::to_bits);
                *c == t || same(c.term(), t) && bits(c.term()) == bits(t)
            }
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
                t.is_map() && pairs.iter().all(|(k, p)| map::get(t, k.term()).is_some_and(|v| self.matches(p, v)))
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
            Expr::Constant(t) => Ok(t.term()),
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
            Expr::Own => Ok(self.ctx.pid()),
            Expr::Call(function, exprs) => self.call(*function, exprs, subject),
            Expr::Action { what, args, trial } => {
                let args = self.eval_all(args, subject)?;
                self.act(*what, &args, *trial).map_or_else(|| self.failed(), Ok)
            }
        }
    }

    /// Lends the process its own heap, instead of the one that the run's terms are in.
    pub(super) fn with_own_heap<T>(&mut self, f: impl FnOnce(&mut Ctx<'_>) -> T) -> T {
        std::mem::swap(&mut self.ctx.data.heap, &mut self.run.scratch);
        let result = f(self.ctx);
        std::mem::swap(&mut self.ctx.data.heap, &mut self.run.scratch);
        result
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
