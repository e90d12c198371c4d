//! Choices among values: a search by halves, down to a few that are compared one after the other.

use super::Emitter;
use super::tests::BOXED_TAG;
use crate::facts::{BOXED, TUPLE};
use crate::links;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value};
use purlin_term::boxed::Kind;
use purlin_vm::code::instr::{Ext, Rel, Select, Src};
use purlin_vm::code::isa::target;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// So many are compared one after the other.
const FEW: usize = 4;

impl Emitter<'_> {
    pub(super) fn select_val(&mut self, src: Src, select: Ext<Select>) {
        let v = self.get(src);
        let fixed = select.cases().filter(|c| links::is_fixed(c.0)).collect();
        self.choose(v, links::linked_cases(select), fixed, select.default);
    }

    pub(super) fn select_arity(&mut self, src: Src, select: Ext<Select>) {
        let v = self.get(src);
        let cases = select.cases().map(|(n, to)| (Kind::Tuple.header(n as usize), to)).collect();
        if !select.tuple && self.set_of(v) & !BOXED != 0 {
            // Nothing but a boxed object has a header: all others have one that no tuple has.
            let boxed = self.has_tag(v, 3, BOXED_TAG as i64);
            let (more, on) = (self.b.create_block(), self.b.create_block());
            let header = self.b.append_block_param(on, cranelift_codegen::ir::types::I64);
            let none = self.word(0);
            self.b.ins().brif(boxed, more, &[], on, &[none.into()]);
            self.b.switch_to_block(more);
            let found = self.field(v, BOXED_TAG, 0);
            self.b.ins().jump(on, &[found.into()]);
            self.b.switch_to_block(on);
            return self.choose(header, Vec::new(), cases, select.default);
        }
        let header = self.field(v, BOXED_TAG, 0);
        self.s.facts.note(v, if select.tuple { TUPLE } else { BOXED & self.set_of(v) });
        self.choose(header, Vec::new(), cases, select.default);
    }

    /// Goes where the value leads. Those that stand for something else in every run have no order, so that they are compared
    /// one after the other.
    fn choose(&mut self, v: Value, linked: Vec<(u64, Rel)>, mut fixed: Vec<(u64, Rel)>, default: Rel) {
        fixed.sort_unstable();
        let state = self.s.clone();
        let mut edges = HashMap::new();
        for to in linked.iter().chain(&fixed).map(|c| c.1).chain([default]) {
            let at = target(self.at, to);
            if let Entry::Vacant(e) = edges.entry(at) {
                self.s = state.clone();
                e.insert(self.edge(at));
            }
        }
        self.s = state;
        let places = self.words.len() - linked.len();
        for ((_, to), place) in linked.into_iter().zip(places as u32..) {
            let word = self.own_word(place);
            self.case(v, word, to, &edges);
        }
        self.search(v, &fixed, default, &edges);
    }

    /// Where a value leads that is this word.
    fn case(&mut self, v: Value, word: Value, to: Rel, edges: &HashMap<usize, (Block, Vec<BlockArg>)>) {
        let (block, args) = &edges[&target(self.at, to)];
        let is = self.b.ins().icmp(IntCC::Equal, v, word);
        let on = self.b.create_block();
        self.b.ins().brif(is, *block, args, on, &[]);
        self.b.switch_to_block(on);
    }

    fn search(&mut self, v: Value, cases: &[(u64, Rel)], default: Rel, edges: &HashMap<usize, (Block, Vec<BlockArg>)>) {
        if cases.len() > FEW {
            let (low, high) = cases.split_at(cases.len() / 2);
            let (a, b) = (self.b.create_block(), self.b.create_block());
            let middle = self.word(high[0].0);
            let below = self.b.ins().icmp(IntCC::UnsignedLessThan, v, middle);
            self.b.ins().brif(below, a, &[], b, &[]);
            self.b.switch_to_block(a);
            self.search(v, low, default, edges);
            self.b.switch_to_block(b);
            return self.search(v, high, default, edges);
        }
        for &(word, to) in cases {
            let word = self.word(word);
            self.case(v, word, to, edges);
        }
        let (block, args) = &edges[&target(self.at, default)];
        self.b.ins().jump(*block, args);
    }
}
