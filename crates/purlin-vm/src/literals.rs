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

use crate::engine::Engine;
use crate::lifecycle::heap_limit;
use crate::process::gc::{Depth, each_term};
use crate::process::grace::{Grace, Place};
use crate::process::signal::{Parcel, Request, Signal, SignalKind, Target};
use crate::process::{Activity, Flags, Priority, Process, ProcessData};
use crate::tracing::events;
use parking_lot::Mutex;
use purlin_term::copy::shared::Sharing;
use purlin_term::literal::{self, Area, Literals, is_condemned};
use purlin_term::{Fragment, Heap, Owned, Term, am};
use std::sync::Arc;
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
    collector: Option<Term>,
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

impl Engine {
    /// Names the process that collects, which gets a message when something was retired.
    pub fn set_collector(&self, pid: Term) {
        self.literals.0.lock().collector = Some(pid);
    }

    /// Has something freed as soon as nobody refers to it. Nobody can come to it any more.
    pub fn retire(self: &Arc<Engine>, what: impl IntoIterator<Item = Box<dyn Retired>>) {
        let mut state = self.literals.0.lock();
        let resting = state.waiting.is_empty();
        state.waiting.extend(what);
        if let Some(to) = state.collector.filter(|_| resting && !state.waiting.is_empty()) {
            drop(state);
            self.post(to, Signal::with_copy(SignalKind::Message, am!("copy_literals")));
        }
    }

    /// One step of collecting: called by the collector when it rests, when it was told to wait, and when all
    /// processes have answered.
    pub fn collect_retired(&self) -> Next {
        let mut state = self.literals.0.lock();
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
                    state = self.literals.0.lock();
                }
            }
        }
    }

    /// Leaves a round that is under way unfinished: the engine has stopped.
    pub(crate) fn abandon_retired(&self) {
        let mut state = self.literals.0.lock();
        let step = std::mem::take(&mut state.step);
        // Nobody has made sure that they are not referred to.
        std::mem::take(&mut state.round).into_iter().for_each(std::mem::forget);
        if matches!(step, Step::Condemned(_) | Step::Asking | Step::Unused(_, true)) {
            literal::set_condemned(false);
            ROUND.store(false, Ordering::Release);
        }
    }
}

/// How much the collector asks of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// To say whether it refers to condemned literals.
    Look,
    /// To replace its references.
    Copy,
}

/// The collector's request of one process.
#[derive(Clone)]
pub struct Question {
    pub collector: Term,
    /// What the answer begins with behind its tag.
    pub id: Arc<Owned>,
    pub how: How,
}

/// The collector's own.
const PRIORITY: Priority = Priority::High;

/// Sends a question to a process.
pub fn ask(engine: &Arc<Engine>, process: Term, question: Question) {
    engine.post_question(process, PRIORITY, signal(question));
}

fn signal(question: Question) -> Parcel {
    Signal::task(PRIORITY, move |engine, target| put(engine, target, question))
}

fn put(engine: &Arc<Engine>, target: Target<'_>, question: Question) {
    match target {
        Target::Gone => question.answer(engine, am!("ok")),
        Target::Alive(process, data) => handle(engine, process, data, question),
    }
}

impl Question {
    /// `{copy_literals, Id, Result}`
    fn answer(&self, engine: &Arc<Engine>, result: Term) {
        let answer = Signal::built(SignalKind::Message, |h| {
            let id = self.id.copy_to(h);
            h.tuple(&[am!("copy_literals"), id, result])
        });
        engine.post(self.collector, answer);
    }
}

/// Handles a question when all references that the process has are where they can be found.
fn handle(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData, question: Question) {
    if let Some(away) = &mut data.away {
        // The native on the pool may hold references, and what it refers to must not move.
        let again: Request = Box::new(move |engine, target| put(engine, target, question));
        return away.postpone(PRIORITY, again);
    }
    if data.flags.has(Flags::HOLDS_COLLECTIONS) {
        return data.rare_mut().held_questions.push(question);
    }
    if data.activity == Activity::Running {
        // Registers and what natives hold cannot be seen from here: later, between two slices.
        data.give_up_slice();
        let _ = process.outer.push(signal(question));
        process.elevate(PRIORITY);
        return;
    }
    let result = match question.how {
        How::Look if refers(data) => am!("need_gc"),
        How::Look => am!("ok"),
        How::Copy => {
            replace(engine, process, data);
            am!("ok")
        }
    };
    question.answer(engine, result);
}

