//! Environment variables and the operating system's process.

use parking_lot::RwLock;
use purlin_term::{Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Engine, Native, NativeResult, Slot};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

pub const NATIVES: &[Native] = &[
    Native::plain("os", "env", 0, env),
    Native::plain("os", "getenv", 1, getenv),
    Native::plain("os", "putenv", 2, putenv),
    Native::plain("os", "unsetenv", 1, unsetenv),
    Native::plain("os", "getpid", 0, getpid),
];

/// An engine's environment: a copy of the program's, changed by `putenv` and `unsetenv`, and given to child processes.
pub struct Environment(pub RwLock<BTreeMap<OsString, OsString>>);

impl Default for Environment {
    fn default() -> Environment {
        Environment(RwLock::new(std::env::vars_os().collect()))
    }
}

pub static ENVIRONMENT: Slot<Environment> = Slot::new();

/// The value of a variable.
pub fn get(engine: &Engine, name: &OsStr) -> Option<OsString> {
    engine.state(&ENVIRONMENT).0.read().get(name).cloned()
}

/// Sets a variable.
pub fn put(engine: &Engine, name: OsString, value: OsString) {
    engine.state(&ENVIRONMENT).0.write().insert(name, value);
}

/// A list of characters (or bytes, where it is no UTF-8) for a text of the operating system.
fn os_text(heap: &mut Heap, text: &OsStr) -> Term {
    match text.to_str() {
        Some(s) => heap.string(s),
        None => heap.byte_list(text.as_bytes()),
    }
}

/// The text of a list of characters, which holds no zero.
pub fn variable_text(t: Term) -> Option<OsString> {
    os_string(t).filter(|_| t.is_list())
}

/// The name of a variable.
pub fn variable_name(t: Term) -> Option<OsString> {
    variable_text(t).filter(|name| !name.as_bytes().contains(&b'='))
}

/// The text of a list of characters or of a binary, which holds no zero.
pub fn os_string(t: Term) -> Option<OsString> {
    let bytes = match t.list_text() {
        Some(s) => s.into_bytes(),
        None => t.as_bytes()?.into_owned(),
    };
    (!bytes.contains(&0)).then(|| OsString::from_vec(bytes))
}

fn env(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let environment = ctx.engine.state(&ENVIRONMENT).0.read();
    let heap = &mut ctx.data.heap;
    let mut out = Vec::new();
    for (k, v) in environment.iter() {
        let (k, v) = (os_text(heap, k), os_text(heap, v));
        out.push(heap.tuple(&[k, v]));
    }
    Ok(heap.list(&out))
}

fn getenv(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = variable_name(args[0]).or_badarg()?;
    Ok(match get(ctx.engine, &name) {
        Some(v) => os_text(&mut ctx.data.heap, &v),
        None => Term::bool(false),
    })
}

fn putenv(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (name, value) = (variable_name(args[0]).or_badarg()?, variable_text(args[1]).or_badarg()?);
    put(ctx.engine, name, value);
    Ok(Term::bool(true))
}

fn unsetenv(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = variable_name(args[0]).or_badarg()?;
    ctx.engine.state(&ENVIRONMENT).0.write().remove(&name);
    Ok(Term::bool(true))
}

fn getpid(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(ctx.heap().string(&std::process::id().to_string()))
}

/// The name of the operating system, as `{unix, linux}`.
pub fn os_type(heap: &mut Heap) -> Term {
    heap.tuple(&[am!("unix"), am!("linux")])
}
