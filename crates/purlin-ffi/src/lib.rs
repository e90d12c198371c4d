//! The C interfaces of the emulator, for libraries that were made for the BEAM.
//!
//! A shared object of natives (`erl_nif.h`) or of port drivers (`erl_driver.h`) finds the functions that it calls in the
//! program that loads it, which therefore exports them. All of this crate is unsafe code at heart: what C passes is
//! taken as its interface says. On top of the invariants of `purlin_term` and `purlin_vm` it relies on these:
//!
//! - **C**: a library keeps the rules of `erl_nif.h` and `erl_driver.h`: what it passes is what it got and did not give back,
//!   and arrays are as long as it says. What it can get wrong without breaking its own rules is checked.
//! - **CALL**: an environment that belongs to a call is used by the thread of that call alone, until the call returns.

mod threads;

/// The functions that libraries call, so that the linker keeps them.
pub fn exported() -> usize {
    threads::EXPORTED.len()
}
