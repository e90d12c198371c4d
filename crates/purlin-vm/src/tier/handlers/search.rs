//! Searching an ordered list, as `ordsets:is_element/2` does: a function that goes on with the list's tail while its head
//! comes before what is sought.
//!
//! The steps that a look at one word decides are done in one loop, each for the reduction of the call that it is. With
//! the first other one the list's register is where that step begins, and the ordinary handlers go on.

use super::pick::Fused;
use super::{X, handlers, operands, type_tests};
use crate::code::instr::{Instr, Test};
use purlin_term::Term;
use purlin_term::compare::Sought;

/// The handler for `is_nonempty_list`, `get_list`, `is_lt` of the head and another register, and a tail call.
pub(super) fn fused(instrs: &[Instr]) -> Option<Fused> {
    let [
        Instr::IsType { test: Test::NonemptyList, src, .. },
        Instr::GetList { src: list, head, tail },
        Instr::IsLt { a, b, .. },
        Instr::CallOnly(_),
        ..,
    ] = *instrs
    else {
        return None;
    };
    let registers = src.kind() == 0 && b.kind() == 0 && head.is_x();
    let goes_on = src == list && tail.as_src() == list && a == head.as_src();
    let keeps = b != list && b != head.as_src() && head != tail;
    (registers && goes_on && keeps).then_some((search, 3))
}

handlers! {
    fn search(s) {
        operands!(s, IsType { src, fail });
        let (list, end) = (src, fail);
        operands!(@ (*s.pc.add(1)).instr, GetList { head, tail });
        operands!(@ (*s.pc.add(2)).instr, IsLt { fail, b });
        operands!(@ (*s.pc.add(3)).instr, CallOnly(f));
        // Another function may be called, or a breakpoint stand in front of this one.
        let Some(sought) = Sought::new(s.get::<X>(b)).filter(|_| f.start() == s.pc) else {
            return s.to(type_tests::nonempty_get_list::<X>);
        };
        let mut rest = s.get::<X>(list);
        while rest.is_cons() {
            let cell: *const Term = rest.cons_pointer().cast();
            let step = sought.is_behind(*cell);
            if step == Some(true) && s.left > 1 {
                s.left -= 1;
                rest = *cell.add(1);
                continue;
            }
            s.set::<X>(head, *cell);
            s.set::<X>(tail, *cell.add(1));
            s.pc = s.pc.add(2);
            return match step {
                Some(false) => s.jump(fail),
                Some(true) => s.next(),
                None => s.to(type_tests::is_lt::<X, X>),
            };
        }
        s.set::<X>(tail, rest);
        s.jump(end)
    }
}
