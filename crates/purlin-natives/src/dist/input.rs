//! What comes from other nodes. Every packet is checked: one that breaks the protocol ends the connection, with a report.

use super::node::Node;
use super::signal::{SPAWNED_LINKED, SPAWNED_MONITORED, operation as op};
use crate::process::spawn_for_node;
use purlin_term::external::DecodeError;
use purlin_term::external::distribution::{Incoming, Malformed, Whole};
use purlin_term::{Atom, Heap, Release, RemotePid, RemoteRef, Term, am, print};
use purlin_vm::nodes::{self, Outgoing};
use purlin_vm::relation::Connection;
use purlin_vm::relation::RemoteProcess;
use purlin_vm::remote::down_signal;
use purlin_vm::signal::{BrokenMessage, Extra, Parcel, RefId, RemoteSignal, Signal, SignalKind};
use purlin_vm::tracing::sequential;
use purlin_vm::{Engine, report};
use std::sync::Arc;

/// Why a connection has to go.
pub enum Fault {
    Packet(Malformed),
    Term(DecodeError),
    /// A control tuple that means nothing, as text.
    Message(String),
}

impl From<Malformed> for Fault {
    fn from(m: Malformed) -> Fault {
        Fault::Packet(m)
    }
}

impl From<DecodeError> for Fault {
    fn from(e: DecodeError) -> Fault {
        Fault::Term(e)
    }
}

impl Fault {
    /// Reports it as OTP does.
    pub fn report(&self, engine: &Arc<Engine>) {
        let text = match self {
            Fault::Packet(m) => format!("Malformed distribution packet: {m}"),
            Fault::Term(e) => format!("Malformed distribution message: {e}"),
            Fault::Message(control) => format!("Invalid distribution message: {control}"),
        };
        report::log(engine, am!("error"), "~ts~n", Term::atom(Atom::NORMAL), None, |h| {
            let text = h.string(&text);
            h.list(&[text])
        });
    }
}

/// Takes a packet of a connection, and carries out the message that it completes.
pub fn packet(
    engine: &Arc<Engine>,
    node: &Arc<Node>,
    incoming: &mut (u32, Incoming),
    id: u32,
    packet: &[u8],
) -> Result<(), Fault> {
    if !node.state.lock().is_up(id) {
        return Ok(());
    }
    if incoming.0 != id {
        *incoming = (id, Incoming::default());
    }
    let Some(whole) = incoming.1.packet(packet)? else { return Ok(()) };
    let mut heap = Heap::new(64);
    let (control, payload) = whole.decode_control(&mut heap, &mut engine.code.decoding(false))?;
    let invalid = || Fault::Message(print::display(control).to_string().chars().take(200).collect());
    let message = Message { engine, node, at: node.connection(id), whole: &whole, payload, heap: &mut heap };
    match control.as_tuple() {
        Some([operation, rest @ ..]) if operation.is_small() => {
            message.carry_out(operation.small_value(), rest)?.ok_or_else(invalid)
        }
        _ => Err(invalid()),
    }
}

/// A message that is being carried out.
struct Message<'a> {
    engine: &'a Arc<Engine>,
    node: &'a Arc<Node>,
    at: Connection,
    whole: &'a Whole<'a>,
    /// Where what stands behind the control tuple begins.
    payload: usize,
    heap: &'a mut Heap,
}

/// `None`: the control tuple means nothing.
type Done = Result<Option<()>, Fault>;

