//! Boxed layouts: every boxed object starts with a header word `arity << 8 | kind << 2 | 0b11`,
//! where arity counts the words after the header. Each kind has a fixed number of raw words (not terms)
//! right after the header; everything behind them is terms. Collection and copying rely on just that.
//!
//! | kind | words after the header |
//! |---|---|
//! | Tuple | elements |
//! | Float | the IEEE bits |
//! | PosBig, NegBig | 64-bit digits of the absolute value, least significant first, no leading zero |
//! | Fun | raw `Arc<FunEntry>`; creator pid; environment |
//! | ExportFun | module, function, arity (small) |
//! | Ref | id0, id1 (see [`alias_id`]) |
//! | MagicRef | id0, id1, raw `Arc<Magic>` |
//! | HeapBin | byte size, bytes (padded) |
//! | RefBin | raw `BinData` pointer, byte offset, byte size |
//! | SubBits | bit size, bit offset; the HeapBin or RefBin it is a part of |
//! | MatchCtx | bit end, bit position, address of a RefBin's first byte or 0; the HeapBin or RefBin it reads |
//! | FlatMap | tuple of sorted keys; values in the same order |
//! | HashRoot | size (small), bitmap (small), children |
//! | HashNode | bitmap (small), children; a leaf is a cons cell `[Key|Value]` |
//! | Record | definition (see [`crate::record`]); values of the fields |
//! | ExtPid, ExtPort, ExtRef | raw: node atom term, creation, then: pid number, serial / port number / ref words |

use crate::atom::Atom;
use crate::heap::Heap;
use crate::word::{HEADER, Term};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicPtr;

/// What a boxed object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    Tuple = 0,
    Float,
    PosBig,
    NegBig,
    Fun,
    ExportFun,
    Ref,
    MagicRef,
    HeapBin,
    RefBin,
    SubBits,
    MatchCtx,
    FlatMap,
    HashRoot,
    HashNode,
    Record,
    ExtPid,
    ExtPort,
    ExtRef,
}

impl Kind {
    /// The header word of an object of this kind with `arity` words after it.
    #[inline]
    pub const fn header(self, arity: usize) -> u64 {
        ((arity as u64) << 8) | ((self as u64) << 2) | HEADER
    }

    #[inline]
    pub fn of_header(header: u64) -> Kind {
        debug_assert!(header & 3 == HEADER);
        let kind = (header >> 2) as u8 & 0x3F;
        debug_assert!(kind <= Kind::ExtRef as u8);
        // SAFETY: LIVE: headers are made by `Kind::header` alone, and the kinds are numbered without a gap.
        unsafe { std::mem::transmute::<u8, Kind>(kind) }
    }

    /// How many words right after the header are raw, given the arity.
    #[inline]
    pub fn raw_words(self, arity: usize) -> usize {
        match self {
            Kind::Tuple | Kind::ExportFun | Kind::FlatMap | Kind::HashRoot | Kind::HashNode | Kind::Record => 0,
            Kind::Fun => 1,
            Kind::SubBits => 2,
            Kind::MatchCtx => 3,
            _ => arity,
        }
    }

    /// Whether objects of this kind own a reference count and stand in an off-heap list.
    #[inline]
    pub fn is_off_heap(self) -> bool {
        matches!(self, Kind::RefBin | Kind::MagicRef | Kind::Fun)
    }
}

/// Words after the header.
#[inline]
pub fn arity_of(header: u64) -> usize {
    (header >> 8) as usize
}

/// What a fun's code is, shared by its module and all funs made from one lambda.
#[derive(Debug)]
pub struct FunEntry {
    pub module: Atom,
    /// Arity of a call, without the environment.
    pub arity: u8,
    /// Position in the module's lambda table.
    pub index: u32,
    pub old_index: u32,
    pub old_uniq: u32,
    /// The module's MD5.
    pub uniq: [u8; 16],
    pub num_free: u32,
    /// Entry point, in the form the engine that made this entry uses; null when the code is gone.
    pub code: AtomicPtr<()>,
}

/// A value of the engine that a reference term keeps alive (tables, compiled patterns, files, ...).
pub struct Magic {
    pub value: Box<dyn Any + Send + Sync>,
}

impl Term {
    /// The words after the header of a boxed object of the given kind.
    #[inline]
    pub(crate) fn body<'a>(self, kind: Kind) -> Option<&'a [u64]> {
        if !self.is_boxed() {
            return None;
        }
        let h = self.header_word();
        if Kind::of_header(h) != kind {
            return None;
        }
        // SAFETY: LIVE: a header is followed by as many words as its arity says.
        Some(unsafe { std::slice::from_raw_parts(self.pointer().add(1), arity_of(h)) })
    }

