//! Natives that are called so often that they have handlers of their own. A handler does what its native does for the
//! arguments that are common, and leaves all others, errors among them, to the native itself.

use super::calls::call_native;
use super::{Handler, State, handlers, operands};
use crate::code::NativeEntry;
use purlin_term::boxed::{Kind, arity_of};
use purlin_term::{Atom, Term};

/// The handler of a call of this native.
pub(super) fn called(n: &NativeEntry) -> Handler {
    let name = (n.mfa.module.name(), n.mfa.function.name(), n.mfa.arity);
    match name {
        ("erlang", "setelement", 3) => set_element,
        ("lists", "keyfind", 3) => key_find::<Tuple>,
        ("lists", "keymember", 3) => key_find::<Whether>,
        ("lists", "member", 2) => member,
        _ => call_native,
    }
}

/// The cells of a list that are looked at here, for which no reductions are due.
const CELLS: usize = 16;

/// What a search gives for what it found.
pub(super) trait Found {
    fn found(t: Term) -> Term;
}

/// The tuple itself.
pub(super) struct Tuple;
/// Whether there is one.
pub(super) struct Whether;

impl Found for Tuple {
    #[inline(always)]
    fn found(t: Term) -> Term {
        t
    }
}

impl Found for Whether {
    #[inline(always)]
    fn found(_: Term) -> Term {
        Term::atom(Atom::TRUE)
    }
}

handlers! {
    fn set_element(s) {
        match set_an_element(s) {
            Some(s) => s.next(),
            None => s.to(call_native),
        }
    }

    fn key_find<F: Found>(s) {
        match find_a_key::<F>(s) {
            Some(s) => s.next(),
            None => s.to(call_native),
        }
    }

    fn member(s) {
        match find_a_member(s) {
            Some(s) => s.next(),
            None => s.to(call_native),
        }
    }
}

/// `setelement/3`
#[inline(always)]
pub(super) unsafe fn set_an_element(mut s: State) -> Option<State> {
    // SAFETY: CODE: the function was chosen for this instruction; LIVE: a tuple has as many words as its header says.
    unsafe {
        operands!(s, CallNative(n));
        let (position, tuple) = (s.x(0), s.x(1));
        if n.is_called_as_function() || !position.is_small() || !tuple.is_boxed() {
            return None;
        }
        let (at, from) = (position.small_value() as usize, tuple.boxed_pointer());
        let size = arity_of(*from);
        if Kind::of_header(*from) != Kind::Tuple || at.wrapping_sub(1) >= size || !s.has_room(size + 1) {
            return None;
        }
        let to = s.take(size + 1);
        for i in 0..size + 1 {
            *to.add(i) = *from.add(i);
        }
        *to.add(at) = s.x(2).raw();
        s.set_x(0, Term::from_boxed(to));
        Some(s)
    }
}

/// `lists:keyfind/3` and `keymember/3` of a key that is equal to nothing but itself.
#[inline(always)]
pub(super) unsafe fn find_a_key<F: Found>(s: State) -> Option<State> {
    // SAFETY: as for `set_an_element`.
    unsafe {
        operands!(s, CallNative(n));
        let (key, position, mut list) = (s.x(0), s.x(1), s.x(2));
        let at = position.small_value() as usize;
        let plain = key.is_immediate() && !key.is_small() && position.is_small() && position.small_value() > 0;
        if n.is_called_as_function() || !plain {
            return None;
        }
        for _ in 0..CELLS {
            if !list.is_cons() {
                break;
            }
            let cell = list.cons_pointer();
            let t = Term::from_raw(*cell);
            list = Term::from_raw(*cell.add(1));
            if t.is_boxed() {
                let p = t.boxed_pointer();
                if Kind::of_header(*p) == Kind::Tuple && at <= arity_of(*p) && *p.add(at) == key.raw() {
                    s.set_x(0, F::found(t));
                    return Some(s);
                }
            }
        }
        if !list.is_nil() {
            return None;
        }
        s.set_x(0, Term::atom(Atom::FALSE));
        Some(s)
    }
}

/// `lists:member/2` of what is one word.
#[inline(always)]
pub(super) unsafe fn find_a_member(s: State) -> Option<State> {
    // SAFETY: as for `set_an_element`.
    unsafe {
        operands!(s, CallNative(n));
        let (element, mut list) = (s.x(0), s.x(1));
        if n.is_called_as_function() || !element.is_immediate() {
            return None;
        }
        for _ in 0..CELLS {
            if !list.is_cons() {
                break;
            }
            let cell = list.cons_pointer();
            if *cell == element.raw() {
                s.set_x(0, Term::atom(Atom::TRUE));
                return Some(s);
            }
            list = Term::from_raw(*cell.add(1));
        }
        if !list.is_nil() {
            return None;
        }
        s.set_x(0, Term::atom(Atom::FALSE));
        Some(s)
    }
}
