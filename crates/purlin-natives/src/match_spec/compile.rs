//! From a match specification's term to a [`Program`].
//!
//! The term is copied first, so that patterns and constants can point into the copy. What is wrong is collected as
//! text for `erlang:match_spec_test/3`, in OTP's order: all errors in the guards and the body of the first clause that
//! has some. OTP visits elements of tuples and arguments from the last to the first. Everybody else gets `badarg`.

use super::functions::lookup;
use super::{Action, BadSpec, Clause, Expr, Head, Pattern, Program, is_open, variable};
use purlin_term::{Kept, Owned, Release, Term, am, map, print};
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

/// One thing wrong with a specification, in words, with terms as the emulator prints them.
pub struct Problem(pub Vec<u8>);

/// Text around a term.
fn around(before: &str, t: Term, behind: &str) -> Vec<u8> {
    [before.as_bytes(), &print::to_bytes(t, print::NO_LIMIT), behind.as_bytes()].concat()
}

/// Deepest nesting of patterns and expressions.
const MAX_DEPTH: usize = 10_000;

/// Texts are cut to this many bytes, as in OTP.
const LONGEST_TEXT: usize = 99;

/// What is wrong with deeper ones.
pub const TOO_DEEP: &str = "Excessive nesting; system limit reached.";

struct Compiler<'e> {
    engine: &'e Engine,
    /// What is compiled: patterns and constants are parts of it.
    source: &'e Owned,
    dialect: Dialect,
    /// Variables by their number in the source, in the order of their numbers at the end.
    names: Vec<usize>,
    bound: Vec<bool>,
    in_guard: bool,
    depth: usize,
    problems: Vec<Problem>,
}

type Compiled<T> = Result<T, ()>;

pub fn compile(engine: &Engine, spec: Term, dialect: Dialect) -> Result<Program, BadSpec> {
    let source = Owned::new(spec);
    let mut c = Compiler {
        engine,
        source: &source,
        dialect,
        names: Vec::new(),
        bound: Vec::new(),
        in_guard: false,
        depth: 0,
        problems: Vec::new(),
    };
    let clauses = c.clauses(source.term());
    let Compiler { problems, names, .. } = c;
    match clauses {
        Ok(clauses) if problems.is_empty() => Ok(Program { source, clauses, variables: names.len() }),
        _ => Err(BadSpec(problems)),
    }
}

