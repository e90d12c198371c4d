//! Tests of types and comparisons.

use super::{Mode, handlers, operands, parts};
use crate::code::instr::{Instr, Src, Test, each_test};
use crate::tier::reference::run::is_type;
use crate::tier::reference::{Next, Run};
use purlin_term::boxed::{FunEntry, Kind};
use purlin_term::{Term, compare};
use std::cmp::Ordering;

/// A type test that is known when the handler is chosen.
pub(super) trait TypeTest {
    const TEST: Test;
}

macro_rules! type_tests {
    ($($name:ident),*) => {$(
        pub(in crate::tier::handlers) struct $name;
        impl TypeTest for $name {
            const TEST: Test = Test::$name;
        }
    )*};
}

pub(super) mod types {
    use super::{Test, TypeTest, each_test};
    each_test!(type_tests);
}

#[inline(always)]
pub(super) fn both_small(x: Term, y: Term) -> bool {
    Term::is_small_word(x.raw() | y.raw())
}

/// Whether a comparison holds of two terms in this order.
#[inline(always)]
fn holds(comparison: &Instr, order: Ordering) -> bool {
    match comparison {
        Instr::IsLt { .. } => order.is_lt(),
        Instr::IsGe { .. } => order.is_ge(),
        Instr::IsEq { .. } | Instr::IsEqExact { .. } => order.is_eq(),
        _ => order.is_ne(),
    }
}

