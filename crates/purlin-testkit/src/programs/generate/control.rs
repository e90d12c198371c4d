//! Expressions that choose, call, repeat or catch, whatever type they give; statements.

use super::super::tree::{Sort, Tree, each, expression, fixed, leaf, many, one, tree};
use super::{Function, Generator, Type};

impl Generator {
    pub(super) fn statement(&mut self, depth: u32) -> Tree {
        let inner = depth.saturating_sub(1);
        match self.below(12) {
            0 => {
                let kind = self.kind();
                let value = self.expression(kind, inner);
                let pattern = self.pattern(kind, 1);
                tree(Sort::Other, "~ = ~", vec![one(pattern), one(value)])
            }
            1 => self.dictionary(inner),
            2 => {
                let value = self.expression(Type::Any, inner);
                tree(Sort::Other, "_ = ~", vec![one(value)])
            }
            _ => {
                let kind = self.kind();
                let value = self.expression(kind, inner);
                let name = self.bind(kind);
                tree(Sort::Other, &format!("{name} = ~"), vec![one(value)])
            }
        }
    }

    /// An expression of a form that any type can have.
    pub(super) fn general(&mut self, kind: Type, depth: u32) -> Tree {
        let inner = depth - 1;
        match self.below(24) {
            0..=4 => self.choice(kind, inner),
            5 => self.conditional(kind, inner),
            6..=8 => self.attempt(kind, inner),
            9..=13 => self.call(kind, inner),
            14 => {
                let body = self.scoped(|g| g.body(kind, inner));
                expression("begin ~ end", vec![one(body)])
            }
            15 => {
                let argument = self.expression(Type::Any, inner);
                let (name, body) = self.scoped(|g| (g.bind(Type::Any), g.body(kind, inner)));
                expression(&format!("(fun({name}) -> ~ end)(~)"), vec![one(body), one(argument)])
            }
            16 => self.own_messages(kind, inner),
            17 if self.factor < 20 => self.other_process(inner),
            18 => {
                let place = 1 + self.below(2);
                self.of(&format!("element({place}, {{~, ~}})"), &[kind, kind], inner)
            }
            19 => {
                let key = self.key();
                match self.below(3) {
                    0 => self.of(&format!("maps:get({key}, ~, ~)"), &[Type::Map, kind], inner),
                    1 => self.of(&format!("map_get({key}, (~)#{{{key} => ~}})"), &[Type::Map, kind], inner),
                    _ => self.of(&format!("map_get({key}, ~)"), &[Type::Map], inner),
                }
            }
            20 => match self.below(3) {
                0 => self.of("(~)(~)", &[Type::Fun, Type::Any], inner),
                1 => self.of("apply(~, [~])", &[Type::Fun, Type::Any], inner),
                _ => self.of("(~)#r.b", &[Type::Record], inner),
            },
            21 => match self.below(4) {
                0 => self.of("(catch ~)", &[kind], inner),
                1 => self.raising(inner),
                _ => self.of("hd([~ | ~])", &[kind, Type::List], inner),
            },
            22 if self.spend(30) => self.scoped(|g| {
                let (first, list) = (g.expression(kind, 0), g.expression(Type::List, inner));
                let (item, sum) = (g.bind(Type::Any), g.bind(kind));
                let body = g.repeated(8, |g| g.body(kind, inner));
                expression(
                    &format!("lists:foldl(fun({item}, {sum}) -> c(begin ~ end) end, ~, l(~))"),
                    vec![one(body), one(first), one(list)],
                )
            }),
            _ => self.selection(kind, inner),
        }
    }

    fn choice(&mut self, kind: Type, depth: u32) -> Tree {
        let about = self.kind();
        let value = self.expression(about, depth);
        let count = 1 + self.below(3);
        let mut clauses: Vec<Tree> = (0..count)
            .map(|_| {
                self.scoped(|g| {
                    let pattern = g.pattern(about, 2);
                    let when = g.when(3);
                    let body = g.body(kind, depth);
                    tree(Sort::Other, "~~ -> ~", vec![one(pattern), one(when), one(body)])
                })
            })
            .collect();
        if !self.once_in(5) {
            let last = self.expression(kind, depth.min(1));
            clauses.push(tree(Sort::Other, "_ -> ~", vec![one(last)]));
        }
        expression("case ~ of\n        ~ end", vec![one(value), many(clauses, ";\n        ", 1)])
    }

