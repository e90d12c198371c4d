//! What the fuzz targets share: an engine in which natives can be called, and terms made of the fuzzer's bytes.
//!
//! The rule that must stay true: an input is all that a run depends on, so that what the fuzzer writes down fails again.
//! Each run has a process of its own, whose heap goes with it.

use purlin_term::{Atom, Heap, Term};
use purlin_vm::{Config, Ctx, Engine, Escape, Mfa, Process, ProcessData};
use std::sync::{Arc, OnceLock};

/// Atoms that there may be: they are kept for ever, and inputs name new ones.
const ATOMS: usize = 30_000_000;
/// How often a native may go on after a pause.
const PAUSES: usize = 200;

/// The engine of all runs. It has no schedulers, and its natives are called from here.
pub fn engine() -> &'static Arc<Engine> {
    static ENGINE: OnceLock<Arc<Engine>> = OnceLock::new();
    ENGINE.get_or_init(|| {
        Atom::set_limit(ATOMS);
        Engine::new(&purlin_natives::tables(), Config { schedulers: 1, ..Config::default() })
    })
}

/// A process in which natives can be called.
pub struct Caller {
    process: Arc<Process>,
    data: ProcessData,
}

impl Default for Caller {
    fn default() -> Caller {
        let call = Mfa { module: Atom::NORMAL, function: Atom::NORMAL, arity: 0 };
        let data = || ProcessData::new(Heap::new(1 << 12), Default::default(), call);
        Caller { process: Arc::new(Process::new(1, data())), data: data() }
    }
}

impl Caller {
    pub fn heap(&mut self) -> &mut Heap {
        &mut self.data.heap
    }

    /// Calls a native until it has an answer; `None`: it raised an exception, or wants to go on elsewhere.
    pub fn call(&mut self, module: &str, function: &str, args: &[Term]) -> Option<Term> {
        let engine = engine();
        let native = *engine.native(module, function, args.len() as u8).expect("a native");
        let mut args = args.to_vec();
        for _ in 0..PAUSES {
            self.data.slice_left = purlin_vm::sched::SLICE;
            let mut ctx = Ctx { engine, process: &self.process, data: &mut self.data };
            match (native.body)(&mut ctx, &args) {
                Ok(t) => return Some(t),
                Err(Escape::Yield(again)) => args = again,
                Err(_) => return None,
            }
        }
        None
    }
}

/// The fuzzer's bytes, read from the front. Behind the end there are zeros.
pub struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// One of these.
    pub fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    /// A term in which these atoms stand, nested this deep at most. When the bytes have run out it is `[]`.
    pub fn term(&mut self, heap: &mut Heap, atoms: &[&str], depth: usize) -> Term {
        let kinds = if depth == 0 { 5 } else { 9 };
        match self.byte() % kinds {
            0 => Term::NIL,
            1 | 2 => Term::atom(Atom::new(self.choose(atoms))),
            3 => heap.integer(i64::from(self.byte() as i8)),
            4 => self.leaf(heap),
            5 | 6 => {
                let elements = self.terms(heap, atoms, depth);
                heap.tuple(&elements)
            }
            7 => {
                let elements = self.terms(heap, atoms, depth);
                let tail = if self.byte() == 1 { self.leaf(heap) } else { Term::NIL };
                heap.list_with_tail(&elements, tail)
            }
            _ => {
                let elements = self.terms(heap, atoms, depth);
                let pairs: Vec<(Term, Term)> = elements.chunks_exact(2).map(|p| (p[0], p[1])).collect();
                purlin_term::map::from_pairs(heap, &pairs)
            }
        }
    }

    fn terms(&mut self, heap: &mut Heap, atoms: &[&str], depth: usize) -> Vec<Term> {
        let n = self.byte() % 6;
        (0..n).map(|_| self.term(heap, atoms, depth - 1)).collect()
    }

    fn leaf(&mut self, heap: &mut Heap) -> Term {
        match self.byte() % 6 {
            0 => heap.float(f64::from(self.byte() as i8) / 4.0),
            1 => heap.integer_from_digits(false, &[u64::MAX, self.byte().into()]),
            2 => heap.integer_from_digits(true, &[u64::MAX, self.byte().into()]),
            3 => heap.binary(&[self.byte()]),
            4 => Term::pid(self.byte().into()),
            _ => {
                let whole = heap.binary(&[self.byte(), self.byte()]);
                heap.sub_bits(whole, 3, 7)
            }
        }
    }
}
