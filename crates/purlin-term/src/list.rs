//! Walking and building lists.

use crate::heap::Heap;
use crate::word::Term;

/// Walks the cells of a list; [`ListIter::tail`] tells afterwards how it ended.
#[derive(Clone)]
pub struct ListIter {
    rest: Term,
}

impl ListIter {
    /// What has not been walked yet: nil at the end of a proper list.
    pub fn tail(&self) -> Term {
        self.rest
    }
}

impl Iterator for ListIter {
    type Item = Term;

    #[inline]
    fn next(&mut self) -> Option<Term> {
        let (head, tail) = self.rest.as_cons()?;
        self.rest = tail;
        Some(head)
    }
}

impl Term {
    /// Walks a list (nothing for a term that is no cons cell).
    pub fn iter(self) -> ListIter {
        ListIter { rest: self }
    }

    #[inline]
    pub fn is_list(self) -> bool {
        self.is_cons() || self.is_nil()
    }

    /// The elements of a proper list.
    pub fn as_list(self) -> Option<Vec<Term>> {
        let mut it = self.iter();
        let v: Vec<Term> = it.by_ref().collect();
        it.tail().is_nil().then_some(v)
    }

    /// The length of a proper list.
    pub fn list_length(self) -> Option<usize> {
        let mut it = self.iter();
        let n = it.by_ref().count();
        it.tail().is_nil().then_some(n)
    }

    /// The text of a proper list of Unicode code points.
    pub fn list_text(self) -> Option<String> {
        let mut it = self.iter();
        let mut s = String::new();
        for e in it.by_ref() {
            s.push(char::from_u32(u32::try_from(e.as_small()?).ok()?)?);
        }
        it.tail().is_nil().then_some(s)
    }
}

/// Builds a list front to back.
#[derive(Default)]
pub struct ListBuilder {
    elements: Vec<Term>,
}

impl ListBuilder {
    pub fn new() -> ListBuilder {
        ListBuilder::default()
    }

    pub fn push(&mut self, t: Term) {
        self.elements.push(t);
    }

    pub fn finish(self, heap: &mut Heap) -> Term {
        heap.list(&self.elements)
    }
}

impl Heap {
    /// A copy of the proper list `front` that ends in `tail`; `None` when `front` is no proper list.
    pub fn append(&mut self, front: Term, tail: Term) -> Option<Term> {
        let n = front.list_length()?;
        if n == 0 {
            return Some(tail);
        }
        let start = self.alloc(2 * n);
        let mut cell = start;
        for (i, e) in front.iter().enumerate() {
            // SAFETY: LIVE: that cell is written next.
            let next = if i + 1 == n { tail } else { unsafe { Term::from_cons(cell.wrapping_add(2)) } };
            // SAFETY: FRESH: `n` cells were allocated, and the list has as many.
            unsafe {
                *cell = e.0;
                *cell.add(1) = next.0;
            }
            cell = cell.wrapping_add(2);
        }
        // SAFETY: LIVE: the object at that place is complete.
        Some(unsafe { Term::from_cons(start) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn append_copies_the_front_only() {
        let mut h = Heap::new(100);
        let n = Term::small;
        let (front, tail) = (h.list(&[n(1), n(2)]), h.list(&[n(3)]));
        let both = h.append(front, tail).unwrap();
        assert_eq!(both.as_list().unwrap(), [n(1), n(2), n(3)]);
        assert_eq!(front.as_list().unwrap(), [n(1), n(2)]);
        assert_eq!(h.append(Term::NIL, n(3)), Some(n(3)));
        let improper = h.cons(n(1), n(2));
        assert_eq!(h.append(improper, tail), None);
    }
}
