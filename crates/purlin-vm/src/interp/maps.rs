//! Map instructions.

use super::{Next, Run};
use crate::code::instr::{GetMap, NO_FAIL, Op, PutMap};
use purlin_term::{Atom, Term, map};

impl Run<'_> {
    pub(super) fn put_map(&mut self, pc: *const Op, p: &'static PutMap) -> Next {
        let mut m = self.get(p.src);
        if !m.is_map() {
            return self.put_map_fault(pc, p, Atom::BADMAP, m);
        }
        for &(k, v) in &p.pairs {
            let (k, v) = (self.get(k), self.get(v));
            if p.exact {
                match map::update(&mut self.data.heap, m, k, v) {
                    Some(t) => m = t,
                    None => return self.put_map_fault(pc, p, Atom::BADKEY, k),
                }
            } else {
                m = map::put(&mut self.data.heap, m, k, v);
            }
        }
        self.set(p.dst, m);
        self.settle_keeping(p.live as usize, p.dst);
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
        for &(key, dst) in &g.pairs {
            let key = self.get(key);
            match (map::get(m, key), dst) {
                (Some(v), Some(dst)) => self.set(dst, v),
                (Some(_), None) => {}
                (None, _) => return false,
            }
        }
        true
    }
}
