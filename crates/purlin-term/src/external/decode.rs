//! From bytes to terms.
//!
//! Compound terms wait on a stack of frames while their parts collect on a stack of finished terms.

use super::compress::decompress;
use super::encode::this_program;
use super::reader::Reader;
use super::{DecodeContext, DecodeError, FunParts, VERSION, tag};
use crate::CountedBytes;
use crate::atom::Atom;
use crate::binary::HEAP_BIN_LIMIT;
use crate::boxed::{FunEntry, Kind};
use crate::float_text;
use crate::heap::Heap;
use crate::number::max_digits;
use crate::release::Release;
use crate::word::Term;
use smallvec::SmallVec;
use std::collections::HashSet;
use std::sync::Arc;

type Result<T> = std::result::Result<T, DecodeError>;

/// Decodes a term that begins with the version byte; also gives how many bytes it took, that byte included.
pub fn decode(bytes: &[u8], heap: &mut Heap, context: &mut dyn DecodeContext) -> Result<(Term, usize)> {
    let (&version, _) = bytes.split_first().ok_or(DecodeError { offset: 0 })?;
    if version != VERSION {
        return Err(DecodeError { offset: 0 });
    }
    body(bytes, 1, heap, context)
}

/// Decodes a term that does not begin with the version byte; also gives how many bytes it took.
pub fn decode_body(bytes: &[u8], heap: &mut Heap, context: &mut dyn DecodeContext) -> Result<(Term, usize)> {
    body(bytes, 0, heap, context)
}

fn body(bytes: &[u8], from: usize, heap: &mut Heap, context: &mut dyn DecodeContext) -> Result<(Term, usize)> {
    if bytes.get(from) == Some(&tag::COMPRESSED) {
        let (data, used) = decompress(bytes, from + 1)?;
        let (term, _) = plain(&data, 0, heap, context)?;
        return Ok((term, used));
    }
    plain(bytes, from, heap, context)
}

fn plain(bytes: &[u8], from: usize, heap: &mut Heap, context: &mut dyn DecodeContext) -> Result<(Term, usize)> {
    let mut from = from;
    if bytes.get(from) == Some(&tag::LOCAL) {
        if bytes.get(from + 1..from + 5) != Some(&this_program()) {
            return Err(DecodeError { offset: from });
        }
        from += 5;
    }
    decode_at(Source { bytes, block: None, atoms: &[] }, from, heap, context)
}

/// What terms are decoded from.
pub(super) struct Source<'a> {
    pub bytes: &'a [u8],
    /// What these bytes are, if that is known: long binaries then share it.
    pub block: Option<&'a CountedBytes>,
    /// The atoms that numbers stand for.
    pub atoms: &'a [Atom],
}

/// Decodes a term that begins at `from` without the version byte; also gives where it ends.
pub(super) fn decode_at(
    source: Source<'_>,
    from: usize,
    heap: &mut Heap,
    context: &mut dyn DecodeContext,
) -> Result<(Term, usize)> {
    let reader = Reader::new(source.bytes, from);
    let Source { block, atoms, .. } = source;
    let mut decoder = Decoder { reader, block, atoms, heap, context, frames: Vec::new(), terms: Vec::new() };
    let term = decoder.term()?;
    Ok((term, decoder.reader.position()))
}

/// A compound term in the making.
struct Frame {
    compound: Compound,
    /// Parts that are still to be read.
    missing: usize,
    /// Where its parts start among the finished terms.
    base: usize,
}

enum Compound {
    Tuple,
    /// Elements, then the tail.
    List,
    /// Keys and values in turn.
    Map,
    /// The creator, then the environment.
    Fun(Arc<FunEntry>),
    /// The values of a record of this definition.
    Record(Term),
}

struct Decoder<'a, 'b> {
    reader: Reader<'a>,
    /// What is read.
    block: Option<&'b CountedBytes>,
    /// What [`tag::CACHED_ATOM`] refers to.
    atoms: &'b [Atom],
    heap: &'b mut Heap,
    context: &'b mut dyn DecodeContext,
    frames: Vec<Frame>,
    terms: Vec<Term>,
}

/// What a tag leads to.
enum Part {
    Whole(Term),
    Open(Compound, usize),
}

