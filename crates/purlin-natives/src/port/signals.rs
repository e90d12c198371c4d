//! Messages to ports: `{Owner, {command, Data}}`, `{Owner, close}`, `{Owner, {connect, NewOwner}}`.

use super::Port;
use purlin_term::iolist::to_bytes as io_bytes;
use purlin_term::{Atom, Immediate, Term, am};
use purlin_vm::Engine;
use purlin_vm::signal::{Signal, SignalKind};
use std::sync::Arc;

/// Handles a message. The owner hears of a bad one, whoever sent it.
pub fn message(engine: &Arc<Engine>, port: &Arc<Port>, message: Term) {
    let Some(owner) = port.state.lock().owner else { return };
    let bad = || engine.post(owner.term(), Signal::exit(port.term(), false, am!("badsig")));
    let Some(&[from, what]) = message.as_tuple() else { return bad() };
    if from != owner.term() {
        return bad();
    }
    if what == am!("close") {
        port.close(engine, Term::atom(Atom::NORMAL));
        answer(engine, owner.term(), port, am!("closed"));
        return;
    }
    match *what.as_tuple().unwrap_or(&[]) {
        [key, data] if key == am!("command") => {
            if !command(engine, port, data) {
                bad();
            }
        }
        [key, new] if key == am!("connect") && new.is_local_pid() => {
            // Unlike `port_connect/2`, this links nobody and asks for no living process.
            port.state.lock().owner = Immediate::new(new);
            answer(engine, owner.term(), port, am!("connected"));
        }
        _ => bad(),
    }
}

/// Takes the bytes of an iolist in the owner's name; false: it is none.
pub fn command(engine: &Arc<Engine>, port: &Arc<Port>, data: Term) -> bool {
    let Some(bytes) = io_bytes(data) else { return false };
    let owner = port.state.lock().owner;
    port.command(engine, owner.unwrap_or(Immediate::NONE), bytes);
    true
}

fn answer(engine: &Arc<Engine>, to: Term, port: &Port, what: Term) {
    let me = port.term();
    engine.post(to, Signal::built(SignalKind::Message, |h| h.tuple(&[me, what])));
}
