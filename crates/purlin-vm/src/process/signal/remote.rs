//! Signals of other nodes' processes that are more than a message.

use super::RefId;
use crate::process::relation::Connection;
use purlin_term::external::DecodeError;
use purlin_term::{Atom, RemotePid, RemoteRef};

/// What a signal from another node asks of its receiver.
pub enum RemoteSignal {
    Link {
        from: RemotePid,
        at: Connection,
    },
    /// An id of 0 wants no answer.
    Unlink {
        from: RemotePid,
        id: u64,
        at: Connection,
    },
    UnlinkAck {
        from: RemotePid,
        id: u64,
    },
    /// An exit signal through a link; the term is `{'EXIT', From, Reason}`.
    Exit {
        from: RemotePid,
    },
    Monitor {
        reference: RemoteRef,
        watcher: RemotePid,
        name: Option<Atom>,
        at: Connection,
    },
    Demonitor {
        reference: RemoteRef,
    },
    /// The answer to a request to start a process.
    Spawned {
        request: RefId,
        result: Result<RemotePid, Atom>,
        link: bool,
        monitor: bool,
        at: Connection,
    },
    /// A message that is no term, to the process or to an alias of it.
    Broken {
        alias: Option<RefId>,
        broken: BrokenMessage,
    },
    /// A connection has ended.
    NodeDown {
        at: Connection,
    },
}

/// A message that could not be decoded: its connection ends when the receiver comes to it.
#[derive(Clone, Copy, Debug)]
pub struct BrokenMessage {
    pub at: Connection,
    pub why: DecodeError,
}
