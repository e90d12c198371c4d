//! A process in which natives can be called from Rust, and terms from text.

use purlin_term::compare::same;
use purlin_term::{Heap, Term};
use purlin_testkit::oracle::{Answer, Oracle};
use purlin_vm::{Config, Ctx, Engine, Escape, Mfa, Process, ProcessData};
use std::sync::Arc;

pub struct Caller {
    engine: Arc<Engine>,
    process: Arc<Process>,
    pub data: ProcessData,
}

fn data() -> ProcessData {
    let call = Mfa { module: purlin_term::Atom::NORMAL, function: purlin_term::Atom::NORMAL, arity: 0 };
    ProcessData::new(Heap::new(1 << 16), Default::default(), call)
}

impl Caller {
    pub fn new() -> Caller {
        // As the oracle has it: with one scheduler, `write_concurrency` changes nothing.
        let config = Config { schedulers: 1, ..Config::from_env().unwrap() };
        let engine = Engine::new(&purlin_natives::tables(), config);
        Caller { engine, process: Arc::new(Process::new(1, data())), data: data() }
    }

    pub fn heap(&mut self) -> &mut Heap {
        &mut self.data.heap
    }

    /// Calls a native until it has an answer.
    pub fn call(&mut self, module: &str, function: &str, args: &[Term]) -> Answer {
        let native = *self
            .engine
            .native(module, function, args.len() as u8)
            .unwrap_or_else(|| panic!("there is no {module}:{function}/{}", args.len()));
        let mut args = args.to_vec();
        loop {
            self.data.slice_left = 4000;
            let mut ctx = Ctx { engine: &self.engine, process: &self.process, data: &mut self.data };
            match (native.body)(&mut ctx, &args) {
                Ok(t) => return Ok(t),
                Err(Escape::Error(reason) | Escape::ErrorCause(reason, _) | Escape::ErrorOf { reason, .. }) => {
                    return Err((purlin_term::am!("error"), reason));
                }
                Err(Escape::Yield(again)) => args = again,
                Err(Escape::Again) => {}
                Err(Escape::Trap { module, function, args })
                    if self.engine.native(module.name(), function.name(), args.len() as u8).is_some() =>
                {
                    return self.call(module.name(), function.name(), &args);
                }
                Err(Escape::Trap { function, args, .. }) => {
                    let to = Term::atom(function);
                    let args = self.heap().list(&args);
                    return Err((purlin_term::am!("trap"), self.heap().tuple(&[to, args])));
                }
                Err(other) => panic!("{module}:{function}: {other:?}"),
            }
        }
    }
}

/// The term that a text (without the final dot) denotes.
pub fn parse(oracle: &mut Oracle, heap: &mut Heap, text: &str) -> Term {
    let source = heap.string(&format!("{text}."));
    let scanned = oracle.call(heap, "erl_scan", "string", &[source]).expect("scans");
    let tokens = scanned.as_tuple().unwrap()[1];
    let parsed = oracle.call(heap, "erl_parse", "parse_term", &[tokens]).expect("parses");
    match parsed.as_tuple() {
        Some(&[tag, term]) if tag == purlin_term::am!("ok") => term,
        _ => panic!("no term: {text}: {}", show(oracle, heap, parsed)),
    }
}

/// The text of a term.
pub fn show(oracle: &mut Oracle, heap: &mut Heap, t: Term) -> String {
    let (format, args) = (heap.string("~0p"), heap.list(&[t]));
    let text = oracle.call(heap, "io_lib", "format", &[format, args]).expect("prints");
    let flat = oracle.call(heap, "lists", "flatten", &[text]).expect("flattens");
    flat.list_text().unwrap_or_default()
}

/// Answers of calls that differ.
#[derive(Default)]
pub struct Differences(Vec<String>);

impl Differences {
    /// Notes the answers if they differ.
    pub fn compare(&mut self, oracle: &mut Oracle, heap: &mut Heap, what: &str, ours: Answer, theirs: Answer) {
        let equal = match (ours, theirs) {
            (Ok(a), Ok(b)) => same(a, b),
            (Err(a), Err(b)) => same(a.0, b.0) && same(a.1, b.1),
            _ => false,
        };
        if equal {
            return;
        }
        let mut text = |a: Answer| match a {
            Ok(t) => show(oracle, heap, t),
            Err((c, r)) => format!("{c:?} {}", show(oracle, heap, r)),
        };
        let (ours, theirs) = (text(ours), text(theirs));
        self.0.push(format!("{what}\n  ours:   {ours}\n  theirs: {theirs}"));
    }
}

impl Drop for Differences {
    fn drop(&mut self) {
        if !self.0.is_empty() && !std::thread::panicking() {
            let shown: Vec<&str> = self.0.iter().take(20).map(|s| &**s).collect();
            panic!("{} answers differ:\n{}", self.0.len(), shown.join("\n"));
        }
    }
}

/// What expressions (without the final dot) evaluate to on the real emulator.
pub fn eval(oracle: &mut Oracle, heap: &mut Heap, text: &str) -> Answer {
    // In a fun, so that no variables come back with the value.
    let source = heap.string(&format!("(fun() -> {text} end)()."));
    let scanned = oracle.call(heap, "erl_scan", "string", &[source]).expect("scans");
    let tokens = scanned.as_tuple().unwrap()[1];
    let parsed = oracle.call(heap, "erl_parse", "parse_exprs", &[tokens]).expect("parses");
    let exprs = match parsed.as_tuple() {
        Some(&[tag, e]) if tag == purlin_term::am!("ok") => e,
        _ => panic!("no expressions: {text}: {}", show(oracle, heap, parsed)),
    };
    let value = oracle.call(heap, "erl_eval", "exprs", &[exprs, Term::NIL])?;
    Ok(value.as_tuple().unwrap()[1])
}
