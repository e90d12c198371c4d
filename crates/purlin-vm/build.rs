//! Tells the interpreter whether the compiler turns calls in tail position into jumps.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(tail_calls)");
    println!("cargo::rerun-if-changed=build.rs");
    let optimised = matches!(std::env::var("OPT_LEVEL").as_deref(), Ok("2" | "3" | "s"));
    if optimised {
        println!("cargo::rustc-cfg=tail_calls");
    }
}
