//! Signals to other nodes: control tuples, as the distribution protocol has them, and what goes with them.

use super::distribution;
use super::flags::{self, BIG_LABELS, EXIT_PAYLOAD, HEADER_CACHE, SEND_SENDER};
use super::node::{Node, Phase};
use purlin_term::external::EncodeOptions;
use purlin_term::external::distribution::Outgoing as Encoded;
use purlin_term::{Atom, Heap, Owned, RemotePid, Term, am};
use purlin_vm::Engine;
use purlin_vm::nodes::{Outgoing, Route, Unsent};
use purlin_vm::relation::{Connection, RemoteProcess};
use purlin_vm::signal::{Parcel, RemoteSignal, Signal, SignalKind};
use purlin_vm::tracing::Token;
use smallvec::SmallVec;
use std::sync::Arc;

/// The operations of the protocol, the first elements of control tuples.
pub mod operation {
    pub const LINK: i64 = 1;
    pub const SEND: i64 = 2;
    pub const EXIT: i64 = 3;
    pub const UNLINK: i64 = 4;
    pub const REG_SEND: i64 = 6;
    pub const GROUP_LEADER: i64 = 7;
    pub const EXIT2: i64 = 8;
    pub const SEND_TT: i64 = 12;
    pub const EXIT_TT: i64 = 13;
    pub const REG_SEND_TT: i64 = 16;
    pub const EXIT2_TT: i64 = 18;
    pub const MONITOR_P: i64 = 19;
    pub const DEMONITOR_P: i64 = 20;
    pub const MONITOR_P_EXIT: i64 = 21;
    pub const SEND_SENDER: i64 = 22;
    pub const SEND_SENDER_TT: i64 = 23;
    pub const PAYLOAD_EXIT: i64 = 24;
    pub const PAYLOAD_EXIT_TT: i64 = 25;
    pub const PAYLOAD_EXIT2: i64 = 26;
    pub const PAYLOAD_EXIT2_TT: i64 = 27;
    pub const PAYLOAD_MONITOR_P_EXIT: i64 = 28;
    pub const SPAWN_REQUEST: i64 = 29;
    pub const SPAWN_REQUEST_TT: i64 = 30;
    pub const SPAWN_REPLY: i64 = 31;
    pub const SPAWN_REPLY_TT: i64 = 32;
    pub const ALIAS_SEND: i64 = 33;
    pub const ALIAS_SEND_TT: i64 = 34;
    pub const UNLINK_ID: i64 = 35;
    pub const UNLINK_ID_ACK: i64 = 36;
}

/// In the answer to a request to start a process: it is linked, it is monitored.
pub const SPAWNED_LINKED: i64 = 1;
pub const SPAWNED_MONITORED: i64 = 2;

/// So many bytes go out at once.
const TOGETHER: usize = 1 << 16;

/// Sends a signal of a local process by a node's connection; see [`purlin_vm::nodes::Nodes::signal`].
pub fn send(
    engine: &Arc<Engine>,
    node: &Arc<Node>,
    from: Term,
    by: Route,
    what: Outgoing<'_>,
) -> Result<Connection, Unsent> {
    let (id, phase, flags) = route(engine, node, from, by, &what).ok_or(Unsent::NoConnection)?;
    let mut heap = Heap::new(32);
    let at = node.connection(id);
    if phase == Phase::Pending {
        let (control, message) = terms(&mut heap, from, flags::HOPED_FOR, &what);
        let waiting = (Owned::new(control), message.map(Owned::new));
        let mut state = node.state.lock();
        if state.id == id && state.phase == Phase::Pending {
            state.queued += 8 * (waiting.0.words() + waiting.1.as_ref().map_or(0, Owned::words));
            state.waiting.push(waiting);
            return Ok(at);
        }
        drop(state);
        // It came up or failed meanwhile.
        let _ = send(engine, node, from, Route::Only(id), what);
        return Ok(at);
    }
    let (control, message) = terms(&mut heap, from, flags, &what);
    let control = match for_peer(&mut heap, at, control, flags) {
        ForPeer::Send(control) => control,
        ForPeer::Refuse(to, answer) => {
            engine.post(to, answer);
            return Ok(at);
        }
        ForPeer::Drop => return Ok(at),
    };
    let Some(encoded) = encode(engine, control, message, flags) else {
        if matches!(what, Outgoing::Exit { linked: true, .. } | Outgoing::Down { .. }) {
            // Whom nobody can tell has to hear of it all the same.
            node.end_channel(engine, id);
        }
        return Err(Unsent::TooLarge);
    };
    submit(engine, node, id, encoded);
    Ok(at)
}

/// What becomes of a signal to a peer of which it is known what it can do.
pub enum ForPeer {
    /// It is sent with this control tuple.
    Send(Term),
    /// It is not sent, and this process gets this answer.
    Refuse(Term, Parcel),
    Drop,
}

