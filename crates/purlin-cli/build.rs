//! The program exports what native libraries look for in it.

/// The functions of `erl_nif.h` and `erl_driver.h`, by what their names begin with.
const FUNCTIONS: &[&str] = &[
    "enif_*",
    "erl_drv_*",
    "driver_*",
    "add_driver_entry",
    "erl_errno_id",
    "get_port_flags",
    "null_func",
    "remove_driver_entry",
    "set_busy_port",
    "set_port_control_flags",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for functions in FUNCTIONS {
        println!("cargo::rustc-link-arg-bins=-Wl,--export-dynamic-symbol={functions}");
    }
}
