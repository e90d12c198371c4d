//! Identifiers of other nodes as plain values, and which node this is.
//!
//! A term of another node's pid or reference lies in a heap; what a process or a connection keeps of one does not.

use crate::atom::Atom;
use crate::boxed::Kind;
use crate::heap::Heap;
use crate::word::Term;
use std::sync::atomic::{AtomicU64, Ordering};

/// A pid of another node, or of an earlier life of this one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RemotePid {
    pub node: Atom,
    pub creation: u32,
    pub number: u32,
    pub serial: u32,
}

impl RemotePid {
    /// The pid that a term is.
    pub fn of(t: Term) -> Option<RemotePid> {
        match t.as_external()? {
            (Kind::ExtPid, node, creation, &[number, serial, ..]) => {
                Some(RemotePid { node, creation, number: number as u32, serial: serial as u32 })
            }
            _ => None,
        }
    }

    /// The pid as a term.
    pub fn term(self, heap: &mut Heap) -> Term {
        heap.external(Kind::ExtPid, self.node, self.creation, &[self.number.into(), self.serial.into()])
    }
}

/// Most words of a reference.
const REF_WORDS: usize = 5;

/// A reference of another node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RemoteRef {
    pub node: Atom,
    creation: u32,
    len: u8,
    words: [u32; REF_WORDS],
}

impl RemoteRef {
    /// The reference that a term is.
    pub fn of(t: Term) -> Option<RemoteRef> {
        let (Kind::ExtRef, node, creation, from) = t.as_external()? else { return None };
        let mut words = [0; REF_WORDS];
        for (to, &from) in words.iter_mut().zip(from) {
            *to = from as u32;
        }
        Some(RemoteRef { node, creation, len: u8::try_from(from.len()).ok()?, words })
    }

    /// The reference as a term.
    pub fn term(self, heap: &mut Heap) -> Term {
        let words = self.words.map(u64::from);
        heap.external(Kind::ExtRef, self.node, self.creation, &words[..self.len.into()])
    }
}

/// Name and creation of the node that identifiers of this program are of, which those of others are compared with. Of
/// several engines in one program, the one that was named last counts.
static THIS_NODE: AtomicU64 = AtomicU64::new((Atom::NONODE.index() as u64) << 32);

/// Name and creation of this node.
#[inline]
pub fn this_node() -> (Atom, u32) {
    let both = THIS_NODE.load(Ordering::Relaxed);
    (Atom::from_index((both >> 32) as u32), both as u32)
}

/// Sets name and creation of this node.
pub fn set_this_node(name: Atom, creation: u32) {
    THIS_NODE.store(u64::from(name.index()) << 32 | u64::from(creation), Ordering::Relaxed);
}
