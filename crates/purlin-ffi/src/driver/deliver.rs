//! What drivers send to the owner of a port, and how they end it.

use super::binary::Binary;
use super::port::{Handle, Phase, Port, find};
use super::queue::IoVec;
use crate::both::exported;
use purlin_natives::drivers::Piece;
use purlin_natives::errno_name;
use purlin_term::{Atom, Heap, Term, am};
use purlin_vm::signal::{Signal, SignalKind};
use std::ffi::{CStr, c_char, c_int};
use std::sync::Arc;

exported! {
    /// Sends bytes as the port's options say: 0, or -1 when there is no port.
    driver_output: fn(port: Handle, bytes: *const u8, len: usize) -> c_int = output;
    /// As `driver_output`, behind bytes that are always a list.
    driver_output2: fn(port: Handle, head: *const u8, head_len: usize, bytes: *const u8, len: usize) -> c_int = output2;
    /// As `driver_output2`, of a part of a binary.
    driver_output_binary: fn(
        port: Handle, head: *const u8, head_len: usize, binary: *mut Binary, offset: usize, len: usize
    ) -> c_int = output_binary;
    /// As `driver_output2`, of pieces but for so many bytes of them.
    driver_outputv: fn(port: Handle, head: *const u8, head_len: usize, vec: *const IoVec, skip: usize) -> c_int
        = outputv;
    /// The port closes with the reason `normal`, or its owner is told of the end only.
    driver_failure_eof: fn(port: Handle) -> c_int = failure_eof;
    /// The port closes with an atom as reason.
    driver_failure_atom: fn(port: Handle, reason: *const c_char) -> c_int = failure_atom;
    /// The port closes with the name of an error number as reason.
    driver_failure_posix: fn(port: Handle, error: c_int) -> c_int = failure_posix;
    /// The port closes with a number as reason; 0: as with `driver_failure_eof`.
    driver_failure: fn(port: Handle, reason: c_int) -> c_int = failure;
    /// The port closes with the name of an error number as reason, or `normal`, which its owner does not hear of.
    driver_exit: fn(port: Handle, error: c_int) -> c_int = exit;
}

/// # Safety
/// C: there are so many bytes.
pub unsafe fn bytes<'a>(start: *const u8, len: usize) -> &'a [u8] {
    // SAFETY: as promised.
    if len == 0 { &[] } else { unsafe { std::slice::from_raw_parts(start, len) } }
}