impl Message<'_> {
    /// What stands behind the control tuple.
    fn payload(&mut self) -> Result<Term, Fault> {
        let message = self.whole.decode_message(self.payload, self.heap, &mut self.engine.code.decoding(false))?;
        message.ok_or_else(|| Fault::Message("nothing behind the control tuple".into()))
    }

    /// Gives a process a message. What is no term is none of the receiver's mistakes, and ends the connection when that
    /// comes to it.
    fn message(&mut self, to: Term, alias: Option<RefId>, token: Option<Term>) -> Done {
        match self.payload() {
            Ok(message) => {
                let signal = match alias {
                    Some(alias) => Signal::alias_message(alias, message, false),
                    None => Signal::message(message),
                };
                Ok(self.deliver(to, signal, token))
            }
            Err(Fault::Term(why)) => {
                self.post(to, RemoteSignal::Broken { alias, broken: BrokenMessage { at: self.at, why } });
                Ok(Some(()))
            }
            Err(fault) => Err(fault),
        }
    }

    /// A pid of the peer.
    fn peer(&self, t: Term) -> Option<RemotePid> {
        RemotePid::of(t).filter(|pid| pid.node == self.node.name)
    }

    /// Whether a pid or reference is of an earlier life of this node.
    fn is_stale(&self, t: Term) -> bool {
        t.as_external().is_some_and(|(_, node, ..)| node == self.engine.node())
    }

    fn post(&self, to: Term, signal: RemoteSignal) {
        self.engine.post(to, Signal::bare(SignalKind::Remote(Box::new(signal))));
    }

    /// Posts what a process has with the peer from now on, and has it hear of the connection's end: also when that comes
    /// meanwhile, and is told before this.
    fn post_lasting(&self, to: Term, signal: RemoteSignal) {
        self.involve(to);
        self.post(to, signal);
        self.tell_of_end(to);
    }

    fn involve(&self, process: Term) {
        if let Some(id) = process.as_pid().filter(|&id| self.engine.process(id).is_some()) {
            let mut state = self.node.state.lock();
            if state.is_up(self.at.id) {
                state.involved.insert(id);
            }
        }
    }

    fn tell_of_end(&self, process: Term) {
        let is_up = self.node.state.lock().is_up(self.at.id);
        if !is_up {
            self.post(process, RemoteSignal::NodeDown { at: self.at });
        }
    }

    fn tell(&self, from: Term, what: Outgoing<'_>) {
        nodes::tell(self.engine, from, self.at, what);
    }

    fn carry_out(mut self, operation: i64, rest: &[Term]) -> Done {
        match (operation, rest) {
            (op::SEND | op::SEND_SENDER, &[_, to]) => self.send(to, None),
            (op::SEND_TT | op::SEND_SENDER_TT, &[_, to, token]) => self.send(to, Some(token)),
            (op::REG_SEND, &[from, _, to]) => self.send_named(from, to, None),
            (op::REG_SEND_TT, &[from, _, to, token]) => self.send_named(from, to, Some(token)),
            (op::ALIAS_SEND, &[_, to]) => self.send_alias(to, None),
            (op::ALIAS_SEND_TT, &[_, to, token]) => self.send_alias(to, Some(token)),
            (op::LINK, &[from, to]) => Ok(self.link(from, to)),
            (op::UNLINK, &[from, to]) => Ok(self.unlink(from, to, 0)),
            (op::UNLINK_ID, &[id, from, to]) => {
                Ok(id.as_u64().filter(|&id| id != 0).and_then(|id| self.unlink(from, to, id)))
            }
            (op::UNLINK_ID_ACK, &[id, from, to]) => Ok(id.as_u64().and_then(|id| self.unlink_ack(from, to, id))),
            (op::EXIT, &[from, to, reason]) => Ok(self.exit(from, to, reason, None)),
            (op::EXIT_TT, &[from, to, token, reason]) => Ok(self.exit(from, to, reason, Some(token))),
            (op::PAYLOAD_EXIT, &[from, to]) => {
                let reason = self.payload()?;
                Ok(self.exit(from, to, reason, None))
            }
            (op::PAYLOAD_EXIT_TT, &[from, to, token]) => {
                let reason = self.payload()?;
                Ok(self.exit(from, to, reason, Some(token)))
            }
            (op::EXIT2, &[from, to, reason]) | (op::EXIT2_TT, &[from, to, _, reason]) => {
                Ok(self.exit2(from, to, reason))
            }
            (op::PAYLOAD_EXIT2, &[from, to]) | (op::PAYLOAD_EXIT2_TT, &[from, to, _]) => {
                let reason = self.payload()?;
                Ok(self.exit2(from, to, reason))
            }
            (op::MONITOR_P, &[from, watched, reference]) => Ok(self.monitor(from, watched, reference)),
            (op::DEMONITOR_P, &[from, watched, reference]) => Ok(self.demonitor(from, watched, reference)),
            (op::MONITOR_P_EXIT, &[watched, to, reference, reason]) => Ok(self.down(watched, to, reference, reason)),
            (op::PAYLOAD_MONITOR_P_EXIT, &[watched, to, reference]) => {
                let reason = self.payload()?;
                Ok(self.down(watched, to, reference, reason))
            }
            (op::GROUP_LEADER, &[leader, to]) => Ok(self.group_leader(leader, to)),
            (op::SPAWN_REQUEST, &[reference, from, leader, mfa, options])
            | (op::SPAWN_REQUEST_TT, &[reference, from, leader, mfa, options, _]) => {
                self.spawn(reference, from, leader, mfa, options)
            }
            (op::SPAWN_REPLY, &[reference, to, flags, result])
            | (op::SPAWN_REPLY_TT, &[reference, to, flags, result, _]) => {
                Ok(self.spawned(reference, to, flags, result))
            }
            _ => Ok(None),
        }
    }

    // ---- messages

    fn send(mut self, to: Term, token: Option<Term>) -> Done {
        if !to.is_pid() {
            return Ok(None);
        }
        if to.as_pid().is_some_and(|id| self.engine.process(id).is_some()) {
            return self.message(to, None, token);
        }
        Ok(Some(()))
    }

    fn send_named(mut self, from: Term, to: Term, token: Option<Term>) -> Done {
        let (true, Some(name)) = (from.is_pid(), to.as_atom()) else { return Ok(None) };
        if let Some(to) = self.engine.names.whereis(name).filter(|t| t.is_local_pid()) {
            return self.message(to, None, token);
        }
        Ok(Some(()))
    }

    fn send_alias(mut self, to: Term, token: Option<Term>) -> Done {
        if !to.is_ref() {
            return Ok(None);
        }
        if let (Some(alias), Some(process)) = (to.as_local_ref(), to.ref_pid()) {
            return self.message(process, Some(alias), token);
        }
        Ok(Some(()))
    }

    /// Posts a signal with its token of sequential tracing. `None`: that is no token.
    fn deliver(&self, to: Term, mut signal: Parcel, token: Option<Term>) -> Option<()> {
        if let Some(token) = token {
            let token = Some(sequential::token_of(self.engine, token)?);
            signal.extra = Some(Box::new(Extra { from: Term::NONE, token, keeps_token: false }));
        }
        self.engine.post(to, signal);
        Some(())
    }

    // ---- links

    fn link(self, from: Term, to: Term) -> Option<()> {
        let from = self.peer(from)?;
        if self.is_stale(to) {
            self.tell(to, Outgoing::Exit { to: from, linked: true, reason: Term::atom(Atom::NOPROC), token: None });
            return Some(());
        }
        to.as_pid()?;
        self.post_lasting(to, RemoteSignal::Link { from, at: self.at });
        Some(())
    }

    fn unlink(&self, from: Term, to: Term, id: u64) -> Option<()> {
        let from = self.peer(from)?;
        if self.is_stale(to) {
            return Some(());
        }
        to.as_pid()?;
        self.post(to, RemoteSignal::Unlink { from, id, at: self.at });
        Some(())
    }

    fn unlink_ack(&self, from: Term, to: Term, id: u64) -> Option<()> {
        let from = self.peer(from)?;
        if self.is_stale(to) {
            return Some(());
        }
        to.as_pid()?;
        self.post(to, RemoteSignal::UnlinkAck { from, id });
        Some(())
    }

    // ---- exits

    fn exit(self, from: Term, to: Term, reason: Term, token: Option<Term>) -> Option<()> {
        let pid = self.peer(from)?;
        to.as_pid()?;
        let kind = SignalKind::Remote(Box::new(RemoteSignal::Exit { from: pid }));
        self.deliver(to, exit_signal(kind, from, reason), token)
    }

    fn exit2(self, from: Term, to: Term, reason: Term) -> Option<()> {
        self.peer(from)?;
        if self.is_stale(to) {
            return Some(());
        }
        to.as_pid()?;
        self.engine
            .post(to, exit_signal(SignalKind::Exit { from: Term::NONE, linked: false, priority: false }, from, reason));
        Some(())
    }

    // ---- monitors

    fn monitor(self, from: Term, watched: Term, reference: Term) -> Option<()> {
        let watcher = self.peer(from)?;
        let reference = RemoteRef::of(reference)?;
        let name = watched.as_atom();
        let process = match name {
            Some(name) => self.engine.names.whereis(name).filter(|t| t.is_local_pid()),
            None if watched.is_local_pid() => Some(watched),
            None if RemotePid::of(watched).is_some() && self.is_stale(watched) => None,
            None => return None,
        };
        let Some(process) = process else {
            let reason = Term::atom(Atom::NOPROC);
            self.tell(watched, Outgoing::Down { to: watcher, monitor: reference, name, reason });
            return Some(());
        };
        if let (Some(_), Some(id)) = (name, process.as_pid()) {
            let mut state = self.node.state.lock();
            if state.is_up(self.at.id) {
                state.named.insert(reference, id);
            }
        }
        self.post_lasting(process, RemoteSignal::Monitor { reference, watcher, name, at: self.at });
        Some(())
    }

    fn demonitor(self, from: Term, watched: Term, reference: Term) -> Option<()> {
        self.peer(from)?;
        let reference = RemoteRef::of(reference)?;
        let process = match watched.as_atom() {
            Some(_) => self.node.state.lock().named.remove(&reference).map(Term::pid),
            None if watched.is_local_pid() => Some(watched),
            None if self.is_stale(watched) => None,
            None => return None,
        };
        if let Some(process) = process {
            self.post(process, RemoteSignal::Demonitor { reference });
        }
        Some(())
    }

    fn down(self, watched: Term, to: Term, reference: Term, reason: Term) -> Option<()> {
        if !reference.is_ref() {
            return None;
        }
        let process = match watched.as_atom() {
            Some(name) => RemoteProcess::Name(name),
            None => RemoteProcess::Pid(RemotePid::of(watched)?),
        };
        if self.is_stale(to) {
            return Some(());
        }
        to.as_pid()?;
        if let Some(monitor) = reference.as_local_ref() {
            self.engine.post(to, down_signal(monitor, process, self.node.name, reason));
        }
        Some(())
    }

    fn group_leader(self, leader: Term, to: Term) -> Option<()> {
        if !leader.is_pid() || !to.is_pid() {
            return None;
        }
        self.engine.post(to, Signal::with_copy(SignalKind::GroupLeader, leader));
        Some(())
    }

    // ---- starting processes

    fn spawn(mut self, reference: Term, from: Term, leader: Term, mfa: Term, options: Term) -> Done {
        let (Some(request), Some(parent), true) = (RemoteRef::of(reference), self.peer(from), leader.is_pid()) else {
            return Ok(None);
        };
        match mfa.as_tuple() {
            Some(&[module, function, arity]) if module.is_atom() && function.is_atom() && arity.is_small() => {}
            _ => return Ok(None),
        }
        let args = self.payload()?;
        let at = self.at;
        let Some(spawned) = spawn_for_node(self.engine, parent, request, at, leader, mfa, options) else {
            return Ok(None);
        };
        let (child, link, monitor) = match spawned {
            Ok(spawned) => spawned,
            Err(reason) => {
                let (link, monitor) = (false, false);
                let result = Term::atom(reason);
                self.tell(Term::NIL, Outgoing::Spawned { to: parent, request, link, monitor, result });
                return Ok(Some(()));
            }
        };
        let pid = child.pid();
        if link || monitor {
            self.involve(pid);
            self.tell_of_end(pid);
        }
        // Its arguments are its first message, and the answer goes before whatever it sends.
        self.engine.post(pid, Signal::message(args));
        if self.engine.config.release >= Release(26) {
            // What comes next says that they are whole.
            self.engine.post(pid, Signal::message(am!("dist_spawn_init")));
        }
        self.tell(pid, Outgoing::Spawned { to: parent, request, link, monitor, result: pid });
        self.engine.sched.enqueue(child);
        Ok(Some(()))
    }

    fn spawned(self, reference: Term, to: Term, flags: Term, result: Term) -> Option<()> {
        let flags = flags.as_small()?;
        let result = match result.as_atom() {
            Some(reason) => Err(reason),
            None => Ok(self.peer(result)?),
        };
        if self.is_stale(to) || self.is_stale(reference) {
            return Some(());
        }
        to.as_pid()?;
        let request = reference.as_local_ref()?;
        let (link, monitor) = (flags & SPAWNED_LINKED != 0, flags & SPAWNED_MONITORED != 0);
        let orphan = self.node.state.lock().orphans.remove(&request);
        if let (Some(reason), Ok(child)) = (orphan, result) {
            nodes::refuse_child(self.engine, to, request, child, (link, monitor), self.at, reason.term());
            return Some(());
        }
        self.post(to, RemoteSignal::Spawned { request, result, link, monitor, at: self.at });
        Some(())
    }
}

/// `{'EXIT', From, Reason}`
fn exit_signal(kind: SignalKind, from: Term, reason: Term) -> Parcel {
    Signal::built(kind, |h| h.tuple(&[Term::atom(Atom::EXIT_TAG), from, reason]))
}
