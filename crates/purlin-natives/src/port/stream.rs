//! Drivers that are a stream of bytes: descriptors of this program, and files. One thread reads, another one writes.

use super::driver::{Driver, TooLong};
use super::framing::{Cutter, Framing, Piece, frame};
use super::open::{Settings, add};
use super::output::Output;
use super::{Port, table, terminal};
use crate::environment::os_string;
use crate::until::Until;
use parking_lot::Mutex;
use purlin_term::{Atom, Heap, Immediate, Term, am};
use purlin_vm::signal::{Parcel, Signal};
use purlin_vm::{Ctx, Engine};
use std::ffi::OsString;
use std::io::{PipeWriter, Read, Write};
use std::sync::Arc;

/// The two ends of a stream that a port holds.
pub struct Stream {
    output: Option<Output>,
    /// Its end ends the reading.
    stop: Mutex<Option<PipeWriter>>,
}

impl Stream {
    pub fn new(output: Option<Output>, stop: Option<PipeWriter>) -> Stream {
        Stream { output, stop: Mutex::new(stop) }
    }

    pub fn output(&self) -> Option<&Output> {
        self.output.as_ref()
    }

    /// Writes a command, with its length in front if the port is one of packets.
    pub fn write(&self, port: &Port, bytes: Vec<u8>) -> Result<(), TooLong> {
        if let Some(output) = &self.output {
            output.write(frame(port.options.framing, bytes).ok_or(TooLong)?);
        }
        Ok(())
    }

    /// Ends the reading; what is queued still goes out.
    pub fn close(&self, engine: &Arc<Engine>) {
        if let Some(output) = &self.output {
            output.close(engine);
        }
        self.stop.lock().take();
    }
}

/// Standard descriptors of this program.
struct Descriptors {
    stream: Stream,
    /// The one for output can be asked for its window's size.
    output: i64,
}

impl Driver for Descriptors {
    fn stream(&self) -> Option<&Stream> {
        Some(&self.stream)
    }

    fn control(&self, _: &Arc<Engine>, _: &Arc<Port>, _: Immediate, operation: u32, _: &[u8]) -> Option<Vec<u8>> {
        if operation == terminal::WINDOW_SIZE { terminal::window_size(self.output) } else { None }
    }
}

/// A file of the file system.
struct File {
    stream: Stream,
    /// Closing waits until it is written.
    regular: bool,
}

impl Driver for File {
    fn stream(&self) -> Option<&Stream> {
        Some(&self.stream)
    }

    fn close(&self, engine: &Arc<Engine>, port: &Arc<Port>) {
        if self.regular {
            self.flush(engine, port);
        }
        self.stream.close(engine);
    }
}

/// `{fd, In, Out}`: standard input, output and error.
pub fn descriptors(ctx: &mut Ctx<'_>, input: i64, output: i64, s: Settings) -> Result<Term, Term> {
    let id = table(ctx.engine).next_id();
    let writer: Option<Box<dyn Write + Send>> = match output {
        _ if !s.writes() => None,
        1 => Some(Box::new(std::io::stdout())),
        2 => Some(Box::new(std::io::stderr())),
        _ => return Err(am!("einval")),
    };
    if s.reads() && input != 0 {
        return Err(am!("einval"));
    }
    let (reader, stop) = Until::standard_input().map_err(|_| am!("emfile"))?;
    let out = writer.map(|w| Output::start(ctx.engine, w, write_failed(ctx.engine, id)));
    let stream = Stream::new(out, s.reads().then_some(stop));
    let port = add(ctx, id, format!("{input}/{output}"), &s, Box::new(Descriptors { stream, output }));
    if s.reads() {
        start_reading(ctx.engine, &port, reader);
    }
    Ok(port.term())
}

