//! Terms but for binaries and maps: what they are, what is in them, and making them.

use crate::abi::{LATIN1, UTF8};
use crate::env::{Env, env};
use crate::word::{Word, terms};
use purlin_term::boxed::Kind;
use purlin_term::literal::Literals;
use purlin_term::{Atom, Term, compare, copy, hash};
use std::ffi::{CStr, c_char, c_double, c_int, c_long, c_uint, c_ulong};

/// Gives a number out if it is of the type asked for.
unsafe fn give<T>(to: *mut T, value: Option<T>) -> c_int {
    let Some(value) = value else { return 0 };
    // SAFETY: C: the caller has a place for it.
    unsafe { *to = value };
    1
}

fn signed<T: TryFrom<i64>>(t: Term) -> Option<T> {
    T::try_from(t.as_i64()?).ok()
}

fn unsigned<T: TryFrom<u64>>(t: Term) -> Option<T> {
    T::try_from(t.as_u64()?).ok()
}

/// The characters of bytes.
fn text(bytes: &[u8], encoding: c_int) -> Option<String> {
    match encoding {
        LATIN1 => Some(bytes.iter().map(|&b| char::from(b)).collect()),
        UTF8 => String::from_utf8(bytes.to_vec()).ok(),
        _ => None,
    }
}

/// The bytes of characters; `None`: the encoding has not all of them.
fn bytes(text: &str, encoding: c_int) -> Option<Vec<u8>> {
    match encoding {
        LATIN1 => text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect(),
        UTF8 => Some(text.as_bytes().to_vec()),
        _ => None,
    }
}

unsafe fn array<'a>(start: *const c_char, length: usize) -> &'a [u8] {
    // SAFETY: C: there are so many bytes.
    if length == 0 { &[] } else { unsafe { std::slice::from_raw_parts(start.cast(), length) } }
}

/// An atom with this name, or `badarg`.
fn make_atom(env: &mut Env, name: Option<String>) -> Word {
    match name.map(|n| Atom::try_new(&n)) {
        Some(Ok(atom)) => Word::from(Term::atom(atom)),
        _ => env.badarg(),
    }
}

fn existing(name: Option<String>) -> Option<Word> {
    Atom::existing(&name?).map(|a| Word::from(Term::atom(a)))
}

fn string(env: &mut Env, text: Option<String>) -> Word {
    match text {
        Some(text) => Word::from(env.heap().string(&text)),
        None => env.badarg(),
    }
}

