//! The interpreter: runs the translated code of one process until it stops.
//!
//! A [`Machine`] holds the X and float registers of the running process; its stack lies in the process's heap block,
//! `heap.end` being the stack pointer. A frame is the Y registers with the return address behind them. Calls push
//! the return address and `return` pops it.

mod arith;
mod binaries;
mod breakpoint;
mod calls;
pub mod exception;
mod funs;
mod maps;
mod memory;
mod messages;
mod places;
mod records;
pub(in crate::tier) mod run;
mod safepoint;
mod saved_calls;

pub use funs::new_fun;
pub use run::is_type;

use crate::code::fixed::{PROCESS_END, RETURN};
use crate::code::instr::{Dst, Instr, Op, Src};
use crate::code::op::{Running, Tier};
use crate::code::{Mfa, consts};
use crate::engine::Engine;
use crate::engine::context::Ctx;
use crate::engine::runner::{Frame, Runner, Stop};
use crate::process::{Process, ProcessData};
use purlin_term::{Atom, Heap, Term};
use std::cell::Cell;
use std::sync::Arc;

/// X registers.
const REGISTERS: usize = 1024;

/// The registers of one scheduler thread, lent to the process that runs on it.
#[repr(C)]
pub struct Machine {
    pub(in crate::tier) running: Running,
    pub(in crate::tier) x: [Term; REGISTERS + 256],
    pub(in crate::tier) f: [f64; REGISTERS],
    /// The engine and the process that run; set while handlers run, as `running.data` is.
    pub(in crate::tier) engine: *const Arc<Engine>,
    pub(in crate::tier) process: *const Arc<Process>,
    /// Why the process stops, when a handler says so.
    pub(in crate::tier) stopped: Option<Stop>,
    /// A panic on its way out of machine code.
    pub(in crate::tier) fault: Option<Box<dyn std::any::Any + Send>>,
    /// The binary under construction by the old construction instructions.
    builder: Option<binaries::Building>,
}

thread_local! {
    /// Out of its place while a process runs; a panic loses it.
    static MACHINE: Cell<Option<Box<Machine>>> = const { Cell::new(None) };
}

/// What the interpreter needs of the process it runs.
pub(crate) struct Run<'a> {
    pub m: &'a mut Machine,
    pub engine: &'a Arc<Engine>,
    pub process: &'a Arc<Process>,
    pub data: &'a mut ProcessData,
}

/// What an instruction that may leave the straight line asks for.
pub(crate) enum Next {
    /// Go on at this instruction.
    At(*const Op),
    /// Stop running the process; where it goes on is noted in it.
    Stop(Stop),
}

impl Machine {
    fn new() -> Box<Machine> {
        let mut m = Box::new(Machine {
            running: Running {
                data: std::ptr::null_mut(),
                bases: [std::ptr::null_mut(); 4],
                result: 0,
                stack: std::ptr::null_mut(),
                top: std::ptr::null_mut(),
                left: 0,
            },
            x: [Term::NIL; REGISTERS + 256],
            f: [0.0; REGISTERS],
            engine: std::ptr::null(),
            process: std::ptr::null(),
            stopped: None,
            fault: None,
            builder: None,
        });
        m.running.bases[0] = m.x.as_mut_ptr().cast();
        m.running.bases[2] = consts::base();
        m.running.bases[3] = m.running.bases[0];
        m
    }
}

/// Where machine code finds registers in the machine.
pub mod layout {
    use super::Machine;

    /// The first X register.
    pub const X: usize = std::mem::offset_of!(Machine, x);
    /// The first float register.
    pub const F: usize = std::mem::offset_of!(Machine, f);
}

/// The tier whose loop says what each instruction means; for comparison.
#[derive(Debug)]
pub struct Reference;

impl Tier for Reference {
    fn code(&self, instrs: &[Instr], _: bool) -> Vec<Op> {
        instrs.iter().copied().map(Op::slow).collect()
    }

    fn covers(&self, _: &[Instr], _: usize, _: bool) -> usize {
        0
    }
}

/// Runs Erlang code: the [`Runner`] of every engine but those of the scheduler's own tests.
#[derive(Default)]
pub struct Interpreter;

impl Runner for Interpreter {
    fn run(&self, ctx: &mut Ctx<'_>) -> Stop {
        let mut m = MACHINE.take().unwrap_or_else(Machine::new);
        let mut run = Run { m: &mut m, engine: ctx.engine, process: ctx.process, data: ctx.data };
        let stop = match run.enter() {
            Ok(pc) => run.run(pc),
            Err(stop) => stop,
        };
        MACHINE.set(Some(m));
        stop
    }

    fn block(&self, ctx: &mut Ctx<'_>) {
        let args = std::mem::take(&mut ctx.data.saved_x);
        // SAFETY: CODE: a process that stops at a blocking native has `pc` at that native's body.
        let Instr::NativeBody(native) = (unsafe { (*ctx.data.pc).instr }) else { return };
        let result = crate::lifecycle::panic::call_as_function(native, ctx, &args);
        ctx.data.saved_x = args;
        ctx.data.pending = Some(Box::new(result));
        ctx.data.pc = native.done();
    }

