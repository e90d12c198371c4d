//! Opening ports: the settings, and which driver it is.

use super::driver::{self, Driver, Named};
use super::framing::Framing;
use super::loading::{Library, Use};
use super::{Options, Port, ddll, program, resolver, stream, table};
use crate::environment::{os_string, variable_name, variable_text};
use crate::errno;
use purlin_term::{Atom, Immediate, Release, Term, am};
use purlin_vm::{Ctx, Engine, NativeResult};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

/// All settings of `open_port`.
pub struct Settings {
    pub options: Options,
    /// `in` and `out`: with neither, both directions are open.
    only_in: bool,
    only_out: bool,
    pub stderr_to_stdout: bool,
    /// The program reads from descriptor 3 and writes to 4.
    pub nouse_stdio: bool,
    pub args: Option<Vec<OsString>>,
    pub arg0: Option<OsString>,
    /// A directory; `[]` is none.
    cd: Term,
    busy_limits_port: bool,
    /// Variables to set, or with nothing to remove.
    pub env: Vec<(OsString, Option<OsString>)>,
}

impl Settings {
    pub fn reads(&self) -> bool {
        self.only_in || !self.only_out
    }

    pub fn writes(&self) -> bool {
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
pub fn open_port(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let opened = match settings(args[1]) {
        Some(s) => open(ctx, args[0], s),
        None => Err(am!("badopt")),
    };
    Ok(opened.unwrap_or_else(|reason| reason))
}

fn open(ctx: &mut Ctx<'_>, name: Term, s: Settings) -> Result<Term, Term> {
    let badarg = am!("badarg");
    if !table(ctx.engine).has_room(ctx.engine) {
        return Err(am!("system_limit"));
    }
    let Some(parts) = name.as_tuple() else {
        // Files are no ports any more since OTP 26.
        if ctx.engine.config.release >= Release(26) {
            return Err(badarg);
        }
        directory(s.cd)?;
        return stream::file(ctx, name, s);
    };
    let is_executable = parts.first() == Some(&am!("spawn_executable"));
    if (s.args.is_some() || s.arg0.is_some()) && !is_executable || s.options.exit_status && parts.len() == 3 {
        return Err(badarg);
    }
    let cd = directory(s.cd)?;
    match *parts {
        [kind, input, output] if kind == am!("fd") => {
            let (i, o) = (input.as_small().ok_or(badarg)?, output.as_small().ok_or(badarg)?);
            stream::descriptors(ctx, i, o, s)
        }
        [kind, command] if kind == am!("spawn") => {
            let text = text(command).ok_or(badarg)?;
            let first = text.to_string_lossy();
            if let Some(driver) = Found::of(ctx, &first) {
                return by_name(ctx, driver, &first, s);
            }
            let mut shell = Command::new("/bin/sh");
            let mut line = OsString::from("exec ");
            line.push(&text);
            shell.arg0("sh").arg("-c").arg(line);
            program::start(ctx, first.into_owned(), shell, cd, s)
        }
        [kind, file] if kind == am!("spawn_executable") => {
            let file = text(file).ok_or(badarg)?;
            if resolver::stands_in_for(&file, &s) {
                return resolver::open(ctx, &file, s);
            }
            executable(&file)?;
            let mut command = Command::new(&file);
            command.args(s.args.iter().flatten());
            if let Some(a) = &s.arg0 {
                command.arg0(a);
            }
            program::start(ctx, file.to_string_lossy().into_owned(), command, cd, s)
        }
        [kind, driver] if kind == am!("spawn_driver") => {
            let text = text(driver).ok_or(badarg)?;
            let command = text.to_string_lossy();
            by_name(ctx, Found::of(ctx, &command).ok_or(badarg)?, &command, s)
        }
        _ => Err(badarg),
    }
}

/// A driver that has a name.
enum Found {
    BuiltIn(&'static Named),
    Loaded(Arc<dyn Library>, Use),
}

impl Found {
    /// The driver that a command's first word names.
    fn of(ctx: &Ctx<'_>, command: &str) -> Option<Found> {
        let loaded = || ddll::find(ctx.engine, command.split(' ').next()?).map(|(of, using)| Found::Loaded(of, using));
        driver::named(command).map(Found::BuiltIn).or_else(loaded)
    }
}

/// Opens a port by a driver that has a name. They take neither programs' options nor limits.
fn by_name(ctx: &mut Ctx<'_>, driver: Found, command: &str, s: Settings) -> Result<Term, Term> {
    if s.busy_limits_port || s.options.exit_status {
        return Err(am!("badarg"));
    }
    match driver {
        Found::BuiltIn(driver) => (driver.open)(ctx, command, s),
        Found::Loaded(library, using) => library.open(ctx, command, s, using),
    }
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

/// Adds a port that belongs and is linked to the caller; its number was taken before.
pub fn add(ctx: &mut Ctx<'_>, id: u64, name: String, s: &Settings, driver: Box<dyn Driver>) -> Arc<Port> {
    let port = Port::open(ctx.engine, id, name, s.options.clone(), Some(ctx.process.who()), driver);
    ctx.data.relations().link(port.term());
    port
}

/// Puts a port into the table whose owner has not heard of it yet.
pub fn unlinked(
    engine: &Engine,
    name: String,
    options: Options,
    owner: Immediate,
    make: impl FnOnce(u64) -> Box<dyn Driver>,
) -> Result<Arc<Port>, Term> {
    if !table(engine).has_room(engine) {
        return Err(am!("system_limit"));
    }
    let id = table(engine).next_id();
    Ok(Port::open(engine, id, name, options, Some(owner), make(id)))
}
