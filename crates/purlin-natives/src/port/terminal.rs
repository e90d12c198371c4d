//! The driver `tty_sl`: a terminal that is read key by key and drawn on by editing commands.

mod line;

use super::driver::{Driver, TooLong};
use super::open::{Settings, add};
use super::output::Output;
use super::stream::{Stream, start_reading, write_failed};
use super::{Port, table};
use crate::tty::{self, Wanted};
use crate::until::Until;
use line::Line;
use parking_lot::Mutex;
use purlin_term::{Immediate, Term, am};
use purlin_vm::{Ctx, Engine};
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

/// A terminal's state.
struct Terminal {
    stream: Stream,
    line: Mutex<Line>,
    unicode: AtomicBool,
}

/// The bytes that tell columns and rows of what a standard descriptor leads to.
pub fn window_size(fd: i64) -> Option<Vec<u8>> {
    let size = tty::window(fd)?;
    Some(two_numbers(size.ws_col as u32, size.ws_row as u32))
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
    if tty::is_taken() {
        return None;
    }
    let mut wanted = Wanted::default();
    for flag in command.split(' ').skip(1) {
        let on = Some(flag.starts_with('+'));
        match flag.get(1..2) {
            Some("c") => wanted.lines = on,
            Some("e") => wanted.echo = on,
            Some("s") => wanted.signals = on,
            _ => {}
        }
    }
    tty::take_over(wanted).ok()
}

impl Driver for Terminal {
    fn stream(&self) -> Option<&Stream> {
        Some(&self.stream)
    }

    /// Draws.
    fn command(&self, engine: &Arc<Engine>, port: &Arc<Port>, _: Immediate, bytes: Vec<u8>) -> Result<(), TooLong> {
        let columns = tty::window(1).map_or(0, |s| s.ws_col as usize);
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

    fn control(&self, _: &Arc<Engine>, _: &Arc<Port>, _: Immediate, operation: u32, data: &[u8]) -> Option<Vec<u8>> {
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
        tty::restore();
    }
}
