//! From a control tuple and a message to packets.
//!
//! Encoding takes no lock and knows no cache: atoms are written as numbers in the message's own list. Only the header
//! is written against the connection's cache, which costs a few bytes for each of the atoms.

use super::cache::OutCache;
use super::terms::Terms;
use super::{FIRST_FRAGMENT, HEADER, MOST_ATOMS, NEXT_FRAGMENT, PASS_THROUGH, SLOTS, header};
use crate::atom::Atom;
use crate::external::encode::{Sink, encode_to, writes_to};
use crate::external::{EncodeOptions, TooLarge, VERSION, tag};
use crate::word::Term;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a message that one fragment carries.
pub const FRAGMENT: usize = 64 * 1024;

/// The most bytes that a packet's header takes, in which 255 new atoms of 255 characters each stand.
const LONGEST_HEADER: usize = 19 + MOST_ATOMS / 2 + 1 + MOST_ATOMS * (3 + 4 * crate::atom::MAX_ATOM_CHARS);

/// A control tuple and its message, encoded, and on their way.
pub struct Outgoing {
    /// Both terms, without version bytes.
    terms: Terms,
    /// Where the message begins.
    message: usize,
    /// What numbers in the terms stand for; `None`: atoms are written in full.
    atoms: Option<Vec<Atom>>,
}

impl Outgoing {
    /// Encodes a control tuple, and the message that follows it. With `cached` (the peer keeps a cache) atoms are written
    /// as numbers, at most [`MOST_ATOMS`] of them, else in full. Peers refuse the form that was not agreed on.
    ///
    /// Of the options, only this node's name and creation count.
    ///
    /// # Errors
    /// [`TooLarge`]: a part of a term is larger than the format can say, or all is larger than a packet can be, 4 GB.
    pub fn new(
        control: Term,
        message: Option<Term>,
        options: &EncodeOptions,
        cached: bool,
    ) -> Result<Outgoing, TooLarge> {
        let options =
            EncodeOptions { minor_version: 2, compressed: None, deterministic: false, local: false, ..*options };
        let mut out = Outgoing { terms: Terms::default(), message: 0, atoms: None };
        if cached {
            let mut table = Table { atoms: Vec::new(), places: [0; SLOTS] };
            out.encode(control, message, |term, terms| {
                encode_to(term, &mut Numbering { terms, table: &mut table }, &options)
            })?;
            out.atoms = Some(table.atoms);
        } else {
            out.encode(control, message, |term, terms| encode_to(term, terms, &options))?;
        }
        Ok(out)
    }

    fn encode(
        &mut self,
        control: Term,
        message: Option<Term>,
        mut encode: impl FnMut(Term, &mut Terms) -> Result<(), TooLarge>,
    ) -> Result<(), TooLarge> {
        encode(control, &mut self.terms)?;
        self.message = self.terms.len();
        if let Some(message) = message {
            encode(message, &mut self.terms)?;
        }
        if self.terms.len() > u32::MAX as usize - LONGEST_HEADER { Err(TooLarge) } else { Ok(()) }
    }

    /// Bytes of the two terms.
    pub fn size(&self) -> usize {
        self.terms.len()
    }

    /// The packets, without the lengths that stand before them on the wire. From now on the peer is taken to know the
    /// atoms of this message, so its first packet has to reach it before those of messages after it.
    ///
    /// With `fragments` (the peer knows them) a long message is cut. `sequence` then tells its fragments from those of
    /// others: any number but 0 (which OTP takes for none) that no other incomplete message of this connection has.
    pub fn packets(self, cache: &mut OutCache, sequence: u64, fragments: bool) -> Packets {
        let Outgoing { terms, message, atoms } = self;
        let size = terms.len();
        let all_in = |mut head: Vec<u8>, place: Range<usize>| {
            terms.pieces(place).for_each(|piece| head.extend_from_slice(piece));
            head
        };
        if atoms.is_none() && !fragments {
            let mut first = Vec::with_capacity(size + 3);
            first.extend_from_slice(&[PASS_THROUGH, VERSION]);
            let mut first = all_in(first, 0..message);
            if message < size {
                first.push(VERSION);
                first = all_in(first, message..size);
            }
            return Packets { first: Some(first.into()), rest: None, at: 0, sequence, left: 0 };
        }
        // The control tuple has to stand in the first fragment.
        let count = if fragments { (size - message).div_ceil(FRAGMENT).max(1) } else { 1 };
        let end = if count > 1 { message + FRAGMENT } else { size };
        let copied = end <= COPIED;
        let mut head = Vec::with_capacity(64 + if copied { end } else { 0 });
        head.push(VERSION);
        if count > 1 {
            debug_assert_ne!(sequence, 0);
            head.push(FIRST_FRAGMENT);
            head.extend_from_slice(&sequence.to_be_bytes());
            head.extend_from_slice(&(count as u64).to_be_bytes());
        } else {
            head.push(HEADER);
        }
        header::write(atoms.as_deref().unwrap_or_default(), cache, &mut head);
        if copied {
            let head = all_in(head, 0..end);
            return Packets { first: Some(head.into()), rest: None, at: 0, sequence, left: 0 };
        }
        let rest = Arc::new(terms);
        let first = Packet { head, rest: Some((rest.clone(), 0..end)) };
        Packets { first: Some(first), rest: Some(rest), at: end, sequence, left: count - 1 }
    }
}

