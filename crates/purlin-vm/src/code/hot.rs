//! Which functions run much, so that they are worth machine code.
//!
//! Nothing is counted while code runs. Where a process stops, once so many reductions were used since the last time, the
//! functions that it stands in are noted: a sample of where time goes. A function that was found often enough waits for
//! the compiler.

use super::compiler::Prepared;
use super::export::FnEntry;
use super::module::{Code, Module, freed};
use parking_lot::Mutex;
use purlin_term::Atom;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;

/// A function is compiled once it was found so often. Its machine code serves later runs as well.
const OFTEN: u32 = 3;

/// One that was found so often comes before others.
const VERY_OFTEN: u32 = 16;

/// Functions that wait for the compiler.
#[derive(Default)]
pub struct Hot(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    functions: VecDeque<Name>,
    /// Those of them that were found very often.
    first: VecDeque<Name>,
    /// Somebody compiles them.
    compiling: bool,
}

/// A function's name, and its place in this generation of its module: which may be gone when its turn comes.
#[derive(Clone, Copy)]
struct Name {
    module: Atom,
    function: Atom,
    arity: u8,
    entry: usize,
}

impl Code {
    /// Notes that a process was found in the function at this address. True where somebody has to be found to
    /// [`compile_hot`](Code::compile_hot).
    pub fn note_at(&self, address: usize) -> bool {
        let Some((entry, _)) = self.locate(address) else { return false };
        if entry.heat.load(Ordering::Relaxed) >= VERY_OFTEN || entry.has_machine_code() {
            return false;
        }
        let heat = entry.heat.fetch_add(1, Ordering::Relaxed) + 1;
        if heat != OFTEN && heat != VERY_OFTEN {
            return false;
        }
        let mfa = entry.mfa;
        let entry = std::ptr::from_ref(entry) as usize;
        let name = Name { module: mfa.module, function: mfa.function, arity: mfa.arity, entry };
        let mut waiting = self.hot.0.lock();
        if heat == OFTEN {
            waiting.functions.push_back(name)
        } else {
            waiting.first.push_back(name)
        }
        !std::mem::replace(&mut waiting.compiling, true)
    }

    /// Compiles the function that has waited longest; false when there is none, and the caller is no longer the one who
    /// compiles. The caller is not present: `present` makes it so for as long as the function has to stay, since nobody
    /// who waits for code to be freed may have to wait for a compiler.
    pub fn compile_hot(&self, present: impl Fn(&mut dyn FnMut())) -> bool {
        let mut waiting = self.hot.0.lock();
        let next = waiting.first.pop_front().or_else(|| waiting.functions.pop_front());
        let Some(name) = next else {
            waiting.compiling = false;
            return false;
        };
        drop(waiting);
        let mut prepared = None;
        let mut before = 0;
        present(&mut || {
            before = freed();
            prepared = self.find(name).and_then(|entry| self.prepare(entry));
        });
        let mut made = prepared.and_then(Prepared::finish);
        present(&mut || {
            // Other code may stand at the function's place by now.
            if let Some(entry) = self.find(name).filter(|_| freed() == before) {
                self.install(entry, made.take());
            }
        });
        true
    }

    /// The function of this name, if it is still there.
    fn find(&self, name: Name) -> Option<&'static FnEntry> {
        let current = self.generations(name.module).current;
        let entry = current.and_then(|m: &Module| m.function(name.function, name.arity));
        entry.filter(|&e: &&FnEntry| std::ptr::from_ref(e) as usize == name.entry)
    }
}