    /// All words after the header, whatever the kind.
    #[inline]
    pub(crate) fn any_body<'a>(self) -> &'a [u64] {
        debug_assert!(self.is_boxed());
        // SAFETY: LIVE
        unsafe { std::slice::from_raw_parts(self.boxed_pointer().add(1), arity_of(self.header_word())) }
    }

    // ---- tuples

    /// The elements of a tuple.
    #[inline]
    pub fn as_tuple<'a>(self) -> Option<&'a [Term]> {
        self.body(Kind::Tuple).map(words_as_terms)
    }

    #[inline]
    pub fn is_tuple(self) -> bool {
        self.boxed_kind() == Some(Kind::Tuple)
    }

    // ---- floats

    #[inline]
    pub fn as_float(self) -> Option<f64> {
        self.body(Kind::Float).map(|b| f64::from_bits(b[0]))
    }

    // ---- integers

    #[inline]
    pub fn is_big(self) -> bool {
        matches!(self.boxed_kind(), Some(Kind::PosBig | Kind::NegBig))
    }

    #[inline]
    pub fn is_integer(self) -> bool {
        self.is_small() || self.is_big()
    }

    #[inline]
    pub fn is_number(self) -> bool {
        self.is_small() || matches!(self.boxed_kind(), Some(Kind::PosBig | Kind::NegBig | Kind::Float))
    }

    /// Sign and digits of a big integer.
    #[inline]
    pub fn as_big<'a>(self) -> Option<(bool, &'a [u64])> {
        match self.boxed_kind()? {
            Kind::PosBig => Some((false, self.any_body())),
            Kind::NegBig => Some((true, self.any_body())),
            _ => None,
        }
    }

    // ---- funs

    #[inline]
    pub fn is_fun(self) -> bool {
        matches!(self.boxed_kind(), Some(Kind::Fun | Kind::ExportFun))
    }

    /// Entry, creator and environment of a local fun.
    #[inline]
    pub fn as_fun<'a>(self) -> Option<(&'a FunEntry, Term, &'a [Term])> {
        let b = self.body(Kind::Fun)?;
        // SAFETY: OFFHEAP: the object owns a count of this Arc for as long as it lives.
        let entry = unsafe { &*(b[0] as *const FunEntry) };
        Some((entry, Term::word(b[1]), words_as_terms(&b[2..])))
    }

    /// The entry of a local fun, to make others with.
    pub fn fun_entry(self) -> Option<Arc<FunEntry>> {
        let p = self.body(Kind::Fun)?[0] as *const FunEntry;
        // SAFETY: as in `as_fun`; the count that is taken is the one that is given back.
        Some(unsafe {
            Arc::increment_strong_count(p);
            Arc::from_raw(p)
        })
    }

    /// How many funs and modules there are with the entry of this local fun.
    pub fn fun_count(self) -> Option<usize> {
        let p = self.body(Kind::Fun)?[0] as *const FunEntry;
        // SAFETY: as in `as_fun`.
        let entry = std::mem::ManuallyDrop::new(unsafe { Arc::from_raw(p) });
        Some(Arc::strong_count(&entry))
    }

    /// Module, function and arity of an external fun.
    #[inline]
    pub fn as_export_fun(self) -> Option<(Atom, Atom, u8)> {
        let b = self.body(Kind::ExportFun)?;
        Some((Term::word(b[0]).as_atom()?, Term::word(b[1]).as_atom()?, Term::word(b[2]).small_value() as u8))
    }

    // ---- references

    /// The two id words of a reference of this node, magic or not.
    #[inline]
    pub fn as_local_ref(self) -> Option<[u64; 2]> {
        match self.boxed_kind()? {
            Kind::Ref | Kind::MagicRef => {
                let b: &[u64] = self.any_body();
                Some([b[0], b[1]])
            }
            _ => None,
        }
    }

    /// The three 32-bit numbers of a reference of this node, in OTP's order: the first holds 18 bits, and the last is
    /// the most significant for ordering and printing.
    #[inline]
    pub fn ref_numbers(self) -> Option<[u32; 3]> {
        self.as_local_ref().map(ref_words)
    }

    /// The process that an alias belongs to; see [`alias_id`].
    pub fn ref_pid(self) -> Option<Term> {
        let b = self.body(Kind::Ref)?;
        (b[0] & ALIAS_MARK != 0).then(|| Term::pid(b[0] >> ALIAS_PID_SHIFT | b[1] << (64 - ALIAS_PID_SHIFT)))
    }

    #[inline]
    pub fn is_ref(self) -> bool {
        matches!(self.boxed_kind(), Some(Kind::Ref | Kind::MagicRef | Kind::ExtRef))
    }

    /// The engine's value behind a magic reference.
    pub fn as_magic<'a>(self) -> Option<&'a Magic> {
        let b = self.body(Kind::MagicRef)?;
        // SAFETY: OFFHEAP: the object owns a count of this Arc for as long as it lives.
        Some(unsafe { &*(b[2] as *const Magic) })
    }

    /// The engine's value of type `T` behind a magic reference.
    pub fn magic<'a, T: Any>(self) -> Option<&'a T> {
        self.as_magic()?.value.downcast_ref()
    }

    /// The id of a magic reference, and a count of its value.
    pub(crate) fn magic_value(self) -> Option<([u64; 2], Arc<Magic>)> {
        let b = self.body(Kind::MagicRef)?;
        let value = b[2] as *const Magic;
        // SAFETY: OFFHEAP: the object owns a count of this Arc for as long as it lives; here is another one.
        let value = unsafe {
            Arc::increment_strong_count(value);
            Arc::from_raw(value)
        };
        Some(([b[0], b[1]], value))
    }

    /// The address of the value behind a magic reference, and how many references there are to it.
    pub fn magic_count(self) -> Option<(usize, usize)> {
        let p = self.body(Kind::MagicRef)?[2] as *const Magic;
        // SAFETY: OFFHEAP: the object owns a count of this Arc for as long as it lives.
        let value = std::mem::ManuallyDrop::new(unsafe { Arc::from_raw(p) });
        Some((p as usize, Arc::strong_count(&value)))
    }

    #[inline]
    pub fn is_pid(self) -> bool {
        self.is_local_pid() || self.boxed_kind() == Some(Kind::ExtPid)
    }

    #[inline]
    pub fn is_port(self) -> bool {
        self.as_port().is_some() || self.boxed_kind() == Some(Kind::ExtPort)
    }

    /// Node, creation and further raw words of a pid, port or reference of another node.
    pub fn as_external<'a>(self) -> Option<(Kind, Atom, u32, &'a [u64])> {
        let k = self.boxed_kind()?;
        if !matches!(k, Kind::ExtPid | Kind::ExtPort | Kind::ExtRef) {
            return None;
        }
        let b: &[u64] = self.any_body();
        Some((k, Term::word(b[0]).as_atom()?, b[1] as u32, &b[2..]))
    }

    // ---- maps

    #[inline]
    pub fn is_map(self) -> bool {
        matches!(self.boxed_kind(), Some(Kind::FlatMap | Kind::HashRoot))
    }

    /// Sorted keys and the values of a flat map.
    #[inline]
    pub fn as_flat_map<'a>(self) -> Option<(&'a [Term], &'a [Term])> {
        let b = self.body(Kind::FlatMap)?;
        Some((Term::word(b[0]).as_tuple().unwrap_or(&[]), words_as_terms(&b[1..])))
    }
}

