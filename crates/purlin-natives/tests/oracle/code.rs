//! Loading and running the installed libraries' own code.

use crate::caller::{eval, show};
use purlin_beam::BeamFile;
use purlin_term::external::{self, DecodeContext, EncodeOptions, FunParts};
use purlin_term::{Atom, Heap, Term};
use purlin_testkit::oracle::Oracle;
use purlin_vm::code::{Module, translate};
use purlin_vm::{Config, Ctx, Engine, Interpreter, Spawn};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn engine() -> Arc<Engine> {
    Engine::new(&purlin_natives::tables(), Config { schedulers: 1, ..Config::from_env().unwrap() })
}

/// The `.beam` files of the installed libraries whose path contains `part`.
fn beams(part: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for root in ["/usr/lib/erlang/lib", "/usr/lib/elixir/lib"] {
        for app in std::fs::read_dir(root).into_iter().flatten().flatten() {
            let ebin = app.path().join("ebin");
            let files = std::fs::read_dir(&ebin).into_iter().flatten().flatten().map(|e| e.path());
            out.extend(files.filter(|p| p.extension().is_some_and(|x| x == "beam")));
        }
    }
    out.retain(|p| p.to_string_lossy().contains(part));
    out.sort();
    out
}

#[test]
fn all_library_code_translates() {
    let engine = engine();
    let mut wrong = Vec::new();
    let mut functions = 0;
    for path in beams("") {
        let bytes = std::fs::read(&path).unwrap();
        match Module::prepare(&engine.code, &bytes) {
            Ok(m) => {
                for f in m.functions() {
                    functions += 1;
                    if let Err(e) = translate(&engine.code, f) {
                        wrong.push(format!("{}: {:?}: {e}", path.display(), f));
                    }
                }
            }
            Err(e) => wrong.push(format!("{}: {e}", path.display())),
        }
    }
    println!("{functions} functions");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}

/// On the real emulator a fun with too small an environment breaks the node when it is called.
#[test]
fn a_fun_of_other_numbers_than_its_lambdas_leads_to_no_code() {
    let engine = engine();
    let path = beams("/stdlib-").into_iter().find(|p| p.ends_with("erl_eval.beam")).unwrap();
    let bytes = std::fs::read(path).unwrap();
    let parts = |m: &Module, i: usize| {
        let l = &m.lambdas()[i];
        FunParts {
            module: l.module,
            index: l.index,
            uniq: l.uniq,
            old_index: l.old_index,
            old_uniq: l.old_uniq,
            arity: l.arity,
            num_free: l.num_free,
        }
    };
    let first = Module::prepare(&engine.code, &bytes).unwrap();
    let i = first.lambdas().iter().position(|l| l.num_free > 0).unwrap();
    let mut context = engine.code.decoding(true);
    let mut fun = |change: fn(&mut FunParts)| {
        let mut p = parts(first, i);
        change(&mut p);
        context.fun(p).unwrap()
    };
    let lies = [fun(|p| p.num_free = 0), fun(|p| p.num_free += 1), fun(|p| p.arity += 1), fun(|p| p.old_uniq += 1)];
    let truth = fun(|_| ());
    let m = Module::prepare(&engine.code, &bytes).unwrap();
    engine.code.finish(&[m]).unwrap();
    for (l, raw) in m.lambdas().iter().zip(m.file.lambdas()) {
        assert_eq!((u32::from(l.arity) + l.num_free, l.num_free), (raw.arity, raw.num_free));
    }
    assert!(Arc::ptr_eq(&truth, &m.lambdas()[i]) && engine.code.body_of(&truth).is_some());
    assert!(lies.iter().all(|l| engine.code.body_of(l).is_none()));
}

/// What a process ended with, as external term.
#[derive(Default)]
struct Ends(Mutex<HashMap<u64, Vec<u8>>>);

fn note_end(ctx: &mut Ctx<'_>, reason: Term) {
    let bytes = external::encode(reason, &EncodeOptions::default()).unwrap_or_default();
    ctx.engine.extension::<Ends>().0.lock().unwrap().insert(ctx.process.id(), bytes);
}

