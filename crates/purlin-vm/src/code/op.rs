//! Code as it runs: each instruction behind the handler that runs it, and the seam to the tiers.
//!
//! Translation makes instructions; a [`Tier`] says which handler runs each. Whatever the tier, a return address is an
//! [`Op`]'s, so that stack traces, purging and every tier can go on from it; and a handler may [`leave`] before it has
//! changed anything, which has the loop of the reference tier run the instruction.

use super::instr::Instr;
use crate::process::ProcessData;

/// What a handler finds of the thread that runs it. A tier's own registers stand behind it.
#[repr(C)]
pub struct Running {
    /// The process that runs.
    pub data: *mut ProcessData,
    /// Where operands are, by their kinds: X registers, Y registers, constants.
    pub bases: [*mut u64; 4],
}

/// What runs an instruction. What changes all the time is passed on in machine registers: the instruction's address, the
/// stack pointer, the heap's top, and the reductions left in the time slice. Gives the instruction that the loop shall
/// run. It has the platform's own calling convention, so that code made at run time can call it and be called.
pub type Handler = unsafe extern "C-unwind" fn(*mut Running, *const Op, *mut u64, *mut u64, i32) -> *const Op;

/// An instruction in code, behind the function that runs it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Op {
    pub go: Handler,
    pub instr: Instr,
}

// SAFETY: CODE: the constants of an instruction are immediate or literals of the code that it belongs to.
unsafe impl Send for Op {}
// SAFETY: as above.
unsafe impl Sync for Op {}

impl Op {
    /// An instruction that the loop runs.
    pub const fn slow(instr: Instr) -> Op {
        Op { go: leave, instr }
    }
}

/// What runs translated code. All tiers give the same results.
pub trait Tier: Sync + std::fmt::Debug {
    /// Puts a handler before each instruction of a function. With `collecting`, what may collect always asks whether it
    /// should.
    fn code(&self, instrs: &[Instr], collecting: bool) -> Vec<Op>;

    /// How many of the instructions behind this one its handler does, too.
    fn covers(&self, instrs: &[Instr], index: usize, collecting: bool) -> usize;
}

/// Stores in the process what the loop and natives look at.
///
/// # Safety
/// OWNER: the process of `m` is the one that runs; the rest is its state.
#[inline(always)]
pub unsafe fn save(m: *mut Running, sp: *mut u64, top: *mut u64, left: i32) {
    // SAFETY: OWNER: by the caller's promise.
    unsafe {
        let data = (*m).data;
        let spaces = (*data).heap.spaces_mut();
        (spaces.end, spaces.top) = (sp, top);
        (*data).slice_left = left;
        (*m).bases[1] = sp;
    }
}

/// The handler of all instructions that have none of their own: the loop runs them.
///
/// # Safety
/// As for every handler: the machine's process runs on this thread, and the rest is its state.
#[inline(never)]
pub unsafe extern "C-unwind" fn leave(
    m: *mut Running,
    pc: *const Op,
    sp: *mut u64,
    top: *mut u64,
    left: i32,
) -> *const Op {
    // SAFETY: OWNER: the machine's process is the one that runs.
    unsafe { save(m, sp, top, left) };
    pc
}
