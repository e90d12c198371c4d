//! Patterns. Their variables are in scope from then on.

use super::super::tree::{Sort, Tree, fixed, leaf, many, one, tree};
use super::{Generator, Type};

impl Generator {
    pub(super) fn pattern(&mut self, kind: Type, depth: u32) -> Tree {
        let pattern = |template: &str, parts| tree(Sort::Pattern, template, parts);
        if self.once_in(16) {
            let inside = self.pattern(kind, depth);
            let name = self.bind(kind);
            return pattern(&format!("(~ = {name})"), vec![one(inside)]);
        }
        if depth == 0 || self.once_in(3) {
            return self.flat(kind);
        }
        let inner = depth - 1;
        let some = |g: &mut Generator, count: usize| -> Vec<Tree> {
            (0..count)
                .map(|_| {
                    let kind = g.kind();
                    g.pattern(kind, inner)
                })
                .collect()
        };
        match kind {
            Type::Integers if self.once_in(2) => {
                let (head, tail) = (self.pattern(Type::Integer, 0), self.pattern(Type::Integers, inner));
                pattern("[~ | ~]", vec![one(head), one(tail)])
            }
            Type::List | Type::Integers => match self.below(3) {
                0 => {
                    let count = self.below(4);
                    let items = some(self, count);
                    pattern("[~]", vec![many(items, ", ", 0)])
                }
                1 => {
                    let (heads, tail) = (some(self, 2), self.pattern(Type::List, 0));
                    pattern("[~ | ~]", vec![many(heads, ", ", 1), one(tail)])
                }
                _ => {
                    let (head, tail) = (some(self, 1), self.pattern(Type::List, inner));
                    pattern("[~ | ~]", vec![many(head, ", ", 1), one(tail)])
                }
            },
            Type::Pair => {
                let items = some(self, 2);
                pattern("{~}", vec![many(items, ", ", 2)])
            }
            Type::Tuple => {
                let count = self.below(5);
                let items = some(self, count);
                pattern("{~}", vec![many(items, ", ", count)])
            }
            Type::Record => {
                let field = self.pick(&["a", "b", "c"]);
                let value = some(self, 1);
                pattern(&format!("#r{{{field} = ~}}"), vec![many(value, ", ", 1)])
            }
            Type::Map => {
                let count = self.below(3);
                let mut pairs = Vec::new();
                for value in some(self, count) {
                    pairs.push(tree(Sort::Other, &format!("{} := ~", self.key()), vec![one(value)]));
                }
                pattern("#{~}", vec![many(pairs, ", ", 0)])
            }
            Type::Binary | Type::Bits => self.binary_pattern(kind == Type::Binary),
            Type::Any => {
                let kind = self.kind();
                self.pattern(kind, depth)
            }
            _ => self.flat(kind),
        }
    }

    /// A variable, a constant, or anything.
    fn flat(&mut self, kind: Type) -> Tree {
        match self.below(8) {
            0 => leaf("_"),
            1 if kind != Type::Fun => {
                let constant = self.constant(kind, 1).text().replace(" => ", " := ");
                // Funs and signed constants in binaries are no patterns.
                match constant.contains("fun ") || constant.contains("<<-") {
                    true => fixed("_"),
                    false => tree(Sort::Pattern, "~", vec![one(fixed(constant))]),
                }
            }
            2 if self.once_in(3) => match self.variable(kind) {
                Some(bound) => fixed(bound),
                None => fixed(self.bind(kind)),
            },
            _ => fixed(self.bind(kind)),
        }
    }
}