#[inline]
pub(crate) fn words_as_terms(w: &[u64]) -> &[Term] {
    // SAFETY: Term is a transparent u64.
    unsafe { std::slice::from_raw_parts(w.as_ptr().cast(), w.len()) }
}

/// The numbers of a reference with these id words; see [`Term::ref_numbers`].
#[inline]
pub fn ref_words([low, high]: [u64; 2]) -> [u32; 3] {
    [low as u32 & 0x3_FFFF, (low >> 18) as u32, (low >> 50) as u32 | (high << 14) as u32]
}

/// The id words whose [`ref_words`] are these; `None` for a first number above 18 bits.
pub fn ref_id(numbers: [u32; 3]) -> Option<[u64; 2]> {
    let [a, b, c] = numbers.map(u64::from);
    (a <= 0x3_FFFF).then_some([a | b << 18 | c << 50, c >> 14])
}

/// In the first id word of a reference: it is an alias.
const ALIAS_MARK: u64 = 1 << 53;
/// Where in an alias's id its process's 28 bits begin; they fill the rest of a reference's 82 bits.
const ALIAS_PID_SHIFT: u32 = 54;

/// The id words of the `n`th alias, which belongs to the process `pid`. That it is an alias, and whose, is part of the
/// numbers that everybody sees, so that no way that a reference takes (external format, text, a file) can lose it.
pub fn alias_id(n: u64, pid: u64) -> [u64; 2] {
    [n & (ALIAS_MARK - 1) | ALIAS_MARK | pid << ALIAS_PID_SHIFT, pid >> (64 - ALIAS_PID_SHIFT)]
}

impl Heap {
    /// Allocates a boxed object and fills it from `words` (raw words and terms as the kind's layout says).
    #[inline]
    pub(crate) fn boxed(&mut self, kind: Kind, words: &[u64]) -> Term {
        let p = self.alloc(words.len() + 1);
        // SAFETY: FRESH
        unsafe {
            *p = kind.header(words.len());
            std::ptr::copy_nonoverlapping(words.as_ptr(), p.add(1), words.len());
        }
        // SAFETY: LIVE: the object at that place is complete.
        unsafe { Term::from_boxed(p) }
    }

