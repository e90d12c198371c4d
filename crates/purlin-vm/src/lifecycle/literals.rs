//! Freeing literals, and code: what processes do for it. The rounds, and why they are safe, are in `code/retired.rs`.

pub use crate::code::retired::{Next, Retired};
use crate::engine::Engine;
use crate::engine::context::Ctx;
use crate::lifecycle::heap_limit;
use crate::messaging::suspension::resume;
use crate::process::gc::{Depth, each_term};
pub use crate::process::rare::{How, Question};
use crate::process::signal::{Parcel, Request, Signal, SignalKind, Target};
use crate::process::{Activity, Flags, Hibernation, Priority, Process, ProcessData};
use crate::tracing::events;
use purlin_term::copy::shared::Sharing;
use purlin_term::literal::{Literals, is_condemned};
use purlin_term::{Atom, Fragment, Heap, Term, am};
use std::sync::Arc;

/// Has something freed as soon as nobody refers to it. Nobody can come to it any more.
pub fn retire(engine: &Arc<Engine>, what: impl IntoIterator<Item = Box<dyn Retired>>) {
    if let Some(collector) = engine.literals.retire(what) {
        engine.post(collector, Signal::with_copy(SignalKind::Message, am!("copy_literals")));
    }
}

/// Ends the purge of a module that no process uses; false: none was prepared.
pub fn complete_purge(engine: &Arc<Engine>, module: Atom) -> bool {
    let Some((retired, callers)) = engine.code.complete_purge(module) else { return false };
    retire(engine, [retired]);
    callers.into_iter().for_each(|id| resume(engine, id));
    true
}

/// Ends the purge of a module that processes use; false: none was prepared.
pub fn abort_purge(engine: &Arc<Engine>, module: Atom) -> bool {
    let callers = engine.code.abort_purge(module);
    callers.iter().flatten().for_each(|&id| resume(engine, id));
    callers.is_some()
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
        Target::Alive(process, data) => handle(&mut Ctx { engine, process, data }, question),
    }
}

impl Question {
    /// `{copy_literals, Id, Result}`
    fn answer(&self, engine: &Arc<Engine>, result: Term) {
        let answer = Signal::built(SignalKind::Message, |h| {
            let id = self.id.copy_to(h);
            h.tuple(&[am!("copy_literals"), id, result])
        });
        engine.post(self.collector.term(), answer);
    }
}

/// Handles a question when all references that the process has are where they can be found.
fn handle(ctx: &mut Ctx<'_>, question: Question) {
    if let Some(offload) = &mut ctx.data.offload {
        // The native on the pool may hold references, and what it refers to must not move.
        let again: Request = Box::new(move |engine, target| put(engine, target, question));
        return offload.postpone(PRIORITY, again);
    }
    if ctx.data.flags.has(Flags::HOLDS_COLLECTIONS) {
        return ctx.data.rare_mut().held_questions.push(question);
    }
    if ctx.data.activity == Activity::Running {
        // Registers and what natives hold cannot be seen from here: later, between two slices.
        ctx.data.give_up_slice();
        let _ = ctx.process.outer.push(signal(question));
        ctx.process.elevate(PRIORITY);
        return;
    }
    let result = match question.how {
        How::Look if refers(ctx.data) => am!("need_gc"),
        How::Look => am!("ok"),
        How::Copy => {
            replace(ctx);
            am!("ok")
        }
    };
    question.answer(ctx.engine, result);
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
            if !Term::from_raw(*p).is_header() {
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
fn replace(ctx: &mut Ctx<'_>) {
    // What is dead needs no copies; and afterwards there is no old generation, which must not refer to young terms.
    collect(ctx, Depth::Major);
    let mut heap = std::mem::replace(&mut ctx.data.heap, Heap::new(0));
    let mut sharing = Sharing::default();
    let (start, end) = (heap.block.start(), heap.top);
    let mut copy = |t: &mut Term, heap: &mut Heap| {
        if condemned(*t) {
            *t = heap.copy_condemned(&mut sharing, *t);
        }
    };
    // Messages that refer to the same literal share its copy, and so become part of the heap.
    ctx.data.mailbox.move_to_heap(|signal| {
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
    ctx.data.visit_roots(&mut |t| copy(t, &mut heap));
    // The stack's words stay in place while terms are added to the heap.
    let mut on_stack = Vec::new();
    each_on_stack(&heap, |t| on_stack.extend(condemned(*t).then_some(t as *mut Term)));
    // SAFETY: LIVE: as in `refers`; what is added to the heap lies behind `end`. The stack's words are as above.
    unsafe {
        on_stack.into_iter().for_each(|t| copy(&mut *t, &mut heap));
        each_term(start, end, |t| copy(t, &mut heap));
    }
    // What was there refers to what is new: none of it is older than the rest.
    // SAFETY: LIVE: it is a place between two objects.
    unsafe { heap.spaces_mut() }.high_water = start;
    ctx.data.heap = heap;
    heap_limit::check(ctx, 0);
    if ctx.data.hibernation != Hibernation::None {
        collect(ctx, Depth::Tight);
    } else if ctx.data.heap.fragment_words > 0 {
        collect(ctx, Depth::Major);
    }
}

fn collect(ctx: &mut Ctx<'_>, depth: Depth) {
    ctx.data.wanted_collection = Some(depth);
    events::collect(ctx, &mut [], 0);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::engine::Config;
    use crate::lifecycle::spawn::Spawn;
    use crate::process::gc;
    use purlin_term::Atom;
    use purlin_term::literal::Area;

    #[test]
    fn a_process_keeps_copies_of_all_that_it_referred_to() {
        let engine = Engine::new(&[], Config { schedulers: 1, ..Config::from_env().unwrap() });
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
        // SAFETY: LIVE: there is room below the stack.
        unsafe {
            data.heap.spaces_mut().end = data.heap.end.wrapping_sub(1);
            *data.heap.end = literal.raw();
        }
        for _ in 0..3 {
            let message = scratch.tuple(&[literal, Term::small(5)]);
            data.mailbox.append(Signal::message(message));
        }
        assert!(!refers(data), "nothing is condemned yet");
        area.condemn();
        assert!(refers(data));
        replace(&mut Ctx { engine: &engine, process: &process, data });
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
}
