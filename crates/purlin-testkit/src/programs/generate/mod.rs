//! Erlang modules at random, repeatably: the same seed gives the same module. Each of their calls ends.
//!
//! Functions call those made before them; loops count down or take apart what they are given. What a function may cost is
//! known when it is called, so that a module takes a bounded number of steps whatever its data are.

mod binaries;
mod control;
mod expressions;
mod functions;
mod guards;
mod patterns;
mod processes;
mod values;

use super::tree::{Sort, Tree, each, fixed, many, one, tree};
use crate::mutate::Random;

/// A module and the options that it is compiled with.
pub struct Program {
    /// The source.
    pub tree: Tree,
    /// A list of the compiler's options.
    pub options: &'static str,
}

/// What a generated expression gives, if nothing in it fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Type {
    Integer,
    Float,
    Atom,
    Boolean,
    Binary,
    Bits,
    Integers,
    List,
    Pair,
    Tuple,
    Record,
    Map,
    Fun,
    Any,
}

const TYPES: [Type; 13] = [
    Type::Integer,
    Type::Float,
    Type::Atom,
    Type::Boolean,
    Type::Binary,
    Type::Bits,
    Type::Integers,
    Type::List,
    Type::Pair,
    Type::Tuple,
    Type::Record,
    Type::Map,
    Type::Fun,
];

/// A function that others may call.
#[derive(Clone)]
struct Function {
    name: String,
    params: Vec<Type>,
    result: Type,
    /// For loops: the first parameter counts down from at most this.
    turns: Option<u64>,
    cost: u64,
    exported: bool,
}

#[derive(Clone)]
struct Variable {
    name: String,
    kind: Type,
}

/// What one call from outside may cost: about as many steps.
const MOST: u64 = 6_000;

/// Options of the compiler, which choose other instructions and other orders of them. Without `no_copt`: OTP 25 gives wrong
/// types then, which engines trust.
const OPTIONS: [&str; 15] = [
    "[]",
    "[]",
    "[]",
    "[]",
    "[no_ssa_opt]",
    "[no_type_opt]",
    "[inline]",
    "[no_bool_opt,no_bsm_opt]",
    "[no_postopt]",
    "[no_ssa_opt,no_postopt]",
    "[r23]",
    "[r24]",
    "[r24,no_type_opt]",
    "[r25]",
    "[r26]",
];

struct Generator {
    random: Random,
    functions: Vec<Function>,
    scope: Vec<Variable>,
    names: u32,
    /// How often what is made now runs in one call of its function.
    factor: u64,
    /// What one call of the function takes as far as it is made.
    cost: u64,
}

/// The module of a seed.
pub fn program(seed: u64) -> Program {
    let mut g =
        Generator { random: Random::new(seed), functions: Vec::new(), scope: Vec::new(), names: 0, factor: 1, cost: 0 };
    let options = OPTIONS[g.below(OPTIONS.len())];
    let count = 2 + g.below(5);
    let mut functions: Vec<Tree> = (0..count).flat_map(|_| g.function()).collect();
    if g.functions.iter().all(|f| !f.exported)
        && let Some(last) = g.functions.last_mut()
    {
        last.exported = true;
    }
    let exported: Vec<Function> = g.functions.iter().filter(|f| f.exported).cloned().collect();
    let exports = exported.iter().map(|f| fixed(format!("{}/{}", f.name, f.params.len()))).collect();
    let mut calls = Vec::new();
    for f in &exported {
        for _ in 0..2 + g.below(3) {
            calls.push(g.outer_call(f));
        }
    }
    functions.reverse();
    let tree = tree(
        Sort::Other,
        "-module(p).\n-file(\"p.erl\", 1).\n-export([calls/0]).\n-export([~]).\n-record(r, {a, b = 0, c = []}).\n\n\
         calls() ->\n    {~}.\n\n~c(X) ->\n    case erlang:external_size(X) < 300 of\n        true -> X;\n        \
         false -> erlang:phash2(X)\n    end.\n\nl([_,_,_,_,_,_,_,_|_]) -> [1, 2.0, x];\nl(X) when is_list(X) -> X;\n\
         l(X) -> [X].\n",
        vec![many(exports, ", ", 0), many(calls, ",\n     ", 1), each(functions, "\n\n")],
    );
    Program { tree, options }
}

impl Generator {
    fn below(&mut self, limit: usize) -> usize {
        self.random.below(limit)
    }

    /// True once in `n` times.
    fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn kind(&mut self) -> Type {
        // Integers are a third: most of what compilers do well is about them.
        if self.once_in(4) { Type::Integer } else { self.pick(&TYPES) }
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("V{}", self.names)
    }

    /// A new variable, in scope from here on.
    fn bind(&mut self, kind: Type) -> String {
        let name = self.name();
        self.scope.push(Variable { name: name.clone(), kind });
        name
    }

    /// A variable of this type.
    fn variable(&mut self, kind: Type) -> Option<String> {
        let fits =
            |v: &&Variable| kind == Type::Any || v.kind == kind || kind == Type::List && v.kind == Type::Integers;
        let fitting: Vec<&str> = self.scope.iter().filter(fits).map(|v| v.name.as_str()).collect();
        // The newest are taken more often.
        let n = fitting.len();
        let at = n.checked_sub(1)?.saturating_sub(self.random.below(n).min(self.random.below(n)));
        Some(fitting[at].to_owned())
    }

    fn any_variable(&mut self) -> Option<String> {
        self.variable(Type::Any)
    }

    /// What is made by `make`, whose variables nobody sees afterwards.
    fn scoped<T>(&mut self, make: impl FnOnce(&mut Generator) -> T) -> T {
        let bound = self.scope.len();
        let made = make(self);
        self.scope.truncate(bound);
        made
    }

    /// What is made by `make` and runs `times` as often.
    fn repeated<T>(&mut self, times: u64, make: impl FnOnce(&mut Generator) -> T) -> T {
        let factor = self.factor;
        self.factor = factor.saturating_mul(times);
        let made = make(self);
        self.factor = factor;
        made
    }

    /// Counts what is made, and says whether it may be so.
    fn spend(&mut self, steps: u64) -> bool {
        let total = self.cost.saturating_add(self.factor.saturating_mul(steps));
        let fits = total <= MOST;
        if fits {
            self.cost = total;
        }
        fits
    }

    /// A row of `calls/0`: a function, arguments, and whether they are to be copied onto the heap.
    fn outer_call(&mut self, f: &Function) -> Tree {
        let mut args = Vec::new();
        for (i, &kind) in f.params.iter().enumerate() {
            let constant = match f.turns {
                Some(turns) if i == 0 => fixed(self.below(turns as usize + 1).to_string()),
                _ if self.once_in(12) => self.constant(Type::Any, 2),
                _ => self.constant(kind, 3),
            };
            args.push(constant);
        }
        let copied = self.pick(&["true", "true", "false"]);
        tree(Sort::Other, &format!("{{{}, [~], {copied}}}", f.name), vec![many(args, ", ", f.params.len())])
    }

    /// Statements and, at last, an expression.
    fn body(&mut self, kind: Type, depth: u32) -> Tree {
        let count = [0, 0, 1, 1, 2, 3][self.below(6)];
        let statements: Vec<Tree> = (0..count).map(|_| self.statement(depth)).collect();
        let last = self.expression(kind, depth);
        tree(Sort::Body, "~~", vec![each(statements, ",\n    "), one(last)])
    }
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn a_seed_gives_the_same_module_again_and_others_give_others() {
        let text = |seed| program(seed).tree.text();
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
        assert!((0..200).all(|seed| text(seed).starts_with("-module(p).")));
    }
}
