//! Purging: old code is forgotten once no process can return to it.
//!
//! One module is purged at a time, in steps that the code purger takes: `prepare` makes the funs of the old code
//! uncallable, so that nobody gets into it any more; then the purger asks all processes whether they are in it;
//! `complete` forgets it, or `abort` makes its funs callable again. Who calls such a fun in between waits.

use super::export::FnEntry;
use super::module::{Code, Module, RetiredModule};
use super::retired::Retired;
use purlin_term::{Atom, FunEntry};
use std::sync::atomic::Ordering;

/// A purge that has been prepared.
pub(super) struct Purge {
    /// The code that goes.
    target: &'static Module,
    /// Old code that was there when code refused by its on_load function took its place.
    saved_old: Option<&'static Module>,
    /// Processes that have called its funs and are suspended until it ends.
    callers: Vec<u64>,
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
        *purging = Some(Purge { target, saved_old, callers: Vec::new() });
        for (lambda, entry) in lambdas(target) {
            let entry = entry as *const FnEntry as *mut ();
            let none = std::ptr::null_mut();
            let _ = lambda.code.compare_exchange(entry, none, Ordering::AcqRel, Ordering::Relaxed);
        }
        Some(true)
    }

    /// Whether the code of this lambda is being purged. Then the process is to be resumed once that has ended.
    pub fn waits_for_purge(&self, lambda: &FunEntry, process: u64) -> bool {
        let mut purging = self.purging.lock();
        let purge = purging.as_mut().filter(|p| p.target.lambdas().iter().any(|l| std::ptr::eq(&**l, lambda)));
        purge.map(|p| p.callers.push(process)).is_some()
    }

    /// Ends a purge that found processes in the code: its funs can be called again. Who has called them
    /// and is to be resumed; `None`: no purge of this module was prepared.
    pub fn abort_purge(&self, module: Atom) -> Option<Vec<u64>> {
        let mut purging = self.purging.lock();
        let p = purging.take_if(|p| p.target.name == module)?;
        for (lambda, entry) in lambdas(p.target) {
            let entry = entry as *const FnEntry as *mut ();
            let none = std::ptr::null_mut();
            let _ = lambda.code.compare_exchange(none, entry, Ordering::AcqRel, Ordering::Relaxed);
        }
        Some(p.callers)
    }

    /// Ends a purge: the code is forgotten. The caller has made sure that no process uses it. What is to be
    /// retired, and who is to be resumed; `None`: no purge of this module was prepared.
    pub fn complete_purge(&self, module: Atom) -> Option<(Box<dyn Retired>, Vec<u64>)> {
        let mut modules = self.modules.write();
        let mut purging = self.purging.lock();
        let p = purging.take_if(|p| p.target.name == module)?;
        if let Some(g) = modules.get_mut(&module) {
            g.old = p.saved_old;
        }
        self.ranges.remove(p.target.functions().iter());
        drop((purging, modules));
        if let Some(library) = p.target.library() {
            library.purged();
        }
        // SAFETY: CODE: exports and funs do not lead to it, and the purger has asked all processes; it is dropped when
        // none refers to its literals and no thread is in the middle of anything.
        let retired = unsafe { RetiredModule::new(p.target) };
        Some((Box::new(retired), p.callers))
    }
}

/// The lambdas of a generation, each with its function.
fn lambdas(m: &'static Module) -> impl Iterator<Item = (&'static FunEntry, &'static FnEntry)> {
    let entries = m.file.lambdas().iter().map(|raw| m.entry_of_label(raw.label));
    m.lambdas().iter().map(|l| &**l).zip(entries).filter_map(|(l, e)| Some((l, e.ok()?)))
}