/// Answers the questions that were held back by a process that has ended.
pub(crate) fn answer_held(engine: &Arc<Engine>, data: &ProcessData) {
    data.rare().into_iter().flat_map(|r| &r.held_questions).for_each(|q| q.answer(engine, am!("ok")));
}

/// Puts the questions that were held back into the process's queue again.
pub fn ask_again(process: &Process, data: &mut ProcessData) {
    for question in std::mem::take(&mut data.rare_mut().held_questions) {
        let _ = process.outer.push(signal(question));
    }
    data.give_up_slice();
}

fn condemned(t: Term) -> bool {
    t.is_pointer() && is_condemned(t.pointer())
}

/// Calls `visit` with every word of the stack that is a term.
fn each_on_stack(heap: &Heap, mut visit: impl FnMut(&mut Term)) {
    let mut p = heap.end;
    while p < heap.block.end() {
        // SAFETY: LIVE: `p` walks the stack's words; return addresses are tagged as headers.
        unsafe {
            if !Term(*p).is_header() {
                visit(&mut *p.cast());
            }
        }
        p = p.wrapping_add(1);
    }
}

/// Whether a message refers to condemned literals.
fn message_refers(signal: &Signal) -> bool {
    let ((start, end), mut found) = (signal.terms(), condemned(signal.term));
    // SAFETY: LIVE: a message's words hold complete objects, and are its receiver's.
    unsafe { each_term(start, end, |t| found |= condemned(*t)) };
    found
}

/// Whether a process that does not run refers to condemned literals.
fn refers(data: &mut ProcessData) -> bool {
    let all = Literals::all();
    let condemned = |t: Term| t.is_pointer() && all.condemn(t.pointer());
    let mut found = false;
    data.visit_roots(&mut |t| found |= condemned(*t));
    each_on_stack(&data.heap, |t| found |= condemned(*t));
    let heap = &data.heap;
    let fragments = heap.fragments.iter().map(Fragment::terms);
    let blocks = [(heap.block.start(), heap.top), (heap.old.start(), heap.old_top)];
    for (start, end) in blocks.into_iter().chain(fragments) {
        if !found {
            // SAFETY: LIVE: the heap's parts hold complete objects between slices, and this thread owns them.
            unsafe { each_term(start, end, |t| found |= condemned(*t)) };
        }
    }
    found || data.mailbox.any(message_refers)
}

/// Puts copies in the place of all condemned literals that a process that does not run refers to.
fn replace(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData) {
    // What is dead needs no copies; and afterwards there is no old generation, which must not refer to young terms.
    collect(engine, process, data, Depth::Major);
    let mut heap = std::mem::replace(&mut data.heap, Heap::new(0));
    let mut sharing = Sharing::default();
    let (start, end) = (heap.block.start(), heap.top);
    let mut copy = |t: &mut Term, heap: &mut Heap| {
        if condemned(*t) {
            *t = heap.copy_condemned(&mut sharing, *t);
        }
    };
    // Messages that refer to the same literal share its copy, and so become part of the heap.
    data.mailbox.move_to_heap(|signal| {
        if !message_refers(signal) {
            return None;
        }
        let (fragment, term) = purlin_term::copy::to_fragment(signal.term, Literals::all());
        let (start, end) = fragment.terms();
        // SAFETY: LIVE: a copy holds complete objects, and is this thread's.
        unsafe { each_term(start, end, |t| copy(t, &mut heap)) };
        heap.adopt(fragment);
        signal.replace_term(term);
        Some(())
    });
    data.visit_roots(&mut |t| copy(t, &mut heap));
    // The stack's words stay in place while terms are added to the heap.
    let mut on_stack = Vec::new();
    each_on_stack(&heap, |t| on_stack.extend(condemned(*t).then_some(t as *mut Term)));
    // SAFETY: LIVE: as in `refers`; what is added to the heap lies behind `end`. The stack's words are as above.
    unsafe {
        on_stack.into_iter().for_each(|t| copy(&mut *t, &mut heap));
        each_term(start, end, |t| copy(t, &mut heap));
    }
    // What was there refers to what is new: none of it is older than the rest.
    heap.high_water = start;
    data.heap = heap;
    heap_limit::check(engine, process, data, 0);
    if data.hibernating {
        collect(engine, process, data, Depth::Tight);
    } else if data.heap.fragment_words > 0 {
        collect(engine, process, data, Depth::Major);
    }
}

