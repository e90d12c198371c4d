//! Handlers: the functions that run the common instructions, each going straight on to the next one's (direct threaded
//! code).
//!
//! A handler is chosen when code is translated (`pick.rs`), for its instruction and the kinds of its operands. It gets
//! what changes all the time in machine registers: the instruction's address, the stack pointer, the heap's top and
//! the reductions left ([`State`]). It ends by jumping to the handler of the instruction that comes next, or to
//! [`leave`], which stores them and returns to the loop in `run`. That loop can run every instruction, so a
//! handler knows only the common case and leaves before it has changed anything in any other.
//!
//! A handler may do the work of several instructions that follow each other (a superinstruction): each of these stays in its place with a
//! handler of its own, so that jumps into their midst, leaving, and traces need no care.
//!
//! The compiler makes jumps of calls in tail position only when it optimises, and only where no local variable's
//! address is known elsewhere: what needs one is a function of its own that is not inlined. Without that (see
//! `build.rs`) handlers return to a loop after each instruction.

mod calls;
mod construct;
mod control;
mod floats;
mod guards;
mod heap;
mod maps;
mod matching;
mod messages;
mod natives;
mod numbers;
mod pick;
mod scan;
mod search;
mod steps;
mod type_tests;

pub use steps::{Step, step};

use crate::code::instr::{Dst, Instr, Op, Rel, Src};
use crate::code::op::{self, Handler, Tier, leave};
use crate::process::ProcessData;
use crate::tier::reference::{Machine, Next, Run};
use purlin_term::Term;
use purlin_term::heap::STACK_RESERVE;
use std::mem::offset_of;

/// What handlers pass on in machine registers.
#[derive(Clone, Copy)]
pub(super) struct State {
    pub m: *mut Machine,
    pub pc: *const Op,
    /// The stack pointer.
    pub sp: *mut u64,
    /// The heap's top.
    pub top: *mut u64,
    /// Reductions left in the time slice.
    pub left: i32,
}

