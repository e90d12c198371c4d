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

/// Makes machine code with Cranelift.
#[derive(Debug)]
pub struct Cranelift;

impl Compiler for Cranelift {
    fn prepare(&self, unit: &Unit<'_>) -> Option<Box<dyn Prepared>> {
        Some(Box::new(compile::prepare(unit).ok()?))
    }

    fn listing(&self, unit: &Unit<'_>) -> Result<String, String> {
        listing::of(unit)
    }

    fn kept(&self, unit: &Unit<'_>) -> Option<Box<dyn MachineCode>> {
        compile::kept(unit)
    }
}

/// The compiler, on platforms that it makes code for and where the system lets code be made.
pub fn compiler() -> Option<&'static dyn Compiler> {
    let known = cfg!(all(target_arch = "x86_64", target_os = "linux"));
    (known && memory::area().is_some()).then_some(&Cranelift)
}
