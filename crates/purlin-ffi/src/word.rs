//! Terms as C sees them: `ERL_NIF_TERM`.
//!
//! A word of C is a term's own word but for one: libraries take 0 for "no term", which the BEAM's terms never are, and
//! Purlin's small integer 0 is. Outside it is [`ZERO`], a word that no term has.

use purlin_term::Term;

/// `ERL_NIF_TERM`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Word(pub u64);

/// The small integer 0.
const ZERO: u64 = 0b11;

impl Word {
    /// What a function gives back that has no term to give.
    pub const NONE: Word = Word(0);

    /// The term.
    ///
    /// # Safety
    /// C: the word is one that a library was given, of an environment that is still there.
    #[inline]
    pub unsafe fn term(self) -> Term {
        match self.0 {
            ZERO => Term::small(0),
            // Nothing is no term: whoever asks what it is finds that it is none of all.
            0 => Term::NONE,
            // SAFETY: LIVE: by the caller's promise.
            word => unsafe { Term::from_raw(word) },
        }
    }
}

impl From<Term> for Word {
    #[inline]
    fn from(t: Term) -> Word {
        Word(if t.raw() == 0 { ZERO } else { t.raw() })
    }
}

/// Terms as an array that C reads: themselves, unless one of them has another word outside.
pub fn is_plain(terms: &[Term]) -> bool {
    terms.iter().all(|t| t.raw() != 0)
}

/// The terms of an array of C.
///
/// # Safety
/// C: there are so many words, and they are terms.
pub unsafe fn terms(words: *const Word, count: usize) -> Vec<Term> {
    // SAFETY: by the caller's promise.
    (0..count).map(|i| unsafe { (*words.add(i)).term() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_term_is_zero_outside() {
        for t in [Term::small(0), Term::small(1), Term::small(-1), Term::NIL, Term::pid(0), Term::bool(false)] {
            let word = Word::from(t);
            assert_ne!(word, Word::NONE);
            // SAFETY: the word was just made.
            assert_eq!(unsafe { word.term() }, t);
        }
    }
}
