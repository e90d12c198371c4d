//! What goes out on a connection: sending at once what the operating system takes, queueing the rest, sending files.
//!
//! A sender whose data fills the queue up to the high mark gets its answer only when the queue has shrunk to the low
//! mark; meanwhile the port is busy, and further senders wait.

use super::tcp::Answer;
use super::{Caller, Deadline, Io, Socket, State, sys};
use crate::data::packet::Framing;
use crate::errno;
use crate::port::{Port, poll};
use purlin_term::external::distribution::Packet;
use purlin_term::{Immediate, Term, am};
use purlin_vm::Engine;
use rustix::event::{PollFd, PollFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags, Shutdown, sendmsg, shutdown};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::Arc;
use std::time::Duration;

/// Pieces of the queue that are sent by one call.
const PIECES: usize = 16;
/// Parts of pieces that the system takes by one call.
const PARTS: usize = 1024;
/// Bytes that are asked for by one call that sends a file.
const FILE_PART: u64 = 1 << 20;
/// Bytes of a file that are sent before other sockets get their turn.
const FILE_TURN: u64 = 8 << 20;

/// Output that waits.
#[derive(Default)]
pub struct Queue {
    pieces: VecDeque<Packet>,
    /// Bytes of the first piece that are sent.
    sent: usize,
    pub bytes: usize,
    pub busy: bool,
    /// Who made the port busy and waits for its answer.
    pub busy_caller: Option<Caller>,
    /// Until when that waits.
    send_limit: Option<Deadline>,
    /// When what a sender wanted to be delayed is sent.
    delay: Option<Deadline>,
    /// Who waits until the port is not busy any more.
    pub waiters: Vec<Immediate>,
    /// Who wants to know when the queue is empty.
    pub subscribers: Vec<Immediate>,
    pub sendfile: Option<SendFile>,
    /// What to shut down when all is sent.
    pub shutdown: Option<Shutdown>,
    pub was_shut_down: bool,
}

/// A file that is being sent.
pub struct SendFile {
    file: OwnedFd,
    offset: u64,
    left: u64,
    sent: u64,
    /// Bytes of the queue that go out before it.
    before: usize,
}

impl Queue {
    fn push(&mut self, piece: impl Into<Packet>, sent: usize) {
        let piece = piece.into();
        if piece.len() > sent {
            if self.pieces.is_empty() {
                self.sent = sent;
            }
            self.bytes += piece.len() - sent;
            self.pieces.push_back(piece);
        }
    }

    /// The first pieces, `limit` bytes at most.
    fn front(&self, limit: usize) -> Vec<IoSlice<'_>> {
        let mut left = limit;
        let mut slices = Vec::with_capacity(PIECES);
        let mut sent = self.sent;
        for part in self.pieces.iter().take(PIECES).flat_map(Packet::parts) {
            let (before, part) = part.split_at(sent.min(part.len()));
            sent -= before.len();
            let part = &part[..part.len().min(left)];
            left -= part.len();
            if !part.is_empty() {
                slices.push(IoSlice::new(part));
            }
            if left == 0 || slices.len() == PARTS {
                break;
            }
        }
        slices
    }

    fn drop_front(&mut self, mut n: usize) {
        self.bytes -= n;
        while let Some(first) = self.pieces.front() {
            let left = first.len() - self.sent;
            if n < left {
                self.sent += n;
                return;
            }
            n -= left;
            self.sent = 0;
            self.pieces.pop_front();
        }
    }
}

/// What goes before a packet of this length.
fn head(framing: Framing, length: &[u8; 4]) -> &[u8] {
    match framing {
        Framing::Length(1) => &length[3..],
        Framing::Length(2) => &length[2..],
        Framing::Length(_) => length,
        _ => &[],
    }
}

impl Socket {
    /// Waits until what is queued is sent.
    pub(super) fn drain(&self, engine: &Arc<Engine>, port: &Arc<Port>) {
        loop {
            let waiting = self.with(engine, port, |io| {
                if io.s.output.bytes == 0 || io.s.settings.linger_zero || !io.s.is_connected() {
                    return None;
                }
                io.tcp_output();
                if io.s.output.bytes == 0 { None } else { io.s.fd().ok()?.try_clone_to_owned().ok() }
            });
            let Some(fd) = waiting else { return };
            let _ = rustix::event::poll(&mut [PollFd::new(&fd, PollFlags::OUT)], None);
        }
    }
}

