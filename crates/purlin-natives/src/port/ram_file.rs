//! The driver `ram_file_drv`: files that are in memory only, each a port. A command is a number and its arguments; the
//! answer comes as a message.

use super::driver::{Driver, TooLong};
use super::open::{Settings, add};
use super::{Port, table};
use crate::errno;
use parking_lot::Mutex;
use purlin_term::{Heap, Immediate, Term, am};
use purlin_vm::{Ctx, Engine};
use rustix::io::Errno;
use std::sync::Arc;

/// Bits of the mode that a file is opened with.
const READ: u32 = 1;
const WRITE: u32 = 2;

/// The commands.
const OPEN: u8 = 1;
const READ_NEXT: u8 = 2;
const SEEK: u8 = 3;
const WRITE_NEXT: u8 = 4;
const SYNC: u8 = 9;
const TRUNCATE: u8 = 14;
const READ_AT: u8 = 17;
const WRITE_AT: u8 = 18;
const SYNC_DATA: u8 = 19;
const GET: u8 = 30;
const SIZE: u8 = 37;
const ADVISE: u8 = 38;
const ALLOCATE: u8 = 39;

/// A file's contents and the position in it.
#[derive(Default)]
struct RamFile {
    mode: u32,
    bytes: Vec<u8>,
    at: usize,
}

/// What a command gives back.
enum Answer {
    Done,
    Number(usize),
    Data(Vec<u8>),
}

fn int(data: &[u8], at: usize) -> Result<i32, Errno> {
    let bytes = data.get(at..).and_then(|d| d.first_chunk()).ok_or(Errno::INVAL)?;
    Ok(i32::from_be_bytes(*bytes))
}

/// An offset or a size, which is not negative.
fn natural(data: &[u8], at: usize) -> Result<usize, Errno> {
    usize::try_from(int(data, at)?).map_err(|_| Errno::INVAL)
}

/// Opens a file that is empty.
pub fn open(ctx: &mut Ctx<'_>, command: &str, s: Settings) -> Result<Term, Term> {
    let id = table(ctx.engine).next_id();
    Ok(add(ctx, id, command.into(), &s, Box::new(Mutex::new(RamFile::default()))).term())
}

impl Driver for Mutex<RamFile> {
    /// Carries out a command and sends the answer; unknown ones have none.
    fn command(&self, engine: &Arc<Engine>, port: &Arc<Port>, _: Immediate, command: Vec<u8>) -> Result<(), TooLong> {
        let Some((&op, data)) = command.split_first() else { return Ok(()) };
        let Some(answer) = self.lock().run(op, data) else { return Ok(()) };
        let (front, data) = match answer {
            Ok(Answer::Done) => (vec![0], None),
            Ok(Answer::Number(n)) => ([&[3], &(n as u32).to_be_bytes()[..]].concat(), None),
            Ok(Answer::Data(bytes)) => ([&[2], &(bytes.len() as u32).to_be_bytes()[..]].concat(), Some(bytes)),
            Err(e) => ([&[1], errno::name(e).as_bytes()].concat(), None),
        };
        port.count_input(engine, front.len() + data.as_ref().map_or(0, Vec::len));
        let binary = port.options.binary;
        port.tell(engine, |h: &mut Heap| {
            let rest = match data {
                Some(bytes) if binary => h.binary(&bytes),
                Some(bytes) => h.byte_list(&bytes),
                None => Term::NIL,
            };
            let front: Vec<Term> = front.iter().map(|&b| Term::small(b.into())).collect();
            let all = h.list_with_tail(&front, rest);
            h.tuple(&[am!("data"), all])
        });
        Ok(())
    }
}

impl RamFile {
    fn run(&mut self, op: u8, data: &[u8]) -> Option<Result<Answer, Errno>> {
        Some(match op {
            OPEN => self.open(data),
            READ_NEXT => natural(data, 0).and_then(|n| {
                let bytes = self.read(self.at, n)?;
                self.at += bytes.len();
                Ok(Answer::Data(bytes))
            }),
            SEEK => self.seek(data),
            WRITE_NEXT => self.write(self.at, data).map(|n| {
                self.at += n;
                Answer::Number(n)
            }),
            TRUNCATE if self.mode & WRITE == 0 => Err(Errno::ACCESS),
            TRUNCATE => self.resize(self.at).map(|()| Answer::Done),
            READ_AT => natural(data, 0).and_then(|at| Ok(Answer::Data(self.read(at, natural(data, 4)?)?))),
            WRITE_AT => natural(data, 0).and_then(|at| Ok(Answer::Number(self.write(at, &data[4..])?))),
            SYNC | SYNC_DATA | ADVISE | ALLOCATE if self.mode == 0 => Err(Errno::BADF),
            SYNC | SYNC_DATA | ADVISE | ALLOCATE => Ok(Answer::Done),
            GET => Ok(Answer::Data(self.bytes.clone())),
            SIZE => Ok(Answer::Number(self.bytes.len())),
            _ => return None,
        })
    }

