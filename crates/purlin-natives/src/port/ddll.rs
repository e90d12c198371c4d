//! `erl_ddll`: drivers that are loaded while the system runs.
//!
//! [`registry`] says what is loaded and by whom; here are the natives, and the texts of errors.

mod registry;

pub use registry::{Use, find, set_loader};

use super::driver;
use super::loading::Fault;
use crate::environment::os_string;
use purlin_term::iolist::to_bytes;
use purlin_term::{Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::signal::{RefId, Signal, SignalKind};
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult};
use registry::{Answer, Pending, Wait};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain("erl_ddll", "try_load", 3, try_load),
    Native::plain("erl_ddll", "try_unload", 2, try_unload),
    Native::plain("erl_ddll", "loaded_drivers", 0, loaded_drivers),
    Native::plain("erl_ddll", "info", 2, info),
    Native::plain("erl_ddll", "monitor", 2, monitor),
    Native::plain("erl_ddll", "demonitor", 1, demonitor),
    Native::plain("erl_ddll", "format_error_int", 1, format_error_int),
];

/// Has the ends of processes that load drivers noticed.
pub fn install(engine: &Arc<Engine>) {
    engine.on_exit_of_involved(|ctx, _| registry::process_ended(ctx.engine, ctx.process.who()));
}

/// The drivers that the emulator brings along.
fn linked_in() -> impl Iterator<Item = &'static str> {
    driver::NAMED.iter().filter(|d| d.linked_in).map(|d| d.name)
}

fn is_linked_in(name: &str) -> bool {
    linked_in().any(|n| n == name)
}

fn name(t: Term) -> Result<String, Escape> {
    match t.as_atom() {
        Some(a) => Some(a.name().to_string()).filter(|n| !n.is_empty()).or_badarg(),
        None => to_bytes(t).and_then(|bytes| String::from_utf8(bytes).ok()).or_badarg(),
    }
}

/// The file of a driver, without its ending: the directory may end with slashes.
fn path(directory: Term, name: &str) -> Result<OsString, Escape> {
    let directory = match directory.as_atom() {
        Some(atom) => OsString::from(atom.name()),
        None => os_string(directory).or_badarg()?,
    };
    let bytes = directory.as_bytes();
    let end = bytes.iter().rposition(|&b| b != b'/' && b != b'\\').map_or(0, |last| last + 1);
    Ok(OsString::from_vec([&bytes[..end], b"/", OsStr::new(name).as_bytes()].concat()))
}

/// `pending_driver` or `pending`: whether others count as well.
fn pending(t: Term) -> Result<Pending, Escape> {
    if t == am!("pending_driver") {
        Ok(Pending::Driver)
    } else if t == am!("pending") {
        Ok(Pending::Others)
    } else {
        Err(Escape::BADARG)
    }
}

/// What the natives give back: `{ok, What}`, `{ok, What, Ref}` or `{error, What}`.
fn answer(ctx: &mut Ctx<'_>, answer: Answer) -> NativeResult {
    ctx.process.involve();
    let h = ctx.heap();
    let ok = am!("ok");
    Ok(match answer {
        Answer::Ok(what, None) => h.tuple(&[ok, what]),
        Answer::Ok(what, Some(id)) => {
            let r = h.reference(id);
            h.tuple(&[ok, what, r])
        }
        Answer::Refused(what) => h.tuple(&[am!("error"), what]),
        Answer::Failed(code) => {
            let what = error_of(h, code);
            h.tuple(&[am!("error"), what])
        }
    })
}

