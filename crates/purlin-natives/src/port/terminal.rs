//! The driver `tty_sl`: a terminal that is read key by key and drawn on by editing commands.
//!
//! A program has one terminal, so the settings to give back to it are kept once for all engines.

mod line;

use super::driver::{Driver, TooLong};
use super::open::{Settings, add};
use super::output::Output;
use super::stream::{Stream, start_reading, write_failed};
use super::until::{STANDARD_INPUT, Until};
use super::{Port, table};
use crate::on_break::{self, OnBreak};
use line::Line;
use parking_lot::Mutex;
use purlin_term::{Term, am};
use purlin_vm::{Ctx, Engine};
use rustix::termios::{self, InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the numbers of control operations of descriptors and terminals start from.
const CONTROL: u32 = 0x018b_0900;
/// Columns and rows of the window; descriptors answer it, too.
pub const WINDOW_SIZE: u32 = CONTROL + 100;
/// Whether text is UTF-8, and saying so.
const GET_UNICODE: u32 = CONTROL + 101;
const SET_UNICODE: u32 = CONTROL + 102;

/// The settings that the terminal had, and those that it has, while it is read key by key.
static MODES: Mutex<Option<(Termios, Termios)>> = Mutex::new(None);

/// A terminal's state.
struct Terminal {
    stream: Stream,
    line: Mutex<Line>,
    unicode: AtomicBool,
}

/// Gives the terminal the settings back that it had.
pub fn restore() {
    if let Some((before, _)) = MODES.lock().take() {
        let _ = termios::tcsetattr(std::io::stdin(), OptionalActions::Drain, &before);
    }
}

/// Sets the terminal up again after the program was stopped and continued.
pub fn resume() {
    if let Some((_, ours)) = &*MODES.lock() {
        let _ = termios::tcsetattr(std::io::stdin(), OptionalActions::Now, ours);
    }
}

/// The bytes that tell columns and rows of what a standard descriptor leads to.
pub fn window_size(fd: i64) -> Option<Vec<u8>> {
    let size = match fd {
        0 => termios::tcgetwinsize(std::io::stdin()),
        1 => termios::tcgetwinsize(std::io::stdout()),
        _ => termios::tcgetwinsize(std::io::stderr()),
    };
    let size = size.ok()?;
    Some(two_numbers(size.ws_col as u32, size.ws_row as u32))
}

/// Runs something that talks to the user directly, with the terminal as the program found it and nobody else reading.
pub fn with_plain(run: impl FnOnce()) {
    let _input = STANDARD_INPUT.lock();
    let set = |pick: fn(&(Termios, Termios)) -> &Termios| {
        if let Some(modes) = &*MODES.lock() {
            let _ = termios::tcsetattr(std::io::stdin(), OptionalActions::Drain, pick(modes));
        }
    };
    set(|modes| &modes.0);
    run();
    set(|modes| &modes.1);
}

fn two_numbers(a: u32, b: u32) -> Vec<u8> {
    [a.to_ne_bytes(), b.to_ne_bytes()].concat()
}

/// `{spawn, "tty_sl ..."}`; refused when there is no terminal, which the shells rely on.
pub fn open(ctx: &mut Ctx<'_>, command: &str, s: Settings) -> Result<Term, Term> {
    let refused = am!("einval");
    let able = std::env::var("TERM").is_ok_and(|t| !t.is_empty() && t != "dumb");
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() || !able {
        return Err(refused);
    }
    let (reader, stop) = Until::standard_input().map_err(|_| refused)?;
    take_over(command).ok_or(refused)?;
    let id = table(ctx.engine).next_id();
    let out = Output::start(ctx.engine, std::io::stdout(), write_failed(ctx.engine, id));
    let utf8 = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|v| std::env::var(v).ok().filter(|v| !v.is_empty()))
        .is_some_and(|l| l.to_lowercase().replace('-', "").contains("utf8"));
    let stream = Stream::new(Some(out), Some(stop));
    let terminal = Terminal { stream, line: Mutex::new(Line::new()), unicode: AtomicBool::new(utf8) };
    let port = add(ctx, id, command.into(), &s, Box::new(terminal));
    start_reading(ctx.engine, &port, reader);
    Ok(port.term())
}

/// Has the terminal give each key at once; `-c`, `-e` and `-s` turn lines, echo and signal keys off, `+` on.
fn take_over(command: &str) -> Option<()> {
    let mut modes = MODES.lock();
    if modes.is_some() {
        return None;
    }
    let before = termios::tcgetattr(std::io::stdin()).ok()?;
    let mut ours = before.clone();
    ours.input_modes.remove(InputModes::ISTRIP);
    for flag in command.split(' ').skip(1) {
        let on = flag.starts_with('+');
        match flag.get(1..2) {
            Some("c") => {
                ours.local_modes.set(LocalModes::ICANON, on);
                ours.input_modes.set(InputModes::ICRNL, on);
                ours.output_modes.set(OutputModes::OPOST, on);
                if !on {
                    ours.special_codes[SpecialCodeIndex::VMIN] = 1;
                    ours.special_codes[SpecialCodeIndex::VTIME] = 0;
                }
            }
            Some("e") => ours.local_modes.set(LocalModes::ECHO, on),
            Some("s") => ours.local_modes.set(LocalModes::ISIG, on),
            _ => {}
        }
    }
    if on_break::chosen() == OnBreak::Shell {
        // Without a key for the signal, Ctrl-C is a character, which the shell's driver takes as an interrupt.
        ours.special_codes[SpecialCodeIndex::VINTR] = 0;
    }
    termios::tcsetattr(std::io::stdin(), OptionalActions::Now, &ours).ok()?;
    *modes = Some((before, ours));
    Some(())
}

impl Driver for Terminal {
    fn stream(&self) -> Option<&Stream> {
        Some(&self.stream)
    }

    /// Draws.
    fn command(&self, engine: &Arc<Engine>, port: &Arc<Port>, _: Term, bytes: Vec<u8>) -> Result<(), TooLong> {
        let columns = termios::tcgetwinsize(std::io::stdout()).map_or(0, |s| s.ws_col as usize);
        let columns = if columns == 0 { 80 } else { columns };
        let drawn = self.line.lock().command(&bytes, columns, self.unicode.load(Ordering::Relaxed));
        if let Some(output) = self.stream.output() {
            output.write(drawn);
        }
        if bytes.first() == Some(&line::PUTC_SYNC) {
            port.tell(engine, |_| am!("ok"));
        }
        Ok(())
    }

    fn control(&self, _: &Arc<Engine>, _: &Arc<Port>, _: Term, operation: u32, data: &[u8]) -> Option<Vec<u8>> {
        match operation {
            WINDOW_SIZE => window_size(0).or(Some(two_numbers(80, 24))),
            GET_UNICODE => Some(vec![self.unicode.load(Ordering::Relaxed) as u8]),
            SET_UNICODE => match data.first() {
                Some(&on) => Some(vec![self.unicode.swap(on != 0, Ordering::Relaxed) as u8]),
                None => Some(Vec::new()),
            },
            _ => None,
        }
    }

    fn close(&self, engine: &Arc<Engine>, _: &Arc<Port>) {
        self.stream.close(engine);
        restore();
    }
}
