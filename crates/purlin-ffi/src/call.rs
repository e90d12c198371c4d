//! Calls of a library's functions.

use crate::abi::{DIRTY_CPU, DIRTY_IO, NifFn};
use crate::env::{Env, Wish, env};
use crate::library::Library;
use crate::word::{Word, terms};
use purlin_term::{Atom, Term, am};
use purlin_vm::native::LoadedBody;
use purlin_vm::{Ctx, Escape, NativeResult};
use smallvec::SmallVec;
use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_uint};
use std::sync::Arc;

/// A function of a library.
pub struct Function {
    pub library: Arc<Library>,
    pub pointer: NifFn,
    pub flags: c_uint,
    /// The module's function that was called.
    pub name: Atom,
    /// How many of the arguments are its own, of one that a call went on with; those of the call itself follow, because errors
    /// are the call's.
    pub own: Option<u8>,
}

/// What `enif_thread_type` says of threads.
const UNDEFINED: c_int = 0;
const SCHEDULER: c_int = 1;
const DIRTY_CPU_SCHEDULER: c_int = 2;
const DIRTY_IO_SCHEDULER: c_int = 3;

thread_local! {
    /// What this thread is while it runs a library's function.
    static THREAD: Cell<c_int> = const { Cell::new(UNDEFINED) };
}

/// Sets what the thread is until the value goes.
struct Running(c_int);

impl Drop for Running {
    fn drop(&mut self) {
        THREAD.set(self.0);
    }
}

/// What the thread is that runs functions with these flags.
fn thread_type(flags: c_uint) -> c_int {
    match flags {
        DIRTY_CPU => DIRTY_CPU_SCHEDULER,
        DIRTY_IO => DIRTY_IO_SCHEDULER,
        _ => SCHEDULER,
    }
}

impl LoadedBody for Function {
    fn call(&self, ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
        let _running = Running(THREAD.replace(thread_type(self.flags)));
        let (args, called_with) = self.own.map_or((args, args), |own| args.split_at(usize::from(own)));
        let words: SmallVec<[Word; 8]> = args.iter().map(|&t| Word::from(t)).collect();
        // SAFETY: C: a function of a library takes what it is declared for, as many arguments as its arity.
        let call = |env| unsafe { (self.pointer)(env, args.len() as c_int, words.as_ptr()) };
        let (result, wish) = Env::of_call(ctx, &self.library, (self.name, called_with), call);
        match wish {
            Wish::Raise(reason) => Err(Escape::Error(reason).of_call(called_with)),
            // SAFETY: C: the function returns a term of its environment.
            _ if result != Word::NONE => Ok(unsafe { result.term() }),
            Wish::Schedule(entry, args) => Err(Escape::Native { entry, args }),
            Wish::None => Err(Escape::Error(am!("badreturn"))),
        }
    }
}

functions! {
    /// `badarg`
    fn enif_make_badarg(p: *mut Env) -> Word {
        env(p).badarg()
    }

    /// `error:Reason`
    fn enif_raise_exception(p: *mut Env, reason: Word) -> Word {
        let reason = reason.term();
        env(p).raise(reason)
    }

    /// Whether the call will end with an exception, and its reason.
    fn enif_has_pending_exception(p: *mut Env, reason: *mut Word) -> c_int {
        let Wish::Raise(pending) = env(p).wish else { return 0 };
        if !reason.is_null() {
            *reason = Word::from(pending);
        }
        1
    }

    /// Whether a function gave back that it raises an exception.
    fn enif_is_exception(p: *mut Env, t: Word) -> c_int {
        c_int::from(t == Word::NONE && matches!(env(p).wish, Wish::Raise(_)))
    }

    /// Goes on with another function when the calling one returns what this returns.
    fn enif_schedule_nif(
        p: *mut Env,
        name: *const c_char,
        flags: c_int,
        pointer: NifFn,
        argc: c_int,
        argv: *const Word,
    ) -> Word {
        let env = env(p);
        let name = CStr::from_ptr(name).to_bytes();
        let name: String = name.iter().map(|&b| char::from(b)).collect();
        let flags = flags as u32;
        let known = [0, DIRTY_CPU, DIRTY_IO].contains(&flags);
        let (Ok(_), Ok(own), true) = (Atom::try_new(&name), u8::try_from(argc), known) else {
            return env.badarg();
        };
        let (Some(library), Some((called, called_with))) = (env.library.clone(), env.called()) else {
            return env.badarg();
        };
        let mut args = terms(argv, usize::from(own));
        args.extend_from_slice(called_with);
        let (Ok(arity), Some(ctx)) = (u8::try_from(args.len()), env.ctx()) else { return env.badarg() };
        let entry = library.scheduled(ctx, called, arity, own, (pointer, flags));
        env.wish = Wish::Schedule(entry, args);
        Word::NONE
    }

    /// Counts work of so many hundredths of a time slice; whether the slice is used up.
    fn enif_consume_timeslice(p: *mut Env, percent: c_int) -> c_int {
        let Some(ctx) = env(p).ctx() else { return 0 };
        if ctx.may_block() {
            return 0;
        }
        ctx.charge(purlin_vm::sched::SLICE as usize * percent.clamp(1, 100) as usize / 100);
        c_int::from(ctx.out_of_reductions())
    }

    /// What the thread is.
    fn enif_thread_type() -> c_int {
        THREAD.get()
    }
}