fn try_load(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (mut kill_ports, mut monitor, mut reload) = (false, None, None);
    for option in args[2].as_list().or_badarg()? {
        let Some(&[key, value]) = option.as_tuple() else { return Err(Escape::BADARG) };
        if key == am!("driver_options") {
            let options = value.as_list().or_badarg()?;
            if !options.iter().all(|&o| o == am!("kill_ports")) {
                return Err(Escape::BADARG);
            }
            kill_ports |= !options.is_empty();
        } else if key == am!("monitor") {
            monitor = Some(pending(value)?);
        } else if key == am!("reload") {
            reload = Some(pending(value)?);
        } else {
            return Err(Escape::BADARG);
        }
    }
    let driver = name(args[1])?;
    let path = path(args[0], &driver)?;
    if is_linked_in(&driver) {
        return answer(ctx, Answer::Refused(am!("linked_in_driver")));
    }
    // The process counts from now on: it may end at any time.
    ctx.process.involve();
    let wish = registry::Wish { path, name: driver, kill_ports, monitor: monitor.is_some(), reload };
    let loaded = registry::load(ctx.engine, ctx.process.who(), wish);
    answer(ctx, loaded)
}

fn try_unload(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (mut kill_ports, mut monitor) = (false, None);
    for option in args[1].as_list().or_badarg()? {
        match option.as_tuple() {
            None if option == am!("kill_ports") => kill_ports = true,
            Some(&[key, value]) if key == am!("monitor") => monitor = Some(pending(value)?),
            _ => return Err(Escape::BADARG),
        }
    }
    let driver = name(args[0])?;
    if is_linked_in(&driver) {
        return answer(ctx, Answer::Refused(am!("linked_in_driver")));
    }
    ctx.process.involve();
    let unloaded = registry::unload(ctx.engine, ctx.process.who(), &driver, kill_ports, monitor);
    answer(ctx, unloaded)
}

fn loaded_drivers(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let loaded = registry::names(ctx.engine);
    let names = linked_in().map(str::to_owned).chain(loaded);
    let names: Vec<Term> = names.map(|n| ctx.heap().string(&n)).collect();
    let list = ctx.heap().list(&names);
    ctx.ok(list)
}

fn info(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let driver = name(args[0])?;
    let item = args[1].as_atom().or_badarg()?.name();
    if is_linked_in(&driver) {
        return Ok(match item {
            "linked_in_driver" => Term::bool(true),
            "permanent" => Term::bool(false),
            "processes" | "driver_options" | "port_count" | "awaiting_load" | "awaiting_unload" => {
                am!("linked_in_driver")
            }
            _ => return Err(Escape::BADARG),
        });
    }
    let of = registry::facts(ctx.engine, &driver).or_badarg()?;
    let users = |ctx: &mut Ctx<'_>, waits: &[Wait]| {
        let h = ctx.heap();
        let users: Vec<Term> = of.users(waits).map(|(pid, n)| h.tuple(&[pid.term(), Term::small(n)])).collect();
        h.list(&users)
    };
    Ok(match item {
        "linked_in_driver" => Term::bool(false),
        "permanent" => Term::bool(of.permanent),
        "driver_options" if of.kill_ports => ctx.heap().list(&[am!("kill_ports")]),
        "driver_options" => Term::NIL,
        "processes" | "port_count" | "awaiting_load" | "awaiting_unload" if of.permanent => am!("permanent"),
        "port_count" => Term::small(of.ports as i64),
        "processes" => users(ctx, &[Wait::Not]),
        "awaiting_load" => users(ctx, &[Wait::Load]),
        "awaiting_unload" => users(ctx, &[Wait::Unload, Wait::UnloadOnly]),
        _ => return Err(Escape::BADARG),
    })
}

fn monitor(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(&[named, when]) = args[1].as_tuple().filter(|_| args[0] == am!("driver")) else {
        return Err(Escape::BADARG);
    };
    let driver = name(named)?;
    let wait = match when.as_atom().or_badarg()?.name() {
        "loaded" => Wait::Load,
        "unloaded" => Wait::Unload,
        "unloaded_only" => Wait::UnloadOnly,
        _ => return Err(Escape::BADARG),
    };
    ctx.process.involve();
    let id = ctx.engine.next_ref();
    let at_once = if is_linked_in(&driver) {
        Some((am!("UP"), am!("permanent")))
    } else {
        registry::monitor(ctx.engine, ctx.process.who(), &driver, wait, id)
    };
    if let Some((event, state)) = at_once {
        let message = Signal::built(SignalKind::Message, |h| {
            let r = h.reference(id);
            let named = h.copy(named);
            h.tuple(&[event, r, am!("driver"), named, state])
        });
        ctx.engine.post(ctx.pid(), message);
    }
    Ok(ctx.heap().reference(id))
}

