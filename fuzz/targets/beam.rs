//! Module files: the reader and the disassembler.
#![no_main]

use purlin_testkit::fuzz::Target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (Target::named("beam").expect("a target").run)(bytes));
