//! Runs the test program on processes, without the rest of OTP: only the preloaded modules and a few libraries.

use purlin_term::{Atom, Term};
use purlin_vm::code::Module;
use purlin_vm::{Config, Engine, Interpreter, Native, Spawn};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Where OTP is, and an `erlc`; `None` when this machine has none.
fn otp() -> Option<PathBuf> {
    let root = Path::new("/usr/lib/erlang");
    (root.is_dir() && Command::new("erlc").arg("-help").output().is_ok()).then(|| root.to_owned())
}

/// The directory of a library's modules, whatever its version.
fn ebin(otp: &Path, library: &str) -> PathBuf {
    let all = std::fs::read_dir(otp.join("lib")).expect("OTP has libraries");
    let found = all.flatten().find(|d| d.file_name().to_string_lossy().starts_with(&format!("{library}-")));
    found.expect("OTP has the library").path().join("ebin")
}

fn load(engine: &Arc<Engine>, path: &Path) {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let m = Module::prepare(&engine.code, &bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    engine.code.finish(&[m]).expect("the module is not loaded yet");
    engine.code.link(m);
}

fn run(config: Config) -> Option<i32> {
    let otp = otp()?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/process/tests/purlin_process_tests.erl");
    let out =
        std::env::temp_dir().join(format!("purlin-process-{}-{:?}", std::process::id(), std::thread::current().id()));
    std::fs::create_dir_all(&out).expect("a temporary directory");
    let done = Command::new("erlc").arg("-o").arg(&out).arg(&source).status().expect("erlc runs");
    assert!(done.success(), "the test program compiles");
    let mut tables = crate::tables();
    if !tables.iter().any(|t| t.iter().any(|n| n.module == "erlang" && n.function == "display")) {
        tables.push(DISPLAY);
    }
    let engine = Engine::new(&tables, config);
    for name in ["erlang", "erts_internal", "erl_tracer", "init"] {
        load(&engine, &ebin(&otp, "erts").join(format!("{name}.beam")));
    }
    load(&engine, &ebin(&otp, "stdlib").join("lists.beam"));
    load(&engine, &out.join("purlin_process_tests.beam"));
    let _ = std::fs::remove_dir_all(&out);
    let leader = Spawn::new(Atom::new("purlin_process_tests"), Atom::new("run"), &[] as &[Term]);
    let leader = leader.start(&engine).expect("there is room for a process");
    engine.start(Box::new(Interpreter));
    let watched = engine.clone();
    std::thread::spawn(move || {
        let start = std::time::Instant::now();
        while !leader.is_exiting() && !watched.sched.is_halted() && start.elapsed().as_secs() < 120 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        watched.sched.halt(99, false);
    });
    Some(engine.wait().status())
}

/// `erlang:display/1` as far as the program's complaints need it.
const DISPLAY: &[Native] = &[Native::plain("erlang", "display", 1, |_, a| {
    eprintln!("{}", shown(a[0]));
    Ok(Term::bool(true))
})];

fn shown(t: Term) -> String {
    let all = |ts: &[Term]| ts.iter().map(|&t| shown(t)).collect::<Vec<_>>().join(",");
    if let Some(e) = t.as_tuple() {
        return format!("{{{}}}", all(e));
    }
    if let Some(b) = t.as_bytes() {
        return format!("<<{:?}>>", String::from_utf8_lossy(&b));
    }
    match t.as_list() {
        Some(l) if !l.is_empty() => match t.list_text().filter(|s| s.chars().all(|c| (' '..='~').contains(&c))) {
            Some(text) => format!("{text:?}"),
            None => format!("[{}]", all(&l)),
        },
        _ => match t.as_flat_map() {
            Some((k, v)) => format!("#{{{} => {}}}", all(k), all(v)),
            None => format!("{t:?}"),
        },
    }
}

/// The program's status must be 0; without OTP there is nothing to run.
fn check(config: Config) {
    match run(config) {
        Some(status) => assert_eq!(status, 0, "the program tells above what failed"),
        None => eprintln!("skipped: no OTP and erlc on this machine"),
    }
}

#[test]
fn processes_behave_as_on_the_beam_with_one_scheduler() {
    check(Config { schedulers: 1, ..Config::from_env().unwrap() });
}

#[test]
fn processes_behave_as_on_the_beam_with_four_schedulers() {
    check(Config { schedulers: 4, ..Config::from_env().unwrap() });
}

#[test]
fn processes_behave_as_on_the_beam_when_everything_is_collected_always() {
    check(Config { schedulers: 2, collect_always: true, ..Config::from_env().unwrap() });
}