/// Compiles a program of `tests/oracle/code` on the real emulator, and loads it there.
fn compile(name: &str, oracle: &mut Oracle) -> Vec<u8> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/code").join(name);
    let text = format!(
        "{{ok, M, B}} = compile:file(\"{0}\", [binary]), {{module, M}} = code:load_binary(M, \"{0}.erl\", B), B",
        source.display()
    );
    let mut heap = Heap::new(0);
    let code = eval(oracle, &mut heap, &text).expect("compiles");
    code.as_bytes().expect("a binary").into_owned()
}

fn load(engine: &Arc<Engine>, m: &'static Module) {
    engine.code.finish(&[m]).unwrap();
    engine.code.link(m);
}

fn spawn(engine: &Arc<Engine>, module: &str, function: &str) -> u64 {
    let mut spawn = Spawn::new(Atom::new(module), Atom::new(function), &[]);
    spawn.system = module.starts_with("erts_");
    spawn.start(engine).unwrap().id()
}

/// Calls `Module:run/0` of a program in a process of its own and waits for the end; gives the reason.
fn run(program: &str, collect_always: bool, oracle: &mut Oracle, heap: &mut Heap) -> Term {
    let config = Config { schedulers: 1, collect_always, ..Config::from_env().unwrap() };
    let engine = Engine::new(&purlin_natives::tables(), config);
    engine.on_exit(note_end);
    for path in beams("/erts-") {
        let file = BeamFile::parse(&std::fs::read(path).unwrap()).unwrap();
        load(&engine, Module::prepare_preloaded(&engine.code, file).unwrap());
    }
    for path in beams("/stdlib-").into_iter().chain(beams("/kernel-")).chain(beams("/compiler-")) {
        load(&engine, Module::prepare(&engine.code, &std::fs::read(path).unwrap()).unwrap());
    }
    for code in ["finder", program] {
        load(&engine, Module::prepare(&engine.code, &compile(code, oracle)).unwrap());
    }
    for server in ["finder", "erts_code_purger"] {
        spawn(&engine, server, "start");
    }
    engine.start(Box::new(Interpreter));
    let id = spawn(&engine, program, "run");
    let started = Instant::now();
    let ends = engine.extension::<Ends>();
    let bytes = loop {
        if let Some(bytes) = ends.0.lock().unwrap().get(&id) {
            break bytes.clone();
        }
        assert!(started.elapsed() < Duration::from_secs(120), "{program} does not end");
        std::thread::sleep(Duration::from_millis(5));
    };
    engine.sched.halt(0, false);
    engine.wait();
    external::decode(&bytes, heap, &mut engine.code.decoding(false)).unwrap().0
}

/// As [`run`], on the real emulator.
fn run_there(program: &str, oracle: &mut Oracle, heap: &mut Heap) -> Term {
    let text = format!(
        "logger:set_primary_config(level, none), {{P, R}} = spawn_monitor({program}, run, []), receive {{'DOWN', R, process, P, W}} -> W end"
    );
    eval(oracle, heap, &text).expect("runs there")
}

/// Compares what a program's cases gave: lists of `{Name, Text}`.
fn check(program: &str, collect_always: bool) {
    let Some(mut oracle) = Oracle::start() else {
        eprintln!("no erl on this machine: nothing compared");
        return;
    };
    let mut heap = Heap::new(0);
    let ours = run(program, collect_always, &mut oracle, &mut heap);
    let theirs = run_there(program, &mut oracle, &mut heap);
    let mut differences = Vec::new();
    let text = |t: Term| String::from_utf8_lossy(&t.as_tuple().unwrap()[1].as_bytes().unwrap()).into_owned();
    let all = ours.as_list().filter(|l| l.iter().all(|t| t.is_tuple()));
    let Some(ours) = all else { panic!("{program} ended with {}", show(&mut oracle, &mut heap, ours)) };
    let theirs = theirs.as_list().expect("a list");
    assert_eq!(ours.len(), theirs.len());
    for (a, b) in ours.into_iter().zip(theirs) {
        if text(a) != text(b) {
            let name = a.as_tuple().unwrap()[0].as_atom().unwrap().name();
            differences.push(format!("{name}\n  ours:   {}\n  theirs: {}", text(a), text(b)));
        }
    }
    assert!(differences.is_empty(), "{} cases differ:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn language_constructs_do_the_same() {
    check("language", false);
}

#[test]
fn language_constructs_do_the_same_when_always_collecting() {
    check("language", true);
}

#[test]
fn code_is_loaded_and_purged_the_same() {
    check("loading", false);
}
