//! Resources: objects of a library that terms refer to.
//!
//! An object is the library's memory behind a head of ours. Terms refer to it by magic references; what the library has
//! taken with `enif_alloc_resource` and `enif_keep_resource` counts as well. When nobody refers to it any more its type's
//! destructor runs, on whatever thread that is.

use crate::abi::{self, RT_CREATE, RT_TAKEOVER, TypeInit};
use crate::engine;
use crate::env::{Env, env};
use crate::library::{Library, Use};
use crate::word::Word;
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use purlin_term::{Atom, BinData, Magic, Term};
use std::alloc::{Layout, alloc, dealloc};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::{Arc, Weak};

/// `ErlNifResourceType`
pub struct ResourceType {
    module: Atom,
    name: Atom,
    calls: RwLock<Calls>,
}

/// What a type's objects have done for them.
#[derive(Clone)]
pub struct Calls {
    pub functions: TypeInit,
    /// Whose those functions are.
    library: Arc<Library>,
    /// Keeps that library in use if it has any.
    used: Option<Arc<Use>>,
}

impl Calls {
    fn any(&self) -> bool {
        let TypeInit { dtor, stop, down, dyncall, .. } = self.functions;
        dtor.is_some() || stop.is_some() || down.is_some() || dyncall.is_some()
    }
}

/// A type that a library has opened.
pub struct Opened {
    kind: Arc<ResourceType>,
    calls: Calls,
    /// It is new, rather than taken over.
    new: bool,
}

/// All types that libraries have.
static TYPES: Mutex<Option<HashMap<(Atom, Atom), Weak<ResourceType>>>> = Mutex::new(None);

impl ResourceType {
    /// What is to be called, and the environment for it.
    fn calls(&self) -> (TypeInit, Env) {
        let calls = self.calls.read().clone();
        (calls.functions, Env::of_callback(Some(calls.library)))
    }
}

/// The library is loaded: its types do what it says from now on.
pub fn commit(used: &Arc<Use>) {
    let library = &used.0;
    for mut opened in library.opened.lock().take().unwrap_or_default() {
        opened.calls.used = opened.calls.any().then(|| used.clone());
        let former = std::mem::replace(&mut *opened.kind.calls.write(), opened.calls);
        library.types.lock().push(opened.kind);
        drop(former);
    }
}

/// Forgets the types of a library that was purged: their objects keep what they need.
pub fn forget(library: &Arc<Library>) {
    let types = std::mem::take(&mut *library.types.lock());
    let own = |kind: &Arc<ResourceType>| Arc::ptr_eq(&kind.calls.read().library, library);
    if let Some(known) = &mut *TYPES.lock() {
        for kind in types.iter().filter(|k| own(k)) {
            known.remove(&(kind.module, kind.name));
        }
    }
}

/// Forgets the types that a library has opened which is not loaded.
pub fn roll_back(library: &Arc<Library>) {
    let opened = library.opened.lock().take().unwrap_or_default();
    let mut types = TYPES.lock();
    for opened in opened.iter().filter(|o| o.new) {
        if let Some(types) = &mut *types {
            types.remove(&(opened.kind.module, opened.kind.name));
        }
    }
}

/// What stands before the memory of an object.
#[repr(C, align(16))]
pub struct Object {
    /// The reference's value, whose counts are the object's.
    magic: *const Magic,
    pub id: [u64; 2],
    kind: Arc<ResourceType>,
    size: usize,
    pub state: Mutex<State>,
}

/// What an object has under way.
#[derive(Default)]
pub struct State {
    /// The processes that it watches, by monitor.
    pub monitors: HashMap<[u64; 2], u64>,
}

/// The value of a magic reference to an object.
pub struct Handle(*mut Object);

// SAFETY: C: a library says that threads may share its objects when it makes terms of them.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size_of::<Object>().checked_add(size)?, align_of::<Object>()).ok()
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: nobody refers to the object any more; the destructor gets it for the last time.
        unsafe {
            let object = &*self.0;
            crate::monitor::forget_all(object);
            let (functions, mut env) = object.kind.calls();
            if let Some(dtor) = functions.dtor {
                dtor(&mut env, object.data());
            }
            let layout = layout(object.size).expect("it was allocated");
            std::ptr::drop_in_place(self.0);
            dealloc(self.0.cast(), layout);
        }
    }
}

