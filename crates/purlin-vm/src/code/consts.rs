//! The pool of constants that instructions refer to by number: immediates (each once) and literals.
//!
//! The pool is one reserved range of addresses, so that an operand is fetched by one indexed load whatever module
//! the instruction belongs to. Immediates stay for the life of the program, literals as long as their module
//! (LITERAL).

use parking_lot::Mutex;
use purlin_term::Term;
use std::collections::HashMap;
use std::sync::OnceLock;

const AREA_BYTES: usize = 1 << 30;

struct Pool {
    base: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    len: u32,
    immediates: HashMap<u64, u32>,
    /// Numbers of literals that were freed.
    free: Vec<u32>,
}

fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| Pool { base: purlin_term::literal::map(AREA_BYTES), state: Mutex::default() })
}

/// Where constant 0 is.
pub fn base() -> *mut u64 {
    pool().base as *mut u64
}

/// The number of a constant: an immediate or a literal.
pub fn number(t: Term) -> u32 {
    let pool = pool();
    let mut s = pool.state.lock();
    if t.is_immediate()
        && let Some(&n) = s.immediates.get(&t.raw())
    {
        return n;
    }
    let n = s.free.pop().unwrap_or_else(|| {
        s.len += 1;
        s.len - 1
    });
    assert!((n as usize) < AREA_BYTES / 8, "too many constants");
    // SAFETY: the place lies in the reserved range and nobody reads it before its number is known.
    unsafe { *(pool.base as *mut u64).add(n as usize) = t.raw() };
    if t.is_immediate() {
        s.immediates.insert(t.raw(), n);
    }
    n
}

/// Forgets literals, whose module goes: their numbers are given out again.
pub(super) fn free(numbers: &[u32]) {
    pool().state.lock().free.extend_from_slice(numbers);
}

/// The constant of this number.
pub fn get(n: u32) -> Term {
    debug_assert!(n < pool().state.lock().len);
    // SAFETY: numbers are given out by `number` alone.
    unsafe { Term::from_raw(*base().add(n as usize)) }
}
