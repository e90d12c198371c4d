//! The driver `trace_file_drv`: a tracer that writes each message it gets to a file, or to a series of files of which
//! the oldest go. A message is a zero, its length in four bytes, and the external term.

use super::driver::{Driver, TooLong};
use super::open::{Settings, add};
use super::{Port, table};
use crate::errno;
use parking_lot::Mutex;
use purlin_term::{Immediate, Term, am};
use purlin_vm::{Ctx, Engine};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Duration;

/// Port control: write what is buffered.
const FLUSH: u32 = 'f' as u32;

/// The files are shared with the thread that begins new ones at set times.
struct TraceFile(Arc<Mutex<Files>>);

struct Files {
    /// `None`: closed.
    now: Option<BufWriter<File>>,
    series: Option<Series>,
}

/// Files whose names are counted up to a number and then from 0 again.
struct Series {
    before: String,
    after: String,
    last: u32,
    current: u32,
    oldest: u32,
    /// So many more are begun before the oldest is removed.
    spare: u32,
    /// The next file begins once one has so many bytes; none: a time decides.
    size: Option<u64>,
    written: u64,
}

impl Series {
    fn name(&self, number: u32) -> String {
        format!("{}{number}{}", self.before, self.after)
    }

    fn next(&self, number: u32) -> u32 {
        if number >= self.last { 0 } else { number + 1 }
    }
}

/// `trace_file_drv [w Size Count Milliseconds Tail] n Name`; the number goes before the name's byte `Tail`.
pub fn open(ctx: &mut Ctx<'_>, command: &str, s: Settings) -> Result<Term, Term> {
    let bad = am!("badarg");
    let (numbers, name) = command.split_once("n ").ok_or(bad)?;
    let mut words = numbers.split_whitespace().skip(1);
    let mut series = None;
    let mut time = 0;
    let first = words.next();
    if name.is_empty() || first.is_some_and(|w| w != "w") {
        return Err(bad);
    }
    if first.is_some() {
        let mut number = || words.next().and_then(|w| w.parse::<u32>().ok()).ok_or(bad);
        let (size, last, after, tail) = (number()?, number()?, number()?, number()?);
        let (before, rest) = name.split_at_checked(tail as usize).filter(|n| !n.1.is_empty()).ok_or(bad)?;
        time = after;
        let (before, after) = (before.into(), rest.into());
        let size = (time == 0).then_some(u64::from(size));
        series = Some(Series { before, after, last, current: 0, oldest: 0, spare: last, size, written: 0 });
    }
    let path = series.as_ref().map_or(name.to_string(), |s| s.name(0));
    let file = File::create(path).map_err(|e| errno::atom(Errno::from_io_error(&e).unwrap_or(Errno::IO)))?;
    let files = Files { now: Some(BufWriter::with_capacity(1 << 16, file)), series };
    let files = Arc::new(Mutex::new(files));
    let id = table(ctx.engine).next_id();
    let port = add(ctx, id, command.into(), &s, Box::new(TraceFile(files.clone())));
    if time > 0 {
        let (engine, port) = (ctx.engine.clone(), Arc::downgrade(&port));
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(time.into()));
                let Some(port) = port.upgrade().filter(|p| p.is_open(&engine)) else { return };
                run(&files, &engine, &port, Files::begin_next);
            }
        });
    }
    Ok(port.term())
}

/// Works on the files; a failure closes the port.
fn run(files: &Mutex<Files>, engine: &Arc<Engine>, port: &Arc<Port>, work: impl FnOnce(&mut Files) -> io::Result<()>) {
    let done = work(&mut files.lock());
    if let Err(e) = done {
        port.close(engine, errno::atom(Errno::from_io_error(&e).unwrap_or(Errno::IO)));
    }
}

impl Driver for TraceFile {
    /// Writes a message.
    fn command(&self, engine: &Arc<Engine>, port: &Arc<Port>, _: Immediate, message: Vec<u8>) -> Result<(), TooLong> {
        run(&self.0, engine, port, |f| f.write(&message));
        Ok(())
    }

    fn control(
        &self,
        engine: &Arc<Engine>,
        port: &Arc<Port>,
        _: Immediate,
        operation: u32,
        _: &[u8],
    ) -> Option<Vec<u8>> {
        (operation == FLUSH).then(|| {
            run(&self.0, engine, port, Files::flush);
            vec![0]
        })
    }

    /// Writes what is buffered; whoever asks has nobody to tell of a failure.
    fn flush(&self, _: &Arc<Engine>, _: &Arc<Port>) {
        let _ = self.0.lock().flush();
    }

    fn close(&self, _: &Arc<Engine>, _: &Arc<Port>) {
        let mut files = self.0.lock();
        let _ = files.flush();
        files.now = None;
    }
}

impl Files {
    fn write(&mut self, message: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.now else { return Ok(()) };
        file.write_all(&[0])?;
        file.write_all(&(message.len() as u32).to_be_bytes())?;
        file.write_all(message)?;
        if let Some(series) = &mut self.series {
            series.written += 5 + message.len() as u64;
            if series.size.is_some_and(|size| series.written >= size) {
                self.begin_next()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.now.as_mut().map_or(Ok(()), Write::flush)
    }

    /// Goes on with the series' next file, for which the oldest may have to go.
    fn begin_next(&mut self) -> io::Result<()> {
        self.flush()?;
        let Some(series) = &mut self.series else { return Ok(()) };
        series.written = 0;
        series.spare = series.spare.saturating_sub(1);
        if series.spare == 0 {
            let _ = std::fs::remove_file(series.name(series.oldest));
            series.oldest = series.next(series.oldest);
        }
        series.current = series.next(series.current);
        let file = File::create(series.name(series.current))?;
        self.now = Some(BufWriter::with_capacity(1 << 16, file));
        Ok(())
    }
}
