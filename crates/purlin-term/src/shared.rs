//! Terms that threads may share.
//!
//! A [`Term`] is neither `Send` nor `Sync`, because it may point into a process's heap. These know that theirs does not.

use crate::atom::Atom;
use crate::literal::is_literal;
use crate::word::Term;
use std::fmt;
use std::ops::Deref;

/// A term without a pointer: an atom, a small integer, a pid or port of this node, nil.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Immediate(Term);

// SAFETY: an immediate term points to nothing.
unsafe impl Send for Immediate {}
// SAFETY: as above.
unsafe impl Sync for Immediate {}

impl Immediate {
    pub const NIL: Immediate = Immediate(Term::NIL);
    pub const NONE: Immediate = Immediate(Term::NONE);

    #[inline]
    pub fn new(t: Term) -> Option<Immediate> {
        t.is_immediate().then_some(Immediate(t))
    }

    /// The pid of a process of this node.
    #[inline]
    pub fn pid(id: u64) -> Immediate {
        Immediate(Term::pid(id))
    }

    /// The port of this node with this number.
    #[inline]
    pub fn port(id: u64) -> Immediate {
        Immediate(Term::port(id))
    }

    #[inline]
    pub fn term(self) -> Term {
        self.0
    }
}

impl From<Atom> for Immediate {
    fn from(a: Atom) -> Immediate {
        Immediate(Term::atom(a))
    }
}

/// A term outside all heaps: a part of an [`Owned`](crate::Owned), a [`Row`](crate::Row) or an
/// [`Area`](crate::literal::Area) of literals, which whoever holds it keeps, or an [`Immediate`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Kept(Term);

// SAFETY: LIVE: no process's collector moves what it points to, which is immutable.
unsafe impl Send for Kept {}
// SAFETY: as above.
unsafe impl Sync for Kept {}

impl Kept {
    pub const NIL: Kept = Kept(Term::NIL);

    /// A term in memory of which `holds` says that no collector moves it.
    #[inline]
    pub(crate) fn new(t: Term, holds: impl FnOnce(*const u64) -> bool) -> Kept {
        assert!(t.is_immediate() || holds(t.pointer()), "a term of another holder");
        Kept(t)
    }

    /// A term that the literal area holds.
    pub fn literal(t: Term) -> Option<Kept> {
        (t.is_immediate() || is_literal(t.pointer())).then_some(Kept(t))
    }

    #[inline]
    pub const fn small(i: i64) -> Kept {
        Kept(Term::small(i))
    }

    #[inline]
    pub fn term(self) -> Term {
        self.0
    }
}

impl From<Immediate> for Kept {
    fn from(t: Immediate) -> Kept {
        Kept(t.0)
    }
}

macro_rules! as_term {
    ($($name:ident)*) => {$(
        impl Deref for $name {
            type Target = Term;

            #[inline]
            fn deref(&self) -> &Term {
                &self.0
            }
        }

        impl PartialEq<Term> for $name {
            #[inline]
            fn eq(&self, t: &Term) -> bool {
                self.0 == *t
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

as_term!(Immediate Kept);
