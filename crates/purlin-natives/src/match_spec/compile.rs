//! From a match specification's term to a [`Program`].
//!
//! The term is copied first, so that patterns and constants can point into the copy. What is wrong is collected as
//! text for `erlang:match_spec_test/3`; everybody else gets `badarg`.

use super::functions::{Lookup, lookup};
use super::{Action, BadSpec, Clause, Expr, Head, Pattern, Program};
use crate::ets::variable;
use purlin_term::{Owned, Term, am, map};
use purlin_vm::Engine;

/// What a specification is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    Table,
    /// Tracing: of calls, or of messages sent or received, where the tracee may be asked less.
    Trace {
        calls: bool,
        actions: bool,
        trial: bool,
    },
}

impl Dialect {
    pub const CALL: Dialect = Dialect::Trace { calls: true, actions: true, trial: false };
    pub const SEND: Dialect = Dialect::Trace { calls: false, actions: true, trial: false };
    pub const RECEIVE: Dialect = Dialect::Trace { calls: false, actions: false, trial: false };
    /// As of calls, but the state of the engine stays as it is.
    pub const TRIAL: Dialect = Dialect::Trace { calls: true, actions: true, trial: true };
}

/// One thing wrong with a specification, in words.
pub struct Problem(pub String);

/// Deepest nesting of patterns and expressions.
const MAX_DEPTH: usize = 10_000;

/// What is wrong with deeper ones.
pub const TOO_DEEP: &str = "Excessive nesting; system limit reached.";

struct Compiler<'e> {
    engine: &'e Engine,
    dialect: Dialect,
    /// Variables by their number in the source, in the order of their numbers at the end.
    names: Vec<usize>,
    bound: Vec<bool>,
    in_guard: bool,
    depth: usize,
    /// Constants made while compiling (`{{a, b}}` without variables).
    problems: Vec<Problem>,
}

type Compiled<T> = Result<T, ()>;

pub fn compile(engine: &Engine, spec: Term, dialect: Dialect) -> Result<Program, BadSpec> {
    let source = Owned::new(spec);
    let mut c = Compiler {
        engine,
        dialect,
        names: Vec::new(),
        bound: Vec::new(),
        in_guard: false,
        depth: 0,
        problems: Vec::new(),
    };
    match c.clauses(source.term()) {
        Ok(clauses) if c.problems.is_empty() => Ok(Program { source, clauses, variables: c.names.len() }),
        _ => Err(BadSpec(c.problems)),
    }
}

