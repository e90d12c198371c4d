//! Constants, most of them where representations change.

use super::super::tree::{Tree, expression, leaf, many};
use super::{Generator, TYPES, Type};

/// Exponents of two at which integers get another representation, or an instruction another form.
const POWERS: [u32; 18] = [4, 7, 8, 15, 16, 27, 28, 31, 32, 48, 58, 59, 60, 61, 62, 63, 64, 100];

const ATOMS: [&str; 16] = [
    "ok",
    "error",
    "true",
    "false",
    "undefined",
    "a",
    "b",
    "c",
    "foo",
    "bar",
    "'A'",
    "'é'",
    "''",
    "r",
    "nil",
    "badarg",
];

const FLOATS: [&str; 18] = [
    "0.0",
    "-0.0",
    "1.0",
    "-1.0",
    "1.5",
    "2.0",
    "0.1",
    "3.0e10",
    "1.0e22",
    "1.7976931348623157e308",
    "-1.0e308",
    "5.0e-324",
    "9007199254740992.0",
    "9007199254740993.0",
    "576460752303423488.0",
    "1.8446744073709552e19",
    "-3.7",
    "4294967296.0",
];

const TEXTS: [&str; 9] = [
    "<<>>",
    "<<0>>",
    "<<\"abc\">>",
    "<<\"hello world, how are you\">>",
    "<<1,2,3,4,5,6,7,8,9,10>>",
    "<<\"aé日𐍈z\"/utf8>>",
    "<<255,254,0,128>>",
    "<<63,240,0,0,0,0,0,0,127,240,0,0,0,0,0,0>>",
    "<<\"0123456789012345678901234567890123456789012345678901234567890123456789\">>",
];

const BITS: [&str; 6] = ["<<5:3>>", "<<1:1>>", "<<-1:13>>", "<<\"ab\",3:4>>", "<<123456789:61>>", "<<0:0>>"];

impl Generator {
    pub(super) fn integer(&mut self) -> String {
        match self.below(8) {
            0..=3 => (self.below(14) as i64 - 3).to_string(),
            4 => self.below(300).to_string(),
            _ => {
                let power = self.pick(&POWERS);
                let near = (1i128 << power) + self.pick(&[-2, -1, 0, 0, 1, 2]);
                let signed = if self.once_in(3) { -near } else { near };
                signed.to_string()
            }
        }
    }

    pub(super) fn atom(&mut self) -> String {
        self.pick(&ATOMS).to_owned()
    }

    pub(super) fn float(&mut self) -> String {
        self.pick(&FLOATS).to_owned()
    }

    /// A term, as an expression without variables or calls.
    pub(super) fn constant(&mut self, kind: Type, depth: u32) -> Tree {
        let inner = depth.saturating_sub(1);
        let kind = match kind {
            Type::Any if depth == 0 => self.pick(&[Type::Integer, Type::Atom, Type::Float, Type::Binary]),
            Type::Any => self.pick(&TYPES),
            kind => kind,
        };
        match kind {
            Type::Integer => leaf(self.integer()),
            Type::Float => leaf(self.float()),
            Type::Atom => leaf(self.atom()),
            Type::Boolean => leaf(self.pick(&["true", "false"])),
            Type::Binary => leaf(self.pick(&TEXTS)),
            Type::Bits => leaf(self.pick(&BITS)),
            Type::Integers => match self.once_in(5) {
                true => leaf(self.pick(&["\"abc\"", "\"\"", "[1,2,3,4,5,6,7]"])),
                false => {
                    let count = self.below(6);
                    let items = (0..count).map(|_| leaf(self.integer())).collect();
                    expression("[~]", vec![many(items, ", ", 0)])
                }
            },
            Type::List => {
                let count = self.below(5);
                let items: Vec<Tree> = (0..count).map(|_| self.constant(Type::Any, inner)).collect();
                match count > 0 && self.once_in(10) {
                    true => expression("[~ | x]", vec![many(items, ", ", 1)]),
                    false => expression("[~]", vec![many(items, ", ", 0)]),
                }
            }
            Type::Pair => self.constants("{~}", 2, inner),
            Type::Tuple => {
                let count = self.below(5);
                self.constants("{~}", count, inner)
            }
            Type::Record => self.constants("{r, ~}", 3, inner),
            Type::Map => {
                let count = self.below(4);
                let pairs = (0..count).map(|_| self.constant_pair(inner)).collect();
                expression("#{~}", vec![many(pairs, ", ", 0)])
            }
            Type::Fun => {
                let inside = self.pick(&[
                    "fun erlang:iolist_size/1",
                    "fun lists:sort/1",
                    "fun lists:reverse/1",
                    "fun erlang:is_atom/1",
                ]);
                leaf(inside)
            }
            Type::Any => unreachable!("chosen above"),
        }
    }

    fn constants(&mut self, template: &str, count: usize, depth: u32) -> Tree {
        let items = (0..count).map(|_| self.constant(Type::Any, depth)).collect();
        expression(template, vec![many(items, ", ", count)])
    }

    fn constant_pair(&mut self, depth: u32) -> Tree {
        let (key, value) = (leaf(self.key()), self.constant(Type::Any, depth));
        expression("~ => ~", vec![super::one(key), super::one(value)])
    }

    /// A key that others are likely to ask for.
    pub(super) fn key(&mut self) -> String {
        self.pick(&["a", "b", "c", "1", "2", "1.0", "{a,1}", "<<\"k\">>", "[]", "576460752303423488"]).to_owned()
    }
}
