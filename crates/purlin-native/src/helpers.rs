//! What machine code calls: functions that neither collect nor unwind.

use purlin_term::{Term, compare, map};
use purlin_vm::code::instr::{MakeFun, Test};
use purlin_vm::code::op::Running;
use purlin_vm::tier::reference::{is_type, new_fun};

/// The platform that the program runs on.
pub fn host() -> target_lexicon::Triple {
    target_lexicon::Triple::host()
}

/// A function that machine code calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Helper {
    /// Whether a is less than b.
    Less,
    /// `==`
    Equal,
    /// `=:=`
    Same,
    /// Whether a value is of a type.
    IsType,
    /// The value of a key, or [`Term::NONE`].
    MapGet,
    /// Makes a fun but for its environment; 0 where there is no room for it among those that count references.
    NewFun,
}

impl Helper {
    pub fn address(self) -> usize {
        match self {
            Helper::Less => less as *const () as usize,
            Helper::Equal => equal as *const () as usize,
            Helper::Same => same as *const () as usize,
            Helper::IsType => has_type as *const () as usize,
            Helper::MapGet => map_get as *const () as usize,
            Helper::NewFun => make_fun as *const () as usize,
        }
    }
}

/// A term that machine code has.
fn term(word: u64) -> Term {
    // SAFETY: LIVE: machine code has terms of the process that runs, and nothing collects while it calls.
    unsafe { Term::from_raw(word) }
}

extern "C" fn less(a: u64, b: u64) -> u64 {
    compare::cmp(term(a), term(b)).is_lt() as u64
}

extern "C" fn equal(a: u64, b: u64) -> u64 {
    compare::eq(term(a), term(b)) as u64
}

extern "C" fn same(a: u64, b: u64) -> u64 {
    compare::same(term(a), term(b)) as u64
}

extern "C" fn has_type(test: u64, t: u64) -> u64 {
    // SAFETY: CODE: the compiler passes on a test of an instruction.
    let test = unsafe { std::mem::transmute::<u8, Test>(test as u8) };
    is_type(test, term(t)) as u64
}

extern "C" fn map_get(m: u64, key: u64) -> u64 {
    map::get(term(m), term(key)).unwrap_or(Term::NONE).raw()
}

/// # Safety
/// OWNER: the machine's process is the one that runs; there is room for the fun at `at`.
unsafe extern "C" fn make_fun(m: *mut Running, fun: *const MakeFun, at: *mut u64) -> u64 {
    // SAFETY: CODE: the compiler passes on an instruction's operand; OWNER: by the caller's promise.
    unsafe { new_fun(m, &*fun, at) as u64 }
}
