//! What stands in for OTP's program `inet_gethost` where it cannot run: it is missing, or was built for another system's C
//! library. A port that speaks the program's protocol, with threads that ask the resolver.
//!
//! A request is `<<Serial:32, Operation, Protocol, What/binary>>`. The answer comes under the same serial, as
//! `<<Serial:32, Unit, Addresses:32, ..., Names:32, ...>>`, where a unit is the length of an address, or as
//! `<<Serial:32, 0, Reason/binary>>`; texts end with a zero. A look-up that is taken back ends in its own time, and
//! nobody is told of it.

mod sys;

use super::driver::{Driver, TooLong};
use super::framing::Framing;
use super::open::{Settings, add};
use super::{Port, stream, table};
use parking_lot::Mutex;
use purlin_term::{Immediate, Term, am};
use purlin_vm::{Ctx, Engine};
use std::collections::VecDeque;
use std::ffi::{CStr, CString, OsString};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// The name of the program.
const PROGRAM: &str = "inet_gethost";

/// The operations.
const BY_NAME: u8 = 1;
const BY_ADDRESS: u8 = 2;
const CANCEL: u8 = 3;
const CONTROL: u8 = 4;

/// The serial of what has no answer.
const NO_SERIAL: u32 = u32::MAX;

/// The protocols.
const IPV4: u8 = 1;
const IPV6: u8 = 2;

/// Look-ups that run at once, when the arguments do not say.
const AT_ONCE: usize = 1;

/// Threads for each of them: those whose look-up was taken back go on for a while.
const THREADS_EACH: usize = 4;

/// A look-up that is to be made, or runs.
struct Request {
    serial: u32,
    what: What,
}

enum What {
    Name(CString),
    Name6(CString),
    Address([u8; 4]),
    Address6([u8; 16]),
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Request>,
    /// Serials of the look-ups that somebody waits for, with the threads that run them.
    running: Vec<(u64, u32)>,
    threads: usize,
    /// The number of the next thread.
    next: u64,
    /// A program would have ended.
    ended: bool,
}

struct Resolver {
    at_once: usize,
    state: Arc<Mutex<State>>,
}

/// Whether a command is the program, as OTP opens it, and the program does not run here.
pub fn stands_in_for(file: &OsString, s: &Settings) -> bool {
    Path::new(file).file_name().is_some_and(|name| name == PROGRAM)
        && matches!(s.options.framing, Framing::Packet(4))
        && !runs(file)
}

