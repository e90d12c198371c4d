//! Registered names of processes and ports.

use super::Process;
use super::table::Table;
use hashbrown::HashMap;
use parking_lot::RwLock;
use purlin_term::{Atom, Immediate, Term};

/// The registered names of one engine.
#[derive(Default)]
pub struct Names {
    names: RwLock<HashMap<Atom, Immediate>>,
}

/// Why a name could not be registered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegisterError {
    /// The name is in use, or `undefined`.
    BadName,
    /// The process or port has a name already.
    HasName,
    /// The process or port has ended.
    Dead,
}

impl Names {
    /// Gives a process a name.
    pub fn register(&self, name: Atom, process: &Process) -> Result<(), RegisterError> {
        if name == Atom::UNDEFINED {
            return Err(RegisterError::BadName);
        }
        let mut names = self.names.write();
        if process.name().is_some() {
            return Err(RegisterError::HasName);
        }
        if names.contains_key(&name) {
            return Err(RegisterError::BadName);
        }
        process.set_name(Some(name));
        // A process that ends is marked before it looks whether it has a name (both sequentially consistent): it finds
        // this one, or the mark is found here.
        if process.is_exiting() {
            process.set_name(None);
            return Err(RegisterError::Dead);
        }
        names.insert(name, process.who());
        Ok(())
    }

    /// Gives a port a name; the caller keeps the port alive meanwhile and unregisters it when it closes.
    pub fn register_port(&self, name: Atom, port: Term) -> Result<(), RegisterError> {
        let mut names = self.names.write();
        if name == Atom::UNDEFINED || names.contains_key(&name) {
            return Err(RegisterError::BadName);
        }
        if names.values().any(|t| t.term() == port) {
            return Err(RegisterError::HasName);
        }
        names.insert(name, Immediate::new(port).ok_or(RegisterError::Dead)?);
        Ok(())
    }

    /// Frees a name; who had it, a process or port.
    pub fn unregister(&self, name: Atom, processes: &Table) -> Option<Term> {
        let mut names = self.names.write();
        let who = names.remove(&name)?.term();
        if let Some(p) = who.as_pid().and_then(|id| processes.get(id)) {
            p.set_name(None);
        }
        Some(who)
    }

    /// Frees the name of an ending process.
    pub fn release(&self, process: &Process) -> Option<Atom> {
        // Anyone who registers after this sees that the process is exiting.
        process.name()?;
        let mut names = self.names.write();
        let name = process.name()?;
        names.remove(&name);
        process.set_name(None);
        Some(name)
    }

    /// Frees the name of a closing port.
    pub fn release_port(&self, port: Term) -> Option<Atom> {
        let mut names = self.names.write();
        let name = *names.iter().find(|(_, t)| t.term() == port)?.0;
        names.remove(&name);
        Some(name)
    }

    /// The pid or port of this name.
    pub fn whereis(&self, name: Atom) -> Option<Term> {
        self.names.read().get(&name).map(|t| t.term())
    }

    /// The name of a port.
    pub fn of_port(&self, port: Term) -> Option<Atom> {
        self.names.read().iter().find(|(_, t)| t.term() == port).map(|(&n, _)| n)
    }

    /// All names.
    pub fn all(&self) -> Vec<Atom> {
        self.names.read().keys().copied().collect()
    }
}
