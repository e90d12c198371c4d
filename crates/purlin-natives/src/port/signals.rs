//! Messages to ports: `{Owner, {command, Data}}`, `{Owner, close}`, `{Owner, {connect, NewOwner}}`.

use super::Port;
use purlin_term::iolist::to_bytes as io_bytes;
use purlin_term::{Atom, Term, am};
use purlin_vm::Engine;
use purlin_vm::signal::{Signal, SignalKind};
use std::sync::Arc;

/// Handles a message that `from` sent.
pub fn message(engine: &Arc<Engine>, port: &Arc<Port>, from: Term, message: Term) {
    let bad = || engine.post(from, Signal::exit(port.term(), false, am!("badsig")));
    let Some(&[owner, what]) = message.as_tuple() else { return bad() };
    if port.state.lock().owner != Some(owner) {
        return bad();
    }
    if what == am!("close") {
        port.close(engine, Term::atom(Atom::NORMAL));
        answer(engine, owner, port, am!("closed"));
        return;
    }
    match *what.as_tuple().unwrap_or(&[]) {
        [key, data] if key == am!("command") => {
            if !command(engine, port, data) {
                bad();
            }
        }
        [key, new] if key == am!("connect") && new.is_local_pid() => {
            port.connect(engine, new);
            answer(engine, owner, port, am!("connected"));
        }
        _ => bad(),
    }
}

/// Takes the bytes of an iolist in the owner's name; false: it is none. What does not fit a packet ends the port.
pub fn command(engine: &Arc<Engine>, port: &Arc<Port>, data: Term) -> bool {
    let Some(bytes) = io_bytes(data) else { return false };
    let owner = port.state.lock().owner;
    if !port.command(engine, owner.unwrap_or(Term::NONE), bytes) {
        port.close(engine, am!("einval"));
    }
    true
}

fn answer(engine: &Arc<Engine>, to: Term, port: &Port, what: Term) {
    let me = port.term();
    engine.post(to, Signal::built(SignalKind::Message, |h| h.tuple(&[me, what])));
}