impl Object {
    /// The object that this memory is of.
    ///
    /// # Safety
    /// C: the memory is an object's, which somebody refers to.
    pub unsafe fn of<'a>(data: *mut c_void) -> &'a Object {
        // SAFETY: by the caller's promise the head stands before it.
        unsafe { &*data.cast::<Object>().sub(1) }
    }

    /// The library's memory.
    pub fn data(&self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().wrapping_add(1).cast()
    }

    /// The value of a reference to it, with a count of its own.
    pub fn magic(&self) -> Arc<Magic> {
        // SAFETY: somebody refers to the object, so the value is alive.
        unsafe {
            Arc::increment_strong_count(self.magic);
            Arc::from_raw(self.magic)
        }
    }

    /// What the type has done with it, and the environment for that.
    pub fn calls(&self) -> (TypeInit, Env) {
        self.kind.calls()
    }
}

/// The object that a term refers to, or that keeps its bytes.
pub fn object_of<'a>(t: Term) -> Option<&'a Object> {
    // SAFETY: OFFHEAP: a binary's buffer is alive as long as the binary.
    let kept = || t.counted_buffer().and_then(|buffer| unsafe { &*buffer }.keeper());
    of_magic(t.as_magic().or_else(kept)?)
}

/// The object whose references have this value.
pub fn of_magic(magic: &Magic) -> Option<&Object> {
    // SAFETY: the value keeps the object.
    magic.value.downcast_ref::<Handle>().map(|h| unsafe { &*h.0 })
}

/// Opens a type for a library that is being loaded.
fn open(
    env: &mut Env,
    module: Atom,
    name: *const c_char,
    functions: TypeInit,
    flags: c_int,
) -> Option<(Opened, c_int)> {
    let library = env.library.clone()?;
    // SAFETY: C: a text.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes().iter().map(|&b| char::from(b)).collect::<String>();
    let name = Atom::try_new(&name).ok()?;
    let calls = Calls { functions, library, used: None };
    let mut types = TYPES.lock();
    let types = types.get_or_insert_default();
    let known = types.get(&(module, name)).and_then(Weak::upgrade);
    match known {
        Some(kind) if flags & RT_TAKEOVER != 0 => Some((Opened { kind, calls, new: false }, RT_TAKEOVER)),
        None if flags & RT_CREATE != 0 => {
            let kind = Arc::new(ResourceType { module, name, calls: RwLock::new(calls.clone()) });
            types.insert((module, name), Arc::downgrade(&kind));
            Some((Opened { kind, calls, new: true }, RT_CREATE))
        }
        _ => None,
    }
}

/// # Safety
/// C: `tried` is null or a place for flags.
unsafe fn open_type(
    env: &mut Env,
    name: *const c_char,
    functions: TypeInit,
    flags: c_int,
    tried: *mut c_int,
) -> *const ResourceType {
    let mut done = 0;
    let mut made: *const ResourceType = std::ptr::null();
    let module = env.library.as_ref().map(|l| l.name);
    if let Some((opened, how)) = module.and_then(|m| open(env, m, name, functions, flags))
        && let Some(library) = &env.library
        && let Some(list) = &mut *library.opened.lock()
    {
        made = Arc::as_ptr(&opened.kind);
        done = how;
        list.push(opened);
    }
    if !tried.is_null() {
        // SAFETY: by the caller's promise.
        unsafe { *tried = if made.is_null() { flags } else { done } };
    }
    made
}

/// The functions of a type of which C has given some.
///
/// # Safety
/// C: `init` has as many fields as the library's version says, and `members` of them count.
unsafe fn functions(env: &Env, init: *const TypeInit, members: Option<c_int>) -> TypeInit {
    let mut functions = TypeInit::default();
    let size = env.library.as_ref().map_or(0, |l| l.type_init_size);
    // SAFETY: by the caller's promise.
    unsafe {
        let has = |i: c_int| members.is_none_or(|m| i < m);
        if has(0) {
            functions.dtor = (*init).dtor;
        }
        if size >= 2 * 8 && has(1) {
            functions.stop = (*init).stop;
        }
        if size >= 3 * 8 && has(2) {
            functions.down = (*init).down;
        }
        if members.is_some() && size >= 5 * 8 && has(3) {
            functions.dyncall = (*init).dyncall;
        }
    }
    functions
}

