//! Loading libraries of natives: `erlang:load_nif/2`.

use crate::abi::{self, Entry, Func, NifFn, OldFunc};
use crate::call::Function;
use crate::env::Env;
use crate::monitor;
use crate::resource::{self, Opened, ResourceType};
use crate::word::Word;
use hashbrown::{HashMap, HashSet};
use parking_lot::Mutex;
use purlin_term::{Atom, Heap, Release, Term};
use purlin_vm::code::{Module, NativeEntry};
use purlin_vm::engine::libraries::Libraries;
use purlin_vm::native::LoadedBody;
use purlin_vm::{Ctx, Engine, NativeKind, NativeResult};
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A shared object in the program; closed with the last value that has it.
pub struct SharedObject(*mut c_void);

// SAFETY: the system's functions for shared objects may be called by any thread.
unsafe impl Send for SharedObject {}
// SAFETY: as above.
unsafe impl Sync for SharedObject {}

impl Drop for SharedObject {
    fn drop(&mut self) {
        // SAFETY: opened once, and nothing of it is used any more.
        unsafe { libc::dlclose(self.0) };
    }
}

/// What the system says of the last call that failed.
fn last_error() -> String {
    // SAFETY: the text stays until the thread's next call.
    unsafe {
        let text = libc::dlerror();
        if text.is_null() { "unknown error".into() } else { CStr::from_ptr(text).to_string_lossy().into_owned() }
    }
}

impl SharedObject {
    pub fn open(path: &str) -> Result<SharedObject, String> {
        let path = CString::new(path).map_err(|_| "the path has a zero in it".to_string())?;
        // SAFETY: C: what a library does when it is opened is its own.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        if handle.is_null() { Err(last_error()) } else { Ok(SharedObject(handle)) }
    }

    /// The address of a name.
    pub fn symbol(&self, name: &CStr) -> Result<*mut c_void, String> {
        // SAFETY: the shared object is open.
        let address = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        if address.is_null() { Err(last_error()) } else { Ok(address) }
    }
}

/// A library of natives, of one generation of its module's code.
pub struct Library {
    pub name: Atom,
    /// The code that it belongs to, while a function of it runs.
    module: &'static Module,
    _object: SharedObject,
    unload: Option<abi::UnloadFn>,
    data: AtomicPtr<c_void>,
    /// How much of `ErlNifResourceTypeInit` it knows.
    pub type_init_size: usize,
    /// The types of resources that are its own.
    pub types: Mutex<Vec<Arc<ResourceType>>>,
    /// What it has opened while it is being loaded; none when that is over.
    pub opened: Mutex<Option<Vec<Opened>>>,
    /// Functions that calls went on with.
    scheduled: Mutex<HashMap<(usize, c_uint, Atom, u8, u8), &'static NativeEntry>>,
}

impl Library {
    /// What `load` or `upgrade` has left.
    pub fn data(&self) -> *mut c_void {
        self.data.load(Ordering::Acquire)
    }

    /// The function that a call of `called` goes on with, with `own` arguments before those of the call.
    pub fn scheduled(
        self: &Arc<Library>,
        ctx: &Ctx<'_>,
        called: Atom,
        arity: u8,
        own: u8,
        (pointer, flags): (NifFn, c_uint),
    ) -> &'static NativeEntry {
        let mut scheduled = self.scheduled.lock();
        scheduled.entry((pointer as usize, flags, called, arity, own)).or_insert_with(|| {
            let body = Box::new(Function { library: self.clone(), pointer, flags, name: called, own: Some(own) });
            self.module.take_over_anonymous(&ctx.engine.code, called, arity, kind_of(flags), body)
        })
    }
}

/// The use of a library by its module and by the resources that have something called in it: when the last one goes the
/// library is told.
pub struct Use(pub Arc<Library>);

impl Drop for Use {
    fn drop(&mut self) {
        if let Some(unload) = self.0.unload {
            let mut env = Env::of_callback(Some(self.0.clone()));
            // SAFETY: C: the library is still open, and nobody calls it.
            unsafe { unload(&mut env, self.0.data()) };
        }
    }
}

/// What a module keeps of its library.
struct Owner(Arc<Library>, Mutex<Option<Arc<Use>>>);

impl purlin_vm::native::Library for Owner {
    fn purged(&self) {
        resource::forget(&self.0);
        let last = self.1.lock().take();
        drop(last);
    }
}

fn kind_of(flags: c_uint) -> NativeKind {
    match flags {
        abi::DIRTY_CPU => NativeKind::Computing,
        abi::DIRTY_IO => NativeKind::Blocking,
        _ => NativeKind::Plain,
    }
}

