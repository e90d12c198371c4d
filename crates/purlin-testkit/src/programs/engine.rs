//! Engines that live long and run one module after the other, and what they answer.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// What the engines run.
pub const SERVER: &str = include_str!("purlin_programs.erl");

/// How an engine is started.
#[derive(Clone, Debug)]
pub struct Kind {
    /// What reports call it.
    pub name: &'static str,
    /// The command and its arguments, in front of those of `erl`.
    pub command: Vec<String>,
    /// Variables that it sees.
    pub variables: Vec<(&'static str, String)>,
    /// How it counts reductions.
    pub counts: Counts,
    /// Calls are repeated until they have taken so many reductions; then only one in four modules is run.
    pub repeats: u32,
}

/// How an engine counts reductions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counts {
    /// As the handlers, but for a few rare things.
    Same,
    /// At least as the handlers: they pass over messages for less.
    More,
    /// In its own way.
    Otherwise,
}

impl Counts {
    /// Whether a call may take `own` where it takes `other` in the tier that others are compared with.
    pub fn fits(self, own: u64, other: u64) -> bool {
        let no_more = |less: u64, more: u64| more <= less + less / 2 + 200;
        match self {
            Counts::Same => no_more(own, other) && no_more(other, own),
            Counts::More => no_more(own, other),
            Counts::Otherwise => true,
        }
    }
}

/// What one call gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The external term, or the text.
    pub given: Vec<u8>,
    /// Reductions that the call took.
    pub reductions: u64,
}

impl Outcome {
    /// The call gave a value, no exception.
    pub fn is_value(&self) -> bool {
        let start = &self.given[..self.given.len().min(16)];
        start.windows(5).any(|name| name == b"value")
    }

    /// The call took too long or too much memory.
    pub fn is_skipped(&self) -> bool {
        self.given == b"skip"
    }
}

/// A running engine; it ends when this is dropped.
pub struct Engine {
    child: Child,
    requests: Option<ChildStdin>,
    answers: ChildStdout,
    repeats: u32,
}

/// Why an engine did not answer: it is of no use any more.
#[derive(Clone, Debug)]
pub struct Failure(pub String);

impl Engine {
    /// Starts an engine, with the server's module in `dir` and what it writes to the standard error in a file there.
    pub fn start(kind: &Kind, dir: &Path) -> io::Result<Engine> {
        let errors = File::create(dir.join(format!("{}.stderr", kind.name.replace(' ', "_"))))?;
        let mut command = Command::new(&kind.command[0]);
        command.args(&kind.command[1..]).args(["-noinput", "-boot", "start_clean", "-pa"]).arg(dir);
        command.args(["-s", "purlin_programs"]).envs(kind.variables.iter().map(|(name, value)| (name, value)));
        command.env("ERL_CRASH_DUMP_BYTES", "0");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors).spawn()?;
        let (requests, answers) = (child.stdin.take(), child.stdout.take());
        let answers = answers.ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Engine { child, requests, answers, repeats: kind.repeats })
    }

    /// The fields of the answer to a request.
    pub fn ask(&mut self, operation: u8, fields: &[&[u8]], limit: Duration) -> Result<Vec<Vec<u8>>, Failure> {
        let answer = self.exchange(operation, fields, Instant::now() + limit);
        answer.map_err(|error| {
            let _ = self.child.kill();
            let status = self.child.wait().map_or_else(|e| e.to_string(), |status| status.to_string());
            Failure(format!("no answer: {error}; {status}"))
        })
    }

    fn exchange(&mut self, operation: u8, fields: &[&[u8]], end: Instant) -> io::Result<Vec<Vec<u8>>> {
        let mut request = vec![operation];
        for field in fields {
            request.extend((field.len() as u32).to_be_bytes());
            request.extend(*field);
        }
        let to = self.requests.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        to.write_all(&(request.len() as u32).to_be_bytes())?;
        to.write_all(&request)?;
        let mut length = [0; 4];
        self.read(&mut length, end)?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.read(&mut answer, end)?;
        let mut fields = Vec::new();
        let mut rest = &answer[..];
        while let Some((length, behind)) = rest.split_first_chunk::<4>() {
            let (field, behind) =
                behind.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or(io::ErrorKind::InvalidData)?;
            fields.push(field.to_vec());
            rest = behind;
        }
        Ok(fields)
    }

    fn read(&mut self, mut to: &mut [u8], end: Instant) -> io::Result<()> {
        while !to.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
            if poll(&mut [PollFd::new(&self.answers, PollFlags::IN)], Some(&left))? == 0 {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match self.answers.read(to)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => to = &mut to[read..],
            }
        }
        Ok(())
    }

    /// The code of a source, or why there is none.
    pub fn compile(&mut self, source: &str, options: &str) -> Result<Result<Vec<u8>, String>, Failure> {
        let answer = self.ask(b'c', &[source.as_bytes(), options.as_bytes()], Duration::from_secs(10))?;
        match <[Vec<u8>; 2]>::try_from(answer) {
            Ok([verdict, code]) if verdict == b"ok" => Ok(Ok(code)),
            Ok([_, why]) => Ok(Err(String::from_utf8_lossy(&why).into_owned())),
            Err(_) => Err(Failure("an answer that is none".to_owned())),
        }
    }

    /// What calls of a module give, by their numbers, or all of them; each may take `limit`.
    pub fn run(
        &mut self,
        code: &[u8],
        calls: Option<&[u8]>,
        limit: Duration,
        text: bool,
    ) -> Result<Vec<Outcome>, Failure> {
        let each = limit.as_millis().to_string();
        let repeats = self.repeats.to_string();
        let whole = limit * calls.map_or(100, |calls| calls.len() as u32) + Duration::from_secs(10);
        let operation = if text { b't' } else { b'r' };
        let fields =
            self.ask(operation, &[code, calls.unwrap_or(b"all"), each.as_bytes(), repeats.as_bytes()], whole)?;
        let outcome = |pair: &[Vec<u8>]| {
            let reductions = String::from_utf8_lossy(&pair[1]).parse().unwrap_or(0);
            Outcome { given: pair[0].clone(), reductions }
        };
        Ok(fields.chunks_exact(2).map(outcome).collect())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The end of its input is what the server waits for; one that hangs is not waited for.
        drop(self.requests.take());
        let end = Instant::now() + Duration::from_secs(2);
        while Instant::now() < end {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
