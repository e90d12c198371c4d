//! From terms to bytes.
//!
//! One walk serves both the bytes and their number: it writes to a [`Sink`].

use super::{VERSION, compress, tag};
use crate::atom::Atom;
use crate::binary::HEAP_BIN_LIMIT;
use crate::boxed::{FunEntry, Kind};
use crate::compare::cmp_exact;
use crate::float_text;
use crate::map;
use crate::release::Release;
use crate::word::Term;
use smallvec::SmallVec;

/// How to encode.
#[derive(Clone, Copy, Debug)]
pub struct EncodeOptions {
    /// 0: floats as text; 1: floats as bits; 2: all atoms in UTF-8 too.
    pub minor_version: u8,
    /// The zlib level (1 to 9, or -1 for its default); a term that does not get smaller stays as it is.
    pub compressed: Option<i32>,
    /// Whether keys of large maps are sorted.
    pub deterministic: bool,
    /// Whether only this program will read it again.
    pub local: bool,
    /// This node's name and creation, for its identifiers.
    pub node: Atom,
    pub creation: u32,
}

/// The minor version that is written unless another is asked for.
pub fn usual_minor_version() -> u8 {
    if Release::of_values() >= Release(26) { 2 } else { 1 }
}

impl Default for EncodeOptions {
    /// What `term_to_binary/1` uses on a node without a name.
    fn default() -> EncodeOptions {
        EncodeOptions {
            minor_version: usual_minor_version(),
            compressed: None,
            deterministic: false,
            local: false,
            node: Atom::NONODE,
            creation: 0,
        }
    }
}

/// A part of the term is larger than the format can say (a binary of 4 GB or more).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// The bytes of a term, with the version byte.
pub fn encode(term: Term, options: &EncodeOptions) -> Result<Vec<u8>, TooLarge> {
    let mut bytes = beginning(options);
    Encoder::new(&mut bytes, options).term(term)?;
    if let Some(level) = options.compressed.filter(|&level| level != 0)
        && let Some(most) = bytes.len().checked_sub(6)
        && let Some(data) = compress::deflate(&bytes[1..], level, most)
    {
        let size = u32::try_from(bytes.len() - 1).map_err(|_| TooLarge)?;
        bytes.truncate(1);
        bytes.push(tag::COMPRESSED);
        bytes.extend(size.to_be_bytes());
        bytes.extend(data);
    }
    Ok(bytes)
}

/// What stands before a term.
fn beginning(options: &EncodeOptions) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    if options.local {
        bytes.push(tag::LOCAL);
        bytes.extend(this_program());
    }
    bytes
}

/// What tells this program's local terms from those of others.
pub(super) fn this_program() -> [u8; 4] {
    std::process::id().to_be_bytes()
}

/// The bytes of a term without the version byte, never compressed.
pub fn encode_body(term: Term, options: &EncodeOptions) -> Result<Vec<u8>, TooLarge> {
    let mut bytes = Vec::new();
    Encoder::new(&mut bytes, options).term(term)?;
    Ok(bytes)
}

/// What `erlang:external_size/2` answers: never less than the length of the uncompressed bytes, and before OTP 26 a little
/// more where funs are inside.
pub fn encoded_size(term: Term, options: &EncodeOptions) -> Result<usize, TooLarge> {
    let mut size = Size(if options.local { 6 } else { 1 });
    Encoder::new(&mut size, options).term(term)?;
    Ok(size.0)
}

/// Writes a term without the version byte.
pub(super) fn encode_to(term: Term, out: &mut impl Sink, options: &EncodeOptions) -> Result<(), TooLarge> {
    Encoder::new(out, options).term(term)
}

