//! What is known of the types of values: a set of the types that a value may have.

use cranelift_codegen::ir::Value;
use purlin_term::Term;
use purlin_term::boxed::Kind;
use smallvec::SmallVec;

pub const SMALL: u16 = 1;
pub const ATOM: u16 = 1 << 1;
pub const NIL: u16 = 1 << 2;
/// Local pids, ports and what else is neither of the above nor a pointer.
pub const OTHER: u16 = 1 << 3;
pub const CONS: u16 = 1 << 4;
pub const TUPLE: u16 = 1 << 5;
pub const FLOAT: u16 = 1 << 6;
pub const BIG: u16 = 1 << 7;
pub const MAP: u16 = 1 << 8;
pub const FUN: u16 = 1 << 9;
pub const BITS: u16 = 1 << 10;
/// Any other boxed object.
pub const BOX: u16 = 1 << 11;
pub const BOXED: u16 = TUPLE | FLOAT | BIG | MAP | FUN | BITS | BOX;
pub const IMMEDIATE: u16 = SMALL | ATOM | NIL | OTHER;
pub const ANY: u16 = BOXED | CONS | IMMEDIATE;

/// The types of values; of those that are not named anything is possible.
#[derive(Clone, Default)]
pub struct Facts(SmallVec<[(Value, u16); 8]>);

impl Facts {
    pub fn of(&self, v: Value) -> u16 {
        self.0.iter().rev().find(|f| f.0 == v).map_or(ANY, |f| f.1)
    }

    pub fn note(&mut self, v: Value, set: u16) {
        if set != ANY {
            self.0.push((v, set));
        }
    }
}

/// The type of a term that is part of the code.
pub fn of_word(word: u64) -> u16 {
    // SAFETY: LIVE: constants are immediates and literals.
    let t = unsafe { Term::from_raw(word) };
    if t.is_small() {
        SMALL
    } else if t.is_atom() {
        ATOM
    } else if t.is_nil() {
        NIL
    } else if t.is_cons() {
        CONS
    } else {
        match t.boxed_kind() {
            Some(Kind::Tuple) => TUPLE,
            Some(Kind::Float) => FLOAT,
            Some(Kind::PosBig | Kind::NegBig) => BIG,
            Some(Kind::FlatMap | Kind::HashRoot) => MAP,
            Some(Kind::Fun | Kind::ExportFun) => FUN,
            Some(Kind::HeapBin | Kind::RefBin | Kind::SubBits) => BITS,
            Some(_) => BOX,
            None => OTHER,
        }
    }
}
