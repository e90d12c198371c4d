use std::io::Write;

use super::build::{Module, words, zlib};
use crate::{BeamFile, DefaultValue, Instruction, LineEntry, Opcode, Operand, RecordDefinition, Register, TypeEntry};

fn parse(module: Module) -> BeamFile {
    BeamFile::parse(&module.bytes()).unwrap()
}

/// The first instruction of the body, and the list in it.
fn first(module: Module) -> (Opcode, Vec<Operand>, Vec<Operand>) {
    let file = parse(module);
    let (mut decoder, mut into) = (file.code().decoder(), Instruction::new());
    for _ in 0..4 {
        assert!(decoder.next(&mut into).unwrap());
    }
    (into.op, into.args().to_vec(), into.list().to_vec())
}

#[test]
fn a_small_module_reads_back() {
    let file = parse(Module::new());
    assert_eq!(file.module(), "m");
    assert_eq!(file.atom(0), None);
    assert_eq!(file.atom(2), Some("f"));
    let index = file.code().index().unwrap();
    let function = &index.functions[0];
    assert_eq!((function.name, function.arity), (2, 0));
    assert_eq!((function.info_label, function.entry), (1, 2));
    assert_eq!(function.range, 20..29);
    assert_eq!(index.label(2), Some(26));
    assert_eq!(index.function_of_label(2), Some(0));
    assert_eq!(index.labels_of(function), [(1, 20), (2, 26)]);
    assert_eq!(index.instructions, 5);
}

#[test]
fn a_gzipped_file_reads_as_the_plain_one() {
    let plain = Module::new().bytes();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
    encoder.write_all(&plain).unwrap();
    let file = BeamFile::parse(&encoder.finish().unwrap()).unwrap();
    assert_eq!(file.bytes(), plain);
}

#[test]
fn negative_atom_count_means_compact_lengths() {
    let long = "é".repeat(200);
    let mut data = words(&[-2i32 as u32]);
    data.extend([0x10, b'm']);
    // 400 bytes: two-byte form, 3 high bits in the tag byte.
    data.extend([0x08 | 1 << 5, (400 - 256) as u8]);
    data.extend(long.as_bytes());
    assert_eq!(parse(Module::new().with(b"AtU8", data)).atom(2), Some(&*long));
}

#[test]
fn old_atom_chunk_is_latin1() {
    let data = [words(&[2]), b"\x01m\x01\xe9".to_vec()].concat();
    let module = Module::new().without(b"AtU8").with(b"Atom", data);
    assert_eq!(parse(module).atom(2), Some("é"));
}

#[test]
fn literals_come_compressed_or_plain() {
    let data = [words(&[2, 2]), vec![131, 106], words(&[3]), vec![131, 97, 7]].concat();
    let size = words(&[data.len() as u32]);
    for chunk in [[words(&[0]), data.clone()].concat(), [size, zlib(&data)].concat()] {
        let file = parse(Module::new().with(b"LitT", chunk));
        let literals: Vec<&[u8]> = file.literals().iter().collect();
        assert_eq!(literals, [&[131, 106][..], &[131, 97, 7]]);
        assert_eq!(file.literals().get(2), None);
    }
}

#[test]
fn line_entries_count_from_the_undefined_location() {
    // Lines 7 and 300 of the module's own file, then line 1 of another.
    let items = [0x71, 0x29, 0x2c, 0x12, 0x11];
    let data = [words(&[0, 0, 3, 3, 1]), items.to_vec(), b"\0\x05x.hrl".to_vec()].concat();
    let file = parse(Module::new().with(b"Line", data));
    let lines = file.lines();
    assert_eq!(lines.entries[0], LineEntry { file: 0, line: 0 });
    assert_eq!(lines.location(0), None);
    assert_eq!(lines.location(1), Some(("m.erl", 7)));
    assert_eq!(lines.location(2), Some(("m.erl", 300)));
    assert_eq!(lines.location(3), Some(("x.hrl", 1)));
    assert_eq!(lines.location(4), None);
}

