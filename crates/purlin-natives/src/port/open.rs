//! Opening ports: file descriptors and other programs.

use super::framing::{Cutter, Framing, Piece};
use super::output::Output;
use super::until::Until;
use super::{Driver, Options, Port, State, fds, inet, table, terminal, trace_file};
use crate::errno;
use crate::host::environment::{ENVIRONMENT, os_string, variable_name, variable_text};
use parking_lot::Mutex;
use purlin_term::{Atom, Heap, Term, am};
use purlin_vm::signal::Signal;
use purlin_vm::tracing::TraceWord;
use purlin_vm::{Ctx, Engine, NativeResult};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// All settings of `open_port`.
pub(super) struct Settings {
    pub(super) options: Options,
    /// `in` and `out`: with neither, both directions are open.
    only_in: bool,
    only_out: bool,
    stderr_to_stdout: bool,
    /// The program reads from descriptor 3 and writes to 4.
    nouse_stdio: bool,
    args: Option<Vec<OsString>>,
    arg0: Option<OsString>,
    /// A directory; `[]` is none.
    cd: Term,
    busy_limits_port: bool,
    /// Variables to set, or with nothing to remove.
    env: Vec<(OsString, Option<OsString>)>,
}

impl Settings {
    pub(super) fn reads(&self) -> bool {
        self.only_in || !self.only_out
    }

    fn writes(&self) -> bool {
        self.only_out || !self.only_in
    }
}

/// Lines are so long at most, when no length is given.
const LINE: usize = 512;

fn settings(list: Term) -> Option<Settings> {
    let mut s = Settings {
        options: Options::default(),
        only_in: false,
        only_out: false,
        stderr_to_stdout: false,
        nouse_stdio: false,
        args: None,
        arg0: None,
        cd: Term::NIL,
        busy_limits_port: false,
        env: Vec::new(),
    };
    let (mut packet, mut line) = (None, None);
    for o in list.as_list()? {
        if let Some(name) = o.as_atom() {
            match name.name() {
                "stream" => packet = None,
                "binary" => s.options.binary = true,
                "eof" => s.options.eof = true,
                "exit_status" => s.options.exit_status = true,
                "in" => s.only_in = true,
                "out" => s.only_out = true,
                "line" => line = Some(LINE),
                "stderr_to_stdout" => s.stderr_to_stdout = true,
                "use_stdio" => s.nouse_stdio = false,
                "nouse_stdio" => s.nouse_stdio = true,
                "hide" | "overlapped_io" => {}
                _ => return None,
            }
            continue;
        }
        let &[key, value] = o.as_tuple()? else { return None };
        match key.as_atom()?.name() {
            "packet" => {
                packet = Some(value.as_small().filter(|n| matches!(n, 1 | 2 | 4))? as u8);
            }
            "line" => line = Some(value.as_usize().filter(|&n| n > 0)?),
            "args" => s.args = Some(value.as_list()?.into_iter().map(argument).collect::<Option<_>>()?),
            "arg0" => s.arg0 = Some(argument(value)?),
            "cd" => s.cd = value,
            "env" => s.env = variables(value)?,
            "parallelism" => s.options.parallelism = value.as_bool()?,
            "busy_limits_port" => {
                busy_limits(value)?;
                s.busy_limits_port = true;
            }
            "busy_limits_msgq" => busy_limits(value)?,
            _ => return None,
        }
    }
    s.options.framing = match (packet, line) {
        (Some(_), Some(_)) => return None,
        (Some(n), None) => Framing::Packet(n),
        (None, Some(n)) => Framing::Line(n),
        (None, None) => Framing::Stream,
    };
    (!(s.stderr_to_stdout && s.nouse_stdio)).then_some(s)
}

/// Variables to set or, with `false` or `[]`, to remove.
fn variables(list: Term) -> Option<Vec<(OsString, Option<OsString>)>> {
    let variable = |pair: Term| {
        let &[name, value] = pair.as_tuple()? else { return None };
        let removed = value.is_nil() || value.as_bool() == Some(false);
        Some((variable_name(name)?, if removed { None } else { Some(variable_text(value)?) }))
    };
    list.as_list()?.into_iter().map(variable).collect()
}

/// `disabled`, or the low and the high mark: ports of programs have limits of their own here.
fn busy_limits(t: Term) -> Option<()> {
    const MARKS: std::ops::Range<i64> = 1..i64::MAX;
    match *t.as_tuple().unwrap_or(&[]) {
        [low, high] => [low, high].iter().all(|m| m.as_i64().is_some_and(|m| MARKS.contains(&m))).then_some(()),
        _ => (t == am!("disabled")).then_some(()),
    }
}

/// A port, or an atom that the wrapper in `erlang` raises as an error.
pub fn open_port(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let opened = match settings(a[1]) {
        Some(s) => open(c, a[0], s),
        None => Err(am!("badopt")),
    };
    Ok(opened.unwrap_or_else(|reason| reason))
}