fn collect(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData, depth: Depth) {
    data.wanted_collection = Some(depth);
    events::collect(engine, process, data, &mut [], 0);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::engine::Config;
    use crate::lifecycle::spawn::Spawn;
    use crate::process::gc;
    use purlin_term::Atom;

    #[test]
    fn a_process_keeps_copies_of_all_that_it_referred_to() {
        let engine = Engine::with_config(&[], Config { schedulers: 1, ..Config::default() });
        let process = Spawn::new(Atom::OK, Atom::OK, &[]).create(&engine).unwrap();
        // SAFETY: OWNER: this thread made it and no scheduler runs.
        let data = unsafe { process.data() };
        let mut area = Area::default();
        let mut scratch = Heap::new(0);
        let bin = scratch.binary(&[7; 100]);
        let list = scratch.list(&[bin, am!("a")]);
        let literal = area.store(list).unwrap();
        let (other, _) = literal.as_cons().unwrap();
        // In the old generation, in the young one, as a root, in the dictionary, on the stack and in a message.
        let old = data.heap.tuple(&[literal, other]);
        data.roots.push(old);
        for _ in 0..2 {
            data.collect(&mut [], 0);
        }
        let young = data.heap.tuple(&[Term::small(1), literal]);
        data.roots.extend([young, literal]);
        data.dictionary().put(other, literal);
        data.heap.end = data.heap.end.wrapping_sub(1);
        // SAFETY: LIVE: there is room below the stack.
        unsafe { *data.heap.end = literal.0 };
        for _ in 0..3 {
            let message = scratch.tuple(&[literal, Term::small(5)]);
            data.mailbox.append(Signal::message(message));
        }
        assert!(!refers(data), "nothing is condemned yet");
        area.condemn();
        assert!(refers(data));
        replace(&engine, &process, data);
        assert!(!refers(data));
        drop(area);
        for depth in [Depth::Minor, Depth::Minor, Depth::Major] {
            data.wanted_collection = Some(depth);
            data.collect(&mut [], 0);
            gc::verify(&data.heap, data.heap.old.start());
        }
        let copy = data.roots[2];
        assert_eq!(copy.as_list().unwrap()[0].as_bytes().unwrap().as_ref(), &[7; 100]);
        assert_eq!(data.roots[0].as_tuple().unwrap(), &[copy, copy.as_cons().unwrap().0], "copies are shared");
        assert_eq!(data.roots[1].as_tuple().unwrap()[1], copy);
        assert_eq!(data.heap.stack().next(), Some(copy));
        let stored = data.dictionary().iter().next().unwrap();
        assert_eq!(stored, (copy.as_cons().unwrap().0, copy));
        assert!(data.mailbox.iter().all(|m| m.as_tuple().unwrap() == [copy, Term::small(5)]));
        assert_eq!(data.mailbox.len(), 3);
    }

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
        let engine = Engine::with_config(&[], Config { schedulers: 1, ..Config::default() });
        let freed = Arc::new(AtomicBool::new(false));
        assert_eq!(engine.collect_retired(), Next::Rest);
        engine.retire([Box::new(Note(freed.clone())) as Box<dyn Retired>]);
        while engine.collect_retired() == Next::Wait {
            assert!(!freed.load(Ordering::Acquire));
            std::thread::yield_now();
        }
        assert!(freed.load(Ordering::Acquire));
    }
}
