//! Maps.

use super::{Mode, handlers, operands, parts};
use purlin_term::map;

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

parts! {
    fn put(run, pc, PutMap(p)) { run.put_map(pc, p) }
}