/// 32 bits of a hash and a salt.
fn mixed(hash: u64, salt: u64) -> u64 {
    let mut x = hash.wrapping_add(salt.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (x ^ (x >> 31)) & 0xFFFF_FFFF
}

/// The number of `enif_term_type` for a term.
fn type_of(t: Term) -> c_int {
    match t.boxed_kind() {
        _ if t.is_small() => 5,
        _ if t.is_atom() => 1,
        _ if t.is_list() => 6,
        _ if t.is_pid() => 8,
        _ if t.is_port() => 9,
        Some(Kind::PosBig | Kind::NegBig) => 5,
        Some(Kind::Float) => 3,
        Some(Kind::Fun | Kind::ExportFun) => 4,
        Some(Kind::Tuple | Kind::Record) => 11,
        Some(Kind::FlatMap | Kind::HashRoot) => 7,
        _ if t.is_ref() => 10,
        _ => 2,
    }
}

functions! {
    fn enif_is_atom(_p: *mut Env, t: Word) -> c_int { c_int::from(t.term().is_atom()) }
    fn enif_is_ref(_p: *mut Env, t: Word) -> c_int { c_int::from(t.term().is_ref()) }
    fn enif_is_fun(_p: *mut Env, t: Word) -> c_int { c_int::from(t.term().is_fun()) }
    fn enif_is_pid(_p: *mut Env, t: Word) -> c_int { c_int::from(t.term().is_pid()) }
    fn enif_is_port(_p: *mut Env, t: Word) -> c_int { c_int::from(t.term().is_port()) }
    fn enif_is_list(_p: *mut Env, t: Word) -> c_int { c_int::from(t.term().is_list()) }
    fn enif_is_tuple(_p: *mut Env, t: Word) -> c_int { c_int::from(t.term().is_tuple()) }
    fn enif_is_number(_p: *mut Env, t: Word) -> c_int { c_int::from(t.term().is_number()) }
    fn enif_is_empty_list(_p: *mut Env, t: Word) -> c_int { c_int::from(t.term().is_nil()) }

    /// What kind of term it is.
    fn enif_term_type(_p: *mut Env, t: Word) -> c_int { type_of(t.term()) }

    /// Whether two terms are the same (`=:=`).
    fn enif_is_identical(a: Word, b: Word) -> c_int { c_int::from(compare::same(a.term(), b.term())) }

    /// The order of two terms (`==`, `<`).
    fn enif_compare(a: Word, b: Word) -> c_int { compare::cmp(a.term(), b.term()) as c_int }

    /// A hash: 1 is the engine's own, which changes from run to run; 2 that of `erlang:phash2/1`.
    fn enif_hash(kind: c_int, t: Word, salt: u64) -> u64 {
        match kind {
            1 => mixed(hash::internal(t.term()), salt),
            2 => hash::phash2(t.term(), 1 << 27),
            _ => 0,
        }
    }

    fn enif_get_int(_p: *mut Env, t: Word, to: *mut c_int) -> c_int { give(to, signed(t.term())) }
    fn enif_get_uint(_p: *mut Env, t: Word, to: *mut c_uint) -> c_int { give(to, unsigned(t.term())) }
    fn enif_get_long(_p: *mut Env, t: Word, to: *mut c_long) -> c_int { give(to, t.term().as_i64()) }
    fn enif_get_ulong(_p: *mut Env, t: Word, to: *mut c_ulong) -> c_int { give(to, t.term().as_u64()) }
    fn enif_get_int64(_p: *mut Env, t: Word, to: *mut i64) -> c_int { give(to, t.term().as_i64()) }
    fn enif_get_uint64(_p: *mut Env, t: Word, to: *mut u64) -> c_int { give(to, t.term().as_u64()) }
    fn enif_get_double(_p: *mut Env, t: Word, to: *mut c_double) -> c_int { give(to, t.term().as_float()) }

    fn enif_make_int(p: *mut Env, i: c_int) -> Word { Word::from(env(p).heap().integer(i.into())) }
    fn enif_make_uint(p: *mut Env, i: c_uint) -> Word { Word::from(env(p).heap().unsigned(i.into())) }
    fn enif_make_long(p: *mut Env, i: c_long) -> Word { Word::from(env(p).heap().integer(i)) }
    fn enif_make_ulong(p: *mut Env, i: c_ulong) -> Word { Word::from(env(p).heap().unsigned(i)) }
    fn enif_make_int64(p: *mut Env, i: i64) -> Word { Word::from(env(p).heap().integer(i)) }
    fn enif_make_uint64(p: *mut Env, i: u64) -> Word { Word::from(env(p).heap().unsigned(i)) }

    /// A float, or `badarg` for what is none in Erlang.
    fn enif_make_double(p: *mut Env, f: c_double) -> Word {
        if f.is_finite() { Word::from(env(p).heap().float(f)) } else { env(p).badarg() }
    }

    // ---- atoms

    /// An atom with this name in Latin-1.
    fn enif_make_atom(p: *mut Env, name: *const c_char) -> Word {
        make_atom(env(p), text(CStr::from_ptr(name).to_bytes(), LATIN1))
    }

    fn enif_make_atom_len(p: *mut Env, name: *const c_char, length: usize) -> Word {
        make_atom(env(p), text(array(name, length), LATIN1))
    }

    /// An atom with this name; 0: it cannot be one.
    fn enif_make_new_atom(p: *mut Env, name: *const c_char, atom: *mut Word, encoding: c_int) -> c_int {
        enif_make_new_atom_len(p, name, CStr::from_ptr(name).to_bytes().len(), atom, encoding)
    }

    fn enif_make_new_atom_len(
        _p: *mut Env,
        name: *const c_char,
        length: usize,
        atom: *mut Word,
        encoding: c_int,
    ) -> c_int {
        let made = text(array(name, length), encoding).and_then(|n| Atom::try_new(&n).ok());
        give(atom, made.map(|a| Word::from(Term::atom(a))))
    }

    /// The atom with this name if there is one.
    fn enif_make_existing_atom(_p: *mut Env, name: *const c_char, atom: *mut Word, encoding: c_int) -> c_int {
        give(atom, existing(text(CStr::from_ptr(name).to_bytes(), encoding)))
    }

    fn enif_make_existing_atom_len(
        _p: *mut Env,
        name: *const c_char,
        length: usize,
        atom: *mut Word,
        encoding: c_int,
    ) -> c_int {
        give(atom, existing(text(array(name, length), encoding)))
    }

    /// The bytes of an atom's name and a zero; how many these are, 0: there is no room, or it is no atom of characters
    /// that the encoding has.
    fn enif_get_atom(_p: *mut Env, t: Word, to: *mut c_char, room: c_uint, encoding: c_int) -> c_int {
        let name = t.term().as_atom().and_then(|a| bytes(a.name(), encoding));
        let Some(name) = name.filter(|n| n.len() < room as usize) else { return 0 };
        std::ptr::copy_nonoverlapping(name.as_ptr(), to.cast(), name.len());
        *to.add(name.len()) = 0;
        name.len() as c_int + 1
    }

    /// How many bytes an atom's name has.
    fn enif_get_atom_length(_p: *mut Env, t: Word, length: *mut c_uint, encoding: c_int) -> c_int {
        give(length, t.term().as_atom().and_then(|a| bytes(a.name(), encoding)).map(|n| n.len() as c_uint))
    }

    // ---- lists and strings

    fn enif_get_list_cell(_p: *mut Env, t: Word, head: *mut Word, tail: *mut Word) -> c_int {
        let Some((h, t)) = t.term().as_cons() else { return 0 };
        (*head, *tail) = (Word::from(h), Word::from(t));
        1
    }

    fn enif_get_list_length(_p: *mut Env, t: Word, length: *mut c_uint) -> c_int {
        give(length, t.term().list_length().and_then(|n| c_uint::try_from(n).ok()))
    }

    fn enif_make_list_cell(p: *mut Env, head: Word, tail: Word) -> Word {
        let (head, tail) = (head.term(), tail.term());
        Word::from(env(p).heap().cons(head, tail))
    }

    fn enif_make_list_from_array(p: *mut Env, array: *const Word, count: c_uint) -> Word {
        let elements = terms(array, count as usize);
        Word::from(env(p).heap().list(&elements))
    }

    fn enif_make_reverse_list(p: *mut Env, t: Word, to: *mut Word) -> c_int {
        let Some(mut elements) = t.term().as_list() else { return 0 };
        elements.reverse();
        give(to, Some(Word::from(env(p).heap().list(&elements))))
    }

    fn enif_make_string(p: *mut Env, start: *const c_char, encoding: c_int) -> Word {
        string(env(p), text(CStr::from_ptr(start).to_bytes(), encoding))
    }

    fn enif_make_string_len(p: *mut Env, start: *const c_char, length: usize, encoding: c_int) -> Word {
        string(env(p), text(array(start, length), encoding))
    }

    /// The bytes of a string and a zero: how many, negative if only so many fitted, 0 if it is no such string.
    fn enif_get_string(_p: *mut Env, t: Word, to: *mut c_char, room: c_uint, encoding: c_int) -> c_int {
        if room == 0 {
            return 0;
        }
        *to = 0;
        let Some(string) = t.term().list_text().and_then(|s| bytes(&s, encoding)) else { return 0 };
        let mut fits = string.len().min(room as usize - 1);
        while encoding == UTF8 && fits < string.len() && string[fits] & 0xC0 == 0x80 {
            fits -= 1;
        }
        std::ptr::copy_nonoverlapping(string.as_ptr(), to.cast(), fits);
        *to.add(fits) = 0;
        if fits == string.len() { fits as c_int + 1 } else { -(fits as c_int + 1) }
    }

    /// How many bytes a string has.
    fn enif_get_string_length(_p: *mut Env, t: Word, length: *mut c_uint, encoding: c_int) -> c_int {
        give(length, t.term().list_text().and_then(|s| bytes(&s, encoding)).map(|s| s.len() as c_uint))
    }

    // ---- tuples

    /// The elements of a tuple.
    fn enif_get_tuple(p: *mut Env, t: Word, arity: *mut c_int, elements: *mut *const Word) -> c_int {
        let Some(inside) = t.term().as_tuple() else { return 0 };
        *arity = inside.len() as c_int;
        *elements = env(p).words.array(inside);
        1
    }

    fn enif_make_tuple_from_array(p: *mut Env, array: *const Word, count: c_uint) -> Word {
        let elements = terms(array, count as usize);
        Word::from(env(p).heap().tuple(&elements))
    }

    // ---- others

    /// A copy of a term in another environment.
    fn enif_make_copy(p: *mut Env, t: Word) -> Word {
        let t = t.term();
        Word::from(env(p).heap().copy(t))
    }

    /// How many bytes a copy of the term takes.
    fn enif_term_size(t: Word) -> usize { 8 * copy::flat_size(t.term(), Literals::none()) }

    /// A new reference.
    fn enif_make_ref(p: *mut Env) -> Word {
        let env = env(p);
        match env.engine() {
            Some(engine) => Word::from(env.heap().reference(engine.next_ref())),
            None => env.badarg(),
        }
    }
}
