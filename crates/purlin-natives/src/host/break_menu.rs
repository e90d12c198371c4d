//! What Ctrl-C does: the menu that the emulator shows, while the terminal is as the program found it.
//!
//! Nobody else reads standard input while the menu is open, so its keys reach no shell; processes go on running.

use super::listing;
use crate::tty;
use purlin_term::{Atom, Term};
use purlin_vm::Engine;
use purlin_vm::signal::Signal;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

static OPEN: AtomicBool = AtomicBool::new(false);

const MENU: &str = "BREAK: (a)bort (A)bort with dump (c)ontinue (p)roc info (i)nfo\n       \
                    (l)oaded (v)ersion (k)ill (D)b-tables (d)istribution\n";

/// Ctrl-C was pressed and the menu is wanted. Pressed again while it is open, it ends the program.
pub fn open(engine: &Arc<Engine>) {
    if OPEN.swap(true, Ordering::AcqRel) {
        end(0);
    }
    let engine = engine.clone();
    let thread = std::thread::Builder::new().name("break".into());
    let started = thread.spawn(move || {
        tty::with_plain(|| menu(&engine));
        OPEN.store(false, Ordering::Release);
    });
    if started.is_err() {
        end(1);
    }
}

fn end(status: i32) -> ! {
    tty::restore();
    std::process::exit(status)
}

fn say(text: &str) {
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The first key of the next line; none at the end of the input.
fn key() -> Option<char> {
    let mut line = [0; 64];
    loop {
        match rustix::io::read(std::io::stdin(), &mut line) {
            Ok(0) => return None,
            Ok(_) => return Some(line[0].into()),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

fn menu(engine: &Arc<Engine>) {
    say(&format!("\n{MENU}"));
    loop {
        let Some(key) = key() else { end(0) };
        match key {
            'a' | 'q' | '*' => end(0),
            'A' => {
                say("Crash dump requested by user: Purlin writes none\n");
                end(1)
            }
            'c' | 'm' => return,
            'v' => return say(&format!("Erlang (PURLIN) emulator version {}\n", engine.config.settings.version)),
            'p' => return say(&listing::text(engine, "procs").unwrap_or_default()),
            'l' => return say(&listing::text(engine, "loaded").unwrap_or_default()),
            'k' => return kill(engine),
            'i' => return counts(engine),
            'd' => return say(&listing::text(engine, "dist").unwrap_or_default()),
            'o' | 'D' => return say(&format!("({key}) is not available in Purlin\n")),
            '\n' => {}
            other => say(&format!("Invalid option '{other}'. Please enter one of the following:\n{MENU}")),
        }
    }
}

fn counts(engine: &Arc<Engine>) {
    let ports = engine.ports().map_or(0, |p| p.list(engine).len());
    say(&format!("Processes: {}\nPorts: {ports}\nAtoms: {}\n", engine.processes.count(), Atom::count()));
}

/// Asks for each process whether to end it.
fn kill(engine: &Arc<Engine>) {
    say("\nProcess Information\n\n--------------------------------------------------\n");
    for p in engine.processes.all().iter().rev() {
        say(&listing::process(p));
        loop {
            say("(k)ill (n)ext (r)eturn:\n");
            match key() {
                Some('k') => engine.post(p.pid(), Signal::exit(p.pid(), false, Term::atom(Atom::KILL))),
                Some('n') => {}
                Some('r') => return,
                Some(_) => continue,
                None => end(0),
            }
            break;
        }
    }
}