fn open(c: &mut Ctx<'_>, name: Term, s: Settings) -> Result<Term, Term> {
    let badarg = am!("badarg");
    if !table(c.engine).has_room(c.engine) {
        return Err(am!("system_limit"));
    }
    let Some(parts) = name.as_tuple() else {
        directory(s.cd)?;
        return file(c, name, s);
    };
    let is_executable = parts.first() == Some(&am!("spawn_executable"));
    if (s.args.is_some() || s.arg0.is_some()) && !is_executable || s.options.exit_status && parts.len() == 3 {
        return Err(badarg);
    }
    let cd = directory(s.cd)?;
    match *parts {
        [kind, input, output] if kind == am!("fd") => {
            let (i, o) = (input.as_small().ok_or(badarg)?, output.as_small().ok_or(badarg)?);
            descriptors(c, i, o, s)
        }
        [kind, command] if kind == am!("spawn") => {
            let text = text(command).ok_or(badarg)?;
            let first = text.to_string_lossy();
            if DRIVERS.contains(&first.split(' ').next().unwrap_or("")) {
                return linked_in(c, &first, s).unwrap_or(Err(badarg));
            }
            let mut shell = Command::new("/bin/sh");
            let mut line = OsString::from("exec ");
            line.push(&text);
            shell.arg0("sh").arg("-c").arg(line);
            program(c, first.into_owned(), shell, cd, s)
        }
        [kind, file] if kind == am!("spawn_executable") => {
            let file = text(file).ok_or(badarg)?;
            executable(&file)?;
            let mut command = Command::new(&file);
            command.args(s.args.iter().flatten());
            if let Some(a) = &s.arg0 {
                command.arg0(a);
            }
            program(c, file.to_string_lossy().into_owned(), command, cd, s)
        }
        [kind, driver] if kind == am!("spawn_driver") => {
            let text = text(driver).ok_or(badarg)?;
            linked_in(c, &text.to_string_lossy(), s).unwrap_or(Err(badarg))
        }
        _ => Err(badarg),
    }
}

/// The drivers that are built in.
const DRIVERS: [&str; 5] = ["tty_sl", "tcp_inet", "udp_inet", "ram_file_drv", "trace_file_drv"];

/// Opens a port by a built-in driver, whose name is the command's first word. `None`: there is no such driver.
fn linked_in(c: &mut Ctx<'_>, command: &str, s: Settings) -> Option<Result<Term, Term>> {
    let driver = command.split(' ').next()?;
    if DRIVERS.contains(&driver) && (s.busy_limits_port || s.options.exit_status) {
        return Some(Err(am!("badarg")));
    }
    Some(match driver {
        "tty_sl" => terminal::open(c, command, s),
        name @ ("tcp_inet" | "udp_inet") => inet::open(c, name, s.options),
        "ram_file_drv" => {
            let id = table(c.engine).next_id();
            Ok(add(c, command.into(), &s, None, None, Driver::RamFile(Mutex::default()), id).term())
        }
        "trace_file_drv" => trace_file::open(c, command, &s),
        _ => return None,
    })
}

/// The directory to start a program in.
fn directory(t: Term) -> Result<Option<OsString>, Term> {
    if t.is_nil() {
        return Ok(None);
    }
    text(t).map(Some).ok_or(am!("badarg"))
}

/// The text of an atom, a list that is not empty, or a binary, which may end with zeros.
fn text(t: Term) -> Option<OsString> {
    if let Some(atom) = t.as_atom() {
        return Some(OsString::from(atom.name())).filter(|text| !text.is_empty());
    }
    let Some(bytes) = t.as_bytes() else { return os_string(t).filter(|text| !text.is_empty()) };
    let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    (!bytes[..end].contains(&0)).then(|| OsString::from_vec(bytes[..end].to_vec()))
}

/// As [`text`], or the empty one of `[]` and `''`.
fn argument(t: Term) -> Option<OsString> {
    if t.is_nil() || t.is(Atom::EMPTY) { Some(OsString::new()) } else { text(t) }
}

/// Whether the file may be run: that it cannot be, a directory for one, is left to who starts it.
fn executable(file: &OsString) -> Result<(), Term> {
    rustix::fs::access(file, rustix::fs::Access::EXEC_OK).map_err(errno::atom)
}

/// Adds a port that belongs and is linked to the caller.
pub(super) fn add(
    c: &mut Ctx<'_>,
    name: String,
    s: &Settings,
    output: Option<Output>,
    os_pid: Option<u32>,
    driver: Driver,
    id: u64,
) -> Arc<Port> {
    let me = c.pid();
    let state = State { owner: Some(me), links: vec![me], ..State::default() };
    let port = Arc::new(Port {
        id,
        name,
        os_pid,
        options: s.options.clone(),
        state: Mutex::new(state),
        output,
        input_bytes: AtomicU64::new(0),
        output_bytes: AtomicU64::new(0),
        driver,
        stop: Mutex::default(),
        trace: TraceWord::default(),
    });
    c.data.relations().link(port.term());
    table(c.engine).add(port.clone());
    port
}