/// Whether the program starts: without input it ends at once, and well.
fn runs(file: &OsString) -> bool {
    let mut command = Command::new(file);
    command.arg("1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Opens a port in place of the program's.
pub fn open(ctx: &mut Ctx<'_>, file: &OsString, s: Settings) -> Result<Term, Term> {
    let at_once = at_once(s.args.as_deref().unwrap_or(&[]));
    let id = table(ctx.engine).next_id();
    let driver = Resolver { at_once, state: Arc::default() };
    Ok(add(ctx, id, file.to_string_lossy().into_owned(), &s, Box::new(driver)).term())
}

/// The first number of the arguments: the others are about the order in which a queue is served.
fn at_once(args: &[OsString]) -> usize {
    let mut number = AT_ONCE;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "-g" {
            args.next();
        } else if let Some(n) = arg.to_str().and_then(|text| text.parse().ok()).filter(|&n: &usize| n > 0) {
            number = n;
        }
    }
    number
}

/// The number of a request, its operation and what comes after them.
fn parse(bytes: &[u8]) -> Option<(u32, u8, &[u8])> {
    let (serial, rest) = bytes.split_first_chunk()?;
    let (&operation, rest) = rest.split_first()?;
    Some((u32::from_be_bytes(*serial), operation, rest))
}

/// What is to be looked up, if it makes sense.
fn what(operation: u8, rest: &[u8]) -> Option<What> {
    let (&protocol, data) = rest.split_first()?;
    Some(match (operation, protocol) {
        (BY_NAME, IPV4) => What::Name(name(data)?),
        (BY_NAME, IPV6) => What::Name6(name(data)?),
        (BY_ADDRESS, IPV4) => What::Address(*data.first_chunk()?),
        (BY_ADDRESS, IPV6) => What::Address6(*data.first_chunk()?),
        _ => return None,
    })
}

/// A name, which ends with a zero.
fn name(data: &[u8]) -> Option<CString> {
    CStr::from_bytes_until_nul(data).ok().map(CStr::to_owned)
}

impl Driver for Resolver {
    /// Takes a request. The program throws away what makes no sense, and ends when it cannot even tell what it is.
    fn command(&self, engine: &Arc<Engine>, port: &Arc<Port>, _: Immediate, bytes: Vec<u8>) -> Result<(), TooLong> {
        let mut state = self.state.lock();
        if state.ended {
            return Ok(());
        }
        match parse(&bytes) {
            // How much it reports, which is nothing.
            Some((NO_SERIAL, CONTROL, _)) => {}
            None | Some((_, CONTROL, _)) => {
                *state = State { ended: true, ..State::default() };
                drop(state);
                end(engine, port);
            }
            Some((serial, CANCEL, _)) => {
                state.waiting.retain(|request| request.serial != serial);
                state.running.retain(|(_, running)| *running != serial);
                self.start(engine, port, &mut state);
            }
            Some((serial, operation, rest)) => {
                state.waiting.extend(what(operation, rest).map(|what| Request { serial, what }));
                self.start(engine, port, &mut state);
            }
        }
        Ok(())
    }

    fn close(&self, _: &Arc<Engine>, _: &Arc<Port>) {
        *self.state.lock() = State { ended: true, ..State::default() };
    }
}

impl Resolver {
    /// Starts threads for what waits, as many as may run.
    fn start(&self, engine: &Arc<Engine>, port: &Arc<Port>, state: &mut State) {
        while state.running.len() < self.at_once && state.threads < self.at_once.saturating_mul(THREADS_EACH) {
            let Some(request) = state.waiting.pop_front() else { return };
            let me = state.next;
            state.next += 1;
            state.threads += 1;
            state.running.push((me, request.serial));
            let (engine, port, at_once, shared) = (engine.clone(), port.clone(), self.at_once, self.state.clone());
            std::thread::spawn(move || work(&engine, &port, (at_once, &shared), me, request));
        }
    }
}

/// Makes one look-up after the other, until there is none.
fn work(
    engine: &Arc<Engine>,
    port: &Arc<Port>,
    (at_once, shared): (usize, &Mutex<State>),
    me: u64,
    mut request: Request,
) {
    loop {
        let answer = answer(&request);
        let mut state = shared.lock();
        let is_wanted = state.running.iter().any(|running| running.0 == me);
        state.running.retain(|running| running.0 != me);
        let next = if state.running.len() < at_once { state.waiting.pop_front() } else { None };
        match &next {
            Some(next) => state.running.push((me, next.serial)),
            None => state.threads = state.threads.saturating_sub(1),
        }
        drop(state);
        if is_wanted {
            send(engine, port, answer);
        }
        match next {
            Some(next) => request = next,
            None => return,
        }
    }
}

fn send(engine: &Arc<Engine>, port: &Arc<Port>, bytes: Vec<u8>) {
    port.count_input(engine, bytes.len());
    let binary = port.options.binary;
    port.tell(engine, |h| {
        let data = if binary { h.binary(&bytes) } else { h.byte_list(&bytes) };
        h.tuple(&[am!("data"), data])
    });
}

fn end(engine: &Arc<Engine>, port: &Arc<Port>) {
    if port.options.eof {
        port.tell(engine, |_| am!("eof"));
    } else {
        stream::closed_by_itself(engine, port);
    }
}

/// Looks up what is asked for: the answer's bytes.
fn answer(request: &Request) -> Vec<u8> {
    let found = match &request.what {
        What::Name(name) => sys::by_name(name).map(|host| (4, host)),
        What::Name6(name) => sys::by_name_6(name).map(|host| (16, host)),
        What::Address(address) => sys::by_address(*address).map(|host| (4, host)),
        What::Address6(address) => sys::by_address_6(*address).map(|host| (16, host)),
    };
    let mut bytes = request.serial.to_be_bytes().to_vec();
    let text = |bytes: &mut Vec<u8>, text: &[u8]| {
        bytes.extend_from_slice(text);
        bytes.push(0);
    };
    match found {
        Ok((unit, host)) => {
            bytes.push(unit);
            bytes.extend((host.addresses.len() as u32).to_be_bytes());
            bytes.extend(host.addresses.concat());
            bytes.extend((host.names.len() as u32).to_be_bytes());
            host.names.iter().for_each(|name| text(&mut bytes, name));
        }
        Err(refusal) => {
            bytes.push(0);
            text(&mut bytes, refusal.text().as_bytes());
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(operation: u8, rest: &[u8]) -> Option<Vec<u8>> {
        what(operation, rest).map(|what| answer(&Request { serial: 258, what }))
    }

    #[test]
    fn numbers_are_names_of_their_own() {
        let mut expected = b"\0\0\x01\x02\x04\0\0\0\x01\x7f\0\0\x01\0\0\0\x01".to_vec();
        expected.extend(b"127.0.0.1\0");
        assert_eq!(ask(BY_NAME, b"\x01127.0.0.1\0more"), Some(expected));
        let answer = ask(BY_NAME, b"\x02::1\0").unwrap();
        assert_eq!(answer[4..9], [16, 0, 0, 0, 1]);
        assert_eq!(answer[9..25], *b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01");
        assert!(answer.ends_with(b"\0\0\0\x01::1\0"));
    }

    #[test]
    fn what_is_not_found_has_a_reason_and_what_makes_no_sense_no_answer() {
        assert_eq!(ask(BY_NAME, b"\x02127.0.0.1\0"), Some(b"\0\0\x01\x02\0netdb_internal\0".to_vec()));
        let none: &[(u8, &[u8])] =
            &[(BY_NAME, b""), (BY_NAME, b"\x03a\0"), (BY_NAME, b"\x01a"), (9, b"\x01"), (BY_ADDRESS, b"\x01\x7f\0\0")];
        for &(operation, rest) in none {
            assert_eq!(ask(operation, rest), None);
        }
    }

    #[test]
    fn the_arguments_say_how_many_look_ups_run_at_once() {
        let args = |list: &[&str]| at_once(&list.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(args(&["4"]), 4);
        assert_eq!(args(&["-g", "2", "-ng", "-d", "6"]), 6);
        assert_eq!(args(&["0"]), AT_ONCE);
    }
}
