//! Instructions as functions: what machine code calls for an instruction that it does not do itself, so that it need not
//! leave to the handler and be entered again behind it.
//!
//! A step means what the handler of its instruction does. It is called where a handler would be gone to: the registers are in
//! their homes, and whatever it changes, collections included, is found there behind it.

use super::guards::*;
use super::natives::{self, Found, Tuple, Whether};
use super::{State, calls, construct, guards, maps, messages, operands, type_tests::types};
use crate::code::fixed::SyncInstr;
use crate::code::instr::{GuardCall, Instr, NO_FAIL, Op, UNKNOWN_LIVE};
use crate::code::op::{Go, Running};
use crate::tier::reference::Machine;
use purlin_term::{Atom, Term};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Runs one instruction, with what a handler is given. Gives the instruction that comes next, or nothing where that is the one
/// behind it; the stack pointer, the heap's top and the reductions left stand in the machine then.
pub type Step = unsafe extern "C" fn(*mut Running, *const Op, *mut u64, *mut u64, i32) -> *const Op;

/// The step of an instruction that has one.
pub fn step(i: &Instr) -> Option<Step> {
    Some(match *i {
        Instr::CallNative(n) => match (n.mfa.module.name(), n.mfa.function.name(), n.mfa.arity) {
            ("erlang", "setelement", 3) => set_element,
            ("lists", "keyfind", 3) => key_find::<Tuple>,
            ("lists", "keymember", 3) => key_find::<Whether>,
            ("lists", "member", 2) => member,
            // The handler of any other takes no longer.
            _ => return None,
        },
        Instr::PutMap(p) if p.exact => update_map,
        Instr::PutMap(p) if p.transition.is_some() => extend_map,
        Instr::PutMap(_) => put_map,
        Instr::MakeMap(_) => make_map,
        Instr::BsCreateBin(c) if c.live < UNKNOWN_LIVE => create_bin,
        Instr::BsInit(start) if start.whole.is_some() => create_whole,
        Instr::Self_(_) => self_,
        Instr::Send => send,
        Instr::RemoveMessage => remove_message,
        Instr::Timeout => timeout,
        Instr::MarkerReserve(_) => marker_reserve,
        Instr::MarkerBind { .. } => marker_bind,
        Instr::MarkerClear(_) => marker_clear,
        Instr::MarkerUse(_) => marker_use,
        Instr::Guard(g) => guard(g),
        _ => return None,
    })
}

/// The step of a guard's native.
fn guard(g: &GuardCall) -> Step {
    if g.native.mfa.module != Atom::ERLANG {
        return any_guard;
    }
    match (g.native.mfa.function.name(), g.args.len()) {
        ("length", 1) => quick::<Length>,
        ("abs", 1) => quick::<Abs>,
        ("-", 1) => quick::<Negate>,
        ("bnot", 1) => quick::<Bnot>,
        ("is_atom", 1) => quick::<types::Atom>,
        ("is_binary", 1) => quick::<types::Binary>,
        ("is_boolean", 1) => quick::<types::Boolean>,
        ("is_float", 1) => quick::<types::Float>,
        ("is_function", 1) => quick::<types::Function>,
        ("is_integer", 1) => quick::<types::Integer>,
        ("is_list", 1) => quick::<types::List>,
        ("is_map", 1) => quick::<types::Map>,
        ("is_number", 1) => quick::<types::Number>,
        ("is_pid", 1) => quick::<types::Pid>,
        ("is_reference", 1) => quick::<types::Reference>,
        ("is_tuple", 1) => quick::<types::Tuple>,
        ("map_get", 2) => quick::<MapGet>,
        ("is_map_key", 2) => quick::<IsMapKey>,
        ("and", 2) => quick::<And>,
        ("or", 2) => quick::<Or>,
        ("==", 2) => quick::<Eq>,
        ("/=", 2) => quick::<Ne>,
        ("get", 1) => dictionary_get,
        _ => any_guard,
    }
}

impl State {
    /// Behind the instruction.
    #[inline(always)]
    unsafe fn done(self) -> *const Op {
        // SAFETY: OWNER: the machine is that of the process that runs.
        unsafe {
            let running = &raw mut (*self.m).running;
            ((*running).stack, (*running).top, (*running).left) = (self.sp, self.top, self.left);
        }
        std::ptr::null()
    }

    /// As [`load`](State::load), word by word: what was just stored in two words would be waited for if it was loaded in one.
    #[inline(always)]
    unsafe fn load_apart(&mut self) {
        // SAFETY: OWNER: the machine's process is the one that runs.
        unsafe {
            let data = (*self.m).running.data;
            let heap = &(*data).heap;
            self.sp = (&raw const heap.end).read_volatile();
            self.top = (&raw const heap.top).read_volatile();
            self.left = (*data).slice_left;
        }
    }

