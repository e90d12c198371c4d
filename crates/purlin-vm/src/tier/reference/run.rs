//! The loop: fetch an instruction, do it, go to the next.

use super::{Next, Run};
use crate::code::instr::{Instr, Op, Src, Test};
use crate::engine::runner::Stop;
use crate::process::Flags;
use crate::process::escape::Class;
use purlin_term::boxed::Kind;
use purlin_term::{Atom, Term, compare};

impl Run<'_> {
    /// Runs from `pc` until the process stops.
    pub(super) fn run(&mut self, mut pc: *const Op) -> Stop {
        /// Goes where a handler says.
        macro_rules! go {
            ($next:expr) => {
                match $next {
                    Next::At(at) => {
                        pc = at;
                        continue;
                    }
                    Next::Stop(stop) => return stop,
                }
            };
        }
        /// Goes to the failure label unless the condition holds.
        macro_rules! test {
            ($condition:expr, $fail:expr) => {
                if !$condition {
                    pc = Self::jump(pc, $fail);
                    continue;
                }
            };
        }
        loop {
            if self.data.flags.has(Flags::SAVES_CALLS) {
                self.save_call(pc);
            } else {
                pc = self.run_fast(pc);
            }
            // SAFETY: CODE: `pc` points into translated code, which stays until no process can be in it.
            match unsafe { (*pc).instr } {
                // ---- calls
                Instr::Call(f) => {
                    self.push(pc.wrapping_add(1));
                    go!(self.enter_function(f))
                }
                Instr::CallLast(f, slots) => {
                    self.drop_slots(slots);
                    go!(self.enter_function(f))
                }
                Instr::CallOnly(f) => go!(self.enter_function(f)),
                Instr::CallExt(e) => {
                    self.push(pc.wrapping_add(1));
                    go!(self.enter_export(e))
                }
                Instr::CallExtLast(e, slots) => {
                    self.drop_slots(slots);
                    go!(self.enter_export(e))
                }
                Instr::CallExtOnly(e) => go!(self.enter_export(e)),
                Instr::CallNative(n) => go!(self.call_native(pc, n)),
                Instr::CallNativeLast(n, slots) => go!(self.call_native_last(pc, n, slots)),
                Instr::NativeBody(n) => go!(self.native_body(pc, n)),
                Instr::NativeDone(n) => go!(self.native_done(n)),
                Instr::CallFun { arity, fun } => {
                    let fun = self.get(fun);
                    self.push(pc.wrapping_add(1));
                    go!(self.call_fun(pc, fun, arity as usize))
                }
                Instr::CallFunLast { arity, fun, slots } => {
                    let fun = self.get(fun);
                    self.drop_slots(slots);
                    go!(self.call_fun(pc, fun, arity as usize))
                }
                Instr::Apply { arity } => go!(self.apply_here(pc, arity as usize)),
                Instr::ApplyLast { arity, slots } => go!(self.apply_last(pc, arity as usize, slots)),
                Instr::Return => {
                    pc = self.pop();
                    self.data.slice_left -= 1;
                    if self.data.slice_left <= 0 {
                        return self.stop_at(pc, 1, Stop::Yield);
                    }
                    continue;
                }
                Instr::Stopped => return self.m.stopped.take().unwrap_or(Stop::Yield),
                Instr::ProcessEnd => return Stop::Exited(Term::atom(Atom::NORMAL)),
                Instr::Translate(entry) => go!(self.translate(entry)),
                Instr::FuncInfo(entry) => go!(self.function_clause(pc, entry)),
                Instr::Breakpoint(point) => go!(self.breakpoint(point)),
                Instr::ReturnTrace { .. } => go!(self.return_trace()),
                Instr::ReturnToTrace => go!(self.return_to_trace()),
                Instr::ReturnTime => go!(self.return_time()),

                // ---- control
                Instr::Jump(to) => {
                    pc = Self::jump(pc, to);
                    continue;
                }
                Instr::Safepoint(s) => {
                    self.data.slice_left -= 1;
                    if self.data.slice_left <= 0 && self.can_stop_at(s) {
                        return self.stop_at_safepoint(pc, s);
                    }
                    pc = pc.wrapping_add(2);
                    continue;
                }
                Instr::SafepointLeft(s) => self.leave_safepoint(s),
                Instr::SchedulingPoint(s) => {
                    if self.gives_way(pc, s) {
                        return self.stop_at(pc.wrapping_add(1), s.live as usize, Stop::Yield);
                    }
                }
                Instr::SelectVal(src, s) => {
                    pc = Self::jump(pc, s.to(self.get(src).raw()));
                    continue;
                }
                Instr::SelectArity(src, s) => {
                    let to = match self.get(src).as_tuple() {
                        Some(t) => s.to(t.len() as u64),
                        None => s.default,
                    };
                    pc = Self::jump(pc, to);
                    continue;
                }

                // ---- stack and heap
                Instr::Allocate { slots, heap, live } => {
                    self.ensure((heap + slots) as usize, live as usize);
                    self.set_stack(self.data.heap.end.wrapping_sub(slots as usize));
                }
                Instr::TestHeap { heap, live } => self.ensure(heap as usize, live as usize),
                Instr::Deallocate(slots) | Instr::Trim(slots) => self.drop_slots(slots),
                Instr::InitY(slot) => self.set(crate::code::instr::Dst::y(slot), Term::NIL),
                Instr::InitYs(slots) => {
                    for &s in *slots {
                        self.set(s, Term::NIL);
                    }
                }

                // ---- moves
                Instr::Move { src, dst } => {
                    let t = self.get(src);
                    self.set(dst, t);
                }
                Instr::MoveValue { dst, value } => self.set(dst, value),
                Instr::Swap(a, b) => {
                    let (x, y) = (self.get(a.as_src()), self.get(b.as_src()));
                    self.set(a, y);
                    self.set(b, x);
                }
                Instr::GetList { src, head, tail } => {
                    let (h, t) = self.get(src).as_cons().unwrap_or((Term::NIL, Term::NIL));
                    self.set(head, h);
                    self.set(tail, t);
                }
                Instr::GetHd { src, dst } => {
                    let (h, _) = self.get(src).as_cons().unwrap_or((Term::NIL, Term::NIL));
                    self.set(dst, h);
                }
                Instr::GetTl { src, dst } => {
                    let (_, t) = self.get(src).as_cons().unwrap_or((Term::NIL, Term::NIL));
                    self.set(dst, t);
                }
                Instr::GetTupleElement { src, index, dst } => {
                    let t = self.get(src).as_tuple().and_then(|t| t.get(index as usize)).copied();
                    self.set(dst, t.unwrap_or(Term::NIL));
                }
                Instr::SetTupleElement { value, tuple, index } => {
                    let (v, t) = (self.get(value), self.get(tuple));
                    if t.as_tuple().is_some_and(|t| t.len() > index as usize) {
                        // SAFETY: LIVE; the compiler emits this only for a tuple just made, which nothing shares.
                        unsafe { *t.pointer().add(1 + index as usize) = v.raw() };
                    }
                }
                Instr::PutList { head, tail, dst } => {
                    let (h, t) = (self.get(head), self.get(tail));
                    let cell = self.data.heap.cons(h, t);
                    self.set(dst, cell);
                }
                Instr::PutTuple(dst, elements) => {
                    let p = self.data.heap.alloc(1 + elements.len());
                    // SAFETY: FRESH
                    unsafe {
                        *p = Kind::Tuple.header(elements.len());
                        for (i, &e) in elements.iter().enumerate() {
                            *p.add(1 + i) = self.get(e).raw();
                        }
                    }
                    // SAFETY: LIVE: the object at that place is complete.
                    self.set(dst, unsafe { Term::from_boxed(p) });
                }
                Instr::UpdateRecord(u) => {
                    let mut elements = self.get(u.src).as_tuple().unwrap_or(&[]).to_vec();
                    elements.resize(u.size as usize, Term::NIL);
                    for &(at, value) in u.updates {
                        if let Some(e) = elements.get_mut((at as usize).wrapping_sub(1)) {
                            *e = self.get(value);
                        }
                    }
                    let t = self.data.heap.tuple(&elements);
                    self.set(u.dst, t);
                }

                // ---- tests
                Instr::IsType { test, fail, src } => test!(is_type(test, self.get(src)), fail),
                Instr::TestArity { fail, src, arity } => {
                    test!(self.get(src).as_tuple().is_some_and(|t| t.len() == arity as usize), fail)
                }
                Instr::IsTaggedTuple { fail, src, arity, tag, .. } => {
                    let t = self.get(src).as_tuple();
                    test!(t.is_some_and(|t| t.len() == arity as usize && t.first() == Some(&Term::atom(tag))), fail)
                }
                Instr::IsFunction2 { fail, src, arity } => {
                    let (f, a) = (self.get(src), self.get(arity));
                    let n = f.as_fun().map(|(e, ..)| e.arity).or(f.as_export_fun().map(|(_, _, a)| a));
                    test!(n.is_some() && n.map(|n| Term::small(n as i64)) == Some(a), fail)
                }
                Instr::IsLt { fail, a, b, .. } => {
                    let (x, y) = (self.get(a), self.get(b));
                    let less = if x.is_small() && y.is_small() {
                        (x.raw() as i64) < (y.raw() as i64)
                    } else {
                        compare::cmp(x, y).is_lt()
                    };
                    test!(less, fail)
                }
                Instr::IsGe { fail, a, b, .. } => {
                    let (x, y) = (self.get(a), self.get(b));
                    let ge = if x.is_small() && y.is_small() {
                        (x.raw() as i64) >= (y.raw() as i64)
                    } else {
                        compare::cmp(x, y).is_ge()
                    };
                    test!(ge, fail)
                }
                Instr::IsEq { fail, a, b } => {
                    let (x, y) = (self.get(a), self.get(b));
                    test!(x == y || compare::eq(x, y), fail)
                }
                Instr::IsNe { fail, a, b } => {
                    let (x, y) = (self.get(a), self.get(b));
                    test!(x != y && !compare::eq(x, y), fail)
                }
                Instr::IsEqExact { fail, a, b, .. } => {
                    let (x, y) = (self.get(a), self.get(b));
                    test!(x == y || compare::same(x, y), fail)
                }
                Instr::IsNeExact { fail, a, b, .. } => {
                    let (x, y) = (self.get(a), self.get(b));
                    test!(x != y && !compare::same(x, y), fail)
                }
                Instr::IsEqImmediate { fail, a, value } => test!(self.get(Src(a as u32)) == value, fail),
                Instr::IsNeImmediate { fail, a, value } => test!(self.get(Src(a as u32)) != value, fail),

                // ---- arithmetic
                Instr::Arith { .. } => go!(self.arith(pc)),
                Instr::GuardArith { .. } => go!(self.guard_arith(pc)),
                Instr::Guard(g) => go!(self.guard(pc, g)),
                Instr::Self_(dst) => {
                    let me = self.process.pid();
                    self.set(dst, me);
                }
                Instr::FMoveIn { src, f } => self.float_in(src, f as usize),
                Instr::FMoveOut { f, dst } => self.float_out(f as usize, dst),
                Instr::FConv { src, f } => go!(self.float_conv(pc, src, f as usize)),
                Instr::FArith { op, a, b, dst } => {
                    go!(self.float_arith(pc, op, a as usize, b as usize, dst as usize))
                }
                Instr::FNegate { src, dst } => self.m.f[dst as usize] = -self.m.f[src as usize],

                Instr::MakeFun(f) => self.make_fun(f),

                // ---- exceptions
                Instr::Catch { slot, handler } => {
                    let at = Self::jump(pc, handler) as usize;
                    self.set(slot, Term::catch(at));
                }
                Instr::CatchEnd { slot } => self.catch_end(slot),
                Instr::TryEnd { slot } => self.set(slot, Term::NIL),
                Instr::TryCase { slot } => self.try_case(slot),
                Instr::Raise { trace, value } => {
                    let (t, v) = (self.get(trace), self.get(value));
                    go!(self.reraise(t, v))
                }
                Instr::RawRaise => go!(self.raw_raise(pc)),
                Instr::BuildStacktrace => self.build_stacktrace(),
                Instr::Badmatch(v) => {
                    let v = self.get(v);
                    go!(self.error_with(pc, Atom::BADMATCH, v))
                }
                Instr::CaseEnd(v) => {
                    let v = self.get(v);
                    go!(self.error_with(pc, Atom::CASE_CLAUSE, v))
                }
                Instr::TryCaseEnd(v) => {
                    let v = self.get(v);
                    go!(self.error_with(pc, Atom::TRY_CLAUSE, v))
                }
                Instr::Badrecord(v) => {
                    let v = self.get(v);
                    go!(self.error_with(pc, Atom::BADRECORD, v))
                }
                Instr::IfEnd => go!(self.raise_here(pc, Class::Error, Term::atom(Atom::IF_CLAUSE))),

                // ---- messages
                Instr::Send => go!(self.send(pc)),
                Instr::LoopRec { empty, keeps } => go!(self.loop_rec(pc, empty, keeps)),
                Instr::LoopRecEnd { again } => go!(self.loop_rec_end(pc, again)),
                Instr::RemoveMessage => self.remove_message(),
                Instr::Wait { again } => go!(self.wait(pc, again)),
                Instr::WaitTimeout { again, timeout } => go!(self.wait_timeout(pc, again, timeout)),
                Instr::Timeout => self.timeout(),
                Instr::MarkerReserve(dst) => self.marker_reserve(dst),
                Instr::MarkerBind { marker, reference } => self.marker_bind(marker, reference),
                Instr::MarkerClear(r) => self.marker_clear(r),
                Instr::MarkerUse(r) => self.marker_use(r),

                // ---- maps
                Instr::PutMap(p) => go!(self.put_map(pc, p)),
                Instr::MakeMap(m) => go!(self.make_map(pc, m)),
                Instr::GetMapElement { fail, src, key, dst } => {
                    let (m, k) = (self.get(src), self.get(key));
                    match self.map_get(m, k) {
                        Some(v) => self.set_x(dst as usize, v),
                        None => {
                            pc = Self::jump(pc, fail);
                            continue;
                        }
                    }
                }
                Instr::GetMapElements(g) => test!(self.get_map_elements(g), g.fail),

                // ---- native records
                Instr::IsRecord(test) => {
                    let found = self.get(test.src).as_record();
                    test!(found.is_some_and(|r| r.module == test.module && r.name == test.name), test.fail)
                }
                Instr::IsRecordAccessible { fail, src, own } => {
                    test!(self.get(src).as_record().is_some_and(|r| r.exported || r.module == own), fail)
                }
                Instr::GetRecordElements(get) => test!(self.get_record_elements(get), get.fail),
                Instr::GetRecordField(get) => go!(self.get_record_field(pc, get)),
                Instr::PutRecord(put) => go!(self.put_record(pc, put)),

                // ---- binaries
                Instr::BsStartMatch { fail, src, dst, live } => {
                    go!(self.bs_start_match(pc, fail, src, dst, live as usize))
                }
                Instr::BsGetInteger(g) => go!(self.bs_get_integer(pc, g)),
                Instr::BsGetFloat(g) => go!(self.bs_get_float(pc, g)),
                Instr::BsGetBinary(g) => go!(self.bs_get_binary(pc, g)),
                Instr::BsSkip(g) => go!(self.bs_skip(pc, g)),
                Instr::BsTestTail { fail, ctx, bits } => test!(self.bs_test_tail(ctx, bits as usize), fail),
                Instr::BsTestUnit { fail, ctx, unit } => test!(self.bs_test_unit(ctx, unit as usize), fail),
                Instr::BsMatchString(m) => test!(self.bs_match_string(m), m.fail),
                Instr::BsGetUtf { kind, little, fail, ctx, dst } => {
                    test!(self.bs_get_utf(kind, little, ctx, Some(dst)), fail)
                }
                Instr::BsSkipUtf { kind, little, fail, ctx } => test!(self.bs_get_utf(kind, little, ctx, None), fail),
                Instr::BsGetTail { ctx, dst, live } => self.bs_get_tail(ctx, dst, live as usize),
                Instr::BsGetPosition { ctx, dst } => self.bs_get_position(ctx, dst),
                Instr::BsSetPosition { ctx, position } => self.bs_set_position(ctx, position),
                Instr::BsMatch(m) => test!(self.bs_match(m), m.fail),
                Instr::BsCreateBin(c) => go!(self.bs_create_bin(pc, c)),
                Instr::BsInit(s) => go!(self.bs_init(pc, s)),
                Instr::BsPut(p) => go!(self.bs_put(pc, p)),
                Instr::BsAdd(a) => go!(self.bs_add(pc, a)),
                Instr::BsUtfSize { kind, src, dst } => self.bs_utf_size(kind, src, dst),
                Instr::BsInitWritable => self.bs_init_writable(),
            }
            pc = pc.wrapping_add(1);
        }
    }

    #[inline(always)]
    pub(super) fn drop_slots(&mut self, slots: u32) {
        self.set_stack(self.data.heap.end.wrapping_add(slots as usize));
    }
}

/// Whether a value is of a type.
#[inline(always)]
pub fn is_type(test: Test, t: Term) -> bool {
    match test {
        Test::Integer => t.is_small() || t.is_big(),
        Test::Float => t.boxed_kind() == Some(Kind::Float),
        Test::Number => t.is_number(),
        Test::Atom => t.is_atom(),
        Test::Pid => t.is_pid(),
        Test::Reference => t.is_ref(),
        Test::Port => t.is_port(),
        Test::Nil => t.is_nil(),
        Test::Binary => t.is_binary(),
        Test::Bitstr => t.is_bitstring(),
        Test::List => t.is_list(),
        Test::NonemptyList => t.is_cons(),
        Test::Tuple => t.is_tuple(),
        Test::Function => t.is_fun(),
        Test::Boolean => t == Term::atom(Atom::TRUE) || t == Term::atom(Atom::FALSE),
        Test::Map => t.is_map(),
        Test::Record => t.is_record(),
        Test::Boxed => t.is_boxed(),
    }
}