handlers! {
    fn type_test<T: TypeTest, A: Mode>(s) {
        operands!(s, IsType { fail, src });
        s.test(is_type(T::TEST, s.get::<A>(src)), fail)
    }

    fn test_arity<A: Mode>(s) {
        operands!(s, TestArity { fail, src, arity });
        s.test(*s.get::<A>(src).boxed_pointer() == Kind::Tuple.header(arity as usize), fail)
    }

    /// `is_tuple` and `test_arity`.
    fn tuple_of_arity<A: Mode>(s) {
        operands!(s, IsType { fail, src });
        let t = s.get::<A>(src);
        operands!(@ (*s.pc.add(1)).instr, TestArity { arity });
        if t.is_boxed() && *t.boxed_pointer() == Kind::Tuple.header(arity as usize) {
            s.skip(2)
        } else {
            s.jump(fail)
        }
    }

    fn is_tagged_tuple<A: Mode>(s) {
        operands!(s, IsTaggedTuple { fail, src, arity, tag });
        let t = s.get::<A>(src);
        let holds = t.is_boxed() && {
            let p = t.boxed_pointer();
            *p == Kind::Tuple.header(arity as usize) && *p.add(1) == Term::atom(tag).raw()
        };
        s.test(holds, fail)
    }

    /// The same of what is known to be a tuple.
    fn tuple_is_tagged<A: Mode>(s) {
        operands!(s, IsTaggedTuple { fail, src, arity, tag });
        let p = s.get::<A>(src).boxed_pointer();
        s.test(*p == Kind::Tuple.header(arity as usize) && *p.add(1) == Term::atom(tag).raw(), fail)
    }

    /// `is_nonempty_list` and `get_list` of the same value, to X registers.
    fn nonempty_get_list<A: Mode>(s) {
        operands!(s, IsType { fail, src });
        let t = s.get::<A>(src);
        if !t.is_cons() {
            return s.jump(fail);
        }
        operands!(@ (*s.pc.add(1)).instr, GetList { head, tail });
        let p: *const Term = t.cons_pointer().cast();
        let (h, t) = (*p, *p.add(1));
        s.set::<super::X>(head, h);
        s.set::<super::X>(tail, t);
        s.skip(2)
    }

    fn is_lt<A: Mode, B: Mode>(s) {
        operands!(s, IsLt { fail, a, b });
        let (x, y) = (s.get::<A>(a), s.get::<B>(b));
        if !both_small(x, y) {
            return s.to(is_lt_of_terms::<A, B>);
        }
        s.test((x.raw() as i64) < (y.raw() as i64), fail)
    }

    /// `is_lt` of what are known to be small integers.
    fn is_lt_small<A: Mode, B: Mode>(s) {
        operands!(s, IsLt { fail, a, b });
        s.test((s.get::<A>(a).raw() as i64) < s.get::<B>(b).raw() as i64, fail)
    }

    fn is_ge_small<A: Mode, B: Mode>(s) {
        operands!(s, IsGe { fail, a, b });
        s.test(s.get::<A>(a).raw() as i64 >= s.get::<B>(b).raw() as i64, fail)
    }

    /// `is_eq_exact` where one is known to be equal to nothing but itself.
    fn is_eq_word<A: Mode, B: Mode>(s) {
        operands!(s, IsEqExact { fail, a, b });
        s.test(s.get::<A>(a) == s.get::<B>(b), fail)
    }

    fn is_ne_word<A: Mode, B: Mode>(s) {
        operands!(s, IsNeExact { fail, a, b });
        s.test(s.get::<A>(a) != s.get::<B>(b), fail)
    }

    /// `is_lt` of other terms: apart, so that the registers it needs are not saved for small integers.
    fn is_lt_of_terms<A: Mode, B: Mode>(s) {
        operands!(s, IsLt { fail, a, b });
        match compare::unequal(s.get::<A>(a), s.get::<B>(b)) {
            Some((x, y)) => s.test(x < y, fail),
            None => s.to(compare_terms),
        }
    }

    fn is_ge<A: Mode, B: Mode>(s) {
        operands!(s, IsGe { fail, a, b });
        let (x, y) = (s.get::<A>(a), s.get::<B>(b));
        if !both_small(x, y) {
            return s.to(is_ge_of_terms::<A, B>);
        }
        s.test((x.raw() as i64) >= (y.raw() as i64), fail)
    }

    fn is_ge_of_terms<A: Mode, B: Mode>(s) {
        operands!(s, IsGe { fail, a, b });
        match compare::unequal(s.get::<A>(a), s.get::<B>(b)) {
            Some((x, y)) => s.test(x >= y, fail),
            None => s.to(compare_terms),
        }
    }

    fn is_eq<A: Mode, B: Mode>(s) {
        operands!(s, IsEq { fail, a, b });
        let (x, y) = (s.get::<A>(a), s.get::<B>(b));
        if x == y {
            return s.next();
        }
        if x.is_immediate() && y.is_immediate() { s.jump(fail) } else { s.to(compare_terms) }
    }

    fn is_ne<A: Mode, B: Mode>(s) {
        operands!(s, IsNe { fail, a, b });
        let (x, y) = (s.get::<A>(a), s.get::<B>(b));
        if x == y {
            return s.jump(fail);
        }
        if x.is_immediate() && y.is_immediate() { s.next() } else { s.to(compare_terms) }
    }

    fn is_eq_exact<A: Mode, B: Mode>(s) {
        operands!(s, IsEqExact { fail, a, b });
        let (x, y) = (s.get::<A>(a), s.get::<B>(b));
        if x == y {
            return s.next();
        }
        if x.is_immediate() || y.is_immediate() { s.jump(fail) } else { s.to(compare_terms) }
    }

    fn is_ne_exact<A: Mode, B: Mode>(s) {
        operands!(s, IsNeExact { fail, a, b });
        let (x, y) = (s.get::<A>(a), s.get::<B>(b));
        if x == y {
            return s.jump(fail);
        }
        if x.is_immediate() || y.is_immediate() { s.next() } else { s.to(compare_terms) }
    }

    /// Any of these, of all terms.
    fn compare_terms(s) {
        let (Instr::IsLt { fail, a, b, .. }
        | Instr::IsGe { fail, a, b, .. }
        | Instr::IsEq { fail, a, b }
        | Instr::IsNe { fail, a, b }
        | Instr::IsEqExact { fail, a, b, .. }
        | Instr::IsNeExact { fail, a, b, .. }) = (*s.pc).instr
        else {
            std::hint::unreachable_unchecked()
        };
        match compare::decided(s.any(a), s.any(b)) {
            Some(order) => s.test(holds(&(*s.pc).instr, order), fail),
            None => s.by(compared),
        }
    }

    fn is_function2<A: Mode>(s) {
        operands!(s, IsFunction2 { fail, src, arity });
        let f = s.get::<A>(src);
        if !f.is_boxed() {
            return s.jump(fail);
        }
        let p = f.boxed_pointer();
        let has = match Kind::of_header(*p) {
            Kind::Fun => Term::small((*(*p.add(1) as *const FunEntry)).arity as i64),
            Kind::ExportFun => Term::from_raw(*p.add(3)),
            _ => return s.jump(fail),
        };
        s.test(has == s.any(arity), fail)
    }

    fn is_eq_immediate<A: Mode>(s) {
        operands!(s, IsEqImmediate { fail, a, value });
        s.test(s.get::<A>(Src(a as u32)) == value, fail)
    }

    fn is_ne_immediate<A: Mode>(s) {
        operands!(s, IsNeImmediate { fail, a, value });
        s.test(s.get::<A>(Src(a as u32)) != value, fail)
    }
}

parts! {
    fn compared(run, pc) {
        let (holds, fail) = match (*pc).instr {
            Instr::IsLt { fail, a, b, .. } => (compare::cmp(run.get(a), run.get(b)).is_lt(), fail),
            Instr::IsGe { fail, a, b, .. } => (compare::cmp(run.get(a), run.get(b)).is_ge(), fail),
            Instr::IsEq { fail, a, b } => (compare::eq(run.get(a), run.get(b)), fail),
            Instr::IsNe { fail, a, b } => (!compare::eq(run.get(a), run.get(b)), fail),
            Instr::IsEqExact { fail, a, b, .. } => (compare::same(run.get(a), run.get(b)), fail),
            Instr::IsNeExact { fail, a, b, .. } => (!compare::same(run.get(a), run.get(b)), fail),
            _ => std::hint::unreachable_unchecked(),
        };
        Next::At(if holds { pc.wrapping_add(1) } else { Run::jump(pc, fail) })
    }
}
