//! Packets of another node: whatever they are, messages or an error, and what is read can be sent and read again.
#![no_main]

use purlin_testkit::fuzz::Target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (Target::named("distribution").expect("a target").run)(bytes));