impl Compiler<'_> {
    fn fail<T>(&mut self, text: impl Into<String>) -> Compiled<T> {
        self.problems.push(Problem(text.into()));
        Err(())
    }

    fn clauses(&mut self, spec: Term) -> Compiled<Vec<Clause>> {
        if !spec.is_list() {
            return self.fail("Match programs are not in a list.");
        }
        let Some(clauses) = spec.as_list() else {
            return self.fail("Match programs are not in a proper list.");
        };
        // Numbered by name over the whole specification, so that `'$$'` lists them in that order.
        self.collect_variables(spec);
        clauses.into_iter().map(|c| self.clause(c)).collect()
    }

    fn collect_variables(&mut self, spec: Term) {
        let mut work = vec![spec];
        while let Some(mut t) = work.pop() {
            while let Some((head, tail)) = t.as_cons() {
                work.push(head);
                t = tail;
            }
            if let Some(elements) = t.as_tuple() {
                work.extend_from_slice(elements);
            } else if t.is_map() {
                work.extend(map::iter(t).flat_map(|(k, v)| [k, v]));
            } else if let Some(n) = variable(t) {
                self.names.push(n);
            }
        }
        self.names.sort_unstable();
        self.names.dedup();
    }

    fn slot(&self, t: Term) -> Option<usize> {
        self.names.binary_search(&variable(t)?).ok()
    }

    fn clause(&mut self, clause: Term) -> Compiled<Clause> {
        let Some(&[head, guards, body]) = clause.as_tuple() else {
            return self.fail("Match program part is not a tuple of arity 3.");
        };
        self.bound = vec![false; self.names.len()];
        let head = self.head(head)?;
        self.in_guard = true;
        let guards = self.expressions(guards)?;
        self.in_guard = false;
        if self.dialect == Dialect::Table && !body.is_cons() {
            return self.fail("Body clause does not return anything.");
        }
        let body = self.expressions(body)?;
        Ok(Clause { head, guards, body })
    }

    // ---- heads

    fn head(&mut self, head: Term) -> Compiled<Head> {
        if self.dialect == Dialect::Table {
            return Ok(Head::Term(self.pattern(head)?));
        }
        if head.is_list() {
            let Some(arguments) = head.as_list() else {
                return self.fail("Match expression part is not a proper list.");
            };
            let patterns = arguments.into_iter().map(|a| self.pattern(a)).collect::<Compiled<_>>()?;
            return Ok(Head::Arguments(patterns));
        }
        if head == am!("_") || self.slot(head).is_some() {
            return Ok(Head::ArgumentList(self.pattern(head)?));
        }
        self.fail("Match head is invalid in this context.")
    }

    fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Compiled<T>) -> Compiled<T> {
        if self.depth >= MAX_DEPTH {
            return self.fail(TOO_DEEP);
        }
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        result
    }

    fn pattern(&mut self, t: Term) -> Compiled<Pattern> {
        self.nested(|c| c.pattern_here(t))
    }

    fn pattern_here(&mut self, t: Term) -> Compiled<Pattern> {
        if let Some(n) = self.slot(t) {
            return Ok(if std::mem::replace(&mut self.bound[n], true) { Pattern::Bound(n) } else { Pattern::Bind(n) });
        }
        if t == am!("_") {
            return Ok(Pattern::Any);
        }
        if !crate::ets::is_open(t) {
            return Ok(Pattern::Is(t));
        }
        if let Some(elements) = t.as_tuple() {
            return Ok(Pattern::Tuple(elements.iter().map(|e| self.pattern(*e)).collect::<Compiled<_>>()?));
        }
        if t.is_map() {
            let mut pairs = Vec::with_capacity(map::size(t));
            for (key, value) in map::iter(t) {
                if self.slot(key).is_some() {
                    return self.fail("Variable found in map key.");
                }
                if key == am!("_") {
                    return self.fail("Underscore found in map key.");
                }
                pairs.push((key, self.pattern(value)?));
            }
            return Ok(Pattern::Map(pairs));
        }
        // A list: built from its end, so that long ones need no deep recursion here.
        let mut cells = Vec::new();
        let mut rest = t;
        while let Some((head, tail)) = rest.as_cons() {
            if !crate::ets::is_open(rest) {
                break;
            }
            cells.push(self.pattern(head)?);
            rest = tail;
        }
        let end = self.pattern(rest)?;
        Ok(cells.into_iter().rev().fold(end, |tail, head| Pattern::Cons(Box::new((head, tail)))))
    }

    // ---- guards and bodies

    fn expressions(&mut self, list: Term) -> Compiled<Vec<Expr>> {
        if !list.is_list() {
            return self.fail("Match expression is not a list.");
        }
        let Some(list) = list.as_list() else {
            return self.fail("Match expression is not a proper list.");
        };
        list.into_iter().map(|e| self.expr(e)).collect()
    }

    fn expr(&mut self, t: Term) -> Compiled<Expr> {
        self.nested(|c| c.expr_here(t))
    }

    fn expr_here(&mut self, t: Term) -> Compiled<Expr> {
        if t.is_atom() {
            return self.atom(t);
        }
        if t.is_cons() {
            let mut cells = Vec::new();
            let mut rest = t;
            while let Some((head, tail)) = rest.as_cons() {
                cells.push(self.expr(head)?);
                rest = tail;
            }
            let end = self.expr(rest)?;
            let constant = |e: &Expr| matches!(e, Expr::Constant(_));
            // A list of plain terms stays what it is; elements such as `{{..}}` and `{const, ..}` change it.
            if constant(&end) && cells.iter().all(constant) && is_plain(t) {
                return Ok(Expr::Constant(t));
            }
            return Ok(cells.into_iter().rev().fold(end, |tail, head| Expr::Cons(Box::new((head, tail)))));
        }
        if t.is_map() {
            let pairs = map::iter(t).map(|(k, v)| Ok((self.expr(k)?, self.expr(v)?))).collect::<Compiled<_>>()?;
            return Ok(Expr::Map(pairs));
        }
        let Some(elements) = t.as_tuple() else { return Ok(Expr::Constant(t)) };
        match *elements {
            [inner] if inner.is_tuple() => {
                let inner = inner.as_tuple().unwrap_or(&[]);
                Ok(Expr::Tuple(inner.iter().map(|e| self.expr(*e)).collect::<Compiled<_>>()?))
            }
            [name, ref args @ ..] if name.is_atom() && variable(name).is_none() => self.call(name, args),
            _ => self.fail("Expression is neither a function call, nor a tuple (tuples are written {{ ... }})."),
        }
    }

    fn atom(&mut self, t: Term) -> Compiled<Expr> {
        if let Some(n) = variable(t) {
            return match self.slot(t) {
                Some(slot) if self.bound[slot] => Ok(Expr::Variable(slot)),
                _ => self.fail(format!("Variable ${n} is unbound.")),
            };
        }
        Ok(if t == am!("$_") {
            Expr::Whole
        } else if t == am!("$$") {
            Expr::Bindings
        } else {
            Expr::Constant(t)
        })
    }

    fn arguments(&mut self, args: &[Term]) -> Compiled<Vec<Expr>> {
        args.iter().map(|a| self.expr(*a)).collect()
    }

    fn call(&mut self, name: Term, args: &[Term]) -> Compiled<Expr> {
        let Some(atom) = name.as_atom() else { return self.fail("Not a function name.") };
        let text = atom.name();
        let special = |c: &mut Self, what: fn(Vec<Expr>) -> Expr| {
            if args.is_empty() {
                return c.fail(format!("Special form '{text}' called without arguments."));
            }
            Ok(what(c.arguments(args)?))
        };
        match (text, args) {
            ("const", &[constant]) => Ok(Expr::Constant(constant)),
            ("const", _) => self.fail("Special form 'const' called with more than one argument."),
            ("and", _) => special(self, Expr::And),
            ("or", _) => special(self, Expr::Or),
            ("andalso" | "andthen", _) => special(self, Expr::AndAlso),
            ("orelse", _) => special(self, Expr::OrElse),
            ("self", []) => Ok(Expr::Own),
            ("self", _) => self.fail("Special form 'self' called with arguments."),
            ("get_tcw", []) | ("set_tcw", &[_]) => self.control_word(text, args),
            _ => match trace_form(text) {
                Some(form) => self.trace_form(text, form, args),
                None => self.function(name, args),
            },
        }
    }

    fn function(&mut self, name: Term, args: &[Term]) -> Compiled<Expr> {
        let Some(atom) = name.as_atom() else { return self.fail("Not a function name.") };
        match lookup(self.engine, atom, args.len()) {
            Lookup::Found(f) => Ok(Expr::Call(f, self.arguments(args)?)),
            Lookup::Unknown => self.fail(format!("Function {}/{} does_not_exist.", atom.name(), args.len())),
            Lookup::Missing => self.fail(format!("Function {}/{} is not in this engine.", atom.name(), args.len())),
        }
    }

    fn trace_form(&mut self, text: &str, form: TraceForm, args: &[Term]) -> Compiled<Expr> {
        let Dialect::Trace { calls, actions, trial } = self.dialect else {
            return self.fail(format!("Special form '{text}' used in wrong dialect."));
        };
        let allowed = match form.needs {
            Needs::Nothing => true,
            Needs::Tracee => actions,
            Needs::Call => actions && calls,
        };
        if !allowed {
            return self.fail(format!("Special form '{text}' not allow for this trace event."));
        }
        if self.in_guard && form.what != Action::IsSeqTrace {
            return self.fail(format!("Special form '{text}' called in guard context."));
        }
        if !form.arities.contains(&args.len()) {
            return self.fail(if form.arities == [0] {
                format!("Special form '{text}' called with arguments.")
            } else {
                format!("Special form '{text}' called with wrong number of arguments.")
            });
        }
        let args = self.arguments(args)?;
        Ok(Expr::Action { what: form.what, args, trial })
    }

    /// `get_tcw`, `set_tcw`: functions that only tracing has.
    fn control_word(&mut self, text: &str, args: &[Term]) -> Compiled<Expr> {
        let what = if text == "get_tcw" { Action::GetTcw } else { Action::SetTcw };
        match self.dialect {
            Dialect::Trace { trial, .. } if !self.in_guard || what == Action::GetTcw => {
                let args = self.arguments(args)?;
                Ok(Expr::Action { what, args, trial })
            }
            _ => self.fail(format!("Function {text}/{} cannot be called in this context.", args.len())),
        }
    }
}

