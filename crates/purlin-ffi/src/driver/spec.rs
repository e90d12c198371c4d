//! Terms that drivers describe word by word (`ErlDrvTermData`), and send.

use super::binary::Binary;
use super::deliver::bytes;
use super::monitor::immediate;
use super::port::{Handle, Phase, Port, find, of_number};
use crate::both::exported;
use crate::engine;
use purlin_natives::drivers;
use purlin_term::external;
use purlin_term::map::{self, from_pairs};
use purlin_term::{Heap, Immediate, Term};
use purlin_vm::Engine;
use purlin_vm::signal::{Signal, SignalKind};
use std::ffi::c_int;
use std::sync::Arc;

exported! {
    /// Sends a term to the owner: 1, 0 when nobody gets it, or -1 for a bad description.
    erl_drv_output_term: fn(port: u64, data: *const u64, len: c_int) -> c_int = output_term;
    /// Sends a term to a process, as `erl_drv_output_term`.
    erl_drv_send_term: fn(port: u64, to: u64, data: *const u64, len: c_int) -> c_int = send_term;
    /// As `erl_drv_output_term`, by what names the port for the driver.
    driver_output_term: fn(port: Handle, data: *const u64, len: c_int) -> c_int = old_output_term;
    /// As `erl_drv_send_term`, by what names the port for the driver.
    driver_send_term: fn(port: Handle, to: u64, data: *const u64, len: c_int) -> c_int = old_send_term;
}

/// What words begin.
mod kind {
    pub const NIL: u64 = 1;
    pub const ATOM: u64 = 2;
    pub const INT: u64 = 3;
    pub const PORT: u64 = 4;
    pub const BINARY: u64 = 5;
    pub const STRING: u64 = 6;
    pub const TUPLE: u64 = 7;
    pub const LIST: u64 = 8;
    pub const STRING_CONS: u64 = 9;
    pub const PID: u64 = 10;
    pub const FLOAT: u64 = 11;
    pub const EXT2TERM: u64 = 12;
    pub const UINT: u64 = 13;
    pub const BUF2BINARY: u64 = 14;
    pub const INT64: u64 = 15;
    pub const UINT64: u64 = 16;
    pub const MAP: u64 = 17;
}

/// A description that is being read, and the terms that are made and not yet part of others.
struct Reader<'a> {
    words: &'a [u64],
    engine: &'a Engine,
    made: Vec<Term>,
    /// Bytes of binaries and strings, which count as input.
    input: usize,
}

impl Reader<'_> {
    fn word(&mut self) -> Option<u64> {
        let (&first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    /// A number of elements, and so many terms made last.
    fn elements(&mut self, each: usize, least: c_int) -> Option<Vec<Term>> {
        let count = self.word()? as c_int;
        let count = usize::try_from(count).ok().filter(|_| count >= least)?.checked_mul(each)?;
        Some(self.made.split_off(self.made.len().checked_sub(count)?))
    }

    /// A pointer and a length.
    ///
    /// # Safety
    /// C: there are so many bytes.
    unsafe fn text(&mut self) -> Option<&'static [u8]> {
        let (start, len) = (self.word()? as *const u8, usize::try_from(self.word()? as i64).ok()?);
        if start.is_null() && len > 0 {
            return None;
        }
        self.input += len;
        // SAFETY: as promised.
        Some(unsafe { bytes(start, len) })
    }

    /// The whole term.
    ///
    /// # Safety
    /// C: the words are a description, or what is wrong with it can be seen from the words alone.
    unsafe fn term(&mut self, h: &mut Heap) -> Option<Term> {
        while let Some(kind) = self.word() {
            // SAFETY: as promised.
            let term = unsafe { self.next(h, kind)? };
            self.made.push(term);
        }
        match *self.made {
            [term] => Some(term),
            _ => None,
        }
    }

    /// # Safety
    /// As of [`Reader::term`].
    unsafe fn next(&mut self, h: &mut Heap, kind: u64) -> Option<Term> {
        // SAFETY: what is read is at the places that the description names.
        unsafe {
            Some(match kind {
                kind::NIL => Term::NIL,
                kind::ATOM => {
                    let word = self.word()?;
                    // An atom's word is no pointer: what is none is refused before it is used.
                    Some(Term::from_raw(word)).filter(|t| t.is_atom())?
                }
                kind::INT => h.integer(self.word()? as i64),
                kind::UINT => h.unsigned(self.word()?),
                kind::INT64 => h.integer((self.word()? as *const i64).as_ref().copied()?),
                kind::UINT64 => h.unsigned((self.word()? as *const u64).as_ref().copied()?),
                kind::FLOAT => {
                    let float = (self.word()? as *const f64).as_ref().copied()?;
                    h.float(Some(float).filter(|f| f.is_finite())?)
                }
                kind::PORT => immediate(self.word()?).map(Immediate::term).filter(|t| t.as_port().is_some())?,
                kind::PID => immediate(self.word()?).map(Immediate::term).filter(|t| t.as_pid().is_some())?,
                kind::BINARY => {
                    let (binary, size, offset) = (self.word()? as *mut Binary, self.word()?, self.word()?);
                    let all = binary.as_ref()?.size as u64;
                    if size.checked_add(offset)? > all {
                        return None;
                    }
                    self.input += size as usize;
                    h.binary(bytes(Binary::bytes(binary).add(offset as usize), size as usize))
                }
                kind::BUF2BINARY => h.binary(self.text()?),
                kind::STRING => {
                    self.words.first().filter(|&&start| start != 0)?;
                    h.byte_list(self.text()?)
                }
                kind::STRING_CONS => {
                    let tail = self.made.pop()?;
                    self.words.first().filter(|&&start| start != 0)?;
                    let head: Vec<Term> = self.text()?.iter().map(|&b| Term::small(b.into())).collect();
                    h.list_with_tail(&head, tail)
                }
                kind::TUPLE => {
                    let elements = self.elements(1, 0)?;
                    h.tuple(&elements)
                }
                kind::LIST => {
                    let mut elements = self.elements(1, 1)?;
                    let tail = elements.pop()?;
                    h.list_with_tail(&elements, tail)
                }
                kind::MAP => {
                    let elements = self.elements(2, 0)?;
                    let pairs: Vec<(Term, Term)> = elements.chunks(2).map(|p| (p[0], p[1])).collect();
                    let made = from_pairs(h, &pairs);
                    // A key may stand there once.
                    Some(made).filter(|m| map::size(*m) == pairs.len())?
                }
                kind::EXT2TERM => {
                    let text = self.text()?;
                    self.input -= text.len();
                    let mut decoding = self.engine.code.decoding(false);
                    external::decode(text, h, &mut decoding).ok()?.0
                }
                _ => return None,
            })
        }
    }
}

