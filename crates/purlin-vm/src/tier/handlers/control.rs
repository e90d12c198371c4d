//! Moves, jumps, selections, and what takes a value apart.

use super::{Mode, Place, handlers, operands};
use crate::code::instr::{Rel, Select};
use purlin_term::Term;
use purlin_term::boxed::Kind;

/// Where a term leads.
#[inline(always)]
pub(super) unsafe fn arity_leads(select: &Select, t: Term) -> Rel {
    // SAFETY: LIVE: a boxed term begins with its header.
    unsafe {
        match tuple_header(t) {
            Some(header) if select.table.is_empty() => select.to(header >> 8),
            Some(header) => size_leads(select, header),
            None => select.default,
        }
    }
}

/// A tuple's header.
#[inline(always)]
unsafe fn tuple_header(t: Term) -> Option<u64> {
    // SAFETY: LIVE: a boxed term begins with its header.
    unsafe {
        let is_tuple = t.is_boxed() && Kind::of_header(*t.boxed_pointer()) == Kind::Tuple;
        is_tuple.then(|| *t.boxed_pointer())
    }
}

/// Where a tuple with this header leads by the table of sizes.
#[inline(always)]
fn size_leads(select: &Select, header: u64) -> Rel {
    select.table.get((header >> 8) as usize).copied().unwrap_or(select.default)
}

handlers! {
    fn mv<A: Mode, D: Place>(s) {
        operands!(s, Move { src, dst });
        s.set::<D>(dst, s.get::<A>(src));
        s.next()
    }

    /// Two moves.
    fn mv2<A: Mode, D: Place, B: Mode, E: Place>(s) {
        operands!(s, Move { src, dst });
        s.set::<D>(dst, s.get::<A>(src));
        operands!(@ (*s.pc.add(1)).instr, Move { src, dst });
        s.set::<E>(dst, s.get::<B>(src));
        s.skip(2)
    }

    /// Three moves of one shape.
    fn mv3<A: Mode, D: Place>(s) {
        operands!(s, Move { src, dst });
        s.set::<D>(dst, s.get::<A>(src));
        operands!(@ (*s.pc.add(1)).instr, Move { src, dst });
        s.set::<D>(dst, s.get::<A>(src));
        operands!(@ (*s.pc.add(2)).instr, Move { src, dst });
        s.set::<D>(dst, s.get::<A>(src));
        s.skip(3)
    }

    /// `move` of a constant to x0, and `return`.
    fn mv_value_return(s) {
        operands!(s, MoveValue { value });
        if s.left <= 1 {
            return s.slow();
        }
        s.left -= 1;
        s.set_x(0, value);
        s.pop_return()
    }

    fn mv_value<D: Place>(s) {
        operands!(s, MoveValue { dst, value });
        s.set::<D>(dst, value);
        s.next()
    }

    fn swap<A: Place, B: Place>(s) {
        operands!(s, Swap(a, b));
        let (x, y) = (s.get::<A>(a.as_src()), s.get::<B>(b.as_src()));
        s.set::<A>(a, y);
        s.set::<B>(b, x);
        s.next()
    }

    fn jump(s) {
        operands!(s, Jump(to));
        s.jump(to)
    }

    /// Two values. Which it is is hard to foresee, so there is no jump for each.
    fn select_two<A: Mode>(s) {
        operands!(s, SelectVal(src, select));
        let Some([a, b]) = &select.pair else { std::hint::unreachable_unchecked() };
        let value = s.get::<A>(src).raw();
        let to = std::hint::select_unpredictable(value == b.0, b.1, select.default);
        s.jump(std::hint::select_unpredictable(value == a.0, a.1, to))
    }

    /// Any number of values.
    fn select_many<A: Mode>(s) {
        operands!(s, SelectVal(src, select));
        match select.at_once(s.get::<A>(src).raw()) {
            Some(to) => s.jump(to),
            None => s.to(select_further::<A>),
        }
    }

    /// The same for a value in whose place another one stands.
    fn select_further<A: Mode>(s) {
        operands!(s, SelectVal(src, select));
        s.jump(select.to(s.get::<A>(src).raw()))
    }

    /// Small integers close together.
    fn select_table<A: Mode>(s) {
        operands!(s, SelectVal(src, select));
        let at = s.get::<A>(src).raw().wrapping_sub(select.first).rotate_right(4) as usize;
        s.jump(if at < select.table.len() { *select.table.get_unchecked(at) } else { select.default })
    }

    /// Small integers close together, and others.
    fn select_table_or<A: Mode>(s) {
        operands!(s, SelectVal(src, select));
        let at = s.get::<A>(src).raw().wrapping_sub(select.first).rotate_right(4) as usize;
        if at < select.table.len() { s.jump(*select.table.get_unchecked(at)) } else { s.to(select_many::<A>) }
    }

    fn select_arity<A: Mode>(s) {
        operands!(s, SelectArity(src, select));
        s.jump(arity_leads(select, s.get::<A>(src)))
    }

    /// The same by a table.
    fn select_size<A: Mode>(s) {
        operands!(s, SelectArity(src, select));
        match tuple_header(s.get::<A>(src)) {
            Some(header) => s.jump(size_leads(select, header)),
            None => s.jump(select.default),
        }
    }

    /// The same of what is known to be a tuple.
    fn select_size_of_tuple<A: Mode>(s) {
        operands!(s, SelectArity(src, select));
        s.jump(size_leads(select, *s.get::<A>(src).boxed_pointer()))
    }

    /// `is_tuple` and `select_tuple_arity` by a table.
    fn tuple_select_size<A: Mode>(s) {
        operands!(s, IsType { fail, src });
        let Some(header) = tuple_header(s.get::<A>(src)) else { return s.jump(fail) };
        s.pc = s.pc.add(1);
        operands!(s, SelectArity(_src, select));
        s.jump(size_leads(select, header))
    }

    fn get_list<A: Mode, H: Place, T: Place>(s) {
        operands!(s, GetList { src, head, tail });
        let p: *const Term = s.get::<A>(src).cons_pointer().cast();
        let (h, t) = (*p, *p.add(1));
        s.set::<H>(head, h);
        s.set::<T>(tail, t);
        s.next()
    }

    fn get_hd<A: Mode, D: Place>(s) {
        operands!(s, GetHd { src, dst });
        s.set::<D>(dst, *s.get::<A>(src).cons_pointer().cast());
        s.next()
    }

    fn get_tl<A: Mode, D: Place>(s) {
        operands!(s, GetTl { src, dst });
        s.set::<D>(dst, *s.get::<A>(src).cons_pointer().add(1).cast());
        s.next()
    }

    fn get_tuple_element<A: Mode, D: Place>(s) {
        operands!(s, GetTupleElement { src, index, dst });
        s.set::<D>(dst, *s.get::<A>(src).boxed_pointer().add(1 + index as usize).cast());
        s.next()
    }

    /// Two elements to X registers.
    fn get_two_elements<A: Mode>(s) {
        operands!(s, GetTupleElement { src, index, dst });
        let p: *const Term = s.get::<A>(src).boxed_pointer().cast();
        s.set::<super::X>(dst, *p.add(1 + index as usize));
        operands!(@ (*s.pc.add(1)).instr, GetTupleElement { index, dst });
        s.set::<super::X>(dst, *p.add(1 + index as usize));
        s.skip(2)
    }
}
