//! Functions: with clauses, and loops of several shapes.

use super::super::tree::{Sort, Tree, fixed, many, one, tree};
use super::{Function, Generator, Type, Variable};

impl Generator {
    pub(super) fn function(&mut self) -> Vec<Tree> {
        (self.factor, self.cost) = (1, 0);
        self.scope.clear();
        match self.below(12) {
            0..=3 => self.plain(),
            4 | 5 => self.tail_loop(),
            6 | 7 => self.body_loop(),
            8 => self.list_loop(),
            9 | 10 => self.binary_loop(),
            _ => self.mutual(),
        }
    }

    pub(super) fn function_name(&self) -> String {
        format!("f{}", self.functions.len())
    }

    /// Makes the function known to those that are made later.
    pub(super) fn add(&mut self, name: String, params: Vec<Type>, result: Type, turns: Option<u64>) {
        let exported = self.once_in(2);
        self.functions.push(Function { name, params, result, turns, cost: self.cost + 3, exported });
    }

    fn params(&mut self, least: usize) -> Vec<Type> {
        let count = if self.once_in(8) { 5 + self.below(5) } else { least + self.below(3) };
        (0..count).map(|_| if self.once_in(6) { Type::Any } else { self.kind() }).collect()
    }

    /// `name(patterns) when guard -> body` clauses.
    fn plain(&mut self) -> Vec<Tree> {
        let (name, result) = (self.function_name(), self.kind());
        let params = self.params(1);
        let count = 1 + self.below(4);
        let clauses = (0..count)
            .map(|i| {
                let last = i + 1 == count;
                self.scoped(|g| {
                    let patterns = params.iter().map(|&kind| g.pattern(kind, if last { 0 } else { 2 })).collect();
                    let when = if last { fixed("") } else { g.when(2) };
                    let body = g.body(result, 4);
                    let parts = vec![many(patterns, ", ", params.len()), one(when), one(body)];
                    tree(Sort::Other, &format!("{name}(~)~ ->\n    ~"), parts)
                })
            })
            .collect();
        self.add(name, params, result, None);
        vec![tree(Sort::Other, "~.", vec![many(clauses, ";\n", 1)])]
    }

    fn turns(&mut self) -> u64 {
        [7, 15, 15, 60, 300, 1_000][self.below(6)]
    }

    /// Names for what a loop carries along.
    fn carried(&mut self, kinds: &[Type]) -> Vec<String> {
        kinds.iter().map(|&kind| self.bind(kind)).collect()
    }

    /// What a loop carries to its next turn, which stays small.
    fn next(&mut self, kind: Type, depth: u32) -> Tree {
        let value = self.expression(kind, depth);
        let limited = match kind {
            Type::Integer => {
                self.pick(&["(~ rem 1000003)", "(~ band 16#FFFFFFFFFFFFFFF)", "(~ rem 576460752303423488)", "c(~)"])
            }
            Type::Float | Type::Atom | Type::Boolean => "~",
            _ => "c(~)",
        };
        tree(Sort::Other, limited, vec![one(value)])
    }

