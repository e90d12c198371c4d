//! What happens at a breakpoint: trace messages of calls, and frames on the stack by which returns and exceptions are
//! seen.
//!
//! Such a frame looks to the function it stands for like its caller: a return address to an instruction of this file,
//! then immediate words.
//!
//! | instruction | words of its frame | tells of |
//! |---|---|---|
//! | `ReturnTrace` | module, function, arity, tracer (`true`: the process's own) | `return_from`, `exception_from` |
//! | `ReturnToTrace` | none | `return_to` |
//! | `ReturnTime` | the function whose time goes on, or nil | nothing: it ends a `call_time` |

use super::{Next, Run};
use crate::code::Mfa;
use crate::code::fixed::{RETURN, TraceFrame, trace_frame};
use crate::code::instr::Op;
use crate::code::points::{Point, Spec, State};
use crate::process::escape::Class;
use crate::tracing::flags::is_alive;
use crate::tracing::message::{Event, enabled};
use crate::tracing::{Flags, Site, Verdict};
use purlin_term::boxed::Kind;
use purlin_term::{Atom, Heap, Owned, Term, am};
use std::sync::atomic::Ordering;

/// Words of a `ReturnTrace` frame behind the return address.
const CALL_WORDS: usize = 4;

/// Flags that a meta trace goes by, whatever the process's are.
const META_FLAGS: Flags = Flags(Flags::CALL.0 | Flags::TIMESTAMP.0);

/// Which frames a traced call gets.
#[derive(Default)]
struct Wanted {
    return_to: bool,
    returns: bool,
    exceptions: bool,
}