impl Io<'_> {
    /// Sends what a process gave to the port.
    pub(super) fn tcp_command(&mut self, caller: Caller, data: Vec<u8>) {
        self.s.caller = Some(caller);
        if !self.s.is_connected() {
            let reason = if !std::mem::take(&mut self.s.ended.tell_sender) {
                errno::atom(Errno::NOTCONN)
            } else if self.s.ended.reset {
                errno::atom(Errno::CONNRESET)
            } else {
                am!("closed")
            };
            self.reply(Err(reason));
        } else if self.s.output.shutdown.is_some() {
            self.connection_failed(Errno::PIPE);
        } else if self.send(data) {
            self.reply(Ok(()));
        }
    }

    /// Sends packets that nobody waits for, by one call where that is possible.
    pub(super) fn tcp_packets(&mut self, packets: Vec<Packet>) {
        self.s.caller = None;
        if !self.s.is_connected() {
            return;
        }
        if self.s.output.shutdown.is_some() {
            return self.connection_failed(Errno::PIPE);
        }
        let framing = self.s.framing();
        let lengths: Vec<[u8; 4]> = packets.iter().map(|packet| (packet.len() as u32).to_be_bytes()).collect();
        let heads = lengths.iter().map(|length| head(framing, length));
        heads.clone().zip(&packets).for_each(|(head, packet)| self.s.sent.add(head.len() + packet.len()));
        let waits = self.s.output.sendfile.is_some() || self.s.output.bytes > 0;
        let mut sent = 0;
        if !waits {
            let parts =
                heads.clone().zip(&packets).flat_map(|(head, packet)| std::iter::once(head).chain(packet.parts()));
            let parts = parts.filter(|part| !part.is_empty()).take(PARTS);
            let slices: Vec<IoSlice<'_>> = parts.map(IoSlice::new).collect();
            sent = match self.send_slices(&slices) {
                Ok(n) => n,
                Err(Errno::AGAIN | Errno::INTR) => 0,
                Err(e) => return self.send_failed(e),
            };
        }
        for (head, packet) in heads.zip(packets) {
            if sent >= head.len() + packet.len() {
                sent -= head.len() + packet.len();
                continue;
            }
            let of_head = sent.min(head.len());
            self.s.output.push(head.to_vec(), of_head);
            self.s.output.push(packet, sent - of_head);
            sent = 0;
        }
        if self.s.output.bytes == 0 {
            return;
        }
        if !waits {
            self.select_write(true);
        }
        if self.s.output.bytes >= self.s.settings.high {
            self.become_busy();
        }
    }

    /// Sends or queues; whether the sender can be told that it is done.
    fn send(&mut self, data: Vec<u8>) -> bool {
        let length = (data.len() as u32).to_be_bytes();
        let head = head(self.s.framing(), &length);
        let size = head.len() + data.len();
        self.s.sent.add(size);
        let before = self.s.output.bytes;
        if self.s.output.sendfile.is_some() || before > 0 {
            self.s.output.push(head.to_vec(), 0);
            self.s.output.push(data, 0);
            return before + size < self.s.settings.high || self.become_busy();
        }
        if size == 0 {
            return true;
        }
        if self.s.delay_send {
            self.s.output.push(head.to_vec(), 0);
            self.s.output.push(data, 0);
            self.s.output.delay = poll::limit(self.engine, self.port, Duration::ZERO);
            return true;
        }
        let sent = match self.send_slices(&[IoSlice::new(head), IoSlice::new(&data)]) {
            Ok(n) => n,
            Err(Errno::AGAIN | Errno::INTR) => 0,
            Err(e) => {
                self.send_failed(e);
                return false;
            }
        };
        if sent < size {
            let head = head.to_vec();
            let of_head = sent.min(head.len());
            let of_data = sent - of_head;
            self.s.output.push(head, of_head);
            self.s.output.push(data, of_data);
            self.select_write(true);
        }
        true
    }

    fn send_slices(&self, slices: &[IoSlice<'_>]) -> Result<usize, Errno> {
        sendmsg(self.s.fd()?, slices, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)
    }

    /// The queue is full: the sender has to wait. True: it does not want to, and has its answer.
    fn become_busy(&mut self) -> bool {
        if self.s.settings.send_timeout.is_some_and(|t| t.is_zero()) {
            self.reply(Err(am!("timeout")));
            return false;
        }
        self.s.output.busy = true;
        self.s.output.busy_caller = self.s.caller.take();
        let limit = self.s.settings.send_timeout.and_then(|t| poll::limit(self.engine, self.port, t));
        self.s.output.send_limit = limit;
        false
    }

    /// Lets senders go on; whether the port was busy.
    pub(super) fn resume(&mut self) -> bool {
        if let Some(limit) = self.s.output.send_limit.take() {
            poll::cancel(self.engine, limit);
        }
        self.resumed.append(&mut self.s.output.waiters);
        std::mem::take(&mut self.s.output.busy)
    }

    /// A time limit of the output was reached.
    pub(super) fn output_timed_out(&mut self, deadline: Deadline) {
        if self.s.output.send_limit == Some(deadline) {
            self.s.caller = self.s.output.busy_caller.take();
            self.resume();
            self.reply(Err(am!("timeout")));
            if self.s.settings.send_timeout_close {
                self.close_socket();
            }
        } else if self.s.output.delay == Some(deadline) {
            self.s.output.delay = None;
            if self.s.is_connected() {
                self.tcp_output();
            }
        }
    }

    /// The socket takes output.
    pub(super) fn tcp_output(&mut self) {
        match self.s.state {
            State::Connecting => self.connect_finished(),
            State::Connected if self.s.output.sendfile.is_some() => self.send_file(),
            State::Connected => self.send_queued(),
            _ => self.select_write(false),
        }
    }

    fn send_queued(&mut self) {
        while self.s.output.bytes > 0 {
            match self.send_slices(&self.s.output.front(usize::MAX)) {
                Ok(n) => self.sent_from_queue(n),
                Err(Errno::AGAIN | Errno::INTR) => return self.select_write(true),
                Err(e) => return self.send_failed(e),
            }
        }
        self.queue_is_empty();
    }

    fn sent_from_queue(&mut self, n: usize) {
        self.s.output.drop_front(n);
        if self.s.output.bytes <= self.s.settings.low && self.s.output.sendfile.is_none() {
            self.end_busy();
        }
    }

    fn end_busy(&mut self) {
        if self.s.output.busy {
            self.s.caller = self.s.output.busy_caller.take();
            self.resume();
            self.reply(Ok(()));
        }
    }

    fn queue_is_empty(&mut self) {
        self.select_write(false);
        self.tell_subscribers();
        if let Some(how) = self.s.output.shutdown.take() {
            match self.s.fd().and_then(|fd| shutdown(fd, how)) {
                Ok(()) => self.s.output.was_shut_down = true,
                Err(e) => self.connection_failed(e),
            }
        }
        if self.s.closing {
            self.close_socket();
        }
    }

    fn tell_subscribers(&mut self) {
        let port = self.port.term();
        for who in std::mem::take(&mut self.s.output.subscribers) {
            self.send_to(who.term(), |h| h.tuple(&[am!("empty_out_q"), port]));
        }
    }

    /// Forgets what is queued.
    pub(super) fn clear_output(&mut self) {
        self.s.output.pieces.clear();
        (self.s.output.sent, self.s.output.bytes) = (0, 0);
        self.tell_subscribers();
    }

    /// Sending has failed. A broken pipe that is none of one's own making counts as a reset.
    fn send_failed(&mut self, error: Errno) {
        let reset = error == Errno::PIPE && !self.s.output.was_shut_down;
        self.connection_failed(if reset { Errno::CONNRESET } else { error });
    }

    /// The connection is gone, as sending or shutting down has shown.
    fn connection_failed(&mut self, error: Errno) {
        let show = error == Errno::CONNRESET && self.s.settings.show_econnreset;
        if self.s.output.busy {
            self.s.caller = self.s.output.busy_caller.take();
            self.resume();
        }
        let reason = if show { errno::atom(error) } else { am!("closed") };
        let sends_file = self.s.output.sendfile.is_some();
        if self.s.closing {
            return self.close_socket();
        }
        if self.s.is_active() {
            if show {
                self.tell_error(error);
            }
            self.tell_closed();
            if !sends_file {
                self.reply(Err(reason));
            }
            if self.s.settings.exit_on_close {
                self.exit = Some(am!("normal"));
            } else {
                self.close_socket();
            }
            return;
        }
        self.fail_operations();
        if self.s.caller.is_some() && !sends_file {
            self.reply(Err(reason));
        } else if self.s.caller.is_none() {
            self.s.ended.tell_sender = true;
        }
        self.close_socket();
        self.s.ended.tell_receiver = true;
        self.s.ended.reset |= show;
    }

    // ---- files

    /// Starts to send a file, behind what is queued.
    pub(super) fn start_send_file(&mut self, caller: Immediate, data: &[u8]) -> Answer {
        let Some((fd, numbers)) = data.split_first_chunk::<4>().filter(|_| data.len() == 20) else {
            return Err(Errno::INVAL.into());
        };
        if !self.s.is_connected() {
            return Err(Errno::NOTCONN.into());
        }
        if self.s.output.sendfile.is_some() {
            return Err(Errno::INVAL.into());
        }
        let number = |at| super::big_endian(numbers, at).map_or(0, u64::from_be_bytes);
        let file = sys::duplicate(i32::from_ne_bytes(*fd))?;
        let before = self.s.output.bytes;
        self.s.output.sendfile = Some(SendFile { file, offset: number(0), left: number(8), sent: 0, before });
        self.s.caller = Some(Caller { process: caller, reference: None });
        // Reading the file may take its time, so that the poll thread does it.
        self.select_write(true);
        Ok(Vec::new())
    }

    fn send_file(&mut self) {
        while let Some(before) = self.s.output.sendfile.as_ref().map(|f| f.before).filter(|&n| n > 0) {
            match self.send_slices(&self.s.output.front(before)) {
                Ok(n) => {
                    self.s.output.drop_front(n);
                    if let Some(f) = &mut self.s.output.sendfile {
                        f.before -= n;
                    }
                }
                Err(Errno::AGAIN | Errno::INTR) => return,
                Err(e) => return self.send_file_failed(e),
            }
        }
        let mut turn = FILE_TURN;
        let s = &mut *self.s;
        let (Some(socket), Some(f)) = (&s.fd, &mut s.output.sendfile) else { return };
        while f.left > 0 && turn > 0 {
            let mut offset = f.offset;
            let part = f.left.min(FILE_PART) as usize;
            match rustix::fs::sendfile(socket, &f.file, Some(&mut offset), part) {
                Ok(0) => f.left = 0,
                Ok(n) => {
                    let n = n as u64;
                    (f.offset, f.left, f.sent) = (f.offset + n, f.left - n, f.sent + n);
                    turn = turn.saturating_sub(n);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(e) => return self.send_file_failed(e),
            }
        }
        if f.left > 0 {
            return;
        }
        let sent = f.sent;
        s.output.sendfile = None;
        if self.s.output.bytes <= self.s.settings.low {
            self.end_busy();
        }
        if self.s.output.bytes == 0 {
            self.queue_is_empty();
        }
        let port = self.port.term();
        self.tell(|h| {
            let (low, high) = (Term::small((sent & 0xFFFF_FFFF) as i64), Term::small((sent >> 32) as i64));
            let result = h.tuple(&[am!("ok"), low, high]);
            h.tuple(&[am!("sendfile"), port, result])
        });
    }

    fn send_file_failed(&mut self, error: Errno) {
        self.sendfile_aborted(error);
        self.send_failed(error);
    }

    /// Tells who sends a file that this has failed.
    pub(super) fn sendfile_aborted(&mut self, error: Errno) {
        let reason = match error {
            Errno::CONNRESET | Errno::NOTCONN | Errno::PIPE => am!("closed"),
            e => errno::atom(e),
        };
        let port = self.port.term();
        self.tell(|h| {
            let result = h.tuple(&[am!("error"), reason]);
            h.tuple(&[am!("sendfile"), port, result])
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_term::Heap;
    use purlin_term::external::EncodeOptions;
    use purlin_term::external::distribution::{OutCache, Outgoing};

    #[test]
    fn a_packet_of_many_parts_goes_out_by_several_calls() {
        let mut heap = Heap::new(0);
        let binaries: Vec<Term> = (0..3000u32).map(|i| heap.binary(&vec![i as u8; 5000])).collect();
        let (control, message) = (heap.tuple(&[Term::small(2)]), heap.list(&binaries));
        let sent = Outgoing::new(control, Some(message), &EncodeOptions::default(), true).expect("small enough");
        let packet = sent.packets(&mut OutCache::default(), 1, false).next().expect("one packet");
        let expected = packet.bytes();
        let mut queue = Queue::default();
        queue.push(b"head".to_vec(), 0);
        queue.push(packet, 0);
        queue.push(b"tail".to_vec(), 0);
        let (mut all, mut calls) = (Vec::new(), 0);
        while queue.bytes > 0 {
            let slices = queue.front(usize::MAX);
            assert!(slices.len() <= PARTS);
            // What does not go out at once begins the next call.
            let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
            let taken = bytes.len().div_ceil(2);
            all.extend_from_slice(&bytes[..taken]);
            queue.drop_front(taken);
            calls += 1;
        }
        assert!(all == [b"head", &expected[..], b"tail"].concat());
        assert!(calls > 6, "{calls}");
    }
}
