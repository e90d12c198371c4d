//! Map instructions.

use super::{Next, Run};
use crate::code::instr::{GetMap, MakeMap, NO_FAIL, Op, PutMap, Transition};
use purlin_term::{Atom, Term, map};
use smallvec::SmallVec;

impl Run<'_> {
    pub(in crate::tier) fn put_map(&mut self, pc: *const Op, p: &'static PutMap) -> Next {
        let m = self.get(p.src);
        if !m.is_map() {
            return self.put_map_fault(pc, p, Atom::BADMAP, m);
        }
        if let ([pair], false, None) = (p.pairs, p.exact, &p.transition) {
            let (key, value) = (self.get(pair.key), self.get(pair.value));
            let m = map::put(&mut self.data.heap, m, key, value);
            return self.have_put(pc, p, m);
        }
        let pairs: SmallVec<[(Term, Term); 8]> = p.pairs.iter().map(|p| (self.get(p.key), self.get(p.value))).collect();
        let m = if p.exact {
            match map::update_all(&mut self.data.heap, m, &pairs) {
                Ok(m) => m,
                Err(missing) => return self.put_map_fault(pc, p, Atom::BADKEY, missing),
            }
        } else {
            if let Some((module, transition)) = &p.transition {
                transition.get_or_init(|| Transition::of(module, m, &pairs));
            }
            map::put_all(&mut self.data.heap, m, &pairs)
        };
        self.have_put(pc, p, m)
    }

    #[inline(always)]
    fn have_put(&mut self, pc: *const Op, p: &PutMap, m: Term) -> Next {
        self.set(p.dst, m);
        self.settle_keeping(p.live as usize, p.dst);
        Next::At(pc.wrapping_add(1))
    }

    pub(in crate::tier) fn make_map(&mut self, pc: *const Op, m: &'static MakeMap) -> Next {
        let words = map::words(m.template.term());
        let p = self.data.heap.alloc(words);
        // SAFETY: FRESH: as many words as the template has.
        unsafe { std::ptr::copy_nonoverlapping(m.template.term().pointer(), p, words) };
        for &(i, value) in m.values {
            // SAFETY: FRESH: the values stand behind the header and the keys.
            unsafe { *p.add(2 + i as usize) = self.get(value).raw() };
        }
        // SAFETY: LIVE: the object at that place is complete.
        self.set(m.dst, unsafe { Term::from_boxed(p) });
        self.settle_keeping(m.live as usize, m.dst);
        Next::At(pc.wrapping_add(1))
    }

    #[cold]
    fn put_map_fault(&mut self, pc: *const Op, p: &PutMap, tag: Atom, value: Term) -> Next {
        if p.fail != NO_FAIL {
            return Next::At(Self::jump(pc, p.fail));
        }
        self.error_with(pc, tag, value)
    }

    #[inline(always)]
    pub(super) fn map_get(&self, m: Term, key: Term) -> Option<Term> {
        map::get(m, key)
    }

    /// The values of all keys, or false when one is missing.
    pub(super) fn get_map_elements(&mut self, g: &'static GetMap) -> bool {
        let m = self.get(g.src);
        for element in g.pairs {
            let key = self.get(element.key);
            match (map::get(m, key), element.dst) {
                (Some(v), Some(dst)) => self.set(dst, v),
                (Some(_), None) => {}
                (None, _) => return false,
            }
        }
        true
    }
}
