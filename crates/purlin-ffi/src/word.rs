//! Terms as C sees them: `ERL_NIF_TERM`.
//!
//! A word of C is a term's own word, but for terms that point to nothing: the lowest two bits of those are set. Libraries take 0 for
//! "no term", which Purlin's small integer 0 is by itself, and OTP's own `crypto` counts on atoms being odd. No term has these
//! bits, which stand for headers within.

use purlin_term::Term;

/// `ERL_NIF_TERM`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Word(pub u64);

/// Set in the words of terms that point to nothing.
const IMMEDIATE: u64 = 0b11;

impl Word {
    /// What a function gives back that has no term to give.
    pub const NONE: Word = Word(0);

    /// The term.
    ///
    /// # Safety
    /// C: the word is one that a library was given, of an environment that is still there.
    #[inline]
    pub unsafe fn term(self) -> Term {
        match self.0 & IMMEDIATE {
            // SAFETY: without the bits the word points to nothing.
            IMMEDIATE => unsafe { Term::from_raw(self.0 & !IMMEDIATE) },
            // Nothing is no term: whoever asks what it is finds that it is none of all.
            0 => Term::NONE,
            // SAFETY: LIVE: by the caller's promise.
            _ => unsafe { Term::from_raw(self.0) },
        }
    }
}

impl From<Term> for Word {
    #[inline]
    fn from(t: Term) -> Word {
        Word(if t.raw() & IMMEDIATE == 0 { t.raw() | IMMEDIATE } else { t.raw() })
    }
}

/// The terms of an array of C.
///
/// # Safety
/// C: there are so many words, and they are terms.
pub unsafe fn terms(words: *const Word, count: usize) -> Vec<Term> {
    // SAFETY: by the caller's promise.
    (0..count).map(|i| unsafe { (*words.add(i)).term() }).collect()
}

/// Words that stay where they are.
#[derive(Default)]
pub struct Words(Vec<Vec<Word>>);

/// How many words a block has at least.
const BLOCK: usize = 256;

impl Words {
    /// These terms as an array that C reads, as long as this value lives.
    pub fn array(&mut self, terms: &[Term]) -> *const Word {
        let fits = self.0.last().is_some_and(|b| b.capacity() - b.len() >= terms.len());
        if !fits {
            self.0.push(Vec::with_capacity(BLOCK.max(terms.len())));
        }
        let Some(block) = self.0.last_mut() else { return std::ptr::null() };
        let start = block.len();
        block.extend(terms.iter().map(|&t| Word::from(t)));
        block[start..].as_ptr()
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_term::Heap;

    #[test]
    fn no_term_is_zero_outside_and_atoms_are_odd() {
        let mut heap = Heap::new(64);
        let (list, tuple) = (heap.list(&[Term::NIL]), heap.tuple(&[Term::small(0)]));
        let atom = Term::bool(false);
        for t in [Term::small(0), Term::small(1), Term::small(-1), Term::NIL, Term::pid(0), atom, list, tuple] {
            let word = Word::from(t);
            assert_ne!(word, Word::NONE);
            // SAFETY: the word was just made.
            assert_eq!(unsafe { word.term() }, t);
        }
        assert_eq!(Word::from(atom).0 & 1, 1);
    }

    #[test]
    fn arrays_stay_where_they_are() {
        let mut words = Words::default();
        let terms: Vec<Term> = (0..300).map(Term::small).collect();
        let arrays: Vec<_> = (0..100).map(|i| (words.array(&terms[i..3 * i]), i)).collect();
        for (start, i) in arrays {
            // SAFETY: the words live, and are so many.
            assert_eq!(unsafe { super::terms(start, 2 * i) }, terms[i..3 * i]);
        }
    }
}
