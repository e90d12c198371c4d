//! Every module of the installed OTP and Elixir, as a corpus.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{BeamFile, Instruction, Operand};

/// All `.beam` files below the installed libraries, in a stable order; empty
/// (and said so) where nothing is installed.
pub(super) fn corpus() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for root in ["/usr/lib/erlang", "/usr/lib/elixir"] {
        collect(Path::new(root), &mut files);
    }
    files.sort();
    if files.is_empty() {
        eprintln!("skipped: no .beam files below /usr/lib/erlang and /usr/lib/elixir");
    }
    files
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let (path, kind) = (entry.path(), entry.file_type());
        if kind.is_ok_and(|kind| kind.is_dir()) {
            collect(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "beam") && path.is_file() {
            files.push(path);
        }
    }
}

/// What the real `erl` answers for each file, when the fun in `ask` (Erlang
/// source, from file name to text of one line) is applied to it.
pub(super) fn asked_of_erl(files: &[PathBuf], ask: &str) -> Vec<(PathBuf, String)> {
    static LISTS: AtomicU32 = AtomicU32::new(0);
    let number = LISTS.fetch_add(1, Ordering::Relaxed);
    let list = std::env::temp_dir().join(format!("purlin-beam-{}-{number}", std::process::id()));
    let paths: Vec<_> = files.iter().map(|path| path.to_string_lossy()).collect();
    std::fs::write(&list, paths.join("\n")).unwrap();
    let program = format!(
        r#"{{ok, List}} = file:read_file(os:getenv("FILES")),
        Ask = {ask},
        [io:format("~ts~n", [Ask(binary_to_list(File))])
            || File <- binary:split(List, <<"\n">>, [global, trim_all])],
        halt(0)."#
    );
    let output = Command::new("erl").args(["-noshell", "-eval", &program]).env("FILES", &list).output();
    std::fs::remove_file(&list).unwrap();
    let Ok(output) = output else {
        eprintln!("skipped: no erl to compare with");
        return Vec::new();
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<_> = text.lines().map(|line| line.trim().to_owned()).collect();
    assert_eq!(answers.len(), files.len(), "{text}");
    files.iter().cloned().zip(answers).collect()
}

/// The instructions that `beam_disasm` lists, which leaves out the last one.
const COUNT: &str = r#"fun(File) ->
    {beam_file, _, _, _, _, Functions} = beam_disasm:file(File),
    integer_to_list(1 + lists:sum([length(Code) || {function, _, _, _, Code} <- Functions]))
end"#;

#[test]
fn every_installed_module_decodes_completely() {
    let (mut files, mut instructions, mut typed) = (0, 0u64, 0);
    let corpus = corpus();
    let expected: HashMap<_, _> = asked_of_erl(&corpus, COUNT).into_iter().collect();
    for path in corpus {
        let file = BeamFile::from_vec(std::fs::read(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let index = file.code().index().unwrap();
        let (mut decoder, mut into, mut count) = (file.code().decoder(), Instruction::new(), 0);
        while decoder.next(&mut into).unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
            count += 1;
            typed += into.args().iter().filter(|a| matches!(a, Operand::Typed { .. })).count();
        }
        assert_eq!(count, index.instructions, "{}", path.display());
        if let Some(expected) = expected.get(&path) {
            assert_eq!(count.to_string(), *expected, "{}", path.display());
        }
        assert_eq!(index.functions.len(), file.code().function_count() as usize);
        for export in file.exports() {
            let place = index.function_of_label(export.label).unwrap();
            let function = &index.functions[place];
            assert_eq!((function.name, function.arity), (export.function, export.arity));
            assert_eq!(function.entry, export.label);
        }
        // Decoding function by function sees all but `int_code_end`.
        let mut by_function = 0;
        for function in &index.functions {
            let mut decoder = file.code().decode(function.range.clone());
            while decoder.next(&mut into).unwrap() {
                by_function += 1;
            }
        }
        assert_eq!(by_function + 1, count, "{}", path.display());
        files += 1;
        instructions += count;
    }
    eprintln!("{files} files, {instructions} instructions, {typed} typed operands outside lists");
    // All of Debian's erlang and elixir packages.
    if files == 1_669 {
        assert_eq!(instructions, 3_058_736);
    }
}
