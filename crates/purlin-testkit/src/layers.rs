//! What ARCHITECTURE.md says of who does not know whom, held against the sources.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Modules of `purlin-vm` that do not name another one outside of their tests.
const STRANGERS: &[(&str, &[&str])] = &[
    ("clock", &["engine", "process"]),
    ("code", &["lifecycle", "messaging", "sched", "tier", "tracing"]),
    ("process", &["lifecycle", "messaging", "sched", "tier", "timer", "tracing"]),
    ("sched", &["tier"]),
    ("timer", &["lifecycle", "messaging", "sched", "tier"]),
    ("tracing", &["messaging", "tier"]),
];

/// Where `unsafe` code may be: whole crates, and single files of others.
const UNSAFE: &[&str] = &[
    "purlin-term/src",
    "purlin-vm/src",
    "purlin-regex/src",
    "purlin-natives/src/port/fds.rs",
    "purlin-natives/src/port/inet/sys.rs",
    "purlin-natives/src/host/calendar.rs",
    "purlin-natives/src/zlib/stream.rs",
    "purlin-cli/src/main.rs",
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is among others").to_owned()
}

/// The sources below `dir`, with their paths from there.
fn sources(dir: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut left = vec![dir.to_owned()];
    while let Some(at) = left.pop() {
        for entry in std::fs::read_dir(&at).expect("a folder of sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(dir).expect("it is below").to_string_lossy().into_owned();
                found.push((name, std::fs::read_to_string(&path).expect("it can be read")));
            }
        }
    }
    found
}

/// The modules of its crate that a source names, its tests and its comments left out.
fn names(source: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(all(test").next().unwrap_or_default();
    let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
    let mut found = BTreeSet::new();
    for line in lines {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            found.insert(rest[..end].to_owned());
        }
    }
    found
}

#[test]
fn modules_do_not_know_what_stands_above_them() {
    let sources = sources(&crates().join("purlin-vm/src"));
    let mut met = Vec::new();
    for (module, strangers) in STRANGERS {
        let mut any = false;
        for (path, text) in &sources {
            let top = path.split('/').next().unwrap_or_default().trim_end_matches(".rs");
            if top != *module || path.ends_with("tests.rs") {
                continue;
            }
            any = true;
            let known = names(text);
            met.extend(strangers.iter().filter(|s| known.contains(**s)).map(|s| format!("{path} names {s}")));
        }
        assert!(any, "there is no module {module}");
    }
    assert!(met.is_empty(), "{met:#?}");
}

#[test]
fn unsafe_code_is_where_it_may_be() {
    let mut met = Vec::new();
    for (path, text) in sources(&crates()) {
        let has = text.lines().any(|l| !l.trim_start().starts_with("//") && l.contains("unsafe {"));
        let product = path.contains("/src/") && !path.ends_with("tests.rs");
        if has && product && !UNSAFE.iter().any(|u| path.starts_with(u)) && !path.ends_with("layers.rs") {
            met.push(path);
        }
    }
    assert!(met.is_empty(), "unsafe code in {met:#?}");
}
