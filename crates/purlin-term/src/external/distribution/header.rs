//! The part of a header that tells a message's atoms.
//!
//! Their count; half a byte for each, low half first, and one more for all; then for each the low byte of its slot and,
//! if it is new there, its text.

use super::cache::{InCache, OutCache};
use super::{Fault, MOST_ATOMS, Malformed};
use crate::atom::{Atom, AtomError};

/// The half byte of an atom: it is new, and the upper bits of its slot.
const NEW: u8 = 8;
const SEGMENT: u8 = 7;
/// The half byte of all: lengths of texts take two bytes.
const LONG: u8 = 1;

/// Writes the atoms, of which no two have the same slot.
pub(super) fn write(atoms: &[Atom], cache: &mut OutCache, out: &mut Vec<u8>) {
    debug_assert!(atoms.len() <= MOST_ATOMS);
    out.push(atoms.len() as u8);
    if atoms.is_empty() {
        return;
    }
    let flags = out.len();
    out.resize(flags + atoms.len() / 2 + 1, 0);
    let long = atoms.iter().any(|&atom| !cache.holds(atom) && atom.name().len() > u8::MAX as usize);
    let flag = |out: &mut Vec<u8>, i: usize, half: u8| out[flags + i / 2] |= half << (i % 2 * 4);
    if long {
        flag(out, atoms.len(), LONG);
    }
    for (i, &atom) in atoms.iter().enumerate() {
        let [segment, slot] = (OutCache::slot(atom) as u16).to_be_bytes();
        out.push(slot);
        if cache.holds(atom) {
            flag(out, i, segment);
            continue;
        }
        flag(out, i, segment | NEW);
        cache.insert(atom);
        let text = atom.name().as_bytes();
        let length = (text.len() as u16).to_be_bytes();
        out.extend_from_slice(if long { &length } else { &length[1..] });
        out.extend_from_slice(text);
    }
}

/// Reads the atoms that stand at `at` in a packet; also gives where they end.
pub(super) fn read(packet: &[u8], at: usize, cache: &mut InCache) -> Result<(Vec<Atom>, usize), Malformed> {
    let mut reader = Reader { packet, at };
    let count = reader.byte()? as usize;
    if count == 0 {
        return Ok((Vec::new(), reader.at));
    }
    let flags = reader.take(count / 2 + 1)?;
    let flag = |i: usize| flags.get(i / 2).map_or(0, |byte| byte >> (i % 2 * 4));
    let long = flag(count) & LONG != 0;
    let mut atoms = Vec::with_capacity(count);
    for i in 0..count {
        let start = reader.at;
        let slot = usize::from(flag(i) & SEGMENT) << 8 | reader.byte()? as usize;
        let atom = match flag(i) & NEW {
            0 => cache.get(slot).ok_or(Malformed { fault: Fault::EmptySlot, offset: start })?,
            _ => {
                let atom = reader.atom(long)?;
                cache.set(slot, atom);
                atom
            }
        };
        atoms.push(atom);
    }
    Ok((atoms, reader.at))
}

/// Reads a header's parts.
pub(super) struct Reader<'a> {
    pub packet: &'a [u8],
    pub at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let part = self.at.checked_add(n).and_then(|end| self.packet.get(self.at..end));
        let part = part.ok_or(Malformed { fault: Fault::Short, offset: self.at })?;
        self.at += n;
        Ok(part)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.number(1)? as u8)
    }

    /// A number of this many bytes.
    pub fn number(&mut self, bytes: usize) -> Result<u64, Malformed> {
        Ok(self.take(bytes)?.iter().fold(0, |n, &byte| n << 8 | u64::from(byte)))
    }

    /// A text with its length before it.
    fn atom(&mut self, long: bool) -> Result<Atom, Malformed> {
        let length = self.number(if long { 2 } else { 1 })? as usize;
        let offset = self.at;
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| Malformed { fault: Fault::AtomText, offset })?;
        Atom::try_new(text).map_err(|error| {
            let fault = match error {
                AtomError::TooLong => Fault::AtomText,
                AtomError::TableFull => Fault::AtomTableFull,
            };
            Malformed { fault, offset }
        })
    }
}
