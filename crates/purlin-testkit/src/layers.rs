//! What ARCHITECTURE.md says of who does not know whom, held against the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The crates that each crate may depend on.
const CRATES: &[(&str, &[&str])] = &[
    ("purlin-term", &[]),
    ("purlin-beam", &[]),
    ("purlin-regex", &["purlin-term"]),
    ("purlin-vm", &["purlin-term", "purlin-beam"]),
    ("purlin-natives", &["purlin-term", "purlin-beam", "purlin-vm", "purlin-regex"]),
    ("purlin-ffi", &["purlin-term", "purlin-vm", "purlin-natives"]),
    ("purlin-native", &["purlin-term", "purlin-vm"]),
    ("purlin-races", &["purlin-term", "purlin-vm"]),
    (
        "purlin",
        &["purlin-term", "purlin-beam", "purlin-vm", "purlin-natives", "purlin-ffi", "purlin-native", "purlin-races"],
    ),
    ("purlin-cli", &["purlin", "purlin-term", "purlin-beam", "purlin-vm", "purlin-natives"]),
];

/// A name, the modules in it, and the layers that it may name besides its own.
type Layer = (&'static str, &'static [&'static str], &'static [&'static str]);

/// The layers of `purlin-vm` from the ground up. Two layers that do not name each other stand side by side.
const LAYERS: &[Layer] = &[
    ("ground", &["allocator", "clock", "settings", "state", "sync"], &[]),
    ("process", &["process"], &["ground"]),
    ("timer", &["timer"], &["ground", "process"]),
    ("sched", &["sched"], &["ground", "process"]),
    ("code", &["code"], &["ground", "process"]),
    ("engine", &["engine", "tracing"], &["ground", "process", "timer", "sched", "code"]),
    ("messaging", &["messaging"], &["ground", "process", "timer", "sched", "code", "engine"]),
    ("lifecycle", &["lifecycle"], &["ground", "process", "timer", "sched", "code", "engine", "messaging"]),
    ("threads", &["threads"], &["ground", "process", "timer", "sched", "code", "engine", "messaging", "lifecycle"]),
    ("tier", &["tier"], &["ground", "process", "timer", "sched", "code", "engine", "messaging", "lifecycle"]),
];

/// The topics of `purlin-natives`, in layers as above.
const TOPICS: &[Layer] = &[
    (
        "ground",
        &["backtrace", "byte_queue", "console", "environment", "errno", "loop_limit", "on_break", "taints", "until"],
        &[],
    ),
    ("data", &["asn1", "atomics", "code", "crypto", "data", "persistent_term", "re", "zlib"], &["ground"]),
    ("files", &["file"], &["ground"]),
    ("terminal", &["tty"], &["ground", "files"]),
    ("ports", &["port"], &["ground", "data", "terminal"]),
    ("sockets", &["net", "socket"], &["ground", "files", "ports"]),
    ("tracing", &["match_spec", "trace"], &["ground", "ports"]),
    ("tables", &["ets"], &["ground", "tracing"]),
    ("processes", &["process"], &["ground", "tracing"]),
    ("nodes", &["dist"], &["ground", "data", "ports", "processes"]),
    ("system", &["debug", "host"], &["ground", "data", "terminal", "ports", "tracing", "tables", "processes", "nodes"]),
];

/// Parts of a topic that topics of other layers may name: all else is named by what the topic itself hands out.
const DOORS: &[&str] =
    &["data::packet", "ets::registry", "port::inet::sys", "port::poll", "process::heap_limit", "trace::sequential"];

/// Types of a higher layer that a file of a lower one only passes on: it names them, and calls nothing of theirs.
const FORWARD: &[(&str, &str)] = &[
    // What a request is given by whoever has the receiver carry it out.
    ("process/signal.rs", "engine::Engine"),
    // Where a process goes on, what it calls next, and what its time is charged to.
    ("process/data.rs", "code::instr::Op"),
    ("process/escape.rs", "code::FnEntry"),
    ("process/escape.rs", "code::NativeEntry"),
    ("process/rare.rs", "code::points::Point"),
    // What a native and a match specification are called with.
    ("code/native.rs", "engine::context::Ctx"),
    ("code/points.rs", "engine::context::Ctx"),
];

/// Where `unsafe` code may be: whole crates, and single files of others.
const UNSAFE: &[&str] = &[
    "purlin-term/src",
    "purlin-vm/src",
    "purlin-regex/src",
    "purlin-ffi/src",
    "purlin-native/src",
    "purlin-races/src/fork.rs",
    "purlin-natives/src/port/fds.rs",
    "purlin-natives/src/port/inet/sys.rs",
    "purlin-natives/src/port/resolver/sys.rs",
    "purlin-natives/src/host/calendar.rs",
    "purlin-natives/src/net/sys.rs",
    "purlin-natives/src/socket/sys.rs",
    "purlin-natives/src/zlib/stream.rs",
    "purlin-cli/src/main.rs",
];

/// What changes and is the whole program's, so that engines share it.
const SHARED: &[(&str, &[&str])] = &[
    // Atoms, and the area of literals with what refers to it.
    ("purlin-term/src/atom.rs", &["ENTRIES", "STARTS", "TABLE"]),
    // What magic references stand for that were written, by ids that no two engines have.
    ("purlin-term/src/magic.rs", &["WRITTEN"]),
    // The node that identifiers without a name are of.
    ("purlin-term/src/remote.rs", &["THIS_NODE"]),
    // The release whose values the program's are.
    ("purlin-term/src/release.rs", &["OF_VALUES"]),
    ("purlin-term/src/literal.rs", &["BASE", "CONDEMNED", "STORE"]),
    ("purlin-vm/src/code/consts.rs", &["POOL"]),
    ("purlin-vm/src/code/retired.rs", &["ROUND"]),
    // Memory: what threads have allocated, and how much there is.
    ("purlin-term/src/account.rs", &["LIVING", "ENDED"]),
    ("purlin-term/src/binary.rs", &["MEMORY"]),
    // Counters whose values mean nothing but that they differ, and the presence of threads.
    ("purlin-natives/src/ets/registry.rs", &["NEXT"]),
    ("purlin-vm/src/code/module.rs", &["FREED"]),
    ("purlin-vm/src/code/ranges.rs", &["REMOVALS"]),
    ("purlin-vm/src/process/grace.rs", &["ALL"]),
    ("purlin-vm/src/state.rs", &["NEXT"]),
    // Memory for machine code, and for which platform that is made.
    ("purlin-native/src/cache.rs", &["CACHE", "DIRECTORY"]),
    ("purlin-native/src/compile.rs", &["ISA"]),
    ("purlin-native/src/memory.rs", &["AREA"]),
    // A lock that is held for a few stores.
    ("purlin-vm/src/code/export.rs", &["BREAKPOINTS"]),
    // Found out once, and the same ever after.
    ("purlin-natives/src/data/md5.rs", &["CONSTANTS"]),
    ("purlin-natives/src/file/name.rs", &["UTF8"]),
    ("purlin-regex/src/tables.rs", &["TABLES"]),
    // What libraries in C see: the one engine that loads them, and what is the program's: keys of their
    // threads' data, ports by the words that name them, threads for drivers' work, and strings that stay.
    ("purlin-ffi/src/driver/functions.rs", &["NAMES"]),
    ("purlin-ffi/src/driver/poll.rs", &["NEXT"]),
    ("purlin-ffi/src/driver/pool.rs", &["QUEUES", "STARTED"]),
    ("purlin-ffi/src/driver/port.rs", &["PORTS"]),
    ("purlin-ffi/src/lib.rs", &["ENGINE"]),
    ("purlin-ffi/src/system.rs", &["VERSIONS"]),
    ("purlin-ffi/src/threads.rs", &["KEYS"]),
    // Native libraries are the program's: the engine that loads them, and what they have.
    ("purlin-ffi/src/lib.rs", &["ENGINE"]),
    ("purlin-ffi/src/monitor.rs", &["DOWN"]),
    ("purlin-ffi/src/resource.rs", &["TYPES"]),
    ("purlin-ffi/src/select.rs", &["SELECTED"]),
    // The program's terminal, its signals, and its one line of last words.
    ("purlin-natives/src/on_break.rs", &["ON_BREAK"]),
    ("purlin-natives/src/host/break_menu.rs", &["OPEN"]),
    ("purlin-natives/src/until.rs", &["STANDARD_INPUT"]),
    ("purlin-natives/src/tty.rs", &["MODES"]),
    ("purlin-vm/src/threads.rs", &["TOLD"]),
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
    found.sort();
    found
}

/// The sources of all crates that are part of the product, without those of tests.
fn product() -> Vec<(String, String)> {
    let of_product = |(path, _): &(String, String)| {
        path.contains("/src/") && !path.ends_with("tests.rs") && !path.contains("/tests/") && !path.contains("testkit")
    };
    sources(&crates()).into_iter().filter(of_product).map(|(path, text)| (path, without_tests(&text))).collect()
}

/// A source without its comments, and up to its tests, which stand at its end.
fn without_tests(source: &str) -> String {
    let lines = source.lines().filter(|l| !l.trim_start().starts_with("//"));
    let code = lines.take_while(|l| !l.starts_with("#[cfg(all(test") && *l != "#[cfg(test)]");
    code.flat_map(|l| [l, "\n"]).collect()
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The paths of a use tree, which may have `{...}` in it, each behind `prefix`.
fn expand(tree: &str, prefix: &[String], found: &mut BTreeSet<Vec<String>>) {
    let mut path = prefix.to_vec();
    let mut rest = tree.trim_start();
    loop {
        if let Some(inner) = rest.strip_prefix('{') {
            let (mut depth, mut start) = (0, 0);
            for (i, c) in inner.char_indices() {
                match c {
                    '{' => depth += 1,
                    ',' if depth == 0 => {
                        expand(&inner[start..i], &path, found);
                        start = i + 1;
                    }
                    '}' if depth == 0 => return expand(&inner[start..i], &path, found),
                    '}' => depth -= 1,
                    _ => {}
                }
            }
            return;
        }
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        if end > 0 && &rest[..end] != "self" {
            path.push(rest[..end].to_owned());
        }
        match rest[end..].strip_prefix("::") {
            Some(next) if end > 0 => rest = next,
            _ => break,
        }
    }
    found.insert(path);
}

/// The paths below `crate` that a source names, `super` followed from its module.
fn paths(module: &[String], source: &str) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    for (start, word) in source.match_indices("crate::").chain(source.match_indices("super::")) {
        if source[..start].ends_with(|c| is_name(c) || c == ':') {
            continue;
        }
        let (mut at, mut rest) = (module.to_vec(), &source[start..]);
        if word == "crate::" {
            at.clear();
            rest = &rest[word.len()..];
        }
        while let Some(next) = rest.strip_prefix("super::") {
            at.pop();
            rest = next;
        }
        expand(rest, &at, &mut found);
    }
    found
}

/// What `pub use` of a crate's root gives another path.
fn aliases(root: &str) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for line in root.split(';').filter_map(|l| l.trim_start().strip_prefix("pub use ")) {
        let (tree, name) = line.split_once(" as ").map_or((line, None), |(tree, name)| (tree, Some(name)));
        let mut paths = BTreeSet::new();
        expand(tree, &[], &mut paths);
        for path in paths {
            let last = path.last().expect("a path has a name").clone();
            found.insert(name.map_or(last, str::to_owned), path);
        }
    }
    found
}

/// The module of a file.
fn module_of(path: &str) -> Vec<String> {
    path.trim_end_matches(".rs").trim_end_matches("/mod").split('/').map(str::to_owned).collect()
}

fn layer_of(layers: &'static [Layer], module: &str) -> &'static Layer {
    layers.iter().find(|l| l.1.contains(&module)).unwrap_or_else(|| panic!("{module} is in no layer"))
}

/// A file, its layer, and what of another layer it names, with that layer.
type Naming = (String, &'static Layer, Vec<String>, &'static str);

/// What the files of a crate name of other layers than their own.
fn namings(of: &str, layers: &'static [Layer]) -> Vec<Naming> {
    let sources = sources(&crates().join(of).join("src"));
    let root = &sources.iter().find(|(path, _)| path == "lib.rs").expect("a crate has a root").1;
    let aliases = aliases(root);
    let mut found = Vec::new();
    for (path, text) in sources.iter().filter(|(path, _)| path != "lib.rs" && !path.ends_with("tests.rs")) {
        let module = module_of(path);
        let layer = layer_of(layers, &module[0]);
        for mut to in paths(&module, &without_tests(text)) {
            if let Some(path) = to.first().and_then(|first| aliases.get(first)) {
                to.splice(..1, path.iter().cloned());
            }
            let Some(first) = to.first() else { continue };
            let target = layer_of(layers, first).0;
            if target != layer.0 {
                found.push((path.clone(), layer, to, target));
            }
        }
    }
    found
}

#[test]
fn layers_name_only_what_stands_below_them() {
    let mut forward: BTreeSet<(String, String)> = BTreeSet::new();
    let mut met = BTreeSet::new();
    for (path, &(name, _, below), to, target) in namings("purlin-vm", LAYERS) {
        let to = to.join("::");
        if below.contains(&target) {
            continue;
        } else if FORWARD.contains(&(path.as_str(), to.as_str())) {
            forward.insert((path, to));
        } else {
            met.insert(format!("{path} ({name}) names {to} ({target})"));
        }
    }
    assert!(met.is_empty(), "{met:#?}");
    let unused = FORWARD.iter().filter(|(path, to)| !forward.contains(&((*path).into(), (*to).into())));
    assert_eq!(unused.collect::<Vec<_>>(), Vec::<&(&str, &str)>::new(), "no file names these any more");
}

#[test]
fn topics_name_the_doors_of_those_below_them() {
    let mut met = BTreeSet::new();
    for (path, &(name, _, below), to, target) in namings("purlin-natives", TOPICS) {
        // What is named is the last part, and may be a function of a topic's root.
        let within = to[..to.len() - 1].join("::");
        let by_a_door = to.len() <= 2 || [within, to.join("::")].iter().any(|path| DOORS.contains(&path.as_str()));
        if !below.contains(&target) || !by_a_door {
            met.insert(format!("{path} ({name}) names {} ({target})", to.join("::")));
        }
    }
    assert!(met.is_empty(), "{met:#?}");
}

#[test]
fn layers_stand_on_lower_ones_and_are_all_there() {
    for (of, layers) in [("purlin-vm", LAYERS), ("purlin-natives", TOPICS)] {
        for (i, (name, modules, below)) in layers.iter().enumerate() {
            let lower: Vec<&str> = layers[..i].iter().map(|l| l.0).collect();
            assert!(below.iter().all(|b| lower.contains(b)), "{name} names what does not stand below it");
            for module in *modules {
                let file = crates().join(format!("{of}/src/{module}.rs"));
                assert!(file.exists(), "there is no {}", file.display());
            }
        }
    }
}

#[test]
fn crates_depend_on_those_below_them() {
    for (name, may) in CRATES {
        let manifest = std::fs::read_to_string(crates().join(name).join("Cargo.toml")).expect("a crate has a manifest");
        let section = manifest.split("\n[dependencies]").nth(1).unwrap_or_default();
        let section = section.split("\n[").next().unwrap_or_default();
        let named = section.lines().filter_map(|l| l.split(['.', ' ', '=']).next()).filter(|n| n.starts_with("purlin"));
        let met: Vec<&str> = named.filter(|n| !may.contains(n)).collect();
        assert!(met.is_empty(), "{name} depends on {met:?}");
    }
}

#[test]
fn unsafe_code_is_where_it_may_be() {
    let found = product().into_iter().filter(|(_, text)| text.contains("unsafe {")).map(|(path, _)| path);
    let met: Vec<String> = found.filter(|path| !UNSAFE.iter().any(|u| path.starts_with(u))).collect();
    assert!(met.is_empty(), "unsafe code in {met:#?}");
}

/// The statics of a source that can change and are not a thread's own.
fn changing(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut threads_own = false;
    for line in source.lines() {
        threads_own = (threads_own || line.trim_start().starts_with("thread_local!")) && line != "}";
        let Some(at) = line.find("static ").filter(|_| !threads_own) else { continue };
        let before = line[..at].trim();
        let Some((name, of)) = line[at + "static ".len()..].split_once(':') else { continue };
        let kind = of.split('=').next().unwrap_or_default();
        let changes =
            ["Atomic", "Mutex", "RwLock", "Once", "Lock<", "Condvar", "Counters"].iter().any(|k| kind.contains(k));
        if (before.is_empty() || before.starts_with("pub")) && changes {
            found.insert(name.to_owned());
        }
    }
    found
}

#[test]
fn engines_share_only_what_is_listed() {
    let mut found = BTreeMap::new();
    for (path, text) in product() {
        let statics = changing(&text);
        if !statics.is_empty() {
            found.insert(path, statics);
        }
    }
    let names = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect::<BTreeSet<String>>();
    let listed: BTreeMap<String, BTreeSet<String>> = SHARED.iter().map(|(p, n)| ((*p).to_owned(), names(n))).collect();
    assert_eq!(found, listed);
}

#[test]
fn a_use_tree_gives_all_its_paths() {
    let mut found = BTreeSet::new();
    expand("a::{self, b::{C, d::E}, F};\nuse crate::other", &[], &mut found);
    let found: Vec<String> = found.into_iter().map(|p| p.join("::")).collect();
    assert_eq!(found, ["a", "a::F", "a::b::C", "a::b::d::E"]);
    let module = module_of("tier/handlers/pick.rs");
    let named =
        paths(&module, "use super::super::x;\nlet y = crate::z::w(1); // supercrate::no\nuse super::{self, v};");
    let named: Vec<String> = named.into_iter().map(|p| p.join("::")).collect();
    assert_eq!(named, ["tier::handlers", "tier::handlers::v", "tier::x", "z::w"]);
}