    /// By a part of the interpreter between storing and loading. Its panics must not go through machine code, which nobody can
    /// unwind: they go on from an instruction of their own. `behind`: how many instructions the step does.
    #[inline(always)]
    unsafe fn step_by(mut self, behind: usize, f: impl FnOnce(*mut Machine, *const Op) -> *const Op) -> *const Op {
        // SAFETY: OWNER: the machine's process is the one that runs; CODE: `f` does this instruction.
        unsafe {
            self.save();
            let (m, pc) = (self.m, self.pc);
            let next = match catch_unwind(AssertUnwindSafe(|| f(m, pc))) {
                Ok(next) => next,
                Err(payload) => {
                    (*m).fault = Some(payload);
                    FAULT.start()
                }
            };
            self.load_apart();
            let null = self.done();
            if next == pc.wrapping_add(behind) { null } else { next }
        }
    }

    /// The call of a native whose arguments are not the common ones.
    #[inline(never)]
    unsafe fn native(self) -> *const Op {
        // SAFETY: as for `step_by`.
        unsafe { self.step_by(1, |m, pc| calls::native(m, pc)) }
    }
}

static FAULT: SyncInstr = SyncInstr([Op { go: Go::new(fault), instr: Instr::Stopped }]);

/// A panic goes on.
unsafe extern "C-unwind" fn fault(m: *mut Running, _: *const Op, _: *mut u64, _: *mut u64, _: i32) -> *const Op {
    // SAFETY: OWNER: the machine is that of the process that runs.
    let payload = unsafe { (*m.cast::<Machine>()).fault.take() };
    resume_unwind(payload.unwrap_or_else(|| Box::new("a panic in a step")))
}

/// Makes steps of functions on a [`State`].
macro_rules! steps {
    ($($(#[$doc:meta])* fn $name:ident $(<$p:ident : $b:ident>)? ($s:ident) $body:block)*) => {$(
        $(#[$doc])*
        unsafe extern "C" fn $name $(<$p: $b>)? (
            m: *mut Running,
            pc: *const Op,
            sp: *mut u64,
            top: *mut u64,
            left: i32,
        ) -> *const Op {
            let $s = State { m: m.cast(), pc, sp, top, left };
            // SAFETY: CODE: `pc` is at an instruction that `step` chose this for.
            unsafe { $body }
        }
    )*};
}

steps! {
    fn set_element(s) {
        match natives::set_an_element(s) {
            Some(s) => s.done(),
            None => s.native(),
        }
    }

    fn key_find<F: Found>(s) {
        match natives::find_a_key::<F>(s) {
            Some(s) => s.done(),
            None => s.native(),
        }
    }

    fn member(s) {
        match natives::find_a_member(s) {
            Some(s) => s.done(),
            None => s.native(),
        }
    }

    fn update_map(s) {
        match s.update_noted() {
            Some(s) => s.done(),
            None => match s.update_elsewhere() {
                Some(s) => s.done(),
                None => s.step_by(1, |m, pc| maps::put(m, pc)),
            }
        }
    }

    fn extend_map(s) {
        match s.extend() {
            Some(s) => s.done(),
            None => match s.update_elsewhere() {
                Some(s) => s.done(),
                None => s.step_by(1, |m, pc| maps::put(m, pc)),
            }
        }
    }

    fn put_map(s) {
        s.step_by(1, |m, pc| maps::put(m, pc))
    }

    fn make_map(s) {
        match s.make() {
            Some(s) => s.done(),
            None => s.step_by(1, |m, pc| maps::make(m, pc)),
        }
    }

    fn create_bin(s) {
        s.step_by(1, |m, pc| construct::construct(m, pc))
    }

    fn create_whole(s) {
        operands!(s, BsInit(start));
        let puts = start.whole.as_ref().map_or(0, |w| w.puts);
        s.step_by(1 + puts, |m, pc| construct::construct_whole(m, pc))
    }

    fn self_(s) {
        operands!(s, Self_(dst));
        s.set_any(dst, (*(*s.m).process).pid());
        s.done()
    }

    fn send(s) {
        s.step_by(1, |m, pc| messages::send_it(m, pc))
    }

    fn remove_message(s) {
        s.step_by(1, |m, pc| messages::remove(m, pc))
    }

    fn timeout(s) {
        s.step_by(1, |m, pc| messages::time_out(m, pc))
    }

    fn marker_reserve(s) {
        s.step_by(1, |m, pc| messages::reserve(m, pc))
    }

    fn marker_bind(s) {
        s.step_by(1, |m, pc| messages::bind(m, pc))
    }

    fn marker_clear(s) {
        s.step_by(1, |m, pc| messages::clear(m, pc))
    }

    fn marker_use(s) {
        s.step_by(1, |m, pc| messages::use_it(m, pc))
    }

    fn any_guard(s) {
        s.step_by(1, |m, pc| guards::native(m, pc))
    }

    fn dictionary_get(s) {
        s.step_by(1, |m, pc| guards::dictionary_value(m, pc))
    }

    fn quick<Q: Quick>(s) {
        operands!(s, Guard(g));
        let g: &'static GuardCall = g;
        let (a, b) = (s.any(*g.args.get_unchecked(0)), g.args.get(1).map_or(Term::NIL, |&b| s.any(b)));
        match Q::value(a, b) {
            Some(t) => {
                s.set_any(g.dst, t);
                s.done()
            }
            None if Q::COMPLETE && g.fail != NO_FAIL => {
                s.done();
                s.pc.wrapping_byte_offset(g.fail as isize)
            }
            None => s.step_by(1, |m, pc| guards::native(m, pc)),
        }
    }
}