/// Changes the control tuple of a signal for a peer that cannot do all that was hoped for. A monitor that a peer does not
/// know of tells of the connection's end all the same.
pub fn for_peer(h: &mut Heap, at: Connection, control: Term, flags: u64) -> ForPeer {
    use operation as op;
    if flags & flags::HOPED_FOR == flags::HOPED_FOR {
        return ForPeer::Send(control);
    }
    let lacks = |what: u64| flags & what != what;
    let Some([operation, rest @ ..]) = control.as_tuple() else { return ForPeer::Drop };
    match (operation.small_value(), rest) {
        (op::MONITOR_P | op::DEMONITOR_P, _) if lacks(flags::MONITORS) => ForPeer::Drop,
        (op::ALIAS_SEND | op::ALIAS_SEND_TT, _) if lacks(flags::ALIAS) => ForPeer::Drop,
        (op::UNLINK_ID, &[_, from, to]) if lacks(flags::UNLINK_ID) => {
            ForPeer::Send(h.tuple(&[Term::small(op::UNLINK), from, to]))
        }
        (op::SPAWN_REQUEST | op::SPAWN_REQUEST_TT, &[request, from, ..]) if lacks(flags::SPAWN) => {
            let Some(request) = request.as_local_ref() else { return ForPeer::Drop };
            let result = Err(Atom::new("notsup"));
            let answer = RemoteSignal::Spawned { request, result, link: false, monitor: false, at };
            ForPeer::Refuse(from, Signal::bare(SignalKind::Remote(Box::new(answer))))
        }
        _ => ForPeer::Send(control),
    }
}

/// The connection that a signal goes by; its phase, and what the peer can do.
fn route(
    engine: &Arc<Engine>,
    node: &Arc<Node>,
    from: Term,
    by: Route,
    what: &Outgoing<'_>,
) -> Option<(u32, Phase, u64)> {
    if by == Route::Connect {
        connect(engine, node);
    }
    let mut state = node.state.lock();
    let other = matches!(by, Route::Only(id) if id != state.id);
    if matches!(state.phase, Phase::Idle | Phase::Ending) || other {
        return None;
    }
    let involves = matches!(what, Outgoing::Link { .. } | Outgoing::Monitor { .. } | Outgoing::Spawn { .. });
    if let Some(process) = from.as_pid().filter(|_| involves) {
        state.involved.insert(process);
    }
    if let Outgoing::Down { monitor, name: Some(_), .. } = what {
        state.named.remove(monitor);
    }
    Some((state.id, state.phase, state.flags))
}

/// Has `net_kernel` connect with a node, unless there is a connection or one is being made.
pub fn connect(engine: &Arc<Engine>, node: &Arc<Node>) {
    // While one ends, what is sent goes with it.
    let Some((id, true)) = node.begin() else { return };
    let message = Signal::built(SignalKind::Message, |h| {
        let handle = node.handle(h, id);
        h.tuple(&[am!("auto_connect"), Term::atom(node.name), handle])
    });
    match engine.names.whereis(Atom::new("net_kernel")).and_then(Term::as_pid) {
        Some(kernel) if engine.signal_to(kernel, message).is_ok() => {}
        _ => drop(node.down(engine, id, Term::atom(Atom::new("net_kernel_terminated")))),
    }
}

/// The bytes of a control tuple and message. `None`: too large for the format.
pub fn encode(engine: &Engine, control: Term, message: Option<Term>, flags: u64) -> Option<Encoded> {
    let options = EncodeOptions {
        minor_version: 2,
        node: engine.node(),
        creation: engine.code.creation(),
        ..EncodeOptions::default()
    };
    Encoded::new(control, message, &options, flags & HEADER_CACHE != 0).ok()
}

/// Queues what is encoded for the channel of a connection, unless that has ended. A port gets it when the turn of the
/// process is over, or what came from the node is carried out: what is sent by then goes out together.
pub fn submit(engine: &Arc<Engine>, node: &Arc<Node>, id: u32, encoded: Encoded) {
    let at_work = node.is_at_work();
    let in_turn = engine.sched.current().is_some();
    let mut state = node.state.lock();
    if !state.is_up(id) {
        return;
    }
    state.queue(encoded);
    if let Some(channel) = std::mem::take(&mut state.notify).then_some(state.channel).flatten() {
        drop(state);
        tell_channel(engine, channel.term());
    } else if state.queued >= TOGETHER || !(at_work || in_turn) {
        drop(state);
        node.flush(engine);
    } else if !at_work && !std::mem::replace(&mut state.due, true) {
        drop(state);
        distribution(engine).flush_later(node);
    }
}

/// Tells a channel that is a process that there are packets.
pub fn tell_channel(engine: &Arc<Engine>, channel: Term) {
    engine.post(channel, Signal::built(SignalKind::Message, |_| am!("dist_data")));
}