/// Shorter messages are copied behind their headers.
const COPIED: usize = 4096;

/// A packet, in parts; what is long in it is not copied.
#[derive(Clone, Debug, Default)]
pub struct Packet {
    head: Vec<u8>,
    rest: Option<(Arc<Terms>, Range<usize>)>,
}

impl Packet {
    /// Bytes of all parts.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.head.len() + self.rest.as_ref().map_or(0, |(_, place)| place.len())
    }

    /// The parts, one behind the other.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let rest = self.rest.iter().flat_map(|(terms, place)| terms.pieces(place.clone()));
        std::iter::once(&self.head[..]).chain(rest)
    }

    /// All of it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        self.parts().for_each(|part| bytes.extend_from_slice(part));
        bytes
    }
}

impl From<Vec<u8>> for Packet {
    fn from(head: Vec<u8>) -> Packet {
        Packet { head, rest: None }
    }
}

/// The packets of a message; they do not change when others are sent between them.
pub struct Packets {
    first: Option<Packet>,
    /// The terms, of which the first packet has those before `at`.
    rest: Option<Arc<Terms>>,
    at: usize,
    sequence: u64,
    /// Fragments behind the first one that are still to come.
    left: usize,
}

impl Iterator for Packets {
    type Item = Packet;

    fn next(&mut self) -> Option<Packet> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let rest = self.rest.clone().filter(|_| self.left > 0)?;
        let mut head = Vec::with_capacity(18);
        head.extend_from_slice(&[VERSION, NEXT_FRAGMENT]);
        head.extend_from_slice(&self.sequence.to_be_bytes());
        head.extend_from_slice(&(self.left as u64).to_be_bytes());
        let end = rest.len().min(self.at + FRAGMENT);
        let place = std::mem::replace(&mut self.at, end)..end;
        self.left -= 1;
        Some(Packet { head, rest: Some((rest, place)) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let n = self.left + usize::from(self.first.is_some());
        (n, Some(n))
    }
}

impl ExactSizeIterator for Packets {}

/// The atoms that a message refers to by number.
struct Table {
    atoms: Vec<Atom>,
    /// For each slot of the cache, the number of its atom in this message, plus one.
    places: [u8; SLOTS],
}

impl Table {
    /// The atom's number; `None`: there are too many, or another atom of this message has its slot.
    fn number(&mut self, atom: Atom) -> Option<u8> {
        let place = &mut self.places[OutCache::slot(atom)];
        match *place {
            0 if self.atoms.len() < MOST_ATOMS => {
                self.atoms.push(atom);
                *place = self.atoms.len() as u8;
            }
            0 => return None,
            taken if self.atoms[taken as usize - 1] != atom => return None,
            _ => {}
        }
        Some(*place - 1)
    }
}

/// Writes atoms as numbers.
struct Numbering<'a> {
    terms: &'a mut Terms,
    table: &'a mut Table,
}

impl Sink for Numbering<'_> {
    writes_to!(terms);

    fn written(&self) -> usize {
        self.terms.written()
    }

    fn binary(&mut self, of: Term, bytes: &[u8]) {
        self.terms.binary(of, bytes);
    }

    fn atom(&mut self, atom: Atom) -> bool {
        let Some(number) = self.table.number(atom) else { return false };
        self.put(&[tag::CACHED_ATOM, number]);
        true
    }
}