/// What to do when the port with this number cannot write any more.
pub(super) fn write_failed(engine: &Arc<Engine>, id: u64) -> impl FnOnce(std::io::Error) + Send + 'static {
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

/// `{fd, In, Out}`: standard input, output and error.
fn descriptors(c: &mut Ctx<'_>, input: i64, output: i64, s: Settings) -> Result<Term, Term> {
    let id = table(c.engine).next_id();
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
    let stop = Some(stop);
    let out = writer.map(|w| Output::start(c.engine, w, write_failed(c.engine, id)));
    let name = format!("{input}/{output}");
    let port = add(c, name, &s, out, None, Driver::Descriptors(output as i32), id);
    if s.reads() {
        *port.stop.lock() = stop;
        let (engine, p) = (c.engine.clone(), port.clone());
        std::thread::spawn(move || read_all(&engine, &p, reader, None));
    }
    Ok(port.term())
}

/// A file, which is read from its start, or written.
fn file(c: &mut Ctx<'_>, name: Term, s: Settings) -> Result<Term, Term> {
    if s.args.is_some()
        || s.arg0.is_some()
        || s.options.exit_status
        || !(name.is_list() && !name.is_nil() || name.is_atom())
    {
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
    let id = table(c.engine).next_id();
    let out = writes.then(|| Output::start(c.engine, file, write_failed(c.engine, id)));
    let port = add(c, path.to_string_lossy().into_owned(), &s, out, None, Driver::File { regular }, id);
    if reads {
        *port.stop.lock() = Some(stop);
        let (engine, p) = (c.engine.clone(), port.clone());
        std::thread::spawn(move || read_all(&engine, &p, reader, None));
    }
    Ok(port.term())
}

/// Another program.
fn program(
    c: &mut Ctx<'_>,
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
    command.env_clear().envs(c.engine.state(&ENVIRONMENT).0.read().iter());
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
    let id = table(c.engine).next_id();
    let out = output.map(|w| Output::start(c.engine, w, write_failed_quietly(c.engine, id)));
    let port = add(c, name, &s, out, Some(child.id()), Driver::Program, id);
    let (engine, p) = (c.engine.clone(), port.clone());
    *port.stop.lock() = Some(stop);
    let reads = s.reads();
    std::thread::spawn(
        move || {
            if reads { read_all(&engine, &p, reader, Some(child)) } else { wait_for(&engine, &p, child) }
        },
    );
    Ok(port.term())
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
        tell_status(engine, port, child);
        closed_by_itself(engine, port);
    } else {
        let _ = child.wait();
    }
}

/// Waits for a program's end.
fn tell_status(engine: &Arc<Engine>, port: &Port, mut child: Child) {
    let status: Option<ExitStatus> = child.wait().ok();
    let code = status.map_or(255, |s| s.code().unwrap_or_else(|| 128 + s.signal().unwrap_or(0)));
    port.tell(engine, |h| h.tuple(&[am!("exit_status"), Term::small(code as i64)]));
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

/// Reads until the end and sends what comes to the owner; then tells of the end as the options say.
pub(super) fn read_all(engine: &Arc<Engine>, port: &Arc<Port>, mut from: impl Read, child: Option<Child>) {
    let mut cutter = Cutter::new(port.options.framing);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            // Nobody is there to read for: a program that goes on writing gets to know by the closed pipe.
            Ok(_) if !port.is_open(engine) => break,
            Ok(n) => {
                port.input_bytes.fetch_add(n as u64, Ordering::Relaxed);
                for piece in cutter.feed(&buffer[..n]) {
                    deliver(engine, port, piece);
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    drop(from);
    let mut child = child;
    if port.options.exit_status
        && let Some(child) = child.take()
    {
        tell_status(engine, port, child);
    }
    if let Some(piece) = cutter.finish() {
        deliver(engine, port, piece);
    }
    if port.options.eof {
        port.tell(engine, |_| am!("eof"));
    } else {
        closed_by_itself(engine, port);
    }
    // A program may close its output and go on.
    if let Some(mut child) = child {
        let _ = child.wait();
    }
}

/// The other side has ended: the port closes with the reason `normal`.
fn closed_by_itself(engine: &Arc<Engine>, port: &Arc<Port>) {
    let normal = Term::atom(Atom::NORMAL);
    let owner = port.state.lock().owner;
    let linked = owner.is_some_and(|o| port.state.lock().links.contains(&o));
    if port.close(engine, normal)
        && let Some(owner) = owner
        && !linked
    {
        engine.post(owner, Signal::exit(port.term(), false, normal));
    }
}

fn deliver(engine: &Arc<Engine>, port: &Port, piece: Piece) {
    let binary = port.options.binary;
    let bytes = |h: &mut Heap, b: &[u8]| if binary { h.binary(b) } else { h.byte_list(b) };
    port.tell(engine, |h| {
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
    });
}