/// Why a library is not loaded: the atom, and the text.
type Refused = (&'static str, String);

/// The version of the interface that an emulator of this release has.
fn version(release: Release) -> (c_int, c_int) {
    (
        2,
        match release.0 {
            ..26 => 16,
            26..29 => 17,
            _ => 18,
        },
    )
}

/// What the field of the virtual machine's variant has to say.
const VARIANT: &CStr = c"beam.vanilla";

/// What loads libraries of natives.
pub struct Loader;

impl Libraries for Loader {
    fn down(&self, _: &Arc<Engine>, monitor: [u64; 2]) {
        monitor::down(monitor);
    }

    fn watcher(&self, monitor: [u64; 2], heap: &mut Heap) -> Option<Term> {
        monitor::owner(monitor, heap)
    }

    fn load(&self, ctx: &mut Ctx<'_>, module: &'static Module, path: &str, info: Term) -> NativeResult {
        match load(ctx, module, path, info) {
            Ok(()) => Ok(Term::atom(Atom::OK)),
            Err((kind, text)) => {
                let text = ctx.heap().string(&text);
                let reason = ctx.heap().tuple(&[Term::atom(Atom::new(kind)), text]);
                ctx.error(reason)
            }
        }
    }
}

/// A module's name as Erlang writes it.
fn shown(module: &Module) -> String {
    purlin_term::print::display(Term::atom(module.name)).to_string()
}

fn bad<T>(text: String) -> Result<T, Refused> {
    Err(("bad_lib", text))
}

fn load(ctx: &mut Ctx<'_>, module: &'static Module, path: &str, info: Term) -> Result<(), Refused> {
    let generations = ctx.engine.code.generations(module.name);
    let is = |m: Option<&Module>| m.is_some_and(|m| std::ptr::eq(m, module));
    if is(generations.old) {
        return Err(("old_code", format!("Calling load_nif from old module '{}' not allowed", shown(module))));
    }
    if module.library().is_some() {
        return Err(("reload", "NIF library already loaded (reload disallowed since OTP 20).".into()));
    }
    let before = if is(generations.loading) { generations.current.or(generations.old) } else { generations.old };
    let file = format!("{path}.so");
    let object = SharedObject::open(&file).map_err(|text| {
        let shown = if text.contains(path) { format!(": '{text}'") } else { format!(" {path}: '{text}'") };
        ("load_failed", format!("Failed to load NIF library{shown}"))
    })?;
    let init = object.symbol(c"nif_init").or_else(|_| object.symbol(c"_nif_init"));
    let init = init.or_else(|text| bad(format!("Failed to find library init function: '{text}'")))?;
    purlin_natives::taint(ctx.engine, module.name);
    // SAFETY: C: that is what a function of this name is.
    let init: unsafe extern "C-unwind" fn() -> *const Entry = unsafe { std::mem::transmute(init) };
    // SAFETY: C
    let entry = unsafe { init() };
    if entry.is_null() {
        return bad("Library init-call unsuccessful".into());
    }
    let contents = Contents::of(entry, module, version(ctx.engine.config.release))?;
    let functions = contents.functions(module)?;
    let library = Arc::new(Library {
        name: module.name,
        module,
        _object: object,
        unload: contents.unload,
        data: AtomicPtr::default(),
        type_init_size: contents.type_init_size,
        types: Mutex::default(),
        opened: Mutex::new(Some(Vec::new())),
        scheduled: Mutex::default(),
    });
    if let Err(refused) = initialise(ctx, &library, &contents, before, info) {
        resource::roll_back(&library);
        return Err(refused);
    }
    let used = Arc::new(Use(library.clone()));
    resource::commit(&used);
    let taken = functions.into_iter().map(|(entry, flags, pointer)| {
        let function = Function { library: library.clone(), pointer, flags, name: entry.mfa.function, own: None };
        let body: Box<dyn LoadedBody> = Box::new(function);
        (entry, kind_of(flags), body)
    });
    module.take_over(&ctx.engine.code, Box::new(Owner(library.clone(), Mutex::new(Some(used)))), taken.collect());
    Ok(())
}

/// Calls the library's `load`, or `upgrade` if there is older code with a library.
fn initialise(
    ctx: &mut Ctx<'_>,
    library: &Arc<Library>,
    contents: &Contents,
    before: Option<&'static Module>,
    info: Term,
) -> Result<(), Refused> {
    // The library may ask for it while it sets it.
    let data = library.data.as_ptr();
    let older = before.and_then(|m| m.library()).and_then(|l| (l as &dyn std::any::Any).downcast_ref::<Owner>());
    let (kind, text, veto) = match older {
        Some(Owner(older, _)) => {
            let Some(upgrade) = contents.upgrade else {
                return Err(("upgrade", "Upgrade not supported by this NIF library.".into()));
            };
            let former = older.data();
            // SAFETY: C
            let call = |env| unsafe { upgrade(env, data, older.data.as_ptr(), Word::from(info)) };
            let (veto, _) = Env::of_call(ctx, library, (Atom::new("upgrade"), &[]), call);
            if veto != 0 {
                older.data.store(former, Ordering::Release);
            }
            ("upgrade", "upgrade", veto)
        }
        None => {
            let Some(load) = contents.load else { return Ok(()) };
            // SAFETY: C
            let (veto, _) = Env::of_call(ctx, library, (Atom::new("load"), &[]), |env| unsafe {
                load(env, data, Word::from(info))
            });
            ("load", "load", veto)
        }
    };
    if veto != 0 {
        return Err((kind, format!("Library {text}-call unsuccessful ({veto}).")));
    }
    Ok(())
}

/// What the entry of a library says, of whatever version it is.
struct Contents {
    functions: Vec<(String, c_uint, Option<NifFn>, c_uint)>,
    load: Option<abi::LoadFn>,
    upgrade: Option<abi::UpgradeFn>,
    unload: Option<abi::UnloadFn>,
    type_init_size: usize,
}

/// # Safety
/// C: null, or a text.
unsafe fn text(p: *const c_char) -> String {
    // SAFETY: by the caller's promise.
    if p.is_null() { String::new() } else { unsafe { CStr::from_ptr(p) }.to_string_lossy().into_owned() }
}

impl Contents {
    fn of(entry: *const Entry, module: &Module, ours: (c_int, c_int)) -> Result<Contents, Refused> {
        // SAFETY: C: the entry has the fields that its version has; only those are read.
        unsafe {
            let version = ((*entry).major, (*entry).minor);
            if version > ours {
                let needs = if version >= (2, 14) { text((*entry).min_erts) } else { "erts-?".into() };
                return bad(format!(
                    "That '{}' NIF library needs {needs} or newer. Either try to recompile the NIF lib or use a newer \
                     erts runtime.",
                    shown(module)
                ));
            }
            if version.0 < 2 || version == (2, 5) {
                return bad(format!(
                    "That old NIF library ({}.{}) is not compatible with this erts runtime ({}.{}). Try recompile the NIF \
                     lib.",
                    version.0, version.1, ours.0, ours.1
                ));
            }
            if version >= (2, 1) && CStr::from_ptr((*entry).vm_variant) != VARIANT {
                return bad(format!(
                    "Library ({}) not compiled for this vm variant ({}).",
                    text((*entry).vm_variant),
                    VARIANT.to_string_lossy()
                ));
            }
            let name = text((*entry).name);
            if name != module.name.name() {
                return bad(format!("Library module name '{name}' does not match calling module '{}'", shown(module)));
            }
            let count = usize::try_from((*entry).num_of_funcs).unwrap_or(0);
            let functions = (0..count).map(|i| {
                if version >= (2, 7) {
                    let f = &*(*entry).funcs.add(i);
                    (text(f.name), f.arity, f.pointer, f.flags)
                } else {
                    let f = &*(*entry).funcs.cast::<OldFunc>().add(i);
                    (text(f.name), f.arity, f.pointer, 0)
                }
            });
            Ok(Contents {
                functions: functions.collect(),
                load: (*entry).load,
                upgrade: (*entry).upgrade,
                unload: (*entry).unload,
                type_init_size: if version >= (2, 12) { (*entry).resource_type_init_size } else { 0 },
            })
        }
    }

    /// The functions of the module that the library has bodies for.
    fn functions(
        &self,
        module: &'static Module,
    ) -> Result<Vec<(&'static purlin_vm::code::FnEntry, c_uint, NifFn)>, Refused> {
        let mut seen = HashSet::new();
        let of = |(name, arity, pointer, flags): &(String, c_uint, Option<NifFn>, c_uint)| {
            let shown = format!("{}:{name}/{arity}", shown(module));
            let found = u8::try_from(*arity).ok().and_then(|a| module.function(Atom::existing(name)?, a));
            let (Some(entry), Some(pointer)) = (found, *pointer) else {
                return bad(format!("Function not found {shown}"));
            };
            if !module.may_be_taken(entry) {
                return bad(format!("Function not declared as nif {shown}"));
            }
            if ![0, abi::DIRTY_CPU, abi::DIRTY_IO].contains(flags) {
                return bad(format!("Illegal flags field value {flags} for NIF {shown}"));
            }
            if !seen.insert((name.clone(), *arity)) {
                return bad(format!("Duplicate NIF entry for {shown}"));
            }
            Ok((entry, *flags, pointer))
        };
        self.functions.iter().map(of).collect()
    }
}

// Only `Func` is read through a pointer to it.
const _: () = assert!(size_of::<Func>() == 32 && size_of::<OldFunc>() == 24);
