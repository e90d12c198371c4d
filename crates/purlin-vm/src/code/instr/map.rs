//! What the instructions on maps refer to.
//!
//! Maps that come to one place in a program mostly have the same keys, so the instructions remember where these stood:
//! an inline cache. What is remembered is compared with the map's keys before it is used, never with an address.

use super::{Dst, Ext, Rel, Src, operands_of};
use crate::code::isa::{Operand, Operands};
use crate::code::module::Module;
use purlin_term::{Heap, Immediate, Kept, Term, map};
use std::sync::OnceLock;
use std::sync::atomic::AtomicU8;

/// `put_map_assoc` and `put_map_exact`.
pub struct PutMap {
    pub exact: bool,
    pub fail: Rel,
    pub src: Src,
    pub dst: Dst,
    pub live: u32,
    pub pairs: Ext<[MapUpdate]>,
    /// For `put_map_assoc` with constant immediate keys: where its literals go, and what became of the first small map.
    pub transition: Option<(&'static Module, OnceLock<Option<Transition>>)>,
}

/// One value that is put to a map.
#[derive(Debug)]
pub struct MapUpdate {
    pub key: Src,
    pub value: Src,
    /// Where the key stood last in a small map.
    pub hint: AtomicU8,
}

impl MapUpdate {
    pub fn new(key: Src, value: Src) -> MapUpdate {
        MapUpdate { key, value, hint: AtomicU8::new(0) }
    }
}

/// What putting certain keys to a small map with certain others makes of it.
#[derive(Debug)]
pub struct Transition {
    /// The keys before, all immediate.
    pub from: Box<[Immediate]>,
    /// A literal map of all keys, which shares them with every map made in this way.
    pub to: Kept,
    /// Where the values of the map before go.
    pub kept: Box<[u8]>,
    /// Where the new values go.
    pub new: Box<[u8]>,
}

impl Transition {
    /// What putting these keys to `from` makes of it; `None` when that is nothing to remember.
    pub fn of(module: &Module, from: Term, put: &[(Term, Term)]) -> Option<Transition> {
        let (keys, _) = from.as_flat_map()?;
        if !put.iter().all(|p| p.0.is_immediate()) {
            return None;
        }
        let from = keys.iter().map(|&k| Immediate::new(k)).collect::<Option<_>>()?;
        let mut heap = Heap::new(0);
        let pairs: Vec<(Term, Term)> =
            keys.iter().copied().chain(put.iter().map(|p| p.0)).map(|k| (k, Term::NIL)).collect();
        let empty = map::empty(&mut heap);
        let whole = map::put_all(&mut heap, empty, &pairs);
        let (all, _) = whole.as_flat_map()?;
        if all.len() == keys.len() {
            return None;
        }
        let place = |key: Term| map::position(all, key).map(|i| i as u8);
        Some(Transition {
            from,
            kept: keys.iter().map(|&k| place(k)).collect::<Option<_>>()?,
            new: put.iter().map(|p| place(p.0)).collect::<Option<_>>()?,
            to: module.keep(whole)?,
        })
    }
}

/// `put_map_assoc` to a constant map with constant keys: how the map comes out is known but for some values.
#[derive(Debug)]
pub struct MakeMap {
    /// A literal map of all keys, which shares them with every map made here, and the constant values.
    pub template: Kept,
    pub dst: Dst,
    pub live: u32,
    /// The positions of the other values, and where these are.
    pub values: Ext<[(u32, Src)]>,
}

/// `get_map_elements` and `has_map_fields` (with no destinations).
#[derive(Debug)]
pub struct GetMap {
    pub fail: Rel,
    pub src: Src,
    pub pairs: Ext<[MapElement]>,
}

/// What is asked of a map under one key.
#[derive(Debug)]
pub struct MapElement {
    pub key: Src,
    pub dst: Option<Dst>,
    /// Where the key stood last in a small map.
    pub hint: AtomicU8,
}

impl MapElement {
    pub fn new(key: Src, dst: Option<Dst>) -> MapElement {
        MapElement { key, dst, hint: AtomicU8::new(0) }
    }
}

operands_of! {
    PutMap(s): "exact" Operand::Number(s.exact as i64), "fail" Operand::Jump(s.fail), "src" Operand::Src(s.src),
        "dst" Operand::Dst(s.dst), "live" Operand::Live(s.live) =>
        each s.pairs.iter().flat_map(|p| [("key", Operand::Src(p.key)), ("value", Operand::Src(p.value))]);
    MakeMap(s): "template" Operand::Value(s.template.term()), "dst" Operand::Dst(s.dst), "live" Operand::Live(s.live) =>
        each s.values.iter().flat_map(|&(at, v)| [("at", Operand::Number(at as i64)), ("value", Operand::Src(v))]);
    GetMap(s): "fail" Operand::Jump(s.fail), "src" Operand::Src(s.src) => each s.pairs.iter().flat_map(|p| {
        [Some(("key", Operand::Src(p.key))), p.dst.map(|d| ("dst", Operand::Dst(d)))].into_iter().flatten()
    });
}
