//! The driver of other programs: their output is a port's input, and the other way round.

use super::driver::Driver;
use super::open::{Settings, add};
use super::output::Output;
use super::stream::{Stream, closed_by_itself, read_all, write_failed};
use super::{Port, fds, table};
use crate::environment::ENVIRONMENT;
use crate::until::Until;
use purlin_term::{Term, am};
use purlin_vm::signal::Parcel;
use purlin_vm::{Ctx, Engine};
use std::ffi::OsString;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;

/// A program that was started.
struct Program {
    stream: Stream,
    os_pid: u32,
}

impl Driver for Program {
    fn stream(&self) -> Option<&Stream> {
        Some(&self.stream)
    }

    fn os_pid(&self) -> Option<u32> {
        Some(self.os_pid)
    }
}

/// Starts a program.
pub fn start(
    ctx: &mut Ctx<'_>,
    name: String,
    mut command: Command,
    cd: Option<OsString>,
    s: Settings,
) -> Result<Term, Term> {
    let error = |e: std::io::Error| match e.raw_os_error() {
        Some(libc::ENOENT) => am!("enoent"),
        Some(libc::EACCES) => am!("eacces"),
        Some(libc::EMFILE) => am!("emfile"),
        Some(libc::EAGAIN) => am!("eagain"),
        Some(libc::ENOMEM) => am!("enomem"),
        _ => am!("badarg"),
    };
    command.env_clear().envs(ctx.engine.state(&ENVIRONMENT).0.read().iter());
    for (name, value) in &s.env {
        match value {
            Some(v) => command.env(name, v),
            None => command.env_remove(name),
        };
    }
    if let Some(dir) = &cd {
        if let Err(e) = std::fs::read_dir(dir) {
            command = without_directory(dir, &e);
        } else {
            command.current_dir(dir);
        }
    }
    let (reader, writer) = std::io::pipe().map_err(error)?;
    let (reader, stop) = Until::new(reader).map_err(error)?;
    let (input, output) = if s.writes() {
        let (input, output) = std::io::pipe().map_err(error)?;
        (Some(input), Some(output))
    } else {
        (None, None)
    };
    if s.nouse_stdio {
        let written = s.reads().then(|| writer.try_clone()).transpose().map_err(error)?;
        fds::pass(&mut command, input.map(Into::into), written.map(Into::into)).map_err(error)?;
    } else {
        if s.stderr_to_stdout {
            command.stderr(Stdio::from(writer.try_clone().map_err(error)?));
        }
        command.stdout(if s.reads() { writer.try_clone().map_err(error)?.into() } else { Stdio::inherit() });
        command.stdin(input.map_or_else(Stdio::inherit, Stdio::from));
    }
    drop(writer);
    command.process_group(0);
    let child = command.spawn().or_else(|e| failing(&mut command, e)).map_err(error)?;
    // The command holds the write ends of the pipe: it has to go, or the reader never sees the end.
    drop(command);
    let id = table(ctx.engine).next_id();
    let out = output.map(|w| Output::start(ctx.engine, w, write_failed_quietly(ctx.engine, id)));
    let stream = Stream::new(out, Some(stop));
    let port = add(ctx, id, name, &s, Box::new(Program { stream, os_pid: child.id() }));
    let (engine, p, reads) = (ctx.engine.clone(), port.clone(), s.reads());
    std::thread::spawn(move || match reads {
        true => read_until_end(&engine, &p, reader, child),
        false => wait_for(&engine, &p, child),
    });
    Ok(port.term())
}

/// Reads what a program writes, and waits for its end: it may close its output and go on.
fn read_until_end(engine: &Arc<Engine>, port: &Arc<Port>, from: impl std::io::Read, child: Child) {
    let mut child = Some(child);
    read_all(engine, port, from, |port| {
        child.take_if(|_| port.options.exit_status).map(|child| status_of(port, child))
    });
    if let Some(mut child) = child {
        let _ = child.wait();
    }
}

/// What runs in place of a program that the system refuses to start: it ends with the error's number.
fn failing(command: &mut Command, e: std::io::Error) -> std::io::Result<Child> {
    let Some(number @ (libc::E2BIG | libc::ENOEXEC | libc::EACCES | libc::ENOENT)) = e.raw_os_error() else {
        return Err(e);
    };
    *command = Command::new("/bin/sh");
    command.arg("-c").arg(format!("exit {number}")).stdin(Stdio::null()).stdout(Stdio::null()).spawn()
}

/// What runs in place of a program whose directory cannot be entered: it tells so and ends with the error's number.
fn without_directory(dir: &OsString, e: &std::io::Error) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg("printf 'spawn: Could not cd to %s\\r\\n' \"$0\" >&2; exit \"$1\"");
    command.arg(dir).arg(e.raw_os_error().unwrap_or(1).to_string());
    command
}

/// A program that gives no output: its port stays open until it is closed or the program's status was asked for.
fn wait_for(engine: &Arc<Engine>, port: &Arc<Port>, mut child: Child) {
    if port.options.exit_status {
        port.tell_together(engine, vec![status_of(port, child)]);
        closed_by_itself(engine, port);
    } else {
        let _ = child.wait();
    }
}

/// Waits for a program's end; the message that tells of it.
fn status_of(port: &Port, mut child: Child) -> Parcel {
    let status: Option<ExitStatus> = child.wait().ok();
    let code = status.map_or(255, |s| s.code().unwrap_or_else(|| 128 + s.signal().unwrap_or(0)));
    port.message(|h| h.tuple(&[am!("exit_status"), Term::small(code as i64)]))
}

/// A program that reads no more closes its port only with its own end, which the reader sees.
fn write_failed_quietly(engine: &Arc<Engine>, id: u64) -> impl FnOnce(std::io::Error) + Send + 'static {
    let failed = write_failed(engine, id);
    move |e| {
        if e.kind() != std::io::ErrorKind::BrokenPipe {
            failed(e);
        }
    }
}
