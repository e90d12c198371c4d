//! Which of the emulator's functions the installed libraries name and Purlin lacks.
//!
//! A function is the emulator's when a library calls it in a module of the libraries that does not define it, or when
//! the library defines it as a stub: a function that does nothing but call `erlang:nif_error`, or a function of its
//! module that does.

use crate::install::{Elixir, Otp};
use purlin_beam::{BeamError, BeamFile, CodeIndex, Function, Instruction, Opcode, Operand};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};

type Name = (String, String, u8);

/// Looks through the libraries.
pub fn list(otp: &Otp, elixir: &Elixir) -> io::Result<Missing> {
    let mut files = Vec::new();
    for app in std::fs::read_dir(otp.root.join("lib"))?.flatten() {
        beams(&app.path().join("ebin"), &mut files)?;
    }
    for dir in elixir.ebins() {
        beams(Path::new(&dir), &mut files)?;
    }
    let here =
        purlin_natives::natives(otp.release).map(|n| (n.module.to_owned(), n.function.to_owned(), n.arity)).collect();
    let mut library = Library { here, ..Library::default() };
    let mut unread = Vec::new();
    for file in files {
        let beam = BeamFile::parse(&std::fs::read(&file)?);
        if let Err(e) = beam.and_then(|beam| library.add(&beam)) {
            unread.push(format!("{}: {e}", file.display()));
        }
    }
    Ok(Missing { natives: library.lacking(), unread })
}

/// What the installed libraries need and Purlin lacks.
pub struct Missing {
    /// A line for each function: `Module:Function/Arity`, and some of the modules that call it.
    pub natives: Vec<String>,
    /// Files that Purlin cannot read, and why. What they call is not looked at.
    pub unread: Vec<String>,
}

#[derive(Default)]
struct Library {
    here: HashSet<Name>,
    modules: HashSet<String>,
    defined: HashSet<Name>,
    stubs: BTreeSet<Name>,
    callers: BTreeMap<Name, BTreeSet<String>>,
}

impl Library {
    fn add(&mut self, beam: &BeamFile) -> Result<(), BeamError> {
        let module = beam.module().to_owned();
        let name = |i: u32| beam.atom(i).unwrap_or_default().to_owned();
        let index = beam.code().index()?;
        for function in &index.functions {
            let key = (module.clone(), name(function.name), function.arity);
            if self.is_stub(beam, &index, function, true)? {
                self.stubs.insert(key);
            } else {
                self.defined.insert(key);
            }
        }
        for e in beam.exports() {
            // `module_info` and what else has no code of its own.
            let key = (module.clone(), name(e.function), e.arity);
            if !self.stubs.contains(&key) {
                self.defined.insert(key);
            }
        }
        for i in beam.imports() {
            let key = (name(i.module), name(i.function), i.arity);
            self.callers.entry(key).or_default().insert(module.clone());
        }
        self.modules.insert(module);
        Ok(())
    }

    /// Whether a function does nothing but refuse, itself or by a local function that Purlin does not supply.
    fn is_stub(
        &self,
        beam: &BeamFile,
        index: &CodeIndex,
        function: &Function,
        deeper: bool,
    ) -> Result<bool, BeamError> {
        let own = (beam.module().to_owned(), beam.atom(function.name).unwrap_or_default().to_owned(), function.arity);
        if !deeper && self.here.contains(&own) {
            return Ok(false);
        }
        let mut decoder = beam.code().decode(function.range.clone());
        let mut ins = Instruction::new();
        let mut refuses = false;
        while decoder.next(&mut ins)? {
            let refused = match (ins.op, ins.args().get(1)) {
                (Opcode::CallExt | Opcode::CallExtOnly | Opcode::CallExtLast, Some(&Operand::U(i))) => {
                    let is = |atom: u32, text| beam.atom(atom) == Some(text);
                    beam.imports()
                        .get(i as usize)
                        .is_some_and(|c| is(c.module, "erlang") && is(c.function, "nif_error"))
                }
                (Opcode::Call | Opcode::CallOnly | Opcode::CallLast, Some(&Operand::Label(label))) if deeper => {
                    match index.function_of_label(label).and_then(|f| index.functions.get(f)) {
                        Some(callee) => self.is_stub(beam, index, callee, false)?,
                        None => false,
                    }
                }
                (Opcode::Call | Opcode::CallOnly | Opcode::CallLast | Opcode::Return | Opcode::Jump, _) => false,
                _ => continue,
            };
            if !refused {
                return Ok(false);
            }
            refuses = true;
        }
        Ok(refuses)
    }

    fn lacking(&self) -> Vec<String> {
        let called = self.callers.keys().filter(|key| self.modules.contains(&key.0) && !self.defined.contains(key));
        let all: BTreeSet<&Name> = called.chain(&self.stubs).filter(|key| !self.here.contains(key)).collect();
        all.into_iter().map(|key| self.line(key)).collect()
    }

    fn line(&self, key: &Name) -> String {
        let (module, function, arity) = key;
        let name = format!("{module}:{function}/{arity}");
        let Some(by) = self.callers.get(key) else { return name };
        let some: Vec<_> = by.iter().take(3).map(String::as_str).collect();
        format!("{name}  (called by {}{})", some.join(", "), if by.len() > 3 { ", ..." } else { "" })
    }
}

fn beams(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Ok(()) };
    let mut here: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|x| x == "beam")).collect();
    here.sort();
    files.append(&mut here);
    Ok(())
}