    fn conditional(&mut self, kind: Type, depth: u32) -> Tree {
        let count = 1 + self.below(2);
        let mut clauses: Vec<Tree> = (0..count)
            .map(|_| {
                let (test, body) = self.scoped(|g| (g.test(2), g.body(kind, depth)));
                tree(Sort::Other, "~ -> ~", vec![one(test), one(body)])
            })
            .collect();
        if !self.once_in(6) {
            let last = self.expression(kind, depth.min(1));
            clauses.push(tree(Sort::Other, "true -> ~", vec![one(last)]));
        }
        expression("if ~ end", vec![many(clauses, ";\n        ", 1)])
    }

    /// A choice among many constants, or sizes of tuples.
    fn selection(&mut self, kind: Type, depth: u32) -> Tree {
        let constants: [&[&str]; 5] = [
            &["a", "b", "c", "foo", "bar", "ok", "error", "true", "false", "undefined", "r"],
            &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
            &["-1", "100", "134217728", "576460752303423487", "576460752303423488", "7", "-576460752303423489"],
            &["{}", "{_}", "{_, _}", "{_, _, _}", "{r, _, _, _}", "{_, _, _, _}"],
            &["1.0", "0.0", "2", "<<>>", "\"abc\"", "[]", "<<\"abc\">>"],
        ];
        let which = self.below(constants.len());
        let about = [Type::Atom, Type::Integer, Type::Integer, Type::Tuple, Type::Any][which];
        let value = self.expression(about, depth);
        let start = self.below(3);
        let mut clauses: Vec<Tree> = constants[which]
            .iter()
            .skip(start)
            .map(|constant| {
                let result = self.expression(kind, 0);
                tree(Sort::Other, &format!("{constant} -> ~"), vec![one(result)])
            })
            .collect();
        if !self.once_in(5) {
            let last = self.expression(kind, 0);
            clauses.push(tree(Sort::Other, "_ -> ~", vec![one(last)]));
        }
        expression("case ~ of ~ end", vec![one(value), many(clauses, "; ", 1)])
    }

    fn attempt(&mut self, kind: Type, depth: u32) -> Tree {
        let body = self.scoped(|g| g.body(kind, depth));
        let (class, reason, stack) = (self.name(), self.name(), self.name());
        let caught = self.scoped(|g| {
            g.scope.push(super::Variable { name: class.clone(), kind: Type::Atom });
            g.scope.push(super::Variable { name: reason.clone(), kind: Type::Any });
            match g.below(4) {
                0 => fixed(format!("{{{class}, {reason}, {stack}}}")),
                1 => fixed(format!("{{{class}, {reason}, hd({stack})}}")),
                2 => leaf(match g.once_in(2) {
                    true => format!("erlang:raise({class}, {reason}, {stack})"),
                    false => format!("erlang:raise(error, {{again, {class}, {reason}}}, {stack})"),
                }),
                _ => g.expression(kind, depth),
            }
        });
        let given = self.expression(kind, 0);
        match self.below(6) {
            0 => expression("try ~ catch _:_ -> ~ end", vec![one(body), one(given)]),
            1 => {
                let side = self.scoped(|g| g.statement(1));
                expression("try ~ after ~ end", vec![one(body), one(side)])
            }
            2 => {
                let (side, other) = (self.scoped(|g| g.statement(1)), self.scoped(|g| g.expression(kind, depth)));
                let pattern = self.scoped(|g| g.pattern(kind, 1));
                expression(
                    &format!(
                        "try ~ of\n        ~ -> ~;\n        _ -> ~\n    catch {class}:{reason}:{stack} -> ~ after ~ end"
                    ),
                    vec![one(body), one(pattern), one(other), one(given), one(caught), one(side)],
                )
            }
            3 => {
                let only = self.pick(&["throw", "exit", "error"]);
                expression(
                    &format!("try ~ catch {only}:{reason} -> {{{only}, {reason}}}; {class}:{reason}:{stack} -> ~ end"),
                    vec![one(body), one(caught)],
                )
            }
            _ => expression(&format!("try ~ catch {class}:{reason}:{stack} -> ~ end"), vec![one(body), one(caught)]),
        }
    }

    /// An expression that raises, always or most often.
    fn raising(&mut self, depth: u32) -> Tree {
        let how = self.pick(&[
            "throw(~)",
            "error(~)",
            "exit(~)",
            "error(~, [1, 2])",
            "erlang:raise(throw, ~, [])",
            "erlang:error({badmatch, ~})",
            "p:undefined(~)",
            "(~)()",
            "atom_to_list({~})",
            "(1 + {~})",
            "element(9, {~})",
        ]);
        self.of(how, &[Type::Any], depth)
    }

