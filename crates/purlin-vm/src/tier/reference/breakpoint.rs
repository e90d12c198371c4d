//! What happens at a breakpoint: trace messages of calls, and frames on the stack by which returns and exceptions are
//! seen.
//!
//! Such a frame looks to the function it stands for like its caller: a return address to an instruction of this file,
//! then immediate words.
//!
//! | instruction | words of its frame | tells of |
//! |---|---|---|
//! | `ReturnTrace` | module, function, arity, tracer (`true`: the process's own), session | `return_from`, `exception_from` |
//! | `ReturnToTrace` | session | `return_to` |
//! | `ReturnTime` | the functions whose time and memory go on, or nil, or `true` for not measured; session | nothing: it ends a `call_time` or `call_memory` |

use super::{Next, Run};
use crate::code::Mfa;
use crate::code::fixed::{RETURN, TraceFrame, trace_frame};
use crate::code::instr::Op;
use crate::code::points::{Point, Spec, State};
use crate::process::escape::Class;
use crate::tracing::flags::is_alive;
use crate::tracing::measure::{self, Measure};
use crate::tracing::message::{Event, enabled};
use crate::tracing::{Flags, SessionId, Site, Verdict};
use purlin_term::boxed::Kind;
use purlin_term::{Atom, Heap, Owned, Release, Term, am};
use smallvec::SmallVec;
use std::sync::atomic::Ordering;

/// Words of the frames behind the return address.
const CALL_WORDS: usize = 5;
const TO_WORDS: usize = 1;
const TIME_WORDS: usize = 3;

/// Flags that a meta trace goes by, whatever the process's are.
const META_FLAGS: Flags = Flags(Flags::CALL.0 | Flags::TIMESTAMP.0);

/// Which frames a traced call gets.
#[derive(Default)]
struct Wanted {
    return_to: bool,
    returns: bool,
    exceptions: bool,
}

/// Whose calls are told, and how.
#[derive(Clone, Copy)]
enum Whose {
    /// Those of the process that the session traces; all its calls, or those by name.
    Process { local: bool },
    /// Those of any process, to the function's own tracer.
    Meta { tracer: Term },
}