    /// A test for one more turn: what it fails for are wrong arguments.
    fn more(&mut self) -> &'static str {
        self.pick(&[" when N > 0", " when is_integer(N), N > 0", ""])
    }

    fn tail_loop(&mut self) -> Vec<Tree> {
        let name = self.function_name();
        let most = if self.once_in(8) { 8 } else { 3 };
        let (turns, count) = (self.turns(), 1 + self.below(most));
        let kinds: Vec<Type> = (0..count).map(|_| self.kind()).collect();
        let more = self.more();
        let turn = self.scoped(|g| {
            g.scope.push(Variable { name: "N".to_owned(), kind: Type::Integer });
            let names = g.carried(&kinds);
            let body = g.repeated(turns, |g| {
                let aside = g.aside(2);
                let next: Vec<Tree> = kinds.iter().map(|&kind| g.next(kind, 3)).collect();
                tree(Sort::Body, &format!("~{name}(N - 1, ~)"), vec![aside, many(next, ", ", count)])
            });
            // Without a test, a negative number would count down for ever: those are not given.
            tree(Sort::Other, &format!("{name}(N, {}){more} ->\n    ~", names.join(", ")), vec![one(body)])
        });
        let (result, end) = self.scoped(|g| {
            let names = g.carried(&kinds);
            let result = g.kind();
            let body = g.body(result, 2);
            (result, tree(Sort::Other, &format!("{name}(0, {}) ->\n    ~", names.join(", ")), vec![one(body)]))
        });
        self.loop_of(name, kinds, result, turns, vec![end, turn])
    }

    fn loop_of(&mut self, name: String, kinds: Vec<Type>, result: Type, turns: u64, clauses: Vec<Tree>) -> Vec<Tree> {
        let params = [vec![Type::Integer], kinds].concat();
        self.cost += 3 * turns;
        self.add(name, params, result, Some(turns));
        vec![tree(Sort::Other, "~.", vec![many(clauses, ";\n", 1)])]
    }

    fn body_loop(&mut self) -> Vec<Tree> {
        let name = self.function_name();
        let turns = if self.once_in(6) { 5_000 } else { self.turns() };
        let (shape, result) = self.pick(&[
            ("[~ | ~]", Type::List),
            ("(~ + ~)", Type::Integer),
            ("(~ bxor ~)", Type::Integer),
            ("max(~, ~)", Type::Any),
            ("erlang:phash2({~, ~})", Type::Integer),
            ("(~ ++ ~)", Type::List),
            ("<<(~)/binary, (~)/binary>>", Type::Binary),
        ]);
        let item = match shape {
            "[~ | ~]" => Type::Any,
            _ => result,
        };
        let kinds = vec![self.kind()];
        let more = self.more();
        let turn = self.scoped(|g| {
            g.scope.push(Variable { name: "N".to_owned(), kind: Type::Integer });
            let names = g.carried(&kinds);
            let body = g.repeated(turns, |g| {
                let aside = g.aside(1);
                let (value, next) = (g.expression(item, 2), g.next(kinds[0], 1));
                let again = tree(Sort::Expression, &format!("{name}(N - 1, ~)"), vec![one(next)]);
                let small = tree(Sort::Other, if turns > 60 { "c(~)" } else { "~" }, vec![one(value)]);
                let both = if g.once_in(4) { vec![one(again), one(small)] } else { vec![one(small), one(again)] };
                let value = super::super::tree::expression(shape, both);
                tree(Sort::Body, "~~", vec![aside, one(value)])
            });
            tree(Sort::Other, &format!("{name}(N, {}){more} ->\n    ~", names.join(", ")), vec![one(body)])
        });
        let end = self.scoped(|g| {
            let names = g.carried(&kinds);
            let body = g.body(result, 1);
            tree(Sort::Other, &format!("{name}(0, {}) ->\n    ~", names.join(", ")), vec![one(body)])
        });
        self.loop_of(name, kinds, result, turns, vec![end, turn])
    }

    fn list_loop(&mut self) -> Vec<Tree> {
        const TURNS: u64 = 10;
        let (name, result, of) = (self.function_name(), self.kind(), self.kind());
        let turn = self.scoped(|g| {
            let pattern = g.pattern(of, 1);
            for (name, kind) in [("T", Type::List), ("A", result)] {
                g.scope.push(Variable { name: name.to_owned(), kind });
            }
            let when = g.when(3);
            let body = g.repeated(TURNS, |g| {
                let (aside, next) = (g.aside(2), g.next(result, 3));
                tree(Sort::Body, &format!("~{name}(T, ~)"), vec![aside, one(next)])
            });
            tree(Sort::Other, &format!("{name}([~ | T], A)~ ->\n    ~"), vec![one(pattern), one(when), one(body)])
        });
        let clauses = vec![
            turn,
            tree(Sort::Other, &format!("{name}([_ | T], A) ->\n    {name}(T, A)"), vec![]),
            tree(Sort::Other, &format!("{name}([], A) -> A"), vec![]),
        ];
        self.cost += 3 * TURNS;
        self.add(name, vec![Type::List, result], result, None);
        vec![tree(Sort::Other, "~.", vec![many(clauses, ";\n", 1)])]
    }

    /// Two functions that call each other.
    fn mutual(&mut self) -> Vec<Tree> {
        let name = self.function_name();
        let (other, turns, kind) = (format!("{name}x"), self.turns(), self.kind());
        let side = |g: &mut Generator, this: &str, that: &str| {
            let more = g.more();
            g.scoped(|g| {
                g.scope.push(Variable { name: "N".to_owned(), kind: Type::Integer });
                let names = g.carried(&[kind]);
                let body = g.repeated(turns, |g| {
                    let (aside, next) = (g.aside(2), g.next(kind, 3));
                    tree(Sort::Body, &format!("~{that}(N - 1, ~)"), vec![aside, one(next)])
                });
                let head = format!("{this}(0, A) -> {{{this}, A}};\n{this}(N, {}){more} ->\n    ~.", names[0]);
                tree(Sort::Other, &head, vec![one(body)])
            })
        };
        let second = side(self, &other, &name);
        let first = side(self, &name, &other);
        let end = Type::Pair;
        self.cost += 3 * turns;
        self.add(name, vec![Type::Integer, kind], end, Some(turns));
        vec![second, first]
    }
}
