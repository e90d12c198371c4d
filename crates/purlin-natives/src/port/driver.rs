//! Port drivers: what each has to do, and the one table of those that programs open by name.
//!
//! A driver is what is at a port's other end. A new one is a type with `impl Driver`, and, if it has a name of its own,
//! a row in [`NAMED`].

use super::open::Settings;
use super::poll::Deadline;
use super::stream::Stream;
use super::{Port, inet, ram_file, terminal, trace_file};
use purlin_term::external::distribution::Packet;
use purlin_term::{Immediate, Term};
use purlin_vm::signal::RefId;
use purlin_vm::{Ctx, Engine};
use std::sync::Arc;

/// A command has more bytes than a packet's length can tell: the port is closed for it.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

/// What an answer to `port_control/3` becomes.
pub enum ControlAnswer {
    List(Vec<u8>),
    Binary(Vec<u8>),
}

/// What a port driver does. Each function is called from any thread, without a lock of the port being held.
pub trait Driver: Send + Sync {
    /// The stream of bytes that this driver is, if it is one: what the other functions do follows from it.
    fn stream(&self) -> Option<&Stream> {
        None
    }

    /// Takes bytes that the process `from` sends: a stream writes them, and where there is none they go nowhere.
    fn command(
        &self,
        _engine: &Arc<Engine>,
        port: &Arc<Port>,
        _from: Immediate,
        bytes: Vec<u8>,
    ) -> Result<(), TooLong> {
        self.stream().map_or(Ok(()), |stream| stream.write(port, bytes))
    }

    /// Sends packets of the engine's own, which nobody waits for: what a driver with [`soft_busy`](Driver::soft_busy)
    /// is asked for.
    fn send_packets(&self, _engine: &Arc<Engine>, _port: &Arc<Port>, _packets: Vec<Packet>) {}

    /// Carries out a control operation for the process `from`. `None`: a bad argument.
    fn control(
        &self,
        _engine: &Arc<Engine>,
        _port: &Arc<Port>,
        _from: Immediate,
        _operation: u32,
        _data: &[u8],
    ) -> Option<Vec<u8>> {
        None
    }

    /// As [`control`](Driver::control), of drivers that choose how the answer looks.
    fn control_answer(
        &self,
        engine: &Arc<Engine>,
        port: &Arc<Port>,
        from: Immediate,
        operation: u32,
        data: &[u8],
    ) -> Option<ControlAnswer> {
        self.control(engine, port, from, operation, data).map(ControlAnswer::List)
    }

    /// Carries out a call for the process `from`: argument and result are terms in the external format. `None`: a bad
    /// argument.
    fn call(
        &self,
        _engine: &Arc<Engine>,
        _port: &Arc<Port>,
        _from: Immediate,
        _operation: u32,
        _data: &[u8],
    ) -> Option<Vec<u8>> {
        None
    }

    /// Whether senders have to wait; `waiter` is then woken when they need not any more.
    fn busy(&self, waiter: Option<Immediate>) -> bool {
        self.stream().and_then(Stream::output).is_some_and(|o| o.is_busy(waiter))
    }

    /// Whether commands can be forced on the driver while it is busy.
    fn soft_busy(&self) -> bool {
        false
    }

    /// Bytes that wait for going out.
    fn queued(&self) -> usize {
        self.stream().and_then(Stream::output).map_or(0, |o| o.queued())
    }

    /// The number that the operating system gave the program at the other end.
    fn os_pid(&self) -> Option<u32> {
        None
    }

    /// Waits until everything is written; what a halting engine does, also with ports that are closed.
    fn flush(&self, _engine: &Arc<Engine>, _port: &Arc<Port>) {
        if let Some(output) = self.stream().and_then(Stream::output) {
            output.flush();
        }
    }

    /// The port is about to be closed: its owner, links and data are still there.
    fn before_close(&self) {}

    /// The port is closed: nothing is read any more, and what is queued still goes out.
    fn close(&self, engine: &Arc<Engine>, _port: &Arc<Port>) {
        if let Some(stream) = self.stream() {
            stream.close(engine);
        }
    }

    /// Whether nothing is left to be written.
    fn is_idle(&self) -> bool {
        self.stream().and_then(Stream::output).is_none_or(|o| o.is_idle())
    }

    /// What the driver has [watched](super::poll::watch) can be read or written.
    fn ready(&self, _engine: &Arc<Engine>, _port: &Arc<Port>, _read: bool, _write: bool) {}

    /// A [time limit](super::poll::limit) was reached, unless it was taken back meanwhile.
    fn timeout(&self, _engine: &Arc<Engine>, _port: &Arc<Port>, _limit: Deadline) {}

    /// A process that the driver monitors has ended.
    fn process_exit(&self, _engine: &Arc<Engine>, _port: &Arc<Port>, _monitor: RefId) {}

    /// The processes that the driver monitors.
    fn monitors(&self) -> Vec<Immediate> {
        Vec::new()
    }

    /// The [library](super::loading::Library) that the driver came with, if it was loaded, by its key.
    fn library(&self) -> Option<u64> {
        None
    }

    /// What is queued is thrown away: the port is about to be closed.
    fn abandon(&self) {}

    /// Whether calls of one port exclude those of the driver's other ports.
    fn excludes_ports(&self) -> bool {
        false
    }
}

/// A driver that is opened by its name.
pub struct Named {
    pub name: &'static str,
    /// Opens a port by a command, whose first word is the name.
    pub open: fn(&mut Ctx<'_>, command: &str, settings: Settings) -> Result<Term, Term>,
    /// Whether it is part of the emulator on the BEAM, too: `erl_ddll` knows such only.
    pub linked_in: bool,
}

/// All drivers that have names; `erl_ddll:loaded_drivers/0` lists them in this order.
pub const NAMED: &[Named] = &[
    Named { name: "tcp_inet", open: inet::open_tcp, linked_in: true },
    Named { name: "udp_inet", open: inet::open_udp, linked_in: true },
    Named { name: "ram_file_drv", open: ram_file::open, linked_in: true },
    Named { name: "tty_sl", open: terminal::open, linked_in: true },
    Named { name: "trace_file_drv", open: trace_file::open, linked_in: false },
];

/// The driver whose name is a command's first word.
pub fn named(command: &str) -> Option<&'static Named> {
    let name = command.split(' ').next()?;
    NAMED.iter().find(|driver| driver.name == name)
}
