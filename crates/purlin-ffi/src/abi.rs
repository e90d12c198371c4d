//! The structures of `erl_nif.h`, as C lays them out.

use crate::env::Env;
use crate::word::Word;
use std::ffi::{c_char, c_int, c_uint, c_void};

/// A function of a library.
pub type NifFn = unsafe extern "C-unwind" fn(*mut Env, c_int, *const Word) -> Word;
pub type LoadFn = unsafe extern "C-unwind" fn(*mut Env, *mut *mut c_void, Word) -> c_int;
pub type UpgradeFn = unsafe extern "C-unwind" fn(*mut Env, *mut *mut c_void, *mut *mut c_void, Word) -> c_int;
pub type UnloadFn = unsafe extern "C-unwind" fn(*mut Env, *mut c_void);

/// `ErlNifFunc`
#[repr(C)]
pub struct Func {
    pub name: *const c_char,
    pub arity: c_uint,
    pub pointer: Option<NifFn>,
    pub flags: c_uint,
}

/// `ErlNifFunc` before version 2.7
#[repr(C)]
pub struct OldFunc {
    pub name: *const c_char,
    pub arity: c_uint,
    pub pointer: Option<NifFn>,
}

/// The first part of `ErlNifEntry`, which every version has.
#[repr(C)]
pub struct Entry {
    pub major: c_int,
    pub minor: c_int,
    pub name: *const c_char,
    pub num_of_funcs: c_int,
    pub funcs: *const Func,
    pub load: Option<LoadFn>,
    pub reload: Option<LoadFn>,
    pub upgrade: Option<UpgradeFn>,
    pub unload: Option<UnloadFn>,
    /// Since 2.1.
    pub vm_variant: *const c_char,
    /// Since 2.7.
    pub options: c_uint,
    /// Since 2.12.
    pub resource_type_init_size: usize,
    /// Since 2.14.
    pub min_erts: *const c_char,
}

/// `ErlNifBinary`, as much of it as is used
#[repr(C)]
pub struct Binary {
    pub size: usize,
    pub data: *mut u8,
    /// The buffer that the binary owns, unless it is a term's.
    pub buffer: *mut purlin_term::BinData,
}

/// `ErlNifPid`, `ErlNifPort`
#[repr(C)]
pub struct Identifier(pub Word);

/// `ErlNifMonitor`
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(C)]
pub struct Monitor(pub [u64; 4]);

pub type Dtor = unsafe extern "C-unwind" fn(*mut Env, *mut c_void);
pub type Stop = unsafe extern "C-unwind" fn(*mut Env, *mut c_void, c_int, c_int);
pub type Down = unsafe extern "C-unwind" fn(*mut Env, *mut c_void, *const Identifier, *const Monitor);
pub type DynCall = unsafe extern "C-unwind" fn(*mut Env, *mut c_void, *mut c_void);

/// `ErlNifResourceTypeInit`
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct TypeInit {
    pub dtor: Option<Dtor>,
    pub stop: Option<Stop>,
    pub down: Option<Down>,
    /// How many of the functions count in `enif_init_resource_type`.
    pub members: c_int,
    pub dyncall: Option<DynCall>,
}

/// `ErlNifMapIterator`, as much of it as is used
#[repr(C)]
pub struct MapIterator {
    pub map: Word,
    pub size: usize,
    /// Where it is: 0 is before the first pair, `size + 1` behind the last one.
    pub index: usize,
    /// The pairs.
    pub pairs: *mut (purlin_term::Term, purlin_term::Term),
}

/// Bits of what `enif_open_resource_type` may do.
pub const RT_CREATE: c_int = 1;
pub const RT_TAKEOVER: c_int = 2;

/// Flags of functions: they run on threads for natives that compute, or that wait.
pub const DIRTY_CPU: c_uint = 1;
pub const DIRTY_IO: c_uint = 2;

/// Encodings of texts.
pub const LATIN1: c_int = 1;
pub const UTF8: c_int = 2;