/// Where the encoder writes.
pub(super) trait Sink {
    fn put(&mut self, bytes: &[u8]);
    /// Where the next bytes go, for [`Sink::patch`].
    fn position(&self) -> usize;
    /// How many bytes the terms have so far.
    #[inline]
    fn written(&self) -> usize {
        self.position()
    }
    /// Overwrites four bytes.
    fn patch(&mut self, at: usize, value: u32);
    /// An index or checksum inside a local fun.
    fn fun_integer(&mut self, i: i32);
    /// The bytes of a bitstring.
    #[inline]
    fn binary(&mut self, _of: Term, bytes: &[u8]) {
        self.put(bytes);
    }
    /// Writes an atom in a way of its own, or says that it has none for it.
    #[inline]
    fn atom(&mut self, _: Atom) -> bool {
        false
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn position(&self) -> usize {
        self.len()
    }

    fn patch(&mut self, at: usize, value: u32) {
        if let Some(place) = self.get_mut(at..at + 4) {
            place.copy_from_slice(&value.to_be_bytes());
        }
    }

    fn fun_integer(&mut self, i: i32) {
        small_integer(self, i as i64);
    }
}

/// What a [`Sink`] needs that writes to another one, which this field of it is, but for what it does in a way of its own.
macro_rules! writes_to {
    ($field:ident) => {
        fn put(&mut self, bytes: &[u8]) {
            self.$field.put(bytes);
        }

        fn position(&self) -> usize {
            self.$field.position()
        }

        fn patch(&mut self, at: usize, value: u32) {
            self.$field.patch(at, value);
        }

        fn fun_integer(&mut self, i: i32) {
            self.$field.fun_integer(i);
        }
    };
}
pub(super) use writes_to;

/// The bytes of a term in pieces: large binaries of it stay where they are.
pub struct Pieces {
    /// All bytes but those of these binaries.
    pub bytes: Vec<u8>,
    /// The binaries, whose whole bytes come where so many of `bytes` have come.
    pub shared: Vec<(usize, Term)>,
    /// How many bytes those are.
    pub shared_bytes: usize,
}

/// As [`encode`], in pieces. Nothing is compressed.
pub fn encode_pieces(term: Term, options: &EncodeOptions) -> Result<Pieces, TooLarge> {
    let mut pieces = Pieces { bytes: beginning(options), shared: Vec::new(), shared_bytes: 0 };
    Encoder::new(&mut pieces, options).term(term)?;
    Ok(pieces)
}

impl Sink for Pieces {
    writes_to!(bytes);

    fn written(&self) -> usize {
        self.bytes.len() + self.shared_bytes
    }

    fn binary(&mut self, of: Term, bytes: &[u8]) {
        let whole = of.bit_size() / 8;
        let counted = |(of, at): (Term, usize)| of.boxed_kind() == Some(Kind::RefBin) && at % 8 == 0;
        if whole > HEAP_BIN_LIMIT && of.whole_and_offset().is_some_and(counted) {
            self.shared.push((self.bytes.len(), of));
            self.shared_bytes += whole;
            self.put(&bytes[whole..]);
        } else {
            self.put(bytes);
        }
    }
}

struct Size(usize);

impl Sink for Size {
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }

    fn position(&self) -> usize {
        self.0
    }

    fn patch(&mut self, _: usize, _: u32) {}

    fn fun_integer(&mut self, i: i32) {
        match Release::of_values() >= Release(26) {
            true => small_integer(self, i as i64),
            false => self.0 += 5,
        }
    }
}

fn small_integer(out: &mut impl Sink, i: i64) {
    if let Ok(byte) = u8::try_from(i) {
        out.put(&[tag::SMALL_INTEGER, byte]);
    } else if let Ok(i) = i32::try_from(i) {
        out.put(&[tag::INTEGER]);
        out.put(&i.to_be_bytes());
    } else {
        integer(out, i < 0, &[i.unsigned_abs()]);
    }
}

fn integer(out: &mut impl Sink, negative: bool, digits: &[u64]) {
    let top = digits.last().map_or(0, |d| d.leading_zeros() as usize / 8);
    let mut left = digits.len() * 8 - top;
    match u8::try_from(left) {
        Ok(n) => out.put(&[tag::SMALL_BIG, n, negative as u8]),
        Err(_) => {
            out.put(&[tag::LARGE_BIG]);
            out.put(&(left as u32).to_be_bytes());
            out.put(&[negative as u8]);
        }
    }
    for digit in digits {
        let n = left.min(8);
        out.put(&digit.to_le_bytes()[..n]);
        left -= n;
    }
}

/// Work that remains.
enum Work<'a> {
    Terms(&'a [Term]),
    /// Keys and values in turn, next last.
    Reversed(Vec<Term>),
    Keys(&'a [Term], &'a [Term]),
    /// The cells of a list, of which so many are written; its length goes there.
    List {
        rest: Term,
        written: usize,
        length_at: usize,
    },
    /// The size of a local fun, before which so much was written, goes there.
    FunEnd {
        before: usize,
        size_at: usize,
    },
}

struct Encoder<'a, 'b, S> {
    out: &'b mut S,
    options: &'b EncodeOptions,
    work: Vec<Work<'a>>,
}

impl<'a, 'b, S: Sink> Encoder<'a, 'b, S> {
    fn new(out: &'b mut S, options: &'b EncodeOptions) -> Self {
        Encoder { out, options, work: Vec::new() }
    }