functions! {
    /// Opens a type of resources whose objects have at most a destructor.
    fn enif_open_resource_type(
        p: *mut Env,
        module: *const c_char,
        name: *const c_char,
        dtor: Option<abi::Dtor>,
        flags: c_int,
        tried: *mut c_int,
    ) -> *const ResourceType {
        if !module.is_null() {
            return std::ptr::null();
        }
        open_type(env(p), name, TypeInit { dtor, ..TypeInit::default() }, flags, tried)
    }

    /// Opens a type of resources.
    fn enif_open_resource_type_x(
        p: *mut Env,
        name: *const c_char,
        init: *const TypeInit,
        flags: c_int,
        tried: *mut c_int,
    ) -> *const ResourceType {
        let env = env(p);
        let functions = functions(env, init, None);
        open_type(env, name, functions, flags, tried)
    }

    /// Opens a type of resources, of whose functions the first ones count.
    fn enif_init_resource_type(
        p: *mut Env,
        name: *const c_char,
        init: *const TypeInit,
        flags: c_int,
        tried: *mut c_int,
    ) -> *const ResourceType {
        let env = env(p);
        let functions = functions(env, init, Some((*init).members));
        open_type(env, name, functions, flags, tried)
    }

    /// A new object with so many bytes, which the library refers to; null: there is no memory.
    fn enif_alloc_resource(kind: *const ResourceType, size: usize) -> *mut c_void {
        let (Some(layout), Some(engine)) = (layout(size), engine()) else { return std::ptr::null_mut() };
        let object = alloc(layout).cast::<Object>();
        if object.is_null() {
            return std::ptr::null_mut();
        }
        Arc::increment_strong_count(kind);
        let magic = Arc::into_raw(Arc::new(Magic { value: Box::new(Handle(object)) }));
        let (id, kind) = (engine.next_ref(), Arc::from_raw(kind));
        object.write(Object { magic, id, kind, size, state: Mutex::default() });
        (*object).data()
    }

    /// Gives up what `enif_alloc_resource` or `enif_keep_resource` gave.
    fn enif_release_resource(data: *mut c_void) {
        let magic = Object::of(data).magic;
        drop(Arc::from_raw(magic));
    }

    /// Refers to the object once more.
    fn enif_keep_resource(data: *mut c_void) {
        Arc::increment_strong_count(Object::of(data).magic);
    }

    /// A term that refers to the object.
    fn enif_make_resource(p: *mut Env, data: *mut c_void) -> Word {
        let object = Object::of(data);
        Word::from(env(p).heap().magic_reference(object.id, object.magic()))
    }

    /// The object of this type that a term refers to.
    fn enif_get_resource(_p: *mut Env, t: Word, kind: *const ResourceType, data: *mut *mut c_void) -> c_int {
        let object = object_of(t.term()).filter(|o| Arc::as_ptr(&o.kind) == kind);
        let Some(object) = object else { return 0 };
        *data = object.data();
        1
    }

    /// How many bytes the object has.
    fn enif_sizeof_resource(data: *mut c_void) -> usize {
        Object::of(data).size
    }

    /// A binary of bytes that are there as long as the object.
    fn enif_make_resource_binary(p: *mut Env, data: *mut c_void, bytes: *const c_void, size: usize) -> Word {
        let buffer = BinData::foreign(Object::of(data).magic(), size);
        let offset = (bytes as usize).wrapping_sub(BinData::bytes(buffer) as usize);
        Word::from(env(p).heap().counted_binary(buffer, offset, size))
    }

    /// Calls the function of the type of this module and name for what a term refers to.
    fn enif_dynamic_resource_call(
        _p: *mut Env,
        module: Word,
        name: Word,
        resource: Word,
        data: *mut c_void,
    ) -> c_int {
        let (Some(module), Some(name)) = (module.term().as_atom(), name.term().as_atom()) else { return 1 };
        let Some(object) = object_of(resource.term()) else { return 1 };
        if (object.kind.module, object.kind.name) != (module, name) {
            return 1;
        }
        let (functions, mut env) = object.calls();
        let Some(dyncall) = functions.dyncall else { return 1 };
        dyncall(&mut env, object.data(), data);
        0
    }
}
