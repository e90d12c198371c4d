//! Guard natives that need no call.

use super::{C, Mode, Place, handlers, maps, operands, parts};
use crate::code::instr::{GuardCall, NO_FAIL};
use crate::tier::reference::run::is_type;
use purlin_term::boxed::{Kind, arity_of};
use purlin_term::{Atom, Term};
use std::sync::atomic::Ordering;

/// A guard native of one or two arguments that this crate knows how to do.
pub(super) trait Quick {
    /// Whether there is an error where there is no value; else that is for the native to say.
    const COMPLETE: bool;
    unsafe fn value(a: Term, b: Term) -> Option<Term>;
}

macro_rules! quick {
    ($complete:expr; $($name:ident($a:ident, $b:ident) $body:block)*) => {$(
        pub(super) struct $name;
        impl Quick for $name {
            const COMPLETE: bool = $complete;
            #[inline(always)]
            unsafe fn value($a: Term, $b: Term) -> Option<Term> {
                // SAFETY: LIVE: a boxed term points to a header and as many words as its arity says.
                #[allow(unused_unsafe)]
                unsafe { $body }
            }
        }
    )*};
}

/// The bits of a binary or another bit string.
#[inline(always)]
unsafe fn bits(t: Term) -> Option<u64> {
    if !t.is_boxed() {
        return None;
    }
    // SAFETY: LIVE: a boxed term points to a header and as many words as its arity says.
    unsafe {
        let p = t.pointer();
        match Kind::of_header(*p) {
            Kind::HeapBin => Some(*p.add(1) * 8),
            Kind::RefBin => Some(*p.add(3) * 8),
            Kind::SubBits => Some(*p.add(1)),
            _ => None,
        }
    }
}

/// The longest list whose length costs no reductions.
const FREE_CELLS: i64 = 15;

quick! { true;
    Hd(a, _b) { a.is_cons().then(|| Term::from_raw(*a.pointer())) }
    Tl(a, _b) { a.is_cons().then(|| Term::from_raw(*a.pointer().add(1))) }
    TupleSize(a, _b) {
        let tuple = a.is_boxed() && Kind::of_header(*a.pointer()) == Kind::Tuple;
        tuple.then(|| Term::small(arity_of(*a.pointer()) as i64))
    }
    Element(a, b) {
        if !a.is_small() || !b.is_boxed() {
            return None;
        }
        let (i, p) = (a.small_value() as u64, b.boxed_pointer());
        let within = Kind::of_header(*p) == Kind::Tuple && i.wrapping_sub(1) < arity_of(*p) as u64;
        within.then(|| Term::from_raw(*p.add(i as usize)))
    }
    ByteSize(a, _b) { Some(Term::small(bits(a)?.div_ceil(8) as i64)) }
    BitSize(a, _b) { Some(Term::small(bits(a)? as i64)) }
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

quick! { false;
    Length(a, _b) {
        let (mut n, mut rest) = (0, a);
        while rest.is_cons() && n < FREE_CELLS {
            n += 1;
            rest = Term::from_raw(*rest.pointer().add(1));
        }
        rest.is_nil().then(|| Term::small(n))
    }
    Negate(a, _b) {
        let negative = a.is_small().then(|| (a.raw() as i64).checked_neg())??;
        Some(Term::from_raw(negative as u64))
    }
    Abs(a, _b) {
        let value = a.is_small().then(|| (a.raw() as i64).checked_abs())??;
        Some(Term::from_raw(value as u64))
    }
    Bnot(a, _b) { a.is_small().then_some(Term::from_raw(!a.raw() & !15)) }
}

/// A type test whose result is a value.
impl<T: super::type_tests::TypeTest> Quick for T {
    const COMPLETE: bool = true;
    #[inline(always)]
    unsafe fn value(a: Term, _: Term) -> Option<Term> {
        Some(Term::bool(is_type(T::TEST, a)))
    }
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
            None if Q::COMPLETE && g.fail != NO_FAIL => s.jump(g.fail),
            None => s.by(native),
        }
    }

    fn quick2<Q: Quick>(s) {
        operands!(s, Guard(g));
        match Q::value(s.any(*g.args.get_unchecked(0)), s.any(*g.args.get_unchecked(1))) {
            Some(t) => {
                s.set_any(g.dst, t);
                s.next()
            }
            None if Q::COMPLETE && g.fail != NO_FAIL => s.jump(g.fail),
            None => s.by(native),
        }
    }

    /// As [`quick2`], of operands whose kinds are known.
    fn quick_in<Q: Quick, A: Mode, B: Mode, D: Place>(s) {
        operands!(s, Guard(g));
        let g: &'static GuardCall = g;
        match Q::value(s.get::<A>(*g.args.get_unchecked(0)), s.get::<B>(*g.args.get_unchecked(1))) {
            Some(t) => {
                s.set::<D>(g.dst, t);
                s.next()
            }
            None if Q::COMPLETE && g.fail != NO_FAIL => s.jump(g.fail),
            None => s.by(native),
        }
    }

    /// `map_get/2` of a key that is an immediate constant, where it stood last in a small map.
    fn map_get_one<M: Mode, D: Place>(s) {
        operands!(s, Guard(g));
        let g: &'static GuardCall = g;
        let Some((keys, values, n)) = maps::flat(s.get::<M>(*g.args.get_unchecked(1))) else {
            return s.to(quick2::<MapGet>);
        };
        let at = g.hint.load(Ordering::Relaxed) as usize;
        if at >= n || *keys.add(at) != s.get::<C>(*g.args.get_unchecked(0)) {
            return s.to(map_get_elsewhere);
        }
        s.set::<D>(g.dst, *values.add(at));
        s.next()
    }

    /// The same where the key does not stand where it stood last.
    fn map_get_elsewhere(s) {
        operands!(s, Guard(g));
        let g: &'static GuardCall = g;
        if let Some((keys, values, n)) = maps::flat(s.any(*g.args.get_unchecked(1))) {
            let at = maps::place(keys, n, s.any(*g.args.get_unchecked(0)), &g.hint);
            if at != maps::NOWHERE {
                s.set_any(g.dst, *values.add(at));
                return s.next();
            }
        }
        s.to(quick2::<MapGet>)
    }

    /// `get/1`
    fn dictionary_get(s) {
        s.by(dictionary_value)
    }

    fn guard(s) {
        s.by(native)
    }
}

parts! {
    fn native(run, pc, Guard(g)) { run.guard(pc, g) }
    fn dictionary_value(run, pc, Guard(g)) {
        let key = run.get(g.args[0]);
        let value = run.data.dictionary_if_any().and_then(|d| d.get(key));
        run.set(g.dst, value.unwrap_or(Term::atom(Atom::UNDEFINED)));
        crate::tier::reference::Next::At(pc.wrapping_add(1))
    }
}
