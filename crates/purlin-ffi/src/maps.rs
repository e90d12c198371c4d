//! Maps.

use crate::abi::MapIterator;
use crate::env::{Env, env};
use crate::word::{Word, terms};
use purlin_term::{Term, map};
use std::ffi::c_int;

/// Where an iterator begins.
const LAST: c_int = 2;

unsafe fn give(to: *mut Word, t: Option<Term>) -> c_int {
    let Some(t) = t else { return 0 };
    // SAFETY: C: the caller has a place for it.
    unsafe { *to = Word::from(t) };
    1
}

functions! {
    fn enif_is_map(_p: *mut Env, t: Word) -> c_int { c_int::from(t.term().is_map()) }

    fn enif_get_map_size(_p: *mut Env, t: Word, size: *mut usize) -> c_int {
        let t = t.term();
        if !t.is_map() {
            return 0;
        }
        *size = map::size(t);
        1
    }

    fn enif_make_new_map(p: *mut Env) -> Word { Word::from(map::empty(env(p).heap())) }

    fn enif_make_map_put(p: *mut Env, t: Word, key: Word, value: Word, to: *mut Word) -> c_int {
        let (t, key, value) = (t.term(), key.term(), value.term());
        let made = t.is_map().then(|| map::put(env(p).heap(), t, key, value));
        give(to, made)
    }

    fn enif_make_map_update(p: *mut Env, t: Word, key: Word, value: Word, to: *mut Word) -> c_int {
        let (t, key, value) = (t.term(), key.term(), value.term());
        let made = if t.is_map() { map::update(env(p).heap(), t, key, value) } else { None };
        give(to, made)
    }

    fn enif_make_map_remove(p: *mut Env, t: Word, key: Word, to: *mut Word) -> c_int {
        let (t, key) = (t.term(), key.term());
        let made = t.is_map().then(|| map::remove(env(p).heap(), t, key));
        give(to, made)
    }

    fn enif_get_map_value(_p: *mut Env, t: Word, key: Word, to: *mut Word) -> c_int {
        let t = t.term();
        give(to, if t.is_map() { map::get(t, key.term()) } else { None })
    }

    /// A map of these keys and values; 0: a key is there twice.
    fn enif_make_map_from_arrays(
        p: *mut Env,
        keys: *const Word,
        values: *const Word,
        count: usize,
        to: *mut Word,
    ) -> c_int {
        let pairs: Vec<_> = terms(keys, count).into_iter().zip(terms(values, count)).collect();
        let made = map::from_pairs(env(p).heap(), &pairs);
        give(to, (map::size(made) == count).then_some(made))
    }

    fn enif_map_iterator_create(_p: *mut Env, t: Word, at: *mut MapIterator, entry: c_int) -> c_int {
        if !t.term().is_map() {
            return 0;
        }
        let pairs: Box<[(Term, Term)]> = map::iter(t.term()).collect();
        let size = pairs.len();
        (*at).map = t;
        (*at).size = size;
        (*at).index = if entry == LAST { size } else { 1 };
        (*at).pairs = Box::into_raw(pairs).cast();
        1
    }

    fn enif_map_iterator_destroy(_p: *mut Env, at: *mut MapIterator) {
        let pairs = std::ptr::slice_from_raw_parts_mut((*at).pairs, (*at).size);
        drop(Box::from_raw(pairs));
    }

    /// Whether it is before the first pair.
    fn enif_map_iterator_is_head(_p: *mut Env, at: *mut MapIterator) -> c_int { c_int::from((*at).index == 0) }

    /// Whether it is behind the last pair.
    fn enif_map_iterator_is_tail(_p: *mut Env, at: *mut MapIterator) -> c_int {
        c_int::from((*at).index > (*at).size)
    }

    fn enif_map_iterator_next(_p: *mut Env, at: *mut MapIterator) -> c_int {
        if (*at).index <= (*at).size {
            (*at).index += 1;
        }
        c_int::from((*at).index <= (*at).size)
    }

    fn enif_map_iterator_prev(_p: *mut Env, at: *mut MapIterator) -> c_int {
        if (*at).index > 0 {
            (*at).index -= 1;
        }
        c_int::from((*at).index > 0)
    }

    fn enif_map_iterator_get_pair(_p: *mut Env, at: *mut MapIterator, key: *mut Word, value: *mut Word) -> c_int {
        let index = (*at).index;
        if index == 0 || index > (*at).size {
            return 0;
        }
        let (k, v) = *(*at).pairs.add(index - 1);
        (*key, *value) = (Word::from(k), Word::from(v));
        1
    }
}