impl Run<'_> {
    /// A call has come to a breakpoint; its arguments are in the X registers, its return address is on the stack.
    #[cold]
    pub(super) fn breakpoint(&mut self, point: &'static Point) -> Next {
        let state = point.state();
        let arity = point.mfa.arity as usize;
        let traced = self.process.trace.has(Flags::CALL);
        if traced {
            let call = state.local.as_ref().map(|s| (s, true)).or(state.global.as_ref().map(|s| (s, false)));
            if let Some((spec, local)) = call {
                let wanted = self.call_trace(point.mfa, spec, local, None);
                self.push_frames(point.mfa, wanted, am!("true"), arity);
            }
        }
        self.meta_trace(point.mfa, &state, arity);
        if let Some(count) = state.count.as_ref().filter(|c| !c.paused.load(Ordering::Relaxed)) {
            count.calls.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(time) = state.time.as_ref().filter(|t| traced && !t.paused.load(Ordering::Relaxed)) {
            time.add(self.process.id(), 1, 0);
            let before = self.switch_time(Some(point));
            if self.top_frame().is_none() {
                self.ensure(2, arity);
                let before = before.map_or(Term::NIL, |p| Term::small(p as *const Point as i64 >> 3));
                self.push_word(before);
                self.push(TraceFrame::Time.address());
            }
        }
        if state.debug { self.call_error_handler(point.mfa) } else { Next::At(point.next()) }
    }

    /// Calls `Handler:breakpoint(Module, Function, Args)` instead of the function.
    fn call_error_handler(&mut self, mfa: Mfa) -> Next {
        let arguments = self.call_arguments(mfa.arity as usize);
        let list = self.data.heap.list(&arguments);
        self.load_args(&[Term::atom(mfa.module), Term::atom(mfa.function), list]);
        self.settle(3);
        self.call_mfa(Mfa { module: self.data.error_handler, function: Atom::new("breakpoint"), arity: 3 })
    }

    fn meta_trace(&mut self, mfa: Mfa, state: &State, arity: usize) {
        let Some(meta) = &state.meta else { return };
        let Some(tracer) = meta.tracer() else { return };
        if self.process.trace.flags().any(Flags::SENSITIVE) {
            return;
        }
        if !is_alive(self.engine, tracer) {
            meta.forget_tracer();
        } else if tracer != self.process.pid() {
            let wanted = self.call_trace(mfa, &meta.spec, false, Some(tracer));
            self.push_frames(mfa, wanted, tracer, arity);
        }
    }

    /// Runs the specification of a call and sends the message that it wants.
    fn call_trace(&mut self, mfa: Mfa, spec: &Spec, local: bool, meta: Option<Term>) -> Wanted {
        let nothing = Wanted::default();
        let tracer = match meta.or_else(|| enabled(self.engine, self.process.pid(), &self.process.trace, true)) {
            Some(t) => t,
            None => return nothing,
        };
        let arguments = self.call_arguments(mfa.arity as usize);
        let verdict = match spec {
            Some(spec) => {
                let site = Site { caller: self.caller() };
                let verdict = spec.run(&mut self.ctx(), &arguments, &site);
                self.sync_stack();
                verdict
            }
            None => Verdict { message: Some(Owned::new(am!("true"))), ..Verdict::default() },
        };
        let flags = if meta.is_some() { META_FLAGS } else { self.process.trace.flags() };
        if meta.is_none() && flags.any(Flags::SILENT) {
            return nothing;
        }
        let mut wanted = Wanted {
            return_to: false,
            returns: verdict.return_trace || verdict.exception_trace,
            exceptions: verdict.exception_trace,
        };
        let Some(message) = verdict.message else { return wanted };
        wanted.return_to = local && meta.is_none() && flags.any(Flags::RETURN_TO);
        let mut heap = Heap::new(0);
        let arguments = if flags.any(Flags::ARITY) { Term::small(mfa.arity as i64) } else { heap.list(&arguments) };
        let call = heap.tuple(&[Term::atom(mfa.module), Term::atom(mfa.function), arguments]);
        self.tell(am!("call"), call, Term::NONE, message.term(), tracer, flags);
        wanted
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
    fn push_frames(&mut self, mfa: Mfa, wanted: Wanted, tracer: Term, arity: usize) {
        if !wanted.return_to && !wanted.returns {
            return;
        }
        self.ensure(CALL_WORDS + 2, arity);
        if wanted.return_to && !self.will_tell_return_to() {
            self.push(TraceFrame::To.address());
        }
        if wanted.returns {
            for word in [tracer, Term::small(mfa.arity as i64), Term::atom(mfa.function), Term::atom(mfa.module)] {
                self.push_word(word);
            }
            self.push(TraceFrame::Return { exceptions: wanted.exceptions }.address());
            self.process.trace.set(Flags::EXCEPTION_FRAMES, Flags::default());
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

    fn top_frame(&self) -> Option<TraceFrame> {
        self.stack_word(0).and_then(Term::as_continuation).and_then(trace_frame)
    }

    /// The first return address from an offset of the stack on that is not of this file; with whether a `return_to`
    /// frame lies before it.
    fn real_return(&self, mut i: usize) -> (Option<usize>, bool) {
        let mut to = false;
        while let Some(w) = self.stack_word(i) {
            if let Some(a) = w.as_continuation() {
                match trace_frame(a) {
                    None => return (Some(a), to),
                    Some(frame) => to |= frame == TraceFrame::To,
                }
            }
            i += 1;
        }
        (None, to)
    }

    fn will_tell_return_to(&self) -> bool {
        self.real_return(0).1
    }

    /// The function that the call returns to.
    fn caller(&self) -> Option<(Mfa, usize)> {
        let address = self.real_return(0).0?.checked_sub(std::mem::size_of::<Op>())?;
        self.engine.code.locate(address).map(|(entry, _)| (entry.mfa, address))
    }

    // ---- returns

    /// `ReturnTrace`: the function that the frame tells has returned.
    #[cold]
    pub(super) fn return_trace(&mut self) -> Next {
        let words = [0, 1, 2, 3].map(|i| self.stack_word(i).unwrap_or(Term::NIL));
        let value = self.x(0);
        self.tell_call_end(words, am!("return_from"), value);
        self.drop_slots(CALL_WORDS as u32);
        Next::At(RETURN.start())
    }

    /// `return_from` or `exception_from`; `frame` is module, function, arity and tracer.
    fn tell_call_end(&self, frame: [Term; CALL_WORDS], name: Term, value: Term) {
        let [module, function, arity, tracer] = frame;
        let (tracer, flags) = if tracer == am!("true") {
            (self.process.trace.tracer(), self.process.trace.flags())
        } else {
            (Some(tracer), META_FLAGS)
        };
        if let (Some(tracer), true) = (tracer, flags.any(Flags::CALL)) {
            let mut heap = Heap::new(0);
            let mfa = heap.tuple(&[module, function, arity]);
            self.tell(name, mfa, value, am!("true"), tracer, flags);
        }
    }

    /// `ReturnToTrace`
    #[cold]
    pub(super) fn return_to_trace(&mut self) -> Next {
        if self.process.trace.has(Flags::RETURN_TO) {
            let address = self.real_return(0).0;
            self.tell_return_to(address);
        }
        Next::At(RETURN.start())
    }

    fn tell_return_to(&self, address: Option<usize>) {
        let Some(tracer) = self.process.trace.tracer() else { return };
        let place = address.and_then(|a| self.engine.code.locate(a.checked_sub(std::mem::size_of::<Op>())?));
        let mut heap = Heap::new(0);
        let mfa = match place {
            Some((e, _)) => {
                heap.tuple(&[Term::atom(e.mfa.module), Term::atom(e.mfa.function), Term::small(e.mfa.arity as i64)])
            }
            None => Term::atom(Atom::UNDEFINED),
        };
        self.tell(am!("return_to"), mfa, Term::NONE, am!("true"), tracer, self.process.trace.flags());
    }

    /// `ReturnTime`: the time that goes by is the former function's again.
    #[cold]
    pub(super) fn return_time(&mut self) -> Next {
        let before = self.stack_word(0).and_then(Term::as_small);
        // SAFETY: CODE: `breakpoint` wrote the address of a point, and points are never freed.
        let before = before.map(|p| unsafe { &*((p << 3) as *const Point) });
        self.switch_time(before);
        self.drop_slots(1);
        Next::At(RETURN.start())
    }

    /// Charges the time that has gone by to the function that is being measured, and measures another one.
    fn switch_time(&mut self, to: Option<&'static Point>) -> Option<&'static Point> {
        let now = self.engine.clock.now();
        let me = self.process.id();
        let (before, since) = self.data.rare_mut().timed.replace((to, now)).unwrap_or((None, now));
        if let Some(time) = before.and_then(|p| p.state().time.clone()) {
            time.add(me, 0, now - since);
        }
        before
    }

    // ---- exceptions

    /// Tells of the frames that an exception leaves on its way to the catch at `catch`, or to the stack's bottom.
    #[cold]
    pub(super) fn unwind_traced(&mut self, class: Class, reason: Term, catch: Option<*const u64>) {
        let mut uncaught = self.data.heap.end.cast_const();
        let bottom = catch.unwrap_or(self.data.heap.block.end().cast_const());
        // The return address behind the last frame, if that was a `return_to` frame.
        let (mut after_to, mut candidate) = (false, None);
        while uncaught < bottom {
            // SAFETY: LIVE: it walks the stack's words.
            let w = unsafe { Term::from_raw(*uncaught) };
            if let Some(a) = w.as_continuation() {
                match trace_frame(a) {
                    Some(TraceFrame::Return { exceptions }) => {
                        // SAFETY: LIVE: a frame of this kind has four words.
                        let frame = [1, 2, 3, 4].map(|i| unsafe { Term::from_raw(*uncaught.wrapping_add(i)) });
                        if exceptions {
                            let mut heap = Heap::new(0);
                            let what = heap.tuple(&[class.atom(), reason]);
                            self.tell_call_end(frame, am!("exception_from"), what);
                        }
                    }
                    Some(TraceFrame::To) => (after_to, candidate) = (true, None),
                    Some(TraceFrame::Time) => {}
                    None => {
                        candidate = after_to.then_some(a);
                        after_to = false;
                    }
                }
            }
            uncaught = uncaught.wrapping_add(1);
        }
        if catch.is_some() && candidate.is_some() && self.process.trace.has(Flags::RETURN_TO) {
            self.tell_return_to(candidate);
        }
    }
}
