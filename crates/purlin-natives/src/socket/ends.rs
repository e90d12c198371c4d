//! What the end of a process means for sockets: those that it owned are closed, and others take its turns.

use super::Outcome;
use super::io::Io;
use super::state::{Socket, Turn, flag, sockets};
use purlin_term::{Term, am};
use purlin_vm::{Ctx, Engine};
use std::sync::{Arc, Weak};

impl Io<'_> {
    /// Has this socket told when a process ends.
    pub fn involve(&mut self, pid: Term) {
        let Some(id) = pid.as_pid() else { return };
        if self.s.involved.contains(&id) {
            return;
        }
        self.s.involved.push(id);
        let mut of_process = sockets(self.engine).of_process.lock();
        let all = of_process.entry(id).or_default();
        if all.len().is_power_of_two() {
            all.retain(|_, s| s.strong_count() > 0);
        }
        all.insert(self.socket.id, self.socket.me.clone());
    }

    /// The socket is closed, and need not be told of anybody's end.
    pub fn forget_processes(&mut self) {
        let mut of_process = sockets(self.engine).of_process.lock();
        for id in std::mem::take(&mut self.s.involved) {
            if let Some(all) = of_process.get_mut(&id) {
                all.remove(&self.socket.id);
                if all.is_empty() {
                    of_process.remove(&id);
                }
            }
        }
    }

    /// What the end of a process means for this socket.
    fn process_ended(&mut self, pid: Term) {
        self.s.involved.retain(|&id| Some(id) != pid.as_pid());
        if self.s.closer.is_some_and(|c| c == pid) {
            self.s.closer = None;
            drop(self.close());
        } else if self.s.owner.is_some_and(|o| o == pid) {
            self.owner_ended();
        } else if self.s.connector.as_ref().is_some_and(|r| r.pid == pid) {
            self.s.connector = None;
            self.s.writing &= !flag::CONNECTING;
            self.unselect(Turn::Write);
        } else {
            for turn in [Turn::Read, Turn::Accept, Turn::Write] {
                let queue = self.s.queue(turn);
                queue.waiting.retain(|r| r.pid != pid);
                if queue.current.as_ref().is_some_and(|r| r.pid == pid) {
                    self.next(turn);
                }
            }
        }
    }

    /// The controlling process has ended: the socket is closed.
    pub fn owner_ended(&mut self) {
        self.s.owner = None;
        if self.s.open().is_some() {
            self.stop();
            self.s.reading |= flag::CLOSING;
            self.s.writing |= flag::CLOSING;
            drop(self.close());
        }
    }
}

/// Has the sockets of ended processes closed, and others take the turns of ended ones.
pub fn install(engine: &Arc<Engine>) {
    engine.on_exit_of_involved(|ctx, _| process_ended(ctx.engine, ctx.pid()));
}

fn process_ended(engine: &Arc<Engine>, pid: Term) {
    let Some(id) = pid.as_pid() else { return };
    let Some(all) = sockets(engine).of_process.lock().remove(&id) else { return };
    for magic in all.values().filter_map(Weak::upgrade) {
        if let Some(socket) = magic.value.downcast_ref::<Socket>() {
            Io::new(engine, socket).process_ended(pid);
        }
    }
}

/// Has a socket told when the calling process ends.
pub fn involve(ctx: &Ctx<'_>, socket: &Socket) {
    let (engine, pid) = (ctx.engine, ctx.process.who());
    Io::new(engine, socket).involve(pid.term());
    ctx.process.involve();
    if ctx.process.is_exiting() {
        // It was killed meanwhile, and this socket may not have been told.
        process_ended(engine, pid.term());
    }
}

/// `select`, after the caller was noted as one that waits.
pub fn selected(ctx: &Ctx<'_>, io: Io<'_>) -> Outcome {
    let socket = io.socket;
    drop(io);
    involve(ctx, socket);
    Ok(am!("select"))
}
