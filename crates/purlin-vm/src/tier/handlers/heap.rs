//! Stack frames, and what builds terms.

use super::{Mode, Place, State, X, Y, handlers, operands};
use crate::code::instr::Dst;
use purlin_term::Term;
use purlin_term::boxed::Kind;

/// A number that is known when the handler is chosen.
pub(super) trait Count {
    const N: usize;
}

macro_rules! counts {
    ($($name:ident = $n:literal),*) => {$(
        pub(in crate::tier::handlers) struct $name;
        impl Count for $name {
            const N: usize = $n;
        }
    )*};
}

pub(super) mod counts {
    use super::Count;
    counts!(N0 = 0, N1 = 1, N2 = 2, N3 = 3, N4 = 4, N5 = 5, N6 = 6, N7 = 7, N8 = 8);
}

impl State {
    /// Sets so many slots from this one on to nothing.
    #[inline(always)]
    unsafe fn init<N: Count>(&self, first: Dst) {
        // SAFETY: CODE: a frame has the slots that its function's code names.
        unsafe {
            let slots = self.sp.add((first.0 >> 2) as usize);
            for i in 0..N::N {
                *slots.add(i) = Term::NIL.raw();
            }
        }
    }
}

impl State {
    /// Makes the frame that the `allocate` at the instruction pointer asks for, if there is room.
    #[inline(always)]
    unsafe fn allocate(&mut self) -> bool {
        // SAFETY: CODE: the handler was chosen for this instruction.
        unsafe {
            operands!(self, Allocate { slots, heap });
            let room = self.has_room((heap + slots) as usize);
            if room {
                self.sp = self.sp.wrapping_sub(slots as usize);
            }
            room
        }
    }
}

