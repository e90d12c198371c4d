//! Guard natives that need no call.

use super::{Mode, Place, handlers, operands, parts};
use crate::code::instr::GuardCall;
use purlin_term::Term;
use purlin_term::boxed::{Kind, arity_of};

/// A guard native of one or two arguments that this crate knows how to do; `None` when it is for the native to say.
pub(super) trait Quick {
    unsafe fn value(a: Term, b: Term) -> Option<Term>;
}

macro_rules! quick {
    ($($name:ident($a:ident, $b:ident) $body:block)*) => {$(
        pub(super) struct $name;
        impl Quick for $name {
            #[inline(always)]
            unsafe fn value($a: Term, $b: Term) -> Option<Term> {
                // SAFETY: LIVE: a boxed term points to a header and as many words as its arity says.
                #[allow(unused_unsafe)]
                unsafe { $body }
            }
        }
    )*};
}

quick! {
    Hd(a, _b) { a.is_cons().then(|| Term(*a.pointer())) }
    Tl(a, _b) { a.is_cons().then(|| Term(*a.pointer().add(1))) }
    TupleSize(a, _b) {
        let tuple = a.is_boxed() && Kind::of_header(*a.pointer()) == Kind::Tuple;
        tuple.then(|| Term::small(arity_of(*a.pointer()) as i64))
    }
    Element(a, b) {
        if !a.is_small() || !b.is_boxed() {
            return None;
        }
        let (i, p) = (a.small_value() as u64, b.pointer());
        let within = Kind::of_header(*p) == Kind::Tuple && i.wrapping_sub(1) < arity_of(*p) as u64;
        within.then(|| Term(*p.add(i as usize)))
    }
    ByteSize(a, _b) {
        if !a.is_boxed() {
            return None;
        }
        let p = a.pointer();
        match Kind::of_header(*p) {
            Kind::HeapBin => Some(Term::small(*p.add(1) as i64)),
            Kind::RefBin => Some(Term::small(*p.add(3) as i64)),
            Kind::SubBits => Some(Term::small((*p.add(1)).div_ceil(8) as i64)),
            _ => None,
        }
    }
    MapSize(a, _b) { a.is_map().then(|| Term::small(purlin_term::map::size(a) as i64)) }
    MapGet(a, b) { if b.is_map() { purlin_term::map::get(b, a) } else { None } }
    IsMapKey(a, b) { b.is_map().then(|| Term::bool(purlin_term::map::contains(b, a))) }
    Not(a, _b) { a.as_bool().map(|x| Term::bool(!x)) }
    And(a, b) { Some(Term::bool(a.as_bool()? & b.as_bool()?)) }
    Or(a, b) { Some(Term::bool(a.as_bool()? | b.as_bool()?)) }
    Lt(a, b) { Some(Term::bool(purlin_term::compare::cmp(a, b).is_lt())) }
    Le(a, b) { Some(Term::bool(purlin_term::compare::cmp(a, b).is_le())) }
    Ge(a, b) { Some(Term::bool(purlin_term::compare::cmp(a, b).is_ge())) }
    Gt(a, b) { Some(Term::bool(purlin_term::compare::cmp(a, b).is_gt())) }
    EqExact(a, b) { Some(Term::bool(a == b || purlin_term::compare::same(a, b))) }
    NeExact(a, b) { Some(Term::bool(a != b && !purlin_term::compare::same(a, b))) }
    Eq(a, b) { Some(Term::bool(a == b || purlin_term::compare::eq(a, b))) }
    Ne(a, b) { Some(Term::bool(a != b && !purlin_term::compare::eq(a, b))) }
}

handlers! {
    fn quick1<Q: Quick, A: Mode, D: Place>(s) {
        operands!(s, Guard(g));
        let g: &'static GuardCall = g;
        match Q::value(s.get::<A>(*g.args.get_unchecked(0)), Term::NIL) {
            Some(t) => {
                s.set::<D>(g.dst, t);
                s.next()
            }
            None => s.slow(),
        }
    }

    fn quick2<Q: Quick>(s) {
        operands!(s, Guard(g));
        match Q::value(s.any(*g.args.get_unchecked(0)), s.any(*g.args.get_unchecked(1))) {
            Some(t) => {
                s.set_any(g.dst, t);
                s.next()
            }
            None => s.slow(),
        }
    }

    fn guard(s) {
        s.by(native)
    }
}

parts! {
    fn native(run, pc, Guard(g)) { run.guard(pc, g) }
}
