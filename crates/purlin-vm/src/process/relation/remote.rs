//! What a process has to do with other nodes: links, monitors and requests that go by a connection, and end with it.

use crate::process::signal::{Parcel, RefId};
use hashbrown::HashMap;
use purlin_term::{Atom, Owned, RemotePid, RemoteRef};

/// A connection with another node: which node, and which of the connections with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Connection {
    pub node: Atom,
    pub id: u32,
}

/// What a monitor looks at on another node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RemoteProcess {
    Pid(RemotePid),
    Name(Atom),
}

/// The relations of one process with other nodes.
#[derive(Default)]
pub struct RemoteRelations {
    links: HashMap<RemotePid, RemoteLink>,
    /// Who monitors this process.
    pub watchers: HashMap<RemoteRef, RemoteWatcher>,
    /// Requests to start a process that have not been answered.
    pub spawns: HashMap<RefId, RemoteSpawn>,
    /// Connections whose end this process wants to know of (`monitor_node/2`), and how often.
    pub watched_nodes: Vec<(Connection, u32)>,
    /// Connections that will tell this process of their end.
    connections: Vec<Connection>,
}

/// One side of a link with a process of another node; as a link of this node, and the connection that it ends with.
struct RemoteLink {
    unlinking: Option<u64>,
    at: Connection,
}

/// The monitored side of a monitor from another node.
#[derive(Clone, Copy)]
pub struct RemoteWatcher {
    pub watcher: RemotePid,
    /// The name it used.
    pub name: Option<Atom>,
    pub at: Connection,
}

/// A request to start a process on another node.
pub struct RemoteSpawn {
    pub at: Connection,
    /// First element of the answer.
    pub tag: Owned,
    pub link: bool,
    /// The monitor to be, with what replaces `'DOWN'` in its message, and whether that is a priority message.
    pub monitor: Option<(Option<Parcel>, bool)>,
    pub reply_on_success: bool,
    pub reply_on_error: bool,
    /// The process does not want what it asked for any more (`spawn_request_abandon/1`).
    pub abandoned: bool,
}

impl RemoteRelations {
    /// Whether there is an active link with `other`.
    pub fn is_linked(&self, other: RemotePid) -> bool {
        self.links.get(&other).is_some_and(|l| l.unlinking.is_none())
    }

    /// Adds a link on either side's wish. While an unlink of ours is under way, a link that the other side wishes
    /// changes nothing.
    pub fn link(&mut self, other: RemotePid, at: Connection, own_wish: bool) {
        match self.links.get_mut(&other) {
            Some(l) if l.at == at && !own_wish => {}
            Some(l) => *l = RemoteLink { unlinking: None, at },
            None => drop(self.links.insert(other, RemoteLink { unlinking: None, at })),
        }
        self.note(at);
    }

    /// Removes a link on this process's own wish, by an unlink signal of this id; where that goes.
    pub fn unlink(&mut self, other: RemotePid, id: u64) -> Option<Connection> {
        let link = self.links.get_mut(&other).filter(|l| l.unlinking.is_none())?;
        link.unlinking = Some(id);
        Some(link.at)
    }

    /// Removes a link on the other side's wish.
    pub fn unlinked_by(&mut self, other: RemotePid) {
        if self.is_linked(other) {
            self.links.remove(&other);
        }
    }

    /// The other side has handled the unlink signal of this id.
    pub fn unlink_done(&mut self, other: RemotePid, id: u64) {
        if self.links.get(&other).is_some_and(|l| l.unlinking == Some(id)) {
            self.links.remove(&other);
        }
    }

    /// Forgets the link with `other`, which has ended. True: it was active.
    pub fn drop_link(&mut self, other: RemotePid) -> bool {
        self.links.remove(&other).is_some_and(|l| l.unlinking.is_none())
    }

    /// The other ends of all active links, and the connections that they go by.
    pub fn links(&self) -> impl Iterator<Item = (RemotePid, Connection)> + '_ {
        self.links.iter().filter(|(_, l)| l.unlinking.is_none()).map(|(&pid, l)| (pid, l.at))
    }

    /// The connection will tell this process of its end.
    pub fn note(&mut self, at: Connection) {
        if !self.connections.contains(&at) {
            self.connections.push(at);
        }
    }

    pub fn connections(&self) -> &[Connection] {
        &self.connections
    }

    /// Takes what ends with a connection: the other ends of active links, requests, and how often the process wanted to
    /// know of the end.
    pub fn disconnect(&mut self, at: Connection) -> (Vec<RemotePid>, Vec<(RefId, RemoteSpawn)>, u32) {
        let links = self.links.extract_if(|_, l| l.at == at).filter(|(_, l)| l.unlinking.is_none());
        let links = links.map(|(pid, _)| pid).collect();
        let spawns = self.spawns.extract_if(|_, s| s.at == at).collect();
        self.watchers.retain(|_, w| w.at != at);
        let watched = self.watched_nodes.iter().find(|w| w.0 == at).map_or(0, |w| w.1);
        self.watched_nodes.retain(|w| w.0 != at);
        self.connections.retain(|&c| c != at);
        (links, spawns, watched)
    }
}
