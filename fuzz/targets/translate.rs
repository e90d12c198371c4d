//! Code that the reader accepts: every function has a translation, or an error.
#![no_main]

use purlin_fuzz_targets::engine;
use purlin_vm::code::{self, Unfinished};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let code = &engine().code;
    let Ok(module) = Unfinished::prepare(code, bytes) else { return };
    module.with(|m| {
        for entry in m.functions() {
            let _ = code::translate(code, entry);
        }
    });
});