/// A file, which is read from its start, or written.
pub fn file(ctx: &mut Ctx<'_>, name: Term, s: Settings) -> Result<Term, Term> {
    let is_name = name.is_list() && !name.is_nil() || name.is_atom();
    if s.args.is_some() || s.arg0.is_some() || s.options.exit_status || !is_name {
        return Err(am!("badarg"));
    }
    let path = match name.as_atom() {
        Some(a) => OsString::from(a.name()),
        None => os_string(name).ok_or(am!("badarg"))?,
    };
    // Whatever the system says, as on the BEAM.
    let error = |_: std::io::Error| am!("einval");
    let (reads, writes) = (s.reads(), s.writes());
    let mut how = std::fs::OpenOptions::new();
    let file = how.read(reads).write(writes).create(writes).truncate(writes && !reads).open(&path).map_err(error)?;
    let regular = file.metadata().is_ok_and(|m| m.is_file());
    let (reader, stop) = Until::new(file.try_clone().map_err(error)?).map_err(error)?;
    let id = table(ctx.engine).next_id();
    let out = writes.then(|| Output::start(ctx.engine, file, write_failed(ctx.engine, id)));
    let stream = Stream::new(out, reads.then_some(stop));
    let port = add(ctx, id, path.to_string_lossy().into_owned(), &s, Box::new(File { stream, regular }));
    if reads {
        start_reading(ctx.engine, &port, reader);
    }
    Ok(port.term())
}

/// What to do when the port with this number cannot write any more.
pub fn write_failed(engine: &Arc<Engine>, id: u64) -> impl FnOnce(std::io::Error) + Send + 'static {
    let engine = engine.clone();
    move |e| {
        if let Some(port) = table(&engine).get(Term::port(id)) {
            let reason = match e.kind() {
                std::io::ErrorKind::BrokenPipe => am!("epipe"),
                _ => am!("eio"),
            };
            port.close(&engine, reason);
        }
    }
}

/// Starts the thread that reads for a port.
pub fn start_reading(engine: &Arc<Engine>, port: &Arc<Port>, from: impl Read + Send + 'static) {
    let (engine, port) = (engine.clone(), port.clone());
    std::thread::spawn(move || read_all(&engine, &port, from, |_| None));
}

/// Reads until the end and sends what comes to the owner; then tells of the end as the options say, `ended` first. Who
/// hears of the end finds what is left of a line, too: `System.cmd/3` does not wait for it.
pub fn read_all(
    engine: &Arc<Engine>,
    port: &Arc<Port>,
    mut from: impl Read,
    ended: impl FnOnce(&Port) -> Option<Parcel>,
) {
    let mut cutter = Cutter::new(port.options.framing);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            // Nobody is there to read for: a program that goes on writing gets to know by the closed pipe.
            Ok(_) if !port.is_open(engine) => break,
            Ok(n) => {
                let pieces = cutter.feed(&buffer[..n]);
                // A packet's length does not count, while the ends of lines do.
                let counted = match port.options.framing {
                    Framing::Packet(_) => pieces.iter().map(Piece::len).sum(),
                    Framing::Stream | Framing::Line(_) => n,
                };
                port.count_input(engine, counted);
                port.tell_together(engine, pieces.into_iter().map(|piece| message_of(port, piece)).collect());
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    drop(from);
    let mut last = Vec::from_iter(ended(port));
    last.extend(cutter.finish().into_iter().map(|piece| message_of(port, piece)));
    last.extend(port.options.eof.then(|| port.message(|_| am!("eof"))));
    port.tell_together(engine, last);
    if !port.options.eof {
        closed_by_itself(engine, port);
    }
}

/// The other side has ended: the port closes with the reason `normal`.
pub fn closed_by_itself(engine: &Arc<Engine>, port: &Arc<Port>) {
    let normal = Term::atom(Atom::NORMAL);
    let owner = port.state.lock().owner;
    let linked = owner.is_some_and(|o| port.state.lock().links.contains(&o));
    if port.close(engine, normal)
        && let Some(owner) = owner
        && !linked
    {
        engine.post(owner.term(), Signal::exit(port.term(), false, normal));
    }
}

fn message_of(port: &Port, piece: Piece) -> Parcel {
    let binary = port.options.binary;
    let bytes = |h: &mut Heap, b: &[u8]| if binary { h.binary(b) } else { h.byte_list(b) };
    port.message(|h| {
        let data = match piece {
            Piece::Data(b) => bytes(h, &b),
            Piece::Eol(b) => {
                let line = bytes(h, &b);
                h.tuple(&[am!("eol"), line])
            }
            Piece::NoEol(b) => {
                let line = bytes(h, &b);
                h.tuple(&[am!("noeol"), line])
            }
        };
        h.tuple(&[am!("data"), data])
    })
}
