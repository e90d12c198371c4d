//! The engine: everything that the processes of one virtual machine share. Two engines can live in one program.

use crate::native::Native;
use crate::state::{Slot, States};
use hashbrown::HashMap;
use parking_lot::RwLock;
use std::any::{Any, TypeId};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One virtual machine.
pub struct Engine {
    natives: HashMap<(&'static str, &'static str, u8), Native>,
    refs: AtomicU64,
    extensions: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    states: States,
}

impl Engine {
    /// An engine with the natives of these tables.
    pub fn new(tables: &[&[Native]]) -> Arc<Engine> {
        let mut natives = HashMap::new();
        for n in tables.iter().flat_map(|t| t.iter()) {
            let before = natives.insert((n.module, n.function, n.arity), *n);
            debug_assert!(before.is_none(), "{}:{}/{} is registered twice", n.module, n.function, n.arity);
        }
        Arc::new(Engine { natives, refs: AtomicU64::new(1), extensions: RwLock::new(HashMap::new()), states: States::default() })
    }

    /// The native of this name, if the engine has it.
    pub fn native(&self, module: &str, function: &str, arity: u8) -> Option<&Native> {
        // The key's lifetime is longer than the look-up needs; hashing and comparing see only the text.
        self.natives.get(&NativeKey(module, function, arity))
    }

    /// The id words of a new unique reference.
    pub fn next_ref(&self) -> [u64; 2] {
        [self.refs.fetch_add(1, Ordering::Relaxed), 0]
    }

    /// This engine's state that `slot` names, without any lock; for topics that need theirs at every call.
    #[inline]
    pub fn state<T: Any + Send + Sync + Default>(&self, slot: &Slot<T>) -> &T {
        self.states.get(slot)
    }

    /// State of type `T` that a topic of natives keeps for this engine (tables, files, ...), made when first used.
    pub fn extension<T: Any + Send + Sync + Default>(&self) -> Arc<T> {
        let key = TypeId::of::<T>();
        if let Some(x) = self.extensions.read().get(&key) {
            return x.clone().downcast().expect("keyed by its type");
        }
        let mut all = self.extensions.write();
        let x = all.entry(key).or_insert_with(|| Arc::new(T::default()));
        x.clone().downcast().expect("keyed by its type")
    }
}

#[derive(Hash)]
struct NativeKey<'a>(&'a str, &'a str, u8);

impl hashbrown::Equivalent<(&'static str, &'static str, u8)> for NativeKey<'_> {
    fn equivalent(&self, key: &(&'static str, &'static str, u8)) -> bool {
        self.0 == key.0 && self.1 == key.1 && self.2 == key.2
    }
}