/// Sends what words describe.
///
/// # Safety
/// As of [`Reader::term`].
unsafe fn deliver(engine: &Arc<Engine>, to: u64, data: *const u64, len: c_int) -> c_int {
    let words = match usize::try_from(len) {
        // SAFETY: as promised.
        Ok(len) if len > 0 => unsafe { std::slice::from_raw_parts(data, len) },
        _ => return -1,
    };
    let mut reader = Reader { words, engine, made: Vec::new(), input: 0 };
    let mut heap = Heap::new(64);
    // SAFETY: as promised.
    let Some(term) = (unsafe { reader.term(&mut heap) }) else { return -1 };
    let Some(to) = immediate(to).filter(|to| to.term().as_pid().and_then(|id| engine.process(id)).is_some()) else {
        return 0;
    };
    drivers::count_input(engine, reader.input);
    engine.post(to.term(), Signal::with_copy(SignalKind::Message, term));
    1
}

/// The port that a term names, unless it is closing: 0, or not there: -1.
fn open(port: u64) -> Result<Arc<Port>, c_int> {
    let port = immediate(port).and_then(|p| of_number(p.term().as_port()?)).ok_or(-1)?;
    is_open(port)
}

fn is_open(port: Arc<Port>) -> Result<Arc<Port>, c_int> {
    if port.state().phase == Phase::Closing { Err(0) } else { Ok(port) }
}

/// # Safety
/// As of [`deliver`].
unsafe fn send(port: Result<Arc<Port>, c_int>, to: Option<u64>, data: *const u64, len: c_int) -> c_int {
    match port.map(|port| (port.engine(), port)) {
        Ok((Some(engine), port)) => {
            let to = to.unwrap_or_else(|| port.owner().term().raw());
            // SAFETY: as promised.
            unsafe { deliver(&engine, to, data, len) }
        }
        Ok((None, _)) => -1,
        Err(result) => result,
    }
}

unsafe fn output_term(port: u64, data: *const u64, len: c_int) -> c_int {
    // SAFETY: C
    unsafe { send(open(port), None, data, len) }
}

unsafe fn send_term(port: u64, to: u64, data: *const u64, len: c_int) -> c_int {
    // SAFETY: C
    unsafe { send(open(port), Some(to), data, len) }
}

unsafe fn old_output_term(port: Handle, data: *const u64, len: c_int) -> c_int {
    // SAFETY: C
    unsafe { send(find(port).ok_or(-1).and_then(is_open), None, data, len) }
}

unsafe fn old_send_term(port: Handle, to: u64, data: *const u64, len: c_int) -> c_int {
    // A thread of the driver may send after the port has gone.
    let Some(port) = find(port) else {
        // SAFETY: C
        return engine().map_or(-1, |engine| unsafe { deliver(&engine, to, data, len) });
    };
    // SAFETY: C
    unsafe { send(is_open(port), Some(to), data, len) }
}
