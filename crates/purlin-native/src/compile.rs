//! From intermediate code to machine code in memory.

use crate::cache::{self, Cache, Key};
use crate::emit;
use crate::flow::{Flow, Graph};
use crate::how::How;
use crate::leaving::Leaving;
use crate::links::{self, Symbol};
use crate::memory::{self, Area};
use crate::object::{Link, Object};
use cranelift_codegen::Context;
use cranelift_codegen::FinalizedRelocTarget;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::FunctionBuilderContext;
use md5::{Digest, Md5};
use purlin_vm::code::compiler::{MachineCode, Prepared, Unit};
use purlin_vm::code::export::About;
use purlin_vm::code::instr::Instr;
use purlin_vm::tier::reference::layout;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

/// Bytes before the code of an entry: what loads x0 and x1, for who comes from handlers. Who comes from machine code has them
/// and goes to what is behind.
pub const BEFORE: usize = 16;

/// Functions with more instructions stay with the handlers.
const MOST_INSTRUCTIONS: usize = 3000;

/// Loops with more instructions are not worth much effort.
const LOOP: usize = 200;

/// An entry from which fewer instructions are run is not worth one.
const FEWEST: usize = 2;

/// How much is done for a function.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// What this crate does itself; making machine code of that takes less than half the time.
    Little,
    /// All that the back end can do besides, for loops.
    Much,
}

/// The platform, as code is made for it; `None` for one that the compiler does not know.
fn isa(effort: Effort) -> Option<&'static OwnedTargetIsa> {
    static ISA: [OnceLock<Option<OwnedTargetIsa>>; 2] = [const { OnceLock::new() }; 2];
    ISA[effort as usize]
        .get_or_init(|| {
            let mut flags = settings::builder();
            // The convention of tail calls wants frame pointers here.
            for (name, value) in [
                ("opt_level", if effort == Effort::Much { "speed" } else { "none" }),
                ("preserve_frame_pointers", "true"),
                ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
                ("unwind_info", "false"),
                ("enable_probestack", "false"),
            ] {
                flags.set(name, value).ok()?;
            }
            cranelift_native::builder().ok()?.finish(settings::Flags::new(flags)).ok()
        })
        .as_ref()
}

/// A small function that calls itself is a loop.
fn effort(flow: &Flow) -> Effort {
    let calls_itself = |i: usize| match *flow.instr(i) {
        Instr::Call(f) | Instr::CallLast(f, _) | Instr::CallOnly(f) => std::ptr::eq(f, flow.entry),
        _ => false,
    };
    if flow.ops.len() <= LOOP && (0..flow.ops.len()).any(calls_itself) { Effort::Much } else { Effort::Little }
}

/// Loads x0 and x1 from their homes into the registers that an entry has them in.
fn before() -> [u8; BEFORE] {
    let (x0, x1) = ((layout::X as i32).to_le_bytes(), (layout::X as i32 + 8).to_le_bytes());
    let mut bytes = [0; BEFORE];
    bytes[..2].copy_from_slice(&[0x66, 0x90]);
    // mov r9, [rdi + x0]
    bytes[2..5].copy_from_slice(&[0x4C, 0x8B, 0x8F]);
    bytes[5..9].copy_from_slice(&x0);
    // mov rsi, [rdi + x1]
    bytes[9..12].copy_from_slice(&[0x48, 0x8B, 0xB7]);
    bytes[12..16].copy_from_slice(&x1);
    bytes
}

/// Where machine code of the function is entered: where it begins, where it comes back to, behind what is left to handlers.
fn entries(flow: &Flow, covers: &dyn Fn(usize) -> usize) -> BTreeSet<usize> {
    let mut all = BTreeSet::from([flow.start]);
    for i in 0..flow.ops.len() {
        let u = &flow.uses[i];
        match flow.how(i) {
            How::Call if !u.ends => _ = all.insert(i + 1),
            How::Leave if !u.ends => _ = all.insert(i + 1 + covers(i)),
            How::Leave => all.extend(u.jumps.iter().copied()),
            How::Inline => {
                if let Instr::Catch { handler, .. } = *flow.instr(i) {
                    all.insert(purlin_vm::code::isa::target(i, handler));
                }
            }
            // What goes elsewhere, or waits, comes back here.
            How::Step if u.calls || matches!(flow.instr(i), Instr::Send) => _ = all.insert(i + 1),
            How::Call | How::Step => {}
        }
    }
    all.retain(|&i| i < flow.ops.len() && worth(flow, i));
    all
}

/// Whether there is enough to do from an entry on.
fn worth(flow: &Flow, entry: usize) -> bool {
    let graph = Graph::from(flow, entry);
    let inline = |b: &usize| (*b..graph.blocks[b].end).filter(|&i| flow.how(i) != How::Leave).count();
    let all: usize = graph.order.iter().map(inline).sum();
    all >= FEWEST && flow.how(entry) != How::Leave
}

/// The intermediate code of a function's entries, and for what it is to be compiled.
pub struct Emitted {
    start: usize,
    isa: &'static OwnedTargetIsa,
    area: &'static Area,
    entries: Vec<(usize, ir::Function)>,
    /// What is referred to, in this run.
    words: HashMap<Symbol, u64>,
    /// Under what the machine code is kept for other runs.
    kept: Option<Key>,
}