/// Bytes, or pieces that are binaries of their own, behind a head.
enum Content<'a> {
    Bytes(&'a [u8]),
    Pieces(Vec<&'a [u8]>),
}

/// `Data`: a binary or a list, with the head in front of it.
fn data(h: &mut Heap, binary: bool, head: &[u8], content: &Content<'_>) -> Term {
    let tail = match content {
        Content::Bytes(bytes) if binary => h.binary(bytes),
        Content::Bytes(bytes) => h.byte_list(bytes),
        Content::Pieces(pieces) if binary => {
            let mut all: Vec<Term> = pieces.iter().map(|p| h.binary(p)).collect();
            match all.pop() {
                Some(last) if all.is_empty() => last,
                // As on the BEAM, the last binary ends the list.
                Some(last) => h.list_with_tail(&all, last),
                None => Term::NIL,
            }
        }
        Content::Pieces(pieces) => h.byte_list(&pieces.concat()),
    };
    if head.is_empty() {
        return tail;
    }
    let head: Vec<Term> = head.iter().map(|&b| Term::small(b.into())).collect();
    h.list_with_tail(&head, tail)
}

impl Port {
    /// Sends `{Port, {data, Data}}`, lines each by itself.
    fn output(self: &Arc<Self>, head: &[u8], content: Content<'_>) -> c_int {
        if self.state().phase == Phase::Closing {
            return 0;
        }
        let (Some(engine), Some(of_engine)) = (self.engine(), self.of_engine()) else { return -1 };
        let len = match &content {
            Content::Bytes(bytes) => bytes.len(),
            Content::Pieces(pieces) => pieces.iter().map(|p| p.len()).sum(),
        };
        of_engine.count_input(&engine, head.len() + len);
        let binary = of_engine.options.binary;
        let pieces = match (&content, &mut self.state().cutter) {
            (Content::Bytes(bytes), Some(cutter)) => Some(cutter.feed(bytes)),
            _ => None,
        };
        match pieces {
            Some(lines) => lines.into_iter().for_each(|line| self.send_line(binary, head, &line)),
            None => self.send(|h| {
                let data = data(h, binary, head, &content);
                h.tuple(&[am!("data"), data])
            }),
        }
        0
    }

    fn send_line(&self, binary: bool, head: &[u8], line: &Piece) {
        let (what, bytes) = match line {
            Piece::Eol(bytes) => (am!("eol"), bytes),
            Piece::NoEol(bytes) | Piece::Data(bytes) => (am!("noeol"), bytes),
        };
        self.send(|h| {
            let data = data(h, binary, head, &Content::Bytes(bytes));
            let line = h.tuple(&[what, data]);
            h.tuple(&[am!("data"), line])
        });
    }

    /// Sends `{Port, Message}` to the owner.
    fn send(&self, message: impl FnOnce(&mut Heap) -> Term) {
        let Some(engine) = self.engine() else { return };
        let signal = Signal::built(SignalKind::Message, |h| {
            let message = message(h);
            h.tuple(&[self.term(), message])
        });
        engine.post(self.owner().term(), signal);
    }

    /// What is left of a line.
    fn send_rest(&self) {
        let rest = self.state().cutter.as_mut().map(|c| c.finish()).unwrap_or_default();
        let binary = self.of_engine().is_some_and(|p| p.options.binary);
        rest.iter().for_each(|line| self.send_line(binary, &[], line));
    }

    /// The driver ends the port.
    fn fail(self: &Arc<Self>, reason: Term, eof: bool) {
        self.has_started(std::ptr::null_mut(), 0);
        if eof {
            self.send_rest();
        }
        let (Some(engine), Some(of_engine)) = (self.engine(), self.of_engine()) else { return };
        if self.state().phase == Phase::Closing {
            self.state().queue.clear();
            self.stop();
        } else if eof && of_engine.options.eof {
            self.send(|_| am!("eof"));
        } else {
            self.state().queue.clear();
            of_engine.close(&engine, if eof { Term::atom(Atom::NORMAL) } else { reason });
        }
    }
}

unsafe fn output(port: Handle, start: *const u8, len: usize) -> c_int {
    // SAFETY: C
    unsafe { output2(port, std::ptr::null(), 0, start, len) }
}

unsafe fn output2(port: Handle, head: *const u8, head_len: usize, start: *const u8, len: usize) -> c_int {
    let Some(port) = find(port) else { return -1 };
    // SAFETY: C
    let (head, content) = unsafe { (bytes(head, head_len), Content::Bytes(bytes(start, len))) };
    port.output(head, content)
}

unsafe fn output_binary(
    port: Handle,
    head: *const u8,
    head_len: usize,
    binary: *mut Binary,
    offset: usize,
    len: usize,
) -> c_int {
    let Some(port) = find(port) else { return -1 };
    // SAFETY: C, the binary has that part.
    let (head, piece) = unsafe { (bytes(head, head_len), bytes(Binary::bytes(binary).add(offset), len)) };
    port.output(head, Content::Pieces(vec![piece]))
}

unsafe fn outputv(port: Handle, head: *const u8, head_len: usize, vec: *const IoVec, mut skip: usize) -> c_int {
    let Some(port) = find(port) else { return -1 };
    let mut pieces = Vec::new();
    // SAFETY: C, the pieces are there.
    unsafe {
        for i in 0..usize::try_from((*vec).count).unwrap_or(0) {
            let piece = *(*vec).pieces.add(i);
            let skipped = skip.min(piece.iov_len);
            skip -= skipped;
            if skipped < piece.iov_len || (skip == 0 && !pieces.is_empty()) {
                pieces.push(bytes(piece.iov_base.cast::<u8>().add(skipped), piece.iov_len - skipped));
            }
        }
        let head = bytes(head, head_len);
        if pieces.is_empty() {
            return port.output(head, Content::Bytes(&[]));
        }
        port.output(head, Content::Pieces(pieces))
    }
}

fn fail(port: Handle, reason: Term, eof: bool) -> c_int {
    let Some(port) = find(port) else { return -1 };
    port.fail(reason, eof);
    0
}

/// The atom of a text in Latin-1.
///
/// # Safety
/// C: `text` is a string.
pub unsafe fn atom(text: *const c_char) -> Term {
    // SAFETY: as promised.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    let text: String = bytes.iter().take(255).map(|&b| char::from(b)).collect();
    Term::atom(Atom::new(&text))
}

fn name_of(error: c_int) -> Term {
    Term::atom(Atom::new(errno_name(error)))
}

unsafe fn failure_eof(port: Handle) -> c_int {
    fail(port, Term::NIL, true)
}

unsafe fn failure_atom(port: Handle, reason: *const c_char) -> c_int {
    // SAFETY: C
    fail(port, unsafe { atom(reason) }, false)
}

unsafe fn failure_posix(port: Handle, error: c_int) -> c_int {
    fail(port, name_of(error), false)
}

unsafe fn failure(port: Handle, reason: c_int) -> c_int {
    fail(port, Term::small(reason.into()), reason == 0)
}

unsafe fn exit(port: Handle, error: c_int) -> c_int {
    let Some(port) = find(port) else { return -1 };
    let (Some(engine), Some(of_engine)) = (port.engine(), port.of_engine()) else { return -1 };
    if port.state().phase == Phase::Closing {
        port.fail(Term::NIL, false);
        return 0;
    }
    port.state().queue.clear();
    let reason = if error == 0 { Term::atom(Atom::NORMAL) } else { name_of(error) };
    of_engine.leave(&engine, reason);
    0
}
