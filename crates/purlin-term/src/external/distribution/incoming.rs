//! From packets to control tuples and messages.

use super::cache::InCache;
use super::header::{self, Reader};
use super::{FIRST_FRAGMENT, FRAGMENT, Fault, HEADER, Malformed, NEXT_FRAGMENT, PASS_THROUGH};
use crate::atom::Atom;
use crate::external::decode::{Source, decode_at};
use crate::external::{DecodeContext, DecodeError, VERSION};
use crate::heap::Heap;
use crate::word::Term;
use crate::{Buffer, CountedBytes};
use std::collections::BTreeMap;

/// How much of a peer's may be incomplete at a time. OTP knows no limit: these are far above what a sound peer has on
/// its way, and only messages that come in fragments count.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of all incomplete messages together.
    pub bytes: usize,
    /// Incomplete messages.
    pub sequences: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: 1 << 30, sequences: 16_384 }
    }
}

/// Bytes of a message that memory is taken for at its first fragment, which says how many fragments there will be.
const BELIEVED: usize = 1 << 20;
/// So many incomplete messages at most have such memory.
const FEW: usize = 64;

/// What one peer sends: the packets of one connection, in their order.
#[derive(Default)]
pub struct Incoming {
    cache: InCache,
    /// Messages of which fragments are missing, by their sequences.
    partial: BTreeMap<u64, Partial>,
    /// Bytes of those.
    bytes: usize,
    limits: Limits,
}

/// A message of which fragments are missing.
struct Partial {
    atoms: Vec<Atom>,
    bytes: Buffer,
    /// The number of the next fragment; the last one is 1.
    next: u64,
}

impl Partial {
    /// Adds what another fragment has. Room is made for what is there once more, if so much is still to come.
    fn add(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let room = self.bytes.room();
        if room < bytes.len() {
            let coming = usize::try_from(self.next).map_or(usize::MAX, |n| n.saturating_mul(FRAGMENT));
            let more = coming.min(self.bytes.len()).max(bytes.len());
            if !self.bytes.reserve(more) {
                return Err(Malformed { fault: Fault::TooMuch, offset: 0 });
            }
        }
        self.bytes.append(bytes);
        Ok(())
    }
}

impl Incoming {
    /// Nothing has been received yet.
    pub fn new(limits: Limits) -> Incoming {
        Incoming { limits, ..Incoming::default() }
    }

    /// Takes in a packet, without its length, and gives the message that it completes, if it does. An empty packet is
    /// a sign of life and no more.
    pub fn packet<'a>(&mut self, packet: &'a [u8]) -> Result<Option<Whole<'a>>, Malformed> {
        match *packet {
            [] => Ok(None),
            [PASS_THROUGH, ref terms @ ..] => {
                Ok(Some(Whole { atoms: Vec::new(), bytes: Bytes::Packet(terms), marked: true }))
            }
            [VERSION, HEADER, ..] => self.whole(packet, 2).map(Some),
            [VERSION, FIRST_FRAGMENT, ..] => self.first_fragment(packet),
            [VERSION, NEXT_FRAGMENT, ..] => self.next_fragment(packet),
            [VERSION] => Err(Malformed { fault: Fault::Short, offset: 1 }),
            [VERSION, ..] => Err(Malformed { fault: Fault::Unknown, offset: 1 }),
            _ => Err(Malformed { fault: Fault::Unknown, offset: 0 }),
        }
    }

    /// Bytes of incomplete messages.
    pub fn incomplete_bytes(&self) -> usize {
        self.bytes
    }

    /// Incomplete messages.
    pub fn incomplete(&self) -> usize {
        self.partial.len()
    }

    /// Reads the atoms that stand at `at`, and keeps the rest.
    fn whole<'a>(&mut self, packet: &'a [u8], at: usize) -> Result<Whole<'a>, Malformed> {
        let (atoms, end) = header::read(packet, at, &mut self.cache)?;
        Ok(Whole { atoms, bytes: Bytes::Packet(&packet[end..]), marked: false })
    }

    fn first_fragment<'a>(&mut self, packet: &'a [u8]) -> Result<Option<Whole<'a>>, Malformed> {
        let (sequence, number, at) = fragment(packet)?;
        if self.partial.contains_key(&sequence) {
            return Err(Malformed { fault: Fault::SecondStart, offset: 2 });
        }
        let Some(next) = number.checked_sub(1) else {
            return Err(Malformed { fault: Fault::Order, offset: 10 });
        };
        if next == 0 {
            return self.whole(packet, at).map(Some);
        }
        if self.partial.len() >= self.limits.sequences {
            return Err(Malformed { fault: Fault::TooMuch, offset: 2 });
        }
        self.room_for(packet, at)?;
        let (atoms, end) = header::read(packet, at, &mut self.cache)?;
        let first = &packet[end..];
        // As much as is coming, if that is not too much to believe.
        let believed = if self.partial.len() < FEW { BELIEVED } else { 0 };
        let more = usize::try_from(next).map_or(believed, |n| n.saturating_mul(FRAGMENT).min(believed));
        let mut partial = Partial { atoms, bytes: Buffer::default(), next };
        if !partial.bytes.reserve(first.len() + more) {
            return Err(Malformed { fault: Fault::TooMuch, offset: at });
        }
        partial.add(first)?;
        self.bytes += first.len();
        self.partial.insert(sequence, partial);
        Ok(None)
    }

    fn next_fragment(&mut self, packet: &[u8]) -> Result<Option<Whole<'static>>, Malformed> {
        let (sequence, number, at) = fragment(packet)?;
        self.room_for(packet, at)?;
        let Some(partial) = self.partial.get_mut(&sequence) else {
            return Err(Malformed { fault: Fault::NoSequence, offset: 2 });
        };
        if number != partial.next {
            return Err(Malformed { fault: Fault::Order, offset: 10 });
        }
        partial.add(&packet[at..])?;
        partial.next -= 1;
        if partial.next > 0 {
            self.bytes += packet.len() - at;
            return Ok(None);
        }
        let Some(partial) = self.partial.remove(&sequence) else { return Ok(None) };
        self.bytes -= partial.bytes.len() - (packet.len() - at);
        Ok(Some(Whole { atoms: partial.atoms, bytes: Bytes::Joined(partial.bytes.into_counted()), marked: false }))
    }

    /// Whether what stands at `at` may be kept with all else that is incomplete.
    fn room_for(&self, packet: &[u8], at: usize) -> Result<(), Malformed> {
        if packet.len() - at > self.limits.bytes - self.bytes {
            return Err(Malformed { fault: Fault::TooMuch, offset: at });
        }
        Ok(())
    }
}

