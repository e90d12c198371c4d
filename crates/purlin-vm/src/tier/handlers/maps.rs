//! Maps.

use super::{C, Mode, Place, State, handlers, operands, parts};
use purlin_term::boxed::{Kind, arity_of};
use purlin_term::copy::copy_words;
use purlin_term::{Term, map};
use std::sync::atomic::{AtomicU8, Ordering};

/// The keys and values of a map of at most 32, and how many they are.
#[inline(always)]
pub(super) unsafe fn flat(m: Term) -> Option<(*const Term, *const Term, usize)> {
    if !m.is_boxed() {
        return None;
    }
    // SAFETY: LIVE: a flat map's header is followed by its tuple of keys and its values.
    unsafe {
        let p = m.boxed_pointer();
        if Kind::of_header(*p) != Kind::FlatMap {
            return None;
        }
        Some((Term::from_raw(*p.add(1)).boxed_pointer().add(1).cast(), p.add(2).cast(), arity_of(*p) - 1))
    }
}

impl State {
    /// Puts the values of the `put_map` at the instruction pointer to a small map that has the keys where `find` finds
    /// them; `None`, and nothing is changed, for any other and where there is no room.
    #[inline(always)]
    unsafe fn update(mut self, find: impl Fn(*const Term, usize, Term, &AtomicU8) -> usize) -> Option<State> {
        // SAFETY: CODE: the handler was chosen for this instruction; LIVE: a flat map has a value for each key.
        unsafe {
            operands!(self, PutMap(p));
            let m = self.any(p.src);
            let (keys, values, n) = flat(m).filter(|f| self.has_room(f.2 + 2))?;
            // A copy, which becomes a map only if a value differs.
            let new = self.top;
            copy_words(m.pointer(), new, n + 2);
            let mut changes = false;
            for pair in p.pairs {
                let key = if pair.key.kind() == 2 { self.get::<C>(pair.key) } else { self.any(pair.key) };
                let at = find(keys, n, key, &pair.hint);
                if at == NOWHERE {
                    return None;
                }
                let value = self.any(pair.value);
                changes |= *values.add(at) != value;
                *new.add(2 + at) = value.raw();
            }
            if changes {
                self.take(n + 2);
            }
            self.set_any(p.dst, if changes { Term::from_boxed(new) } else { m });
            Some(self)
        }
    }

    /// The same, of keys that stand where they stood last.
    #[inline(always)]
    pub(super) unsafe fn update_noted(self) -> Option<State> {
        // SAFETY: as for `update`; there are as many keys as `flat` says.
        unsafe { self.update(|keys, n, key, hint| place_noted(keys, n, key, hint)) }
    }

    /// The same, of keys wherever they stand.
    #[inline(always)]
    pub(super) unsafe fn update_elsewhere(self) -> Option<State> {
        // SAFETY: as for `update_noted`.
        unsafe { self.update(|keys, n, key, hint| place(keys, n, key, hint)) }
    }

    /// Puts the values of the `put_map` at the instruction pointer to a small map whose keys are those of the first that came
    /// here; `None`, and nothing is changed, for any other and where there is no room.
    #[inline(always)]
    pub(super) unsafe fn extend(mut self) -> Option<State> {
        // SAFETY: CODE: the handler was chosen for this instruction; LIVE: a flat map has a value for each key.
        unsafe {
            operands!(self, PutMap(p));
            let (_, cache) = p.transition.as_ref()?;
            let t = cache.get()?.as_ref()?;
            let (keys, values, n) = flat(self.any(p.src))?;
            if n != t.from.len() {
                return None;
            }
            for i in 0..n {
                if *keys.add(i) != t.from.get_unchecked(i).term() {
                    return None;
                }
            }
            let to = t.to.term().pointer();
            let words = arity_of(*to) + 1;
            if !self.has_room(words) {
                return None;
            }
            let new = self.take(words);
            *new = *to;
            *new.add(1) = *to.add(1);
            for i in 0..n {
                *new.add(2 + *t.kept.get_unchecked(i) as usize) = (*values.add(i)).raw();
            }
            for (pair, &at) in p.pairs.iter().zip(&t.new) {
                *new.add(2 + at as usize) = self.any(pair.value).raw();
            }
            self.set_any(p.dst, Term::from_boxed(new));
            Some(self)
        }
    }

    /// Runs the `make_map` at the instruction pointer; `None` where there is no room.
    #[inline(always)]
    pub(super) unsafe fn make(mut self) -> Option<State> {
        // SAFETY: CODE: the handler was chosen for this instruction; LIVE: a template is a flat map.
        unsafe {
            operands!(self, MakeMap(m));
            let from = m.template.term().pointer();
            let words = arity_of(*from) + 1;
            if !self.has_room(words) {
                return None;
            }
            let p = self.take(words);
            copy_words(from, p, words);
            for &(i, value) in m.values {
                *p.add(2 + i as usize) = self.any(value).raw();
            }
            self.set_any(m.dst, Term::from_boxed(p));
            Some(self)
        }
    }
}