#[test]
fn types_of_both_known_versions_mean_the_same() {
    let bounds = |min: i64, max: i64| [min.to_be_bytes(), max.to_be_bytes()].concat();
    let any = [&[0x1f, 0xff][..], &bounds(0, -1)].concat();
    let integer = [&[0x00, 0x40][..], &bounds(1, 10)].concat();
    let otp25 = [words(&[1, 2]), any, integer].concat();
    let otp27 = [words(&[3, 2]), vec![0x0f, 0xff, 0x30, 0x20], bounds(1, 10)].concat();
    for data in [otp25, otp27] {
        let file = parse(Module::new().with(b"Type", data));
        let [any, integer] = file.types().unwrap() else { panic!("two types") };
        assert_eq!((any.set, any.min), (TypeEntry::ANY, None));
        assert_eq!(integer.to_string(), "integer(1..10)");
    }
    let future = parse(Module::new().with(b"Type", words(&[99, 1])));
    assert_eq!(future.types(), None);
}

#[test]
fn records_have_fields_with_and_without_defaults() {
    // A record of the atoms 1 and 2 whose fields have no default, an integer, a large one.
    let fields = [0x17, 0x60, 0x12, 0x00, 0x22, 0x51, 0x12, 0xf9, 0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    let chunk = [words(&[0, 1, 3]), vec![5, 0x12, 0x22], fields.to_vec()].concat();
    let file = parse(Module::new().with(b"Recs", chunk));
    let big = vec![1, 0, 0, 0, 0, 0, 0, 0, 0];
    let fields =
        vec![(1, None), (2, Some(DefaultValue::Operand(Operand::I(5)))), (1, Some(DefaultValue::BigInteger(big)))];
    assert_eq!(file.records(), [RecordDefinition { name: 1, exported: 2, fields }]);
}

#[test]
fn operands_of_every_kind_decode() {
    let literal = [words(&[0, 1, 2]), vec![131, 106]].concat();
    let x0 = 0x03;
    let move_from = |source: &[u8]| {
        let body = [&[64], source, &[x0]].concat();
        let module = Module::new().body(&body).with(b"LitT", literal.clone());
        let (op, args, _) = first(module);
        assert_eq!((op, args.len()), (Opcode::Move, 2));
        assert_eq!(args[1], Operand::X(0));
        args[0]
    };
    let cases: &[(&[u8], Operand)] = &[
        (&[0x50], Operand::U(5)),
        (&[0x28, 0x01], Operand::U(257)),
        (&[0x51], Operand::I(5)),
        (&[0x29, 0x01], Operand::I(257)),
        (&[0x19, 0xff, 0xfe], Operand::I(-2)),
        (&[0xd9, 0x7f, 0, 0, 0, 0, 0, 0, 1], Operand::I(0x7f00_0000_0000_0001)),
        (&[0xf9, 0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0], Operand::BigI { start: 31, len: 9 }),
        (&[0xd8, 0xff, 0, 0, 0, 0, 0, 0, 1], Operand::Overflow),
        (&[0x02], Operand::Atom(0)),
        (&[0x22], Operand::Atom(2)),
        (&[0x6b, 0xff], Operand::X(1023)),
        (&[0x34], Operand::Y(3)),
        (&[0x15], Operand::Label(1)),
        (&[0x47, 0x00], Operand::Literal(0)),
        (&[0x27, 0x30], Operand::FloatReg(3)),
        (&[0x37, 0x20, 0x00, 0x40, 0x20, 0x10], Operand::AllocList { words: 4, floats: 0, funs: 1 }),
        (&[0x57, 0x24, 0x90], Operand::Typed { register: Register::Y(2), type_index: 9 }),
    ];
    for (bytes, expected) in cases {
        assert_eq!(move_from(bytes), *expected, "{bytes:02x?}");
    }
}

#[test]
fn a_list_is_kept_beside_its_operand() {
    // put_tuple2 x1 [atom m, x2, 5]
    let (op, args, list) = first(Module::new().body(&[164, 0x13, 0x17, 0x30, 0x12, 0x23, 0x51]));
    assert_eq!(op, Opcode::PutTuple2);
    assert_eq!(args, [Operand::X(1), Operand::List { len: 3 }]);
    assert_eq!(list, [Operand::Atom(1), Operand::X(2), Operand::I(5)]);
}

#[test]
fn the_skim_keeps_step_past_a_line_that_is_no_number() {
    // line {literal, 0}, which no compiler writes; what follows is still found.
    let literal = [words(&[0, 1, 2]), vec![131, 106]].concat();
    let file = parse(Module::new().body(&[153, 0x47, 0x00, 19]).with(b"LitT", literal));
    assert_eq!(file.code().index().unwrap().instructions, 6);
}
