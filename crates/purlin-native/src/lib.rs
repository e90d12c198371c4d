//! Machine code of functions that run much, made while the program runs.
//!
//! Its unsafe code relies on the invariants of `purlin_term` (LIVE) and `purlin_vm` (CODE, OWNER), and on this one:
//!
//! - **MAPPED**: a place in the memory for machine code belongs to the [`Code`](memory::Code) that was given it.

mod cache;
mod compile;
mod emit;
mod facts;
mod flow;
mod helpers;
mod how;
mod leaving;
mod links;
mod listing;
mod memory;
mod object;

pub use cache::keep_in;

use purlin_vm::code::compiler::{Compiler, MachineCode, Prepared, Unit};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Makes machine code with Cranelift.
#[derive(Debug)]
pub struct Cranelift;

impl Compiler for Cranelift {
    fn prepare(&self, unit: &Unit<'_>) -> Option<Box<dyn Prepared>> {
        let prepared = guarded(|| compile::prepare(unit).ok())?;
        Some(Box::new(prepared))
    }

    fn listing(&self, unit: &Unit<'_>) -> Result<String, String> {
        listing::of(unit)
    }

    fn kept(&self, unit: &Unit<'_>) -> Option<Box<dyn MachineCode>> {
        compile::kept(unit)
    }
}

/// Where the back end panics, what that says is printed and the function stays with its handlers.
fn guarded<T>(f: impl FnOnce() -> Option<T>) -> Option<T> {
    if cfg!(debug_assertions) {
        return f();
    }
    catch_unwind(AssertUnwindSafe(f)).ok().flatten()
}

/// The compiler, on platforms that it makes code for and where the system lets code be made.
pub fn compiler() -> Option<&'static dyn Compiler> {
    let known = cfg!(all(target_arch = "x86_64", target_os = "linux"));
    (known && memory::area().is_some()).then_some(&Cranelift)
}
