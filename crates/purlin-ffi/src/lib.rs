//! The C interfaces of the emulator, for libraries that were made for the BEAM.
//!
//! A shared object of natives (`erl_nif.h`) or of port drivers (`erl_driver.h`) finds the functions that it calls in the
//! program that loads it, which therefore exports them. All of this crate is unsafe code at heart: what C passes is
//! taken as its interface says. On top of the invariants of `purlin_term` and `purlin_vm` it relies on these:
//!
//! - **C**: a library keeps the rules of `erl_nif.h` and `erl_driver.h`: what it passes is what it got and did not give back,
//!   and arrays are as long as it says. What it can get wrong without breaking its own rules is checked.
//! - **CALL**: an environment that belongs to a call is used by the thread of that call alone, until the call returns.
//!
//! Libraries have state of their own, which is the program's: one engine at a time loads libraries.

/// Defines functions that libraries call, and `EXPORTED`, which has the linker keep them. All of them may rely on C.
macro_rules! functions {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => {
        /// What the linker has to keep.
        pub const EXPORTED: &[*const std::ffi::c_void] = &[$($name as *const std::ffi::c_void),*];
        $(
            $(#[$doc])*
            ///
            /// # Safety
            /// C
            #[unsafe(no_mangle)]
            pub unsafe extern "C-unwind" fn $name($($arg: $type),*) $(-> $result)? {
                // SAFETY: C: by the caller's promise.
                #[allow(unused_unsafe, reason = "some need no promise")]
                unsafe { $body }
            }
        )*
    };
}

mod abi;
mod binaries;
mod both;
mod call;
mod driver;
mod env;
mod ioq;
mod library;
mod locks;
mod maps;
mod memory;
mod messages;
mod misc;
mod monitor;
mod resource;
mod select;
mod system;
mod terms;
mod threads;
mod variadic;
mod word;

use parking_lot::RwLock;
use purlin_vm::Engine;
use std::sync::{Arc, Weak};

/// The engine that loads libraries.
static ENGINE: RwLock<Weak<Engine>> = RwLock::new(Weak::new());

/// The engine that libraries belong to, while it is there.
fn engine() -> Option<Arc<Engine>> {
    ENGINE.read().upgrade()
}

/// Has this engine load native libraries, unless another one of this program does.
pub fn install(engine: &Arc<Engine>) {
    // The address keeps the functions that libraries call in the program.
    std::hint::black_box((EXPORTED, driver::EXPORTED));
    let mut owner = ENGINE.write();
    if owner.strong_count() == 0 {
        *owner = Arc::downgrade(engine);
        engine.set_libraries(Box::new(library::Loader));
        purlin_natives::drivers::install(engine, Box::new(driver::Objects));
    }
}

/// All functions that libraries call.
static EXPORTED: &[Addresses] = &[
    Addresses(binaries::EXPORTED),
    Addresses(call::EXPORTED),
    Addresses(env::EXPORTED),
    Addresses(ioq::EXPORTED),
    Addresses(locks::EXPORTED),
    Addresses(maps::EXPORTED),
    Addresses(memory::EXPORTED),
    Addresses(messages::EXPORTED),
    Addresses(misc::EXPORTED),
    Addresses(monitor::EXPORTED),
    Addresses(resource::EXPORTED),
    Addresses(select::EXPORTED),
    Addresses(system::EXPORTED),
    Addresses(terms::EXPORTED),
    Addresses(threads::EXPORTED),
    Addresses(variadic::EXPORTED),
];

struct Addresses(#[expect(dead_code, reason = "they only have to be there")] &'static [*const std::ffi::c_void]);

// SAFETY: the addresses of functions are the same for all threads.
unsafe impl Sync for Addresses {}