/// A form that only tracing has.
struct TraceForm {
    what: Action,
    arities: &'static [usize],
    needs: Needs,
}

/// What an event must offer for a form.
enum Needs {
    Nothing,
    /// The tracee runs the specification.
    Tracee,
    /// A call is traced.
    Call,
}

fn trace_form(name: &str) -> Option<TraceForm> {
    use Needs::{Call, Nothing, Tracee};
    let (what, arities, needs): (Action, &[usize], Needs) = match name {
        "message" => (Action::Message, &[1], Nothing),
        "return_trace" => (Action::ReturnTrace, &[0], Nothing),
        "exception_trace" => (Action::ExceptionTrace, &[0], Nothing),
        "display" => (Action::Display, &[1], Nothing),
        "is_seq_trace" => (Action::IsSeqTrace, &[0], Tracee),
        "set_seq_token" => (Action::SetSeqToken, &[2], Tracee),
        "get_seq_token" => (Action::GetSeqToken, &[0], Tracee),
        "process_dump" => (Action::ProcessDump, &[0], Tracee),
        "enable_trace" => (Action::EnableTrace, &[1, 2], Tracee),
        "disable_trace" => (Action::DisableTrace, &[1, 2], Tracee),
        "trace" => (Action::Trace, &[2, 3], Tracee),
        "silent" => (Action::Silent, &[1], Tracee),
        "caller" => (Action::Caller, &[0], Call),
        "caller_line" => (Action::CallerLine, &[0], Call),
        _ => return None,
    };
    Some(TraceForm { what, arities, needs })
}

/// Whether a term contains no tuple or map, so that it stands for itself as an expression.
fn is_plain(t: Term) -> bool {
    let mut work = vec![t];
    while let Some(mut t) = work.pop() {
        while let Some((head, tail)) = t.as_cons() {
            work.push(head);
            t = tail;
        }
        if t.is_tuple() || t.is_map() {
            return false;
        }
    }
    true
}
