//! Compiles the functions that take any number of arguments, which stable Rust cannot define.

fn main() {
    println!("cargo:rerun-if-changed=src/variadic.c");
    cc::Build::new().file("src/variadic.c").warnings_into_errors(true).compile("purlin_variadic");
}
