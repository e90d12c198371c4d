//! Values of magic references that were written, as bytes or as text: who reads those gets the value again while
//! somebody has it.
//!
//! The rule that must stay true: what is noted here keeps no value alive.

use crate::boxed::Magic;
use crate::heap::Heap;
use crate::word::Term;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

static WRITTEN: Mutex<Written> = Mutex::new(Written { values: BTreeMap::new(), limit: LEAST });

/// How many may be noted before those that are gone are looked for.
const LEAST: usize = 1024;

struct Written {
    values: BTreeMap<[u64; 2], Weak<Magic>>,
    limit: usize,
}

impl Written {
    fn note(&mut self, id: [u64; 2], value: &Arc<Magic>) {
        self.values.insert(id, Arc::downgrade(value));
        if self.values.len() > self.limit {
            self.values.retain(|_, value| value.strong_count() > 0);
            self.limit = LEAST.max(2 * self.values.len());
        }
    }
}

impl Term {
    /// Notes that a term is about to be written, if it is a magic reference.
    pub fn note_written(self) {
        if let Some((id, value)) = self.magic_value() {
            WRITTEN.lock().note(id, &value);
        }
    }
}

impl Heap {
    /// A reference of this node that was read: a magic one if such a one was written and its value is there.
    pub fn read_reference(&mut self, id: [u64; 2]) -> Term {
        let value = WRITTEN.lock().values.get(&id).and_then(Weak::upgrade);
        match value {
            Some(value) => self.magic_reference(id, value),
            None => self.reference(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value() -> Arc<Magic> {
        Arc::new(Magic { value: Box::new(7) })
    }

    #[test]
    fn a_value_is_found_while_somebody_has_it() {
        let (mut a, mut b, id) = (Heap::new(16), Heap::new(16), [71, 72]);
        let reference = a.magic_reference(id, value());
        assert_eq!(b.read_reference(id).magic::<i32>(), None);
        reference.note_written();
        assert_eq!(b.read_reference(id).magic::<i32>(), Some(&7));
        drop(a);
        assert_eq!(b.read_reference(id).magic::<i32>(), Some(&7));
        drop(b);
        let mut c = Heap::new(16);
        assert_eq!(c.read_reference(id).magic::<i32>(), None);
    }

    #[test]
    fn values_that_are_gone_are_forgotten() {
        let mut written = Written { values: BTreeMap::new(), limit: 2 };
        let kept = value();
        written.note([0, 0], &kept);
        (1..5000).for_each(|n| written.note([n, 0], &value()));
        assert!(written.values.len() <= LEAST);
        assert!(written.values.contains_key(&[0, 0]));
    }
}
