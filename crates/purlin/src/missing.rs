//! Which of the emulator's functions the installed libraries call and Purlin lacks.

use crate::boot::PRELOADED;
use crate::install::{Elixir, Otp};
use purlin_beam::BeamFile;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

type Name = (String, String, u8);

/// A line for each missing function: `Module:Function/Arity`, and some of the modules that call it.
///
/// A function is the emulator's when a library module imports it from a module that has it not in its file, or has
/// it there as a stub (`erlang:nif_error`, or a function that the emulator replaces).
pub fn list(otp: &Otp, elixir: &Elixir) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    for app in ["kernel", "stdlib", "compiler", "erts"] {
        for dir in std::fs::read_dir(otp.root.join("lib"))?.flatten() {
            if dir.file_name().to_string_lossy().starts_with(&format!("{app}-")) {
                beams(&dir.path().join("ebin"), &mut files)?;
            }
        }
    }
    for dir in elixir.ebins() {
        beams(Path::new(&dir), &mut files)?;
    }
    let natives: BTreeSet<Name> = purlin_natives::tables()
        .iter()
        .flat_map(|t| t.iter())
        .map(|n| (n.module.to_owned(), n.function.to_owned(), n.arity))
        .collect();
    let mut defined: BTreeSet<Name> = BTreeSet::new();
    let mut callers: BTreeMap<Name, BTreeSet<String>> = BTreeMap::new();
    let mut modules = BTreeSet::new();
    for file in files {
        let bytes = std::fs::read(&file)?;
        let beam = BeamFile::parse(&bytes).map_err(|e| io::Error::other(format!("{}: {e}", file.display())))?;
        let module = beam.module().to_owned();
        let name = |i: u32| beam.atom(i).unwrap_or_default().to_owned();
        for e in beam.exports() {
            defined.insert((module.clone(), name(e.function), e.arity));
        }
        for i in beam.imports() {
            let key = (name(i.module), name(i.function), i.arity);
            callers.entry(key).or_default().insert(module.clone());
        }
        modules.insert(module);
    }
    let preloaded = |m: &str| PRELOADED.contains(&m) || m == "erlang";
    Ok(callers
        .into_iter()
        .filter(|(key, _)| modules.contains(&key.0) && !defined.contains(key) && !natives.contains(key))
        .filter(|(key, _)| preloaded(&key.0) || !key.1.is_empty())
        .map(|((m, f, a), by)| {
            let some: Vec<_> = by.iter().take(3).cloned().collect();
            format!("{m}:{f}/{a}  (called by {}{})", some.join(", "), if by.len() > 3 { ", ..." } else { "" })
        })
        .collect())
}

fn beams(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut here: Vec<PathBuf> = std::fs::read_dir(dir)?
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|x| x == "beam"))
        .collect();
    here.sort();
    files.append(&mut here);
    Ok(())
}
