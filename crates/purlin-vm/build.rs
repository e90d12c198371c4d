//! Tells the interpreter whether the compiler turns calls in tail position into jumps.
//!
//! Stable Rust does not promise that. It was seen to, and `scripts/check-dispatch` checks it, for optimised builds on these
//! architectures; elsewhere, and with the feature `portable-dispatch`, handlers return to a loop after each instruction.

const ARCHITECTURES: &[&str] = &["x86_64", "aarch64"];

fn main() {
    println!("cargo::rustc-check-cfg=cfg(tail_calls)");
    println!("cargo::rerun-if-changed=build.rs");
    let set = |name: &str| std::env::var(name).unwrap_or_default();
    let optimised = matches!(set("OPT_LEVEL").as_str(), "2" | "3" | "s");
    let known = ARCHITECTURES.contains(&set("CARGO_CFG_TARGET_ARCH").as_str());
    if optimised && known && set("CARGO_FEATURE_PORTABLE_DISPATCH").is_empty() {
        println!("cargo::rustc-cfg=tail_calls");
    }
}