/// A fragment's sequence and number, and where they end.
fn fragment(packet: &[u8]) -> Result<(u64, u64, usize), Malformed> {
    let mut reader = Reader { packet, at: 2 };
    Ok((reader.number(8)?, reader.number(8)?, reader.at))
}

/// A control tuple and its message, received but not decoded.
#[derive(Debug)]
pub struct Whole<'a> {
    /// What numbers in the terms stand for.
    atoms: Vec<Atom>,
    bytes: Bytes<'a>,
    /// Whether each term begins with the version byte.
    marked: bool,
}

/// The bytes of two terms.
#[derive(Debug)]
enum Bytes<'a> {
    /// Those of a packet.
    Packet(&'a [u8]),
    /// Those of fragments, which long binaries share.
    Joined(CountedBytes),
}

impl Bytes<'_> {
    fn all(&self) -> &[u8] {
        match self {
            Bytes::Packet(bytes) => bytes,
            Bytes::Joined(block) => block.bytes(),
        }
    }

    fn block(&self) -> Option<&CountedBytes> {
        match self {
            Bytes::Packet(_) => None,
            Bytes::Joined(block) => Some(block),
        }
    }
}

impl Whole<'_> {
    /// Bytes of the two terms.
    pub fn size(&self) -> usize {
        self.bytes.all().len()
    }

    /// Decodes both terms; there may be no message.
    pub fn decode(
        &self,
        heap: &mut Heap,
        context: &mut dyn DecodeContext,
    ) -> Result<(Term, Option<Term>), DecodeError> {
        let (control, end) = self.decode_control(heap, context)?;
        Ok((control, self.decode_message(end, heap, context)?))
    }

    /// Decodes the control tuple, which may turn out to be any term; also gives where it ends.
    pub fn decode_control(
        &self,
        heap: &mut Heap,
        context: &mut dyn DecodeContext,
    ) -> Result<(Term, usize), DecodeError> {
        self.part(0, heap, context)
    }

    /// Decodes the message, which begins where the control tuple ends. There may be none; nothing follows it.
    pub fn decode_message(
        &self,
        from: usize,
        heap: &mut Heap,
        context: &mut dyn DecodeContext,
    ) -> Result<Option<Term>, DecodeError> {
        if from == self.size() {
            return Ok(None);
        }
        let (message, end) = self.part(from, heap, context)?;
        if end == self.size() { Ok(Some(message)) } else { Err(DecodeError { offset: end }) }
    }

    fn part(
        &self,
        mut from: usize,
        heap: &mut Heap,
        context: &mut dyn DecodeContext,
    ) -> Result<(Term, usize), DecodeError> {
        let (bytes, block) = (self.bytes.all(), self.bytes.block());
        if self.marked {
            if bytes.get(from) != Some(&VERSION) {
                return Err(DecodeError { offset: from });
            }
            from += 1;
        }
        if from > bytes.len() {
            return Err(DecodeError { offset: bytes.len() });
        }
        decode_at(Source { bytes, block, atoms: &self.atoms }, from, heap, context)
    }
}