handlers! {
    fn get_map_element<A: Mode>(s) {
        operands!(s, GetMapElement { fail, src, key, dst });
        let (m, key) = (s.get::<A>(src), s.any(key));
        if key.is_immediate() && let Some((keys, values, n)) = flat(m) {
            for i in 0..n {
                if *keys.add(i) == key {
                    s.set_x(dst as usize, *values.add(i));
                    return s.next();
                }
            }
            return s.jump(fail);
        }
        match map::get(m, key) {
            Some(v) => {
                s.set_x(dst as usize, v);
                s.next()
            }
            None => s.jump(fail),
        }
    }

    /// `get_map_elements` of one constant key that is immediate.
    fn get_one<A: Mode, D: Place>(s) {
        operands!(s, GetMapElements(g));
        let Some(element) = g.pairs.first() else { std::hint::unreachable_unchecked() };
        let Some(dst) = element.dst else { std::hint::unreachable_unchecked() };
        let Some((keys, values, n)) = flat(s.get::<A>(g.src)) else { return s.to(get_of_large) };
        let at = element.hint.load(Ordering::Relaxed) as usize;
        if at >= n || *keys.add(at) != s.get::<C>(element.key) {
            return s.to(get_map_elements);
        }
        s.set::<D>(dst, *values.add(at));
        s.next()
    }

    fn get_map_elements(s) {
        operands!(s, GetMapElements(g));
        let m = s.any(g.src);
        let Some((keys, values, n)) = flat(m) else {
            return s.to(get_of_large);
        };
        for element in g.pairs {
            let at = place(keys, n, s.any(element.key), &element.hint);
            if at == NOWHERE {
                return s.jump(g.fail);
            }
            if let Some(dst) = element.dst {
                s.set_any(dst, *values.add(at));
            }
        }
        s.next()
    }

    /// `get_map_elements` of a map of more than 32.
    fn get_of_large(s) {
        operands!(s, GetMapElements(g));
        let m = s.any(g.src);
        for element in g.pairs {
            match (map::get(m, s.any(element.key)), element.dst) {
                (Some(v), Some(dst)) => s.set_any(dst, v),
                (Some(_), None) => {}
                (None, _) => return s.jump(g.fail),
            }
        }
        s.next()
    }

    fn put_map(s) {
        s.by(put)
    }

    /// Puts values to a small map that has the keys, where they stood last.
    fn update_map(s) {
        match s.update_noted() {
            Some(s) => s.next(),
            None => s.to(update_map_elsewhere),
        }
    }

    /// The same where a key does not stand where it stood last.
    fn update_map_elsewhere(s) {
        match s.update_elsewhere() {
            Some(s) => s.next(),
            None => s.by(put),
        }
    }

    /// `put_map_assoc` to a small map, whose keys are mostly those of the first that came here.
    fn extend_map(s) {
        match s.extend() {
            Some(s) => s.next(),
            None => s.to(update_map),
        }
    }

    fn make_map(s) {
        match s.make() {
            Some(s) => s.next(),
            None => s.by(make),
        }
    }

    fn make_map_by_loop(s) {
        s.by(make)
    }
}

/// Where a key stands if that is where the hint says.
#[inline(always)]
unsafe fn place_noted(keys: *const Term, n: usize, key: Term, hint: &AtomicU8) -> usize {
    let at = hint.load(Ordering::Relaxed) as usize;
    // SAFETY: LIVE: there are `n` keys.
    unsafe { if at < n && *keys.add(at) == key { at } else { NOWHERE } }
}

/// Where a key stands, mostly where the hint says.
#[inline(always)]
pub(super) unsafe fn place(keys: *const Term, n: usize, key: Term, hint: &AtomicU8) -> usize {
    // SAFETY: LIVE: there are `n` keys.
    unsafe {
        match place_noted(keys, n, key, hint) {
            NOWHERE => position(keys, n, key, hint),
            at => at,
        }
    }
}

/// No position.
pub(super) const NOWHERE: usize = usize::MAX;

/// Where a key stands, which becomes the hint for the next time.
#[inline(never)]
unsafe fn position(keys: *const Term, n: usize, key: Term, hint: &AtomicU8) -> usize {
    // SAFETY: LIVE: a map has as many keys as values.
    let keys = unsafe { std::slice::from_raw_parts(keys, n) };
    match map::position(keys, key) {
        Some(i) => {
            hint.store(i as u8, Ordering::Relaxed);
            i
        }
        None => NOWHERE,
    }
}

parts! {
    fn put(run, pc, PutMap(p)) { run.put_map(pc, p) }
    fn make(run, pc, MakeMap(m)) { run.make_map(pc, m) }
}