impl<'a> Decoder<'a, '_> {
    fn term(&mut self) -> Result<Term> {
        loop {
            match self.part()? {
                Part::Whole(term) => self.terms.push(term),
                Part::Open(compound, missing) => {
                    self.frames.push(Frame { compound, missing, base: self.terms.len() });
                    continue;
                }
            }
            loop {
                let Some(frame) = self.frames.last_mut() else {
                    return self.terms.pop().ok_or(self.reader.error());
                };
                frame.missing -= 1;
                if frame.missing > 0 {
                    break;
                }
                self.close()?;
            }
        }
    }

    /// Replaces the parts of the innermost compound by the whole.
    fn close(&mut self) -> Result<()> {
        let Some(Frame { compound, base, .. }) = self.frames.pop() else { return Err(self.reader.error()) };
        let parts = &self.terms[base..];
        let whole = match compound {
            Compound::Tuple => self.heap.tuple(parts),
            Compound::List => match parts.split_last() {
                Some((&tail, elements)) => self.heap.list_with_tail(elements, tail),
                None => Term::NIL,
            },
            Compound::Map => {
                let pairs: SmallVec<[(Term, Term); 32]> = parts.chunks_exact(2).map(|p| (p[0], p[1])).collect();
                let map = crate::map::from_pairs(self.heap, &pairs);
                self.reader.ensure(crate::map::size(map) == pairs.len())?;
                map
            }
            Compound::Record(definition) => self.heap.record(definition, parts),
            Compound::Fun(ref entry) => match parts.split_first() {
                Some((&creator, environment)) if creator.is_pid() => self.heap.fun(entry, creator, environment),
                // OTP takes any creator, and crashes over it later.
                _ => return Err(self.reader.error()),
            },
        };
        self.terms.truncate(base);
        self.terms.push(whole);
        Ok(())
    }

    fn part(&mut self) -> Result<Part> {
        let tag = self.reader.u8()?;
        Ok(Part::Whole(match tag {
            tag::SMALL_TUPLE => {
                let n = self.reader.u8()? as usize;
                return Ok(self.open(Compound::Tuple, n));
            }
            tag::LARGE_TUPLE => {
                let n = self.reader.count(1)?;
                return Ok(self.open(Compound::Tuple, n));
            }
            tag::LIST => {
                let n = self.reader.count(1)?;
                return Ok(Part::Open(Compound::List, n + 1));
            }
            tag::MAP => {
                let n = self.reader.count(2)?;
                return Ok(self.open(Compound::Map, 2 * n));
            }
            tag::RECORD if Release::has_records() => {
                let (definition, n) = self.record()?;
                return Ok(self.open(Compound::Record(definition), n));
            }
            tag::NEW_FUN => {
                let (entry, free) = self.fun()?;
                return Ok(Part::Open(Compound::Fun(entry), 1 + free));
            }
            tag::SMALL_INTEGER | tag::INTEGER | tag::SMALL_BIG | tag::LARGE_BIG => self.integer(tag)?,
            tag::ATOM | tag::SMALL_ATOM | tag::ATOM_UTF8 | tag::SMALL_ATOM_UTF8 | tag::CACHED_ATOM => {
                Term::atom(self.atom_of(tag)?)
            }
            tag::NIL => Term::NIL,
            tag::STRING => {
                let n = self.reader.u16()? as usize;
                let bytes = self.reader.take(n)?;
                self.heap.byte_list(bytes)
            }
            tag::BINARY => {
                let n = self.reader.count(1)?;
                self.binary(n)?
            }
            tag::BIT_BINARY => self.bits()?,
            tag::NEW_FLOAT => {
                let f = f64::from_bits(self.reader.u64()?);
                self.reader.ensure(f.is_finite())?;
                self.heap.float(f)
            }
            tag::FLOAT => {
                let text = self.reader.take(31)?;
                let f = float_text::parse(text).ok_or(self.reader.error())?;
                self.heap.float(f)
            }
            tag::PID | tag::NEW_PID => self.pid(tag)?,
            tag::PORT | tag::NEW_PORT | tag::V4_PORT => self.port(tag)?,
            tag::REFERENCE | tag::NEW_REFERENCE | tag::NEWER_REFERENCE => self.reference(tag)?,
            tag::EXPORT => self.export()?,
            _ => return Err(DecodeError { offset: self.reader.position() - 1 }),
        }))
    }

    /// A compound of `n` parts, or the finished one when there are none.
    fn open(&mut self, compound: Compound, n: usize) -> Part {
        match compound {
            Compound::Tuple if n == 0 => Part::Whole(self.heap.tuple(&[])),
            Compound::Map if n == 0 => Part::Whole(crate::map::empty(self.heap)),
            Compound::Record(definition) if n == 0 => Part::Whole(self.heap.record(definition, &[])),
            _ => Part::Open(compound, n),
        }
    }

    fn integer(&mut self, tag: u8) -> Result<Term> {
        let size = match tag {
            tag::SMALL_INTEGER => return Ok(Term::small(self.reader.u8()? as i64)),
            tag::INTEGER => return Ok(Term::small(self.reader.u32()? as i32 as i64)),
            tag::SMALL_BIG => self.reader.u8()? as usize,
            _ => self.reader.count(1)?,
        };
        self.reader.ensure(size <= max_digits() * 8)?;
        let negative = self.reader.u8()? != 0;
        let bytes = self.reader.take(size)?;
        let digit = |chunk: &[u8]| chunk.iter().rev().fold(0u64, |d, &b| d << 8 | b as u64);
        let digits: SmallVec<[u64; 8]> = bytes.chunks(8).map(digit).collect();
        Ok(self.heap.integer_from_digits(negative, &digits))
    }

    /// An integer that must be small.
    fn small(&mut self) -> Result<i64> {
        let tag = self.reader.u8()?;
        match tag {
            tag::SMALL_INTEGER | tag::INTEGER | tag::SMALL_BIG | tag::LARGE_BIG => {
                let integer = self.integer(tag)?;
                integer.as_small().ok_or(self.reader.error())
            }
            _ => Err(self.reader.error()),
        }
    }

    fn atom(&mut self) -> Result<Atom> {
        let tag = self.reader.u8()?;
        self.atom_of(tag)
    }

    fn atom_of(&mut self, tag: u8) -> Result<Atom> {
        let n = match tag {
            tag::ATOM | tag::ATOM_UTF8 => self.reader.u16()? as usize,
            tag::SMALL_ATOM | tag::SMALL_ATOM_UTF8 => self.reader.u8()? as usize,
            tag::CACHED_ATOM => return self.cached_atom(),
            _ => return Err(self.reader.error()),
        };
        let bytes = self.reader.take(n)?;
        let latin1 = matches!(tag, tag::ATOM | tag::SMALL_ATOM);
        if latin1 && !bytes.is_ascii() {
            let text: String = bytes.iter().map(|&b| b as char).collect();
            return self.atom_named(&text);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| self.reader.error())?;
        self.atom_named(text)
    }

    fn cached_atom(&mut self) -> Result<Atom> {
        let i = self.reader.u8()? as usize;
        self.atoms.get(i).copied().ok_or(self.reader.error())
    }

    fn atom_named(&self, text: &str) -> Result<Atom> {
        let atom = if self.context.safe() { Atom::existing(text) } else { Atom::try_new(text).ok() };
        atom.ok_or(self.reader.error())
    }

    /// A binary of `n` bytes. It shares what is read if it is much of that, as all of it then stays as long as the binary.
    fn binary(&mut self, n: usize) -> Result<Term> {
        let at = self.reader.position();
        let bytes = self.reader.take(n)?;
        Ok(match self.block.filter(|block| n > HEAP_BIN_LIMIT && n > block.len() / 4) {
            Some(block) => block.part(self.heap, at, n),
            None => self.heap.binary(bytes),
        })
    }

    fn bits(&mut self) -> Result<Term> {
        let n = self.reader.u32()? as usize;
        let last = self.reader.u8()? as usize;
        self.reader.ensure(last <= 8 && (last == 0) == (n == 0))?;
        let bytes = self.reader.take(n)?;
        Ok(self.heap.bitstring(bytes, (8 * n).saturating_sub(8) + last))
    }

    /// A creation of one byte, of which two bits are used, or of four.
    fn creation(&mut self, wide: bool) -> Result<u32> {
        if wide {
            return self.reader.u32();
        }
        let creation = self.reader.u8()?;
        self.reader.ensure(creation < 4)?;
        Ok(creation as u32)
    }

    fn is_this_node(&self, node: Atom, creation: u32) -> bool {
        self.context.node() == (node, creation)
    }

    fn pid(&mut self, tag: u8) -> Result<Term> {
        let node = self.atom()?;
        let number = self.reader.u32()? as u64;
        let serial = self.reader.u32()? as u64;
        let creation = self.creation(tag == tag::NEW_PID)?;
        if self.is_this_node(node, creation) {
            let (bits, serial_bits) = (Release::pid_number_bits(), Release::pid_serial_bits());
            self.reader.ensure(number >> bits == 0 && serial >> serial_bits == 0)?;
            return Ok(Term::pid(number | serial << bits));
        }
        Ok(self.heap.external(Kind::ExtPid, node, creation, &[number, serial]))
    }

    fn port(&mut self, tag: u8) -> Result<Term> {
        let node = self.atom()?;
        let number = if tag == tag::V4_PORT { self.reader.u64()? } else { self.reader.u32()? as u64 };
        let creation = self.creation(tag != tag::PORT)?;
        if self.is_this_node(node, creation) {
            self.reader.ensure(number >> Release::port_number_bits() == 0)?;
            // No port gets a number that is too long for a word.
            if number >> Term::PORT_BITS == 0 {
                return Ok(Term::port(number));
            }
        }
        Ok(self.heap.external(Kind::ExtPort, node, creation, &[number]))
    }

    fn reference(&mut self, tag: u8) -> Result<Term> {
        const MOST_WORDS: usize = 5;
        const FIRST_BITS: u32 = 18;
        let n = if tag == tag::REFERENCE { 1 } else { self.reader.u16()? as usize };
        self.reader.ensure((1..=MOST_WORDS).contains(&n))?;
        let node = self.atom()?;
        let mut words: SmallVec<[u64; MOST_WORDS]> = SmallVec::new();
        let creation = if tag == tag::REFERENCE {
            words.push(self.reader.u32()? as u64);
            self.creation(false)?
        } else {
            let creation = self.creation(tag == tag::NEWER_REFERENCE)?;
            for _ in 0..n {
                words.push(self.reader.u32()? as u64);
            }
            creation
        };
        let short = words[0] >> FIRST_BITS == 0;
        self.reader.ensure(short || tag == tag::NEWER_REFERENCE)?;
        if self.is_this_node(node, creation) {
            self.reader.ensure(short && n <= 3)?;
            let word = |i: usize| words.get(i).map_or(0, |&w| w as u32);
            let id = super::ref_id([word(0), word(1), word(2)]).ok_or(self.reader.error())?;
            return Ok(self.heap.read_reference(id));
        }
        Ok(self.heap.external(Kind::ExtRef, node, creation, &words))
    }

    fn export(&mut self) -> Result<Term> {
        let (module, function) = (self.atom()?, self.atom()?);
        let arity = u8::try_from(self.small()?).map_err(|_| self.reader.error())?;
        let known = !self.context.safe() || self.context.has_function(module, function, arity);
        self.reader.ensure(known)?;
        Ok(self.heap.export_fun(module, function, arity))
    }

    /// The definition of a record; also how many fields it has.
    fn record(&mut self) -> Result<(Term, usize)> {
        // A field takes a name of two bytes at least, and a value.
        let n = self.reader.count(3)?;
        let exported = self.reader.u8()?;
        self.reader.ensure(exported <= 1)?;
        let (module, name) = (self.atom()?, self.atom()?);
        let fields = (0..n).map(|_| self.atom().map(Term::atom)).collect::<Result<Vec<_>>>()?;
        self.reader.ensure(fields.iter().collect::<HashSet<_>>().len() == n)?;
        Ok((self.heap.record_definition(module, name, exported == 1, &fields), n))
    }

    /// A local fun up to its creator; also how many free variables follow that.
    fn fun(&mut self) -> Result<(Arc<FunEntry>, usize)> {
        // The size is not used: some releases wrote wrong ones.
        self.reader.u32()?;
        let arity = self.reader.u8()?;
        let uniq = self.reader.array()?;
        let index = self.reader.u32()?;
        let num_free = self.reader.u32()?;
        self.reader.ensure(num_free <= 255)?;
        let module = self.atom()?;
        let (old_index, old_uniq) = (self.small()? as u32, self.small()? as u32);
        let parts = FunParts { module, index, uniq, old_index, old_uniq, arity, num_free };
        let entry = self.context.fun(parts).ok_or(self.reader.error())?;
        Ok((entry, num_free as usize))
    }
}