    fn frames(&self, engine: &Arc<Engine>, data: &ProcessData, heap: &mut Heap, depth: usize) -> Vec<Frame> {
        places::frames(engine, data, heap, depth)
    }

    fn uses_old_code(&self, ctx: &mut Ctx<'_>, module: Atom) -> bool {
        places::uses_old_code(ctx.engine, ctx.data, module)
    }
}

impl Run<'_> {
    /// What functions below the tiers get.
    #[inline(always)]
    pub(in crate::tier) fn ctx(&mut self) -> Ctx<'_> {
        Ctx { engine: self.engine, process: self.process, data: self.data }
    }

    // ---- operands

    #[inline(always)]
    pub(in crate::tier) fn get(&self, s: Src) -> Term {
        if s.kind() == 3 {
            return s.inlined();
        }
        // SAFETY: the translator gives only registers below 1024 and numbers of constants; a frame has the slots
        // that its function's code names.
        unsafe { Term::from_raw(*(*self.m.running.bases.get_unchecked((s.0 & 3) as usize)).add((s.0 >> 2) as usize)) }
    }

    #[inline(always)]
    pub(in crate::tier) fn set(&mut self, d: Dst, t: Term) {
        // SAFETY: as for `get`.
        unsafe { *(*self.m.running.bases.get_unchecked((d.0 & 3) as usize)).add((d.0 >> 2) as usize) = t.raw() }
    }

    #[inline(always)]
    fn x(&self, i: usize) -> Term {
        self.m.x[i]
    }

    #[inline(always)]
    fn set_x(&mut self, i: usize, t: Term) {
        self.m.x[i] = t;
    }

    /// Moves the stack pointer.
    #[inline(always)]
    fn set_stack(&mut self, sp: *mut u64) {
        // SAFETY: LIVE: what is behind the new place are frames, or slots that get values before anything collects.
        unsafe { self.data.heap.spaces_mut() }.end = sp;
        self.sync_stack();
    }

    /// Takes note that the stack pointer moved.
    #[inline(always)]
    fn sync_stack(&mut self) {
        self.m.running.bases[1] = self.data.heap.end;
    }

    #[inline(always)]
    fn push(&mut self, pc: *const Op) {
        let sp = self.data.heap.end.wrapping_sub(1);
        debug_assert!(sp >= self.data.heap.top, "allocation leaves room for return addresses");
        // SAFETY: `Heap::alloc` and `ensure` keep STACK_RESERVE words free below the stack.
        unsafe { *sp = Term::continuation(pc as usize).raw() };
        self.set_stack(sp);
    }

    // ---- starting and stopping

    /// Loads the registers and finds where to go on.
    fn enter(&mut self) -> Result<*const Op, Stop> {
        let n = self.data.saved_x.len();
        if n > 0 {
            self.m.x[..n].copy_from_slice(&self.data.saved_x);
            self.data.saved_x.clear();
        }
        self.sync_stack();
        if !self.data.pc.is_null() {
            return Ok(self.data.pc);
        }
        // A new process: its first function returns to the end of the process.
        self.ensure(0, n);
        self.push(PROCESS_END.start());
        if let Some(next) = self.start_fun(n) {
            return match next {
                Next::At(pc) => Ok(pc),
                Next::Stop(stop) => Err(stop),
            };
        }
        let c = self.data.initial_call;
        let mfa = Mfa { module: c.module, function: c.function, arity: c.arity };
        // A process that starts with `erlang:apply/3` starts with what that applies: nobody sees the call.
        let is_apply = mfa.arity == 3 && mfa.function == Atom::APPLY && mfa.module == Atom::ERLANG;
        let native = self.engine.code.exports.native(mfa).filter(|_| is_apply);
        match native.map_or_else(|| self.call_mfa(mfa), |n| Next::At(n.body())) {
            Next::At(pc) => Ok(pc),
            Next::Stop(stop) => Err(stop),
        }
    }

    /// Does what `erlang:apply/2` would for a process that starts with a fun and nothing else.
    fn start_fun(&mut self, arguments: usize) -> Option<Next> {
        let c = self.data.initial_call;
        let starts_fun = arguments == 2 && c.function == Atom::APPLY && c.module == Atom::ERLANG && self.x(1).is_nil();
        let fun = self.x(0);
        let plain = starts_fun && self.engine.code.exports.apply_is_plain() && fun.as_fun().is_some();
        plain.then(|| self.call_fun(RETURN.start(), fun, 0))
    }

    /// Notes where to go on and which registers live, and stops.
    fn stop_at(&mut self, pc: *const Op, live: usize, stop: Stop) -> Stop {
        self.data.pc = pc;
        debug_assert!(self.data.saved_x.is_empty(), "what was saved before is in the registers");
        if live > 0 {
            self.data.saved_x.extend_from_slice(&self.m.x[..live]);
        }
        stop
    }
}
