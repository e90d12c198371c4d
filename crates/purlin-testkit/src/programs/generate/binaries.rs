//! Binaries: building them, taking them apart, loops over them.

use super::super::tree::{Sort, Tree, each, expression, fixed, leaf, many, one, tree};
use super::{Generator, Type};

const SIZES: [u32; 20] = [0, 1, 2, 3, 4, 7, 8, 8, 8, 12, 15, 16, 24, 32, 33, 48, 60, 64, 65, 128];

impl Generator {
    fn flags(&mut self, of: &str) -> String {
        let mut flags = of.to_owned();
        for flag in ["-signed", "-little", "-native"] {
            if self.once_in(4) && !(flag == "-native" && flags.contains("little")) {
                flags.push_str(flag);
            }
        }
        flags
    }

    /// A binary, or a bit string, put together from segments.
    pub(super) fn construction(&mut self, depth: u32) -> Tree {
        let count = 1 + self.below(4);
        let segments = (0..count).map(|_| self.segment(depth)).collect();
        expression("<<~>>", vec![many(segments, ", ", 0)])
    }

    fn segment(&mut self, depth: u32) -> Tree {
        let segment = |template: &str, parts| tree(Sort::Other, template, parts);
        let inner = depth.saturating_sub(1);
        match self.below(12) {
            0..=3 => {
                let (size, flags) = (self.pick(&SIZES), self.flags("integer"));
                let value = self.expression(Type::Integer, inner);
                segment(&format!("(~):{size}/{flags}"), vec![one(value)])
            }
            4 => {
                let flags = self.flags("integer");
                let (value, size) = (self.expression(Type::Integer, inner), self.expression(Type::Integer, 0));
                let unit = self.pick(&["", "-unit:4", "-unit:8"]);
                segment(&format!("(~):(~ band 15)/{flags}{unit}"), vec![one(value), one(size)])
            }
            5 => {
                let (size, flags) = (self.pick(&["64", "32", "16", "(1 * 64)"]), self.flags("float"));
                let value = self.expression(Type::Float, inner);
                segment(&format!("(~):{size}/{flags}"), vec![one(value)])
            }
            6 | 7 => {
                let value = self.expression(Type::Binary, inner);
                segment("(~)/binary", vec![one(value)])
            }
            8 => {
                let value = self.expression(Type::Bits, inner);
                segment("(~)/bitstring", vec![one(value)])
            }
            9 => {
                let size = self.below(4);
                let unit = self.pick(&["", "-unit:8", "-unit:16", "-unit:3"]);
                let value = self.expression(Type::Binary, inner);
                segment(&format!("(~):{size}/binary{unit}"), vec![one(value)])
            }
            10 => {
                let code = self.pick(&["utf8", "utf16", "utf32", "utf16-little"]);
                let value = match self.once_in(3) {
                    true => self.expression(Type::Integer, inner),
                    false => leaf(self.pick(&["97", "233", "16#20AC", "16#10FFFF", "16#D800", "16#110000", "-1"])),
                };
                segment(&format!("(~)/{code}"), vec![one(value)])
            }
            _ => fixed(self.pick(&["\"text\"", "0:7", "-1:9", "1.5/float", "\"é\"/utf8", "3"])),
        }
    }

    /// Segments to be matched, and the rest.
    pub(super) fn binary_pattern(&mut self, whole: bool) -> Tree {
        let count = self.below(4);
        let mut segments: Vec<Tree> = (0..count).map(|_| self.segment_pattern()).collect();
        match self.below(4) {
            0 => {}
            1 => segments.push(fixed(if whole { "_/binary" } else { "_/bitstring" })),
            _ => {
                let kind = if whole { Type::Binary } else { Type::Bits };
                let rest = self.bind(kind);
                segments.push(fixed(format!("{rest}/{}", if whole { "binary" } else { "bitstring" })));
            }
        }
        tree(Sort::Pattern, "<<~>>", vec![many(segments, ", ", 0)])
    }

