//! External terms: what is read can be used in every way, and is the same when it was written and read again.
#![no_main]

use purlin_testkit::fuzz::Target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (Target::named("etf").expect("a target").run)(bytes));
