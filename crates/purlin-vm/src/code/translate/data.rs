//! Moves, tests, arithmetic, guards, floats, funs, tuples, maps.

use super::super::consts;
use super::super::export::{Mfa, NativeEntry};
use super::super::instr::*;
use super::{Result, Translator, malformed};
use purlin_beam::{Instruction, Opcode, Operand};
use purlin_term::{Atom, Heap, Release, Term, compare, map};
use std::sync::OnceLock;
use std::sync::atomic::AtomicU8;

impl Translator<'_> {
    /// Translates an instruction of this family; false when it is of another.
    pub(super) fn data(&mut self, ins: &Instruction) -> Result<bool> {
        let test = |t: Test| Some(t);
        let type_test = match ins.op {
            Opcode::IsInteger => test(Test::Integer),
            Opcode::IsFloat => test(Test::Float),
            Opcode::IsNumber => test(Test::Number),
            Opcode::IsAtom => test(Test::Atom),
            Opcode::IsPid => test(Test::Pid),
            Opcode::IsReference => test(Test::Reference),
            Opcode::IsPort => test(Test::Port),
            Opcode::IsNil => test(Test::Nil),
            Opcode::IsBinary => test(Test::Binary),
            Opcode::IsBitstr => test(Test::Bitstr),
            Opcode::IsList => test(Test::List),
            Opcode::IsNonemptyList => test(Test::NonemptyList),
            Opcode::IsTuple => test(Test::Tuple),
            Opcode::IsFunction => test(Test::Function),
            Opcode::IsBoolean => test(Test::Boolean),
            Opcode::IsMap => test(Test::Map),
            Opcode::IsAnyNativeRecord => test(Test::Record),
            _ => None,
        };
        if let Some(test) = type_test {
            let test = self.test_of(test, ins, 1);
            let i = Instr::IsType { test, fail: self.fail(ins, 0)?, src: self.src(ins, 1)? };
            self.emit(i);
            return Ok(true);
        }
        let i = match ins.op {
            Opcode::Move => return self.mv(ins),
            Opcode::Swap => Instr::Swap(self.dst(ins, 0)?, self.dst(ins, 1)?),
            Opcode::GetList => {
                Instr::GetList { src: self.src(ins, 0)?, head: self.dst(ins, 1)?, tail: self.dst(ins, 2)? }
            }
            Opcode::GetHd => Instr::GetHd { src: self.src(ins, 0)?, dst: self.dst(ins, 1)? },
            Opcode::GetTl => Instr::GetTl { src: self.src(ins, 0)?, dst: self.dst(ins, 1)? },
            Opcode::GetTupleElement => Instr::GetTupleElement {
                src: self.src(ins, 0)?,
                index: self.small_number(ins, 1)?,
                dst: self.dst(ins, 2)?,
            },
            Opcode::SetTupleElement => Instr::SetTupleElement {
                value: self.src(ins, 0)?,
                tuple: self.src(ins, 1)?,
                index: self.small_number(ins, 2)?,
            },
            Opcode::PutList => {
                Instr::PutList { head: self.src(ins, 0)?, tail: self.src(ins, 1)?, dst: self.dst(ins, 2)? }
            }
            Opcode::PutTuple2 => {
                let mut elements = ins.list().iter().map(|&o| self.as_src(o)).collect::<Result<Vec<_>>>()?;
                if elements.len() > 3 {
                    pool(&mut elements);
                }
                Instr::PutTuple(self.dst(ins, 0)?, self.ext(self.list(elements)))
            }
            Opcode::UpdateRecord => {
                let mut updates = Vec::new();
                for pair in ins.list().chunks(2) {
                    let &[Operand::U(at), value] = pair else { return malformed("update_record: bad pair") };
                    updates.push((at as u32, self.as_src(value)?));
                }
                let u = UpdateRecord {
                    size: self.small_number(ins, 1)?,
                    src: self.src(ins, 2)?,
                    dst: self.dst(ins, 3)?,
                    updates: self.list(updates),
                };
                Instr::UpdateRecord(self.ext(u))
            }
            Opcode::TestArity => {
                Instr::TestArity { fail: self.fail(ins, 0)?, src: self.src(ins, 1)?, arity: self.small_number(ins, 2)? }
            }
            Opcode::IsTaggedTuple => {
                let Operand::Atom(tag) = self.operand(ins, 3)? else { return malformed("is_tagged_tuple: no atom") };
                let arity = u16::try_from(self.number(ins, 2)?);
                let Ok(arity) = arity else { return malformed("is_tagged_tuple: too large") };
                Instr::IsTaggedTuple {
                    tuple: self.is_tuple(ins, 1),
                    fail: self.fail(ins, 0)?,
                    src: self.src(ins, 1)?,
                    arity,
                    tag: self.module.atom(tag)?,
                }
            }
            Opcode::IsFunction2 => {
                Instr::IsFunction2 { fail: self.fail(ins, 0)?, src: self.src(ins, 1)?, arity: self.src(ins, 2)? }
            }
            Opcode::IsLt | Opcode::IsGe | Opcode::IsEq | Opcode::IsNe | Opcode::IsEqExact | Opcode::IsNeExact => {
                let (fail, a, b) = (self.fail(ins, 0)?, self.src(ins, 1)?, self.src(ins, 2)?);
                let word = self.is_word(ins, 1) || self.is_word(ins, 2);
                // An immediate is equal only to itself.
                let value = self.immediate_value(b).or(self.immediate_value(a));
                let other = if self.immediate_value(b).is_some() { a } else { b };
                match ins.op {
                    Opcode::IsLt => Instr::IsLt { small: self.are_small(ins, 1, 2), fail, a, b },
                    Opcode::IsGe => Instr::IsGe { small: self.are_small(ins, 1, 2), fail, a, b },
                    Opcode::IsEq => Instr::IsEq { fail, a, b },
                    Opcode::IsNe => Instr::IsNe { fail, a, b },
                    op => match (value, other.narrow(), op) {
                        (Some(value), Some(a), Opcode::IsEqExact) => Instr::IsEqImmediate { fail, a, value },
                        (Some(value), Some(a), _) => Instr::IsNeImmediate { fail, a, value },
                        (.., Opcode::IsEqExact) => Instr::IsEqExact { word, fail, a, b },
                        _ => Instr::IsNeExact { word, fail, a, b },
                    },
                }
            }
            Opcode::Bif0 => {
                let export = self.module.import(self.number(ins, 0)?)?;
                let dst = self.dst(ins, 1)?;
                if is_erlang(export.mfa, "self") {
                    Instr::Self_(dst)
                } else {
                    self.guard(export.mfa, UNKNOWN_LIVE, &[], dst, NO_FAIL)?
                }
            }
            Opcode::Bif1 | Opcode::Bif2 | Opcode::Bif3 => {
                let export = self.module.import(self.number(ins, 1)?)?;
                let n = match ins.op {
                    Opcode::Bif1 => 1,
                    Opcode::Bif2 => 2,
                    _ => 3,
                };
                let args = (2..2 + n).map(|i| self.src(ins, i)).collect::<Result<Vec<_>>>()?;
                self.guard(export.mfa, UNKNOWN_LIVE, &args, self.dst(ins, 2 + n)?, self.fail(ins, 0)?)?
            }
            Opcode::GcBif1 | Opcode::GcBif2 | Opcode::GcBif3 => {
                let export = self.module.import(self.number(ins, 2)?)?;
                let n = match ins.op {
                    Opcode::GcBif1 => 1,
                    Opcode::GcBif2 => 2,
                    _ => 3,
                };
                let args = (3..3 + n).map(|i| self.src(ins, i)).collect::<Result<Vec<_>>>()?;
                let (fail, live, dst) = (self.fail(ins, 0)?, self.live(ins, 1)?, self.dst(ins, 3 + n)?);
                let narrow = dst.as_src().narrow();
                match Arith::of(export.mfa) {
                    Some(op) if fail == NO_FAIL && narrow.is_some() => {
                        let plain = match op {
                            Arith::Add => self.is_step(args[0], args[1]) || self.is_step(args[1], args[0]),
                            Arith::Sub => self.is_step(args[0], args[1]) && !self.is_negative(args[1]),
                            _ => false,
                        };
                        Instr::Arith {
                            op,
                            plain,
                            small: self.is_small_arith(op, ins, 3, 4),
                            live: live as u16,
                            dst: narrow.unwrap_or(0),
                            a: args[0],
                            b: args[1],
                        }
                    }
                    // The emulator adds zero for a unary plus.
                    None if n == 1 && fail == NO_FAIL && narrow.is_some() && is_erlang(export.mfa, "+") => {
                        let zero = Src(3);
                        Instr::Arith {
                            op: Arith::Add,
                            plain: self.is_step(args[0], zero),
                            small: false,
                            live: live as u16,
                            dst: narrow.unwrap_or(0),
                            a: args[0],
                            b: zero,
                        }
                    }
                    Some(op) if fail != NO_FAIL => match (args[0].narrow(), narrow) {
                        (Some(a), Some(dst)) => Instr::GuardArith { op, a, dst, live: live as u16, fail, b: args[1] },
                        _ => self.guard(export.mfa, live, &args, dst, fail)?,
                    },
                    _ => self.guard(export.mfa, live, &args, dst, fail)?,
                }
            }
            Opcode::Fmove => match (self.operand(ins, 0)?, self.operand(ins, 1)?) {
                (Operand::FloatReg(f), _) => Instr::FMoveOut { f: f as u32, dst: self.dst(ins, 1)? },
                (_, Operand::FloatReg(f)) => Instr::FMoveIn { src: self.src(ins, 0)?, f: f as u32 },
                _ => return malformed("fmove without a float register"),
            },
            Opcode::Fconv => Instr::FConv { src: self.src(ins, 0)?, f: self.float_register(ins, 1)? as u32 },
            Opcode::Fadd | Opcode::Fsub | Opcode::Fmul | Opcode::Fdiv => {
                let op = match ins.op {
                    Opcode::Fadd => FloatOp::Add,
                    Opcode::Fsub => FloatOp::Sub,
                    Opcode::Fmul => FloatOp::Mul,
                    _ => FloatOp::Div,
                };
                Instr::FArith {
                    op,
                    a: self.float_register(ins, 1)?,
                    b: self.float_register(ins, 2)?,
                    dst: self.float_register(ins, 3)?,
                }
            }
            Opcode::Fnegate => Instr::FNegate { src: self.float_register(ins, 1)?, dst: self.float_register(ins, 2)? },
            Opcode::Fclearerror | Opcode::Fcheckerror => return Ok(true),
            Opcode::MakeFun2 => {
                let env = self.lambda(self.number(ins, 0)?)?.num_free;
                let env = self.list((0..env).map(Src::x).collect());
                let f = MakeFun { entry: self.lambda(self.number(ins, 0)?)?, dst: Dst::x(0), env };
                Instr::MakeFun(self.ext(f))
            }
            Opcode::MakeFun3 => {
                let mut env = ins.list().iter().map(|&o| self.as_src(o)).collect::<Result<Vec<_>>>()?;
                pool(&mut env);
                let entry = self.lambda(self.number(ins, 0)?)?;
                if env.len() != entry.num_free as usize {
                    return malformed("make_fun3: wrong environment");
                }
                let f = MakeFun { entry, dst: self.dst(ins, 1)?, env: self.list(env) };
                Instr::MakeFun(self.ext(f))
            }
            Opcode::PutMapAssoc | Opcode::PutMapExact => {
                let mut pairs = Vec::new();
                for pair in ins.list().chunks(2) {
                    let &[k, v] = pair else { return malformed("put_map: bad pair") };
                    pairs.push(MapUpdate::new(self.as_src(k)?, self.as_src(v)?));
                }
                self.sort_by_key(&mut pairs);
                let exact = ins.op == Opcode::PutMapExact;
                let lasting = !exact && pairs.iter().all(|p| self.immediate_value(p.key).is_some());
                let p = PutMap {
                    exact,
                    transition: lasting.then(|| (self.module, OnceLock::new())),
                    fail: self.fail(ins, 0)?,
                    src: self.src(ins, 1)?,
                    dst: self.dst(ins, 2)?,
                    live: self.live(ins, 3)?,
                    pairs: self.list(pairs),
                };
                match self.make_map(&p)? {
                    Some(m) => Instr::MakeMap(self.ext(m)),
                    None => Instr::PutMap(self.ext(p)),
                }
            }
            Opcode::IsNativeRecord | Opcode::GetRecordElements | Opcode::PutRecord => return self.record(ins),
            Opcode::IsRecordAccessible | Opcode::GetRecordField => return self.record(ins),
            Opcode::HasMapFields => {
                let pairs = ins
                    .list()
                    .iter()
                    .map(|&o| Ok(MapElement::new(self.as_src(o)?, None)))
                    .collect::<Result<Vec<_>>>()?;
                let g = GetMap { fail: self.fail(ins, 0)?, src: self.src(ins, 1)?, pairs: self.list(pairs) };
                Instr::GetMapElements(self.ext(g))
            }
            Opcode::GetMapElements => {
                let mut pairs = Vec::new();
                for pair in ins.list().chunks(2) {
                    let &[k, d] = pair else { return malformed("get_map_elements: bad pair") };
                    pairs.push(MapElement::new(self.as_src(k)?, Some(self.as_dst(d)?)));
                }
                let (fail, src) = (self.fail(ins, 0)?, self.src(ins, 1)?);
                match pairs[..] {
                    // Keys that can be looked for where they stood last have a hint.
                    [MapElement { key, dst: Some(dst), .. }] if dst.is_x() && self.immediate_value(key).is_none() => {
                        Instr::GetMapElement { fail, src, key, dst: (dst.0 >> 2) as u16 }
                    }
                    _ => Instr::GetMapElements(self.ext(GetMap { fail, src, pairs: self.list(pairs) })),
                }
            }
            _ => return Ok(false),
        };
        self.emit(i);
        Ok(true)
    }

    /// What a map is made of that has constant keys and stays a small one.
    fn make_map(&self, p: &PutMap) -> Result<Option<MakeMap>> {
        let base = self.constant_value(p.src).filter(|m| m.is_map());
        let keys: Option<Vec<Term>> = p.pairs.iter().map(|p| self.constant_value(p.key)).collect();
        let (Some(base), Some(keys), true, false) = (base, keys, self.emitting, p.exact) else { return Ok(None) };
        let mut heap = Heap::new(0);
        let whole = keys.iter().fold(base, |m, &k| map::put(&mut heap, m, k, Term::NIL));
        let Some((all, _)) = whole.as_flat_map() else { return Ok(None) };
        let position = |key| all.iter().position(|&k| compare::same(k, key)).unwrap_or(0) as u32;
        let values = keys.iter().zip(p.pairs).map(|(&k, p)| (position(k), p.value)).collect();
        match self.module.keep(whole) {
            Some(template) => Ok(Some(MakeMap { template, dst: p.dst, live: p.live, values: self.list(values) })),
            None => malformed("the literal area is full"),
        }
    }

    /// Puts constant keys in their order: of several missing ones, the first is reported.
    fn sort_by_key(&self, pairs: &mut [MapUpdate]) {
        if pairs.iter().all(|p| self.constant_value(p.key).is_some()) {
            let key = |p: &MapUpdate| self.constant_value(p.key).unwrap_or(Term::NIL);
            pairs.sort_by(|a, b| compare::cmp_keys(key(a), key(b)));
        }
    }

    fn mv(&mut self, ins: &Instruction) -> Result<bool> {
        let (src, dst) = (self.src(ins, 0)?, self.dst(ins, 1)?);
        let i = match self.constant_value(src) {
            Some(value) => Instr::MoveValue { dst, value },
            None => Instr::Move { src, dst },
        };
        self.emit(i);
        Ok(true)
    }

    pub(super) fn constant_value(&self, s: Src) -> Option<Term> {
        match s.kind() {
            2 => Some(consts::get(s.0 >> 2)),
            3 => Some(s.inlined()),
            _ => None,
        }
    }

    /// Whether the emulator has an instruction for adding this constant to a register or subtracting it, which up to OTP
    /// 25 fails without a frame of its own.
    fn is_step(&self, a: Src, constant: Src) -> bool {
        Release::of_values() <= Release(25)
            && !a.is_constant()
            && self.constant_value(constant).is_some_and(|t| t.is_small())
    }

    fn is_negative(&self, constant: Src) -> bool {
        self.constant_value(constant).and_then(Term::as_small).is_some_and(|i| i < 0)
    }

    fn immediate_value(&self, s: Src) -> Option<Term> {
        self.constant_value(s).filter(|t| t.is_immediate())
    }

    fn lambda(&self, i: u64) -> Result<&'static std::sync::Arc<purlin_term::FunEntry>> {
        match usize::try_from(i).ok().and_then(|i| self.module.lambdas().get(i)) {
            Some(l) => Ok(l),
            None => malformed(format!("there is no lambda {i}")),
        }
    }

    fn guard(&self, mfa: Mfa, live: u32, args: &[Src], dst: Dst, fail: Rel) -> Result<Instr> {
        let native: Option<&'static NativeEntry> = self.loaded.exports.native(mfa);
        let Some(native) = native else {
            return malformed(format!(
                "the native {}:{}/{} is missing",
                mfa.module.name(),
                mfa.function.name(),
                mfa.arity
            ));
        };
        if native.mfa.arity as usize != args.len() {
            return malformed("a guard native with a wrong number of operands");
        }
        let hint = AtomicU8::new(0);
        Ok(Instr::Guard(self.ext(GuardCall { native, args: self.list(args.to_vec()), dst, fail, live, hint })))
    }
}

/// Makes all operands such that [`bases`](super::super::op::Running) have a base for: no value stands in the operand.
fn pool(operands: &mut [Src]) {
    for s in operands.iter_mut().filter(|s| s.kind() == 3) {
        *s = Src::constant(consts::number(s.inlined()));
    }
}

fn is_erlang(mfa: Mfa, name: &str) -> bool {
    mfa.module == Atom::ERLANG && mfa.function.name() == name
}