    fn term(&mut self, term: Term) -> Result<(), TooLarge> {
        self.one(term)?;
        while let Some(work) = self.work.pop() {
            match work {
                Work::Terms(terms) => {
                    let Some((&first, rest)) = terms.split_first() else { continue };
                    if !rest.is_empty() {
                        self.work.push(Work::Terms(rest));
                    }
                    self.one(first)?;
                }
                Work::Reversed(mut terms) => {
                    let Some(first) = terms.pop() else { continue };
                    self.work.push(Work::Reversed(terms));
                    self.one(first)?;
                }
                Work::Keys(keys, values) => {
                    let Some((&key, keys)) = keys.split_first() else { continue };
                    self.work.push(Work::Keys(keys, values.get(1..).unwrap_or(&[])));
                    self.work.push(Work::Terms(&values[..1]));
                    self.one(key)?;
                }
                Work::List { rest, written, length_at } => self.list(rest, written, length_at)?,
                Work::FunEnd { before, size_at } => {
                    let size = length(self.out.written() - before)?;
                    self.out.patch(size_at, size);
                }
            }
        }
        Ok(())
    }

    /// Goes on with a list until one of its elements leaves work to be done first.
    fn list(&mut self, mut rest: Term, mut written: usize, length_at: usize) -> Result<(), TooLarge> {
        while let Some((head, tail)) = rest.as_cons() {
            written += 1;
            rest = tail;
            if head.is_pointer() {
                self.work.push(Work::List { rest, written, length_at });
                return self.one(head);
            }
            self.one(head)?;
        }
        let count = length(written)?;
        self.out.patch(length_at, count);
        self.one(rest)
    }

    /// Writes a term; what is inside a compound one is left as work.
    fn one(&mut self, term: Term) -> Result<(), TooLarge> {
        if let Some(i) = term.as_small() {
            small_integer(self.out, i);
        } else if let Some(a) = term.as_atom() {
            self.atom(a);
        } else if term.is_nil() {
            self.out.put(&[tag::NIL]);
        } else if term.is_cons() {
            self.cons(term);
        } else if let Some(data) = term.as_pid() {
            let (number, serial) = Release::pid_parts(data);
            self.pid(self.options.node, self.options.creation, [number, serial]);
        } else if let Some(number) = term.as_port() {
            self.port(self.options.node, self.options.creation, number);
        } else if term.is_boxed() {
            self.boxed(term)?;
        }
        Ok(())
    }

    fn cons(&mut self, term: Term) {
        if let Some(bytes) = external_string(term) {
            self.out.put(&[tag::STRING]);
            self.out.put(&(bytes.len() as u16).to_be_bytes());
            self.out.put(&bytes);
            return;
        }
        self.out.put(&[tag::LIST]);
        let length_at = self.out.position();
        self.out.put(&[0; 4]);
        self.work.push(Work::List { rest: term, written: 0, length_at });
    }

    fn boxed(&mut self, term: Term) -> Result<(), TooLarge> {
        if let Some(elements) = term.as_tuple() {
            match u8::try_from(elements.len()) {
                Ok(n) => self.out.put(&[tag::SMALL_TUPLE, n]),
                Err(_) => self.sized(tag::LARGE_TUPLE, elements.len())?,
            }
            self.work.push(Work::Terms(elements));
        } else if let Some(f) = term.as_float() {
            self.float(f);
        } else if let Some((negative, digits)) = term.as_big() {
            integer(self.out, negative, digits);
        } else if let Some(bits) = term.as_bits() {
            match bits.size % 8 {
                0 => self.sized(tag::BINARY, bits.size / 8)?,
                last => {
                    self.sized(tag::BIT_BINARY, bits.size / 8 + 1)?;
                    self.out.put(&[last as u8]);
                }
            }
            self.out.binary(term, &bits.to_bytes());
        } else if term.is_map() {
            self.map(term)?;
        } else if let Some(r) = term.as_record() {
            self.sized(tag::RECORD, r.values.len())?;
            self.out.put(&[r.exported.into()]);
            for atom in [r.module, r.name].into_iter().chain(r.fields.iter().filter_map(|f| f.as_atom())) {
                self.atom(atom);
            }
            self.work.push(Work::Terms(r.values));
        } else if let Some((entry, creator, environment)) = term.as_fun() {
            self.fun(entry, creator, environment)?;
        } else if let Some((module, function, arity)) = term.as_export_fun() {
            self.out.put(&[tag::EXPORT]);
            self.atom(module);
            self.atom(function);
            small_integer(self.out, arity as i64);
        } else if let Some(words) = term.ref_numbers() {
            term.note_written();
            self.reference(self.options.node, self.options.creation, words.into_iter());
        } else if let Some((kind, node, creation, words)) = term.as_external() {
            match (kind, words) {
                (Kind::ExtPid, &[number, serial, ..]) => self.pid(node, creation, [number, serial]),
                (Kind::ExtPort, &[number, ..]) => self.port(node, creation, number),
                _ => self.reference(node, creation, words.iter().map(|&w| w as u32)),
            }
        }
        Ok(())
    }

