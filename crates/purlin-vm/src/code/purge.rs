//! Purging: old code is forgotten once no process can return to it.
//!
//! One module is purged at a time, in steps that the code purger takes: `prepare` makes the funs of the old code
//! uncallable, so that nobody gets into it any more; then the purger asks all processes whether they are in it;
//! `complete` forgets it, or `abort` makes its funs callable again. Who calls such a fun in between waits.

use super::export::FnEntry;
use super::module::{Code, Module};
use crate::engine::Engine;
use crate::literals::Retired;
use purlin_term::{Atom, FunEntry};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A purge that has been prepared.
pub(super) struct Purge {
    /// The code that goes.
    target: &'static Module,
    /// Old code that was there when code refused by its on_load function took its place.
    saved_old: Option<&'static Module>,
}

impl Code {
    /// Begins a purge of a module's old code, or of the code that its on_load function refused. `Some(false)`: there
    /// is none; `None`: another purge is under way.
    pub fn prepare_purge(&self, module: Atom, refused: bool) -> Option<bool> {
        let mut modules = self.modules.write();
        let mut purging = self.purging.lock();
        if purging.is_some() {
            return None;
        }
        let Some(g) = modules.get_mut(&module) else { return Some(false) };
        let mut saved_old = None;
        if refused && let Some(m) = g.loading.take() {
            saved_old = g.old.replace(m);
        }
        let Some(target) = g.old else { return Some(false) };
        *purging = Some(Purge { target, saved_old });
        for (lambda, entry) in lambdas(target) {
            let entry = entry as *const FnEntry as *mut ();
            let none = std::ptr::null_mut();
            let _ = lambda.code.compare_exchange(entry, none, Ordering::AcqRel, Ordering::Relaxed);
        }
        Some(true)
    }

    /// Whether the code of this lambda is being purged, so that its callers have to wait.
    pub fn is_being_purged(&self, lambda: &FunEntry) -> bool {
        let purging = self.purging.lock();
        purging.as_ref().is_some_and(|p| p.target.lambdas().iter().any(|&l| std::ptr::eq(l, lambda)))
    }

    /// Ends a purge that found processes in the code: its funs can be called again. False: none of this module was
    /// prepared.
    pub fn abort_purge(&self, module: Atom) -> bool {
        let mut purging = self.purging.lock();
        let Some(p) = purging.take_if(|p| p.target.name == module) else { return false };
        for (lambda, entry) in lambdas(p.target) {
            let entry = entry as *const FnEntry as *mut ();
            let none = std::ptr::null_mut();
            let _ = lambda.code.compare_exchange(none, entry, Ordering::AcqRel, Ordering::Relaxed);
        }
        true
    }

    /// Ends a purge: the code is forgotten. The caller has made sure that no process uses it. False: none of this
    /// module was prepared.
    pub fn complete_purge(&self, engine: &Arc<Engine>, module: Atom) -> bool {
        let mut modules = self.modules.write();
        let mut purging = self.purging.lock();
        let Some(p) = purging.take_if(|p| p.target.name == module) else { return false };
        if let Some(g) = modules.get_mut(&module) {
            g.old = p.saved_old;
        }
        p.target.purged.store(true, Ordering::Release);
        let mut ranges = self.ranges.write();
        for f in p.target.functions() {
            if let Some(d) = f.decoded.get() {
                ranges.remove(&(d.code.as_ptr() as usize));
            }
        }
        engine.retire([Box::new(std::mem::take(&mut *p.target.area.lock())) as Box<dyn Retired>]);
        true
    }
}

/// The lambdas of a generation, each with its function.
fn lambdas(m: &'static Module) -> impl Iterator<Item = (&'static FunEntry, &'static FnEntry)> {
    let entries = m.file.lambdas().iter().map(|raw| m.entry_of_label(raw.label));
    m.lambdas().iter().copied().zip(entries).filter_map(|(l, e)| Some((l, e.ok()?)))
}