    /// A call of a function that is there already, in one of the ways that there are.
    pub(super) fn call(&mut self, kind: Type, depth: u32) -> Tree {
        let fits = |f: &&Function, g: &Generator| f.result == kind || kind == Type::Any || g.functions.len() < 2;
        let fitting: Vec<Function> = self.functions.iter().filter(|f| fits(f, self)).cloned().collect();
        if fitting.is_empty() {
            return self.expression(kind, depth);
        }
        let f = &fitting[self.below(fitting.len())];
        if !self.spend(f.cost) {
            return self.constant(kind, 1);
        }
        let mut args = Vec::new();
        for (i, &param) in f.params.iter().enumerate() {
            args.push(match f.turns {
                Some(turns) if i == 0 => {
                    let mask = (turns + 1).next_power_of_two() / 2 - 1;
                    match self.once_in(2) {
                        true => fixed(self.below(turns as usize + 1).to_string()),
                        false => {
                            let about = self.expression(Type::Integer, depth.min(1));
                            tree(Sort::Other, &format!("(~ band {mask})"), vec![one(about)])
                        }
                    }
                }
                _ => self.expression(param, depth),
            });
        }
        let (name, arity) = (&f.name, args.len());
        let template = match self.below(8) {
            0 if f.exported => format!("p:{name}(~)"),
            1 if f.exported => format!("apply(p, {name}, [~])"),
            2 if f.exported => format!("(fun p:{name}/{arity})(~)"),
            3 => format!("(fun {name}/{arity})(~)"),
            4 if f.exported => format!("(element(1, {{p, q}})):{name}(~)"),
            5 if f.exported => format!("apply(fun p:{name}/{arity}, [~])"),
            _ => format!("{name}(~)"),
        };
        expression(&template, vec![many(args, ", ", arity)])
    }

    /// A comprehension that gives a list, a binary or a bit string.
    pub(super) fn comprehension(&mut self, kind: Type, depth: u32) -> Tree {
        if !self.spend(30) {
            return self.constant(kind, 1);
        }
        let (first, second) = (self.below(6), self.once_in(5));
        let over = match first {
            0 => Type::Binary,
            1..=3 => Type::Integers,
            _ => Type::List,
        };
        let source = self.expression(over, depth);
        self.scoped(|g| {
            let mut qualifiers = Vec::new();
            qualifiers.push(match first {
                0 => {
                    let (name, size) =
                        (g.bind(Type::Integer), g.pick(&["8", "3", "16/little", "4/signed", "8/integer", "9"]));
                    tree(Sort::Other, &format!("<<{name}:{size}>> <= ~"), vec![one(source)])
                }
                1..=3 => {
                    let name = g.bind(Type::Integer);
                    tree(Sort::Other, &format!("{name} <- ~"), vec![one(source)])
                }
                _ => {
                    let kind = g.kind();
                    let pattern = g.pattern(kind, 1);
                    tree(Sort::Other, "~ <- ~", vec![one(pattern), one(source)])
                }
            });
            if second {
                let list = g.expression(Type::List, 0);
                let name = g.bind(Type::Any);
                qualifiers.push(tree(Sort::Other, &format!("{name} <- l(~)"), vec![one(list)]));
            }
            if g.once_in(2) {
                qualifiers.push(g.test(1));
            }
            let times = if second { 50 } else { 8 };
            g.repeated(times, |g| match kind {
                Type::Binary | Type::Bits => {
                    let (size, segment) = match kind {
                        Type::Binary => (g.pick(&["8", "16", "32", "8/signed-little"]), Type::Integer),
                        _ => (g.pick(&["1", "3", "7", "8", "13"]), Type::Integer),
                    };
                    let value = g.expression(segment, depth.min(1));
                    expression(&format!("<< <<(~):{size}>> || ~ >>"), vec![one(value), many(qualifiers, ", ", 1)])
                }
                _ => {
                    let item = if kind == Type::Integers { Type::Integer } else { Type::Any };
                    let value = g.body(item, depth.min(2));
                    expression("[begin ~ end || ~]", vec![one(value), many(qualifiers, ", ", 1)])
                }
            })
        })
    }

    /// Statements whose variables are not seen afterwards, each with its comma.
    pub(super) fn aside(&mut self, depth: u32) -> crate::programs::tree::Part {
        let count = self.below(2);
        let statements = (0..count).map(|_| self.statement(depth)).collect();
        each(statements, ",\n    ")
    }
}
