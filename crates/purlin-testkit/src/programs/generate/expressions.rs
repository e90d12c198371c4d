//! Expressions by the type that they give.

use super::super::tree::{Part, Sort, Tree, expression, leaf, many, one, tree};
use super::guards::COMPARISONS;
use super::{Generator, TYPES, Type};

const ARITHMETIC: [&str; 12] = ["+", "+", "-", "-", "*", "*", "div", "rem", "band", "bor", "bxor", "+"];

impl Generator {
    /// An expression that gives this type, most often.
    pub(super) fn expression(&mut self, kind: Type, depth: u32) -> Tree {
        let wrong = self.once_in(50);
        let kind = match kind {
            _ if wrong => self.pick(&TYPES),
            Type::Any if self.once_in(3) => match self.any_variable() {
                Some(name) => return leaf(name),
                None => self.kind(),
            },
            Type::Any => self.kind(),
            kind => kind,
        };
        if depth == 0 || self.once_in(5) || !self.spend(2) {
            return match self.once_in(6) {
                true => self.constant(kind, 1),
                false => self.variable(kind).map_or_else(|| self.constant(kind, 1), leaf),
            };
        }
        if self.once_in(3) {
            return self.general(kind, depth);
        }
        self.special(kind, depth)
    }

    fn special(&mut self, kind: Type, depth: u32) -> Tree {
        let inner = depth - 1;
        match kind {
            Type::Integer => self.an_integer(inner),
            Type::Float => self.a_float(inner),
            Type::Atom => self.an_atom(inner),
            Type::Boolean => self.a_boolean(inner),
            Type::Binary => self.a_binary(inner),
            Type::Bits => match self.below(3) {
                0 => self.construction(inner),
                1 => self.comprehension(Type::Bits, inner),
                _ => self.of("<<(~)/bitstring, 1:1>>", &[Type::Bits], inner),
            },
            Type::Integers => self.integers(inner),
            Type::List => self.a_list(inner),
            Type::Pair => self.of("{~, ~}", &[Type::Any, Type::Any], inner),
            Type::Tuple => self.a_tuple(inner),
            Type::Record => self.a_record(inner),
            Type::Map => self.a_map(inner),
            Type::Fun => self.a_fun(inner),
            Type::Any => self.expression(Type::Any, inner),
        }
    }

    /// An expression whose places are filled with these types.
    pub(super) fn of(&mut self, template: &str, kinds: &[Type], depth: u32) -> Tree {
        let parts: Vec<Part> = kinds.iter().map(|&kind| one(self.expression(kind, depth))).collect();
        expression(template, parts)
    }

    fn an_integer(&mut self, depth: u32) -> Tree {
        use Type::{Any, Atom, Binary, Bits, Float, Integer, Integers, List, Map, Tuple};
        match self.below(24) {
            0..=9 => {
                let operator = self.pick(&ARITHMETIC);
                self.of(&format!("(~ {operator} ~)"), &[Integer, Integer], depth)
            }
            10 | 11 => {
                let shift = self.pick(&["bsl", "bsr"]);
                match self.once_in(2) {
                    true => {
                        let by = self.pick(&["1", "3", "-1", "31", "59", "60", "64", "-64"]);
                        self.of(&format!("(~ {shift} {by})"), &[Integer], depth)
                    }
                    false => self.of(&format!("(~ {shift} (~ band 127))"), &[Integer, Integer], depth),
                }
            }
            12 => {
                let operator = self.pick(&["-", "bnot ", "+", "abs", "erlang:trunc"]);
                self.of(&format!("({operator}(~))"), &[Integer], depth)
            }
            13 => {
                let function = self.pick(&["trunc", "round", "floor", "ceil"]);
                self.of(&format!("{function}(~)"), &[Float], depth)
            }
            14 => self.of("length(~)", &[List], depth),
            15 => match self.once_in(2) {
                true => self.of("byte_size(~)", &[Binary], depth),
                false => self.of("bit_size(~)", &[Bits], depth),
            },
            16 => match self.once_in(2) {
                true => self.of("tuple_size(~)", &[Tuple], depth),
                false => self.of("map_size(~)", &[Map], depth),
            },
            17 => self.of("hd(~)", &[Integers], depth),
            18 => {
                let function = self.pick(&["lists:sum", "lists:max", "length", "lists:last"]);
                self.of(&format!("{function}(~)"), &[Integers], depth)
            }
            19 => {
                let function = self.pick(&["max", "min"]);
                self.of(&format!("{function}(~, ~)"), &[Integer, Integer], depth)
            }
            20 => self.of("erlang:phash2(~)", &[Any], depth),
            21 => self.of("binary:at(~, ~ band 3)", &[Binary, Integer], depth),
            22 => self.of("(~ * ~ + ~)", &[Integer, Integer, Integer], depth),
            _ => {
                let text =
                    self.pick(&["binary_to_integer(integer_to_binary(~))", "list_to_integer(integer_to_list(~))"]);
                let kind = if self.once_in(20) { Atom } else { Integer };
                self.of(text, &[kind], depth)
            }
        }
    }

