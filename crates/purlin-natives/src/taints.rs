//! What was loaded into the program and is not of OTP: `erlang:system_info(taints)`. It stays when the libraries have gone.

use parking_lot::Mutex;
use purlin_term::Atom;
use purlin_vm::{Engine, Slot};

/// An engine's.
#[derive(Default)]
struct Taints(Mutex<Vec<Atom>>);

static TAINTS: Slot<Taints> = Slot::new();

/// A driver, or a module with a library of natives, is loaded.
pub fn add(engine: &Engine, name: Atom) {
    let mut taints = engine.state(&TAINTS).0.lock();
    if !taints.contains(&name) {
        taints.push(name);
    }
}

/// All, the oldest first.
pub fn all(engine: &Engine) -> Vec<Atom> {
    engine.state(&TAINTS).0.lock().clone()
}
