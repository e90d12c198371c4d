//! Every module of the installed OTP and Elixir, as a corpus.

use std::path::{Path, PathBuf};

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

#[test]
fn every_installed_module_decodes_completely() {
    let (mut files, mut instructions, mut typed) = (0, 0u64, 0);
    for path in corpus() {
        let file = BeamFile::from_vec(std::fs::read(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let index = file.code().index().unwrap();
        let (mut decoder, mut into, mut count) = (file.code().decoder(), Instruction::new(), 0);
        while decoder
            .next(&mut into)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        {
            count += 1;
            typed += into
                .args()
                .iter()
                .filter(|a| matches!(a, Operand::Typed { .. }))
                .count();
        }
        assert_eq!(count, index.instructions, "{}", path.display());
        assert_eq!(index.functions.len(), file.code().function_count() as usize);
        for export in file.exports() {
            let place = index.function_of_label(export.label).unwrap();
            let function = &index.functions[place];
            assert_eq!(
                (function.name, function.arity),
                (export.function, export.arity)
            );
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
    if files == 1_669 {
        assert_eq!(instructions, 3_058_736);
    }
}
