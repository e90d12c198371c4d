//! Every generic instruction has a translation.

use super::*;
use crate::{Config, Engine};
use purlin_beam::OperandKind;

/// Any module will do.
fn module(engine: &Engine) -> &'static Module {
    let libraries = std::fs::read_dir("/usr/lib/erlang/lib").expect("OTP is installed").flatten();
    let stdlib = libraries.map(|d| d.path()).find(|p| p.to_string_lossy().contains("/stdlib-")).expect("it has stdlib");
    let bytes = std::fs::read(stdlib.join("ebin/lists.beam")).expect("stdlib has lists");
    Module::prepare(&engine.code, &bytes).expect("it is read")
}

/// An operand that an instruction of this kind could have.
fn operand(kind: OperandKind, label: u32) -> Operand {
    match kind {
        OperandKind::Label | OperandKind::Fail | OperandKind::FailOrAtom => Operand::Label(label),
        OperandKind::Src | OperandKind::Any => Operand::X(0),
        OperandKind::Dst => Operand::X(1),
        OperandKind::Atom | OperandKind::FunTag => Operand::Atom(1),
        OperandKind::List => Operand::List { len: 0 },
        _ => Operand::U(1),
    }
}

#[test]
fn every_opcode_of_todays_compilers_has_a_translation() {
    let engine = Engine::new(&[], Config { schedulers: 1, ..Config::from_env().unwrap() });
    let module = module(&engine);
    let entry = &module.functions()[0];
    let label = module.index.functions[0].entry;
    let mut refused = Vec::new();
    for &op in Opcode::ALL.iter().filter(|op| !op.is_obsolete()) {
        let args: Vec<Operand> = op.kinds().iter().map(|&k| operand(k, label)).collect();
        let mut translator = Translator::new(&engine.code, entry, false);
        // Operands made up like these may be refused; that is another message.
        if let Err(e) = translator.one(&Instruction::of(op, &args, &[]))
            && e.to_string().contains("is not supported")
        {
            refused.push(op.name());
        }
    }
    assert!(refused.is_empty(), "no translation of {refused:?}");
}