    /// `[Head | Tail]`.
    #[inline]
    pub fn cons(&mut self, head: Term, tail: Term) -> Term {
        let p = self.alloc(2);
        // SAFETY: FRESH
        unsafe {
            *p = head.0;
            *p.add(1) = tail.0;
        }
        // SAFETY: LIVE: the object at that place is complete.
        unsafe { Term::from_cons(p) }
    }

    /// A tuple of these elements.
    #[inline]
    pub fn tuple(&mut self, elements: &[Term]) -> Term {
        // SAFETY: Term is a transparent u64.
        let words = unsafe { std::slice::from_raw_parts(elements.as_ptr().cast::<u64>(), elements.len()) };
        self.boxed(Kind::Tuple, words)
    }

    /// A float; `f` must be finite.
    #[inline]
    pub fn float(&mut self, f: f64) -> Term {
        self.boxed(Kind::Float, &[f.to_bits()])
    }

    /// An integer of the machine's width.
    #[inline]
    pub fn integer(&mut self, i: i64) -> Term {
        if Term::fits_small(i) { Term::small(i) } else { self.big(i < 0, &[i.unsigned_abs()]) }
    }

    /// An unsigned integer of the machine's width.
    #[inline]
    pub fn unsigned(&mut self, i: u64) -> Term {
        match i64::try_from(i) {
            Ok(i) => self.integer(i),
            Err(_) => self.big(false, &[i]),
        }
    }

    /// A big integer from normalised digits whose value does not fit a small integer.
    pub fn big(&mut self, negative: bool, digits: &[u64]) -> Term {
        debug_assert!(digits.last().is_some_and(|&d| d != 0));
        self.boxed(if negative { Kind::NegBig } else { Kind::PosBig }, digits)
    }

    /// A local fun over a lambda entry.
    pub fn fun(&mut self, entry: &Arc<FunEntry>, creator: Term, env: &[Term]) -> Term {
        let p = self.alloc(3 + env.len());
        // SAFETY: FRESH
        unsafe {
            *p = Kind::Fun.header(2 + env.len());
            *p.add(1) = Arc::into_raw(entry.clone()) as u64;
            *p.add(2) = creator.0;
            std::ptr::copy_nonoverlapping(env.as_ptr().cast(), p.add(3), env.len());
        }
        self.note_off_heap(p);
        // SAFETY: LIVE: the object at that place is complete.
        unsafe { Term::from_boxed(p) }
    }

    /// `fun Module:Function/Arity`.
    pub fn export_fun(&mut self, module: Atom, function: Atom, arity: u8) -> Term {
        let words = [Term::atom(module).0, Term::atom(function).0, Term::small(arity as i64).0];
        self.boxed(Kind::ExportFun, &words)
    }

    /// A reference of this node with the given id words.
    pub fn reference(&mut self, id: [u64; 2]) -> Term {
        self.boxed(Kind::Ref, &id)
    }

    /// A reference that keeps a value of the engine alive.
    pub fn magic_reference(&mut self, id: [u64; 2], magic: Arc<Magic>) -> Term {
        let t = self.boxed(Kind::MagicRef, &[id[0], id[1], Arc::into_raw(magic) as u64]);
        self.note_off_heap(t.pointer());
        t
    }

    /// A pid, port or reference of another node (`kind` one of ExtPid, ExtPort, ExtRef).
    pub fn external(&mut self, kind: Kind, node: Atom, creation: u32, data: &[u64]) -> Term {
        debug_assert!(matches!(kind, Kind::ExtPid | Kind::ExtPort | Kind::ExtRef));
        let mut words = vec![Term::atom(node).0, creation as u64];
        words.extend_from_slice(data);
        self.boxed(kind, &words)
    }

    /// A flat map from keys in the order of [`cmp_keys`](crate::compare::cmp_keys), and their values.
    pub(crate) fn flat_map(&mut self, keys: &[Term], values: &[Term]) -> Term {
        debug_assert_eq!(keys.len(), values.len());
        let keys = self.tuple(keys);
        self.flat_map_with_keys(keys, values)
    }

    /// A flat map that shares an existing tuple of sorted keys.
    pub(crate) fn flat_map_with_keys(&mut self, keys: Term, values: &[Term]) -> Term {
        let p = self.alloc(2 + values.len());
        // SAFETY: FRESH
        unsafe {
            *p = Kind::FlatMap.header(1 + values.len());
            *p.add(1) = keys.0;
            std::ptr::copy_nonoverlapping(values.as_ptr().cast(), p.add(2), values.len());
        }
        // SAFETY: LIVE: the object at that place is complete.
        unsafe { Term::from_boxed(p) }
    }
}