    fn a_float(&mut self, depth: u32) -> Tree {
        use Type::{Float, Integer};
        match self.below(8) {
            0..=3 => {
                let operator = self.pick(&["+", "-", "*", "/"]);
                let kinds = self.pick(&[[Float, Float], [Float, Float], [Integer, Float], [Float, Integer]]);
                self.of(&format!("(~ {operator} ~)"), &kinds, depth)
            }
            4 => self.of("(~ / ~)", &[Integer, Integer], depth),
            5 => {
                let function = self.pick(&["float", "abs", "math:sqrt", "-", "math:floor", "math:ceil"]);
                self.of(&format!("({function}(~))"), &[Float], depth)
            }
            6 => self.of("float(~)", &[Integer], depth),
            _ => self.of("(~ * ~ - ~ / ~)", &[Float, Float, Float, Float], depth),
        }
    }

    fn an_atom(&mut self, depth: u32) -> Tree {
        match self.below(3) {
            0 => self.a_boolean(depth),
            1 => self.of("element(1 + (~ band 1), {ok, error})", &[Type::Integer], depth),
            _ => self.of("binary_to_atom(atom_to_binary(~))", &[Type::Atom], depth),
        }
    }

    fn a_boolean(&mut self, depth: u32) -> Tree {
        match self.below(9) {
            0..=2 => {
                let operator = self.pick(&COMPARISONS);
                let kind = self.kind();
                let other = if self.once_in(3) { Type::Any } else { kind };
                self.of(&format!("(~ {operator} ~)"), &[kind, other], depth)
            }
            3 | 4 => {
                let operator = self.pick(&["andalso", "orelse", "and", "or", "xor"]);
                self.of(&format!("(~ {operator} ~)"), &[Type::Boolean, Type::Boolean], depth)
            }
            5 => self.of("not (~)", &[Type::Boolean], depth),
            6 => {
                let test = self.test(1);
                tree(Sort::Expression, "try (~) catch _:_ -> fails end", vec![one(test)])
            }
            7 => self.of("lists:member(~, ~)", &[Type::Any, Type::List], depth),
            _ => {
                let test = self.pick(&[
                    "is_integer(~)",
                    "is_atom(~)",
                    "is_list(~)",
                    "is_float(~)",
                    "is_map(~)",
                    "is_function(~, 1)",
                ]);
                self.of(test, &[Type::Any], depth)
            }
        }
    }

    fn a_binary(&mut self, depth: u32) -> Tree {
        use Type::{Atom, Binary, Float, Integer, Integers, List};
        match self.below(12) {
            0..=2 => self.construction(depth),
            3 => self.comprehension(Type::Binary, depth),
            4 => self.of("<<(~)/binary, (~):8>>", &[Binary, Integer], depth),
            5 => self.of("binary_part(~, 0, ~ band 3)", &[Binary, Integer], depth),
            6 => self.of("element(1, split_binary(~, ~ band 3))", &[Binary, Integer], depth),
            7 => self.of("iolist_to_binary([~, ~])", &[Binary, Integers], depth),
            8 => self.of("integer_to_binary(~)", &[Integer], depth),
            9 => self.of("atom_to_binary(~)", &[Atom], depth),
            10 => self.of("float_to_binary(~)", &[Float], depth),
            _ => self.of("list_to_binary(~)", &[List], depth),
        }
    }

    fn integers(&mut self, depth: u32) -> Tree {
        use Type::{Binary, Integer, Integers};
        match self.below(10) {
            0 | 1 => self.of("[~ | ~]", &[Integer, Integers], depth),
            2 => self.of("(~ ++ ~)", &[Integers, Integers], depth),
            3 => self.of("(~ -- ~)", &[Integers, Integers], depth),
            4 => self.of("binary_to_list(~)", &[Binary], depth),
            5 => self.of("lists:seq(1, ~ band 7)", &[Integer], depth),
            6 => self.of("lists:sort(~)", &[Integers], depth),
            7 => self.of("[~, ~]", &[Integer, Integer], depth),
            _ => self.comprehension(Integers, depth),
        }
    }

