//! The term word: 64 bits whose low bits say what the rest means.
//!
//! | low bits | meaning | rest |
//! |---|---|---|
//! | `0000` | small integer | 60-bit two's complement, so `a + b`, `a - b` and `a < b` work on the raw words |
//! | `0100` | atom | index into the atom table |
//! | `1000` | local pid | 28-bit process data |
//! | `1100` | special | nil, local port, catch, no-value |
//! | `xx01` | boxed | pointer to a header word |
//! | `xx10` | list | pointer to a cons cell |
//! | `xx11` | header / continuation pointer | never a term: first word of a boxed object, or a return address on a stack |

use crate::atom::Atom;
use crate::boxed::Kind;
use std::marker::PhantomData;

/// A term: an immediate value or a pointer to a cons cell or boxed object.
///
/// `==` compares the raw words; use [`crate::compare`] for Erlang's equality.
///
/// ```
/// use purlin_term::{Heap, Term};
///
/// let mut heap = Heap::new(8);
/// let pair = heap.tuple(&[Term::small(1), Term::NIL]);
/// assert_eq!(pair.as_tuple().unwrap()[0].as_small(), Some(1));
/// ```
///
/// Safe code makes terms of values only; of a word that may point anywhere it makes none.
///
/// ```compile_fail
/// let t = purlin_term::Term(0x1001);
/// ```
///
/// ```compile_fail
/// let t = purlin_term::Term::from_raw(0x1001);
/// ```
///
/// Nor does it hand one to another thread: only a process's own thread knows that its heap is there. What threads share is
/// an [`Owned`](crate::Owned), a [`Kept`](crate::Kept) or an [`Immediate`](crate::Immediate).
///
/// ```compile_fail
/// static LAST: std::sync::Mutex<Option<purlin_term::Term>> = std::sync::Mutex::new(None);
/// ```
///
/// ```compile_fail
/// let t = purlin_term::Term::NIL;
/// std::thread::spawn(move || t.is_nil());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Term(pub(crate) u64, PhantomData<*const u64>);

pub(crate) const SMALL: u64 = 0b0000;
pub(crate) const ATOM: u64 = 0b0100;
const PID: u64 = 0b1000;
const SPECIAL: u64 = 0b1100;
pub(crate) const TAG4: u64 = 0b1111;
pub(crate) const BOXED: u64 = 0b01;
pub(crate) const LIST: u64 = 0b10;
pub(crate) const HEADER: u64 = 0b11;
pub(crate) const TAG2: u64 = 0b11;

const PORT: u64 = 0x2C;
const CATCH: u64 = 0x3C;

/// Largest small integer.
pub const SMALL_MAX: i64 = (1 << 59) - 1;
/// Smallest small integer.
pub const SMALL_MIN: i64 = -(1 << 59);

/// What kind of word a term is, by its tag alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tag {
    Small,
    Atom,
    Pid,
    Special,
    Boxed,
    List,
    Header,
}

impl Term {
    #[inline(always)]
    pub(crate) const fn word(w: u64) -> Term {
        Term(w, PhantomData)
    }

    /// The empty list.
    pub const NIL: Term = Term::word(SPECIAL);
    /// No value: what a variable holds before it has one; never visible to Erlang code.
    pub const NONE: Term = Term::word(0x1C);

    /// The word that a term is.
    #[inline(always)]
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// The term, or the header, that a word is.
    ///
    /// # Safety
    ///
    /// LIVE: a word that is tagged as a pointer points to an object, as long as the term is used.
    #[inline(always)]
    pub const unsafe fn from_raw(word: u64) -> Term {
        Term::word(word)
    }

    #[inline]
    pub fn tag(self) -> Tag {
        match self.0 & TAG2 {
            BOXED => Tag::Boxed,
            LIST => Tag::List,
            HEADER => Tag::Header,
            _ => match self.0 & TAG4 {
                SMALL => Tag::Small,
                ATOM => Tag::Atom,
                PID => Tag::Pid,
                _ => Tag::Special,
            },
        }
    }

    // ---- small integers

    /// Whether a word has the tag of small integers. Of several words joined by `|`: whether all of them have.
    #[inline(always)]
    pub const fn is_small_word(word: u64) -> bool {
        word & TAG4 == SMALL
    }

    /// A small integer; the value must lie in `SMALL_MIN..=SMALL_MAX` (see [`Heap::integer`](crate::Heap::integer)
    /// for any other).
    #[inline]
    pub const fn small(i: i64) -> Term {
        debug_assert!(i >= SMALL_MIN && i <= SMALL_MAX);
        Term::word((i as u64) << 4)
    }

    #[inline]
    pub const fn fits_small(i: i64) -> bool {
        i >= SMALL_MIN && i <= SMALL_MAX
    }

    #[inline]
    pub fn is_small(self) -> bool {
        self.0 & TAG4 == SMALL
    }

    #[inline]
    pub fn as_small(self) -> Option<i64> {
        if self.is_small() { Some(self.small_value()) } else { None }
    }

    /// The value of a small integer; meaningless for any other term.
    #[inline]
    pub fn small_value(self) -> i64 {
        (self.0 as i64) >> 4
    }

    /// A non-negative small integer as an index.
    #[inline]
    pub fn as_usize(self) -> Option<usize> {
        self.as_small().and_then(|i| usize::try_from(i).ok())
    }

    /// An integer from -2^63 to 2^63 - 1.
    pub fn as_i64(self) -> Option<i64> {
        if let Some(i) = self.as_small() {
            return Some(i);
        }
        match self.as_big()? {
            (false, &[digit]) => i64::try_from(digit).ok(),
            (true, &[digit]) => 0i64.checked_sub_unsigned(digit),
            _ => None,
        }
    }

