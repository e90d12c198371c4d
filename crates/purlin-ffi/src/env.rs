//! Environments: where a library makes terms, `ErlNifEnv`.
//!
//! That of a call makes them in the calling process's heap, which does not move before the call returns (CALL); those that
//! a library makes for itself have a heap of their own and keep their terms until they are cleared. What else lasts as long
//! as the terms, such as the bytes of an I/O list, hangs on the environment.

use crate::engine;
use crate::library::Library;
use crate::word::{Word, Words};
use purlin_term::{Atom, Heap, Term, am};
use purlin_vm::code::NativeEntry;
use purlin_vm::{Ctx, Engine};
use std::ffi::c_void;
use std::sync::Arc;

/// `ErlNifEnv`
pub struct Env {
    /// Where its terms are.
    place: Place,
    /// The library whose function or callback runs.
    pub library: Option<Arc<Library>>,
    /// What goes with the environment's terms.
    kept: Vec<Box<dyn std::any::Any>>,
    /// Terms that C reads as arrays.
    pub words: Words,
    /// What the function wants instead of returning a term.
    pub wish: Wish,
    /// The function that was called, and its arguments.
    called: Option<(Atom, *const [Term])>,
}

enum Place {
    /// The heap of a process in a call.
    Call(*mut Ctx<'static>),
    /// Its own.
    Own(Heap),
}

/// What a function wants instead of returning a term.
#[derive(Default)]
pub enum Wish {
    #[default]
    None,
    /// `error:Reason`
    Raise(Term),
    /// Going on with another function and these arguments.
    Schedule(&'static NativeEntry, Vec<Term>),
}

impl Env {
    /// An environment of its own.
    pub fn own() -> Env {
        Env {
            place: Place::Own(Heap::new(0)),
            library: None,
            kept: Vec::new(),
            words: Words::default(),
            wish: Wish::None,
            called: None,
        }
    }

    /// The environment of a callback of this library, which no process calls.
    pub fn of_callback(library: Option<Arc<Library>>) -> Env {
        Env { library, ..Env::own() }
    }

    /// Runs `f` with the environment of a call of a function with these arguments, and gives back what it returned and what the
    /// function wished for.
    pub fn of_call<R>(
        ctx: &mut Ctx<'_>,
        library: &Arc<Library>,
        (function, args): (Atom, &[Term]),
        f: impl FnOnce(*mut Env) -> R,
    ) -> (R, Wish) {
        let ctx: *mut Ctx<'static> = std::ptr::from_mut(ctx).cast();
        let mut env = Env {
            place: Place::Call(ctx),
            library: Some(library.clone()),
            kept: Vec::new(),
            words: Words::default(),
            wish: Wish::None,
            called: Some((function, args)),
        };
        let result = f(&mut env);
        (result, env.wish)
    }

    /// The function that was called, and its arguments, which stay until it returns.
    pub fn called(&self) -> Option<(Atom, &'static [Term])> {
        // SAFETY: CALL: the arguments outlive the call that is under way.
        self.called.map(|(function, args)| (function, unsafe { &*args }))
    }

    /// The heap that its terms are made in.
    pub fn heap(&mut self) -> &mut Heap {
        match &mut self.place {
            // SAFETY: CALL: the context outlives the call, and only the call's thread uses it.
            Place::Call(ctx) => unsafe { (**ctx).heap() },
            Place::Own(heap) => heap,
        }
    }

    /// The context of the call.
    pub fn ctx(&mut self) -> Option<&mut Ctx<'static>> {
        match self.place {
            // SAFETY: CALL: as in `heap`.
            Place::Call(ctx) => Some(unsafe { &mut *ctx }),
            Place::Own(_) => None,
        }
    }

    /// The engine; none when it has ended and this is no call.
    pub fn engine(&mut self) -> Option<Arc<Engine>> {
        match self.ctx() {
            Some(ctx) => Some(ctx.engine.clone()),
            None => engine(),
        }
    }

    /// Keeps a value as long as the terms are there; its address.
    pub fn keep<T: 'static>(&mut self, value: T) -> *mut T {
        let mut value = Box::new(value);
        let p: *mut T = &mut *value;
        self.kept.push(value);
        p
    }

    /// Keeps bytes as long as the terms are there; where they begin.
    pub fn keep_bytes(&mut self, bytes: Vec<u8>) -> *mut u8 {
        let p = self.keep(bytes);
        // SAFETY: the vector was just put where it stays.
        unsafe { (*p).as_mut_ptr() }
    }

    /// Forgets all terms.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.words.clear();
        self.wish = Wish::None;
        if let Place::Own(heap) = &mut self.place {
            *heap = Heap::new(0);
        }
    }

    /// Has the call end with `error:Reason`.
    pub fn raise(&mut self, reason: Term) -> Word {
        self.wish = Wish::Raise(reason);
        Word::NONE
    }

    pub fn badarg(&mut self) -> Word {
        self.raise(am!("badarg"))
    }
}

/// The environment at this address.
///
/// # Safety
/// C: the address is that of an environment, which nobody else uses now.
#[inline]
pub unsafe fn env<'a>(p: *mut Env) -> &'a mut Env {
    // SAFETY: by the caller's promise.
    unsafe { &mut *p }
}

functions! {
    /// A new environment that belongs to no process.
    fn enif_alloc_env() -> *mut Env {
        Box::into_raw(Box::new(Env::own()))
    }

    /// Frees an environment, and all its terms.
    fn enif_free_env(env: *mut Env) {
        if !env.is_null() {
            drop(Box::from_raw(env));
        }
    }

    /// Forgets all terms of an environment.
    fn enif_clear_env(p: *mut Env) {
        env(p).clear();
    }

    /// What the library's `load` or `upgrade` has left for its functions.
    fn enif_priv_data(p: *mut Env) -> *mut c_void {
        env(p).library.as_ref().map_or(std::ptr::null_mut(), |l| l.data())
    }
}