    fn open(&mut self, data: &[u8]) -> Result<Answer, Errno> {
        self.mode = int(data, 0)? as u32;
        self.bytes = data[4..].to_vec();
        self.at = 0;
        Ok(Answer::Number(0))
    }

    fn read(&self, at: usize, n: usize) -> Result<Vec<u8>, Errno> {
        if self.mode & READ == 0 {
            return Err(Errno::BADF);
        }
        let rest = self.bytes.get(at..).unwrap_or(&[]);
        Ok(rest[..n.min(rest.len())].to_vec())
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<usize, Errno> {
        if self.mode & WRITE == 0 {
            return Err(Errno::BADF);
        }
        let end = at + data.len();
        if end > self.bytes.len() {
            self.resize(end)?;
        }
        self.bytes[at..end].copy_from_slice(data);
        Ok(data.len())
    }

    fn resize(&mut self, size: usize) -> Result<(), Errno> {
        let more = size.saturating_sub(self.bytes.len());
        self.bytes.try_reserve(more).map_err(|_| Errno::NOMEM)?;
        self.bytes.resize(size, 0);
        Ok(())
    }

    fn seek(&mut self, data: &[u8]) -> Result<Answer, Errno> {
        let (offset, from) = (int(data, 0)? as isize, int(data, 4)?);
        if self.mode == 0 {
            return Err(Errno::BADF);
        }
        let from = match from {
            0 => 0,
            1 => self.at,
            2 => self.bytes.len(),
            _ => return Err(Errno::INVAL),
        };
        self.at = from.checked_add_signed(offset).ok_or(Errno::INVAL)?;
        Ok(Answer::Number(self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(f: &mut RamFile, command: &[u8]) -> Result<Vec<u8>, Errno> {
        Ok(match f.run(command[0], &command[1..]).unwrap()? {
            Answer::Done => vec![],
            Answer::Number(n) => vec![n as u8],
            Answer::Data(d) => d,
        })
    }

    #[test]
    fn files_in_memory_grow_by_writing_behind_their_end() {
        let mut f = RamFile::default();
        assert_eq!(run(&mut f, &[9]), Err(Errno::BADF));
        run(&mut f, b"\x01\0\0\0\x03abc").unwrap();
        assert_eq!(run(&mut f, b"\x02\0\0\0\x02"), Ok(b"ab".to_vec()));
        assert_eq!(run(&mut f, b"\x12\0\0\0\x05xy"), Ok(vec![2]));
        assert_eq!(run(&mut f, &[30]), Ok(b"abc\0\0xy".to_vec()));
        assert_eq!(run(&mut f, b"\x03\xff\xff\xff\xff\0\0\0\x02"), Ok(vec![6]));
        assert_eq!(run(&mut f, b"\x03\xff\xff\xff\xf0\0\0\0\x01"), Err(Errno::INVAL));
        run(&mut f, &[14]).unwrap();
        assert_eq!(run(&mut f, &[37]), Ok(vec![6]));
        assert_eq!(run(&mut f, b"\x11\0\0\0\x63\0\0\0\x02"), Ok(vec![]));
        assert_eq!(run(&mut f, &[2]), Err(Errno::INVAL));
        assert!(f.run(77, &[]).is_none());
    }

    #[test]
    fn what_the_mode_forbids_is_refused() {
        let mut f = RamFile::default();
        run(&mut f, b"\x01\0\0\0\x01abc").unwrap();
        assert_eq!(run(&mut f, b"\x04x"), Err(Errno::BADF));
        assert_eq!(run(&mut f, &[14]), Err(Errno::ACCESS));
        run(&mut f, b"\x01\0\0\0\x02abc").unwrap();
        assert_eq!(run(&mut f, b"\x02\0\0\0\x02"), Err(Errno::BADF));
    }
}