    fn a_list(&mut self, depth: u32) -> Tree {
        use Type::{Any, Fun, List, Map, Pair, Tuple};
        match self.below(14) {
            0 | 1 => self.of("[~ | ~]", &[Any, List], depth),
            2 => self.of("[~, ~]", &[Any, Any], depth),
            3 => self.of("(~ ++ ~)", &[List, List], depth),
            4 => self.of("(~ -- ~)", &[List, List], depth),
            5 => self.of("tl(~)", &[List], depth),
            6 => {
                let function = self.pick(&["lists:reverse", "lists:sort", "lists:usort", "lists:flatten"]);
                self.of(&format!("{function}(~)"), &[List], depth)
            }
            7 => self.of("tuple_to_list(~)", &[Tuple], depth),
            8 => {
                let map = self.pick(&[
                    "lists:sort(maps:to_list(~))",
                    "lists:sort(maps:keys(~))",
                    "lists:sort(maps:values(~))",
                ]);
                self.of(map, &[Map], depth)
            }
            9 if self.spend(30) => self.of("lists:map(~, l(~))", &[Fun, List], depth),
            10 => self.of("lists:keystore(~, 1, l(~), ~)", &[Any, List, Pair], depth),
            11 => self.of("io_lib:format([126, $w], [~])", &[Type::Integers], depth),
            _ => self.comprehension(List, depth),
        }
    }

    fn a_tuple(&mut self, depth: u32) -> Tree {
        use Type::{Any, Integer, List, Pair, Tuple};
        match self.below(7) {
            0 => self.of("{~}", &[Any], depth),
            1 => self.of("{~, ~, ~}", &[Any, Any, Any], depth),
            2 => {
                let place = 1 + self.below(3);
                self.of(&format!("setelement({place}, ~, ~)"), &[Tuple, Any], depth)
            }
            3 => self.of("setelement(2, setelement(1, ~, ~), ~)", &[Pair, Any, Any], depth),
            4 => self.of("list_to_tuple(~)", &[List], depth),
            5 => self.of("erlang:make_tuple(~ band 3, ~)", &[Integer, Any], depth),
            _ => self.of("{~, ~, ~, ~}", &[Any, Integer, Any, List], depth),
        }
    }

    fn a_record(&mut self, depth: u32) -> Tree {
        use Type::{Any, Integer, List, Record};
        match self.below(4) {
            0 => self.of("#r{a = ~}", &[Any], depth),
            1 => self.of("#r{a = ~, b = ~, c = ~}", &[Any, Integer, List], depth),
            2 => self.of("(~)#r{b = ~}", &[Record, Integer], depth),
            _ => self.of("(~)#r{c = ~, a = ~}", &[Record, List, Any], depth),
        }
    }

    fn a_map(&mut self, depth: u32) -> Tree {
        use Type::{Any, Integer, Map};
        let (key, other) = (self.key(), self.key());
        match self.below(12) {
            0 => self.of(&format!("#{{{key} => ~, {other} => ~}}"), &[Any, Any], depth),
            1 => self.of("#{~ => ~}", &[Any, Any], depth),
            2 | 3 => self.of(&format!("(~)#{{{key} => ~}}"), &[Map, Any], depth),
            4 => self.of(&format!("(~)#{{{key} := ~}}"), &[Map, Any], depth),
            5 => self.of(&format!("(~)#{{{key} => ~, {other} := ~}}"), &[Map, Any, Any], depth),
            6 => self.of("(~)#{~ => ~}", &[Map, Any, Any], depth),
            7 => self.of("maps:merge(~, ~)", &[Map, Map], depth),
            8 => self.of("maps:put(~, ~, ~)", &[Any, Any, Map], depth),
            9 => self.of("maps:remove(~, ~)", &[Any, Map], depth),
            10 if self.spend(60) => {
                let item = self.scoped(|g| {
                    let name = g.bind(Integer);
                    let value = g.expression(Any, 0);
                    expression(
                        &format!("{{{name} * 3, ~}} || {name} <- lists:seq(1, 25 + ~ band 31)"),
                        vec![one(value), one(leaf(g.integer()))],
                    )
                });
                expression("maps:from_list([~])", vec![one(item)])
            }
            _ => self.of("maps:filter(fun(K, _) -> K > ~ end, ~)", &[Any, Map], depth),
        }
    }

    fn a_fun(&mut self, depth: u32) -> Tree {
        let unary: Vec<String> =
            self.functions.iter().filter(|f| f.params.len() == 1).map(|f| f.name.clone()).collect();
        if self.once_in(4) && !unary.is_empty() {
            // What a function value is called for is not known: it counts as costly.
            if self.spend(MOST_OF_A_CALL) {
                let name = &unary[self.below(unary.len())];
                return leaf(format!("fun {name}/1"));
            }
        }
        let clauses = 1 + self.below(2);
        let made: Vec<Tree> = (0..clauses)
            .map(|i| {
                self.scoped(|g| {
                    let kind = g.kind();
                    let pattern = if i + 1 == clauses { g.pattern(Type::Any, 0) } else { g.pattern(kind, 1) };
                    let when = g.when(6);
                    let body = g.repeated(4, |g| g.body(Type::Any, depth));
                    tree(Sort::Other, "(~)~ -> ~", vec![one(pattern), one(when), one(body)])
                })
            })
            .collect();
        expression("fun ~ end", vec![many(made, "; ", 1)])
    }
}

const MOST_OF_A_CALL: u64 = 200;