/// The intermediate code of a function, or why there is no use in machine code of it.
pub fn prepare(unit: &Unit<'_>) -> Result<Emitted, &'static str> {
    if unit.ops.len() > MOST_INSTRUCTIONS {
        return Err("it is too large");
    }
    let area = memory::area().ok_or("the system forbids it")?;
    let flow = Flow::of(unit).ok_or("it has too many registers")?;
    let isa = isa(effort(&flow)).ok_or("the processor is not known")?;
    let mut builder = FunctionBuilderContext::new();
    let all = entries(&flow, unit.covers);
    if all.is_empty() {
        return Err("handlers do nearly all of it");
    }
    let has_start = all.contains(&flow.start);
    let leaving = Leaving::of(unit);
    let mut words = HashMap::new();
    let mut emit = |entry| {
        let (function, symbols) =
            emit::emit(&flow, entry, &mut builder, area.addresses(), has_start, isa.frontend_config(), &leaving);
        words.extend(symbols);
        (entry, function)
    };
    let entries = all.into_iter().map(&mut emit).collect();
    Ok(Emitted { start: flow.start, isa, area, entries, words, kept: unit.keeps.then(|| key(unit)) })
}

fn key(unit: &Unit<'_>) -> Key {
    let About { module, index, .. } = **unit.entry;
    let fingerprint = links::fingerprint(unit.ops);
    Key { module: module.name.name(), checksum: module.md5, function: index, fingerprint }
}

/// The cache of this build, on this processor.
fn cache() -> Option<&'static Cache> {
    cache::cache(|| {
        let program = std::fs::metadata("/proc/self/exe").ok()?;
        let mut sum = Md5::new();
        for n in [program.dev(), program.ino(), program.len(), program.mtime() as u64, program.mtime_nsec() as u64] {
            sum.update(n.to_le_bytes());
        }
        for effort in [Effort::Little, Effort::Much] {
            let isa = isa(effort)?;
            isa.flags().iter().for_each(|flag| sum.update(flag.to_string()));
            isa.isa_flags().iter().for_each(|flag| sum.update(flag.to_string()));
        }
        Some(cache::hex(&sum.finalize()))
    })
}

/// The machine code of a function that was kept in an earlier run.
pub fn kept(unit: &Unit<'_>) -> Option<Box<dyn MachineCode>> {
    let cache = cache()?;
    if !cache.has_module(&unit.entry.module.md5) {
        return None;
    }
    let object = cache.find(&key(unit), unit.ops.len())?;
    let area = memory::area()?;
    object.place(area, |symbol| symbol.word(unit.ops, area.addresses().0))
}

impl Prepared for Emitted {
    fn finish(mut self: Box<Self>) -> Option<Box<dyn MachineCode>> {
        let object = crate::guarded(|| self.object(|_, _| ()))?;
        if let Some((cache, key)) = cache().zip(self.kept) {
            cache.keep(&key, &object);
        }
        object.place(self.area, |symbol| self.words.get(&symbol).copied())
    }
}

impl Emitted {
    /// The machine code; `origin` is told which bytes of it an instruction became.
    pub fn object(&mut self, mut origin: impl FnMut(Range<usize>, usize)) -> Option<Object> {
        let mut object = Object::default();
        let mut calls = Vec::new();
        for (entry, function) in std::mem::take(&mut self.entries) {
            let mut context = Context::for_function(function);
            let failed =
                context.compile(&**self.isa, &mut ControlPlane::default()).err().map(|e| format!("{:?}", e.inner));
            if let Some(e) = failed {
                debug_assert!(false, "entry {entry}: {e}\n{}", context.func.display());
                return None;
            }
            let made = context.compiled_code()?;
            let bytes = &mut object.bytes;
            bytes.resize(bytes.len().next_multiple_of(BEFORE), 0xCC);
            object.entries.push((entry as u32, bytes.len() as u32));
            bytes.extend(before());
            for r in made.buffer.relocs() {
                let at = bytes.len() + r.offset as usize;
                let FinalizedRelocTarget::ExternalName(ir::ExternalName::User(name)) = r.target else { return None };
                let name = &context.func.params.user_named_funcs()[name];
                match (r.kind, Symbol::of_numbers(name.namespace, name.index)) {
                    (Reloc::X86CallPCRel4, Symbol::Start) => calls.push((at, r.addend)),
                    (Reloc::Abs8, symbol) => {
                        let addend = i32::try_from(r.addend).ok()?;
                        object.links.push(Link { at: at as u32, symbol, addend });
                    }
                    _ => return None,
                }
            }
            for l in made.buffer.get_srclocs_sorted().iter().filter(|l| !l.loc.is_default()) {
                origin(bytes.len() + l.start as usize..bytes.len() + l.end as usize, l.loc.bits() as usize);
            }
            bytes.extend(made.code_buffer());
        }
        let start = object.entries.iter().find(|e| e.0 as usize == self.start).map_or(0, |e| e.1 as usize + BEFORE);
        for (at, addend) in calls {
            let distance = start as i64 - at as i64 + addend;
            object.bytes[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes());
        }
        Some(object)
    }
}