    /// A tag and a length of four bytes.
    fn sized(&mut self, tag: u8, n: usize) -> Result<(), TooLarge> {
        let n = length(n)?;
        self.out.put(&[tag]);
        self.out.put(&n.to_be_bytes());
        Ok(())
    }

    fn atom(&mut self, atom: Atom) {
        if self.out.atom(atom) {
            return;
        }
        let text = atom.name();
        let latin1 = self.options.minor_version < 2 && text.chars().all(|c| (c as u32) < 256);
        if latin1 {
            let bytes: SmallVec<[u8; 64]> = text.chars().map(|c| c as u8).collect();
            self.out.put(&[tag::ATOM]);
            self.out.put(&(bytes.len() as u16).to_be_bytes());
            self.out.put(&bytes);
            return;
        }
        match u8::try_from(text.len()) {
            Ok(n) => self.out.put(&[tag::SMALL_ATOM_UTF8, n]),
            Err(_) => {
                self.out.put(&[tag::ATOM_UTF8]);
                self.out.put(&(text.len() as u16).to_be_bytes());
            }
        }
        self.out.put(text.as_bytes());
    }

    fn float(&mut self, f: f64) {
        if self.options.minor_version > 0 {
            self.out.put(&[tag::NEW_FLOAT]);
            self.out.put(&f.to_bits().to_be_bytes());
            return;
        }
        let mut text = [0; 31];
        for (to, from) in text.iter_mut().zip(float_text::scientific(f, 20).bytes()) {
            *to = from;
        }
        self.out.put(&[tag::FLOAT]);
        self.out.put(&text);
    }

    fn map(&mut self, term: Term) -> Result<(), TooLarge> {
        self.sized(tag::MAP, map::size(term))?;
        let in_order = self.options.deterministic && Release::has_numbered_keys();
        if let (Some((keys, values)), false) = (term.as_flat_map(), in_order) {
            self.work.push(Work::Keys(keys, values));
            return Ok(());
        }
        let mut pairs: Vec<(Term, Term)> = map::iter_listed(term).collect();
        if self.options.deterministic {
            pairs.sort_by(|a, b| cmp_exact(a.0, b.0));
        }
        self.work.push(Work::Reversed(pairs.iter().rev().flat_map(|&(key, value)| [value, key]).collect()));
        Ok(())
    }

    fn fun(&mut self, entry: &FunEntry, creator: Term, environment: &'a [Term]) -> Result<(), TooLarge> {
        self.out.put(&[tag::NEW_FUN]);
        let (before, size_at) = (self.out.written(), self.out.position());
        self.out.put(&[0; 4]);
        self.out.put(&[entry.arity]);
        self.out.put(&entry.uniq);
        self.out.put(&entry.index.to_be_bytes());
        self.out.put(&length(environment.len())?.to_be_bytes());
        self.atom(entry.module);
        self.out.fun_integer(entry.old_index as i32);
        self.out.fun_integer(entry.old_uniq as i32);
        self.work.push(Work::FunEnd { before, size_at });
        self.work.push(Work::Terms(environment));
        self.one(creator)
    }

    fn pid(&mut self, node: Atom, creation: u32, words: [u64; 2]) {
        self.out.put(&[tag::NEW_PID]);
        self.atom(node);
        for word in [words[0] as u32, words[1] as u32, creation] {
            self.out.put(&word.to_be_bytes());
        }
    }

    fn port(&mut self, node: Atom, creation: u32, number: u64) {
        let long = number >> 28 != 0 || Release::of_values() >= Release(26);
        self.out.put(&[if long { tag::V4_PORT } else { tag::NEW_PORT }]);
        self.atom(node);
        if long {
            self.out.put(&number.to_be_bytes());
        } else {
            self.out.put(&(number as u32).to_be_bytes());
        }
        self.out.put(&creation.to_be_bytes());
    }

    fn reference(&mut self, node: Atom, creation: u32, words: impl ExactSizeIterator<Item = u32>) {
        self.out.put(&[tag::NEWER_REFERENCE]);
        self.out.put(&(words.len() as u16).to_be_bytes());
        self.atom(node);
        self.out.put(&creation.to_be_bytes());
        for word in words {
            self.out.put(&word.to_be_bytes());
        }
    }
}

fn length(n: usize) -> Result<u32, TooLarge> {
    u32::try_from(n).map_err(|_| TooLarge)
}

/// The bytes of a proper list of at most 65535 bytes.
fn external_string(term: Term) -> Option<SmallVec<[u8; 128]>> {
    let mut bytes = SmallVec::new();
    let mut cells = term.iter();
    for head in cells.by_ref() {
        let byte = u8::try_from(head.as_small()?).ok()?;
        if bytes.len() == u16::MAX as usize {
            return None;
        }
        bytes.push(byte);
    }
    cells.tail().is_nil().then_some(bytes)
}