impl Compiler<'_> {
    fn note(&mut self, text: impl Into<Vec<u8>>) {
        let mut text: Vec<u8> = text.into();
        text.truncate(LONGEST_TEXT);
        self.problems.push(Problem(text));
    }

    /// An error that ends compiling.
    fn fail<T>(&mut self, text: impl Into<Vec<u8>>) -> Compiled<T> {
        self.note(text);
        Err(())
    }

    /// An error in an expression, behind which others are looked for.
    fn wrong(&mut self, text: impl Into<Vec<u8>>) -> Compiled<Expr> {
        self.note(text);
        Ok(Expr::Constant(Kept::NIL))
    }

    fn clauses(&mut self, spec: Term) -> Compiled<Vec<Clause>> {
        if !spec.is_list() {
            return self.fail("Match programs are not in a list.");
        }
        let Some(clauses) = spec.as_list() else {
            return self.fail("Match programs are not in a proper list.");
        };
        for clause in &clauses {
            self.check_shape(*clause)?;
        }
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

    /// Looks at what must be right with all clauses before the first is compiled.
    fn check_shape(&mut self, clause: Term) -> Compiled<()> {
        let Some(&[head, _, _]) = clause.as_tuple() else {
            return self.fail("Match program part is not a tuple of arity 3.");
        };
        if self.dialect != Dialect::Table && head.is_list() && head.as_list().is_none() {
            return self.fail(around("Match expression part ", head, " is not a proper list."));
        }
        Ok(())
    }

    fn clause(&mut self, clause: Term) -> Compiled<Clause> {
        let Some(&[head, guards, body]) = clause.as_tuple() else { return Err(()) };
        self.bound = vec![false; self.names.len()];
        let head = self.head(head)?;
        self.in_guard = true;
        let guards = self.expressions(guards)?;
        self.in_guard = false;
        if self.dialect == Dialect::Table && !body.is_cons() {
            return self.fail("Body clause does not return anything.");
        }
        let body = self.expressions(body)?;
        if !self.problems.is_empty() {
            return Err(());
        }
        Ok(Clause { head, guards, body })
    }

    // ---- heads

    fn head(&mut self, head: Term) -> Compiled<Head> {
        if self.dialect == Dialect::Table {
            return Ok(Head::Term(self.pattern(head)?));
        }
        // As in OTP, a tuple stands for arguments, too.
        let arguments = if head.is_list() { head.as_list() } else { head.as_tuple().map(<[Term]>::to_vec) };
        if let Some(arguments) = arguments {
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
        if !is_open(t) {
            return Ok(Pattern::Is(self.source.kept(t)));
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
                pairs.push((self.source.kept(key), self.pattern(value)?));
            }
            return Ok(Pattern::Map(pairs));
        }
        // A list: built from its end, so that long ones need no deep recursion here.
        let mut cells = Vec::new();
        let mut rest = t;
        while let Some((head, tail)) = rest.as_cons() {
            if !is_open(rest) {
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
            self.note("Match expression is not a list.");
            return Ok(Vec::new());
        }
        let mut items = list.iter();
        let compiled = items.by_ref().map(|e| self.expr(e)).collect::<Compiled<_>>()?;
        if !items.tail().is_nil() {
            self.note("Match expression is not a proper list.");
        }
        Ok(compiled)
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
            // A list of plain terms stays what it is; elements such as `{{..}}` and `{const, ..}` change it.
            if is_constant(&end) && cells.iter().all(is_constant) && is_plain(t) {
                return Ok(Expr::Constant(self.source.kept(t)));
            }
            return Ok(cells.into_iter().rev().fold(end, |tail, head| Expr::Cons(Box::new((head, tail)))));
        }
        if t.is_map() {
            let (keys, values): (Vec<Term>, Vec<Term>) = map::iter(t).unzip();
            let before = self.problems.len();
            let values = self.backwards(&values)?;
            let sound_values = self.problems.len() == before && values.iter().all(is_constant);
            let compiled = self.backwards(&keys)?;
            if sound_values && self.problems.len() > before {
                // With constant values, OTP compiles the keys twice and tells what is wrong twice.
                self.backwards(&keys)?;
            }
            return Ok(Expr::Map(compiled.into_iter().zip(values).collect()));
        }
        let Some(elements) = t.as_tuple() else { return Ok(Expr::Constant(self.source.kept(t))) };
        match *elements {
            [inner] if inner.is_tuple() => Ok(Expr::Tuple(self.backwards(inner.as_tuple().unwrap_or(&[]))?)),
            [name, ref args @ ..] if name.is_atom() && variable(name).is_none() => self.call(t, name, args),
            _ => self.wrong(around("", t, " is neither a function call, nor a tuple (tuples are written {{ ... }}).")),
        }
    }

    fn atom(&mut self, t: Term) -> Compiled<Expr> {
        if let Some(n) = variable(t) {
            return match self.slot(t) {
                Some(slot) if self.bound[slot] => Ok(Expr::Variable(slot)),
                _ => self.wrong(format!("Variable ${n} is unbound.")),
            };
        }
        Ok(if t == am!("$_") {
            Expr::Whole
        } else if t == am!("$$") {
            Expr::Bindings
        } else {
            Expr::Constant(self.source.kept(t))
        })
    }

    fn forwards(&mut self, all: &[Term]) -> Compiled<Vec<Expr>> {
        all.iter().map(|a| self.expr(*a)).collect()
    }

    fn backwards(&mut self, all: &[Term]) -> Compiled<Vec<Expr>> {
        let mut compiled: Vec<Expr> = all.iter().rev().map(|a| self.expr(*a)).collect::<Compiled<_>>()?;
        compiled.reverse();
        Ok(compiled)
    }

    /// The call `t`, of `name` with `args`.
    fn call(&mut self, t: Term, name: Term, args: &[Term]) -> Compiled<Expr> {
        let Some(atom) = name.as_atom() else { return self.fail("Not a function name.") };
        let text = atom.name();
        let misused = |c: &mut Self, form: &str, how: &str| {
            c.wrong(around(&format!("Special form '{form}' called {how} in "), t, "."))
        };
        match (text, args) {
            ("const", &[constant]) => Ok(Expr::Constant(self.source.kept(constant))),
            ("const", _) => misused(self, text, "with more than one argument"),
            ("and" | "or" | "orelse", []) => misused(self, text, "without arguments"),
            ("andalso" | "andthen", []) => misused(self, "andalso", "without arguments"),
            ("and", _) => Ok(Expr::And(self.backwards(args)?)),
            ("or", _) => Ok(Expr::Or(self.backwards(args)?)),
            ("andalso" | "andthen", _) => Ok(Expr::AndAlso(self.forwards(args)?)),
            ("orelse", _) => Ok(Expr::OrElse(self.forwards(args)?)),
            ("self", []) => Ok(Expr::Own),
            ("self", _) => misused(self, text, "with arguments"),
            ("get_tcw", []) | ("set_tcw", &[_]) => self.control_word(text, args),
            ("current_stacktrace", _) if self.engine.config.release < Release(26) => self.function(name, args),
            _ => match trace_form(text) {
                Some(form) => self.trace_form(t, text, form, args),
                None => self.function(name, args),
            },
        }
    }

    fn function(&mut self, name: Term, args: &[Term]) -> Compiled<Expr> {
        let Some(atom) = name.as_atom() else { return self.fail("Not a function name.") };
        match lookup(self.engine, atom, args.len()) {
            Some(f) => Ok(Expr::Call(f, self.backwards(args)?)),
            None => self.wrong(around("Function ", name, &format!("/{} does_not_exist.", args.len()))),
        }
    }

    fn trace_form(&mut self, t: Term, text: &str, form: TraceForm, args: &[Term]) -> Compiled<Expr> {
        // As OTP calls it before it has looked at the arguments.
        let shown = if text == "set_seq_token" { "set_seq_trace" } else { text };
        let Dialect::Trace { calls, actions, trial } = self.dialect else {
            return self.wrong(format!("Special form '{shown}' used in wrong dialect."));
        };
        let allowed = match form.needs {
            Needs::Nothing => true,
            Needs::Tracee => actions,
            Needs::Call => actions && calls,
        };
        if !allowed {
            return self.wrong(format!("Special form '{shown}' not allow for this trace event."));
        }
        if self.in_guard && form.what != Action::IsSeqTrace {
            return self.wrong(format!("Special form '{shown}' called in guard context."));
        }
        if !form.arities.contains(&args.len()) {
            let how = if form.arities == [0] { "arguments" } else { "wrong number of arguments" };
            return self.wrong(around(&format!("Special form '{text}' called with {how} in "), t, "."));
        }
        if form.what == Action::CurrentStacktrace {
            let wrong = match args.first() {
                Some(depth) if !depth.is_small() => "non small",
                Some(depth) if depth.as_usize().is_none() => "negative integer",
                _ => "",
            };
            if !wrong.is_empty() {
                return self.wrong(format!("Special form 'current_stacktrace' called with {wrong} argument."));
            }
        }
        let args = self.backwards(args)?;
        Ok(Expr::Action { what: form.what, args, trial })
    }

    /// `get_tcw`, `set_tcw`: functions that only tracing has.
    fn control_word(&mut self, text: &str, args: &[Term]) -> Compiled<Expr> {
        let what = if text == "get_tcw" { Action::GetTcw } else { Action::SetTcw };
        match self.dialect {
            Dialect::Trace { trial, .. } if !self.in_guard || what == Action::GetTcw => {
                let args = self.backwards(args)?;
                Ok(Expr::Action { what, args, trial })
            }
            _ => self.wrong(format!("Function {text}/{} cannot be called in this context.", args.len())),
        }
    }
}

fn is_constant(e: &Expr) -> bool {
    match e {
        Expr::Constant(_) => true,
        Expr::Tuple(parts) => parts.iter().all(is_constant),
        Expr::Cons(cell) => is_constant(&cell.0) && is_constant(&cell.1),
        Expr::Map(pairs) => pairs.iter().all(|(k, v)| is_constant(k) && is_constant(v)),
        _ => false,
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
        "current_stacktrace" => (Action::CurrentStacktrace, &[0, 1], Call),
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
