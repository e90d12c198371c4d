//! Maps and binaries.

use super::{Handler, Mode, Run, X, Y, handlers, operands};
use crate::code::instr::{Instr, Op};
use crate::interp::Machine;
use purlin_term::map;

/// The handler of an instruction of this family.
pub(super) fn handler(i: &Instr) -> Option<Handler> {
    Some(match *i {
        Instr::GetMapElement { src, .. } if src.kind() == 0 => get_map_element::<X>,
        Instr::GetMapElement { src, .. } if src.kind() == 1 => get_map_element::<Y>,
        Instr::GetMapElements(_) => get_map_elements,
        Instr::PutMap(_) => put_map,
        _ => return None,
    })
}

handlers! {
    fn get_map_element<A: Mode>(s) {
        operands!(s, GetMapElement { fail, src, key, dst });
        match map::get(s.get::<A>(src), s.any(key)) {
            Some(v) => {
                s.set_x(dst as usize, v);
                s.next()
            }
            None => s.jump(fail),
        }
    }

    fn get_map_elements(s) {
        operands!(s, GetMapElements(g));
        let m = s.any(g.src);
        for &(key, dst) in &g.pairs {
            match (map::get(m, s.any(key)), dst) {
                (Some(v), Some(dst)) => s.set_any(dst, v),
                (Some(_), None) => {}
                (None, _) => return s.jump(g.fail),
            }
        }
        s.next()
    }

    fn put_map(s) {
        s.by(put)
    }
}

#[inline(never)]
unsafe fn put(m: *mut Machine, pc: *const Op) -> *const Op {
    // SAFETY: CODE: `pc` is at such an instruction.
    unsafe {
        operands!(@ (*pc).instr, PutMap(p));
        let mut run = Run::of(m);
        let next = run.put_map(pc, p);
        run.resume(next)
    }
}
