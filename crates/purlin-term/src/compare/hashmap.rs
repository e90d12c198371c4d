//! The order of two maps of equal size above the flat limit.
//!
//! The smallest key (in exact order) that is in only one of them decides, and its owner comes first. If the keys are
//! the same, the smallest key whose values differ decides. Both trees are walked once, in step by hash, so that equal
//! keys meet; the caller does the comparisons this asks for.

use crate::map::{MapIter, iter, key_hash_order};
use crate::word::Term;
use std::cmp::Ordering;

/// What the caller must do next.
pub(super) enum Step {
    /// Compare these (exactly or not) and call [`HashMaps::step`] with the result.
    Compare(Term, Term, bool),
    Done(Ordering),
}

#[derive(Clone, Copy)]
enum Asked {
    Nothing,
    /// Whether the two current keys are the same, no difference in keys found yet.
    KeysEqual,
    /// How the current key stands to the smallest one whose values differ.
    KeyBelowMinimum,
    Values,
    /// As `KeysEqual`, after a difference was found.
    KeysEqualLater,
    /// How the first, or the second, map's current key stands to the smallest unshared one.
    UnsharedBelowMinimum(Ordering),
}

pub(super) struct HashMaps<'a> {
    a: MapIter<'a>,
    b: MapIter<'a>,
    at_a: Option<(Term, Term)>,
    at_b: Option<(Term, Term)>,
    minimum: Term,
    result: Ordering,
    pub(super) was_exact: bool,
    asked: Asked,
}

impl<'a> HashMaps<'a> {
    pub(super) fn new(a: Term, b: Term, exact: bool) -> HashMaps<'a> {
        HashMaps {
            a: iter(a),
            b: iter(b),
            at_a: None,
            at_b: None,
            minimum: Term::NONE,
            result: Ordering::Equal,
            was_exact: exact,
            asked: Asked::Nothing,
        }
    }

    /// Goes on with the result of the comparison asked for last (of any result at first).
    pub(super) fn step(&mut self, result: Ordering) -> Step {
        match self.asked {
            Asked::Nothing => self.next_shared(),
            Asked::KeysEqual => {
                let (Some((key_a, value_a)), Some((key_b, value_b))) = (self.at_a, self.at_b) else {
                    return Step::Done(self.result);
                };
                if result != Ordering::Equal {
                    // Values no longer matter: the keys differ.
                    if key_hash_order(key_a, key_b) == Ordering::Less {
                        self.found(key_a, Ordering::Less);
                        self.at_a = self.a.next();
                    } else {
                        self.found(key_b, Ordering::Greater);
                        self.at_b = self.b.next();
                    }
                    return self.next_unshared();
                }
                if self.result == Ordering::Equal {
                    self.asked = Asked::Values;
                    Step::Compare(value_a, value_b, self.was_exact)
                } else {
                    self.asked = Asked::KeyBelowMinimum;
                    Step::Compare(key_a, self.minimum, true)
                }
            }
            Asked::KeyBelowMinimum => match (result, self.at_a, self.at_b) {
                (Ordering::Less, Some((_, value_a)), Some((_, value_b))) => {
                    self.asked = Asked::Values;
                    Step::Compare(value_a, value_b, self.was_exact)
                }
                _ => self.next_shared(),
            },
            Asked::Values => {
                if let (true, Some((key, _))) = (result != Ordering::Equal, self.at_a) {
                    self.found(key, result);
                }
                self.next_shared()
            }
            Asked::KeysEqualLater => {
                if result == Ordering::Equal {
                    self.at_a = self.a.next();
                    self.at_b = self.b.next();
                    return self.next_unshared();
                }
                self.unshared()
            }
            Asked::UnsharedBelowMinimum(side) => {
                let at = if side == Ordering::Less { self.at_a } else { self.at_b };
                if let (Ordering::Less, Some((key, _))) = (result, at) {
                    self.found(key, side);
                }
                if side == Ordering::Less {
                    self.at_a = self.a.next();
                } else {
                    self.at_b = self.b.next();
                }
                self.next_unshared()
            }
        }
    }

    fn found(&mut self, key: Term, result: Ordering) {
        self.minimum = key;
        self.result = result;
    }

    /// Advances both while all keys were the same.
    fn next_shared(&mut self) -> Step {
        self.at_a = self.a.next();
        self.at_b = self.b.next();
        match (self.at_a, self.at_b) {
            (Some((a, _)), Some((b, _))) => {
                self.asked = Asked::KeysEqual;
                Step::Compare(a, b, true)
            }
            _ => Step::Done(self.result),
        }
    }

    fn next_unshared(&mut self) -> Step {
        match (self.at_a, self.at_b) {
            (Some((a, _)), Some((b, _))) => {
                self.asked = Asked::KeysEqualLater;
                Step::Compare(a, b, true)
            }
            _ => self.unshared(),
        }
    }

    /// The keys at hand differ: the one that comes first by hash is in its map only.
    fn unshared(&mut self) -> Step {
        let (side, key) = match (self.at_a, self.at_b) {
            (None, None) => return Step::Done(self.result),
            (Some((a, _)), None) => (Ordering::Less, a),
            (None, Some((b, _))) => (Ordering::Greater, b),
            (Some((a, _)), Some((b, _))) => match key_hash_order(a, b) {
                Ordering::Less => (Ordering::Less, a),
                _ => (Ordering::Greater, b),
            },
        };
        self.asked = Asked::UnsharedBelowMinimum(side);
        Step::Compare(key, self.minimum, true)
    }
}
