//! Module files: whatever the bytes, an answer or an error, and what is
//! accepted is consistent.

use std::path::Path;

use purlin_beam::{BeamFile, Instruction, Opcode, Operand, disassemble, find_chunk};

use super::Target;

pub(super) const TARGET: Target = Target { name: "beam", corpus, run };

/// What a loader reads. The rest (documentation, debug information) is much
/// larger and would draw most of the damage for nothing.
const KEPT: [&[u8; 4]; 10] = [b"AtU8", b"Code", b"StrT", b"ImpT", b"ExpT", b"FunT", b"LitT", b"LocT", b"Line", b"Type"];

/// A spread of the installed modules, small ones first and foremost.
fn corpus() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for root in ["/usr/lib/erlang/lib", "/usr/lib/elixir/lib"] {
        collect(Path::new(root), &mut files);
    }
    files.sort();
    let modules = files.iter().step_by(5).filter_map(|path| std::fs::read(path).ok());
    let stripped = modules.filter_map(|bytes| stripped(&BeamFile::from_vec(bytes).ok()?));
    stripped.filter(|bytes| bytes.len() < 20_000).collect()
}

fn collect(dir: &Path, files: &mut Vec<std::path::PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "beam") {
            files.push(path);
        }
    }
}

/// The file with the kept chunks only, its literals not compressed: damage to
/// compressed data would hardly ever get past decompression.
fn stripped(file: &BeamFile) -> Option<Vec<u8>> {
    let mut form = b"BEAM".to_vec();
    for name in KEPT {
        let Some(data) = file.chunk(*name) else { continue };
        let data = match name {
            b"LitT" => plain_literals(file),
            _ => data.to_vec(),
        };
        form.extend(name);
        form.extend(u32::try_from(data.len()).ok()?.to_be_bytes());
        form.extend(data);
        form.resize(form.len().next_multiple_of(4), 0);
    }
    let size = u32::try_from(form.len()).ok()?.to_be_bytes();
    Some([b"FOR1", &size[..], &form].concat())
}

fn plain_literals(file: &BeamFile) -> Vec<u8> {
    let mut data = vec![0; 4];
    data.extend((file.literals().len() as u32).to_be_bytes());
    for literal in file.literals().iter() {
        data.extend((literal.len() as u32).to_be_bytes());
        data.extend(literal);
    }
    data
}

fn run(bytes: &[u8]) {
    let Ok(file) = BeamFile::parse(bytes) else { return };
    let _ = file.locals();
    for name in file.chunk_names().take(32) {
        let chunk = file.chunk(name.0);
        assert!(chunk.is_some());
        assert_eq!(find_chunk(file.bytes(), name.0), Ok(chunk));
    }
    assert!(file.checksum_parts().map(<[u8]>::len).sum::<usize>() <= 9 * file.bytes().len());
    let whole = decode(&file, file.code().range(), true);
    if let Ok(index) = file.code().index() {
        let mut count = 0;
        let mut all = true;
        for function in &index.functions {
            assert!(function.range.start < function.range.end);
            assert_eq!(index.label(function.info_label), Some(function.range.start));
            assert!(file.atom(function.name).is_some());
            for (label, at) in index.labels_of(function) {
                assert_eq!(index.label(*label), Some(*at));
            }
            match decode(&file, function.range.clone(), false) {
                Some(within) => count += within,
                None => all = false,
            }
        }
        assert!(whole.is_none_or(|whole| whole == index.instructions && all));
        assert!(count <= index.instructions);
    }
    if let Ok(listing) = disassemble(&file) {
        assert!(listing.starts_with("module "));
    }
}

/// Decodes a range and checks what each operand promises; the number of
/// instructions, if it can be decoded.
fn decode(file: &BeamFile, range: std::ops::Range<u32>, whole: bool) -> Option<u64> {
    let code = file.code();
    let mut decoder = if whole { code.decoder() } else { code.decode(range.clone()) };
    let (mut into, mut count) = (Instruction::new(), 0);
    while decoder.next(&mut into).ok()? {
        count += 1;
        assert!(range.contains(&into.offset));
        assert_eq!(into.args().len(), into.op.arity());
        for operand in into.args().iter().chain(into.list()) {
            match *operand {
                Operand::Atom(index) => assert!(index == 0 || file.atom(index).is_some()),
                Operand::Literal(index) => assert!(file.literals().get(index).is_some()),
                Operand::Label(label) => assert!(label == 0 || label < code.label_count()),
                Operand::X(n) | Operand::Y(n) | Operand::FloatReg(n) => assert!(n < 1024),
                Operand::BigI { start, len } => {
                    assert!(code.bytes_at(start, len).is_some_and(|bytes| bytes.len() > 8));
                }
                Operand::Typed { type_index, .. } => {
                    assert!(file.types().is_none_or(|types| types.len() > type_index as usize));
                }
                _ => {}
            }
        }
    }
    assert!(!whole || into.op == Opcode::IntCodeEnd);
    Some(count)
}
