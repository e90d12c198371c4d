//! Freeing literals, and code, once nobody refers to them any more.
//!
//! What goes (the old code of a purged module, a persistent term that was replaced) is first made unreachable for who
//! looks for it, and then retired. The collector, a process of OTP's own, frees it in rounds:
//!
//! 1. The literals of all that was retired are condemned: copies no longer leave them where they are. After a grace no
//!    thread makes copies that do ([`grace`](crate::process::grace)).
//! 2. Each process is asked for references to them. One that has some replaces them by copies in its heap; messages
//!    that wait for it count. The answer of the last one means that no reference is left, nor can there be a new one.
//! 3. After one more grace nobody is in the middle of anything with them, and all is freed.
//!
//! Copies that no process owns (table rows, timers, patterns) never refer to literals.

use crate::process::grace::{Grace, Place};
use parking_lot::Mutex;
use purlin_term::literal::{self, Area};
use purlin_term::{Immediate, Term};
use std::sync::atomic::{AtomicBool, Ordering};

/// What is freed by dropping it.
pub trait Retired: Send {
    /// Whether there are literals that processes may refer to.
    fn has_literals(&self) -> bool;
    /// Marks the literals as those that are about to go.
    fn condemn(&self);
}

impl Retired for Area {
    fn has_literals(&self) -> bool {
        !self.is_empty()
    }

    fn condemn(&self) {
        Area::condemn(self);
    }
}

/// What one engine has retired and not freed yet.
#[derive(Default)]
pub struct Collection(Mutex<State>);

#[derive(Default)]
struct State {
    /// The collector's pid, once it was started.
    collector: Option<Immediate>,
    waiting: Vec<Box<dyn Retired>>,
    round: Vec<Box<dyn Retired>>,
    step: Step,
}

#[derive(Default)]
enum Step {
    #[default]
    Idle,
    /// The literals are condemned.
    Condemned(Grace),
    /// The processes are being asked.
    Asking,
    /// No reference is left; whether there are literals in the round.
    Unused(Grace, bool),
}

/// What the collector has to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Wait a little and call again.
    Wait,
    /// Ask all processes.
    Ask,
    /// Nothing, until something else is retired.
    Rest,
}

/// Set while a round is under way in any engine of the program: they have one literal area.
static ROUND: AtomicBool = AtomicBool::new(false);

impl Collection {
    /// Names the process that collects, which gets a message when something was retired.
    pub fn set_collector(&self, pid: Immediate) {
        self.0.lock().collector = Some(pid);
    }

    /// Has something freed as soon as nobody refers to it. Nobody can come to it any more. Gives the collector, if it
    /// rests and has to be told.
    pub fn retire(&self, what: impl IntoIterator<Item = Box<dyn Retired>>) -> Option<Term> {
        let mut state = self.0.lock();
        let resting = state.waiting.is_empty();
        state.waiting.extend(what);
        state.collector.filter(|_| resting && !state.waiting.is_empty()).map(Immediate::term)
    }

    /// One step of collecting: called by the collector when it rests, when it was told to wait, and when all
    /// processes have answered.
    pub fn step(&self) -> Next {
        let mut state = self.0.lock();
        loop {
            match &mut state.step {
                Step::Idle => {
                    if state.waiting.is_empty() {
                        return Next::Rest;
                    }
                    let literals = state.waiting.iter().any(|r| r.has_literals());
                    if literals && ROUND.swap(true, Ordering::AcqRel) {
                        return Next::Wait;
                    }
                    state.round = std::mem::take(&mut state.waiting);
                    if literals {
                        state.round.iter().for_each(|r| r.condemn());
                        literal::set_condemned(true);
                        state.step = Step::Condemned(Grace::begin(Place::Code));
                    } else {
                        state.step = Step::Unused(Grace::begin(Place::Code), false);
                    }
                }
                Step::Condemned(grace) => {
                    if !grace.is_over() {
                        return Next::Wait;
                    }
                    state.step = Step::Asking;
                    return Next::Ask;
                }
                Step::Asking => {
                    literal::set_condemned(false);
                    state.step = Step::Unused(Grace::begin(Place::Code), true);
                }
                Step::Unused(grace, literals) => {
                    if !grace.is_over() {
                        return Next::Wait;
                    }
                    let (literals, round) = (*literals, std::mem::take(&mut state.round));
                    state.step = Step::Idle;
                    drop(state);
                    drop(round);
                    if literals {
                        ROUND.store(false, Ordering::Release);
                    }
                    state = self.0.lock();
                }
            }
        }
    }

    /// Leaves a round that is under way unfinished: the engine has stopped.
    pub(crate) fn abandon(&self) {
        let mut state = self.0.lock();
        let step = std::mem::take(&mut state.step);
        // Nobody has made sure that they are not referred to.
        std::mem::take(&mut state.round).into_iter().for_each(std::mem::forget);
        if matches!(step, Step::Condemned(_) | Step::Asking | Step::Unused(_, true)) {
            literal::set_condemned(false);
            ROUND.store(false, Ordering::Release);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn what_is_retired_is_freed_in_rounds() {
        struct Note(Arc<AtomicBool>);
        impl Retired for Note {
            fn has_literals(&self) -> bool {
                false
            }
            fn condemn(&self) {}
        }
        impl Drop for Note {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Release);
            }
        }
        let all = Collection::default();
        let freed = Arc::new(AtomicBool::new(false));
        assert_eq!(all.step(), Next::Rest);
        all.retire([Box::new(Note(freed.clone())) as Box<dyn Retired>]);
        while all.step() == Next::Wait {
            assert!(!freed.load(Ordering::Acquire));
            std::thread::yield_now();
        }
        assert!(freed.load(Ordering::Acquire));
    }
}
