//! The embedding API: an engine over the installed OTP and Elixir libraries.

#![forbid(unsafe_code)]

pub mod args;
pub mod boot;
pub mod elixir;
pub mod install;

pub use args::CommandLine;
pub use install::{Elixir, Otp};
pub use purlin_vm::Config;
pub mod missing;