/// Makes handlers of functions on a [`State`]. None becomes a part of another: one that goes on in another would save the
/// registers that the other one needs.
macro_rules! handlers {
    ($($(#[$doc:meta])* fn $name:ident $(<$($p:ident : $b:ident),+>)? ($s:ident) $body:block)*) => {$(
        $(#[$doc])*
        #[inline(never)]
        pub(super) unsafe extern "C-unwind" fn $name $(<$($p: $b),+>)? (
            m: *mut $crate::code::op::Running,
            pc: *const $crate::code::instr::Op,
            sp: *mut u64,
            top: *mut u64,
            left: i32,
        ) -> *const $crate::code::instr::Op {
            #[allow(unused_mut)]
            let mut $s = $crate::tier::handlers::State { m: m.cast(), pc, sp, top, left };
            // SAFETY: CODE: `pc` is at an instruction that `pick` chose this handler for, so that its operands are of
            // the kinds that the handler expects; what the compiler has proved of their values holds (LIVE).
            unsafe { $body }
        }
    )*};
}

/// The operands of the instruction at `pc`.
macro_rules! operands {
    ($s:expr, $variant:ident $rest:tt) => {
        operands!(@ (*$s.pc).instr, $variant $rest)
    };
    (@ $i:expr, $variant:ident ( $($f:ident),* )) => {
        let $crate::code::instr::Instr::$variant($($f),*) = $i else { std::hint::unreachable_unchecked() };
    };
    (@ $i:expr, $variant:ident { $($f:ident),* }) => {
        let $crate::code::instr::Instr::$variant { $($f),*, .. } = $i else { std::hint::unreachable_unchecked() };
    };
}

/// Functions that run one instruction by a part of the interpreter, for [`State::by`].
macro_rules! parts {
    ($(fn $name:ident($run:ident, $pc:ident $(, $variant:ident $rest:tt)?) $body:block)*) => {$(
        #[inline(never)]
        pub(super) unsafe fn $name(m: *mut $crate::tier::reference::Machine, $pc: *const $crate::code::instr::Op)
            -> *const $crate::code::instr::Op
        {
            // SAFETY: CODE: `pc` is at such an instruction; OWNER: the machine's process is the one that runs.
            unsafe {
                $(operands!(@ (*$pc).instr, $variant $rest);)?
                let mut $run = $crate::tier::reference::Run::of(m);
                let next = $body;
                $run.resume(next)
            }
        }
    )*};
}

use {handlers, operands, parts};

/// A kind of operand, known when the handler is chosen.
pub(super) trait Mode {
    unsafe fn get(s: &State, operand: u32) -> Term;
}

/// A kind of operand that can be written to.
pub(super) trait Place: Mode {
    unsafe fn set(s: &State, operand: u32, t: Term);
}

/// An X register.
pub(super) struct X;
/// A stack slot.
pub(super) struct Y;
/// A constant of the pool.
pub(super) struct C;
/// A small integer in the operand.
pub(super) struct I;

// An operand is four times its number plus its kind, a place eight times its number from its base.

impl Mode for X {
    #[inline(always)]
    unsafe fn get(s: &State, operand: u32) -> Term {
        // SAFETY: CODE: the translator gives registers below 1024 only.
        unsafe { *s.m.byte_add(offset_of!(Machine, x) + operand as usize * 2).cast() }
    }
}

impl Place for X {
    #[inline(always)]
    unsafe fn set(s: &State, operand: u32, t: Term) {
        // SAFETY: as for `get`.
        unsafe { *s.m.byte_add(offset_of!(Machine, x) + operand as usize * 2).cast() = t }
    }
}

impl Mode for Y {
    #[inline(always)]
    unsafe fn get(s: &State, operand: u32) -> Term {
        // SAFETY: CODE: a frame has the slots that its function's code names.
        unsafe { *s.sp.byte_add(operand as usize * 2).byte_sub(2).cast() }
    }
}

impl Place for Y {
    #[inline(always)]
    unsafe fn set(s: &State, operand: u32, t: Term) {
        // SAFETY: as for `get`.
        unsafe { *s.sp.byte_add(operand as usize * 2).byte_sub(2) = t.raw() }
    }
}

impl Mode for C {
    #[inline(always)]
    unsafe fn get(s: &State, operand: u32) -> Term {
        // SAFETY: CODE: the translator gives numbers of constants only.
        unsafe { *(*s.m).running.bases[2].byte_add(operand as usize * 2).byte_sub(4).cast() }
    }
}

impl Mode for I {
    #[inline(always)]
    unsafe fn get(_: &State, operand: u32) -> Term {
        Src(operand).inlined()
    }
}

impl State {
    #[inline(always)]
    pub unsafe fn get<M: Mode>(&self, s: Src) -> Term {
        // SAFETY: by the caller's promise the operand is of this kind.
        unsafe { M::get(self, s.0) }
    }

    #[inline(always)]
    pub unsafe fn set<P: Place>(&self, d: Dst, t: Term) {
        // SAFETY: by the caller's promise the operand is of this kind.
        unsafe { P::set(self, d.0, t) }
    }

    /// An operand of any kind: by a table of bases, as a jump for each kind would be hard to foresee.
    #[inline(always)]
    pub unsafe fn any(&self, s: Src) -> Term {
        if s.kind() == 3 {
            return s.inlined();
        }
        // SAFETY: CODE: the operand names a register, a slot of the frame or a constant.
        unsafe {
            (*self.m).running.bases[1] = self.sp;
            let base = *(&raw const (*self.m).running.bases).cast::<*mut u64>().add(s.kind() as usize);
            Term::from_raw(*base.add((s.0 >> 2) as usize))
        }
    }

    /// Writes `n` operands one behind the other, of any kind but small integers in the operand.
    #[inline(always)]
    pub unsafe fn fill(&self, to: *mut u64, operands: &[Src], n: usize) {
        // SAFETY: CODE: as for `any`; there are so many operands, and memory for as many words.
        unsafe {
            (*self.m).running.bases[1] = self.sp;
            let bases = (&raw const (*self.m).running.bases).cast::<*const u64>();
            for i in 0..n {
                let s = *operands.get_unchecked(i);
                *to.add(i) = *(*bases.add(s.kind() as usize)).add((s.0 >> 2) as usize);
            }
        }
    }

    /// To a destination of any kind.
    #[inline(always)]
    pub unsafe fn set_any(&self, d: Dst, t: Term) {
        // SAFETY: as for `any`.
        unsafe {
            match d.0 & 3 {
                0 => X::set(self, d.0, t),
                _ => Y::set(self, d.0, t),
            }
        }
    }

    #[inline(always)]
    pub unsafe fn x(&self, i: usize) -> Term {
        // SAFETY: CODE: registers below 1024.
        unsafe { *(&raw const (*self.m).x).cast::<Term>().add(i) }
    }

    #[inline(always)]
    pub unsafe fn set_x(&self, i: usize, t: Term) {
        // SAFETY: CODE: registers below 1024 and what funs bring along.
        unsafe { *(&raw mut (*self.m).x).cast::<Term>().add(i) = t }
    }

    /// Goes to the handler at `pc`.
    #[inline(always)]
    pub unsafe fn go(self) -> *const Op {
        #[cfg(tail_calls)]
        // SAFETY: CODE: `pc` is at an instruction, whose handler expects just this state.
        unsafe {
            ((*self.pc).go.get())(self.m.cast(), self.pc, self.sp, self.top, self.left)
        }
        #[cfg(not(tail_calls))]
        // SAFETY: OWNER: the machine's process is the one that runs.
        unsafe {
            self.save();
            self.pc.wrapping_byte_add(1)
        }
    }

    /// Goes on behind `n` instructions.
    #[inline(always)]
    pub unsafe fn skip(mut self, n: usize) -> *const Op {
        self.pc = self.pc.wrapping_add(n);
        // SAFETY: CODE: code never ends without a jump.
        unsafe { self.go() }
    }

    /// Goes on with the next instruction.
    #[inline(always)]
    pub unsafe fn next(self) -> *const Op {
        // SAFETY: as for `skip`.
        unsafe { self.skip(1) }
    }

    /// Goes to a label.
    #[inline(always)]
    pub unsafe fn jump(mut self, to: Rel) -> *const Op {
        self.pc = self.pc.wrapping_byte_offset(to as isize);
        // SAFETY: CODE: labels are at instructions.
        unsafe { self.go() }
    }

    /// The next instruction if the condition holds, else the label.
    #[inline(always)]
    pub unsafe fn test(self, holds: bool, fail: Rel) -> *const Op {
        // SAFETY: as for `next` and `jump`.
        unsafe { if holds { self.next() } else { self.jump(fail) } }
    }

    /// Lets the loop run this instruction.
    #[inline(always)]
    pub unsafe fn slow(self) -> *const Op {
        // SAFETY: the state is that before the instruction.
        unsafe { leave(self.m.cast(), self.pc, self.sp, self.top, self.left) }
    }

    /// Goes on in another handler for this instruction.
    #[inline(always)]
    pub unsafe fn to(self, handler: Handler) -> *const Op {
        // SAFETY: the state is that before the instruction, whose operands are of the kinds that the handler expects.
        unsafe { handler(self.m.cast(), self.pc, self.sp, self.top, self.left) }
    }

    /// Whether `words` words and the reserve are free.
    #[inline(always)]
    pub fn has_room(&self, words: usize) -> bool {
        self.sp as usize - self.top as usize >= (words + STACK_RESERVE) * 8
    }

    /// Memory for `words` words that [`State::has_room`] has found.
    #[inline(always)]
    pub fn take(&mut self, words: usize) -> *mut u64 {
        let p = self.top;
        self.top = p.wrapping_add(words);
        p
    }

    /// Pushes a return address.
    #[inline(always)]
    pub unsafe fn push(&mut self, pc: *const Op) {
        self.sp = self.sp.wrapping_sub(1);
        // SAFETY: LIVE: allocation leaves STACK_RESERVE words free below the stack.
        unsafe { *self.sp = Term::continuation(pc as usize).raw() };
    }

    /// Stores in the process what the loop and natives look at.
    #[inline(always)]
    pub unsafe fn save(&self) {
        // SAFETY: OWNER: the machine's process is the one that runs.
        unsafe { op::save(self.m.cast(), self.sp, self.top, self.left) }
    }

    /// Loads what [`State::save`] has stored, which may have changed.
    #[inline(always)]
    pub unsafe fn load(&mut self) {
        // SAFETY: OWNER: the machine's process is the one that runs.
        unsafe {
            let data = (*self.m).running.data;
            let heap = &(*data).heap;
            (self.sp, self.top) = (heap.end, heap.top);
            self.left = (*data).slice_left;
        }
    }

    /// Runs `f`, a function that is not inlined, between storing and loading; then goes where it says.
    #[inline(always)]
    pub unsafe fn by(mut self, f: unsafe fn(*mut Machine, *const Op) -> *const Op) -> *const Op {
        // SAFETY: OWNER: the machine's process is the one that runs; CODE: `f` gives an instruction's address.
        unsafe {
            self.save();
            self.pc = f(self.m, self.pc);
            self.load();
            self.go()
        }
    }
}

/// The tier of handlers, which leave what is rare to the loop.
#[derive(Debug)]
pub struct Handlers;

impl Tier for Handlers {
    fn code(&self, instrs: &[Instr], collecting: bool) -> Vec<Op> {
        pick::code(instrs, collecting)
    }

    fn covers(&self, instrs: &[Instr], index: usize, collecting: bool) -> usize {
        pick::covers(instrs, index, collecting)
    }
}

static STOPPED: crate::code::fixed::SyncInstr = crate::code::fixed::SyncInstr([Op::slow(Instr::Stopped)]);

impl<'a> Run<'a> {
    /// Runs handlers from `pc` on; gives the instruction that one of them left at.
    #[inline(always)]
    pub(super) fn run_fast(&mut self, pc: *const Op) -> *const Op {
        self.m.engine = self.engine;
        self.m.process = self.process;
        self.m.running.data = self.data;
        let m: *mut Machine = self.m;
        let mut s = State { m, pc, sp: self.data.heap.end, top: self.data.heap.top, left: self.data.slice_left };
        // SAFETY: CODE: `pc` is at an instruction; OWNER: this thread runs the process.
        unsafe {
            let mut at = op::enter(s.m.cast(), pc, s.sp, s.top, s.left, (*pc).go.get());
            while !cfg!(tail_calls) && at as usize & 1 == 1 {
                s.load();
                s.pc = at.wrapping_byte_sub(1);
                at = op::enter(s.m.cast(), s.pc, s.sp, s.top, s.left, (*s.pc).go.get());
            }
            at
        }
    }

    /// What handlers call the parts of the interpreter with.
    ///
    /// # Safety
    /// Only between `save` and `load`, and for no longer.
    #[inline(always)]
    pub(super) unsafe fn of(m: *mut Machine) -> Run<'a> {
        // SAFETY: OWNER: the machine's process is the one that runs, and nothing else uses these meanwhile.
        unsafe {
            let data: *mut ProcessData = (*m).running.data;
            Run { engine: &*(*m).engine, process: &*(*m).process, data: &mut *data, m: &mut *m }
        }
    }

    /// Where a handler goes on.
    #[inline(always)]
    pub(super) fn resume(&mut self, next: Next) -> *const Op {
        match next {
            Next::At(pc) => pc,
            Next::Stop(stop) => {
                self.m.stopped = Some(stop);
                STOPPED.start()
            }
        }
    }
}
