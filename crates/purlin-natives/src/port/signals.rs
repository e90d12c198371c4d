//! Messages to ports: `{Owner, {command, Data}}`, `{Owner, close}`, `{Owner, {connect, NewOwner}}`.

use super::{Driver, Port, framing};
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
        answer(engine, owner, port, am!("closed"));
        port.state.lock().links.retain(|&l| l != owner);
        port.close(engine, Term::atom(Atom::NORMAL));
        return;
    }
    match *what.as_tuple().unwrap_or(&[]) {
        [key, data] if key == am!("command") => {
            if !command(engine, port, data) {
                bad();
            }
        }
        [key, new] if key == am!("connect") && new.is_local_pid() => {
            port.state.lock().owner = Some(new);
            answer(engine, owner, port, am!("connected"));
        }
        _ => bad(),
    }
}

/// Writes the bytes of an iolist; false: it is none.
pub fn command(engine: &Arc<Engine>, port: &Arc<Port>, data: Term) -> bool {
    let Some(bytes) = io_bytes(data) else { return false };
    if let (Driver::Terminal(t), Some(o)) = (&port.driver, &port.output) {
        t.command(engine, port, o, &bytes);
    } else if let (Some(o), Some(b)) = (&port.output, framing::frame(port.options.framing, bytes)) {
        o.write(b);
    }
    true
}

fn answer(engine: &Arc<Engine>, to: Term, port: &Port, what: Term) {
    let me = port.term();
    engine.post(to, Signal::built(SignalKind::Message, |h| h.tuple(&[me, what])));
}
