//! `erl_ddll`: drivers that are loaded while the system runs. Purlin has its drivers built in and loads none: each
//! function answers as OTP does when the driver's file is not there.

use super::driver;
use purlin_term::iolist::to_bytes;
use purlin_term::{Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::signal::{Signal, SignalKind};
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erl_ddll", "try_load", 3, try_load),
    Native::plain("erl_ddll", "try_unload", 2, try_unload),
    Native::plain("erl_ddll", "loaded_drivers", 0, loaded_drivers),
    Native::plain("erl_ddll", "info", 2, info),
    Native::plain("erl_ddll", "monitor", 2, monitor),
    Native::plain("erl_ddll", "demonitor", 1, demonitor),
    Native::plain("erl_ddll", "format_error_int", 1, format_error_int),
];

/// The drivers that `erl_ddll` knows.
fn linked_in() -> impl Iterator<Item = &'static str> {
    driver::NAMED.iter().filter(|d| d.linked_in).map(|d| d.name)
}

fn is_linked_in(name: &str) -> bool {
    linked_in().any(|n| n == name)
}

/// The code in `{open_error, Code}` of a file that is not there, as OTP has it, and its text.
const NO_FILE: i64 = -10;
const NO_FILE_TEXT: &str = "cannot open shared object file: No such file or directory";

fn name(t: Term) -> Result<String, Escape> {
    match t.as_atom() {
        Some(a) => Some(a.name().to_string()).filter(|n| !n.is_empty()).or_badarg(),
        None => to_bytes(t).and_then(|bytes| String::from_utf8(bytes).ok()).or_badarg(),
    }
}

/// `{error, What}`
fn refuse(h: &mut Heap, what: Term) -> NativeResult {
    Ok(h.tuple(&[am!("error"), what]))
}

fn is_monitor(option: Term) -> bool {
    matches!(option.as_tuple(), Some(&[key, kind])
        if key == am!("monitor") && (kind == am!("pending_driver") || kind == am!("pending")))
}

fn try_load(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let driver = name(args[1])?;
    let path = args[0].as_bytes().is_some() || args[0].list_text().is_some();
    for option in args[2].as_list().filter(|_| path).or_badarg()? {
        let known = match option.as_tuple() {
            Some(&[key, kind]) if key == am!("reload") => kind == am!("pending_driver") || kind == am!("pending"),
            Some(&[key, options]) if key == am!("driver_options") => {
                options.as_list().or_badarg()?.iter().all(|&o| o == am!("kill_ports"))
            }
            _ => is_monitor(option),
        };
        if !known {
            return Err(Escape::BADARG);
        }
    }
    let h = ctx.heap();
    if is_linked_in(&driver) {
        return refuse(h, am!("linked_in_driver"));
    }
    let what = h.tuple(&[am!("open_error"), Term::small(NO_FILE)]);
    refuse(h, what)
}

fn try_unload(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let driver = name(args[0])?;
    if !args[1].as_list().or_badarg()?.iter().all(|&o| o == am!("kill_ports") || is_monitor(o)) {
        return Err(Escape::BADARG);
    }
    let built_in = is_linked_in(&driver);
    refuse(ctx.heap(), if built_in { am!("linked_in_driver") } else { am!("not_loaded") })
}

fn loaded_drivers(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let names: Vec<Term> = linked_in().map(|n| ctx.heap().string(n)).collect();
    let list = ctx.heap().list(&names);
    ctx.ok(list)
}

fn info(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if !is_linked_in(&name(args[0])?) {
        return Err(Escape::BADARG);
    }
    Ok(match args[1].as_atom().or_badarg()?.name() {
        "linked_in_driver" => Term::bool(true),
        "permanent" => Term::bool(false),
        "processes" | "driver_options" | "port_count" | "awaiting_load" | "awaiting_unload" => am!("linked_in_driver"),
        _ => return Err(Escape::BADARG),
    })
}

/// A driver that is not loaded has already gone.
fn monitor(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(&[driver, when]) = args[1].as_tuple().filter(|_| args[0] == am!("driver")) else {
        return Err(Escape::BADARG);
    };
    let built_in = is_linked_in(&name(driver)?);
    let (event, state) = match when.as_atom().or_badarg()?.name() {
        "loaded" | "unloaded" | "unloaded_only" if built_in => (am!("UP"), am!("permanent")),
        "loaded" | "unloaded" | "unloaded_only" => (am!("DOWN"), am!("unloaded")),
        _ => return Err(Escape::BADARG),
    };
    let (id, me) = (ctx.engine.next_ref(), ctx.pid());
    let message = Signal::built(SignalKind::Message, |h| {
        let r = h.reference(id);
        h.tuple(&[event, r, am!("driver"), driver, state])
    });
    ctx.engine.post(me, message);
    Ok(ctx.heap().reference(id))
}

fn demonitor(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if args[0].as_local_ref().is_some() { Ok(Term::bool(true)) } else { Err(Escape::BADARG) }
}

fn format_error_int(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let text = match args[0].as_tuple() {
        Some(&[key, code]) if key == am!("open_error") => match code.as_small().or_badarg()? {
            0 => "No error",
            NO_FILE => NO_FILE_TEXT,
            _ => "Unknown error",
        },
        Some(_) => return Err(Escape::BADARG),
        None => match args[0].as_atom().or_badarg()?.name() {
            "bad_driver_name" => "Bad driver name",
            "inconsistent" => "Driver name and/or driver options are inconsistent with currently loaded driver",
            "linked_in_driver" => "Driver is statically linked and cannot be loaded/unloaded",
            "permanent" => "DDLL driver is permanent an cannot be unloaded/loaded",
            "not_loaded" => "DDLL driver is not loaded",
            "not_loaded_by_this_process" => "DDLL driver was not loaded by this process",
            "not_pending" => "DDLL load not pending for this driver name",
            "already_loaded" => "DDLL driver is already loaded successfully",
            "pending_reload" => "Driver reloading is already pending",
            "pending_process" => "Driver is loaded by others when attempting option {reload, pending_driver}",
            "driver_incorrect_version" => "Driver compiled with incorrect version of erl_driver.h",
            _ => return Err(Escape::BADARG),
        },
    };
    Ok(ctx.heap().string(text))
}