    fn segment_pattern(&mut self) -> Tree {
        match self.below(10) {
            0..=3 => {
                let (size, flags) = (self.pick(&SIZES), self.flags("integer"));
                let name = self.bind(Type::Integer);
                fixed(format!("{name}:{size}/{flags}"))
            }
            4 => {
                let (size, flags) = (self.pick(&["64", "32", "16"]), self.flags("float"));
                let name = self.bind(Type::Float);
                fixed(format!("{name}:{size}/{flags}"))
            }
            5 => {
                let size = self.name();
                let of = self.pick(&[("binary", Type::Binary), ("bitstring", Type::Bits), ("integer", Type::Integer)]);
                let name = self.bind(of.1);
                self.scope.push(super::Variable { name: size.clone(), kind: Type::Integer });
                let bits = self.pick(&[2, 3, 8]);
                fixed(format!("{size}:{bits}, {name}:{size}/{}", of.0))
            }
            6 => {
                let size = self.below(5);
                let name = self.bind(Type::Binary);
                fixed(format!("{name}:{size}/binary"))
            }
            7 => {
                let code = self.pick(&["utf8", "utf16", "utf32", "utf16-little"]);
                let name = self.bind(Type::Integer);
                fixed(format!("{name}/{code}"))
            }
            8 => fixed(self.pick(&[
                "\"abc\"",
                "0",
                "255:8",
                "_:3",
                "_:4/binary",
                "_/utf8",
                "97/utf8",
                "1:1",
                "-1:8/signed",
            ])),
            _ => match self.variable(Type::Integer) {
                Some(bound) => {
                    let size = self.pick(&SIZES);
                    fixed(format!("{bound}:{size}"))
                }
                None => fixed("_:8"),
            },
        }
    }

    /// A function that takes its first argument apart.
    pub(super) fn binary_loop(&mut self) -> Vec<Tree> {
        let (name, result) = (self.function_name(), self.pick(&[Type::Integer, Type::Binary, Type::List, Type::Bits]));
        const TURNS: u64 = 40;
        let heads = self.pick(&[
            ("H:8, T/binary", Type::Integer, "<<>>"),
            ("H/utf8, T/binary", Type::Integer, "<<>>"),
            ("H:3/signed, T/bitstring", Type::Integer, "<<_:2>>"),
            ("H:16/little, T/binary", Type::Integer, "<<_>>"),
            ("H:2/binary, T/binary", Type::Binary, "<<>>"),
            ("H:1/binary, _, T/binary", Type::Binary, "<<1,2>>"),
            ("H:32/float, T/bits", Type::Float, "<<>>"),
            ("H:64/float-little, T/bits", Type::Float, "_"),
            ("N:4, H:N/bitstring, T/bitstring", Type::Bits, "<<_/bitstring>>"),
            ("H:7/bitstring, T/bitstring", Type::Bits, "B"),
        ]);
        let turn = self.scoped(|g| {
            for (name, kind) in [("H", heads.1), ("T", Type::Bits), ("A", result)] {
                g.scope.push(super::Variable { name: name.to_owned(), kind });
            }
            g.repeated(TURNS, |g| {
                let statement = if g.once_in(3) { vec![g.statement(1)] } else { Vec::new() };
                let value = match (result, heads.1) {
                    (Type::Binary, Type::Integer) if g.once_in(2) => leaf("<<A/binary, H>>"),
                    (Type::Bits, Type::Bits) if g.once_in(2) => leaf("<<A/bitstring, H/bitstring>>"),
                    (Type::List, _) if g.once_in(2) => leaf("[H | A]"),
                    _ => g.expression(result, 2),
                };
                let call = if g.once_in(3) { "~~(T, ~)" } else { "~~(T, c(~))" };
                tree(Sort::Body, call, vec![each(statement, ",\n    "), one(fixed(name.clone())), one(value)])
            })
        });
        let when = self.scoped(|g| {
            g.scope.push(super::Variable { name: "H".to_owned(), kind: heads.1 });
            g.when(4)
        });
        let clauses = vec![
            tree(Sort::Other, &format!("{name}(<<{}>>, A)~ ->\n    ~", heads.0), vec![one(when), one(turn)]),
            tree(Sort::Other, &format!("{name}({}, A) -> A", heads.2), vec![]),
            tree(Sort::Other, &format!("{name}(B, A) -> {{A, B}}"), vec![]),
        ];
        self.add(name, vec![Type::Binary, result], result, None);
        vec![tree(Sort::Other, "~.", vec![many(clauses, ";\n", 1)])]
    }
}
