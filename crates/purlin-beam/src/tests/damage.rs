//! Damaged files: refused with the chunk and the byte, never worse.

use super::build::{Module, code, function, words};
use super::installed::corpus;
use crate::{BeamError, BeamErrorKind as Kind, BeamFile, Instruction};

/// Everything that a loader would ask of a file.
fn read_all(bytes: &[u8]) -> Result<(), BeamError> {
    let file = BeamFile::parse(bytes)?;
    file.locals()?;
    let (mut decoder, mut into) = (file.code().decoder(), Instruction::new());
    while decoder.next(&mut into)? {}
    file.code().index().map(|_| ())
}

#[test]
fn every_truncation_is_refused() {
    let literals = [words(&[0, 1, 2]), vec![131, 106]].concat();
    let whole = Module::new().with(b"LitT", literals).bytes();
    read_all(&whole).unwrap();
    for len in 0..whole.len() {
        assert!(read_all(&whole[..len]).is_err(), "{len} bytes");
    }
    for path in corpus().iter().step_by(50) {
        let whole = std::fs::read(path).unwrap();
        for len in (0..whole.len()).step_by(97) {
            assert!(read_all(&whole[..len]).is_err(), "{}: {len} bytes", path.display());
        }
    }
}

#[test]
fn an_error_names_the_chunk_and_the_byte() {
    let plain = Module::new;
    let body = |bytes: &[u8]| plain().body(bytes);
    let index = |table, index| Kind::IndexOutOfRange { table, index };
    let cases: Vec<(Module, &str, usize, Kind)> = vec![
        (plain().without(b"AtU8"), "AtU8", 0, Kind::MissingChunk),
        (plain().without(b"Code"), "Code", 0, Kind::MissingChunk),
        (plain().without(b"ImpT"), "ImpT", 0, Kind::MissingChunk),
        (plain().without(b"ExpT"), "ExpT", 0, Kind::MissingChunk),
        (plain().with(b"AtU8", words(&[0])), "AtU8", 0, Kind::ImplausibleCount(0)),
        (plain().with(b"AtU8", words(&[1 << 30])), "AtU8", 0, Kind::ImplausibleCount(1 << 30)),
        (plain().with(b"AtU8", b"\0\0\0\x01\x01\xff".to_vec()), "AtU8", 5, Kind::BadUtf8),
        (plain().with(b"ImpT", words(&[1, 1, 3, 0])), "ImpT", 8, index("atom", 3)),
        (plain().with(b"ImpT", words(&[1, 1, 2, 256])), "ImpT", 12, Kind::NumberTooLarge),
        (plain().with(b"ImpT", words(&[2, 1, 2, 0])), "ImpT", 0, Kind::ImplausibleCount(2)),
        (plain().with(b"ExpT", words(&[1, 0, 0, 1])), "ExpT", 4, index("atom", 0)),
        (plain().with(b"FunT", words(&[0, 0])), "FunT", 4, Kind::TrailingBytes),
        (plain().with(b"LitT", words(&[1 << 31, 0])), "LitT", 4, Kind::ImplausibleCount(1 << 31)),
        (plain().with(b"LitT", words(&[4, 0])), "LitT", 4, Kind::BadCompression),
        (plain().with(b"LitT", words(&[0, 9])), "LitT", 0, Kind::ImplausibleCount(9)),
        (plain().with(b"LitT", words(&[0, 1, 9])), "LitT", 8, Kind::Truncated),
        (plain().with(b"Line", words(&[0, 0, 0, 1 << 29, 0])), "Line", 12, Kind::ImplausibleCount(1 << 29)),
        (
            plain().with(b"Line", [words(&[0, 0, 0, 1, 0]), vec![0x12, 0x11]].concat()),
            "Line",
            20,
            index("file name", 1),
        ),
        (plain().with(b"Type", words(&[1, 0])), "Type", 4, Kind::ImplausibleCount(0)),
        (plain().with(b"Recs", words(&[1, 0, 0])), "Recs", 0, Kind::BadVersion(1)),
        (plain().with(b"Recs", words(&[0, 9, 0])), "Recs", 4, Kind::ImplausibleCount(9)),
        (plain().with(b"Recs", [words(&[0, 1, 0]), vec![19, 0, 0, 0]].concat()), "Recs", 12, Kind::BadRecord),
        (plain().with(b"Code", words(&[16, 1, 0, 0, 0])), "Code", 4, Kind::BadInstructionSet(1)),
        (plain().with(b"Code", words(&[16, 0, 200, 0, 0])), "Code", 8, Kind::TooNew { max_opcode: 200 }),
        (body(&[0]), "Code", 28, Kind::UnknownOpcode(0)),
        (body(&[255]), "Code", 28, Kind::UnknownOpcode(255)),
        (body(&[64, 0x32, 0x03]), "Code", 29, index("atom", 3)),
        (body(&[64, 0x47, 0x00, 0x03]), "Code", 29, index("literal", 0)),
        (body(&[61, 0x35]), "Code", 29, index("label", 3)),
        (body(&[64, 0x8b, 0x00, 0x03]), "Code", 29, index("register", 1024)),
        (body(&[64, 0x06, 0x03]), "Code", 29, Kind::BadTag(6)),
        (body(&[64, 0x07, 0x03]), "Code", 29, Kind::BadTag(7)),
        // A list anywhere but at the end, within a list, or longer than the chunk.
        (body(&[64, 0x17, 0x00, 0x03]), "Code", 29, Kind::BadTag(7)),
        (body(&[164, 0x03, 0x17, 0x10, 0x17, 0x00]), "Code", 32, Kind::BadTag(7)),
        (body(&[164, 0x03, 0x17, 0x90]), "Code", 30, Kind::ImplausibleCount(9)),
        (body(&[1, 0x20]), "Code", 28, Kind::DuplicateLabel(2)),
        (body(&[16, 0x37, 0x40]), "Code", 29, Kind::ImplausibleCount(4)),
        (plain().with(b"Code", code(2, 1, &function(&[]))), "Code", 26, index("label", 2)),
        (
            plain().with(b"Code", code(3, 1, &[2, 0x12, 0x22, 0x00, 3])),
            "Code",
            20,
            Kind::BadFunction("no label before func_info"),
        ),
        (
            plain().with(b"Code", code(3, 1, &[1, 0x10, 2, 0x12, 0x22, 0x00, 19, 3])),
            "Code",
            26,
            Kind::BadFunction("no label behind func_info"),
        ),
        (plain().with(b"Code", code(3, 1, &[1, 0x10])), "Code", 22, Kind::Truncated),
    ];
    for (module, chunk, offset, kind) in cases {
        let Err(error) = read_all(&module.bytes()) else {
            panic!("accepted: {chunk} {offset} {kind:?}");
        };
        let name = error.chunk.map(|name| name.to_string()).unwrap_or_default();
        assert_eq!((&*name, error.offset, error.kind), (chunk, offset, kind), "{error}");
        let text = error.to_string();
        assert!(text.starts_with(&format!("chunk {chunk}, byte {offset}: ")), "{text}");
    }
}

#[test]
fn a_file_that_is_no_module_is_called_that() {
    for bytes in [&b""[..], b"FOR", b"hello, world", b"FOR1\0\0\0\x04WAVE"] {
        assert_eq!(read_all(bytes).unwrap_err().kind, Kind::NotABeamFile);
    }
}

#[test]
fn long_numbers_whose_length_is_long_are_refused_without_recursion() {
    let error = read_all(&Module::new().body(&[0xf8; 100_000]).bytes()).unwrap_err();
    assert_eq!(error.kind, Kind::UnknownOpcode(0xf8));
    let body = [&[16][..], &[0xf8; 100_000]].concat();
    let error = read_all(&Module::new().body(&body).bytes()).unwrap_err();
    assert_eq!((error.kind, error.offset), (Kind::NumberTooLarge, 30));
}
