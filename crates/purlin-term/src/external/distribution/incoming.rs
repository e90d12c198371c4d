//! From packets to control tuples and messages.

use super::cache::InCache;
use super::header::{self, Reader};
use super::{FIRST_FRAGMENT, FRAGMENT, Fault, HEADER, Malformed, NEXT_FRAGMENT, PASS_THROUGH};
use crate::atom::Atom;
use crate::external::decode::decode_at;
use crate::external::{DecodeContext, DecodeError, VERSION};
use crate::heap::Heap;
use crate::word::Term;
use std::borrow::Cow;
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
    bytes: Vec<u8>,
    /// The number of the next fragment; the last one is 1.
    next: u64,
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
            [PASS_THROUGH, ref terms @ ..] => Ok(Some(Whole { atoms: Vec::new(), bytes: terms.into(), marked: true })),
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
        Ok(Whole { atoms, bytes: packet[end..].into(), marked: false })
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
        let Whole { atoms, bytes: first, .. } = self.whole(packet, at)?;
        // As much as is coming, if that is not too much to believe.
        let believed = if self.partial.len() < FEW { BELIEVED } else { 0 };
        let more = usize::try_from(next).map_or(believed, |n| n.saturating_mul(FRAGMENT).min(believed));
        let mut bytes = Vec::with_capacity(first.len() + more);
        bytes.extend_from_slice(&first);
        self.bytes += bytes.len();
        self.partial.insert(sequence, Partial { atoms, bytes, next });
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
        partial.bytes.extend_from_slice(&packet[at..]);
        partial.next -= 1;
        if partial.next > 0 {
            self.bytes += packet.len() - at;
            return Ok(None);
        }
        let Some(partial) = self.partial.remove(&sequence) else { return Ok(None) };
        self.bytes -= partial.bytes.len() - (packet.len() - at);
        Ok(Some(Whole { atoms: partial.atoms, bytes: partial.bytes.into(), marked: false }))
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
    bytes: Cow<'a, [u8]>,
    /// Whether each term begins with the version byte.
    marked: bool,
}

impl Whole<'_> {
    /// Bytes of the two terms.
    pub fn size(&self) -> usize {
        self.bytes.len()
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
        if from == self.bytes.len() {
            return Ok(None);
        }
        let (message, end) = self.part(from, heap, context)?;
        if end == self.bytes.len() { Ok(Some(message)) } else { Err(DecodeError { offset: end }) }
    }

    fn part(
        &self,
        mut from: usize,
        heap: &mut Heap,
        context: &mut dyn DecodeContext,
    ) -> Result<(Term, usize), DecodeError> {
        if self.marked {
            if self.bytes.get(from) != Some(&VERSION) {
                return Err(DecodeError { offset: from });
            }
            from += 1;
        }
        if from > self.bytes.len() {
            return Err(DecodeError { offset: self.bytes.len() });
        }
        decode_at(&self.bytes, from, &self.atoms, heap, context)
    }
}