fn demonitor(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let id: RefId = args[0].as_local_ref().or_badarg()?;
    registry::demonitor(ctx.engine, ctx.process.who(), id);
    Ok(Term::bool(true))
}

/// The codes of errors, the atoms that stand for them, and their texts.
const ERRORS: &[(i64, &str, &str)] = &[
    (0, "no_error", "No error"),
    (-1, "no_driver_init", "No driver init in dynamic library"),
    (-2, "driver_init_failed", "Driver init failed"),
    (-3, "bad_driver_name", "Bad driver name"),
    (-4, "driver_name_to_long", "Driver name to long"),
    (-5, "driver_incorrect_version", "Driver compiled with incorrect version of erl_driver.h"),
    (-6, "no_ddll_available", "DDLL functionality not available on this platform"),
    (-7, "unspecified_error", "Unspecified dynamic library error"),
    (-8, "symbol_not_found", "Symbol not found in dynamic library"),
];

/// The code of the first error that the system tells; further ones count down from here.
const SYSTEM: i64 = -10;

/// What refuses without a code.
const REFUSALS: &[(&str, &str)] = &[
    ("inconsistent", "Driver name and/or driver options are inconsistent with currently loaded driver"),
    ("linked_in_driver", "Driver is statically linked and cannot be loaded/unloaded"),
    ("permanent", "DDLL driver is permanent an cannot be unloaded/loaded"),
    ("not_loaded", "DDLL driver is not loaded"),
    ("not_loaded_by_this_process", "DDLL driver was not loaded by this process"),
    ("not_pending", "DDLL load not pending for this driver name"),
    ("already_loaded", "DDLL driver is already loaded successfully"),
    ("pending_reload", "Driver reloading is already pending"),
    ("pending_process", "Driver is loaded by others when attempting option {reload, pending_driver}"),
];

/// The code of a fault; what the system says gets one of its own each.
fn code_of(fault: Fault, told: &mut Vec<String>) -> i64 {
    let text = match fault {
        Fault::NoInit => return -1,
        Fault::FailedInit => return -2,
        Fault::BadName => return -3,
        Fault::Version => return -5,
        Fault::NotAvailable => return -6,
        Fault::System(text) => text,
    };
    let at = told.iter().position(|t| *t == text).unwrap_or_else(|| {
        told.push(text);
        told.len() - 1
    });
    SYSTEM - at as i64
}

/// The term for a code: an atom, or `{open_error, Code}`.
fn error_of(h: &mut Heap, code: i64) -> Term {
    match ERRORS.iter().find(|e| e.0 == code) {
        Some(&(_, atom, _)) => Term::atom(purlin_term::Atom::new(atom)),
        None => h.tuple(&[am!("open_error"), Term::small(code)]),
    }
}

fn format_error_int(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let code = match args[0].as_tuple() {
        Some(&[key, code]) if key == am!("open_error") => code.as_small().or_badarg()?,
        Some(_) => return Err(Escape::BADARG),
        None => {
            let atom = args[0].as_atom().or_badarg()?.name();
            if let Some((_, text)) = REFUSALS.iter().find(|r| r.0 == atom) {
                return Ok(ctx.heap().string(text));
            }
            ERRORS.iter().find(|e| e.1 == atom).or_badarg()?.0
        }
    };
    let text = match ERRORS.iter().find(|e| e.0 == code) {
        Some(e) => e.2.to_owned(),
        None if code > SYSTEM => "Unspecified error".into(),
        None => registry::told(ctx.engine, SYSTEM - code).unwrap_or_else(|| "Unknown dlload error".into()),
    };
    Ok(ctx.heap().string(&text))
}
