//! Guards.

use super::super::tree::{Sort, Tree, fixed, many, one, tree};
use super::{Generator, Type};

const TESTS: [&str; 15] = [
    "is_integer(~)",
    "is_float(~)",
    "is_number(~)",
    "is_atom(~)",
    "is_boolean(~)",
    "is_binary(~)",
    "is_bitstring(~)",
    "is_list(~)",
    "is_tuple(~)",
    "is_map(~)",
    "is_function(~)",
    "is_function(~, 1)",
    "is_record(~, r)",
    "is_record(~, r, 3)",
    "is_pid(~)",
];

pub(super) const COMPARISONS: [&str; 8] = ["<", "=<", ">", ">=", "==", "/=", "=:=", "=/="];

impl Generator {
    /// A test that may stand in a guard; its variables are in scope.
    pub(super) fn test(&mut self, depth: u32) -> Tree {
        let guard = |template: &str, parts| tree(Sort::Guard, template, parts);
        if depth > 0 && self.once_in(3) {
            let operator = self.pick(&["andalso", "orelse", "and", "or", "xor"]);
            let (a, b) = (self.test(depth - 1), self.test(depth - 1));
            return guard(&format!("(~ {operator} ~)"), vec![one(a), one(b)]);
        }
        match self.below(8) {
            0..=2 => {
                let test = self.pick(&TESTS);
                let about = self.operand(Type::Any, 1);
                guard(test, vec![one(about)])
            }
            3..=5 => {
                let kind = self.pick(&[Type::Integer, Type::Integer, Type::Float, Type::Any]);
                let operator = self.pick(&COMPARISONS);
                let (a, b) = (self.operand(kind, depth.min(2)), self.operand(kind, 1));
                guard(&format!("(~ {operator} ~)"), vec![one(a), one(b)])
            }
            6 => {
                let about = self.test(0);
                guard("not (~)", vec![one(about)])
            }
            _ => {
                let (key, map) = (self.key(), self.operand(Type::Map, 0));
                guard(&format!("is_map_key({key}, ~)"), vec![one(map)])
            }
        }
    }

    /// What guards compare.
    fn operand(&mut self, kind: Type, depth: u32) -> Tree {
        if depth == 0 || self.once_in(2) {
            let variable = if self.once_in(5) { None } else { self.variable(kind).or_else(|| self.any_variable()) };
            return match variable {
                Some(name) => fixed(name),
                // A fun is no constant here.
                None => {
                    Some(self.constant(kind, 1)).filter(|t| !t.text().contains("fun ")).unwrap_or_else(|| fixed("ok"))
                }
            };
        }
        let one_of = |g: &mut Generator, kind| vec![one(g.operand(kind, depth - 1))];
        match self.below(12) {
            0 | 1 => {
                let operator = self.pick(&["+", "-", "*", "div", "rem", "band", "bor", "bxor"]);
                let (a, b) = (self.operand(kind, depth - 1), self.operand(Type::Integer, 0));
                tree(Sort::Other, &format!("(~ {operator} ~)"), vec![one(a), one(b)])
            }
            2 => {
                let place = 1 + self.below(4);
                tree(Sort::Other, &format!("element({place}, ~)"), one_of(self, Type::Tuple))
            }
            3 => tree(Sort::Other, "tuple_size(~)", one_of(self, Type::Tuple)),
            4 => tree(Sort::Other, "length(~)", one_of(self, Type::List)),
            5 => tree(Sort::Other, "hd(~)", one_of(self, Type::List)),
            6 => tree(Sort::Other, "byte_size(~)", one_of(self, Type::Binary)),
            7 => tree(Sort::Other, "bit_size(~)", one_of(self, Type::Bits)),
            8 => tree(Sort::Other, "map_size(~)", one_of(self, Type::Map)),
            9 => {
                let key = self.key();
                tree(Sort::Other, &format!("map_get({key}, ~)"), one_of(self, Type::Map))
            }
            10 => {
                let function = self.pick(&["abs", "trunc", "round", "floor", "ceil", "float", "-", "bnot "]);
                tree(Sort::Other, &format!("({function}(~))"), one_of(self, Type::Integer))
            }
            _ => tree(Sort::Other, "tl(~)", one_of(self, Type::List)),
        }
    }

    /// ` when ...`, or nothing, in front of ` ->`.
    pub(super) fn when(&mut self, seldom: usize) -> Tree {
        if !self.once_in(seldom) {
            return fixed("");
        }
        let count = [1, 1, 1, 2, 3][self.below(5)];
        let tests: Vec<Tree> = (0..count).map(|_| self.test(1)).collect();
        let mark = self.pick(&[", ", "; "]);
        tree(Sort::Other, " when ~", vec![many(tests, mark, 1)])
    }
}