/// A control tuple of one of these operations, the second with a trace token behind the parts, if the peer can read it.
fn with_token(
    h: &mut Heap,
    flags: u64,
    token: Option<&Token>,
    operations: [i64; 2],
    parts: &[Term],
    last: Option<Term>,
) -> Term {
    let token = token.filter(|t| t.label.term().is_small() || flags & BIG_LABELS != 0).map(|t| t.term(h));
    let operation = Term::small(operations[usize::from(token.is_some())]);
    let all: SmallVec<[Term; 6]> =
        std::iter::once(operation).chain(parts.iter().copied()).chain(token).chain(last).collect();
    h.tuple(&all)
}

/// The control tuple and the message of a signal, for a peer that can do this.
fn terms(h: &mut Heap, from: Term, flags: u64, what: &Outgoing<'_>) -> (Term, Option<Term>) {
    use operation as op;
    let cookie = Term::atom(Atom::new(""));
    let number = Term::small;
    let pid = RemotePid::term;
    match *what {
        Outgoing::Send { to, message, token } => {
            let to = pid(to, h);
            let control = if flags & SEND_SENDER != 0 && from.is_pid() {
                with_token(h, flags, token, [op::SEND_SENDER, op::SEND_SENDER_TT], &[from, to], None)
            } else {
                with_token(h, flags, token, [op::SEND, op::SEND_TT], &[cookie, to], None)
            };
            (control, Some(message))
        }
        Outgoing::SendNamed { to, message, token } => {
            let parts = [from, cookie, Term::atom(to)];
            (with_token(h, flags, token, [op::REG_SEND, op::REG_SEND_TT], &parts, None), Some(message))
        }
        Outgoing::SendAlias { to, message, token } => {
            (with_token(h, flags, token, [op::ALIAS_SEND, op::ALIAS_SEND_TT], &[from, to], None), Some(message))
        }
        Outgoing::Link { to } => {
            let to = pid(to, h);
            (h.tuple(&[number(op::LINK), from, to]), None)
        }
        Outgoing::Unlink { to, id } => {
            let to = pid(to, h);
            if flags & flags::UNLINK_ID == 0 {
                return (h.tuple(&[number(op::UNLINK), from, to]), None);
            }
            let id = h.unsigned(id);
            (h.tuple(&[number(op::UNLINK_ID), id, from, to]), None)
        }
        Outgoing::UnlinkAck { to, id } => {
            let (to, id) = (pid(to, h), h.unsigned(id));
            (h.tuple(&[number(op::UNLINK_ID_ACK), id, from, to]), None)
        }
        Outgoing::Exit { to, linked, reason, token } => {
            let parts = [from, pid(to, h)];
            if flags & EXIT_PAYLOAD == 0 {
                let operations = if linked { [op::EXIT, op::EXIT_TT] } else { [op::EXIT2, op::EXIT2_TT] };
                return (with_token(h, flags, token, operations, &parts, Some(reason)), None);
            }
            let linking = [op::PAYLOAD_EXIT, op::PAYLOAD_EXIT_TT];
            let operations = if linked { linking } else { [op::PAYLOAD_EXIT2, op::PAYLOAD_EXIT2_TT] };
            (with_token(h, flags, token, operations, &parts, None), Some(reason))
        }
        Outgoing::Monitor { monitor, watched } | Outgoing::Demonitor { monitor, watched } => {
            let begins = matches!(what, Outgoing::Monitor { .. });
            let operation = if begins { op::MONITOR_P } else { op::DEMONITOR_P };
            let reference = h.reference(monitor);
            let watched = match watched {
                RemoteProcess::Pid(to) => pid(to, h),
                RemoteProcess::Name(name) => Term::atom(name),
            };
            (h.tuple(&[number(operation), from, watched, reference]), None)
        }
        Outgoing::Down { to, monitor, name, reason } => {
            let (to, reference) = (pid(to, h), monitor.term(h));
            let watched = name.map_or(from, Term::atom);
            if flags & EXIT_PAYLOAD == 0 {
                return (h.tuple(&[number(op::MONITOR_P_EXIT), watched, to, reference, reason]), None);
            }
            (h.tuple(&[number(op::PAYLOAD_MONITOR_P_EXIT), watched, to, reference]), Some(reason))
        }
        Outgoing::GroupLeader { to, leader } => {
            let to = pid(to, h);
            (h.tuple(&[number(op::GROUP_LEADER), leader, to]), None)
        }
        Outgoing::Spawn { request, leader, mfa, args, options } => {
            let (reference, options) = (h.reference(request), h.list(options));
            (h.tuple(&[number(op::SPAWN_REQUEST), reference, from, leader, mfa, options]), Some(args))
        }
        Outgoing::Spawned { to, request, link, monitor, result } => {
            let (to, reference) = (pid(to, h), request.term(h));
            let of = |set: bool, bit: i64| if set { bit } else { 0 };
            let bits = number(of(link, SPAWNED_LINKED) | of(monitor, SPAWNED_MONITORED));
            (h.tuple(&[number(op::SPAWN_REPLY), reference, to, bits, result]), None)
        }
    }
}