handlers! {
    fn allocate(s) {
        if !s.allocate() {
            return s.slow();
        }
        s.next()
    }

    /// `allocate`, and slots side by side set to nothing.
    fn allocate_init<N: Count>(s) {
        if !s.allocate() {
            return s.slow();
        }
        operands!(@ (*s.pc.add(1)).instr, InitYs(slots));
        s.init::<N>(*slots.get_unchecked(0));
        s.skip(2)
    }

    /// `allocate`, and a register saved in the frame.
    fn allocate_save(s) {
        if !s.allocate() {
            return s.slow();
        }
        operands!(@ (*s.pc.add(1)).instr, Move { src, dst });
        s.set::<Y>(dst, s.get::<X>(src));
        s.skip(2)
    }

    /// `allocate`, and two registers saved in the frame.
    fn allocate_save2(s) {
        if !s.allocate() {
            return s.slow();
        }
        operands!(@ (*s.pc.add(1)).instr, Move { src, dst });
        s.set::<Y>(dst, s.get::<X>(src));
        operands!(@ (*s.pc.add(2)).instr, Move { src, dst });
        s.set::<Y>(dst, s.get::<X>(src));
        s.skip(3)
    }

    fn test_heap(s) {
        operands!(s, TestHeap { heap });
        if s.has_room(heap as usize) { s.next() } else { s.slow() }
    }

    fn deallocate(s) {
        operands!(s, Deallocate(slots));
        s.sp = s.sp.wrapping_add(slots as usize);
        s.next()
    }

    /// `deallocate` and `return`.
    fn deallocate_return(s) {
        operands!(s, Deallocate(slots));
        if s.left <= 1 {
            return s.slow();
        }
        s.left -= 1;
        s.sp = s.sp.wrapping_add(slots as usize);
        s.pop_return()
    }

    fn trim(s) {
        operands!(s, Trim(slots));
        s.sp = s.sp.wrapping_add(slots as usize);
        s.next()
    }

    fn init_y(s) {
        operands!(s, InitY(slot));
        *s.sp.add(slot as usize) = Term::NIL.raw();
        s.next()
    }

    /// Slots side by side.
    fn init_run<N: Count>(s) {
        operands!(s, InitYs(slots));
        s.init::<N>(*slots.get_unchecked(0));
        s.next()
    }

    fn init_ys(s) {
        operands!(s, InitYs(slots));
        for &d in *slots {
            s.set::<Y>(d, Term::NIL);
        }
        s.next()
    }

    fn put_list<H: Mode, T: Mode, D: Place>(s) {
        operands!(s, PutList { head, tail, dst });
        if !s.has_room(2) {
            return s.slow();
        }
        let (h, t) = (s.get::<H>(head), s.get::<T>(tail));
        let p = s.take(2);
        *p = h.raw();
        *p.add(1) = t.raw();
        s.set::<D>(dst, Term::from_cons(p));
        s.next()
    }

    /// `test_heap` and `put_list`.
    fn test_heap_put_list<H: Mode, T: Mode>(s) {
        operands!(s, TestHeap { heap });
        if !s.has_room(heap.max(2) as usize) {
            return s.slow();
        }
        operands!(@ (*s.pc.add(1)).instr, PutList { head, tail, dst });
        let (h, t) = (s.get::<H>(head), s.get::<T>(tail));
        let p = s.take(2);
        *p = h.raw();
        *p.add(1) = t.raw();
        s.set::<X>(dst, Term::from_cons(p));
        s.skip(2)
    }

    /// A tuple of two.
    fn put_pair<A: Mode, B: Mode, D: Place>(s) {
        operands!(s, PutTuple(dst, elements));
        if !s.has_room(3) {
            return s.slow();
        }
        let p = s.take(3);
        *p = Kind::Tuple.header(2);
        *p.add(1) = s.get::<A>(*elements.get_unchecked(0)).raw();
        *p.add(2) = s.get::<B>(*elements.get_unchecked(1)).raw();
        s.set::<D>(dst, Term::from_boxed(p));
        s.next()
    }

    /// A tuple of three.
    fn put_triple<A: Mode, B: Mode, E: Mode, D: Place>(s) {
        operands!(s, PutTuple(dst, elements));
        if !s.has_room(4) {
            return s.slow();
        }
        let p = s.take(4);
        *p = Kind::Tuple.header(3);
        *p.add(1) = s.get::<A>(*elements.get_unchecked(0)).raw();
        *p.add(2) = s.get::<B>(*elements.get_unchecked(1)).raw();
        *p.add(3) = s.get::<E>(*elements.get_unchecked(2)).raw();
        s.set::<D>(dst, Term::from_boxed(p));
        s.next()
    }

    fn put_tuple(s) {
        operands!(s, PutTuple(dst, elements));
        let n = elements.len();
        if !s.has_room(1 + n) {
            return s.slow();
        }
        let p = s.take(1 + n);
        *p = Kind::Tuple.header(n);
        s.fill(p.add(1), elements, n);
        s.set_any(dst, Term::from_boxed(p));
        s.next()
    }

    /// A tuple of so many.
    fn put_tuple_of<N: Count, D: Place>(s) {
        operands!(s, PutTuple(dst, elements));
        if !s.has_room(1 + N::N) {
            return s.slow();
        }
        let p = s.take(1 + N::N);
        *p = Kind::Tuple.header(N::N);
        s.fill(p.add(1), elements, N::N);
        s.set::<D>(dst, Term::from_boxed(p));
        s.next()
    }

    fn set_tuple_element(s) {
        operands!(s, SetTupleElement { value, tuple, index });
        *s.any(tuple).boxed_pointer().add(1 + index as usize) = s.any(value).raw();
        s.next()
    }

    fn catch(s) {
        operands!(s, Catch { slot, handler });
        let at = s.pc.wrapping_byte_offset(handler as isize);
        s.set::<Y>(slot, Term::catch(at as usize));
        s.next()
    }

    fn try_end(s) {
        operands!(s, TryEnd { slot });
        s.set::<Y>(slot, Term::NIL);
        s.next()
    }

    fn try_case(s) {
        operands!(s, TryCase { slot });
        s.set::<Y>(slot, Term::NIL);
        for i in 0..3 {
            s.set_x(i, s.x(i + 1));
        }
        s.next()
    }

    fn self_(s) {
        operands!(s, Self_(dst));
        let me = (*(*s.m).process).pid();
        s.set_any(dst, me);
        s.next()
    }
}