impl Run<'_> {
    /// A call has come to a breakpoint; its arguments are in the X registers, its return address is on the stack.
    #[cold]
    pub(super) fn breakpoint(&mut self, point: &'static Point) -> Next {
        let states = point.states();
        // Before there were sessions, calls by sensitive processes were counted.
        let seen = self.engine.config.release < Release(27) || !self.process.trace.flags().any(Flags::SENSITIVE);
        for (session, state) in states.of.iter().filter(|s| seen && self.engine.tracing.is_alive(s.0)) {
            self.session_breakpoint(point, *session, state);
        }
        if states.debug && seen { self.call_error_handler(point.mfa) } else { Next::At(point.next()) }
    }

    /// What one session does at a breakpoint.
    fn session_breakpoint(&mut self, point: &'static Point, session: SessionId, state: &State) {
        let traced = self.process.trace.has(Flags::CALL)
            && self.process.trace.share(session).is_some_and(|s| s.flags.any(Flags::CALL));
        if traced {
            let call = state.local.as_ref().map(|s| (s, true)).or(state.global.as_ref().map(|s| (s, false)));
            if let Some((spec, local)) = call {
                self.call_trace(point.mfa, session, spec, Whose::Process { local });
            }
        }
        self.meta_trace(point.mfa, session, state);
        if let Some(count) = state.count.as_ref().filter(|c| !c.paused.load(Ordering::Relaxed)) {
            count.calls.fetch_add(1, Ordering::Relaxed);
        }
        if traced {
            self.measure(point, session, state);
        }
    }

    /// Counts a call for `call_time` and `call_memory`, and has them measured until the function returns.
    fn measure(&mut self, point: &'static Point, session: SessionId, state: &State) {
        let mut before = [am!("true"); 2];
        let mut measured = false;
        for (what, before) in Measure::ALL.into_iter().zip(&mut before) {
            let Some(sums) = what.sums(state).filter(|t| !t.paused.load(Ordering::Relaxed)) else { continue };
            sums.add(self.process.id(), 1, 0);
            measured = true;
            *before = match measure::switch(&mut self.ctx(), session, what, Some(point)) {
                Some(p) => Term::small(p as *const Point as i64 >> 3),
                None => Term::NIL,
            };
        }
        if measured && !self.is_below_frame_of(session) {
            self.ensure(TIME_WORDS + 1, point.mfa.arity as usize);
            self.push_word(Term::small(session.0 as i64));
            before.into_iter().for_each(|t| self.push_word(t));
            self.push(TraceFrame::Time.address());
        }
    }

    /// Calls `Handler:breakpoint(Module, Function, Args)` instead of the function.
    fn call_error_handler(&mut self, mfa: Mfa) -> Next {
        let arguments = self.call_arguments(mfa.arity as usize);
        let list = self.data.heap.list(&arguments);
        self.load_args(&[Term::atom(mfa.module), Term::atom(mfa.function), list]);
        self.settle(3);
        self.call_mfa(Mfa { module: self.data.error_handler, function: Atom::new("breakpoint"), arity: 3 })
    }

    fn meta_trace(&mut self, mfa: Mfa, session: SessionId, state: &State) {
        let Some(meta) = &state.meta else { return };
        let Some(tracer) = meta.tracer() else { return };
        if self.process.trace.flags().any(Flags::SENSITIVE) {
            return;
        }
        if !is_alive(self.engine, tracer) {
            meta.forget_tracer();
        } else if tracer != self.process.pid() {
            self.call_trace(mfa, session, &meta.spec, Whose::Meta { tracer });
        }
    }

    /// Runs the specification of a call, sends the message that it wants and pushes the frames that it wants.
    fn call_trace(&mut self, mfa: Mfa, session: SessionId, spec: &Spec, whose: Whose) {
        let own = || {
            let share = self.process.trace.share(session)?;
            enabled(self.engine, self.process.pid(), &self.process.trace, &share, true)
        };
        let tracer = match whose {
            Whose::Meta { tracer } => Some(tracer),
            Whose::Process { .. } => own(),
        };
        let Some(tracer) = tracer else { return };
        let arguments = self.call_arguments(mfa.arity as usize);
        let verdict = match spec {
            Some(spec) => {
                let site = Site { session, caller: self.caller() };
                let verdict = spec.run(&mut self.ctx(), &arguments, &site);
                self.sync_stack();
                verdict
            }
            None => Verdict { message: Some(Owned::new(am!("true"))), ..Verdict::default() },
        };
        // The specification may have changed the flags.
        let (flags, frames_of) = match whose {
            Whose::Meta { tracer } => (META_FLAGS, tracer),
            Whose::Process { .. } => {
                (self.process.trace.share(session).map_or(Flags::default(), |s| s.flags), am!("true"))
            }
        };
        if flags.any(Flags::SILENT) {
            return;
        }
        let mut wanted = Wanted {
            return_to: false,
            returns: verdict.return_trace || verdict.exception_trace,
            exceptions: verdict.exception_trace,
        };
        if let Some(message) = verdict.message {
            wanted.return_to = matches!(whose, Whose::Process { local: true }) && flags.any(Flags::RETURN_TO);
            let mut heap = Heap::new(0);
            let arguments = if flags.any(Flags::ARITY) { Term::small(mfa.arity as i64) } else { heap.list(&arguments) };
            let call = heap.tuple(&[Term::atom(mfa.module), Term::atom(mfa.function), arguments]);
            self.tell(am!("call"), call, Term::NONE, message.term(), tracer, flags);
        }
        self.push_frames(mfa, session, wanted, frames_of);
    }

    fn tell(&self, name: Term, data: Term, extra: Term, result: Term, tracer: Term, flags: Flags) {
        Event { tracee: self.process.pid(), name, data, extra, result, tracer, flags: &flags }.send(self.engine);
    }

    /// The arguments of the call, a match context being the binary that it stands for.
    fn call_arguments(&mut self, arity: usize) -> Vec<Term> {
        (0..arity)
            .map(|i| {
                let t = self.x(i);
                match t.boxed_kind() {
                    Some(Kind::MatchCtx) => purlin_term::bits::get_tail(&mut self.data.heap, t).unwrap_or(t),
                    _ => t,
                }
            })
            .collect()
    }

    /// Pushes the frames that a call wants.
    fn push_frames(&mut self, mfa: Mfa, session: SessionId, wanted: Wanted, tracer: Term) {
        if !wanted.return_to && !wanted.returns {
            return;
        }
        self.ensure(CALL_WORDS + TO_WORDS + 2, mfa.arity as usize);
        let session_word = Term::small(session.0 as i64);
        if wanted.return_to && !self.will_tell_return_to(session) {
            self.push_word(session_word);
            self.push(TraceFrame::To.address());
        }
        if wanted.returns {
            let (module, function) = (Term::atom(mfa.module), Term::atom(mfa.function));
            for word in [session_word, tracer, Term::small(mfa.arity as i64), function, module] {
                self.push_word(word);
            }
            self.push(TraceFrame::Return { exceptions: wanted.exceptions }.address());
            self.process.trace.mark(Flags::EXCEPTION_FRAMES, Flags::default());
        }
    }

    fn push_word(&mut self, t: Term) {
        let sp = self.data.heap.end.wrapping_sub(1);
        debug_assert!(sp >= self.data.heap.top && !t.is_pointer());
        // SAFETY: `ensure` made room.
        unsafe { *sp = t.raw() };
        self.set_stack(sp);
    }

    // ---- looking at the stack

    /// The word at an offset from the top of the stack.
    fn stack_word(&self, i: usize) -> Option<Term> {
        let p = self.data.heap.end.wrapping_add(i);
        // SAFETY: LIVE: `p` is a word of the stack.
        (p < self.data.heap.block.end()).then(|| unsafe { Term::from_raw(*p) })
    }

    /// The frames of this file at the top of the stack, each with the session that it is of, and the return address behind
    /// them.
    fn frames(&self) -> (SmallVec<[(TraceFrame, SessionId); 4]>, Option<usize>) {
        let (mut frames, mut i) = (SmallVec::new(), 0);
        while let Some(w) = self.stack_word(i) {
            i += 1;
            let Some(a) = w.as_continuation() else { continue };
            let Some(frame) = trace_frame(a) else { return (frames, Some(a)) };
            let last = i + words_of(frame) - 1;
            frames.push((frame, self.stack_word(last).map_or(SessionId::LEGACY, session_of)));
            i = last + 1;
        }
        (frames, None)
    }

    /// Whether the function is called in tail position by one of which the session has a frame.
    fn is_below_frame_of(&self, session: SessionId) -> bool {
        let is_below_one = self.stack_word(0).and_then(Term::as_continuation).and_then(trace_frame).is_some();
        is_below_one && self.frames().0.iter().any(|f| f.1 == session)
    }

    fn will_tell_return_to(&self, session: SessionId) -> bool {
        self.frames().0.contains(&(TraceFrame::To, session))
    }

    /// The function that the call returns to.
    fn caller(&self) -> Option<(Mfa, usize)> {
        let address = self.frames().1?.checked_sub(std::mem::size_of::<Op>())?;
        self.engine.code.locate(address).map(|(entry, _)| (entry.mfa, address))
    }

    // ---- returns

    /// `ReturnTrace`: the function that the frame tells has returned.
    #[cold]
    pub(super) fn return_trace(&mut self) -> Next {
        let words = [0, 1, 2, 3, 4].map(|i| self.stack_word(i).unwrap_or(Term::NIL));
        let value = self.x(0);
        self.tell_call_end(words, am!("return_from"), value);
        self.drop_slots(CALL_WORDS as u32);
        Next::At(RETURN.start())
    }

    /// `return_from` or `exception_from`; `frame` is module, function, arity, tracer and session.
    fn tell_call_end(&self, frame: [Term; CALL_WORDS], name: Term, value: Term) {
        let [module, function, arity, tracer, session] = frame;
        let session = session_of(session);
        let (tracer, flags) = if tracer == am!("true") {
            self.process.trace.share(session).map_or((None, Flags::default()), |s| (s.tracer(), s.flags))
        } else {
            (Some(tracer), META_FLAGS)
        };
        if let (Some(tracer), true) = (tracer, flags.any(Flags::CALL) && self.engine.tracing.is_alive(session)) {
            let mut heap = Heap::new(0);
            let mfa = heap.tuple(&[module, function, arity]);
            self.tell(name, mfa, value, am!("true"), tracer, flags);
        }
    }

    /// `ReturnToTrace`
    #[cold]
    pub(super) fn return_to_trace(&mut self) -> Next {
        let session = self.stack_word(0).map_or(SessionId::LEGACY, session_of);
        self.drop_slots(TO_WORDS as u32);
        if self.process.trace.has(Flags::RETURN_TO) {
            let address = self.frames().1;
            self.tell_return_to(address, |s| s == session);
        }
        Next::At(RETURN.start())
    }

    /// `return_to`, to those of these sessions that want it.
    fn tell_return_to(&self, address: Option<usize>, of: impl Fn(SessionId) -> bool) {
        let place = address.and_then(|a| self.engine.code.locate(a.checked_sub(std::mem::size_of::<Op>())?));
        let mut heap = Heap::new(0);
        let mfa = match place {
            Some((e, _)) => {
                heap.tuple(&[Term::atom(e.mfa.module), Term::atom(e.mfa.function), Term::small(e.mfa.arity as i64)])
            }
            None => Term::atom(Atom::UNDEFINED),
        };
        for share in self.process.trace.shares(Flags::RETURN_TO).iter().filter(|s| of(s.session)) {
            if let (Some(tracer), true) = (share.tracer(), self.engine.tracing.is_alive(share.session)) {
                self.tell(am!("return_to"), mfa, Term::NONE, am!("true"), tracer, share.flags);
            }
        }
    }

    /// `ReturnTime`: what goes by is the former function's again.
    #[cold]
    pub(super) fn return_time(&mut self) -> Next {
        let session = self.stack_word(2).map_or(SessionId::LEGACY, session_of);
        // They were pushed the last first.
        for (what, i) in Measure::ALL.into_iter().zip([1, 0]) {
            let before = self.stack_word(i).unwrap_or(Term::NIL);
            if before == am!("true") {
                continue;
            }
            // SAFETY: CODE: `measure` wrote the address of a point, and points are never freed.
            let before = before.as_small().map(|p| unsafe { &*((p << 3) as *const Point) });
            measure::switch(&mut self.ctx(), session, what, before);
        }
        self.drop_slots(TIME_WORDS as u32);
        Next::At(RETURN.start())
    }

    // ---- exceptions

    /// Tells of the frames that an exception leaves on its way to the catch at `catch`, or to the stack's bottom.
    #[cold]
    pub(super) fn unwind_traced(&mut self, class: Class, reason: Term, catch: Option<*const u64>) {
        let mut uncaught = self.data.heap.end.cast_const();
        let bottom = catch.unwrap_or(self.data.heap.block.end().cast_const());
        // Since there are sessions, any frame that tells of a return to some function does so; before, the last one, if
        // the catch is in the function that it is of.
        let last_only = self.engine.config.release < Release(27);
        let (mut to, mut left): (SmallVec<[SessionId; 2]>, bool) = (SmallVec::new(), false);
        let mut address = None;
        while uncaught < bottom {
            // SAFETY: LIVE: it walks the stack's words.
            let word = |i: usize| unsafe { Term::from_raw(*uncaught.wrapping_add(i)) };
            if let Some(a) = word(0).as_continuation() {
                match trace_frame(a) {
                    Some(TraceFrame::Return { exceptions }) => {
                        let frame = [1, 2, 3, 4, 5].map(word);
                        if exceptions {
                            let mut heap = Heap::new(0);
                            let what = heap.tuple(&[class.atom(), reason]);
                            self.tell_call_end(frame, am!("exception_from"), what);
                        }
                    }
                    Some(TraceFrame::To) => {
                        to.push(session_of(word(1)));
                        left = false;
                    }
                    Some(TraceFrame::Time) => {}
                    None => {
                        if last_only && left {
                            to.clear();
                        }
                        left = true;
                        address = Some(a);
                    }
                }
            }
            uncaught = uncaught.wrapping_add(1);
        }
        if catch.is_some() && address.is_some() && !to.is_empty() && self.process.trace.has(Flags::RETURN_TO) {
            self.tell_return_to(address, |session| to.contains(&session));
        }
    }
}

/// How many words a frame has behind its return address; the last one is the session's.
fn words_of(frame: TraceFrame) -> usize {
    match frame {
        TraceFrame::Return { .. } => CALL_WORDS,
        TraceFrame::To => TO_WORDS,
        TraceFrame::Time => TIME_WORDS,
    }
}

fn session_of(word: Term) -> SessionId {
    SessionId(word.as_small().unwrap_or(0) as u32)
}