    /// An integer from 0 to 2^64 - 1.
    pub fn as_u64(self) -> Option<u64> {
        if let Some(i) = self.as_small() {
            return u64::try_from(i).ok();
        }
        match self.as_big()? {
            (false, &[digit]) => Some(digit),
            _ => None,
        }
    }

    // ---- atoms

    #[inline]
    pub const fn atom(a: Atom) -> Term {
        Term::word(((a.index() as u64) << 4) | ATOM)
    }

    #[inline]
    pub fn is_atom(self) -> bool {
        self.0 & TAG4 == ATOM
    }

    #[inline]
    pub fn as_atom(self) -> Option<Atom> {
        if self.is_atom() { Some(Atom::from_index((self.0 >> 4) as u32)) } else { None }
    }

    #[inline]
    pub const fn bool(b: bool) -> Term {
        if b { Term::atom(Atom::TRUE) } else { Term::atom(Atom::FALSE) }
    }

    #[inline]
    pub fn as_bool(self) -> Option<bool> {
        if self == Term::atom(Atom::TRUE) {
            Some(true)
        } else if self == Term::atom(Atom::FALSE) {
            Some(false)
        } else {
            None
        }
    }

    /// Whether this is the given predefined or interned atom.
    #[inline]
    pub fn is(self, a: Atom) -> bool {
        self == Term::atom(a)
    }

    // ---- pids and ports of this node

    /// The longest number of a local port.
    pub const PORT_BITS: u32 = 56;

    /// A local pid from its process data (at most 60 bits).
    #[inline]
    pub const fn pid(data: u64) -> Term {
        Term::word((data << 4) | PID)
    }

    #[inline]
    pub fn as_pid(self) -> Option<u64> {
        if self.0 & TAG4 == PID { Some(self.0 >> 4) } else { None }
    }

    #[inline]
    pub fn is_local_pid(self) -> bool {
        self.0 & TAG4 == PID
    }

    #[inline]
    pub const fn port(data: u64) -> Term {
        Term::word((data << 8) | PORT)
    }

    #[inline]
    pub fn as_port(self) -> Option<u64> {
        if self.0 & 0xFF == PORT { Some(self.0 >> 8) } else { None }
    }

    // ---- stack words

    /// A catch tag holding the address of its handler.
    #[inline]
    pub fn catch(addr: usize) -> Term {
        Term::word(((addr as u64) << 8) | CATCH)
    }

    #[inline]
    pub fn as_catch(self) -> Option<usize> {
        if self.0 & 0xFF == CATCH { Some((self.0 >> 8) as usize) } else { None }
    }

    /// A return address as it stands on a stack (8-byte aligned, tagged as a header so that collection skips it).
    #[inline]
    pub fn continuation(addr: usize) -> Term {
        Term::word(addr as u64 | HEADER)
    }

    #[inline]
    pub fn as_continuation(self) -> Option<usize> {
        if self.0 & TAG2 == HEADER { Some((self.0 & !TAG2) as usize) } else { None }
    }

    // ---- pointers

    #[inline]
    pub fn is_nil(self) -> bool {
        self == Term::NIL
    }

    #[inline]
    pub fn is_none(self) -> bool {
        self == Term::NONE
    }

    #[inline]
    pub fn is_cons(self) -> bool {
        self.0 & TAG2 == LIST
    }

    #[inline]
    pub fn is_boxed(self) -> bool {
        self.0 & TAG2 == BOXED
    }

    #[inline]
    pub fn is_pointer(self) -> bool {
        self.is_boxed() || self.is_cons()
    }

    #[inline]
    pub fn is_immediate(self) -> bool {
        self.0 & TAG2 == 0
    }

    #[inline]
    pub fn is_header(self) -> bool {
        self.0 & TAG2 == HEADER
    }

    /// A boxed term for an object whose header is at `p`.
    ///
    /// # Safety
    ///
    /// LIVE: there is a complete object by the time that the term is used, and as long as it is.
    #[inline]
    pub unsafe fn from_boxed(p: *const u64) -> Term {
        Term::word(p as u64 | BOXED)
    }

    /// A list term for a cons cell at `p`.
    ///
    /// # Safety
    ///
    /// As for [`Term::from_boxed`].
    #[inline]
    pub unsafe fn from_cons(p: *const u64) -> Term {
        Term::word(p as u64 | LIST)
    }

    /// The address behind a list or boxed term.
    #[inline]
    pub fn pointer(self) -> *mut u64 {
        (self.0 & !TAG2) as *mut u64
    }

    /// The address behind a term that is known to be boxed, for which no tag has to be cleared.
    #[inline]
    pub fn boxed_pointer(self) -> *mut u64 {
        debug_assert!(self.is_boxed());
        self.0.wrapping_sub(BOXED) as *mut u64
    }

    /// The address behind a term that is known to be a cons cell.
    #[inline]
    pub fn cons_pointer(self) -> *mut u64 {
        debug_assert!(self.is_cons());
        self.0.wrapping_sub(LIST) as *mut u64
    }

    /// The header word of a boxed term's object.
    #[inline]
    pub(crate) fn header_word(self) -> u64 {
        // SAFETY: LIVE
        unsafe { *self.boxed_pointer() }
    }

    /// The kind of a boxed term, or `None` for immediates and lists.
    #[inline]
    pub fn boxed_kind(self) -> Option<Kind> {
        if self.is_boxed() { Some(Kind::of_header(self.header_word())) } else { None }
    }

    /// Head and tail of a cons cell.
    #[inline]
    pub fn as_cons(self) -> Option<(Term, Term)> {
        if self.is_cons() {
            let p = self.cons_pointer();
            // SAFETY: LIVE
            unsafe { Some((Term::word(*p), Term::word(*p.add(1)))) }
        } else {
            None
        }
    }
}
