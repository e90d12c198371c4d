use super::build::{Module, words};
use super::installed::corpus;
use crate::{BeamFile, Disassembler, disassemble};

#[test]
fn a_listing_resolves_what_operands_refer_to() {
    let literal = [words(&[0, 1, 2]), vec![131, 106]].concat();
    let line = [words(&[0, 0, 1, 1, 0]), vec![0x71]].concat();
    let file = Module::new()
        .body(&[
            153, 0x10, // line 1
            64, 0x47, 0x00, 0x03, // move literal 0 x0
            45, 0x05, 0x13, // is_integer 0 x1
            59, 0x03, 0x25, 0x17, 0x20, 0x22, 0x15, // select_val x0 2 [f, 1]
            92, 0x20, 0x10, // bs_put_string 2 1
            78, 0x10, 0x00, // call_ext_only 1 0
        ])
        .with(b"StrT", b"abc".to_vec())
        .with(b"ImpT", words(&[1, 1, 2, 1]))
        .with(b"LitT", literal)
        .with(b"Line", line);
    let file = BeamFile::parse(&file.bytes()).unwrap();
    let expected = "\
module m
export f/0

f/0
  L1:
    func_info m f 0
  L2:
    line m.erl:7
    move #lit 0 x0
    is_integer - x1
    select_val x0 L2 [f, L1]
    bs_put_string 2 \"bc\"
    call_ext_only 1 m:f/1
";
    assert_eq!(disassemble(&file).unwrap(), expected);
    let printer = |bytes: &[u8]| (bytes == [131, 106]).then(|| "[]".into());
    let listing = Disassembler::with_literals(&file, &printer).module().unwrap();
    assert!(listing.contains("    move [] x0\n"), "{listing}");
}

#[test]
fn every_installed_module_has_a_listing() {
    let mut bytes = 0;
    for path in corpus() {
        let file = BeamFile::from_vec(std::fs::read(&path).unwrap()).unwrap();
        let listing = disassemble(&file).unwrap();
        assert!(!listing.contains("#atom"), "{}", path.display());
        bytes += listing.len();
    }
    eprintln!("{bytes} bytes of listings");
}
