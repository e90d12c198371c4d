//! Code as it runs: each instruction behind the handler that runs it, and the seam to the tiers.
//!
//! Translation makes instructions; a [`Tier`] says which handler runs each. Whatever the tier, a return address is an
//! [`Op`]'s, so that stack traces, purging and every tier can go on from it; and a handler may [`leave`] before it has
//! changed anything, which has the loop of the reference tier run the instruction.

use super::instr::Instr;
use crate::process::ProcessData;
use std::sync::atomic::{AtomicPtr, Ordering};

/// What a handler finds of the thread that runs it. A tier's own registers stand behind it.
#[repr(C)]
pub struct Running {
    /// The process that runs.
    pub data: *mut ProcessData,
    /// Where operands are, by their kinds: X registers, Y registers, constants.
    pub bases: [*mut u64; 4],
    /// What a function gives that machine code calls.
    pub result: u64,
    /// What changes all the time, behind a step that machine code called: the stack pointer, the heap's top, the reductions left.
    pub stack: *mut u64,
    pub top: *mut u64,
    pub left: i32,
}

/// What runs an instruction. What changes all the time is passed on in machine registers: the instruction's address, the
/// stack pointer, the heap's top, and the reductions left in the time slice. Gives the instruction that the loop shall
/// run. It has the platform's own calling convention, so that code made at run time can call it and be called.
pub type Handler = unsafe extern "C-unwind" fn(*mut Running, *const Op, *mut u64, *mut u64, i32) -> *const Op;

/// The function that runs an instruction. Machine code takes its place while others go through it.
#[repr(transparent)]
pub struct Go(AtomicPtr<()>);

impl Go {
    pub const fn new(handler: Handler) -> Go {
        Go(AtomicPtr::new(handler as *const () as *mut ()))
    }

    /// Whatever is found runs the instruction: it stays as long as the code does.
    #[inline(always)]
    pub fn get(&self) -> Handler {
        // SAFETY: CODE: handlers alone are stored here, each complete before it was.
        unsafe { std::mem::transmute::<*mut (), Handler>(self.0.load(Ordering::Relaxed)) }
    }

    /// Has another function run the instruction.
    ///
    /// # Safety
    /// CODE: it runs this very instruction, and stays as long as the code does.
    pub unsafe fn set(&self, handler: Handler) {
        self.0.store(handler as *const () as *mut (), Ordering::Release);
    }
}

/// An instruction in code, behind the function that runs it.
#[repr(C)]
pub struct Op {
    pub go: Go,
    pub instr: Instr,
}

// SAFETY: CODE: the constants of an instruction are immediate or literals of the code that it belongs to.
unsafe impl Send for Op {}
// SAFETY: as above.
unsafe impl Sync for Op {}

impl Op {
    /// An instruction that the loop runs.
    pub const fn slow(instr: Instr) -> Op {
        Op { go: Go::new(leave), instr }
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

/// Calls a handler from the loop. Machine code keeps no register for its callers: those that they count on are kept here.
///
/// # Safety
/// As for every handler.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
pub unsafe extern "C-unwind" fn enter(
    m: *mut Running,
    pc: *const Op,
    sp: *mut u64,
    top: *mut u64,
    left: i32,
    go: Handler,
) -> *const Op {
    std::arch::naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "sub rsp, 8",
        ".cfi_offset rbx, -24",
        ".cfi_offset r12, -32",
        ".cfi_offset r13, -40",
        ".cfi_offset r14, -48",
        ".cfi_offset r15, -56",
        "call r9",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
    )
}

/// Calls a handler from the loop.
///
/// # Safety
/// As for every handler.
#[cfg(not(target_arch = "x86_64"))]
pub unsafe extern "C-unwind" fn enter(
    m: *mut Running,
    pc: *const Op,
    sp: *mut u64,
    top: *mut u64,
    left: i32,
    go: Handler,
) -> *const Op {
    // SAFETY: by the caller's promise.
    unsafe { go(m, pc, sp, top, left) }
}
