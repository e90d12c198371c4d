//! Processes and ports: who they are, sending, names.

use crate::abi::Identifier;
use crate::engine;
use crate::env::{Env, env};
use crate::word::Word;
use purlin_term::{Atom, Term};
use purlin_vm::send::send_from;
use purlin_vm::signal::{Signal, SignalKind};
use std::ffi::c_int;

unsafe fn give(to: *mut Identifier, t: Option<Term>) -> c_int {
    let Some(t) = t else { return 0 };
    // SAFETY: C: the caller has a place for it.
    unsafe { *to = Identifier(Word::from(t)) };
    1
}

/// Who has a name.
fn whereis(name: Word) -> Option<Term> {
    // SAFETY: C: a term.
    let name = unsafe { name.term() }.as_atom()?;
    engine()?.names.whereis(name)
}

functions! {
    /// The calling process; null where there is none.
    fn enif_self(p: *mut Env, pid: *mut Identifier) -> *mut Identifier {
        match env(p).ctx() {
            Some(ctx) => {
                *pid = Identifier(Word::from(ctx.pid()));
                pid
            }
            None => std::ptr::null_mut(),
        }
    }

    fn enif_get_local_pid(_p: *mut Env, t: Word, to: *mut Identifier) -> c_int {
        give(to, Some(t.term()).filter(|t| t.is_local_pid()))
    }

    fn enif_get_local_port(_p: *mut Env, t: Word, to: *mut Identifier) -> c_int {
        give(to, Some(t.term()).filter(|t| t.as_port().is_some()))
    }

    fn enif_whereis_pid(_p: *mut Env, name: Word, to: *mut Identifier) -> c_int {
        give(to, whereis(name).filter(|t| t.is_local_pid()))
    }

    fn enif_whereis_port(_p: *mut Env, name: Word, to: *mut Identifier) -> c_int {
        give(to, whereis(name).filter(|t| t.as_port().is_some()))
    }

    fn enif_set_pid_undefined(pid: *mut Identifier) { *pid = Identifier(Word::from(Term::atom(Atom::UNDEFINED))); }

    fn enif_is_pid_undefined(pid: *const Identifier) -> c_int {
        c_int::from((*pid).0.term().is(Atom::UNDEFINED))
    }

    /// Sends a message. Terms of an environment of the message's own are forgotten then; without one the message is copied
    /// from the caller's. 0: the process is not there.
    fn enif_send(caller: *mut Env, to: *const Identifier, of: *mut Env, message: Word) -> c_int {
        let (to, message) = ((*to).0.term(), message.term());
        let Some(id) = to.as_pid() else { return 0 };
        let sent = match if caller.is_null() { None } else { env(caller).ctx() } {
            Some(ctx) => ctx.engine.process(id).is_some() && send_from(ctx, to, message).is_ok(),
            None => engine().is_some_and(|e| e.signal_to(id, Signal::with_copy(SignalKind::Message, message)).is_ok()),
        };
        if sent && !of.is_null() {
            env(of).clear();
        }
        c_int::from(sent)
    }

    /// Sends a command to a port; 0: it is not there.
    fn enif_port_command(p: *mut Env, to: *const Identifier, of: *mut Env, message: Word) -> c_int {
        let Some(engine) = env(p).engine() else { return 0 };
        let Some(port) = (*to).0.term().as_port() else { return 0 };
        let open = engine.ports().is_some_and(|ports| ports.is_open(&engine, port));
        let Some(bytes) = purlin_term::iolist::to_bytes(message.term()).filter(|_| open) else { return 0 };
        let mut heap = purlin_term::Heap::new(0);
        let bytes = heap.binary(&bytes);
        let sent = engine.port_signal(port, purlin_vm::port::PortSignal::Command(bytes));
        if sent && !of.is_null() {
            env(of).clear();
        }
        c_int::from(sent)
    }

    /// Whether the calling process has not ended meanwhile.
    fn enif_is_current_process_alive(p: *mut Env) -> c_int {
        let Some(ctx) = env(p).ctx() else { return 0 };
        c_int::from(ctx.engine.process(ctx.process.id()).is_some())
    }

    fn enif_is_process_alive(p: *mut Env, pid: *const Identifier) -> c_int {
        let id = (*pid).0.term().as_pid();
        c_int::from(env(p).engine().zip(id).is_some_and(|(engine, id)| engine.process(id).is_some()))
    }

    fn enif_is_port_alive(p: *mut Env, port: *const Identifier) -> c_int {
        let port = (*port).0.term().as_port();
        let open = |engine: std::sync::Arc<purlin_vm::Engine>, id| engine.ports().is_some_and(|p| p.is_open(&engine, id));
        c_int::from(env(p).engine().zip(port).is_some_and(|(engine, id)| open(engine, id)))
    }
}
